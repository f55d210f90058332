"""Sharpness, against dense Hessians and closed forms."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from adl import model_1p
from adl.curvature import preconditioned_sharpness, sharpness, stability_limit
from adl.models import StackedMLP
from adl.sheets import X
from adl.training import StackedAdam, train_stacked

MODELS = 5
SHAPES = [(1, [10]), (3, [6, 6]), (2, [1]), (1, [4, 3, 2])]
exactly = {"rtol": 1e-8, "atol": 0}


def stack(inputs=1, hidden=(10,), models=MODELS, seed=0, activation=torch.tanh):
    return StackedMLP(
        models,
        inputs=inputs,
        hidden=hidden,
        seed=seed,
        activation=activation,
        dtype=torch.float64,
    )


def data(inputs=1, points=15):
    x = torch.randn(points, inputs, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return x, torch.sin(3 * x[:, 0])


def column(batch):
    """The batch as a single network wants it."""
    return batch[0], batch[1][:, None]


def hessian(net, batch, loss=F.mse_loss):
    """All second derivatives of a single network's loss, by its parameters in their order."""
    names, parameters = zip(*net.named_parameters(), strict=True)
    sizes = [parameter.numel() for parameter in parameters]

    def value(vector):
        parts = zip(parameters, vector.split(sizes), strict=True)
        own = dict(zip(names, [part.view_as(p) for p, part in parts], strict=True))
        return loss(torch.func.functional_call(net, own, (batch[0],)), batch[1])

    vector = torch.cat([parameter.detach().flatten() for parameter in parameters])
    return torch.func.hessian(value)(vector)


def largest(matrix):
    return torch.linalg.eigvalsh(matrix)[-1]


def dense(net, batch, **options):
    batch = column(batch)
    return torch.stack([largest(hessian(net.single(n), batch, **options)) for n in range(MODELS)])


@pytest.mark.parametrize(("tolerance", "error"), [(1e-4, 1e-3), (1e-12, 1e-8)])
@pytest.mark.parametrize("activation", [torch.tanh, torch.relu])
@pytest.mark.parametrize(("inputs", "hidden"), SHAPES)
@pytest.mark.parametrize("seed", range(2))
def test_sharpness_is_the_largest_eigenvalue_of_the_hessian(
    inputs, hidden, activation, seed, tolerance, error
):
    net, batch = stack(inputs, hidden, seed=seed, activation=activation), data(inputs)
    found = sharpness(net, batch, tolerance=tolerance)
    torch.testing.assert_close(found, dense(net, batch), rtol=error, atol=0)


@pytest.mark.parametrize("loss", [F.l1_loss, F.huber_loss])
def test_the_loss_can_be_chosen(loss):
    net, batch = stack(), data()
    found = sharpness(net, batch, loss=loss, tolerance=1e-12)
    torch.testing.assert_close(found, dense(net, batch, loss=loss), **exactly)


def test_networks_can_have_examples_of_their_own():
    net, (inputs, targets) = stack(), data(points=5 * MODELS)
    inputs, targets = inputs.view(MODELS, 5, 1), targets.view(MODELS, 5)
    together = sharpness(net, (inputs, targets), tolerance=1e-12)
    for model, found in enumerate(together):
        alone = hessian(net.single(model), column((inputs[model], targets[model])))
        assert found.item() == pytest.approx(largest(alone).item(), rel=1e-8)


def test_a_single_network_has_the_sharpness_that_it_has_in_the_stack():
    net, batch = stack(3, [6, 6]), data(3)
    together = sharpness(net, batch, tolerance=1e-12)
    for model, found in enumerate(together):
        alone = sharpness(net.single(model), column(batch), tolerance=1e-12)
        assert alone.shape == ()
        assert alone.item() == pytest.approx(found.item(), rel=1e-8)


@pytest.mark.parametrize("x", [X, [1.0], [-3.0, 0.5]])
def test_the_sharpness_of_chapter_1_is_two_over_the_critical_step_size(x):
    inputs = torch.tensor(x, dtype=torch.float64)[:, None]
    model = nn.Linear(1, 1, bias=False, dtype=torch.float64)
    expected = 2 / model_1p.critical_step_size(x)
    assert sharpness(model, (inputs, 2 * inputs)).item() == pytest.approx(expected, rel=1e-12)


