"""Targets and batches, against values by hand, NumPy, and an integral."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from torch import nn

from adl.data import TARGETS, Data, check_epsilons, singular_batch, singular_target
from adl.models import StackedMLP

DTYPES = (torch.float32, torch.float64)


@pytest.mark.parametrize(
    ("z", "x", "y", "epsilon", "expected"),
    [
        (1.0, 2.0, 3.0, 0.5, 4.0),
        (2.0, 3.0, -5.0, 1.0, -3.0),
        (0.0, 1.0, 1.0, 0.001, 1000.0),
        (3.0, 0.0, 7.0, 1.0, 0.0),
        (-2.0, 4.0, 2.0, 0.0, 2.0),
    ],
)
def test_the_columns_are_z_x_and_y(z, x, y, epsilon, expected):
    inputs = torch.tensor([z, x, y], dtype=torch.float64)
    assert singular_target(inputs, epsilon).item() == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_without_epsilon_the_target_is_infinite_where_z_is_0(sign):
    assert singular_target(torch.tensor([0.0, sign, 2.0]), epsilon=0) == sign * math.inf


@pytest.mark.parametrize("shape", [(), (4,), (2, 5)])
def test_a_batch_of_any_shape_has_a_target_for_each_row(shape):
    inputs = torch.ones(*shape, 3)
    assert singular_target(inputs, epsilon=1).equal(torch.full(shape, 0.5))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_batch_is_inputs_and_their_targets(dtype):
    inputs, targets = singular_batch(3, 7, epsilon=0.1, seed=0, dtype=dtype)
    assert inputs.dtype == targets.dtype == dtype
    assert inputs.shape == (3, 7, 3)
    assert targets.equal(singular_target(inputs, 0.1))


def test_a_seed_gives_the_same_inputs_in_single_and_double_precision():
    single, double = (singular_batch(100, seed=3, dtype=d)[0] for d in DTYPES)
    assert single.double().equal(double)


def test_another_seed_gives_other_inputs():
    assert not singular_batch(100, seed=3)[0].equal(singular_batch(100, seed=4)[0])


def test_a_generator_moves_on():
    generator = torch.Generator().manual_seed(3)
    first, second = (singular_batch(100, seed=generator)[0] for _ in range(2))
    assert first.equal(singular_batch(100, seed=3)[0])
    assert not second.equal(first)


def test_global_random_numbers_are_left_alone():
    before = torch.get_rng_state()
    singular_batch(100, seed=0)
    assert before.equal(torch.get_rng_state())


def test_inputs_are_standard_normal():
    inputs, _ = singular_batch(1_000_000, seed=0)
    assert inputs.mean(0).abs().max() < 0.005
    covariance = inputs.T @ inputs / len(inputs)
    assert (covariance - torch.eye(3)).abs().max() < 0.01


@pytest.mark.parametrize("epsilon", [0.1, 0.01])
def test_the_mean_square_of_the_targets_is_the_integral(epsilon):
    def integrand(z):
        return math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) / (epsilon + z**2) ** 2

    # x and y have mean square 1. The integrand is a peak at 0, hence a point there.
    expected, _ = quad(integrand, -10, 10, points=[0], limit=200)
    _, targets = singular_batch(1_000_000, epsilon=epsilon, seed=0, dtype=torch.float64)
    assert targets.square().mean().item() == pytest.approx(expected, rel=0.04)


def test_the_mean_square_at_one_hundredth_is_624():
    _, targets = singular_batch(1_000_000, epsilon=0.01, seed=1)
    assert targets.square().mean().item() == pytest.approx(624, rel=0.04)


def test_each_row_of_a_batch_can_have_an_epsilon_of_its_own():
    inputs = singular_batch(3, 20, seed=0)[0]
    epsilons = [1.0, 0.1, 1e-4]
    together = singular_target(inputs, torch.tensor(epsilons)[:, None])
    for row, epsilon in enumerate(epsilons):
        torch.testing.assert_close(together[row], singular_target(inputs[row], epsilon))


@pytest.mark.parametrize("epsilon", [0.5, torch.tensor([0.5]), torch.tensor([0.5]).double()])
def test_whole_numbers_as_inputs_leave_epsilon_as_it_is(epsilon):
    targets = singular_target(torch.tensor([[1, 1, 1]]), epsilon)
    assert targets.dtype == torch.float32
    assert targets.item() == pytest.approx(1 / 1.5)


def test_the_default_dtype_does_not_change_what_is_drawn(double_by_default):
    inputs, _ = singular_batch(5, seed=0)
    assert inputs.dtype == torch.float32
    torch.set_default_dtype(torch.float32)
    assert inputs.equal(singular_batch(5, seed=0)[0])


@pytest.mark.parametrize(
    ("epsilons", "error", "words"),
    [
        (1.0, ValueError, "expected one dimension"),
        (torch.tensor(1.0), ValueError, "expected one dimension"),
        (None, TypeError, "expected a sequence of finite numbers, got NoneType"),
        ([], ValueError, "expected at least one number, got none"),
        ([0.1, -1], ValueError, "expected numbers of at least 0, got -1.0"),
        ([0.1, 0.1 + 1e-12], ValueError, "expected each number once"),
    ],
)
def test_epsilons_that_cannot_be_used_are_refused_in_words(epsilons, error, words):
    with pytest.raises(error, match=f"^epsilons: {words}"):
        check_epsilons(epsilons)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (([[1, 2, 3]],), TypeError, "^inputs: expected a tensor, got list"),
        ((torch.ones(5, 2),), ValueError, r"^inputs: expected shape \(..., 3\), got \(5, 2\)"),
        ((torch.tensor(1.0),), ValueError, r"^inputs: expected shape \(..., 3\), got \(\)"),
        ((torch.ones(3), -1.0), ValueError, "^epsilon: expected a number of at least 0, got -1"),
        ((torch.ones(3), math.nan), ValueError, "^epsilon: expected a finite number, got nan"),
        ((torch.ones(3), "1"), TypeError, "^epsilon: expected a finite number, got str"),
        (
            (torch.ones(5, 3), torch.ones(4)),
            ValueError,
            r"^epsilon: expected a number or what broadcasts to \(5,\), got shape \(4,\)",
        ),
        (
            (torch.ones(3), torch.tensor(1j)),
            TypeError,
            "^epsilon: expected real numbers, got torch.c",
        ),
        (
            (torch.ones(3), torch.tensor(True)),
            TypeError,
            "^epsilon: expected real numbers, got torch.bool",
        ),
        ((torch.ones(5, 3), -torch.ones(5)), ValueError, "^epsilon: expected finite numbers of"),
        ((torch.ones(3), torch.tensor(math.inf)), ValueError, "^epsilon: expected finite numbers"),
    ],
)
def test_targets_of_what_cannot_be_used_are_refused_in_words(arguments, error, words):
    with pytest.raises(error, match=words):
        singular_target(*arguments)


CUDA = pytest.param(
    "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
)


@pytest.mark.parametrize("device", [None, "cpu", torch.device("cpu"), CUDA])
def test_a_seed_gives_the_same_inputs_on_every_device(device):
    inputs, targets = singular_batch(5, 20, seed=0, device=device)
    assert inputs.device.type == targets.device.type == torch.device(device or "cpu").type
    assert inputs.cpu().equal(singular_batch(5, 20, seed=0)[0])


@pytest.mark.parametrize(
    ("shape", "options", "error", "words"),
    [
        ((), {}, ValueError, "^shape: expected at least one number, got none"),
        ((0,), {}, ValueError, "^shape: expected a whole number of at least 1, got 0"),
        (((5, 2),), {}, TypeError, "^shape: expected a finite number, got tuple"),
        ((5,), {"epsilon": -1}, ValueError, "^epsilon: "),
        ((5,), {"seed": -1}, ValueError, "^seed: expected a whole number of at least 0, got -1"),
        ((5,), {"seed": "a"}, TypeError, "^seed: "),
        ((5,), {"dtype": torch.int64}, TypeError, "^dtype: expected a floating dtype"),
    ],
)
def test_batches_that_cannot_be_drawn_are_refused_in_words(shape, options, error, words):
    with pytest.raises(error, match=words):
        singular_batch(*shape, **options)


# The three targets of the practical, and a few points of each.

FORMULAS = {
    "simple": lambda x: 0.5 * x + 0.5 * math.sin(2 * x),
    "middle": lambda x: math.sin(5 * x) + 0.3 * x,
    "complex": lambda x: math.sin(5 * x) * math.cos(11 * x) + 0.3 * x,
}
every_target = pytest.mark.parametrize("name", FORMULAS)


def points(n=15, xmin=-1, xmax=1, noise_level=0, type="middle", *, seed=0, **options):
    return Data(n, xmin, xmax, noise_level, type, seed=seed, **options)


def test_the_targets_are_simple_middle_and_complex():
    assert list(TARGETS) == list(FORMULAS)


@every_target
def test_targets_are_their_formulas(name):
    x = [-1.0, -0.3, 0.0, 0.25, 2.0]
    expected = [FORMULAS[name](number) for number in x]
    assert TARGETS[name](x) == pytest.approx(expected, rel=1e-14)
    assert TARGETS[name](torch.tensor(x, dtype=torch.float64)).tolist() == pytest.approx(expected)


@pytest.mark.parametrize(("name", "turns"), [("simple", 0), ("middle", 4), ("complex", 10)])
def test_targets_turn_as_often_as_they_say(name, turns):
    rises = np.diff(TARGETS[name](np.linspace(-1, 1, 2001))) > 0
    assert np.count_nonzero(rises[1:] != rises[:-1]) == turns
    assert {0: "without a turn", 4: "four", 10: "ten"}[turns] in TARGETS[name].__doc__


@every_target
def test_targets_of_tensors_are_tensors_with_a_gradient(name):
    x = torch.tensor([0.4], dtype=torch.float64, requires_grad=True)
    TARGETS[name](x).sum().backward()
    slope = (FORMULAS[name](0.4 + 1e-6) - FORMULAS[name](0.4 - 1e-6)) / 2e-6
    assert x.grad.item() == pytest.approx(slope, rel=1e-6)


@every_target
def test_labels_without_noise_are_the_target_at_the_inputs(name):
    dataset = points(type=name, dtype=torch.float64)
    expected = [FORMULAS[name](x) for x in dataset.inputs[:, 0].tolist()]
    assert dataset.labels[:, 0].tolist() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_inputs_and_labels_are_columns_of_the_dtype(dtype):
    dataset = points(n=7, dtype=dtype)
    assert dataset.inputs.shape == dataset.labels.shape == (7, 1)
    assert dataset.inputs.dtype == dataset.labels.dtype == dtype


def test_inputs_are_uniform_on_the_interval():
    inputs = points(n=100_000, xmin=-3, xmax=5).inputs
    assert -3 <= inputs.min() < -2.99
    assert 4.99 < inputs.max() <= 5
    assert inputs.mean().item() == pytest.approx(1, abs=0.03)
    assert inputs.var().item() == pytest.approx(64 / 12, rel=0.02)


def test_the_noise_is_normal_with_its_standard_deviation():
    quiet, noisy = (points(n=100_000, noise_level=level) for level in (0, 0.3))
    noise = (noisy.labels - quiet.labels) / 0.3
    for power, moment in ((1, 0), (2, 1), (3, 0), (4, 3)):
        assert noise.pow(power).mean().item() == pytest.approx(moment, abs=0.05)


def test_the_inputs_do_not_depend_on_the_noise():
    assert points(noise_level=0).inputs.equal(points(noise_level=2).inputs)


@every_target
def test_a_seed_gives_the_same_points_in_single_and_double_precision(name):
    single, double = (points(noise_level=0.1, type=name, dtype=dtype) for dtype in DTYPES)
    assert double.inputs.float().equal(single.inputs)
    assert double.labels.float().equal(single.labels)


def test_another_seed_gives_other_points():
    assert not points(seed=0).inputs.equal(points(seed=1).inputs)
    assert not points(seed=None).inputs.equal(points(seed=None).inputs)


def test_a_generator_of_points_moves_on():
    generator = torch.Generator().manual_seed(0)
    first, second = (points(seed=generator).inputs for _ in range(2))
    assert first.equal(points(seed=0).inputs)
    assert not second.equal(first)


def test_points_leave_global_random_numbers_alone():
    before = torch.get_rng_state()
    points(noise_level=0.1).next_batch(5)
    assert before.equal(torch.get_rng_state())


def test_the_default_dtype_does_not_change_the_points(double_by_default):
    dataset = points(noise_level=0.1)
    assert dataset.inputs.dtype == torch.float32
    torch.set_default_dtype(torch.float32)
    assert dataset.labels.equal(points(noise_level=0.1).labels)


@settings(deadline=None, max_examples=30)
@given(n=st.integers(1, 20), size=st.integers(1, 25), seed=st.integers(0, 100))
def test_a_batch_is_some_of_the_points_without_replacement(n, size, seed):
    dataset = points(n=n, noise_level=0.5, seed=seed, dtype=torch.float64)
    inputs, labels = dataset.next_batch(size)
    assert inputs.shape == labels.shape == (min(n, size), 1)
    pairs = set(zip(inputs.flatten().tolist(), labels.flatten().tolist(), strict=True))
    assert len(pairs) == min(n, size)
    assert pairs <= {
        *zip(dataset.inputs[:, 0].tolist(), dataset.labels[:, 0].tolist(), strict=True)
    }


@pytest.mark.parametrize("size", [15, 16, 1000])
def test_a_batch_of_all_points_has_them_in_their_order(size):
    dataset = points()
    inputs, labels = dataset.next_batch(size)
    assert inputs.equal(dataset.inputs)
    assert labels.equal(dataset.labels)


def test_every_point_comes_equally_often():
    dataset = points(n=5)
    drawn = torch.cat([dataset.next_batch(2)[0] for _ in range(1000)])
    often = (drawn == dataset.inputs.T).double().mean(0)
    assert often.tolist() == pytest.approx([0.2] * 5, abs=0.03)


def test_batches_differ_and_come_from_the_seed():
    one, other = ([points(seed=0)] * 3, [points(seed=0)] * 3)
    first, second = ([data.next_batch(5)[0] for data in same] for same in (one, other))
    assert torch.stack(first).equal(torch.stack(second))
    assert not first[0].equal(first[1])


def test_batches_do_not_depend_on_the_noise():
    quiet, noisy = (points(noise_level=level).next_batch(5)[0] for level in (0, 1))
    assert quiet.equal(noisy)


@every_target
def test_the_risk_is_the_mean_square_on_a_grid(name):
    dataset = points(xmin=-2, xmax=3, noise_level=1, type=name, dtype=torch.float64)
    grid = np.linspace(-2, 3, 1000)
    expected = np.mean((np.exp(grid) - TARGETS[name](grid)) ** 2)
    assert dataset.risk(torch.exp).shape == ()
    assert dataset.risk(torch.exp).item() == pytest.approx(expected, rel=1e-10)


def test_the_risk_of_the_target_is_zero_whatever_the_noise():
    dataset = points(noise_level=3)
    assert dataset.risk(dataset.target).item() < 1e-12


@pytest.mark.parametrize(
    ("name", "variance"), [("simple", 0.45), ("middle", 0.5), ("complex", 0.36)]
)
def test_the_risk_of_the_mean_is_the_variance_of_the_target(name, variance):
    # All three targets are odd, so that their mean is 0.
    assert points(type=name).risk(torch.zeros_like).item() == pytest.approx(variance, abs=0.005)


@pytest.mark.parametrize("models", [1, 3])
def test_the_risk_of_a_stack_is_that_of_each_network(models):
    dataset = points(dtype=torch.float64)
    net = StackedMLP(models, inputs=1, hidden=[10], seed=0, dtype=torch.float64)
    alone = torch.stack([dataset.risk(net.single(model)) for model in range(models)])
    torch.testing.assert_close(dataset.risk(net), alone, rtol=1e-12, atol=0)


def test_the_risk_has_no_gradient_and_calls_the_network_once():
    seen = []
    net = nn.Linear(1, 1)
    net.register_forward_hook(lambda module, inputs, outputs: seen.append(inputs[0].shape))
    assert not points().risk(net).requires_grad
    assert seen == [(1000, 1)]


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_the_risk_of_a_network_that_has_diverged_is_not_finite(value):
    assert not math.isfinite(points().risk(lambda x: torch.full_like(x, value)))


@pytest.mark.parametrize(
    ("n", "noise_level", "words"),
    [
        (15, 0.1, 'Data(15 points of the target "middle" on [-1, 1], noise 0.1)'),
        (1, 0, 'Data(1 point of the target "middle" on [-1, 1], noise 0)'),
    ],
)
def test_points_say_what_they_are(n, noise_level, words):
    assert repr(points(n=n, noise_level=noise_level)) == words


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"n": 0}, ValueError, "n: expected a whole number of at least 1, got 0"),
        ({"n": 1.5}, ValueError, "n: expected a whole number of at least 1, got 1.5"),
        ({"n": "15"}, TypeError, "n: expected a finite number, got str '15'"),
        ({"xmin": 1}, ValueError, r"xmin: expected a number below xmax \(1.0\), got 1.0"),
        ({"xmin": 2}, ValueError, r"xmin: expected a number below xmax \(1.0\), got 2.0"),
        ({"xmax": math.inf}, ValueError, "xmax: expected a finite number, got inf"),
        ({"xmin": None}, TypeError, "xmin: expected a finite number, got NoneType None"),
        ({"noise_level": -0.1}, ValueError, "noise_level: expected a number of at least 0, got -0"),
        ({"noise_level": "little"}, TypeError, "noise_level: expected a finite number, got str"),
        ({"type": "easy"}, ValueError, "type: expected one of simple, middle, complex, got 'easy'"),
        ({"type": None}, ValueError, "type: expected one of simple, middle, complex, got None"),
        ({"type": ["simple"]}, ValueError, "type: expected one of .* got \\['simple'\\]"),
        ({"seed": -1}, ValueError, "seed: expected a whole number of at least 0, got -1"),
        ({"seed": "a"}, TypeError, "seed: "),
        ({"dtype": torch.int64}, TypeError, "dtype: expected a floating dtype .* torch.int64"),
    ],
)
def test_points_that_cannot_be_drawn_are_refused_in_words(options, error, words):
    with pytest.raises(error, match=f"^{words}"):
        points(**options)


@pytest.mark.parametrize(
    ("size", "error", "words"),
    [
        (0, ValueError, "expected a whole number of at least 1, got 0"),
        (2.5, ValueError, "expected a whole number of at least 1, got 2.5"),
        (None, TypeError, "expected a finite number, got NoneType None"),
    ],
)
def test_batches_of_no_size_are_refused_in_words(size, error, words):
    with pytest.raises(error, match=f"^batch_size: {words}"):
        points().next_batch(size)


@pytest.mark.parametrize(
    ("net", "error", "words"),
    [
        (3, TypeError, "expected a network or a function, got 3"),
        (lambda x: x[:, 0], ValueError, r"expected outputs of shape \(1000, 1\), got \(1000,\)"),
        (lambda x: x.expand(-1, 2), ValueError, r"expected outputs of .* got \(1000, 2\)"),
        (lambda x: 3.0, TypeError, "expected outputs in a tensor, got float"),
        (lambda x: np.zeros((1000, 1)), TypeError, "expected outputs in a tensor, got ndarray"),
    ],
)
def test_what_has_no_risk_is_refused_in_words(net, error, words):
    with pytest.raises(error, match=f"^net: {words}"):
        points().risk(net)
