"""The intervention of chapter 3: what is stored, what a notebook shows, how it behaves."""

import copy
import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import store_intervention as tool
from adl import edge, fluctuations, live
from adl.training import train_stacked
from figures import has_no_faults, move_and_run_again, settle

RATES = live.Intervention().step_sizes
LOWER = [rate for rate in RATES if rate < tool.RATE]
HIGHER = [rate for rate in RATES if rate > tool.RATE]
DATA = json.loads(tool.FILE.read_text("utf-8"))
RUNS = {run["rate"]: run for run in DATA["after"]}
BEFORE = DATA["before"]

each_rate = pytest.mark.parametrize("rate", RATES)


def losses(run):
    """Loss before each step, from the points that are stored."""
    steps = np.arange(run["at"][0], run["at"][-1] + 1)
    return 10 ** (np.interp(steps, run["at"], run["loss"]) / 100)


def products(run):
    return np.array(run["product"]) / 1000


def spread(values):
    return fluctuations.spread(values, len(values), detrend=True)[0]


def sentence(rate):
    """What the figure says of a rate: the fallback, without what is the same for all."""
    return re.search(r"rate changes\. (.*) With JavaScript", live.Intervention(rate).fallback)[1]


# What is stored


def test_rates_are_the_tools_and_the_old_one_is_among_them():
    assert list(RATES) == tool.RATES == list(RUNS)
    assert tool.RATE == DATA["rate"] in RATES
    assert (min(RATES), max(RATES)) == (tool.RATE / 16, tool.RATE * 4)
    assert np.diff(np.log2(RATES)) == pytest.approx(0.5, abs=0.01)


def test_stored_data_are_small():
    assert tool.FILE.stat().st_size < 25_000


def test_runs_have_all_their_steps_and_begin_where_the_first_ends():
    assert (BEFORE["at"][0], BEFORE["at"][-1]) == (-tool.SHOWN, 0)
    assert len(BEFORE["product"]) == tool.SHOWN // tool.EVERY + 1
    for run in RUNS.values():
        assert (run["at"][0], run["at"][-1]) == (0, tool.AFTER - 1)
        assert len(run["product"]) == tool.AFTER // tool.EVERY + 1
        assert run["loss"][0] == BEFORE["loss"][-1]


@each_rate
def test_product_changes_with_the_rate_at_once(rate):
    expected = products(BEFORE)[-1] * rate / tool.RATE
    assert products(RUNS[rate])[0] == pytest.approx(expected, abs=0.0011)


def test_network_lives_at_the_edge_before_the_change():
    assert 1.8 < products(BEFORE).min() <= products(BEFORE).max() < 2.2


@pytest.mark.parametrize("rate", LOWER)
def test_a_lower_rate_ends_the_oscillation_and_the_product_grows(rate):
    calm = losses(RUNS[rate])[100:400]
    assert spread(calm) < 0.1 * spread(losses(BEFORE))
    assert products(RUNS[rate])[40] / products(RUNS[rate])[0] > 1.2


@pytest.mark.parametrize("rate", HIGHER)
def test_a_higher_rate_makes_one_spike_and_the_product_falls(rate):
    usual = np.median(losses(BEFORE))
    assert losses(RUNS[rate])[:20].max() > 100 * usual
    assert losses(RUNS[rate]).argmax() < 20
    assert products(RUNS[rate])[5] < 1


def test_points_left_out_are_on_the_line():
    values = (100 * np.sin(np.arange(400) / 20)).round().astype(int)
    kept = tool.thinned(values)
    assert len(kept) < 100
    assert np.abs(np.interp(np.arange(400), kept, values[kept]) - values).max() <= tool.TOLERANCE


