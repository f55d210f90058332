"""The workbook: its formulas recalculated by other programs' engines, its inputs, its charts."""

import io
import re
import zipfile
from dataclasses import replace
from html import unescape
from types import SimpleNamespace

import numpy as np
import pytest

from adl import workbook
from adl.layout import EPOCH_ROW, Layout
from adl.sheets import SHEETS, Input, Sheet, X, Y, run, summary

EPOCHS = 10
POISON = "-12345.5"
NAMES = list(SHEETS)
CELL = re.compile(r'<c r="([A-Z]+)(\d+)"([^>]*?)(?:/>|>(.*?)</c>)')


class Book:
    """A workbook's parts; a change gives another one, as a user would save it."""

    def __init__(self, parts):
        self.parts = parts

    @classmethod
    def read(cls, path):
        with zipfile.ZipFile(path) as archive:
            return cls({name: archive.read(name) for name in archive.namelist()})

    @property
    def tabs(self):
        names = re.findall(r'<sheet name="([^"]*)"', self.parts["xl/workbook.xml"].decode())
        return [unescape(name) for name in names]

    def part_of(self, tab):
        return f"xl/worksheets/sheet{self.tabs.index(tab) + 1}.xml"

    def xml(self, tab):
        return self.parts[self.part_of(tab)].decode()

    def cells(self, tab):
        """Attributes, formula and value of each cell, by address."""
        found = {}
        for column, row, attributes, inside in CELL.findall(self.xml(tab)):
            formula = re.search("<f>(.*?)</f>", inside)
            value = re.search("<v>(.*?)</v>", inside)
            found[column + row] = SimpleNamespace(
                style=int((re.search(r'\bs="(\d+)"', attributes) or [0, 0])[1]),
                kind=(re.search(r'\bt="(\w+)"', attributes) or [0, "n"])[1],
                formula=unescape(formula[1]) if formula else None,
                value=value[1] if value else None,
            )
        return found

    def changed(self, tab, change):
        return Book(self.parts | {self.part_of(tab): change(self.xml(tab)).encode()})

    def poisoned(self):
        """With a wrong value stored beside each formula."""
        book = self
        for tab in self.tabs:
            book = book.changed(
                tab,
                lambda xml: re.sub(
                    '(?: t="e")?><f>([^<]*)</f><v>[^<]*</v>', rf"><f>\1</f><v>{POISON}</v>", xml
                ),
            )
        return book

    def typed(self, tab, cells):
        """With numbers typed into cells, over what stood there."""

        def change(xml):
            for cell, value in cells.items():
                pattern = rf'(<c r="{cell}"[^>]*>).*?</c>'
                xml, times = re.subn(pattern, rf"\g<1><v>{value!r}</v></c>", xml)
                assert times == 1
            return xml

        return self.changed(tab, change)

    def saved(self):
        memory = io.BytesIO()
        with zipfile.ZipFile(memory, "w") as archive:
            for name, part in self.parts.items():
                archive.writestr(name, part)
        return memory.getvalue()


def number(column):
    total = 0
    for letter in column:
        total = 26 * total + ord(letter) - 64
    return total


def place(cell):
    column, row = re.fullmatch(r"([A-Z]+)(\d+)", cell).groups()
    return int(row), number(column)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("workbook") / "optimisers.xlsx"
    workbook.write(path)
    return path


@pytest.fixture(scope="module")
def book(path):
    return Book.read(path)


@pytest.fixture(scope="module")
def opened(path):
    """The workbook as openpyxl reads it."""
    return pytest.importorskip("openpyxl").load_workbook(path, data_only=True)


def by_formualizer(book, folder):
    """Value of any cell, after formualizer has computed all."""
    formualizer = pytest.importorskip("formualizer")
    path = folder / "typed.xlsx"
    path.write_bytes(book.saved())
    engine = formualizer.load_workbook(str(path))
    engine.evaluate_all()
    return lambda tab, cell: engine.get_value(tab, *place(cell))


