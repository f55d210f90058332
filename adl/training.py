"""Training: one network, as the practical does it, and many small networks as one.

A step of fifty small networks costs hardly more than a step of one: what takes the time is calling
PyTorch, not the arithmetic. So the networks of a `StackedMLP` are trained together, each on its own
loss, and with a learning rate of its own if you like.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adl import _inputs
from adl._batches import check_batch, check_net, mean_losses
from adl._session import progress_bar
from adl.data import Data
from adl.models import StackedMLP

__all__ = ["Run", "StackedAdam", "StackedSGD", "train", "train_stacked"]


def train(
    net: nn.Module,
    dataset: Data,
    N_steps: int = 1,
    batch_size: int = 30,
    lr: float = 0.01,
    save_weights_every: int = 100,
) -> list[float]:
    """Train one network by stochastic gradient descent on the mean squared error.

    Parameters
    ----------
    net : torch.nn.Module
        With a method ``save_weights``, unless nothing is to be saved; see `adl.models`.
    dataset : adl.data.Data
        Where ``next_batch(batch_size)`` gives the batch of each step.
    N_steps : int, default 1
        Number of steps.
    batch_size : int, default 30
        Examples in a batch; all, if there are fewer.
    lr : float, default 0.01
        Learning rate.
    save_weights_every : int, default 100
        ``net.save_weights()`` is called before the first step and after every so many; 0 or less:
        never.

    Returns
    -------
    list of float
        The loss before each step, on its batch. A training that diverges has inf or nan there.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    See Also
    --------
    train_stacked : for many networks at once.

    Examples
    --------
    >>> from adl.models import MLPdeep
    >>> dataset = Data(n=15, xmin=-1, xmax=1, noise_level=0, type="middle", seed=0)
    >>> net = MLPdeep(hidden_dim=10, seed=0)
    >>> losses = train(net, dataset, N_steps=1000, batch_size=15, lr=0.1, save_weights_every=250)
    >>> len(losses), losses[-1] < 0.2 * losses[0], len(net.weight_history)
    (1000, True, 4)
    """
    if not isinstance(net, nn.Module):
        raise TypeError(f"net: expected a network (torch.nn.Module), got {type(net).__name__}")
    if not callable(getattr(dataset, "next_batch", None)):
        raise TypeError(f"dataset: expected an adl.data.Data, got {type(dataset).__name__}")
    steps = _inputs.whole("N_steps", N_steps, at_least=1)
    batch_size = _inputs.whole("batch_size", batch_size, at_least=1)
    lr = _inputs.real("lr", lr, at_least=0)
    every = _inputs.whole("save_weights_every", save_weights_every, at_least=None)
    if every > 0 and not callable(getattr(net, "save_weights", None)):
        raise TypeError(
            "net: expected a network with a method save_weights, such as MLPdeep, got "
            f"{type(net).__name__}; with save_weights_every=0 none is needed"
        )
    parameters = [parameter for parameter in net.parameters() if parameter.requires_grad]
    if not parameters:
        raise ValueError("net: expected a network with parameters to train, got none")
    optimizer = torch.optim.SGD(parameters, lr=lr)
    losses = []
    for step in progress_bar(range(steps), label="training"):
        if every > 0 and step % every == 0:
            net.save_weights()
        inputs, labels = dataset.next_batch(batch_size)
        if inputs.dtype != parameters[0].dtype:
            raise TypeError(
                f"dataset: expected inputs of {parameters[0].dtype}, as the network's parameters "
                f"are, got {inputs.dtype}"
            )
        outputs = net(inputs)
        # Otherwise (n,) less (n, 1) would be n × n differences, and train something else.
        if outputs.shape != labels.shape:
            raise ValueError(
                f"net: expected outputs of shape {tuple(labels.shape)}, as the labels have, got "
                f"{tuple(outputs.shape)}"
            )
        loss = F.mse_loss(outputs, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


class _StackedOptimizer:
    """What both optimisers have: networks, a count of steps, and a state that can be kept."""

    def __init__(self, net: StackedMLP, *averages: str) -> None:
        self.net, self.steps = check_net("net", net), 0
        self._averages = {name: torch.zeros_like(net.vector.detach()) for name in averages}

    def state_dict(self) -> dict[str, Any]:
        """What the optimiser remembers of its steps, to be kept and loaded again.

        As with PyTorch's optimisers the networks' parameters are not part of it: keep
        ``net.state_dict()`` beside it.

        Returns
        -------
        dict
            ``steps``, and a copy of each average, by its name.

        Examples
        --------
        >>> net = StackedMLP(5, inputs=1, hidden=[10], seed=0)
        >>> list(StackedSGD(net).state_dict()), list(StackedAdam(net).state_dict())
        (['steps', 'velocity'], ['steps', 'mean', 'square'])
        """
        return {
            "steps": self.steps,
            **{name: average.clone() for name, average in self._averages.items()},
        }

    @torch.no_grad()
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what another optimiser of the same kind remembered.

        Parameters
        ----------
        state_dict : dict
            From `state_dict`, of as many networks of the same shape; it is copied, onto the
            networks' device.

        Raises
        ------
        TypeError, ValueError
            If it is anything else; then nothing has changed.

        Examples
        --------
        >>> net = StackedMLP(5, inputs=1, hidden=[10], seed=0)
        >>> first, second = StackedAdam(net), StackedAdam(net)
        >>> run = train_stacked(
        ...     first, (torch.ones(15, 1), torch.ones(15)), step_size=0.01, steps=7
        ... )
        >>> second.load_state_dict(first.state_dict())
        >>> second.steps
        7
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"state_dict: expected a dict, got {type(state_dict).__name__}")
        names = ["steps", *self._averages]
        if set(state_dict) != set(names):
            raise ValueError(
                f"state_dict: expected {', '.join(names)}, got {', '.join(map(str, state_dict))}"
            )
        for name, average in self._averages.items():
            kept = state_dict[name]
            if not isinstance(kept, Tensor) or kept.shape != average.shape:
                got = tuple(kept.shape) if isinstance(kept, Tensor) else kept
                raise ValueError(
                    f"state_dict: expected {name} of shape {tuple(average.shape)}, got {got!s:.60}"
                )
        self.steps = _inputs.whole("state_dict: steps", state_dict["steps"], at_least=0)
        for name, average in self._averages.items():
            average.copy_(state_dict[name])


class StackedSGD(_StackedOptimizer):
    """Stochastic gradient descent on all networks of a stack.

    Parameters
    ----------
    net : StackedMLP
        Whose parameters it changes.
    momentum : float, default 0
        As in ``torch.optim.SGD``: the velocity is `momentum` times itself plus the gradient.

    Attributes
    ----------
    steps : int
        Steps made so far.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> net = StackedMLP(5, inputs=1, hidden=[10], seed=0)
    >>> StackedSGD(net, momentum=0.9).steps
    0
    """

    def __init__(self, net: StackedMLP, *, momentum: float = 0.0) -> None:
        super().__init__(net, "velocity")
        self.momentum = _inputs.real("momentum", momentum, at_least=0, below=1)

    @torch.no_grad()
    def step(self, gradient: Tensor, step_size: Tensor) -> None:
        """Make one step.

        Parameters
        ----------
        gradient : torch.Tensor, shape (models, parameters)
            Each network's own.
        step_size : torch.Tensor, shape (models, 1) or (1, 1)
            Learning rates.
        """
        self.steps += 1
        if self.momentum:
            gradient = self._averages["velocity"].mul_(self.momentum).add_(gradient)
        self.net.vector.sub_(step_size * gradient)


class StackedAdam(_StackedOptimizer):
    """Adam with bias correction on all networks of a stack.

    Adam is elementwise, so its steps on stacked parameters are those on each network alone.

    Parameters
    ----------
    net : StackedMLP
        Whose parameters it changes.
    beta1, beta2 : float or sequence of float, default 0.9 and 0.999
        Decay of the averages of gradient and squared gradient; one number, or one for each network.
    eps : float, default 1e-8
        Added to the root of the averaged square.

    Attributes
    ----------
    steps : int
        Steps made so far.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015,
    arXiv:1412.6980.

    Examples
    --------
    >>> net = StackedMLP(5, inputs=1, hidden=[10], seed=0)
    >>> StackedAdam(net, beta1=[0.0, 0.5, 0.8, 0.9, 0.97]).steps
    0
    """

    def __init__(
        self,
        net: StackedMLP,
        *,
        beta1: float | Sequence[float] = 0.9,
        beta2: float | Sequence[float] = 0.999,
        eps: float = 1e-8,
    ) -> None:
        super().__init__(net, "mean", "square")
        self.beta1, self.beta2 = _per_model("beta1", beta1, net), _per_model("beta2", beta2, net)
        self.eps = _inputs.real("eps", eps, at_least=0)

    @torch.no_grad()
    def step(self, gradient: Tensor, step_size: Tensor) -> None:
        """Make one step; as `StackedSGD.step`."""
        self.steps += 1
        mean, square = self._averages["mean"], self._averages["square"]
        mean.lerp_(gradient, self._weight(self.beta1, 1))
        square.lerp_(gradient.square(), self._weight(self.beta2, 1))
        rate = step_size / self._weight(self.beta1, self.steps)
        self.net.vector.sub_(rate * mean / self._root())

    @torch.no_grad()
    def preconditioner(self) -> Tensor:
        """What Adam divides a steady gradient by, in the step that follows.

        Returns
        -------
        torch.Tensor, shape (models, parameters)
            ``(1 - beta1**(t + 1)) (sqrt(v_hat) + eps)`` after t steps; zeros before the first.

        References
        ----------
        J. Cohen et al., "Adaptive gradient methods at the edge of stability", 2022,
        arXiv:2207.14484.

        Examples
        --------
        >>> net = StackedMLP(5, inputs=1, hidden=[10], seed=0)
        >>> StackedAdam(net).preconditioner().shape
        torch.Size([5, 31])
        """
        if self.steps == 0:
            return torch.zeros_like(self._averages["square"])
        return self._weight(self.beta1, self.steps + 1) * self._root()

    def _root(self) -> Tensor:
        square = self._averages["square"] / self._weight(self.beta2, self.steps)
        return square.sqrt_().add_(self.eps)

    def _weight(self, beta: Tensor, steps: int) -> Tensor:
        # In float64: the difference of two numbers near 1 has few digits left.
        return (1 - beta**steps).to(self.net.vector.dtype)


@dataclass(frozen=True)
class Run:
    """What was recorded of a training.

    Attributes
    ----------
    steps : torch.Tensor, shape (records,)
        How many steps the optimiser had made.
    losses : torch.Tensor, shape (records, models)
        Loss of each network at that moment, on the batch of the step that followed.
    weights : torch.Tensor, shape (records, models, chosen)
        Chosen parameters at that moment.

    See Also
    --------
    train_stacked : returns it.

    Examples
    --------
    >>> from adl.data import singular_batch
    >>> sgd = StackedSGD(StackedMLP(5, inputs=3, hidden=[8], seed=0))
    >>> run = train_stacked(
    ...     sgd, singular_batch(20, seed=0), step_size=1e-3, steps=100, every=25, weights=slice(2)
    ... )
    >>> run.steps
    tensor([ 0, 25, 50, 75])
    >>> run.losses.shape, run.weights.shape
    (torch.Size([4, 5]), torch.Size([4, 5, 2]))
    """

    steps: Tensor
    losses: Tensor
    weights: Tensor


def train_stacked(
    optimizer: StackedSGD | StackedAdam,
    batch: tuple[Tensor, Tensor] | Callable[[torch.Generator], tuple[Tensor, Tensor]],
    *,
    step_size: float | Sequence[float] | Tensor,
    steps: int,
    loss: Callable[..., Tensor] = F.mse_loss,
    every: int = 1,
    weights: slice | Tensor = slice(0),
    seed: Any = None,
) -> Run:
    """Train all networks of a stack, each on its own loss.

    Called again with the same optimiser it goes on where it stopped, so a training can be parted
    wherever something is to be measured or changed.

    Parameters
    ----------
    optimizer : StackedSGD or StackedAdam
        It knows the networks.
    batch : tuple of torch.Tensor, or callable
        Inputs (examples, inputs) or (models, examples, inputs), and targets (examples,) or
        (models, examples): the fixed batch of every step. Or a function of a generator that draws
        a fresh one for each step.
    step_size : float, sequence of float or torch.Tensor
        The learning rate, or what broadcasts to (steps, models): one for each network, or a column
        with one for each step.
    steps : int
        Number of steps.
    loss : callable, default torch.nn.functional.mse_loss
        As PyTorch's functions: called with outputs, targets and ``reduction="none"``; each
        network's loss is the mean over its examples.
    every : int, default 1
        Losses and weights are recorded before the first step and after every so many.
    weights : slice or torch.Tensor of int, optional
        Which columns of ``net.vector`` are recorded; none by default.
    seed : int or torch.Generator, optional
        For fresh batches; None is fresh randomness. A generator goes on from call to call.

    Returns
    -------
    Run
        Its tensors are on the networks' device. A network that diverges has inf or nan there.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> from adl.data import singular_batch
    >>> net = StackedMLP(20, inputs=3, hidden=(32, 32), seed=0)
    >>> batch = singular_batch(20, 200, seed=1)
    >>> run = train_stacked(StackedAdam(net), batch, step_size=0.01, steps=100, every=50)
    >>> run.steps.tolist(), bool((run.losses[-1] < run.losses[0]).all())
    ([0, 50], True)
    """
    net = check_optimizer(optimizer).net
    steps = _inputs.whole("steps", steps, at_least=1)
    every = _inputs.whole("every", every, at_least=1)
    rates = _rates(step_size, steps, net)
    columns = _columns(weights, net)
    if not callable(batch):
        inputs, targets = check_batch(batch, net)
    generator = _inputs.torch_generator(seed)

    records = len(range(0, steps, every))
    losses = net.vector.new_empty(records, net.models)
    kept = net.vector.new_empty(records, net.models, columns)
    first = optimizer.steps
    layers = net.layers(net.vector.detach())  # views, which follow the parameters
    for step in progress_bar(range(steps), label="training"):
        if callable(batch):
            inputs, targets = check_batch(batch(generator), net)
        outputs, pull = net.vjp(inputs, layers)
        each, slopes = _losses_and_slopes(loss, outputs, targets)
        if step % every == 0:
            losses[step // every] = each
            kept[step // every] = net.vector.detach()[:, weights]
        optimizer.step(pull(slopes), rates[step])
    return Run(first + every * torch.arange(records, device=losses.device), losses, kept)


def _losses_and_slopes(
    loss: Callable[..., Tensor], outputs: Tensor, targets: Tensor
) -> tuple[Tensor, Tensor]:
    """Loss of each network, and its derivatives by the outputs."""
    if loss is F.mse_loss:
        errors = outputs - targets
        return errors.square().mean(-1), 2 / errors.shape[-1] * errors
    each = mean_losses(loss, outputs.requires_grad_(), targets)
    return each.detach(), torch.autograd.grad(each.sum(), outputs)[0]


def check_optimizer(optimizer: Any) -> StackedSGD | StackedAdam:
    """The optimiser, if it is one of stacked networks.

    Parameters
    ----------
    optimizer : StackedSGD or StackedAdam

    Returns
    -------
    StackedSGD or StackedAdam

    Raises
    ------
    TypeError
        If it is anything else.

    Examples
    --------
    >>> check_optimizer("adam")
    Traceback (most recent call last):
    ...
    TypeError: optimizer: expected a StackedSGD or StackedAdam, got str
    """
    if not isinstance(optimizer, StackedSGD | StackedAdam):
        raise TypeError(
            f"optimizer: expected a StackedSGD or StackedAdam, got {type(optimizer).__name__}"
        )
    return optimizer


def _per_model(name: str, values: Any, net: StackedMLP) -> Tensor:
    """One number from 0 to below 1 for all networks, or one for each, as a column."""
    numbers = list(_inputs.vector(name, values)) if np.ndim(values) else [values]
    if len(numbers) not in (1, net.models):
        raise ValueError(f"{name}: expected one number or {net.models}, got {len(numbers)}")
    column = [[_inputs.real(name, number, at_least=0, below=1)] for number in numbers]
    return torch.tensor(column, dtype=torch.float64, device=net.vector.device)


def _columns(weights: Any, net: StackedMLP) -> int:
    """How many columns of the parameters are chosen."""
    try:
        return net.vector[:1, weights].shape[1]
    except (IndexError, TypeError, RuntimeError):
        raise ValueError(
            f"weights: expected a slice or a tensor of columns below {net.vector.shape[1]}, "
            f"got {weights!r:.60}"
        ) from None


def _rates(step_size: Any, steps: int, net: StackedMLP) -> Tensor:
    """Learning rates, shape (steps, models or 1, 1)."""
    try:  # in float64 first: PyTorch reads Python's numbers as float32
        rates = torch.as_tensor(step_size, dtype=torch.float64).to(net.vector)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"step_size: expected numbers, got {step_size!r:.60}") from None
    try:
        rates = rates.expand(steps, rates.shape[-1] if rates.ndim else 1)
        rates.expand(steps, net.models)
    except RuntimeError:
        raise ValueError(
            f"step_size: expected a number or what broadcasts to {steps} steps and {net.models} "
            f"models, got shape {tuple(rates.shape)}"
        ) from None
    if not bool((rates >= 0).all() and rates.isfinite().all()):
        raise ValueError("step_size: expected finite numbers of at least 0")
    return rates[..., None]
