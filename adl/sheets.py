"""Optimisers in spreadsheet form: a sheet is data, one formula for each column.

The sheets fit the line ``y = a x + b`` to 29 points with batch size 1: each row of the data is a
row of the sheet, and a step. What a sheet computes is written once, as text; the table in the
notebook, the workbook and the page are made from the same text, so that they cannot disagree.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from adl import _inputs, formulas

__all__ = [
    "SHEETS",
    "Input",
    "Sheet",
    "X",
    "Y",
    "run",
    "summary",
]

# A random sample, searched for until its first rows were those of the lesson: the seed gives it,
# `random.Random(17901338)`, 29 times `randint(1, 100)`.
X = [14, 86, 18, 13, 88, 31, 77, 11, 23, 62, 42, 8, 27, 9, 38]
X += [60, 96, 92, 38, 6, 31, 33, 33, 20, 65, 32, 64, 59, 25]
"""Inputs of the 29 points."""

Y = [2 * x + 30 for x in X]
"""Targets: they lie on the line with slope 2 and intercept 30."""


@dataclass(frozen=True)
class Input:
    """A cell that the reader may change.

    Attributes
    ----------
    value : float
        What stands in it at first.
    low, high : float
        Least and largest number that it takes.
    about : str
        What it is, in words.

    Raises
    ------
    TypeError, ValueError
        If one of the three is no number, or the first not between the others.

    Examples
    --------
    >>> Input(0.9, low=0.0, high=0.999, about="how much of the average above is kept").value
    0.9
    """

    value: float
    low: float
    high: float
    about: str

    def __post_init__(self) -> None:
        for name in ("value", "low", "high"):
            _inputs.real(name, getattr(self, name))
        if not self.low <= self.value <= self.high:
            raise ValueError(
                f"value: expected a number from {self.low:g} to {self.high:g}, got {self.value:g}"
            )


@dataclass(frozen=True)
class Sheet:
    """A recipe: cells to change, cells to start from, and a formula for each column.

    Attributes
    ----------
    name : str
        Short name, such as ``"momentum"``.
    about : str
        What the sheet does, in a sentence.
    rate : float
        Learning rate of the first epoch.
    inputs : dict of str to Input
        The other cells that may be changed.
    start : dict of str to float
        Cells above the first row.
    columns : dict of str to str
        Formulas, from left to right, in the language of `adl.formulas`; besides the inputs they
        may use ``x`` and ``y``, the row's point, and ``rate``, the learning rate of the epoch.
    epoch_end : dict of str to str
        Formulas that are computed once, after an epoch's last row. They may use its cells, and
        ``mean_name`` for the mean of a column over the epoch; ``@name`` is the epoch before. If one
        is called ``next_rate``, the sheet sets its own learning rate.
    epoch_start : dict of str to float
        What ``@name`` is in the first epoch's end.

    Raises
    ------
    adl.formulas.FormulaError
        If a formula or a name cannot be used; the message names the column and the reason.
    TypeError, ValueError
        If a start or the rate is no number.

    Examples
    --------
    >>> plain = Sheet("plain", "gradient descent on the intercept alone", rate=0.01,
    ...               start={"new_b": 1.0},
    ...               columns={"b": "@new_b", "db": "2*(b - y)", "new_b": "b - rate*db"})
    >>> print(f"{run(plain, epochs=1)['new_b'].iloc[0]:.2f}")
    2.14
    """

    name: str
    about: str
    rate: float
    start: dict[str, float]
    columns: dict[str, str]
    inputs: dict[str, Input] = field(default_factory=dict)
    epoch_end: dict[str, str] = field(default_factory=dict)
    epoch_start: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if _inputs.real("rate", self.rate) < 0:
            raise ValueError(f"rate: expected a number of at least 0, got {self.rate:g}")
        for name, cell in self.inputs.items():
            if not isinstance(cell, Input):
                raise TypeError(
                    f"inputs: expected {name} to be Input(value, low, high, about), got {cell!r}"
                )
        for cells in (self.start, self.epoch_start):
            for name, value in cells.items():
                _inputs.real(f"start of {name}", value)
        self.trees()

    @property
    def sets_its_rate(self) -> bool:
        """Whether the learning rate of later epochs comes from the sheet."""
        return "next_rate" in self.epoch_end

    def trees(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Checked expression trees of the columns, and of what is computed at an epoch's end."""
        known = {"x", "y", "rate", *self.inputs}
        for name in (*self.inputs, *self.columns, *self.epoch_end):
            if not str(name).isidentifier() or name in formulas.FUNCTIONS:
                raise formulas.FormulaError(f"column {name}: a name is made of letters, digits, _")
        own = {"epoch", "row", "x", "y", "rate"}
        if own & set(self.inputs):
            name = min(own & set(self.inputs))
            raise formulas.FormulaError(f"input {name}: the sheet has that name already")
        taken = (known | own) & {*self.columns, *self.epoch_end}
        taken |= set(self.columns) & set(self.epoch_end)
        if taken:
            raise formulas.FormulaError(f"column {min(taken)}: the name is taken already")
        missing = set(self.start) - set(self.columns)
        if missing:
            raise formulas.FormulaError(f"column {min(missing)}: it has a start and no formula")
        rows: dict[str, Any] = {}
        for column, formula in self.columns.items():
            rows[column] = formulas.parse(
                column, formula, left={*known, *rows}, above=set(self.start)
            )
        known = {*known, *rows, *(f"mean_{column}" for column in rows)}
        ends: dict[str, Any] = {}
        for column, formula in self.epoch_end.items():
            ends[column] = formulas.parse(
                column, formula, left={*known, *ends}, above=set(self.epoch_start)
            )
        return rows, ends


