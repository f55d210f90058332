"""Callbacks that keep what happens: anything per batch, a line per epoch, a progress bar."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from torch import Tensor

from adl._session import progress_bar
from adl.learner._callback import Callback
from adl.plotting import counted, describe, few

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from adl.learner._learner import Learner

__all__ = ["MetricsCB", "ProgressCB", "RecorderCB", "accuracy"]


def accuracy(predictions: Tensor, targets: Tensor) -> Tensor:
    """Share of the targets to which the model gives the largest of its predictions.

    Parameters
    ----------
    predictions : torch.Tensor, shape (n, classes)
        Logits or probabilities.
    targets : torch.Tensor, shape (n,)
        Classes.

    Returns
    -------
    torch.Tensor, shape ()

    Examples
    --------
    >>> accuracy(torch.tensor([[0.2, 0.8], [0.9, 0.1]]), torch.tensor([1, 1])).item()
    0.5
    """
    return (predictions.argmax(dim=1) == targets).float().mean()


class RecorderCB(Callback):
    """Records, at each update, anything that can be read off the learner.

    Parameters
    ----------
    **records : callable
        For each name, a function of the recorder, here called ``cb``: ``cb.pg`` is the first
        parameter group of the optimiser, ``cb.learn`` the learner. It is called after the update,
        before schedulers move on: the rate is the one that the update used.

    Attributes
    ----------
    recs : dict of str to list
        What was recorded, for each name, over all fits. Tensors are kept as numbers.

    Raises
    ------
    TypeError
        If a record is not a function.

    Examples
    --------
    >>> from adl.learner import Learner
    >>> recorder = RecorderCB(lr=lambda cb: cb.pg["lr"], step=lambda cb: cb.learn.step)
    >>> batches = [(torch.ones(2, 1), torch.ones(2, 1))] * 3
    >>> net, loss = torch.nn.Linear(1, 1), torch.nn.functional.mse_loss
    >>> Learner(net, batches, loss=loss, lr=0.5, callbacks=[recorder]).fit(1)
    >>> recorder.recs
    {'lr': [0.5, 0.5, 0.5], 'step': [1, 2, 3]}
    """

    def __init__(self, **records: Callable[[RecorderCB], Any]) -> None:
        _functions(records)
        self.records = records
        self.recs: dict[str, list[Any]] = {name: [] for name in records}

    def before_fit(self, learn: Learner) -> None:
        """Make the learner known to the functions."""
        self.learn, self.pg = learn, learn.opt.param_groups[0]

    def after_step(self, learn: Learner) -> None:
        """Record."""
        for name, function in self.records.items():
            value = function(self)
            self.recs[name].append(value.detach().tolist() if isinstance(value, Tensor) else value)

    def plot(self, *names: str, ax: Axes | None = None) -> Axes:
        """Draw records against the update.

        Parameters
        ----------
        *names : str
            Which, at most four; by default all. One alone is drawn in its own unit. Several are
            each drawn over their own range, which the legend gives. Where a record is not finite
            there is a gap.
        ax : matplotlib.axes.Axes, optional
            By default the current axes.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        ValueError
            If there is nothing recorded of that name, or what is recorded are not numbers.

        Examples
        --------
        >>> recorder = RecorderCB(lr=lambda cb: cb.pg["lr"])
        >>> recorder.recs["lr"] = [0.1, 0.4, 0.2]
        >>> recorder.plot().get_title(loc="left")
        'lr from 0.1 over 0.4 (update 2) to 0.2'
        >>> plt.close()
        """
        curves = {name: self._curve(name) for name in names or self.recs}
        few("names", curves)
        ax = plt.gca() if ax is None else ax
        said = {name: _course(name, curve) for name, curve in curves.items()}
        for name, curve in curves.items():
            shown = np.where(np.isfinite(curve), curve, np.nan)  # what no axis can show is a gap
            low, high = np.nanmin(shown), np.nanmax(shown)
            if len(curves) > 1:
                shown = (shown - low) / ((high - low) or 1.0)
            label = f"{name}, from {low:.3g} to {high:.3g}"
            # A value holds for its update, and changes from one to the next.
            ax.plot(np.arange(1, len(curve) + 1), shown, label=label, drawstyle="steps-mid")
        if len(curves) > 1:
            ax.set(ylabel="place in its own range, from lowest to highest")
            ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
        else:
            ax.set(ylabel=next(iter(curves)))
            if low >= 0:
                ax.set_ylim(bottom=0)
        ax.set_xlabel("update")
        ax.set_title(_finding(curves, said), loc="left")
        describe(ax, f"Recorded at {_updates(curves)}: {'; '.join(said.values())}.")
        return ax

    def cleanup_fit(self, learn: Learner) -> None:
        """Let go of the learner."""
        self.learn = self.pg = None

    def _curve(self, name: str) -> np.ndarray:
        if not self.recs.get(name):
            raise ValueError(f"names: nothing is recorded of {name!r}: fit first")
        try:
            curve = np.asarray(self.recs[name], dtype=float)
        except (TypeError, ValueError):
            curve = np.empty((0, 0))
        if curve.ndim != 1 or not np.isfinite(curve).any():
            raise ValueError(f"names: expected a number at each update, {name!r} has others")
        return curve


class MetricsCB(Callback):
    """Keeps a line an epoch: the mean loss, and other measures, of each pass.

    Parameters
    ----------
    **metrics : callable
        For each name, a function of predictions and targets that gives the mean over a batch, as
        `accuracy` does.

    Attributes
    ----------
    rows : list of dict
        For each epoch its number, ``train_loss``, ``valid_loss`` and so on for each metric. Means
        over the images, whatever the sizes of the batches; those of the training pass are taken
        while the weights change.

    Raises
    ------
    TypeError, ValueError
        If a metric is not a function, or is called loss.

    Examples
    --------
    >>> from adl.learner import Learner
    >>> metrics = MetricsCB(error=torch.nn.functional.l1_loss)
    >>> net, loss = torch.nn.Linear(1, 1), torch.nn.functional.mse_loss
    >>> batch = torch.zeros(2, 1), torch.ones(2, 1)
    >>> Learner(net, [batch], [batch], loss=loss, callbacks=[metrics]).fit(2)
    >>> list(metrics.history)
    ['epoch', 'train_loss', 'train_error', 'valid_loss', 'valid_error']
    """

    def __init__(self, **metrics: Callable[[Tensor, Tensor], Any]) -> None:
        _functions(metrics)
        if "loss" in metrics:
            raise ValueError("loss: is recorded without being asked for")
        self.metrics = metrics
        self.rows: list[dict[str, float]] = []

    @property
    def history(self) -> pd.DataFrame:
        """The lines as a table."""
        return pd.DataFrame(self.rows)

    def before_epoch(self, learn: Learner) -> None:
        """Begin new sums."""
        self._sums, self._count = dict.fromkeys(["loss", *self.metrics], 0.0), 0

    def after_batch(self, learn: Learner) -> None:
        """Add the batch to the sums."""
        targets = learn.batch[1]
        with torch.no_grad():
            values = {name: f(learn.predictions, targets) for name, f in self.metrics.items()}
        for name, value in {"loss": learn.loss_value.detach(), **values}.items():
            self._sums[name] += float(value) * len(targets)
        self._count += len(targets)

    def after_epoch(self, learn: Learner) -> None:
        """Write the means into the epoch's line."""
        if not self.rows or self.rows[-1]["epoch"] != learn.epoch:
            self.rows.append({"epoch": learn.epoch})
        part = "train" if learn.training else "valid"
        for name, total in self._sums.items():
            # Without a batch (all of them cancelled) there is no mean.
            self.rows[-1][f"{part}_{name}"] = total / (self._count or np.nan)


