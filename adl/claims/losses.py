"""What chapter 4 says about losses and the singular target, and the experiments behind it.

A seed is one network of a stack: its start and its batches are the same under every loss. On fresh
batches and in float64 these trainings are not chaotic.
"""

from collections.abc import Callable
from functools import cache

import pandas as pd
import torch
from torch import Tensor

from adl import critical_rate, dependence, full_scale, gradient_share, heavy_tail, singular
from adl.claims import SEEDS, claim
from adl.curvature import sharpness
from adl.data import singular_batch, singular_target
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
    "4.mild-beats-zero",
    "Mean squared error, epsilon = 1: median squared error of always saying 0, divided by that "
    "of a network.",
    low=30,
    high=200,
    place="the-mean-squared-error-as-epsilon-falls",
    digits=-1,
)
def mild_beats_zero(seed: int) -> float:
    guessed = singular.baselines(1.0)["always 0"].log10().median().item()
    return 10 ** (guessed - _read(_sweep("MSE"), 1.0, seed, "median"))


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


def _saved(network: int) -> pd.Series:
    """Percent of the sum of squares that a network saves against saying 0, by abs(z)."""
    return singular.bill(_sweep("MSE").of(_SMALLEST).some([network]), _SMALLEST)["saved"]


@claim(
    "4.bill-near",
    "Mean squared error, epsilon = 0.0001, abs(z) below 0.1: squared error saved against saying 0, "
    "in percent of the sum of squares.",
    low=3,
    high=9,
    place="what-the-loss-asks-for",
    digits=0,
)
def bill_near(seed: int) -> float:
    return _saved(seed).iloc[:3].sum()


@claim(
    "4.bill-far",
    "Mean squared error, epsilon = 0.0001, abs(z) above 0.1: the same.",
    low=-4,
    high=-0.3,
    place="what-the-loss-asks-for",
    digits=1,
)
def bill_far(seed: int) -> float:
    return _saved(seed).iloc[3:].sum()


def _held_out_outputs(fitted: Fitted, network: int) -> tuple[Tensor, Tensor]:
    """Predictions of one network for the smallest epsilon, and the truth."""
    inputs, targets = singular.held_out(_SMALLEST)
    with torch.no_grad():
        return fitted.of(_SMALLEST)(inputs)[network], targets


@claim(
    "4.beats-zero",
    "Mean squared error, epsilon = 0.0001: share of the held-out examples on which a network is "
    "nearer to the truth than 0 is.",
    high=0.15,
    place="what-the-loss-asks-for",
    digits=2,
)
def beats_zero(seed: int) -> float:
    outputs, targets = _held_out_outputs(_sweep("MSE"), seed)
    return ((outputs - targets).abs() < targets.abs()).double().mean().item()


@claim(
    "4.says",
    "Mean squared error, epsilon = 0.0001: median size of what a network says, divided by the "
    "median size of the truth.",
    low=10,
    place="what-the-loss-asks-for",
    digits=0,
)
def says(seed: int) -> float:
    outputs, targets = _held_out_outputs(_sweep("MSE"), seed)
    return (outputs.abs().median() / targets.abs().median()).item()


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


@claim(
    "4.first-and-last",
    "Networks of twenty, epsilon = 0.0001, in which the mean squared error comes last of the seven "
    "losses, relative L1 first, and all but the last are better than always 0.",
    low=20,
    high=20,
    place="seven-losses-twenty-networks",
    digits=0,
)
def first_and_last() -> float:
    zero = singular.baselines(_SMALLEST)["always 0"].log10().median().item()
    table = pd.DataFrame({loss: singular.measure(_twenty(loss))["median"] for loss in LOSSES})
    others = table.drop(columns="MSE")
    return (
        (table["MSE"] > others.max(axis=1))
        & (table.idxmin(axis=1) == "relative L1")
        & (others.max(axis=1) < zero)
    ).sum()


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


