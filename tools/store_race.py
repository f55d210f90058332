"""Run the race of the schedules again and store it (chapter 3, `adl.race`).

    python tools/store_race.py          (part of `make data`)

Takes about three minutes on one core: four schedules, five rates, twenty seeds.
"""

import json
from pathlib import Path

from adl import race

FILE = Path(race.__file__).with_name("race.json")


def main() -> None:
    """Write the file."""
    document = {"made_by": "make data (tools/store_race.py)", "runs": race.measure_all()}
    FILE.write_text(json.dumps(document, indent=0) + "\n", "utf8")
    print(f"stored {len(document['runs'])} runs in {FILE.name}")


if __name__ == "__main__":
    main()
