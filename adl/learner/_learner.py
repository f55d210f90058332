"""The training loop, written once; everything that varies is an argument or a callback."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from adl import _inputs
from adl._batches import one_number
from adl.learner._callback import (
    Callback,
    CancelBatchException,
    CancelEpochException,
    CancelFitException,
    checked,
)

__all__ = ["Learner"]

_CANCEL = {
    "batch": CancelBatchException,
    "epoch": CancelEpochException,
    "fit": CancelFitException,
}


class Learner:
    """A model, its data, a loss and an optimiser, trained batch by batch; callbacks do the rest.

    The optimiser is made once, with the learner. A second `fit` therefore goes on where the first
    ended: optimiser, schedules, records and counters continue.

    An epoch is a pass over the training data and, without gradients and in evaluation mode, one
    over the validation data. Each pass has its own ``before_epoch`` and ``after_epoch``;
    `training` tells them apart.

    Parameters
    ----------
    model : torch.nn.Module
        Takes a batch's inputs to predictions. It is trained in place.
    train : iterable of (inputs, targets)
        The training batches, with a length: a ``DataLoader``, or a list. Their order, and its
        randomness, belong to it.
    valid : iterable of (inputs, targets), optional
        The validation batches; without them there is no validation.
    loss : callable, default torch.nn.functional.cross_entropy
        Called with predictions and targets; gives one number for the batch.
    lr : float, default 0.001
        Learning rate, above 0.
    optimizer : callable, default torch.optim.Adam
        Called as ``optimizer(model.parameters(), lr=lr)``.
    callbacks : iterable of Callback
        Kept in the list `callbacks`, which may be changed between fits.

    Attributes
    ----------
    opt : torch.optim.Optimizer
        The optimiser.
    epoch, epochs : int
        Number of the epoch, from 1 over all fits, and of the last one of this fit.
    step : int
        Updates made so far, over all fits.
    training : bool
        Whether the pass is one over the training data.
    batch : tuple
        The inputs and targets of the batch.
    batch_number : int
        Its number in the pass, from 1.
    predictions : torch.Tensor
        What the model made of its inputs; after a fit, without a graph.
    loss_value : torch.Tensor, shape ()
        Its loss; after a fit, without a graph.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    See Also
    --------
    Callback : the hooks, in their order.
    find_lr : finds a rate to begin with.

    Examples
    --------
    >>> from adl.images import digits, loaders, small_convnet
    >>> from adl.learner import MetricsCB, accuracy
    >>> train, valid = loaders(digits(seed=0), seed=0)
    >>> metrics = MetricsCB(accuracy=accuracy)
    >>> learn = Learner(small_convnet(seed=0), train, valid, lr=0.01, callbacks=[metrics])
    >>> learn.fit(2)
    >>> bool(metrics.history["valid_accuracy"].iloc[-1] > 0.9), learn.epoch, learn.step
    (True, 2, 42)
    """

    def __init__(
        self,
        model: nn.Module,
        train: Iterable[tuple[Any, Any]],
        valid: Iterable[tuple[Any, Any]] | None = None,
        *,
        loss: Callable[..., Tensor] = nn.functional.cross_entropy,
        lr: float = 1e-3,
        optimizer: Callable[..., Optimizer] = torch.optim.Adam,
        callbacks: Iterable[Callback] = (),
    ) -> None:
        if not isinstance(model, nn.Module):
            raise TypeError(f"model: expected a torch.nn.Module, got {type(model).__name__}")
        for name, function in (("loss", loss), ("optimizer", optimizer)):
            if not callable(function):
                raise TypeError(f"{name}: expected a function, got {function!r:.60}")
        self.lr = _inputs.real("lr", lr, above=0)
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.train = _batches("train", train)
        self.valid = None if valid is None else _batches("valid", valid)
        self.callbacks = checked(callbacks)
        self.opt = optimizer(model.parameters(), lr=self.lr)
        if not isinstance(self.opt, Optimizer):
            raise TypeError(
                f"optimizer: expected a function that makes an Optimizer, got one that makes "
                f"{type(self.opt).__name__}"
            )
        self.epoch = self.epochs = self.step = self.batch_number = 0
        self.training = False

    def fit(self, epochs: int) -> None:
        """Train for a number of epochs more.

        Afterwards the model is in the mode, training or evaluation, in which it was before: also
        when a callback cancels the fit, or when anything fails. An exception that is not one of
        the three cancellations reaches the caller as it is.

        Parameters
        ----------
        epochs : int
            How many more; at least 1.

        Raises
        ------
        TypeError, ValueError
            If `epochs` or a callback cannot be used, or the loss is not one number.

        Examples
        --------
        >>> batches = [(torch.ones(2, 1), torch.ones(2, 1))] * 5
        >>> learn = Learner(nn.Linear(1, 1), batches, loss=nn.functional.mse_loss)
        >>> learn.fit(2)
        >>> learn.fit(1)
        >>> learn.epoch, learn.step
        (3, 15)
        """
        epochs = _inputs.whole("epochs", epochs, at_least=1)
        self.callbacks = checked(self.callbacks)
        self.epochs = self.epoch + epochs
        with ExitStack() as stack:  # whatever fails, each of these is still called
            stack.callback(self._let_go)
            for module in self.model.modules():
                stack.callback(setattr, module, "training", module.training)
            for callback in self.callbacks:
                stack.callback(callback.cleanup_fit, self)
            self._around("fit", self._fit)

    def state_dict(self) -> dict[str, Any]:
        """All that a later fit needs to go on as if there had been no break, as a copy.

        The model, the optimiser, the schedules of the callbacks and the counters; to be taken
        between fits. The order of the batches is the loader's: keep the state of its generator
        with it.

        Returns
        -------
        dict
            For ``torch.save``.

        See Also
        --------
        load_state_dict : takes it up.

        Examples
        --------
        >>> batch = torch.ones(2, 1), torch.ones(2, 1)
        >>> learn = Learner(nn.Linear(1, 1), [batch], loss=nn.functional.mse_loss)
        >>> sorted(learn.state_dict())
        ['callbacks', 'epoch', 'model', 'optimizer', 'step']
        """
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.opt.state_dict(),
            "callbacks": [callback.state_dict() for callback in self.callbacks],
            "epoch": self.epoch,
            "step": self.step,
        }
        return deepcopy(state)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a saved state, in a learner made as the saved one was.

        Parameters
        ----------
        state : dict
            From `state_dict`; it is left as it is.

        Raises
        ------
        ValueError
            If the learner has not as many callbacks as the saved one.

        Examples
        --------
        >>> batch = torch.ones(2, 1), torch.ones(2, 1)
        >>> first, second = (
        ...     Learner(nn.Linear(1, 1), [batch], loss=nn.functional.mse_loss) for _ in range(2)
        ... )
        >>> first.fit(3)
        >>> second.load_state_dict(first.state_dict())
        >>> second.epoch, bool(first.model.weight == second.model.weight)
        (3, True)
        """
        state = deepcopy(state)
        if len(state["callbacks"]) != len(self.callbacks):
            raise ValueError(
                f"state: expected one of {len(self.callbacks)} callbacks, as the learner has, got "
                f"one of {len(state['callbacks'])}"
            )
        self.model.load_state_dict(state["model"])
        for callback, saved in zip(self.callbacks, state["callbacks"], strict=True):
            callback.load_state_dict(saved, self)
        # Last, since a scheduler that is made sets rates.
        self.opt.load_state_dict(state["optimizer"])
        self.epoch, self.step = state["epoch"], state["step"]

    def _fit(self) -> None:
        while self.epoch < self.epochs:
            self.epoch += 1
            self._pass(self.train, training=True)
            if self.valid is not None:
                with torch.no_grad():
                    self._pass(self.valid, training=False)

    def _pass(self, batches: Iterable[tuple[Any, Any]], *, training: bool) -> None:
        def go_through() -> None:
            for self.batch_number, self.batch in enumerate(batches, start=1):
                self._around("batch", self._batch)

        self.training = training
        self.model.train(training)
        self._around("epoch", go_through)

    def _batch(self) -> None:
        inputs, targets = _pair(self.batch)
        self.predictions = self.model(inputs)
        self._call("after_predict")
        self.loss_value = one_number("loss", self.loss(self.predictions, targets))
        self._call("after_loss")
        one_number("loss_value", self.loss_value)
        if self.training:
            self.opt.zero_grad()
            self.loss_value.backward()
            self._call("after_backward")
            self.opt.step()
            self.step += 1
            self._call("after_step")

    def _let_go(self) -> None:
        """Drop the graphs of the last batch, which keep memory and cannot be copied."""
        for name in ("predictions", "loss_value"):
            value = getattr(self, name, None)
            if isinstance(value, Tensor):
                setattr(self, name, value.detach())

    def _around(self, level: str, work: Callable[[], None]) -> None:
        """Do the work between the hooks of its level, unless a callback cancels it."""
        try:
            self._call(f"before_{level}")
            work()
            self._call(f"after_{level}")
        except _CANCEL[level]:
            pass

    def _call(self, hook: str) -> None:
        for callback in sorted(self.callbacks, key=lambda callback: callback.order):
            getattr(callback, hook)(self)


def _batches(name: str, batches: Any) -> Any:
    """The loader, if it can be gone through again and again and is not empty."""
    if not hasattr(batches, "__iter__") or not hasattr(batches, "__len__"):
        raise TypeError(
            f"{name}: expected batches with a length, as a DataLoader or a list, got "
            f"{type(batches).__name__}"
        )
    if len(batches) == 0:
        raise ValueError(f"{name}: expected at least one batch, got none")
    return batches


def _pair(batch: Any) -> tuple[Any, Any]:
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        raise TypeError(f"batch: expected (inputs, targets), got {batch!r:.60}")
    return batch[0], batch[1]
