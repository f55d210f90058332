"""Linear models: against closed forms, PyTorch's own layers and optimiser, and measured facts."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from adl import linear, model_1p
from adl.data import Data

pytestmark = pytest.mark.usefixtures("one_thread")

SEEDS = range(5)
every_seed = pytest.mark.parametrize("seed", SEEDS)


def normal(*shape, seed=0):
    return torch.as_tensor(np.random.default_rng(seed).standard_normal(shape))


def start(models, feature_dim, seed=0):
    """Bias and weights as PyTorch draws them."""
    uniform = np.random.default_rng(seed).uniform(-1, 1, (models, feature_dim + 1))
    return torch.as_tensor(uniform) / math.sqrt(feature_dim)


def practical(feature_dim, seed):
    """Features with a bias, and labels, of the chapter's 15 points."""
    data = Data(15, -1, 1, 0, "middle", seed=seed, dtype=torch.float64)
    features = linear.sinusoids(data.inputs, feature_dim)
    return linear.with_bias(features), data.labels[:, 0]


def smallest_best(features, targets):
    return torch.linalg.lstsq(features, targets[:, None], driver="gelsd").solution[:, 0]


# Features


@pytest.mark.parametrize("frequency", [2 * math.pi, 0.2 * math.pi, math.pi, 1.0])
def test_columns_are_cosine_and_sine_of_each_multiple_in_turn(frequency):
    x = normal(7, 1)
    found = linear.sinusoids(x, 6, frequency=frequency)
    for k in (1, 2, 3):
        torch.testing.assert_close(found[:, 2 * k - 2], torch.cos(k * frequency * x[:, 0]))
        torch.testing.assert_close(found[:, 2 * k - 1], torch.sin(k * frequency * x[:, 0]))


def test_the_frequency_is_two_pi_unless_another_is_given():
    x = normal(7, 1)
    assert torch.equal(linear.sinusoids(x, 8), linear.sinusoids(x, 8, frequency=2 * math.pi))


def test_fewer_features_are_the_first_columns_of_more():
    x = normal(7, 1)
    few = linear.with_bias(linear.sinusoids(x, 4))
    assert torch.equal(few, linear.with_bias(linear.sinusoids(x, 10))[:, :5])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_features_have_the_dtype_of_the_inputs(dtype):
    assert linear.with_bias(linear.sinusoids(torch.zeros(3, 1, dtype=dtype), 4)).dtype == dtype


def test_features_can_be_computed_inside_a_transform():
    x = normal(5, 1)
    mapped = torch.func.vmap(lambda one: linear.sinusoids(one[None], 4)[0])(x)
    torch.testing.assert_close(mapped, linear.sinusoids(x, 4))


def test_ones_come_first():
    features = normal(4, 2)
    found = linear.with_bias(features)
    assert found[:, 0].tolist() == [1, 1, 1, 1]
    assert torch.equal(found[:, 1:], features)


# Curvature


@pytest.mark.parametrize(("examples", "number"), [(20, 5), (5, 20), (1, 1)])
def test_curvatures_are_the_eigenvalues_of_autograds_hessian(examples, number):
    features, targets = normal(examples, number), normal(examples, seed=1)
    hessian = torch.autograd.functional.hessian(
        lambda w: (features @ w - targets).square().mean(), normal(number, seed=2)
    )
    expected = torch.linalg.eigvalsh(hessian)
    torch.testing.assert_close(linear.curvatures(features), expected, rtol=1e-10, atol=1e-12)


def test_one_feature_has_the_critical_step_size_of_chapter_1():
    x = normal(9)
    assert linear.critical_step_size(x[:, None]) == pytest.approx(model_1p.critical_step_size(x))


def test_curvatures_of_float32_features_are_computed_in_float64():
    features = normal(20, 5).float()
    assert torch.equal(linear.curvatures(features), linear.curvatures(features.double()))


# Descent


