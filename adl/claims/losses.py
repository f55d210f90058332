"""What chapter 4 says about losses and the singular target, and the experiments behind it.

A seed is one network of a stack: its start and its batches are the same under every loss. On fresh
batches and in float64 these trainings are not chaotic.
"""

from collections.abc import Callable
from functools import cache

import pandas as pd
import torch
from torch import Tensor

from adl import critical_rate, dependence, gradient_share, heavy_tail, singular
from adl.claims import SEEDS, claim
from adl.curvature import sharpness
from adl.data import singular_batch
from adl.losses import LOSSES
from adl.models import StackedMLP
from adl.singular import Fitted
from adl.training import StackedSGD, train_stacked

_SMALLEST = singular.EPSILONS[-1]
_TWENTY = 20


@cache
def _sweep(loss: str) -> Fitted:
    """All epsilons, five networks each."""
    return singular.fit(loss, networks=len(SEEDS))


@cache
def _twenty(loss: str) -> Fitted:
    """The smallest epsilon, twenty networks."""
    return singular.fit(loss, [_SMALLEST], networks=_TWENTY)


@cache
def _way(layers: int, step_size: float) -> Fitted:
    """The smallest epsilon and the mean squared error, with readings on the way."""
    return singular.fit(
        "MSE", [_SMALLEST], hidden=[32] * layers, step_size=step_size, every=50, networks=len(SEEDS)
    )


@cache
def _measured(fitted: Fitted) -> pd.DataFrame:
    return singular.measure(fitted).set_index(["epsilon", "step", "network"])


def _read(fitted: Fitted, epsilon: float, network: int, what: str) -> float:
    """One measurement of one network at the end of its training."""
    return _measured(fitted)[what][epsilon, int(fitted.at[-1]), network]


@cache
def _guesses(seed: int) -> dict[str, float]:
    """Medians of log10 of the squared errors of two guesses, on other examples for each seed."""
    _, targets = singular_batch(200_000, epsilon=_SMALLEST, seed=seed, dtype=torch.float64)
    pairs = targets - targets.roll(1)
    return {
        name: error.square().log10().median().item()
        for name, error in (("pairs", pairs), ("zero", targets))
    }


# --- the target --------------------------------------------------------------------------------


@claim(
    "4.mean-square-power",
    "Mean square of x y / (epsilon + z²) times epsilon to the power 1.5, at epsilon = 0.0001, by "
    "quadrature; its limit is 0.627.",
    low=0.62,
    high=0.63,
    place="a-function-with-a-peak",
    digits=3,
)
def mean_square_power() -> float:
    return heavy_tail.moments(_SMALLEST).mean_square * _SMALLEST**1.5


@claim(
    "4.mean-size-power",
    "Mean size of x y / (epsilon + z²) times the root of epsilon, at epsilon = 0.0001, by "
    "quadrature; its limit is 0.798.",
    low=0.785,
    high=0.8,
    place="a-function-with-a-peak",
    digits=3,
)
def mean_size_power() -> float:
    return heavy_tail.moments(_SMALLEST).mean_size * _SMALLEST**0.5


@claim(
    "4.tail-exponent",
    "Exponent of the tail at epsilon = 0, by Hill's estimator on the largest 1% of 200,000 "
    "examples.",
    low=0.46,
    high=0.54,
    place="a-function-with-a-peak",
    digits=2,
)
def tail_exponent(seed: int) -> float:
    _, targets = singular_batch(200_000, epsilon=0, seed=seed, dtype=torch.float64)
    return heavy_tail.hill(targets)


@claim(
    "4.top-share",
    "Share of the sum of squares that the largest 1% of the targets have at epsilon = 0.0001, by "
    "quadrature.",
    low=0.975,
    high=0.985,
    place="a-function-with-a-peak",
    digits=2,
)
def top_share() -> float:
    return heavy_tail.moments(_SMALLEST).top_share


# --- the mean squared error --------------------------------------------------------------------


@claim(
    "4.mse-explained-1",
    "Mean squared error, epsilon = 1: share of the variance that a network explains.",
    low=0.98,
    place="the-mean-squared-error-as-epsilon-falls",
    digits=3,
)
def mse_explained_1(seed: int) -> float:
    return _read(_sweep("MSE"), 1.0, seed, "explained")


