"""Where the cells of a sheet stand in a spreadsheet, and how its formulas are written there.

The workbook and the page share it, so that a cell has one address in both. On the left are the
inputs and a line for each epoch; on the right the rows, one epoch below the other::

        A      B     C ...                K      L    M  N  O     P ...
    1   momentum: steps along a running average ...
    2                                     epoch  row  x  y  rate  b ...
    3   Inputs                                                    (names of the recipe)
    4   beta1  0.9   ...                  start                   1
    5                                     1      1    14 58
   10   Epoch  rate  RMSE of the rows ...
   11   0 ...
   12   1      ...
"""

import ast
from functools import cached_property

from adl import formulas
from adl.sheets import Sheet

__all__ = ["TITLES", "Layout", "letter", "title"]

TITLES = {
    "epoch": "epoch",
    "row": "row",
    "x": "x",
    "y": "y",
    "rate": "learning rate",
    "b": "intercept b",
    "a": "slope a",
    "pred": "prediction",
    "err2": "error²",
    "err2_b": "error² at b + h",
    "db_estimated": "estimate of d/db",
    "err2_a": "error² at a + h",
    "da_estimated": "estimate of d/da",
    "db": "d/db",
    "da": "d/da",
    "mb": "average of d/db",
    "ma": "average of d/da",
    "sb": "average of (d/db)²",
    "sa": "average of (d/da)²",
    "p1": "beta1 to the power t",
    "p2": "beta2 to the power t",
    "grad2": "squared gradient",
    "new_b": "new b",
    "new_a": "new a",
    "size": "size of the gradient",
    "next_rate": "next learning rate",
    "low": "lowest size so far",
    "rmse_running": "RMSE of the rows",
    "rmse_line": "RMSE of the line",
    "intercept": "intercept b",
    "slope": "slope a",
}
"""What readers see above a column; one that is not here shows the recipe's name."""

HEADER_ROW = 2
START_ROW = 4
"""Row of the cells above the first row of the first epoch."""
INPUT_ROW = 4
"""Row of the first input; the value stands in column B."""
EPOCH_ROW = 11
"""Row of epoch 0, the start, in the table of epochs."""

_EPOCH_COLUMNS = ("epoch", "rate", "rmse_running", "rmse_line", "intercept", "slope")
_GRID_COLUMN = 11  # column K


