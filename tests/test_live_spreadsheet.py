"""The figure of chapter 2: what a notebook stores, and its cells in a browser against pandas."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from adl import live
from adl.layout import Layout
from adl.live.spreadsheet import in_words
from adl.sheets import SHEETS, Input, Sheet, X, run, summary
from figures import document, has_no_faults, settle

ROWS = len(X)
EPOCH_COLUMNS = ["rmse_running", "rmse_line", "intercept", "slope"]

# A recipe of one's own, with all that the language has, and names that are HTML.
OWN = Sheet(
    "own <b>",
    "signs & <functions>",
    rate=0.1,
    inputs={"h": Input(-0.5, -1, 1, "a <number> & more"), "η": Input(2, 1, 3, "a letter")},
    start={"new_a": 1.0, "new_b": 0.5},
    columns={
        "a": "@new_a", "b": "@new_b",
        "err2": "(a*x+b-y)**2/1e4",
        "powers": "2**-1 + x**2**.5 - (-a)**2 + -(a**2)*3 - η**1e0",
        "groups": "x - (y - 2) - x/(y*2)/3 - -h",
        "compared": "IF(a < b, 1_0, 20) + IF(a >= b, 1, 2) + MIN(x, y) + MAX(x, -y)",
        "same": "IF(x == y, 3, 0)",
        "lost": "sqrt(h)",
        "least": "MIN(lost, 1) + MAX(2, lost)",
        "new_a": "a + rate*h/(sqrt(MAX(x, 0)) + 1e-8)", "new_b": "b - rate*0x10/16",
    },
    epoch_end={"size": "mean_err2 + x + rate + @size", "low": "IF(size <= @low, size, @low)"},
    epoch_start={"low": 1e300, "size": 0.0},
)  # fmt: skip


def inlined(figure):
    found = re.search(r'<script type="application/json">(.*?)</script>', figure._repr_html_())
    return json.loads(found[1])


def test_repr_is_short_and_says_what_it_is():
    assert repr(live.Spreadsheet()) == "Spreadsheet(7 sheets, 29 points, start='sgd')"
    assert repr(live.Spreadsheet([OWN], x=[1, 2], y=[2, 4])) == (
        "Spreadsheet(1 sheet, 2 points, start='own <b>')"
    )


def test_target_is_the_line_that_fits_best():
    assert inlined(live.Spreadsheet())["target"] == [30, 2]
    assert inlined(live.Spreadsheet(x=[0, 1, 2], y=[1, 1, 2]))["target"] == pytest.approx(
        [5 / 6, 0.5]
    )


def test_fallback_is_tables_of_what_python_computed():
    figure = live.Spreadsheet(start="adam")
    html = figure._repr_html_().split("<script")[0]
    assert html.count("<table>") == 3
    end = summary(run(SHEETS["adam"], 10)).loc[10]
    for name in EPOCH_COLUMNS:
        assert f"<td>{end[name]:.4f}</td>" in html
        assert f"{end[name]:.4f}" in figure.fallback
    first = run(SHEETS["adam"], 1).loc[(1, 1)]
    assert f"<td>{first['err2']:.4f}</td>" in html


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ("2 * (pred - y)", "2 × (prediction − y)"),
        ("mean_grad2", "[mean of squared gradient]"),
        ("IF(size > when * @low, rate / cut, rate)",
         "IF([size of the gradient] > when × [lowest size so far, above], "
         "[learning rate] / cut, [learning rate])"),
        ("(a + 1e-08) ** 2", "([slope a] + 1e−08)²"),
    ],
)  # fmt: skip
def test_recipes_are_said_in_words(recipe, words):
    assert in_words(recipe) == words


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"sheets": []}, ValueError, "sheets: expected at least one"),
        ({"sheets": ["sgd"]}, TypeError, "sheets: expected sheets, got str"),
        ({"sheets": [Sheet("p", "", rate=1, start={}, columns={"a": "x"})]}, ValueError,
         "sheet p: expected a column err2"),
        ({"sheets": [Sheet("p", "", rate=1, start={"new_b": 1},
                           columns={"err2": "x", "new_a": "x", "new_b": "y"})]},
         ValueError, "sheet p: expected a start for new_a"),
        ({"start": "adagrad"}, ValueError, "start: expected one of sgd, "),
        ({"epochs": -1}, ValueError, "epochs: expected"),
        ({"x": [1.0]}, ValueError, "y: expected as many"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_in_words(arguments, error, words):
    with pytest.raises(error, match=f"^{words}"):
        live.Spreadsheet(**arguments)


# In a browser


def parts(page, place=0):
    figure = page.locator("adl-spreadsheet").nth(place)

    def cell(name, row, grid="rows"):
        column = figure.evaluate(
            "(f, [name, grid]) => f[grid].columns.findIndex(c => c.name === name)", [name, grid]
        )
        box = {"rows": ".cells", "epochs": ".scroll.epochs"}[grid]
        return figure.locator(f"{box} tbody tr").nth(row).locator("td").nth(column)

    def enter(name, value):
        field = figure.locator(f"#in-{name}")
        field.fill(str(value))
        field.press("Enter")

    def press(words, times=1):
        for _ in range(times):
            figure.get_by_role("button", name=words, exact=True).click()

    return SimpleNamespace(
        figure=figure,
        cell=cell,
        enter=enter,
        field=lambda name: figure.locator(f"#in-{name}"),
        run=lambda epochs: press("Run 1 epoch", epochs),
        reset=lambda: press("Reset"),
        five=lambda: press("Run 5 epochs"),
        tab=lambda words: figure.get_by_role("tab", name=words, exact=True),
        tabs=figure.get_by_role("tab"),
        trouble=lambda: figure.locator(".trouble").inner_text(),
        said=lambda: figure.locator(".say").inner_text(),
        where=lambda: figure.locator(".bar b").inner_text(),
        formula=lambda: figure.locator(".bar code").first.inner_text(),
        value=lambda: figure.locator(".bar .value").inner_text(),
        bar=lambda: figure.locator(".bar").inner_text(),
        rows=lambda: figure.evaluate("f => f.now.rows.slice(1)"),
        lines=lambda: figure.evaluate("f => f.now.lines.slice(1)"),
        shaded=lambda: figure.locator("td.uses, input.uses").count(),
    )


def agrees(found, sheet, table):
    """Every cell is pandas', weights to 1e-9 and the rest to a hundred-millionth of a number."""
    columns = ["x", "y", "rate", *sheet.columns]
    for name in columns:
        got = np.array([row[name] for row in found.rows()], dtype=float)
        # Residuals are small differences: for them an absolute tolerance is what means something.
        size = 0 if name in ("a", "b", "new_a", "new_b") else 1e-7
        np.testing.assert_allclose(got, table[name], rtol=1e-9, atol=size, err_msg=name)
    lines, expected = found.lines(), summary(table)
    for name in EPOCH_COLUMNS:
        got = np.array([line[name] for line in lines], dtype=float)
        np.testing.assert_allclose(got, expected[name], rtol=1e-9, atol=1e-8, err_msg=name)
    for name in sheet.epoch_end:
        got = np.array([line[name] for line in lines], dtype=float)
        np.testing.assert_allclose(got, table[name].xs(ROWS, level="row"), rtol=1e-9)


