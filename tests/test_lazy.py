"""Many networks that learn a few points, against single ones and what was measured."""

import copy
import math
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adl.curvature import kernel_sharpness, tangent_kernel
from adl.data import Data
from adl.lazy import fit, layer_columns, linearised_losses, relative_movement
from adl.models import LinSin, MLPdeep, MLPshallow, ScaledModel, StackedMLP
from adl.training import train

pytestmark = pytest.mark.usefixtures("one_thread")

SEEDS = range(5)


def points(type="middle", seed=0, dtype=torch.float64):
    return Data(15, -1, 1, 0, type, seed=seed, dtype=dtype)


def stack(models=3, hidden=(6, 6), seed=0, activation=torch.tanh, dtype=torch.float64):
    return StackedMLP(
        models, inputs=1, hidden=hidden, activation=activation, seed=seed, dtype=dtype
    )


def trained(net=None, dataset=None, **options):
    options = {"step_size": 0.05, "steps": 20, **options}
    return fit(stack() if net is None else net, dataset or points(), **options)


# Training, against the practical's own.


@pytest.mark.parametrize("make", [MLPshallow, MLPdeep])
@pytest.mark.parametrize("parametrization", ["pytorch", "ntk"])
def test_a_stack_learns_what_train_makes_each_network_learn(make, parametrization):
    options = {"parametrization": parametrization, "dtype": torch.float64}
    nets = [make(7, seed=seed, **options) for seed in range(3)]
    found = trained(StackedMLP.of(nets), steps=30)
    for model, net in enumerate(nets):
        losses = train(net, points(), N_steps=30, lr=0.05, save_weights_every=1)
        net.save_weights()
        assert found.losses[:-1, model].tolist() == pytest.approx(losses, rel=1e-10)
        movement = relative_movement(net.weight_history)
        assert found.movement[:, model].tolist() == pytest.approx(movement.tolist(), abs=1e-12)
        x = torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None]
        torch.testing.assert_close(found.outputs(x)[model], net(x)[:, 0])


