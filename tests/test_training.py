"""Both trainers, against torch.optim on each network alone."""

import math
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

import adl
from adl.data import Data, singular_batch
from adl.models import LinSin, MLPdeep, MLPshallow, ScaledModel, StackedMLP
from adl.training import StackedAdam, StackedSGD, train, train_stacked

MODELS = 4
MOMENTUM = partial(StackedSGD, momentum=0.9)
# Stacked, alone, step size. Along these runs step size × sharpness stays a tenth of what is stable
# (sharpness 20 against 2 / 0.01 and 3.8 / 0.001), and so does the preconditioned one of Adam:
# rounding does not grow, and equal rules give equal numbers.
RULES = {
    "sgd": (StackedSGD, torch.optim.SGD, 0.01),
    "momentum": (MOMENTUM, partial(torch.optim.SGD, momentum=0.9), 0.001),
    "adam": (StackedAdam, torch.optim.Adam, 0.001),
    "adam with options": (
        partial(StackedAdam, beta1=0.5, beta2=0.9, eps=1e-3),
        partial(torch.optim.Adam, betas=(0.5, 0.9), eps=1e-3),
        0.001,
    ),
}
every_rule = pytest.mark.parametrize("rule", RULES)
every_optimizer = pytest.mark.parametrize("make", [StackedSGD, MOMENTUM, StackedAdam])


def stack(models=MODELS, dtype=torch.float64, seed=0):
    return StackedMLP(models, inputs=1, hidden=[10], seed=seed, dtype=dtype)


def sine(dtype=torch.float64):
    x = torch.linspace(-3, 3, 15, dtype=dtype)
    return x[:, None], torch.sin(x)


def fresh(generator):
    x = torch.randn(15, 1, generator=generator, dtype=torch.float64)
    return x, torch.sin(x[:, 0])


def flat(alone):
    """Parameters of a single network in the order of a stack's vector."""
    parts = [part for linear in alone[::2] for part in (linear.weight.T, linear.bias)]
    return torch.cat([part.detach().flatten() for part in parts])


def train_alone(optimizer, alone, batch, rates, loss=F.mse_loss):
    """The plain loop, with the losses before each step."""
    losses = []
    for rate in rates:
        optimizer.param_groups[0]["lr"] = rate
        value = loss(alone(batch[0])[:, 0], batch[1])
        losses.append(value.item())
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    return losses


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
@every_rule
def test_a_stack_learns_what_torch_optim_makes_each_network_learn(rule, dtype, tolerance):
    make, make_alone, rate = RULES[rule]
    net, batch = stack(dtype=dtype), sine(dtype)
    singles = [net.single(model) for model in range(MODELS)]
    train_stacked(make(net), batch, step_size=rate, steps=300)
    for vector, alone in zip(net.vector, singles, strict=True):
        train_alone(make_alone(alone.parameters(), lr=rate), alone, batch, [rate] * 300)
        torch.testing.assert_close(vector, flat(alone), rtol=tolerance, atol=tolerance)


@every_rule
def test_losses_are_those_before_each_step(rule):
    make, make_alone, rate = RULES[rule]
    net, batch = stack(), sine()
    singles = [net.single(model) for model in range(MODELS)]
    run = train_stacked(make(net), batch, step_size=rate, steps=20)
    for losses, alone in zip(run.losses.T, singles, strict=True):
        optimizer = make_alone(alone.parameters(), lr=rate)
        expected = train_alone(optimizer, alone, batch, [rate] * 20)
        assert losses.tolist() == pytest.approx(expected, rel=1e-12)


@every_rule
def test_each_network_can_have_a_rate_of_its_own(rule):
    make, make_alone, rate = RULES[rule]
    net, batch, rates = stack(), sine(), [0, rate / 2, rate, 2 * rate]
    singles = [net.single(model) for model in range(MODELS)]
    train_stacked(make(net), batch, step_size=rates, steps=50)
    for vector, alone, own in zip(net.vector, singles, rates, strict=True):
        train_alone(make_alone(alone.parameters(), lr=rate), alone, batch, [own] * 50)
        torch.testing.assert_close(vector, flat(alone), rtol=1e-12, atol=1e-12)