def by_ironcalc(book, folder):
    """The same, by IronCalc."""
    ironcalc = pytest.importorskip("ironcalc")
    path = folder / "typed.xlsx"
    path.write_bytes(book.saved())
    engine = ironcalc.load_from_xlsx(str(path))
    engine.evaluate()
    tabs = book.tabs
    return lambda tab, cell: engine.get_cell_value(tabs.index(tab), *place(cell))


def expected(sheet, epochs=EPOCHS, lr=None, x=X, y=Y, **inputs):
    """What pandas has for each formula cell of a tab, and how exactly it must be met."""
    layout = Layout(sheet, len(X))
    table = run(sheet, epochs, lr, x=x, y=y, **inputs)
    lines = summary(table).join(table[list(sheet.epoch_end)].groupby(level="epoch").last())
    cells = {}
    for name in table.columns.intersection(layout.columns):
        for (epoch, row), value in table[name].items():
            cells[layout.cell(name, epoch, row)] = value
    for name in lines.columns:
        for epoch, value in lines[name].items():
            cells[layout.epoch_cell(name, epoch)] = value
    cells[layout.epoch_cell("intercept", 0)] = sheet.start["new_b"]
    cells[layout.epoch_cell("slope", 0)] = sheet.start["new_a"]
    return cells


def assert_formulas_give(book, value, tab, cells):
    formulas = {at for at, cell in book.cells(tab).items() if cell.formula}
    assert formulas <= set(cells)
    found = np.array([value(tab, at) for at in formulas])
    wanted = np.array([cells[at] for at in formulas])
    # Residuals pass through zero: relative to the numbers of which they are differences.
    wrong = np.abs(found - wanted) > 1e-9 * np.maximum(np.abs(wanted), 1)
    assert not wrong.any(), list(zip(formulas, found, wanted, strict=True))[int(wrong.argmax())]


def assert_comparison_shows_the_sheets(book, value):
    cells = {at: cell for at, cell in book.cells("compare").items() if cell.formula}
    assert len(cells) == 2 * EPOCHS * len(SHEETS)
    for at, cell in cells.items():
        tab, seen = re.fullmatch(r"'?(\w+)'?!(\$[A-Z]+\$\d+)", cell.formula).groups()
        assert value("compare", at) == value(tab, seen.replace("$", ""))


# --- What it computes -----------------------------------------------------------------------------


@pytest.mark.parametrize("engine", [by_formualizer, by_ironcalc])
def test_every_formula_computes_what_pandas_has(book, tmp_path, engine):
    value = engine(book.poisoned(), tmp_path)
    for name, sheet in SHEETS.items():
        assert_formulas_give(book, value, name, expected(sheet))
    points = {f"B{8 + row}": y for row, y in enumerate(Y)}
    assert_formulas_give(book, value, "data", points)
    assert_comparison_shows_the_sheets(book, value)


def drawn(sheet, rng):
    """Rates no larger than the sheet's own, one for each epoch, and other inputs."""
    rates = (sheet.rate * rng.uniform(0.2, 1, EPOCHS)).tolist()
    ranges = {"beta1": (0.7, 0.95), "beta2": (0.8, 0.97), "eps": (1e-8, 1e-3), "h": (0.005, 0.1)}
    ranges |= {"when": (1.5, 3), "cut": (2, 5)}
    inputs = {name: float(rng.uniform(*ranges[name])) for name in sheet.inputs}
    return rates[0] if sheet.sets_its_rate else rates, inputs


@pytest.mark.parametrize(
    ("seed", "engine"), [*((seed, by_formualizer) for seed in range(5)), (5, by_ironcalc)]
)
def test_changed_inputs_give_what_pandas_has_for_them(book, tmp_path, seed, engine):
    rng = np.random.default_rng(seed)
    changed, wanted = book.poisoned(), {}
    for name, sheet in SHEETS.items():
        layout = Layout(sheet, len(X))
        rates, inputs = drawn(sheet, rng)
        typed = {layout.input(cell).replace("$", ""): value for cell, value in inputs.items()}
        for epoch, rate in enumerate(np.atleast_1d(rates).tolist(), start=1):
            typed[layout.epoch_cell("rate", epoch)] = rate
        changed = changed.typed(name, typed)
        wanted[name] = expected(sheet, lr=rates, **inputs)
    value = engine(changed, tmp_path)
    for name in SHEETS:
        assert_formulas_give(changed, value, name, wanted[name])
    assert_comparison_shows_the_sheets(changed, value)


