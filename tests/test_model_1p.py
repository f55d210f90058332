"""Gradient descent on one parameter, against scikit-learn, autograd and closed forms."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adl import model_1p
from adl.claims.learning_rate import X, Y
from adl.plotting import alt_text
from adl.sklearn import skl_regression

finite = st.floats(-50, 50).map(lambda number: round(number, 3))
rows = st.lists(st.tuples(finite, finite), min_size=1, max_size=12).filter(
    lambda pairs: max(abs(x) for x, _ in pairs) > 0.05
)


def split(pairs):
    return np.array([x for x, _ in pairs]), np.array([y for _, y in pairs])


def test_table_has_the_columns_that_the_course_uses():
    table = model_1p.train(X, Y, step_size=0.001, epochs=10)
    assert list(table.columns) == ["epoch", "w", "loss", "gradient", "new_w"]
    assert table["epoch"].tolist() == list(range(1, 11))
    assert table["w"].tolist()[1:] == table["new_w"].tolist()[:-1]


@pytest.mark.parametrize("step_size", [0.001, 0.01, 0.025, 0.031])
def test_train_equals_autograd_and_torch_sgd(step_size):
    x, y = torch.tensor(X, dtype=torch.float64), torch.tensor(Y, dtype=torch.float64)
    w = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=step_size)
    for row in model_1p.train(X, Y, step_size, epochs=15).itertuples():
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(w * x, y)
        loss.backward()
        assert row.w == pytest.approx(w.item(), rel=1e-12, abs=1e-12)
        assert row.loss == pytest.approx(loss.item(), rel=1e-12)
        assert row.gradient == pytest.approx(w.grad.item(), rel=1e-9, abs=1e-9)
        optimizer.step()
        assert row.new_w == pytest.approx(w.item(), rel=1e-12, abs=1e-12)


@given(rows)
def test_optimum_equals_scikit_learn(pairs):
    x, y = split(pairs)
    fit = skl_regression(x, y, fit_intercept=False)
    assert model_1p.optimum(x, y) == pytest.approx(fit["slope"], rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(rows, st.floats(0.01, 1.3), st.floats(-5, 5))
def test_error_ratio_is_one_minus_step_size_times_curvature(pairs, share, start):
    x, y = split(pairs)
    best = model_1p.optimum(x, y)
    step_size = share * model_1p.critical_step_size(x)
    table = model_1p.train(x, y, step_size, epochs=12, w=start)
    before, after = table["w"] - best, table["new_w"] - best
    scale = max(1, abs(best), math.sqrt(np.mean(y**2) / np.mean(x**2)))
    seen = before.abs() > 1e-6 * scale
    ratio = (after[seen] / before[seen]).to_numpy()
    assert np.all(np.abs(ratio - (1 - 2 * step_size * np.mean(x**2))) < 1e-9)


@given(rows)
def test_critical_step_size_is_one_over_the_mean_square(pairs):
    x, _ = split(pairs)
    assert model_1p.critical_step_size(x) * np.mean(x**2) == pytest.approx(1, rel=1e-12)


@settings(deadline=None)
@given(rows.filter(lambda pairs: abs(sum(x * y for x, y in pairs)) > 1), st.floats(0.02, 0.4))
def test_below_the_critical_step_size_it_converges_and_above_it_does_not(pairs, margin):
    x, y = split(pairs)
    best, critical = model_1p.optimum(x, y), model_1p.critical_step_size(x)
    below = model_1p.train(x, y, (1 - margin) * critical, 40)["new_w"].iloc[-1]
    above = model_1p.train(x, y, (1 + margin) * critical, 40)["new_w"].iloc[-1]
    assert abs(below - best) < abs(best) < abs(above - best)


@pytest.mark.parametrize("scale", [1e-99, 1e-5, 1, 1e98])
def test_critical_step_size_neither_overflows_nor_vanishes_on_the_way(scale):
    result = model_1p.critical_step_size(np.array(X) * scale)
    assert result == pytest.approx(0.029636459 / scale / scale, rel=1e-6)


def test_half_the_critical_step_size_lands_in_one_step():
    table = model_1p.train(X, Y, model_1p.critical_step_size(X) / 2, epochs=1)
    assert table["new_w"].iloc[0] == pytest.approx(model_1p.optimum(X, Y), abs=1e-12)


def test_a_diverging_run_keeps_its_numbers_inf_and_nan_too():
    table = model_1p.train(X, Y, step_size=1.0, epochs=400)
    assert len(table) == 400
    assert np.isinf(table["loss"]).any()
    assert table["new_w"].isna().iloc[-1]


@pytest.mark.parametrize(
    "convert", [list, np.array, pd.Series, torch.tensor], ids=lambda kind: kind.__name__
)
def test_inputs_may_be_of_any_common_type(convert):
    table = model_1p.train(convert(X), convert(Y), 0.01, 5)
    pd.testing.assert_frame_equal(table, model_1p.train(X, Y, 0.01, 5), rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"x": []}, ValueError, "^x: "),
        ({"y": Y[:-1]}, ValueError, "^y: expected as many numbers as in x"),
        ({"x": ["a"] * 9}, TypeError, "^x: "),
        ({"y": [*Y[:-1], math.nan]}, ValueError, "^y: .*nan at position 8"),
        ({"epochs": 0}, ValueError, "^epochs: .*at least 1, got 0"),
        ({"epochs": 2.5}, ValueError, "^epochs: .*got 2.5"),
        ({"epochs": "ten"}, TypeError, "^epochs: .*got str 'ten'"),
        ({"step_size": math.inf}, ValueError, "^step_size: .*got inf"),
        ({"step_size": None}, TypeError, "^step_size: .*got NoneType"),
        ({"w": math.nan}, ValueError, "^w: "),
    ],
)
def test_train_refuses_bad_input_in_words(arguments, error, words):
    with pytest.raises(error, match=words):
        model_1p.train(**{"x": X, "y": Y, **arguments})


@pytest.mark.parametrize(
    "function", [model_1p.critical_step_size, lambda x: model_1p.optimum(x, Y)]
)
def test_inputs_that_are_all_zero_have_no_curvature(function):
    with pytest.raises(ValueError, match="^x: .*not zero"):
        function([0.0] * 9)


@pytest.mark.parametrize(
    ("step_size", "epochs", "expected"),
    [
        (0.001, 30, "crawls"),
        (0.01, 10, "arrives"),
        (0.025, 8, "overshoots"),
        (0.02963, 20, "stalls"),
        (0.031, 8, "diverges"),
        (0.1, 8, "diverges"),
        (0.0, 8, "rests"),
        (-0.01, 8, "diverges"),
    ],
)
def test_verdict_on_the_runs_of_the_chapter(step_size, epochs, expected):
    assert model_1p.verdict(model_1p.error_factor(X, step_size), epochs) == expected


def test_verdict_at_the_two_special_step_sizes():
    assert model_1p.verdict(0.0, 10) == "lands"
    assert model_1p.verdict(-1.0, 10) == "swings"


@pytest.mark.parametrize(
    "make",
    [
        lambda x, y: model_1p.plot_loss(x, y, -1, 4, gradient=False),
        lambda x, y: model_1p.plot_loss(x, y, -1, 4),
        lambda x, y: model_1p.plot_train(x, y, 0.001, 30, -2, 4.5),
        lambda x, y: model_1p.plot_error_left(x, y, np.geomspace(1e-3, 0.03, 5)),
    ],
)
def test_alt_text_follows_the_data(make):
    y = [2 * value for value in Y]
    x = [value / 2 for value in X]
    assert alt_text(make(X, Y)) != alt_text(make(x, y))


@pytest.mark.parametrize("step_size", [0.001, 0.031, 0.1, 3.0, 1e300])
def test_every_path_can_be_drawn_and_says_where_it_leaves(step_size):
    plot = model_1p.plot_train(X, Y, step_size, 400, -2, 4.5)
    plot.draw()
    weights = [0.0, *model_1p.train(X, Y, step_size, 400)["new_w"]]
    outside = [t for t, w in enumerate(weights) if not -2 <= w <= 4.5]
    if outside:
        assert f"first leaves the picture at epoch {outside[0]}." in plot.alt
    else:
        assert "leaves" not in plot.alt


def test_titles_and_alt_texts_stay_true_for_other_data():
    falling = [-2 * value for value in X]
    assert "at w = -2." in model_1p.plot_loss(X, falling, -4, 1).alt
    outside = model_1p.plot_loss(X, falling, -1, 4)
    assert "rises all the way" in outside.alt
    assert "shrink" not in outside.alt
    small = model_1p.plot_error_left([x * 100 for x in X], Y, np.geomspace(1e-7, 3.2e-6, 9))
    assert small.labels.title == "Above 2.964e-06 every step makes it worse"
    above = model_1p.plot_error_left(X, Y, [0.05, 0.06])
    assert "falling" not in above.alt
    assert "rising" not in above.alt
    assert "2 of 2 measurements" in above.alt
    below = model_1p.plot_error_left(X, Y, [0.001, 0.002])
    assert below.labels.title == "Below 0.02964 every run comes closer"
    resting = model_1p.plot_train(X, [0.0] * 9, 0.1, 4, -1, 1)
    assert "rests where it is" in resting.labels.title
    elsewhere = model_1p.plot_train(X, Y, 0.01, 4, 1, 3)
    assert "It starts outside the picture." in elsewhere.alt
    at_rest = model_1p.plot_error_left(X, [0.0] * 9, np.geomspace(0.001, 0.03, 5))
    assert "5 of 5 measurements" in at_rest.alt


def test_alt_text_of_a_loss_whose_minimum_is_outside_says_so():
    assert "falls all the way" in model_1p.plot_loss(X, Y, -1, 1, gradient=False).alt
    assert "rises all the way" in model_1p.plot_loss(X, Y, 3, 4, gradient=False).alt


def test_plots_refuse_a_range_in_the_wrong_order():
    with pytest.raises(ValueError, match="^wmin: "):
        model_1p.plot_loss(X, Y, 4, -1)
    with pytest.raises(ValueError, match="^wmin: "):
        model_1p.plot_train(X, Y, 0.01, 5, 4, -1)


def test_plot_error_left_counts_the_measurements_on_the_curve():
    plot = model_1p.plot_error_left(X, Y, np.geomspace(0.0005, 0.032, 45))
    assert "45 of 45 measurements" in plot.alt


def test_arrows_point_uphill_and_are_as_long_as_the_gradient():
    plot = model_1p.plot_loss(X, Y, -1, 4)
    arrows = plot.layers[1]._data
    best, m = model_1p.optimum(X, Y), np.mean(np.square(X))
    gradient = 2 * m * (arrows["w"] - best)
    length = (arrows["end"] - arrows["w"]) / gradient
    assert length.min() == pytest.approx(length.max())
    assert length.min() > 0


@pytest.mark.parametrize("step_size", [0.01334, 0.01630])
def test_two_steps_leave_one_percent_as_the_folded_answer_says(step_size):
    best = model_1p.optimum(X, Y)
    end = model_1p.train(X, Y, step_size, 2)["new_w"].iloc[-1]
    assert abs(end - best) / best == pytest.approx(0.01, rel=0.02)


def test_every_verdict_has_its_word_in_its_sentence():
    assert all(word in sentence for word, sentence in model_1p.FINDINGS.items())


def test_skl_regression_with_intercept_equals_numpy():
    fit = skl_regression(X, Y)
    slope, intercept = np.polyfit(X, Y, 1)
    assert fit["slope"] == pytest.approx(slope)
    assert fit["intercept"] == pytest.approx(intercept)
    assert fit["mse"] == pytest.approx(np.mean((np.polyval([slope, intercept], X) - Y) ** 2))


def test_skl_regression_refuses_different_lengths():
    with pytest.raises(ValueError, match="^y: "):
        skl_regression(X, Y[:3])