def run(
    sheet: Sheet,
    epochs: int,
    lr: float | Sequence[float] | None = None,
    *,
    x: Any = X,
    y: Any = Y,
    **inputs: float,
) -> pd.DataFrame:
    """Fill a sheet down: every cell that a spreadsheet would show.

    Parameters
    ----------
    sheet : Sheet
        The recipe.
    epochs : int
        Number of passes over the points.
    lr : float or sequence of float, optional
        Learning rate, one for all epochs or one for each; by default the sheet's own. A sheet that
        sets its own rate takes the first only.
    x, y : array_like, shape (n,)
        The points; by default the 29 of the chapter.
    **inputs : float
        Other values for the sheet's inputs.

    Returns
    -------
    pandas.DataFrame
        Indexed (epoch, row), both from 1: ``x``, ``y``, ``rate`` and the sheet's columns; inf and
        nan where a run diverges. What the sheet computes at the end of an epoch stands in each of
        its rows.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used; the message names it.

    Examples
    --------
    >>> table = run(SHEETS["sgd"], epochs=1)
    >>> table.loc[(1, 1), ["pred", "err2", "db", "da"]].tolist()
    [15.0, 1849.0, -86.0, -1204.0]
    """
    if not isinstance(sheet, Sheet):
        raise TypeError(f"sheet: expected a Sheet, got {type(sheet).__name__}")
    epochs = _inputs.whole("epochs", epochs, at_least=1)
    x, y = _inputs.pair(x, y)
    rates = _rates(sheet, epochs, lr)
    cells = {name: cell.value for name, cell in sheet.inputs.items()} | _checked(sheet, inputs)
    rows, ends = sheet.trees()
    fill_row, end_epoch = formulas.compile_row(rows), formulas.compile_row(ends)
    functions = {name: function for name, (_, function) in formulas.FUNCTIONS.items()}
    space = {"__builtins__": {}, **functions}
    above = {formulas.ABOVE + name: float(value) for name, value in sheet.start.items()}
    before = {formulas.ABOVE + name: value for name, value in sheet.epoch_start.items()}
    records = []
    for epoch in range(1, epochs + 1):
        if epoch == 1 or not sheet.sets_its_rate:
            rate = rates[epoch - 1]
        this_epoch = []
        for number, (x_row, y_row) in enumerate(zip(x.tolist(), y.tolist(), strict=True), start=1):
            row = {**cells, **above, "x": x_row, "y": y_row, "rate": rate}
            _execute(fill_row, space, row)
            this_epoch.append(
                {"epoch": epoch, "row": number, "x": x_row, "y": y_row, "rate": rate}
                | {column: row[column] for column in rows}
            )
            above = {formulas.ABOVE + name: row[name] for name in sheet.start}
        if ends:
            means = {f"mean_{c}": math.fsum(r[c] for r in this_epoch) / len(x) for c in rows}
            end = {**row, **before, **means}
            _execute(end_epoch, space, end)
            for record in this_epoch:
                record |= {name: end[name] for name in ends}
            before = {formulas.ABOVE + name: end[name] for name in sheet.epoch_start}
            rate = end.get("next_rate", rate)
        records += this_epoch
    return pd.DataFrame(records).set_index(["epoch", "row"])


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """One line for each epoch of a table that `run` filled.

    Parameters
    ----------
    table : pandas.DataFrame
        With the columns ``x``, ``y``, ``err2``, ``new_a``, ``new_b`` and ``rate``.

    Returns
    -------
    pandas.DataFrame
        Indexed by epoch. ``rmse_running``: root mean squared error over the rows, each predicted by
        the line of its own row, as a spreadsheet's column shows it; ``rmse_line``: that of the one
        line that stands at the end of the epoch; ``intercept`` and ``slope`` of it; ``rate``.

    Examples
    --------
    >>> second = summary(run(SHEETS["sgd"], epochs=2)).loc[2]
    >>> print(f"b = {second['intercept']:.4f}, error of the line {second['rmse_line']:.3f}")
    b = 1.1116, error of the line 16.316
    """
    epochs = table.groupby(level="epoch")
    last = epochs.last()
    lines = pd.DataFrame(
        {
            "rmse_running": np.sqrt(epochs["err2"].mean()),
            "intercept": last["new_b"],
            "slope": last["new_a"],
            "rate": last["rate"],
        }
    )
    points = table.xs(1, level="epoch")
    intercepts, slopes = (lines[[name]].to_numpy() for name in ("intercept", "slope"))
    with np.errstate(all="ignore"):  # a run that diverges ends in inf or nan
        errors = intercepts + slopes * points["x"].to_numpy() - points["y"].to_numpy()
        lines.insert(1, "rmse_line", np.sqrt(np.mean(errors**2, axis=1)))
    return lines


