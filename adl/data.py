"""What the course's networks learn: targets, and the inputs that they are drawn for."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from adl import _inputs

__all__ = [
    "TARGETS",
    "Data",
    "check_epsilons",
    "complex_f",
    "middle_f",
    "simple_f",
    "singular_batch",
    "singular_target",
]


def simple_f(x: Any) -> Any:
    """The target ``0.5 x + 0.5 sin(2 x)``, without a turn on [-1, 1].

    Parameters
    ----------
    x : array_like or torch.Tensor

    Returns
    -------
    numpy.ndarray or torch.Tensor
        Of the shape of `x`.

    Examples
    --------
    >>> round(float(simple_f(1.0)), 4)
    0.9546
    """
    x, sin, _ = _functions(x)
    return 0.5 * x + 0.5 * sin(2 * x)


def middle_f(x: Any) -> Any:
    """The target ``sin(5 x) + 0.3 x``, with four turns on [-1, 1].

    Parameters
    ----------
    x : array_like or torch.Tensor

    Returns
    -------
    numpy.ndarray or torch.Tensor
        Of the shape of `x`.

    Examples
    --------
    >>> middle_f(np.array([0.0, 1.0])).round(4)
    array([ 0.    , -0.6589])
    """
    x, sin, _ = _functions(x)
    return sin(5 * x) + 0.3 * x


def complex_f(x: Any) -> Any:
    """The target ``sin(5 x) cos(11 x) + 0.3 x``, with ten turns on [-1, 1].

    Parameters
    ----------
    x : array_like or torch.Tensor

    Returns
    -------
    numpy.ndarray or torch.Tensor
        Of the shape of `x`.

    Examples
    --------
    >>> complex_f(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.2958])
    """
    x, sin, cos = _functions(x)
    return sin(5 * x) * cos(11 * x) + 0.3 * x


TARGETS: dict[str, Callable[[Any], Any]] = {
    "simple": simple_f,
    "middle": middle_f,
    "complex": complex_f,
}
"""The three targets of the practical, by the name that `Data` knows them by."""


class Data:
    """A few points of a target function, to learn it from.

    Parameters
    ----------
    n : int
        How many points; their inputs are uniform from `xmin` to `xmax`.
    xmin, xmax : float
        The interval.
    noise_level : float
        Standard deviation of the normal noise on the labels; at least 0.
    type : {"simple", "middle", "complex"}
        Which target; see `TARGETS`.
    seed : int or torch.Generator, optional
        Randomness of inputs, noise and batches; None is fresh. The inputs do not depend on the
        noise level.
    dtype : torch.dtype, default torch.float32
        Of inputs and labels, a floating one; a seed gives the same points in each.

    Attributes
    ----------
    inputs, labels : torch.Tensor, shape (n, 1)
    target : callable
        The function without noise.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> dataset = Data(n=15, xmin=-1, xmax=1, noise_level=0, type="middle", seed=0)
    >>> dataset
    Data(15 points of the target "middle" on [-1, 1], noise 0)
    >>> inputs, labels = dataset.next_batch(5)
    >>> inputs.shape, labels.shape
    (torch.Size([5, 1]), torch.Size([5, 1]))
    """

    def __init__(
        self,
        n: int,
        xmin: float,
        xmax: float,
        noise_level: float,
        type: str,
        *,
        seed: Any = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        n = _inputs.whole("n", n, at_least=1)
        self.xmin, self.xmax = _inputs.interval("xmin", xmin, "xmax", xmax)
        self.noise_level = _inputs.real("noise_level", noise_level, at_least=0)
        if not isinstance(type, str) or type not in TARGETS:
            raise ValueError(f"type: expected one of {', '.join(TARGETS)}, got {type!r:.60}")
        self.type, self.target = type, TARGETS[type]
        dtype = _inputs.floating(dtype)
        self._generator = _inputs.torch_generator(seed)
        self._where = {"generator": self._generator, "device": self._generator.device}
        share = torch.rand(n, 1, dtype=torch.float64, **self._where)
        inputs = self.xmin + (self.xmax - self.xmin) * share
        noise = torch.randn(n, 1, dtype=torch.float64, **self._where)
        self.inputs = inputs.to(dtype)
        self.labels = (self.target(inputs) + self.noise_level * noise).to(dtype)

    def __repr__(self) -> str:
        points = f"{len(self.inputs)} point" + "s" * (len(self.inputs) > 1)
        return (
            f'Data({points} of the target "{self.type}" on [{self.xmin:g}, {self.xmax:g}], '
            f"noise {self.noise_level:g})"
        )

    def next_batch(self, batch_size: int) -> tuple[Tensor, Tensor]:
        """Some of the points, drawn without replacement.

        Parameters
        ----------
        batch_size : int
            How many. From n on: all of them, in their order, so that every step is the same step
            of gradient descent on the whole data set.

        Returns
        -------
        tuple of torch.Tensor, shape (batch_size, 1) each
            Inputs and labels.

        Raises
        ------
        TypeError, ValueError
            If it is no whole number of at least 1.

        Examples
        --------
        >>> dataset = Data(n=15, xmin=-1, xmax=1, noise_level=0, type="simple", seed=0)
        >>> len(dataset.next_batch(30)[0])
        15
        """
        batch_size = _inputs.whole("batch_size", batch_size, at_least=1)
        if batch_size >= len(self.inputs):
            return self.inputs, self.labels
        chosen = torch.randperm(len(self.inputs), **self._where)[:batch_size]
        return self.inputs[chosen], self.labels[chosen]

    @torch.no_grad()
    def risk(self, net: nn.Module | Callable[[Tensor], Tensor]) -> Tensor:
        """True risk: mean squared distance of a network from the target, without noise.

        Parameters
        ----------
        net : torch.nn.Module or callable
            Called once, with 1000 inputs, shape (1000, 1), at equal distances from `xmin` to
            `xmax`. What it gives has the shape (1000, 1) or, of stacked networks, (models, 1000).

        Returns
        -------
        torch.Tensor, shape () or (models,)

        Raises
        ------
        TypeError, ValueError
            If `net` cannot be called, or gives another shape.

        Examples
        --------
        >>> dataset = Data(n=15, xmin=-1, xmax=1, noise_level=0.1, type="simple", seed=0)
        >>> round(dataset.risk(simple_f).item(), 6)
        0.0
        """
        if not callable(net):
            raise TypeError(f"net: expected a network or a function, got {net!r:.60}")
        grid = torch.linspace(self.xmin, self.xmax, 1000, dtype=torch.float64)[:, None]
        outputs = net(grid.to(self.inputs))
        if not isinstance(outputs, Tensor):
            raise TypeError(f"net: expected outputs in a tensor, got {type(outputs).__name__}")
        shape = tuple(outputs.shape)
        if shape == (1000, 1):
            outputs = outputs[:, 0]
        elif len(shape) != 2 or shape[1] != 1000:
            raise ValueError(f"net: expected outputs of shape (1000, 1), got {shape}")
        return (outputs - self.target(grid[:, 0]).to(outputs)).square().mean(-1)


def _functions(x: Any) -> tuple[Any, Callable[[Any], Any], Callable[[Any], Any]]:
    """Numbers as an array or a tensor, with the sine and the cosine that belong to it."""
    if isinstance(x, Tensor):
        return x, torch.sin, torch.cos
    return np.asarray(x), np.sin, np.cos


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