def test_other_points_and_another_line_reach_every_sheet(book, tmp_path):
    x = [value % 50 + 1 for value in X]
    y = [-1.5 * value + 12.5 for value in x]
    typed = {f"A{8 + row}": value for row, value in enumerate(x)} | {"B4": -1.5, "B5": 12.5}
    value = by_formualizer(book.poisoned().typed("data", typed), tmp_path)
    for name in ("sgd", "momentum", "rmsprop", "adam"):
        assert_formulas_give(book, value, name, expected(SHEETS[name], x=x, y=y))


def test_a_rate_lowered_in_mid_run_holds_for_the_epochs_after_it(book, tmp_path):
    cell = Layout(SHEETS["adam"], len(X)).epoch_cell("rate", 6)
    value = by_formualizer(book.poisoned().typed("adam", {cell: 0.125}), tmp_path)
    wanted = expected(SHEETS["adam"], lr=[1.0] * 5 + [0.125] * 5)
    for epoch in (5, 6, 10):
        at = Layout(SHEETS["adam"], len(X)).epoch_cell("slope", epoch)
        assert value("adam", at) == pytest.approx(wanted[at], rel=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_stored_values_are_those_of_pandas(book, name):
    wanted = expected(SHEETS[name])
    cells = {at: cell for at, cell in book.cells(name).items() if cell.formula}
    stored = np.array([float(cell.value) for cell in cells.values()])
    assert np.array_equal(stored, np.array([wanted[at] for at in cells]))


def test_a_recipe_of_ones_own_gets_a_tab(tmp_path):
    sgd = SHEETS["sgd"]
    own = Sheet(
        "my rule",
        "half a step, and a pull back to 1",
        rate=1e-4,
        start=sgd.start,
        inputs={"pull": Input(0.01, 0.0, 1.0, "how hard")},
        columns={name: sgd.columns[name] for name in ("b", "a", "pred", "err2", "db", "da")}
        | {"new_b": "b - rate*db/2 - pull*(b - 1)", "new_a": "a - rate*da/2"},
    )
    workbook.write(tmp_path / "own.xlsx", [own], epochs=3)
    book = Book.read(tmp_path / "own.xlsx")
    assert_formulas_give(book, by_formualizer(book, tmp_path), "my rule", expected(own, epochs=3))


# --- Divergence -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("sgd", 1.0),
        ("momentum", 1e3),
        ("rmsprop", 1e160),
        ("adam", 1e300),
        ("annealed_mean", 1e200),
    ],
)
def test_what_diverges_shows_the_error_that_a_spreadsheet_shows(tmp_path, name, rate):
    workbook.write(tmp_path / "diverges.xlsx", [replace(SHEETS[name], rate=rate)])
    book = Book.read(tmp_path / "diverges.xlsx")
    cells = {at: cell for at, cell in book.cells(name).items() if cell.formula}
    stored = {at for at, cell in cells.items() if cell.value == "#NUM!"}
    assert stored
    assert all(cells[at].kind == "e" for at in stored)
    value = by_formualizer(book.poisoned(), tmp_path)
    found = {at: value(name, at) for at in cells}
    assert {at for at, shown in found.items() if isinstance(shown, dict)} == stored
    assert {found[at]["kind"] for at in stored} == {"Num"}
    finite = sorted(set(cells) - stored)
    assert [float(cells[at].value) for at in finite] == pytest.approx(
        [found[at] for at in finite], rel=1e-9, abs=1e-9
    )


