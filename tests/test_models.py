"""Networks, single and stacked, against PyTorch's own layers and closed forms."""

import copy
import io
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import adl
from adl.data import Data
from adl.models import LinSin, MLPdeep, MLPshallow, ScaledModel, StackedMLP
from adl.training import train

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


# The parametrisation of the tangent kernel's theory.

both = pytest.mark.parametrize("parametrization", ["pytorch", "ntk"])


@pytest.mark.parametrize(("inputs", "hidden"), SHAPES)
@pytest.mark.parametrize("activation", [torch.relu, torch.tanh])
def test_a_seed_gives_the_same_functions_in_both_parametrisations(inputs, hidden, activation):
    x = examples(7, inputs)
    one, other = (
        stack(inputs=inputs, hidden=hidden, activation=activation, parametrization=name)
        for name in ("pytorch", "ntk")
    )
    # The start is drawn in float32, whatever the dtype.
    torch.testing.assert_close(one(x), other(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("part", [0, 1], ids=["weights", "biases"])
@pytest.mark.parametrize("layer", range(3))
def test_with_ntk_the_start_is_uniform_up_to_1(layer, part):
    net = stack(500, 3, (100, 50), parametrization="ntk")
    drawn = net.layers()[layer][part].detach()
    assert drawn.abs().max() <= 1
    for power, moment in ((1, 0), (2, 1 / 3), (4, 1 / 5)):
        assert drawn.pow(power).mean().item() == pytest.approx(moment, abs=5 / drawn.numel() ** 0.5)


def test_with_ntk_each_layers_sum_is_divided_by_the_root_of_its_inputs():
    net = stack(inputs=3, hidden=(8, 5), activation=torch.tanh, parametrization="ntk")
    x = values = examples(7, 3)
    for (weights, biases), fan_in in zip(net.layers(), (3, 8, 5), strict=True):
        sums = (values @ weights + biases) / math.sqrt(fan_in)
        values = torch.tanh(sums)
    torch.testing.assert_close(net(x), sums[..., 0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("inputs", "hidden"), SHAPES)
def test_with_ntk_each_single_network_computes_what_it_computes_in_the_stack(inputs, hidden):
    net, x = stack(inputs=inputs, hidden=hidden, parametrization="ntk"), examples(7, inputs)
    alone = torch.stack([net.single(model)(x)[:, 0] for model in range(4)])
    torch.testing.assert_close(net(x), alone, rtol=1e-12, atol=1e-12)


def test_some_networks_keep_their_parametrisation():
    net = stack(parametrization="ntk")
    assert net.some([1, 2])(examples(7, 3)).equal(net(examples(7, 3))[1:3])


# Single networks.

KINDS = {
    "shallow": lambda **options: MLPshallow(10, **options),
    "deep": lambda **options: MLPdeep(10, **options),
    "linsin": lambda **options: LinSin(8, **options),
    "scaled": lambda **options: ScaledModel(MLPdeep(10, **options), alpha=5),
}
every_kind = pytest.mark.parametrize("kind", KINDS)
every_mlp = pytest.mark.parametrize(("make", "depth"), [(MLPshallow, 1), (MLPdeep, 2)])


def points(**options):
    return Data(15, -1, 1, 0, "middle", seed=0, **options)


@pytest.mark.parametrize("name", ["Data", "LinSin", "MLPdeep", "MLPshallow", "ScaledModel"])
def test_the_practicals_classes_are_the_packages(name):
    module = adl.data if name == "Data" else adl.models
    assert getattr(adl, name) is getattr(module, name)
    assert name in dir(adl)


@pytest.mark.parametrize(("kind", "parameters"), [("shallow", 31), ("deep", 141), ("linsin", 9)])
def test_single_networks_have_so_many_parameters(kind, parameters):
    assert sum(p.numel() for p in KINDS[kind]().parameters()) == parameters


@every_kind
def test_a_network_knows_its_type(kind):
    assert KINDS[kind]().net_type == kind


@both
@every_mlp
@pytest.mark.parametrize("activation", [torch.relu, torch.tanh])
def test_a_seed_gives_the_single_network_that_it_gives_in_a_stack(
    make, depth, activation, parametrization
):
    options = {"activation": activation, "parametrization": parametrization, "seed": 3}
    net = make(7, dtype=torch.float64, **options)
    same = StackedMLP(1, inputs=1, hidden=[7] * depth, dtype=torch.float64, **options)
    torch.testing.assert_close(net(examples(9, 1))[:, 0], same(examples(9, 1))[0])
    for linear, (weights, biases) in zip(net.linears, same.layers(), strict=True):
        assert linear.weight.T.equal(weights[0])
        assert linear.bias.equal(biases[0, 0])


@every_mlp
def test_a_network_is_linear_layers_with_the_activation_between(make, depth):
    net, x = make(10, activation=torch.tanh, seed=0), torch.linspace(-1, 1, 5)[:, None]
    values = x
    for linear in net.linears[:-1]:
        values = torch.tanh(F.linear(values, linear.weight, linear.bias))
    assert len(net.linears) == depth + 1
    torch.testing.assert_close(net(x), F.linear(values, net.lout.weight, net.lout.bias))


@both
@every_mlp
def test_a_stack_of_networks_computes_what_they_compute(make, depth, parametrization):
    options = {"parametrization": parametrization, "dtype": torch.float64}
    nets = [make(6, activation=torch.tanh, seed=seed, **options) for seed in range(3)]
    stacked, x = StackedMLP.of(nets), examples(9, 1)
    torch.testing.assert_close(stacked(x), torch.cat([net(x) for net in nets], 1).T)
    with torch.no_grad():
        stacked.vector.zero_()
    assert all(net.lout.weight.any() for net in nets)


@pytest.mark.parametrize(
    ("nets", "error", "words"),
    [
        ([], ValueError, "expected at least one network, got none"),
        (None, TypeError, "expected a sequence of networks, got NoneType"),
        (MLPdeep(3, seed=0), TypeError, "expected a sequence of networks, got MLPdeep"),
        ([LinSin(4, seed=0)], TypeError, "expected MLPshallow or MLPdeep, got LinSin"),
        ([3], TypeError, "expected MLPshallow or MLPdeep, got int"),
        ([MLPshallow(3), MLPdeep(3)], ValueError, "expected networks of one shape and kind"),
        ([MLPdeep(3), MLPdeep(4)], ValueError, "expected networks of one shape and kind"),
        ([MLPdeep(3), MLPdeep(3, activation=torch.tanh)], ValueError, "expected networks of one"),
        ([MLPdeep(3), MLPdeep(3, parametrization="ntk")], ValueError, "expected networks of one"),
        ([MLPdeep(3), MLPdeep(3, dtype=torch.float64)], ValueError, "expected networks of one"),
    ],
)
def test_networks_that_cannot_be_stacked_are_refused_in_words(nets, error, words):
    with pytest.raises(error, match=f"^nets: {words}"):
        StackedMLP.of(nets)


@every_kind
def test_a_seed_gives_the_same_single_network_in_single_and_double_precision(kind):
    single, double = (KINDS[kind](seed=0, dtype=dtype) for dtype in DTYPES)
    for one, other in zip(single.parameters(), double.parameters(), strict=True):
        assert one.dtype == torch.float32
        assert one.double().equal(other)


@every_kind
def test_the_default_dtype_does_not_change_a_single_network(kind, double_by_default):
    double = KINDS[kind](seed=0)
    torch.set_default_dtype(torch.float32)
    for one, other in zip(KINDS[kind](seed=0).parameters(), double.parameters(), strict=True):
        assert one.dtype == other.dtype == torch.float32
        assert one.equal(other)


@every_kind
def test_single_networks_leave_global_random_numbers_alone(kind):
    before = torch.get_rng_state()
    KINDS[kind](seed=0)
    assert before.equal(torch.get_rng_state())


@every_kind
def test_a_generator_of_networks_moves_on(kind):
    generator = torch.Generator().manual_seed(0)
    first, second = (next(KINDS[kind](seed=generator).parameters()) for _ in range(2))
    assert first.equal(next(KINDS[kind](seed=0).parameters()))
    assert not second.equal(first)


# What they remember.


@every_kind
def test_saved_weights_are_the_output_weights_without_the_bias(kind):
    net = KINDS[kind](seed=0)
    assert net.weight_history == []
    net.save_weights()
    expected = (net.model if kind == "scaled" else net).lout.weight
    assert isinstance(net.weight_history[0], np.ndarray)
    assert net.weight_history[0].shape == (8 if kind == "linsin" else 10,)
    assert net.weight_history[0].tolist() == expected.flatten().tolist()


@every_kind
def test_saved_weights_are_copies(kind):
    net = KINDS[kind](seed=0)
    net.save_weights()
    kept = net.weight_history[0].tolist()
    train(net, points(), N_steps=5, lr=0.01, save_weights_every=0)
    net.save_weights()
    assert net.weight_history[0].tolist() == kept
    assert net.weight_history[1].tolist() != kept


def test_a_network_alone_remembers_nothing_of_another():
    one, other = MLPshallow(10, seed=0), MLPshallow(10, seed=0)
    one.save_weights()
    assert other.weight_history == []


# The linear model.


def test_the_features_are_cosines_and_sines_in_turn():
    x = torch.tensor([[-0.3], [0.0], [0.7]], dtype=torch.float64)
    expected = [
        [
            math.cos(2 * math.pi * number),
            math.sin(2 * math.pi * number),
            math.cos(4 * math.pi * number),
            math.sin(4 * math.pi * number),
        ]
        for number in (-0.3, 0.0, 0.7)
    ]
    features = LinSin(4, seed=0).phi(x)
    assert features.numpy() == pytest.approx(np.array(expected), abs=1e-12)


def test_the_frequency_can_be_chosen():
    x = examples(9, 1)
    torch.testing.assert_close(LinSin(6, frequency=math.pi).phi(x), LinSin(6).phi(x / 2))


def test_a_linear_model_is_its_features_times_its_weights():
    net, x = LinSin(8, seed=0, dtype=torch.float64), examples(9, 1)
    torch.testing.assert_close(net(x), net.phi(x) @ net.lout.weight.T + net.lout.bias)


def test_a_linear_model_repeats_itself_after_1():
    net, x = LinSin(8, seed=0, dtype=torch.float64), examples(9, 1)
    torch.testing.assert_close(net(x), net(x + 1))


def test_a_linear_model_starts_as_torchs_own_linear_layers():
    weights, biases = zip(
        *[(net.lout.weight, net.lout.bias) for net in (LinSin(16, seed=n) for n in range(300))],
        strict=True,
    )
    for parts in (weights, biases):
        drawn = torch.cat([part.detach().flatten() for part in parts]) * 4
        assert drawn.abs().max() <= 1
        tolerance = 5 / math.sqrt(len(drawn))
        for power, moment in ((1, 0), (2, 1 / 3), (4, 1 / 5)):
            assert drawn.pow(power).mean().item() == pytest.approx(moment, abs=tolerance)


# Outputs that are scaled.

every_base = pytest.mark.parametrize("kind", ["shallow", "deep", "linsin"])


@every_base
@pytest.mark.parametrize("alpha", [0.1, 1, 1000])
def test_a_scaled_network_is_0_at_the_start(kind, alpha):
    scaled = ScaledModel(KINDS[kind](seed=0), alpha)
    assert not scaled(torch.linspace(-1, 1, 9)[:, None]).any()


@every_base
def test_a_scaled_network_is_alpha_times_what_has_changed(kind):
    base, x = KINDS[kind](seed=0, dtype=torch.float64), examples(9, 1)
    scaled = ScaledModel(base, 7)
    train(scaled, points(dtype=torch.float64), N_steps=5, lr=0.001, save_weights_every=0)
    assert scaled(x).abs().min() > 0
    torch.testing.assert_close(scaled(x), 7 * (scaled.model(x) - base(x)))


@every_base
def test_training_a_scaled_network_leaves_its_base_as_it_is(kind):
    base = KINDS[kind](seed=0)
    before = copy.deepcopy(base.state_dict())
    scaled = ScaledModel(base, 7)
    train(scaled, points(), N_steps=5, lr=0.001, save_weights_every=1)
    assert all(base.state_dict()[name].equal(part) for name, part in before.items())
    assert base.weight_history == []
    assert len(scaled.weight_history) == 5


def test_training_the_base_leaves_the_scaled_network_as_it_is():
    base = MLPdeep(10, seed=0)
    scaled = ScaledModel(base, 7)
    train(base, points(), N_steps=5, lr=0.1)
    assert not scaled(torch.ones(3, 1)).any()


def test_what_the_base_remembers_is_not_the_scaled_networks():
    base = MLPdeep(10, seed=0)
    base.save_weights()
    scaled = ScaledModel(base, 7)
    assert scaled.weight_history == []
    assert len(base.weight_history) == 1


@every_base
def test_the_start_is_not_among_the_parameters(kind):
    base = KINDS[kind](seed=0)
    scaled = ScaledModel(base, 7)
    names = [name for name, _ in base.named_parameters()]
    assert [name for name, _ in scaled.named_parameters()] == [f"model.{name}" for name in names]
    assert len(list(scaled.buffers())) == len(names)


def test_the_gradient_of_a_scaled_network_is_alpha_times_that_of_its_base():
    base, x = MLPdeep(10, seed=0, dtype=torch.float64), examples(9, 1)
    scaled = ScaledModel(base, 7)
    base(x).sum().backward()
    scaled(x).sum().backward()
    for one, other in zip(base.parameters(), scaled.parameters(), strict=True):
        torch.testing.assert_close(7 * one.grad, other.grad)


def test_a_scaled_network_can_be_saved_and_loaded_into_one_of_another_base():
    scaled, file = ScaledModel(MLPdeep(10, seed=0), 7), io.BytesIO()
    train(scaled, points(), N_steps=5, lr=0.001)
    torch.save(scaled.state_dict(), file)
    file.seek(0)
    other = ScaledModel(MLPdeep(10, seed=1), 7)
    other.load_state_dict(torch.load(file, weights_only=True))
    x = torch.linspace(-1, 1, 9)[:, None]
    assert other(x).any()
    assert other(x).equal(scaled(x))


def test_a_copy_of_a_scaled_network_has_a_start_and_parameters_of_its_own():
    scaled, x = ScaledModel(MLPdeep(10, seed=0), 7), torch.ones(3, 1)
    other = copy.deepcopy(scaled)
    train(scaled, points(), N_steps=5, lr=0.001)
    assert scaled(x).any()
    assert not other(x).any()
    assert other.weight_history == []


def test_a_scaled_network_can_be_scaled_again():
    base, x = MLPdeep(10, seed=0, dtype=torch.float64), examples(9, 1)
    twice, once = ScaledModel(ScaledModel(base, 3), 4), ScaledModel(base, 12)
    for scaled in (twice, once):
        train(scaled, points(dtype=torch.float64), N_steps=5, lr=0.0001, save_weights_every=1)
    torch.testing.assert_close(twice(x), once(x))
    assert np.array(twice.weight_history) == pytest.approx(np.array(once.weight_history))


@every_kind
def test_saved_networks_can_be_loaded_with_weights_only(kind):
    net, file = KINDS[kind](seed=0), io.BytesIO()
    torch.save(net.state_dict(), file)
    file.seek(0)
    other = KINDS[kind](seed=1)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert other(torch.ones(3, 1)).equal(net(torch.ones(3, 1)))


@pytest.mark.parametrize(
    ("make", "options", "error", "words"),
    [
        (MLPshallow, {"hidden_dim": 0}, ValueError, "hidden_dim: expected a whole number of at le"),
        (MLPdeep, {"hidden_dim": "10"}, TypeError, "hidden_dim: expected a finite number, got str"),
        (MLPdeep, {"hidden_dim": 1.5}, ValueError, "hidden_dim: expected a whole number .* 1.5"),
        (MLPdeep, {"hidden_dim": 3, "activation": "relu"}, TypeError, "activation: .* got 'relu'"),
        (
            MLPshallow,
            {"hidden_dim": 3, "parametrization": "mup"},
            ValueError,
            'parametrization: expected "pytorch" or "ntk", got \'mup\'',
        ),
        (MLPshallow, {"hidden_dim": 3, "seed": -1}, ValueError, "seed: expected a whole number"),
        (MLPshallow, {"hidden_dim": 3, "dtype": torch.int64}, TypeError, "dtype: expected a float"),
        (LinSin, {"feature_dim": 7}, ValueError, "feature_dim: expected an even number, .* got 7"),
        (
            LinSin,
            {"feature_dim": 0},
            ValueError,
            "feature_dim: expected a whole number of at least",
        ),
        (LinSin, {"feature_dim": -2}, ValueError, "feature_dim: expected a whole number of at l"),
        (LinSin, {"feature_dim": 2.5}, ValueError, "feature_dim: expected a whole number .* 2.5"),
        (LinSin, {"feature_dim": "8"}, TypeError, "feature_dim: expected a finite number, got str"),
        (LinSin, {"feature_dim": 8, "frequency": 0}, ValueError, "frequency: expected a number ab"),
        (LinSin, {"feature_dim": 8, "seed": "a"}, TypeError, "seed: "),
        (LinSin, {"feature_dim": 8, "dtype": torch.int64}, TypeError, "dtype: expected a floating"),
        (ScaledModel, {"alpha": 0}, ValueError, "alpha: expected a number above 0, got 0"),
        (ScaledModel, {"alpha": -1}, ValueError, "alpha: expected a number above 0, got -1"),
        (ScaledModel, {"alpha": "much"}, TypeError, "alpha: expected a finite number, got str"),
        (ScaledModel, {"base_model": 3}, TypeError, "base_model: expected a network .* got int"),
        (
            ScaledModel,
            {"base_model": nn.Linear(1, 1)},
            TypeError,
            "base_model: expected a network with a method save_weights .* MLPdeep, got Linear",
        ),
        (ScaledModel, {"base_model": stack()}, TypeError, "base_model: .* got StackedMLP"),
    ],
)
def test_single_networks_that_cannot_be_made_are_refused_in_words(make, options, error, words):
    if make is ScaledModel:
        options = {"base_model": MLPdeep(3, seed=0), **options}
    with pytest.raises(error, match=f"^{words}"):
        make(**options)


@pytest.mark.parametrize("parametrization", ["pytorch", "ntk"])
@pytest.mark.parametrize(
    "activation", [torch.relu, torch.tanh, F.gelu, torch.relu_, nn.ReLU(inplace=True)]
)
@pytest.mark.parametrize("hidden", [[7], [7, 5]])
@pytest.mark.parametrize("shape", [(9, 3), (4, 9, 3)])
def test_backpropagation_written_out_is_that_of_autograd(
    shape, hidden, activation, parametrization
):
    net = stack(hidden=hidden, activation=activation, parametrization=parametrization)
    slopes = examples(4, 9).flip(0)
    outputs, pull = net.vjp(examples(*shape))
    wanted = net(examples(*shape))
    (gradient,) = torch.autograd.grad(wanted, net.vector, slopes)
    torch.testing.assert_close(outputs, wanted)
    torch.testing.assert_close(pull(slopes), gradient)
