"""Addresses in a spreadsheet, and recipes written as its formulas."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adl import formulas
from adl.layout import Layout, letter, title
from adl.sheets import SHEETS, Input, Sheet


def written(formula):
    tree = formulas.parse("c", formula, left={"x", "y"}, above={"z"})
    return formulas.spreadsheet(tree, lambda name, above: f"{name}{4 if above else 5}")


@pytest.mark.parametrize(
    ("recipe", "spreadsheet"),
    [
        ("x - (y - 2)", "x5-(y5-2)"),
        ("x - y - 2", "x5-y5-2"),
        ("x/(y*2)", "x5/(y5*2)"),
        ("(x + y)*2", "(x5+y5)*2"),
        # Python groups powers from the right, spreadsheets from the left.
        ("x**y**2", "x5^(y5^2)"),
        ("(x**y)**2", "(x5^y5)^2"),
        # Spreadsheets bind a minus tighter than a power, Python less tightly.
        ("-(x**2)", "-(x5^2)"),
        ("(-x)**2", "(-x5)^2"),
        ("x**-1", "x5^(-1)"),
        ("2*-x", "2*(-x5)"),
        ("IF(x == y, -x, sqrt(@z))", "IF(x5=y5,-x5,SQRT(z4))"),
        ("1e-8*MIN(x, y)", "1E-08*MIN(x5,y5)"),
    ],
)
def test_a_recipe_is_written_so_that_a_spreadsheet_groups_it_alike(recipe, spreadsheet):
    assert written(recipe) == spreadsheet


@pytest.mark.parametrize(("number", "name"), [(1, "A"), (26, "Z"), (27, "AA"), (702, "ZZ")])
def test_columns_have_the_names_that_spreadsheets_give(number, name):
    assert letter(number) == name


@settings(deadline=None)
@given(st.sampled_from(sorted(SHEETS)), st.integers(1, 50), st.integers(1, 29))
def test_no_two_cells_share_an_address(name, epoch, row):
    layout = Layout(SHEETS[name], rows=29)
    above = (epoch, row - 1) if row > 1 else (epoch - 1, 29)
    cells = [layout.cell(column, epoch, row) for column in layout.columns]
    cells += [layout.cell(column, *above) for column in layout.columns]
    cells += [layout.epoch_cell(column, epoch) for column in layout.epoch_columns]
    cells += [layout.input(cell).replace("$", "") for cell in SHEETS[name].inputs]
    assert len(set(cells)) == len(cells)


def test_the_first_row_of_an_epoch_follows_the_last_of_the_one_before():
    layout = Layout(SHEETS["momentum"], rows=29)
    assert layout.formula("mb", epoch=2, row=1) == "=$B$4*V33+(1-$B$4)*T34"


@pytest.mark.parametrize("name", SHEETS)
def test_every_column_has_a_title_of_its_own(name):
    layout = Layout(SHEETS[name], rows=29)
    for columns in (layout.columns, layout.epoch_columns):
        assert len({title(column) for column in columns}) == len(columns)


def test_rates_are_handed_on_from_epoch_to_epoch():
    by_hand = Layout(SHEETS["adam"], rows=29)
    assert by_hand.epoch_formula("rate", 1) is None
    assert by_hand.epoch_formula("rate", 2) == "=B12"
    assert Layout(SHEETS["annealed_mean"], rows=29).epoch_formula("rate", 2) == "=H12"


WITHOUT_ERROR = Sheet("own", "a recipe", rate=1.0, start={}, columns={"new_a": "x", "new_b": "y"})
CROWDED = Sheet(
    "crowded",
    "a recipe",
    rate=1.0,
    start={},
    columns={"err2": "x", "new_a": "x", "new_b": "y"},
    inputs={name: Input(1, 0, 2, "") for name in "pqrstu"},
)
LATE = Sheet(
    "late",
    "a recipe",
    rate=1.0,
    start={},
    columns={"err2": "x", "new_a": "x", "new_b": "y"},
    epoch_end=dict.fromkeys("pqrs", "x"),
)


@pytest.mark.parametrize(
    ("sheet", "words"),
    [
        (WITHOUT_ERROR, "sheet own: expected a column err2"),
        (CROWDED, "sheet crowded: expected at most 5 inputs, got 6"),
        (LATE, "sheet late: expected at most 3 formulas at the end of an epoch, got 4"),
    ],
)
def test_a_sheet_that_does_not_fit_is_refused(sheet, words):
    with pytest.raises(ValueError, match=words):
        Layout(sheet, rows=29)
