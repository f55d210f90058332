"""The losses of chapter 4: what is stored, what a notebook shows, how it behaves."""

import gzip
import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import store_losses as tool
from adl import live
from adl.losses import LOSSES
from adl.singular import EPSILONS, baselines, fit, held_out, measure
from figures import attributes, has_no_faults, move_and_run_again, settle

DATA = json.loads(tool.FILE.read_text("utf-8"))
TARGETS = {targets["epsilon"]: targets for targets in DATA["epsilons"]}
STATES = [(loss, epsilon) for loss in LOSSES for epsilon in EPSILONS]
SPREADS = [
    each
    for targets in TARGETS.values()
    for each in (*targets["runs"], *targets["baselines"].values())
]
GUESSES = ("always 0", "two random targets")

each_state = pytest.mark.parametrize(("loss", "epsilon"), STATES)
each_epsilon = pytest.mark.parametrize("epsilon", EPSILONS)


def run(loss, epsilon):
    return TARGETS[epsilon]["runs"][DATA["losses"].index(loss)]


def outputs(stored):
    """Heights on the whole grid, from the points that are stored."""
    return np.interp(np.arange(tool.PLACES), stored["at"], stored["output"]) / 100


def sentence(loss, epsilon):
    """What the figure says: the fallback, without what is the same for all."""
    fallback = live.LossChoice(loss, epsilon).fallback
    return re.search(r"z²\)\. (.*) With JavaScript", fallback)[1]


def number(words, said):
    """The number that follows some words."""
    return float(re.search(rf"{words}([\d.,]*\d)", said)[1].replace(",", ""))


def two_digits(value):
    """A number that is as near as two digits can be, and as stored digits allow."""
    return pytest.approx(value, rel=0.062)


# What is stored


def test_losses_and_epsilons_are_those_of_the_chapter():
    assert DATA["losses"] == list(LOSSES) == list(live.LossChoice().losses)
    assert list(live.LossChoice().epsilons) == list(TARGETS) == sorted(EPSILONS)
    assert all(len(targets["runs"]) == len(LOSSES) for targets in TARGETS.values())


def test_all_that_a_page_gets_is_small():
    assert len(gzip.compress(live.LossChoice()._repr_html_().encode(), 9)) < 12_000


@pytest.mark.parametrize("name", ["low", "high", "places", "together"])
def test_page_reads_the_tools_own_scales(name):
    assert DATA[name] == getattr(tool, name.upper())


@each_state
def test_curves_are_complete(loss, epsilon):
    stored = run(loss, epsilon)
    assert (stored["at"][0], stored["at"][-1]) == (0, tool.PLACES - 1)
    assert (np.diff(stored["at"]) > 0).all()
    assert len(stored["output"]) == len(stored["at"])
    assert len(stored["left"]) * tool.TOGETHER == 500


@each_state
def test_peak_is_the_output_in_the_middle(loss, epsilon):
    stored = run(loss, epsilon)
    # Two digits of the one, and a hundredth of a power of ten of the other.
    assert np.log10(1 + stored["peak"]) == pytest.approx(outputs(stored)[200], abs=0.04)


def test_shares_are_those_of_all_examples():
    for spread in SPREADS:
        assert len(spread["errors"]) == tool.BINS
        assert sum(spread["errors"]) == pytest.approx(1000, abs=tool.BINS / 2)


def test_median_is_where_half_of_the_examples_are():
    edges = np.linspace(tool.LOW, tool.HIGH, tool.BINS + 1)
    for spread in SPREADS:
        total = np.cumsum([0, *spread["errors"]])
        assert np.interp(total[-1] / 2, total, edges) == pytest.approx(
            spread["median"] / 100, abs=0.2
        )


def test_next_to_nothing_is_beyond_the_bins():
    assert max(spread["errors"][-1] for spread in SPREADS) <= 1
    assert max(spread["errors"][0] for spread in SPREADS) <= 10


def test_errors_beyond_the_bins_are_in_the_outermost():
    spread = tool.spread(torch.tensor([0.0, 1e-12, 1.0, 1e12], dtype=torch.float64))
    assert (spread["errors"][0], spread["errors"][-1], sum(spread["errors"])) == (500, 250, 1000)