def test_most_typical_network_is_in_the_middle_and_has_no_absurd_reading():
    # In every measurement network 4 is the fifth of ten, and network 5 the sixth.
    order = torch.arange(1.0, 11.0)
    before = 10 ** (order * (-1.0) ** torch.arange(tool.SHOWN)[:, None])
    losses = before.median(0).values * 10**order * torch.ones(2, 1)
    readings = order / 10 * torch.ones(tool.AFTER // tool.EVERY + 1, 1)
    after = dict.fromkeys((tool.RATE / 4, tool.RATES[-1]), (losses, readings))
    assert tool.most_typical(before, after) in (4, 5)
    readings[3, 4] = readings[3, 5] = 1e5
    assert tool.most_typical(before, after) in (3, 6)


@pytest.fixture(scope="module")
def at_the_change():
    """The networks when the rate changes."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    adam, batch = tool.networks()
    earlier = train_stacked(adam, batch, step_size=tool.RATE, steps=tool.STEPS).losses
    yield adam, batch, earlier[-tool.SHOWN :, DATA["network"]].numpy()
    torch.set_num_threads(threads)


def test_stored_run_is_that_of_its_network(at_the_change):
    """At one rate, drawn anew each time; training is chaotic, so digits are not compared."""
    adam, batch, earlier = at_the_change
    rate = float(np.random.default_rng().choice(RATES))
    found, readings = (part[:, DATA["network"]].numpy() for part in _shortly(adam, batch, rate))
    run = RUNS[rate]
    assert 1 / 3 < np.median(earlier) / np.median(losses(BEFORE)) < 3
    assert readings[0] / products(run)[0] == pytest.approx(1, abs=0.15), rate
    if rate < tool.RATE:
        assert readings[-1] / products(run)[10] == pytest.approx(1, abs=0.2), rate
        assert spread(found[50:]) < 0.2 * spread(earlier), rate
    elif rate == tool.RATE:
        assert 1.6 < np.median(readings) < 2.2
    else:
        assert found.max() > 30 * np.median(earlier), rate
        assert readings[-1] < 1.6, rate


def _shortly(adam, batch, rate):
    """The first hundred steps after the change, with a reading before and after them."""
    adam = copy.deepcopy(adam)
    first = edge.stability(adam, batch, rate)
    run = train_stacked(adam, batch, step_size=rate, steps=100)
    return run.losses, torch.stack([first, edge.stability(adam, batch, rate)])


# What a notebook stores


def test_repr_is_short_and_says_what_it_is():
    assert repr(live.Intervention(0.08)) == "Intervention(step_size=0.08)"


@pytest.mark.parametrize("rate", LOWER)
def test_sentence_of_a_lower_rate_is_true(rate):
    said, now = sentence(rate), products(RUNS[rate])
    assert said.startswith(f"At {rate:g}, ")
    assert f"drops from {products(BEFORE)[-1]:.2f} to {now[0]:.2f}, and the loss stops" in said
    if now.max() < 1.9:
        assert said.endswith(f"after 800 steps it has come to {now[-1]:.2f}.")
    else:
        again = tool.EVERY * int(np.argmax(now >= 1.9))
        assert said.endswith(f"after {again} steps it is near 2, and the loss oscillates again.")
        assert spread(losses(RUNS[rate])[-300:]) > 0.5 * spread(losses(BEFORE))


@pytest.mark.parametrize("rate", HIGHER)
def test_sentence_of_a_higher_rate_is_true(rate):
    said, now = sentence(rate), products(RUNS[rate])
    assert f"jumps from {products(BEFORE)[-1]:.2f} to {now[0]:.2f}, and within" in said
    steps, times = re.search(
        r"within (\d+) steps the loss shoots up to ([\d,]+) times", said
    ).groups()
    peak = losses(RUNS[rate])[int(steps)]
    assert peak == losses(RUNS[rate]).max()
    assert int(times.replace(",", "")) == pytest.approx(peak / np.median(losses(BEFORE)), rel=0.05)
    assert said.endswith(f"it is {now[5]:.2f} after 50 steps, and {now[-1]:.2f} after 800.")


def test_sentence_of_the_old_rate_says_that_nothing_changes():
    middle = np.median(products(RUNS[tool.RATE]))
    assert "nothing changes" in sentence(tool.RATE)
    assert f"at {middle:.2f} in the median" in sentence(tool.RATE)
    assert 1.9 < middle < 2.05
    assert spread(losses(RUNS[tool.RATE])) > 0.5 * spread(losses(BEFORE))


@pytest.mark.parametrize(
    ("rate", "words"),
    [(0.00125, "a sixteenth of"), (0.005, "a quarter of"), (0.01, "half"), (0.0141, "0.7 times"),
     (0.04, "twice"), (0.08, "four times")],
)  # fmt: skip
def test_sentence_names_the_part_of_the_old_rate(rate, words):
    assert f"At {rate:g}, {words} the old rate, " in sentence(rate)


def test_a_rate_in_single_precision_is_known():
    assert live.Intervention(np.float32(0.02)).step_size == 0.02


@pytest.mark.parametrize(
    ("step_size", "error", "words"),
    [
        (0.03, ValueError, "step_size: expected one of 0.00125, .*, 0.08, got 0.03"),
        (0, ValueError, "step_size: expected one of"),
        (float("nan"), ValueError, "step_size: expected a finite"),
        ("fast", TypeError, "step_size: expected"),
        (True, TypeError, "step_size: expected"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(step_size, error, words):
    with pytest.raises(error, match=f"^{words}"):
        live.Intervention(step_size)


# In a browser


def parts(page):
    figure = page.locator("adl-intervention")
    return SimpleNamespace(
        slider=figure.locator("[type=range]"),
        presets=figure.locator("button"),
        said=lambda: figure.locator(".say").inner_text(),
        status=lambda: figure.locator("[role=status]").text_content(),
        state=lambda: figure.evaluate("figure => figure.state"),
        rate=lambda: figure.evaluate("figure => figure.state.rate"),
        drawn=lambda kind: figure.locator(kind).evaluate_all(
            "all => all.map(path => path.getAttribute('d').slice(1).split('L')"
            ".map(point => point.split(' ').map(Number)))"
        ),
    )


@pytest.mark.browser
def test_slider_is_worked_with_the_keyboard(show):
    page = show(live.Intervention())
    figure, rates = parts(page), []
    page.keyboard.press("Tab")
    for key in ("ArrowRight", "End", "ArrowLeft", "Home"):
        page.keyboard.press(key)
        rates.append(figure.rate())
        assert figure.said() == sentence(rates[-1])
        assert figure.slider.get_attribute("aria-valuetext") == f"{rates[-1]:g}"
    assert rates == [0.00707, 0.08, 0.0566, 0.00125]
    assert page.problems == []


@pytest.mark.browser
def test_sentence_and_curves_are_those_of_the_rate(show):
    figure = parts(show(live.Intervention()))
    figure.slider.press("Home")
    for rate in RATES:
        run, now = RUNS[rate], figure.state()
        assert now["rate"] == rate
        assert figure.said() == sentence(rate)
        assert now["loss"] == [
            [at, pytest.approx(10 ** (loss / 100))]
            for at, loss in zip(run["at"], run["loss"], strict=True)
        ]
        assert now["product"] == [
            [tool.EVERY * i, pytest.approx(product)] for i, product in enumerate(products(run))
        ]
        assert [len(line) for line in figure.drawn(".after")] == [
            len(run["at"]), len(run["product"]),
        ]  # fmt: skip
        figure.slider.press("ArrowRight")


@pytest.mark.browser
def test_curves_are_drawn_to_scale_with_the_limit_at_two(show):
    figure = parts(show(live.Intervention(0.0141)))
    ((_, limit), _) = figure.drawn(".limit")[0]
    heights = np.array([y for _, y in figure.drawn(".product .after")[0]])
    steps = np.array([x for x, _ in figure.drawn(".product .after")[0]])
    logs = np.log(products(RUNS[0.0141]) / 2)
    scale = (heights[0] - limit) / logs[0]
    assert heights == pytest.approx(limit + scale * logs, abs=0.3)
    assert steps == pytest.approx(np.linspace(steps[0], steps[-1], len(steps)), abs=0.1)


@pytest.mark.browser
def test_what_was_before_the_change_stays_as_it_is(show):
    figure = parts(show(live.Intervention()))
    before = figure.drawn(".before")
    assert [len(line) for line in before] == [len(BEFORE["at"]), len(BEFORE["product"])]
    figure.slider.press("End")
    assert figure.drawn(".before") == before


@pytest.mark.browser
def test_presets_show_what_they_name(show):
    figure = parts(show(live.Intervention()))
    names = ["÷ 16", "÷ 4", "÷ 2", "unchanged", "× 2", "× 4"]
    assert figure.presets.all_inner_texts() == names
    for i, part in enumerate((1 / 16, 1 / 4, 1 / 2, 1, 2, 4)):
        figure.presets.nth(i).press("Enter")
        assert figure.rate() == pytest.approx(part * tool.RATE)
        pressed = figure.presets.evaluate_all("all => all.map(b => b.ariaPressed)")
        assert pressed == ["true" if j == i else "false" for j in range(len(names))]


@pytest.mark.browser
def test_screen_readers_are_told_once_it_has_settled(show):
    page = show(live.Intervention())
    figure = parts(page)
    assert figure.status() == figure.said() == sentence(0.005)
    figure.slider.press("End")
    settle(page)
    assert figure.status() == figure.said() == sentence(0.08)


@pytest.mark.browser
def test_pictures_say_what_they_show(show):
    page = show(live.Intervention(0.08))
    loss, product = page.locator("adl-intervention svg").evaluate_all(
        "all => all.map(svg => svg.ariaLabel)"
    )
    assert "from 0.02 to 0.08" in loss
    now = products(RUNS[0.08])
    assert f"{products(BEFORE)[-1]:.2f} before the change, {now[0]:.2f} right after it" in product


@pytest.mark.browser
def test_state_is_kept_in_the_address_on_the_website(show, folder):
    page = show(live.Intervention(), address=f"{folder}figure.html?q=1#here", site=True)
    parts(page).slider.press("End")
    settle(page)
    assert page.url == f"{folder}figure.html?q=1&adl-intervention=0.08#here"
    page.reload()
    assert parts(page).rate() == 0.08
    parts(page).presets.get_by_text("÷ 4").click()
    settle(page)
    assert page.url == f"{folder}figure.html?q=1#here"


@pytest.mark.browser
@pytest.mark.parametrize(("asked", "rate"), [("9", 0.08), ("many", 0.005), ("-1", 0.005),
                                             ("0.0021", 0.00177), ("0.011", 0.01)])  # fmt: skip
def test_addresses_that_make_no_sense_do_no_harm(asked, rate, show, folder):
    address = f"{folder}figure.html?adl-intervention={asked}"
    page = show(live.Intervention(), address=address, site=True)
    assert parts(page).rate() == rate
    assert page.problems == []


@pytest.mark.browser
def test_address_is_left_alone_outside_the_website(show, folder):
    address = f"{folder}figure.html?adl-intervention=0.02"
    page = show(live.Intervention(), address=address)
    assert parts(page).rate() == 0.005
    parts(page).slider.press("End")
    settle(page)
    assert page.url == address


@pytest.mark.browser
def test_rate_survives_being_moved_and_shown_again(show):
    page = show(live.Intervention())
    parts(page).slider.press("End")
    move_and_run_again(page, "adl-intervention")
    assert parts(page).rate() == 0.08
    parts(page).slider.press("Home")
    assert "sixteenth" in parts(page).said()
    assert page.problems == []


@pytest.mark.browser
@pytest.mark.parametrize("rate", [0.02, 0.08])
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_other_states_fit_and_have_no_faults(width, rate, show, axe):
    has_no_faults(show(live.Intervention(rate), width=width), "adl-intervention", axe)


@pytest.mark.browser
def test_paper_shows_the_pictures_without_the_controls(show):
    page = show(live.Intervention())
    page.emulate_media(media="print")
    figure = page.locator("adl-intervention")
    assert not figure.locator(".controls").is_visible()
    assert figure.locator("svg.loss").is_visible()
    assert figure.locator("svg.product").is_visible()
    assert figure.locator(".say").is_visible()
