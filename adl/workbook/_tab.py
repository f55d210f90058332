"""A sheet's tab: inputs, a line for each epoch, charts, and the rows of all epochs."""

import re
import textwrap
from dataclasses import dataclass
from typing import Any

from xlsxwriter.utility import quote_sheetname, xl_cell_to_rowcol
from xlsxwriter.worksheet import Worksheet

from adl.layout import EPOCH_ROW, HEADER_ROW, INPUT_ROW, Layout, letter, title
from adl.workbook._charts import add_charts, pixels
from adl.workbook._data import point
from adl.workbook._formats import Formats, finish, link_to_guide, show_large_numbers
from adl.workbook._input_cells import add_input
from adl.workbook._values import Values

RECIPE_ROW = HEADER_ROW + 1

_TABLE_WIDTH, _UNUSED_WIDTH = 12.0, 1.0
_WIDTHS = {"epoch": 7.0, "row": 5.0, "x": 8.0, "y": 8.0, "rate": 10.0, "new_b": 17.0, "new_a": 17.0}
_WIDTH = 12.0
"""Widths of columns, in digits."""


class _Worksheet(Worksheet):
    """A worksheet that takes formulas as they are.

    XlsxWriter searches each for the names of some thirty newer functions, which takes longer than
    all else. The language of sheets has none of them.
    """

    def _prepare_formula(self, formula: str, *_: Any, **__: Any) -> str:
        return formula.removeprefix("=")


