"""The model with one parameter, ``y = w x``, trained by gradient descent on the mean squared error.

Its loss is a parabola in `w` of curvature ``L'' = 2 mean(x**2)``, so each update multiplies the
distance to the optimum by the same factor, ``1 - step_size * L''``. Everything in chapter 1 follows
from that factor, and so does every function here. All computations are in float64.
"""

from typing import Any

import numpy as np
import pandas as pd
import plotnine as pn

from adl import _inputs
from adl._session import progress_bar
from adl.plotting import PALETTE, Plot, counted

__all__ = [
    "FINDINGS",
    "critical_step_size",
    "error_factor",
    "optimum",
    "plot_error_left",
    "plot_loss",
    "plot_train",
    "train",
    "verdict",
]


def train(
    x: Any, y: Any, step_size: float = 0.001, epochs: int = 10, w: float = 0.0
) -> pd.DataFrame:
    """Gradient descent on ``mean((w x - y)**2)``, one row a step.

    A run that diverges is a result: its numbers stay in the table, inf and nan included.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Inputs and targets: lists, arrays, pandas Series or tensors.
    step_size : float, default 0.001
        What the gradient is multiplied by; in units of 1 / x².
    epochs : int, default 10
        Number of updates; each uses all n points.
    w : float, default 0.0
        Where to start.

    Returns
    -------
    pandas.DataFrame
        A row for each epoch from 1: ``epoch``, the weight ``w`` before the update, ``loss`` and
        ``gradient`` there, and ``new_w = w - step_size * gradient``.

    Raises
    ------
    TypeError, ValueError
        If the data are empty, of different lengths, not numeric or not finite; if `epochs` is not
        a whole number of at least 1; if `step_size` or `w` is not a finite number.

    See Also
    --------
    critical_step_size : the step size above which this diverges.

    Examples
    --------
    >>> print(train([1, 2], [2, 4], step_size=0.1, epochs=2).to_string(index=False))
     epoch   w  loss  gradient  new_w
         1 0.0  10.0     -10.0    1.0
         2 1.0   2.5      -5.0    1.5
    """
    x, y = _inputs.pair(x, y)
    step_size = _inputs.real("step_size", step_size)
    epochs = _inputs.whole("epochs", epochs, at_least=1)
    w = _inputs.real("w", w)
    rows = []
    with np.errstate(over="ignore", invalid="ignore"):
        for epoch in progress_bar(range(1, epochs + 1), label="training"):
            residual = w * x - y
            gradient = 2 * np.mean(x * residual)
            new_w = w - step_size * gradient
            rows.append((epoch, w, np.mean(residual**2), gradient, new_w))
            w = new_w
    return pd.DataFrame(rows, columns=["epoch", "w", "loss", "gradient", "new_w"])


def optimum(x: Any, y: Any) -> float:
    """Weight with the least loss, ``mean(x y) / mean(x**2)``.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Inputs, at least one of them not zero, and targets.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        If the data cannot be used (see `train`) or `x` is all zero.

    Examples
    --------
    >>> optimum([1, 2], [2, 4])
    2.0
    """
    x, y = _inputs.pair(x, y)
    return float(np.mean(x * y) / np.mean(_inputs.not_all_zero("x", x) ** 2))


def critical_step_size(x: Any) -> float:
    """Step size from which gradient descent on this model no longer converges.

    The curvature of the loss is ``L'' = 2 mean(x**2)``, whatever `w` and `y` are. An update
    multiplies the distance to the optimum by ``1 - step_size * L''``; that is -1 at ``2 / L''``.

    Parameters
    ----------
    x : array_like, shape (n,)
        Inputs, at least one of them not zero.

    Returns
    -------
    float
        ``1 / mean(x**2)``, in units of 1 / x².

    Raises
    ------
    TypeError, ValueError
        If `x` is empty, not numeric, not finite, or all zero.

    See Also
    --------
    train : the descent that this bounds.
    adl.row_by_row.critical_step_size : the same for batch size 1.
    adl.model_2p.critical_step_size : the same with an intercept.

    Examples
    --------
    >>> round(critical_step_size([2.1, 3.4, 1.8, 5.9, 8.3, 9.1, 2.4, 5.6, 7.8]), 7)
    0.0296365
    """
    return float(1 / np.mean(_inputs.not_all_zero("x", _inputs.vector("x", x)) ** 2))


