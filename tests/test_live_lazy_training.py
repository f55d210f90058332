"""The lazy training of chapter 5: what is stored, what a notebook shows, how it behaves."""

import gzip
import json
import re
from copy import deepcopy
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import figures
import store_lazy_training as tool
from adl import live
from adl.curvature import tangent_kernel
from adl.data import middle_f
from figures import attributes, has_no_faults, move_and_run_again, settle

DATA = json.loads(tool.FILE.read_text("utf-8"))
LINEAR = {known["width"]: known["linear"] for known in DATA["widths"]}
RUNS = {(known["width"], run["alpha"]): run for known in DATA["widths"] for run in known["runs"]}
SHARES = ("movement", "distance", "drift")

each_width = pytest.mark.parametrize("width", tool.WIDTHS)


def medians(name, *, width=None, alpha=None):
    """Medians of one width, or at one alpha."""
    return np.array(
        [run[name][0] for key, run in RUNS.items() if key[0] == width or key[1] == alpha]
    )


def power(x, y):
    """The power of x that y follows."""
    return np.polyfit(np.log(x), np.log(y), 1)[0]


def sentence(width, alpha):
    """What the figure says: the fallback, without what is the same for all."""
    fallback = live.LazyTraining(width, alpha).fallback
    return re.search(r"first loss\. (.*) With JavaScript", fallback)[1]


def two_digits(value):
    """A number that is as near as two digits can be."""
    return pytest.approx(value, rel=0.051)


# What is stored


def test_every_width_has_every_alpha():
    assert list(RUNS) == [(width, alpha) for width in tool.WIDTHS for alpha in tool.ALPHAS]
    figure = live.LazyTraining()
    assert (list(figure.widths), list(figure.alphas)) == (tool.WIDTHS, tool.ALPHAS)


def test_all_that_a_page_gets_is_small():
    assert len(gzip.compress(live.LazyTraining()._repr_html_().encode(), 9)) < 12_000


def test_points_are_those_of_the_middle_target():
    inputs, labels = np.array(DATA["points"]) / 1000
    assert len(inputs) == 15
    assert labels == pytest.approx(middle_f(inputs), abs=0.004)


def test_curves_have_a_height_at_every_place():
    curves = [*LINEAR.values(), *(run["network"] for run in RUNS.values())]
    assert {len(curve) for curve in curves} == {tool.PLACES}


@pytest.mark.parametrize("name", tool.MEASURED)
def test_medians_lie_between_least_and_largest(name):
    for run in RUNS.values():
        middle, least, largest = run[name]
        assert 0 < least <= middle <= largest


@each_width
def test_movement_falls_as_one_over_alpha(width):
    moved = medians("movement", width=width)
    assert power(tool.ALPHAS[2:], moved[2:]) == pytest.approx(-1, abs=0.05)


@each_width
def test_drift_falls_as_one_over_alpha(width):
    drift = medians("drift", width=width)
    assert power(tool.ALPHAS[2:], drift[2:]) == pytest.approx(-1, abs=0.2)


@pytest.mark.parametrize("alpha", tool.ALPHAS)
def test_drift_falls_faster_with_the_width_than_movement(alpha):
    drift, moved = (
        power(tool.WIDTHS, medians(name, alpha=alpha)) for name in ("drift", "movement")
    )
    assert -2.3 < drift < -1.5
    assert -0.6 < moved < -0.2


def test_every_network_comes_near_its_linearisation_as_alpha_grows():
    for width in tool.WIDTHS:
        distances = medians("distance", width=width)
        assert (np.diff(distances) <= 0).all()
        assert distances[-1] < 0.2 * distances[0]


@pytest.fixture(scope="module")
def one_thread_for_all():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def narrow(one_thread_for_all):
    """Networks of the smallest width, at their start."""
    return tool.networks(tool.WIDTHS[0])


