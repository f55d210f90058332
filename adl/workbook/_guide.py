"""The tabs about the others: a page to read first, and the comparison of all optimisers."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from xlsxwriter.utility import quote_sheetname

from adl.layout import letter, title
from adl.sheets import X
from adl.workbook._charts import COMPARISON, comparison
from adl.workbook._data import DATA
from adl.workbook._formats import (
    GUIDE,
    ROW_PIXELS,
    Formats,
    finish,
    link_to_guide,
    show_large_numbers,
)

if TYPE_CHECKING:
    from adl.workbook._tab import Tab

_WIDTH, _LETTERS = 110, 105
"""Width of the column of texts, and how many letters surely fit in it."""

_USE = [
    "Open a sheet by its tab or by its name below.",
    "Change a yellow cell. All steps of all epochs are computed again, and the charts follow. "
    "A number that cannot be used is refused, with the reason.",
    "Lower the learning rate in the middle of a run: type a smaller number beside a later epoch. "
    "The epochs after it follow, since each takes the rate of the epoch above unless you type one. "
    "To take it back, press Ctrl+Z, or type = and the cell above it, such as =B12.",
    "Click a cell among the rows to see its formula. Above each column stand its name in words, "
    "and its recipe: x is a cell of the same row, @x the cell above it, and ** a power.",
    "If a cell shows #NUM! or #DIV/0!, the run has diverged: its numbers have outgrown the "
    "spreadsheet. Choose a lower rate, and everything is back. (An eps of 0 gives #DIV/0! too, "
    "where an average is 0.)",
]
_ERRORS = [
    "RMSE is the root of the mean squared error: about how far a prediction is from its target.",
    "RMSE of the rows: each row is predicted by the line of that row, which the next step changes. "
    "This is what a column of a spreadsheet shows.",
    "RMSE of the line: all points are predicted by the one line that stands at the end of the "
    "epoch. This is how good the result is. The two can rank the optimisers differently.",
]
_LOCKED = [
    "All other cells are locked, so that no formula is lost by a slip. There is no password: in "
    "Excel choose Review, Unprotect Sheet; in LibreOffice choose Tools, Protect Sheet. Then "
    "change what you like.",
    "Columns may be widened, and cells given another look, while the sheet is locked.",
]
_PROGRAMS = [
    "Nothing in this workbook is a macro, and it refers to no other file. In Excel, press Enable "
    "Editing if a bar at the top asks for it.",
    "LibreOffice and Google Sheets open it too: in Google Drive upload the file, then choose Open "
    "with, Google Sheets.",
    "Type decimals as your spreadsheet shows them, with a point or a comma.",
]
_DIFFERENCES = [
    "The lessons of fast.ai come with a workbook on the same idea, which inspired this one. If "
    "you compare them, expect other numbers, for these reasons:",
    "Every step counts. There, the step of an epoch's last row is lost between the epochs.",
    "Errors are means here. There, the column called RMSE is the root of a sum.",
    "All averages start at 0. There, they start from numbers that earlier runs have left.",
    "RMSprop divides by the average that includes this row, and a small eps keeps the division "
    "away from zero. There, it takes the average of the row above, and has no eps.",
    "The epochs stand one below the other. There, a macro runs them.",
]


def write_guide(book: Any, tabs: list[Tab], formats: Formats) -> None:
    """Add the page that explains the workbook."""
    worksheet = book.add_worksheet(GUIDE)
    worksheet.set_column("A:A", 20)
    worksheet.set_column("B:B", _WIDTH)
    worksheet.write_string("A1", "Optimisers in a spreadsheet", formats("title"))
    epochs = tabs[0].epochs
    about = [
        f"Each sheet fits a line to {len(X)} points, by another optimiser. One row is one step: it "
        "predicts one point, takes the slope of its squared error, and moves the line. After the "
        f"last point the next epoch begins, {epochs} of them one below the other. Every cell is a "
        "formula that you can read and follow.",
        "It belongs to the course Small Steps: how neural networks learn, by experiment.",
    ]
    data = [
        f"{len(X)} points on the line y = 2x + 30. All optimisers start at slope 1 and intercept "
        "1, and should find slope 2 and intercept 30. Points and line can be changed on the sheet "
        f"{DATA}.",
    ]
    row = _write_section(worksheet, 2, "What it is", about, formats)
    row = _write_section(worksheet, row, "How to use it", _USE, formats)
    row = _write_links(worksheet, row, tabs, formats)
    for heading, texts in [
        ("The two errors", _ERRORS),
        ("The data", data),
        ("Locked cells", _LOCKED),
        ("Programs", _PROGRAMS),
        ("fast.ai's workbook", _DIFFERENCES),
    ]:
        row = _write_section(worksheet, row, heading, texts, formats)
    finish(worksheet)


def _write_section(
    worksheet: Any, row: int, heading: str, texts: list[str], formats: Formats
) -> int:
    """Write a heading with its texts beside it, and return the row after an empty one."""
    worksheet.write_string(row, 0, heading, formats("beside"))
    for number, text in enumerate(texts):
        worksheet.write_string(row + number, 1, text, formats("text"))
        worksheet.set_row_pixels(row + number, ROW_PIXELS * _lines(text))
    return row + len(texts) + 1


def _lines(text: str) -> int:
    """How many lines a text takes in its column; not every program measures it by itself."""
    return len(textwrap.wrap(text, _LETTERS))


def _write_links(worksheet: Any, row: int, tabs: list[Tab], formats: Formats) -> int:
    worksheet.write_string(row, 0, "The sheets", formats("heading"))
    links = [
        (DATA, "the points, and the line that they lie on"),
        *((tab.name, tab.sheet.about) for tab in tabs),
        (COMPARISON, "the errors of all optimisers side by side, with charts"),
    ]
    for name, about in links:
        row += 1
        place = f"internal:{quote_sheetname(name)}!A1"
        worksheet.write_url(row, 0, place, formats("link"), name)
        worksheet.write_string(row, 1, about, formats("text"))
    return row + 2


def write_comparison(book: Any, tabs: list[Tab], formats: Formats) -> None:
    """Add the tab on which all optimisers' errors stand side by side."""
    worksheet = book.add_worksheet(COMPARISON)
    worksheet.write_string("A1", "compare: all optimisers", formats("title"))
    link_to_guide(worksheet, formats)
    epochs = tabs[0].epochs
    for number, column in enumerate(["rmse_line", "rmse_running"]):
        top = 3 + number * max(epochs + 4, 23)
        worksheet.write_string(top, 0, f"{title(column)} after each epoch", formats("heading"))
        worksheet.write_string(top + 1, 0, "epoch", formats("header"))
        for epoch in range(1, epochs + 1):
            worksheet.write_number(top + 1 + epoch, 0, epoch, formats("number", "epoch"))
        for place, tab in enumerate(tabs, start=1):
            worksheet.write_string(top + 1, place, tab.name, formats("header"))
            for epoch in range(1, epochs + 1):
                worksheet.write_formula(
                    top + 1 + epoch,
                    place,
                    "=" + tab.reference(tab.layout.epoch_cell(column, epoch)),
                    formats("number", column),
                    tab.values.epochs[epoch][column],
                )
        chart = comparison(book, tabs, column, title(column))
        words = f"{title(column)} in each epoch, a line for each optimiser, on a logarithmic scale."
        worksheet.insert_chart(
            top, len(tabs) + 2, chart, {"object_position": 2, "description": words}
        )
        last = top + 1 + epochs
        show_large_numbers(worksheet, f"B{top + 3}:{letter(1 + len(tabs))}{last + 1}", formats)
    worksheet.set_column(0, 0, 8)
    worksheet.set_column(1, len(tabs), 16)
    worksheet.freeze_panes(2, 1)
    finish(worksheet)
