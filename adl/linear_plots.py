"""Figures of linear models: the U-curve, double descent, and least squares in its eigenbasis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotnine as pn

from adl.double_descent import average
from adl.least_squares import LeastSquares
from adl.plotting import PALETTE, Plot, counted, describe, digits, few, in_styles

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_descents", "plot_double_descent", "plot_matrix", "plot_moved", "plot_u_curve"]

_LARGEST = 1e100  # what an axis can have ticks for


def plot_u_curve(table: pd.DataFrame) -> Plot:
    """True risk and training loss of trained models, against the number of their features.

    Parameters
    ----------
    table : pandas.DataFrame
        As from `adl.double_descent.sweep`.

    Returns
    -------
    Plot
        The mean over the initialisations; a band from the least to the largest of them, and a line
        where there are as many parameters as points.

    Raises
    ------
    TypeError, ValueError
        If the table is not such a one.

    Examples
    --------
    >>> from adl.data import Data
    >>> from adl.double_descent import sweep
    >>> dataset = Data(50, -1, 1, 0.05, "middle", seed=0)
    >>> plot_u_curve(sweep(dataset, [2, 8, 16], steps=200, seed=0)).labels.title
    'True risk is least at 16 features'
    """
    _check_table("table", table, ["examples", "feature_dim", "train_loss", "true_risk"])
    dims, means = table["feature_dim"], average(table).fillna(np.inf)  # nan is no smallest
    points = int(table["examples"].iloc[0])
    curves = {"true risk": "true_risk", "training loss": "train_loss"}
    rows = pd.concat(
        table.groupby("feature_dim")[column].agg(["mean", "min", "max"]).assign(name=name)
        for name, column in curves.items()
    ).reset_index()
    rows["name"] = pd.Categorical(rows["name"], categories=list(curves))
    rows = rows.replace([np.inf, -np.inf], np.nan)
    risk, loss = means["risk_mean"], means["train_mean"]
    first, last, best = dims.min(), dims.max(), risk.idxmin()
    times = risk[last] / risk[best]
    more = f", {digits(times, 1)}× that at {last}" if 1 < times < np.inf else ""
    return (
        in_styles(
            Plot(
                rows,
                pn.aes("feature_dim", "mean"),
                alt="Mean squared error after training, on a logarithmic axis, against the number "
                f"of features: mean over {counted(_each(table), 'initialisation')}, with a band "
                f"from the least to the largest. True risk: {digits(risk[first], 1)} at {first} "
                f"features, least with {digits(risk[best], 1)} at {best}, "
                f"{digits(risk[last], 1)} at {last}. Training loss: {digits(loss[first], 1)} at "
                f"{first}, {digits(loss[last], 1)} at {last}. A line at {points - 1} features "
                "marks as many parameters as points.",
            ),
            "name",
        )
        + _as_many_parameters_as(points)
        + pn.geom_ribbon(pn.aes(ymin="min", ymax="max"), alpha=0.2, color="none", na_rm=True)
        + pn.geom_line(size=0.9, na_rm=True)
        + pn.scale_y_log10()
        + pn.labs(
            title=f"True risk is least at {best} features{more}",
            x="number of features",
            y="mean squared error (log scale)",
        )
    )


def plot_double_descent(tables: Mapping[str, pd.DataFrame]) -> Plot:
    """Test error of exact fits, and the rank of their features, against the number of features.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        Up to four, by name, as from `adl.double_descent.minimum_norm`, for data sets of one size.

    Returns
    -------
    Plot
        Medians over the data sets, with a band that holds the middle half of them. Two panels with
        one axis of features; a vertical line where there are as many parameters as points, a
        horizontal one where the rank is their number.

    Raises
    ------
    TypeError, ValueError
        If there are no tables or too many, or they are not such ones.

    Examples
    --------
    >>> from adl.data import Data
    >>> from adl.double_descent import minimum_norm
    >>> datasets = [Data(20, -1, 1, 0.05, "middle", seed=seed) for seed in range(5)]
    >>> plot_double_descent({"k from 1": minimum_norm(datasets)}).labels.title
    'With 20 points, the error peaks at 20 features'
    """
    few("tables", tables)
    for table in tables.values():
        _check_table("tables", table, ["examples", "feature_dim", "rank", "test_error"])
    sizes = set().union(*(table["examples"] for table in tables.values()))
    if len(sizes) > 1:
        raise ValueError(f"tables: expected data sets of one size, got {sorted(sizes)}")
    points = int(sizes.pop())
    error, rank = "log10 of the test error", "rank of the features with the bias"
    panels = pd.CategoricalDtype([error, rank], ordered=True)
    rows, said, peaks = [], [], []
    for name, table in tables.items():
        by_dim = table.assign(log_error=np.log10(table["test_error"])).groupby("feature_dim")
        for panel, column in ((error, "log_error"), (rank, "rank")):
            middle = by_dim[column].quantile([0.25, 0.5, 0.75]).unstack()
            middle.columns = ["low", "median", "high"]
            rows.append(middle.assign(panel=panel, name=name).reset_index())
        errors, ranks = by_dim["test_error"].median(), by_dim["rank"].median()
        best, peak, last = errors.idxmin(), errors.idxmax(), errors.index[-1]
        peaks.append(f"{peak}")
        said.append(
            f"{name}: least with {digits(errors[best], 1)} at {best} features, peak with "
            f"{digits(errors[peak], 1)} at {peak}, {digits(errors[last], 1)} at {last}; the rank "
            f"stops growing at {ranks.idxmax()} features, where it is {ranks.max():g}."
        )
    lines = pd.concat(rows, ignore_index=True).astype({"panel": panels})
    lines["name"] = pd.Categorical(lines["name"], categories=list(tables))
    full = pd.DataFrame({"value": [points], "panel": [rank]}).astype({"panel": panels})
    where = " and ".join(dict.fromkeys(peaks))
    number = _each(next(iter(tables.values())))
    return (
        in_styles(
            Plot(
                lines,
                pn.aes("feature_dim", "median"),
                alt="Test error of the smallest weights that fit best, and rank of the features, "
                f"against the number of features: medians over {counted(number, 'data set')} of "
                f"{counted(points, 'point')}. {' '.join(said)} A line at {points - 1} features "
                "marks as many parameters as points.",
            ),
            "name",
        )
        + _as_many_parameters_as(points)
        + pn.geom_hline(pn.aes(yintercept="value"), full, color=PALETTE["ink"], size=0.5)
        + pn.geom_ribbon(pn.aes(ymin="low", ymax="high"), alpha=0.15, color="none")
        + pn.geom_line(size=0.9)
        + pn.facet_wrap("panel", ncol=1, scales="free_y")
        + pn.labs(
            title=f"With {counted(points, 'point')}, the error peaks at {where} features",
            x="number of features",
            y="",
        )
        + pn.theme(figure_size=(6, 4.75))
    )


def plot_matrix(demo: LeastSquares, *, diagonal: bool = False, ax: Axes | None = None) -> Axes:
    """``X Xᵀ`` as a picture, as it is or in the basis of its eigenvectors.

    Parameters
    ----------
    demo : adl.least_squares.LeastSquares
    diagonal : bool, default False
        Whether to show it in the basis of its eigenvectors.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default the current axes.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError
        If `demo` is not what `adl.least_squares.run` returns.

    Examples
    --------
    >>> from adl.least_squares import run
    >>> figure, (left, right) = plt.subplots(1, 2)
    >>> demo = run(100, 20, steps=1, seed=0)
    >>> _ = plot_matrix(demo, ax=left)
    >>> plot_matrix(demo, diagonal=True, ax=right).get_title("left").splitlines()
    ['in its eigenbasis:', '20 of 100 are not 0']
    >>> plt.close(figure)
    """
    _check_demo("demo", demo)
    ax = plt.gca() if ax is None else ax
    matrix = (demo.diagonal_form if diagonal else demo.matrix).numpy()
    on = np.diag(matrix)
    off = np.abs(matrix - np.diag(on)).max()
    number, largest = len(matrix), digits(on.max(), 2)
    if diagonal:
        rank = int((on > 1e-8 * on.max()).sum())
        title = f"in its eigenbasis:\n{rank} of {number} are not 0"
        said = (
            f"In the basis of its eigenvectors, nothing is left off the diagonal; on it, {rank} of "
            f"{number} numbers are not 0, the largest is {largest}."
        )
    else:
        title = f"X Xᵀ:\nup to {digits(off, 1)} off the diagonal"
        said = (
            f"X times its transpose, {number} by {number} numbers: {digits(on.min(), 2)} to "
            f"{largest} on the diagonal, up to {digits(off, 1)} off it."
        )
    image = ax.imshow(matrix)
    ax.grid(False)
    ax.get_figure().colorbar(image, ax=ax, shrink=0.7)
    ax.set_title(title, loc="left")
    ax.set(xlabel="coordinate", ylabel="coordinate")
    describe(ax, said)
    return ax


def plot_moved(demo: LeastSquares, *, ax: Axes | None = None) -> Axes:
    """How far each coordinate of the weights is from its start, in the eigenbasis, step by step.

    Parameters
    ----------
    demo : adl.least_squares.LeastSquares
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default the current axes.

    Returns
    -------
    matplotlib.axes.Axes
        One row for each coordinate, the largest eigenvalue at the top; one column for each step.

    Raises
    ------
    TypeError
        If `demo` is not what `adl.least_squares.run` returns.

    Examples
    --------
    >>> from adl.least_squares import run
    >>> plot_moved(run(100, 20, steps=50, seed=0)).get_title("left")
    '20 of 100 coordinates move, with 20 examples'
    >>> plt.close()
    """
    _check_demo("demo", demo)
    ax = plt.gca() if ax is None else ax
    moved = demo.moved.numpy()
    steps, number = len(moved) - 1, moved.shape[1]
    count = int(demo.has_moved.sum())
    image = ax.imshow(
        moved.T,
        aspect="auto",
        origin="lower",
        interpolation="nearest",
        extent=(-0.5, steps + 0.5, 0.5, number + 0.5),
    )
    ax.grid(False)
    ax.get_figure().colorbar(image, ax=ax, label="distance from its start")
    ax.set_title(
        f"{count} of {number} coordinates move, with {counted(demo.examples, 'example')}",
        loc="left",
    )
    ax.set(xlabel="step", ylabel="coordinate, by eigenvalue")
    rest = f", the other {number - count} by less than 1e-8" if count < number else ""
    describe(
        ax,
        f"Distance of each of {number} coordinates in the eigenbasis from its start, over "
        f"{counted(steps, 'step')}, with {counted(demo.examples, 'example')}: {count} move, by up "
        f"to {digits(moved.max(), 1)}{rest}.",
    )
    return ax


def plot_descents(demos: Mapping[str, LeastSquares]) -> Plot:
    """Loss and distance from the start while gradient descent solves least squares.

    Parameters
    ----------
    demos : dict of str to adl.least_squares.LeastSquares
        Up to four, by name.

    Returns
    -------
    Plot
        Two panels with one axis of steps; the least possible loss is a thin dotted line.

    Raises
    ------
    TypeError, ValueError
        If there are none or too many, or one is not what `adl.least_squares.run` returns.

    Examples
    --------
    >>> from adl.least_squares import run
    >>> plot_descents({"20 examples": run(100, 20, seed=0)}).labels.title
    'The weights move by 2 times the size of the start'
    """
    few("demos", demos)
    for demo in demos.values():
        _check_demo("demos", demo)
    loss, distance = "loss", "distance from the start / size of the start"
    kinds = {
        "panel": pd.CategoricalDtype([loss, distance], ordered=True),
        "name": pd.CategoricalDtype(list(demos)),
    }
    lines = pd.concat(
        pd.DataFrame(
            {"step": np.arange(len(values)), "value": values, "panel": panel, "name": name}
        )
        for name, demo in demos.items()
        for panel, values in ((loss, demo.losses.numpy()), (distance, demo.distances.numpy()))
    ).astype(kinds)
    lines["value"] = lines["value"].where(lines["value"] < _LARGEST)
    least = pd.DataFrame(
        {"value": [demo.least_loss for demo in demos.values()], "panel": loss, "name": list(demos)}
    ).astype(kinds)
    said = "; ".join(
        f"{name}: loss from {_loss(demo.losses[0])} to {_loss(demo.losses[-1])}, least possible "
        f"{_loss(demo.least_loss)}; distance {digits(demo.distances[-1], 2)}"
        for name, demo in demos.items()
    )
    ends = sorted(float(demo.distances[-1]) for demo in demos.values())
    moved = " to ".join(dict.fromkeys(digits(end, 1) for end in (ends[0], ends[-1])))
    return (
        in_styles(
            Plot(
                lines,
                pn.aes("step", "value"),
                alt="Loss, and distance of the weights from their start in units of the start's "
                f"size, against the steps of gradient descent. At the end, {said}.",
            ),
            "name",
        )
        + pn.geom_hline(
            pn.aes(yintercept="value", color="name"), least, linetype="dotted", size=0.5
        )
        + pn.geom_line(size=0.9, na_rm=True)
        + pn.facet_wrap("panel", ncol=1, scales="free_y")
        + pn.labs(title=f"The weights move by {moved} times the size of the start", x="step", y="")
        + pn.theme(figure_size=(6, 4.75))
    )


def _as_many_parameters_as(points: int) -> pn.geom_vline:
    """Line where features and bias are as many as the points."""
    return pn.geom_vline(xintercept=points - 1, color=PALETTE["grey"], linetype="dashed", size=0.5)


def _each(table: pd.DataFrame) -> int:
    """Models for each number of features."""
    return int(table["feature_dim"].value_counts().iloc[0])


def _loss(value: float) -> str:
    """A loss in words; below rounding it is another one on each machine."""
    return "0" if abs(value) < 1e-12 else digits(value, 2)


def _check_table(name: str, table: pd.DataFrame, columns: list[str]) -> None:
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"{name}: expected a table, got {type(table).__name__}")
    missing = [column for column in columns if column not in table]
    if missing or table.empty:
        raise ValueError(f"{name}: expected rows with {', '.join(missing or columns)}")


def _check_demo(name: str, demo: LeastSquares) -> None:
    if not isinstance(demo, LeastSquares):
        raise TypeError(
            f"{name}: expected what adl.least_squares.run returns, got {type(demo).__name__}"
        )
