"""Derivatives by a small push, against autograd and against algebra."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adl import finite_differences
from adl.sheets import SHEETS, X, Y, run

numbers = st.floats(-100, 100).filter(lambda value: abs(value) > 1e-3)


@settings(deadline=None)
@given(x=numbers, y=numbers, a=numbers, b=numbers, h=st.floats(1e-3, 10))
def test_one_side_is_off_by_h_times_x_squared(x, y, a, b, h):
    exact = 2 * x * (a * x + b - y)
    estimate = finite_differences.estimate([x], [y], h, a=a, b=b)[0]
    size = (abs(a * x) + abs(h * x) + abs(b) + abs(y)) ** 2
    assert estimate - exact == pytest.approx(h * x**2, abs=1e-13 * size / h)


@settings(deadline=None)
@given(x=numbers, y=numbers, a=numbers, b=numbers, h=st.floats(1e-3, 10))
def test_both_sides_leave_only_rounding(x, y, a, b, h):
    slope = torch.tensor(a, dtype=torch.float64, requires_grad=True)
    ((slope * x + b - y) ** 2).backward()
    estimate = finite_differences.estimate([x], [y], h, a=a, b=b, both_sides=True)[0]
    size = (abs(a * x) + abs(h * x) + abs(b) + abs(y)) ** 2
    assert estimate == pytest.approx(slope.grad.item(), abs=1e-13 * size / h)


def test_the_sheet_estimates_the_same():
    first = run(SHEETS["sgd"], epochs=1).loc[(1, 1), "da_estimated"]
    assert finite_differences.estimate([14], [58], 0.01)[0] == pytest.approx(first, rel=1e-12)


def test_single_precision_keeps_about_seven_digits():
    exact = finite_differences.estimate(X, Y, 1.0, both_sides=True)
    single = finite_differences.estimate(X, Y, 1.0, both_sides=True, precision="float32")
    difference = np.abs(single / exact - 1).max()
    assert 0 <= difference < 1e-6
    assert (finite_differences.estimate(X, Y, 5e-8, precision="float32") == 0).all()


@pytest.mark.parametrize(("wrong_by", "passes"), [(0.0005, True), (0.01, False)])
def test_gradcheck_lets_a_tenth_of_a_percent_pass(wrong_by, passes):
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(context, x):
            context.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(context, gradient):
            (x,) = context.saved_tensors
            return (1 + wrong_by) * 2 * x * gradient

    x = torch.tensor([43.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(Square.apply, x, raise_exception=False) is passes


def test_the_title_names_the_best_pushes():
    plot = finite_differences.plot_errors(X, Y, [1e-12, 1e-8, 1e-4, 1e-2])
    assert plot.labels.title == "One side does best at h = 1e-08 in float64, 1e-04 in float32"
    assert (plot.data["error"] > 0).all()


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"h": 0}, ValueError, "h: expected a number that is not 0"),
        ({"h": "small"}, TypeError, "h"),
        ({"h": 0.1, "a": None}, TypeError, "a"),
        ({"h": 0.1, "precision": "float16"}, ValueError, "precision: expected 'float32' or"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(options, error, words):
    with pytest.raises(error, match=words):
        finite_differences.estimate([14], [58], **options)


def test_a_derivative_of_zero_has_no_relative_error():
    with pytest.raises(ValueError, match="y: expected rows whose derivative is not 0"):
        finite_differences.plot_errors([14], [15], [0.1])
