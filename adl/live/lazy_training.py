"""The figure of chapter 5: when a network learns as its linearisation does, by width and alpha."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from adl import _inputs
from adl.live._figure import Figure
from adl.plotting import digits

__all__ = ["LazyTraining"]


class LazyTraining(Figure):
    """Trained networks beside their linearisations, with width and alpha for readers to choose.

    Shows the data with what one network has learned, and what its linearisation has; and, of ten
    networks, against width and against alpha, how far their output weights and their tangent
    kernels have moved and how far they end from their linearisations. The networks were trained
    beforehand, by ``tools/store_lazy_training.py`` in the course's repository: one hidden layer of
    ReLU, PyTorch's parametrisation, outputs ``alpha (f - f_0)``, gradient descent at
    step size × curvature = 1 until the loss is a tenth of the first.

    Parameters
    ----------
    width : int, default 50
        Of the hidden layer, at first; one of `widths`.
    alpha : float, default 1
        Factor of the outputs at first, one of `alphas`.

    Attributes
    ----------
    widths : tuple of int
        The widths to choose from.
    alphas : tuple of int
        The factors to choose from.

    Raises
    ------
    TypeError, ValueError
        If there is no such width or no such alpha.

    See Also
    --------
    adl.lazy.fit : trains such networks.
    adl.width.to_equal_loss : until their losses have fallen to a share of the first.

    Notes
    -----
    The distance of a network from its linearisation is the root mean square of the difference of
    their outputs on [-1, 1], over that of the labels. The figure calls a setting lazy if the median
    of the ten distances is below 1%, and nearly lazy if it is below 10%.

    Examples
    --------
    >>> figure = LazyTraining(width=1000, alpha=10)
    >>> figure
    LazyTraining(width=1000, alpha=10)
    >>> figure.fallback[93:142]
    'Lazy: of ten networks of width 1000 with alpha 10'
    """

    element = "adl-lazy-training"
    module = "lazy_training.mjs"

    def __init__(self, width: int = 50, alpha: float = 1) -> None:
        recorded = _recorded()
        self.widths = tuple(known["width"] for known in recorded["widths"])
        self.alphas = tuple(run["alpha"] for run in recorded["widths"][0]["runs"])
        self.width = _one_of("width", width, self.widths)
        self.alpha = _one_of("alpha", alpha, self.alphas)
        widths = [
            {**known, "runs": [{**run, "says": _sentence(known, run)} for run in known["runs"]]}
            for known in recorded["widths"]
        ]
        shown = widths[self.widths.index(self.width)]["runs"][self.alphas.index(self.alpha)]
        super().__init__(
            {"width": self.width, "alpha": self.alpha},
            "Networks and their linearisations have learned 15 points, each to a tenth of its "
            f"first loss. {shown['says']} With JavaScript, this is a figure in which you choose "
            "width and alpha.",
            data={**recorded, "widths": widths},
        )

    def __repr__(self) -> str:
        return f"LazyTraining(width={self.width}, alpha={self.alpha})"


@cache
def _recorded() -> dict[str, Any]:
    return json.loads(files("adl.live").joinpath("lazy_training.json").read_text("utf-8"))


def _one_of(name: str, value: Any, known: tuple[int, ...]) -> int:
    wanted = _inputs.real(name, value)
    if wanted not in known:
        raise ValueError(f"{name}: expected one of {', '.join(map(str, known))}, got {wanted:g}")
    return int(wanted)


def _sentence(known: dict[str, Any], run: dict[str, Any]) -> str:
    """What is seen of one setting, in two digits: more would not be those of ten others."""
    shares = {
        name: [f"{digits(100 * value, 2)}%" for value in run[name]]
        for name in ("distance", "movement", "drift")
    }
    distance, movement, drift = (
        (middle, f"({least} to {largest})") for middle, least, largest in shares.values()
    )
    steps = [digits(value, 2) for value in run["steps"]]
    apart = run["distance"][0]
    verdict = "Lazy" if apart < 0.01 else "Nearly lazy" if apart < 0.1 else "Not lazy"
    return (
        f"{verdict}: of ten networks of width {known['width']} with alpha {run['alpha']}, the "
        f"median ends {distance[0]} of the labels’ size away from its linearisation "
        f"{distance[1]}. The output weights moved by {movement[0]} of their size {movement[1]}; "
        f"the tangent kernel drifted by {drift[0]} {drift[1]}. With step size × curvature = 1 at "
        f"the start, below 2, a tenth of the first loss took {steps[0]} steps ({steps[1]} to "
        f"{steps[2]})."
    )
