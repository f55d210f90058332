"""A rate to begin with: raise it batch by batch until the loss blows up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from adl import _inputs
from adl.learner._callback import Callback, CancelEpochException, CancelFitException
from adl.learner._learner import Learner
from adl.plotting import PALETTE, counted, describe

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LRFinderCB", "find_lr", "plot_finder", "suggest_lr"]


class LRFinderCB(Callback):
    """Multiplies the rate after each update, until the loss blows up; then takes all of it back.

    The loss is smoothed over about the last five batches. The fit ends once it is `stop_at` times
    its lowest value, or not finite. Model, optimiser, schedules and counters are then as they were
    before the fit; only the order of the batches and other randomness has moved on.

    Parameters
    ----------
    factor : float, default 1.2
        What every group's rate is multiplied by, above 1; the first is the learner's own.
    stop_at : float, default 4
        How many times the lowest loss is too much, above 1.

    Attributes
    ----------
    table : pandas.DataFrame
        For each batch ``step_size``, the rate that its update was to have, and ``loss`` before
        this update: a rate that is too large shows one row later.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    See Also
    --------
    find_lr : does all of it in one call.

    Examples
    --------
    >>> batches = [(torch.ones(2, 1), torch.ones(2, 1))] * 100
    >>> net, loss, sgd = torch.nn.Linear(1, 1), torch.nn.functional.mse_loss, torch.optim.SGD
    >>> finder = LRFinderCB(factor=2)
    >>> learn = Learner(net, batches, loss=loss, optimizer=sgd, lr=1e-3, callbacks=[finder])
    >>> learn.fit(1)
    >>> learn.step, learn.opt.param_groups[0]["lr"], finder.table["step_size"].tolist()[1]
    (0, 0.001, 0.002)
    """

    order = -100  # before schedulers are made

    def __init__(self, factor: float = 1.2, stop_at: float = 4.0) -> None:
        self.factor = _inputs.real("factor", factor, above=1)
        self.stop_at = _inputs.real("stop_at", stop_at, above=1)
        self._before: dict[str, Any] | None = None
        self._rows: list[tuple[float, float]] = []

    @property
    def table(self) -> pd.DataFrame:
        """Rates and losses of the last fit."""
        return pd.DataFrame(self._rows, columns=["step_size", "loss"], dtype=float)

    def before_fit(self, learn: Learner) -> None:
        """Keep the state to come back to."""
        self._before, self._rows = learn.state_dict(), []

    def before_epoch(self, learn: Learner) -> None:
        """Leave the validation out."""
        if not learn.training:
            raise CancelEpochException

    def after_loss(self, learn: Learner) -> None:
        """Record, and end the fit if the loss has blown up."""
        loss = learn.loss_value.item()
        self._rows.append((float(learn.opt.param_groups[0]["lr"]), loss))
        smooth = _smoothed(self.table["loss"])
        if not math.isfinite(loss) or smooth[-1] > self.stop_at * smooth.min():
            raise CancelFitException

    def after_step(self, learn: Learner) -> None:
        """Raise the rate."""
        for group in learn.opt.param_groups:
            group["lr"] *= self.factor

    def cleanup_fit(self, learn: Learner) -> None:
        """Take back what the fit did."""
        if self._before is not None:
            learn.load_state_dict(self._before)
            self._before = None


def find_lr(
    learner: Learner,
    *,
    start: float = 1e-5,
    factor: float = 1.2,
    stop_at: float = 4.0,
    steps: int = 200,
) -> pd.DataFrame:
    """Losses while the rate is raised batch by batch, on a learner that is left as it was.

    Trains the learner's model with a new optimiser of the learner's kind and without its callbacks.
    Afterwards the weights are what they were, and so are the learner's optimiser and counters, the
    generator of its training loader and torch's own: a fit gives the same with or without it.

    Parameters
    ----------
    learner : Learner
        Whose model, training batches, loss and optimiser are used.
    start : float, default 1e-5
        The first rate.
    factor : float, default 1.2
        What the rate is multiplied by after each batch, above 1.
    stop_at : float, default 4
        Ends once the smoothed loss is that many times its lowest.
    steps : int, default 200
        Ends after that many batches at the latest, rounded up to whole epochs.

    Returns
    -------
    pandas.DataFrame
        Columns ``step_size`` and ``loss``, a row for each batch; see `LRFinderCB`.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    See Also
    --------
    suggest_lr : reads a rate off the table.
    plot_finder : draws it.

    References
    ----------
    Smith, Cyclical learning rates for training neural networks, WACV 2017, section 3.3,
    https://arxiv.org/abs/1506.01186

    Examples
    --------
    >>> from adl.images import digits, loaders, small_convnet
    >>> train, _ = loaders(digits(seed=0), seed=0)
    >>> table = find_lr(Learner(small_convnet(seed=0), train))
    >>> 0.001 < suggest_lr(table) < 0.05
    True
    """
    if not isinstance(learner, Learner):
        raise TypeError(f"learner: expected a Learner, got {type(learner).__name__}")
    steps = _inputs.whole("steps", steps, at_least=1)
    finder = LRFinderCB(factor, stop_at)
    trial = Learner(
        learner.model,
        learner.train,
        loss=learner.loss,
        lr=_inputs.real("start", start, above=0),
        optimizer=learner.optimizer,
        callbacks=[finder],
    )
    generator = getattr(learner.train, "generator", None)
    order = None if generator is None else generator.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            trial.fit(-(-steps // len(trial.train)))
    finally:
        if generator is not None:
            generator.set_state(order)
    return finder.table


def suggest_lr(table: pd.DataFrame) -> float:
    """Rate to begin with, read off the losses of a finder.

    A tenth of the rate at which the smoothed loss is lowest. There the steps gain nothing any more;
    the margin is for the smoothing, which is late, and for curvature that grows in training.

    Parameters
    ----------
    table : pandas.DataFrame
        From `find_lr`, or a finder's ``table``.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        If it is not such a table, or the loss in it never falls.

    Notes
    -----
    The rate of the steepest fall, the other common rule, depends on how noisy the loss is before it
    falls: from a bad initialisation, where the loss is large, it is misled by noise at tiny rates.

    Examples
    --------
    >>> table = pd.DataFrame({"step_size": [0.001, 0.01, 0.1, 1.0], "loss": [2.0, 1.5, 0.3, 9.0]})
    >>> suggest_lr(table)
    0.01
    """
    rates, _, smooth = _read(table)
    lowest = int(np.nanargmin(smooth))
    if lowest == 0:
        raise ValueError("table: the loss never falls: start the finder at a smaller rate")
    return float(rates[lowest] / 10)


def plot_finder(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the losses of a finder, the rate that they suggest, and where they blow up.

    The loss blows up where its smoothed value, after its lowest, first is more than twice that.

    Parameters
    ----------
    table : pandas.DataFrame
        From `find_lr`, or a finder's ``table``.
    ax : matplotlib.axes.Axes, optional
        By default the current axes.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        As `suggest_lr`.

    Examples
    --------
    >>> table = pd.DataFrame({"step_size": [0.001, 0.01, 0.1, 1.0], "loss": [2.0, 1.5, 0.3, 9.0]})
    >>> plot_finder(table).get_title(loc="left")
    'Begin with 0.01: at 1 the loss blows up'
    >>> plt.close()
    """
    rates, losses, smooth = _read(table)
    suggested = suggest_lr(table)
    lowest = int(np.nanargmin(smooth))
    # Written so that nan, which is no number above anything, counts as blown up.
    after = np.flatnonzero(~(smooth[lowest:] <= 2 * smooth[lowest])) + lowest
    ax = plt.gca() if ax is None else ax
    ax.plot(rates, losses, color=PALETTE["grey"], linewidth=0.8, linestyle="dotted", label="batch")
    ax.plot(rates, smooth, color=PALETTE["blue"], linestyle="solid", label="smoothed")
    # Where no curve is in the way: before the blow-up losses are low, behind it they are high.
    above = {"xytext": (-4, 0), "ha": "right", "va": "top"}
    marks = [(suggested, 0.97, "green", "suggested", above)]
    if after.size:
        below = {"xytext": (4, 0), "ha": "left", "va": "bottom"}
        marks.append((rates[after[0]], 0.03, "red", "blows up", below))
        end = f"at {rates[after[0]]:.2g} the loss blows up"
    else:
        end = f"up to {rates[-1]:.2g} the loss does not blow up"
    for rate, height, colour, word, place in marks:
        ax.axvline(rate, color=PALETTE[colour], linestyle="dashed", linewidth=1)
        ax.annotate(
            f"{word} {rate:.2g}",
            (rate, height),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            **place,
            rotation=90,
            color=PALETTE[colour],
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
        )
    ax.margins(x=0.08)
    ax.set(xscale="log", xlabel="learning rate (log scale)", ylabel="loss of the batch")
    if (losses[np.isfinite(losses)] > 0).all():
        ax.set(yscale="log", ylabel="loss of the batch (log scale)")
    ax.set_title(f"Begin with {suggested:.2g}: {end}", loc="left")
    ax.legend(loc="lower left")
    describe(
        ax,
        f"Loss against the learning rate, which grows from {rates[0]:.2g} to {rates[-1]:.2g} in "
        f"{counted(len(rates), 'batch').replace('batchs', 'batches')}. Smoothed, it begins at "
        f"{smooth[0]:.2g} and is lowest, {smooth[lowest]:.2g}, at {rates[lowest]:.2g}; {end}. The "
        f"rate suggested is {suggested:.2g}.",
    )
    return ax


def _smoothed(losses: pd.Series) -> np.ndarray:
    """Weighted mean of the losses up to each, a batch counting 0.8 times the next; nan stays."""
    return losses.ewm(alpha=0.2).mean().where(losses.notna()).to_numpy()


def _read(table: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rates, losses and smoothed losses."""
    if not isinstance(table, pd.DataFrame) or not {"step_size", "loss"} <= set(table):
        raise TypeError("table: expected a DataFrame with columns step_size and loss, of find_lr")
    smooth = _smoothed(table["loss"])
    if np.isfinite(smooth).sum() < 2:
        raise ValueError("table: expected at least two finite losses")
    return table["step_size"].to_numpy(), table["loss"].to_numpy(), smooth