@pytest.mark.browser
@pytest.mark.parametrize("name", SHEETS)
def test_browser_and_pandas_agree_on_every_cell(name, show):
    sheet, page = SHEETS[name], show(live.Spreadsheet(start=name))
    found = parts(page)
    for seed in range(5):
        generator = np.random.default_rng([seed, len(name)])
        found.reset()
        values = {}
        for key, cell in sheet.inputs.items():
            low, high = {"h": (0.001, 0.1), "eps": (1e-9, 1e-7)}.get(
                key, (cell.value * 0.9, cell.value)
            )
            values[key] = float(generator.uniform(low, high))
            found.enter(key, values[key])
        rates = (sheet.rate * generator.uniform(0.2, 1, size=4)).tolist()
        if sheet.sets_its_rate:
            found.enter("rate", rates[0])
            found.run(10)
            expected = run(sheet, 10, rates[0], **values)
        else:
            used = np.repeat(rates, [1, 2, 2, 5])
            for rate, epochs in zip(rates, [1, 2, 2, 5], strict=True):
                found.enter("rate", rate)
                found.five() if epochs == 5 else found.run(epochs)
            expected = run(sheet, 10, used.tolist(), **values)
        agrees(found, sheet, expected)
    assert page.problems == []


@pytest.mark.browser
def test_own_recipe_is_computed_as_python_does(show):
    page = show(live.Spreadsheet([OWN], epochs=3))
    found = parts(page)
    agrees(found, OWN, run(OWN, 3))
    assert found.figure.locator(".tabs").inner_text() == "Own <b>"
    assert "Signs & <functions>." in found.figure.locator(".about").inner_text()
    assert "a <number> & more" in found.figure.locator(".fields").inner_text()
    layout = Layout(OWN, ROWS)
    for name in ("powers", "groups", "compared"):
        found.cell(name, 2).click()
        assert found.formula() == layout.formula(name, 3, 2)
    assert found.value() == str(run(OWN, 3)["compared"].loc[3, 2]).removesuffix(".0")
    found.cell("lost", 1).click()
    assert (found.value(), found.cell("lost", 1).inner_text()) == ("#NUM!", "#NUM!")
    assert page.problems == []


