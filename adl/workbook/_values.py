"""What each formula shows: the numbers of `adl.sheets.run`, and errors where a run diverges."""

import ast
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from adl import formulas
from adl.sheets import Sheet, X, Y, run, summary

Shown = float | str

OVERFLOW, DIVISION_BY_ZERO = "#NUM!", "#DIV/0!"


@dataclass(frozen=True)
class Values:
    """What the cells of a tab show.

    Attributes
    ----------
    cells : dict
        By epoch and row, both from 1: the columns of the grid by name.
    epochs : dict
        By epoch, from 0: the columns of the table of epochs by name.
    """

    cells: dict[tuple[int, int], Mapping[str, Shown]]
    epochs: dict[int, Mapping[str, Shown]]


def values_shown(sheet: Sheet, epochs: int) -> Values:
    """What the cells of a sheet's tab show before anything is changed.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from adl.sheets import SHEETS
    >>> values_shown(SHEETS["sgd"], 1).cells[1, 1]["err2"]
    1849.0
    >>> values_shown(replace(SHEETS["sgd"], rate=1.0), 2).epochs[2]["rmse_running"]
    '#NUM!'
    """
    with np.errstate(all="ignore"):
        table = run(sheet, epochs)
        lines = summary(table)
    weights = {"intercept": "new_b", "slope": "new_a"}
    start = {name: sheet.start[cell] for name, cell in weights.items() if cell in sheet.start}
    start |= sheet.epoch_start
    if not (np.isfinite(table).all(axis=None) and np.isfinite(lines).all(axis=None)):
        return _with_errors(sheet, epochs, start)
    ends = table[list(sheet.epoch_end)].groupby(level="epoch").last()
    return Values(table.to_dict("index"), {0: start} | lines.join(ends).to_dict("index"))


def _with_errors(sheet: Sheet, epochs: int, start: dict[str, float]) -> Values:
    """The same, cell by cell, as spreadsheets compute: an error makes errors of all that use it."""
    rows, ends = (
        {name: _formula(name, tree) for name, tree in trees.items()} for trees in sheet.trees()
    )
    inputs = {name: cell.value for name, cell in sheet.inputs.items()}
    above = _as_above(sheet.start)
    shown = Values({}, {0: start})
    rate: Shown = sheet.rate
    for epoch in range(1, epochs + 1):
        grid = []
        for row, (x, y) in enumerate(zip(X, Y, strict=True), start=1):
            cells = {**inputs, **above, "x": float(x), "y": float(y), "rate": rate}
            for name, formula in rows.items():
                cells[name] = formula(cells)
            shown.cells[epoch, row] = cells
            grid.append(cells)
            above = _as_above({name: cells[name] for name in sheet.start})
        last = _as_above({name: shown.epochs[epoch - 1][name] for name in sheet.epoch_start})
        end = cells | last | {f"mean_{name}": _mean(c[name] for c in grid) for name in rows}
        for name, formula in ends.items():
            end[name] = formula(end)
        a, b = end["slope"], end["intercept"] = end["new_a"], end["new_b"]
        end["rmse_running"] = _of(math.sqrt, _mean(c["err2"] for c in grid))
        end["rmse_line"] = _of(
            math.sqrt,
            _mean(_of(lambda b, a, c=c: (a * c["x"] + b - c["y"]) ** 2, b, a) for c in grid),
        )
        shown.epochs[epoch] = end
        rate = end.get("next_rate", rate)
    return shown


def _formula(name: str, tree: ast.expr) -> Callable[[dict[str, Shown]], Shown]:
    """A column's formula, which computes its cell from those of the row."""
    code = formulas.compile_row({name: tree})
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    used = [node.id for node in sorted(names, key=lambda node: node.col_offset)]
    space = {name: function for name, (_, function) in formulas.FUNCTIONS.items()}

    def compute(cells: dict[str, Shown]) -> Shown:
        def value(*_: float) -> float:
            filled = dict(cells)
            exec(code, {"__builtins__": {}, **space}, filled)
            return filled[name]

        return _of(value, *(cells[n] for n in used if n in cells))

    return compute


def _of(function: Callable[..., float], *values: Shown) -> Shown:
    """A function of cells: the first error among them, or else its value or error."""
    for value in values:
        if isinstance(value, str):
            return value
    try:
        result = function(*values)
    except ZeroDivisionError:
        return DIVISION_BY_ZERO
    except OverflowError:
        return OVERFLOW
    return result if math.isfinite(result) else OVERFLOW


def _mean(values: Iterable[Shown]) -> Shown:
    values = list(values)
    return _of(lambda *numbers: math.fsum(numbers) / len(numbers), *values)


def _as_above(cells: Mapping[str, Any]) -> dict[str, Any]:
    return {formulas.ABOVE + name: value for name, value in cells.items()}
