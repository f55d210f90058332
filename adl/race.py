"""Four schedules at equal cost on the digits: constant, cosine, 1cycle, and the annealer.

Each schedule trains the same network for the same number of steps, over a grid of learning rates
and over many seeds. All runs together take minutes, so they are stored beside this module; one of
them takes half a second.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from typing import Any

import pandas as pd
import plotnine as pn
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR

from adl import _inputs
from adl.images import digits, loaders, small_convnet
from adl.learner import BatchSchedCB, Callback, EpochSchedCB, Learner, MetricsCB, accuracy
from adl.plotting import Plot, in_styles
from adl.schedules import Annealer

__all__ = [
    "EPOCHS",
    "RATES",
    "SCHEDULES",
    "SEEDS",
    "measure_all",
    "plot_rates",
    "run",
    "stored",
    "table",
]

EPOCHS = 5
"""Passes over the training images, for every schedule."""

RATES = [0.001, 0.003, 0.01, 0.03, 0.1]
"""Learning rates: of 1cycle the highest, of the others the first."""

SEEDS = range(20)
"""A seed decides split, order of the images and initial weights; the same for every schedule."""

SCHEDULES: dict[str, Callable[[float, int], list[Callback]]] = {
    "constant": lambda rate, steps: [],
    "cosine": lambda rate, steps: [BatchSchedCB(partial(CosineAnnealingLR, T_max=steps))],
    "1cycle": lambda rate, steps: [
        BatchSchedCB(partial(OneCycleLR, max_lr=rate, total_steps=steps))
    ],
    "annealer": lambda rate, steps: [EpochSchedCB(Annealer)],
}
"""What each adds to a learner, given the rate and the number of steps."""


def run(schedule: str, rate: float, *, seed: int) -> dict[str, float]:
    """Train once, and validate.

    Parameters
    ----------
    schedule : str
        One of `SCHEDULES`.
    rate : float
        Learning rate.
    seed : int
        Of split, order and weights.

    Returns
    -------
    dict
        ``accuracy`` and ``loss`` on the validation images after `EPOCHS` epochs, and ``last_rate``,
        the rate at the end.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> run("cosine", 0.01, seed=0)["accuracy"] > 0.95
    True
    """
    if schedule not in SCHEDULES:
        raise ValueError(f"schedule: expected one of {', '.join(SCHEDULES)}, got {schedule!r}")
    rate = _inputs.real("rate", rate)
    train, valid = loaders(digits(seed=seed), seed=seed)
    metrics = MetricsCB(accuracy=accuracy)
    more = SCHEDULES[schedule](rate, EPOCHS * len(train))
    learn = Learner(small_convnet(seed=seed), train, valid, lr=rate, callbacks=[metrics, *more])
    learn.fit(EPOCHS)
    last = metrics.rows[-1]
    return {
        "accuracy": last["valid_accuracy"],
        "loss": last["valid_loss"],
        "last_rate": learn.opt.param_groups[0]["lr"],
    }


def stored() -> pd.DataFrame:
    """All runs, as ``make data`` stored them.

    Returns
    -------
    pandas.DataFrame
        A line for each schedule, rate and seed, with ``accuracy``, ``loss`` and ``last_rate``.

    Examples
    --------
    >>> len(stored()) == len(SCHEDULES) * len(RATES) * len(SEEDS)
    True
    """
    text = files("adl").joinpath("race.json").read_text("utf8")
    return pd.DataFrame(json.loads(text)["runs"])


def table(runs: pd.DataFrame) -> pd.DataFrame:
    """Who wins, and by how much.

    For each schedule the rate with the best median accuracy is chosen on the first half of the
    seeds. What is reported is what it reaches on the other half, so that none is judged by the runs
    that it was chosen by.

    Parameters
    ----------
    runs : pandas.DataFrame
        As from `stored`.

    Returns
    -------
    pandas.DataFrame
        A line for each schedule: the chosen ``rate``; ``median``, ``least`` and ``most`` accuracy
        in percent; ``better`` and ``worse``, the number of seeds in which it beats the constant
        rate and is beaten by it (the rest are ties).

    Examples
    --------
    >>> list(table(stored()).columns)
    ['rate', 'median', 'least', 'most', 'better', 'worse']
    """
    half = len(SEEDS) // 2
    lines = {}
    for schedule in SCHEDULES:
        mine = runs[runs["schedule"] == schedule]
        medians = mine[mine["seed"] < half].groupby("rate")["accuracy"].median()
        rate = float(medians.idxmax())
        judged = mine[(mine["seed"] >= half) & (mine["rate"] == rate)].set_index("seed")["accuracy"]
        if schedule == "constant":
            constant = judged
        lines[schedule] = {
            "rate": rate,
            "median": 100 * judged.median(),
            "least": 100 * judged.min(),
            "most": 100 * judged.max(),
            "better": int((judged > constant).sum()),
            "worse": int((judged < constant).sum()),
        }
    return pd.DataFrame(lines).T.astype({"better": int, "worse": int})


def plot_rates(runs: pd.DataFrame) -> Plot:
    """Accuracy against the learning rate, for each schedule.

    Parameters
    ----------
    runs : pandas.DataFrame
        As from `stored`.

    Returns
    -------
    Plot
        Medians over the seeds; a band holds the middle half of them.

    Examples
    --------
    >>> plot_rates(stored()).alt[:46]
    'Validation accuracy against the learning rate,'
    """
    grouped = runs.groupby(["schedule", "rate"])["accuracy"]
    lines = 100 * grouped.quantile([0.25, 0.5, 0.75]).unstack()
    lines = lines.set_axis(["low", "median", "high"], axis=1).reset_index()
    lines["schedule"] = pd.Categorical(lines["schedule"], categories=list(SCHEDULES))
    medians = lines.pivot(index="rate", columns="schedule", values="median")
    low, high = medians.min().min(), medians.max()
    said = "; ".join(
        f"{name}: {medians[name].iloc[0]:.0f}% at {medians.index[0]:g}, at most {high[name]:.0f}%, "
        f"{medians[name].iloc[-1]:.0f}% at {medians.index[-1]:g}"
        for name in SCHEDULES
    )
    largest = medians.iloc[-1]
    return (
        in_styles(
            Plot(
                lines,
                pn.aes("rate", "median"),
                alt="Validation accuracy against the learning rate, median over "
                f"{runs['seed'].nunique()} seeds. {said}.",
            ),
            "schedule",
        )
        + pn.geom_ribbon(pn.aes(ymin="low", ymax="high"), alpha=0.12, color="none")
        + pn.geom_line(size=0.9)
        + pn.geom_point(size=2)
        + pn.scale_x_log10()
        + pn.coord_cartesian(ylim=(min(low, 80), 100))
        + pn.labs(
            title=f"At {medians.index[-1]:g}: {largest.idxmax()} {largest.max():.0f}%, "
            f"constant {largest['constant']:.0f}%",
            x="learning rate (log scale)",
            y="validation accuracy (%)",
        )
    )


def _line(schedule: str, rate: float, seed: int) -> dict[str, Any]:
    """One line of `stored`, with as many digits as are kept."""
    found = {name: float(f"{value:.4g}") for name, value in run(schedule, rate, seed=seed).items()}
    return {"schedule": schedule, "rate": rate, "seed": seed, **found}


def measure_all() -> list[dict[str, Any]]:
    """All runs again; minutes.

    Examples
    --------
    >>> callable(measure_all)
    True
    """
    return [_line(s, r, seed) for s in SCHEDULES for r in RATES for seed in SEEDS]