@pytest.mark.browser
@pytest.mark.parametrize("name", SHEETS)
def test_formula_bar_shows_the_workbooks_addresses_and_formulas(name, show):
    layout, table = Layout(SHEETS[name], ROWS), run(SHEETS[name], 3)
    found = parts(show(live.Spreadsheet(start=name, epochs=3)))
    generator = np.random.default_rng(len(name))
    for _ in range(12):
        epoch, row = int(generator.integers(1, 4)), int(generator.integers(1, ROWS + 1))
        column = str(generator.choice(layout.columns[4:]))
        found.cell("epoch", epoch, "epochs").click()
        found.cell(column, row).click()
        assert found.where() == layout.cell(column, epoch, row)
        assert found.formula() == layout.formula(column, epoch, row)
        assert float(found.value()) == pytest.approx(table.loc[(epoch, row), column], rel=1e-9)
    for epoch in (1, 2, 3):
        for column in layout.epoch_columns[1:]:
            found.cell(column, epoch, "epochs").click()
            assert found.where() == layout.epoch_cell(column, epoch)
            assert found.formula() == (layout.epoch_formula(column, epoch) or "")
    for column in ("intercept", "slope"):
        found.cell(column, 0, "epochs").click()
        assert found.formula() == layout.epoch_formula(column, 0)


@pytest.mark.browser
def test_cells_that_a_formula_uses_are_shaded(show):
    found = parts(show(live.Spreadsheet(start="momentum", epochs=2)))
    found.cell("mb", 1).click()
    assert found.formula() == "=$B$4*V33+(1-$B$4)*T34"
    assert "uses" in found.cell("mb", 0).get_attribute("class")
    assert "uses" in found.cell("db", 1).get_attribute("class")
    assert found.field("beta1").get_attribute("class") == "uses"
    assert found.shaded() == 3
    assert "beta1 × [average of d/db, above] + (1 − beta1) × [d/db]" in found.bar()
    found.cell("rmse_running", 1, "epochs").click()
    assert found.shaded() == ROWS
    found.cell("rate", 4).click()
    assert "uses" in found.cell("rate", 1, "epochs").get_attribute("class")
    found.cell("x", 4).click()
    assert (found.formula(), found.shaded()) == ("", 0)


@pytest.mark.browser
def test_rate_is_lowered_in_mid_run_as_the_lesson_does(show):
    found = parts(show(live.Spreadsheet(start="adam", epochs=0)))
    for rate, fives in ((1, 3), (0.1, 2), (0.01, 1)):
        found.enter("rate", rate)
        for _ in range(fives):
            found.five()
    agrees(found, SHEETS["adam"], run(SHEETS["adam"], 30, [1] * 15 + [0.1] * 10 + [0.01] * 5))
    found.cell("rate", 16, "epochs").click()
    assert (found.where(), found.formula(), found.value()) == ("B27", "", "0.1")
    found.cell("rate", 17, "epochs").click()
    assert found.formula() == "=B27"


