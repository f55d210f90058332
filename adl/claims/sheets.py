"""What chapter 2 says about optimisers in sheets, and the experiments behind it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import torch

from adl import finite_differences, model_2p, settling, sheets
from adl.claims import claim
from adl.sheets import SHEETS, Sheet, X, Y

_PUSHES = 10.0 ** np.arange(-15, 1.5, 0.5)
_RMSPROP = SHEETS["rmsprop"]
_WATCHED = replace(
    _RMSPROP,
    columns=_RMSPROP.columns
    | {"product": "2*(rate/(sqrt(sb) + eps) + x**2*rate/(sqrt(sa) + eps))"},
    epoch_end={"mean": "mean_product"},
)
_MEAN_RULE = SHEETS["annealed_mean"]
_RULES = {
    "size": SHEETS["annealed_size"],
    "mean": _MEAN_RULE,
    "squares": replace(
        SHEETS["annealed_size"], epoch_end=_MEAN_RULE.epoch_end | {"size": "sb + sa"}
    ),
    "fourfold": replace(
        _MEAN_RULE,
        inputs=_MEAN_RULE.inputs | {"when": replace(_MEAN_RULE.inputs["when"], value=4.0)},
    ),
    "fixed": replace(SHEETS["annealed_size"], epoch_end={}, epoch_start={}),
    "one row": replace(_MEAN_RULE, epoch_end=_MEAN_RULE.epoch_end | {"size": "grad2"}),
}
# The rule as the lesson words it; the first epoch only sets the lowest size.
_RULES["halved"] = replace(
    _MEAN_RULE,
    epoch_end=_MEAN_RULE.epoch_end
    | {"next_rate": "IF(when*size < @low, IF(@low < 1e299, rate/cut, rate), rate)"},
)
# The velocity of Sutskever and others, with the learning rate inside.
_HEAVY_BALL = replace(
    SHEETS["momentum"],
    columns=SHEETS["momentum"].columns
    | {
        "mb": "beta1*@mb - rate*db",
        "ma": "beta1*@ma - rate*da",
        "new_b": "b + mb",
        "new_a": "a + ma",
    },
)
_ROW_ABOVE = replace(
    _RMSPROP,
    columns=_RMSPROP.columns
    | {"new_b": "b - rate*db/(sqrt(@sb) + eps)", "new_a": "a - rate*da/(sqrt(@sa) + eps)"},
    start=_RMSPROP.start | {"sb": 86.0**2, "sa": 1204.0**2},
)


def push_errors(precision: str, both_sides: bool = False) -> np.ndarray:
    """Relative error of the estimated derivatives for each push, the median of the rows."""
    exact = 2 * np.array(X) * (np.array(X) + 1.0 - Y)
    estimates = [
        finite_differences.estimate(X, Y, h, precision=precision, both_sides=both_sides)
        for h in _PUSHES
    ]
    return np.median(np.abs(np.array(estimates) / exact - 1), axis=1)


def first_row() -> Any:
    """The first row of the first sheet."""
    return sheets.run(SHEETS["sgd"], epochs=1).loc[(1, 1)]


def summary(name: str, epoch: int, lr: Any = None) -> Any:
    """Line of a sheet's summary at the end of an epoch."""
    return sheets.summary(sheets.run(SHEETS[name], epoch, lr)).loc[epoch]


def epochs_on_the_chapters_data(name: str, epochs: int) -> float:
    """Epochs until a sheet is within 1% for the first time."""
    return settling.epochs_to_settle(SHEETS[name], epochs, [X], [Y])[0]


@cache
def epochs_on_a_hundred(name: str, epochs: int, seed: int) -> np.ndarray:
    """The same for a hundred data sets."""
    return settling.epochs_to_settle(SHEETS[name], epochs, *settling.random_points(100, seed=seed))


