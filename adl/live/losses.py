"""A figure of chapter 4: what networks learn of the singular target, under seven losses."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from adl import _inputs
from adl.live._figure import Figure
from adl.plotting import digits

__all__ = ["LossChoice"]


class LossChoice(Figure):
    """Networks that have learned the singular target, with loss and epsilon for readers to choose.

    Shows a network's output along z where x = y = 1, beside the target; how its squared errors on
    new examples are spread, beside two ways to guess; and the loss during the 500 steps of its
    training. The networks were trained beforehand, by ``tools/store_losses.py`` in the course's
    repository. Of five that differ in their starts and batches, the one is shown whose median
    squared error is the middle one.

    Parameters
    ----------
    loss : str, default "MSE"
        The loss that is shown at first, one of `losses`.
    epsilon : float, default 1e-4
        What is added to z² at first, one of `epsilons`.

    Attributes
    ----------
    losses : tuple of str
        Names of the losses to choose from, those of `adl.losses.LOSSES`.
    epsilons : tuple of float
        The epsilons to choose from.

    Raises
    ------
    TypeError, ValueError
        If there is no such loss or no such epsilon.

    See Also
    --------
    adl.singular.fit : trains such networks.

    Examples
    --------
    >>> figure = LossChoice("relative L1")
    >>> figure
    LossChoice('relative L1', epsilon=0.0001)
    >>> figure.fallback[44:113]
    'With relative L1 at epsilon 0.0001, the median squared error is 0.006'
    """

    element = "adl-losses"
    module = "losses.mjs"

    def __init__(self, loss: str = "MSE", epsilon: float = 1e-4) -> None:
        recorded = _recorded()
        self.losses = tuple(recorded["losses"])
        self.epsilons = tuple(targets["epsilon"] for targets in recorded["epsilons"])
        if loss not in self.losses:
            raise ValueError(f"loss: expected one of {', '.join(self.losses)}, got {loss!r:.60}")
        wanted = _inputs.real("epsilon", epsilon)
        # Close is enough: 0.1 in float32 is another number than in float64.
        epsilon = next((known for known in self.epsilons if np.isclose(wanted, known, 1e-5, 0)), 0)
        if not epsilon:
            known = ", ".join(f"{known:g}" for known in self.epsilons)
            raise ValueError(f"epsilon: expected one of {known}, got {wanted:g}")
        self.loss, self.epsilon = loss, epsilon
        shown = recorded["epsilons"][self.epsilons.index(epsilon)]
        said = _sentence(recorded, shown, self.losses.index(loss))
        super().__init__(
            {"loss": loss, "epsilon": epsilon},
            f"Networks have learned x y / (epsilon + z²). {said} With JavaScript, this is a figure "
            "in which you choose the loss and epsilon.",
            data={
                **recorded,
                "epsilons": [
                    {
                        **targets,
                        "says": [_sentence(recorded, targets, i) for i in range(len(self.losses))],
                    }
                    for targets in recorded["epsilons"]
                ],
            },
        )

    def __repr__(self) -> str:
        return f"LossChoice({self.loss!r}, epsilon={self.epsilon:g})"


@cache
def _recorded() -> dict[str, Any]:
    return json.loads(files("adl.live").joinpath("losses.json").read_text("utf-8"))


def _sentence(recorded: dict[str, Any], targets: dict[str, Any], place: int) -> str:
    """What is seen of one loss, in two digits: more would not be those of another network."""
    epsilon, run = targets["epsilon"], targets["runs"][place]
    guesses = sorted(targets["baselines"].items(), key=lambda guess: guess[1]["median"])
    best, other = (f"{name} ({digits(10 ** (of['median'] / 100), 2)})" for name, of in guesses)
    beaten = [run["median"] < of["median"] for _, of in guesses]
    if beaten[0] == beaten[1]:
        verdict = f"{'better' if beaten[0] else 'worse'} than {best} and {other}"
    else:
        verdict = f"worse than {best}, better than {other}"
    return (
        f"With {recorded['losses'][place]} at epsilon {epsilon:g}, the median squared error is "
        f"{digits(10 ** (run['median'] / 100), 2)}, {verdict}. At the peak, where the target is "
        f"{1 / epsilon:,g}, the network says {digits(run['peak'], 2)}. It explains "
        f"{digits(run['explained'] / 10, 2)}% of the targets' variance. In the last "
        f"{recorded['together']} steps the loss (median of five networks) is "
        f"{digits(run['left'][-1] / 10, 2)}% of what always saying 0 costs."
    )