@pytest.mark.browser
def test_other_inputs_compute_all_epochs_anew(show):
    found = parts(show(live.Spreadsheet(start="momentum", epochs=4)))
    found.cell("epoch", 2, "epochs").click()
    found.enter("beta1", 0.5)
    agrees(found, SHEETS["momentum"], run(SHEETS["momentum"], 4, beta1=0.5))
    assert found.cell("epoch", 1).inner_text() == "2"  # the epoch that was looked at
    about = found.figure.locator(".about").inner_text()
    assert "any other entry computes all epochs anew" in about


@pytest.mark.browser
def test_a_sheet_that_sets_its_rate_shows_it_and_takes_the_first_only(show):
    found = parts(show(live.Spreadsheet(start="annealed_mean", epochs=5)))
    assert found.field("rate").input_value() == "0.25"
    assert found.field("rate").evaluate("field => field.readOnly")
    found.reset()
    assert not found.field("rate").evaluate("field => field.readOnly")
    found.enter("rate", 0.5)
    found.five()
    agrees(found, SHEETS["annealed_mean"], run(SHEETS["annealed_mean"], 5, 0.5))


@pytest.mark.browser
@pytest.mark.parametrize("entry", ["2", "", "-0.1", "much", "1e999"])
def test_a_wrong_entry_is_marked_said_and_changes_nothing(entry, show):
    page = show(live.Spreadsheet(start="adam", epochs=2))
    found = parts(page)
    before = found.rows()
    found.enter("beta1", entry)
    assert found.field("beta1").get_attribute("aria-invalid") == "true"
    assert found.field("beta1").input_value() == entry
    words = "beta1: expected a number from 0 to 0.999; the sheet keeps 0.9."
    assert found.trouble() == words
    assert found.rows() == before
    found.enter("rate", -1)
    assert found.trouble().startswith("learning rate: expected a number from 0 to 1000;")
    assert words in found.trouble()
    found.enter("rate", 1)
    found.enter("beta1", 0.8)
    assert found.field("beta1").get_attribute("aria-invalid") == "false"
    assert found.trouble() == ""
    agrees(found, SHEETS["adam"], run(SHEETS["adam"], 2, beta1=0.8))
    found.enter("beta1", entry)
    found.reset()
    assert found.trouble() == ""
    assert found.field("beta1").input_value() == "0.9"


@pytest.mark.browser
def test_reset_goes_back_to_the_start(show):
    found = parts(show(live.Spreadsheet(epochs=3)))
    found.enter("rate", 0.00005)
    found.reset()
    assert found.said() == (
        "SGD, before the first epoch; intercept 1, slope 1; the target is 30 and 2."
    )
    assert found.field("rate").input_value() == "0.0001"
    assert found.cell("new_b", 0).inner_text() == "1.0000"
    assert found.cell("new_b", 1).inner_text() == ""
    assert found.cell("x", 1).inner_text() == "14"
    assert found.figure.locator(".scroll.epochs tbody tr").count() == 1
    found.run(1)
    agrees(found, SHEETS["sgd"], run(SHEETS["sgd"], 1))


@pytest.mark.browser
def test_sentence_says_where_the_run_is(show):
    found = parts(show(live.Spreadsheet(start="adam", epochs=15)))
    assert found.said() == (
        "Adam, epoch 15, learning rate 1: RMSE of the rows 38.94, of the line 10.06; "
        "intercept 29.54, slope 2.211; the target is 30 and 2."
    )


@pytest.mark.browser
def test_screen_readers_are_told_once_it_has_settled(show):
    page = show(live.Spreadsheet())
    found = parts(page)
    status = found.figure.locator("[role=status]")
    before = status.text_content()
    now = found.figure.evaluate(
        "f => { for (let i = 0; i < 3; i++) f.run(1);"
        " return f.shadowRoot.querySelector('[role=status]').textContent; }"
    )
    assert now == before != found.said()
    settle(page)
    assert status.text_content() == found.said()


