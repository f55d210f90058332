"""The controller of the spread, against its law and against the trainer that has none."""

import math

import numpy as np
import pytest
import torch

from adl import fluctuations
from adl.data import singular_batch
from adl.models import StackedMLP
from adl.plotting import Plot
from adl.spread_control import Held, floor_within_batch, hold_spread, plot_control
from adl.training import StackedAdam, StackedSGD, train_stacked

MODELS, EXAMPLES = 4, 50
PROBE = singular_batch(EXAMPLES, seed=99)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several times as fast on networks this small
    yield
    torch.set_num_threads(threads)


def fresh(generator):
    return singular_batch(MODELS, EXAMPLES, seed=generator)


def adam(seed=0, dtype=torch.float64):
    return StackedAdam(StackedMLP(MODELS, inputs=3, hidden=[8], seed=seed, dtype=dtype))


def held(signal="raw", batch=fresh, optimizer=None, **changes):
    arguments = {"target": 0.1, "step_size": 0.01, "steps": 100, "window": 40, "seed": 1}
    arguments["probe"] = PROBE if signal == "probe" else None
    return hold_spread(optimizer or adam(), batch, signal=signal, **arguments | changes)


@pytest.mark.parametrize("batch", [fresh, singular_batch(MODELS, EXAMPLES, seed=5)])
def test_until_the_window_is_full_nothing_is_changed(batch):
    plain = train_stacked(adam(), batch, step_size=0.01, steps=40, seed=1)
    assert torch.equal(held(batch=batch).losses[:40], plain.losses)


@pytest.mark.parametrize("signal", ["raw", "corrected", "probe"])
def test_the_training_is_that_of_the_rates_that_are_reported(signal):
    run = held(signal)
    rates = torch.full((100, MODELS), 0.01, dtype=torch.float64)
    for at, chosen in zip(run.at, run.rates, strict=True):
        rates[at:] = chosen
    again = train_stacked(adam(), fresh, step_size=rates, steps=100, seed=1)
    assert torch.allclose(run.losses, again.losses, rtol=1e-9)


@pytest.mark.parametrize("signal", ["raw", "corrected", "probe"])
@pytest.mark.parametrize("gain", [0.05, 0.5])
def test_every_ten_steps_the_rate_is_multiplied_by_the_law(signal, gain):
    run = held(signal, gain=gain)
    before = torch.cat([torch.full((1, MODELS), 0.01), run.rates[:-1]])
    factor = ((0.1 / run.signal) ** gain).clamp(0.9, 1.1)
    assert torch.allclose(run.rates, before * factor)
    assert run.at.tolist() == [40, 50, 60, 70, 80, 90, 100]


def test_the_raw_signal_is_the_spread_of_the_losses():
    run = held()
    expected = fluctuations.spread(run.losses, 40)[run.at - 40]
    assert run.signal.numpy() == pytest.approx(expected, abs=1e-7)


def test_the_corrected_signal_is_the_raw_one_without_the_floor_of_each_batch():
    kept = []

    def remembered(generator):
        kept.append(fresh(generator))
        return kept[-1]

    optimizer = adam()
    start = optimizer.net.vector.detach().clone()
    run = held("corrected", remembered, optimizer, step_size=1e-30, steps=40)
    with torch.no_grad():
        pairs = [(x.double(), y.double()) for x, y in kept]
        errors = torch.stack([(optimizer.net(x, start) - y).square() for x, y in pairs])
    left = errors.mean(-1).log10().var(0, correction=0) - floor_within_batch(errors).square().mean(
        0
    )
    assert torch.allclose(run.signal[0], left.clamp_min(0).sqrt())


def test_the_probe_of_networks_that_stand_still_does_not_fluctuate():
    assert held("probe", step_size=1e-30).signal.max() < 1e-7


def test_without_noise_to_spare_the_raw_signal_drives_the_rate_down_step_by_step():
    run = held(target=1e-6, steps=140)
    assert torch.allclose(run.rates[-1], torch.tensor(0.01 * 0.9**11).double())


def test_the_probe_is_not_trained_on():
    one, other = held("probe", gain=1e-12), held("raw", gain=1e-12)
    assert torch.allclose(one.losses, other.losses, rtol=1e-6)


def test_sgd_can_be_controlled_too():
    optimizer = StackedSGD(StackedMLP(MODELS, inputs=3, hidden=[8], seed=0))
    assert held(optimizer=optimizer, step_size=1e-6).losses.shape == (100, MODELS)
    assert optimizer.steps == 100


