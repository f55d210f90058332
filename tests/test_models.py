"""Stacked networks, against PyTorch's own layers."""

import copy
import io
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from adl.models import StackedMLP

DTYPES = (torch.float32, torch.float64)
SHAPES = [(1, [10]), (3, [32, 32]), (2, [4, 1, 6]), (1, [1])]


def stack(models=4, inputs=3, hidden=(8, 5), seed=0, **options):
    options = {"dtype": torch.float64, **options}
    return StackedMLP(models, inputs=inputs, hidden=hidden, seed=seed, **options)


def examples(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("activation", [torch.relu, torch.tanh, F.gelu, nn.Softplus()])
@pytest.mark.parametrize(("inputs", "hidden"), SHAPES)
def test_each_single_network_computes_what_it_computes_in_the_stack(inputs, hidden, activation):
    net = stack(inputs=inputs, hidden=hidden, activation=activation)
    x = examples(7, inputs)
    alone = torch.stack([net.single(model)(x)[:, 0] for model in range(4)])
    assert net(x).shape == (4, 7)
    torch.testing.assert_close(net(x), alone, rtol=1e-12, atol=1e-12)


def test_a_single_network_is_linear_layers_with_the_activation_between():
    kinds = [type(module) for module in stack(hidden=(8, 5)).single(0)]
    assert kinds[::2] == [nn.Linear] * 3
    assert len(kinds) == 5


def test_a_single_network_has_a_copy_of_the_parameters():
    net = stack()
    with torch.no_grad():
        net.single(1)[0].weight.zero_()
    assert net.layers()[0][0][1].all()


def test_networks_can_see_examples_of_their_own():
    net, x = stack(), examples(4, 7, 3)
    alone = torch.stack([net.single(model)(x[model])[:, 0] for model in range(4)])
    torch.testing.assert_close(net(x), alone, rtol=1e-12, atol=1e-12)


def test_a_stack_computes_with_other_parameters_than_its_own():
    net, other, x = stack(seed=0), stack(seed=1), examples(7, 3)
    assert net(x, other.vector).equal(other(x))
    assert not net(x).equal(other(x))


def test_the_gradient_of_the_summed_losses_is_each_networks_own():
    net, x = stack(), examples(7, 3)
    (together,) = torch.autograd.grad(net(x).square().mean(-1).sum(), net.vector)
    for model in range(4):
        alone = net.single(model)
        alone(x).square().mean().backward()
        parts = [part for linear in alone[::2] for part in (linear.weight.grad.T, linear.bias.grad)]
        own = torch.cat([part.flatten() for part in parts])
        torch.testing.assert_close(together[model], own, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("inputs", "hidden", "parameters"),
    [(1, [10], 31), (3, [32, 32], 1217), (3, [100, 100], 10_601)],
)
def test_the_number_of_parameters_is_that_of_the_single_network(inputs, hidden, parameters):
    net = stack(2, inputs, hidden)
    assert net.vector.shape == (2, parameters)
    assert sum(p.numel() for p in net.single(0).parameters()) == parameters


@pytest.mark.parametrize("part", [0, 1], ids=["weights", "biases"])
@pytest.mark.parametrize(("layer", "fan_in"), [(0, 3), (1, 100), (2, 50)])
def test_the_start_is_uniform_up_to_one_over_the_root_of_the_inputs(layer, fan_in, part):
    drawn = stack(500, 3, (100, 50)).layers()[layer][part].detach() * math.sqrt(fan_in)
    assert drawn.abs().max() <= 1
    tolerance = 5 / math.sqrt(drawn.numel())
    for power, moment in ((1, 0), (2, 1 / 3), (4, 1 / 5)):
        assert drawn.pow(power).mean().item() == pytest.approx(moment, abs=tolerance)


def test_the_start_has_the_bounds_of_torchs_own_linear_layers():
    torch_own = [nn.Linear(100, 300) for _ in range(3)]
    net = stack(3, 100, [300]).layers()[0]
    for ours, theirs in zip(net, ("weight", "bias"), strict=True):
        largest = max(getattr(layer, theirs).abs().max().item() for layer in torch_own)
        assert ours.abs().max().item() == pytest.approx(largest, rel=0.02)


def test_the_default_dtype_does_not_change_the_start(double_by_default):
    net = StackedMLP(2, inputs=3, hidden=[8], seed=0)
    assert net.vector.dtype == torch.float32
    torch.set_default_dtype(torch.float32)
    assert net.vector.equal(StackedMLP(2, inputs=3, hidden=[8], seed=0).vector)


def test_all_networks_start_differently():
    assert len(stack(50, 1, [1]).vector.unique(dim=0)) == 50


def test_a_seed_gives_the_same_start_in_single_and_double_precision():
    single, double = (stack(dtype=dtype).vector for dtype in DTYPES)
    assert single.dtype == torch.float32
    assert single.double().equal(double)


def test_a_generator_moves_on():
    generator = torch.Generator().manual_seed(0)
    first, second = (stack(seed=generator).vector for _ in range(2))
    assert first.equal(stack(seed=0).vector)
    assert not second.equal(first)


@pytest.mark.parametrize("use", [stack, lambda: stack().single(0)], ids=["stack", "single"])
def test_global_random_numbers_are_left_alone(use):
    before = torch.get_rng_state()
    use()
    assert before.equal(torch.get_rng_state())


def test_layers_are_views_of_the_vector():
    net = stack()
    for weights, biases in net.layers():
        for part in (weights, biases):
            assert part.untyped_storage().data_ptr() == net.vector.untyped_storage().data_ptr()


def test_layers_take_another_vector_apart():
    net = stack(2, 1, [3])
    (first, second) = net.layers(torch.arange(20.0).view(2, 10))
    assert [part[0].flatten().tolist() for part in (*first, *second)] == [
        [0, 1, 2],
        [3, 4, 5],
        [6, 7, 8],
        [9],
    ]


def test_parameters_can_be_saved_and_loaded():
    net, file = stack(seed=0), io.BytesIO()
    torch.save(net.state_dict(), file)
    file.seek(0)
    other = stack(seed=1)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert other(examples(7, 3)).equal(net(examples(7, 3)))


def test_a_copy_has_parameters_of_its_own():
    net = stack()
    before, other = net.vector.detach().clone(), copy.deepcopy(net)
    assert other(examples(7, 3)).equal(net(examples(7, 3)))
    with torch.no_grad():
        other.vector.zero_()
    assert net.vector.equal(before)


CUDA = pytest.param(
    "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
)


@pytest.mark.parametrize("device", [None, "cpu", torch.device("cpu"), CUDA])
def test_a_seed_gives_the_same_start_on_every_device(device):
    net = stack(device=device)
    assert net.vector.device.type == torch.device(device or "cpu").type
    assert net.vector.is_leaf
    assert net.vector.detach().cpu().equal(stack().vector.detach())


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"models": 0}, ValueError, "^models: expected a whole number of at least 1, got 0"),
        ({"models": "2"}, TypeError, "^models: "),
        ({"inputs": 1.5}, ValueError, "^inputs: expected a whole number of at least 1, got 1.5"),
        ({"hidden": 10}, TypeError, "^hidden: expected a sequence of widths, got 10"),
        ({"hidden": []}, ValueError, "^hidden: expected at least one width, got none"),
        ({"hidden": [8, 0]}, ValueError, "^hidden: expected a whole number of at least 1, got 0"),
        ({"hidden": "8"}, TypeError, "^hidden: "),
        ({"activation": "relu"}, TypeError, "^activation: expected a function, got 'relu'"),
        ({"seed": -1}, ValueError, "^seed: "),
        ({"dtype": torch.int64}, TypeError, "^dtype: expected a floating dtype .* torch.int64"),
    ],
)
def test_stacks_that_cannot_be_made_are_refused_in_words(options, error, words):
    with pytest.raises(error, match=words):
        stack(**options)