class ProgressCB(Callback):
    """A progress bar over the updates of a fit, for a person who watches; no output is kept.

    Examples
    --------
    >>> from adl.learner import Learner
    >>> batch = torch.zeros(2, 1), torch.ones(2, 1)
    >>> net, loss = torch.nn.Linear(1, 1), torch.nn.functional.mse_loss
    >>> Learner(net, [batch], loss=loss, callbacks=[ProgressCB()]).fit(2)
    """

    _bar: Any = None

    def before_fit(self, learn: Learner) -> None:
        """Begin the bar."""
        updates = (learn.epochs - learn.epoch) * len(learn.train)
        self._bar = progress_bar(range(updates), label="training")

    def after_step(self, learn: Learner) -> None:
        """Move on."""
        next(self._bar, None)

    def cleanup_fit(self, learn: Learner) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _functions(things: dict[str, Any]) -> None:
    for name, function in things.items():
        if not callable(function):
            raise TypeError(f"{name}: expected a function, got {function!r:.60}")


def _course(name: str, curve: np.ndarray) -> str:
    """Where a curve begins and ends, and its extreme in between if it has one."""
    first, last = curve[0], curve[-1]
    text = f"{name} from {first:.3g} "
    for extreme in (int(np.nanargmax(curve)), int(np.nanargmin(curve))):
        if curve[extreme] not in (first, last):
            text += f"over {curve[extreme]:.3g} (update {extreme + 1}) "
    return f"{text}to {last:.3g}"


def _finding(curves: dict[str, np.ndarray], said: dict[str, str]) -> str:
    if len(curves) == 1:
        return next(iter(said.values()))
    if len(curves) == 2:
        shorter = min(map(len, curves.values()))
        both = np.array([curve[:shorter] for curve in curves.values()])
        both = both[:, np.isfinite(both).all(axis=0)]
        if both.size and (np.ptp(both, axis=1) > 0).all():
            correlation = f"{np.corrcoef(both)[0, 1]:.2f}".replace("-", "−")
            return f"{' and '.join(curves)}: correlation {correlation}"
    return f"{', '.join(curves)} over {_updates(curves)}"


def _updates(curves: dict[str, np.ndarray]) -> str:
    return counted(max(map(len, curves.values())), "update")
