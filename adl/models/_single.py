"""Single networks of one input, as the practical on lazy training uses them.

Each remembers its output weights when it is told to (`save_weights`), so that one can see how far
they move.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from adl import _inputs
from adl.linear import sinusoids
from adl.models._stacked import StackedMLP, linear


class _Remembering(nn.Module):
    """A network that can keep copies of its output weights."""

    net_type: str
    lout: nn.Linear

    def __init__(self) -> None:
        super().__init__()
        self.weight_history: list[np.ndarray] = []

    @torch.no_grad()
    def save_weights(self) -> None:
        """Append a copy of the output weights, without the bias, to `weight_history`.

        Examples
        --------
        >>> net = MLPshallow(10, seed=0)
        >>> net.save_weights()
        >>> net.weight_history[0].shape
        (10,)
        """
        # A copy: the array of a tensor shares its memory, and would change with the next step.
        self.weight_history.append(self.lout.weight.detach().cpu().numpy().flatten().copy())


class _MLP(_Remembering):
    """What `MLPshallow` and `MLPdeep` share."""

    depth: int

    def __init__(
        self,
        hidden_dim: int,
        *,
        activation: Callable[[Tensor], Tensor] = torch.relu,
        parametrization: Literal["pytorch", "ntk"] = "pytorch",
        seed: Any = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.hidden_dim = _inputs.whole("hidden_dim", hidden_dim, at_least=1)
        self.hidden_widths = [self.hidden_dim] * self.depth
        # A stack of one draws the start: one rule of initialisation, and one meaning of a seed.
        stack = StackedMLP(
            1,
            inputs=1,
            hidden=self.hidden_widths,
            activation=activation,
            parametrization=parametrization,
            seed=seed,
            dtype=dtype,
        )
        self.activation, self.parametrization = activation, parametrization
        *hidden, lout = (linear(weights[0], biases[0]) for weights, biases in stack.layers())
        self.hidden, self.lout = nn.ModuleList(hidden), lout

    @property
    def linears(self) -> list[nn.Linear]:
        """All layers, from the input to the output."""
        return [*self.hidden, self.lout]

    def extra_repr(self) -> str:
        """What stands between the brackets of the representation."""
        return f"hidden_dim={self.hidden_dim}, parametrization={self.parametrization!r}"

    def forward(self, x: Tensor) -> Tensor:
        """Outputs, shape (examples, 1), for inputs of shape (examples, 1)."""
        for layer in self.hidden:
            x = self.activation(self._scaled(layer, x))
        return self._scaled(self.lout, x)

    def _scaled(self, layer: nn.Linear, x: Tensor) -> Tensor:
        sums = layer(x)
        return sums / math.sqrt(layer.in_features) if self.parametrization == "ntk" else sums


class MLPshallow(_MLP):
    """A perceptron with one input, one hidden layer and one output.

    Parameters
    ----------
    hidden_dim : int
        Width of the hidden layer; the network has ``3 hidden_dim + 1`` parameters.
    activation : callable, default torch.relu
        Applied after the hidden layer.
    parametrization : {"pytorch", "ntk"}, default "pytorch"
        As in `StackedMLP`.
    seed : int or torch.Generator, optional
        Randomness of the initialisation; None is fresh.
    dtype : torch.dtype, default torch.float32
        Of the parameters; a seed gives the same start in each.

    Attributes
    ----------
    net_type : str
        ``"shallow"``.
    weight_history : list of numpy.ndarray, shape (hidden_dim,) each
        What `save_weights` has kept.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> net = MLPshallow(hidden_dim=10, seed=0)
    >>> sum(parameter.numel() for parameter in net.parameters())
    31
    >>> net(torch.zeros(15, 1)).shape
    torch.Size([15, 1])
    """

    net_type, depth = "shallow", 1


class MLPdeep(_MLP):
    """A perceptron with one input, two hidden layers of one width and one output.

    Parameters
    ----------
    hidden_dim : int
        Width of both hidden layers.
    activation : callable, default torch.relu
        Applied after each hidden layer.
    parametrization : {"pytorch", "ntk"}, default "pytorch"
        As in `StackedMLP`.
    seed : int or torch.Generator, optional
        Randomness of the initialisation; None is fresh.
    dtype : torch.dtype, default torch.float32
        Of the parameters; a seed gives the same start in each.

    Attributes
    ----------
    net_type : str
        ``"deep"``.
    weight_history : list of numpy.ndarray, shape (hidden_dim,) each
        What `save_weights` has kept.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> sum(parameter.numel() for parameter in MLPdeep(hidden_dim=10, seed=0).parameters())
    141
    """

    net_type, depth = "deep", 2


class LinSin(_Remembering):
    """A model that is linear in its weights, on sinusoidal features of its input.

    Parameters
    ----------
    feature_dim : int
        How many features; even.
    frequency : float, default 2 pi
        Of the first pair of features; above 0.
    seed : int or torch.Generator, optional
        Randomness of the initialisation, that of ``torch.nn.Linear``; None is fresh.
    dtype : torch.dtype, default torch.float32
        Of the parameters; a seed gives the same start in each.

    Attributes
    ----------
    net_type : str
        ``"linsin"``.
    weight_history : list of numpy.ndarray, shape (feature_dim,) each
        What `save_weights` has kept.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used; in particular an odd `feature_dim`.

    See Also
    --------
    adl.linear.sinusoids : the features.

    Examples
    --------
    >>> net = LinSin(feature_dim=8, seed=0)
    >>> net.phi(torch.zeros(15, 1)).shape, net(torch.zeros(15, 1)).shape
    (torch.Size([15, 8]), torch.Size([15, 1]))
    """

    net_type = "linsin"

    def __init__(
        self,
        feature_dim: int,
        *,
        frequency: float = 2 * math.pi,
        seed: Any = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        # Refuses what cannot be used, before anything is drawn.
        sinusoids(torch.zeros(1, 1), feature_dim, frequency=frequency)
        self.feature_dim, self.frequency = int(feature_dim), float(frequency)
        generator, dtype = _inputs.torch_generator(seed), _inputs.floating(dtype)
        uniform = torch.rand(
            self.feature_dim + 1,
            1,
            generator=generator,
            device=generator.device,
            dtype=torch.float32,
        )
        start = ((2 * uniform - 1) / math.sqrt(self.feature_dim)).to(dtype)
        self.lout = linear(start[:-1], start[-1:])

    def phi(self, x: Tensor) -> Tensor:
        """Features of the inputs.

        Parameters
        ----------
        x : torch.Tensor, shape (examples, 1)

        Returns
        -------
        torch.Tensor, shape (examples, feature_dim)
        """
        return sinusoids(x, self.feature_dim, frequency=self.frequency)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs, shape (examples, 1), for inputs of shape (examples, 1)."""
        return self.lout(self.phi(x))


