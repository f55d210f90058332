"""The U-curve and double descent: against NumPy's own solvers, and on many data sets."""

import math
from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from adl import double_descent, linear
from adl.data import Data

pytestmark = pytest.mark.usefixtures("one_thread")


def datasets(n, *, seeds=range(30)):
    return [Data(n, -1, 1, 0.05, "middle", seed=seed) for seed in seeds]


def by_feature_dim(table, column):
    return table.pivot_table(index="data_set", columns="feature_dim", values=column)


def counted_from_0(x, feature_dim, frequency=math.pi):
    """Sines and cosines of the multiples that ``arange`` counts, and the bias."""
    angles = frequency * np.arange(feature_dim // 2) * x
    return np.concatenate([np.ones_like(x), np.sin(angles), np.cos(angles)], axis=1)


def counted_from_1(x, feature_dim, frequency=math.pi):
    angles = frequency * np.arange(1, feature_dim // 2 + 1) * x
    return np.concatenate([np.ones_like(x), np.cos(angles), np.sin(angles)], axis=1)


DESIGNS = {1: counted_from_1, 0: counted_from_0}
GRID = np.linspace(-1, 1, 1000)[:, None]


@cache
def many(first):
    """Fits of 150 data sets of 20 points, 30 in a batch."""
    fits = double_descent.minimum_norm(
        datasets(20, seeds=range(150)), [*range(4, 26, 2), 30, 50, 80], first=first
    )
    return [fits[fits["data_set"].between(30 * batch, 30 * batch + 29)] for batch in range(5)]


either_first = pytest.mark.parametrize("first", [1, 0])


# Exact fits


@either_first
@pytest.mark.parametrize("feature_dim", [2, 6, 12, 30, 80])
def test_fits_are_those_of_the_pseudo_inverse(first, feature_dim):
    (data,) = datasets(20, seeds=[3])
    fit = double_descent.minimum_norm([data], [feature_dim], first=first).iloc[0]
    x, y = data.inputs.double().numpy(), data.labels[:, 0].double().numpy()
    design = DESIGNS[first](x, feature_dim)
    weights = np.linalg.pinv(design, rtol=None) @ y
    outputs = DESIGNS[first](GRID, feature_dim) @ weights
    risk = np.mean((outputs - np.sin(5 * GRID[:, 0]) - 0.3 * GRID[:, 0]) ** 2)
    assert fit["parameters"] == design.shape[1] == feature_dim + 1
    assert fit["rank"] == np.linalg.matrix_rank(design)
    assert fit["norm"] == pytest.approx(np.linalg.norm(weights), rel=1e-6)
    assert fit["test_error"] == pytest.approx(risk, rel=1e-5)  # the labels are float32
    assert fit["train_error"] == pytest.approx(np.mean((design @ weights - y) ** 2), abs=1e-12)


@either_first
def test_a_dead_sine_and_a_second_bias_add_no_rank(first):
    for table in many(first):
        lost = 0 if first == 1 else 2
        expected = np.minimum(table["parameters"] - lost, 20)
        assert (table["rank"] == expected).mean() > 0.999  # two points may be almost the same


def test_without_more_parameters_than_points_they_change_nothing():
    few = datasets(20, seeds=range(5))
    ours = double_descent.minimum_norm(few, [4, 8, 12])
    theirs = double_descent.minimum_norm(few, [6, 10, 14], first=0)
    np.testing.assert_allclose(ours["test_error"], theirs["test_error"], rtol=1e-6)


@either_first
def test_the_error_peaks_where_the_rank_reaches_the_number_of_points(first):
    peaks = {1: {18, 20}, 0: {20, 22}}[first]
    for table in many(first):
        errors = by_feature_dim(table, "test_error")
        assert errors.median().idxmax() in peaks
        assert errors.idxmax(axis=1).isin(peaks).sum() >= 26  # of 30


@either_first
def test_the_best_fit_has_fewer_parameters_than_points(first):
    for table in many(first):
        errors = by_feature_dim(table, "test_error")
        assert 6 <= errors.median().idxmin() - 2 * (1 - first) <= 14
        assert errors.idxmin(axis=1).between(4, 18).sum() >= 28


@either_first
def test_the_second_descent_does_not_beat_the_first(first):
    for table in many(first):
        errors = by_feature_dim(table, "test_error")
        ratio = errors[80] / errors.min(axis=1)
        assert 5 < ratio.median() < 25
        assert (ratio > 2).sum() >= 28
        assert errors[80].median() < 0.01 * errors.median().max()


@either_first
def test_beyond_the_peak_all_points_are_fitted_with_ever_smaller_weights(first):
    for table in many(first):
        assert (table.loc[table["feature_dim"] >= 30, "train_error"] < 1e-12).mean() > 0.95
        norms = by_feature_dim(table, "norm").median()
        assert norms.loc[[22, 30, 50, 80]].is_monotonic_decreasing


@pytest.mark.parametrize(("first", "peaks"), [(1, {48, 50}), (0, {50, 52})])
def test_with_50_points_the_peak_is_at_50(first, peaks):
    table = double_descent.minimum_norm(datasets(50), range(30, 74, 2), first=first)
    errors = by_feature_dim(table, "test_error")
    assert errors.median().idxmax() in peaks
    assert errors.idxmax(axis=1).isin(peaks).sum() >= 27


def test_with_a_period_of_half_the_interval_no_fit_is_good():
    table = double_descent.minimum_norm(datasets(20), frequency=2 * math.pi)
    assert table["test_error"].min() > 0.21
    assert by_feature_dim(table, "test_error").median().idxmax() in (18, 20)


# Trained


def test_models_that_are_trained_to_the_end_fit_as_least_squares_do():
    (data,) = datasets(50, seeds=[1])
    trained = double_descent.sweep(
        data, [4, 8], initialisations=3, frequency=math.pi, step_size=0.5, steps=3000, seed=0
    )
    solved = double_descent.minimum_norm([data], [4, 8]).set_index("feature_dim")
    for feature_dim, models in trained.groupby("feature_dim"):
        np.testing.assert_allclose(
            models["train_loss"], solved.loc[feature_dim, "train_error"], rtol=1e-6
        )
        np.testing.assert_allclose(
            models["true_risk"], solved.loc[feature_dim, "test_error"], rtol=1e-4
        )


def test_starts_are_as_large_as_those_of_a_linear_layer():
    (data,) = datasets(50, seeds=[2])
    found = double_descent.sweep(data, [20], initialisations=2000, step_size=0.0, steps=1, seed=0)[
        "true_risk"
    ].mean()
    inputs = torch.as_tensor(GRID)
    features = linear.sinusoids(inputs, 20, frequency=0.2 * math.pi)
    target = data.target(inputs)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        risks = [
            (nn.Linear(20, 1, dtype=torch.float64)(features) - target).square().mean().item()
            for _ in range(500)
        ]
    assert found == pytest.approx(np.mean(risks), rel=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_the_true_risk_is_a_u_without_a_peak_at_the_number_of_points(seed):
    (data,) = datasets(50, seeds=[seed])
    table = double_descent.sweep(data, [2, 10, 20, 48, 50, 52, 198], seed=seed)
    means = double_descent.average(table)
    risk = means["risk_mean"]
    assert 1e-4 < risk[20] < 4e-3
    assert 0.03 < risk[198] < 0.3
    assert risk[2] > 0.4
    assert risk[[48, 50, 52]].max() < 0.1 * risk[198]
    assert means["train_mean"][[2, 10, 20, 50, 198]].is_monotonic_decreasing


def test_rows_are_all_starts_of_all_sizes_in_order():
    (data,) = datasets(50, seeds=[0])
    table = double_descent.sweep(data, [8, 2], initialisations=2, steps=3, seed=0)
    assert table["feature_dim"].tolist() == [8, 8, 2, 2]
    assert table["initialisation"].tolist() == [0, 1, 0, 1]
    assert (table["examples"] == 50).all()
    assert table["true_risk"].nunique() == 4


def test_the_seed_alone_decides():
    (data,) = datasets(50, seeds=[0])
    one, same, other = (double_descent.sweep(data, [4], steps=3, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one, same)
    assert (one["train_loss"] != other["train_loss"]).all()


def test_divergence_is_kept():
    (data,) = datasets(50, seeds=[0])
    table = double_descent.sweep(data, [4], step_size=100.0, steps=400, seed=0)
    assert not np.isfinite(table["true_risk"]).any()


def test_averages_are_means_and_variances_over_the_starts():
    (data,) = datasets(50, seeds=[0])
    table = double_descent.sweep(data, [4, 8], initialisations=5, steps=10, seed=0)
    found = double_descent.average(table)
    for feature_dim in (4, 8):
        rows = table[table["feature_dim"] == feature_dim]
        expected = [
            function(rows[column])
            for column in ("train_loss", "true_risk")
            for function in (np.mean, lambda values: np.var(values, ddof=1))
        ]
        assert found.loc[feature_dim].tolist() == pytest.approx(expected)


# What cannot be used


@pytest.mark.parametrize("dims", [5, [], [3], [0], [4, 4], ["a"]])
@pytest.mark.parametrize("function", ["sweep", "minimum_norm"])
def test_numbers_of_features_are_even_and_each_once(function, dims):
    data = datasets(5, seeds=[0])
    with pytest.raises((TypeError, ValueError), match="^feature_dims: "):
        getattr(double_descent, function)(data if function == "minimum_norm" else data[0], dims)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"dataset": None}, "dataset"),
        ({"initialisations": 0}, "initialisations"),
        ({"step_size": -1}, "step_size"),
        ({"steps": 0}, "steps"),
        ({"frequency": 0}, "frequency"),
        ({"seed": "one"}, "seed"),
    ],
)
def test_sweeps_that_cannot_be_made_are_refused(change, name):
    arguments = {"dataset": datasets(5, seeds=[0])[0], "feature_dims": [4]} | change
    with pytest.raises((TypeError, ValueError), match=f"^{name}: "):
        double_descent.sweep(**arguments)


@pytest.mark.parametrize(
    ("arguments", "options", "name"),
    [
        ((datasets(5, seeds=[0])[0],), {}, "datasets"),
        (([],), {}, "datasets"),
        (([1, 2],), {}, "datasets"),
        ((datasets(5, seeds=[0]),), {"first": 2}, "first"),
        ((datasets(5, seeds=[0]),), {"frequency": -1}, "frequency"),
    ],
)
def test_fits_that_cannot_be_made_are_refused(arguments, options, name):
    with pytest.raises((TypeError, ValueError), match=f"^{name}: "):
        double_descent.minimum_norm(*arguments, **options)