def error_factor(x: Any, step_size: float) -> float:
    """What one step multiplies the distance to the optimum by, ``1 - step_size * L''``.

    Parameters
    ----------
    x : array_like, shape (n,)
        Inputs, at least one of them not zero.
    step_size : float
        In units of 1 / x².

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        If `x` cannot be used or is all zero, or `step_size` is not a finite number.

    Examples
    --------
    >>> error_factor([1, 2], step_size=0.1)
    0.5
    """
    return 1 - 2 * _inputs.real("step_size", step_size) / critical_step_size(x)


def verdict(factor: float, epochs: int) -> str:
    """One word for a run whose error is multiplied by `factor` in each of `epochs` steps.

    Parameters
    ----------
    factor : float
        See `error_factor`.
    epochs : int
        Number of steps.

    Returns
    -------
    str
        ``"crawls"`` or ``"arrives"`` (from one side, with more or less than 5% of the error
        left), ``"lands"`` (in one step), ``"overshoots"`` or ``"stalls"`` (from side to side, with
        less or more than half of the error left), ``"swings"`` (for ever), ``"diverges"``, or
        ``"rests"`` if it does not move.

    Examples
    --------
    >>> [verdict(factor, epochs=20) for factor in (0.93, 0.3, -0.7, -0.9996, -1.1)]
    ['crawls', 'arrives', 'overshoots', 'stalls', 'diverges']
    """
    size = abs(factor)
    if factor == 1:
        return "rests"
    if abs(factor + 1) < 1e-12:
        return "swings"
    if not size < 1:  # nan too
        return "diverges"
    if size < 1e-9:
        return "lands"
    left = size**epochs
    if factor > 0:
        return "crawls" if left > 0.05 else "arrives"
    return "stalls" if left > 0.5 else "overshoots"


FINDINGS = {
    "crawls": "the path crawls towards the optimum",
    "arrives": "the path arrives at the optimum",
    "lands": "one step lands on the optimum",
    "overshoots": "the path overshoots, and comes closer",
    "stalls": "the path all but stalls, to and fro",
    "swings": "the path swings to and fro for ever",
    "diverges": "the path diverges, step by step",
    "rests": "the path rests where it is",
}
"""What a path does, in words, for each word of `verdict`: for titles, alt texts and the page."""


def plot_loss(x: Any, y: Any, wmin: float = -1.0, wmax: float = 4.0, gradient: bool = True) -> Plot:
    """The loss as a function of the weight, with or without its gradient as arrows.

    An arrow starts on the curve, points to where the loss rises, and is as long as the gradient is
    large: it shows how fast the loss would change.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Inputs and targets.
    wmin, wmax : float, default -1 and 4
        Range of weights shown.
    gradient : bool, default True
        Whether to draw the arrows.

    Returns
    -------
    Plot

    Raises
    ------
    TypeError, ValueError
        If the data cannot be used (see `train`), or `wmin` is not below `wmax`.

    Examples
    --------
    >>> plot_loss([1, 2], [2, 4], wmin=0, wmax=3, gradient=False).alt
    'The loss against w from 0 to 3: a parabola with its minimum, 0, at w = 2.'
    """
    x, y = _inputs.pair(x, y)
    wmin, wmax = _inputs.interval("wmin", wmin, "wmax", wmax)
    best = optimum(x, y)
    curve = _curve(x, y, wmin, wmax)
    title, alt = _about_curve(x, y, best, wmin, wmax)
    inside = wmin <= best <= wmax
    plot = Plot(curve, pn.aes("w", "loss"), alt=alt) + pn.geom_line(color=PALETTE["blue"], size=1)
    if gradient:
        arrows = pd.DataFrame({"w": np.linspace(wmin, wmax, 11)})
        slope = 2 * (np.mean(x**2) * arrows["w"] - np.mean(x * y))
        longest = np.abs(slope).max()
        arrows["loss"] = _loss(x, y, arrows["w"])
        arrows["end"] = arrows["w"] + slope / longest * 0.22 * (wmax - wmin)
        visible = arrows[np.abs(slope) > 0.01 * longest]
        title = "The gradient points uphill; steeper means longer"
        plot.alt += (
            f" {len(visible)} arrows start on it and point to where the loss rises; the steepest "
            f"gradient, {slope[np.abs(slope).idxmax()]:.4g}, has the longest"
            + (f", and towards w = {best:.3g} they shrink to nothing." if inside else ".")
        )
        plot += pn.geom_segment(
            pn.aes(xend="end", yend="loss"),
            data=visible,
            color=PALETTE["red"],
            size=0.9,
            arrow=pn.arrow(length=0.08, type="closed"),
        )
    return plot + pn.labs(title=title, x="weight w", y="loss (mean squared error)")