@claim(
    "4.mse-explained-4",
    "Mean squared error, epsilon = 0.0001: share of the variance that a network explains.",
    low=0.01,
    high=0.1,
    place="the-mean-squared-error-as-epsilon-falls",
    digits=3,
)
def mse_explained_4(seed: int) -> float:
    return _read(_sweep("MSE"), _SMALLEST, seed, "explained")


@claim(
    "4.mse-median",
    "Mean squared error, epsilon = 0.0001: median of log10 of a network's squared error.",
    low=2.0,
    high=3.3,
    place="the-mean-squared-error-as-epsilon-falls",
    digits=1,
)
def mse_median(seed: int) -> float:
    return _read(_sweep("MSE"), _SMALLEST, seed, "median")


@claim(
    "4.pairs",
    "One target guessed to be another, epsilon = 0.0001: the same median.",
    low=0.9,
    high=0.98,
    place="the-mean-squared-error-as-epsilon-falls",
    digits=2,
)
def pairs(seed: int) -> float:
    return _guesses(seed)["pairs"]


@claim(
    "4.zero",
    "Always saying 0, epsilon = 0.0001: the same median.",
    low=-0.22,
    high=-0.14,
    place="the-mean-squared-error-as-epsilon-falls",
    digits=2,
)
def zero(seed: int) -> float:
    return _guesses(seed)["zero"]


@claim(
    "4.mse-below-zero",
    "Mean squared error, epsilon = 0.001: median of log10 of a network's squared error, less that "
    "of always saying 0.",
    low=0.8,
    place="the-mean-squared-error-as-epsilon-falls",
    digits=1,
)
def mse_below_zero(seed: int) -> float:
    guessed = singular.baselines(1e-3)["always 0"].log10().median().item()
    return _read(_sweep("MSE"), 1e-3, seed, "median") - guessed


# --- is it the network? ------------------------------------------------------------------------


@claim(
    "4.pieces",
    "Two-sided log, epsilon = 0.0001: number of straight pieces along z from -1 to 1.",
    low=15,
    high=90,
    place="straight-pieces",
    digits=0,
)
def pieces(seed: int) -> float:
    return dependence.pieces(_twenty("two-sided log").net)[seed].item()


@claim(
    "4.deeper-explains",
    "Mean squared error at 0.01, epsilon = 0.0001: share of the variance explained with four "
    "hidden layers, divided by that with two.",
    low=1.5,
    place="deeper-and-slower",
    digits=1,
)
def deeper_explains(seed: int) -> float:
    deep, shallow = (_read(_way(n, 0.01), _SMALLEST, seed, "explained") for n in (4, 2))
    return deep / shallow


@claim(
    "4.deeper-median",
    "Mean squared error at 0.003, epsilon = 0.0001: median of log10 of the squared error with four "
    "hidden layers, less that with two.",
    low=0.7,
    place="deeper-and-slower",
    digits=1,
)
def deeper_median(seed: int) -> float:
    deep, shallow = (_read(_way(n, 0.003), _SMALLEST, seed, "median") for n in (4, 2))
    return deep - shallow


@claim(
    "4.slower-explains",
    "Mean squared error, two hidden layers, epsilon = 0.0001: share of the variance explained at "
    "0.003, divided by that at 0.01.",
    high=0.4,
    place="deeper-and-slower",
    digits=2,
)
def slower_explains(seed: int) -> float:
    slow, fast = (_read(_way(2, rate), _SMALLEST, seed, "explained") for rate in (0.003, 0.01))
    return slow / fast


@claim(
    "4.slower-median",
    "Mean squared error at 0.003, two hidden layers, epsilon = 0.0001: median of log10 of the "
    "squared error, less that of two random targets.",
    low=0.4,
    place="deeper-and-slower",
    digits=1,
)
def slower_median(seed: int) -> float:
    return _read(_way(2, 0.003), _SMALLEST, seed, "median") - _guesses(seed)["pairs"]


@claim(
    "4.worse-as-it-learns",
    "Mean squared error at 0.003, two hidden layers, epsilon = 0.0001: median of log10 of the "
    "squared error after 500 steps, less that after 50, while the share explained grows.",
    low=1.2,
    place="deeper-and-slower",
    digits=1,
)
def worse_as_it_learns(seed: int) -> float:
    way = _way(2, 0.003)
    table = _measured(way).xs((_SMALLEST, seed), level=("epsilon", "network"))
    if not table["explained"][500] > table["explained"][50]:
        return float("nan")
    return table["median"][500] - table["median"][50]


