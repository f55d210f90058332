"""How many epochs a sheet needs, on many data sets at once.

A result on one data set may be luck. Here a sheet runs on a hundred of them side by side: each cell
is an array, with one number for each data set.
"""

import ast
from typing import Any

import numpy as np
import pandas as pd
import plotnine as pn

from adl import _inputs, formulas
from adl._session import progress_bar
from adl.plotting import PALETTE, Plot, counted, few, in_styles
from adl.sheets import Sheet

__all__ = [
    "INTERCEPT",
    "POINTS",
    "SLOPE",
    "epochs_to_settle",
    "plot_medians",
    "plot_settled",
    "random_points",
    "run",
]

POINTS = 29
"""Number of points in a data set, as in the chapter's own."""

INTERCEPT, SLOPE = 30.0, 2.0
"""The line on which all points lie."""

_CLOSE = 0.01
_FUNCTIONS = {"sqrt": np.sqrt, "IF": np.where, "MIN": np.minimum, "MAX": np.maximum}


def random_points(data_sets: int, *, seed: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Data sets like the chapter's: inputs are whole numbers from 1 to 100.

    Parameters
    ----------
    data_sets : int
        How many.
    seed : int or torch.Generator, optional
        Randomness; None is fresh.

    Returns
    -------
    tuple of numpy.ndarray, shape (data_sets, 29)
        Inputs x and targets 2 x + 30.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> x, y = random_points(100, seed=0)
    >>> x.shape, bool((y == 2 * x + 30).all())
    ((100, 29), True)
    """
    data_sets = _inputs.whole("data_sets", data_sets, at_least=1)
    x = _inputs.generator(seed).integers(1, 101, (data_sets, POINTS)).astype(float)
    return x, SLOPE * x + INTERCEPT


def run(
    sheet: Sheet, epochs: int, x: Any, y: Any, lr: float | None = None
) -> dict[str, np.ndarray]:
    """Run a sheet on many data sets, and keep what stands at the end of each epoch.

    Parameters
    ----------
    sheet : adl.sheets.Sheet
        The recipe, with its inputs as they are.
    epochs : int
        Number of passes over each data set.
    x, y : array_like, shape (data sets, points)
        One data set in each row.
    lr : float, optional
        Learning rate of the first epoch; by default the sheet's own.

    Returns
    -------
    dict of str to numpy.ndarray, shape (epochs, data sets)
        ``intercept`` and ``slope`` of the line, and what the sheet computes at an epoch's end; inf
        or nan where a run diverges.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    See Also
    --------
    adl.sheets.run : every cell, for one data set.

    Examples
    --------
    >>> from adl.sheets import SHEETS, X, Y
    >>> lines = run(SHEETS["sgd"], 1, [X, X], [Y, Y])
    >>> print(lines["intercept"].round(4), lines["slope"].round(4))
    [[1.0658 1.0658]] [[2.5699 2.5699]]
    """
    if not isinstance(sheet, Sheet):
        raise TypeError(f"sheet: expected a Sheet, got {type(sheet).__name__}")
    for name in ("new_a", "new_b"):
        if name not in sheet.columns:
            raise ValueError(f"sheet: expected one with a column {name}")
    epochs = _inputs.whole("epochs", epochs, at_least=1)
    x, y = _table("x", x), _table("y", y)
    if x.shape != y.shape:
        raise ValueError(f"y: expected the shape of x, {x.shape}, got {y.shape}")
    rate = np.full(len(x), sheet.rate if lr is None else _inputs.real("lr", lr))
    rows, ends = sheet.trees()
    fill_row, end_epoch = formulas.compile_row(rows), formulas.compile_row(ends)
    space = {"__builtins__": {}, **_FUNCTIONS}
    inputs = {name: cell.value for name, cell in sheet.inputs.items()}
    above = {formulas.ABOVE + name: np.full(len(x), value) for name, value in sheet.start.items()}
    before = {formulas.ABOVE + name: value for name, value in sheet.epoch_start.items()}
    averaged = {column for column in rows if f"mean_{column}" in _names(ends)}
    kept = {name: np.empty((epochs, len(x))) for name in ("intercept", "slope", *ends)}
    with np.errstate(all="ignore"):
        for epoch in progress_bar(range(epochs), label=sheet.name):
            sums = dict.fromkeys(averaged, 0.0)
            for x_row, y_row in zip(x.T, y.T, strict=True):
                row = {**inputs, **above, "x": x_row, "y": y_row, "rate": rate}
                exec(fill_row, space, row)
                above = {formulas.ABOVE + name: row[name] for name in sheet.start}
                sums = {name: total + row[name] for name, total in sums.items()}
            if ends:
                means = {f"mean_{name}": total / x.shape[1] for name, total in sums.items()}
                end = {**row, **before, **means}
                exec(end_epoch, space, end)
                before = {formulas.ABOVE + name: end[name] for name in sheet.epoch_start}
                rate = end.get("next_rate", rate)
                for name in ends:
                    kept[name][epoch] = end[name]
            kept["intercept"][epoch], kept["slope"][epoch] = row["new_b"], row["new_a"]
    return kept


def epochs_to_settle(sheet: Sheet, epochs: int, x: Any, y: Any) -> np.ndarray:
    """Number of epochs until the line is within 1% of the target for the first time.

    Parameters
    ----------
    sheet, epochs, x, y
        As for `run`.

    Returns
    -------
    numpy.ndarray, shape (data sets,)
        The first epoch after which the intercept is within 0.3 of 30 and the slope within 0.02 of
        2; inf if there is none among the `epochs`.

    Raises
    ------
    TypeError, ValueError
        As `run`.

    Examples
    --------
    >>> from adl.sheets import SHEETS, X, Y
    >>> epochs_to_settle(SHEETS["annealed_mean"], 20, [X], [Y])
    array([8.])
    """
    lines = run(sheet, epochs, x, y)
    close = (np.abs(lines["intercept"] - INTERCEPT) <= _CLOSE * INTERCEPT) & (
        np.abs(lines["slope"] - SLOPE) <= _CLOSE * SLOPE
    )
    return np.where(close.any(axis=0), close.argmax(axis=0) + 1.0, np.inf)


def plot_settled(counts: dict[str, np.ndarray], epochs: int) -> Plot:
    """Share of the data sets on which a sheet has come within 1%, against the epochs.

    Parameters
    ----------
    counts : dict of str to numpy.ndarray
        For the name of each sheet, what `epochs_to_settle` returned; at most four sheets.
    epochs : int
        Where the axis ends.

    Returns
    -------
    Plot

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> plot_settled({"mine": np.array([3.0, np.inf])}, epochs=10).alt.split(". ")[1]
    'mine: 50% after 3, 50% after 10.'
    """
    epochs = _inputs.whole("epochs", epochs, at_least=1)
    few("counts", counts)
    when = np.arange(epochs + 1)
    lines = pd.concat(
        pd.DataFrame(
            {"epoch": when, "share": [100 * np.mean(c <= epoch) for epoch in when], "sheet": name}
        )
        for name, c in counts.items()
    )
    lines["sheet"] = pd.Categorical(lines["sheet"], categories=list(counts))
    ends = {name: 100 * np.mean(c <= epochs) for name, c in counts.items()}
    best = max(ends, key=ends.__getitem__)
    early = -(-epochs // 4)
    said = "; ".join(
        f"{name}: {100 * np.mean(counts[name] <= early):.0f}% after {early}, "
        f"{share:.0f}% after {epochs}"
        for name, share in ends.items()
    )
    number = len(next(iter(counts.values())))
    return (
        in_styles(
            Plot(
                lines,
                pn.aes("epoch", "share"),
                alt=f"Share of {counted(number, 'data set')} that have been within 1% of the "
                f"target, against the epochs. {said}.",
            ),
            "sheet",
        )
        + pn.geom_step(size=0.9)
        + pn.coord_cartesian(ylim=(0, 100))
        + pn.labs(
            title=f"Within 1% once in {epochs} epochs: {ends[best]:.0f}%, {best}",
            x="epochs",
            y="data sets within 1% (%)",
        )
    )


def plot_medians(histories: dict[str, np.ndarray], *, quantity: str, level: float) -> Plot:
    """Median over the data sets of something that `run` kept, against the epochs.

    Parameters
    ----------
    histories : dict of str to numpy.ndarray, shape (epochs, data sets)
        Up to four, by name.
    quantity : str
        What they are, for the axis.
    level : float
        Where a line is drawn, to compare with.

    Returns
    -------
    Plot
        A band holds the middle half of the data sets.

    Raises
    ------
    ValueError
        If there are no histories or too many.

    Examples
    --------
    >>> plot_medians({"mine": np.ones((3, 5))}, quantity="size", level=2).alt
    'Median of size over 5 data sets, against 3 epochs, and a line at 2. mine: from 1.00 to 1.00.'
    """
    few("histories", histories)
    lines = pd.concat(
        pd.DataFrame(
            dict(
                zip(
                    ("low", "median", "high"),
                    np.quantile(h, [0.25, 0.5, 0.75], axis=1),
                    strict=True,
                )
            )
            | {"epoch": np.arange(1, len(h) + 1), "name": name}
        )
        for name, h in histories.items()
    )
    lines["name"] = pd.Categorical(lines["name"], categories=list(histories))
    ends = {name: np.median(h[[0, -1]], axis=1) for name, h in histories.items()}
    said = "; ".join(
        f"{name}: from {first:.2f} to {last:.2f}" for name, (first, last) in ends.items()
    )
    epochs, number = next(iter(histories.values())).shape
    last = [end[1] for end in ends.values()]
    return (
        in_styles(
            Plot(
                lines,
                pn.aes("epoch", "median"),
                alt=f"Median of {quantity} over {counted(number, 'data set')}, against "
                f"{counted(epochs, 'epoch')}, and a line at {level:g}. {said}.",
            ),
            "name",
        )
        + pn.geom_hline(yintercept=level, color=PALETTE["ink"], size=0.5)
        + pn.geom_ribbon(pn.aes(ymin="low", ymax="high"), alpha=0.15, color="none")
        + pn.geom_line(size=0.9)
        + pn.labs(
            title=f"After {epochs} epochs: {quantity} from {min(last):.2g} to {max(last):.2g}",
            x="epoch",
            y=f"{quantity}, median",
        )
    )


def _names(trees: dict[str, ast.expr]) -> set[str]:
    return {
        node.id for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.Name)
    }


def _table(name: str, values: Any) -> np.ndarray:
    """Two-dimensional float64 array of finite numbers."""
    if np.ndim(values[0] if isinstance(values, list) and values else values) == 0:
        raise TypeError(f"{name}: expected one data set in each row, got {values!r:.40}")
    rows = [_inputs.vector(name, row) for row in values]
    if len({len(row) for row in rows}) != 1:
        raise ValueError(f"{name}: expected data sets of one length, at least one of them")
    return np.array(rows)
