"""Train the networks whose learning rate `adl.live.Intervention` lets readers change.

    python tools/store_intervention.py          (`make data`)

Takes about a minute. Ten networks learn the singular function with Adam at 0.02; after 1200
steps the rate changes to each of `RATES`, from the same state, for 800 steps more. What is stored
in ``adl/live/intervention.json`` is the most typical of the ten, that whose ranks in four
measurements (see `most_typical`) are nearest to the middle. Left out of the choice are networks in
which a spike wakes a unit that has never had a gradient: Adam divides by next to nothing then, and
a single reading is a hundred thousand. Nothing else is done to the runs than rounding, and leaving
out points of the loss without which the line stays within 2.5%.

The stored numbers: ``loss`` in hundredths of its decimal logarithm, ``at`` the steps since the
change that these belong to, ``product`` (step size × curvature) in thousandths, every 10 steps.
"""

import copy
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from adl import edge, fluctuations
from adl.data import singular_batch
from adl.models import StackedMLP
from adl.training import StackedAdam, train_stacked

FILE = Path(__file__).resolve().parent.parent / "adl" / "live" / "intervention.json"

NETWORKS, SEED = 10, 0
RATE, STEPS, SHOWN = 0.02, 1200, 300
AFTER, EVERY = 800, 10
TOLERANCE = 1  # hundredth of a power of ten
ABSURD = 20  # the largest reading that a change of the rate can explain is 2 x 4

# From a sixteenth of the old rate to four times it, two to each factor of two.
RATES = [float(f"{RATE * 2 ** (k / 2):.3g}") for k in range(-8, 5)]

Batch = tuple[Tensor, Tensor]


def networks() -> tuple[StackedAdam, Batch]:
    """Return the optimiser, which knows the networks, and what they learn: both new."""
    net = StackedMLP(NETWORKS, inputs=3, hidden=(32, 32), seed=SEED)
    return StackedAdam(net), singular_batch(NETWORKS, 200, seed=SEED + 1)


def watched(adam: StackedAdam, batch: Batch, rate: float, steps: int) -> tuple[Tensor, Tensor]:
    """Train, and return losses and products: the latter also before the first step."""
    first = edge.stability(adam, batch, rate)
    seen = edge.watch(adam, batch, step_size=rate, steps=steps, every=EVERY)
    return seen.losses, torch.cat([first[None], seen.products])


def changed(adam: StackedAdam, batch: Batch, rate: float) -> tuple[Tensor, Tensor]:
    """As `watched`, from where the rate changes; the optimiser stays as it is."""
    return watched(copy.deepcopy(adam), batch, rate, AFTER)


def most_typical(before: Tensor, after: dict[float, tuple[Tensor, Tensor]]) -> int:
    """Return the network nearest to the middle of all, by its ranks in four measurements."""
    losses, products = after[RATES[-1]]
    measured = torch.stack(
        [
            torch.from_numpy(fluctuations.spread(before, SHOWN, detrend=True)[-1]),  # oscillation
            after[RATE / 4][1][-1],  # recharge
            losses.amax(0) / before.median(0).values,  # spike
            products[50 // EVERY],  # how far the curvature gives way
        ]
    )
    ranks = measured.argsort(1).argsort(1)
    distance = (ranks - (NETWORKS - 1) / 2).abs().sum(0)
    readings = torch.cat([products for _, products in after.values()])
    return int(distance.where(readings.amax(0) < ABSURD, torch.inf).argmin())


def thinned(values: np.ndarray) -> list[int]:
    """Return the places of those values between which straight lines come close to all others."""
    kept, open_ = {0, len(values) - 1}, [(0, len(values) - 1)]
    while open_:
        first, last = open_.pop()
        line = np.linspace(values[first], values[last], last - first + 1)
        off = np.abs(values[first : last + 1] - line)
        if off.max() > TOLERANCE:
            middle = first + int(off.argmax())
            kept.add(middle)
            open_ += [(first, middle), (middle, last)]
    return sorted(kept)


def stored(losses: Tensor, products: Tensor, start: int) -> dict[str, list[int]]:
    """Return one network's losses and products, as the file holds them."""
    logs = (100 * losses.log10()).round().int().numpy()
    kept = thinned(logs)
    return {
        "at": [start + place for place in kept],
        "loss": logs[kept].tolist(),
        "product": (1000 * products).round().int().tolist(),
    }


def main() -> None:
    """Write the file."""
    torch.set_num_threads(1)  # more only wait for each other
    adam, batch = networks()
    train_stacked(adam, batch, step_size=RATE, steps=STEPS - SHOWN)
    losses, products = watched(adam, batch, RATE, SHOWN)
    after = {rate: changed(adam, batch, rate) for rate in RATES}
    chosen = most_typical(losses, after)
    # The loss at the change, which is the first of every run after it, joins the lines.
    joined = torch.cat([losses, after[RATE][0][:1]])
    document = {
        "made_by": "make data (tools/store_intervention.py)",
        "network": chosen,
        "rate": RATE,
        "steps": STEPS,
        "every": EVERY,
        "before": stored(joined[:, chosen], products[:, chosen], -SHOWN),
        "after": [
            {"rate": rate, **stored(run[0][:, chosen], run[1][:, chosen], 0)}
            for rate, run in after.items()
        ],
    }
    FILE.write_text(json.dumps(document, separators=(",", ":")) + "\n", "utf8")
    print(f"stored network {chosen} at {len(RATES)} rates in {FILE.name}")


if __name__ == "__main__":
    main()
