"""Networks, many at once: one tensor holds the parameters of all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from adl import _inputs

if TYPE_CHECKING:
    from adl.models._single import MLPdeep, MLPshallow


class StackedMLP(nn.Module):
    """Many networks of one shape, each with parameters of its own, computed together.

    Each is a perceptron with any number of hidden layers and one output. `vector` holds all
    parameters, one row for each network, so that what is elementwise on it (a step of SGD or Adam)
    is done for all networks in one operation. No network feels the others: the gradient of the
    summed losses is, row by row, the gradient of each network's own loss.

    Parameters
    ----------
    models : int
        How many networks.
    inputs : int
        Number of inputs of each.
    hidden : sequence of int
        Widths of the hidden layers; at least one.
    activation : callable, default torch.relu
        Applied after every hidden layer.
    parametrization : {"pytorch", "ntk"}, default "pytorch"
        Where the factor 1/sqrt(inputs of the layer) stands, which keeps outputs of order one. With
        "pytorch" it is in the initial weights. With "ntk" the weights are uniform in ±1, and each
        layer's sum is multiplied by it. A seed gives the same functions at the start with both;
        gradient descent then treats them differently.
    seed : int or torch.Generator, optional
        Randomness of the initialisation, which is that of ``torch.nn.Linear`` unless the
        parametrisation says otherwise: weights and biases uniform in ±1/sqrt(inputs of the layer).
        None is fresh.
    dtype : torch.dtype, default torch.float32
        Of the parameters, a floating one; a seed gives the same start in each.
    device : torch.device or str, optional
        Where the parameters go after they have been drawn, so that a seed gives the same start
        everywhere; by default they stay where they were drawn, for a seed on the CPU.

    Attributes
    ----------
    vector : torch.nn.Parameter, shape (models, parameters of a network)
        Layer by layer, weights (inputs × outputs) before biases.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    References
    ----------
    A. Jacot, F. Gabriel and C. Hongler, "Neural tangent kernel", 2018, arXiv:1806.07572, for "ntk".

    Examples
    --------
    >>> net = StackedMLP(20, inputs=3, hidden=(32, 32), seed=0)
    >>> net
    StackedMLP(20 models, 3-32-32-1, 1217 parameters each)
    >>> net(torch.zeros(200, 3)).shape
    torch.Size([20, 200])
    """

    def __init__(
        self,
        models: int,
        *,
        inputs: int,
        hidden: Sequence[int],
        activation: Callable[[Tensor], Tensor] = torch.relu,
        parametrization: Literal["pytorch", "ntk"] = "pytorch",
        seed: Any = None,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        models = _inputs.whole("models", models, at_least=1)
        widths = [_inputs.whole("inputs", inputs, at_least=1)]
        if not isinstance(hidden, Iterable):
            raise TypeError(f"hidden: expected a sequence of widths, got {hidden!r:.60}")
        widths += [_inputs.whole("hidden", width, at_least=1) for width in hidden]
        if len(widths) == 1:
            raise ValueError("hidden: expected at least one width, got none")
        if not callable(activation):
            raise TypeError(f"activation: expected a function, got {activation!r:.60}")
        if parametrization not in ("pytorch", "ntk"):
            raise ValueError(
                f'parametrization: expected "pytorch" or "ntk", got {parametrization!r:.60}'
            )
        generator, dtype = _inputs.torch_generator(seed), _inputs.floating(dtype)
        self.widths, self.activation = [*widths, 1], activation
        self.parametrization = parametrization
        fan_ins = widths if parametrization == "ntk" else [1] * len(widths)
        self._scales = [1 / math.sqrt(fan_in) for fan_in in fan_ins]
        self._shapes: list[tuple[int, int]] = []
        parts = []
        for fan_in, fan_out, scale in zip(
            self.widths[:-1], self.widths[1:], self._scales, strict=True
        ):
            for shape in ((fan_in, fan_out), (1, fan_out)):
                self._shapes.append(shape)
                uniform = torch.rand(
                    models,
                    math.prod(shape),
                    generator=generator,
                    device=generator.device,
                    dtype=torch.float32,
                )
                parts.append((2 * uniform - 1) / (math.sqrt(fan_in) * scale))
        self._sizes = [math.prod(shape) for shape in self._shapes]
        self.vector = nn.Parameter(torch.cat(parts, 1).to(device or generator.device, dtype))

    @classmethod
    def of(cls, nets: Sequence[MLPshallow | MLPdeep]) -> StackedMLP:
        """A stack of networks that exist already, with a copy of their parameters.

        Parameters
        ----------
        nets : sequence of MLPshallow or MLPdeep
            At least one, all of the same shape, activation, parametrisation, dtype and device.

        Returns
        -------
        StackedMLP

        Raises
        ------
        TypeError, ValueError
            If they are anything else, or differ.

        Examples
        --------
        >>> from adl.models import MLPshallow
        >>> StackedMLP.of([MLPshallow(10, seed=seed) for seed in range(5)])
        StackedMLP(5 models, 1-10-1, 31 parameters each)
        """
        if not isinstance(nets, Iterable):
            raise TypeError(f"nets: expected a sequence of networks, got {type(nets).__name__}")
        nets = list(nets)
        if not nets:
            raise ValueError("nets: expected at least one network, got none")
        for net in nets:
            if not all(hasattr(net, name) for name in ("linears", "activation", "parametrization")):
                raise TypeError(f"nets: expected MLPshallow or MLPdeep, got {type(net).__name__}")
        looks = {
            (
                tuple(net.hidden_widths),
                net.activation,
                net.parametrization,
                net.lout.weight.dtype,
                net.lout.weight.device,
            )
            for net in nets
        }
        if len(looks) > 1:
            raise ValueError("nets: expected networks of one shape and kind, got several")
        hidden, activation, parametrization, dtype, device = looks.pop()
        stack = cls(
            len(nets),
            inputs=1,
            hidden=hidden,
            activation=activation,
            parametrization=parametrization,
            seed=0,
            dtype=dtype,
            device=device,
        )
        rows = [
            torch.cat(
                [part for layer in net.linears for part in (layer.weight.T.flatten(), layer.bias)]
            )
            for net in nets
        ]
        with torch.no_grad():
            stack.vector.copy_(torch.stack(rows))
        return stack

    @property
    def models(self) -> int:
        """Number of networks."""
        return len(self.vector)

    def extra_repr(self) -> str:
        """What stands between the brackets of the representation."""
        shape = "-".join(map(str, self.widths))
        return f"{self.models} models, {shape}, {self.vector.shape[1]} parameters each"

    def layers(self, vector: Tensor | None = None) -> list[tuple[Tensor, Tensor]]:
        """Weights and biases of each layer, as views of a vector of parameters.

        Parameters
        ----------
        vector : torch.Tensor, shape (models, parameters), optional
            By default the networks' own; a gradient or an eigenvector can be taken apart too.

        Returns
        -------
        list of (torch.Tensor, torch.Tensor)
            For each layer the weights, shape (models, inputs, outputs), and the biases, shape
            (models, 1, outputs).

        Examples
        --------
        >>> net = StackedMLP(5, inputs=1, hidden=[10], seed=0)
        >>> [tuple(weights.shape) for weights, biases in net.layers()]
        [(5, 1, 10), (5, 10, 1)]
        """
        vector = self.vector if vector is None else vector
        parts = [
            part.view(len(vector), *shape)
            for part, shape in zip(vector.split(self._sizes, 1), self._shapes, strict=True)
        ]
        return list(zip(parts[::2], parts[1::2], strict=True))

    def forward(self, inputs: Tensor, vector: Tensor | None = None) -> Tensor:
        """Outputs of all networks.

        Parameters
        ----------
        inputs : torch.Tensor, shape (examples, inputs) or (models, examples, inputs)
            The same examples for all networks, or some for each.
        vector : torch.Tensor, shape (models, parameters), optional
            Parameters to use in place of the networks' own.

        Returns
        -------
        torch.Tensor, shape (models, examples)
        """
        layers = self.layers(vector)
        hidden = inputs.expand(len(layers[0][0]), *inputs.shape[-2:])
        *first, last = (
            (biases, weights, {"beta": scale, "alpha": scale})
            for (weights, biases), scale in zip(layers, self._scales, strict=True)
        )
        for biases, weights, scale in first:
            hidden = self.activation(torch.baddbmm(biases, hidden, weights, **scale))
        biases, weights, scale = last
        return torch.baddbmm(biases, hidden, weights, **scale)[..., 0]

    @torch.no_grad()
    def vjp(
        self, inputs: Tensor, layers: Sequence[tuple[Tensor, Tensor]] | None = None
    ) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """Outputs, and the function that carries derivatives back from them to the parameters.

        As ``torch.func.vjp``. For networks this small most of the time goes into PyTorch's
        bookkeeping, and backpropagation written out needs none of it.

        Parameters
        ----------
        inputs : torch.Tensor, shape (examples, inputs) or (models, examples, inputs)
        layers : list of (torch.Tensor, torch.Tensor), optional
            From `layers`, to take the parameters apart once and not in every step.

        Returns
        -------
        outputs : torch.Tensor, shape (models, examples)
        pull : callable
            From derivatives by the outputs, of their shape, to those by `vector`, of its shape.

        Examples
        --------
        >>> net = StackedMLP(5, inputs=1, hidden=[10], seed=0)
        >>> outputs, pull = net.vjp(torch.zeros(15, 1))
        >>> pull(torch.ones_like(outputs)).shape
        torch.Size([5, 31])
        """
        layers = self.layers() if layers is None else layers
        values, back = [inputs.expand(len(layers[0][0]), *inputs.shape[-2:])], []
        *first, last = zip(layers, self._scales, strict=True)
        for (weights, biases), scale in first:
            sums = torch.baddbmm(biases, values[-1], weights, beta=scale, alpha=scale)
            value, through = _activated(self.activation, sums)
            values.append(value)
            back.append(through)
        (weights, biases), scale = last
        outputs = torch.baddbmm(biases, values[-1], weights, beta=scale, alpha=scale)[..., 0]

        @torch.no_grad()
        def pull(slopes: Tensor) -> Tensor:
            slopes, parts = slopes[..., None], []
            for layer, ((weights, _), scale) in reversed(
                [*enumerate(zip(layers, self._scales, strict=True))]
            ):
                by_biases = _times(scale, slopes).sum(1)
                by_weights = _times(scale, torch.bmm(values[layer].mT, slopes))
                parts += by_biases, by_weights.flatten(1)
                if layer:
                    slopes = back[layer - 1](_times(scale, torch.bmm(slopes, weights.mT)))
            return torch.cat(parts[::-1], 1)

        return outputs, pull

    def some(self, models: slice | Tensor) -> StackedMLP:
        """Some of the networks, as a stack of their own with a copy of their parameters.

        Parameters
        ----------
        models : slice or torch.Tensor of int
            Which; a network that is named twice is there twice.

        Returns
        -------
        StackedMLP

        Raises
        ------
        ValueError
            If that is none, or no choice of networks.

        Examples
        --------
        >>> StackedMLP(20, inputs=3, hidden=[8], seed=0).some(slice(5, 10))
        StackedMLP(5 models, 3-8-1, 41 parameters each)
        """
        try:
            rows = torch.arange(self.models)
            rows = rows[models if isinstance(models, slice) else torch.as_tensor(models)]
        except (IndexError, TypeError, ValueError, RuntimeError):
            rows = None
        if rows is None or rows.ndim != 1 or not len(rows):
            raise ValueError(
                f"models: expected a slice or a tensor of some of the {self.models} networks, "
                f"got {models!r:.60}"
            )
        chosen = StackedMLP(
            len(rows),
            inputs=self.widths[0],
            hidden=self.widths[1:-1],
            activation=self.activation,
            parametrization=self.parametrization,
            seed=0,
            dtype=self.vector.dtype,
            device=self.vector.device,
        )
        with torch.no_grad():
            chosen.vector.copy_(self.vector[rows])
        return chosen

    def single(self, model: int) -> nn.Sequential:
        """One of the networks, as PyTorch's own layers with a copy of its parameters.

        The factors of the parametrisation "ntk" are multiplied into the copy. The output has the
        shape (examples, 1), as is usual there.

        Parameters
        ----------
        model : int
            Which, from 0.

        Returns
        -------
        torch.nn.Sequential

        Raises
        ------
        TypeError, ValueError
            If there is no such network.

        Examples
        --------
        >>> net = StackedMLP(5, inputs=3, hidden=[8], seed=0)
        >>> x = torch.ones(4, 3)
        >>> torch.allclose(net.single(2)(x)[:, 0], net(x)[2])
        True
        """
        model = _inputs.whole("model", model, at_least=0)
        if model >= self.models:
            raise ValueError(f"model: expected a number below {self.models}, got {model}")
        modules: list[nn.Module] = []
        for (weights, biases), scale in zip(self.layers(), self._scales, strict=True):
            layer = linear(scale * weights[model], scale * biases[model])
            modules += [layer, _Activation(self.activation)]
        return nn.Sequential(*modules[:-1])


def linear(weights: Tensor, biases: Tensor) -> nn.Linear:
    """A layer of PyTorch's own, with a copy of these parameters.

    Parameters
    ----------
    weights : torch.Tensor, shape (inputs, outputs)
    biases : torch.Tensor, shape (1, outputs)

    Returns
    -------
    torch.nn.Linear

    Examples
    --------
    >>> linear(torch.ones(3, 2), torch.zeros(1, 2))
    Linear(in_features=3, out_features=2, bias=True)
    """
    # Without its own initialisation, which would draw from the global random numbers.
    layer = nn.utils.skip_init(
        nn.Linear, *weights.shape, device=weights.device, dtype=weights.dtype
    )
    with torch.no_grad():
        layer.weight.copy_(weights.T)
        layer.bias.copy_(biases[0])
    return layer


# How PyTorch itself carries derivatives back through the usual activations.
_BACK = {
    torch.relu: lambda slopes, values: torch.ops.aten.threshold_backward(slopes, values, 0),
    torch.tanh: torch.ops.aten.tanh_backward,
}


def _activated(
    activation: Callable[[Tensor], Tensor], sums: Tensor
) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """Values of a layer, and the function that carries derivatives back through the activation."""
    if activation in _BACK:
        values = activation(sums)
        return values, lambda slopes: _BACK[activation](slopes, values)
    with torch.enable_grad():  # of a copy, for an activation may work in place
        values = activation(sums.requires_grad_().clone())
    return values.detach(), lambda slopes: torch.autograd.grad(values, sums, slopes)[0]


def _times(scale: float, tensor: Tensor) -> Tensor:
    return tensor if scale == 1 else scale * tensor


class _Activation(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, inputs: Tensor) -> Tensor:
        return self.function(inputs)
