"""The look of the workbook's cells, in one place."""

from dataclasses import dataclass, field
from typing import Any

from adl.plotting import PALETTE

GUIDE = "read me"
"""Name of the first tab."""

ROW_PIXELS = 20
"""Height of a row in pixels, as spreadsheets have it."""

NUMBER = "0.0000"
NUMBER_FORMATS = {
    "epoch": "0",
    "row": "0",
    "x": "General",
    "y": "General",
    "rate": "General",
    "next_rate": "General",
    "p1": "0.00E+00",
    "p2": "0.00E+00",
    "size": "[>=100000]0.00E+00;0.0",
    "low": "[>=100000]0.00E+00;0.0",
    "rmse_running": "0.000",
    "rmse_line": "0.000",
}
"""How a column's numbers are shown; one that is not here has four decimals."""

LARGE = 1e5
"""From here on numbers are shown as powers of ten, so that a column need not be wider."""

_LOOKS: dict[str, dict[str, Any]] = {
    "number": {},
    "first": {"top": 1, "top_color": PALETTE["ink"]},
    "start": {"bg_color": "#EDEDED", "italic": True, "bottom": 1, "top": 1},
    "input": {
        "bg_color": "#FFF3B0",
        "border": 1,
        "border_color": PALETTE["amber"],
        "locked": False,
    },
    "header": {
        "bold": True,
        "bg_color": "#DCE9F5",
        "border": 1,
        "border_color": "#9FB6CC",
        "text_wrap": True,
        "align": "center",
        "valign": "vcenter",
    },
    "recipe": {"font_size": 8, "text_wrap": True, "valign": "top", "font_color": "#444444"},
    "name": {"bold": True},
    "note": {"font_color": PALETTE["grey"], "align": "left", "indent": 1, "valign": "top"},
    "title": {"bold": True, "font_size": 14, "font_color": PALETTE["blue"]},
    "heading": {"bold": True, "font_size": 12, "font_color": PALETTE["blue"]},
    "beside": {"bold": True, "font_size": 12, "font_color": PALETTE["blue"], "valign": "top"},
    "text": {"text_wrap": True, "valign": "top"},
    "link": {"font_color": PALETTE["blue"], "underline": 1, "valign": "top"},
}


@dataclass
class Formats:
    """Formats of a workbook by the name of their look, each made once.

    Examples
    --------
    >>> import io, xlsxwriter
    >>> formats = Formats(xlsxwriter.Workbook(io.BytesIO()))
    >>> formats("first", "rate") is formats("first", "next_rate")
    True
    """

    book: Any
    _made: dict[tuple[str, str | None], Any] = field(default_factory=dict)

    def __call__(self, look: str, column: str | None = None) -> Any:
        """A look, with the number format of a column if one is named."""
        shown = NUMBER_FORMATS.get(column, NUMBER) if column else None
        if (look, shown) not in self._made:
            number = {"num_format": shown} if shown else {}
            self._made[look, shown] = self.book.add_format(_LOOKS[look] | number)
        return self._made[look, shown]

    @property
    def large(self) -> Any:
        """For numbers that are too long with their decimals."""
        if ("large", None) not in self._made:
            self._made["large", None] = self.book.add_format({"num_format": "0.00E+00"})
        return self._made["large", None]


def link_to_guide(worksheet: Any, formats: Formats) -> None:
    """Put the way back to the page that explains all into cell A2."""
    worksheet.write_url("A2", f"internal:'{GUIDE}'!A1", formats("link"), GUIDE)


def show_large_numbers(worksheet: Any, cells: str, formats: Formats) -> None:
    """Show the large numbers among some cells as powers of ten."""
    first = cells.split(":")[0]
    worksheet.conditional_format(
        cells,
        {"type": "formula", "criteria": f"=ABS({first})>={LARGE:.0f}", "format": formats.large},
    )


def finish(worksheet: Any, *, repeated: tuple[int, int] | None = None) -> None:
    """Lock all but the inputs; print in landscape, as wide as the paper, some rows on each page."""
    worksheet.protect(
        "", {"format_cells": True, "format_columns": True, "format_rows": True, "objects": True}
    )
    worksheet.hide_gridlines(2)
    worksheet.set_zoom(90)
    worksheet.set_landscape()
    worksheet.set_paper(9)
    worksheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    worksheet.fit_to_pages(1, 0)
    worksheet.set_footer("&L&A&Rpage &P of &N")
    if repeated:
        first, last = repeated
        worksheet.repeat_rows(first - 1, last - 1)