class ScaledModel(nn.Module):
    """A network minus what it was at the start, times a factor.

    The larger the factor, the less the network's parameters have to move for the same change of
    the output. It says 0 everywhere until it is trained.

    Parameters
    ----------
    base_model : MLPshallow, MLPdeep or LinSin
        Copied, as it is now; it stays as it is.
    alpha : float
        The factor; above 0. Train with a learning rate divided by ``alpha**2`` to give the outputs
        the same pace at any alpha. As a width, it is no part of the state dict.

    Attributes
    ----------
    net_type : str
        ``"scaled"``.
    model : torch.nn.Module
        The copy that is trained. What it was at the start is kept in buffers, so that it is saved
        and loaded with the rest, and no optimiser moves it.
    weight_history : list of numpy.ndarray
        What `save_weights` has kept: output weights of `model`.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used; in particular a network without ``save_weights``.

    References
    ----------
    L. Chizat, E. Oyallon and F. Bach, "On lazy training in differentiable programming", 2019,
    arXiv:1812.07956.

    Examples
    --------
    >>> scaled = ScaledModel(MLPdeep(hidden_dim=8, seed=0), alpha=100)
    >>> scaled(torch.linspace(-1, 1, 5)[:, None]).abs().max().item()
    0.0
    """

    net_type = "scaled"

    def __init__(self, base_model: nn.Module, alpha: float = 1.0) -> None:
        super().__init__()
        if not isinstance(base_model, nn.Module):
            raise TypeError(
                f"base_model: expected a network (torch.nn.Module), got {type(base_model).__name__}"
            )
        if not callable(getattr(base_model, "save_weights", None)) or not isinstance(
            getattr(base_model, "weight_history", None), list
        ):
            raise TypeError(
                "base_model: expected a network with a method save_weights and a list "
                f"weight_history, such as MLPdeep, got {type(base_model).__name__}"
            )
        self.alpha = _inputs.real("alpha", alpha, above=0)
        self.model = deepcopy(base_model)
        self.model.weight_history.clear()
        self._starts = {name: f"start_{i}" for i, (name, _) in enumerate(_named(self.model))}
        for name, parameter in _named(self.model):
            self.register_buffer(self._starts[name], parameter.detach().clone())

    @property
    def weight_history(self) -> list[np.ndarray]:
        """What `save_weights` has kept."""
        return self.model.weight_history

    def save_weights(self) -> None:
        """Append a copy of the output weights to `weight_history`."""
        self.model.save_weights()

    def forward(self, x: Tensor) -> Tensor:
        """Outputs, shape (examples, 1), for inputs of shape (examples, 1)."""
        start = {name: self.get_buffer(buffer) for name, buffer in self._starts.items()}
        with torch.no_grad():
            before = torch.func.functional_call(self.model, start, (x,))
        return self.alpha * (self.model(x) - before)


def _named(model: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return list(model.named_parameters())