@every_rule
def test_each_step_can_have_a_rate_of_its_own(rule):
    make, make_alone, rate = RULES[rule]
    net, batch, rates = stack(), sine(), rate * torch.linspace(1, 0.1, 50, dtype=torch.float64)
    singles = [net.single(model) for model in range(MODELS)]
    train_stacked(make(net), batch, step_size=rates[:, None], steps=50)
    for vector, alone in zip(net.vector, singles, strict=True):
        train_alone(make_alone(alone.parameters(), lr=rate), alone, batch, rates.tolist())
        torch.testing.assert_close(vector, flat(alone), rtol=1e-12, atol=1e-12)


def test_each_network_can_have_a_rate_of_its_own_in_each_step():
    rates = torch.linspace(0.001, 0.01, 3 * MODELS, dtype=torch.float64).view(3, MODELS)
    net, other = stack(), stack()
    train_stacked(StackedSGD(net), sine(), step_size=rates, steps=3)
    optimizer = StackedSGD(other)
    for row in rates:
        train_stacked(optimizer, sine(), step_size=row, steps=1)
    assert net.vector.equal(other.vector)


def test_each_network_can_have_decays_of_its_own():
    net, batch = stack(), sine()
    betas = [(0.0, 0.5), (0.5, 0.9), (0.9, 0.99), (0.97, 0.999)]
    singles = [net.single(model) for model in range(MODELS)]
    beta1, beta2 = zip(*betas, strict=True)
    adam = StackedAdam(net, beta1=beta1, beta2=beta2)
    train_stacked(adam, batch, step_size=0.001, steps=100)
    for vector, alone, own in zip(net.vector, singles, betas, strict=True):
        optimizer = torch.optim.Adam(alone.parameters(), betas=own)
        train_alone(optimizer, alone, batch, [0.001] * 100)
        torch.testing.assert_close(vector, flat(alone), rtol=1e-12, atol=1e-12)


def test_each_network_can_have_examples_of_its_own():
    net = StackedMLP(3, inputs=3, hidden=[8], seed=0, dtype=torch.float64)
    inputs, targets = singular_batch(3, 20, epsilon=1, seed=0, dtype=torch.float64)
    singles = [net.single(model) for model in range(3)]
    train_stacked(StackedSGD(net), (inputs, targets), step_size=0.01, steps=30)
    for model, alone in enumerate(singles):
        optimizer = torch.optim.SGD(alone.parameters(), lr=0.01)
        train_alone(optimizer, alone, (inputs[model], targets[model]), [0.01] * 30)
        torch.testing.assert_close(net.vector[model], flat(alone), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss, F.huber_loss, F.smooth_l1_loss])
def test_torchs_losses_can_be_used(loss):
    net, batch = stack(), sine()
    singles = [net.single(model) for model in range(MODELS)]
    train_stacked(StackedSGD(net), batch, step_size=0.001, steps=20, loss=loss)
    for vector, alone in zip(net.vector, singles, strict=True):
        optimizer = torch.optim.SGD(alone.parameters(), lr=0.001)
        train_alone(optimizer, alone, batch, [0.001] * 20, loss)
        torch.testing.assert_close(vector, flat(alone), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 2, 20])
def test_the_preconditioner_of_a_steady_gradient_has_a_closed_form(steps):
    net = stack()
    adam = StackedAdam(net, beta1=[0.0, 0.5, 0.9, 0.97])
    for _ in range(steps):
        adam.step(torch.full_like(net.vector, -2.0), torch.tensor([[0.01]]))
    expected = [2 * (1 - beta1 ** (steps + 1)) for beta1 in (0.0, 0.5, 0.9, 0.97)]
    for row, value in zip(adam.preconditioner(), expected, strict=True):
        assert row.tolist() == pytest.approx([value] * 31, rel=1e-7)


def test_there_is_no_preconditioner_before_the_first_step():
    assert not StackedAdam(stack()).preconditioner().any()


# Divergence. Adam's steps are bounded, so it takes a rate of 1e200 to get it to infinity.


@pytest.mark.parametrize(
    ("make", "rate"), [(StackedSGD, 1e3), (MOMENTUM, 1e3), (StackedAdam, 1e200)]
)
def test_a_network_that_diverges_leaves_the_others_as_they_are(make, rate):
    wild, calm = stack(), stack()
    rates = torch.full((MODELS,), 0.001, dtype=torch.float64)
    expected = train_stacked(make(calm), sine(), step_size=rates, steps=300)
    rates[2] = rate
    run = train_stacked(make(wild), sine(), step_size=rates, steps=300)
    others = [0, 1, 3]
    assert not run.losses[-1, 2].isfinite()
    assert run.losses[:, others].equal(expected.losses[:, others])
    assert wild.vector[others].equal(calm.vector[others])


