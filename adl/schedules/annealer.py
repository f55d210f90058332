"""The automatic annealer of chapter 2 as a PyTorch scheduler."""

from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from adl import _inputs

__all__ = ["Annealer"]


class Annealer(LRScheduler):
    """Cuts the learning rate whenever the gradient has grown too far above its lowest size.

    After each epoch the mean, over its steps, of the squared gradient (summed over all parameters)
    is compared with the lowest of the epochs before. If it is more than `when` times as large,
    every group's rate is divided by `cut`. The first epoch only sets the lowest.

    The scheduler listens to the optimiser's steps by itself; call `step` after each epoch.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Any, with any number of parameter groups.
    when : float, default 2
        How many times the lowest size is too much; at least 1.
    cut : float, default 4
        What the rate is divided by; above 1.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    See Also
    --------
    adl.sheets.SHEETS : the same rule as a sheet, ``annealed_mean``.

    Notes
    -----
    The rule is the course's own; the lesson that chapter 2 grew from leaves it as a question.

    Examples
    --------
    >>> import torch
    >>> w = torch.tensor(1.0, requires_grad=True)
    >>> optimizer = torch.optim.SGD([w], lr=1.0)
    >>> annealer = Annealer(optimizer)
    >>> for scale in (1.0, 3.0):
    ...     optimizer.zero_grad()
    ...     (scale * w).backward()
    ...     optimizer.step()
    ...     annealer.step()
    >>> annealer.get_last_lr()
    [0.25]
    """

    def __init__(self, optimizer: Optimizer, *, when: float = 2.0, cut: float = 4.0) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"optimizer: expected an Optimizer, got {type(optimizer).__name__}")
        self.when = _inputs.real("when", when, at_least=1)
        self.cut = _inputs.real("cut", cut, above=1)
        self.lowest = float("inf")
        self._sum, self._steps = 0.0, 0
        super().__init__(optimizer)
        optimizer.register_step_pre_hook(self._listen)

    def _listen(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """Add the squared gradient of the step that is about to be made."""
        gradients = [
            parameter.grad.detach()
            for group in optimizer.param_groups
            for parameter in group["params"]
            if parameter.grad is not None
        ]
        self._sum = self._sum + sum(gradient.square().sum() for gradient in gradients)
        self._steps += 1

    def get_lr(self) -> list[float]:
        """Rates of the groups for the next epoch.

        Called by `step`; an epoch without a step of the optimiser changes nothing.
        """
        rates = [group["lr"] for group in self.optimizer.param_groups]
        if self._steps == 0:
            return rates
        size = float(self._sum) / self._steps
        grown = size > self.when * self.lowest
        self.lowest = min(self.lowest, size)
        self._sum, self._steps = 0.0, 0
        return [rate / self.cut for rate in rates] if grown else rates

    def state_dict(self) -> dict[str, Any]:
        """What is needed to resume, in the middle of an epoch too; plain numbers only.

        Examples
        --------
        >>> import torch
        >>> optimizer = torch.optim.SGD([torch.tensor(1.0, requires_grad=True)], lr=1.0)
        >>> Annealer(optimizer).state_dict()["lowest"]
        inf
        """
        return {**super().state_dict(), "_sum": float(self._sum)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # A copy, or one that was pickled, comes with an optimiser that nobody listens to.
        self.__dict__.update(state)
        self.optimizer.register_step_pre_hook(self._listen)