def test_frozen_parameters_do_not_count():
    inputs = data()[0]
    model = nn.Linear(1, 1, dtype=torch.float64)
    model.bias.requires_grad_(False)
    expected = 2 * inputs.square().mean().item()
    assert sharpness(model, (inputs, inputs)).item() == pytest.approx(expected, rel=1e-12)


def test_measuring_a_network_in_training_mode_leaves_its_buffers_alone():
    torch.manual_seed(0)
    alone = nn.Sequential(nn.Linear(1, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1)).double()
    before = {name: buffer.clone() for name, buffer in alone.named_buffers()}
    assert len(before) == 3
    assert sharpness(alone, column(data())).isfinite()
    assert all(buffer.equal(before[name]) for name, buffer in alone.named_buffers())


def test_measuring_changes_nothing():
    net = stack()
    before, random = net.vector.detach().clone(), torch.get_rng_state()
    first, second = (sharpness(net, data()) for _ in range(2))
    assert first.equal(second)
    assert net.vector.equal(before)
    assert net.vector.grad is None
    assert random.equal(torch.get_rng_state())


@pytest.mark.parametrize("seed", [1, 2, torch.Generator().manual_seed(3)])
def test_the_start_of_the_search_does_not_matter(seed):
    net, batch = stack(), data()
    found, other = (sharpness(net, batch, tolerance=1e-12, seed=s) for s in (0, seed))
    torch.testing.assert_close(other, found, **exactly)


# Problems on which Lanczos' method has nothing left to search.


def linear(inputs):
    return nn.Linear(inputs, 1, dtype=torch.float64)


@pytest.mark.parametrize("tolerance", [0, 1e-4])
@pytest.mark.parametrize("points", [1, 2, 5])
def test_a_matrix_of_few_eigenvectors_is_measured(points, tolerance):
    batch, model = column(data(50, points)), linear(50)
    expected = largest(hessian(model, batch)).item()
    assert sharpness(model, batch, tolerance=tolerance).item() == pytest.approx(expected, rel=1e-3)


def test_a_matrix_of_rank_one_is_measured_exactly():
    inputs, targets = column(data(50, 1))
    expected = 2 * (inputs.square().sum().item() + 1)
    assert sharpness(linear(50), (inputs, targets)).item() == pytest.approx(expected, rel=1e-12)


def test_where_all_curvature_is_negative_the_least_negative_is_found():
    def hill(outputs, targets):
        return -F.mse_loss(outputs, targets)

    batch, model = column(data(3)), linear(3)
    matrix = hessian(model, batch, loss=hill)
    found = sharpness(model, batch, loss=hill, tolerance=1e-12).item()
    assert found < 0
    assert found == pytest.approx(largest(matrix).item(), rel=1e-8)


@pytest.mark.parametrize("seed", range(10))
def test_a_hill_that_is_round_is_measured_exactly(seed):
    # Every vector is an eigenvector, and rounding may leave nothing at all of the second product.
    inputs = torch.tensor([[1.0], [-1.0]], dtype=torch.float64)
    found = sharpness(linear(1), (inputs, inputs), loss=lambda o, t: -F.mse_loss(o, t), seed=seed)
    assert found.item() == pytest.approx(-2, rel=1e-12)


def test_a_linear_loss_has_no_curvature():
    assert sharpness(linear(3), column(data(3)), loss=lambda o, t: (o * t).mean()) == 0


def test_a_network_of_zeros_curves_in_its_output_bias_alone():
    net, batch = stack(), data()
    others = [0, 1, 3, 4]
    expected = sharpness(net, batch, tolerance=1e-12)[others]
    with torch.no_grad():
        net.vector[2] = 0
    relu = stack(activation=torch.relu)
    with torch.no_grad():
        relu.vector.zero_()
    torch.testing.assert_close(sharpness(relu, batch), torch.full((MODELS,), 2.0).double())
    torch.testing.assert_close(sharpness(net, batch, tolerance=1e-12)[others], expected, **exactly)


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e200])
def test_a_network_that_has_diverged_leaves_the_others_measurable(value):
    net, batch = stack(activation=torch.relu), data()
    expected = sharpness(net, batch)
    with torch.no_grad():
        net.vector[1] = value
    found = sharpness(net, batch)
    assert found.isnan().tolist() == [False, True, False, False, False]
    torch.testing.assert_close(found[[0, 2, 3, 4]], expected[[0, 2, 3, 4]], **exactly)