@cache
def rule_on_a_thousand(rule: str, epochs: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """For each of a thousand data sets, whether a rule fails, and how often it cut the rate."""
    points = settling.random_points(1000, seed=seed)
    sheet = _RULES[rule]
    fails = np.isinf(settling.epochs_to_settle(sheet, epochs, *points))
    rates = settling.run(sheet, epochs, *points)["next_rate"][-1]
    return fails, np.round(np.log(sheet.rate / rates) / np.log(sheet.inputs["cut"].value))


def unsolved(rule: str, epochs: int, seed: int) -> float:
    """Percentage of a thousand data sets on which a rule does not come within 1%."""
    return 100 * float(rule_on_a_thousand(rule, epochs, seed)[0].mean())


def seldom_cut(rule: str, seed: int) -> float:
    """Of the data sets on which a rule fails, percentage on which it cut the rate once at most."""
    fails, cuts = rule_on_a_thousand(rule, 100, seed)
    return 100 * float(np.mean(cuts[fails] <= 1))


def failing(seed: int, factor: float) -> float:
    """Number of a hundred data sets on which an epoch of single steps makes some error larger."""
    x, _ = settling.random_points(100, seed=seed)
    return float(sum(_radius(model_2p.epoch_matrix(row, 1e-4 * factor)) > 1 for row in x))


def edge(seed: int, lr: float) -> float:
    """Mean of step size × curvature over epochs 151 to 200 of RMSprop, median of 100 data sets."""
    means = settling.run(_WATCHED, 200, *settling.random_points(100, seed=seed), lr=lr)["mean"]
    return float(np.median(means[150:].mean(axis=0)))


def distance(seed: int, lr: float) -> float:
    """RMSE of RMSprop's line over epochs 181 to 200, median of a hundred data sets."""
    x, y = settling.random_points(100, seed=seed)
    lines = settling.run(_RMSPROP, 200, x, y, lr=lr)
    errors = lines["intercept"][180:, :, None] + lines["slope"][180:, :, None] * x - y
    return float(np.median(np.sqrt(np.mean(errors**2, axis=(0, 2)))))


def momentum_unstable(seed: int, lr: float, dampening: float) -> float:
    """Number of a hundred data sets on which an epoch of momentum makes some error larger."""
    x, _ = settling.random_points(100, seed=seed)
    return float(sum(_radius(momentum_matrix(row, lr, 0.9, dampening)) > 1 for row in x))


def momentum_matrix(x: Sequence[float], lr: float, beta: float, dampening: float) -> np.ndarray:
    """What an epoch of momentum does to the errors of the weights and to the averages together."""
    matrix = np.eye(4)
    for row in np.column_stack([x, np.ones(len(x))]):
        taken_in = 2 * (1 - dampening) * np.outer(row, row)
        average = np.hstack([taken_in, beta * np.eye(2)])
        weights = np.hstack([np.eye(2), np.zeros((2, 2))]) - lr * average
        matrix = np.vstack([weights, average]) @ matrix
    return matrix


def at_end(rule: str, seed: int) -> float:
    """Number of a hundred data sets whose line is within 1% at epoch 100 itself."""
    lines = settling.run(_RULES[rule], 100, *settling.random_points(100, seed=seed))
    off_b, off_a = np.abs(lines["intercept"][-1] - 30), np.abs(lines["slope"][-1] - 2)
    return float(np.sum((off_b <= 0.3) & (off_a <= 0.02)))


def first_step(sheet: Sheet) -> float:
    """Length of the first step of the slope, in learning rates."""
    row = sheets.run(sheet, epochs=1).loc[(1, 1)]
    return abs(row["new_a"] - row["a"]) / row["rate"]


def _radius(matrix: np.ndarray) -> float:
    return float(np.abs(np.linalg.eigvals(matrix)).max())


def apart(
    sheet: Sheet,
    optimiser: Callable[..., torch.optim.Optimizer],
    lr: Sequence[float] | None = None,
    **state: Any,
) -> float:
    """Largest difference between a sheet's weights and PyTorch's, over ten epochs.

    `lr` are rates for each epoch, of the sheet and of PyTorch; `state` is what PyTorch's averages
    are before the first step.
    """
    ours = sheets.run(sheet, 10, lr)[["new_b", "new_a"]].to_numpy()
    weights = [torch.tensor(1.0, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    running = optimiser(weights)
    for weight in weights if state else []:
        running.state[weight] = {
            name: torch.tensor(value).double() for name, value in state.items()
        }
    theirs = []
    for epoch in range(10):
        if lr is not None:
            running.param_groups[0]["lr"] = lr[epoch]
        for x, y in zip(X, Y, strict=True):
            running.zero_grad()
            ((weights[1] * x + weights[0] - y) ** 2).backward()
            running.step()
            theirs.append([weight.item() for weight in weights])
    return float(np.abs(ours - theirs).max())


# --- Derivatives ----------------------------------------------------------------------------------


@claim(
    "2.first-error",
    "The squared error of the first row at a = b = 1.",
    low=1849,
    high=1849,
    place="a-small-push",
    digits=0,
)
def first_error() -> float:
    return first_row()["err2"]


@claim(
    "2.estimate-b",
    "The finite difference for b in the first row.",
    low=-85.9901,
    high=-85.9899,
    place="a-small-push",
    digits=2,
)
def estimate_b() -> float:
    return first_row()["db_estimated"]


@claim(
    "2.estimate-a",
    "The finite difference for a in the first row.",
    low=-1202.0401,
    high=-1202.0399,
    place="a-small-push",
    digits=2,
)
def estimate_a() -> float:
    return first_row()["da_estimated"]


@claim(
    "2.estimates-off",
    "In every row of ten epochs the estimates are off by h and by h·x²: the largest deviation.",
    high=1e-6,
    place="a-small-push",
    digits=6,
)
def estimates_off() -> float:
    table = sheets.run(SHEETS["sgd"], epochs=10)
    off_b = table["db_estimated"] - table["db"] - 0.01
    off_a = table["da_estimated"] - table["da"] - 0.01 * table["x"] ** 2
    return float(max(off_b.abs().max(), off_a.abs().max()))


@claim(
    "2.push-float64",
    "Of pushes to one side in double precision, the best is near 10⁻⁷·⁵: its exponent.",
    low=-8.5,
    high=-7,
    place="how-small-a-push",
    digits=1,
)
def push_float64() -> float:
    return float(np.log10(_PUSHES[np.argmin(push_errors("float64"))]))


@claim(
    "2.push-float32",
    "The best push in single precision leaves more than one ten-thousandth of error.",
    low=5e-5,
    high=3e-4,
    place="how-small-a-push",
    digits=5,
)
def push_float32() -> float:
    return float(push_errors("float32").min())


@claim(
    "2.push-tiny",
    "A push of 10⁻¹⁵ in double precision: the relative error.",
    low=0.05,
    high=0.5,
    place="how-small-a-push",
    digits=2,
)
def push_tiny() -> float:
    return float(push_errors("float64")[0])


@claim(
    "2.both-sides",
    "Pushing by 0.01 to both sides leaves only rounding.",
    high=1e-12,
    place="how-small-a-push",
    digits=12,
)
def both_sides() -> float:
    estimate = finite_differences.estimate(X, Y, 0.01, both_sides=True)
    exact = 2 * np.array(X) * (np.array(X) + 1.0 - Y)
    return float(np.abs(estimate / exact - 1).max())


# --- SGD ------------------------------------------------------------------------------------------


@claim(
    "2.row-factor",
    "At 0.0001 a row with x = 100 multiplies the error along (x, 1) by this factor.",
    low=-1.00021,
    high=-1.00019,
    place="the-intercept",
    digits=4,
)
def row_factor() -> float:
    return float(np.linalg.eigvalsh(model_2p.epoch_matrix([100], 1e-4))[0])


@claim(
    "2.rate-bearable",
    "Of a hundred data sets, SGD at 0.0001 is unstable on none.",
    low=0,
    high=0,
    place="the-intercept",
    digits=0,
)
def rate_bearable(seed: int) -> float:
    return failing(seed, 1)


@claim(
    "2.rate-doubled",
    "Of a hundred data sets, SGD at 0.0002 is unstable on about a tenth.",
    low=4,
    high=22,
    place="the-intercept",
    digits=0,
)
def rate_doubled(seed: int) -> float:
    return failing(seed, 2)


@claim(
    "2.rate-fivefold",
    "Of a hundred data sets, SGD at 0.0005 is unstable on nearly all.",
    low=94,
    place="the-intercept",
    digits=0,
)
def rate_fivefold(seed: int) -> float:
    return failing(seed, 5)


@claim(
    "2.fivefold-here",
    "On the chapter's own points SGD at 0.0005 is within 1% after so many epochs.",
    low=99,
    high=99,
    place="the-intercept",
    digits=0,
)
def fivefold_here() -> float:
    return settling.epochs_to_settle(replace(SHEETS["sgd"], rate=5e-4), 200, [X], [Y])[0]


@claim(
    "2.fivefold-peak",
    "On the way there, the largest RMSE of the rows.",
    low=1170,
    high=1185,
    place="the-intercept",
    digits=0,
)
def fivefold_peak() -> float:
    return float(sheets.summary(sheets.run(SHEETS["sgd"], 99, 5e-4))["rmse_running"].max())


@claim(
    "2.epochs-sgd",
    "SGD is within 1% of the target after so many epochs.",
    low=2886,
    high=2886,
    place="the-intercept",
    digits=0,
)
def epochs_sgd() -> float:
    return epochs_on_the_chapters_data("sgd", 3000)


@claim(
    "2.epochs-predicted",
    "The same number from the slow factor of an epoch, without training.",
    low=2885,
    high=2887,
    place="the-intercept",
    digits=0,
)
def epochs_predicted() -> float:
    return float(np.ceil(np.log(0.3 / 29) / np.log(_radius(model_2p.epoch_matrix(X, 1e-4)))))


@claim(
    "2.condition",
    "The condition number of the line's loss on these points.",
    low=8173,
    high=8174,
    place="the-intercept",
    digits=0,
)
def condition() -> float:
    return model_2p.condition_number(X)


# --- Momentum and RMSprop -------------------------------------------------------------------------


@claim(
    "2.epochs-momentum",
    "Lerped momentum is within 1% of the target after so many epochs.",
    low=2471,
    high=2471,
    place="what-the-average-does",
    digits=0,
)
def epochs_momentum() -> float:
    return epochs_on_the_chapters_data("momentum", 3000)


@claim(
    "2.momentum-seldom-faster",
    "Of a hundred data sets, lerped momentum is faster than SGD at the same rate on fewer than "
    "half.",
    low=20,
    high=48,
    place="what-the-average-does",
    digits=0,
)
def momentum_seldom_faster(seed: int) -> float:
    plain = epochs_on_a_hundred("sgd", 6000, seed)
    return float(np.sum(epochs_on_a_hundred("momentum", 6000, seed) < plain))


@claim(
    "2.momentum-median",
    "The median number of epochs with momentum, divided by that of SGD.",
    low=0.97,
    high=1.08,
    place="what-the-average-does",
    digits=2,
)
def momentum_median(seed: int) -> float:
    plain = np.median(epochs_on_a_hundred("sgd", 6000, seed))
    return float(np.median(epochs_on_a_hundred("momentum", 6000, seed)) / plain)


@claim(
    "2.sgd-at-threefold",
    "Of a hundred data sets, SGD at 0.0003 is unstable on about two thirds.",
    low=55,
    high=82,
    place="what-the-average-does",
    digits=0,
)
def sgd_at_threefold(seed: int) -> float:
    return failing(seed, 3)


@claim(
    "2.lerped-at-threefold",
    "The same for lerped momentum.",
    low=5,
    high=30,
    place="what-the-average-does",
    digits=0,
)
def lerped_at_threefold(seed: int) -> float:
    return momentum_unstable(seed, 3e-4, dampening=0.9)


@claim(
    "2.undampened-unstable",
    "Of a hundred data sets, PyTorch's momentum at 0.0001 is unstable on about three quarters.",
    low=64,
    high=90,
    place="what-the-average-does",
    digits=0,
)
def undampened_unstable(seed: int) -> float:
    return momentum_unstable(seed, 1e-4, dampening=0.0)


@claim(
    "2.undampened-here",
    "On the chapter's own points, what an epoch of it leaves of the most stubborn error.",
    low=0.98,
    high=0.99,
    place="what-the-average-does",
    digits=3,
)
def undampened_here() -> float:
    return _radius(momentum_matrix(X, 1e-4, 0.9, dampening=0.0))


@claim(
    "2.epochs-rmsprop",
    "RMSprop is within 1% of the target after so many epochs.",
    low=105,
    high=105,
    place="what-rmsprop-does",
    digits=0,
)
def epochs_rmsprop() -> float:
    return epochs_on_the_chapters_data("rmsprop", 200)


@claim(
    "2.rmsprop-median",
    "The median number of epochs that RMSprop needs on a hundred data sets.",
    low=112,
    high=130,
    place="what-rmsprop-does",
    digits=0,
)
def rmsprop_median(seed: int) -> float:
    return float(np.median(epochs_on_a_hundred("rmsprop", 300, seed)))


@claim(
    "2.rmsprop-first-step",
    "The length of RMSprop's first step, divided by the learning rate.",
    low=3.162,
    high=3.163,
    place="what-rmsprop-does",
    digits=3,
)
def rmsprop_first_step() -> float:
    return first_step(_RMSPROP)


@claim(
    "2.sgd-bolder",
    "The median number of epochs of SGD at 0.0002, on a hundred data sets.",
    low=1200,
    high=2200,
    place="what-rmsprop-does",
    digits=-1,
)
def sgd_bolder(seed: int) -> float:
    points = settling.random_points(100, seed=seed)
    return float(
        np.median(settling.epochs_to_settle(replace(SHEETS["sgd"], rate=2e-4), 3000, *points))
    )


@claim(
    "2.rmsprop-bolder",
    "The same of RMSprop at 0.1.",
    low=34,
    high=48,
    place="what-rmsprop-does",
    digits=0,
)
def rmsprop_bolder(seed: int) -> float:
    points = settling.random_points(100, seed=seed)
    return float(np.median(settling.epochs_to_settle(replace(_RMSPROP, rate=0.1), 300, *points)))


@claim(
    "2.edge-large-rate",
    "RMSprop at a learning rate of 1: step size × curvature after 150 epochs.",
    low=1.65,
    high=2.05,
    place="how-long-are-the-steps-now",
    digits=1,
)
def edge_large_rate(seed: int) -> float:
    return edge(seed, 1.0)


@claim(
    "2.edge-middle-rate",
    "The same at 0.1.",
    low=1.65,
    high=2.05,
    place="how-long-are-the-steps-now",
    digits=1,
)
def edge_middle_rate(seed: int) -> float:
    return edge(seed, 0.1)


@claim(
    "2.edge-small-rate",
    "The same at 0.02.",
    low=1.65,
    high=2.05,
    place="how-long-are-the-steps-now",
    digits=1,
)
def edge_small_rate(seed: int) -> float:
    return edge(seed, 0.02)


@claim(
    "2.edge-weighted",
    "The mean weighted by the squared errors, at 0.1 and with beta2 = 0.99.",
    low=1.93,
    high=2.0,
    place="how-long-are-the-steps-now",
    digits=2,
)
def edge_weighted(seed: int) -> float:
    weighted = replace(
        _WATCHED,
        inputs=_WATCHED.inputs | {"beta2": replace(_WATCHED.inputs["beta2"], value=0.99)},
        columns=_WATCHED.columns | {"weighted": "product*err2"},
        epoch_end={"top": "mean_weighted", "bottom": "mean_err2"},
    )
    sums = settling.run(weighted, 200, *settling.random_points(100, seed=seed), lr=0.1)
    return float(np.median(sums["top"][100:].sum(axis=0) / sums["bottom"][100:].sum(axis=0)))


@claim(
    "2.noise-ratio",
    "The error that remains at a learning rate of 1, divided by that at 0.1.",
    low=7,
    high=14,
    place="how-long-are-the-steps-now",
    digits=0,
)
def noise_ratio(seed: int) -> float:
    return distance(seed, 1.0) / distance(seed, 0.1)


# --- Adam -----------------------------------------------------------------------------------------


@claim(
    "2.adam-first-step",
    "Adam's first step without correction, in learning rates.",
    low=0.316,
    high=0.317,
    place="what-the-correction-changes",
    digits=3,
)
def adam_first_step() -> float:
    return first_step(SHEETS["adam"])


@claim(
    "2.adam-first-corrected",
    "The same with correction.",
    low=0.999,
    high=1.001,
    place="what-the-correction-changes",
    digits=3,
)
def adam_first_corrected() -> float:
    return first_step(SHEETS["adam_corrected"])


@claim(
    "2.adam-first-default",
    "Without correction, and with beta2 = 0.999.",
    low=3.16,
    high=3.17,
    place="what-the-correction-changes",
    digits=2,
)
def adam_first_default() -> float:
    adam = SHEETS["adam"]
    slow = adam.inputs | {"beta2": replace(adam.inputs["beta2"], value=0.999)}
    return first_step(replace(adam, inputs=slow))


@claim(
    "2.adam-never",
    "Adam at 1: the number of epochs, of 400, after which the line is within 1% of the target.",
    low=0,
    high=0,
    place="does-adam-arrive",
    digits=0,
)
def adam_never() -> float:
    lines = sheets.summary(sheets.run(SHEETS["adam"], 400))
    close = ((lines["intercept"] - 30).abs() <= 0.3) & ((lines["slope"] - 2).abs() <= 0.02)
    return float(close.sum())


@claim(
    "2.adam-cycle",
    "Adam at 1: how far the slope jumps from epoch 24 to epoch 25.",
    low=0.40,
    high=0.42,
    place="does-adam-arrive",
    digits=2,
)
def adam_cycle() -> float:
    slopes = sheets.summary(sheets.run(SHEETS["adam"], 25))["slope"]
    return slopes[25] - slopes[24]


@claim(
    "2.adam-rows",
    "In epoch 10, Adam's error over the rows divided by SGD's.",
    low=2.38,
    high=2.40,
    place="does-adam-arrive",
    digits=2,
)
def adam_rows() -> float:
    return summary("adam", 10)["rmse_running"] / summary("sgd", 10)["rmse_running"]


@claim(
    "2.adam-line",
    "After epoch 10, the error of Adam's line divided by that of SGD's.",
    low=0.79,
    high=0.80,
    place="does-adam-arrive",
    digits=2,
)
def adam_line() -> float:
    return summary("adam", 10)["rmse_line"] / summary("sgd", 10)["rmse_line"]


@claim(
    "2.adam-step",
    "Adam at 1, epochs 20 to 40: the slope's average step.",
    low=0.2,
    high=0.23,
    place="does-adam-arrive",
    digits=2,
)
def adam_step() -> float:
    steps = sheets.run(SHEETS["adam"], 40).loc[20:]
    return float((steps["new_a"] - steps["a"]).abs().mean())


@claim(
    "2.adam-seldom-settles",
    "Of a hundred data sets, Adam at 1 is not even once within 1% in 100 epochs on about half.",
    low=40,
    high=75,
    place="does-adam-arrive",
    digits=0,
)
def adam_seldom_settles(seed: int) -> float:
    return float(np.sum(np.isinf(epochs_on_a_hundred("adam", 100, seed))))


# --- Conventions ----------------------------------------------------------------------------------


@claim(
    "2.torch-sgd",
    "SGD: the sheet's weights and PyTorch's are at most so far apart, in ten epochs.",
    high=1e-12,
    place="one-name-several-definitions",
    digits=12,
)
def torch_sgd() -> float:
    return apart(SHEETS["sgd"], lambda w: torch.optim.SGD(w, lr=1e-4))


@claim(
    "2.torch-momentum",
    "Momentum: the sheet, and PyTorch at a tenth of the rate.",
    high=1e-12,
    place="one-name-several-definitions",
    digits=12,
)
def torch_momentum() -> float:
    return apart(SHEETS["momentum"], lambda w: torch.optim.SGD(w, lr=1e-5, momentum=0.9))


@claim(
    "2.torch-dampened",
    "Momentum: the sheet, and PyTorch with dampening, whose first average is the whole derivative.",
    low=0.3,
    high=0.36,
    place="one-name-several-definitions",
    digits=2,
)
def torch_dampened() -> float:
    return apart(
        SHEETS["momentum"], lambda w: torch.optim.SGD(w, lr=1e-4, momentum=0.9, dampening=0.9)
    )


@claim(
    "2.torch-rmsprop",
    "RMSprop: the sheet and PyTorch.",
    high=1e-12,
    place="one-name-several-definitions",
    digits=12,
)
def torch_rmsprop() -> float:
    return apart(_RMSPROP, lambda w: torch.optim.RMSprop(w, lr=0.02, alpha=0.9))


@claim(
    "2.torch-adam",
    "Adam with bias correction: the sheet and PyTorch.",
    high=1e-10,
    place="one-name-several-definitions",
    digits=10,
)
def torch_adam() -> float:
    return apart(SHEETS["adam_corrected"], lambda w: torch.optim.Adam(w, lr=1.0, betas=(0.9, 0.9)))


@claim(
    "2.torch-adam-uncorrected",
    "Adam without: the sheet, and PyTorch made to believe that it has made a million steps.",
    high=1e-10,
    place="one-name-several-definitions",
    digits=10,
)
def torch_adam_uncorrected() -> float:
    return apart(
        SHEETS["adam"],
        lambda w: torch.optim.Adam(w, lr=1.0, betas=(0.9, 0.9)),
        step=1e6,
        exp_avg=0.0,
        exp_avg_sq=0.0,
    )


@claim(
    "2.heavy-ball-constant",
    "Sutskever's velocity and PyTorch's momentum, at a constant rate.",
    high=1e-12,
    place="one-name-several-definitions",
    digits=12,
)
def heavy_ball_constant() -> float:
    return apart(_HEAVY_BALL, lambda w: torch.optim.SGD(w, lr=1e-5, momentum=0.9), lr=[1e-5] * 10)


@claim(
    "2.heavy-ball-changed",
    "The same when the rate is divided by ten after five epochs.",
    low=0.01,
    place="one-name-several-definitions",
    digits=2,
)
def heavy_ball_changed() -> float:
    rates = [1e-5] * 5 + [1e-6] * 5
    return apart(_HEAVY_BALL, lambda w: torch.optim.SGD(w, lr=1e-5, momentum=0.9), lr=rates)


@claim(
    "2.row-above",
    "RMSprop with the average of the row above, and PyTorch's.",
    low=0.1,
    place="one-name-several-definitions",
    digits=2,
)
def row_above() -> float:
    return apart(_ROW_ABOVE, lambda w: torch.optim.RMSprop(w, lr=0.02, alpha=0.9))


# --- Annealing ------------------------------------------------------------------------------------


def by_hand(epochs: int) -> float:
    """Error of the line after so many epochs of the lesson's rates."""
    rates = [1.0] * 15 + [0.1] * 10 + [0.01] * 5
    return summary("adam", epochs, rates[:epochs])["rmse_line"]


@claim(
    "2.hand-15",
    "Adam, 15 epochs at 1: the error of the line.",
    low=10.06,
    high=10.07,
    place="lowering-the-rate-by-hand",
    digits=2,
)
def hand_15() -> float:
    return by_hand(15)


@claim(
    "2.hand-25",
    "And 10 more at 0.1.",
    low=0.42,
    high=0.44,
    place="lowering-the-rate-by-hand",
    digits=2,
)
def hand_25() -> float:
    return by_hand(25)


@claim(
    "2.hand-30",
    "And 5 more at 0.01.",
    low=0.05,
    high=0.052,
    place="lowering-the-rate-by-hand",
    digits=3,
)
def hand_30() -> float:
    return by_hand(30)


@claim(
    "2.epochs-mean-rule",
    "With the mean of the epoch, Adam is within 1% after so many epochs.",
    low=8,
    high=8,
    place="an-automatic-annealer",
    digits=0,
)
def epochs_mean_rule() -> float:
    return epochs_on_the_chapters_data("annealed_mean", 25)


@claim(
    "2.epochs-size-rule",
    "With the running size it is within 1% for good after so many.",
    low=18,
    high=18,
    place="an-automatic-annealer",
    digits=0,
)
def epochs_size_rule() -> float:
    lines = sheets.summary(sheets.run(SHEETS["annealed_size"], 100))
    far = ((lines["intercept"] - 30).abs() > 0.3) | ((lines["slope"] - 2).abs() > 0.02)
    return float(far[far].index[-1] + 1)


@claim(
    "2.mean-rule-error",
    "After 25 epochs of the mean rule: the error of the line.",
    high=0.003,
    place="an-automatic-annealer",
    digits=3,
)
def mean_rule_error() -> float:
    return summary("annealed_mean", 25)["rmse_line"]


@claim(
    "2.fixed-at-end",
    "Of a hundred data sets, Adam at a fixed rate is within 1% at epoch 100 itself on hardly any.",
    high=10,
    place="a-hundred-data-sets",
    digits=0,
)
def fixed_at_end(seed: int) -> float:
    return at_end("fixed", seed)


@claim(
    "2.mean-at-end",
    "The same for the mean of the epoch.",
    low=85,
    place="a-hundred-data-sets",
    digits=0,
)
def mean_at_end(seed: int) -> float:
    return at_end("mean", seed)


@claim(
    "2.size-unsolved",
    "Percentage of 1000 data sets that the running size leaves unsolved after 100 epochs.",
    low=9,
    high=16,
    place="a-hundred-data-sets",
    digits=0,
)
def size_unsolved(seed: int) -> float:
    return unsolved("size", 100, seed)


@claim(
    "2.mean-unsolved",
    "The same for the mean of the epoch.",
    low=4,
    high=9,
    place="a-hundred-data-sets",
    digits=0,
)
def mean_unsolved(seed: int) -> float:
    return unsolved("mean", 100, seed)


@claim(
    "2.squares-unsolved",
    "The same for the running size made of squares, sb + sa.",
    low=5,
    high=10,
    place="a-hundred-data-sets",
    digits=0,
)
def squares_unsolved(seed: int) -> float:
    return unsolved("squares", 100, seed)


@claim(
    "2.fourfold-unsolved",
    "The same for the mean of the epoch, if it waits for fourfold growth.",
    low=6.5,
    high=12,
    place="a-hundred-data-sets",
    digits=0,
)
def fourfold_unsolved(seed: int) -> float:
    return unsolved("fourfold", 100, seed)


@claim(
    "2.one-row-unsolved",
    "The same for the squared gradient of the last row alone.",
    low=60,
    high=78,
    place="a-hundred-data-sets",
    digits=0,
)
def one_row_unsolved(seed: int) -> float:
    return unsolved("one row", 100, seed)


@claim(
    "2.size-seldom-cut",
    "Of the data sets that the running size leaves unsolved, percentage on which it cut the rate "
    "once at most.",
    low=90,
    place="a-hundred-data-sets",
    digits=0,
)
def size_seldom_cut(seed: int) -> float:
    return seldom_cut("size", seed)


@claim(
    "2.mean-seldom-cut",
    "The same for the mean of the epoch.",
    low=48,
    high=76,
    place="a-hundred-data-sets",
    digits=0,
)
def mean_seldom_cut(seed: int) -> float:
    return seldom_cut("mean", seed)


@claim(
    "2.halved-unsolved",
    "Percentage of 1000 data sets that the rule of the lesson's words leaves unsolved after 100 "
    "epochs.",
    low=22,
    high=34,
    place="a-hundred-data-sets",
    digits=0,
)
def halved_unsolved(seed: int) -> float:
    return unsolved("halved", 100, seed)
