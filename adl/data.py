"""What the course's networks learn: targets, and the inputs that they are drawn for."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from adl import _inputs

__all__ = ["check_epsilons", "singular_batch", "singular_target"]


def singular_target(inputs: Tensor, epsilon: float | Tensor = 1e-3) -> Tensor:
    """The function ``x y / (epsilon + z**2)``, which is huge wherever z is near 0.

    Parameters
    ----------
    inputs : torch.Tensor, shape (..., 3)
        z, x and y, in this order, in the last dimension.
    epsilon : float or torch.Tensor, default 1e-3
        What keeps the function finite at z = 0; at least 0. A tensor is broadcast against the
        shape (...): a column gives each row of a batch an epsilon of its own.

    Returns
    -------
    torch.Tensor, shape (...)
        The targets, of the inputs' dtype (of the default one if that is of whole numbers) and on
        their device.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Notes
    -----
    The function is that of the two notes which chapters 3 and 4 grew from; gravity, with its
    inverse square of a distance, led their author to it.

    Examples
    --------
    >>> singular_target(torch.tensor([[1.0, 2.0, 3.0], [0.0, 1.0, 1.0]]), epsilon=0.5)
    tensor([4., 2.])
    """
    if not isinstance(inputs, Tensor):
        raise TypeError(f"inputs: expected a tensor, got {type(inputs).__name__}")
    if inputs.ndim == 0 or inputs.shape[-1] != 3:
        raise ValueError(f"inputs: expected shape (..., 3), got {tuple(inputs.shape)}")
    if isinstance(epsilon, Tensor):
        epsilon = _column(epsilon, inputs)
    else:
        epsilon = _inputs.real("epsilon", epsilon, at_least=0)
    z, x, y = inputs.unbind(-1)
    return x * y / (epsilon + z**2)


def singular_batch(
    *shape: int,
    epsilon: float | Tensor = 1e-3,
    seed: Any = None,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> tuple[Tensor, Tensor]:
    """Standard normal inputs, and the singular target at each.

    Parameters
    ----------
    *shape : int
        The batch's shape: ``(examples,)``, or ``(models, examples)`` for a batch per model.
    epsilon : float or torch.Tensor, default 1e-3
        As in `singular_target`.
    seed : int or torch.Generator, optional
        Randomness; None is fresh. A seed draws on the CPU, a generator where it lives.
    dtype : torch.dtype, default torch.float32
        Of inputs and targets, a floating one; a seed gives the same inputs in each.
    device : torch.device or str, optional
        Where the batch goes after it has been drawn, so that a seed gives the same inputs
        everywhere; by default it stays where it was drawn.

    Returns
    -------
    tuple of torch.Tensor, shapes (*shape, 3) and shape
        Inputs and targets.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> inputs, targets = singular_batch(5, 200, seed=0)
    >>> inputs.shape, targets.shape
    (torch.Size([5, 200, 3]), torch.Size([5, 200]))
    """
    if not shape:
        raise ValueError("shape: expected at least one number, got none")
    shape = tuple(_inputs.whole("shape", size, at_least=1) for size in shape)
    generator = _inputs.torch_generator(seed)
    inputs = torch.randn(
        *shape, 3, generator=generator, device=generator.device, dtype=torch.float32
    )
    inputs = inputs.to(device or generator.device, _inputs.floating(dtype))
    return inputs, singular_target(inputs, epsilon)


def check_epsilons(epsilons: Sequence[float]) -> tuple[float, ...]:
    """Epsilons of several targets, if they can be used and told apart.

    Parameters
    ----------
    epsilons : sequence of float
        At least 0 each.

    Returns
    -------
    tuple of float

    Raises
    ------
    TypeError, ValueError
        If they cannot be used, or two are the same in their first six digits, which are what
        figures show.

    Examples
    --------
    >>> check_epsilons([1, 0.1])
    (1.0, 0.1)
    """
    checked = tuple(_inputs.vector("epsilons", epsilons).tolist())
    if min(checked) < 0:
        raise ValueError(f"epsilons: expected numbers of at least 0, got {min(checked)}")
    if len({f"{epsilon:g}" for epsilon in checked}) < len(checked):
        raise ValueError(f"epsilons: expected each number once, got {checked}")
    return checked


def _column(epsilon: Tensor, inputs: Tensor) -> Tensor:
    """Many epsilons, if they can be used with these inputs."""
    if epsilon.is_complex() or epsilon.dtype == torch.bool:
        raise TypeError(f"epsilon: expected real numbers, got {epsilon.dtype}")
    try:
        epsilon.expand(inputs.shape[:-1])
    except RuntimeError:
        raise ValueError(
            f"epsilon: expected a number or what broadcasts to {tuple(inputs.shape[:-1])}, "
            f"got shape {tuple(epsilon.shape)}"
        ) from None
    if not bool((epsilon >= 0).all() and epsilon.isfinite().all()):
        raise ValueError("epsilon: expected finite numbers of at least 0")
    # Whole numbers as inputs do not make whole numbers of it.
    return epsilon.to(inputs.device, torch.result_type(inputs, 0.5))
