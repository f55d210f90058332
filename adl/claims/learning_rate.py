"""What chapter 1 says about gradient descent on one parameter, and the experiments behind it."""

import numpy as np
from scipy.optimize import brentq

from adl import model_1p, model_2p, row_by_row
from adl.claims import claim
from adl.sklearn import skl_regression

X = [2.1, 3.4, 1.8, 5.9, 8.3, 9.1, 2.4, 5.6, 7.8]
Y = [4.0, 6.2, 3.0, 13.2, 17.8, 17.9, 5.5, 11.7, 14.3]


def random_data(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Twenty points around a line through 0, of random slope and spread."""
    rng = np.random.default_rng(seed)
    x = rng.normal(rng.uniform(-3, 3), rng.uniform(0.5, 3), 20)
    return x, rng.uniform(1, 4) * x + rng.normal(0, 0.5, 20)


def error_left(step_size: float, epochs: int) -> float:
    """Share of the distance to the optimum that is left on the chapter's data."""
    best = model_1p.optimum(X, Y)
    return abs(model_1p.train(X, Y, step_size, epochs)["new_w"].iloc[-1] - best) / best


@claim(
    "1.slope",
    "The slope of the least-squares line through 0.",
    low=2.0206,
    high=2.0208,
    place="the-answer-in-advance",
    digits=4,
)
def slope() -> float:
    return skl_regression(X, Y, fit_intercept=False)["slope"]


@claim(
    "1.least-mse",
    "The least mean squared error that a line through 0 can reach.",
    low=0.7277,
    high=0.7278,
    place="the-answer-in-advance",
    digits=4,
)
def least_mse() -> float:
    return skl_regression(X, Y, fit_intercept=False)["mse"]


@claim(
    "1.slow",
    "Ten epochs at step size 0.001 leave half of the error.",
    low=0.49,
    high=0.505,
    place="three-step-sizes",
    digits=3,
)
def slow() -> float:
    return error_left(0.001, 10)


@claim(
    "1.arrives",
    "Eight epochs at step size 0.01 leave about one ten-thousandth of the error.",
    high=1.4e-4,
    place="three-step-sizes",
    digits=5,
)
def arrives() -> float:
    return error_left(0.01, 8)


@claim(
    "1.diverges",
    "Eight epochs at step size 0.1 make the error more than a million times larger.",
    low=1.1e6,
    high=1.3e6,
    place="three-step-sizes",
    digits=-4,
)
def diverges() -> float:
    return error_left(0.1, 8)


@claim(
    "1.thirty-epochs",
    "Thirty epochs at step size 0.001 leave about an eighth of the error.",
    low=0.12,
    high=0.126,
    place="just-before-the-edge",
    digits=3,
)
def thirty_epochs() -> float:
    return error_left(0.001, 30)


@claim(
    "1.overshoots",
    "Eight epochs at step size 0.025, from side to side, leave a twentieth of the error.",
    low=0.045,
    high=0.055,
    place="just-before-the-edge",
    digits=3,
)
def overshoots() -> float:
    return error_left(0.025, 8)


@claim(
    "1.stalled",
    "Twenty epochs at step size 0.02963 leave almost all of the error.",
    low=0.99,
    high=0.993,
    place="just-before-the-edge",
    digits=3,
)
def stalled() -> float:
    return error_left(0.02963, 20)


@claim(
    "1.grows",
    "Eight epochs at step size 0.031 double the error.",
    low=2.0,
    high=2.05,
    place="just-before-the-edge",
    digits=2,
)
def grows() -> float:
    return error_left(0.031, 8)


@claim(
    "1.error-factor",
    "Every step multiplies the error by 1 - 2·(step size)·mean(x²): the largest deviation from it, "
    "on random data.",
    high=1e-9,
    place="the-error-factor",
    digits=9,
)
def error_factor(seed: int) -> float:
    x, y = random_data(seed)
    best, critical = model_1p.optimum(x, y), model_1p.critical_step_size(x)
    step_size = np.random.default_rng(seed).uniform(0.05, 1.2) * critical
    table = model_1p.train(x, y, step_size, 20)
    before, after = table["w"] - best, table["new_w"] - best
    seen = np.abs(before) > 1e-4 * max(1, abs(best))  # below, rounding is what one sees
    factor = model_1p.error_factor(x, step_size)
    return float(np.max(np.abs(after / before - factor)[seen]))


@claim(
    "1.critical",
    "The step size above which the error grows, found by bisection: its relative distance from "
    "1/mean(x²), on random data.",
    high=1e-9,
    place="the-error-factor",
    digits=9,
)
def critical(seed: int) -> float:
    x, y = random_data(seed)
    best, predicted = model_1p.optimum(x, y), model_1p.critical_step_size(x)

    def log_error_left(share: float) -> float:
        end = model_1p.train(x, y, share * predicted, 20)["new_w"].iloc[-1]
        return float(np.log(abs(end - best) / abs(best)))

    return abs(brentq(log_error_left, 0.75, 1.5, xtol=1e-14) - 1)


@claim(
    "1.critical-here",
    "The critical step size of the chapter's data.",
    low=0.0296364,
    high=0.0296366,
    place="the-error-factor",
    digits=7,
)
def critical_here() -> float:
    return model_1p.critical_step_size(X)


@claim(
    "1.half-critical-lands",
    "One step of half the critical size lands on the optimum: the share of the error that is left.",
    high=1e-12,
    place="the-error-factor",
    digits=12,
)
def half_critical_lands(seed: int) -> float:
    x, y = random_data(seed)
    best = model_1p.optimum(x, y)
    end = model_1p.train(x, y, model_1p.critical_step_size(x) / 2, 1)["new_w"].iloc[-1]
    return abs(end - best) / abs(best)


@claim(
    "1.just-below",
    "Twenty epochs at 95% of the critical step size leave an eighth of the error, on random data.",
    low=0.12,
    high=0.123,
    place="the-error-factor",
    digits=3,
)
def just_below(seed: int) -> float:
    return share_left_near_the_edge(seed, 0.95)


@claim(
    "1.just-above",
    "Twenty epochs at 105% of the critical step size multiply the error by almost seven, on "
    "random data.",
    low=6.7,
    high=6.8,
    place="the-error-factor",
    digits=2,
)
def just_above(seed: int) -> float:
    return share_left_near_the_edge(seed, 1.05)


def share_left_near_the_edge(seed: int, share: float) -> float:
    """Share of the error that is left after twenty epochs at a share of the critical step size."""
    x, y = random_data(seed)
    best = model_1p.optimum(x, y)
    table = model_1p.train(x, y, share * model_1p.critical_step_size(x), 20)
    return abs(table["new_w"].iloc[-1] - best) / abs(best)


@claim(
    "1.half-life",
    "At step size 0.02963 the error needs about 1590 steps to halve.",
    low=1585,
    high=1595,
    place="the-error-factor",
    digits=0,
)
def half_life() -> float:
    best = model_1p.optimum(X, Y)
    left = np.abs(model_1p.train(X, Y, 0.02963, 2000)["new_w"] - best) / best
    return float(np.argmax(left < 0.5) + 1)


@claim(
    "1.random-rows",
    "Single rows at random: the step size up to which they are stable in mean square.",
    low=0.01715,
    high=0.01717,
    place="one-row-at-a-time",
    digits=5,
)
def random_rows() -> float:
    return row_by_row.critical_step_size(X, "random")


@claim(
    "1.rows-in-order",
    "Single rows in their order: the step size up to which they are stable.",
    low=0.02413,
    high=0.02415,
    place="one-row-at-a-time",
    digits=5,
)
def rows_in_order() -> float:
    return row_by_row.critical_step_size(X, "cyclic")


@claim(
    "1.random-rows-measured",
    "At the limit for random rows, two runs on the same rows stay as far apart, in mean square.",
    low=0.97,
    high=1.03,
    place="one-row-at-a-time",
    digits=2,
)
def random_rows_measured(seed: int) -> float:
    step_size = row_by_row.critical_step_size(X, "random")
    ends = [
        row_by_row.train(X, Y, step_size, 1, w=w, order="random", runs=20000, seed=seed)[1]
        for w in (0.0, 1.0)
    ]
    return float(np.sqrt(np.mean((ends[1] - ends[0]) ** 2)))


@claim(
    "1.random-rows-share",
    "Share of the full batch's critical step size that random single rows bear.",
    low=0.578,
    high=0.580,
    place="one-row-at-a-time",
    digits=3,
)
def random_rows_share() -> float:
    return row_by_row.critical_step_size(X, "random") / model_1p.critical_step_size(X)


@claim(
    "1.order-may-help",
    "Rows in order, x² = 0.5 and 1.5: their critical step size over that of both at once.",
    low=1.333,
    high=1.334,
    place="one-row-at-a-time",
    digits=3,
)
def order_may_help() -> float:
    rows = np.sqrt([0.5, 1.5])
    return row_by_row.critical_step_size(rows, "cyclic") / model_1p.critical_step_size(rows)


@claim(
    "1.mean-square-grows",
    "Random rows at 0.02: growth of the root mean square of the difference, per step.",
    low=1.20,
    high=1.21,
    place="one-row-at-a-time",
    digits=2,
)
def mean_square_grows() -> float:
    return row_by_row.growth(X, 0.02, "random")


@claim(
    "1.typical-growth",
    "Random rows at 0.02: growth of the difference in a typical run, per step.",
    low=0.82,
    high=0.83,
    place="one-row-at-a-time",
    digits=2,
)
def typical_growth() -> float:
    return row_by_row.growth(X, 0.02, "cyclic")


@claim(
    "1.typical-run-settles",
    "Random rows at 0.02: median difference of two runs after fifty steps, from 1 at the start.",
    high=1e-3,
    place="one-row-at-a-time",
    digits=5,
)
def typical_run_settles(seed: int) -> float:
    first, second = (
        row_by_row.train(X, Y, 0.02, 6, w=w, order="random", runs=4000, seed=seed)[50]
        for w in (0.0, 1.0)
    )
    return float(np.median(np.abs(second - first)))


@claim(
    "1.condition-raw",
    "Condition number of the straight line's loss for x as it is.",
    low=166,
    high=167,
    place="two-parameters-curvature-is-a-matrix",
    digits=1,
)
def condition_raw() -> float:
    return model_2p.condition_number(X)


@claim(
    "1.condition-centred",
    "Condition number after x is centred.",
    low=7.1,
    high=7.2,
    place="two-parameters-curvature-is-a-matrix",
    digits=1,
)
def condition_centred() -> float:
    return model_2p.condition_number(np.array(X) - np.mean(X))


@claim(
    "1.centring-gains",
    "How many times larger the critical step size of the straight line is once x is centred.",
    low=4.7,
    high=4.9,
    place="two-parameters-curvature-is-a-matrix",
    digits=2,
)
def centring_gains() -> float:
    centred = np.array(X) - np.mean(X)
    return model_2p.critical_step_size(centred) / model_2p.critical_step_size(X)


def share_left_on_contours(x: np.ndarray) -> float:
    """Distance to the best line after forty epochs, over that at the start; as in the figure."""
    w, b = np.polyfit(x, Y, 1)
    start = 5.0  # of the intercept, at slope 0
    step_size = 0.9 * model_2p.critical_step_size(x)
    end = model_2p.train(x, Y, step_size, 40, w=0.0, b=start).iloc[-1]
    return float(np.hypot(end["new_w"] - w, end["new_b"] - b) / np.hypot(w, start - b))


@claim(
    "1.valley-crawls",
    "Forty epochs at 90% of the critical step size leave more than half of the way, for x as it "
    "is.",
    low=0.6,
    high=0.7,
    place="two-parameters-curvature-is-a-matrix",
    digits=2,
)
def valley_crawls() -> float:
    return share_left_on_contours(np.array(X))


@claim(
    "1.bowl-arrives",
    "Forty epochs at 90% of the critical step size leave less than a thousandth of the way, for x "
    "centred.",
    high=1e-3,
    place="two-parameters-curvature-is-a-matrix",
    digits=4,
)
def bowl_arrives() -> float:
    return share_left_on_contours(np.array(X) - np.mean(X))


@claim(
    "1.flat-half-life",
    "At the critical step size of the straight line, x as it is, the error along the flat "
    "direction halves in 57 steps.",
    low=57.0,
    high=57.6,
    place="two-parameters-curvature-is-a-matrix",
    digits=0,
)
def flat_half_life() -> float:
    flat, _ = model_2p.curvatures(X)
    return float(np.log(0.5) / np.log(1 - model_2p.critical_step_size(X) * flat))


@claim(
    "1.standardising-gains",
    "How many times larger the critical step size of the straight line is once x is standardised.",
    low=34.4,
    high=34.7,
    place="exercise-1-3-how-far-standardising-carries",
    digits=1,
)
def standardising_gains() -> float:
    standard = (np.array(X) - np.mean(X)) / np.std(X)
    return model_2p.critical_step_size(standard) / model_2p.critical_step_size(X)


@claim(
    "1.standardised",
    "Critical step size of the straight line once x is standardised: how far from 1, on random "
    "data.",
    high=1e-12,
    place="exercise-1-3-how-far-standardising-carries",
    digits=12,
)
def standardised(seed: int) -> float:
    x, _ = random_data(seed)
    return abs(model_2p.critical_step_size((x - np.mean(x)) / np.std(x)) - 1)


@claim(
    "1.never-reset",
    "Gradients never reset, at 0.001: largest error of epochs 900 to 1000 over that at the start, "
    "on random data of the same curvature.",
    low=0.9,
    high=1.1,
    place="traps",
    digits=1,
)
def never_reset(seed: int) -> float:
    x, y = random_data(seed)
    x *= np.sqrt(np.mean(np.square(X)) / np.mean(x**2))
    best, w, gradient, errors = model_1p.optimum(x, y), 0.0, 0.0, []
    for _ in range(1000):
        gradient += 2 * np.mean(x * (w * x - y))
        w -= 0.001 * gradient
        errors.append(abs(w - best))
    return max(errors[900:]) / abs(best)


@claim(
    "1.sum-instead-of-mean",
    "Sum instead of mean: at the critical step size of the mean, divided by the number of points, "
    "twenty steps leave this share of the error, on random data.",
    low=1 - 1e-6,
    high=1 + 1e-6,
    place="traps",
    digits=3,
)
def sum_instead_of_mean(seed: int) -> float:
    x, y = random_data(seed)
    best, w = model_1p.optimum(x, y), 0.0
    for _ in range(20):
        w -= model_1p.critical_step_size(x) / len(x) * 2 * np.sum(x * (w * x - y))
    return abs(w - best) / abs(best)


@claim(
    "1.centimetres",
    "Critical step size for x in metres over that for x in centimetres, on random data.",
    low=9999.9,
    high=10000.1,
    place="traps",
    digits=0,
)
def centimetres(seed: int) -> float:
    x, _ = random_data(seed)
    return model_1p.critical_step_size(x) / model_1p.critical_step_size(100 * x)
