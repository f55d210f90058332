"""Gradient descent on least squares, seen in the basis in which nothing is coupled.

With inputs X, a column for each example, and labels Y, a step is ``w - η X Xᵀ w + η X Y``. In the
basis of the eigenvectors of ``X Xᵀ`` each coordinate of w goes its own way, at the pace of its
eigenvalue; those with eigenvalue 0 stay where they are. There are as many of them as there are
more weights than examples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from adl import _inputs
from adl.linear import descend

__all__ = ["LeastSquares", "run"]

_MOVED = 1e-8  # far above rounding, far below any real movement


@dataclass(frozen=True)
class LeastSquares:
    """A descent on least squares, in the eigenbasis of ``X Xᵀ``.

    Attributes
    ----------
    matrix : torch.Tensor, shape (parameters, parameters)
        ``X Xᵀ``.
    eigenvalues : torch.Tensor, shape (parameters,)
        Of the matrix, the smallest first.
    eigenvectors : torch.Tensor, shape (parameters, parameters)
        In the columns.
    path : torch.Tensor, shape (steps + 1, parameters)
        Weights in the eigenbasis, from the start on.
    losses : torch.Tensor, shape (steps + 1,)
        Mean squared error of each.
    least_loss : float
        The smallest mean squared error that any weights have.
    examples : int
    step_size : float

    See Also
    --------
    run : returns it.

    Examples
    --------
    >>> demo = run(100, 20, steps=50, seed=0)
    >>> demo.path.shape, demo.share_moved
    (torch.Size([51, 100]), 0.2)
    """

    matrix: Tensor
    eigenvalues: Tensor
    eigenvectors: Tensor
    path: Tensor
    losses: Tensor
    least_loss: float
    examples: int
    step_size: float

    @property
    def diagonal_form(self) -> Tensor:
        """The matrix in the basis of its eigenvectors, shape (parameters, parameters)."""
        return self.eigenvectors.T @ self.matrix @ self.eigenvectors

    @property
    def critical_step_size(self) -> float:
        """2 over the largest eigenvalue: with larger steps the descent diverges."""
        return 2 / float(self.eigenvalues[-1])

    @property
    def moved(self) -> Tensor:
        """How far each coordinate is from its start, shape (steps + 1, parameters)."""
        return (self.path - self.path[0]).abs()

    @property
    def has_moved(self) -> Tensor:
        """Whether each coordinate is more than 1e-8 from its start in the end."""
        return ~(self.moved[-1] <= _MOVED)  # so that nan has

    @property
    def share_moved(self) -> float:
        """Share of the coordinates for which `has_moved` is true."""
        return float(self.has_moved.double().mean())

    @property
    def distances(self) -> Tensor:
        """Distance from the start over the size of the start, shape (steps + 1,)."""
        return (self.path - self.path[0]).norm(dim=1) / self.path[0].norm()


def run(
    parameters: int,
    examples: int,
    *,
    step_size: float = 1e-3,
    steps: int = 1000,
    seed: Any = None,
) -> LeastSquares:
    """Draw a least-squares problem at random, and descend.

    Parameters
    ----------
    parameters : int
        Number of weights p.
    examples : int
        Number of examples n. Inputs X are normal with variance 1/n, labels standard normal, and
        the weights start normal with variance 1/p.
    step_size : float, default 1e-3
        η in ``w - η X Xᵀ w + η X Y``. For the mean squared error, whose gradient has the factor
        2/n, that is a learning rate of ``η n / 2``.
    steps : int, default 1000
        Number of steps.
    seed : int or torch.Generator, optional
        Randomness; None is fresh.

    Returns
    -------
    LeastSquares
        In float64.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    With twenty examples, only twenty of a hundred coordinates ever move; with 500, all do:

    >>> run(100, 20, steps=100, seed=0).share_moved, run(100, 500, steps=100, seed=0).share_moved
    (0.2, 1.0)
    """
    parameters = _inputs.whole("parameters", parameters, at_least=1)
    examples = _inputs.whole("examples", examples, at_least=1)
    step_size = _inputs.real("step_size", step_size, above=0)
    draw = _inputs.generator(seed).standard_normal

    inputs = torch.as_tensor(draw((parameters, examples))) / examples**0.5
    labels = torch.as_tensor(draw(examples))
    start = torch.as_tensor(draw((1, parameters))) / parameters**0.5
    matrix = inputs @ inputs.T
    eigenvalues, eigenvectors = torch.linalg.eigh(matrix)
    descent = descend(inputs.T, labels, start, step_size=step_size * examples / 2, steps=steps)
    best = torch.linalg.lstsq(inputs.T, labels[:, None], driver="gelsd").solution
    return LeastSquares(
        matrix=matrix,
        eigenvalues=eigenvalues,
        eigenvectors=eigenvectors,
        path=descent.weights[:, 0] @ eigenvectors,
        losses=descent.losses[:, 0],
        least_loss=float((inputs.T @ best - labels[:, None]).square().mean()),
        examples=examples,
        step_size=step_size,
    )
