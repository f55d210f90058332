"""The seven losses: against PyTorch, NumPy and the laws that they have to obey."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch.autograd import gradcheck, gradgradcheck

from adl import losses
from adl.losses import LOSSES, log_error_loss, two_sided_exp, two_sided_log
from adl.models import StackedMLP
from adl.training import StackedSGD, train_stacked

DTYPES = [torch.float32, torch.float64]
REDUCTIONS = ["mean", "sum", "none"]


def log_numpy(x):
    return np.sign(x) * np.log1p(np.abs(x))


# Each loss of one example, by NumPy.
FORMULAS = {
    "MSE": lambda o, t: (o - t) ** 2,
    "Huber": lambda o, t: np.where(np.abs(o - t) < 1, (o - t) ** 2 / 2, np.abs(o - t) - 0.5),
    "L1": lambda o, t: np.abs(o - t),
    "log error": lambda o, t: np.log1p(np.abs(o - t)) ** 2,
    "two-sided log": lambda o, t: (log_numpy(o) - log_numpy(t)) ** 2,
    "relative L2": lambda o, t: ((o - t) / (1 + np.abs(t))) ** 2,
    "relative L1": lambda o, t: np.abs(o - t) / (1 + np.abs(t)),
}


def draw(*shape, seed=0, dtype=torch.float64):
    """Outputs and targets of both signs and of sizes from 0.01 to 1000."""
    rng = np.random.default_rng(seed)
    values = 10.0 ** rng.uniform(-2, 3, (2, *shape)) * rng.choice([-1.0, 1.0], (2, *shape))
    outputs, targets = torch.tensor(values, dtype=dtype)
    return outputs, targets


def each(loss, outputs, targets):
    return LOSSES[loss](outputs, targets, reduction="none")


# --- The two-sided logarithm ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_two_sided_log_is_that_of_numpy(dtype):
    x, _ = draw(3, 40, dtype=dtype)
    found = two_sided_log(x)
    assert (found.dtype, found.shape) == (dtype, x.shape)
    np.testing.assert_allclose(found, log_numpy(x.double().numpy()), rtol=3e-7)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1e-38, 1e-30, 1e-9, 1e30, 1e38])
def test_two_sided_log_is_exact_for_tiny_and_huge_numbers(size, dtype):
    found = two_sided_log(torch.tensor([size, -size], dtype=dtype)).tolist()
    assert found == pytest.approx([math.log1p(size), -math.log1p(size)], rel=1e-6, abs=0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_slope_of_two_sided_log_is_exact_also_at_zero(dtype):
    x = torch.tensor([0.0, -0.0, 1e-9, -1e-9, 3.0, -3.0, 1e30, -1e30], dtype=dtype)
    x.requires_grad_()
    (slope,) = torch.autograd.grad(two_sided_log(x).sum(), x)
    torch.testing.assert_close(slope, 1 / (1 + x.detach().abs()))
    assert slope[:2].tolist() == [1, 1]


def test_slope_of_two_sided_exp_is_one_at_zero():
    x = torch.zeros(3, requires_grad=True)
    (slope,) = torch.autograd.grad(two_sided_exp(x).sum(), x)
    assert slope.tolist() == [1, 1, 1]


@pytest.mark.parametrize("function", [two_sided_log, two_sided_exp])
def test_gradients_of_the_functions_to_the_second_order(function):
    x = torch.tensor([-3.0, -0.5, 0.2, 2.5], dtype=torch.float64, requires_grad=True)
    assert gradcheck(function, x)
    assert gradgradcheck(function, x)


FLOATS = st.floats(-1e300, 1e300)


@given(x=FLOATS)
def test_two_sided_log_is_odd(x):
    pair = two_sided_log(torch.tensor([x, -x], dtype=torch.float64))
    assert pair[0] == -pair[1]


@given(x=FLOATS, y=FLOATS)
def test_two_sided_log_keeps_the_order(x, y):
    x, y = sorted((x, y))
    low, high = two_sided_log(torch.tensor([x, y], dtype=torch.float64)).tolist()
    assert low <= high
    # As far apart as can be told from each other after the logarithm.
    if y - x > 1e-12 * (1 + abs(x) + abs(y)):
        assert low < high


@given(x=st.floats(-1e12, 1e12))
def test_two_sided_exp_is_the_inverse(x):
    there = two_sided_log(torch.tensor(x, dtype=torch.float64))
    assert two_sided_exp(there).item() == pytest.approx(x, rel=1e-13, abs=1e-320)


@given(x=st.floats(-700, 700))
def test_two_sided_log_is_the_inverse_of_two_sided_exp(x):
    there = two_sided_exp(torch.tensor(x, dtype=torch.float64))
    assert two_sided_log(there).item() == pytest.approx(x, rel=1e-14, abs=1e-320)


def test_infinity_stays_and_nan_stays():
    x = torch.tensor([math.inf, -math.inf])
    assert two_sided_log(x).tolist() == two_sided_exp(x).tolist() == [math.inf, -math.inf]
    assert two_sided_log(torch.tensor(math.nan)).isnan()


def test_two_sided_exp_overflows_to_infinity():
    assert two_sided_exp(torch.tensor([-89.0, 89.0])).tolist() == [-math.inf, math.inf]


# --- Values of the losses -------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    ("loss", "torchs"),
    [
        (losses.mse_loss, F.mse_loss),
        (losses.huber_loss, F.huber_loss),
        (losses.l1_loss, F.l1_loss),
    ],
)
def test_the_usual_three_are_those_of_torch(loss, torchs, reduction, dtype):
    outputs, targets = draw(3, 40, dtype=dtype)
    found = loss(outputs, targets, reduction=reduction)
    torch.testing.assert_close(found, torchs(outputs, targets, reduction=reduction))


def test_there_are_formulas_for_all_seven():
    assert list(FORMULAS) == list(LOSSES)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", LOSSES)
def test_each_example_has_the_loss_of_the_formula(loss, dtype):
    outputs, targets = draw(3, 40, dtype=dtype)
    found = each(loss, outputs, targets)
    assert (found.dtype, found.shape) == (dtype, (3, 40))
    right = FORMULAS[loss](outputs.double().numpy(), targets.double().numpy())
    np.testing.assert_allclose(found, right, rtol=1e-10 if dtype == torch.float64 else 3e-4)


@pytest.mark.parametrize("loss", LOSSES)
def test_mean_is_the_default_and_the_sum_is_as_many_times_as_much(loss):
    outputs, targets = draw(3, 40)
    none, mean, total = (
        LOSSES[loss](outputs, targets, reduction=reduction) for reduction in ("none", "mean", "sum")
    )
    assert LOSSES[loss](outputs, targets) == mean
    torch.testing.assert_close(none.sum(), total)
    torch.testing.assert_close(120 * mean, total)
    assert mean.shape == total.shape == ()


EXAMPLES = arrays(np.float64, 6, elements=st.floats(-1e6, 1e6))


@pytest.mark.parametrize("loss", LOSSES)
@settings(max_examples=50)
@given(outputs=EXAMPLES, targets=EXAMPLES)
def test_losses_are_zero_where_outputs_are_right_and_never_below(loss, outputs, targets):
    outputs, targets = torch.tensor(outputs), torch.tensor(targets)
    assert (each(loss, outputs, targets) >= 0).all()
    assert (each(loss, targets, targets) == 0).all()


@pytest.mark.parametrize("loss", LOSSES)
@settings(max_examples=50)
@given(outputs=EXAMPLES, targets=EXAMPLES)
def test_losses_are_the_same_with_all_signs_turned(loss, outputs, targets):
    outputs, targets = torch.tensor(outputs), torch.tensor(targets)
    assert torch.equal(each(loss, outputs, targets), each(loss, -outputs, -targets))


SYMMETRIC = [loss for loss in LOSSES if not loss.startswith("relative")]


@pytest.mark.parametrize("loss", SYMMETRIC)
@given(outputs=EXAMPLES, targets=EXAMPLES)
@settings(max_examples=30)
def test_all_but_the_relative_losses_may_exchange_outputs_and_targets(loss, outputs, targets):
    outputs, targets = torch.tensor(outputs), torch.tensor(targets)
    assert torch.equal(each(loss, outputs, targets), each(loss, targets, outputs))


BELOW = [
    # Each loss is nowhere above the next one.
    ("log error", "MSE"),
    ("two-sided log", "MSE"),
    ("relative L1", "L1"),
    ("relative L2", "MSE"),
    ("Huber", "L1"),
]


@pytest.mark.parametrize(("lower", "upper"), BELOW)
@given(outputs=EXAMPLES, targets=EXAMPLES)
@settings(max_examples=100)
def test_a_loss_is_bounded_by_another(lower, upper, outputs, targets):
    """The two-sided log, for one, never parts two numbers further than they are apart."""
    outputs, targets = torch.tensor(outputs), torch.tensor(targets)
    below, above = each(lower, outputs, targets), each(upper, outputs, targets)
    assert (below <= above * (1 + 1e-9) + 1e-12).all()


@given(outputs=EXAMPLES, targets=EXAMPLES)
def test_relative_l2_is_the_square_of_relative_l1(outputs, targets):
    outputs, targets = torch.tensor(outputs), torch.tensor(targets)
    torch.testing.assert_close(
        each("relative L2", outputs, targets), each("relative L1", outputs, targets) ** 2
    )


@given(targets=EXAMPLES)
def test_predicting_zero_never_costs_more_than_one_hundred_percent(targets):
    targets = torch.tensor(targets)
    assert (each("relative L1", torch.zeros_like(targets), targets) < 1).all()


# --- Gradients ------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_for_outputs_and_targets(loss):
    # None at a kink: no error is 0 or 1 in size, no output and no target 0.
    outputs = torch.tensor([-3.0, 0.4, 2.5, 7.0, 0.3], dtype=torch.float64, requires_grad=True)
    targets = torch.tensor([1.0, 0.9, -2.0, 6.5, -0.2], dtype=torch.float64, requires_grad=True)
    assert gradcheck(LOSSES[loss], (outputs, targets))
    assert gradgradcheck(LOSSES[loss], (outputs, targets))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_zero_where_the_output_is_right(loss, dtype):
    targets = torch.tensor([0.0, 2.0, -1e3, 1e-20], dtype=dtype)
    outputs = targets.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(LOSSES[loss](outputs, targets), outputs)
    assert gradient.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("loss", "curvature"),
    [("MSE", 2), ("Huber", 1), ("log error", 2), ("two-sided log", 2), ("relative L2", 2)],
)
def test_curvature_where_output_and_target_are_zero(loss, curvature):
    outputs = torch.zeros((), dtype=torch.float64, requires_grad=True)
    value = LOSSES[loss](outputs, torch.zeros_like(outputs))
    (slope,) = torch.autograd.grad(value, outputs, create_graph=True)
    (second,) = torch.autograd.grad(slope, outputs)
    assert second.item() == curvature


def test_gradient_of_log_error_is_largest_at_an_error_of_e_minus_one():
    errors = torch.linspace(0, 10, 100_001, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(
        log_error_loss(errors, torch.zeros_like(errors), reduction="sum"), errors
    )
    assert errors[gradient.argmax()].item() == pytest.approx(math.e - 1, abs=1e-4)
    assert gradient.max().item() == pytest.approx(2 / math.e)


@pytest.mark.parametrize("size", [1e30, 1e38])
@pytest.mark.parametrize("loss", [loss for loss in LOSSES if loss != "MSE"])
def test_huge_targets_in_float32_leave_value_and_gradient_finite(loss, size):
    targets = torch.tensor([size, -size])
    outputs = torch.tensor([0.0, 2.0], requires_grad=True)
    value = LOSSES[loss](outputs, targets, reduction="none")
    (gradient,) = torch.autograd.grad(value.sum(), outputs)
    assert value.isfinite().all()
    assert gradient.isfinite().all()


@pytest.mark.parametrize("loss", [loss for loss in LOSSES if loss not in ("MSE", "relative L2")])
def test_huge_outputs_in_float32_leave_value_and_gradient_finite(loss):
    outputs = torch.tensor([1e38, -1e38], requires_grad=True)
    value = LOSSES[loss](outputs, torch.tensor([0.0, 2.0]), reduction="none")
    (gradient,) = torch.autograd.grad(value.sum(), outputs)
    assert value.isfinite().all()
    assert gradient.isfinite().all()


def test_squares_of_huge_numbers_overflow_as_in_torch():
    outputs, targets = torch.tensor([1e30]), torch.zeros(1)
    assert losses.mse_loss(outputs, targets) == F.mse_loss(outputs, targets) == math.inf
    assert losses.relative_l2_loss(outputs, targets) == math.inf


# --- In training, and what is refused -------------------------------------------------------------


@pytest.mark.parametrize("loss", LOSSES)
def test_each_loss_trains_stacked_networks(loss):
    inputs = torch.linspace(-1, 1, 20)[:, None]
    sgd = StackedSGD(StackedMLP(3, inputs=1, hidden=[8], seed=0))
    run = train_stacked(
        sgd, (inputs, inputs[:, 0]), step_size=0.05, steps=200, loss=LOSSES[loss], every=199
    )
    assert (run.losses[-1] < 0.5 * run.losses[0]).all()


@pytest.mark.parametrize("loss", LOSSES.values())
@pytest.mark.parametrize("shape", [(4, 1), (1, 4), (), (3,), (5, 4)])
def test_other_shapes_are_refused_rather_than_broadcast(loss, shape):
    with pytest.raises(ValueError, match=r"^input: expected the target's shape \(4,\), got \("):
        loss(torch.zeros(shape), torch.zeros(4))


@pytest.mark.parametrize("loss", LOSSES.values())
@pytest.mark.parametrize("reduction", ["average", None, 3, "Mean", ""])
def test_other_reductions_are_refused(loss, reduction):
    with pytest.raises(ValueError, match='^reduction: expected "mean", "sum" or "none", got '):
        loss(torch.zeros(4), torch.zeros(4), reduction=reduction)


@pytest.mark.parametrize("loss", LOSSES.values())
@pytest.mark.parametrize("name", ["input", "target"])
@pytest.mark.parametrize(
    ("value", "words"),
    [
        (torch.zeros(4, dtype=torch.int64), "a floating dtype such as float32, got torch.int64"),
        (torch.zeros(4, dtype=torch.bool), "a floating dtype such as float32, got torch.bool"),
        (torch.zeros(4, dtype=torch.complex64), "a floating dtype such as float32, got torch.com"),
        (np.zeros(4), "a tensor, got ndarray"),
        ([0.0] * 4, r"a tensor, got list \["),
        (None, "a tensor, got NoneType None"),
    ],
)
def test_what_is_no_tensor_of_floats_is_refused(loss, name, value, words):
    arguments = {"input": torch.zeros(4), "target": torch.zeros(4)} | {name: value}
    with pytest.raises(TypeError, match=f"^{name}: expected {words}"):
        loss(**arguments)


@pytest.mark.parametrize("function", [two_sided_log, two_sided_exp])
@pytest.mark.parametrize("value", [torch.zeros(4, dtype=torch.int32), np.zeros(4), 1.0])
def test_the_functions_refuse_what_is_no_tensor_of_floats(function, value):
    with pytest.raises(TypeError, match="^x: expected a "):
        function(value)


def test_nobody_can_change_the_losses_of_the_course():
    with pytest.raises(TypeError, match="does not support item assignment"):
        LOSSES["MSE"] = None