def _execute(code: Any, space: dict[str, Any], cells: dict[str, float]) -> None:
    """Fill cells; where floating point overflows or divides by 0, spreadsheets show an error."""
    try:
        exec(code, space, cells)
    except (OverflowError, ZeroDivisionError):
        _execute_with_numpy(code, space, cells)


def _execute_with_numpy(code: Any, space: dict[str, Any], cells: dict[str, float]) -> None:
    """The same in NumPy's floats, which give inf and nan where Python's raise."""
    slow = {name: np.float64(value) for name, value in cells.items()}
    with np.errstate(all="ignore"):
        try:
            exec(code, space | {"sqrt": np.sqrt}, slow)
        except (OverflowError, ZeroDivisionError):
            raise formulas.FormulaError(
                "a formula divides by 0, or overflows, whatever the data are"
            ) from None
    cells |= {name: float(value) for name, value in slow.items()}


def _rates(sheet: Sheet, epochs: int, lr: Any) -> list[float]:
    if lr is None:
        lr = sheet.rate
    if np.ndim(lr) == 0:
        return [_inputs.real("lr", lr)] * epochs
    rates = _inputs.vector("lr", lr).tolist()
    if sheet.sets_its_rate:
        raise ValueError(
            f"lr: expected one number, since {sheet.name} sets its own rate, got {len(rates)}"
        )
    if len(rates) != epochs:
        raise ValueError(
            f"lr: expected one number or one for each of {epochs} epochs, got {len(rates)}"
        )
    return rates


def _checked(sheet: Sheet, inputs: dict[str, Any]) -> dict[str, float]:
    for name, value in inputs.items():
        if name not in sheet.inputs:
            known = ", ".join(sheet.inputs) or "none"
            raise ValueError(f"{name}: expected an input of {sheet.name} ({known})")
        cell = sheet.inputs[name]
        if not cell.low <= _inputs.real(name, value) <= cell.high:
            raise ValueError(
                f"{name}: expected a number from {cell.low:g} to {cell.high:g}, got {value}"
            )
    return {name: float(value) for name, value in inputs.items()}


# --- The recipes ----------------------------------------------------------------------------------

_BETA1 = Input(0.9, 0.0, 0.999, "how much of the average above is kept")
_BETA2 = Input(0.9, 0.0, 0.999, "how much of the average of squares above is kept")
_EPS = Input(1e-8, 0.0, 1.0, "keeps the division away from zero")

# Spreadsheets and JSON know no infinity, and a few times this must still be a number.
_MORE_THAN_ANY = 1e300