@pytest.mark.parametrize(("examples", "number"), [(30, 6), (6, 30)])
@every_seed
def test_weights_after_any_step_are_those_of_the_closed_form(examples, number, seed):
    features, targets = normal(examples, number, seed=seed), normal(examples, seed=seed + 10)
    begin = normal(4, number, seed=seed + 20)
    step_size = 0.9 * linear.critical_step_size(features)
    run = linear.descend(features, targets, begin, step_size=step_size, steps=60, every=15)
    hessian = 2 / examples * features.T @ features
    values, vectors = np.linalg.eigh(hessian.numpy())
    best = np.linalg.pinv(features.numpy()) @ targets.numpy()
    # Where the curvature is 0 nothing moves: there the start is the optimum.
    away = (begin.numpy() - best) @ vectors
    for record, steps in enumerate(run.steps.tolist()):
        expected = best + away * (1 - step_size * values) ** steps @ vectors.T
        np.testing.assert_allclose(run.weights[record], expected, rtol=0, atol=1e-11)
        errors = expected @ features.numpy().T - targets.numpy()
        np.testing.assert_allclose(
            run.losses[record], np.square(errors).mean(1), rtol=1e-8, atol=1e-17
        )


def test_descent_is_torch_sgd_on_a_linear_layer():
    features = linear.sinusoids(normal(15, 1), 8)
    targets, begin = normal(15, seed=1), start(3, 8, seed=2)
    run = linear.descend(linear.with_bias(features), targets, begin, step_size=0.05, steps=50)
    for model in range(3):
        layer = nn.Linear(8, 1, dtype=torch.float64)
        with torch.no_grad():
            layer.bias.copy_(begin[model, :1])
            layer.weight.copy_(begin[model, None, 1:])
        optimizer = torch.optim.SGD(layer.parameters(), lr=0.05)
        for step in range(51):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(layer(features), targets[:, None])
            assert run.losses[step, model].item() == pytest.approx(loss.item(), rel=1e-10)
            loss.backward()
            if step < 50:
                optimizer.step()
        ended = torch.cat([layer.bias, layer.weight[0]]).detach()
        torch.testing.assert_close(run.weights[-1, model], ended, rtol=1e-10, atol=1e-12)


def test_weights_with_step_size_0_stay_and_the_others_move_as_if_alone():
    features, targets, begin = normal(20, 9), normal(20, seed=1), normal(2, 9, seed=2)
    own = torch.arange(9) < torch.tensor([[4], [9]])
    begin = begin * own
    together = linear.descend(features, targets, begin, step_size=0.1 * own, steps=30)
    alone = linear.descend(features[:, :4], targets, begin[:1, :4], step_size=0.1, steps=30)
    torch.testing.assert_close(together.weights[:, :1, :4], alone.weights)
    assert not together.weights[:, 0, 4:].any()
    torch.testing.assert_close(together.losses[:, 0], alone.losses[:, 0])


def test_each_model_may_have_a_step_size_of_its_own():
    features, targets, begin = normal(20, 3), normal(20, seed=1), normal(2, 3, seed=2)
    both = linear.descend(
        features,
        targets,
        begin,
        step_size=torch.tensor([[0.1], [0.2]], dtype=torch.float64),
        steps=9,
    )
    for model, step_size in enumerate((0.1, 0.2)):
        one = linear.descend(features, targets, begin[[model]], step_size=step_size, steps=9)
        torch.testing.assert_close(both.weights[:, [model]], one.weights)


def test_records_are_the_start_and_every_so_many_steps():
    arguments = normal(5, 2), normal(5, seed=1), normal(3, 2, seed=2)
    all_steps = linear.descend(*arguments, step_size=0.1, steps=12)
    some = linear.descend(*arguments, step_size=0.1, steps=12, every=4)
    assert some.steps.tolist() == [0, 4, 8, 12]
    assert torch.equal(some.weights, all_steps.weights[::4])
    assert torch.equal(some.losses, all_steps.losses[::4])
    assert torch.equal(some.weights[0], arguments[2])


