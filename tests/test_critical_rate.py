"""The largest step size that descent survives: against torch.optim, and where it is known."""

import pytest
import torch

from adl import critical_rate, curvature
from adl.data import singular_batch
from adl.losses import LOSSES, mse_loss
from adl.models import StackedMLP
from adl.plotting import Plot

pytestmark = pytest.mark.usefixtures("one_thread")

RATIO = 1e7 ** (1 / 64)  # of a step size that is too large to the next one that is not


def start(epsilon, seed, networks=2):
    """The networks and batches that a seed stands for."""
    generator = torch.Generator().manual_seed(seed)
    options = {"seed": generator, "dtype": torch.float64}
    net = StackedMLP(networks, inputs=3, hidden=(32, 32), **options)
    return net, singular_batch(networks, 200, epsilon=epsilon, **options)


def losses_alone(alone, inputs, targets, loss, rate, steps):
    """The plain loop: losses before the first step and after each."""
    optimizer, losses = torch.optim.SGD(alone.parameters(), lr=rate), []
    for _ in range(steps + 1):
        value = loss(alone(inputs)[:, 0], targets)
        losses.append(value.item())
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    return losses


@pytest.mark.parametrize("name", LOSSES)
def test_torch_optim_stays_below_its_start_at_the_critical_rate_and_not_at_the_next(name):
    found = critical_rate.critical_step_sizes(LOSSES[name], 0.01, networks=2, steps=20, seed=3)
    net, (inputs, targets) = start(0.01, seed=3)
    for model, rate in enumerate(found.tolist()):
        for factor, survives in ((1, True), (RATIO, False)):
            losses = losses_alone(
                net.single(model), inputs[model], targets[model], LOSSES[name], rate * factor, 20
            )
            assert (max(losses) <= losses[0]) == survives


def test_a_loss_that_no_step_changes_survives_everything():
    def flat(outputs, targets, reduction):
        return 0 * outputs

    found = critical_rate.critical_step_sizes(flat, 1, networks=2, steps=2, seed=0)
    assert found.tolist() == pytest.approx([10 / RATIO] * 2)


def test_a_loss_that_every_step_raises_survives_nothing():
    def upside_down(outputs, targets, reduction):  # the right loss, with the gradient's sign wrong
        right = mse_loss(outputs, targets, reduction=reduction)
        return 2 * right.detach() - right

    found = critical_rate.critical_step_sizes(upside_down, 1, networks=2, steps=2, seed=0)
    assert found.tolist() == pytest.approx([1e-6] * 2)


@pytest.mark.parametrize("name", ["MSE", "two-sided log"])
def test_starts_that_differ_in_the_last_digit_have_the_same_critical_rate(name, monkeypatch):
    before = critical_rate.critical_step_sizes(LOSSES[name], 1e-3, steps=50, seed=0)
    starts = critical_rate.starts

    def moved(*arguments):
        net, batch = starts(*arguments)
        with torch.no_grad():
            places = torch.arange(net.vector.shape[1], dtype=torch.float64)
            net.vector.mul_(1 + 1e-13 * places.sin())
        return net, batch

    monkeypatch.setattr(critical_rate, "starts", moved)
    after = critical_rate.critical_step_sizes(LOSSES[name], 1e-3, steps=50, seed=0)
    assert torch.equal(before, after)


def test_the_sharpness_is_that_of_the_same_networks_and_examples():
    net, batch = start(0.1, seed=5)
    expected = curvature.sharpness(net, batch, loss=mse_loss)
    found = critical_rate.initial_sharpness(mse_loss, 0.1, networks=2, seed=5)
    assert torch.equal(found, expected)


def table(*medians):
    """Three networks for each epsilon, from 1 down by factors of 10."""
    return {10.0**-k: torch.tensor([m / 2, m, 2 * m]) for k, m in enumerate(medians)}


def test_the_picture_says_how_far_the_critical_step_size_falls():
    plot = critical_rate.plot_critical({"MSE": table(0.5, 0.1, 0.005), "log": table(1, 1, 1.25)})
    assert isinstance(plot, Plot)
    assert plot.labels.title.replace("\n", " ") == (
        "From epsilon 1 to 0.01 the critical step size falls 100-fold (MSE), hardly changes (log)"
    )
    assert "median over 3 networks. MSE: from 0.5 at epsilon 1 to 0.005 at 0.01" in plot.alt
    assert plot.data["position"].unique().tolist() == [0, 1, 2]
    assert (plot.data["high"] == 4 * plot.data["low"]).all()
    plot.draw()


def test_the_picture_can_hold_two_over_the_sharpness():
    plot = critical_rate.plot_critical({"MSE": table(1, 0.1)}, sharpness={"MSE": table(2, 20)})
    assert "Thin lines, 2 over the sharpness at the start: MSE." in plot.alt
    thin = plot.draw().axes[0].lines[-1]
    assert list(thin.get_ydata()) == pytest.approx([0, -1])  # log10 of 2 / 2 and of 2 / 20


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"loss": "mse"}, "loss: expected a function"),
        ({"epsilon": -1}, "epsilon: "),
        ({"networks": 0}, "networks: "),
        ({"steps": 0}, "steps: "),
        ({"seed": -1}, "seed: "),
    ],
)
def test_what_cannot_be_tried_is_refused_in_words(arguments, words):
    usable = {"loss": mse_loss, "epsilon": 1, "networks": 1, "steps": 1, "seed": 0} | arguments
    with pytest.raises((TypeError, ValueError), match=f"^{words}"):
        critical_rate.critical_step_sizes(usable.pop("loss"), usable.pop("epsilon"), **usable)


@pytest.mark.parametrize(
    ("critical", "sharpness", "words"),
    [
        ({}, None, "critical: expected 1 to 4"),
        ({"MSE": table(1)}, None, "critical: expected the same values of epsilon"),
        ({"MSE": table(1, 1), "log": table(1, 1, 1)}, None, "critical: expected the same values"),
        ({"MSE": {1: torch.ones(1), 0: torch.ones(1)}}, None, "critical: expected the same values"),
        ({"MSE": table(1, 1)}, {"log": table(1, 1)}, "sharpness: expected some of"),
        ({"MSE": table(1, 1)}, {"MSE": None}, "sharpness: expected for each loss a dict"),
        ({"MSE": table(1, 1)}, [1.0], "sharpness: expected for each loss a dict"),
        ({"MSE": None}, None, "critical: expected for each loss a dict"),
        ({"MSE": {1: 1.0, 0.1: 1.0}}, None, "critical: expected for each loss a dict"),
        ({"MSE": {1: torch.ones(2, 2)}}, None, "critical: expected for each loss a dict"),
        ({"MSE": {1: torch.ones(0)}}, None, "critical: expected for each loss a dict"),
        ({"MSE": {"1": torch.ones(1)}}, None, "critical: expected for each loss a dict"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(critical, sharpness, words):
    with pytest.raises((TypeError, ValueError), match=f"^{words}"):
        critical_rate.plot_critical(critical, sharpness=sharpness)