# Adam's units.


def adam_alone(alone, batch, steps=30, **options):
    optimizer = torch.optim.Adam(alone.parameters(), lr=0.01, **options)
    for _ in range(steps):
        optimizer.zero_grad()
        F.mse_loss(alone(batch[0]), batch[1]).backward()
        optimizer.step()
    return optimizer


@pytest.mark.parametrize(
    "options", [{}, {"betas": (0.5, 0.9)}, {"eps": 0.1}, {"amsgrad": True}], ids=str
)
@pytest.mark.parametrize("seed", range(3))
def test_preconditioned_sharpness_is_that_of_the_rescaled_hessian(seed, options):
    alone, batch = stack(seed=seed).single(0), column(data())
    optimizer = adam_alone(alone, batch, **options)
    group, squares = optimizer.param_groups[0], []
    for parameter in alone.parameters():
        state = optimizer.state[parameter]
        squares.append(state["max_exp_avg_sq" if "amsgrad" in options else "exp_avg_sq"].flatten())
    beta1, beta2 = group["betas"]
    root = (torch.cat(squares) / (1 - beta2**30)).sqrt() + group["eps"]
    scale = 1 / ((1 - beta1**31) * root).sqrt()
    expected = largest(scale[:, None] * hessian(alone, batch) * scale).item()
    for tolerance, error in ((1e-4, 1e-3), (1e-12, 1e-8)):
        found = preconditioned_sharpness(alone, batch, optimizer, tolerance=tolerance)
        assert found.item() == pytest.approx(expected, rel=error)


def test_stacked_adam_is_measured_as_torchs_adam_is():
    net, batch = stack(), data()
    singles = [net.single(model) for model in range(MODELS)]
    beta1, beta2 = [0.0, 0.5, 0.8, 0.9, 0.97], [0.9, 0.99, 0.999, 0.999, 0.95]
    adam = StackedAdam(net, beta1=beta1, beta2=beta2)
    train_stacked(adam, batch, step_size=0.01, steps=30)
    together = preconditioned_sharpness(net, batch, adam, tolerance=1e-12)
    for found, alone, betas in zip(together, singles, zip(beta1, beta2, strict=True), strict=True):
        optimizer = adam_alone(alone, column(batch), betas=betas)
        expected = preconditioned_sharpness(alone, column(batch), optimizer, tolerance=1e-12)
        assert found.item() == pytest.approx(expected.item(), rel=1e-8)


# The limit.


def test_the_limit_is_2_over_the_step_size_and_38_with_adams_momentum():
    assert stability_limit(0.01) == pytest.approx(200)
    assert stability_limit(0.01, beta1=0.9) == pytest.approx(3800)


def test_the_limit_is_computed_for_each_network():
    beta1 = torch.tensor([0.0, 0.5, 0.9])
    found = stability_limit(torch.tensor([1.0, 2.0, 0.5]), beta1=beta1)
    torch.testing.assert_close(found, torch.tensor([2.0, 3.0, 76.0]))


@settings(deadline=None, max_examples=30)
@given(beta1=st.floats(0, 0.97), seed=st.integers(0, 1000))
def test_steps_grow_from_the_limit_on(beta1, seed):
    random = np.random.default_rng(seed)
    factor, units = random.normal(size=(3, 3)), random.uniform(0.1, 10, size=3)
    curvature = factor @ factor.T
    scaled = curvature / np.sqrt(units[:, None] * units)
    eigenvalues, eigenvectors = np.linalg.eigh(scaled)
    critical = stability_limit(1.0, beta1=beta1) / eigenvalues[-1]
    for step_size, grows in ((0.99 * critical, False), (1.01 * critical, True)):
        weights, mean = eigenvectors[:, -1] / np.sqrt(units), 0.0
        start = np.linalg.norm(weights)
        for _ in range(400):
            mean = beta1 * mean + (1 - beta1) * curvature @ weights
            weights = weights - step_size * mean / units
        assert (np.linalg.norm(weights) > start) == grows