@pytest.mark.browser
def test_tabs_are_worked_with_the_keyboard(show):
    page = show(live.Spreadsheet())
    found = parts(page)
    page.keyboard.press("Tab")
    chosen = []
    for key in ("ArrowRight", "End", "ArrowRight", "ArrowLeft", "Home", "ArrowDown"):
        page.keyboard.press(key)
        (tab,) = [tab for tab in found.tabs.all() if tab.get_attribute("aria-selected") == "true"]
        assert tab.evaluate("tab => tab.getRootNode().activeElement === tab && tab.tabIndex === 0")
        label = found.figure.get_by_role("tabpanel").get_attribute("aria-labelledby")
        assert label == tab.get_attribute("id")
        chosen.append(tab.inner_text())
    assert chosen == ["Momentum", "Annealed mean", "Annealed mean", "Annealed size", "SGD", "SGD"]
    stops = found.tabs.evaluate_all("all => all.filter(tab => tab.tabIndex === 0).length")
    assert stops == 1


@pytest.mark.browser
def test_every_sheet_keeps_its_run(show):
    found = parts(show(live.Spreadsheet()))
    found.five()
    found.tab("Adam").click()
    assert found.said().startswith("Adam, epoch 1,")
    found.tab("SGD").click()
    assert found.said().startswith("SGD, epoch 6,")


@pytest.mark.browser
def test_cells_are_reached_with_the_keyboard(show):
    page = show(live.Spreadsheet(start="sgd", epochs=3))
    found = parts(page)
    found.cell("pred", 1).click()
    layout, places = Layout(SHEETS["sgd"], ROWS), []
    moves = {
        "ArrowRight": ("err2", 3, 1), "ArrowDown": ("err2", 3, 2), "ArrowLeft": ("pred", 3, 2),
        "PageUp": ("pred", 2, 2), "PageDown": ("pred", 3, 2), "Home": ("epoch", 3, 2),
        "End": ("new_a", 3, 2), "ArrowUp": ("new_a", 3, 1), "Control+Home": ("epoch", 1, 0),
        "Control+End": ("new_a", 3, 29),
    }  # fmt: skip
    for key, (name, epoch, row) in moves.items():
        page.keyboard.press(key)
        places.append(found.where())
        assert places[-1] == layout.cell(name, epoch, row), key
        chosen = found.figure.locator("td.picked")
        assert chosen.evaluate("td => td.getRootNode().activeElement === td && td.tabIndex === 0")
    # From the last row of an epoch to the first of the next, which is then shown.
    found.cell("epoch", 1, "epochs").click()
    found.cell("pred", 29).click()
    page.keyboard.press("ArrowDown")
    assert found.where() == layout.cell("pred", 2, 1)
    assert found.figure.locator(".cells caption").inner_text().startswith("Epoch 2 of 3")


@pytest.mark.browser
def test_a_grid_is_one_stop_of_the_tab_key(show):
    page = show(live.Spreadsheet(start="sgd", epochs=3))
    found, stops = parts(page), []
    for _ in range(12):
        page.keyboard.press("Tab")
        stops.append(
            page.evaluate("document.activeElement.shadowRoot?.activeElement?.outerHTML ?? ''")[:20]
        )
    assert [stop[:3] for stop in stops if stop.startswith("<td")] == ["<td", "<td"]
    for box in (".cells", ".scroll.epochs"):
        cells = found.figure.locator(f"{box} td[tabindex='0']")
        assert cells.count() == 1


@pytest.mark.browser
def test_grids_have_their_roles_and_places(show):
    found = parts(show(live.Spreadsheet(start="sgd", epochs=3)))
    found.cell("epoch", 2, "epochs").click()
    grid = found.figure.get_by_role("grid").nth(1)
    assert grid.get_attribute("aria-rowcount") == str(4 + 3 * ROWS)
    row = grid.get_by_role("row").nth(2)
    layout = Layout(SHEETS["sgd"], ROWS)
    assert row.get_attribute("aria-rowindex") == layout.cell("x", 2, 1).removeprefix("M")
    assert row.get_by_role("rowheader").inner_text() == layout.cell("x", 2, 1).removeprefix("M")
    assert grid.get_by_role("columnheader").nth(2).inner_text().split("\n") == ["M", "x"]