def test_nan_is_recorded_from_where_it_begins():
    net = stack()
    run = train_stacked(
        StackedSGD(net), sine(), step_size=[1e3, 0.001, 0, 0], steps=300, weights=slice(None)
    )
    assert run.losses[0].isfinite().all()
    assert run.losses[-1].isnan().tolist() == [True, False, False, False]
    assert run.weights[-1].isnan().any(-1).tolist() == [True, False, False, False]


# Parted trainings, and what is recorded.


@every_optimizer
@pytest.mark.parametrize("batch", [sine(), fresh], ids=["fixed", "fresh"])
def test_training_in_two_calls_is_training_in_one(make, batch):
    whole, parted = stack(), stack()
    one = train_stacked(make(whole), batch, step_size=0.001, steps=50, seed=3)
    optimizer, generator = make(parted), torch.Generator().manual_seed(3)
    first, second = (
        train_stacked(optimizer, batch, step_size=0.001, steps=n, seed=generator) for n in (20, 30)
    )
    assert parted.vector.equal(whole.vector)
    assert torch.cat([first.losses, second.losses]).equal(one.losses)
    assert torch.cat([first.steps, second.steps]).equal(one.steps)


@every_optimizer
def test_another_optimizer_goes_on_from_a_kept_state(make):
    whole, kept, resumed = stack(), stack(), stack(seed=1)
    train_stacked(make(whole), sine(), step_size=0.001, steps=50)
    first, second = make(kept), make(resumed)
    train_stacked(first, sine(), step_size=0.001, steps=20)
    resumed.load_state_dict(kept.state_dict())
    second.load_state_dict(first.state_dict())
    run = train_stacked(second, sine(), step_size=0.001, steps=30)
    assert resumed.vector.equal(whole.vector)
    assert (run.steps[0], second.steps) == (20, 50)


@every_optimizer
def test_a_kept_state_is_a_copy(make):
    optimizer = make(stack())
    train_stacked(optimizer, sine(), step_size=0.001, steps=3)
    kept = optimizer.state_dict()
    before = {name: torch.as_tensor(value).clone() for name, value in kept.items()}
    other = make(stack())
    other.load_state_dict(kept)
    for one in (optimizer, other):
        train_stacked(one, sine(), step_size=0.001, steps=3)
    assert all(torch.as_tensor(kept[name]).equal(value) for name, value in before.items())


def test_the_kept_averages_are_those_of_torch_adam():
    net = stack(1)
    alone, adam = net.single(0), StackedAdam(net)
    theirs = torch.optim.Adam(alone.parameters(), lr=0.001)
    train_stacked(adam, sine(), step_size=0.001, steps=20)
    train_alone(theirs, alone, sine(), [0.001] * 20)
    layers = {
        name: net.layers(value) for name, value in adam.state_dict().items() if name != "steps"
    }
    for name, its in {"mean": "exp_avg", "square": "exp_avg_sq"}.items():
        mine = [part for weights, biases in layers[name] for part in (weights[0].T, biases[0, 0])]
        for part, parameter in zip(mine, alone.parameters(), strict=True):
            torch.testing.assert_close(part, theirs.state[parameter][its], rtol=1e-9, atol=1e-12)


ADAM = StackedAdam(stack()).state_dict()


@pytest.mark.parametrize(
    ("state", "error", "words"),
    [
        (None, TypeError, "expected a dict, got NoneType"),
        (
            StackedSGD(stack()).state_dict(),
            ValueError,
            "expected steps, mean, square, got steps, v",
        ),
        ({**ADAM, "more": 1}, ValueError, "expected steps, mean, square, got steps, mean, square,"),
        (
            StackedAdam(stack(2)).state_dict(),
            ValueError,
            r"expected mean of shape \(4, 31\), got \(2",
        ),
        ({**ADAM, "square": 0}, ValueError, r"expected square of shape \(4, 31\), got 0"),
        ({**ADAM, "steps": -1}, ValueError, "steps: expected a whole number of at least 0, got -1"),
        ({**ADAM, "steps": "7"}, TypeError, "steps: "),
    ],
)
def test_states_that_do_not_fit_are_refused_and_change_nothing(state, error, words):
    adam = StackedAdam(stack())
    train_stacked(adam, sine(), step_size=0.001, steps=3)
    before = adam.state_dict()
    with pytest.raises(error, match=f"^state_dict: {words}"):
        adam.load_state_dict(state)
    after = adam.state_dict()
    assert all(torch.as_tensor(after[name]).equal(torch.as_tensor(before[name])) for name in before)