@pytest.mark.parametrize("make", [MLPshallow, MLPdeep])
def test_scaled_networks_learn_what_train_makes_each_of_them_learn_at_its_rate(make):
    bases = [make(6, activation=torch.tanh, seed=seed, dtype=torch.float64) for seed in range(4)]
    alphas = [0.5, 1, 10, 100]
    found = trained(StackedMLP.of(bases), steps=30, alpha=alphas)
    for model, (base, alpha) in enumerate(zip(bases, alphas, strict=True)):
        net = ScaledModel(base, alpha)
        losses = train(net, points(), N_steps=30, lr=0.05 / alpha**2, save_weights_every=1)
        net.save_weights()
        assert found.losses[:-1, model].tolist() == pytest.approx(losses, rel=1e-9)
        movement = relative_movement(net.weight_history)
        assert found.movement[:, model].tolist() == pytest.approx(movement.tolist(), abs=1e-12)
        x = torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None]
        torch.testing.assert_close(found.outputs(x)[model], net(x)[:, 0], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("alpha", [None, 10.0])
def test_the_last_loss_is_that_of_the_trained_networks(alpha):
    found, dataset = trained(alpha=alpha), points()
    errors = found.outputs(dataset.inputs) - dataset.labels[:, 0]
    torch.testing.assert_close(found.losses[-1], errors.square().mean(-1))


@pytest.mark.parametrize("alpha", [None, 10.0])
def test_the_first_loss_is_that_of_the_networks_at_the_start(alpha):
    found, dataset = trained(alpha=alpha), points()
    errors = found.outputs(dataset.inputs, at_start=True) - dataset.labels[:, 0]
    torch.testing.assert_close(found.losses[0], errors.square().mean(-1))


def test_outputs_at_the_start_are_those_of_the_networks_or_0_if_scaled():
    net, x = stack(), torch.linspace(-2, 2, 7, dtype=torch.float64)[:, None]
    assert trained(net).outputs(x, at_start=True).equal(net(x))
    assert not trained(net, alpha=10.0).outputs(x, at_start=True).any()


@pytest.mark.parametrize(
    ("steps", "every", "moments"),
    [(4, 1, [0, 1, 2, 3, 4]), (6, 3, [0, 3, 6]), (7, 3, [0, 3, 6, 7]), (5, 100, [0, 5])],
)
def test_records_are_made_at_the_start_after_every_so_many_and_at_the_end(steps, every, moments):
    dense, found = trained(steps=steps), trained(steps=steps, every=every)
    assert found.steps.tolist() == moments
    assert found.losses.equal(dense.losses[moments])
    assert found.movement.equal(dense.movement[moments])


def test_the_networks_stay_as_they_are():
    net = stack()
    before = copy.deepcopy(net.state_dict())
    found = trained(net)
    assert net.vector.equal(before["vector"])
    assert found.start.vector.equal(before["vector"])
    assert not found.net.vector.equal(before["vector"])


def test_each_network_can_have_a_step_size_of_its_own():
    together = trained(step_size=[0.01, 0.05, 0.1])
    for model, rate in enumerate((0.01, 0.05, 0.1)):
        alone = trained(stack().some([model]), step_size=rate)
        torch.testing.assert_close(together.losses[:, model], alone.losses[:, 0])


def test_one_factor_is_one_for_each():
    assert trained(alpha=10).losses.equal(trained(alpha=[10, 10, 10]).losses)


def test_a_training_that_diverges_goes_on_to_its_end():
    found = trained(step_size=[0.05, 1e8, 0.05], steps=60)
    assert found.losses[-1].isfinite().tolist() == [True, False, True]
    assert not found.movement[-1, 1].isfinite()
    assert not found.drift()[1].isfinite()


def test_points_are_taken_in_the_networks_precision():
    single, double = (trained(dataset=points(dtype=d)) for d in (torch.float32, torch.float64))
    assert single.losses.dtype == torch.float64
    torch.testing.assert_close(single.losses, double.losses, rtol=1e-5, atol=0)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"net": MLPdeep(3, seed=0)}, TypeError, "net: expected a StackedMLP, got MLPdeep"),
        (
            {"net": StackedMLP(2, inputs=3, hidden=[4], seed=0)},
            ValueError,
            "net: expected networks with 1 inputs, got 3",
        ),
        ({"dataset": (1, 2)}, TypeError, "dataset: expected an adl.data.Data, got tuple"),
        ({"step_size": -1}, ValueError, "step_size: expected finite numbers of at least 0"),
        ({"step_size": [1, 2]}, ValueError, "step_size: expected a number or what broadcasts to"),
        ({"steps": 0}, ValueError, "steps: expected a whole number of at least 1, got 0"),
        ({"every": 0}, ValueError, "every: expected a whole number of at least 1, got 0"),
        ({"alpha": 0}, ValueError, "alpha: expected positive numbers, got 0"),
        ({"alpha": [1, -1, 1]}, ValueError, "alpha: expected positive numbers, got -1"),
        ({"alpha": [1, 2]}, ValueError, "alpha: expected one number or 3, got 2"),
        ({"alpha": "much"}, TypeError, "alpha: "),
        ({"alpha": math.inf}, ValueError, "alpha: expected a sequence of finite numbers, got inf"),
    ],
)
def test_trainings_that_cannot_be_made_are_refused_in_words(options, error, words):
    with pytest.raises(error, match=f"^{words}"):
        fit(**{"net": stack(), "dataset": points(), "step_size": 0.1, "steps": 5, **options})


# How far parameters and kernels move.


def test_movement_is_the_distance_over_the_first_size():
    history = np.random.default_rng(0).normal(size=(4, 7))
    expected = [math.dist(row, history[0]) / math.hypot(*history[0]) for row in history]
    assert relative_movement(history).tolist() == pytest.approx(expected)
    assert relative_movement(list(history)).tolist() == pytest.approx(expected)


def test_movement_is_measured_for_each_network():
    history = torch.randn(4, 3, 7, generator=torch.Generator().manual_seed(0))
    together = relative_movement(history)
    assert together.shape == (4, 3)
    for model in range(3):
        torch.testing.assert_close(together[:, model], relative_movement(history[:, model]))


