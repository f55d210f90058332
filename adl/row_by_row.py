"""The model with one parameter, trained with batch size 1: an update after each row of the data.

A row's own curvature is ``2 x**2``, so the large rows limit the step size. How much depends on the
order of the rows, and the update factors of the rows multiply: chapter 1, section on batch size 1.
"""

from typing import Any, Literal

import numpy as np
import pandas as pd
import plotnine as pn
from scipy.optimize import brentq

from adl import _inputs, model_1p
from adl._session import progress_bar
from adl.plotting import PALETTE, Plot

__all__ = ["critical_step_size", "growth", "plot_growth", "train"]

Order = Literal["cyclic", "random"]


def train(
    x: Any,
    y: Any,
    step_size: float = 0.001,
    epochs: int = 10,
    *,
    w: float = 0.0,
    order: Order = "cyclic",
    runs: int = 1,
    seed: Any = None,
) -> np.ndarray:
    """Stochastic gradient descent on one row at a time, for several runs at once.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Inputs and targets.
    step_size : float, default 0.001
        In units of 1 / x².
    epochs : int, default 10
        Passes over the data; each makes n updates.
    w : float, default 0.0
        Where every run starts.
    order : {"cyclic", "random"}
        Rows in their order, or drawn at random with replacement, for each run anew.
    runs : int, default 1
        Number of independent runs, computed together.
    seed : int or torch.Generator, optional
        Of the random rows; None is fresh randomness.

    Returns
    -------
    numpy.ndarray, shape (epochs * n + 1, runs)
        The weights, from the start on; inf and nan where a run diverges.

    Raises
    ------
    TypeError, ValueError
        As `adl.model_1p.train`, or if `order` is neither of the two.

    Examples
    --------
    >>> train([1, 2], [2, 4], step_size=0.1, epochs=1).ravel().round(3).tolist()
    [0.0, 0.4, 1.68]
    """
    x, y = _inputs.pair(x, y)
    step_size = _inputs.real("step_size", step_size)
    epochs = _inputs.whole("epochs", epochs, at_least=1)
    runs = _inputs.whole("runs", runs, at_least=1)
    updates = epochs * len(x)
    if _checked(order) == "cyclic":
        rows = np.tile(np.arange(len(x)), epochs)[:, None]
    else:
        rows = _inputs.generator(seed).integers(len(x), size=(updates, runs))
    weights = np.full((updates + 1, runs), _inputs.real("w", w))
    with np.errstate(over="ignore", invalid="ignore"):
        for t in progress_bar(range(updates), label="training"):
            inputs, targets = x[rows[t]], y[rows[t]]
            gradient = 2 * inputs * (weights[t] * inputs - targets)
            weights[t + 1] = weights[t] - step_size * gradient
    return weights


def growth(x: Any, step_size: float, order: Order = "cyclic") -> float:
    """Factor by which two runs on the same rows move apart, per update.

    Above 1 the updates are unstable. For random rows it is the root of the mean square over all
    draws; for rows in their order, the geometric mean over one pass.

    Parameters
    ----------
    x : array_like, shape (n,)
        Inputs.
    step_size : float
        In units of 1 / x².
    order : {"cyclic", "random"}
        See `train`.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        If `x` or `step_size` cannot be used, or `order` is neither of the two.

    Examples
    --------
    >>> round(growth([1, 2], 0.1, "random"), 4), round(growth([1, 2], 0.1, "cyclic"), 4)
    (0.5831, 0.4)
    """
    with np.errstate(over="ignore", divide="ignore"):  # a row may land on its optimum: factor 0
        factors = 1 - 2 * _inputs.real("step_size", step_size) * _inputs.vector("x", x) ** 2
        if _checked(order) == "random":
            return float(np.sqrt(np.mean(factors**2)))
        return float(np.exp(np.mean(np.log(np.abs(factors)))))


def critical_step_size(x: Any, order: Order = "cyclic") -> float:
    """Least step size at which updates on single rows are no longer stable: `growth` is 1.

    Parameters
    ----------
    x : array_like, shape (n,)
        Inputs, at least one of them not zero.
    order : {"cyclic", "random"}
        See `train`.

    Returns
    -------
    float
        For random rows ``mean(x**2) / mean(x**4)``, the limit of stability in mean square; for rows
        in their order the least positive solution of ``abs(prod(1 - 2 * step_size * x**2)) = 1``.

    Raises
    ------
    TypeError, ValueError
        If `x` cannot be used or is all zero, or if `order` is neither of the two.

    Examples
    --------
    >>> x = [2.1, 3.4, 1.8, 5.9, 8.3, 9.1, 2.4, 5.6, 7.8]
    >>> round(critical_step_size(x, "random"), 5), round(critical_step_size(x, "cyclic"), 5)
    (0.01716, 0.02414)
    """
    x = _inputs.vector("x", x)
    batch = model_1p.critical_step_size(x)  # refuses what cannot be used, and sets the scale
    squares = x[x != 0] ** 2 * batch
    if _checked(order) == "random":
        return float(batch * np.sum(squares) / np.sum(squares**2))

    def log_growth(step_size: float) -> float:
        with np.errstate(divide="ignore"):
            return float(np.sum(np.log(np.abs(1 - 2 * step_size * squares))))

    def slope(step_size: float) -> float:
        return float(np.sum(-2 * squares / (1 - 2 * step_size * squares)))

    # log_growth is -inf where one row lands on its optimum, and concave in between: each gap has
    # one highest point, and the first gap whose highest point is above 0 holds the answer.
    zeros = np.unique(1 / (2 * squares))
    margin = 1e-9
    for left, right in zip(zeros, [*zeros[1:], np.inf], strict=True):
        if right == np.inf:
            peak = 2 * left
            while log_growth(peak) <= 0:
                peak *= 2
        else:
            start, stop = left + margin * (right - left), right - margin * (right - left)
            peak = brentq(slope, start, stop) if slope(start) > 0 > slope(stop) else left
        if log_growth(peak) > 0:
            start = np.nextafter(left, peak)
            if log_growth(start) > 0:  # it rises faster than floating point can tell
                return float(batch * start)
            return float(batch * brentq(log_growth, start, peak, xtol=1e-15))
    raise AssertionError("unreachable: log_growth rises without bound after the last zero")