@each_epsilon
def test_stored_guesses_are_the_baselines(epsilon):
    assert set(TARGETS[epsilon]["baselines"]) == set(GUESSES)
    for name, squares in baselines(epsilon).items():
        stored = TARGETS[epsilon]["baselines"][name]
        assert stored["median"] == pytest.approx(100 * np.median(squares.log10()), abs=1)
        over = (squares > 10 ** (tool.LOW + 0.6 * 12)).double().mean()
        assert sum(stored["errors"][12:]) == pytest.approx(1000 * over, abs=tool.BINS / 2)


@pytest.fixture(scope="module")
def again():
    """Networks of one loss and one epsilon, drawn anew each time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    loss, epsilon = STATES[np.random.default_rng().integers(len(STATES))]
    yield fit(loss, [epsilon]), run(loss, epsilon), (loss, epsilon)
    torch.set_num_threads(threads)


def test_stored_numbers_come_out_again(again):
    fitted, old, state = again
    new = tool.stored(fitted, state[1])
    for name in ("errors", "left", "median", "explained"):
        assert new[name] == pytest.approx(old[name], abs=1), (name, *state)
    assert new["peak"] == pytest.approx(old["peak"], rel=0.1), state
    assert outputs(new) == pytest.approx(outputs(old), abs=0.03), state


def test_stored_network_is_the_middle_one_of_five(again):
    fitted, old, state = again
    measured = measure(fitted)
    middle = int(measured["median"].argsort().iloc[2])
    inputs, targets = held_out(state[1])
    with torch.no_grad():
        outputs = fitted.net(inputs)[middle]
    median = np.median((outputs - targets).square().log10())
    assert len(measured) == 5
    assert 100 * median == pytest.approx(old["median"], abs=1.01), state
    assert 1000 * measured["explained"][middle] == pytest.approx(old["explained"], abs=1.01), state


# What a notebook stores


def test_repr_is_short_and_says_what_it_is():
    assert repr(live.LossChoice("L1", 0.01)) == "LossChoice('L1', epsilon=0.01)"


def test_mse_at_the_cruellest_epsilon_comes_first():
    figure = live.LossChoice()
    assert (figure.loss, figure.epsilon) == ("MSE", min(EPSILONS))
    shown = attributes(figure)
    assert (shown["loss"], float(shown["epsilon"])) == ("MSE", min(EPSILONS))


@each_state
def test_numbers_of_the_sentence_are_the_stored_ones(loss, epsilon):
    said, stored = sentence(loss, epsilon), run(loss, epsilon)
    assert said.startswith(f"With {loss} at epsilon {epsilon:g}, ")
    assert number("median squared error is ", said) == two_digits(10 ** (stored["median"] / 100))
    for name, guess in TARGETS[epsilon]["baselines"].items():
        assert number(rf"{name} \(", said) == two_digits(10 ** (guess["median"] / 100))
    assert number("where the target is ", said) == pytest.approx(1 / epsilon)
    assert number("the network says ", said) == two_digits(stored["peak"])
    assert number("It explains ", said) == two_digits(stored["explained"] / 10)
    assert number(r"the loss \(median of five networks\) is ", said) == two_digits(
        stored["left"][-1] / 10
    )


@each_state
def test_sentence_compares_with_both_guesses_rightly(loss, epsilon):
    said, median = sentence(loss, epsilon), run(loss, epsilon)["median"]
    zero, random = (TARGETS[epsilon]["baselines"][name]["median"] for name in GUESSES)
    words = re.sub(r" \([\d.]+\)", "", said)
    if median < min(zero, random):
        assert ", better than always 0 and two random targets. " in words
    elif median > max(zero, random):
        assert ", worse than always 0 and two random targets. " in words
    else:
        assert zero < median < random
        assert ", worse than always 0, better than two random targets. " in words


def test_all_three_verdicts_are_among_the_sentences():
    assert "worse than always 0 (0.66) and two random targets" in sentence("MSE", 1e-4)
    assert "worse than always 0 (0.59), better than two random targets" in sentence("MSE", 1e-2)
    assert "better than always 0 (0.66) and two random targets" in sentence("L1", 1e-4)


def test_an_epsilon_in_single_precision_is_known():
    assert live.LossChoice(epsilon=np.float32(0.1)).epsilon == 0.1


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"loss": "L3"}, ValueError, "loss: expected one of MSE, .*, relative L1, got 'L3'"),
        ({"loss": 2}, ValueError, "loss: expected one of"),
        ({"loss": None}, ValueError, "loss: expected one of"),
        ({"epsilon": 0.5}, ValueError, "epsilon: expected one of 0.0001, .*, 1, got 0.5"),
        ({"epsilon": 0}, ValueError, "epsilon: expected one of"),
        ({"epsilon": float("nan")}, ValueError, "epsilon: expected a finite"),
        ({"epsilon": "small"}, TypeError, "epsilon: expected"),
        ({"epsilon": True}, TypeError, "epsilon: expected"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(arguments, error, words):
    with pytest.raises(error, match=f"^{words}"):
        live.LossChoice(**arguments)


# In a browser


def parts(page):
    figure = page.locator("adl-losses")
    return SimpleNamespace(
        slider=figure.locator("[type=range]"),
        select=figure.locator("select"),
        said=lambda: figure.locator(".say").inner_text(),
        status=lambda: figure.locator("[role=status]").text_content(),
        shown=lambda: figure.evaluate("figure => [figure.state.loss, figure.state.epsilon]"),
        state=lambda: figure.evaluate("figure => figure.state"),
        drawn=lambda kind: figure.locator(kind).evaluate_all(
            "all => all.map(path => path.getAttribute('d').slice(1).split('L')"
            ".map(point => point.split(' ').map(Number)))"
        ),
        alt=lambda name: figure.locator(f"svg.{name}").get_attribute("aria-label"),
    )


@pytest.mark.browser
def test_figure_is_worked_with_the_keyboard(show):
    page = show(live.LossChoice())
    figure, epsilons = parts(page), []
    page.keyboard.press("Tab")
    for key in ("ArrowRight", "End", "ArrowLeft", "Home"):
        page.keyboard.press(key)
        epsilons.append(figure.shown()[1])
        assert figure.slider.get_attribute("aria-valuetext") == f"{epsilons[-1]:g}"
    assert epsilons == [0.001, 1, 0.1, 0.0001]
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert figure.shown() == ["Huber", 0.0001]
    assert page.problems == []


@pytest.mark.browser
def test_sentence_and_data_are_those_of_the_choice(show):
    figure = parts(show(live.LossChoice()))
    for epsilon in sorted(EPSILONS):
        for loss in LOSSES:
            figure.select.select_option(loss)
            state = figure.state()
            assert (state["loss"], state["epsilon"]) == (loss, epsilon)
            assert figure.said() == state["says"] == sentence(loss, epsilon)
            assert state["baselines"] == TARGETS[epsilon]["baselines"]
            for name, value in run(loss, epsilon).items():
                assert state[name] == value
        figure.slider.press("ArrowRight")


@pytest.fixture
def scale(show):
    """Height of 0 in the first picture, and pixels to a power of ten."""
    heights = np.array(parts(show(live.LossChoice())).drawn(".output .network")[0])[:, 1]
    slope, zero = np.polyfit(np.array(run("MSE", 1e-4)["output"]) / 100, heights, 1)
    return zero, slope


@pytest.mark.browser
@each_epsilon
def test_target_and_network_are_drawn_on_one_two_sided_logarithmic_axis(epsilon, scale, show):
    figure, stored, (zero, slope) = (
        parts(show(live.LossChoice("L1", epsilon))),
        run("L1", epsilon),
        scale,
    )
    target, network = (np.array(figure.drawn(f".output .{k}")[0]) for k in ("truth", "network"))
    ends = network[[0, -1], 0]
    across = [np.interp(line[:, 0], ends, [-1, 1]) for line in (target, network)]
    assert across[1] == pytest.approx(np.array(stored["at"]) / 200 - 1, abs=0.001)
    assert network[:, 1] == pytest.approx(zero + slope * np.array(stored["output"]) / 100, abs=0.1)
    # Near 0 a tenth of a pixel across is many up: there the peak alone is looked at.
    far = np.abs(across[0]) > 0.05
    true = np.log10(1 + 1 / (epsilon + across[0] ** 2))
    assert target[far, 1] == pytest.approx((zero + slope * true)[far], abs=0.6)
    assert target[:, 1].min() == pytest.approx(zero + slope * np.log10(1 + 1 / epsilon), abs=0.1)


def histograms(loss, epsilon):
    """What the second picture shows, by the classes of its lines."""
    guesses = TARGETS[epsilon]["baselines"]
    return {"network": run(loss, epsilon)} | {
        kind: guesses[name] for kind, name in zip(("zero", "random"), GUESSES, strict=True)
    }


@pytest.mark.browser
def test_histograms_are_drawn_to_one_scale(show):
    figure, expected = (
        parts(show(live.LossChoice("relative L1", 0.1))),
        histograms("relative L1", 0.1),
    )
    lines = {kind: np.array(figure.drawn(f".errors .{kind}")[0])[:, 1] for kind in expected}
    floor = max(line.max() for line in lines.values())
    pixels = (floor - lines["network"]).max() / max(expected["network"]["errors"])
    for kind, spread in expected.items():
        steps = pixels * np.repeat(spread["errors"], 2)
        assert floor - lines[kind] == pytest.approx(steps, abs=0.2)


@pytest.mark.browser
def test_medians_stand_where_they_are(show):
    figure = parts(show(live.LossChoice("MSE", 0.01)))
    for kind, spread in histograms("MSE", 0.01).items():
        line, mark = figure.drawn(f".errors .{kind}")
        place = np.interp(mark[0][0], [line[0][0], line[-1][0]], [tool.LOW, tool.HIGH])
        assert place == pytest.approx(spread["median"] / 100, abs=0.01)
        assert mark[0][0] == mark[1][0]


@pytest.mark.browser
def test_learning_curve_is_drawn_beneath_what_always_saying_0_costs(show):
    figure, stored = parts(show(live.LossChoice("L1", 0.01))), run("L1", 0.01)
    ((start, one), (end, _)) = figure.drawn(".left .zero")[0]
    curve = np.array(figure.drawn(".left .network")[0])
    steps = np.interp(curve[:, 0], [start, end], [0, 500])
    assert steps == pytest.approx(np.arange(10, 500, 20), abs=0.2)
    slope, zero = np.polyfit(np.array(stored["left"]) / 1000, curve[:, 1], 1)
    assert zero + slope == pytest.approx(one, abs=0.2)


@pytest.mark.browser
def test_lines_differ_in_style_too(show):
    styles = (
        show(live.LossChoice())
        .locator("adl-losses svg.errors path")
        .evaluate_all(
            "all => all.map(path => [path.classList[0], getComputedStyle(path).strokeDasharray])"
        )
    )
    dashes = {kind: dashes for kind, dashes in styles if kind != "axis"}
    assert dashes.keys() == {"network", "zero", "random"}
    assert dashes["network"] == "none"
    assert len(set(dashes.values())) == 3


@pytest.mark.browser
def test_axes_stay_while_the_reader_compares(show):
    figure = parts(show(live.LossChoice()))
    before = figure.drawn(".axis")
    figure.slider.press("End")
    figure.select.select_option("relative L1")
    assert figure.drawn(".axis") == before


@pytest.mark.browser
def test_screen_readers_are_told_once_it_has_settled(show):
    page = show(live.LossChoice())
    figure = parts(page)
    assert figure.status() == figure.said() == sentence("MSE", 1e-4)
    figure.select.select_option("L1")
    assert figure.status() == sentence("MSE", 1e-4)
    settle(page)
    assert figure.status() == figure.said() == sentence("L1", 1e-4)


@pytest.mark.browser
@pytest.mark.parametrize("epsilon", [0.001, 0.0001])  # at the first, one end is below 0
def test_pictures_say_what_they_show(epsilon, show):
    figure, stored = parts(show(live.LossChoice("MSE", epsilon))), run("MSE", epsilon)
    along, errors, left = (figure.alt(name) for name in ("output", "errors", "left"))
    assert f"to {1 / epsilon:,g} at z = 0; the network says" in along
    said = re.search(r"says (\S+) at −1, (\S+) at 0, (\S+) at 1\.", along).groups()
    ends = np.array(stored["output"])[[0, -1]] / 100
    expected = np.insert(np.sign(ends) * (10 ** np.abs(ends) - 1), 1, stored["peak"])
    assert [float(words.replace("−", "-")) for words in said] == two_digits(expected)
    assert number("median is ", errors) == two_digits(10 ** (stored["median"] / 100))
    for name in GUESSES:
        guess = 10 ** (TARGETS[epsilon]["baselines"][name]["median"] / 100)
        assert float(re.search(rf"([\d.]+) for {name}", errors)[1]) == two_digits(guess)
    assert number("costs: ", left) == two_digits(stored["left"][0] / 10)
    assert number("first 20 steps, ", left) == two_digits(stored["left"][-1] / 10)


@pytest.mark.browser
def test_state_is_kept_in_the_address_on_the_website(show, folder):
    page = show(live.LossChoice(), address=f"{folder}figure.html?q=1#here", site=True)
    parts(page).slider.press("ArrowRight")
    parts(page).select.select_option("two-sided log")
    settle(page)
    assert page.url == f"{folder}figure.html?q=1&adl-losses=0.001+two-sided+log#here"
    page.reload()
    assert parts(page).shown() == ["two-sided log", 0.001]
    assert parts(page).select.input_value() == "two-sided log"
    assert parts(page).slider.input_value() == "1"
    parts(page).slider.press("Home")
    parts(page).select.select_option("MSE")
    settle(page)
    assert page.url == f"{folder}figure.html?q=1#here"


@pytest.mark.browser
@pytest.mark.parametrize("asked", ["9", "", "0.1", "0.1+L3", "0.2+L1", "L1", "L1+0.1", "+L1"])
def test_addresses_that_make_no_sense_do_no_harm(asked, show, folder):
    page = show(live.LossChoice(), address=f"{folder}figure.html?adl-losses={asked}", site=True)
    assert parts(page).shown() == ["MSE", 0.0001]
    assert page.problems == []


@pytest.mark.browser
def test_address_is_left_alone_outside_the_website(show, folder):
    address = f"{folder}figure.html?adl-losses=1+L1"
    page = show(live.LossChoice(), address=address)
    assert parts(page).shown() == ["MSE", 0.0001]
    parts(page).slider.press("End")
    settle(page)
    assert page.url == address


@pytest.mark.browser
def test_a_file_is_worked_like_a_page(show, tmp_path):
    page = show(live.LossChoice(), address=(tmp_path / "figure.html").as_uri(), site=True)
    parts(page).slider.press("End")
    parts(page).select.select_option("L1")
    settle(page)
    assert parts(page).said() == sentence("L1", 1.0)
    assert page.problems == []


@pytest.mark.browser
def test_choice_survives_being_moved_and_shown_again(show):
    page = show(live.LossChoice())
    parts(page).slider.press("End")
    parts(page).select.select_option("L1")
    move_and_run_again(page, "adl-losses")
    assert parts(page).shown() == ["L1", 1]
    parts(page).slider.press("Home")
    assert parts(page).said() == sentence("L1", 1e-4)
    assert page.problems == []


@pytest.mark.browser
@pytest.mark.parametrize("state", [("relative L1", 1), ("two-sided log", 0.01)])
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_other_states_fit_and_have_no_faults(width, state, show, axe):
    page = show(live.LossChoice(*state), width=width)
    assert parts(page).select.bounding_box()["height"] >= 24
    has_no_faults(page, "adl-losses", axe)


@pytest.mark.browser
@pytest.mark.parametrize(("width", "rows"), [(1280, 2), (390, 3)])
def test_pictures_stand_under_each_other_on_a_phone(width, rows, show):
    page = show(live.LossChoice(), width=width)
    tops = page.locator("adl-losses svg").evaluate_all(
        "all => all.map(svg => Math.round(svg.getBoundingClientRect().top))"
    )
    assert len(set(tops)) == rows


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True])
def test_choices_can_be_read_when_the_list_is_open(dark, show):
    page = show(live.LossChoice(), dark=dark)
    colours = page.locator("adl-losses option").first.evaluate(
        "option => [getComputedStyle(option).color, getComputedStyle(option.parentNode)"
        ".backgroundColor].map(colour => colour.match(/[\\d.]+/g).map(Number))"
    )
    ink, ground = (sum(colour[:3]) / 3 for colour in colours)
    assert abs(ink - ground) > 120
    assert len(colours[1]) == 3  # with a fourth, it would be seen through


@pytest.mark.browser
def test_paper_shows_the_first_state_without_the_controls(show):
    page = show(live.LossChoice())
    page.emulate_media(media="print")
    figure = page.locator("adl-losses")
    assert not figure.locator(".controls").is_visible()
    assert all(svg.is_visible() for svg in figure.locator("svg").all())
    assert figure.locator(".key").is_visible()
    assert parts(page).said() == sentence("MSE", 1e-4)
