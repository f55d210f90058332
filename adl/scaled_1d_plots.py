"""Figures of the model with one weight whose output is scaled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotnine as pn

from adl import _inputs, scaled_1d
from adl.plotting import PALETTE, Plot, counted, digits, few, in_styles

__all__ = ["plot_gap", "plot_h", "plot_landscapes", "plot_unlabelled"]

_NAMES = ("scaled model", "linearised model")
_VIEWS = {"near the start": (1.4, 1.6), "from -1 to 2.5": (-1.0, 2.5)}
_FAR = (0.01, 0.1)  # from the start, where the tangent's error is told
_POINTS = 4001
_HIGHEST = 3.0  # of the loss relative to the start: what lies above is not shown
_U = "linearised steps from the start, u"
_LOSS = "loss / loss at the start"


def plot_h() -> Plot:
    """The model and its tangent at the start, against the weight: near the start, and far.

    Returns
    -------
    Plot
        Two panels, at the input 1.5; a dot at the start.

    Examples
    --------
    >>> plot_h().labels.title
    'Error of the tangent: 2% at 0.01, 21% at 0.1 from the start'
    """
    both = []
    for view, window in _VIEWS.items():
        w = np.linspace(*window, _POINTS)
        model, tangent = scaled_1d.h(scaled_1d.X, w), scaled_1d.linearised_h(scaled_1d.X, w)
        both += [
            pd.DataFrame({"w": w, "h": values, "model": name, "view": view})
            for name, values in (("h", model), ("tangent at the start", tangent))
        ]
    curves = pd.concat(both)
    curves["model"] = pd.Categorical(curves["model"], categories=["h", "tangent at the start"])
    curves["view"] = pd.Categorical(curves["view"], categories=list(_VIEWS))
    start = pd.DataFrame({"w": [scaled_1d.W_0], "h": [0.0]})
    missed = ", ".join(f"{_missed(far):.0%} at {far:g}" for far in _FAR)
    finding = f"Error of the tangent: {missed} from the start"
    return (
        in_styles(
            Plot(
                curves,
                pn.aes("w", "h"),
                alt=f"The model h(1.5; w) and its tangent at the start, w = 1.5, where both are "
                f"zero: near the start, and from w = -1 to 2.5, where h swings faster and faster. "
                f"{finding}.",
            ),
            "model",
        )
        + pn.geom_line(size=0.8)
        + pn.geom_point(pn.aes("w", "h"), start, color=PALETTE["ink"], size=2.2, inherit_aes=False)
        + pn.facet_wrap("view", ncol=2, scales="free")
        + pn.labs(title=finding, x="weight w", y="h(1.5; w)")
    )


def plot_unlabelled() -> Plot:
    """Losses of the scaled model and of its linearisation, without saying which is which.

    Returns
    -------
    Plot
        A panel for each of `adl.scaled_1d.UNLABELLED`; the scaled model is drawn solid, its
        linearisation dashed.

    Examples
    --------
    >>> plot_unlabelled().labels.title
    'Two lines in each picture: which is which?'
    """
    names = ("solid", "dashed")
    curves = {
        panel: _curves(scaled_1d.landscape(alpha, points=_POINTS), names)
        for panel, alpha in scaled_1d.UNLABELLED.items()
    }
    said = "; ".join(f"{panel}: {_seen(table, names)}" for panel, table in curves.items())
    drawn = pd.concat(table.assign(panel=panel) for panel, table in curves.items())
    drawn["panel"] = pd.Categorical(drawn["panel"], categories=list(curves))
    return (
        in_styles(
            Plot(
                drawn,
                pn.aes("u", "loss"),
                alt=f"Two losses against the distance u from the start, a panel for each picture. "
                f"{said}.",
            ),
            "model",
        )
        + pn.geom_line(size=0.8)
        + pn.facet_wrap("panel")
        + pn.coord_cartesian(ylim=(0, _HIGHEST))
        + pn.labs(title="Two lines in each picture: which is which?", x=_U, y=_LOSS)
        + pn.theme(figure_size=(8, 3.4))
    )


def plot_landscapes(alphas: Sequence[float] = scaled_1d.ALPHAS) -> Plot:
    """Losses of the scaled model and of its linearisation, a panel for each alpha.

    Parameters
    ----------
    alphas : sequence of float, default `adl.scaled_1d.ALPHAS`
        Scales of the output, above 0, up to eight.

    Returns
    -------
    Plot
        All panels in linearised steps from the start and relative to the loss there, so that the
        linearised loss is the same in each.

    Raises
    ------
    TypeError, ValueError
        If `alphas` are not numbers above 0, or too many.

    Examples
    --------
    >>> plot_landscapes([10, 1000]).labels.title
    'Largest difference: 76% of the start at α = 10, 2% at 1,000'
    """
    alphas = _inputs.positive_vector("alphas", alphas)
    panels = {f"α = {alpha:,g}": alpha for alpha in alphas}
    few("alphas", panels, most=len(scaled_1d.ALPHAS))
    curves = pd.concat(
        _curves(scaled_1d.landscape(alpha, points=_POINTS), _NAMES).assign(panel=panel)
        for panel, alpha in panels.items()
    )
    curves["panel"] = pd.Categorical(curves["panel"], categories=list(panels))
    gaps = {panel: f"{_percent(scaled_1d.gap(alpha))}%" for panel, alpha in panels.items()}
    said = "; ".join(f"{panel}: {gap}" for panel, gap in gaps.items())
    first, last = gaps[next(iter(panels))], gaps[next(reversed(panels))]
    return (
        in_styles(
            Plot(
                curves,
                pn.aes("u", "loss"),
                alt=f"Losses of the scaled and of the linearised model against the distance from "
                f"the start in linearised steps, a panel for each α. The linearised loss is the "
                f"same parabola in all. Largest difference, as a share of the loss at the start: "
                f"{said}.",
            ),
            "model",
        )
        + pn.geom_line(size=0.7)
        + pn.facet_wrap("panel", ncol=4)
        + pn.coord_cartesian(ylim=(0, _HIGHEST))
        + pn.labs(
            title=f"Largest difference: {first} of the start at α = {alphas[0]:,g}, "
            f"{last} at {alphas[-1]:,g}",
            x=_U,
            y=_LOSS,
        )
        + pn.theme(figure_size=(8, 4.75))
    )


def plot_gap(alphas: Sequence[float] = scaled_1d.ALPHAS) -> Plot:
    """Largest difference between the two losses against alpha, with its limit.

    Parameters
    ----------
    alphas : sequence of float, default `adl.scaled_1d.ALPHAS`
        Scales of the output, above 0, at least two.

    Returns
    -------
    Plot
        The line is what the gap is for large alpha, ``8 y f' / (f**2 alpha)``: to first order the
        losses differ by ``2 u**2 (u - 1) y f' / (f**2 alpha)``, most of all at u = 2.

    Raises
    ------
    TypeError, ValueError
        If `alphas` are not numbers above 0, or fewer than two.

    Examples
    --------
    >>> plot_gap().labels.title
    'At α = 10,000 the gap is 99% of 23 / α'
    """
    alphas = _inputs.positive_vector("alphas", alphas)
    if len(alphas) < 2:
        raise ValueError(f"alphas: expected at least two, got {len(alphas)}")
    points = pd.DataFrame({"alpha": alphas, "gap": [scaled_1d.gap(alpha) for alpha in alphas]})
    limit = [scaled_1d.first_order_gap(alpha) for alpha in alphas[[0, -1]]]
    line = pd.DataFrame({"alpha": alphas[[0, -1]], "gap": limit})
    reached = f"{points['gap'].iloc[-1] / limit[-1]:.0%}"
    finding = f"At α = {alphas[-1]:,g} the gap is {reached} of {limit[0] * alphas[0]:.0f} / α"
    said = "; ".join(
        f"{_percent(gap)}% at α = {alpha:,g}"
        for alpha, gap in points.itertuples(index=False, name=None)
    )
    return (
        Plot(
            points,
            pn.aes("alpha", "gap"),
            alt=f"Largest difference between the two losses, in parts of the loss at the start, "
            f"against α, both on logarithmic axes, and a line that falls as 1 / α: {said}. "
            f"{finding}.",
        )
        + pn.geom_line(data=line, color=PALETTE["ink"], linetype="dashed", size=0.6)
        + pn.geom_point(color=PALETTE["blue"], size=2.5)
        + pn.scale_x_log10()
        + pn.scale_y_log10()
        + pn.labs(
            title=finding,
            x="scale of the output, α (log scale)",
            y="gap / loss at the start (log scale)",
        )
    )


def _curves(losses: pd.DataFrame, names: tuple[str, str]) -> pd.DataFrame:
    """Both losses in one column, with the name of the model beside it."""
    curves = losses.set_axis(["u", *names], axis=1).melt("u", var_name="model", value_name="loss")
    return curves.assign(model=pd.Categorical(curves["model"], categories=names))


def _seen(curves: pd.DataFrame, names: tuple[str, str]) -> str:
    """What can be seen of two curves: where each is lowest, and how often it turns."""
    said = []
    for name in names:
        curve = curves[curves["model"] == name].reset_index(drop=True)
        turns = int((np.diff(np.sign(np.diff(curve["loss"]))) != 0).sum())
        lowest = curve["u"][curve["loss"].idxmin()]
        said.append(f"{name} line lowest at u = {lowest:.2f}, {counted(turns, 'turn')}")
    return ", ".join(said)


def _percent(part: float) -> str:
    return digits(100 * part, 2)


def _missed(distance: float) -> float:
    """Largest relative error of the tangent up to a distance from the start."""
    w = scaled_1d.W_0 + distance * np.array([-1.0, 1.0])[:, None] * np.linspace(0.01, 1, 100)
    model, tangent = scaled_1d.h(scaled_1d.X, w), scaled_1d.linearised_h(scaled_1d.X, w)
    return float(np.abs(tangent / model - 1).max())