def test_stored_numbers_come_out_again(one_thread_for_all):
    (width, alpha), old = list(RUNS.items())[np.random.default_rng().integers(len(RUNS))]
    net = tool.networks(width)
    linear = tool.linearised(net)
    new = tool.stored(net, linear, alpha)
    for name in tool.MEASURED:
        assert new[name] == two_digits(old[name]), (name, width, alpha)
    assert new["network"] == pytest.approx(old["network"], abs=2), (width, alpha)
    assert tool.thousandths(linear[0]) == pytest.approx(LINEAR[width], abs=2), width


def test_linearisations_follow_the_closed_form_of_their_kernels(narrow):
    dataset = tool.data()
    kernels = tangent_kernel(narrow, torch.cat([dataset.inputs, tool.grid()])).numpy()
    y = dataset.labels[:, 0].numpy()
    for kernel, outputs in zip(kernels, tool.linearised(narrow), strict=True):
        values, vectors = np.linalg.eigh(kernel[:15, :15])
        left = 1 - values / values[-1]  # of an error after one step at step size × curvature = 1
        parts = vectors.T @ y
        losses = ((left[:, None] ** np.arange(3000) * parts[:, None]) ** 2).sum(0)
        steps = int(np.argmax(losses <= 0.1 * losses[0]))
        learned = vectors @ ((1 - left**steps) / values * parts)
        assert outputs.numpy() == pytest.approx(kernel[15:, :15] @ learned, abs=1e-6)


@pytest.mark.parametrize("alpha", [1, 100])
def test_networks_are_those_that_torch_trains_to_a_tenth_of_the_loss(alpha, one_thread_for_all):
    dataset, net = tool.data(), tool.networks(50).single(0)
    start = deepcopy(net)

    def outputs(inputs):
        return alpha * (net(inputs) - start(inputs).detach())

    def loss():
        return (outputs(dataset.inputs) - dataset.labels).square().mean()

    def loss_of(*values):
        changed = dict(zip(dict(net.named_parameters()), values, strict=True))
        learned = torch.func.functional_call(net, changed, (dataset.inputs,))
        return (alpha * (learned - start(dataset.inputs)) - dataset.labels).square().mean()

    blocks = torch.autograd.functional.hessian(loss_of, tuple(net.parameters()))
    sizes = [p.numel() for p in net.parameters()]
    hessian = torch.cat(
        [
            torch.cat([block.reshape(m, n) for block, n in zip(row, sizes, strict=True)], 1)
            for row, m in zip(blocks, sizes, strict=True)
        ]
    )
    sgd = torch.optim.SGD(net.parameters(), lr=1 / torch.linalg.eigvalsh(hessian)[-1].item())
    goal = 0.1 * dataset.labels.square().mean()
    while (now := loss()) > goal:
        sgd.zero_grad()
        now.backward()
        sgd.step()
    learned = 1000 * outputs(tool.grid()).detach()[:, 0].numpy()
    assert learned == pytest.approx(np.array(RUNS[50, alpha]["network"]), abs=3)


# What a notebook stores


def test_repr_is_short_and_says_what_it_is():
    assert repr(live.LazyTraining(200, 3)) == "LazyTraining(width=200, alpha=3)"


def test_narrowest_networks_without_a_factor_come_first():
    figure = live.LazyTraining()
    assert (figure.width, figure.alpha) == (min(tool.WIDTHS), min(tool.ALPHAS))
    shown = attributes(figure)
    assert (int(shown["width"]), int(shown["alpha"])) == (figure.width, figure.alpha)


def test_numbers_of_the_sentences_are_the_stored_ones():
    for (width, alpha), run in RUNS.items():
        said = sentence(width, alpha)
        numbers = [float(each.replace(",", "")) for each in re.findall(r"\d[\d.,]*(?<!,)", said)]
        of = iter(numbers)
        assert (next(of), next(of)) == (width, alpha)
        for name in ("distance", "movement", "drift"):
            shares = [next(of) / 100 for _ in range(3)]
            assert shares == pytest.approx(run[name], rel=1e-9), (name, width, alpha)
        assert (next(of), next(of)) == (1, 2)  # step size × curvature, and its limit
        assert list(of) == run["steps"]


