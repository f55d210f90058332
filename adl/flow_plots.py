"""Figures of gradient flow and gradient descent on a function of two variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotnine as pn
from matplotlib.colors import ListedColormap

from adl import _inputs, flow
from adl.plotting import PALETTE, Plot, counted, describe, few

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_final_values", "plot_paths", "plot_same_end"]

_EDGE = 3.0  # the picture shows the square from -3 to 3
_BINS = 24
_CLEAR = 0.05  # a difference between means that does not depend on the machine
_NEAREST = 1e-8  # distances below are drawn there
_GREYS = ListedColormap(plt.get_cmap("Greys")(np.linspace(0, 0.6, 20)))  # points stand out
# Colour, marker, size, line width, and what is drawn over what: dots are smaller than crosses.
_MARKERS = (("blue", "o", 2.0, 0.5, 2.5), ("red", "x", 9.0, 0.5, 2.0))
_SIDES = {True: ("same end", "blue", "o"), False: ("another end", "red", "x")}


def plot_paths(paths: Mapping[str, np.ndarray], *, ax: Axes | None = None) -> Axes:
    """Contours of `adl.flow.f`, and the points of one or two sets of runs on top.

    Parameters
    ----------
    paths : dict of str to numpy.ndarray, shape (points, n, 2)
        By name, what `adl.flow.descend` returned. The first is drawn with blue dots, the second
        with red crosses.
    ax : matplotlib.axes.Axes, optional
        By default the current axes.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If there are no paths, more than two, or some of another shape.

    See Also
    --------
    adl.flow.descend : makes the paths.

    Examples
    --------
    >>> path = flow.descend([[0.0, 1.0]], step_size=2e-3, steps=5000, every=10)
    >>> print(plot_paths({"large rate": path}).get_title(loc="left"))
    At rest at the end:
    large rate 1 of 1
    >>> plt.close()
    """
    few("paths", paths, most=len(_MARKERS))
    for name, path in paths.items():
        if np.ndim(path) != 3 or np.shape(path)[-1] != 2:
            raise ValueError(
                f"paths: expected shape (points, n, 2), got {np.shape(path)} for {name!r}"
            )
    ax = plt.gca() if ax is None else ax
    side = np.linspace(-_EDGE, _EDGE, 600)
    drawn = ax.contourf(side, side, flow.f(side, side[:, None]), levels=20, cmap=_GREYS)
    ax.figure.colorbar(drawn, ax=ax, label="f(x, y)")
    rest = {}
    for (name, path), (colour, marker, size, width, level) in zip(
        paths.items(), _MARKERS, strict=False
    ):
        points = path.reshape(-1, 2)
        ax.scatter(
            *points.T,
            s=size,
            marker=marker,
            linewidths=width,
            color=PALETTE[colour],
            label=name,
            zorder=level,
            rasterized=True,
        )
        still = np.linalg.norm(flow.gradient(path[-1]), axis=1) < flow.SETTLED
        rest[name] = f"{still.sum()} of {len(still)}"
    starts = next(iter(paths.values()))[0]
    ax.scatter(
        *starts.T, s=28, facecolor="white", edgecolor=PALETTE["ink"], zorder=3, label="start"
    )
    ax.set(xlim=(-_EDGE, _EDGE), ylim=(-_EDGE, _EDGE), xlabel="x", ylabel="y")
    ax.set_aspect("equal")
    ax.grid(False)
    ends = ", ".join(f"{name} {count}" for name, count in rest.items())
    ax.set_title(f"At rest at the end:\n{ends}", loc="left")
    ax.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=len(paths) + 1, markerscale=1.5
    )
    describe(
        ax,
        f"Contours of the function for x and y from -3 to 3, whose valleys become narrower "
        f"downwards and to the right, and the paths from {counted(len(starts), 'start')}. At "
        f"rest at the end: {ends}.",
    )
    return ax


def plot_final_values(table: pd.DataFrame) -> Plot:
    """Histograms of the final values of the flow and of the descent, with the same bins.

    Parameters
    ----------
    table : pandas.DataFrame
        From `adl.flow.compare`.

    Returns
    -------
    Plot
        Two panels with one axis, and a line at the mean of each.

    Raises
    ------
    TypeError, ValueError
        If the table has not the columns that are needed.

    Examples
    --------
    >>> table = flow.compare(flow.random_starts(20, seed=0), steps=(4000, 500))
    >>> plot_final_values(table).labels.x
    'final value of f'
    """
    table = _columns(table, "flow_value", "descent_value", "oscillating")
    rows = pd.concat(
        pd.DataFrame({"value": table[column], "run": name})
        for column, name in (("flow_value", "small rate"), ("descent_value", "large rate"))
    )
    rows["run"] = pd.Categorical(rows["run"], categories=["small rate", "large rate"])
    means = rows.groupby("run", observed=True)["value"].mean().rename("mean").reset_index()
    more = float(means["mean"].diff().iloc[-1])
    if more > _CLEAR:
        finding = f"The large rate ends higher: its mean by more than {_CLEAR:g}"
    elif more < -_CLEAR:
        finding = f"The large rate ends lower: its mean by more than {_CLEAR:g}"
    else:
        finding = f"The means of both rates agree within {_CLEAR:g}"
    swing = int(table["oscillating"].sum())
    colours = {"small rate": PALETTE["blue"], "large rate": PALETTE["red"]}
    return (
        Plot(
            rows,
            pn.aes("value", fill="run", color="run"),
            alt=f"Two histograms with the same bins: final values of the function for the small "
            f"and for the large rate, from the same {counted(len(table), 'start')}, and a dashed "
            f"line at each mean. {finding}. At the large rate {swing} of the runs still go up "
            f"and down.",
        )
        + pn.geom_histogram(bins=_BINS, alpha=0.55)
        + pn.geom_vline(pn.aes(xintercept="mean", color="run"), means, linetype="dashed", size=0.9)
        + pn.facet_wrap("run", ncol=1)
        + pn.scale_fill_manual(values=colours)
        + pn.scale_color_manual(values=colours)
        + pn.labs(title=finding, x="final value of f", y="runs")
        + pn.theme(figure_size=(6, 4.75), legend_position="none")
    )


def plot_same_end(table: pd.DataFrame, *, rate: float = flow.RATES[1]) -> Plot:
    """Distance between the ends of both runs, against the curvature of the flow's minimum.

    Parameters
    ----------
    table : pandas.DataFrame
        From `adl.flow.compare`.
    rate : float, default 2e-3
        Step size of the descent; a line stands at the curvature 2 / rate.

    Returns
    -------
    Plot
        Distances below 1e-8 are drawn there.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> table = flow.compare([[0.0, 0.0], [0.0, 1.0]], steps=(16_000, 2000))
    >>> plot_same_end(table).labels.title
    'Same end: 1 of 1 below 2 / rate, 0 of 1 above'
    """
    table = _columns(table, "curvature", "distance", "same")
    limit = 2 / _inputs.real("rate", rate, above=0)
    flat = table["curvature"] < limit
    below, above = (
        f"{int(part.sum())} of {len(part)}" for part in (table["same"][flat], table["same"][~flat])
    )
    points = table.assign(
        distance=table["distance"].clip(lower=_NEAREST),
        end=pd.Categorical(
            table["same"].map({same: side[0] for same, side in _SIDES.items()}),
            categories=[side[0] for side in _SIDES.values()],
        ),
    )
    names = {side[0]: side for side in _SIDES.values()}
    return (
        Plot(
            points,
            pn.aes("curvature", "distance", color="end", shape="end"),
            alt=f"Distance between the ends of the small and of the large rate, against the "
            f"curvature of the minimum that the small rate finds, for "
            f"{counted(len(table), 'start')}, and a line at 2 / rate = {limit:g}. Both end at "
            f"the same point for {below} minima flatter than that, and for {above} sharper.",
        )
        + pn.geom_vline(xintercept=limit, color=PALETTE["ink"], linetype="dashed", size=0.7)
        + pn.geom_point(size=2.2, stroke=0.7, alpha=0.5)
        + pn.annotate(
            "label",
            x=limit,
            y=_NEAREST**0.5,
            label=f"2 / rate = {limit:g}",
            size=9,
            color=PALETTE["ink"],
            fill="white",
            label_size=0,
        )
        + pn.scale_color_manual(values={name: PALETTE[side[1]] for name, side in names.items()})
        + pn.scale_shape_manual(values={name: side[2] for name, side in names.items()})
        + pn.scale_x_log10()
        + pn.scale_y_log10()
        + pn.labs(
            title=f"Same end: {below} below 2 / rate, {above} above",
            x="largest curvature at the flow's minimum (log scale)",
            y="distance of the ends (log scale)",
        )
    )


def _columns(table: pd.DataFrame, *names: str) -> pd.DataFrame:
    """A table that has these columns and at least one row."""
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"table: expected a DataFrame from compare, got {type(table).__name__}")
    missing = [name for name in names if name not in table]
    if missing or table.empty:
        raise ValueError(f"table: expected rows with {', '.join(names)}, as compare gives them")
    return table
