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


def failing(seed: int, factor: float) -> float:
    """Number of a hundred data sets on which an epoch of single steps makes some error larger."""
    x, _ = settling.random_points(100, seed=seed)
    return float(sum(_radius(model_2p.epoch_matrix(row, 1e-4 * factor)) > 1 for row in x))


def edge(seed: int, lr: float) -> float:
    """Mean of step size × curvature over epochs 151 to 200 of RMSprop, median of the data sets."""
    means = settling.run(_WATCHED, 200, *settling.random_points(100, seed=seed), lr=lr)["mean"]
    return float(np.median(means[150:].mean(axis=0)))


def distance(seed: int, lr: float) -> float:
    """RMSE of RMSprop's line over epochs 81 to 100, median of a hundred data sets."""
    x, y = settling.random_points(100, seed=seed)
    lines = settling.run(_RMSPROP, 100, x, y, lr=lr)
    errors = lines["intercept"][80:, :, None] + lines["slope"][80:, :, None] * x - y
    return float(np.median(np.sqrt(np.mean(errors**2, axis=(0, 2)))))


def undampened_matrix(x: Sequence[float], lr: float, beta: float) -> np.ndarray:
    """What an epoch of PyTorch's momentum does to weights and averages together."""
    matrix = np.eye(4)
    for row in np.column_stack([x, np.ones(len(x))]):
        curvature = 2 * np.outer(row, row)
        step = np.block(
            [[np.eye(2) - lr * curvature, -lr * beta * np.eye(2)], [curvature, beta * np.eye(2)]]
        )
        matrix = step @ matrix
    return matrix


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
    "2.undampened-unstable",
    "Of a hundred data sets, PyTorch's momentum at 0.0001 is unstable on about three quarters.",
    low=64,
    high=90,
    place="what-the-average-does",
    digits=0,
)
def undampened_unstable(seed: int) -> float:
    x, _ = settling.random_points(100, seed=seed)
    return float(sum(_radius(undampened_matrix(row, 1e-4, 0.9)) > 1 for row in x))


@claim(
    "2.epochs-rmsprop",
    "RMSprop is within 1% of the target after so many epochs.",
    low=105,
    high=105,
    place="exercise-2-2-the-rmsprop-column",
    digits=0,
)
def epochs_rmsprop() -> float:
    return epochs_on_the_chapters_data("rmsprop", 200)


@claim(
    "2.rmsprop-median",
    "The median number of epochs that RMSprop needs on a hundred data sets.",
    low=112,
    high=130,
    place="exercise-2-2-the-rmsprop-column",
    digits=0,
)
def rmsprop_median(seed: int) -> float:
    return float(np.median(epochs_on_a_hundred("rmsprop", 300, seed)))


@claim(
    "2.rmsprop-first-step",
    "The length of RMSprop's first step, divided by the learning rate.",
    low=3.162,
    high=3.163,
    place="exercise-2-2-the-rmsprop-column",
    digits=3,
)
def rmsprop_first_step() -> float:
    row = sheets.run(_RMSPROP, epochs=1).loc[(1, 1)]
    return abs(row["new_a"] - row["a"]) / row["rate"]


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
    "2.seldom-cut",
    "Of the data sets that the running size leaves unsolved, percentage on which the rate was cut "
    "once at most.",
    low=90,
    place="a-hundred-data-sets",
    digits=0,
)
def seldom_cut(seed: int) -> float:
    fails, cuts = rule_on_a_thousand("size", 100, seed)
    return 100 * float(np.mean(cuts[fails] <= 1))


@claim(
    "2.halved-unsolved",
    "Percentage that the rule of the lesson's words leaves unsolved after 40 epochs.",
    low=65,
    high=85,
    place="a-hundred-data-sets",
    digits=0,
)
def halved_unsolved(seed: int) -> float:
    return unsolved("halved", 40, seed)
