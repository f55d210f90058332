"""Running a schedule without training anything."""

import inspect
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import pandas as pd
import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from adl import _inputs

__all__ = ["trace"]

_RATE = 0.06


def trace(
    factory: Callable[[Optimizer], LRScheduler],
    *,
    steps: int = 100,
    lr: float | None = None,
    metrics: Sequence[float] | Callable[[int], float] | None = None,
    optimizer: Optimizer | None = None,
) -> pd.DataFrame:
    """Learning rate and momentum at each step of a schedule, without training anything.

    The scheduler is given a stand-in: an optimiser with the same options that moves no weights.

    Parameters
    ----------
    factory : callable
        Makes the scheduler from an optimiser: ``partial(CosineAnnealingLR, T_max=100)``, say, or a
        function of your own.
    steps : int, default 100
        Number of steps of the optimiser.
    lr : float, default 0.06
        Rate that the optimiser starts with; not together with `optimizer`.
    metrics : sequence of float or callable, optional
        For schedulers that follow a number, such as ``ReduceLROnPlateau``: what is passed to their
        ``step`` after steps 0, 1, 2, …; or a function that gives it for the number of the step.
    optimizer : torch.optim.Optimizer, optional
        Whose options and parameter groups the stand-in takes over; it is left as it is. By default
        one group with Adam's.

    Returns
    -------
    pandas.DataFrame
        A row for each step and parameter group, with the columns ``step`` and ``group``, both from
        0, and what that step uses: ``lr`` and ``momentum`` (Adam's first beta; nan where there is
        none).

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used, or the schedule ends before `steps`; the message says where.

    See Also
    --------
    plot : draws it.

    Notes
    -----
    A step uses the rate that the scheduler set *before* it. So row 0 holds the first rate, and
    what the scheduler sets after the last step appears only in a longer trace.

    Examples
    --------
    >>> from functools import partial
    >>> from torch.optim.lr_scheduler import ExponentialLR
    >>> print(trace(partial(ExponentialLR, gamma=0.5), steps=3, lr=0.8))
       step  group   lr  momentum
    0     0      0  0.8       0.9
    1     1      0  0.4       0.9
    2     2      0  0.2       0.9
    """
    if not callable(factory):
        raise TypeError(
            "factory: expected a function that makes a scheduler from an optimiser, such as "
            f"partial(StepLR, step_size=30), got {type(factory).__name__}"
        )
    steps = _inputs.whole("steps", steps, at_least=1)
    stand_in = _StandIn.of(optimizer, lr)
    scheduler = factory(stand_in)
    if not isinstance(scheduler, LRScheduler):
        raise TypeError(
            f"factory: expected it to return a scheduler, got {type(scheduler).__name__}"
        )
    if scheduler.optimizer is not stand_in:
        raise ValueError("factory: expected a scheduler of the optimiser that it is called with")
    follow = _followed(scheduler, metrics, steps)
    rows = []
    for step in range(steps):
        if step > 0:
            stand_in.step()
            passed = follow(step - 1)
            try:
                scheduler.step(*passed)
            except ValueError as error:
                raise ValueError(
                    f"steps: expected at most {step}, where {type(scheduler).__name__} ends, "
                    f"got {steps}; it says: {error}"
                ) from error
        rows += [
            (step, number, float(group["lr"]), _momentum(group))
            for number, group in enumerate(stand_in.param_groups)
        ]
    return pd.DataFrame(rows, columns=["step", "group", "lr", "momentum"])


class _StandIn(Optimizer):
    """Has an optimiser's options, and one parameter in each group, which it does not move."""

    @classmethod
    def of(cls, optimizer: Optimizer | None, lr: float | None) -> "_StandIn":
        if optimizer is None:
            lr = _RATE if lr is None else _inputs.real("lr", lr, at_least=0)
            return cls([torch.nn.Parameter(torch.zeros(()))], {"lr": lr, "betas": (0.9, 0.999)})
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"optimizer: expected an Optimizer, got {type(optimizer).__name__}")
        if lr is not None:
            raise ValueError("lr: expected none together with an optimizer, which has its own")
        groups = []
        for group in optimizer.param_groups:
            options = {
                name: deepcopy(value)
                for name, value in group.items()
                if name not in ("params", "param_names")
            }
            groups.append({**options, "params": [torch.nn.Parameter(torch.zeros(()))]})
        return cls(groups, deepcopy(optimizer.defaults))

    def step(self, closure: None = None) -> None:
        """Move nothing."""

    def register_step_pre_hook(self, hook: Any) -> Any:
        """Refuse schedulers that listen to training."""
        raise TypeError(
            "factory: expected a schedule that can do without training; this scheduler listens to "
            "the optimiser's steps: train with it, and record the rate"
        )

    register_step_post_hook = register_step_pre_hook


def _followed(scheduler: LRScheduler, metrics: Any, steps: int) -> Callable[[int], tuple]:
    """Function that gives what the scheduler's ``step`` is called with after a step's number."""
    name = type(scheduler).__name__
    if "metrics" not in inspect.signature(scheduler.step).parameters:
        if metrics is not None:
            raise ValueError(f"metrics: expected none, because {name} follows no number")
        return lambda step: ()
    if metrics is None:
        raise ValueError(
            f"metrics: expected what {name} is to follow, a number for each step or a function "
            "of the step, got none"
        )
    if callable(metrics):
        return lambda step: (metrics(step),)
    try:
        values = [float(value) for value in metrics]
    except (TypeError, ValueError):
        raise TypeError(
            f"metrics: expected numbers, or a function of the step, got {metrics!r:.40}"
        ) from None
    if len(values) < steps - 1:
        raise ValueError(f"metrics: expected at least {steps - 1} numbers, got {len(values)}")
    return lambda step: (values[step],)


def _momentum(group: dict[str, Any]) -> float:
    return float(group["betas"][0] if "betas" in group else group.get("momentum", "nan"))