def plot_train(x: Any, y: Any, step_size: float, epochs: int, wmin: float, wmax: float) -> Plot:
    """The path of gradient descent from w = 0, drawn on the loss.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Inputs and targets.
    step_size : float
        See `train`.
    epochs : int
        Number of updates.
    wmin, wmax : float
        Range of weights shown; where the path leaves it, the plot says so.

    Returns
    -------
    Plot

    Raises
    ------
    TypeError, ValueError
        As for `train`, or if `wmin` is not below `wmax`.

    Examples
    --------
    >>> plot = plot_train([1, 2], [2, 4], step_size=0.1, epochs=2, wmin=-1, wmax=4)
    >>> plot.alt.split(". ")[1]
    'Step size 0.1: the path crawls towards the optimum'
    """
    x, y = _inputs.pair(x, y)
    wmin, wmax = _inputs.interval("wmin", wmin, "wmax", wmax)
    table = train(x, y, step_size, epochs)
    step_size, epochs, best = float(step_size), len(table), optimum(x, y)
    weights = np.append(table["w"], table["new_w"].iloc[-1])
    how = verdict(error_factor(x, step_size), epochs) if weights[0] != best else "rests"
    curve = _curve(x, y, wmin, wmax)
    outside = np.flatnonzero(~((weights >= wmin) & (weights <= wmax)))
    leaves = "" if not outside.size else f"first leaves the picture at epoch {outside[0]}"
    if outside.size and outside[0] == 0:
        leaves = "starts outside the picture"

    _, alt = _about_curve(x, y, best, wmin, wmax)
    first = ", ".join(f"{weight:.3g}" for weight in weights[1:4])
    alt += f" Step size {step_size:.4g}: {FINDINGS[how]}. From w = 0 the path goes to {first}"
    alt += f" and after {epochs} epochs it is at {weights[-1]:.5g}." if epochs > 3 else "."
    if leaves:
        alt += f" It {leaves}."

    # Far outside, pictures cannot be drawn and would show nothing: there the path ends.
    near = np.abs(weights - best) < 1e3 * (wmax - wmin)
    shown = weights[: len(weights) if near.all() else int(np.argmin(near))]
    path = pd.DataFrame({"w": shown, "loss": _loss(x, y, shown)})
    top, bottom = curve["loss"].max(), curve["loss"].min()
    plot = (
        Plot(curve, pn.aes("w", "loss"), alt=alt)
        + pn.geom_line(color=PALETTE["blue"], size=1)
        + pn.geom_point(data=path, color=PALETTE["red"], size=2.2)
        + pn.geom_text(
            data=path[:1],
            label="start",
            ha="right",
            nudge_x=-0.015 * (wmax - wmin),
            color=PALETTE["red"],
            size=9,
        )
        + pn.coord_cartesian(
            xlim=(wmin, wmax), ylim=(bottom - 0.03 * top, 1.03 * top), expand=False
        )
        + pn.labs(
            title=f"Step size {step_size:.4g}: {FINDINGS[how]}",
            x="weight w",
            y="loss (mean squared error)",
        )
    )
    if len(path) > 1:
        plot += pn.geom_path(data=path, color=PALETTE["red"], size=0.7, linetype="dashed")
    if leaves:
        plot += pn.annotate(
            "label",
            x=wmax - 0.02 * (wmax - wmin),
            y=top,
            label=leaves,
            ha="right",
            va="top",
            color=PALETTE["red"],
            size=9,
        )
    return plot