def test_a_division_by_zero_is_called_so(tmp_path):
    sgd = SHEETS["sgd"]
    sheet = replace(sgd, columns={**sgd.columns, "new_b": "b - rate/(x - 13)"})
    workbook.write(tmp_path / "divides.xlsx", [sheet], epochs=1)
    book = Book.read(tmp_path / "divides.xlsx")
    layout = Layout(sheet, len(X))
    cells = book.cells("sgd")
    assert X[3] == 13
    assert cells[layout.cell("new_b", 1, 3)].kind == "n"
    for at in (
        layout.cell("new_b", 1, 4),
        layout.cell("err2", 1, 5),
        layout.epoch_cell("slope", 1),
    ):
        assert cells[at].value == "#DIV/0!"
    value = by_formualizer(book.poisoned(), tmp_path)
    assert value("sgd", layout.cell("new_b", 1, 4))["kind"] == "Div"


# --- The file -------------------------------------------------------------------------------------


def test_it_is_written_alike_each_time_and_is_small(path, tmp_path):
    workbook.write(str(tmp_path / "again.xlsx"))
    assert (tmp_path / "again.xlsx").read_bytes() == path.read_bytes()
    assert path.stat().st_size < 1_000_000


def test_it_holds_no_macro_and_no_link_to_anything_outside(book):
    assert not [name for name in book.parts if re.search("vba|macro|externalLink|comments", name)]
    for name, part in book.parts.items():
        assert b'TargetMode="External"' not in part, name


def test_it_says_what_it_is_and_opens_with_the_page_to_read(book):
    core = book.parts["docProps/core.xml"].decode()
    assert "<dc:title>Optimisers in a spreadsheet</dc:title>" in core
    assert "<dc:creator>Small Steps: how neural networks learn, by experiment</dc:creator>" in core
    assert book.tabs == ["read me", "data", *NAMES, "compare"]


def test_the_page_to_read_links_to_all_sheets_and_tells_of_each(book):
    links = re.findall(r'<hyperlink ref="\w+" location="([^"]*)"', book.xml("read me"))
    assert [link.split("!")[0].strip("'") for link in links] == book.tabs[1:]
    words = unescape(book.parts["xl/sharedStrings.xml"].decode())
    for sheet in SHEETS.values():
        assert sheet.about in words
    for said in ("29 points", "y = 2x + 30", "slope 1 and intercept 1", "Unprotect", "macro"):
        assert said in words


# --- Inputs ---------------------------------------------------------------------------------------


def validations(book, tab):
    found = {}
    for attributes, inside in re.findall(
        r"<dataValidation (.*?)>(.*?)</dataValidation>", book.xml(tab)
    ):
        rule = {name: unescape(text) for name, text in re.findall(r'(\w+)="([^"]*)"', attributes)}
        rule["bounds"] = [float(bound) for bound in re.findall(r"<formula\d>(.*?)<", inside)]
        found[rule["sqref"]] = rule
    return found


def inputs_of(sheet):
    """Address, least and largest number of each input on a sheet's tab."""
    layout = Layout(sheet, len(X))
    cells = {
        layout.input(name).replace("$", ""): [cell.low, cell.high]
        for name, cell in sheet.inputs.items()
    }
    last = 1 if sheet.sets_its_rate else EPOCHS
    return cells | {layout.epoch_cell("rate", epoch): [0.0] for epoch in range(1, last + 1)}


@pytest.mark.parametrize("name", NAMES)
def test_every_input_says_what_it_takes_and_refuses_the_rest(book, name):
    found = validations(book, name)
    assert {at: rule["bounds"] for at, rule in found.items()} == inputs_of(SHEETS[name])
    for rule in found.values():
        assert rule["type"] == "decimal"
        assert 0 < len(rule["promptTitle"]) <= 32
        assert 0 < len(rule["errorTitle"]) <= 32
        for words in (rule["prompt"], rule["error"]):
            assert len(words) <= 255
            assert all(f"{bound:g}" in words for bound in rule["bounds"])
        assert rule.get("errorStyle", "stop") == "stop"