@pytest.mark.browser
def test_a_run_writes_into_the_same_cells(show):
    found = parts(show(live.Spreadsheet()))
    found.figure.evaluate(
        "f => f.kept = [...f.shadowRoot.querySelectorAll('.cells td, .cells tr')]"
    )
    found.five()
    assert found.figure.evaluate("f => f.kept.every(part => part.isConnected)")


@pytest.mark.browser
@pytest.mark.parametrize("name", ["sgd", "momentum", "adam"])
def test_divergence_is_shown_as_text(name, show):
    page = show(live.Spreadsheet(start=name, epochs=0))
    found = parts(page)
    found.enter("rate", 1000)
    for _ in range(3):
        found.five()
    if name != "adam":
        assert "numbers are too large: #NUM!" in found.said()
        assert found.cell("pred", 29).inner_text() == "#NUM!"
        assert found.figure.locator(".errors").text_content().count("#NUM!") == 1
        expected = run(SHEETS[name], 15, 1000.0)["new_b"]
        got = [float(row["new_b"]) for row in found.rows()]
        assert np.isfinite(got).tolist() == np.isfinite(expected).tolist()
    assert "leaves" in found.figure.locator(".steps").text_content()
    found.figure.get_by_label("logarithmic RMSE").check()
    for svg in found.figure.locator("svg").all():
        assert "NaN" not in svg.inner_html()
        assert "Infinity" not in svg.inner_html()
    assert page.problems == []


@pytest.mark.browser
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("epochs", [0, 1, 30])
def test_pictures_have_round_numbers_on_their_axes(epochs, log, show):
    page = show(live.Spreadsheet(start="annealed_mean", epochs=epochs))
    found = parts(page)
    found.figure.get_by_label("logarithmic RMSE").set_checked(log)
    for svg in found.figure.locator("svg").all():
        labels = svg.locator("text").all_text_contents()
        assert 4 <= len(labels) <= 30
        assert not any("NaN" in label for label in labels)
        assert svg.get_attribute("aria-label").endswith(found.said())
    assert page.problems == []


@pytest.mark.browser
def test_state_is_kept_in_the_address_on_the_website(show, folder):
    page = show(live.Spreadsheet(), address=f"{folder}figure.html?q=1#here", site=True)
    found = parts(page)
    found.tab("Adam").click()
    found.five()
    found.enter("rate", 0.1)
    found.run(2)
    found.enter("beta1", 0.8)
    found.enter("rate", 0.05)
    found.figure.get_by_label("logarithmic RMSE").check()
    settle(page)
    assert page.url == (
        f"{folder}figure.html?q=1&adl-spreadsheet=adam+rate*1*6+rate*0.1*2+rate*0.05+beta1*0.8+log"
        "#here"
    )
    rows, said = found.rows(), found.said()
    page.reload()
    assert (found.rows(), found.said()) == (rows, said)
    assert found.field("rate").input_value() == "0.05"
    assert found.field("beta1").input_value() == "0.8"
    assert found.figure.get_by_label("logarithmic RMSE").is_checked()
    page.goto(f"{folder}figure.html?q=1#here")
    found.run(1)
    found.reset()
    found.run(1)
    settle(page)
    assert page.url == f"{folder}figure.html?q=1#here"


@pytest.mark.browser
def test_a_run_without_epochs_and_one_that_sets_its_rate_are_kept_too(show, folder):
    page = show(live.Spreadsheet(), address=f"{folder}figure.html", site=True)
    found = parts(page)
    found.tab("Annealed mean").click()
    found.reset()
    found.enter("rate", 0.5)
    found.five()
    settle(page)
    rows = found.rows()
    page.reload()
    assert found.rows() == rows
    found.reset()
    settle(page)
    page.reload()
    assert found.said().startswith("Annealed mean, before the first epoch")


