"""Figures of filled sheets: errors and lines over the epochs, columns over the rows."""

import numpy as np
import pandas as pd
import plotnine as pn

from adl.layout import title
from adl.plotting import PALETTE, Plot, counted, few, in_styles
from adl.sheets import summary

__all__ = ["plot_columns", "plot_errors", "plot_lines"]

_LARGEST = 1e12
_DERIVATIVES = {"db", "da", "mb", "ma", "db_estimated", "da_estimated"}
_ERRORS = {"rmse_running": "RMSE of the rows", "rmse_line": "RMSE of the line"}


def plot_errors(tables: dict[str, pd.DataFrame], error: str = "rmse_line") -> Plot:
    """Error of each epoch, on a logarithmic axis.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        Up to four names, each with what `adl.sheets.run` returned.
    error : {"rmse_line", "rmse_running"}, default "rmse_line"
        Which of the two errors of `adl.sheets.summary`.

    Returns
    -------
    Plot
        Where a run diverges, beyond 10¹² or to nan, its curve ends.

    Raises
    ------
    ValueError
        If there are no tables or too many, or `error` is none of the two.

    Examples
    --------
    >>> from adl.sheets import SHEETS, run
    >>> plot_errors({"SGD": run(SHEETS["sgd"], epochs=3)}).alt
    'RMSE of the line over 3 epochs, on a logarithmic axis. SGD: from 16.3 to 16.3, half-way 16.3.'
    """
    if error not in _ERRORS:
        raise ValueError(f"error: expected one of {', '.join(_ERRORS)}, got {error!r}")
    few("tables", tables)
    errors = {name: summary(table)[error] for name, table in tables.items()}
    epochs = max(len(values) for values in errors.values())
    last = {name: values.iloc[-1] for name, values in errors.items()}
    best = min(last, key=lambda name: np.nan_to_num(last[name], nan=np.inf))
    worst = max(last, key=lambda name: np.nan_to_num(last[name], nan=np.inf))
    named = dict.fromkeys((best, worst))
    said = "; ".join(
        f"{name}: from {values.iloc[0]:.3g} to {last[name]:.3g}, half-way "
        f"{values.iloc[(len(values) - 1) // 2]:.3g}"
        for name, values in errors.items()
    )
    alt = f"{_ERRORS[error]} over {counted(epochs, 'epoch')}, on a logarithmic axis. {said}."
    lines = _long({name: pd.DataFrame({"error": values}) for name, values in errors.items()})
    lines = _drawable(lines[~(lines["error"] <= 0)], "error")
    return (
        _marked(Plot(lines, pn.aes("epoch", "error"), alt=alt) + pn.scale_y_log10())
        + pn.geom_line(size=0.8)
        + pn.labs(
            title=f"After {counted(epochs, 'epoch')}: "
            + ", ".join(f"{name} {last[name]:.3g}" for name in named),
            x="epoch",
            y=_ERRORS[error],
        )
    )


def plot_lines(
    tables: dict[str, pd.DataFrame], *, intercept: float = 30.0, slope: float = 2.0
) -> Plot:
    """Path of intercept and slope from epoch to epoch.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        Up to four names, each with what `adl.sheets.run` returned.
    intercept, slope : float
        The target, marked by a cross.

    Returns
    -------
    Plot
        A mark for the line at the end of each epoch; those beyond 10¹², or nan, are left out.

    Raises
    ------
    ValueError
        If there are no tables or too many.

    Examples
    --------
    >>> from adl.sheets import SHEETS, run
    >>> plot_lines({"SGD": run(SHEETS["sgd"], epochs=10)}).alt
    'Intercept and slope after each of 10 epochs, and the target (30, 2). SGD ends at (1.48, 2.56).'
    """
    few("tables", tables)
    paths = {name: summary(t)[["intercept", "slope"]] for name, t in tables.items()}
    epochs = max(len(path) for path in paths.values())
    ends = {name: path.iloc[-1].to_numpy() for name, path in paths.items()}
    off = {name: abs(end[0] - intercept) for name, end in ends.items()}
    best = min(off, key=lambda name: np.nan_to_num(off[name], nan=np.inf))
    said = "; ".join(f"{name} ends at ({b:.3g}, {a:.3g})" for name, (b, a) in ends.items())
    alt = (
        f"Intercept and slope after each of {counted(epochs, 'epoch')}, and the target "
        f"({intercept:g}, {slope:g}). {said}."
    )
    lines = _long(paths)
    lines = _drawable(lines, "intercept", "slope")
    target = pd.DataFrame({"intercept": [intercept], "slope": [slope]})
    return (
        _marked(Plot(lines, pn.aes("intercept", "slope"), alt=alt))
        + pn.geom_path(size=0.7)
        + pn.geom_point(
            pn.aes("intercept", "slope"), target, inherit_aes=False, shape="x", size=5, stroke=1
        )
        + pn.labs(
            title=f"{best} gets nearest to the intercept {intercept:g}: {ends[best][0]:.3g}",
            x="intercept b",
            y="slope a",
        )
    )


