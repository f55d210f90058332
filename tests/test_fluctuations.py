"""What is said about a loss curve, against closed forms, pandas and sampling."""

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from adl import fluctuations
from adl.data import singular_batch
from adl.plotting import Plot

RANDOM = np.random.default_rng(0)
LOSSES = 10 ** RANDOM.normal(size=(400, 3)).cumsum(0)
STEPS = np.arange(4000)


def test_detrended_is_log10_minus_the_centred_moving_average_of_pandas():
    logs = pd.DataFrame(np.log10(LOSSES))
    expected = (logs - logs.rolling(31, center=True).mean()).dropna()
    assert fluctuations.detrended(LOSSES, 31) == pytest.approx(expected.to_numpy(), abs=1e-10)


def test_raw_spread_is_the_rolling_deviation_of_pandas():
    expected = pd.DataFrame(np.log10(LOSSES)).rolling(50).std(ddof=0).dropna()
    assert fluctuations.spread(LOSSES, 50) == pytest.approx(expected.to_numpy(), abs=1e-8)


def test_detrended_spread_is_what_a_fitted_line_leaves():
    logs, found = np.log10(LOSSES[:, 0]), fluctuations.spread(LOSSES[:, 0], 50, detrend=True)
    for first in range(0, len(found), 37):
        part = logs[first : first + 50]
        line = np.polyval(np.polyfit(np.arange(50), part, 1), np.arange(50))
        assert found[first] == pytest.approx((part - line).std(), abs=1e-8)


@pytest.mark.parametrize("window", [3, 200, 500])
@pytest.mark.parametrize("slope", [-0.01, 0.002])
def test_a_straight_slope_has_a_spread_in_closed_form_and_none_when_detrended(window, slope):
    losses = 10 ** (slope * STEPS[:1000])
    exact = abs(slope) * math.sqrt((window**2 - 1) / 12)
    assert fluctuations.spread(losses, window) == pytest.approx(exact, rel=1e-6)
    assert fluctuations.spread(losses, window, detrend=True) == pytest.approx(0, abs=1e-6)


@given(st.floats(1e-6, 1e6), st.booleans())
def test_a_factor_on_all_losses_changes_no_spread(factor, detrend):
    before = fluctuations.spread(LOSSES, 30, detrend=detrend)
    after = fluctuations.spread(factor * LOSSES, 30, detrend=detrend)
    assert after == pytest.approx(before, abs=1e-6)


@given(st.integers(0, 10_000), st.integers(3, 60))
def test_taking_the_line_away_never_adds_to_a_spread(seed, window):
    losses = 10 ** np.random.default_rng(seed).normal(size=80)
    raw = fluctuations.spread(losses, window)
    assert (fluctuations.spread(losses, window, detrend=True) <= raw + 1e-9).all()


@pytest.mark.parametrize("detrend", [False, True])
def test_only_windows_with_a_broken_loss_have_no_spread(detrend):
    losses = LOSSES[:100, 0].copy()
    losses[[60, 80]] = np.inf, np.nan
    known = np.isfinite(fluctuations.spread(losses, 10, detrend=detrend))
    assert known.tolist() == [not first <= 80 <= first + 9 and not first <= 60 <= first + 9
                              for first in range(91)]  # fmt: skip


@pytest.mark.parametrize("broken", [0.0, np.inf, np.nan])
@pytest.mark.parametrize("detrend", [False, True])
def test_a_broken_first_loss_breaks_the_first_window_only(broken, detrend):
    losses = LOSSES[:100].copy()
    losses[0, 1] = broken
    found = fluctuations.spread(losses, 10, detrend=detrend)
    expected = fluctuations.spread(LOSSES[:100], 10, detrend=detrend)
    assert np.isnan(found[0, 1])
    found[0, 1] = expected[0, 1]
    assert found == pytest.approx(expected, abs=1e-8)


def test_losses_without_a_finite_one_have_no_spread():
    assert np.isnan(fluctuations.spread(np.zeros((20, 2)), 5)).all()