def _mild_gap(loss: str, network: int) -> float:
    mse, other = (_read(_sweep(name), 1.0, network, "median") for name in ("MSE", loss))
    return mse - other


@claim(
    "4.mild-l1",
    "Epsilon = 1: median of log10 of the squared error under the mean squared error, less that "
    "under L1.",
    low=0.1,
    place="seven-losses-twenty-networks",
    digits=1,
)
def mild_l1(seed: int) -> float:
    return _mild_gap("L1", seed)


@claim(
    "4.mild-log",
    "Epsilon = 1: median of log10 of the squared error under the mean squared error, less that "
    "under two-sided log.",
    low=0.1,
    place="seven-losses-twenty-networks",
    digits=1,
)
def mild_log(seed: int) -> float:
    return _mild_gap("two-sided log", seed)


@claim(
    "4.mild-relative",
    "Epsilon = 1: median of log10 of the squared error under the mean squared error, less that "
    "under relative L1.",
    low=0.1,
    place="seven-losses-twenty-networks",
    digits=1,
)
def mild_relative(seed: int) -> float:
    return _mild_gap("relative L1", seed)


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
    "4.small-l1",
    "L1, epsilon = 0.0001: the same.",
    low=0.7,
    high=1.4,
    place="what-each-gives-up",
    digits=1,
)
def small_l1(seed: int) -> float:
    return _over_target("L1", 1, 10, seed)


@claim(
    "4.small-log",
    "Two-sided log, epsilon = 0.0001: the same.",
    low=0.7,
    high=2.2,
    place="what-each-gives-up",
    digits=1,
)
def small_log(seed: int) -> float:
    return _over_target("two-sided log", 1, 10, seed)


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


def _target_over_prediction(loss: str, network: int) -> float:
    net = _sweep(loss).of(0.01)
    return singular.target_over_prediction(net, 0.01, 3, 30)[network].item()


@claim(
    "4.leans-relative",
    "Relative L1, epsilon = 0.01: median of target over prediction, where it says 3 to 30.",
    low=2,
    high=4,
    place="what-each-gives-up",
    digits=1,
)
def leans_relative(seed: int) -> float:
    return _target_over_prediction("relative L1", seed)


@claim(
    "4.leans-l1",
    "L1, epsilon = 0.01: median of target over prediction, where it says 3 to 30.",
    low=0.85,
    high=1.25,
    place="what-each-gives-up",
    digits=1,
)
def leans_l1(seed: int) -> float:
    return _target_over_prediction("L1", seed)


@claim(
    "4.leans-log",
    "Two-sided log, epsilon = 0.01: median of target over prediction, where it says 3 to 30.",
    low=0.85,
    high=1.25,
    place="what-each-gives-up",
    digits=1,
)
def leans_log(seed: int) -> float:
    return _target_over_prediction("two-sided log", seed)