def test_whole_numbers_can_move_too():
    assert relative_movement(torch.tensor([[3, 4], [3, 9]])).tolist() == [0, 1]


def test_movement_from_nothing_is_not_finite():
    assert not relative_movement([[0.0, 0.0], [1.0, 1.0]]).isfinite().any()


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 1000),
    factor=st.floats(0.01, 100) | st.floats(-100, -0.01),
    order=st.permutations(range(5)),
)
def test_movement_depends_on_neither_unit_nor_order_of_the_weights(seed, factor, order):
    history = np.random.default_rng(seed).normal(size=(4, 5))
    expected = relative_movement(history).tolist()
    assert expected[0] == 0
    assert relative_movement(factor * history[:, order]).tolist() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("history", "error", "words"),
    [
        ("abc", TypeError, "expected numbers, got 'abc'"),
        ([[1.0, 2.0], [1.0]], TypeError, "expected numbers, got "),
        ([], ValueError, r"expected shape \(records, ..., weights\), got \(0,\)"),
        ([1.0, 2.0], ValueError, r"expected shape \(records, ..., weights\), got \(2,\)"),
        (torch.ones(0, 3), ValueError, r"expected shape .* got \(0, 3\)"),
    ],
)
def test_what_has_no_movement_is_refused_in_words(history, error, words):
    with pytest.raises(error, match=f"^history: {words}"):
        relative_movement(history)


@pytest.mark.parametrize("layer", [0, 1, 2, -1, -3])
def test_the_columns_of_a_layer_are_its_weights(layer):
    net = stack(hidden=(5, 4))
    weights, _ = net.layers()[layer]
    assert net.vector[:, layer_columns(net, layer)].equal(weights.flatten(1))


@pytest.mark.parametrize(
    ("layer", "error", "words"),
    [
        (3, ValueError, "expected a number below 3, got 3"),
        (-4, ValueError, "expected a whole number of at least -3, got -4"),
        ("last", TypeError, "expected a finite number, got str 'last'"),
    ],
)
def test_layers_that_are_not_there_are_refused_in_words(layer, error, words):
    with pytest.raises(error, match=f"^layer: {words}"):
        layer_columns(stack(), layer)


@pytest.mark.parametrize("alpha", [None, 3.0])
def test_the_drift_is_that_of_each_networks_kernel(alpha):
    found, x = trained(alpha=alpha), points().inputs
    for model, drift in enumerate(found.drift()):
        before, now = (
            tangent_kernel(net.single(model), x).numpy() for net in (found.start, found.net)
        )
        expected = np.linalg.norm(now - before) / np.linalg.norm(before)
        assert drift.item() == pytest.approx(expected)


# What a kernel that stays would do.


@pytest.mark.parametrize("from_zero", [False, True])
def test_linearised_losses_are_descent_with_the_kernel_of_the_start(from_zero):
    net, dataset = stack(), points()
    found = linearised_losses(net, dataset, step_size=0.1, steps=[0, 1, 7], from_zero=from_zero)
    for model in range(3):
        alone = net.single(model)
        kernel = tangent_kernel(alone, dataset.inputs)
        outputs = alone(dataset.inputs).detach() * (not from_zero)
        for step in range(8):
            errors = outputs - dataset.labels
            if step in (0, 1, 7):
                row = [0, 1, 7].index(step)
                assert found[row, model].item() == pytest.approx(errors.square().mean().item())
            outputs = outputs - 0.1 * 2 / 15 * kernel @ errors


