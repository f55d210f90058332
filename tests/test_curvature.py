"""Sharpness and tangent kernels, against dense derivatives and closed forms."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from adl import model_1p
from adl.curvature import (
    kernel_drift,
    kernel_sharpness,
    preconditioned_sharpness,
    sharpness,
    stability_limit,
    tangent_kernel,
)
from adl.models import LinSin, MLPdeep, MLPshallow, ScaledModel, StackedMLP
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


# The tangent kernel.

NETWORKS = {
    "shallow": lambda **options: MLPshallow(10, **options),
    "ntk": lambda **options: MLPdeep(6, parametrization="ntk", **options),
    "linsin": lambda **options: LinSin(8, **options),
    "scaled": lambda **options: ScaledModel(MLPdeep(6, activation=torch.tanh, **options), 3),
    "plain": lambda **options: stack(1, (4, 3)).single(0),
}
every_network = pytest.mark.parametrize("kind", NETWORKS)


def network(kind):
    return NETWORKS[kind](seed=0, dtype=torch.float64)


@every_network
def test_the_kernel_holds_the_products_of_the_outputs_gradients(kind):
    net, x = network(kind), data()[0]
    rows = []
    for output in net(x)[:, 0]:
        parts = torch.autograd.grad(output, list(net.parameters()), retain_graph=True)
        rows.append(torch.cat([part.flatten() for part in parts]))
    jacobian = torch.stack(rows)
    torch.testing.assert_close(tangent_kernel(net, x), jacobian @ jacobian.T)


@every_network
def test_the_kernel_is_that_of_torch_func(kind):
    net, x = network(kind), data()[0]
    parameters = dict(net.named_parameters())

    def output(parameters, example):
        return torch.func.functional_call(net, parameters, (example[None],))[0, 0]

    per_example = torch.func.vmap(torch.func.grad(output), (None, 0))(parameters, x)
    expected = sum(part.flatten(1) @ part.flatten(1).T for part in per_example.values())
    torch.testing.assert_close(tangent_kernel(net, x), expected.detach())


@pytest.mark.parametrize("make", [MLPshallow, MLPdeep])
@pytest.mark.parametrize("parametrization", ["pytorch", "ntk"])
def test_a_stack_has_the_kernel_of_each_network(make, parametrization):
    options = {"parametrization": parametrization, "activation": torch.tanh}
    nets = [make(7, seed=seed, dtype=torch.float64, **options) for seed in range(3)]
    together = tangent_kernel(StackedMLP.of(nets), data()[0])
    assert together.shape == (3, 15, 15)
    torch.testing.assert_close(
        together, torch.stack([tangent_kernel(net, data()[0]) for net in nets])
    )


def test_networks_of_several_inputs_have_a_kernel_too():
    net, (x, _) = stack(3, (6, 6)), data(3)
    expected = torch.stack([tangent_kernel(net.single(model), x) for model in range(MODELS)])
    torch.testing.assert_close(tangent_kernel(net, x), expected)


def test_the_kernel_of_a_linear_model_is_that_of_its_features_and_bias():
    net, (x, _) = network("linsin"), data()
    features = net.phi(x)
    torch.testing.assert_close(tangent_kernel(net, x), features @ features.T + 1)


def test_the_kernel_of_sinusoids_has_a_closed_form():
    x = torch.tensor([[0.1], [0.35]], dtype=torch.float64)
    # cos a cos b + sin a sin b = cos(a - b)
    across = 1 + sum(math.cos(2 * math.pi * k * 0.25) for k in (1, 2, 3))
    expected = torch.tensor([[4, across], [across, 4]], dtype=torch.float64)
    torch.testing.assert_close(tangent_kernel(LinSin(6, dtype=torch.float64), x), expected)


def test_scaling_the_outputs_multiplies_the_kernel_by_its_square():
    base, (x, _) = MLPdeep(6, seed=0, dtype=torch.float64), data()
    expected = 49 * tangent_kernel(base, x)
    torch.testing.assert_close(tangent_kernel(ScaledModel(base, 7), x), expected)


def test_the_kernel_is_symmetric_and_has_no_eigenvalue_below_0():
    kernels = tangent_kernel(stack(), data()[0])
    torch.testing.assert_close(kernels, kernels.mT)
    assert torch.linalg.eigvalsh(kernels).min() > -1e-10


def test_kernels_of_ntk_networks_vary_by_one_over_the_root_of_the_width():
    options = {"inputs": 1, "parametrization": "ntk", "seed": 0}
    wide, narrow = (
        tangent_kernel(StackedMLP(300, hidden=[width], **options), data()[0]).std(0).norm()
        for width in (250, 10)
    )
    assert (wide / narrow).item() == pytest.approx(0.2, rel=0.2)


def test_a_small_step_moves_the_outputs_as_the_kernel_says():
    net, (x, y) = stack(), data()
    with torch.no_grad():
        before, errors = net(x), net(x) - y
    predicted = -2e-6 / 15 * (tangent_kernel(net, x) @ errors[..., None])[..., 0]
    (gradient,) = torch.autograd.grad((net(x) - y).square().mean(-1).sum(), net.vector)
    with torch.no_grad():
        moved = net(x, net.vector - 1e-6 * gradient) - before
    torch.testing.assert_close(moved, predicted, rtol=1e-4, atol=1e-12)


@pytest.mark.parametrize("kind", ["shallow", "scaled"])
def test_measuring_the_kernel_leaves_the_network_as_it_is(kind):
    net, x = network(kind), data()[0]
    net(x).sum().backward()
    kept = [(p.detach().clone(), p.grad.clone()) for p in net.parameters()]
    assert not tangent_kernel(net, x).requires_grad
    for parameter, (value, gradient) in zip(net.parameters(), kept, strict=True):
        assert parameter.equal(value)
        assert parameter.grad.equal(gradient)


def test_frozen_parameters_are_no_part_of_the_kernel():
    net, (x, _) = network("linsin"), data()
    net.lout.bias.requires_grad_(False)
    features = net.phi(x)
    torch.testing.assert_close(tangent_kernel(net, x), features @ features.T)


# How far it moves.


def test_the_drift_is_the_norm_of_the_difference_over_that_of_the_start():
    start, now = tangent_kernel(stack(), data()[0]), tangent_kernel(stack(seed=1), data()[0])
    expected = [
        math.sqrt(((b - a) ** 2).sum() / (a**2).sum())
        for a, b in zip(start.numpy(), now.numpy(), strict=True)
    ]
    assert kernel_drift(start, now).tolist() == pytest.approx(expected)


matrices = st.integers(0, 1000).map(
    lambda seed: torch.from_numpy(np.random.default_rng(seed).normal(size=(3, 4, 4)))
)
factors = st.floats(0.01, 100)


@settings(deadline=None, max_examples=20)
@given(kernel=matrices, factor=factors)
def test_a_kernel_that_is_only_multiplied_drifts_by_the_factor_minus_1(kernel, factor):
    expected = torch.full((3,), abs(factor - 1), dtype=torch.float64)
    torch.testing.assert_close(kernel_drift(kernel, factor * kernel), expected)


@settings(deadline=None, max_examples=20)
@given(start=matrices, now=matrices, factor=factors)
def test_the_drift_does_not_depend_on_the_unit(start, now, factor):
    assert kernel_drift(start, start).tolist() == [0, 0, 0]
    torch.testing.assert_close(kernel_drift(factor * start, factor * now), kernel_drift(start, now))


@settings(deadline=None, max_examples=20)
@given(start=matrices, now=matrices, order=st.permutations(range(4)))
def test_the_drift_does_not_depend_on_the_order_of_the_examples(start, now, order):
    shuffled = [kernel[:, order][:, :, order] for kernel in (start, now)]
    torch.testing.assert_close(kernel_drift(*shuffled), kernel_drift(start, now))


# The curvature that comes from it.


@pytest.mark.parametrize("feature_dim", [2, 8, 100])
def test_of_a_linear_model_it_is_the_sharpness(feature_dim):
    net, batch = LinSin(feature_dim, seed=0, dtype=torch.float64), column(data())
    found = kernel_sharpness(tangent_kernel(net, batch[0]))
    assert found.item() == pytest.approx(sharpness(net, batch, tolerance=1e-12).item(), rel=1e-8)


def test_of_a_network_it_is_the_sharpness_where_nothing_is_left_to_learn():
    net, (x, _) = stack(), data()
    with torch.no_grad():
        targets = net(x)
    found = kernel_sharpness(tangent_kernel(net, x))
    torch.testing.assert_close(found, sharpness(net, (x, targets), tolerance=1e-12), **exactly)


def test_it_is_the_largest_eigenvalue_times_2_over_the_examples():
    kernels = tangent_kernel(stack(), data()[0])
    expected = [2 / 15 * np.linalg.eigvalsh(kernel)[-1] for kernel in kernels.numpy()]
    assert kernel_sharpness(kernels).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_a_kernel_that_is_not_finite_has_no_curvature_and_spoils_no_other(value):
    kernels = torch.eye(2).repeat(3, 1, 1)
    kernels[1, 0, 0] = value
    found = kernel_sharpness(kernels)
    assert found[[0, 2]].tolist() == [1, 1]
    assert found[1].isnan()
    assert not kernel_drift(torch.eye(2).repeat(3, 1, 1), kernels)[1].isfinite()


@pytest.mark.parametrize(
    ("net", "inputs", "error", "words"),
    [
        ("net", torch.ones(3, 1), TypeError, "net: expected a network .*, got str"),
        (nn.ReLU(), torch.ones(3, 1), ValueError, "net: expected a network with parameters to tr"),
        (nn.Linear(1, 2), torch.ones(3, 1), ValueError, r"net: .* 3 examples, got shape \(3, 2\)"),
        (stack(), 3, TypeError, "inputs: expected a tensor, got int"),
        (stack(), torch.ones(3), ValueError, r"inputs: .*\(examples, inputs\), got \(3,\)"),
        (stack(), torch.ones(0, 1), ValueError, r"inputs: .*\(examples, inputs\), got \(0, 1\)"),
        (stack(), torch.ones(5, 3, 1), ValueError, r"inputs: expected shape .* got \(5, 3, 1\)"),
        (stack(), torch.ones(3, 2), ValueError, "net: expected networks with 2 inputs, got 1"),
    ],
)
def test_what_has_no_kernel_is_refused_in_words(net, inputs, error, words):
    with pytest.raises(error, match=f"^{words}"):
        tangent_kernel(net, inputs)


@pytest.mark.parametrize(
    ("kernel", "error", "words"),
    [
        (3, TypeError, "expected a tensor, got int"),
        (np.eye(2), TypeError, "expected a tensor, got ndarray"),
        (torch.ones(3), ValueError, r"expected shape \(..., examples, examples\), got \(3,\)"),
        (torch.ones(2, 3), ValueError, r"expected shape .* got \(2, 3\)"),
        (torch.ones(0, 0), ValueError, r"expected shape .* got \(0, 0\)"),
    ],
)
def test_what_is_no_kernel_is_refused_in_words(kernel, error, words):
    for name, use in (
        ("kernel", lambda: kernel_sharpness(kernel)),
        ("start", lambda: kernel_drift(kernel, torch.eye(2))),
        ("now", lambda: kernel_drift(torch.eye(2), kernel)),
    ):
        with pytest.raises(error, match=f"^{name}: {words}"):
            use()


def test_kernels_of_different_shapes_are_refused_in_words():
    with pytest.raises(ValueError, match=r"^now: expected shape \(2, 2\), got \(3, 3\)"):
        kernel_drift(torch.eye(2), torch.eye(3))