@dataclass(frozen=True)
class Tab:
    """One sheet in the workbook.

    Attributes
    ----------
    name : str
        What stands on the tab.
    layout : adl.layout.Layout
        Addresses and formulas of its sheet.
    epochs : int
        How many epochs it computes.
    values : Values
        What its formulas show.
    """

    name: str
    layout: Layout
    epochs: int
    values: Values

    @property
    def sheet(self) -> Any:
        """The recipe."""
        return self.layout.sheet

    @property
    def charts_column(self) -> str:
        """The one wide column between the table of epochs and the rows."""
        return letter(_number(self.layout.column("epoch")) - 1)

    def reference(self, cell: str, to: str | None = None) -> str:
        """Address of a cell or a range for another tab, without the ``=``."""
        return f"{quote_sheetname(self.name)}!{absolute(cell)}" + (f":{absolute(to)}" if to else "")

    def column(self, name: str) -> str:
        """All cells of a column of the table of epochs, from the first epoch."""
        cell = self.layout.epoch_cell
        return self.reference(cell(name, 1), cell(name, self.epochs))

    def write(self, book: Any, formats: Formats) -> None:
        """Add the tab to a workbook."""
        worksheet = book.add_worksheet(self.name, _Worksheet)
        self._write_title(worksheet, formats)
        self._write_inputs(worksheet, formats)
        self._write_epochs(worksheet, formats)
        self._write_headings(worksheet, formats)
        self._write_rows(worksheet, formats)
        add_charts(book, worksheet, self, below=RECIPE_ROW)
        self._set_up(book, worksheet, formats)

    def _write_title(self, worksheet: Any, formats: Formats) -> None:
        worksheet.write_string("A1", f"{self.name}: {self.sheet.about}", formats("title"))
        link_to_guide(worksheet, formats)
        first = self.layout.column("epoch")
        worksheet.write_url(
            "B2",
            f"internal:{quote_sheetname(self.name)}!{first}{HEADER_ROW}",
            formats("link"),
            f"to the rows, from column {first} on",
        )
        worksheet.write_string(
            "D2", "Change any yellow cell: all epochs and both charts follow.", formats("note")
        )

    def _write_inputs(self, worksheet: Any, formats: Formats) -> None:
        worksheet.write_string(f"A{INPUT_ROW - 1}", "Inputs", formats("heading"))
        for name, given in self.sheet.inputs.items():
            cell = self.layout.input(name).replace("$", "")
            worksheet.write_string(f"A{cell[1:]}", name, formats("name"))
            worksheet.write_string(f"C{cell[1:]}", given.about, formats("note"))
            add_input(
                worksheet,
                cell,
                name,
                formats("input"),
                value=given.value,
                about=given.about,
                low=given.low,
                high=given.high,
            )

    def _write_epochs(self, worksheet: Any, formats: Formats) -> None:
        layout = self.layout
        for name in layout.epoch_columns:
            letters = layout.epoch_cell(name, 0).rstrip("0123456789")
            worksheet.merge_range(
                f"{letters}{EPOCH_ROW - 2}:{letters}{EPOCH_ROW - 1}", title(name), formats("header")
            )
        for epoch, values in self.values.epochs.items():
            look = "number" if epoch else "start"
            for name in layout.epoch_columns:
                cell, form = layout.epoch_cell(name, epoch), formats(look, name)
                if name == "epoch":
                    worksheet.write_number(cell, epoch, form)
                elif epoch and name == "rate":
                    self._write_rate(worksheet, epoch, formats)
                elif epoch == 0 and name in self.sheet.epoch_start:
                    worksheet.write_number(cell, values[name], form)
                elif name not in values:
                    worksheet.write_blank(cell, None, form)
                else:
                    formula = layout.epoch_formula(name, epoch)
                    worksheet.write_formula(cell, formula, form, values[name])

    def _write_rate(self, worksheet: Any, epoch: int, formats: Formats) -> None:
        cell = self.layout.epoch_cell("rate", epoch)
        formula = self.layout.epoch_formula("rate", epoch)
        rate = self.values.epochs[epoch]["rate"]
        if formula and self.sheet.sets_its_rate:
            worksheet.write_formula(cell, formula, formats("number", "rate"), rate)
            return
        about = "How far a step goes in this epoch."
        if not self.sheet.sets_its_rate:
            about += " The epochs after it follow, unless they say otherwise."
        add_input(
            worksheet,
            cell,
            f"learning rate, epoch {epoch}",
            formats("input", "rate"),
            value=rate,
            formula=formula,
            about=about,
            low=0.0,
        )

    def _write_headings(self, worksheet: Any, formats: Formats) -> None:
        lines = 1
        for name in self.layout.columns:
            column = self.layout.column(name)
            recipe = self.sheet.columns.get(name)
            text = f"{name} = {recipe}" if recipe else name
            worksheet.write_string(f"{column}{HEADER_ROW}", title(name), formats("header"))
            worksheet.write_string(f"{column}{RECIPE_ROW}", text, formats("recipe"))
            letters = int(_WIDTHS.get(name, _WIDTH) * 1.2)
            lines = max(lines, len(textwrap.wrap(text, letters, break_on_hyphens=False)))
        worksheet.set_row_pixels(HEADER_ROW - 1, 38)
        worksheet.set_row_pixels(RECIPE_ROW - 1, 8 + 15 * lines)

    def _write_rows(self, worksheet: Any, formats: Formats) -> None:
        layout, sheet = self.layout, self.sheet
        for name in layout.columns:
            cell, form = layout.cell(name, 1, 0), formats("start", name)
            if name == "epoch":
                worksheet.write_string(cell, "start", form)
            elif name in sheet.start:
                worksheet.write_number(cell, sheet.start[name], form)
            else:
                worksheet.write_blank(cell, None, form)
        columns = [(name, name in sheet.columns or name == "rate") for name in layout.columns]
        for (epoch, row), values in self.values.cells.items():
            look = "first" if row == 1 else "number"
            known = {"epoch": epoch, "row": row}
            for name, has_formula in columns:
                cell, form = layout.cell(name, epoch, row), formats(look, name)
                if name in known:
                    worksheet.write_number(cell, known[name], form)
                    continue
                formula = layout.formula(name, epoch, row) if has_formula else point(name, row)
                worksheet.write_formula(cell, formula, form, values[name])

    def _set_up(self, book: Any, worksheet: Any, formats: Formats) -> None:
        layout = self.layout
        used = len(layout.epoch_columns)
        last_free = _number(self.charts_column) - 1
        worksheet.set_column(f"A:{letter(used)}", _TABLE_WIDTH)
        worksheet.set_column("A:A", 8.0)
        if used < last_free:
            worksheet.set_column(f"{letter(used + 1)}:{letter(last_free)}", _UNUSED_WIDTH)
        worksheet.set_column_pixels(f"{self.charts_column}:{self.charts_column}", pixels())
        for name in layout.columns:
            column = layout.column(name)
            worksheet.set_column(f"{column}:{column}", _WIDTHS.get(name, _WIDTH))
        first = layout.cell("epoch", 1, 0)
        last = layout.cell(layout.columns[-1], self.epochs, layout.rows)
        show_large_numbers(worksheet, f"{first}:{last}", formats)
        show_large_numbers(
            worksheet,
            f"{layout.epoch_cell('epoch', 0)}:"
            f"{layout.epoch_cell(layout.epoch_columns[-1], self.epochs)}",
            formats,
        )
        worksheet.freeze_panes(RECIPE_ROW, 0)
        finish(worksheet, repeated=(HEADER_ROW, RECIPE_ROW))
        # Two areas, each on pages of its own: what stands on the left, and the rows.
        bottom = max(EPOCH_ROW + self.epochs, EPOCH_ROW + 11)
        left = self.reference("A1", f"{self.charts_column}{bottom}")
        rows = self.reference(f"{layout.column('epoch')}{HEADER_ROW}", last)
        book.define_name(f"{quote_sheetname(self.name)}!_xlnm.Print_Area", f"={left},{rows}")


def absolute(cell: str) -> str:
    """An address that stays when it is copied.

    Examples
    --------
    >>> absolute("AB12")
    '$AB$12'
    """
    return re.sub(r"([A-Z]+)(\d+)", r"$\1$\2", cell)


def _number(column: str) -> int:
    """Number of a column from its letters, from 1."""
    return xl_cell_to_rowcol(f"{column}1")[1] + 1