class Layout:
    """Addresses and formulas of a sheet's cells.

    Parameters
    ----------
    sheet : adl.sheets.Sheet
        The recipe. It must have the columns ``err2``, ``new_a`` and ``new_b``, of which the table
        of epochs is made.
    rows : int
        Number of rows in an epoch.

    Raises
    ------
    ValueError
        If the sheet lacks one of these columns, or has more inputs, or more formulas at an epoch's
        end, than there is room for.

    Examples
    --------
    >>> from adl.sheets import SHEETS
    >>> layout = Layout(SHEETS["momentum"], rows=29)
    >>> layout.cell("mb", epoch=1, row=2), layout.cell("mb", epoch=2, row=1)
    ('V6', 'V34')
    >>> layout.formula("mb", epoch=1, row=2)
    '=$B$4*V5+(1-$B$4)*T6'
    """

    def __init__(self, sheet: Sheet, rows: int) -> None:
        missing = [name for name in ("err2", "new_a", "new_b") if name not in sheet.columns]
        if missing:
            raise ValueError(f"sheet {sheet.name}: expected a column {missing[0]}")
        room = EPOCH_ROW - INPUT_ROW - 2
        if len(sheet.inputs) > room:
            raise ValueError(
                f"sheet {sheet.name}: expected at most {room} inputs, got {len(sheet.inputs)}"
            )
        room = _GRID_COLUMN - len(_EPOCH_COLUMNS) - 2
        if len(sheet.epoch_end) > room:
            raise ValueError(
                f"sheet {sheet.name}: expected at most {room} formulas at the end of an epoch, "
                f"got {len(sheet.epoch_end)}"
            )
        self.sheet = sheet
        self.rows = rows
        self.columns = ("epoch", "row", "x", "y", "rate", *sheet.columns)
        """Names of the grid's columns, from left to right."""
        self.epoch_columns = (*_EPOCH_COLUMNS, *sheet.epoch_end)
        """Names of the columns in the table of epochs."""

    @cached_property
    def _trees(self) -> tuple[dict[str, ast.expr], dict[str, ast.expr]]:
        return self.sheet.trees()

    @cached_property
    def _patterns(self) -> dict[str, str]:
        """Formula of each column, with the numbers of its rows left open."""

        def address(used: str, above: bool) -> str:
            if used in self.sheet.inputs:
                return self.input(used)
            return self.column(used) + ("{above}" if above else "{here}")

        return {
            name: "=" + formulas.spreadsheet(tree, address) for name, tree in self._trees[0].items()
        }

    def column(self, name: str) -> str:
        """Letter of a column of the grid.

        Examples
        --------
        >>> from adl.sheets import SHEETS
        >>> Layout(SHEETS["sgd"], rows=29).column("x")
        'M'
        """
        return letter(_GRID_COLUMN + self.columns.index(name))

    def input(self, name: str) -> str:
        """Address of an input, the same from everywhere.

        Examples
        --------
        >>> from adl.sheets import SHEETS
        >>> Layout(SHEETS["rmsprop"], rows=29).input("eps")
        '$B$5'
        """
        return f"$B${INPUT_ROW + list(self.sheet.inputs).index(name)}"

    def cell(self, name: str, epoch: int, row: int) -> str:
        """Address of a cell of the grid; row 0 of epoch 1 is the start.

        Examples
        --------
        >>> from adl.sheets import SHEETS
        >>> Layout(SHEETS["sgd"], rows=29).cell("b", epoch=1, row=0)
        'P4'
        """
        return f"{self.column(name)}{START_ROW + (epoch - 1) * self.rows + row}"

    def epoch_cell(self, name: str, epoch: int) -> str:
        """Address of a cell in the table of epochs; epoch 0 is the start.

        Examples
        --------
        >>> from adl.sheets import SHEETS
        >>> Layout(SHEETS["sgd"], rows=29).epoch_cell("rate", 1)
        'B12'
        """
        return f"{letter(1 + self.epoch_columns.index(name))}{EPOCH_ROW + epoch}"

    def formula(self, name: str, epoch: int, row: int) -> str:
        """Formula of a cell of the grid, in one of the sheet's columns or in ``rate``.

        Examples
        --------
        >>> from adl.sheets import SHEETS
        >>> layout = Layout(SHEETS["sgd"], rows=29)
        >>> layout.formula("pred", epoch=1, row=1), layout.formula("rate", epoch=2, row=5)
        ('=Q5*M5+P5', '=$B$13')
        """
        if name == "rate":
            at = self.epoch_cell("rate", epoch)
            return f"=${at[0]}${at[1:]}"

        here = START_ROW + (epoch - 1) * self.rows + row
        return self._patterns[name].format(here=here, above=here - 1)

    def epoch_formula(self, name: str, epoch: int) -> str | None:
        """Formula of a cell in the table of epochs, None for what is typed in: the first rate.

        Examples
        --------
        >>> from adl.sheets import SHEETS
        >>> layout = Layout(SHEETS["annealed_mean"], rows=29)
        >>> layout.epoch_formula("rmse_running", 1), layout.epoch_formula("next_rate", 2)
        ('=SQRT(AVERAGE(S5:S33))', '=IF(G13>$B$7*I12,B13/$B$8,B13)')
        """
        sheet = self.sheet
        last = self.rows

        def span(column: str) -> str:
            return f"{self.cell(column, epoch, 1)}:{self.cell(column, epoch, last)}"

        match name:
            case "rate" if epoch == 1:
                return None
            case "rate":
                above = "next_rate" if sheet.sets_its_rate else "rate"
                return "=" + self.epoch_cell(above, epoch - 1)
            case "intercept":
                return "=" + self.cell("new_b", epoch, last)
            case "slope":
                return "=" + self.cell("new_a", epoch, last)
            case "rmse_running":
                return f"=SQRT(AVERAGE({span('err2')}))"
            case "rmse_line":
                a, b = self.epoch_cell("slope", epoch), self.epoch_cell("intercept", epoch)
                return f"=SQRT(SUMPRODUCT(({a}*{span('x')}+{b}-{span('y')})^2)/{last})"

        def address(used: str, above: bool) -> str:
            if used in sheet.inputs:
                return self.input(used)
            if used in sheet.epoch_end or used == "rate":
                return self.epoch_cell(used, epoch - above)
            if used not in self.columns:
                return f"AVERAGE({span(used.removeprefix('mean_'))})"
            return self.cell(used, epoch, last)

        return "=" + formulas.spreadsheet(self._trees[1][name], address)


def letter(number: int) -> str:
    """Name of a spreadsheet's column, counted from 1.

    Examples
    --------
    >>> letter(1), letter(26), letter(27)
    ('A', 'Z', 'AA')
    """
    name = ""
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def title(name: str) -> str:
    """What readers see above a column.

    Examples
    --------
    >>> title("mb"), title("my_own")
    ('average of d/db', 'my_own')
    """
    return TITLES.get(name, name)