def test_fresh_batches_come_from_the_seed():
    ends = []
    for seed in (3, 3, 4):
        net = stack()
        train_stacked(StackedSGD(net), fresh, step_size=0.01, steps=5, seed=seed)
        ends.append(net.vector.detach())
    assert ends[0].equal(ends[1])
    assert not ends[0].equal(ends[2])


def test_every_step_sees_a_fresh_batch():
    seen = []

    def draw(generator):
        seen.append(fresh(generator))
        return seen[-1]

    train_stacked(StackedSGD(stack()), draw, step_size=0.01, steps=4, seed=3)
    generator = torch.Generator().manual_seed(3)
    assert len(seen) == 4
    assert all(inputs.equal(fresh(generator)[0]) for inputs, _ in seen)


def test_global_random_numbers_are_left_alone():
    before = torch.get_rng_state()
    train_stacked(StackedAdam(stack()), fresh, step_size=0.01, steps=2)
    assert before.equal(torch.get_rng_state())


@pytest.mark.parametrize(("every", "expected"), [(1, range(10)), (3, (0, 3, 6, 9)), (99, (0,))])
def test_records_are_made_before_the_first_step_and_after_every_so_many(every, expected):
    net, other, expected = stack(), stack(), list(expected)
    full = train_stacked(StackedSGD(net), sine(), step_size=0.01, steps=10, weights=slice(None))
    run = train_stacked(
        StackedSGD(other), sine(), step_size=0.01, steps=10, weights=slice(None), every=every
    )
    assert run.steps.tolist() == expected
    assert run.losses.equal(full.losses[expected])
    assert run.weights.equal(full.weights[expected])
    assert other.vector.equal(net.vector)


@pytest.mark.parametrize(
    "weights", [slice(None), slice(3, 7), slice(0, 31, 10), torch.tensor([30, 0])]
)
def test_the_chosen_columns_are_recorded_before_each_step(weights):
    net, other = stack(), stack()
    run = train_stacked(StackedSGD(net), sine(), step_size=0.01, steps=5, weights=weights)
    optimizer = StackedSGD(other)
    for kept in run.weights:
        assert kept.equal(other.vector.detach()[:, weights])
        train_stacked(optimizer, sine(), step_size=0.01, steps=1)


def test_no_columns_are_recorded_unless_asked_for():
    run = train_stacked(StackedSGD(stack()), sine(), step_size=0.01, steps=5)
    assert run.weights.shape == (5, MODELS, 0)


def test_batches_are_taken_in_the_networks_precision():
    net, other = stack(dtype=torch.float32), stack(dtype=torch.float32)
    train_stacked(StackedSGD(net), sine(torch.float32), step_size=0.01, steps=5)
    inputs, targets = sine(torch.float32)
    train_stacked(StackedSGD(other), (inputs.double(), targets.double()), step_size=0.01, steps=5)
    assert net.vector.equal(other.vector)


@settings(deadline=None, max_examples=15)
@given(st.permutations(range(MODELS)), st.sampled_from([StackedSGD, MOMENTUM, StackedAdam]))
def test_the_order_of_the_networks_does_not_matter(order, make):
    rates = torch.tensor([0.001, 0.002, 0.003, 0.004], dtype=torch.float64)
    net, other = stack(), stack()
    with torch.no_grad():
        other.vector.copy_(net.vector[order])
    run = train_stacked(make(net), sine(), step_size=rates, steps=20)
    permuted = train_stacked(make(other), sine(), step_size=rates[order], steps=20)
    torch.testing.assert_close(permuted.losses, run.losses[:, order], rtol=1e-12, atol=0)
    torch.testing.assert_close(other.vector, net.vector[order], rtol=1e-12, atol=1e-14)


