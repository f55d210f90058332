"""Losses for targets whose sizes span many orders of magnitude, beside the usual three.

All are called as PyTorch's own, ``loss(input, target, reduction="mean")``, with one difference:
where shapes differ PyTorch warns, broadcasts, and trains on every pair of an output and a target.
Here that is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = [
    "LOSSES",
    "huber_loss",
    "l1_loss",
    "log_error_loss",
    "mse_loss",
    "relative_l1_loss",
    "relative_l2_loss",
    "two_sided_exp",
    "two_sided_log",
    "two_sided_log_loss",
]


def two_sided_log(x: Tensor) -> Tensor:
    """A logarithm for numbers of both signs: ``sign(x) log(1 + abs(x))``.

    Near 0 it is x itself, far from 0 it is the logarithm of the size, with the sign in front.

    Parameters
    ----------
    x : torch.Tensor
        Of any shape, of a floating dtype.

    Returns
    -------
    torch.Tensor
        Of the same shape and dtype.

    Raises
    ------
    TypeError
        If `x` is not a tensor of a floating dtype.

    See Also
    --------
    two_sided_exp : its inverse.

    Notes
    -----
    Also known as symlog; D. Hafner et al., "Mastering diverse domains through world models", 2023,
    arXiv:2301.04104, trains on squared differences of it. The slope is ``1 / (1 + abs(x))``
    everywhere, and so 1 at 0, where the formula above, differentiated by PyTorch as it stands,
    has 0: the derivative of ``sign``, and that of ``abs`` at 0, is 0 there.

    Examples
    --------
    >>> two_sided_log(torch.tensor([-99.0, 0.0, 0.001, 99.0]))
    tensor([-4.6052e+00,  0.0000e+00,  9.9950e-04,  4.6052e+00])
    """
    _floating("x", x)
    # Of clamp and relu one has the slope 1 at 0 and the other 0: so their sum has the right one.
    return x.clamp_min(0).log1p() - torch.relu(-x).log1p()


def two_sided_exp(x: Tensor) -> Tensor:
    """The inverse of `two_sided_log`: ``sign(x) (exp(abs(x)) - 1)``.

    Parameters
    ----------
    x : torch.Tensor
        Of any shape, of a floating dtype.

    Returns
    -------
    torch.Tensor
        Of the same shape and dtype; infinite beyond 88 in float32 and 709 in float64.

    Raises
    ------
    TypeError
        If `x` is not a tensor of a floating dtype.

    Examples
    --------
    >>> two_sided_exp(two_sided_log(torch.tensor([-99.0, 0.0, 0.5])))
    tensor([-99.0000,   0.0000,   0.5000])
    """
    _floating("x", x)
    return x.clamp_min(0).expm1() - torch.relu(-x).expm1()


def mse_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Squared error, as ``torch.nn.functional.mse_loss``.

    Parameters
    ----------
    input, target : torch.Tensor
        Outputs and what they should have been, of one shape and of floating dtypes.
    reduction : {"mean", "sum", "none"}, default "mean"
        Whether the errors of all examples are averaged, added up, or left as they are.

    Returns
    -------
    torch.Tensor
        Of no dimension, or of the shape of `target` with ``reduction="none"``.

    Raises
    ------
    TypeError
        If `input` or `target` is not a tensor of a floating dtype.
    ValueError
        If their shapes differ, or `reduction` is none of the three.

    Examples
    --------
    >>> mse_loss(torch.tensor([1.0, 100.0]), torch.zeros(2))
    tensor(5000.5000)
    """
    return _of(input, target, reduction, lambda: F.mse_loss(input, target, reduction="none"))


def huber_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Half the squared error up to 1, from there on a line; ``torch.nn.functional.huber_loss``.

    Parameters
    ----------
    input, target, reduction
        As in `mse_loss`.

    Returns
    -------
    torch.Tensor
        As from `mse_loss`.

    Raises
    ------
    TypeError, ValueError
        As `mse_loss`.

    References
    ----------
    P. J. Huber, "Robust estimation of a location parameter", 1964, doi:10.1214/aoms/1177703732.

    Examples
    --------
    >>> huber_loss(torch.tensor([1.0, 100.0]), torch.zeros(2), reduction="none")
    tensor([ 0.5000, 99.5000])
    """
    return _of(input, target, reduction, lambda: F.huber_loss(input, target, reduction="none"))


def l1_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Absolute error, as ``torch.nn.functional.l1_loss``.

    Parameters
    ----------
    input, target, reduction
        As in `mse_loss`.

    Returns
    -------
    torch.Tensor
        As from `mse_loss`.

    Raises
    ------
    TypeError, ValueError
        As `mse_loss`.

    Examples
    --------
    >>> l1_loss(torch.tensor([1.0, 100.0]), torch.zeros(2))
    tensor(50.5000)
    """
    return _of(input, target, reduction, lambda: F.l1_loss(input, target, reduction="none"))


