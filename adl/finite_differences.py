"""Derivatives by a small push, and how small the push should be.

The spreadsheet of chapter 2 estimates the derivative of a squared error by pushing the slope a
little, by h, and looking how much the error changes. A large push misses the bend of the curve, a
small one loses the change among rounded digits.
"""

from typing import Any, Literal

import numpy as np
import pandas as pd
import plotnine as pn

from adl import _inputs
from adl.plotting import PALETTE, Plot

__all__ = ["estimate", "plot_errors"]

Precision = Literal["float32", "float64"]
_WAYS: dict[str, dict[str, Any]] = {
    "one side, float64": {},
    "one side, float32": {"precision": "float32"},
    "both sides, float64": {"both_sides": True},
}


def estimate(
    x: Any,
    y: Any,
    h: float,
    *,
    a: float = 1.0,
    b: float = 1.0,
    both_sides: bool = False,
    precision: Precision = "float64",
) -> np.ndarray:
    """Derivative of each row's squared error with respect to the slope, by finite differences.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        The rows.
    h : float
        By how much the slope is pushed; not 0.
    a, b : float, default 1.0
        Slope and intercept of the line ``a x + b``.
    both_sides : bool, default False
        Push by h to either side and divide by 2 h, instead of to one side.
    precision : {"float64", "float32"}, default "float64"
        In which all of it is computed.

    Returns
    -------
    numpy.ndarray, shape (n,)
        Without rounding, one side would give 2 x (a x + b - y) + h x², both sides the first term.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> one, two = estimate([14], [58], 0.01), estimate([14], [58], 0.01, both_sides=True)
    >>> print(one.round(2), two.round(2))
    [-1202.04] [-1204.]
    """
    x, y = _inputs.pair(x, y)
    h, a, b = (_inputs.real(name, value) for name, value in {"h": h, "a": a, "b": b}.items())
    if h == 0:
        raise ValueError("h: expected a number that is not 0, got 0.0")
    if precision not in ("float32", "float64"):
        raise ValueError(f"precision: expected 'float32' or 'float64', got {precision!r}")
    x, y, h, a, b = (np.asarray(value, dtype=precision) for value in (x, y, h, a, b))

    def error2(slope: np.ndarray) -> np.ndarray:
        return np.square(slope * x + b - y)

    below = a - h if both_sides else a
    width = 2 * h if both_sides else h
    with np.errstate(all="ignore"):  # what overflows is inf or nan
        return ((error2(a + h) - error2(below)) / width).astype(np.float64)


def plot_errors(x: Any, y: Any, h: Any) -> Plot:
    """Relative error of the estimates at a = b = 1, the median over the rows, against the push.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        The rows; no derivative may be 0.
    h : array_like, shape (m,)
        Positive pushes to try.

    Returns
    -------
    Plot
        One side in double and in single precision, and both sides in double; logarithmic axes.
        Estimates without any error are left out.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> plot_errors([14], [58], [1e-8, 1e-4, 1.0]).alt.split(",")[0]
    'Relative error of the estimated derivative against the push h'
    """
    x, y = _inputs.pair(x, y)
    h = _inputs.positive_vector("h", h)
    exact = 2 * x * (x + 1 - y)
    if not exact.all():
        raise ValueError("y: expected rows whose derivative is not 0")
    errors = {
        name: [np.median(np.abs(estimate(x, y, push, **way) / exact - 1)) for push in h]
        for name, way in _WAYS.items()
    }
    best = {name: int(np.argmin(values)) for name, values in errors.items()}
    said = "; ".join(
        f"{name}: {values[0]:.0e} at {h[0]:.0e}, least at {h[best[name]]:.0e} "
        f"({values[best[name]]:.0e}), {values[-1]:.0e} at {h[-1]:.0e}"
        for name, values in errors.items()
    )
    lines = pd.DataFrame({"h": h, **errors}).melt("h", var_name="way", value_name="error")
    lines["way"] = pd.Categorical(lines["way"], categories=list(errors))
    one, single, _ = (f"{h[i]:.0e}" for i in best.values())
    return (
        Plot(
            lines[lines["error"] > 0],
            pn.aes("h", "error", color="way", linetype="way", shape="way"),
            alt="Relative error of the estimated derivative against the push h, both on "
            f"logarithmic axes. {said}.",
        )
        + pn.geom_line(size=0.8)
        + pn.geom_point(size=1.6)
        + pn.scale_x_log10()
        + pn.scale_y_log10()
        + pn.scale_color_manual(values=[PALETTE[name] for name in ("blue", "red", "green")])
        + pn.scale_linetype_manual(values=["solid", "dashed", "dotted"])
        + pn.scale_shape_manual(values=["o", "^", "s"])
        + pn.labs(
            title=f"One side does best at h = {one} in float64, {single} in float32",
            x="push h",
            y="relative error, median",
        )
    )