@claim(
    "4.bill",
    "Mean squared error, epsilon = 0.0001, x = y = 1: squared error that a network saves at z = 0, "
    "against saying 0, divided by what it costs at z = 0.5.",
    low=30,
    place="what-the-order-is",
    digits=-1,
)
def bill(seed: int) -> float:
    curve = dependence.along_z(_sweep("MSE").of(_SMALLEST), points=5)[seed]  # -1, -0.5, 0, ...
    inputs = dependence.inputs_along_z(points=5)
    truth = dependence.singular_target(inputs, _SMALLEST)
    saved = truth.square() - (truth - curve).square()
    return (saved[2] / -saved[3]).item()


# --- seven losses ------------------------------------------------------------------------------


@claim(
    "4.order",
    "Networks of twenty, epsilon = 0.0001, in which the typical squared error falls in this order: "
    "mean squared error, two random targets, always 0, two-sided log, relative L1.",
    low=20,
    high=20,
    place="seven-losses-twenty-networks",
    digits=0,
)
def order() -> float:
    guesses = [
        singular.baselines(_SMALLEST)[name].log10().median().item()
        for name in ("two random targets", "always 0")
    ]
    return sum(
        mse > guesses[0] > guesses[1] > log > relative
        for mse, log, relative in zip(
            *(
                singular.measure(_twenty(loss))["median"]
                for loss in ("MSE", "two-sided log", "relative L1")
            ),
            strict=True,
        )
    )


def _gap(one: str, other: str, network: int) -> float:
    """Difference of two losses' typical errors, in powers of ten of the squared error."""
    one_median, other_median = (
        _read(_twenty(loss), _SMALLEST, network, "median") for loss in (one, other)
    )
    return one_median - other_median


@claim(
    "4.mse-over-log",
    "Epsilon = 0.0001: median of log10 of the squared error under the mean squared error, less "
    "that under the two-sided log.",
    low=2,
    place="seven-losses-twenty-networks",
    digits=1,
)
def mse_over_log(seed: int) -> float:
    return _gap("MSE", "two-sided log", seed)


@claim(
    "4.relative-over-log",
    "Epsilon = 0.0001: the same median under the two-sided log, less that under relative L1.",
    low=0.5,
    place="seven-losses-twenty-networks",
    digits=1,
)
def relative_over_log(seed: int) -> float:
    return _gap("two-sided log", "relative L1", seed)


@claim(
    "4.l1-like-log",
    "Epsilon = 0.0001: the same median under the two-sided log, less that under L1.",
    low=-0.2,
    high=0.5,
    place="seven-losses-twenty-networks",
    digits=1,
)
def l1_like_log(seed: int) -> float:
    return _gap("two-sided log", "L1", seed)


# --- what each gives up ------------------------------------------------------------------------


def _over_target(loss: str, low: float, high: float, network: int) -> float:
    """Median of prediction over target, for held-out targets of these sizes."""
    inputs, targets = singular.held_out(_SMALLEST)
    chosen = (targets.abs() >= low) & (targets.abs() < high)
    outputs = _twenty(loss).net(inputs[chosen])[network]
    return (outputs / targets[chosen]).median().item()


@claim(
    "4.large-mse",
    "Mean squared error, epsilon = 0.0001: prediction over target, median over targets above 1000.",
    low=0.02,
    high=0.2,
    place="what-each-gives-up",
    digits=2,
)
def large_mse(seed: int) -> float:
    return _over_target("MSE", 1000, torch.inf, seed)


@claim(
    "4.large-relative",
    "Relative L1, epsilon = 0.0001: prediction over target, median over targets above 1000.",
    low=0.0003,
    high=0.01,
    place="what-each-gives-up",
    digits=4,
)
def large_relative(seed: int) -> float:
    return _over_target("relative L1", 1000, torch.inf, seed)


@claim(
    "4.small-mse",
    "Mean squared error, epsilon = 0.0001: prediction over target, median over targets from 1 to "
    "10.",
    low=5,
    place="what-each-gives-up",
    digits=0,
)
def small_mse(seed: int) -> float:
    return _over_target("MSE", 1, 10, seed)