@pytest.mark.browser
@pytest.mark.parametrize(
    "asked",
    ["nobody", "adam rate*1*x", "adam rate*-1*5", "adam rate*1*1e9", "adam beta1*7 *3", "sgd **",
     "adam rate*1*-5 beta1 =", "%3Cb%3E", "adam rate**3", "sgd __proto__*1"],
)  # fmt: skip
def test_addresses_that_make_no_sense_do_no_harm(asked, show, folder):
    address = f"{folder}figure.html?adl-spreadsheet={asked.replace(' ', '+')}"
    page = show(live.Spreadsheet(), address=address, site=True)
    found = parts(page)
    assert len(found.lines()) <= 200
    found.reset()
    found.run(1)
    assert "epoch 1," in found.said()
    assert page.problems == []


@pytest.mark.browser
def test_address_is_left_alone_outside_the_website(show, folder):
    page = show(live.Spreadsheet(), address=f"{folder}figure.html?adl-spreadsheet=adam")
    found = parts(page)
    assert found.said().startswith("SGD, epoch 1,")
    found.five()
    settle(page)
    assert page.url == f"{folder}figure.html?adl-spreadsheet=adam"


@pytest.mark.browser
def test_two_figures_on_a_page_do_not_disturb_each_other(show, folder, axe):
    both = live.Spreadsheet(), live.Spreadsheet([SHEETS["adam"]], epochs=2)
    page = show(*both, address=f"{folder}figure.html", site=True)
    first, second = parts(page, 0), parts(page, 1)
    second.run(3)
    assert first.said().startswith("SGD, epoch 1,")
    assert second.said().startswith("Adam, epoch 5,")
    settle(page)
    page.reload()
    assert first.said().startswith("SGD, epoch 1,")
    assert second.said().startswith("Adam, epoch 5,")
    assert axe.run(page).response["violations"] == []
    assert page.problems == []


@pytest.mark.browser
def test_there_is_room_for_200_epochs(show):
    page = show(live.Spreadsheet(epochs=198))
    found = parts(page)
    found.five()
    assert found.said().startswith("SGD, epoch 200,")


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_the_widest_sheet_fits_and_has_no_faults(width, dark, show, axe):
    page = show(live.Spreadsheet(start="annealed_size", epochs=12), width=width, dark=dark)
    found = parts(page)
    found.enter("beta1", 7)
    found.cell("new_b", 4).click()
    has_no_faults(page, "adl-spreadsheet", axe)
    header = found.figure.locator(".cells th[scope=row]").nth(4).bounding_box()
    assert header["x"] < 60  # it stays when the cells are scrolled
    scrolled = found.figure.locator(".cells").evaluate("box => box.scrollLeft")
    assert scrolled > 0


@pytest.mark.browser
def test_paper_shows_the_state_without_the_controls(show):
    page = show(live.Spreadsheet(start="adam", epochs=10))
    page.emulate_media(media="print")
    found = parts(page)
    for controls in found.figure.locator(".controls").all():
        assert not controls.is_visible()
    assert found.figure.locator(".errors").is_visible()
    assert found.figure.locator(".say").is_visible()
    assert found.field("beta1").is_visible()
    box = found.figure.locator(".cells")
    assert box.evaluate("box => box.scrollHeight <= box.clientHeight + 1")


@pytest.mark.browser
def test_readers_without_scripts_have_real_tables(show):
    page = show(live.Spreadsheet(), java_script_enabled=False)
    tables = page.get_by_role("table")
    assert tables.count() == 3
    assert tables.first.get_by_role("columnheader", name="prediction").is_visible()
    assert tables.first.get_by_role("cell", name="1849.0000").is_visible()
    assert tables.nth(1).get_by_role("row").count() == 11
    assert "<table>" in document(live.Spreadsheet())


