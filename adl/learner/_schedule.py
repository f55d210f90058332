"""Schedulers as callbacks."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch.optim import Optimizer

from adl.learner._callback import Callback

if TYPE_CHECKING:
    from adl.learner._learner import Learner

__all__ = ["BatchSchedCB", "EpochSchedCB"]


class _SchedCB(Callback):
    """A scheduler that is made when a learner first needs it, and kept for the learner's fits."""

    def __init__(self, factory: Callable[[Optimizer], Any]) -> None:
        if not callable(factory):
            raise TypeError(
                f"factory: expected a function of the optimiser, as "
                f"partial(CosineAnnealingLR, T_max=100), got {factory!r:.60}"
            )
        self.factory, self.scheduler = factory, None

    def before_fit(self, learn: Learner) -> None:
        """Make the scheduler, unless it is there from an earlier fit of this learner."""
        if self.scheduler is None or self.scheduler.optimizer is not learn.opt:
            self.scheduler = None
            self.scheduler = _of_optimizer(self.factory(learn.opt), learn.opt)

    def _step(self, learn: Learner) -> None:
        if not learn.training:
            return
        try:
            self.scheduler.step()
        except ValueError as error:
            raise ValueError(
                f"factory: expected a schedule as long as the training, got "
                f"{type(self.scheduler).__name__}, which fails after update {learn.step}; it says: "
                f"{error}"
            ) from error

    def state_dict(self) -> dict[str, Any]:
        """State of the scheduler; nothing before the first fit."""
        return {} if self.scheduler is None else self.scheduler.state_dict()

    def load_state_dict(self, state: dict[str, Any], learn: Learner) -> None:
        """Set the scheduler to the saved state; make it if there is none."""
        if state:
            self.before_fit(learn)
            self.scheduler.load_state_dict(state)
        else:
            self.scheduler = None


def _of_optimizer(scheduler: Any, optimizer: Optimizer) -> Any:
    """The scheduler, if it can be stepped without a word and moves this optimiser."""
    kind = type(scheduler).__name__
    if not callable(getattr(scheduler, "step", None)):
        raise TypeError(f"factory: expected it to give a scheduler with step(), got {kind}")
    if getattr(scheduler, "optimizer", None) is not optimizer:
        raise ValueError(
            f"factory: expected a scheduler of the optimiser that it is called with, got {kind} of "
            "another"
        )
    if "metrics" in inspect.signature(scheduler.step).parameters:
        raise ValueError(
            f"factory: expected a schedule that needs no measurements, got {kind}: call its "
            "step(metrics) in a callback of your own"
        )
    return scheduler


class BatchSchedCB(_SchedCB):
    """A scheduler that is stepped after each training batch.

    Parameters
    ----------
    factory : callable
        Called with the optimiser when the first fit begins; gives a scheduler of this optimiser. A
        second fit goes on with it; another learner gets one of its own.

    Raises
    ------
    TypeError, ValueError
        If `factory` is not callable; when a fit begins, if it gives no scheduler, one of another
        optimiser, or one that follows a number, as ``ReduceLROnPlateau``; in training, if the
        schedule has come to its end.

    See Also
    --------
    EpochSchedCB : steps once an epoch.

    Examples
    --------
    >>> from functools import partial
    >>> import torch
    >>> from adl.learner import Learner
    >>> halve = BatchSchedCB(partial(torch.optim.lr_scheduler.ExponentialLR, gamma=0.5))
    >>> batches = [(torch.ones(2, 1), torch.ones(2, 1))] * 3
    >>> net, loss = torch.nn.Linear(1, 1), torch.nn.functional.mse_loss
    >>> learn = Learner(net, batches, loss=loss, lr=0.8, callbacks=[halve])
    >>> learn.fit(1)
    >>> learn.opt.param_groups[0]["lr"]
    0.1
    """

    after_batch = _SchedCB._step


class EpochSchedCB(_SchedCB):
    """A scheduler that is stepped after each pass over the training data.

    Parameters
    ----------
    factory : callable
        As for `BatchSchedCB`.

    Raises
    ------
    TypeError, ValueError
        As `BatchSchedCB`.

    Examples
    --------
    >>> from functools import partial
    >>> import torch
    >>> from adl.learner import Learner
    >>> halve = EpochSchedCB(partial(torch.optim.lr_scheduler.ExponentialLR, gamma=0.5))
    >>> batches = [(torch.ones(2, 1), torch.ones(2, 1))] * 3
    >>> net, loss = torch.nn.Linear(1, 1), torch.nn.functional.mse_loss
    >>> learn = Learner(net, batches, loss=loss, lr=0.8, callbacks=[halve])
    >>> learn.fit(1)
    >>> learn.opt.param_groups[0]["lr"]
    0.4
    """

    after_epoch = _SchedCB._step