# What cannot be used.


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"net": "net"}, TypeError, "^net: expected a network .torch.nn.Module., got str"),
        ({"net": nn.ReLU()}, ValueError, "^net: expected a network with parameters to train"),
        ({"batch": 3}, TypeError, "^batch: expected a pair of tensors, got int"),
        ({"batch": (torch.ones(3, 1),)}, TypeError, r"^batch: .* got \(Tensor\)"),
        ({"batch": (torch.ones(3, 2), torch.ones(3))}, ValueError, "^batch: expected inputs of"),
        ({"loss": "mse"}, TypeError, "^loss: expected a function, got 'mse'"),
        ({"net": nn.Linear(1, 1), "loss": 3}, TypeError, "^loss: expected a function, got 3"),
        (
            {"net": nn.Linear(1, 1).double(), "loss": lambda y, t: (y[:, 0] - t).square()},
            ValueError,
            r"^loss: expected one number for a batch, got shape \(15,\)",
        ),
        (
            {"net": nn.Linear(1, 1).double(), "loss": lambda y, t: 0.5},
            TypeError,
            "^loss: expected a tensor, got float 0.5",
        ),
        ({"net": nn.Linear(1, 1), "batch": 3}, TypeError, "^batch: expected a pair of tensors"),
        ({"tolerance": -1e-4}, ValueError, "^tolerance: expected a number of at least 0"),
        ({"tolerance": "low"}, TypeError, "^tolerance: "),
        ({"seed": -1}, ValueError, "^seed: expected a whole number of at least 0, got -1"),
        ({"seed": "a"}, TypeError, "^seed: "),
    ],
)
def test_what_cannot_be_measured_is_refused_in_words(options, error, words):
    with pytest.raises(error, match=words):
        sharpness(**{"net": stack(), "batch": data(), **options})


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (StackedAdam, ValueError, "one that has made at least one step"),
        (lambda net: StackedAdam(stack()), ValueError, "the one that trains these networks"),
        (lambda net: torch.optim.Adam(net.parameters()), ValueError, "at least one step"),
        (lambda net: torch.optim.Adam(stack().parameters()), ValueError, "trains this network"),
        (lambda net: torch.optim.SGD(net.parameters()), TypeError, "torch.optim.Adam, got SGD"),
        (lambda net: None, TypeError, "a StackedAdam or torch.optim.Adam, got NoneType"),
    ],
)
def test_optimizers_that_are_not_the_networks_adam_are_refused_in_words(make, error, words):
    net = stack()
    with pytest.raises(error, match=f"^optimizer: expected .*{words}"):
        preconditioned_sharpness(net, data(), make(net))


def test_a_parameter_that_adam_has_never_moved_is_named():
    alone, batch = nn.Sequential(*stack().single(0), nn.Linear(1, 1).double()), column(data())
    alone[-1].bias.requires_grad_(False)
    optimizer = adam_alone(alone, batch)
    alone[-1].bias.requires_grad_(True)
    with pytest.raises(ValueError, match="^optimizer: .* without a state for 3.bias, which has"):
        preconditioned_sharpness(alone, batch, optimizer)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"step_size": 0}, ValueError, "^step_size: expected numbers above 0, got 0"),
        ({"step_size": "a"}, TypeError, "^step_size: "),
        ({"step_size": torch.tensor([1.0, -1.0])}, ValueError, "^step_size: expected numbers"),
        ({"step_size": 1, "beta1": 1}, ValueError, "^beta1: expected numbers from 0 to below 1"),
        ({"step_size": 1, "beta1": None}, TypeError, "^beta1: "),
    ],
)
def test_limits_that_do_not_exist_are_refused_in_words(arguments, error, words):
    with pytest.raises(error, match=words):
        stability_limit(**arguments)