def log_error_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Squared logarithm of the error, ``log(1 + abs(input - target))**2``.

    It grows more and more slowly, so its gradient falls for errors above e - 1 = 1.7, and it is
    not convex in the error.

    Parameters
    ----------
    input, target, reduction
        As in `mse_loss`.

    Returns
    -------
    torch.Tensor
        As from `mse_loss`.

    Raises
    ------
    TypeError, ValueError
        As `mse_loss`.

    Examples
    --------
    >>> log_error_loss(torch.tensor([1.0, 100.0]), torch.zeros(2), reduction="none")
    tensor([ 0.4805, 21.2993])
    """
    # The sign does not matter for the square, but gives the right curvature where the error is 0.
    return _of(input, target, reduction, lambda: two_sided_log(input - target).square())


def two_sided_log_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Squared difference of the two-sided logarithms.

    For numbers of one sign and far above 1 it is the squared logarithm of their ratio; for numbers
    far below 1 it is the squared error.

    Parameters
    ----------
    input, target, reduction
        As in `mse_loss`.

    Returns
    -------
    torch.Tensor
        As from `mse_loss`.

    Raises
    ------
    TypeError, ValueError
        As `mse_loss`.

    See Also
    --------
    two_sided_log

    Examples
    --------
    Twice too much costs the same for 1000 as for 100,000:

    >>> two_sided_log_loss(torch.tensor([2e3, 2e5]), torch.tensor([1e3, 1e5]), reduction="none")
    tensor([0.4798, 0.4804])
    """
    return _of(
        input,
        target,
        reduction,
        lambda: (two_sided_log(input) - two_sided_log(target)).square(),
    )


def relative_l1_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Absolute error as a share of the target, ``abs(input - target) / (1 + abs(target))``.

    The 1 keeps it finite where the target is 0; for targets far below 1 it is the absolute error.

    Parameters
    ----------
    input, target, reduction
        As in `mse_loss`.

    Returns
    -------
    torch.Tensor
        As from `mse_loss`.

    Raises
    ------
    TypeError, ValueError
        As `mse_loss`.

    Examples
    --------
    >>> relative_l1_loss(torch.tensor([0.0, 1998.0]), torch.tensor([999.0, 999.0]))
    tensor(0.9990)
    """
    return _of(input, target, reduction, lambda: _relative(input, target).abs())


def relative_l2_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Squared error as a share of the target, ``((input - target) / (1 + abs(target)))**2``.

    Parameters
    ----------
    input, target, reduction
        As in `mse_loss`.

    Returns
    -------
    torch.Tensor
        As from `mse_loss`.

    Raises
    ------
    TypeError, ValueError
        As `mse_loss`.

    Examples
    --------
    >>> relative_l2_loss(torch.tensor([3.0, 3.0]), torch.tensor([1.0, 0.0]), reduction="none")
    tensor([1., 9.])
    """
    return _of(input, target, reduction, lambda: _relative(input, target).square())


LOSSES: Mapping[str, Callable[..., Tensor]] = MappingProxyType(
    {
        "MSE": mse_loss,
        "Huber": huber_loss,
        "L1": l1_loss,
        "log error": log_error_loss,
        "two-sided log": two_sided_log_loss,
        "relative L2": relative_l2_loss,
        "relative L1": relative_l1_loss,
    }
)
"""The seven losses by the names that chapter 4's figures give them; nobody can change them."""


def _relative(input: Tensor, target: Tensor) -> Tensor:
    return (input - target) / (1 + target.abs())


def _of(input: Any, target: Any, reduction: str, errors: Callable[[], Tensor]) -> Tensor:
    """The errors of all examples, reduced, after a look at what came."""
    _floating("input", input)
    _floating("target", target)
    if input.shape != target.shape:
        raise ValueError(
            f"input: expected the target's shape {tuple(target.shape)}, got {tuple(input.shape)}"
        )
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f'reduction: expected "mean", "sum" or "none", got {reduction!r:.60}')
    each = errors()
    return each if reduction == "none" else getattr(each, reduction)()


def _floating(name: str, value: Any) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(f"{name}: expected a tensor, got {type(value).__name__} {value!r:.60}")
    if not value.is_floating_point():
        raise TypeError(f"{name}: expected a floating dtype such as float32, got {value.dtype}")