# Points of a line in a picture, and the labels of an axis with their places, as the page has them.
DRAWN = """(f, [picture, kind]) => {
    const svg = f.shadowRoot.querySelector(picture), texts = [...svg.querySelectorAll('text')];
    const d = [...svg.querySelectorAll(`path.${kind}:not(.mark)`)].at(-1).getAttribute('d');
    const read = text => Number(text.textContent.replaceAll('−', '-'));
    const labels = (axis, keep) =>
        texts.filter(keep).map(t => [read(t), Number(t.getAttribute(axis))]);
    return {
        points: d.slice(1).split('L').map(p => p.split(',').map(Number)),
        x: labels('x', t => t.getAttribute('y') === '230'),
        y: labels('y', t => t.getAttribute('text-anchor') === 'end').map(([v, y]) => [v, y - 4]),
    };
}"""


def values_of(found, picture, kind, log=False):
    """Numbers that a line stands for, read off the axes as a person would with a ruler."""
    drawn = found.figure.evaluate(DRAWN, [picture, kind])
    points = np.array(drawn["points"])
    columns = []
    for axis, place in ((0, "x"), (1, "y")):
        labels, at = np.array(drawn[place]).T
        if log and place == "y":
            labels = np.log10(labels)
        slope, start = np.polyfit(at, labels, 1)
        assert np.abs(slope * at + start - labels).max() < 0.02 * np.ptp(labels)
        columns.append(slope * points[:, axis] + start)
    across, up = columns
    return across, 10**up if log else up


@pytest.mark.browser
@pytest.mark.parametrize("name", ["momentum", "adam", "annealed_mean"])
@pytest.mark.parametrize("log", [False, True])
def test_pictures_show_the_numbers(name, log, show):
    found = parts(show(live.Spreadsheet(start=name, epochs=12)))
    if log:
        found.figure.get_by_label("logarithmic RMSE").check()
    table = run(SHEETS[name], 12)
    expected = summary(table)
    for kind, error in (("blue", "rmse_running"), ("red", "rmse_line")):
        epochs, errors = values_of(found, ".errors", kind, log)
        assert epochs == pytest.approx(range(1, 13), abs=0.1)
        if log:
            assert np.log10(errors) == pytest.approx(np.log10(expected[error]), abs=0.05)
        else:
            assert errors == pytest.approx(expected[error], abs=0.02 * expected[error].max())
    intercepts, slopes = values_of(found, ".steps", "blue")
    assert intercepts[1:] == pytest.approx(table["new_b"], abs=0.02 * np.ptp(table["new_b"]))
    assert slopes[1:] == pytest.approx(table["new_a"], abs=0.02 * np.ptp(table["new_a"]))


@pytest.mark.browser
def test_a_decimal_comma_is_read_and_other_ways_of_counting_are_not(show):
    found = parts(show(live.Spreadsheet(start="adam")))
    found.enter("beta1", "0,5")
    assert found.trouble() == ""
    assert found.figure.evaluate("f => f.now.values.beta1") == 0.5
    found.enter("rate", "0x10")
    assert "expected a number from 0 to 1000" in found.trouble()


@pytest.mark.browser
def test_on_paper_no_cell_covers_another_and_all_columns_fit(show):
    page = show(live.Spreadsheet(start="annealed_size", epochs=10))
    page.set_viewport_size({"width": 720, "height": 1000})
    page.emulate_media(media="print")
    figure = page.locator("adl-spreadsheet")
    positions = figure.locator("th").evaluate_all("a => a.map(e => getComputedStyle(e).position)")
    assert set(positions) - {""} == {"static"}  # the tables for readers without scripts have none
    assert figure.locator("table").evaluate_all("a => a.every(t => t.scrollWidth <= 720)")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"epochs": 500}, ValueError, "epochs"),
        ({"sheets": None}, TypeError, "sheets"),
        ({"sheets": SHEETS["sgd"]}, TypeError, "sheets"),
        ({"sheets": [SHEETS["sgd"]] * 2}, ValueError, "sheets"),
        ({"sheets": [replace(SHEETS["sgd"], rate=2000.0)]}, ValueError, "sgd"),
    ],
)
def test_sheets_that_do_not_fit_the_page_are_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        live.Spreadsheet(**arguments)
