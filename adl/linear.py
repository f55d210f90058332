"""Models that are linear in their weights: features, descent of many at once, and their curvature.

Such a model is a weighted sum of fixed features of its input, and its mean squared error is a
parabola in every direction of the weights. So the rule of chapter 1 holds for it exactly: along an
eigenvector of the Hessian a step multiplies the error by ``1 - step size × curvature``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from adl import _inputs

__all__ = ["Descent", "critical_step_size", "curvatures", "descend", "sinusoids", "with_bias"]


def sinusoids(inputs: Tensor, feature_dim: int, *, frequency: float = 2 * math.pi) -> Tensor:
    """Cosines and sines of a number, at whole multiples of a frequency.

    Parameters
    ----------
    inputs : torch.Tensor, shape (examples, 1)
    feature_dim : int
        How many features, an even number of at least 2.
    frequency : float, default 2π
        Of the slowest ones, in radians per unit of the inputs; above 0.

    Returns
    -------
    torch.Tensor, shape (examples, feature_dim)
        Column by column cos(f x), sin(f x), cos(2 f x), sin(2 f x), … up to the multiple
        ``feature_dim / 2`` of f: fewer features are the first columns of more.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> sinusoids(torch.tensor([[0.0], [0.25]]), 4).round().abs()
    tensor([[1., 0., 1., 0.],
            [0., 1., 1., 0.]])
    """
    _check_matrix("inputs", inputs)
    if inputs.shape[1] != 1:
        raise ValueError(f"inputs: expected shape (examples, 1), got {tuple(inputs.shape)}")
    feature_dim = _inputs.whole("feature_dim", feature_dim, at_least=2)
    if feature_dim % 2:
        raise ValueError(
            f"feature_dim: expected an even number, a cosine and a sine each, got {feature_dim}"
        )
    frequency = _inputs.real("frequency", frequency, above=0)
    multiples = torch.arange(1, feature_dim // 2 + 1, dtype=inputs.dtype, device=inputs.device)
    angles = frequency * multiples * inputs
    return torch.stack([angles.cos(), angles.sin()], 2).flatten(1)


def with_bias(features: Tensor) -> Tensor:
    """Features with a column of ones before them, whose weight is the bias.

    In front, so that the first columns of many features with a bias are fewer features with one.

    Parameters
    ----------
    features : torch.Tensor, shape (examples, features)

    Returns
    -------
    torch.Tensor, shape (examples, features + 1)

    Raises
    ------
    TypeError, ValueError
        If they are not such a tensor.

    Examples
    --------
    >>> with_bias(torch.tensor([[5.0], [7.0]]))
    tensor([[1., 5.],
            [1., 7.]])
    """
    _check_matrix("features", features)
    return torch.cat([torch.ones_like(features[:, :1]), features], 1)


def curvatures(features: Tensor) -> Tensor:
    """Curvatures of the mean squared error, the eigenvalues of its Hessian.

    Parameters
    ----------
    features : torch.Tensor, shape (examples, features)
        Φ, with a column of ones if there is a bias.

    Returns
    -------
    torch.Tensor of float64, shape (features,)
        Eigenvalues of ``2 / examples ΦᵀΦ``, the smallest first. They are the same everywhere, for
        the Hessian depends neither on the weights nor on the targets.

    Raises
    ------
    TypeError, ValueError
        If the features are not such a tensor.

    Examples
    --------
    >>> curvatures(torch.tensor([[1.0, 0.0], [0.0, 2.0]]))
    tensor([1., 4.], dtype=torch.float64)
    """
    _check_matrix("features", features)
    _check_finite("features", features)
    exact = features.detach().double()
    return torch.linalg.eigvalsh(2 / len(exact) * exact.T @ exact)


def critical_step_size(features: Tensor) -> float:
    """Step size above which gradient descent on the mean squared error diverges.

    Parameters
    ----------
    features : torch.Tensor, shape (examples, features)
        As in `curvatures`, not all zero.

    Returns
    -------
    float
        2 over the largest curvature.

    Raises
    ------
    TypeError, ValueError
        If the features cannot be used.

    See Also
    --------
    adl.model_1p.critical_step_size : the same with one feature and one weight.

    Examples
    --------
    >>> critical_step_size(torch.tensor([[1.0, 0.0], [0.0, 2.0]]))
    0.5
    """
    largest = float(curvatures(features)[-1])
    if not features.any():
        raise ValueError("features: expected a number that is not zero, got only zeros")
    return 2 / largest


@dataclass(frozen=True)
class Descent:
    """Gradient descents of many linear models, recorded on the way.

    Attributes
    ----------
    steps : torch.Tensor of int, shape (records,)
        How many steps had been made at each record; 0 is the start.
    losses : torch.Tensor, shape (records, models)
        Mean squared error then.
    weights : torch.Tensor, shape (records, models, features)
        Weights then; ``weights[-1]`` are those at the end.

    See Also
    --------
    descend : returns it.

    Examples
    --------
    >>> start = Descent(torch.tensor([0]), torch.ones(1, 10), torch.zeros(1, 10, 5))
    >>> start.weights[-1].shape
    torch.Size([10, 5])
    """

    steps: Tensor
    losses: Tensor
    weights: Tensor


def descend(
    features: Tensor,
    targets: Tensor,
    weights: Tensor,
    *,
    step_size: float | Tensor,
    steps: int,
    every: int = 1,
) -> Descent:
    """Gradient descent on the mean squared error of many linear models at once.

    Parameters
    ----------
    features : torch.Tensor, shape (examples, features)
        The same for all models; see `with_bias`.
    targets : torch.Tensor, shape (examples,)
    weights : torch.Tensor, shape (models, features)
        Where each model starts; not changed.
    step_size : float or torch.Tensor
        At least 0. A tensor is broadcast to the shape of the weights: a column gives each model a
        step size of its own, and weights with step size 0 stay as they are.
    steps : int
        Number of steps, a multiple of `every`.
    every : int, default 1
        Steps from one record to the next. Records take memory: with 10 models of 200 weights in
        float64, ten thousand are 160 MB.

    Returns
    -------
    Descent
        What diverges is inf or nan.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    Half a step too large, the distance to the optimum 1 doubles and changes its side each time:

    >>> x, one = torch.tensor([[1.0]]), torch.tensor([1.0])
    >>> run = descend(x, one, torch.tensor([[0.0]]), step_size=1.5, steps=3)
    >>> run.weights.flatten(), run.losses.flatten()
    (tensor([ 0.,  3., -3.,  9.]), tensor([ 1.,  4., 16., 64.]))
    """
    _check_start(features, targets, weights)
    steps = _inputs.whole("steps", steps, at_least=1)
    every = _inputs.whole("every", every, at_least=1)
    if steps % every:
        raise ValueError(f"steps: expected a multiple of every ({every}), got {steps}")
    scale = -2 / len(features) * _step_sizes(step_size, weights)
    weights = weights.detach().clone()
    recorded, losses = [], []
    with torch.no_grad():
        for step in range(steps + 1):
            errors = weights @ features.T - targets
            if step % every == 0:
                recorded.append(weights.clone())
                losses.append(errors.square().mean(1))
            if step < steps:
                weights.addcmul_(errors @ features, scale)
    return Descent(torch.arange(0, steps + 1, every), torch.stack(losses), torch.stack(recorded))


def _check_start(features: Tensor, targets: Tensor, weights: Tensor) -> None:
    """Refuse features, targets and weights that do not belong together."""
    _check_matrix("features", features)
    _check_matrix("weights", weights)
    if weights.shape[1] != features.shape[1]:
        raise ValueError(
            f"weights: expected shape (models, {features.shape[1]}), one for each feature, "
            f"got {tuple(weights.shape)}"
        )
    if not isinstance(targets, Tensor):
        raise TypeError(f"targets: expected a tensor, got {type(targets).__name__}")
    if targets.shape != features.shape[:1]:
        raise ValueError(f"targets: expected shape ({len(features)},), got {tuple(targets.shape)}")
    for name, tensor in (("features", features), ("targets", targets), ("weights", weights)):
        _check_finite(name, tensor)
        if tensor.dtype != features.dtype:
            raise TypeError(
                f"{name}: expected the dtype of the features, {features.dtype}, got {tensor.dtype}"
            )


def _step_sizes(step_size: float | Tensor, weights: Tensor) -> Tensor:
    """Step sizes as a tensor that is broadcast to the weights."""
    if not isinstance(step_size, Tensor):
        step_size = weights.new_tensor(_inputs.real("step_size", step_size, at_least=0))
    try:
        step_size.expand(weights.shape)
    except RuntimeError:
        raise ValueError(
            f"step_size: expected a number or what broadcasts to {tuple(weights.shape)}, "
            f"got shape {tuple(step_size.shape)}"
        ) from None
    if not bool((step_size >= 0).all() and step_size.isfinite().all()):
        raise ValueError("step_size: expected finite numbers of at least 0")
    return step_size.to(weights)


def _check_matrix(name: str, matrix: Tensor) -> None:
    """Refuse what is not a table of real numbers; they may be inside a transform of torch.func."""
    if not isinstance(matrix, Tensor):
        raise TypeError(f"{name}: expected a tensor, got {type(matrix).__name__} {matrix!r:.40}")
    if not matrix.is_floating_point():
        raise TypeError(f"{name}: expected a floating dtype, got {matrix.dtype}")
    if matrix.ndim != 2 or not matrix.numel():
        raise ValueError(
            f"{name}: expected rows and columns of numbers, got shape {tuple(matrix.shape)}"
        )


def _check_finite(name: str, tensor: Tensor) -> None:
    if not bool(tensor.isfinite().all()):
        raise ValueError(f"{name}: expected finite numbers, got nan or inf")
