"""Measure every claim of the course and store the values for the page "What we checked".

    python tools/store_claims.py          (`make data`)

Takes a minute or two. ``book/claims.json`` holds, for each claim, its value for the seeds 0 to 4,
or one value where nothing is random.
"""

import json
from pathlib import Path

from adl import claims

FILE = Path(__file__).resolve().parent.parent / "book" / "claims.json"


def main() -> None:
    """Write the file."""
    document = {
        "made_by": "make data (tools/store_claims.py)",
        "values": claims.measure_all(),
    }
    FILE.write_text(json.dumps(document, indent=1) + "\n", "utf8")
    print(f"stored {len(document['values'])} claims in {FILE.name}")


if __name__ == "__main__":
    main()
