"""Train networks of four widths at the practical's own protocol, and store what was measured.

50,000 steps at a learning rate of 0.002, widths 5, 10, 100 and 1000, five initialisations each: too
long for a chapter. Written to ``adl/width.json``, which `adl.width.long_runs` reads: for each width
the loss and the relative movement of the output weights, at steps that lie evenly on a log scale.
"""

import json
from pathlib import Path

import torch

from adl.width import LONG_RUN, long_run

FILE = Path(__file__).resolve().parent.parent / "adl" / "width.json"


def main() -> None:
    """Train, and write the file."""
    torch.set_num_threads(1)
    runs = [long_run(width).to_dict("list") for width in LONG_RUN["widths"]]
    FILE.write_text(json.dumps({"runs": runs}) + "\n", "utf8")


if __name__ == "__main__":
    main()