def unlocked(book, tab):
    styles = book.parts["xl/styles.xml"].decode()
    formats = re.findall(r"<xf .*?(?:/>|</xf>)", styles.split("<cellXfs")[1].split("</cellXfs>")[0])
    return {at for at, cell in book.cells(tab).items() if 'locked="0"' in formats[cell.style]}


@pytest.mark.parametrize("tab", ["read me", "data", *NAMES, "compare"])
def test_just_the_inputs_can_be_changed(book, tab):
    protection = re.search("<sheetProtection ([^>]*)/>", book.xml(tab))[1]
    assert 'sheet="1"' in protection
    assert "password" not in protection
    assert 'formatColumns="0"' in protection
    assert 'selectLockedCells="1"' not in protection
    assert unlocked(book, tab) == set(validations(book, tab))


def test_points_and_line_are_inputs(book):
    assert set(validations(book, "data")) == {"B4", "B5", *(f"A{8 + row}" for row in range(29))}


# --- Charts and looks -----------------------------------------------------------------------------


def charts(book, tab):
    """Titles and ranges of a tab's charts."""
    relations = book.parts[book.part_of(tab).replace("sheets/", "sheets/_rels/") + ".rels"]
    drawing = re.search(r"drawings/(drawing\d+\.xml)", relations.decode())[1]
    found = []
    relations = book.parts[f"xl/drawings/_rels/{drawing}.rels"].decode()
    for chart in re.findall(r"charts/chart\d+\.xml", relations):
        xml = book.parts[f"xl/{chart}"].decode()
        found.append(
            SimpleNamespace(
                titles=re.findall("<a:t>(.*?)</a:t>", xml),
                ranges=[cells.replace("'", "") for cells in re.findall("<c:f>(.*?)</c:f>", xml)],
                dashes=[
                    (re.search('prstDash val="(\\w+)"', series) or [0, "solid"])[1]
                    for series in xml.split("<c:ser>")[1:]
                ],
                logarithmic='<c:logBase val="10"/>' in xml,
            )
        )
    assert book.parts[f"xl/drawings/{drawing}"].decode().count(" descr=") == len(found)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_charts_of_a_sheet_follow_its_cells(book, name):
    layout = Layout(SHEETS[name], len(X))
    errors, path = charts(book, name)

    def span(column, first, last=(EPOCHS, 29)):
        cell = layout.cell if isinstance(first, tuple) else layout.epoch_cell
        ends = [
            cell(column, *at) if isinstance(at, tuple) else cell(column, at) for at in (first, last)
        ]
        return f"{name}!" + ":".join(re.sub(r"([A-Z]+)(\d+)", r"$\1$\2", at) for at in ends)

    assert errors.titles == [f"{name}: RMSE in each epoch", "epoch", "RMSE"]
    epochs = span("epoch", 1, EPOCHS)
    assert errors.ranges == [
        epochs,
        span("rmse_running", 1, EPOCHS),
        epochs,
        span("rmse_line", 1, EPOCHS),
    ]
    assert errors.dashes == ["solid", "dash"]
    assert path.titles == [f"{name}: path of the line", "intercept b", "slope a"]
    assert path.ranges == [
        span("new_b", (1, 0)),
        span("new_a", (1, 0)),
        span("intercept", 0, EPOCHS),
        span("slope", 0, EPOCHS),
        "data!$B$5",
        "data!$B$4",
    ]


def test_all_optimisers_are_compared_on_a_logarithmic_scale(book):
    found = charts(book, "compare")
    assert [chart.titles[0] for chart in found] == [
        "RMSE of the line, all optimisers",
        "RMSE of the rows, all optimisers",
    ]
    for chart, column in zip(found, ["D", "C"], strict=True):
        assert chart.logarithmic
        assert chart.titles[1] == "epoch"
        assert chart.ranges[1::2] == [f"{name}!${column}$12:${column}$21" for name in SHEETS]


