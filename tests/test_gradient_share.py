"""Per-example gradients: against torch.func and plain loops."""

import pytest
import torch

from adl import gradient_share
from adl.data import singular_batch
from adl.losses import LOSSES, mse_loss
from adl.models import StackedMLP
from adl.plotting import Plot

MODELS = 3
every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


def stack(hidden=(8, 7), activation=torch.relu):
    return StackedMLP(
        MODELS, inputs=3, hidden=hidden, activation=activation, seed=0, dtype=torch.float64
    )


def batch(*shape, epsilon=1e-3):
    return singular_batch(*shape, epsilon=epsilon, seed=1, dtype=torch.float64)


def each_gradient(net, model, inputs, targets, loss):
    """One row for each example: the gradient by all parameters, from torch.func."""
    alone = net.single(model)
    parameters = dict(alone.named_parameters())

    def of_one(parameters, x, y):
        return loss(torch.func.functional_call(alone, parameters, (x[None],))[:, 0], y[None])

    found = torch.func.vmap(torch.func.grad(of_one), (None, 0, 0))(parameters, inputs, targets)
    return torch.cat([part.flatten(1) for part in found.values()], 1)


@every_loss
def test_norms_are_those_of_torch_func(loss):
    net, (inputs, targets) = stack(), batch(MODELS, 30)
    norms = gradient_share.gradient_norms(net, (inputs, targets), loss)
    for model in range(MODELS):
        expected = each_gradient(net, model, inputs[model], targets[model], loss).norm(dim=1)
        torch.testing.assert_close(norms[model], expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("hidden", [(5,), (4, 4, 4)])
def test_norms_hold_for_any_depth_activation_and_a_batch_in_common(hidden):
    net, (inputs, targets) = stack(hidden, torch.tanh), batch(20)
    norms = gradient_share.gradient_norms(net, (inputs, targets), mse_loss)
    for model in range(MODELS):
        expected = each_gradient(net, model, inputs, targets, mse_loss).norm(dim=1)
        torch.testing.assert_close(norms[model], expected)


def test_measuring_leaves_the_networks_as_they_were():
    net = stack()
    before = net.vector.detach().clone()
    gradient_share.noise_scale(net, batch(20), mse_loss)
    assert torch.equal(net.vector, before)
    assert net.vector.grad is None


def test_the_top_share_is_that_of_the_sorted_norms():
    norms = torch.tensor([[1.0, 5, 2, 2], [1, 1, 1, 1]])
    assert gradient_share.top_share(norms, share=0.5).tolist() == pytest.approx([0.7, 0.5])


@every_loss
def test_the_noise_scale_is_trace_of_covariance_over_squared_mean(loss):
    net, (inputs, targets) = stack(), batch(MODELS, 60, epsilon=1.0)
    found = gradient_share.noise_scale(net, (inputs, targets), loss)
    for model in range(MODELS):
        gradients = each_gradient(net, model, inputs[model], targets[model], loss)
        noise = gradients.var(0).sum()  # over n - 1
        signal = gradients.mean(0).square().sum() - noise / 60
        expected = noise / signal if signal > 0 else torch.tensor(torch.inf)
        torch.testing.assert_close(found[model], expected, check_dtype=False)


def test_a_batch_of_two_kinds_has_the_noise_that_counting_gives():
    # One weight that counts: an output layer's bias, with gradients 2 (0 - y) = -2 and -6.
    net = stack((2,))
    with torch.no_grad():
        net.vector.zero_()
    inputs, targets = torch.zeros(2, 3), torch.tensor([1.0, 3.0])
    found = gradient_share.noise_scale(net, (inputs, targets), mse_loss)
    assert found.tolist() == pytest.approx([8 / (16 - 4)] * MODELS)


def test_a_mean_that_is_lost_in_noise_asks_for_infinitely_many_examples():
    net = stack((2,))
    with torch.no_grad():
        net.vector.zero_()
    inputs, targets = torch.zeros(2, 3), torch.tensor([1.0, -1.0])
    assert gradient_share.noise_scale(net, (inputs, targets), mse_loss).isinf().all()


def test_the_picture_says_what_the_top_examples_make():
    few_huge = torch.ones(4, 1000)
    few_huge[:, :10] = 300
    plot = gradient_share.plot_concentration({"even": torch.ones(4, 1000), "uneven": few_huge})
    assert isinstance(plot, Plot)
    assert plot.labels.title.replace("\n", " ") == (
        "The top 1% of examples make 75% of the gradient (uneven), or 1% (even)"
    )
    assert "median over 4 networks. At 1% of the examples, even: 1%; uneven: 75%." in plot.alt
    even = plot.data[plot.data["name"] == "even"]
    assert even["made"].to_numpy() == pytest.approx(even["share"].to_numpy(), rel=1e-4)
    assert plot.data.groupby("name", observed=True)["made"].max().tolist() == [100, 100]
    plot.draw()


def test_the_title_of_the_picture_fits():
    few_huge = torch.ones(1, 100)
    few_huge[:, 0] = 300
    plot = gradient_share.plot_concentration({"L1": torch.ones(1, 100), "MSE": few_huge})
    assert max(map(len, plot.labels.title.split("\n"))) <= 52


@pytest.mark.parametrize(
    ("function", "arguments", "words"),
    [
        ("gradient_norms", (None, batch(5), mse_loss), "net: expected a StackedMLP"),
        ("gradient_norms", (stack(), batch(2, 5), mse_loss), "batch: expected inputs of shape"),
        ("gradient_norms", (stack(), batch(5), "mse"), "loss: expected a function"),
        ("noise_scale", (stack(), batch(1), mse_loss), "batch: expected at least two"),
        ("top_share", (torch.ones(5),), "norms: expected a tensor"),
        ("top_share", (torch.ones(2, 50),), "share: expected at least one of 50 examples"),
        ("top_share", (torch.ones(2, 50), 1), "share: "),
        ("plot_concentration", ({},), "norms: expected 1 to 4"),
        ("plot_concentration", ({"mine": [1.0]},), "norms: expected a tensor"),
        ("plot_concentration", ({"mine": torch.ones(1, 50)},), "share: expected at least one"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(function, arguments, words):
    with pytest.raises((TypeError, ValueError), match=f"^{words}"):
        getattr(gradient_share, function)(*arguments)
