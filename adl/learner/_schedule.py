"""Schedulers as callbacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch.optim import Optimizer

from adl.learner._callback import Callback

if TYPE_CHECKING:
    from adl.learner._learner import Learner

__all__ = ["BatchSchedCB", "EpochSchedCB"]


class _SchedCB(Callback):
    """A scheduler that is made when a learner first needs it, and kept for its later fits."""

    def __init__(self, factory: Callable[[Optimizer], Any]) -> None:
        if not callable(factory):
            raise TypeError(
                f"factory: expected a function of the optimiser, as "
                f"partial(CosineAnnealingLR, T_max=100), got {factory!r:.60}"
            )
        self.factory, self.scheduler = factory, None

    def before_fit(self, learn: Learner) -> None:
        """Make the scheduler, unless it is there from an earlier fit."""
        if self.scheduler is None:
            self.scheduler = self.factory(learn.opt)
        if not callable(getattr(self.scheduler, "step", None)):
            kind, self.scheduler = type(self.scheduler).__name__, None
            raise TypeError(f"factory: expected it to give a scheduler with step(), got {kind}")

    def _step(self, learn: Learner) -> None:
        if learn.training:
            self.scheduler.step()

    def state_dict(self) -> dict[str, Any]:
        """State of the scheduler; nothing before the first fit."""
        return {} if self.scheduler is None else self.scheduler.state_dict()

    def load_state_dict(self, state: dict[str, Any], learn: Learner) -> None:
        """Make a scheduler in the saved state."""
        self.scheduler = None
        if state:
            self.before_fit(learn)
            self.scheduler.load_state_dict(state)


class BatchSchedCB(_SchedCB):
    """A scheduler that is stepped after each training batch.

    Parameters
    ----------
    factory : callable
        Called with the optimiser when the first fit begins; gives a scheduler. A second fit goes
        on with it.

    Raises
    ------
    TypeError
        If `factory` is not callable, or, when a fit begins, gives nothing that has ``step()``.

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
    TypeError
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
