"""The figure of chapter 2: the optimisers' sheets, to be filled down in the page."""

import ast
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from adl import _inputs, formulas
from adl.layout import EPOCH_ROW, START_ROW, Layout, letter, title
from adl.live._figure import Figure, short
from adl.sheets import SHEETS, Input, Sheet, X, Y, run, summary

EPOCHS = 10
"""Epochs in the table that readers without JavaScript see."""

ROOM = 200
"""Epochs for which each sheet has room."""

RATE = Input(0.0, 0.0, 1000.0, "of the next epoch and those after it")
_FIRST_RATE = replace(RATE, about="of the first epoch; the sheet sets those after it")

# Columns that no formula fills.
_DATA = {"epoch", "row", "x", "y"}

_NAMES = {"sgd": "SGD", "rmsprop": "RMSprop"}

_RATE_RULE = "A new learning rate holds from the next epoch on; any other entry"
_OWN_RATE_RULE = "The sheet sets its own rate; Reset to type the first one. Any other entry"
_RULE = f"computes all epochs anew, as in a spreadsheet. There is room for {ROOM} epochs."

# What stands in the columns that no recipe fills.
_WORDS = {
    "epoch": "counted from 1; 0 is the start",
    "row": "the row of the data",
    "x": "of the data",
    "y": "of the data",
    "rate": "that of the epoch",
    "rmse_running": "root of the mean of the epoch's error²",
    "rmse_line": "the same for one line, that at the epoch's end, on all rows",
    "intercept": "new b of the epoch's last row",
    "slope": "new a of the epoch's last row",
}


_RECIPES = {"rmse_running": "sqrt .mean_err2", "intercept": ".new_b", "slope": ".new_a"}

_SIGNS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==",
}  # fmt: skip


class Spreadsheet(Figure):
    """Optimisers as a spreadsheet: type rates and inputs, run epochs, look at cells and formulas.

    Each sheet is a tab. Cells have the addresses and formulas that they have in the workbook
    (`adl.layout.Layout`); the page computes them from the same recipes.

    Parameters
    ----------
    sheets : iterable of adl.sheets.Sheet, optional
        The recipes, by default those of the course; a sheet of your own can be among them.
    start : str, optional
        Name of the sheet that is shown first, by default the first one.
    epochs : int
        Epochs that each sheet has run at first, at its own learning rate, at most 200.
    x, y : array_like, shape (n,)
        The points; by default the 29 of the chapter. The target is the line that fits them best.

    Raises
    ------
    TypeError, ValueError
        If the points cannot be used, or a sheet: it must have the columns ``err2``, ``new_a`` and
        ``new_b``, of which the pictures are made, a start for the last two, a learning rate of at
        most 1000, and a name of its own.

    See Also
    --------
    adl.sheets.run : the same computation as a table.

    Examples
    --------
    >>> figure = Spreadsheet(start="adam")
    >>> figure
    Spreadsheet(7 sheets, 29 points, start='adam')
    >>> figure.fallback[:59]
    'Adam, epoch 10, learning rate 1: RMSE of the rows 40.4379, '
    """

    element = "adl-spreadsheet"
    module = "spreadsheet.mjs"

    def __init__(
        self,
        sheets: Iterable[Sheet] = tuple(SHEETS.values()),
        *,
        start: str | None = None,
        epochs: int = 1,
        x: Any = X,
        y: Any = Y,
    ) -> None:
        x, y = _inputs.pair(x, y)
        epochs = _inputs.whole("epochs", epochs, at_least=0)
        if epochs > ROOM:
            raise ValueError(f"epochs: expected at most {ROOM}, got {epochs}")
        layouts = _layouts(sheets, len(x))
        self.start = next(iter(layouts)) if start is None else start
        if self.start not in layouts:
            raise ValueError(f"start: expected one of {', '.join(layouts)}, got {start!r}")
        self._points, self._sheets = len(x), len(layouts)
        slope, intercept = np.polyfit(x, y, 1)
        self._target = (float(f"{intercept:.12g}"), float(f"{slope:.12g}"))
        self._tables = _tables(layouts, self.start, x, y)
        start_cells = layouts[self.start].sheet.start
        starts = (start_cells["new_b"], start_cells["new_a"])
        super().__init__(
            {},
            _sentence(layouts[self.start].sheet, x, y, self._target),
            data={
                "html": _html(list(layouts)),
                "points": [
                    {"row": row, "x": x_row, "y": y_row}
                    for row, (x_row, y_row) in enumerate(
                        zip(x.tolist(), y.tolist(), strict=True), 1
                    )
                ],
                "target": self._target,
                "near": [9 * max(abs(v - w), 1) for v, w in zip(self._target, starts, strict=True)],
                "start": list(layouts).index(self.start),
                "sheets": [_handed_over(layout, epochs) for layout in layouts.values()],
            },
        )

    def _inside(self) -> str:
        return super()._inside() + self._tables

    def __repr__(self) -> str:
        sheets = "1 sheet" if self._sheets == 1 else f"{self._sheets} sheets"
        return f"Spreadsheet({sheets}, {self._points} points, start={self.start!r})"


