"""Figures of schedules."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotnine as pn

from adl.plotting import Plot, few, in_styles

__all__ = ["plot"]

_LARGEST = 1e100  # beyond this, a rate that grows without end is off the axis
_ROUNDING = 1e-12  # relative size of changes that are not real


def plot(traces: pd.DataFrame | Mapping[str, pd.DataFrame]) -> Plot:
    """Learning rate against the step; momentum in a panel below it, if it changes.

    Parameters
    ----------
    traces : DataFrame, or dict of str to DataFrame
        What `trace` returned, or up to four of them by name. Each parameter group is a curve, and
        there can be four curves in all.

    Returns
    -------
    Plot

    Raises
    ------
    TypeError, ValueError
        If `traces` is anything else, or has too many curves.

    Examples
    --------
    >>> from functools import partial
    >>> from torch.optim.lr_scheduler import StepLR
    >>> from adl.schedules import trace
    >>> plot(trace(partial(StepLR, step_size=5), steps=10)).labels.title
    'Falls from 0.06 to 0.006'
    """
    curves = _curves(traces)
    few("traces", curves)
    moving = any(_turns(curve["momentum"])[0] for curve in curves.values())
    quantities = {"lr": "learning rate"} | ({"momentum": "momentum"} if moving else {})
    lines = pd.concat(
        pd.DataFrame(
            {"step": curve["step"], "value": curve[column], "quantity": label, "name": name}
        )
        for name, curve in curves.items()
        for column, label in quantities.items()
    )
    for column, order in (("quantity", quantities.values()), ("name", curves)):
        lines[column] = pd.Categorical(lines[column], categories=list(order))
    said = {
        name: "; ".join(
            f"the {label} {_course(curve['step'], curve[column])}"
            for column, label in quantities.items()
        )
        for name, curve in curves.items()
    }
    sentences = [f"{name}: {text}" if name else text.capitalize() for name, text in said.items()]
    figure = Plot(
        lines[lines["value"].abs() <= _LARGEST],
        pn.aes("step", "value"),
        alt=f"{' and '.join(quantities.values()).capitalize()}, steps {lines['step'].min()} to "
        f"{lines['step'].max()}. {'. '.join(sentences)}.",
    )
    figure = (
        in_styles(figure, "name")
        + pn.geom_step(size=0.9)
        + pn.labs(title=_finding(curves), x="step", y=", ".join(quantities.values()))
    )
    if len(curves) == 1:
        figure += pn.theme(legend_position="none")
    if moving:
        figure += pn.facet_wrap("quantity", ncol=1, scales="free_y")
    return figure


def _curves(traces: pd.DataFrame | Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Parameter groups of the traces, by name."""
    curves = {}
    for name, table in (traces if isinstance(traces, Mapping) else {"": traces}).items():
        if not isinstance(table, pd.DataFrame) or not {"step", "group", "lr", "momentum"} <= set(
            table.columns
        ):
            raise TypeError(f"traces: expected what trace returned, got {type(table).__name__}")
        groups = dict(tuple(table.groupby("group")))
        for group, rows in groups.items():
            parts = [str(name)] if name else []
            parts += [f"group {group}"] if len(groups) > 1 else []
            curves[", ".join(parts)] = rows
    return curves


def _turns(values: pd.Series) -> tuple[list[bool], list[int]]:
    """Directions that a curve takes in turn (True is up), and where each begins."""
    values = values.to_numpy(float)
    with np.errstate(invalid="ignore"):  # a rate that has grown to infinity
        changes = np.nan_to_num(np.diff(values))
    moves = np.flatnonzero(np.abs(changes) > _ROUNDING * _size(values))
    up = changes[moves] > 0
    starts = np.flatnonzero(np.r_[True, up[1:] != up[:-1]]) if len(moves) else []
    return [bool(up[start]) for start in starts], [int(moves[start]) for start in starts]


def _size(values: np.ndarray) -> float:
    return np.max(np.abs(values[np.isfinite(values)]), initial=0.0)


def _course(steps: pd.Series, values: pd.Series) -> str:
    """Where a curve goes, in words."""
    first, last = values.iloc[0], values.iloc[-1]
    up, starts = _turns(values)
    ways = ["rises" if direction else "falls" for direction in up]
    if not ways:
        return f"stays at {first:.3g}"
    if len(ways) == 1:
        return f"{ways[0]} from {first:.3g} to {last:.3g}"
    turn = starts[1]
    if len(ways) == 2:
        return (
            f"{ways[0]} from {first:.3g} to {values.iloc[turn]:.3g} at step {steps.iloc[turn]}, "
            f"then {ways[1]} to {last:.3g}"
        )
    return (
        f"turns {len(ways) - 1} times between {values.min():.3g} and {values.max():.3g}, "
        f"and ends at {last:.3g}"
    )


def _finding(curves: Mapping[str, pd.DataFrame]) -> str:
    """What the figure shows: one curve's course, or where several end."""
    if len(curves) == 1:
        (curve,) = curves.values()
        course = _course(curve["step"], curve["lr"])
        return course[0].upper() + course[1:]
    ends = {name: curve["lr"].iloc[-1] for name, curve in curves.items()}
    low, high = min(ends, key=ends.__getitem__), max(ends, key=ends.__getitem__)
    if np.isclose(ends[low], ends[high], rtol=1e-3, atol=0):
        return f"All end at {ends[low]:.3g}"
    return f"Last rate: from {ends[low]:.3g} ({low}) to {ends[high]:.3g} ({high})"
