"""Batch size 1, against torch, polynomials and direct simulation."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adl import model_1p, row_by_row
from adl.claims.learning_rate import X, Y, random_data

inputs = st.lists(
    st.floats(0.2, 20).map(lambda number: round(number, 2)), min_size=1, max_size=9
).map(np.array)


def test_updates_in_order_equal_torch_sgd_with_batch_size_1():
    weights = row_by_row.train(X, Y, step_size=0.01, epochs=2)
    w = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.01)
    for t in range(18):
        optimizer.zero_grad()
        ((w * X[t % 9] - Y[t % 9]) ** 2).backward()
        optimizer.step()
        assert weights[t + 1, 0] == pytest.approx(w.item(), rel=1e-12)


def test_random_rows_are_reproducible_and_differ_between_runs():
    first = row_by_row.train(X, Y, 0.01, 1, order="random", runs=3, seed=1)
    assert np.array_equal(first, row_by_row.train(X, Y, 0.01, 1, order="random", runs=3, seed=1))
    assert not np.array_equal(first[:, 0], first[:, 1])


@pytest.mark.parametrize("seed", range(5))
def test_random_rows_limit_is_the_ratio_of_moments(seed):
    x, _ = random_data(seed)
    limit = row_by_row.critical_step_size(x, "random")
    assert limit == pytest.approx(np.mean(x**2) / np.mean(x**4))
    assert row_by_row.growth(x, limit, "random") == pytest.approx(1)
    assert row_by_row.growth(x, 0.98 * limit, "random") < 1
    assert row_by_row.growth(x, 1.02 * limit, "random") > 1


@settings(deadline=None)
@given(inputs)
def test_in_order_limit_is_the_first_place_where_the_product_reaches_one(x):
    limit = row_by_row.critical_step_size(x, "cyclic")
    grid = np.linspace(0, 1, 20001)[1:-1] * limit
    product = np.prod(1 - 2 * np.multiply.outer(grid, x**2), axis=-1)
    assert np.all(np.abs(product) < 1 + 1e-9)
    assert row_by_row.growth(x, limit, "cyclic") == pytest.approx(1, abs=1e-6)
    assert row_by_row.growth(x, limit * (1 + 1e-6), "cyclic") > 1 - 1e-9


@settings(deadline=None)
@given(inputs)
def test_random_rows_never_bear_more_than_the_full_batch(x):
    limit = row_by_row.critical_step_size(x, "random")
    assert limit <= model_1p.critical_step_size(x) * (1 + 1e-12)


def test_rows_of_very_different_size_have_a_limit():
    assert row_by_row.critical_step_size([1.0, 1e9], "cyclic") == pytest.approx(5e-19, rel=1e-6)


def test_step_sizes_must_be_positive():
    with pytest.raises(ValueError, match="^step_sizes: expected positive numbers"):
        row_by_row.plot_growth(X, Y, [0.0, 0.01])


def test_alt_text_counts_the_measurements_on_the_curves():
    plot = row_by_row.plot_growth(X, Y, np.linspace(0.001, 0.033, 17), seed=0)
    assert "51 measurements, 51 of them on the curves" in plot.alt


def test_equal_rows_bear_as_much_as_the_full_batch():
    x = [3.0] * 5
    for order in ("random", "cyclic"):
        assert row_by_row.critical_step_size(x, order) == pytest.approx(
            model_1p.critical_step_size(x)
        )


@pytest.mark.parametrize(("share", "grows"), [(0.97, False), (1.03, True)])
def test_two_runs_in_order_move_apart_only_above_the_limit(share, grows):
    step_size = share * row_by_row.critical_step_size(X, "cyclic")
    ends = [row_by_row.train(X, Y, step_size, 30, w=w)[-1, 0] for w in (0.0, 1.0)]
    assert (abs(ends[1] - ends[0]) > 1) == grows


def test_unknown_order_is_refused():
    for call in (
        lambda: row_by_row.train(X, Y, order="shuffled"),
        lambda: row_by_row.growth(X, 0.1, "shuffled"),
        lambda: row_by_row.critical_step_size(X, "shuffled"),
    ):
        with pytest.raises(ValueError, match="^order: expected 'cyclic' or 'random'"):
            call()


def test_plot_marks_lie_on_the_curves_and_alt_text_follows_the_data():
    plot = row_by_row.plot_growth(X, Y, [0.005, 0.015, 0.03], seed=0)
    marks = plot.layers[2]._data
    for mark in marks.itertuples():
        order = {"single, in order": "cyclic", "single, random": "random"}.get(mark.way)
        theory = (
            row_by_row.growth(X, mark.step_size, order)
            if order
            else abs(model_1p.error_factor(X, mark.step_size))
        )
        assert mark.growth == pytest.approx(theory, rel=0.05)
    assert plot.alt != row_by_row.plot_growth(np.array(X) * 2, Y, [0.001, 0.005], seed=0).alt
