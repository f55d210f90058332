"""The charts of the workbook, which follow its cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adl.plotting import PALETTE
from adl.workbook._data import INTERCEPT, SLOPE, target
from adl.workbook._formats import ROW_PIXELS

if TYPE_CHECKING:
    from adl.workbook._tab import Tab

COMPARISON = "compare"

_WIDTH, _HEIGHT, _GAP = 440, 360, 10
_GRID = {"visible": True, "line": {"color": "#E6E6E6"}}
_COLOURS = ("blue", "red", "green", "purple", "amber", "sky", "grey", "ink")
_DASHES = ("solid", "dash", "round_dot", "dash_dot", "long_dash", "square_dot", "long_dash_dot")
_MARKERS = ("circle", "square", "triangle", "diamond", "x", "plus", "star")


def pixels() -> int:
    """Width of the column in which a tab's two charts stand side by side."""
    return 2 * _WIDTH + 3 * _GAP


def add_charts(book: Any, worksheet: Any, tab: Tab, *, below: int) -> None:
    """Put a tab's charts beside its inputs: RMSE per epoch, and the path of the line."""
    for number, (chart, words) in enumerate(
        [(_errors(book, tab), _ERRORS_WORDS), (_path(book, tab), _PATH_WORDS)]
    ):
        chart.set_size({"width": _WIDTH, "height": _HEIGHT})
        place = {
            "x_offset": _GAP + number * (_WIDTH + _GAP),
            "y_offset": _GAP // 2,
            "object_position": 2,
            "description": words.format(tab.name),
        }
        worksheet.insert_chart(f"{tab.charts_column}{below + 1}", chart, place)


_ERRORS_WORDS = "{}: RMSE of the rows and RMSE of the line, in each epoch of the table beside it."
_PATH_WORDS = "{}: intercept and slope, row by row and after each epoch, from start to target."


def _errors(book: Any, tab: Tab) -> Any:
    chart = book.add_chart({"type": "line"})
    for number, (column, name) in enumerate(
        [("rmse_running", "RMSE of the rows"), ("rmse_line", "RMSE of the line")]
    ):
        chart.add_series(_line(number) | _series(name, tab.column("epoch"), tab.column(column)))
    _label(chart, f"{tab.name}: RMSE in each epoch", "epoch", "RMSE")
    return chart


def _path(book: Any, tab: Tab) -> Any:
    layout, cell = tab.layout, tab.layout.epoch_cell
    chart = book.add_chart({"type": "scatter", "subtype": "straight"})
    rows = [
        tab.reference(layout.cell(name, 1, 0), layout.cell(name, tab.epochs, layout.rows))
        for name in ("new_b", "new_a")
    ]
    epochs = [
        tab.reference(cell(name, 0), cell(name, tab.epochs)) for name in ("intercept", "slope")
    ]
    chart.add_series(
        _series("row by row", *rows)
        | {"line": {"color": PALETTE["sky"], "width": 0.75}, "marker": {"type": "none"}}
    )
    chart.add_series(
        _series("end of epoch", *epochs)
        | {
            "line": {"color": PALETTE["ink"], "width": 1.5, "dash_type": "dash"},
            "marker": _marker("circle", "ink", size=5),
        }
    )
    chart.add_series(
        _series("target", target(INTERCEPT)[1:], target(SLOPE)[1:])
        | {"line": {"none": True}, "marker": _cross("red", size=12)}
    )
    _label(chart, f"{tab.name}: path of the line", "intercept b", "slope a")
    return chart


def comparison(book: Any, tabs: list[Tab], column: str, words: str) -> Any:
    """All tabs' errors in one chart, on a logarithmic scale."""
    chart = book.add_chart({"type": "line"})
    for number, tab in enumerate(tabs):
        chart.add_series(_line(number) | _series(tab.name, tab.column("epoch"), tab.column(column)))
    _label(chart, f"{words}, all optimisers", "epoch", f"{words} (log scale)", log_base=10)
    chart.set_size({"width": 620, "height": 20 * ROW_PIXELS})
    return chart


def _series(name: str, categories: str, values: str) -> dict[str, Any]:
    return {"name": name, "categories": f"={categories}", "values": f"={values}"}


def _line(number: int) -> dict[str, Any]:
    """Colour, dashes and marker of a series: print in grey tells them apart too."""
    colour = _COLOURS[number % len(_COLOURS)]
    return {
        "line": {
            "color": PALETTE[colour],
            "width": 2,
            "dash_type": _DASHES[number % len(_DASHES)],
        },
        "marker": _marker(_MARKERS[number % len(_MARKERS)], colour, size=6),
    }


def _marker(kind: str, colour: str, *, size: int) -> dict[str, Any]:
    paint = {"color": PALETTE[colour]}
    return {"type": kind, "size": size, "fill": paint, "border": paint}


def _cross(colour: str, *, size: int) -> dict[str, Any]:
    """A marker that hides little of what is beneath it."""
    border = {"color": PALETTE[colour], "width": 2.5}
    return {"type": "x", "size": size, "fill": {"color": PALETTE[colour]}, "border": border}


def _label(chart: Any, words: str, x: str, y: str, **y_options: Any) -> None:
    chart.set_title({"name": words, "name_font": {"size": 12}, "overlay": False})
    common = {"name_font": {"size": 10, "bold": False}, "label_position": "low"}
    chart.set_x_axis({"name": x, "major_gridlines": {"visible": False}, **common})
    chart.set_y_axis(
        {"name": y, "major_gridlines": _GRID, "crossing": "min", **common, **y_options}
    )
    chart.set_legend({"position": "bottom"})
    chart.show_blanks_as("gap")
