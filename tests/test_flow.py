"""Gradient flow against gradient descent: the rate decides which minima can hold a run."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adl import flow, flow_plots
from adl.plotting import alt_text

SEEDS = range(5)
coordinates = st.floats(-3, 3)


def surface(point):
    """The function once more, for autograd."""
    x, y = point
    phase, across = 2 * (x + 2) * (4 - y).square(), torch.cos(5 - 3 * y)
    return phase.cos() / 2 + (across + 0.3) * torch.sin(4 + x)


@pytest.fixture(scope="module")
def runs():
    """Both runs from 100 starts of each seed, at equal time."""
    starts = np.concatenate([flow.random_starts(100, seed=seed) for seed in SEEDS])
    return flow.compare(starts).assign(seed=np.repeat(SEEDS, 100))


@settings(deadline=None, max_examples=50)
@given(coordinates, coordinates)
def test_gradient_and_hessian_are_those_of_autograd(x, y):
    point = torch.tensor([x, y], dtype=torch.float64, requires_grad=True)
    value = surface(point)
    (slope,) = torch.autograd.grad(value, point)
    matrix = torch.autograd.functional.hessian(surface, point.detach())
    here = point.detach().numpy()
    np.testing.assert_allclose(flow.f(x, y), value.item(), atol=1e-12)
    np.testing.assert_allclose(flow.gradient(here), slope.numpy(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(flow.hessian(here), matrix.numpy(), rtol=1e-9, atol=1e-7)


@settings(deadline=None, max_examples=50)
@given(coordinates, coordinates)
def test_sharpness_is_the_largest_eigenvalue(x, y):
    largest = np.linalg.eigvalsh(flow.hessian([x, y]))[-1]
    assert flow.sharpness([x, y]) == pytest.approx(largest, abs=1e-5)


def test_descent_is_that_of_torch_from_each_start():
    starts = flow.random_starts(3, seed=0)
    points = torch.tensor(starts, requires_grad=True)
    optimizer = torch.optim.SGD([points], lr=1e-3)
    for _ in range(100):
        optimizer.zero_grad()
        surface(points.T).sum().backward()
        optimizer.step()
    ends = flow.descend(starts, step_size=1e-3, steps=100)[-1]
    np.testing.assert_allclose(ends, points.detach().numpy(), atol=1e-8)


def test_points_are_kept_from_the_start_on():
    starts = flow.random_starts(4, seed=0)
    path = flow.descend(starts, step_size=1e-3, steps=6, every=2)
    np.testing.assert_array_equal(path[0], starts)
    np.testing.assert_array_equal(path[[0, -1]], flow.descend(starts, step_size=1e-3, steps=6))
    assert path.shape == (4, 4, 2)


def test_starts_fill_the_square_and_depend_on_the_seed_only():
    starts = flow.random_starts(10_000, seed=1)
    np.testing.assert_array_equal(starts, flow.random_starts(10_000, seed=1))
    np.testing.assert_allclose(starts.min(0), -1.5, atol=0.01)
    np.testing.assert_allclose(starts.max(0), 1.5, atol=0.01)


def test_both_run_for_the_same_time():
    small, large = (rate * steps for rate, steps in zip(flow.RATES, flow.STEPS, strict=True))
    assert small == pytest.approx(large)


def test_small_rate_is_stable_at_every_minimum_and_comes_to_rest(runs):
    assert runs["flow_settled"].all()
    assert runs["curvature"].max() < 2 / flow.RATES[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_minima_flatter_than_the_limit_hold_the_large_rate(runs, seed):
    flat = runs[(runs["seed"] == seed) & (runs["curvature"] < 950)]
    assert flat["same"].all()
    assert flat["descent_settled"].all()
    assert not flat["oscillating"].any()


@pytest.mark.parametrize("seed", SEEDS)
def test_minima_sharper_than_the_limit_do_not_hold_it(runs, seed):
    sharp = runs[(runs["seed"] == seed) & (runs["curvature"] > 1050)]
    assert 40 <= len(sharp) <= 70
    assert sharp["same"].mean() < 0.15
    assert sharp["oscillating"].mean() > 0.95


@pytest.mark.parametrize("seed", SEEDS)
def test_large_rate_ends_higher(runs, seed):
    means = runs.loc[runs["seed"] == seed, ["flow_value", "descent_value"]].mean()
    assert means["descent_value"] > means["flow_value"] + 0.05


@pytest.mark.parametrize("seed", SEEDS)
def test_step_size_times_curvature_of_oscillating_runs_is_below_two_and_mostly_near(runs, seed):
    products = runs.loc[(runs["seed"] == seed) & runs["oscillating"], "product"]
    assert (products > 1.5).mean() > 0.9
    assert (products < 2.02).all()
    assert products.median() > 1.85


def test_runs_at_rest_have_no_product(runs):
    assert runs.loc[runs["descent_settled"], "product"].isna().all()


def test_a_little_too_sharp_a_minimum_holds_two_points_to_jump_between(runs):
    near = runs[runs["curvature"].between(1050, 1500)]
    np.testing.assert_allclose(near["product"], 2, atol=1e-3)


def test_up_to_twice_the_limit_runs_stay_near_the_minimum_and_beyond_they_leave_it(runs):
    assert (runs.loc[runs["curvature"].between(1050, 1950), "distance"] < 0.15).all()
    assert (runs.loc[runs["curvature"] > 2600, "distance"] > 0.15).mean() > 0.9


def test_many_of_the_oscillating_runs_are_chaotic_and_none_that_settle(runs):
    some = runs[runs["seed"] == 0]
    starts = some[["start_x", "start_y"]].to_numpy()
    ends = flow.descend(starts * (1 + 1e-12), step_size=flow.RATES[1], steps=flow.STEPS[1])[-1]
    moved = np.linalg.norm(ends - some[["descent_x", "descent_y"]].to_numpy(), axis=1) > 1e-3
    assert 0.25 < moved[some["oscillating"]].mean() < 0.75
    assert not moved[some["descent_settled"]].any()


def test_unequal_times_compare_a_flow_that_has_not_arrived(runs):
    starts = runs.loc[runs["seed"] == 0, ["start_x", "start_y"]].to_numpy()
    unequal = flow.compare(starts, rates=(1e-4, 2e-3), steps=(10_000, 10_000))
    assert unequal["flow_settled"].mean() < 0.1
    ends = runs.loc[runs["seed"] == 0, ["flow_x", "flow_y"]].to_numpy()
    left = np.linalg.norm(unequal[["flow_x", "flow_y"]].to_numpy() - ends, axis=1)
    assert (left > 0.05).mean() > 0.2


def test_diverging_runs_stay_in_the_table():
    table = flow.compare([[0.0, 0.0], [1.0, 1.0]], rates=(1e-3, 5.0), steps=(10, 50))
    assert not np.isfinite(table["descent_x"]).any()
    assert not table[["same", "descent_settled"]].any(axis=None)


def test_figure_of_the_ends_counts_them(runs):
    one = runs[runs["seed"] == 0]
    flat = int((one["curvature"] < 1000).sum())
    plot = flow_plots.plot_same_end(one)
    assert plot.labels.title == (
        f"Same end: {flat} of {flat} below 2 / rate, 0 of {100 - flat} above"
    )
    assert "a line at 2 / rate = 1000" in plot.alt
    plot.draw()
    plt.close("all")


@pytest.mark.parametrize(
    ("more", "finding"),
    [
        (0.2, "The large rate ends higher: its mean by more than 0.05"),
        (0.0, "The means of both rates agree within 0.05"),
        (-0.2, "The large rate ends lower: its mean by more than 0.05"),
    ],
)
def test_figure_of_the_final_values_says_which_mean_is_higher(more, finding):
    values = np.linspace(-1, 0, 10)
    table = pd.DataFrame(
        {"flow_value": values, "descent_value": values + more, "oscillating": values > -0.3}
    )
    plot = flow_plots.plot_final_values(table)
    assert plot.labels.title == finding
    assert "3 of the runs still go up and down" in plot.alt
    plot.draw()
    plt.close("all")


def test_figure_of_the_paths_says_how_many_are_at_rest():
    starts = [[0.0, 1.0], [0.0, 0.0]]
    large = flow.descend(starts, step_size=2e-3, steps=5000, every=10)
    ax = flow_plots.plot_paths({"large rate": large}, ax=plt.figure().add_subplot())
    assert ax.get_title(loc="left") == "At rest at the end:\nlarge rate 1 of 2"
    assert "paths from 2 starts. At rest at the end: large rate 1 of 2." in alt_text(ax.figure)
    plt.close(ax.figure)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: flow.descend([0.0, 0.0], step_size=1e-3, steps=2), "starts: "),
        (lambda: flow.descend([[0.0, math.nan]], step_size=1e-3, steps=2), "starts: "),
        (lambda: flow.descend([[0.0, 0.0]], step_size=0, steps=2), "step_size: "),
        (lambda: flow.descend([[0.0, 0.0]], step_size=1e-3, steps=0), "steps: "),
        (lambda: flow.descend([[0.0, 0.0]], step_size=1e-3, steps=3, every=2), "steps: "),
        (lambda: flow.compare([[0.0, 0.0]], rates=1e-3), "rates: "),
        (lambda: flow.gradient([1.0, 2.0, 3.0]), "points: "),
        (lambda: flow.random_starts(0), "n: "),
        (lambda: flow_plots.plot_paths({}), "paths: "),
        (lambda: flow_plots.plot_paths({"mine": np.zeros((3, 2))}), "paths: "),
        (lambda: flow_plots.plot_same_end(pd.DataFrame()), "table: "),
        (lambda: flow_plots.plot_final_values(None), "table: "),
    ],
)
def test_what_cannot_be_used_is_refused(call, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        call()
