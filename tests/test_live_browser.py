"""The interactive figures in a browser: keyboard, mouse, address, print, and Python's numbers."""

from types import SimpleNamespace

import numpy as np
import pytest

import browser as chromium
from adl import live, model_1p
from adl.claims.learning_rate import X, Y

HALF = model_1p.critical_step_size(X) / 2

pytestmark = pytest.mark.browser


def document(figure, *, site=False, dark=False):
    colours = "background:#14181e;color:#ced6dd" if dark else "background:#fff;color:#222"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A figure</title>'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f"{'<meta name=adl-site content=yes>' if site else ''}</head>"
        f'<body style="margin:16px;font:16px/1.5 sans-serif;{colours}"><main><h1>A figure</h1>'
        f"{figure._repr_html_()}</main></body></html>"
    )


@pytest.fixture
def show(open_page, tmp_path):
    """Return a function that shows a figure in a page of its own."""

    def show_one(figure, *, address=None, site=False, dark=False, **options):
        html = document(figure, site=site, dark=dark)
        if address is None:
            page = open_page("about:blank", **options)
            page.set_content(html)
        else:
            (tmp_path / "figure.html").write_text(html, "utf-8")
            page = open_page(address, **options)
        return page

    return show_one


@pytest.fixture
def folder(tmp_path):
    """Address of a folder that is served to this machine."""
    with chromium.served(tmp_path) as url:
        yield url


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


def test_sentence_at_the_start_is_pythons(show):
    for size in (0.001, 0.01, HALF, 0.025, 0.02963, 0.031):
        figure = live.Descent(X, Y, step_size=size)
        page = show(figure)
        assert parts(page).said() == parts(page).status()
        assert parts(page).said() in figure.fallback
        assert page.problems == []


@pytest.mark.parametrize("way", ["file", "http"])
def test_figure_works_from_a_file_and_from_a_server(way, show, tmp_path, folder):
    address = {"file": (tmp_path / "figure.html").as_uri(), "http": f"{folder}figure.html"}[way]
    page = show(live.Descent(X, Y), address=address, site=True)
    parts(page).slider.press("End")
    page.wait_for_timeout(600)
    assert "diverges" in parts(page).said()
    assert page.problems == []
    assert [url for url in page.requests if not url.startswith("data:")] == [address]


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


def test_typed_number_is_used_exactly(show):
    figure = parts(show(live.Descent(X, Y)))
    figure.typed.fill("0.02963")
    assert figure.size() == 0.02963
    assert "stalls" in figure.said()


@pytest.mark.parametrize("typed", ["0.5", "", "0", "-1"])
def test_typed_number_out_of_range_is_marked_and_changes_nothing(typed, show):
    figure = parts(show(live.Descent(X, Y)))
    figure.typed.fill(typed)
    assert figure.typed.get_attribute("aria-invalid") == "true"
    assert figure.size() == 0.005
    figure.slider.focus()
    assert figure.typed.input_value() == "0.005"
    assert figure.typed.get_attribute("aria-invalid") == "false"


def test_presets_go_through_the_verdicts(show):
    figure = parts(show(live.Descent(X, Y)))
    words = ["crawls", "arrives", "lands", "overshoots", "stalls", "diverges"]
    assert figure.presets.count() == len(words)
    for i, word in enumerate(words):
        figure.presets.nth(i).press("Enter")
        assert word in figure.said()
        pressed = figure.presets.evaluate_all("all => all.map(b => b.ariaPressed)")
        assert pressed == ["true" if j == i else "false" for j in range(len(words))]


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
    page.wait_for_timeout(600)
    assert figure.status() == figure.said() == said


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


def test_browser_and_python_agree_on_every_step_size(show):
    sizes = [*np.geomspace(0.001, 0.031, 50), 0.01, 0.025, 0.02963, 0.99 * HALF, HALF,
             HALF * (1 + 1e-6), 2 * HALF, 2 * HALF * (1 - 1e-6), 2 * HALF * (1 + 1e-6)]  # fmt: skip
    agrees(show(live.Descent(X, Y)), X, Y, sizes)


