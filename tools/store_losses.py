"""Train the networks whose loss and epsilon `adl.live.LossChoice` lets readers choose.

    python tools/store_losses.py          (`make data`)

Takes about half a minute. Five networks learn the singular target for each epsilon and each loss,
as `adl.singular.fit` does by default. Of the five, that whose median squared error is the middle
one is shown: its output along z, and how its squared errors are spread. The learning curve is that
of all five. Such trainings are not chaotic: run again, all numbers in ``adl/live/losses.json`` are
the same, but for a last digit where a value is half-way between two.

The stored numbers: ``output`` in hundredths on a two-sided axis of decimal logarithms, ``at`` the
places on a grid of `PLACES` values of z from -1 to 1 that these belong to, left out where a line
comes within a hundredth; ``errors`` the shares of the examples, in thousandths, by the decimal
logarithm of their squared error, in `BINS` bins from `LOW` to `HIGH` (what is beyond is in the
outermost); ``left`` the loss as a share of what always saying 0 costs, in thousandths, the median
of the five networks and of `TOGETHER` steps; ``median`` of the squared errors in hundredths of its
decimal logarithm; ``explained`` in thousandths; ``peak`` the output at z = 0.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adl.dependence import along_z
from adl.losses import LOSSES
from adl.singular import EPSILONS, Fitted, baselines, fit, held_out, measure
from store_intervention import thinned

FILE = Path(__file__).resolve().parent.parent / "adl" / "live" / "losses.json"

PLACES = 401
LOW, HIGH, BINS = -8, 10, 30
TOGETHER = 20


def spread(squares: Tensor) -> dict[str, Any]:
    """Return how squared errors are spread, as the file holds it."""
    logs = squares.log10().numpy()
    counts, _ = np.histogram(logs.clip(LOW, HIGH), BINS, (LOW, HIGH))
    return {
        "errors": (1000 * counts / len(logs)).round().astype(int).tolist(),
        "median": round(100 * float(np.median(logs))),
    }


def stored(fitted: Fitted, epsilon: float) -> dict[str, Any]:
    """Return what the file holds of a loss at one epsilon."""
    measured = measure(fitted).query("epsilon == @epsilon").sort_values("median")
    typical = measured.iloc[len(measured) // 2]
    place = int(typical["network"])
    net = fitted.of(epsilon).some(slice(place, place + 1))
    outputs = along_z(net, points=PLACES)[0]
    # A hundredth on the axis is a third of a pixel.
    heights = (100 * outputs.sign() * outputs.abs().add(1).log10()).round().int().numpy()
    kept = thinned(heights)
    inputs, targets = held_out(epsilon)
    with torch.no_grad():
        squares = (net(inputs)[0] - targets).square()
    left = fitted.left[:, fitted.epsilons.index(epsilon)]
    left = np.median(left.reshape(len(left) // TOGETHER, -1).numpy(), 1)
    return {
        "at": kept,
        "output": heights[kept].tolist(),
        "peak": float(f"{outputs[PLACES // 2]:.2g}"),
        **spread(squares),
        "left": (1000 * left).round().astype(int).tolist(),
        "explained": round(1000 * typical["explained"]),
    }


def main() -> None:
    """Write the file."""
    torch.set_num_threads(1)  # more only wait for each other
    trained = {loss: fit(loss) for loss in LOSSES}
    document = {
        "made_by": "make data (tools/store_losses.py)",
        "losses": list(LOSSES),
        "together": TOGETHER,
        "low": LOW,
        "high": HIGH,
        "places": PLACES,
        "epsilons": [
            {
                "epsilon": epsilon,
                "baselines": {name: spread(each) for name, each in baselines(epsilon).items()},
                "runs": [stored(fitted, epsilon) for fitted in trained.values()],
            }
            for epsilon in sorted(EPSILONS)
        ],
    }
    FILE.write_text(json.dumps(document, separators=(",", ":")) + "\n", "utf8")
    print(f"stored {len(LOSSES)} losses at {len(EPSILONS)} epsilons in {FILE.name}")


if __name__ == "__main__":
    main()