@pytest.mark.parametrize("name", NAMES)
def test_headings_stay_in_sight_and_numbers_fit(opened, name):
    sheet = opened[name]
    assert sheet.freeze_panes == "A4"
    widths = {}
    for column in sheet.column_dimensions.values():
        widths |= dict.fromkeys(range(column.min, column.max + 1), column.width)
    for row in sheet.iter_rows(min_row=EPOCH_ROW - 2):
        for cell in row:
            if isinstance(cell.value, float):
                large = abs(cell.value) >= 1e5
                decimals = re.fullmatch(r"0\.(0+)", cell.number_format)
                if large or "E" in cell.number_format:
                    shown = f"{cell.value:.2e}"
                elif decimals:
                    shown = f"{cell.value:.{len(decimals[1])}f}"
                else:
                    continue  # General is shortened until it fits
                assert len(shown) < widths[cell.column], cell.coordinate


def test_it_is_printed_in_landscape_the_left_part_and_the_rows_each_on_their_pages(book):
    for tab in book.tabs:
        assert 'orientation="landscape"' in book.xml(tab)
        assert 'fitToPage="1"' in book.xml(tab)
    areas = book.parts["xl/workbook.xml"].decode()
    assert ">momentum!$A$1:$J$22,momentum!$K$2:$Y$294<" in areas


# --- Names and refusals ---------------------------------------------------------------------------


def test_tabs_have_legal_and_distinct_names(tmp_path):
    odd = [
        "adam",
        "ADAM",
        "data",
        "History",
        "a/b: [c]*?\\",
        "'quoted'",
        "x" * 40,
        "x" * 41,
        "it's",
        "",
    ]
    sheets = [replace(SHEETS["sgd"], name=name) for name in odd]
    workbook.write(tmp_path / "odd.xlsx", sheets, epochs=1)
    tabs = Book.read(tmp_path / "odd.xlsx").tabs
    assert len({tab.lower() for tab in tabs}) == len(tabs) == len(odd) + 3
    for tab in tabs:
        assert 0 < len(tab) <= 31
        assert not re.search(r"[\[\]:*?/\\]|^'|'$", tab)
    value = by_formualizer(Book.read(tmp_path / "odd.xlsx"), tmp_path)
    assert value("it’s", "D12") == pytest.approx(16.342, abs=6e-4)
    assert value("compare", "B6") == value("compare", "K6")


WITHOUT_ERROR = Sheet("own", "a recipe", rate=1.0, start={}, columns={"new_a": "x", "new_b": "y"})


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"path": 3}, TypeError, "^path: expected a file's name, got int 3"),
        ({"path": b"a.xlsx"}, TypeError, "^path: expected a file's name, got bytes"),
        ({"path": "a.xls"}, ValueError, "^path: expected a name that ends in .xlsx"),
        ({"path": "nowhere/a.xlsx"}, ValueError, "^path: there is no folder 'nowhere'"),
        ({"epochs": 0}, ValueError, "^epochs: expected a whole number of at least 1, got 0"),
        ({"epochs": "ten"}, TypeError, "^epochs: "),
        ({"epochs": 40_000}, ValueError, "^epochs: expected at most 36157"),
        ({"sheets": SHEETS}, TypeError, "^sheets: .* got one that holds str 'sgd'"),
        ({"sheets": SHEETS["sgd"]}, TypeError, "^sheets: expected a sequence .* got Sheet"),
        ({"sheets": []}, ValueError, "^sheets: .* got none"),
        ({"sheets": [WITHOUT_ERROR]}, ValueError, "^sheet own: expected a column err2"),
    ],
)
def test_what_cannot_be_written_is_refused_in_words(tmp_path, monkeypatch, arguments, error, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=words):
        workbook.write(**{"path": "a.xlsx"} | arguments)
    assert not list(tmp_path.iterdir())


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "folder.xlsx").mkdir()
    with pytest.raises(ValueError, match=r"^path: expected a file, got the folder"):
        workbook.write(tmp_path / "folder.xlsx")