@pytest.mark.parametrize(
    ("model", "error", "words"),
    [
        (4, ValueError, "^model: expected a number below 4, got 4"),
        (-1, ValueError, "^model: expected a whole number of at least 0, got -1"),
        ("first", TypeError, "^model: "),
    ],
)
def test_a_network_that_is_not_there_is_refused_in_words(model, error, words):
    with pytest.raises(error, match=words):
        stack(4).single(model)


@pytest.mark.parametrize("models", [slice(1, 3), torch.tensor([1, 2]), [1, 2]])
def test_some_networks_say_what_they_said_among_all(models):
    net, x = StackedMLP(5, inputs=3, hidden=(8, 8), seed=0), torch.ones(4, 3)
    some = net.some(models)
    torch.testing.assert_close(some(x), net(x)[1:3])
    assert isinstance(some.vector, torch.nn.Parameter)


def test_some_networks_are_a_copy_and_may_be_there_twice():
    net = StackedMLP(2, inputs=3, hidden=[8], seed=0)
    twice = net.some(torch.tensor([0, 1, 0]))
    before = net.vector.detach().clone()
    with torch.no_grad():
        twice.vector.zero_()
    assert twice.models == 3
    assert net.models == 2
    assert net.vector.equal(before)


def test_some_networks_share_nothing_with_the_others():
    net = stack(hidden=(8, 5), activation=torch.tanh)
    net.register_forward_hook(lambda *seen: pytest.fail("it was called"))
    some = net.some([1])
    assert (some.widths, some.activation, some.vector.dtype) == (
        [3, 8, 5, 1],
        torch.tanh,
        torch.float64,
    )
    assert some(examples(7, 3)).equal(some.forward(examples(7, 3)))
    assert some.vector.requires_grad
    assert some.vector.is_leaf


@pytest.mark.parametrize(
    ("models", "got"),
    [
        (slice(0), r"slice\(None, 0, None\)"),
        (torch.tensor([7]), r"tensor\(\[7\]\)"),
        (1, "1"),
        ([[0, 1], [1, 0]], r"\[\[0, 1\], \[1, 0\]\]"),
        ([[1], [0, 1]], r"\[\[1\], \[0, 1\]\]"),
        ("first", "'first'"),
        (None, "None"),
    ],
)
def test_no_choice_of_networks_is_refused_in_words(models, got):
    net = StackedMLP(2, inputs=3, hidden=[8], seed=0)
    words = f"^models: expected a slice or a tensor of some of the 2 networks, got {got}$"
    with pytest.raises(ValueError, match=words):
        net.some(models)