@claim(
    "4.small-relative",
    "Relative L1, epsilon = 0.0001: prediction over target, median over targets from 1 to 10.",
    low=0.7,
    high=1.1,
    place="what-each-gives-up",
    digits=2,
)
def small_relative(seed: int) -> float:
    return _over_target("relative L1", 1, 10, seed)


@claim(
    "4.relative-explains",
    "Relative L1, epsilon = 0.01: share of the variance that a network explains, divided by that "
    "under the mean squared error.",
    high=0.4,
    place="what-each-gives-up",
    digits=2,
)
def relative_explains(seed: int) -> float:
    relative, mse = (
        _read(_sweep(loss), 0.01, seed, "explained") for loss in ("relative L1", "MSE")
    )
    return relative / mse


@claim(
    "4.mse-explains-most",
    "Epsilons of five at which the mean squared error explains more of the variance than L1, "
    "two-sided log and relative L1 do.",
    low=5,
    high=5,
    place="what-each-gives-up",
    digits=0,
)
def mse_explains_most(seed: int) -> float:
    others = ("L1", "two-sided log", "relative L1")
    return sum(
        all(
            _read(_sweep("MSE"), epsilon, seed, "explained")
            > _read(_sweep(loss), epsilon, seed, "explained")
            for loss in others
        )
        for epsilon in singular.EPSILONS
    )