@pytest.mark.parametrize("seed", range(5))
def test_browser_and_python_agree_on_random_data(seed, show):
    x, y = np.random.default_rng(seed).normal(size=(2, 10)) * 10.0 ** (seed - 2)
    critical = model_1p.critical_step_size(x)
    page = show(live.Descent(x, y))
    agrees(page, x, y, [*(critical * np.linspace(0.04, 1.01, 12)), critical / 2, critical])
    assert page.problems == []


def test_state_is_kept_in_the_address_on_the_website(show, folder):
    page = show(live.Descent(X, Y), address=f"{folder}figure.html?q=1#here", site=True)
    parts(page).typed.fill("0.02963")
    page.wait_for_timeout(600)
    assert page.url == f"{folder}figure.html?q=1&adl-descent=0.02963#here"
    parts(page).log.check()
    page.wait_for_timeout(600)
    page.reload()
    assert parts(page).size() == 0.02963
    assert parts(page).log.is_checked()
    parts(page).log.uncheck()
    parts(page).typed.fill("0.005")
    page.wait_for_timeout(600)
    assert page.url == f"{folder}figure.html?q=1#here"


@pytest.mark.parametrize(("asked", "size"), [("9", 0.031), ("many", 0.005), ("-1", 0.001)])
def test_addresses_that_make_no_sense_do_no_harm(asked, size, show, folder):
    page = show(live.Descent(X, Y), address=f"{folder}figure.html?adl-descent={asked}", site=True)
    assert parts(page).size() == size
    assert page.problems == []


def test_address_is_left_alone_outside_the_website(show, folder):
    page = show(live.Descent(X, Y), address=f"{folder}figure.html?adl-descent=0.02")
    assert parts(page).size() == 0.005
    parts(page).slider.press("End")
    page.wait_for_timeout(600)
    assert page.url == f"{folder}figure.html?adl-descent=0.02"


def test_figure_survives_being_moved_and_shown_again(show):
    page = show(live.Descent(X, Y))
    parts(page).slider.press("End")
    page.evaluate("""() => {
        const figure = document.querySelector('adl-descent');
        figure.remove();
        document.querySelector('main').append(figure);
        document.querySelectorAll('script[type=module]').forEach(old => {
            const again = document.createElement('script');
            again.type = 'module'; again.textContent = old.textContent; old.replaceWith(again);
        });
    }""")
    page.wait_for_timeout(100)
    assert parts(page).size() == 0.031
    parts(page).slider.press("Home")
    assert "crawls" in parts(page).said()
    assert page.problems == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_figure_fits_is_legible_and_has_no_accessibility_faults(width, dark, show):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = show(live.Descent(X, Y, step_size=0.02963), width=width, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for target in page.locator("adl-descent").locator("input, button, .log").all():
        box = target.bounding_box()
        if target.get_attribute("type") != "checkbox":  # its label is the target
            assert min(box["width"], box["height"]) >= 24
    smallest = page.locator("adl-descent svg").evaluate_all("""all => Math.min(...all.map(svg =>
        parseFloat(getComputedStyle(svg).fontSize)
        * svg.clientWidth / svg.viewBox.baseVal.width))""")
    assert smallest >= 11
    outside = page.locator("adl-descent svg").evaluate_all("""all => all.flatMap(svg =>
        [...svg.querySelectorAll('text')].filter(text => {
            const a = text.getBoundingClientRect(), b = svg.getBoundingClientRect();
            return a.left < b.left - 1 || a.right > b.right + 1
                || a.top < b.top - 1 || a.bottom > b.bottom + 1;
        }).map(text => text.textContent))""")
    assert outside == []
    assert axe.run(page).response["violations"] == []


def test_paper_shows_the_pictures_without_the_controls(show):
    page = show(live.Descent(X, Y))
    page.emulate_media(media="print")
    figure = page.locator("adl-descent")
    assert not figure.locator(".controls").is_visible()
    assert figure.locator(".parabola").is_visible()
    assert figure.locator(".say").is_visible()


def test_readers_without_scripts_read_the_result(show):
    figure = live.Descent(X, Y)
    page = show(figure, java_script_enabled=False)
    assert page.locator("adl-descent p").inner_text() == figure.fallback
