"""Measure every claim of the course and store the values for the page "What we checked".

    python tools/store_claims.py          (`make data`)
    python tools/store_claims.py 5        only those of chapter 5

All of them take some minutes. ``book/claims.json`` holds, for each claim, its value for the seeds
0 to 4, or one value where nothing is random.
"""

import json
import sys
from pathlib import Path

from adl import claims

FILE = Path(__file__).resolve().parent.parent / "book" / "claims.json"


def main() -> None:
    """Write the file."""
    chapter = int(sys.argv[1]) if len(sys.argv) > 1 else None
    measured = claims.measure_all(chapter)
    kept = {} if chapter is None else claims.stored(FILE)
    names = [found.id for found in claims.every() if found.id in {**kept, **measured}]
    document = {
        "made_by": "make data (tools/store_claims.py)",
        "values": {name: measured.get(name, kept.get(name)) for name in names},
    }
    FILE.write_text(json.dumps(document, indent=1) + "\n", "utf8")
    print(f"stored {len(document['values'])} claims in {FILE.name}")


if __name__ == "__main__":
    main()