# What cannot be used.


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"batch": 3}, TypeError, "^batch: expected a pair of tensors, got int"),
        ({"batch": (1, 2)}, TypeError, r"^batch: expected a pair of tensors, got \(int, int\)"),
        ({"batch": (torch.ones(9),) * 2}, ValueError, r"^batch: expected inputs of .* got \(9,\)"),
        ({"batch": (torch.ones(0, 1), torch.ones(0))}, ValueError, "at least one example"),
        (
            {"batch": (torch.ones(9, 2), torch.ones(9))},
            ValueError,
            r"^batch: expected inputs of shape \(9, 1\) or \(4, 9, 1\), got \(9, 2\)",
        ),
        (
            {"batch": (torch.ones(9, 1), torch.ones(9, 1))},
            ValueError,
            r"^batch: expected targets of shape \(9,\) or \(4, 9\), got \(9, 1\)",
        ),
        ({"batch": (torch.ones(3, 9, 1), torch.ones(9))}, ValueError, "^batch: expected inputs"),
        ({"batch": lambda generator: None}, TypeError, "^batch: expected a pair of tensors"),
        ({"step_size": "fast"}, TypeError, "^step_size: expected numbers, got 'fast'"),
        ({"step_size": None}, TypeError, "^step_size: expected numbers, got None"),
        ({"step_size": [[1], [2, 3]]}, TypeError, "^step_size: expected numbers"),
        ({"step_size": -0.1}, ValueError, "^step_size: expected finite numbers of at least 0"),
        ({"step_size": math.nan}, ValueError, "^step_size: expected finite numbers"),
        ({"step_size": [0.1, math.inf, 0, 0]}, ValueError, "^step_size: expected finite numbers"),
        (
            {"step_size": [0.1, 0.2, 0.3]},
            ValueError,
            r"^step_size: .* 5 steps and 4 models, got shape \(5, 3\)",
        ),
        ({"step_size": torch.ones(6, 1)}, ValueError, r"^step_size: .* got shape \(6, 1\)"),
        ({"step_size": torch.ones(1, 5, 4)}, ValueError, "^step_size: expected a number or what"),
        ({"steps": 0}, ValueError, "^steps: expected a whole number of at least 1, got 0"),
        ({"steps": "all"}, TypeError, "^steps: "),
        ({"loss": "mse"}, TypeError, "^loss: expected a function, got 'mse'"),
        (
            {"loss": lambda outputs, targets, reduction: F.mse_loss(outputs, targets)},
            ValueError,
            r"^loss: expected one number for each example, shape \(4, 15\), got \(\)",
        ),
        ({"every": 0}, ValueError, "^every: expected a whole number of at least 1, got 0"),
        ({"weights": 3}, ValueError, "^weights: expected a slice or a tensor of columns below 31"),
        ({"weights": torch.tensor([31])}, ValueError, "^weights: expected a slice or a tensor"),
        ({"weights": "first"}, ValueError, "^weights: expected a slice or a tensor"),
        ({"seed": -1}, ValueError, "^seed: expected a whole number of at least 0, got -1"),
        ({"seed": "a"}, TypeError, "^seed: "),
    ],
)
def test_trainings_that_cannot_be_made_are_refused_before_anything_changes(options, error, words):
    net = stack()
    before, optimizer = net.vector.detach().clone(), StackedSGD(net)
    with pytest.raises(error, match=words):
        train_stacked(optimizer, **{"batch": sine(), "step_size": 0.1, "steps": 5, **options})
    assert net.vector.equal(before)
    assert optimizer.steps == 0


def test_optimizers_of_other_kinds_are_refused_in_words():
    optimizer = torch.optim.SGD(stack().parameters(), lr=0.1)
    with pytest.raises(TypeError, match="^optimizer: expected a StackedSGD or StackedAdam, got SG"):
        train_stacked(optimizer, sine(), step_size=0.1, steps=1)


@pytest.mark.parametrize(
    ("make", "options", "error", "words"),
    [
        (StackedSGD, {"momentum": 1}, ValueError, "^momentum: expected a number from 0 to below 1"),
        (StackedSGD, {"momentum": "much"}, TypeError, "^momentum: "),
        (StackedAdam, {"beta1": 1.0}, ValueError, "^beta1: expected a number from 0 to below 1"),
        (StackedAdam, {"beta1": [0.9] * 3}, ValueError, "^beta1: expected one number or 4, got 3"),
        (StackedAdam, {"beta1": None}, TypeError, "^beta1: "),
        (StackedAdam, {"beta2": -0.1}, ValueError, "^beta2: expected a number from 0 to below 1"),
        (StackedAdam, {"beta2": [0, 0, 0, 2]}, ValueError, "^beta2: .* got 2.0"),
        (StackedAdam, {"eps": -1e-8}, ValueError, "^eps: expected a number of at least 0"),
        (StackedAdam, {"eps": "small"}, TypeError, "^eps: "),
    ],
)
def test_optimizers_that_cannot_be_made_are_refused_in_words(make, options, error, words):
    with pytest.raises(error, match=words):
        make(stack(), **options)


