"""The scaled model with one weight, its linearisation, and the landscapes of both."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adl import scaled_1d, scaled_1d_plots

alphas = st.floats(1, 1e5)


@pytest.fixture(scope="module")
def minima():
    """The minima of all alphas, with their weights and the linearised steps."""
    table = scaled_1d.minima()
    unit = [scaled_1d.linearised_step(alpha) for alpha in table["alpha"]]
    return table.assign(unit=unit, w=scaled_1d.W_0 + table["u"] * unit)


def source_loss(w, alpha):
    """The scaled loss as the source of the chapter writes it, for autograd."""
    x, y = 1.5, 3.0
    factor = w * x / 2 + torch.log(1 + w**2) * x / 5 + 0.1 * torch.sin(torch.exp(2 * w))
    return (alpha * factor * (w - 1.5) - y) ** 2 / 2 / alpha**2


def derivatives(w, alpha):
    """Loss and its first two derivatives by autograd."""
    w = torch.tensor(w, dtype=torch.float64, requires_grad=True)
    value = source_loss(w, alpha)
    (slope,) = torch.autograd.grad(value, w, create_graph=True)
    (curvature,) = torch.autograd.grad(slope, w)
    return value.item(), slope.item(), curvature.item()


def descended(w, minima, *, factor, steps):
    """Weights after gradient descent on the scaled losses, by autograd, a row of minima each."""
    alpha, step_size = (torch.tensor(minima[name]) for name in ("alpha", "critical_step"))
    w = torch.tensor(w, requires_grad=True)
    for _ in range(steps):
        (slope,) = torch.autograd.grad(source_loss(w, alpha).sum(), w)
        with torch.no_grad():
            w -= factor * step_size * slope
    return w.detach().numpy()


@settings(deadline=None, max_examples=50)
@given(st.floats(-1, 3), alphas)
def test_loss_is_that_of_the_source(w, alpha):
    assert scaled_1d.loss(w, alpha) == pytest.approx(derivatives(w, alpha)[0], rel=1e-9, abs=1e-15)


@settings(deadline=None, max_examples=50)
@given(alphas)
def test_tangent_touches_the_model_at_the_start(alpha):
    w = scaled_1d.W_0 + 1e-6 * np.array([-1, 1])
    model, tangent = scaled_1d.h(scaled_1d.X, w), scaled_1d.linearised_h(scaled_1d.X, w)
    np.testing.assert_allclose(model, tangent, atol=1e-11)
    assert scaled_1d.loss(1.5, alpha) == scaled_1d.linearised_loss(1.5, alpha)


@settings(deadline=None, max_examples=50)
@given(alphas)
def test_in_linearised_steps_the_linearised_loss_is_one_parabola(alpha):
    losses = scaled_1d.landscape(alpha, window=(-1, 3), points=41)
    np.testing.assert_allclose(losses["linearised"], (losses["u"] - 1) ** 2, atol=1e-8)
    assert losses["scaled"].iloc[10] == pytest.approx(1)


@settings(deadline=None, max_examples=50)
@given(alphas)
def test_curvature_at_the_start_has_a_closed_form(alpha):
    expected = derivatives(1.5, alpha)[2]
    assert scaled_1d.curvature_at_start(alpha) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("alpha", "curvature"),
    [(1, -11.607), (5, -0.342), (10, 1.066), (100, 2.334), (10_000, 2.473), (1e9, 2.4745)],
)
def test_curvature_at_the_start_is_negative_for_small_alpha_and_f_squared_for_large(
    alpha, curvature
):
    assert scaled_1d.curvature_at_start(alpha) == pytest.approx(curvature, abs=1e-3)


@pytest.mark.parametrize(
    ("alpha", "gap"),
    [(5, 2.68), (10, 0.762), (50, 0.271), (100, 0.0613), (1000, 0.0200), (10_000, 0.00225)],
)
def test_gap_up_to_twice_the_linearised_step(alpha, gap):
    assert scaled_1d.gap(alpha) == pytest.approx(gap, rel=3e-3)


def test_gap_falls_as_one_over_alpha_in_the_end():
    large = np.geomspace(1e4, 1e6, 5)
    gaps = [scaled_1d.gap(alpha) for alpha in large]
    assert np.polyfit(np.log(large), np.log(gaps), 1)[0] == pytest.approx(-1, abs=0.005)


@pytest.mark.parametrize(("alpha", "tolerance"), [(1000, 0.13), (10_000, 0.013), (1e5, 0.0013)])
def test_gap_comes_to_its_first_order(alpha, tolerance):
    expected = scaled_1d.first_order_gap(alpha)
    assert scaled_1d.gap(alpha) == pytest.approx(expected, rel=tolerance)


def test_minima_are_those_of_autograd(minima):
    for row in minima.itertuples():
        value, slope, curvature = derivatives(row.w, row.alpha)
        assert slope == pytest.approx(0, abs=1e-9)
        assert curvature == pytest.approx(row.curvature, rel=1e-6)
        assert value == pytest.approx(row.loss * scaled_1d.loss(1.5, row.alpha), abs=1e-12)


def test_gradient_flow_from_the_start_goes_to_the_minimum(minima):
    ends = descended(np.full(len(minima), 1.5), minima, factor=0.05, steps=800)
    np.testing.assert_allclose(ends, minima["w"], atol=1e-6)


@pytest.mark.parametrize(("factor", "stays"), [(0.97, True), (1.03, False)])
def test_minimum_holds_gradient_descent_up_to_the_critical_step(minima, factor, stays):
    near = 1e-5 * minima["unit"].to_numpy()
    ends = descended(minima["w"].to_numpy() + near, minima, factor=factor, steps=200)
    assert ((np.abs(ends - minima["w"]) < near) == stays).all()


def test_critical_step_is_the_linearised_one_from_100_on_and_far_smaller_at_1(minima):
    minima = minima.set_index("alpha")
    ratio = minima["critical_step"] / (2 / scaled_1d.curvature_at_start(1e12))
    assert (abs(ratio[ratio.index >= 100] - 1) < 0.02).all()
    assert 1 / ratio[1.0] == pytest.approx(141, abs=1)
    assert minima["loss"][1.0] == pytest.approx(0.61, abs=0.01)
    assert (minima["loss"][minima.index >= 5] < 1e-12).all()


@pytest.mark.parametrize("alpha", [0.3, 2.0, 4.0, 1e5])
def test_first_minimum_is_found_whatever_alpha(alpha):
    row = scaled_1d.minima([alpha]).iloc[0]
    path = 1.5 + np.linspace(0, 0.999 * row["u"], 5000) * scaled_1d.linearised_step(alpha)
    assert (np.diff(scaled_1d.loss(path, alpha)) < 0).all()


def test_model_is_nan_where_its_exponential_overflows():
    assert np.isnan(scaled_1d.f(1.5, 1000.0))


def test_unlabelled_pictures_do_not_say_which_curve_is_which():
    plot = scaled_1d_plots.plot_unlabelled()
    assert not any(word in plot.labels.title + plot.alt for word in ("scaled", "linearised", "α"))
    assert plot.alt.count("dashed line lowest at u = 1.00, 1 turn") == 3
    assert list(plot.data["panel"].cat.categories) == ["A", "B", "C"]


def test_figure_of_the_landscapes_has_a_panel_for_each_alpha():
    plot = scaled_1d_plots.plot_landscapes()
    assert list(plot.data["panel"].cat.categories) == [
        f"α = {alpha:,}" for alpha in scaled_1d.ALPHAS
    ]
    assert "α = 10: 76%" in plot.alt


@pytest.mark.parametrize(
    "draw",
    [
        scaled_1d_plots.plot_h,
        scaled_1d_plots.plot_gap,
        scaled_1d_plots.plot_landscapes,
        scaled_1d_plots.plot_unlabelled,
    ],
)
def test_every_figure_can_be_drawn(draw):
    draw().draw()
    plt.close("all")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: scaled_1d.loss(1.5, alpha=0), "alpha: "),
        (lambda: scaled_1d.linearised_step(-1), "alpha: "),
        (lambda: scaled_1d.curvature_at_start("ten"), "alpha: "),
        (lambda: scaled_1d.landscape(10, window=(2, 0)), "window: "),
        (lambda: scaled_1d.landscape(10, points=1), "points: "),
        (lambda: scaled_1d.minima([]), "alphas: "),
        (lambda: scaled_1d.minima([1, 0]), "alphas: "),
        (lambda: scaled_1d_plots.plot_landscapes(range(1, 10)), "alphas: "),
        (lambda: scaled_1d_plots.plot_gap([10]), "alphas: "),
    ],
)
def test_what_cannot_be_used_is_refused(call, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        call()