def test_a_network_that_diverges_is_a_result():
    optimizer = StackedSGD(StackedMLP(MODELS, inputs=3, hidden=[8], seed=0))
    assert not held(optimizer=optimizer, step_size=1e3).signal.isfinite().any()


@pytest.mark.parametrize(("kurtosis", "scale"), [(3, 1.0), (3, 1e4)])
def test_the_floor_of_a_large_batch_is_that_of_its_kurtosis(kurtosis, scale):
    errors = scale * torch.randn(200_000, generator=torch.Generator().manual_seed(0))
    exact = fluctuations.noise_floor(kurtosis, 200_000)
    assert floor_within_batch(errors**2).item() == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"optimizer": "adam"}, TypeError, "optimizer: expected a StackedSGD or StackedAdam"),
        ({"target": 0}, ValueError, "target: expected a number above 0"),
        ({"step_size": "big"}, TypeError, "step_size: expected a finite number"),
        ({"gain": -1}, ValueError, "gain: expected a number above 0"),
        ({"signal": "loss"}, ValueError, "signal: expected one of raw, corrected, probe"),
        ({"signal": "probe", "probe": None}, ValueError, "probe: expected a batch for the signal"),
        ({"probe": PROBE}, ValueError, "probe: expected a batch for the signal"),
        ({"window": 1}, ValueError, "window: expected a whole number of at least 2"),
        ({"steps": 30}, ValueError, "steps: expected a whole number of at least 40"),
        ({"batch": (1, 2)}, TypeError, "batch: expected a pair of tensors"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(changes, error, words):
    with pytest.raises(error, match=words):
        held(**changes)


@pytest.mark.parametrize(
    ("errors", "error", "words"),
    [
        ([1.0], TypeError, r"tensor of a floating dtype, got \[1.0\]"),
        (torch.ones(3, dtype=torch.int64), TypeError, "tensor of a floating dtype"),
        (torch.tensor(1.0), ValueError, r"with at least one example, got \(\)"),
        (torch.ones(3, 0), ValueError, r"with at least one example, got \(3, 0\)"),
    ],
)
def test_errors_that_have_no_floor_are_refused_in_words(errors, error, words):
    with pytest.raises(error, match=f"^squared_errors: expected .*{words}"):
        floor_within_batch(errors)


def controlled(signal, rate):
    at = torch.arange(200, 1501, 10)
    size = len(at), 10
    return Held(torch.ones(1500, 10), at, torch.full(size, signal), torch.full(size, rate))


@pytest.mark.parametrize(
    ("signal", "rate", "title"),
    [
        (0.08, 0.01, "On average within a factor of 2 of 0.075 in 10 of 10 networks"),
        (0.4, 1e-8, "Not held: rate below 1e-6 in 10 of 10 networks"),
        (0.01, 20.0, "Not held: rate above 1 in 10 of 10 networks"),
        (0.4, 1e-3, "Not held: off by over a factor of 2 in 10 of 10 networks"),
        (math.nan, math.nan, "Not held: not finite in 10 of 10 networks"),
    ],
)
def test_the_picture_says_whether_the_signal_was_held(signal, rate, title):
    plot = plot_control(controlled(signal, rate), target=0.075)
    assert isinstance(plot, Plot)
    assert plot.labels.title == title
    assert plot.alt.endswith(f"{title}.")
    plot.draw()


def test_networks_that_are_not_finite_are_left_out_of_the_picture():
    run = controlled(0.4, 0.01)
    run.signal[:, 0] = run.rates[:, 0] = math.nan
    run.signal[20:, :6] = run.rates[20:, :6] = math.nan
    plot = plot_control(run, target=0.075)
    assert plot.labels.title == "Not held: not finite in 6 of 10 networks"
    assert len(plot.data) == 2 * len(run.at)
    assert plot.data.notna().all(axis=None)
    plot.draw()


def test_the_picture_shows_median_and_range_of_signal_and_rate():
    run = held()
    rows = plot_control(run, target=0.1).data.set_index(["panel", "step"])
    for panel, values in (
        ("spread of log10 loss (signal)", run.signal),
        ("learning rate", run.rates),
    ):
        expected = np.quantile(values, [0, 0.5, 1], axis=1).T
        assert rows.loc[panel][["low", "median", "high"]].to_numpy() == pytest.approx(expected)


def test_a_picture_needs_what_the_controller_returned():
    with pytest.raises(TypeError, match="held: expected what hold_spread returned, got list"):
        plot_control([], target=0.1)
