"""The figure of chapter 1: what a notebook stores, and how it behaves in a browser."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from adl import live, model_1p
from adl.claims.learning_rate import X, Y
from adl.live._figure import short
from adl.live.descent import decimals
from figures import attributes, has_no_faults, move_and_run_again, settle

HALF = model_1p.critical_step_size(X) / 2


def test_repr_is_short_and_says_what_it_is():
    assert repr(live.Descent(X, Y, step_size=0.025)) == "Descent(9 points, step_size=0.025)"


def test_range_and_presets_of_the_chapter():
    found = attributes(live.Descent(X, Y))
    half = model_1p.critical_step_size(X) / 2
    assert (found["low"], found["high"], found["size"]) == ("0.001", "0.031", "0.005")
    assert found["presets"] == f"0.001,0.01,{half!r}: = ½ critical,0.025,0.02963,0.031"


@pytest.mark.parametrize("seed", range(20))
def test_default_range_spans_every_verdict(seed):
    x, y = np.random.default_rng(seed).normal(size=(2, 12)) * 10.0 ** (seed - 10)
    found = attributes(live.Descent(x, y))
    sizes = [float(preset.split(":")[0]) for preset in found["presets"].split(",")]
    words = [model_1p.verdict(model_1p.error_factor(x, size), 20) for size in sizes]
    assert words[0] == "crawls"
    assert {"lands", "overshoots", "stalls", "diverges"} <= set(words)
    assert sizes == sorted(sizes)
    assert (sizes[0], sizes[-1]) == (float(found["low"]), float(found["high"]))


def test_range_can_be_chosen():
    found = attributes(live.Descent(X, Y, smallest=0.01, largest=0.02))
    assert (found["low"], found["high"], found["size"]) == ("0.01", "0.02", "0.01")


@pytest.mark.parametrize(
    ("step_size", "word"),
    [(0.001, "crawls"), (0.01, "arrives"), (0.025, "overshoots"), (0.02963, "stalls"),
     (0.031, "diverges"), (model_1p.critical_step_size(X) / 2, "lands"),
     (model_1p.critical_step_size(X), "swings")],
)  # fmt: skip
def test_fallback_says_what_happens(step_size, word):
    fallback = live.Descent(X, Y, step_size=step_size).fallback
    end = model_1p.train(X, Y, step_size, epochs=20)["new_w"].iloc[-1]
    assert word in fallback
    assert f"After 20 steps w = {short(end)} and" in fallback
    assert (
        f"multiplies the error by {decimals(model_1p.error_factor(X, step_size))} and" in fallback
    )


def test_all_kinds_of_data_give_the_same_figure():
    expected = live.Descent(X, Y)._repr_html_()
    for kind in (np.array, pd.Series, lambda v: torch.tensor(v, dtype=torch.float64)):
        assert live.Descent(kind(X), kind(Y))._repr_html_() == expected


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"x": []}, ValueError, "x: expected at least one"),
        ({"x": [0.0] * 9}, ValueError, "x: expected at least one number that is not zero"),
        ({"x": [1e-200] * 9}, ValueError, "x: expected numbers whose squares"),
        ({"y": [1.0]}, ValueError, "y: expected as many"),
        ({"y": [0.0] * 9}, ValueError, "y: expected data whose optimum"),
        ({"y": "points"}, TypeError, "y: expected"),
        ({"step_size": "fast"}, TypeError, "step_size: expected"),
        ({"step_size": 0.1}, ValueError, "step_size: expected a number from 0.001 to 0.031"),
        ({"step_size": float("nan")}, ValueError, "step_size: expected a finite"),
        ({"smallest": 0}, ValueError, "smallest: expected a positive"),
        ({"smallest": 1}, ValueError, "smallest: expected a number below largest"),
        ({"largest": 1}, ValueError, "largest: expected at most ten times"),
        ({"largest": True}, TypeError, "largest: expected"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(arguments, error, words):
    with pytest.raises(error, match=f"^{words}"):
        live.Descent(**{"x": X, "y": Y, **arguments})


# In a browser


def parts(page):
    figure = page.locator("adl-descent")
    return SimpleNamespace(
        slider=figure.locator("[type=range]"),
        typed=figure.locator("[type=number]"),
        log=figure.locator("[type=checkbox]"),
        presets=figure.locator("button"),
        said=lambda: figure.locator(".say").inner_text(),
        status=lambda: figure.locator("[role=status]").text_content(),
        size=lambda: figure.evaluate("figure => figure.state.size"),
        rule=lambda: figure.locator(".rule").inner_text(),
    )


@pytest.mark.browser
def test_sentence_at_the_start_is_pythons(show):
    for size in (0.001, 0.01, HALF, 0.025, 0.02963, 0.031):
        figure = live.Descent(X, Y, step_size=size)
        page = show(figure)
        assert parts(page).said() == parts(page).status()
        assert parts(page).said() in figure.fallback
        assert page.problems == []


@pytest.mark.browser
def test_slider_is_worked_with_the_keyboard(show):
    page = show(live.Descent(X, Y))
    figure, sizes = parts(page), []
    page.keyboard.press("Tab")
    for key in ("ArrowRight", "PageUp", "End", "ArrowLeft", "Home"):
        page.keyboard.press(key)
        sizes.append(figure.size())
        assert f"Step size {sizes[-1]:.7g}:" in figure.said()
    assert sizes == [0.0051, 0.0081, 0.031, 0.0309, 0.001]
    assert "error factor = 1 − 0.067 = 0.933" in figure.rule()
    assert figure.slider.get_attribute("aria-valuetext") == "0.001, crawls"


@pytest.mark.browser
def test_logarithmic_slider_has_the_same_ends(show):
    figure = parts(show(live.Descent(X, Y)))
    figure.log.press("Space")
    assert figure.size() == 0.005
    figure.slider.press("ArrowRight")
    assert 0.005 < figure.size() < 0.0052
    ends = []
    for key in ("Home", "End"):
        figure.slider.press(key)
        ends.append(figure.size())
    assert ends == [0.001, 0.031]


@pytest.mark.browser
def test_typed_number_is_used_exactly(show):
    figure = parts(show(live.Descent(X, Y)))
    figure.typed.fill("0.02963")
    assert figure.size() == 0.02963
    assert "stalls" in figure.said()


@pytest.mark.browser
@pytest.mark.parametrize("typed", ["0.5", "", "0", "-1"])
def test_typed_number_out_of_range_is_marked_and_changes_nothing(typed, show):
    figure = parts(show(live.Descent(X, Y)))
    figure.typed.fill(typed)
    assert figure.typed.get_attribute("aria-invalid") == "true"
    assert figure.size() == 0.005
    figure.slider.focus()
    assert figure.typed.input_value() == "0.005"
    assert figure.typed.get_attribute("aria-invalid") == "false"


@pytest.mark.browser
def test_presets_go_through_the_verdicts(show):
    figure = parts(show(live.Descent(X, Y)))
    words = ["crawls", "arrives", "lands", "overshoots", "stalls", "diverges"]
    assert figure.presets.count() == len(words)
    for i, word in enumerate(words):
        figure.presets.nth(i).press("Enter")
        assert word in figure.said()
        pressed = figure.presets.evaluate_all("all => all.map(b => b.ariaPressed)")
        assert pressed == ["true" if j == i else "false" for j in range(len(words))]


@pytest.mark.browser
def test_screen_readers_are_told_once_it_has_settled(show):
    page = show(live.Descent(X, Y))
    figure = parts(page)
    before = figure.status()
    # In one go, so that nothing depends on how fast keys can be pressed.
    status, said = page.locator("adl-descent").evaluate(
        """figure => {
            const part = selector => figure.shadowRoot.querySelector(selector);
            for (let i = 0; i < 5; i++) {
                part('#slider').value = 100 + 10 * i;
                part('#slider').dispatchEvent(new Event('input'));
            }
            return ['[role=status]', '.say'].map(selector => part(selector).textContent);
        }"""
    )
    assert status == before != said
    settle(page)
    assert figure.status() == figure.said() == said


@pytest.mark.browser
def test_pictures_say_what_they_show(show):
    page = show(live.Descent(X, Y, step_size=0.031))
    labels = page.locator("adl-descent svg").evaluate_all("all => all.map(s => s.ariaLabel)")
    assert [label.split(",")[0].split(";")[0] for label in labels] == [
        "Error factor −1.092", "Loss against weight", "Error against step",
    ]  # fmt: skip
    assert all("leaves the picture after step 4" in label for label in labels[1:])
    assert page.locator("adl-descent .exit").count() == 2


def agrees(page, x, y, sizes):
    states = page.locator("adl-descent").evaluate(
        "(figure, sizes) => sizes.map(size => { figure.choose(size); return figure.state; })",
        [float(size) for size in sizes],
    )
    for size, state in zip(sizes, states, strict=True):
        table = model_1p.train(x, y, size, epochs=21)
        factor = model_1p.error_factor(x, size)
        scale = np.abs(table["w"]).max()
        assert state["verdict"] == model_1p.verdict(factor, epochs=20)
        assert state["factor"] == pytest.approx(factor, rel=1e-9, abs=1e-12)
        assert state["weights"] == pytest.approx(list(table["w"]), rel=1e-9, abs=1e-9 * scale)
        assert state["loss"] == pytest.approx(table["loss"].iloc[-1], rel=1e-8)


@pytest.mark.browser
def test_browser_and_python_agree_on_every_step_size(show):
    sizes = [*np.geomspace(0.001, 0.031, 50), 0.01, 0.025, 0.02963, 0.99 * HALF, HALF,
             HALF * (1 + 1e-6), 2 * HALF, 2 * HALF * (1 - 1e-6), 2 * HALF * (1 + 1e-6)]  # fmt: skip
    agrees(show(live.Descent(X, Y)), X, Y, sizes)


@pytest.mark.browser
@pytest.mark.parametrize("seed", range(5))
def test_browser_and_python_agree_on_random_data(seed, show):
    x, y = np.random.default_rng(seed).normal(size=(2, 10)) * 10.0 ** (seed - 2)
    critical = model_1p.critical_step_size(x)
    page = show(live.Descent(x, y))
    agrees(page, x, y, [*(critical * np.linspace(0.04, 1.01, 12)), critical / 2, critical])
    assert page.problems == []


@pytest.mark.browser
def test_state_is_kept_in_the_address_on_the_website(show, folder):
    page = show(live.Descent(X, Y), address=f"{folder}figure.html?q=1#here", site=True)
    parts(page).typed.fill("0.02963")
    settle(page)
    assert page.url == f"{folder}figure.html?q=1&adl-descent=0.02963#here"
    parts(page).log.check()
    settle(page)
    page.reload()
    assert parts(page).size() == 0.02963
    assert parts(page).log.is_checked()
    parts(page).log.uncheck()
    parts(page).typed.fill("0.005")
    settle(page)
    assert page.url == f"{folder}figure.html?q=1#here"


@pytest.mark.browser
@pytest.mark.parametrize(("asked", "size"), [("9", 0.031), ("many", 0.005), ("-1", 0.001)])
def test_addresses_that_make_no_sense_do_no_harm(asked, size, show, folder):
    page = show(live.Descent(X, Y), address=f"{folder}figure.html?adl-descent={asked}", site=True)
    assert parts(page).size() == size
    assert page.problems == []


@pytest.mark.browser
def test_address_is_left_alone_outside_the_website(show, folder):
    page = show(live.Descent(X, Y), address=f"{folder}figure.html?adl-descent=0.02")
    assert parts(page).size() == 0.005
    parts(page).slider.press("End")
    settle(page)
    assert page.url == f"{folder}figure.html?adl-descent=0.02"


@pytest.mark.browser
def test_step_size_survives_being_moved_and_shown_again(show):
    page = show(live.Descent(X, Y))
    parts(page).slider.press("End")
    move_and_run_again(page, "adl-descent")
    assert parts(page).size() == 0.031
    parts(page).slider.press("Home")
    assert "crawls" in parts(page).said()
    assert page.problems == []


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_a_stalled_path_fits_and_has_no_faults(width, dark, show, axe):
    page = show(live.Descent(X, Y, step_size=0.02963), width=width, dark=dark)
    has_no_faults(page, "adl-descent", axe)


@pytest.mark.browser
def test_paper_shows_the_pictures_without_the_controls(show):
    page = show(live.Descent(X, Y))
    page.emulate_media(media="print")
    figure = page.locator("adl-descent")
    assert not figure.locator(".controls").is_visible()
    assert figure.locator(".parabola").is_visible()
    assert figure.locator(".say").is_visible()
