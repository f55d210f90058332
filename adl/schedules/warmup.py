"""Warm-up, then a cosine: the schedule that most large networks are trained with."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

from adl import _inputs

__all__ = ["warmup_cosine"]


def warmup_cosine(
    optimizer: Optimizer,
    *,
    warmup: int,
    steps: int,
    start_factor: float = 0.01,
    end: float = 0.0,
) -> SequentialLR:
    """Schedule that rises along a line to the optimiser's rate, and falls along half a cosine.

    Made of three of torch's own: ``LinearLR``, ``CosineAnnealingLR``, and ``SequentialLR``.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Its groups' rates are the peaks.
    warmup : int
        Steps before the peak; may be 0.
    steps : int
        Steps altogether, more than `warmup`.
    start_factor : float, default 0.01
        Share of the peak to start with, above 0 and at most 1.
    end : float, default 0
        Rate of every group after `steps` steps; above none of the peaks.

    Returns
    -------
    torch.optim.lr_scheduler.SequentialLR
        Call its ``step`` after each step of the optimiser.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    See Also
    --------
    trace : shows it; ``partial(warmup_cosine, warmup=10, steps=100)`` is a factory.

    Notes
    -----
    The rate is `end` after the last step, not during it: of ten steps, number 9 still learns. A
    scheduler that goes on after `steps` climbs back up the cosine.

    References
    ----------
    Loshchilov and Hutter, SGDR: Stochastic gradient descent with warm restarts, 2017,
    https://arxiv.org/abs/1608.03983 (the cosine). Goyal et al., Accurate, large minibatch SGD,
    2017, https://arxiv.org/abs/1706.02677 (the gradual warm-up).

    Examples
    --------
    >>> from functools import partial
    >>> from adl.schedules import trace
    >>> schedule = partial(warmup_cosine, warmup=2, steps=6, start_factor=0.5)
    >>> trace(schedule, steps=7, lr=0.1)["lr"].round(4).tolist()
    [0.05, 0.075, 0.1, 0.0854, 0.05, 0.0146, 0.0]
    """
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer: expected an Optimizer, got {type(optimizer).__name__}")
    warmup = _inputs.whole("warmup", warmup, at_least=0)
    steps = _inputs.whole("steps", steps, at_least=1)
    start_factor, end = _inputs.real("start_factor", start_factor), _inputs.real("end", end)
    peak = min(float(group["lr"]) for group in optimizer.param_groups)
    if steps <= warmup:
        raise ValueError(f"steps: expected more than warmup ({warmup}), got {steps}")
    if not 0 < start_factor <= 1:
        raise ValueError(f"start_factor: expected a number above 0, at most 1, got {start_factor}")
    if not 0 <= end <= peak:
        raise ValueError(f"end: expected a rate from 0 to the lowest peak ({peak}), got {end}")
    rise = LinearLR(optimizer, start_factor=start_factor, total_iters=warmup)
    fall = CosineAnnealingLR(optimizer, T_max=steps - warmup, eta_min=end)
    return SequentialLR(optimizer, [rise, fall], milestones=[warmup])