_WEIGHTS = {"new_b": 1.0, "new_a": 1.0}
_LINE = {
    "b": "@new_b",
    "a": "@new_a",
    "pred": "a*x + b",
    "err2": "(pred - y)**2",
    "db": "2*(pred - y)",
    "da": "db*x",
}
_MOMENTS = {
    "mb": "beta1*@mb + (1 - beta1)*db",
    "ma": "beta1*@ma + (1 - beta1)*da",
}
_SQUARES = {
    "sb": "beta2*@sb + (1 - beta2)*db**2",
    "sa": "beta2*@sa + (1 - beta2)*da**2",
}
_DIFFERENCES = {
    "err2_b": "(a*x + (b + h) - y)**2",
    "db_estimated": "(err2_b - err2)/h",
    "err2_a": "((a + h)*x + b - y)**2",
    "da_estimated": "(err2_a - err2)/h",
}
# A running product in place of a power of the step's number: all renderings then agree to the bit.
_PRODUCTS = {"p1": "@p1*beta1", "p2": "@p2*beta2"}

_SGD = Sheet(
    "sgd",
    "gradient descent, a step after each row, with finite differences beside the derivatives",
    rate=1e-4,
    inputs={"h": Input(0.01, 1e-6, 1.0, "step of the finite differences")},
    start=_WEIGHTS,
    columns=_LINE | _DIFFERENCES | {"new_b": "b - rate*db", "new_a": "a - rate*da"},
)
_MOMENTUM = Sheet(
    "momentum",
    "steps along a running average of the derivatives",
    rate=1e-4,
    inputs={"beta1": _BETA1},
    start=_WEIGHTS | {"mb": 0.0, "ma": 0.0},
    columns=_LINE | _MOMENTS | {"new_b": "b - rate*mb", "new_a": "a - rate*ma"},
)
_RMSPROP = Sheet(
    "rmsprop",
    "each derivative divided by the root of a running average of its square",
    rate=0.02,
    inputs={"beta2": _BETA2, "eps": _EPS},
    start=_WEIGHTS | {"sb": 0.0, "sa": 0.0},
    columns=_LINE
    | _SQUARES
    | {"new_b": "b - rate*db/(sqrt(sb) + eps)", "new_a": "a - rate*da/(sqrt(sa) + eps)"},
)
_ADAM = Sheet(
    "adam",
    "momentum's average divided by RMSprop's root, without bias correction",
    rate=1.0,
    inputs={"beta1": _BETA1, "beta2": _BETA2, "eps": _EPS},
    start=_WEIGHTS | {"mb": 0.0, "ma": 0.0, "sb": 0.0, "sa": 0.0},
    columns=_LINE
    | _MOMENTS
    | _SQUARES
    | {"new_b": "b - rate*mb/(sqrt(sb) + eps)", "new_a": "a - rate*ma/(sqrt(sa) + eps)"},
)
_ADAM_CORRECTED = replace(
    _ADAM,
    name="adam_corrected",
    about="Adam with bias correction: averages that start at 0 are scaled up at first",
    start=_ADAM.start | {"p1": 1.0, "p2": 1.0},
    columns=_LINE
    | _MOMENTS
    | _SQUARES
    | _PRODUCTS
    | {
        "new_b": "b - rate*(mb/(1 - p1))/(sqrt(sb/(1 - p2)) + eps)",
        "new_a": "a - rate*(ma/(1 - p1))/(sqrt(sa/(1 - p2)) + eps)",
    },
)


def _annealed(name: str, about: str, size: str) -> Sheet:
    """Adam that lowers its rate by itself, when the size of the gradient has grown."""
    return replace(
        _ADAM,
        name=name,
        about=about,
        inputs=_ADAM.inputs
        | {
            "beta2": replace(_BETA2, value=0.95),
            "when": Input(2.0, 1.0, 100.0, "the rate is cut above this many times the lowest size"),
            "cut": Input(4.0, 1.0, 100.0, "what the rate is divided by"),
        },
        columns=_ADAM.columns | {"grad2": "db**2 + da**2"},
        epoch_end={
            "size": size,
            "next_rate": "IF(size > when*@low, rate/cut, rate)",
            "low": "MIN(@low, size)",
        },
        epoch_start={"low": _MORE_THAN_ANY},
    )


_ANNEALED_SIZE = _annealed(
    "annealed_size",
    "Adam whose rate is cut when the running size of the gradient has grown",
    "sqrt(sb) + sqrt(sa)",
)
_ANNEALED_MEAN = _annealed(
    "annealed_mean",
    "Adam whose rate is cut when the epoch's mean squared gradient has grown",
    "mean_grad2",
)

SHEETS: dict[str, Sheet] = {
    sheet.name: sheet
    for sheet in (
        _SGD,
        _MOMENTUM,
        _RMSPROP,
        _ADAM,
        _ADAM_CORRECTED,
        _ANNEALED_SIZE,
        _ANNEALED_MEAN,
    )
}
"""The recipes of the course by name."""
