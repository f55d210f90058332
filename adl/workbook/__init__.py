"""The sheets as a workbook for Excel, LibreOffice or Google Sheets, every cell a live formula.

A cell has the address that `adl.layout` gives it, and its formula is made from the text that
`adl.sheets` computes with. The workbook needs no macro: the epochs stand one below the other.
"""

import io
import os
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from adl import _inputs
from adl.layout import START_ROW, Layout
from adl.sheets import SHEETS, Sheet, X
from adl.workbook._charts import COMPARISON
from adl.workbook._data import DATA, write_data
from adl.workbook._formats import GUIDE, Formats
from adl.workbook._guide import write_comparison, write_guide
from adl.workbook._tab import Tab
from adl.workbook._values import values_shown

__all__ = ["write"]

_COURSE = "Small Steps: how neural networks learn, by experiment"
_CREATED = datetime(2026, 1, 1)
"""A date that stays, so that the same workbook has the same bytes."""

_ROWS_OF_A_TAB = 2**20
_LONGEST_NAME = 31


def write(
    path: str | os.PathLike[str],
    sheets: Iterable[Sheet] = SHEETS.values(),
    *,
    epochs: int = 10,
) -> None:
    """Write sheets to a workbook that computes: change an input, and all epochs follow.

    The workbook begins with a page that explains it, and ends with all optimisers compared. Each
    formula's value is stored beside it, so that programs that only read see numbers too. What
    diverges shows the error that a spreadsheet shows.

    Parameters
    ----------
    path : str or path-like
        Where to write, a name that ends in ``.xlsx``. A file that is there is replaced.
    sheets : iterable of adl.sheets.Sheet
        The recipes, those of the course or your own; each gets a tab.
    epochs : int
        How many epochs each tab computes.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used; the message names it. Nothing is written then.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     workbook = Path(folder, "optimisers.xlsx")
    ...     write(workbook, [SHEETS["sgd"], SHEETS["adam"]], epochs=3)
    ...     workbook.stat().st_size > 10_000
    True
    """
    path = _place(path)
    epochs = _inputs.whole("epochs", epochs, at_least=1)
    most = (_ROWS_OF_A_TAB - START_ROW) // len(X)
    if epochs > most:
        raise ValueError(f"epochs: expected at most {most}, which fill a tab, got {epochs}")
    recipes = _recipes(sheets)
    names = tab_names(sheet.name for sheet in recipes)
    tabs = [
        Tab(name, Layout(sheet, len(X)), epochs, values_shown(sheet, epochs))
        for name, sheet in zip(names, recipes, strict=True)
    ]
    # In memory, so that a failure leaves neither half a file nor none where one was.
    path.write_bytes(_workbook(tabs))


def tab_names(names: Iterable[str]) -> list[str]:
    """Names that spreadsheets take for tabs, all different whatever their case.

    Examples
    --------
    >>> tab_names(["adam", "Adam", "my rule: rate/2", ""])
    ['adam', 'Adam (2)', 'my rule_ rate_2', 'sheet']
    """
    taken = {name.lower() for name in (GUIDE, DATA, COMPARISON, "history")}
    tabs = []
    for name in names:
        legal = re.sub(r"[\[\]:*?/\\\x00-\x1f]", "_", name).replace("'", "’").strip()
        legal = legal[:_LONGEST_NAME] or "sheet"
        tab, number = legal, 1
        while tab.lower() in taken:
            number += 1
            end = f" ({number})"
            tab = legal[: _LONGEST_NAME - len(end)] + end
        taken.add(tab.lower())
        tabs.append(tab)
    return tabs


def _workbook(tabs: list[Tab]) -> bytes:
    """The workbook as it is stored."""
    memory = io.BytesIO()
    with xlsxwriter.Workbook(memory, {"in_memory": True}) as book:
        book.set_properties(
            {
                "title": "Optimisers in a spreadsheet",
                "author": _COURSE,
                "comments": "Every cell is a live formula; nothing here is a macro.",
                "created": _CREATED,
            }
        )
        formats = Formats(book)
        write_guide(book, tabs, formats)
        write_data(book, formats)
        for tab in tabs:
            tab.write(book, formats)
        write_comparison(book, tabs, formats)
    return memory.getvalue()


def _place(path: Any) -> Path:
    if not isinstance(path, str | os.PathLike) or isinstance(os.fspath(path), bytes):
        raise TypeError(f"path: expected a file's name, got {type(path).__name__} {path!r}")
    path = Path(path)
    if path.suffix.lower() != ".xlsx":
        raise ValueError(f"path: expected a name that ends in .xlsx, got {str(path)!r}")
    if path.is_dir():
        raise ValueError(f"path: expected a file, got the folder {str(path)!r}")
    if not path.parent.is_dir():
        raise ValueError(f"path: there is no folder {str(path.parent)!r}")
    return path


def _recipes(sheets: Any) -> list[Sheet]:
    expected = "sheets: expected a sequence of adl.sheets.Sheet"
    if isinstance(sheets, Sheet | str) or not isinstance(sheets, Iterable):
        raise TypeError(f"{expected}, got {type(sheets).__name__}")
    recipes = list(sheets)
    if not recipes:
        raise ValueError(f"{expected}, got none")
    for recipe in recipes:
        if not isinstance(recipe, Sheet):
            raise TypeError(f"{expected}, got one that holds {type(recipe).__name__} {recipe!r}")
    return recipes
