"""The interactive figures as Python objects: what a notebook stores, and what is refused."""

import gzip
import json
import re

import numpy as np
import pandas as pd
import pytest
import torch

from adl import live, model_1p
from adl.claims.learning_rate import X, Y
from adl.live._figure import decimals, short, source
from adl.plotting import PALETTE


def attributes(figure):
    opening = figure._repr_html_().split(">")[0]
    return dict(re.findall(r'([\w-]+)="([^"]*)"', opening))


def test_html_has_the_same_bytes_every_time():
    assert live.Descent(X, Y)._repr_html_() == live.Descent(X, Y)._repr_html_()


def test_html_asks_nobody_for_anything():
    html = live.Descent(X, Y)._repr_html_()
    for address in ("http", "//", "url(", "fetch", "import", "src="):
        assert address not in html


def test_html_is_one_element_and_one_inline_module():
    html = live.Descent(X, Y)._repr_html_()
    assert re.findall(r"</?(?:adl-descent|script)", html) == [
        "<adl-descent", "<script", "</script", "</adl-descent", "<script", "</script",
    ]  # fmt: skip
    assert "\n\n" not in html


def test_module_is_small():  # compressors differ by a percent
    assert len(gzip.compress(source("descent.mjs").encode(), 9)) < 6 * 1024


def test_module_uses_the_colours_of_the_course():
    assert set(re.findall(r"#[0-9A-F]{6}", source("descent.mjs"))) == {
        PALETTE["red"], PALETTE["amber"], PALETTE["blue"],
    }  # fmt: skip


@pytest.mark.parametrize("ground", ["#FFFFFF", "#121212", "#14181E"])
@pytest.mark.parametrize("colour", ["red", "amber", "blue"])
def test_colours_are_seen_on_light_and_dark_pages(colour, ground):
    def luminance(hexadecimal):
        parts = np.array([int(hexadecimal[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722] + 0.05

    low, high = sorted([luminance(PALETTE[colour]), luminance(ground)])
    assert high / low >= 3


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