def heading(name: str) -> str:
    """What readers see on a sheet's tab.

    Examples
    --------
    >>> heading("sgd"), heading("adam_corrected")
    ('SGD', 'Adam corrected')
    """
    words = name.replace("_", " ")
    return _NAMES.get(name, words[:1].upper() + words[1:])


def in_words(recipe: str) -> str:
    """Write a recipe with the titles of the columns in place of their names.

    Examples
    --------
    >>> in_words("beta1 * @mb + (1 - beta1) * db ** 2")
    'beta1 × [average of d/db, above] + (1 − beta1) × [d/db]²'
    """

    def named(match: re.Match) -> str:
        above, name = match.groups()
        words = title(name)
        if name.startswith("mean_"):
            words = f"mean of {title(name.removeprefix('mean_'))}"
        words += ", above" if above else ""
        return words if words.isidentifier() else f"[{words}]"

    recipe = re.sub(r"(@?)\b([^\W\d]\w*)", named, recipe)
    for sign, written in (("**2", "²"), (" ** 2", "²"), (" * ", " × "), ("-", "−")):
        recipe = recipe.replace(sign, written)
    return recipe


def _layouts(sheets: Any, rows: int) -> dict[str, Layout]:
    if not isinstance(sheets, Iterable) or isinstance(sheets, str | bytes):
        raise TypeError(f"sheets: expected a list of sheets, got {type(sheets).__name__}")
    layouts: dict[str, Layout] = {}
    for sheet in sheets:
        layout = _layout(sheet, rows)
        if sheet.name in layouts:
            raise ValueError(f"sheets: expected different names, got {sheet.name} twice")
        layouts[sheet.name] = layout
    if not layouts:
        raise ValueError("sheets: expected at least one sheet, got none")
    return layouts


def _layout(sheet: Any, rows: int) -> Layout:
    if not isinstance(sheet, Sheet):
        raise TypeError(f"sheets: expected sheets, got {type(sheet).__name__}")
    layout = Layout(sheet, rows)
    for name in ("new_b", "new_a"):
        if name not in sheet.start:
            raise ValueError(f"sheet {sheet.name}: expected a start for {name}")
    if sheet.rate > RATE.high:
        raise ValueError(
            f"sheet {sheet.name}: expected a rate of at most {RATE.high:g}, got {sheet.rate:g}"
        )
    return layout