def test_the_start_is_not_changed():
    begin = normal(3, 2)
    before = begin.clone()
    linear.descend(normal(5, 2), normal(5), begin, step_size=0.1, steps=3)
    assert torch.equal(begin, before)


def test_divergence_is_kept():
    run = linear.descend(normal(5, 2), normal(5), normal(1, 2), step_size=100.0, steps=400)
    assert not run.losses[-1].isfinite().any()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    share=st.one_of(st.floats(0.02, 0.97), st.floats(1.03, 3)),
    sizes=st.lists(st.floats(0.5, 2), min_size=3, max_size=3),
)
def test_the_loss_never_rises_if_and_only_if_step_size_times_curvature_is_below_2(
    seed, share, sizes
):
    features, targets = normal(8, 3, seed=seed), normal(8, seed=seed + 1)
    _, vectors = torch.linalg.eigh(features.T @ features)
    # Away from the optimum along every eigenvector.
    begin = smallest_best(features, targets) + vectors @ torch.tensor(sizes, dtype=torch.float64)
    step_size = share * linear.critical_step_size(features)
    run = linear.descend(features, targets, begin[None], step_size=step_size, steps=300)
    rises = run.losses.diff(dim=0) > 1e-12 * run.losses[0]
    assert bool(rises.any()) == (share > 1)


# What the chapter says of its linear models, each on several data sets


@pytest.mark.parametrize("feature_dim", [8, 100, 200])
@every_seed
def test_two_percent_decide_between_learning_and_divergence(feature_dim, seed):
    features, labels = practical(feature_dim, seed)
    critical = linear.critical_step_size(features)
    run = linear.descend(
        features,
        labels,
        start(2, feature_dim, seed),
        step_size=critical * torch.tensor([[0.98], [1.02]]),
        steps=400,
        every=400,
    )
    below, above = run.losses[-1] / run.losses[0]
    assert below < 0.5
    assert above > 1e6


@pytest.mark.parametrize(
    ("feature_dim", "low", "high", "median"),
    [(8, 2.2, 4.1, 2.8), (100, 8, 20, 12.6), (200, 14, 34, 20)],
)
def test_largest_curvature_grows_with_the_number_of_features(feature_dim, low, high, median):
    largest = [linear.curvatures(practical(feature_dim, seed)[0])[-1] for seed in range(30)]
    assert low < min(largest)
    assert max(largest) < high
    assert np.median(largest) == pytest.approx(median, rel=0.15)


def test_with_200_features_a_hundred_steps_suffice_unless_two_points_are_almost_the_same():
    losses = []
    for seed in range(50):
        features, labels = practical(200, seed)
        run = linear.descend(
            features, labels, start(1, 200, seed), step_size=0.01, steps=100, every=100
        )
        losses.append(run.losses[-1].item())
    assert np.median(losses) < 1e-4
    assert np.mean(np.array(losses) < 1e-2) >= 0.9
    assert max(losses) < 0.2


@every_seed
def test_eight_features_cannot_represent_most_data_sets(seed):
    features, labels = practical(8, seed)
    least = (features @ smallest_best(features, labels) - labels).square().mean()
    run = linear.descend(features, labels, start(1, 8, seed), step_size=0.1, steps=5000, every=5000)
    assert run.losses[-1].item() == pytest.approx(least.item(), rel=0.02)
    assert least > 0.005


@every_seed
def test_ten_starts_differ_less_than_the_data_sets(seed):
    features, labels = practical(100, seed)
    run = linear.descend(
        features, labels, start(10, 100, seed), step_size=0.01, steps=100, every=100
    )
    assert run.losses[-1].max() / run.losses[-1].min() < 60


def test_movement_falls_as_one_over_the_root_of_the_number_of_features():
    medians = {}
    for feature_dim in (200, 1000, 5000):
        moved = []
        for seed in range(10):
            features, labels = practical(feature_dim, seed)
            begin = start(1, feature_dim, seed)[0]
            change = smallest_best(features, labels - features @ begin)
            moved.append(float(change[1:].norm() / begin[1:].norm()))
        medians[feature_dim] = np.median(moved)
    assert 0.3 < medians[1000] / medians[200] < 0.6
    slope = np.polyfit(np.log(list(medians)), np.log(list(medians.values())), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.1)


