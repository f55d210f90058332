"""The figure of chapter 1: the step size, the path, and the factor that decides."""

import math
from typing import Any

import numpy as np

from adl import _inputs, model_1p
from adl.live._figure import Figure, short

EPOCHS = 20


class Descent(Figure):
    """Gradient descent on the loss of ``y = w x``, with the step size for the reader to choose.

    Shows 20 steps from w = 0 on the parabola of the loss, the error that is left after each, and
    the factor ``1 - step_size * L''`` by which each step multiplies it.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Inputs and targets: lists, arrays, pandas Series or tensors.
    step_size : float, optional
        Step size at the start; by default about a sixth of the critical one.
    smallest, largest : float, optional
        Ends of the slider; by default about a thirtieth of the critical step size, and 5% more
        than the critical one. For the data of chapter 1 these are 0.001 and 0.031.

    Raises
    ------
    TypeError, ValueError
        If the data cannot be used (see `adl.model_1p.train`), or w = 0 is the optimum already;
        if `smallest` is not positive and below `largest`, `largest` is more than ten times the
        critical step size, or `step_size` is not between the two.

    See Also
    --------
    adl.model_1p.train : the same computation as a table.
    adl.model_1p.plot_train : the path as a picture that keeps still.

    Examples
    --------
    >>> figure = Descent([1, 2], [2, 4], step_size=0.1)
    >>> figure
    Descent(2 points, step_size=0.1)
    >>> figure.fallback[:73]
    'Gradient descent on the loss of y = w x, 20 steps from w = 0. Step size 0'
    """

    element = "adl-descent"
    module = "descent.mjs"

    def __init__(
        self,
        x: Any,
        y: Any,
        step_size: float | None = None,
        *,
        smallest: float | None = None,
        largest: float | None = None,
    ) -> None:
        x, y = _inputs.pair(x, y)
        critical, optimum = model_1p.critical_step_size(x), model_1p.optimum(x, y)
        curvature, least = _shape_of_loss(x, y, critical, optimum)
        smallest, largest = _range(smallest, largest, critical)
        if step_size is None:
            step_size = min(max(_rounded(critical / 6, 1), smallest), largest)
        step_size = _inputs.real("step_size", step_size)
        if not smallest <= step_size <= largest:
            raise ValueError(
                f"step_size: expected a number from {smallest:g} to {largest:g}, got {step_size:g}"
            )
        self.step_size = step_size
        self._points = len(x)
        super().__init__(
            {
                "size": step_size,
                "low": smallest,
                "high": largest,
                "presets": _presets(smallest, largest, critical),
                "curvature": curvature,
                "optimum": optimum,
                "least": least,
                "start": 0.0,
                "steps": EPOCHS,
            },
            _fallback(x, y, step_size, optimum, least),
            data=model_1p.FINDINGS,
        )

    def __repr__(self) -> str:
        return f"Descent({self._points} points, step_size={self.step_size:g})"


def _shape_of_loss(
    x: np.ndarray, y: np.ndarray, critical: float, optimum: float
) -> tuple[float, float]:
    """Curvature and least value of the loss."""
    if optimum == 0:
        raise ValueError("y: expected data whose optimum is not w = 0, where the path starts")
    return 2 / critical, float(np.mean((optimum * x - y) ** 2))


def _range(smallest: Any, largest: Any, critical: float) -> tuple[float, float]:
    """Both ends of the slider, round numbers if they are not given."""
    if smallest is None:
        smallest = _rounded(critical / 30, 1)
    if largest is None:
        largest = _rounded(1.05 * critical, 2)
        if largest < 1.02 * critical:
            largest = _rounded(1.05 * critical, 3)
    if _inputs.real("smallest", smallest) <= 0:
        raise ValueError(f"smallest: expected a positive number, got {smallest}")
    smallest, largest = _inputs.interval("smallest", smallest, "largest", largest)
    if largest > 10 * critical:
        raise ValueError(
            f"largest: expected at most ten times the critical step size ({critical:.4g}), "
            f"got {largest:g}"
        )
    return smallest, largest


def _presets(smallest: float, largest: float, critical: float) -> str:
    """Step sizes worth a look, one for each thing that a path can do."""
    below = _rounded_down(critical, 4)
    sizes = {smallest, _rounded(critical / 3, 1), _rounded(0.85 * critical, 2), below, largest}
    half = critical / 2
    return ",".join(
        f"{size!r}: = ½ critical" if size == half else repr(size)
        for size in sorted(sizes | {half})
        if smallest <= size <= largest
    )


def _fallback(x: np.ndarray, y: np.ndarray, step_size: float, optimum: float, least: float) -> str:
    factor = model_1p.error_factor(x, step_size)
    how = model_1p.verdict(factor, EPOCHS)
    end = model_1p.train(x, y, step_size, EPOCHS + 1).iloc[-1]
    product = decimals(1 - factor)
    rule = product if product == "2" else f"{product} {'<' if factor > -1 else '>'} 2"
    return (
        f"Gradient descent on the loss of y = w x, {EPOCHS} steps from w = 0. "
        f"Step size {short(step_size, 7)}: step size × curvature = {rule}, so each step multiplies "
        f"the error by {decimals(factor)} and {model_1p.FINDINGS[how]}. After {EPOCHS} steps "
        f"w = {short(end['w'])} and the loss is {short(end['loss'])} "
        f"(least: {short(least)}, at w = {short(optimum)}). "
        "With JavaScript, this is a figure in which you choose the step size."
    )


def _rounded(value: float, digits: int) -> float:
    return float(f"{value:.{digits - 1}e}")


def _rounded_down(value: float, digits: int) -> float:
    """Largest number of so many digits that is below `value`."""
    unit = 10.0 ** (math.floor(math.log10(value)) - digits + 1)
    count = math.floor(value / unit)
    rounded = _rounded(count * unit, digits)
    return rounded if rounded < value * (1 - 1e-9) else _rounded((count - 1) * unit, digits)


def decimals(value: float) -> str:
    """Write a number with enough decimals to tell it from -1, 0, 1 and 2.

    These are the values at which a verdict changes; the module does the same.

    Examples
    --------
    >>> [decimals(value) for value in (0.6626, 1.99956, -1, 1e-10)]
    ['0.663', '1.9996', '−1', '0']
    """
    marks = (-1, 0, 1, 2)
    for mark in marks:
        if abs(value - mark) < (1e-12 if mark else 1e-9):
            return str(mark).replace("-", "−")
    places = 3
    while float(text := f"{value:.{places}f}") in marks:
        places += 1
    return text.replace("-", "−")