def _handed_over(layout: Layout, epochs: int) -> dict[str, Any]:
    """A sheet for the page: its recipes, and for each column the formula that is filled down."""
    sheet = layout.sheet
    rows, ends = sheet.trees()
    rate, rule = (_FIRST_RATE, _OWN_RATE_RULE) if sheet.sets_its_rate else (RATE, _RATE_RULE)
    inputs = {"rate": replace(rate, value=float(sheet.rate)), **sheet.inputs}
    columns = [
        _column(name, layout.column(name), rows, lambda name: layout.formula(name, 1, 1))
        for name in layout.columns
    ]
    lines = [
        _column(name, letter(number), ends, lambda name: layout.epoch_formula(name, 2))
        for number, name in enumerate(layout.epoch_columns, start=1)
    ]
    return {
        "name": sheet.name,
        "title": heading(sheet.name),
        "about": f"{escape(sheet.about[:1].upper() + sheet.about[1:])}. {rule} {_RULE}",
        "epochs": epochs,
        "fixed": sheet.sets_its_rate,
        "start_row": START_ROW,
        "epoch_row": EPOCH_ROW,
        "fields": "".join(_field(name, cell) for name, cell in inputs.items()),
        "tables": [_grid(lines), _grid(columns)],
        "inputs": [_input(name, cell, layout) for name, cell in inputs.items()],
        "defaults": {name: float(cell.value) for name, cell in inputs.items()},
        "start": sheet.start,
        "before": {"epoch": 0, "intercept": sheet.start["new_b"], "slope": sheet.start["new_a"]}
        | sheet.epoch_start,
        "columns": columns,
        "ends": lines,
    }


def _grid(columns: list[dict[str, str]]) -> str:
    """A table with its head; the page adds the lines."""
    count = len(columns) + 1
    heads = "".join(_head(column["letter"], column["name"]) for column in columns)
    return (
        f'<table role="grid" aria-readonly="true" aria-colcount="{count}" style="--n:{count}">'
        "<caption><span>Epochs: choose one to see its rows</span></caption>"
        f'<thead><tr aria-rowindex="2"><td></td>{heads}</tr></thead><tbody></tbody></table>'
    )


def _head(letters: str, name: str) -> str:
    words = title(name)
    code = "" if words == name else f" <code>{name}</code>"
    return f'<th scope="col"><b>{letters}</b>{escape(words)}{code}</th>'


def _html(names: list[str]) -> str:
    """What stands still in the page, whatever the sheet."""
    tabs = "".join(
        f'<button role="tab" id="tab{number}" aria-controls="panel">'
        f"{escape(heading(name))}</button>"
        for number, name in enumerate(names)
    )
    runs = {1: "Run 1 epoch", 5: "Run 5 epochs", 0: "Reset"}
    buttons = "".join(
        f'<button value="{epochs}">{words}</button>' for epochs, words in runs.items()
    )
    return (
        f'<div class="tabs controls" role="tablist" aria-label="Sheets">{tabs}</div>'
        '<div id="panel" role="tabpanel"><p class="about"></p><div class="fields"></div>'
        '<p class="trouble" role="alert"></p>'
        f'<div class="runs controls">{buttons}'
        '<label><input type="checkbox"> logarithmic RMSE</label></div>'
        '<div class="pictures"><svg class="errors"></svg><svg class="steps"></svg></div>'
        '<div class="bar" id="bar"></div>'
        '<div class="scroll epochs"></div><div class="scroll cells"></div></div>'
    )


def _span(cell: Input) -> str:
    return f"{short(cell.low)} to {short(cell.high)}"


def _input(name: str, cell: Input, layout: Layout) -> dict[str, Any]:
    """An input for the page, in column B; the row of the rate moves on with the epochs."""
    row = {} if name == "rate" else {"row": int(layout.input(name).removeprefix("$B$"))}
    return row | {
        "name": name,
        "low": cell.low,
        "high": cell.high,
        "expected": f"{title(name)}: expected a number from {_span(cell)}",
    }


def _field(name: str, cell: Input) -> str:
    return (
        f'<div><small></small><label for="in-{name}">{title(name)}</label>'
        f'<input id="in-{name}" inputmode="decimal" autocomplete="off" '
        f'aria-describedby="for-{name} no-{name}">'
        f'<span id="for-{name}">{escape(cell.about)}; {_span(cell)}</span></div>'
    )