def test_linearised_losses_of_a_trained_linear_model_would_be_its_losses():
    model, dataset = LinSin(8, seed=0, dtype=torch.float64), points()
    kernel = tangent_kernel(model, dataset.inputs)
    errors = (model(dataset.inputs) - dataset.labels).detach()[:, 0]
    losses = train(model, dataset, N_steps=20, lr=0.1)
    step = torch.eye(15, dtype=torch.float64) - 0.2 / 15 * kernel
    for loss in losses:
        assert loss == pytest.approx(errors.square().mean().item())
        errors = step @ errors


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"net": LinSin(4, seed=0)}, TypeError, "net: expected a StackedMLP, got LinSin"),
        ({"dataset": 3}, TypeError, "dataset: expected an adl.data.Data, got int"),
        ({"step_size": -1}, ValueError, "step_size: expected a number of at least 0, got -1"),
        ({"steps": 5}, ValueError, r"steps: expected one dimension, got shape \(\)"),
        ({"steps": [0, -1]}, ValueError, "steps: expected a whole number of at least 0, got -1"),
        ({"steps": [0.5]}, ValueError, "steps: expected a whole number of at least 0, got 0.5"),
        ({"steps": "all"}, TypeError, "steps: expected a sequence of finite numbers, got str"),
    ],
)
def test_what_cannot_be_linearised_is_refused_in_words(options, error, words):
    options = {"net": stack(), "dataset": points(), "step_size": 0.1, "steps": [0], **options}
    with pytest.raises(error, match=f"^{words}"):
        linearised_losses(options.pop("net"), options.pop("dataset"), **options)


# What was measured: facts on output scaling and on bad initialisations.

ALPHAS = [10.0, 100.0, 1000.0]
NETWORKS = 6


@cache
def scaled():
    """For each seed, the same networks with three factors."""
    runs = []
    for seed in SEEDS:
        net = stack(NETWORKS, (8, 8), seed=seed, dtype=torch.float32)
        net = net.some(torch.arange(NETWORKS).repeat(3))
        alpha = np.repeat(ALPHAS, NETWORKS)
        runs.append(
            trained(net, points(seed=seed), step_size=0.1, steps=300, every=300, alpha=alpha)
        )
    return runs


def exponents(values):
    """By which power of ten each network's number changes from one factor to the next."""
    return values.view(len(ALPHAS), NETWORKS).log10().diff(dim=0)


def test_movement_falls_as_one_over_alpha():
    for run in scaled():
        from_10, from_100 = exponents(run.movement[-1])
        assert from_10.median().item() == pytest.approx(-1, abs=0.1)
        assert (from_100 + 1).abs().max() < 0.03


def test_kernel_drift_falls_as_one_over_alpha():
    for run in scaled():
        _, from_100 = exponents(run.drift())
        assert from_100.median().item() == pytest.approx(-1, abs=0.1)
        assert -1.3 < from_100.min() < from_100.max() < -0.7


def test_the_larger_alpha_the_nearer_is_the_loss_to_the_linearised_one():
    for seed, run in zip(SEEDS, scaled(), strict=True):
        linear = linearised_losses(
            run.start, points(seed=seed), step_size=0.1, steps=[300], from_zero=True
        )[0]
        difference = ((run.losses[-1] - linear).abs() / linear).view(len(ALPHAS), NETWORKS)
        medians = difference.median(1).values
        assert (medians < torch.tensor([0.5, 0.02, 0.005])).all()
        assert medians[1] < 0.2 * medians[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_lazy_networks_obey_the_rule_of_chapter_1(seed):
    one, dataset = stack(2, (8, 8), seed=seed), points(seed=seed)
    curvature = kernel_sharpness(tangent_kernel(one, dataset.inputs))
    net = one.some([0, 1, 0, 1])
    rates = torch.cat([1.9 / curvature, 2.1 / curvature])
    losses = trained(net, dataset, step_size=rates, steps=200, alpha=1000).losses
    spike = losses.amax(0) / losses[0]
    assert spike[:2].tolist() == pytest.approx([1, 1], abs=1e-6)
    assert (spike[2:] > 100).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_two_steps_too_large_move_the_kernel_more_and_the_weights_less(seed):
    options = {"hidden": (100,), "activation": torch.relu, "dtype": torch.float32}
    net, dataset = stack(6, seed=seed, **options), points(seed=seed)
    spoiled = fit(net, dataset, step_size=1.0, steps=2).net
    good, bad = (
        fit(start, dataset, step_size=0.001, steps=300, every=300) for start in (net, spoiled)
    )
    assert bad.drift().median() > 30 * good.drift().median()
    assert bad.movement[-1].median() < good.movement[-1].median()
