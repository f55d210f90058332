"""Many small networks on a few points, and how far their parameters move while they learn.

Training is called lazy when the outputs change a lot and the parameters hardly do. Then a network
is nearly linear in its parameters, and all that chapter 1 found for a parabola holds for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adl import _inputs
from adl._batches import check_data, check_net
from adl.curvature import kernel_drift, tangent_kernel
from adl.data import Data
from adl.models import StackedMLP
from adl.training import StackedSGD, train_stacked

__all__ = ["Trained", "fit", "layer_columns", "linearised_losses", "relative_movement"]


@dataclass(frozen=True)
class Trained:
    """Networks before and after a training.

    Attributes
    ----------
    dataset : Data
        What they learned.
    start, net : StackedMLP
        The networks as they were, and as they are.
    alpha : torch.Tensor, shape (models, 1), or None
        Factors of the outputs, as in `adl.models.ScaledModel`; None: the networks as they are.
    steps : torch.Tensor, shape (records,)
        How many steps had been made.
    losses, movement : torch.Tensor, shape (records, models)
        Loss at that moment, and relative movement of the output weights since the start.

    See Also
    --------
    fit : returns it.

    Examples
    --------
    >>> dataset = Data(n=15, xmin=-1, xmax=1, noise_level=0, type="middle", seed=0)
    >>> net = StackedMLP(10, inputs=1, hidden=[10], seed=0)
    >>> trained = fit(net, dataset, step_size=0.05, steps=200, every=50)
    >>> trained.steps.tolist(), trained.losses.shape
    ([0, 50, 100, 150, 200], torch.Size([5, 10]))
    """

    dataset: Data
    start: StackedMLP
    net: StackedMLP
    alpha: Tensor | None
    steps: Tensor
    losses: Tensor
    movement: Tensor

    @torch.no_grad()
    def outputs(self, inputs: Tensor, *, at_start: bool = False) -> Tensor:
        """Outputs of the networks.

        Parameters
        ----------
        inputs : torch.Tensor, shape (examples, 1)
        at_start : bool, default False
            As they were before the training.

        Returns
        -------
        torch.Tensor, shape (models, examples)

        Examples
        --------
        >>> dataset = Data(n=15, xmin=-1, xmax=1, noise_level=0, type="middle", seed=0)
        >>> net = StackedMLP(3, inputs=1, hidden=[10], seed=0)
        >>> trained = fit(net, dataset, step_size=0.05, steps=20, alpha=10.0)
        >>> trained.outputs(torch.zeros(2, 1), at_start=True)
        tensor([[0., 0.],
                [0., 0.],
                [0., 0.]])
        """
        net = self.start if at_start else self.net
        inputs = inputs.to(net.vector)
        if self.alpha is None:
            return net(inputs)
        return self.alpha * (net(inputs) - self.start(inputs))

    def drift(self) -> Tensor:
        """How far each network's tangent kernel at the data has moved since the start.

        Returns
        -------
        torch.Tensor, shape (models,)
            See `adl.curvature.kernel_drift`.

        Examples
        --------
        >>> dataset = Data(n=15, xmin=-1, xmax=1, noise_level=0, type="middle", seed=0)
        >>> net = StackedMLP(3, inputs=1, hidden=[10], seed=0)
        >>> fit(net, dataset, step_size=0.05, steps=200).drift().shape
        torch.Size([3])
        """
        before, now = (tangent_kernel(net, self.dataset.inputs) for net in (self.start, self.net))
        return kernel_drift(before, now)


def relative_movement(history: Any) -> Tensor:
    """How far weights have moved from where they were first, in units of their first size.

    Parameters
    ----------
    history : array_like or torch.Tensor, shape (records, ..., weights)
        Weights at successive moments, the initialisation first.

    Returns
    -------
    torch.Tensor, shape (records, ...)
        ``|w_t - w_0| / |w_0|``; it begins with 0.

    Raises
    ------
    TypeError, ValueError
        If that is no such array.

    Examples
    --------
    >>> relative_movement([[3.0, 4.0], [3.0, 9.0]])
    tensor([0., 1.], dtype=torch.float64)
    """
    if not isinstance(history, Tensor):
        try:
            history = torch.from_numpy(np.asarray(history, dtype=float))
        except (TypeError, ValueError):
            raise TypeError(f"history: expected numbers, got {history!r:.60}") from None
    if history.ndim < 2 or not len(history):
        raise ValueError(
            f"history: expected shape (records, ..., weights), got {tuple(history.shape)}"
        )
    if not history.is_floating_point():
        history = history.double()
    return (history - history[0]).norm(dim=-1) / history[0].norm(dim=-1)


def layer_columns(net: StackedMLP, layer: int) -> slice:
    """Where the weights of a layer, without its biases, stand in ``net.vector``.

    Parameters
    ----------
    net : StackedMLP
    layer : int
        From 0; -1 is the output layer.

    Returns
    -------
    slice

    Raises
    ------
    TypeError, ValueError
        If there is no such layer.

    Examples
    --------
    >>> net = StackedMLP(5, inputs=1, hidden=[10], seed=0)
    >>> layer_columns(net, 0), layer_columns(net, -1)
    (slice(0, 10, None), slice(20, 30, None))
    """
    layers = len(check_net("net", net).widths) - 1
    layer = _inputs.whole("layer", layer, at_least=-layers)
    if layer >= layers:
        raise ValueError(f"layer: expected a number below {layers}, got {layer}")
    sizes = [
        (fan_in * fan_out, fan_out)
        for fan_in, fan_out in zip(net.widths[:-1], net.widths[1:], strict=True)
    ]
    layer %= layers
    first = sum(weights + biases for weights, biases in sizes[:layer])
    return slice(first, first + sizes[layer][0])


def fit(
    net: StackedMLP,
    dataset: Data,
    *,
    step_size: float | Sequence[float] | Tensor,
    steps: int,
    every: int = 1,
    alpha: float | Sequence[float] | None = None,
) -> Trained:
    """Train networks by gradient descent on all points of a data set.

    Parameters
    ----------
    net : StackedMLP
        With one input; it stays as it is, a copy is trained.
    dataset : Data
    step_size : float, sequence of float or torch.Tensor
        Learning rate, for all networks or for each.
    steps : int
        How many.
    every : int, default 1
        Losses and movement are recorded before the first step, after every so many, and at the end.
    alpha : float or sequence of float, optional
        Factor of each network's output, as in `adl.models.ScaledModel`; the step is then
        ``step_size / alpha**2``.

    Returns
    -------
    Trained

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Notes
    -----
    With outputs ``alpha (f - f_0)``, loss ``mean (alpha (f - f_0) - y)**2`` and a step divided by
    ``alpha**2``, the parameters move exactly as those of the plain network f do that learns the
    targets ``f_0 + y / alpha``: a scaled network is a plain one whose targets have been moved
    close to where it starts. So that is what is trained.

    Examples
    --------
    >>> dataset = Data(n=15, xmin=-1, xmax=1, noise_level=0, type="simple", seed=0)
    >>> net = StackedMLP(4, inputs=1, hidden=[8, 8], activation=torch.tanh, seed=0)
    >>> trained = fit(net, dataset, step_size=0.1, steps=500, alpha=[1, 10, 100, 1000])
    >>> bool((trained.movement[-1].diff() < 0).all())
    True
    """
    start = check_net("net", net, inputs=1).some(slice(None))
    check_data("dataset", dataset)
    inputs, labels = dataset.inputs.to(net.vector), dataset.labels[:, 0].to(net.vector)
    scale = None if alpha is None else _column(alpha, net)
    with torch.no_grad():
        targets = labels if scale is None else start(inputs) + labels / scale
    trained = net.some(slice(None))
    columns = layer_columns(net, -1)
    sgd = StackedSGD(trained)
    run = train_stacked(
        sgd,
        (inputs, targets),
        step_size=step_size,
        steps=steps,
        every=every,
        weights=columns,
    )
    with torch.no_grad():
        last = (trained(inputs) - targets).square().mean(-1)
    losses = torch.cat([run.losses, last[None]])
    weights = torch.cat([run.weights, trained.vector.detach()[None, :, columns]])
    return Trained(
        dataset,
        start,
        trained,
        scale,
        torch.cat([run.steps, run.steps.new_tensor([sgd.steps])]),
        losses if scale is None else losses * scale[:, 0] ** 2,
        relative_movement(weights),
    )


def linearised_losses(
    net: StackedMLP,
    dataset: Data,
    *,
    step_size: float,
    steps: Sequence[int] | Tensor,
    from_zero: bool = False,
) -> Tensor:
    """Losses that networks would have if their tangent kernels stayed as they are.

    Gradient descent on the mean squared error of n examples then multiplies the errors by
    ``I - 2 step_size / n  K`` in each step: in every direction the factor
    ``1 - step size × curvature`` of chapter 1.

    Parameters
    ----------
    net : StackedMLP
        With one input.
    dataset : Data
    step_size : float
        Learning rate; of scaled networks, before it is divided by ``alpha**2``.
    steps : sequence of int or torch.Tensor
        After how many steps.
    from_zero : bool, default False
        Whether the outputs start at 0, as those of scaled networks do.

    Returns
    -------
    torch.Tensor, shape (len(steps), models)

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> dataset = Data(n=15, xmin=-1, xmax=1, noise_level=0, type="middle", seed=0)
    >>> net = StackedMLP(3, inputs=1, hidden=[8, 8], activation=torch.tanh, seed=0)
    >>> lazy = fit(net, dataset, step_size=0.1, steps=100, every=100, alpha=1000.0).losses
    >>> linear = linearised_losses(net, dataset, step_size=0.1, steps=[0, 100], from_zero=True)
    >>> bool(((lazy - linear).abs() < 0.01 * linear).all())
    True
    """
    check_net("net", net, inputs=1)
    check_data("dataset", dataset)
    step_size = _inputs.real("step_size", step_size, at_least=0)
    numbers = [_inputs.whole("steps", step, at_least=0) for step in _inputs.vector("steps", steps)]
    inputs, labels = dataset.inputs.to(net.vector), dataset.labels[:, 0].to(net.vector)
    with torch.no_grad():
        errors = (0 if from_zero else net(inputs)) - labels.expand(net.models, -1)
    eigenvalues, directions = torch.linalg.eigh(tangent_kernel(net, inputs).double())
    parts = (errors.double()[:, None] @ directions)[:, 0]
    factors = 1 - 2 * step_size / len(inputs) * eigenvalues
    powers = factors[None] ** torch.tensor(numbers, device=factors.device)[:, None, None]
    return (parts * powers).square().mean(-1)


def _column(alpha: Any, net: StackedMLP) -> Tensor:
    numbers = _inputs.vector("alpha", alpha if np.ndim(alpha) else [alpha])
    if min(numbers) <= 0:
        raise ValueError(f"alpha: expected positive numbers, got {min(numbers)}")
    if len(numbers) not in (1, net.models):
        raise ValueError(f"alpha: expected one number or {net.models}, got {len(numbers)}")
    return torch.from_numpy(numbers).to(net.vector).expand(net.models)[:, None]
