"""What all interactive figures share: what a notebook stores, and how a page treats it."""

import gzip
import json
import re

import numpy as np
import pytest

from adl import live
from adl.claims.learning_rate import X, Y
from adl.live._figure import source
from adl.plotting import PALETTE
from figures import has_no_faults, move_and_run_again, settle

MAKERS = {
    "adl-descent": lambda: live.Descent(X, Y),
    "adl-intervention": live.Intervention,
    "adl-lazy-training": live.LazyTraining,
    "adl-losses": live.LossChoice,
    "adl-spreadsheet": live.Spreadsheet,
}
FIGURES = {element: make() for element, make in MAKERS.items()}
KILOBYTES = {
    "adl-descent": 6,
    "adl-intervention": 5,
    "adl-lazy-training": 5,
    "adl-losses": 5,
    "adl-spreadsheet": 8,
}
COLOURS = ("red", "amber", "blue")

every_figure = pytest.mark.parametrize("element", FIGURES)


@every_figure
def test_html_has_the_same_bytes_every_time(element):
    assert FIGURES[element]._repr_html_() == MAKERS[element]()._repr_html_()


@every_figure
def test_html_asks_nobody_for_anything(element):
    html = FIGURES[element]._repr_html_()
    for address in ("http", "//", "url(", "fetch", "import", "src=", "eval(", "Function("):
        assert address not in html


@every_figure
def test_html_is_one_element_and_one_inline_module(element):
    html = FIGURES[element]._repr_html_()
    assert re.findall(r"</?(?:adl-[\w-]+|script)", html) == [
        f"<{element}", "<script", "</script", f"</{element}", "<script", "</script",
    ]  # fmt: skip
    assert "\n\n" not in html


@every_figure
def test_module_is_small(element):  # compressors differ by a percent
    module = source(FIGURES[element].module).encode()
    assert len(gzip.compress(module, 9)) < KILOBYTES[element] * 1024


@every_figure
def test_module_uses_the_colours_of_the_course(element):
    colours = set(re.findall(r"#[0-9A-F]{6}", source(FIGURES[element].module)))
    assert colours
    assert colours <= {PALETTE[name] for name in COLOURS}


@pytest.mark.parametrize("ground", ["#FFFFFF", "#121212", "#14181E"])
@pytest.mark.parametrize("colour", COLOURS)
def test_colours_are_seen_on_light_and_dark_pages(colour, ground):
    def luminance(hexadecimal):
        parts = np.array([int(hexadecimal[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722] + 0.05

    low, high = sorted([luminance(PALETTE[colour]), luminance(ground)])
    assert high / low >= 3


class Other(live.Figure):
    element, module = "adl-other", "figure.mjs"


def test_figure_inlines_data_that_cannot_end_its_element():
    data = {"words": "</script><b>", "numbers": [0.1, 2, None]}
    html = Other({}, "None.", data)._repr_html_()
    inside = re.search(r'<script type="application/json">(.*?)</script>', html)[1]
    assert "<" not in inside
    assert json.loads(inside) == data


def test_figure_escapes_attributes_and_fallback():
    html = Other({"name": '"<&>'}, "1 < 2 & 3")._repr_html_()
    assert html.startswith(
        '<adl-other class="adl-figure" name="&quot;&lt;&amp;&gt;"><p>1 &lt; 2 &amp; 3'
    )


def test_figure_refuses_numbers_that_json_lacks():
    with pytest.raises(ValueError, match="JSON"):
        Other({"rate": float("inf")}, "None.")


@pytest.mark.browser
@every_figure
@pytest.mark.parametrize("way", ["file", "http"])
def test_figure_works_from_a_file_and_from_a_server(way, element, show, tmp_path, folder):
    address = {"file": (tmp_path / "figure.html").as_uri(), "http": f"{folder}figure.html"}[way]
    page = show(FIGURES[element], address=address, site=True)
    settle(page)
    assert page.locator(element).locator(".say").inner_text()
    assert page.problems == []
    assert [url for url in page.requests if not url.startswith("data:")] == [address]


@pytest.mark.browser
@every_figure
def test_figure_survives_being_moved_and_shown_again(element, show):
    page = show(FIGURES[element])
    said = page.locator(element).locator(".say")
    before = said.inner_text()
    move_and_run_again(page, element)
    assert said.inner_text() == before
    assert page.problems == []


@pytest.mark.browser
@every_figure
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_figure_fits_is_legible_and_has_no_accessibility_faults(width, dark, element, show, axe):
    has_no_faults(show(FIGURES[element], width=width, dark=dark), element, axe)


@pytest.mark.browser
@every_figure
def test_readers_without_scripts_read_the_result(element, show):
    page = show(FIGURES[element], java_script_enabled=False)
    assert page.locator(element).locator("p").first.inner_text() == FIGURES[element].fallback