def _column(
    name: str, letters: str, trees: dict[str, ast.expr], formula: Callable[[str], str]
) -> dict[str, str]:
    """A column for the page: what it computes, and the formula that is filled down."""
    words = title(name)
    column = {"name": name, "letter": letters}
    if name not in _DATA:
        column["formula"] = escape(formula(name))
    if name in _WORDS and name not in trees:
        recipe = {"recipe": _RECIPES[name]} if name in _RECIPES else {}
        return column | recipe | {"words": f"{words}: {_WORDS[name]}"}
    # As Python reads it: numbers and spaces are then the same however they were typed.
    recipe = re.sub(rf"\b{formulas.ABOVE}", "@", ast.unparse(trees[name]))
    words = escape(f"{words}: {in_words(recipe)}")
    return column | {"recipe": _signs_first(trees[name]), "words": words}


def _signs_first(node: ast.AST) -> str:
    """Write a checked recipe for the page: "* 2 .x" is 2 * x, "@x" the x above."""
    match node:
        case ast.Expression(body):
            return _signs_first(body)
        case ast.BinOp(left, sign, right) | ast.Compare(left, [sign], [right]):
            return f"{_SIGNS[type(sign)]} {_signs_first(left)} {_signs_first(right)}"
        case ast.UnaryOp(ast.USub(), value):
            return f"- 0 {_signs_first(value)}"
        case ast.Call(ast.Name(name), values):
            return " ".join([name, *map(_signs_first, values)])
        case ast.Name(name):
            above = name.startswith(formulas.ABOVE)
            return f"@{name.removeprefix(formulas.ABOVE)}" if above else f".{name}"
        case ast.Constant(value):
            return repr(value)
    raise TypeError(f"expected a checked recipe, got {ast.unparse(node)}")


def _sentence(sheet: Sheet, x: np.ndarray, y: np.ndarray, target: tuple[float, float]) -> str:
    """What the page says, after ten epochs."""
    end = summary(run(sheet, EPOCHS, x=x, y=y)).loc[EPOCHS]
    number = {name: shown(value) for name, value in end.items()}
    return (
        f"{heading(sheet.name)}, epoch {EPOCHS}, learning rate {short(end['rate'])}: RMSE of the "
        f"rows {number['rmse_running']}, of the line {number['rmse_line']}; "
        f"intercept {number['intercept']}, slope {number['slope']}; "
        f"the target is {short(target[0])} and {short(target[1])}. "
        "With JavaScript, this is a spreadsheet in which you choose the learning rate and run it."
    )


def shown(value: float) -> str:
    """Text of a cell, as in the page.

    Examples
    --------
    >>> [shown(value) for value in (-86, 1e-8, 2.5e7, math.inf)]
    ['−86.0000', '1.000e−8', '2.500e7', '#NUM!']
    """
    if not math.isfinite(value):
        return "#NUM!"
    if value and not 1e-3 <= abs(value) < 1e6:
        mantissa, exponent = f"{value:.3e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    return f"{value:.4f}".replace("-", "−")


def _tables(layouts: dict[str, Layout], start: str, x: np.ndarray, y: np.ndarray) -> str:
    """The first rows, the epochs, and all sheets side by side, for readers without JavaScript."""
    tables = {name: run(layout.sheet, EPOCHS, x=x, y=y) for name, layout in layouts.items()}
    first, name = tables[start].head(5), heading(start)
    epochs = summary(tables[start])
    ends = pd.DataFrame({name: summary(table).loc[EPOCHS] for name, table in tables.items()}).T
    ends.index = [heading(name) for name in ends.index]
    rows = first.drop(columns=list(layouts[start].sheet.epoch_end)).reset_index(
        level="epoch", drop=True
    )
    return (
        _table(f"{name}: the first rows of epoch 1", "row", rows)
        + _table(f"{name}: after each epoch", "epoch", epochs)
        + _table(f"All sheets: after epoch {EPOCHS}", "sheet", ends)
    )


def _table(caption: str, corner: str, table: pd.DataFrame) -> str:
    typed = {"x", "y", "rate"}
    lines = [
        "".join(f'<th scope="col">{escape(words)}</th>' for words in [corner, *map(title, table)])
    ]
    for label, row in table.iterrows():
        cells = (short(v, 7) if name in typed else shown(v) for name, v in row.items())
        lines.append(
            f'<th scope="row">{label}</th>' + "".join(f"<td>{cell}</td>" for cell in cells)
        )
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><caption>{escape(caption)}</caption>{body}</table>"
