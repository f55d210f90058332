"""What chapter 3 says about the spread of a loss and its control, and the experiments behind it.

Chaotic as those of `adl.claims.schedules`. Four networks for a seed: a pair varies too much, since
one network in forty is calm by chance.
"""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from adl import edge
from adl.claims import SEEDS, claim
from adl.data import singular_batch
from adl.fluctuations import (
    autocorrelation,
    detrended,
    kurtosis_of_target,
    noise_floor,
    slow_share,
    spread,
)
from adl.models import StackedMLP
from adl.spread_control import Held, floor_within_batch, hold_spread
from adl.training import StackedAdam, train_stacked

_FOUR = 4  # networks for a seed
_STACK = _FOUR * len(SEEDS)


def _four(seed: int) -> slice:
    return slice(_FOUR * seed, _FOUR * (seed + 1))


def _new_adam(hidden: tuple[int, ...] = (32, 32), models: int = _STACK) -> StackedAdam:
    return StackedAdam(StackedMLP(models, inputs=3, hidden=hidden, seed=10))


def _fresh(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    return singular_batch(_STACK, 200, seed=generator)


@torch.no_grad()
def _squared_errors(net: StackedMLP, batch: tuple[Tensor, Tensor]) -> Tensor:
    return (net(batch[0]) - batch[1]).square()


def _with_held_out(
    adam: StackedAdam,
    batch: tuple[Tensor, Tensor],
    held_out: tuple[Tensor, Tensor],
    *,
    steps: int,
    every: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Training losses of every step, and losses on the held-out examples after every so many."""
    losses, outside = [], []
    for _ in range(steps // every):
        losses.append(train_stacked(adam, batch, step_size=0.03, steps=every).losses)
        outside.append(_squared_errors(adam.net, held_out).mean(-1))
    return torch.cat(losses).numpy(), torch.stack(outside).numpy()


@cache
def _on_a_fixed_batch() -> tuple[np.ndarray, np.ndarray]:
    """Constant rate 0.03: losses of each step, and held-out losses after every ten."""
    batch, held_out = singular_batch(_STACK, 200, seed=11), singular_batch(2000, seed=12)
    return _with_held_out(_new_adam(), batch, held_out, steps=2000, every=10)


@cache
def _on_fresh_batches() -> tuple[np.ndarray, Tensor, Tensor, Tensor]:
    """Constant rate 0.03: losses, spread of log errors at start and end, stability at the end."""
    adam, probe = _new_adam(), singular_batch(_STACK, 2000, seed=13)

    def between() -> Tensor:
        return _squared_errors(adam.net, probe).log10().std(-1)

    start = between()
    losses = train_stacked(adam, _fresh, step_size=0.03, steps=2000, seed=14).losses
    products = [
        edge.stability(adam, singular_batch(_STACK, 200, seed=seed), 0.03) for seed in range(50, 53)
    ]
    return losses.numpy(), start, between(), torch.stack(products).median(0).values


def _late_over_early(losses: np.ndarray, seed: int) -> float:
    widths = spread(losses[:, _four(seed)], 300, detrend=True)
    return float(np.median(widths[1700] / widths[400]))


@claim(
    "3.spread-rises-fixed",
    "Adam at 0.03 on one fixed batch of 200: detrended spread of log10 loss in steps 1700 to "
    "2000, divided by that in steps 400 to 700; median of four networks.",
    low=1.3,
    place="does-it-get-worse",
    digits=None,
)
def spread_rises_fixed(seed: int) -> float:
    return _late_over_early(_on_a_fixed_batch()[0], seed)


@claim(
    "3.spread-steady-fresh",
    "Adam at 0.03 on fresh batches of 200: the same ratio.",
    low=0.75,
    high=1.33,
    place="does-it-get-worse",
    digits=None,
)
def spread_steady_fresh(seed: int) -> float:
    return _late_over_early(_on_fresh_batches()[0], seed)


def _around_its_trend(losses: np.ndarray, seed: int) -> np.ndarray:
    return detrended(losses[400:, _four(seed)], 201)


@claim(
    "3.memory-fixed",
    "Adam at 0.03 on one fixed batch of 200: correlation of log10 loss, around its trend, "
    "with itself one step later; median of four networks.",
    low=0.85,
    place="a-loss-that-will-not-lie-still",
    digits=None,
)
def memory_fixed(seed: int) -> float:
    return float(np.median(autocorrelation(_around_its_trend(_on_a_fixed_batch()[0], seed), 1)))


@claim(
    "3.memory-fresh",
    "Adam at 0.03 on fresh batches of 200: the same correlation.",
    low=-0.15,
    high=0.15,
    place="a-loss-that-will-not-lie-still",
    digits=None,
)
def memory_fresh(seed: int) -> float:
    return float(np.median(autocorrelation(_around_its_trend(_on_fresh_batches()[0], seed), 1)))


@claim(
    "3.waves-fixed",
    "Adam at 0.03 on one fixed batch of 200: share of the variance of log10 loss, around its "
    "trend, in waves of 20 steps or more; median of four networks.",
    low=0.6,
    place="a-loss-that-will-not-lie-still",
    digits=None,
)
def waves_fixed(seed: int) -> float:
    return float(np.median(slow_share(_around_its_trend(_on_a_fixed_batch()[0], seed))))


@claim(
    "3.waves-fresh",
    "Adam at 0.03 on fresh batches of 200: the same share.",
    high=0.3,
    place="a-loss-that-will-not-lie-still",
    digits=None,
)
def waves_fresh(seed: int) -> float:
    return float(np.median(slow_share(_around_its_trend(_on_fresh_batches()[0], seed))))


# --- exponential decay -------------------------------------------------------------------------

_DECAY_STEPS = 2000


@cache
def _decayed() -> tuple[np.ndarray, Tensor, Tensor]:
    """Rates from 0.3 to 0.003 on a fixed batch: losses, and stability after a quarter and last."""
    adam, batch = _new_adam(), singular_batch(_STACK, 200, seed=11)
    rates = 0.3 * 0.01 ** torch.linspace(0, 1, _DECAY_STEPS)
    losses, products = [], []
    for part in rates.chunk(4):
        losses.append(train_stacked(adam, batch, step_size=part[:, None], steps=len(part)).losses)
        products.append(edge.stability(adam, batch, part[-1].item()))
    return torch.cat(losses).numpy(), products[0], products[-1]


@claim(
    "3.decay-calms",
    "Adam on a fixed batch, rate from 0.3 to 0.003 in 2000 steps: spread of the last 300 "
    "steps divided by that of steps 200 to 500; median of four networks.",
    high=0.1,
    place="let-the-rate-decay",
    digits=None,
)
def decay_calms(seed: int) -> float:
    widths = spread(_decayed()[0][:, _four(seed)], 300, detrend=True)
    return float(np.median(widths[-1] / widths[200]))


@claim(
    "3.decay-starts-at-edge",
    "Adam on a fixed batch, rate from 0.3 to 0.003: step size × curvature after a quarter of "
    "the steps, median of four networks.",
    low=1.2,
    high=2.2,
    place="step-size-times-curvature-under-adam",
    digits=None,
)
def decay_starts_at_edge(seed: int) -> float:
    return float(_decayed()[1][_four(seed)].median())


@claim(
    "3.decay-leaves-edge",
    "Adam on a fixed batch, rate from 0.3 to 0.003: step size × curvature at the end, median "
    "of four networks.",
    high=0.7,
    place="step-size-times-curvature-under-adam",
    digits=None,
)
def decay_leaves_edge(seed: int) -> float:
    return float(_decayed()[2][_four(seed)].median())


# --- is it overfitting? ------------------------------------------------------------------------


def _change(losses: np.ndarray, start: slice, end: slice) -> np.ndarray:
    logs = np.log10(losses)
    return np.median(logs[end], axis=0) - np.median(logs[start], axis=0)


@claim(
    "3.overfit-training-falls",
    "Adam at 0.03 on one fixed batch of 200: change of log10 of the training loss from steps "
    "200-400 to the last 200 of 2000, median of four networks.",
    high=-0.6,
    place="is-it-overfitting",
    digits=None,
)
def overfit_training_falls(seed: int) -> float:
    losses = _on_a_fixed_batch()[0][:, _four(seed)]
    return float(np.median(_change(losses, slice(200, 400), slice(-200, None))))


@claim(
    "3.overfit-held-out-stays",
    "Adam at 0.03 on one fixed batch of 200: the same change of the loss on examples that "
    "were held out.",
    low=-0.15,
    high=0.25,
    place="is-it-overfitting",
    digits=None,
)
def overfit_held_out_stays(seed: int) -> float:
    outside = _on_a_fixed_batch()[1][:, _four(seed)]
    return float(np.median(_change(outside, slice(20, 40), slice(-20, None))))


@cache
def _without_overfitting() -> tuple[np.ndarray, np.ndarray]:
    """4000 examples, 353 parameters and a milder target: little to learn by heart."""
    models = 2 * len(SEEDS)
    batch, held_out = (
        singular_batch(*shape, epsilon=1, seed=31 + n)
        for n, shape in enumerate([(models, 4000), (20_000,)])
    )
    adam = _new_adam((16, 16), models)
    return _with_held_out(adam, batch, held_out, steps=600, every=10)


def _two(seed: int) -> slice:
    return slice(2 * seed, 2 * seed + 2)


@claim(
    "3.no-overfitting-gap",
    "4000 examples, 353 parameters, epsilon = 1: log10 of held-out over training loss in the "
    "last 200 of 600 steps, mean of two networks.",
    low=-0.15,
    high=0.4,
    place="is-it-overfitting",
    digits=None,
)
def no_overfitting_gap(seed: int) -> float:
    losses, outside = (values[:, _two(seed)] for values in _without_overfitting())
    return float(
        (np.median(np.log10(outside[-20:]), 0) - np.median(np.log10(losses[-200:]), 0)).mean()
    )


@claim(
    "3.oscillates-without-overfitting",
    "4000 examples, 353 parameters, epsilon = 1: spread of the training loss in steps 200 to "
    "600, mean of two networks.",
    low=0.04,
    place="is-it-overfitting",
    digits=None,
)
def oscillates_without_overfitting(seed: int) -> float:
    return float(spread(_without_overfitting()[0][200:, _two(seed)], 400, detrend=True).mean())


@claim(
    "3.held-out-oscillates",
    "4000 examples, 353 parameters, epsilon = 1: spread of the held-out loss in steps 200 to "
    "600, mean of two networks.",
    low=0.04,
    place="is-it-overfitting",
    digits=None,
)
def held_out_oscillates(seed: int) -> float:
    return float(spread(_without_overfitting()[1][20:, _two(seed)], 40, detrend=True).mean())


# --- the spread of the errors within a batch ---------------------------------------------------


@claim(
    "3.errors-start",
    "Before training: standard deviation, over single examples, of log10 of the squared "
    "error; median of four networks.",
    low=1.7,
    high=2.3,
    place="errors-within-a-batch",
    digits=None,
)
def errors_start(seed: int) -> float:
    return float(_on_fresh_batches()[1][_four(seed)].median())


@claim(
    "3.errors-late",
    "After 2000 steps on fresh batches: the same standard deviation.",
    low=0.85,
    high=1.5,
    place="errors-within-a-batch",
    digits=None,
)
def errors_late(seed: int) -> float:
    return float(_on_fresh_batches()[2][_four(seed)].median())


@claim(
    "3.errors-normal",
    "Of the square of a normal number, log10 has the standard deviation pi / (sqrt(2) ln 10) = "
    "0.965, whatever the scale: measured on a million.",
    low=0.955,
    high=0.975,
    place="errors-within-a-batch",
    digits=2,
)
def errors_normal(seed: int) -> float:
    errors = torch.randn(1_000_000, generator=torch.Generator().manual_seed(seed))
    return float((1000 * errors).square().log10().std())


# --- the floor, and the controller -------------------------------------------------------------


@claim(
    "3.floor",
    "A network that always says 0, batches of 10,000: spread of log10 loss from batch to "
    "batch, by the target's kurtosis.",
    low=0.07305,
    high=0.07315,
    place="holding-the-spread-constant",
    digits=4,
)
def floor() -> float:
    return noise_floor(kurtosis_of_target(1e-3), 10_000)


@claim(
    "3.floor-drawn",
    "A network that always says 0: the same spread, measured on 400 batches of 10,000.",
    low=0.058,
    high=0.09,
    place="holding-the-spread-constant",
    digits=3,
)
def floor_drawn(seed: int) -> float:
    _, targets = singular_batch(400, 10_000, seed=seed)
    return float(targets.square().mean(-1).log10().std())


def _estimate_over_truth(examples: int, seed: int) -> float:
    squares = singular_batch(400_000 // examples * 2, examples, seed=seed)[1].square()
    return float(floor_within_batch(squares).mean() / squares.mean(-1).log10().std())


@claim(
    "3.estimate-small-batch",
    "A network that always says 0, batches of 250: spread as estimated within a batch, "
    "divided by the true one.",
    low=0.5,
    high=0.75,
    place="subtract-the-floor",
    digits=2,
)
def estimate_small_batch(seed: int) -> float:
    return _estimate_over_truth(250, seed)


@claim(
    "3.estimate-large-batch",
    "A network that always says 0, batches of 10,000: spread as estimated within a batch, "
    "divided by the true one.",
    low=0.8,
    high=1.15,
    place="subtract-the-floor",
    digits=2,
)
def estimate_large_batch(seed: int) -> float:
    squares = singular_batch(300, 10_000, seed=seed)[1].square()
    return float(floor_within_batch(squares).mean() / squares.mean(-1).log10().std())


@cache
def _held(signal: str, target: float, steps: int = 1500) -> Held:
    adam = _new_adam()
    probe = singular_batch(200, seed=31) if signal == "probe" else None
    return hold_spread(
        adam,
        _fresh,
        target=target,
        signal=signal,
        step_size=0.03,
        steps=steps,
        window=200,
        gain=0.2,
        probe=probe,
        seed=32,
    )


@claim(
    "3.raw-crushes-the-rate",
    "Controller on the training loss, target 0.15, fresh batches of 200: learning rate after "
    "1500 steps, highest of four networks.",
    high=1e-6,
    place="holding-the-spread-constant",
    digits=8,
)
def raw_crushes_the_rate(seed: int) -> float:
    return float(_held("raw", 0.15).rates[-1][_four(seed)].max())


@claim(
    "3.raw-is-not-held",
    "Controller on the training loss, target 0.15: mean signal of the second half divided by "
    "the target, lowest of four networks.",
    low=2,
    place="holding-the-spread-constant",
    digits=None,
)
def raw_is_not_held(seed: int) -> float:
    return float(_second_half(_held("raw", 0.15))[_four(seed)].min() / 0.15)


def _second_half(held: Held) -> Tensor:
    return held.signal[len(held.at) // 2 :].mean(0)


@claim(
    "3.corrected-fails",
    "Controller on the training loss minus the spread that the batch itself explains, target "
    "0.075, batches of 200: learning rate after 1500 steps, highest of four networks.",
    high=1e-6,
    place="subtract-the-floor",
    digits=8,
)
def corrected_fails(seed: int) -> float:
    return float(_held("corrected", 0.075).rates[-1][_four(seed)].max())


@claim(
    "3.fresh-below-edge",
    "Adam at 0.03 on fresh batches of 200: step size × curvature on fresh batches after 2000 "
    "steps, median of four networks.",
    low=0.3,
    high=1.7,
    place="step-size-times-curvature-under-adam",
    digits=None,
)
def fresh_below_edge(seed: int) -> float:
    return float(_on_fresh_batches()[3][_four(seed)].median())


@claim(
    "3.probe-holds",
    "Controller on a fixed probe batch, target 0.05: mean signal of the second half divided "
    "by the target, median of four networks.",
    low=0.6,
    high=1.8,
    place="a-probe",
    digits=None,
)
def probe_holds(seed: int) -> float:
    return float(_second_half(_held("probe", 0.05))[_four(seed)].median() / 0.05)


@claim(
    "3.probe-keeps-learning",
    "Controller on a fixed probe batch, target 0.05: learning rate after 1500 steps, median "
    "of four networks.",
    low=3e-4,
    high=0.2,
    place="a-probe",
    digits=None,
)
def probe_keeps_learning(seed: int) -> float:
    return float(_held("probe", 0.05).rates[-1][_four(seed)].median())


@claim(
    "3.probe-runs-away",
    "Controller on a fixed probe batch, target 0.15: share of four networks whose rate is "
    "above 1 after 1000 steps.",
    low=0.4,
    place="a-probe",
    digits=None,
)
def probe_runs_away(seed: int) -> float:
    last = _held("probe", 0.15, 1000).rates[-1][_four(seed)]
    return float((~(last <= 1)).double().mean())


@cache
def _tests() -> dict[str, Tensor]:
    """log10 test loss after 1000 steps on fresh batches, controlled and with a decay."""
    steps, test, found = 1000, singular_batch(20_000, seed=41), {}
    controlled, decayed = _new_adam(), _new_adam()
    probe = singular_batch(200, seed=42)
    hold_spread(
        controlled,
        _fresh,
        target=0.05,
        signal="probe",
        step_size=0.1,
        steps=steps,
        window=100,
        gain=0.2,
        probe=probe,
        seed=43,
    )
    rates = 0.1 * 0.03 ** torch.linspace(0, 1, steps)
    train_stacked(decayed, _fresh, step_size=rates[:, None], steps=steps, seed=43)
    for name, adam in (("controlled", controlled), ("decayed", decayed)):
        found[name] = _squared_errors(adam.net, test).mean(-1).log10()
    return found


@claim(
    "3.control-loses-little",
    "Controller on a probe batch, minus a rate that decays from 0.1 to 0.003: difference of "
    "log10 test loss after 1000 steps, medians of four networks.",
    low=-0.1,
    high=0.6,
    place="a-probe",
    digits=None,
)
def control_loses_little(seed: int) -> float:
    tests = _tests()
    return float(tests["controlled"][_four(seed)].median() - tests["decayed"][_four(seed)].median())