@cache
def _off(loss: str) -> tuple[Tensor, Tensor]:
    """Errors along z with x = y = 1: at 0, and their median where abs(z) is above 0.2."""
    inputs = dependence.inputs_along_z()
    errors = (
        dependence.along_z(_twenty(loss).net) - dependence.singular_target(inputs, _SMALLEST)
    ).abs()
    away = inputs[:, 0].abs() > 0.2
    return errors[:, len(inputs) // 2], errors[:, away].median(1).values


@claim(
    "4.peak-lower",
    "Networks of twenty, epsilon = 0.0001, whose error at z = 0 is smaller under the mean squared "
    "error than under two-sided log and relative L1.",
    low=17,
    place="along-z",
    digits=0,
)
def peak_lower() -> float:
    mse, *others = (_off(loss)[0] for loss in ("MSE", "two-sided log", "relative L1"))
    return sum((mse < other).int() for other in others).eq(len(others)).sum().item()


@claim(
    "4.far-relative",
    "Epsilon = 0.0001, abs(z) above 0.2: median error under the mean squared error, divided by "
    "that under relative L1.",
    low=10,
    place="along-z",
    digits=-1,
)
def far_relative(seed: int) -> float:
    return (_off("MSE")[1][seed] / _off("relative L1")[1][seed]).item()


@claim(
    "4.far-log",
    "Epsilon = 0.0001, abs(z) above 0.2: median error under the mean squared error, divided by "
    "that under the two-sided log.",
    low=5,
    place="along-z",
    digits=0,
)
def far_log(seed: int) -> float:
    return (_off("MSE")[1][seed] / _off("two-sided log")[1][seed]).item()


# --- why the square fails ----------------------------------------------------------------------


@cache
def _untrained() -> StackedMLP:
    return StackedMLP(_TWENTY, inputs=3, hidden=(32, 32), seed=100, dtype=torch.float64)


@cache
def _examples(epsilon: float, seed: int) -> tuple[Tensor, Tensor]:
    return singular_batch(4000, epsilon=epsilon, seed=seed, dtype=torch.float64)


def _top_share(loss: str, seed: int) -> float:
    """Share of the gradient that the top 1% make before training, median of twenty networks."""
    norms = gradient_share.gradient_norms(_untrained(), _examples(_SMALLEST, seed), LOSSES[loss])
    return gradient_share.top_share(norms).median().item()


@claim(
    "4.gradient-mse",
    "Before training, epsilon = 0.0001, mean squared error: share of the summed lengths of the "
    "gradients that the longest 1% have; median of twenty networks.",
    low=0.6,
    place="who-makes-the-gradient",
    digits=2,
)
def gradient_mse(seed: int) -> float:
    return _top_share("MSE", seed)


@claim(
    "4.gradient-log",
    "Before training, epsilon = 0.0001, two-sided log: the same share.",
    high=0.1,
    place="who-makes-the-gradient",
    digits=3,
)
def gradient_log(seed: int) -> float:
    return _top_share("two-sided log", seed)


@claim(
    "4.gradient-relative",
    "Before training, epsilon = 0.0001, relative L1: the same share.",
    high=0.05,
    place="who-makes-the-gradient",
    digits=3,
)
def gradient_relative(seed: int) -> float:
    return _top_share("relative L1", seed)


def _noise_growth(loss: str, seed: int) -> float:
    small, large = (
        gradient_share.noise_batch_size(_untrained(), _examples(epsilon, seed), LOSSES[loss])
        .median()
        .item()
        for epsilon in (_SMALLEST, 1.0)
    )
    return small / large


@claim(
    "4.noise-mse",
    "Before training, mean squared error: noise scale at epsilon = 0.0001 divided by that at 1; "
    "medians of twenty networks.",
    low=20,
    place="who-makes-the-gradient",
    digits=-1,
)
def noise_mse(seed: int) -> float:
    return _noise_growth("MSE", seed)


@claim(
    "4.noise-relative",
    "Before training, relative L1: the same quotient.",
    low=1.2,
    high=4,
    place="who-makes-the-gradient",
    digits=1,
)
def noise_relative(seed: int) -> float:
    return _noise_growth("relative L1", seed)


@cache
def _critical(loss: str, epsilon: float, seed: int) -> Tensor:
    return critical_rate.critical_step_sizes(LOSSES[loss], epsilon, seed=seed)


@cache
def _sharp(loss: str, epsilon: float, seed: int) -> Tensor:
    return critical_rate.initial_sharpness(LOSSES[loss], epsilon, seed=seed)


def _change(measured: Callable[[str, float, int], Tensor], loss: str, seed: int) -> float:
    """Median at epsilon = 1 divided by that at the smallest epsilon, each of five networks."""
    first, last = (measured(loss, epsilon, seed).median() for epsilon in (1.0, _SMALLEST))
    return (first / last).item()


@claim(
    "4.critical-mse",
    "Mean squared error: critical step size of gradient descent at epsilon = 1 divided by that at "
    "0.0001; medians of five networks.",
    low=50,
    place="step-size-times-curvature",
    digits=-2,
)
def critical_mse(seed: int) -> float:
    return _change(_critical, "MSE", seed)


@claim(
    "4.critical-log",
    "Two-sided log: the same quotient.",
    low=0.4,
    high=2.5,
    place="step-size-times-curvature",
    digits=1,
)
def critical_log(seed: int) -> float:
    return _change(_critical, "two-sided log", seed)


@claim(
    "4.critical-relative",
    "Relative L1: the same quotient.",
    low=0.2,
    high=2,
    place="step-size-times-curvature",
    digits=1,
)
def critical_relative(seed: int) -> float:
    return _change(_critical, "relative L1", seed)


@claim(
    "4.curvature-mse",
    "Mean squared error before training: sharpness at epsilon = 0.0001 divided by that at 1; "
    "medians of five networks.",
    low=10,
    place="step-size-times-curvature",
    digits=-1,
)
def curvature_mse(seed: int) -> float:
    return 1 / _change(_sharp, "MSE", seed)


@claim(
    "4.curvature-log",
    "Two-sided log before training: the same quotient.",
    low=0.6,
    high=1.7,
    place="step-size-times-curvature",
    digits=1,
)
def curvature_log(seed: int) -> float:
    return 1 / _change(_sharp, "two-sided log", seed)


@claim(
    "4.curvature-below",
    "Mean squared error, epsilon = 0.0001: critical step size times half the sharpness before "
    "training, median of five networks.",
    high=0.2,
    place="step-size-times-curvature",
    digits=2,
)
def curvature_below(seed: int) -> float:
    critical, sharp = (f("MSE", _SMALLEST, seed) for f in (_critical, _sharp))
    return (critical * sharp / 2).median().item()


@claim(
    "4.edge",
    "Mean squared error, epsilon = 1: step size × curvature after 200 steps of gradient descent at "
    "the critical step size, median of five networks.",
    low=1.8,
    high=2.2,
    place="step-size-times-curvature",
    digits=None,
)
def at_the_edge(seed: int) -> float:
    net, batch = critical_rate.starts(1.0, seed=seed)
    rates = _critical("MSE", 1.0, seed)
    train_stacked(StackedSGD(net), batch, step_size=rates, steps=200)
    return (rates * sharpness(net, batch)).median().item()