@claim(
    "4.leans-mse",
    "Mean squared error, epsilon = 0.01: median of target over prediction, where it says 3 to 30.",
    low=0.3,
    high=0.75,
    place="what-each-gives-up",
    digits=1,
)
def leans_mse(seed: int) -> float:
    return _target_over_prediction("MSE", seed)


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
    errors = (dependence.along_z(_twenty(loss).net) - singular_target(inputs, _SMALLEST)).abs()
    away = inputs[:, 0].abs() > 0.2
    return errors[:, len(inputs) // 2], errors[:, away].median(1).values


def _nearest(first: Tensor, *others: Tensor) -> float:
    """In how many networks the first loss has the smallest error."""
    return torch.stack([first < other for other in others]).all(0).sum().item()


@claim(
    "4.peak-lower",
    "Networks of twenty, epsilon = 0.0001, whose error at z = 0 is smaller under the mean squared "
    "error than under two-sided log and relative L1.",
    low=17,
    place="along-z",
    digits=0,
)
def peak_lower() -> float:
    return _nearest(*(_off(loss)[0] for loss in ("MSE", "two-sided log", "relative L1")))


@claim(
    "4.strip",
    "Networks of twenty, epsilon = 0.0001, whose error at z = 0.05 is smaller under the mean "
    "squared error than under two-sided log and relative L1.",
    low=17,
    place="along-z",
    digits=0,
)
def strip() -> float:
    def error(loss: str) -> Tensor:
        inputs = dependence.inputs_along_z(0, 0.05, points=3)
        curves = dependence.along_z(_twenty(loss).net, 0, 0.05, points=3)
        return (curves - singular_target(inputs, _SMALLEST)).abs()[:, -1]

    return _nearest(*map(error, ("MSE", "two-sided log", "relative L1")))


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
        gradient_share.noise_scale(_untrained(), _examples(epsilon, seed), LOSSES[loss])
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


def _by_errors(epsilon: float, seed: int) -> float:
    """Sharpness before training, divided by that without errors; median of five networks."""
    net, (inputs, _) = critical_rate.starts(epsilon, seed=seed)
    with torch.no_grad():
        said = net(inputs)
    return (_sharp("MSE", epsilon, seed) / sharpness(net, (inputs, said))).median().item()


@claim(
    "4.curvature-errors",
    "Mean squared error before training, epsilon = 0.0001: sharpness divided by what it is when "
    "the targets are what the networks say already; median of five networks.",
    low=10,
    place="step-size-times-curvature",
    digits=-1,
)
def curvature_errors(seed: int) -> float:
    return _by_errors(_SMALLEST, seed)


@claim(
    "4.curvature-mild",
    "The same at epsilon = 1.",
    low=0.95,
    high=1.4,
    place="step-size-times-curvature",
    digits=1,
)
def curvature_mild(seed: int) -> float:
    return _by_errors(1.0, seed)


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


# --- at the size of the note -------------------------------------------------------------------


def _large(name: str, what: str = "median") -> float:
    """One measurement of a stored run."""
    return full_scale.stored().set_index("name")[what][name]


@claim(
    "4.large-order",
    "Batches of 40,000, 1000 steps or more, epsilon = 0.0001: median of log10 of the squared error "
    "under the mean squared error, less the largest of the six others.",
    low=3,
    place="at-the-size-of-the-note",
    digits=1,
)
def large_order() -> float:
    others = [f"{loss.lower().replace(' ', '-')}-1e-4" for loss in LOSSES if loss != "MSE"]
    return _large("mse-1e-4") - max(map(_large, others))


@claim(
    "4.large-l1",
    "The same under the two-sided log, less that under L1.",
    low=0.4,
    place="at-the-size-of-the-note",
    digits=1,
)
def large_l1() -> float:
    return _large("two-sided-log-1e-4") - _large("l1-1e-4")


@claim(
    "4.large-relative-first",
    "The same under the two-sided log, less that under relative L1.",
    low=1,
    place="at-the-size-of-the-note",
    digits=1,
)
def large_relative_first() -> float:
    return _large("two-sided-log-1e-4") - _large("relative-l1-1e-4")


@claim(
    "4.large-deeper",
    "Batches of 40,000, epsilon = 0.0001, mean squared error: share of the variance explained with "
    "four hidden layers, divided by that with two.",
    low=3,
    place="at-the-size-of-the-note",
    digits=0,
)
def large_deeper() -> float:
    return _large("four-layers-1e-4", "explained") / _large("mse-1e-4", "explained")


@claim(
    "4.luck",
    "Of twenty samples of 1000 at epsilon = 0.0001, the largest mean of the squared targets "
    "divided by the smallest.",
    low=6,
    place="traps",
    digits=-1,
)
def luck(seed: int) -> float:
    _, targets = singular_batch(20, 1000, epsilon=_SMALLEST, seed=seed, dtype=torch.float64)
    means = targets.square().mean(1)
    return (means.max() / means.min()).item()
