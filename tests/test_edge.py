"""Step size × curvature in training: against closed forms, and where it ends up."""

import math

import pytest
import torch

from adl import curvature, edge
from adl.data import singular_batch
from adl.models import StackedMLP
from adl.training import StackedAdam, StackedSGD, train_stacked


def networks(models=3, **betas):
    return StackedAdam(StackedMLP(models, inputs=3, hidden=(8, 8), seed=0), **betas)


BATCH = singular_batch(3, 50, epsilon=1.0, seed=1)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_product_of_plain_descent_reaches_two_where_steps_on_a_parabola_begin_to_grow(momentum):
    # v = momentum v + g grows on a parabola of curvature c above 2 (1 + momentum) / c.
    sgd = StackedSGD(StackedMLP(3, inputs=3, hidden=[8], seed=0), momentum=momentum)
    sharpness = curvature.sharpness(sgd.net, BATCH)
    for model in range(3):
        critical = 2 * (1 + momentum) / sharpness[model].item()
        product = edge.stability(sgd, BATCH, step_size=critical)[model].item()
        assert product == pytest.approx(2, rel=1e-5)


@pytest.mark.parametrize("beta1", [0.0, 0.5, 0.9])
def test_product_of_adam_is_the_preconditioned_sharpness_by_its_limit(beta1):
    adam = networks(beta1=beta1)
    train_stacked(adam, BATCH, step_size=0.01, steps=30)
    sharpness = curvature.preconditioned_sharpness(adam.net, BATCH, adam)
    limit = (2 + 2 * beta1) / ((1 - beta1) * 0.01)
    torch.testing.assert_close(
        edge.stability(adam, BATCH, 0.01), 2 * sharpness / limit, rtol=1e-5, atol=0
    )


def test_product_is_proportional_to_the_rate_and_takes_one_for_each_network():
    adam = networks()
    train_stacked(adam, BATCH, step_size=0.01, steps=30)
    one = edge.stability(adam, BATCH, 0.01)
    each = edge.stability(adam, BATCH, torch.tensor([0.01, 0.02, 0.04]))
    torch.testing.assert_close(each, one * torch.tensor([1.0, 2.0, 4.0]))


def test_watching_does_not_change_the_training():
    watched, alone = networks(), networks()
    seen = edge.watch(watched, BATCH, step_size=0.02, steps=60, every=20)
    run = train_stacked(alone, BATCH, step_size=0.02, steps=60)
    assert torch.equal(seen.losses, run.losses)
    assert torch.equal(watched.net.vector, alone.net.vector)


def test_trainings_are_joined_and_networks_chosen():
    adam = networks()
    first = edge.watch(adam, BATCH, step_size=0.02, steps=40)
    both = first.then(edge.watch(adam, BATCH, step_size=0.01, steps=20))
    assert both.at.tolist() == [20, 40, 60]
    assert both.losses.shape == (60, 3)
    assert torch.equal(both.of(slice(1, 2)).products, both.products[:, 1:2])


def test_diverged_networks_leave_gaps_in_the_figures_and_do_not_stop_them():
    seen = edge.Watched(torch.full((40, 2), math.nan), torch.tensor([20, 40]), torch.ones(2, 2))
    lost = edge.Watched(seen.losses, seen.at, torch.full((2, 2), math.inf))
    edge.plot_products({"fine": seen, "lost": lost}).draw()
    assert "about inf" in edge.plot_products({"lost": lost}).alt
    edge.plot_change(seen, seen, rates=(0.1, 0.2)).draw()


def test_figure_of_a_change_says_what_happened_to_the_nearest_half():
    def readings(*values):
        products = torch.tensor(values)[:, None].repeat(1, 5)
        return edge.Watched(torch.ones(40, 5), torch.tensor([20, 40]), products)

    cut = edge.plot_change(readings(1.9, 1.95), readings(0.49, 0.6), rates=(0.02, 0.005))
    assert cut.labels.title == "Step size × curvature 2 → 0.5"
    assert "about 2 before the change, about 0.5 directly after it" in cut.alt
    back = edge.plot_change(readings(1.9, 1.95), readings(0.49, 1.9), rates=(0.02, 0.005))
    assert back.labels.title == "Step size × curvature 2 → 0.5, back after about 0 steps"
    rise = edge.plot_change(readings(1.9, 1.95), readings(0.49, 0.6), rates=(0.005, 0.02))
    assert rise.labels.title == "Step size × curvature 2 → 8 → 0.5"
    assert "about 8 directly after it, and about 0.5 20 steps later" in rise.alt


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"every": 0}, "every: "),
        ({"steps": 30}, "steps: expected a multiple of every"),
        ({"optimizer": None}, "optimizer: "),
        ({"step_size": -1.0}, "step_size: "),
    ],
)
def test_what_cannot_be_watched_is_refused(change, message):
    arguments = {"optimizer": networks(), "batch": BATCH, "step_size": 0.01, "steps": 40} | change
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        edge.watch(arguments.pop("optimizer"), arguments.pop("batch"), **arguments)


def test_stability_of_an_unknown_optimiser_is_refused():
    with pytest.raises(TypeError, match="^optimizer: "):
        edge.stability(torch.optim.SGD([torch.zeros(1)], lr=1), BATCH, 0.1)


def test_too_many_runs_for_one_figure_are_refused():
    seen = edge.Watched(torch.ones(20, 1), torch.tensor([20]), torch.ones(1, 1))
    with pytest.raises(ValueError, match="^runs: "):
        edge.plot_products({str(k): seen for k in range(5)})