def test_a_tensor_is_read_as_its_numbers():
    found = fluctuations.spread(torch.tensor(LOSSES, requires_grad=True), 20)
    assert (found == fluctuations.spread(LOSSES, 20)).all()


@pytest.mark.parametrize("lag", [1, 7])
def test_autocorrelation_of_a_wave_is_the_cosine_of_the_lag(lag):
    wave = np.sin(STEPS * 2 * np.pi / 40)
    expected = math.cos(lag * 2 * math.pi / 40)
    assert fluctuations.autocorrelation(wave, lag) == pytest.approx(expected, abs=3e-3)


def test_autocorrelation_of_noise_is_none_and_of_what_remembers_is_the_memory():
    noise = RANDOM.normal(size=(20_000, 2))
    for step in range(1, len(noise)):
        noise[step, 1] += 0.8 * noise[step - 1, 1]
    assert fluctuations.autocorrelation(noise, 1) == pytest.approx([0, 0.8], abs=0.03)


def test_the_slow_share_of_noise_is_two_over_the_period():
    noise = RANDOM.normal(size=40_000)
    assert fluctuations.slow_share(noise) == pytest.approx(2 / 20, abs=0.01)


@pytest.mark.parametrize("steps", [1000, 1001])
def test_all_variance_is_in_waves_of_two_steps_or_more(steps):
    noise = RANDOM.normal(size=(steps, 3))
    assert fluctuations.slow_share(noise, period=2) == pytest.approx(1)


@pytest.mark.parametrize(("amplitude", "share"), [(1, 0.5), (3, 0.9)])
def test_waves_count_by_their_squared_amplitude(amplitude, share):
    series = amplitude * np.sin(STEPS * 2 * np.pi / 50) + np.cos(STEPS * 2 * np.pi / 4)
    assert fluctuations.slow_share(series) == pytest.approx(share)


@pytest.mark.parametrize(
    "of", [fluctuations.slow_share, lambda s: fluctuations.autocorrelation(s, 1)]
)
def test_a_constant_series_has_neither_waves_nor_memory(of):
    assert np.isnan(of(np.ones(50)))


@pytest.mark.parametrize("epsilon", [1e-4, 1e-3, 0.1, 1, 10])
def test_the_kurtosis_agrees_with_scipys_quadrature(epsilon):
    from scipy.integrate import quad

    def mean(power):
        def weighted(z):
            return math.exp(-z * z / 2) / (epsilon + z * z) ** power

        bounds = [0, 0.1 * epsilon**0.5, epsilon**0.5, 10 * epsilon**0.5, 1, 40]
        parts = [quad(weighted, *pair)[0] for pair in pairwise(sorted(bounds))]
        return 2 * sum(parts) / math.sqrt(2 * math.pi)

    expected = 9 * mean(4) / mean(2) ** 2
    assert fluctuations.kurtosis_of_target(epsilon) == pytest.approx(expected, rel=1e-6)


@given(st.floats(1e6, 1e300))
def test_the_kurtosis_of_a_flat_target_is_that_of_a_product(epsilon):
    assert fluctuations.kurtosis_of_target(epsilon) == pytest.approx(9, rel=1e-5)