@pytest.mark.parametrize("make", [StackedSGD, StackedAdam])
def test_optimizers_of_plain_networks_are_refused_in_words(make):
    with pytest.raises(TypeError, match="^net: expected a StackedMLP, got Linear"):
        make(torch.nn.Linear(1, 1))


# One network, as in the practical.

SINGLES = {
    "shallow": lambda: MLPshallow(10, seed=0, dtype=torch.float64),
    "deep": lambda: MLPdeep(10, activation=torch.tanh, seed=0, dtype=torch.float64),
    "linsin": lambda: LinSin(8, seed=0, dtype=torch.float64),
    "scaled": lambda: ScaledModel(MLPdeep(10, seed=0, dtype=torch.float64), 2),
}
every_single = pytest.mark.parametrize("kind", SINGLES)


def points(dtype=torch.float64, seed=0, noise_level=0):
    return Data(15, -1, 1, noise_level, "middle", seed=seed, dtype=dtype)


def parameters(net):
    return torch.cat([parameter.detach().flatten() for parameter in net.parameters()])


def output_weights(net):
    return (net.model if isinstance(net, ScaledModel) else net).lout.weight.detach().flatten()


def test_the_practicals_train_is_the_packages():
    assert adl.train is train


@pytest.mark.parametrize("batch_size", [15, 4])
@every_single
def test_steps_are_those_of_torchs_sgd(kind, batch_size):
    net, other = SINGLES[kind](), SINGLES[kind]()
    losses = train(net, points(), N_steps=50, batch_size=batch_size, lr=0.01)
    optimizer, dataset, expected = torch.optim.SGD(other.parameters(), lr=0.01), points(), []
    for _ in range(50):
        inputs, labels = dataset.next_batch(batch_size)
        loss = (other(inputs) - labels).square().mean()
        expected.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses == pytest.approx(expected, rel=1e-12)
    torch.testing.assert_close(parameters(net), parameters(other), rtol=1e-12, atol=1e-12)


def test_a_step_of_a_linear_model_has_a_closed_form():
    net, dataset = SINGLES["linsin"](), points()
    features = torch.cat([net.phi(dataset.inputs), torch.ones(15, 1)], 1)
    before = parameters(net)
    errors = features @ before - dataset.labels[:, 0]
    assert train(net, dataset, lr=0.1) == pytest.approx([errors.square().mean().item()])
    torch.testing.assert_close(parameters(net), before - 0.1 * 2 / 15 * errors @ features)


def test_losses_are_a_list_of_numbers():
    losses = train(SINGLES["deep"](), points(), N_steps=7)
    assert len(losses) == 7
    assert all(type(loss) is float for loss in losses)


@pytest.mark.parametrize(
    ("every", "moments"),
    [(0, []), (-1, []), (1, [0, 1, 2, 3, 4, 5, 6]), (3, [0, 3, 6]), (100, [0])],
)
@every_single
def test_weights_are_saved_before_the_first_step_and_after_every_so_many(kind, every, moments):
    net, other, expected = SINGLES[kind](), SINGLES[kind](), []
    train(net, points(), N_steps=7, save_weights_every=every)
    for step in range(7):
        if step in moments:
            expected.append(output_weights(other).numpy().copy())
        train(other, points(), save_weights_every=0)
    assert len(net.weight_history) == len(moments)
    for found, wanted in zip(net.weight_history, expected, strict=True):
        assert found.tolist() == wanted.tolist()


def test_the_loss_of_a_step_belongs_to_the_weights_saved_before_it():
    net, dataset = SINGLES["linsin"](), points()
    features, bias = net.phi(dataset.inputs), net.lout.bias.item()
    net.lout.bias.requires_grad_(False)
    losses = train(net, dataset, N_steps=6, lr=0.1, save_weights_every=1)
    for loss, weights in zip(losses, net.weight_history, strict=True):
        errors = features.numpy() @ weights + bias - dataset.labels[:, 0].numpy()
        assert loss == pytest.approx(np.mean(errors**2), rel=1e-12)