def test_sentence_calls_lazy_what_is_nearer_than_a_hundredth():
    for (width, alpha), run in RUNS.items():
        apart, said = run["distance"][0], sentence(width, alpha).split(":")[0]
        assert said == ("Lazy" if apart < 0.01 else "Nearly lazy" if apart < 0.1 else "Not lazy")


@pytest.mark.parametrize(
    ("width", "alpha", "verdict"),
    [(50, 1, "Not lazy"), (1000, 1, "Nearly lazy"), (50, 100, "Nearly lazy"), (1000, 10, "Lazy")],
)
def test_width_and_alpha_both_make_lazy(width, alpha, verdict):
    assert sentence(width, alpha).startswith(f"{verdict}: ")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"width": 64}, ValueError, "width: expected one of 50, 100, 200, 500, 1000, got 64"),
        ({"width": "wide"}, TypeError, "width: expected"),
        ({"width": None}, TypeError, "width: expected"),
        ({"alpha": 2}, ValueError, "alpha: expected one of 1, 3, 10, 30, 100, got 2"),
        ({"alpha": float("nan")}, ValueError, "alpha: expected a finite"),
        ({"alpha": True}, TypeError, "alpha: expected"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(arguments, error, words):
    with pytest.raises(error, match=f"^{words}"):
        live.LazyTraining(**arguments)


# In a browser


def parts(page):
    figure = page.locator("adl-lazy-training")
    sliders = SimpleNamespace(width=figure.locator("#width"), alpha=figure.locator("#alpha"))

    def choose(width, alpha):
        for slider, known, wanted in (
            (sliders.width, tool.WIDTHS, width),
            (sliders.alpha, tool.ALPHAS, alpha),
        ):
            slider.fill(str(known.index(wanted)))

    return SimpleNamespace(
        **vars(sliders),
        choose=choose,
        said=lambda: figure.locator(".say").inner_text(),
        status=lambda: figure.locator("[role=status]").text_content(),
        shown=lambda: figure.evaluate("figure => [figure.state.width, figure.state.alpha]"),
        alt=lambda name: figure.locator(f"svg.{name}").get_attribute("aria-label"),
        drawn=lambda kind: figure.locator(kind).evaluate_all(
            "all => all.map(path => path.getAttribute('d').slice(1).split('L')"
            ".map(point => point.split(' ').map(Number)))"
        ),
    )


@pytest.fixture(scope="module")
def only_page(browser):
    """One page for many tests, none of which loads it again."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.set_content(figures.document(live.LazyTraining()))
    yield page
    context.close()


@pytest.fixture
def page(only_page):
    """The page as it was when it was new."""
    only_page.emulate_media(media="screen")
    only_page.set_viewport_size({"width": 1280, "height": 900})
    parts(only_page).choose(50, 1)
    yield only_page
    assert only_page.problems == []


@pytest.mark.browser
def test_figure_is_worked_with_the_keyboard(page):
    figure, seen = parts(page), []
    figure.width.focus()
    for key in ("ArrowRight", "End", "ArrowLeft", "Tab", "ArrowUp", "End"):
        page.keyboard.press(key)
        seen.append(figure.shown())
    assert seen == [[100, 1], [1000, 1], [500, 1], [500, 1], [500, 3], [500, 100]]
    assert figure.width.get_attribute("aria-valuetext") == "500"
    assert figure.alpha.get_attribute("aria-valuetext") == "100"


@pytest.mark.browser
def test_sentence_is_that_of_the_choice(page):
    figure = parts(page)
    for width, alpha in RUNS:
        figure.choose(width, alpha)
        assert figure.shown() == [width, alpha]
        assert figure.said() == sentence(width, alpha)


@pytest.mark.browser
@pytest.mark.parametrize(("width", "alpha"), [(50, 1), (1000, 30)])
def test_curves_and_points_are_drawn_on_one_axis(width, alpha, page):
    figure = parts(page)
    figure.choose(width, alpha)
    network, linear = (
        np.array(figure.drawn(f".learned .{kind}")[0]) for kind in ("movement", "distance")
    )
    slope, zero = np.polyfit(RUNS[width, alpha]["network"], network[:, 1], 1)
    stretch, left = np.polyfit(np.linspace(-1000, 1000, tool.PLACES), network[:, 0], 1)
    assert network[:, 1] == pytest.approx(
        zero + slope * np.array(RUNS[width, alpha]["network"]), abs=0.1
    )
    assert linear[:, 1] == pytest.approx(zero + slope * np.array(LINEAR[width]), abs=0.2)
    (start,) = figure.drawn(".learned .start")
    assert [height for _, height in start] == pytest.approx([zero, zero], abs=0.1)
    circles = np.array(
        page.locator("adl-lazy-training circle").evaluate_all(
            "all => all.map(each => ['cx', 'cy'].map(name => Number(each.getAttribute(name))))"
        )
    )
    inputs, labels = np.array(DATA["points"])
    assert circles[:, 0] == pytest.approx(left + stretch * inputs, abs=0.2)
    assert circles[:, 1] == pytest.approx(zero + slope * labels, abs=0.2)


def over(choice, width, alpha):
    """The choices and runs that one of the lower pictures shows."""
    if choice == "width":
        return tool.WIDTHS, [RUNS[each, alpha] for each in tool.WIDTHS]
    return tool.ALPHAS, [RUNS[width, each] for each in tool.ALPHAS]


@pytest.mark.browser
@pytest.mark.parametrize("choice", ["width", "alpha"])
def test_measurements_are_drawn_on_logarithmic_axes(choice, page):
    figure, (known, runs) = parts(page), over(choice, 200, 10)
    figure.choose(200, 10)
    lines = {name: np.array(figure.drawn(f".{choice} .{name}:not(.range)")[0]) for name in SHARES}
    heights = np.log([[run[name][0] for run in runs] for name in SHARES])
    slope, zero = np.polyfit(heights.ravel(), np.ravel([line[:, 1] for line in lines.values()]), 1)
    assert slope < 0
    for name, height in zip(SHARES, heights, strict=True):
        assert lines[name][:, 1] == pytest.approx(zero + slope * height, abs=0.2)
        ranges = np.array(figure.drawn(f".{choice} .{name}.range"))
        ends = np.log([run[name][1:] for run in runs])
        assert ranges[:, :, 1] == pytest.approx(zero + slope * ends, abs=0.2)
        assert ranges[:, :, 0] == pytest.approx(np.repeat(lines[name][:, :1], 2, 1))
    stretch, left = np.polyfit(np.log(known), lines["drift"][:, 0], 1)
    assert lines["drift"][:, 0] == pytest.approx(left + stretch * np.log(known), abs=0.2)


@pytest.mark.browser
@pytest.mark.parametrize("choice", ["width", "alpha"])
def test_choice_is_marked_where_it_stands(choice, page):
    figure = parts(page)
    for width, alpha in ((200, 10), (1000, 1)):
        figure.choose(width, alpha)
        known, _ = over(choice, width, alpha)
        place = known.index({"width": width, "alpha": alpha}[choice])
        columns = [x for x, _ in figure.drawn(f".{choice} .drift:not(.range)")[0]]
        assert {x for x, _ in figure.drawn(f".{choice} .here")[0]} == {columns[place]}


@pytest.mark.browser
def test_axes_stay_while_the_reader_compares(page):
    figure = parts(page)
    before = figure.drawn(".axis")
    figure.choose(1000, 100)
    assert figure.drawn(".axis") == before


@pytest.mark.browser
def test_lines_differ_in_style_too(page):
    dashes = page.locator("adl-lazy-training .width path:not(.axis, .range, .here)").evaluate_all(
        "all => all.map(path => getComputedStyle(path).strokeDasharray)"
    )
    assert len(set(dashes)) == len(SHARES)


@pytest.mark.browser
@pytest.mark.parametrize(("width", "alpha"), [(50, 1), (500, 30)])
def test_pictures_say_what_they_show(width, alpha, page):
    figure = parts(page)
    figure.choose(width, alpha)
    gap = np.abs(np.subtract(RUNS[width, alpha]["network"], LINEAR[width])).max() / 1000
    said = figure.alt("learned")
    assert float(re.search(r"They are at most ([\d.]+) apart", said)[1]) == two_digits(gap)
    for choice in ("width", "alpha"):
        (_, (first, *_, last)), said = over(choice, width, alpha), figure.alt(choice)
        ends = [float(share) / 100 for share in re.findall(r"([\d.]+)%", said)]
        expected = [run[name][0] for name in SHARES for run in (first, last)]
        assert ends == two_digits(expected)
        title = page.locator(f"adl-lazy-training svg.{choice} text").first.text_content()
        fall = float(title.split("1/")[1].replace(",", ""))
        assert fall == two_digits(first["drift"][0] / last["drift"][0])


@pytest.mark.browser
def test_screen_readers_are_told_once_it_has_settled(page):
    figure = parts(page)
    settle(page)
    figure.choose(200, 3)
    assert figure.status() == sentence(50, 1)
    settle(page)
    assert figure.status() == figure.said() == sentence(200, 3)


@pytest.mark.browser
def test_choice_survives_being_moved_and_shown_again(page):
    parts(page).choose(1000, 3)
    move_and_run_again(page, "adl-lazy-training")
    assert parts(page).shown() == [1000, 3]
    assert parts(page).said() == sentence(1000, 3)


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 320])
def test_another_state_fits_and_has_no_faults(width, page, axe):
    page.set_viewport_size({"width": width, "height": 900})
    parts(page).choose(1000, 100)
    has_no_faults(page, "adl-lazy-training", axe)


@pytest.mark.browser
@pytest.mark.parametrize(("width", "rows"), [(1280, 2), (390, 3)])
def test_pictures_stand_under_each_other_on_a_phone(width, rows, page):
    page.set_viewport_size({"width": width, "height": 900})
    tops = page.locator("adl-lazy-training svg").evaluate_all(
        "all => all.map(svg => Math.round(svg.getBoundingClientRect().top))"
    )
    assert len(set(tops)) == rows


@pytest.mark.browser
def test_paper_shows_the_pictures_without_the_controls(page):
    page.emulate_media(media="print")
    figure = page.locator("adl-lazy-training")
    assert not figure.locator(".controls").is_visible()
    assert all(svg.is_visible() for svg in figure.locator("svg").all())
    assert figure.locator(".key").first.is_visible()


@pytest.mark.browser
def test_state_is_kept_in_the_address_on_the_website(show, folder):
    page = show(live.LazyTraining(), address=f"{folder}figure.html?q=1#here", site=True)
    parts(page).choose(500, 10)
    settle(page)
    assert page.url == f"{folder}figure.html?q=1&adl-lazy-training=500+10#here"
    page.reload()
    assert parts(page).shown() == [500, 10]
    assert parts(page).width.input_value() == "3"
    parts(page).choose(50, 1)
    settle(page)
    assert page.url == f"{folder}figure.html?q=1#here"
    assert page.problems == []


@pytest.mark.browser
def test_addresses_that_make_no_sense_do_no_harm(show, folder):
    page = show(live.LazyTraining(200, 3), address="about:blank", site=True)
    for asked in ("9", "", "500", "500+2", "64+10", "10+500", "500+10+1", "+10", "wide+10"):
        page.goto(f"{folder}figure.html?adl-lazy-training={asked}")
        assert parts(page).shown() == [200, 3], asked
    assert page.problems == []


@pytest.mark.browser
def test_address_is_left_alone_outside_the_website(show, folder):
    address = f"{folder}figure.html?adl-lazy-training=500+10"
    page = show(live.LazyTraining(), address=address)
    assert parts(page).shown() == [50, 1]
    parts(page).choose(200, 10)
    settle(page)
    assert page.url == address