@every_seed
def test_features_of_half_the_intervals_period_do_worse_than_the_mean_after_training(seed):
    data = Data(15, -1, 1, 0, "middle", seed=seed, dtype=torch.float64)
    features, labels = practical(200, seed)
    run = linear.descend(
        features, labels, start(1, 200, seed), step_size=0.01, steps=1000, every=1000
    )
    risk = data.risk(lambda x: run.weights[-1] @ linear.with_bias(linear.sinusoids(x, 200)).T)
    grid = torch.linspace(-1, 1, 1000, dtype=torch.float64)
    assert risk > 1.05 * data.target(grid).var()


# What cannot be used

X = torch.zeros(3, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.0], 4), "inputs: expected a tensor, got list"),
        ((torch.zeros(3, dtype=torch.int64), 4), "inputs: expected a floating dtype"),
        ((torch.zeros(3), 4), "inputs: expected rows and columns"),
        ((torch.zeros(3, 2), 4), r"inputs: expected shape \(examples, 1\), got \(3, 2\)"),
        ((X, 5), "feature_dim: expected an even number, a cosine and a sine each, got 5"),
        ((X, 0), "feature_dim: expected a whole number of at least 2"),
        ((X, "8"), "feature_dim: "),
    ],
)
def test_sinusoids_refuse_what_they_cannot_use(arguments, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        linear.sinusoids(*arguments)


@pytest.mark.parametrize("frequency", [0, -1, math.inf, "fast"])
def test_sinusoids_refuse_frequencies_that_are_none(frequency):
    with pytest.raises((TypeError, ValueError), match="^frequency: "):
        linear.sinusoids(X, 4, frequency=frequency)


@pytest.mark.parametrize("function", [linear.curvatures, linear.critical_step_size])
@pytest.mark.parametrize(
    "features", [None, torch.zeros(3), torch.zeros(0, 2), torch.full((2, 2), math.nan)]
)
def test_curvature_needs_a_table_of_finite_numbers(function, features):
    with pytest.raises((TypeError, ValueError), match="^features: "):
        function(features)


def test_features_that_are_all_zero_have_no_critical_step_size():
    with pytest.raises(ValueError, match="^features: expected a number that is not zero"):
        linear.critical_step_size(torch.zeros(3, 2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": [[1.0]]}, "features: expected a tensor"),
        ({"features": torch.full((5, 2), math.inf)}, "features: expected finite"),
        ({"targets": [1.0] * 5}, "targets: expected a tensor"),
        ({"targets": torch.zeros(5, 1)}, r"targets: expected shape \(5,\), got \(5, 1\)"),
        ({"targets": torch.zeros(5).double()}, "targets: expected the dtype of the features"),
        ({"weights": torch.zeros(2)}, "weights: expected rows and columns"),
        ({"weights": torch.zeros(1, 3)}, r"weights: expected shape \(models, 2\)"),
        ({"weights": torch.full((1, 2), math.nan)}, "weights: expected finite"),
        ({"step_size": -0.1}, "step_size: "),
        ({"step_size": "fast"}, "step_size: "),
        ({"step_size": torch.tensor([0.1, -0.1])}, "step_size: expected finite numbers of at"),
        ({"step_size": torch.ones(3)}, "step_size: expected a number or what broadcasts"),
        ({"steps": 0}, "steps: "),
        ({"every": 0}, "every: "),
        ({"every": 3}, r"steps: expected a multiple of every \(3\), got 10"),
    ],
)
def test_descents_that_cannot_be_made_are_refused(change, message):
    arguments = {
        "features": torch.ones(5, 2),
        "targets": torch.zeros(5),
        "weights": torch.zeros(1, 2),
        "step_size": 0.1,
        "steps": 10,
    } | change
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        linear.descend(**arguments)