def test_a_second_call_goes_on_where_the_first_stopped():
    net, other = SINGLES["deep"](), SINGLES["deep"]()
    both = train(net, points(), N_steps=3) + train(net, points(), N_steps=4)
    assert both == train(other, points(), N_steps=7)


def test_batches_come_from_the_data_set():
    one, same = (train(SINGLES["deep"](), points(), N_steps=5, batch_size=3) for _ in range(2))
    assert one == same
    assert one != train(SINGLES["deep"](), points(seed=1), N_steps=5, batch_size=3)


def test_what_is_frozen_does_not_move():
    net = SINGLES["deep"]()
    net.hidden.requires_grad_(False)
    before, output = net.hidden[0].weight.clone(), output_weights(net).clone()
    train(net, points(), N_steps=3)
    assert net.hidden[0].weight.equal(before)
    assert not output_weights(net).equal(output)


@pytest.mark.parametrize("kind", ["shallow", "deep", "linsin"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_training_that_diverges_goes_on_to_its_end(kind, dtype):
    net = SINGLES[kind]().to(dtype)
    losses = train(net, points(dtype), N_steps=60, lr=1e15, save_weights_every=20)
    assert len(losses) == 60
    assert len(net.weight_history) == 3
    assert math.isfinite(losses[0])
    assert not math.isfinite(losses[-1])


def test_a_network_without_save_weights_learns_if_nothing_is_to_be_saved():
    net, dataset = torch.nn.Linear(1, 1), points(torch.float32)
    losses = train(net, dataset, N_steps=50, lr=0.1, save_weights_every=0)
    assert losses[-1] < losses[0]


class Reader:
    """What gives batches, and is no Data."""

    def next_batch(self, batch_size):
        return torch.ones(batch_size, 1), torch.zeros(batch_size, 1)


def test_anything_that_gives_batches_can_be_learned_from():
    net = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(net.weight, 3.0)
    losses = train(net, Reader(), N_steps=3, batch_size=2, lr=0.25, save_weights_every=0)
    assert losses == pytest.approx([9, 9 / 4, 9 / 16])


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        (
            {"net": lambda x: x},
            TypeError,
            "net: expected a network .torch.nn.Module., got function",
        ),
        (
            {"net": torch.nn.Linear(1, 1), "save_weights_every": 0},
            TypeError,
            "dataset: expected inputs of torch.float32, as the network's parameters are, got",
        ),
        (
            {"net": torch.nn.Linear(1, 1).requires_grad_(False), "save_weights_every": 0},
            ValueError,
            "net: expected a network with parameters to train, got none",
        ),
        (
            {"net": torch.nn.Flatten(0), "save_weights_every": 0},
            ValueError,
            "net: expected a network with parameters to train, got none",
        ),
        (
            {"net": torch.nn.Linear(1, 1)},
            TypeError,
            "net: expected a network with a method save_weights, such as MLPdeep, got Linear; with "
            "save_weights_every=0 none is needed",
        ),
        ({"dataset": 3}, TypeError, "dataset: expected an adl.data.Data, got int"),
        ({"N_steps": 0}, ValueError, "N_steps: expected a whole number of at least 1, got 0"),
        ({"N_steps": "all"}, TypeError, "N_steps: expected a finite number, got str 'all'"),
        ({"batch_size": 0}, ValueError, "batch_size: expected a whole number of at least 1, got 0"),
        ({"batch_size": 1.5}, ValueError, "batch_size: expected a whole number .*, got 1.5"),
        ({"lr": -0.1}, ValueError, "lr: expected a number of at least 0, got -0.1"),
        ({"lr": math.nan}, ValueError, "lr: expected a finite number, got nan"),
        ({"lr": None}, TypeError, "lr: expected a finite number, got NoneType None"),
        ({"save_weights_every": 1.5}, ValueError, "save_weights_every: expected a whole number"),
        ({"save_weights_every": None}, TypeError, "save_weights_every: expected a finite number"),
    ],
)
def test_single_trainings_that_cannot_be_made_are_refused_before_anything_changes(
    options, error, words
):
    net, dataset = SINGLES["deep"](), points()
    before = parameters(net)
    with pytest.raises(error, match=f"^{words}"):
        train(**{"net": net, "dataset": dataset, **options})
    assert parameters(net).equal(before)
    assert net.weight_history == []
    assert dataset.next_batch(3)[0].equal(points().next_batch(3)[0])