def plot_error_left(x: Any, y: Any, step_sizes: Any, epochs: int = 20) -> Plot:
    """Share of the error that is left after some steps, against the step size.

    Each mark is one run of `train`; the line is the theory, ``abs(1 - step_size * L'')**epochs``.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Inputs and targets.
    step_sizes : array_like, shape (k,)
        Step sizes to measure, all positive.
    epochs : int, default 20
        Number of steps in each run.

    Returns
    -------
    Plot

    Raises
    ------
    TypeError, ValueError
        As for `train`, or if a step size is not positive.

    Examples
    --------
    >>> plot_error_left([1, 2], [2, 4], [0.1, 0.3, 0.5], epochs=5).alt[:47]
    'Error left after 5 steps against the step size,'
    """
    x, y = _inputs.pair(x, y)
    step_sizes = _inputs.positive_vector("step_sizes", step_sizes)
    epochs = _inputs.whole("epochs", epochs, at_least=1)
    best, critical = optimum(x, y), critical_step_size(x)
    first, last = step_sizes[0], step_sizes[-1]
    measured = np.array([_error_left(x, y, best, step_size, epochs) for step_size in step_sizes])
    with np.errstate(over="ignore"):
        theory = np.abs(1 - 2 * step_sizes / critical) ** epochs
    agree = np.isclose(measured, theory, rtol=1e-6, atol=1e-12)
    alt = (
        f"Error left after {counted(epochs, 'step')} against the step size, both on logarithmic "
        f"axes: {measured[0]:.2g} at {first:.4g}"
    )
    if first < critical / 2 < last:
        alt += f", falling to nothing at {critical / 2:.4g}, half the critical step size"
    if first < critical < last:
        alt += f", rising to 1 at {critical:.5g}, the critical step size"
    alt += (
        f", and {measured[-1]:.3g} at {last:.4g}. {int(agree.sum())} of "
        f"{counted(len(step_sizes), 'measurement')} lie on the theoretical curve."
    )
    title = f"Above {critical:.4g} every step makes it worse"
    if last <= critical:
        title = f"Below {critical:.4g} every run comes closer"
    marks = pd.DataFrame({"step_size": step_sizes, "left": measured})
    bottom, top = 1e-6, min(1e12, float(np.max([10, *measured[np.isfinite(measured)]])))
    grid = np.geomspace(first, last, 2001) if last > first else step_sizes
    with np.errstate(over="ignore"):
        curve = np.clip(np.abs(1 - 2 * grid / critical) ** epochs, bottom / 10, 10 * top)
    lines = pd.DataFrame(
        {
            "step_size": [critical / 2, critical],
            "left": [2 * top] * 2,
            "name": [f"half critical\n{critical / 2:.4g}", f"critical\n{critical:.4g}"],
        }
    )
    return (
        Plot(marks[marks["left"].between(bottom, top)], pn.aes("step_size", "left"), alt=alt)
        + pn.geom_hline(yintercept=1, color=PALETTE["grey"], linetype="dotted")
        + pn.geom_vline(
            pn.aes(xintercept="step_size"), data=lines, color=PALETTE["grey"], linetype="dashed"
        )
        + pn.geom_line(
            data=pd.DataFrame({"step_size": grid, "left": curve}), color=PALETTE["blue"], size=0.9
        )
        + pn.geom_point(color=PALETTE["red"], size=2.2)
        + pn.geom_text(
            pn.aes(label="name"), data=lines, ha="right", va="top", nudge_x=-0.015, size=9
        )
        + pn.scale_x_log10()
        + pn.scale_y_log10(labels=lambda shares: [f"{share:g}" for share in shares])
        + pn.coord_cartesian(ylim=(bottom, 3 * top))
        + pn.labs(
            title=title,
            x="step size η (log scale)",
            y=f"share of the error left after {epochs} steps",
        )
    )


def _error_left(x: np.ndarray, y: np.ndarray, best: float, step_size: float, epochs: int) -> float:
    """Share of the error that is left, from a start as far from the optimum as numbers are."""
    away = max(1.0, abs(best))
    end = train(x, y, step_size, epochs, w=best + away)["new_w"].iloc[-1]
    return float(abs(end - best) / away)


def _loss(x: np.ndarray, y: np.ndarray, weights: Any) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):
        return np.mean((np.multiply.outer(np.asarray(weights), x) - y) ** 2, axis=-1)


def _curve(x: np.ndarray, y: np.ndarray, wmin: float, wmax: float) -> pd.DataFrame:
    weights = np.linspace(wmin, wmax, 201)
    return pd.DataFrame({"w": weights, "loss": _loss(x, y, weights)})


def _about_curve(
    x: np.ndarray, y: np.ndarray, best: float, wmin: float, wmax: float
) -> tuple[str, str]:
    """Title and alt text of the loss as a curve."""
    least = float(_loss(x, y, best))
    seen = f"The loss against w from {wmin:.3g} to {wmax:.3g}: "
    if wmin <= best <= wmax:
        alt = f"a parabola with its minimum, {least:.3g}, at w = {best:.3g}."
        return f"The loss is least at w = {best:.4g}", seen + alt
    falls = "falls" if best > wmax else "rises"
    alt = f"it {falls} all the way; its minimum, at w = {best:.3g}, is outside."
    return f"The loss is least outside this picture, at w = {best:.4g}", seen + alt
