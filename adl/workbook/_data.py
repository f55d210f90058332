"""The tab with the points: inputs on the left, targets computed from the true line."""

from typing import Any

from adl.layout import title
from adl.plotting import PALETTE
from adl.sheets import X, Y
from adl.workbook._formats import Formats, finish, link_to_guide
from adl.workbook._input_cells import add_input

DATA = "data"
SLOPE, INTERCEPT = "B4", "B5"

_TRUE_SLOPE, _TRUE_INTERCEPT = 2.0, 30.0
_HEADER_ROW = 7
_BOUND = 1000.0


def point(name: str, row: int) -> str:
    """Formula of x or y in a row of any tab.

    Examples
    --------
    >>> point("x", 1), point("y", 29)
    ('=data!$A$8', '=data!$B$36')
    """
    return f"={DATA}!${'AB'['xy'.index(name)]}${_HEADER_ROW + row}"


def target(cell: str) -> str:
    """A cell of the true line, for a chart."""
    return f"={DATA}!${cell[0]}${cell[1:]}"


def write_data(book: Any, formats: Formats) -> None:
    """Add the tab to a workbook."""
    worksheet = book.add_worksheet(DATA)
    worksheet.write_string("A1", f"data: {len(X)} points on a line", formats("title"))
    link_to_guide(worksheet, formats)
    worksheet.write_string(
        "B2", "Change any yellow cell: the targets y follow, and all other sheets.", formats("note")
    )
    line = {
        SLOPE: ("slope", _TRUE_SLOPE, "slope of the line that the optimisers should find"),
        INTERCEPT: ("intercept", _TRUE_INTERCEPT, "its height at x = 0"),
    }
    for cell, (name, value, about) in line.items():
        worksheet.write_string(f"A{cell[1:]}", name, formats("name"))
        worksheet.write_string(f"C{cell[1:]}", about, formats("note"))
        _add_bounded(worksheet, cell, name, formats, value=value, about=about)
    for column, name in ("A", "x"), ("B", "y"):
        worksheet.write_string(f"{column}{_HEADER_ROW}", title(name), formats("header"))
    for row, (x, y) in enumerate(zip(X, Y, strict=True), start=_HEADER_ROW + 1):
        about = f"point {row - _HEADER_ROW}: its x"
        _add_bounded(worksheet, f"A{row}", "x", formats, value=x, about=about)
        formula = f"=${SLOPE[0]}${SLOPE[1:]}*A{row}+${INTERCEPT[0]}${INTERCEPT[1:]}"
        worksheet.write_formula(f"B{row}", formula, formats("number", "y"), y)
    last = _HEADER_ROW + len(X)
    chart = book.add_chart({"type": "scatter"})
    chart.add_series(
        {
            "name": "points",
            "categories": f"={DATA}!$A${_HEADER_ROW + 1}:$A${last}",
            "values": f"={DATA}!$B${_HEADER_ROW + 1}:$B${last}",
            "marker": {
                "type": "circle",
                "size": 6,
                "fill": {"color": PALETTE["blue"]},
                "border": {"color": PALETTE["blue"]},
            },
        }
    )
    chart.set_title({"name": "data: target y against x", "name_font": {"size": 12}})
    chart.set_x_axis({"name": "x", "major_gridlines": {"visible": False}})
    chart.set_y_axis(
        {"name": "y", "major_gridlines": {"visible": True, "line": {"color": "#E6E6E6"}}}
    )
    chart.set_legend({"none": True})
    chart.set_size({"width": 480, "height": 340})
    worksheet.insert_chart(
        f"D{_HEADER_ROW}",
        chart,
        {"object_position": 2, "description": "The points of this sheet, target y against x."},
    )
    worksheet.set_column("A:B", 12)
    worksheet.freeze_panes(_HEADER_ROW, 0)
    finish(worksheet)


def _add_bounded(worksheet: Any, cell: str, name: str, formats: Formats, **options: Any) -> None:
    add_input(worksheet, cell, name, formats("input"), low=-_BOUND, high=_BOUND, **options)
