"""Targets and batches, against values by hand and an integral."""

import math

import pytest
import torch
from scipy.integrate import quad

from adl.data import check_epsilons, singular_batch, singular_target

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
