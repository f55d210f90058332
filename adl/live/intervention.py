"""A figure of chapter 3: what a change of the learning rate does at the edge of stability."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from adl import _inputs, fluctuations
from adl.live._figure import Figure, short

__all__ = ["Intervention"]

_PARTS = {
    0.0625: "a sixteenth of",
    0.125: "an eighth of",
    0.25: "a quarter of",
    0.5: "half",
    2: "twice",
    4: "four times",
}
_PRESETS = (0.0625, 0.25, 0.5, 1, 2, 4)
_BACK = 1.9  # a product that has come so near to its limit 2 is back at it
_LESS = 0.2  # of the spread before the change: less than that is no oscillation
_SOON = 50  # steps, after which the spike is over
_END = 300  # steps that tell whether the loss oscillates at last


class Intervention(Figure):
    """A network at the edge of stability, with its next learning rate for the reader to choose.

    Shows the loss of one network on a fixed batch, and step size × curvature, whose limit is 2, 300
    steps before and 800 steps after the learning rate changes. The runs were computed beforehand,
    by ``tools/store_intervention.py`` in the course's repository, which also says how this network
    was chosen: it is the most typical of ten.

    Parameters
    ----------
    step_size : float, default 0.005
        Learning rate after the change that is shown at first, one of `step_sizes`.

    Attributes
    ----------
    step_sizes : tuple of float
        Learning rates to choose from; 0.02, the old one, is among them.

    Raises
    ------
    TypeError, ValueError
        If `step_size` is not one of those.

    See Also
    --------
    adl.edge.plot_change : the same for networks of your own, as a picture that keeps still.

    Examples
    --------
    >>> figure = Intervention()
    >>> figure
    Intervention(step_size=0.005)
    >>> figure.fallback[:70]
    'A network has learned for 1200 steps at 0.02, and lives at the edge of'
    """

    element = "adl-intervention"
    module = "intervention.mjs"

    def __init__(self, step_size: float = 0.005) -> None:
        recorded = _recorded()
        runs, before, old = recorded["after"], recorded["before"], recorded["rate"]
        self.step_sizes = tuple(run["rate"] for run in runs)
        wanted = _inputs.real("step_size", step_size)
        # Close is enough: 0.02 in float32 is another number than in float64.
        step_size = next((rate for rate in self.step_sizes if np.isclose(wanted, rate)), None)
        if step_size is None:
            known = ", ".join(f"{rate:g}" for rate in self.step_sizes)
            raise ValueError(f"step_size: expected one of {known}, got {wanted:g}")
        self.step_size = step_size
        every = recorded["every"]
        says = {run["rate"]: _sentence(before, run, old, every) for run in runs}
        super().__init__(
            {"rate": step_size, "old": old, "every": every, "presets": _presets(old)},
            f"A network has learned for {recorded['steps']} steps at {old:g}, and lives at the "
            f"edge of stability. Then the rate changes. {says[step_size]} With JavaScript, this is "
            "a figure in which you choose the new rate.",
            data={
                "before": before,
                "after": [{**run, "says": says[run["rate"]]} for run in runs],
            },
        )

    def __repr__(self) -> str:
        return f"Intervention(step_size={self.step_size:g})"


@cache
def _recorded() -> dict[str, Any]:
    return json.loads(files("adl.live").joinpath("intervention.json").read_text("utf-8"))


def _presets(old: float) -> str:
    """Rates worth a button, each with what it is to the old one."""
    names = {1: "unchanged", **{part: f"× {part:g}" for part in (2, 4)}}
    return ",".join(f"{part * old:g}:{names.get(part) or f'÷ {1 / part:g}'}" for part in _PRESETS)


def _losses(run: dict[str, Any]) -> np.ndarray:
    """Loss before each step."""
    at = np.array(run["at"])
    return 10 ** (np.interp(np.arange(at[0], at[-1] + 1), at, run["loss"]) / 100)


def _oscillates(losses: np.ndarray, before: np.ndarray) -> bool:
    """Whether the loss goes up and down, measured by how much it did before the change."""
    now, then = (fluctuations.spread(run, len(run), detrend=True)[0] for run in (losses, before))
    return bool(now > _LESS * then)


def _sentence(before: dict[str, Any], run: dict[str, Any], old: float, every: int) -> str:
    """What a run shows, read from its data."""
    rate, products = run["rate"], np.array(run["product"]) / 1000
    if rate == old:
        return (
            f"At {rate:g}, the old rate, nothing changes: step size × curvature stays near its "
            f"limit 2, at {np.median(products):.2f} in the median, and the loss goes on "
            "oscillating."
        )
    earlier, losses, last = _losses(before), _losses(run), every * (len(products) - 1)
    part = _PARTS.get(rate / old) or f"{short(rate / old, 2)} times"
    step = "drops" if rate < old else "jumps"
    start = (
        f"At {rate:g}, {part} the old rate, step size × curvature {step} from "
        f"{before['product'][-1] / 1000:.2f} to {products[0]:.2f}, and "
    )
    if rate > old:
        peak = losses.argmax()
        times = float(f"{losses[peak] / np.median(earlier):.1e}")
        return start + (
            f"within {peak} steps the loss shoots up to {times:,.0f} times what it was. The spike "
            f"brings the product far below 2: it is {products[_SOON // every]:.2f} after {_SOON} "
            f"steps, and {products[-1]:.2f} after {last}."
        )
    start += "the loss stops oscillating. "
    if (products < _BACK).all():
        return start + (
            f"Then the product creeps up: after {last} steps it has come to {products[-1]:.2f}."
        )
    again = every * int(np.argmax(products >= _BACK))
    so = "oscillates again" if _oscillates(losses[-_END:], earlier) else "is about to oscillate"
    return (
        start + f"Then the product creeps up: after {again} steps it is near 2, and the loss {so}."
    )