@pytest.mark.parametrize("examples", [1000, 100_000])
def test_the_floor_of_normal_errors_is_what_sampling_finds(examples):
    batches = RANDOM.normal(size=(20_000_000 // examples, examples)) ** 2
    measured = np.log10(batches.mean(1)).std()
    assert fluctuations.noise_floor(3, examples) == pytest.approx(measured, rel=0.15)


def test_the_floor_of_the_target_is_what_sampling_finds():
    _, targets = singular_batch(400, 10_000, seed=0)
    measured = targets.square().mean(1).log10().std().item()
    floor = fluctuations.noise_floor(fluctuations.kurtosis_of_target(), 10_000)
    assert floor == pytest.approx(measured, rel=0.12)


@pytest.mark.parametrize(
    ("function", "arguments", "error", "words"),
    [
        ("detrended", ([1, 2, 3], 2), ValueError, "window: expected a whole number of at least 3"),
        ("detrended", (np.ones(9), 4), ValueError, "window: expected an odd number, got 4"),
        ("detrended", (np.ones(9), 11), ValueError, "window: expected at most the 9 steps"),
        ("spread", ([1, -2, 3], 3), ValueError, "losses: expected numbers of at least 0, got -2"),
        ("spread", ("abc", 3), TypeError, "losses: expected numbers"),
        ("spread", ([[1], [2, 3]], 3), ValueError, "losses: expected rows of one length"),
        ("spread", (np.ones((2, 2, 2)), 3), ValueError, r"losses: expected shape \(steps,\) or"),
        ("autocorrelation", (np.ones(5), 5), ValueError, "lag: expected a number below"),
        ("autocorrelation", (np.ones(5), 0), ValueError, "lag: expected a whole number"),
        ("slow_share", (np.ones(5), 1), ValueError, "period: expected at least 2 steps"),
        ("slow_share", ([], 20), ValueError, "series: expected shape"),
        ("noise_floor", (0.5, 10), ValueError, "kurtosis: expected a number of at least 1"),
        ("noise_floor", (3, 0), ValueError, "batch_size"),
        ("kurtosis_of_target", (0,), ValueError, "epsilon: expected a number above 0"),
        ("plot_losses", ({},), ValueError, "losses: expected 1 to 4 of them, got 0"),
        ("plot_losses", ({"a": np.ones((9, 2))},), ValueError, r"expected shape \(steps,\), got"),
        ("plot_spread", ({"a": np.ones(9)}, 4), ValueError, "at most two fifths of the steps"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(function, arguments, error, words):
    with pytest.raises(error, match=words):
        getattr(fluctuations, function)(*arguments)


def waves(growth=0.0):
    """A loss that falls and swings, by more and more."""
    steps = STEPS[:2000]
    return 10 ** (4 - steps / 500 + (0.1 + growth * steps) * np.sin(steps / 10))


def test_the_picture_of_losses_tells_waves_from_noise():
    noise = 10 ** (RANDOM.normal(size=2000) - STEPS[:2000] / 500)
    plot = fluctuations.plot_losses({"fixed": waves(), "fresh": noise})
    assert isinstance(plot, Plot)
    assert plot.labels.title == "Fixed: slow waves; fresh: noise"
    assert "fixed: falls from 1e+04 in 2000 steps" in plot.alt
    assert plot.data["name"].value_counts().tolist() == [2000, 2000]
    plot.draw()


@pytest.mark.parametrize("height", [0, 0.01])
def test_a_curve_that_hardly_moves_is_said_to(height):
    losses = 10 ** (height * np.sin(STEPS[:2000] / 10))
    assert fluctuations.plot_losses({"mine": losses}).labels.title == "Mine: hardly moves"


def test_a_training_that_diverges_is_drawn_as_far_as_it_went():
    losses = np.r_[waves(), np.inf, np.nan]
    plot = fluctuations.plot_losses({"mine": losses})
    assert "mine: starts at 1e+04 and diverges" in plot.alt
    assert plot.labels.title == "Mine: not finite"
    plot.draw()


def test_the_picture_of_the_spread_says_where_it_rises():
    plot = fluctuations.plot_spread({"growing": waves(growth=2e-4), "even": waves()}, window=300)
    assert plot.labels.title == "Growing: spread rises; even: spread is steady"
    raw = plot.data[(plot.data["name"] == "even") & (plot.data["kind"] == "raw")]
    assert raw["step"].tolist() == list(range(299, 2000))
    assert raw["value"].to_numpy() == pytest.approx(fluctuations.spread(waves(), 300))
    plot.draw()


def test_of_several_networks_the_median_spread_is_drawn():
    losses = 10 ** (RANDOM.normal(size=(1000, 5)) * [1, 2, 3, 4, 5])
    plot = fluctuations.plot_spread({"mine": losses}, window=300)
    raw = plot.data.loc[plot.data["kind"] == "raw", "value"]
    assert raw.to_numpy() == pytest.approx(fluctuations.spread(losses[:, 2], 300), rel=0.2)
    assert "median of 5 networks" in plot.alt