def plot_columns(table: pd.DataFrame, columns: list[str], epoch: int) -> Plot:
    """Cells of some columns from row to row of one epoch.

    Parameters
    ----------
    table : pandas.DataFrame
        What `adl.sheets.run` returned.
    columns : list of str
        Names of up to four columns.
    epoch : int
        Which epoch.

    Returns
    -------
    Plot

    Raises
    ------
    ValueError
        If the table lacks a column or the epoch, or there are no columns or too many.

    Examples
    --------
    >>> from adl.sheets import SHEETS, run
    >>> table = run(SHEETS["momentum"], epochs=2)
    >>> plot_columns(table, ["da", "ma"], epoch=2).alt.split(".")[0]
    'd/da, average of d/da over the 29 rows of epoch 2'
    """
    few("columns", dict.fromkeys(columns))
    for name in columns:
        if name not in table:
            raise ValueError(f"columns: expected columns of the table, got {name!r}")
    if epoch not in table.index.get_level_values("epoch"):
        raise ValueError(f"epoch: expected an epoch of the table, got {epoch!r}")
    rows = table.loc[epoch]
    spreads = {title(name): rows[name].std(ddof=0) for name in columns}
    said = "; ".join(
        f"{title(name)}: from {rows[name].min():.3g} to {rows[name].max():.3g}" for name in columns
    )
    alt = f"{', '.join(spreads)} over the {len(rows)} rows of epoch {epoch}. {said}."
    lines = rows[columns].rename(columns=title).melt(ignore_index=False, var_name="name")
    lines["name"] = pd.Categorical(lines["name"], categories=list(spreads))
    widest, calmest = (pick(spreads, key=spreads.__getitem__) for pick in (max, min))
    heading = f"The {calmest} swings {spreads[calmest] / spreads[widest]:.0%} as far as {widest}"
    if len(columns) == 1:
        heading = (
            f"{widest}: from {rows[columns].min().iloc[0]:.3g} to {rows[columns].max().iloc[0]:.3g}"
        )
    return (
        _marked(Plot(lines.reset_index(), pn.aes("row", "value"), alt=alt))
        + pn.geom_hline(yintercept=0, color=PALETTE["grey"], size=0.4)
        + pn.geom_line(size=0.8)
        + pn.labs(
            title=heading,
            x=f"row of epoch {epoch}",
            y="derivative (error² per unit)" if set(columns) <= _DERIVATIVES else "value",
        )
    )


def _long(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """All tables below each other, with their names in a column that keeps their order."""
    lines = pd.concat(tables, names=["name", "epoch"]).reset_index()
    lines["name"] = pd.Categorical(lines["name"], categories=list(tables))
    return lines


def _drawable(lines: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Rows whose numbers an axis can hold; a row of ones, so that it has a range, if none can."""
    kept = lines[(lines[list(columns)].abs() <= _LARGEST).all(axis=1)]
    return kept if len(kept) else lines.head(1).assign(**dict.fromkeys(columns, 1.0))


def _marked(plot: Plot) -> Plot:
    """Tell the names apart, by the shape of marks too."""
    return (
        in_styles(plot, "name")
        + pn.aes(shape="name")
        + pn.geom_point(size=1.8)
        + pn.scale_shape_manual(values=["o", "^", "s", "D"])
    )