def plot_growth(x: Any, y: Any, step_sizes: Any, *, seed: Any = None) -> Plot:
    """Growth of the difference between two runs against the step size: full batch, single rows.

    Lines are the theory (`growth` and `adl.model_1p.error_factor`); each mark compares two runs
    that start one apart and see the same rows.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Inputs and targets.
    step_sizes : array_like, shape (k,)
        Positive step sizes to measure.
    seed : int or torch.Generator, optional
        Of the random rows; None is fresh randomness.

    Returns
    -------
    Plot

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> plot_growth([1, 2], [2, 4], [0.1, 0.2, 0.3], seed=0).alt.split(",")[0]
    'Growth of the difference between two runs'
    """
    x, y = _inputs.pair(x, y)
    step_sizes = _inputs.positive_vector("step_sizes", step_sizes)
    grid = np.linspace(step_sizes[0], step_sizes[-1], 401)
    ways = {
        "all rows": (
            model_1p.critical_step_size(x),
            lambda s: abs(model_1p.error_factor(x, s)),
            lambda s: _apart_full_batch(x, y, s),
        ),
        "single, in order": (
            critical_step_size(x, "cyclic"),
            lambda s: growth(x, s, "cyclic"),
            lambda s: _apart(x, y, s, "cyclic", 1, seed),
        ),
        "single, random": (
            critical_step_size(x, "random"),
            lambda s: growth(x, s, "random"),
            lambda s: _apart(x, y, s, "random", 4000, seed),
        ),
    }
    lines = pd.concat(
        pd.DataFrame({"step_size": grid, "growth": [theory(s) for s in grid], "way": name})
        for name, (_, theory, _) in ways.items()
    )
    marks = pd.concat(
        pd.DataFrame(
            {"step_size": step_sizes, "growth": [measure(s) for s in step_sizes], "way": name}
        )
        for name, (_, _, measure) in ways.items()
    )
    theory_at_marks = [
        theory(step_size) for _, theory, _ in ways.values() for step_size in step_sizes
    ]
    near = np.isclose(marks["growth"], theory_at_marks, rtol=0.05, atol=0.02)
    limits = ", ".join(f"{critical:.4g} ({name})" for name, (critical, _, _) in ways.items())
    alt = (
        "Growth of the difference between two runs, per step, against the step size: three curves "
        f"with {len(marks)} measurements, {int(near.sum())} of them on the curves. In theory they "
        f"reach 1, where stability ends, at step sizes {limits}."
    )
    share = critical_step_size(x, "random") / model_1p.critical_step_size(x)
    order = list(ways)
    labels = [f"{name} ({critical:.3g})" for name, (critical, _, _) in ways.items()]
    for frame in (lines, marks):
        frame["way"] = pd.Categorical(frame["way"], categories=order)
    colours = [PALETTE[name] for name in ("blue", "red", "green")]
    return (
        Plot(lines, pn.aes("step_size", "growth", color="way", linetype="way"), alt=alt)
        + pn.geom_hline(yintercept=1, color=PALETTE["grey"], linetype="dotted")
        + pn.geom_line(size=0.9)
        + pn.geom_point(pn.aes(shape="way"), data=marks, size=2)
        + pn.scale_color_manual(values=colours, labels=labels)
        + pn.scale_linetype_manual(values=["solid", "dashed", "dashdot"], labels=labels)
        + pn.scale_shape_manual(values=["o", "^", "s"], labels=labels)
        + pn.coord_cartesian(ylim=(0, 1.6))
        + pn.labs(
            title=f"Random single rows bear {100 * share:.0f}% of the full batch's step size",
            x="step size η",
            y="growth per step",
        )
    )


def _apart(
    x: np.ndarray, y: np.ndarray, step_size: float, order: Order, runs: int, seed: Any
) -> float:
    """Growth per update, measured over one pass in order, or over one random row in many runs."""
    ends = [
        train(x, y, step_size, 1, w=w, order=order, runs=runs, seed=seed)[: len(x) + 1]
        for w in (0.0, 1.0)
    ]
    apart = np.abs(ends[1] - ends[0])
    if order == "random":
        return float(np.sqrt(np.mean(apart[1] ** 2)))
    return float(apart[-1, 0] ** (1 / len(x)))


def _apart_full_batch(x: np.ndarray, y: np.ndarray, step_size: float) -> float:
    ends = [model_1p.train(x, y, step_size, 1, w=w)["new_w"].iloc[0] for w in (0.0, 1.0)]
    return abs(ends[1] - ends[0])


def _checked(order: str) -> str:
    if order not in ("cyclic", "random"):
        raise ValueError(f"order: expected 'cyclic' or 'random', got {order!r}")
    return order
