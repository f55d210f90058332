"""Networks on the singular target: trained as torch would, judged by the same examples."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import norm

from adl import singular
from adl.data import singular_batch, singular_target
from adl.losses import LOSSES
from adl.models import StackedMLP

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("loss", LOSSES)
def test_a_stack_trains_as_torch_trains_one_network(loss):
    fitted = singular.fit(loss, [1.0, 0.01], networks=2, hidden=[8], steps=25, seed=3)
    start = StackedMLP(2, inputs=3, hidden=[8], seed=6, dtype=torch.float64)
    generator = torch.Generator().manual_seed(7)
    batches = [singular_batch(2, 200, seed=generator, dtype=torch.float64)[0] for _ in range(25)]
    for place, (epsilon, network) in enumerate([(1.0, 0), (1.0, 1), (0.01, 0), (0.01, 1)]):
        one = start.single(network)
        adam = torch.optim.Adam(one.parameters(), lr=0.01)
        for step, inputs in enumerate(batches):
            adam.param_groups[0]["lr"] = 0.01 * (1 - step / 24)
            targets = singular_target(inputs[network], epsilon)
            cost = LOSSES[loss](one(inputs[network])[:, 0], targets)
            zero = LOSSES[loss](torch.zeros_like(targets), targets)
            left = fitted.left[step, place // 2, network]
            torch.testing.assert_close(left, (cost / zero).detach())
            adam.zero_grad()
            cost.backward()
            adam.step()
        same = fitted.net.single(place)
        for mine, its in zip(one.parameters(), same.parameters(), strict=True):
            torch.testing.assert_close(mine, its, rtol=1e-6, atol=1e-8)


def test_start_and_batches_do_not_depend_on_loss_or_epsilon():
    first = [
        singular.fit(loss, [epsilon], networks=3, steps=1, step_size=1e-12).net.vector
        for loss, epsilon in (("MSE", 1.0), ("L1", 1e-4))
    ]
    torch.testing.assert_close(*first, rtol=0, atol=1e-11)
    some, more = (singular.fit("MSE", e, networks=2, steps=30) for e in ([0.1], [1.0, 0.1]))
    torch.testing.assert_close(some.of(0.1).vector, more.of(0.1).vector)


def test_readings_do_not_change_the_training():
    often, never = (singular.fit("L1", [0.1], networks=2, steps=40, every=e) for e in (10, None))
    assert often.at.tolist() == [10, 20, 30, 40]
    assert torch.equal(often.net.vector, never.net.vector)
    assert torch.equal(often.left, never.left)
    assert torch.equal(often.path[-1], often.net.vector)


@pytest.fixture
def moved(monkeypatch):
    """All networks start a little beside where they would."""

    def start(*arguments, **options):
        net = StackedMLP(*arguments, **options)
        with torch.no_grad():
            places = torch.arange(net.vector.shape[1], dtype=torch.float64)
            net.vector.mul_(1 + 1e-12 * places.sin())
        return net

    singular._train.cache_clear()
    monkeypatch.setattr(singular, "StackedMLP", start)
    yield
    singular._train.cache_clear()


@pytest.mark.parametrize("loss", ["MSE", "L1", "relative L1"])
def test_training_is_not_chaotic(loss, request):
    first = singular.fit(loss, [1e-4], networks=3, steps=300)
    request.getfixturevalue("moved")
    other = singular.fit(loss, [1e-4], networks=3, steps=300)
    assert not torch.equal(first.net.vector, other.net.vector)
    torch.testing.assert_close(first.net.vector, other.net.vector, rtol=0, atol=1e-8)


def test_measurement_is_that_of_numpy():
    fitted = singular.fit("MSE", [1.0, 0.1], networks=2, steps=20, every=10)
    table = singular.measure(fitted).set_index(["epsilon", "step", "network"])
    assert len(table) == 8
    inputs, targets = singular.held_out(0.1)
    outputs = fitted.net.single(3)(inputs)[:, 0].detach().numpy()
    squares = (outputs - targets.numpy()) ** 2
    line = table.loc[0.1, 20, 1]
    logs = np.sort(np.log10(squares))
    assert logs[9999] - 1e-12 <= line["median"] <= logs[10000] + 1e-12
    explained = 1 - squares.mean() / targets.numpy().var()
    assert line["explained"] == pytest.approx(explained, rel=1e-9)


def test_guesses_at_a_mild_target_are_those_of_numpy():
    _, targets = singular.held_out(1.0)
    guesses = singular.baselines(1.0)
    y = targets.numpy()
    np.testing.assert_allclose(guesses["always 0"], y**2)
    np.testing.assert_allclose(guesses["two random targets"][1:], (y[1:] - y[:-1]) ** 2)


def test_held_out_inputs_are_normal_and_the_same_for_every_epsilon():
    inputs, _ = singular.held_out(1.0)
    assert torch.equal(inputs, singular.held_out(1e-4)[0])
    quantiles = torch.quantile(inputs[:, 0], torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64))
    np.testing.assert_allclose(quantiles, norm.ppf([0.1, 0.5, 0.9]), atol=0.03)


def test_networks_of_an_epsilon_that_nobody_learned_are_refused():
    fitted = singular.fit("L1", [1.0], networks=1, steps=1)
    with pytest.raises(ValueError, match=r"^epsilon: expected one of \(1.0,\), got 0.1"):
        fitted.of(0.1)


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (("mse",), {}, "^loss: expected one of MSE, Huber, L1, log error, two-sided log, "),
        (("MSE", []), {}, "^epsilons: expected at least one number, got none"),
        (("MSE", [-1.0]), {}, "^epsilons: expected numbers of at least 0, got -1.0"),
        (("MSE", 1.0), {}, "^epsilons: expected one dimension"),
        (("MSE", torch.tensor(1.0)), {}, "^epsilons: expected one dimension"),
        (("MSE", [1, 0.1, 1]), {}, "^epsilons: expected each number once"),
        ((["MSE"],), {}, r"^loss: expected one of MSE, .*, got \['MSE'\]"),
        (("MSE",), {"hidden": []}, "^hidden: expected at least one width"),
        (("MSE",), {"seed": 2**63}, "^seed: expected a number below 9223372036854775808"),
        (("MSE",), {"networks": 0}, "^networks: expected a whole number of at least 1"),
        (("MSE",), {"steps": 0}, "^steps: expected a whole number of at least 1"),
        (("MSE",), {"step_size": 0}, "^step_size: expected a number above 0"),
        (("MSE",), {"every": 3}, "^every: expected a divisor of the 500 steps, got 3"),
        (("MSE",), {"seed": -1}, "^seed: expected a whole number of at least 0"),
    ],
)
def test_trainings_that_cannot_be_are_refused_in_words(arguments, options, words, monkeypatch):
    monkeypatch.setattr(singular, "_train", lambda *arguments: pytest.fail("it trained"))
    with pytest.raises(ValueError, match=words):
        singular.fit(*arguments, **options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epsilons": None}, "^epsilons: expected a sequence of finite numbers, got NoneType"),
        ({"hidden": 32}, "^hidden: expected a sequence of widths, got 32"),
        ({"hidden": [[8]]}, "^hidden: expected a finite number, got list"),
    ],
)
def test_trainings_of_the_wrong_kind_are_refused_in_words(options, words):
    with pytest.raises(TypeError, match=words):
        singular.fit("MSE", **options)


def network(dtype=torch.float64, inputs=3):
    return StackedMLP(3, inputs=inputs, hidden=[8], seed=0, dtype=dtype)


def test_predictions_are_those_on_the_held_out_examples():
    net = network()
    assert torch.equal(singular.predict(net, 0.1), net(singular.held_out(0.1)[0]))
    twice = singular.predict(net, 0.1, 2 * net.vector)
    assert torch.equal(twice, net(singular.held_out(0.1)[0], 2 * net.vector))


def test_single_precision_is_judged_in_double():
    outputs = singular.predict(network(torch.float32), 0.1)
    assert outputs.dtype == torch.float64
    assert not outputs.requires_grad
    torch.testing.assert_close(outputs, singular.predict(network(), 0.1), rtol=1e-4, atol=1e-5)


def test_networks_in_single_precision_are_measured():
    fitted = singular.fit("L1", [1.0], networks=2, steps=20)
    single = replace(fitted, net=fitted.net.some(slice(2)).float(), path=fitted.path.float())
    for column in ("median", "explained"):
        measured = [singular.measure(one)[column].to_numpy() for one in (fitted, single)]
        np.testing.assert_allclose(*measured, atol=1e-4)


def test_the_bill_is_that_of_numpy():
    inputs, targets = (part.numpy() for part in singular.held_out(0.01))
    outputs = network()(torch.tensor(inputs)).detach().numpy()
    saved = targets**2 - (targets - outputs) ** 2
    table = singular.bill(network(), 0.01)
    assert list(table.index) == [
        "0 to 0.01", "0.01 to 0.03", "0.03 to 0.1", "0.1 to 0.3", "0.3 to 1", "above 1",
    ]  # fmt: skip
    bins = np.digitize(np.abs(inputs[:, 0]), [0.01, 0.03, 0.1, 0.3, 1])
    for place, line in enumerate(table.itertuples()):
        assert line.examples == pytest.approx(100 * (bins == place).mean())
        share = saved[:, bins == place].sum(1) / (targets**2).sum()
        assert line.saved == pytest.approx(100 * np.median(share))


def test_a_network_that_says_0_saves_nothing():
    net = network()
    with torch.no_grad():
        net.vector.zero_()
    assert (singular.bill(net, 0.01)["saved"] == 0).all()


def test_target_over_prediction_is_that_of_numpy():
    net = network()
    inputs, targets = singular.held_out(0.01)
    for found, outputs in zip(
        singular.target_over_prediction(net, 0.01, 0.1, 0.3),
        net(inputs).detach().numpy(),
        strict=True,
    ):
        chosen = (np.abs(outputs) >= 0.1) & (np.abs(outputs) < 0.3)
        ratios = np.sort(targets.numpy()[chosen] / outputs[chosen])
        assert found.item() == ratios[(len(ratios) - 1) // 2]  # of two in the middle, the lower


def test_where_nothing_of_a_size_is_predicted_there_is_no_ratio():
    assert singular.target_over_prediction(network(), 0.01, 1e6, 1e7).isnan().all()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: singular.held_out(-1), ValueError, "^epsilon: expected a number of at least 0"),
        (lambda: singular.baselines("1"), TypeError, "^epsilon: expected a finite number"),
        (lambda: singular.measure(None), TypeError, "^fitted: expected what adl.singular.fit ret"),
        (lambda: singular.bill(None, 0.1), TypeError, "^net: expected a StackedMLP, got NoneType"),
        (lambda: singular.bill(network(inputs=2), 0.1), ValueError, "^net: expected networks with"),
        (lambda: singular.target_over_prediction(None, 0.1, 1, 2), TypeError, "^net: expected"),
        (
            lambda: singular.target_over_prediction(network(inputs=2), 0.1, 1, 2),
            ValueError,
            "^net: expected networks with 3 inputs, got 2",
        ),
        (
            lambda: singular.target_over_prediction(network(), 0.1, 2, 1),
            ValueError,
            "^low: expected a number below high",
        ),
    ],
)
def test_what_cannot_be_judged_is_refused_in_words(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_divergence_is_a_result():
    fitted = singular.fit("MSE", [1e-4], networks=1, steps=60, step_size=1e200)
    assert not math.isfinite(fitted.left[-1, 0, 0])
    assert len(singular.measure(fitted)) == 1
