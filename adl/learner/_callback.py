"""Callbacks: what they are asked, when, and how they stop what is going on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adl.learner._learner import Learner

__all__ = [
    "HOOKS",
    "Callback",
    "CancelBatchException",
    "CancelEpochException",
    "CancelFitException",
    "SingleBatchCB",
]

HOOKS = (
    "before_fit",
    "before_epoch",
    "before_batch",
    "after_predict",
    "after_loss",
    "after_backward",
    "after_step",
    "after_batch",
    "after_epoch",
    "after_fit",
    "cleanup_fit",
)
"""Names of the moments at which a learner calls its callbacks, in their order."""


class CancelBatchException(Exception):
    """Raised by a callback: leave the rest of this batch out, and go on with the next.

    Examples
    --------
    >>> import torch
    >>> from adl.learner import Learner
    >>> class Stop(Callback):
    ...     def before_batch(self, learn):
    ...         if learn.batch_number == 2:
    ...             raise CancelBatchException
    >>> batches = [(torch.ones(2, 1), torch.ones(2, 1))] * 3
    >>> net, loss = torch.nn.Linear(1, 1), torch.nn.functional.mse_loss
    >>> learn = Learner(net, batches, loss=loss, callbacks=[Stop()])
    >>> learn.fit(2)
    >>> learn.epoch, learn.step
    (2, 4)
    """


class CancelEpochException(Exception):
    """Raised by a callback: leave the rest of this pass over the data out.

    Examples
    --------
    >>> import torch
    >>> from adl.learner import Learner
    >>> class Stop(Callback):
    ...     def before_batch(self, learn):
    ...         if learn.batch_number == 2:
    ...             raise CancelEpochException
    >>> batches = [(torch.ones(2, 1), torch.ones(2, 1))] * 3
    >>> net, loss = torch.nn.Linear(1, 1), torch.nn.functional.mse_loss
    >>> learn = Learner(net, batches, loss=loss, callbacks=[Stop()])
    >>> learn.fit(2)
    >>> learn.epoch, learn.step
    (2, 2)
    """


class CancelFitException(Exception):
    """Raised by a callback: end the fit.

    Examples
    --------
    >>> import torch
    >>> from adl.learner import Learner
    >>> class Stop(Callback):
    ...     def before_batch(self, learn):
    ...         if learn.batch_number == 2:
    ...             raise CancelFitException
    >>> batches = [(torch.ones(2, 1), torch.ones(2, 1))] * 3
    >>> net, loss = torch.nn.Linear(1, 1), torch.nn.functional.mse_loss
    >>> learn = Learner(net, batches, loss=loss, callbacks=[Stop()])
    >>> learn.fit(2)
    >>> learn.epoch, learn.step
    (1, 1)
    """


class Callback:
    """Something that a `Learner` calls while it trains. Define the hooks that you need.

    Every hook gets the learner. Among the callbacks of a learner, those with a smaller `order` are
    called first; those with the same, in the order of the learner's list.

    A hook may raise one of three exceptions to stop the batch, the pass or the fit. What is stopped
    ends at once, without its own ``after_`` hook, and what surrounds it goes on; an exception for
    something that is not going on, a batch in ``before_epoch``, reaches the caller. Only
    `cleanup_fit` is called whatever happens.

    Raises
    ------
    TypeError
        When a class is written with a ``before_``, ``after_`` or ``cleanup_`` method that is not a
        hook, since it would never be called.

    See Also
    --------
    Learner : what the hooks can read and change.

    Examples
    --------
    >>> from adl.learner import Callback, Learner
    >>> class Shout(Callback):
    ...     def after_epoch(self, learn):
    ...         print("epoch", learn.epoch, "training" if learn.training else "validation")
    >>> import torch
    >>> batch = torch.ones(2, 1), torch.ones(2, 1)
    >>> net, loss = torch.nn.Linear(1, 1), torch.nn.functional.mse_loss
    >>> Learner(net, [batch], [batch], loss=loss, callbacks=[Shout()]).fit(1)
    epoch 1 training
    epoch 1 validation
    """

    order: float = 0

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in vars(cls):
            if name.startswith(("before_", "after_", "cleanup_")) and name not in HOOKS:
                raise TypeError(
                    f"{cls.__name__}.{name}: no such hook; there are {', '.join(HOOKS)}"
                )

    def before_fit(self, learn: Learner) -> None:
        """Once, when a fit begins."""

    def before_epoch(self, learn: Learner) -> None:
        """Before each pass, over the training and then over the validation data."""

    def before_batch(self, learn: Learner) -> None:
        """When a batch has come; ``learn.batch`` may be replaced."""

    def after_predict(self, learn: Learner) -> None:
        """When ``learn.predictions`` are there; they may be replaced."""

    def after_loss(self, learn: Learner) -> None:
        """When ``learn.loss_value`` is there; another tensor may be put in its place."""

    def after_backward(self, learn: Learner) -> None:
        """When the gradients are there; in training only."""

    def after_step(self, learn: Learner) -> None:
        """When the weights have changed, and the gradients are still there; in training only."""

    def after_batch(self, learn: Learner) -> None:
        """At the end of each batch, in training and in validation."""

    def after_epoch(self, learn: Learner) -> None:
        """At the end of each pass."""

    def after_fit(self, learn: Learner) -> None:
        """Once, when a fit has come to its end."""

    def cleanup_fit(self, learn: Learner) -> None:
        """After every fit: finished, cancelled or failed, even if it failed before it began."""

    def state_dict(self) -> dict[str, Any]:
        """What has to be saved for a later fit to go on as this one would have; here nothing."""
        return {}

    def load_state_dict(self, state: dict[str, Any], learn: Learner) -> None:
        """Take up what `state_dict` gave."""


class SingleBatchCB(Callback):
    """Ends the fit after its first batch, when all other callbacks have seen it.

    Examples
    --------
    >>> import torch
    >>> from adl.learner import Learner
    >>> batches = [(torch.ones(2, 1), torch.ones(2, 1))] * 10
    >>> net, loss = torch.nn.Linear(1, 1), torch.nn.functional.mse_loss
    >>> learn = Learner(net, batches, loss=loss, callbacks=[SingleBatchCB()])
    >>> learn.fit(3)
    >>> learn.step
    1
    """

    order = 100

    def after_batch(self, learn: Learner) -> None:
        """End the fit."""
        raise CancelFitException


def checked(callbacks: Any) -> list[Callback]:
    """List of callbacks, or an exception that says what is wrong with one of them."""
    if isinstance(callbacks, Callback) or not hasattr(callbacks, "__iter__"):
        raise TypeError(f"callbacks: expected a list of them, got {callbacks!r:.60}")
    callbacks = list(callbacks)
    for callback in callbacks:
        if isinstance(callback, type):
            name = callback.__name__
            raise TypeError(f"callbacks: expected an object, got the class {name}: write {name}()")
        if not isinstance(callback, Callback):
            raise TypeError(f"callbacks: expected Callback objects, got {callback!r:.60}")
    return callbacks
