"""What a training is fed with, and the losses that come out: read, checked, refused in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from adl.data import Data
from adl.models import StackedMLP

__all__ = ["check_batch", "check_data", "check_net", "mean_losses", "one_number", "pair_of_tensors"]


def mean_losses(loss: Callable[..., Tensor], outputs: Tensor, targets: Tensor) -> Tensor:
    """Loss of each network, the mean over its examples.

    Parameters
    ----------
    loss : callable
        As in `adl.training.train_stacked`.
    outputs, targets : torch.Tensor, shape (models, examples)

    Returns
    -------
    torch.Tensor, shape (models,)

    Raises
    ------
    TypeError, ValueError
        If `loss` is not a function that gives one number for each example.

    Examples
    --------
    >>> import torch
    >>> import torch.nn.functional as F
    >>> mean_losses(F.l1_loss, torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.zeros(2, 2))
    tensor([1.5000, 3.5000])
    """
    if not callable(loss):
        raise TypeError(f"loss: expected a function, got {loss!r:.60}")
    each = loss(outputs, targets, reduction="none")
    # A mean over everything would pass unseen, and train each network at a fraction of its rate.
    if getattr(each, "shape", None) != outputs.shape:
        raise ValueError(
            f"loss: expected one number for each example, shape {tuple(outputs.shape)}, "
            f"got {tuple(getattr(each, 'shape', ()))}"
        )
    return each.mean(-1)


def check_batch(batch: Any, net: StackedMLP) -> tuple[Tensor, Tensor]:
    """Inputs and targets on the networks' device, with targets for each network.

    Parameters
    ----------
    batch : tuple of torch.Tensor
        As in `adl.training.train_stacked`.
    net : StackedMLP

    Returns
    -------
    tuple of torch.Tensor
        Targets have the shape (models, examples), without a copy.

    Raises
    ------
    TypeError, ValueError
        If they do not fit the networks, or `net` is none.

    Examples
    --------
    >>> import torch
    >>> net = StackedMLP(5, inputs=1, hidden=[10], seed=0)
    >>> inputs, targets = check_batch((torch.zeros(15, 1), torch.zeros(15)), net)
    >>> targets.shape
    torch.Size([5, 15])
    """
    check_net("net", net)
    inputs, targets = (part.to(net.vector) for part in pair_of_tensors(batch))
    if inputs.ndim < 2 or not inputs.shape[-2]:
        raise ValueError(
            f"batch: expected inputs of shape (examples, {net.widths[0]}) with at least one "
            f"example, got {tuple(inputs.shape)}"
        )
    examples = inputs.shape[-2:-1]
    for name, part, shapes in (
        ("inputs", inputs, [(*examples, net.widths[0]), (net.models, *examples, net.widths[0])]),
        ("targets", targets, [examples, (net.models, *examples)]),
    ):
        if part.shape not in shapes:
            raise ValueError(
                f"batch: expected {name} of shape {' or '.join(str(tuple(s)) for s in shapes)}, "
                f"got {tuple(part.shape)}"
            )
    return inputs, targets.expand(net.models, *examples)


def check_data(name: str, dataset: Any) -> Data:
    """The data set, if that is what came.

    Parameters
    ----------
    name : str
        What to call it in the message.
    dataset : adl.data.Data

    Returns
    -------
    adl.data.Data

    Raises
    ------
    TypeError
        If it is anything else.

    Examples
    --------
    >>> check_data("dataset", [1, 2])
    Traceback (most recent call last):
    ...
    TypeError: dataset: expected an adl.data.Data, got list
    """
    if not isinstance(dataset, Data):
        raise TypeError(f"{name}: expected an adl.data.Data, got {type(dataset).__name__}")
    return dataset


def check_net(name: str, net: Any, *, inputs: int | None = None) -> StackedMLP:
    """The networks, if that is what came.

    Parameters
    ----------
    name : str
        What to call them in the message.
    net : StackedMLP
    inputs : int, optional
        How many inputs they should have.

    Returns
    -------
    StackedMLP

    Raises
    ------
    TypeError, ValueError
        If it is anything else, or they have another number of inputs.

    Examples
    --------
    >>> check_net("net", StackedMLP(5, inputs=1, hidden=[10], seed=0), inputs=3)
    Traceback (most recent call last):
    ...
    ValueError: net: expected networks with 3 inputs, got 1
    """
    if not isinstance(net, StackedMLP):
        raise TypeError(f"{name}: expected a StackedMLP, got {type(net).__name__}")
    if inputs not in (None, net.widths[0]):
        raise ValueError(f"{name}: expected networks with {inputs} inputs, got {net.widths[0]}")
    return net


def pair_of_tensors(batch: Any) -> tuple[Tensor, Tensor]:
    """Inputs and targets, or words on what came instead.

    Examples
    --------
    >>> import torch
    >>> pair_of_tensors([torch.zeros(2), "one"])
    Traceback (most recent call last):
    ...
    TypeError: batch: expected a pair of tensors, got (Tensor, str)
    """
    if not isinstance(batch, tuple | list):
        raise TypeError(f"batch: expected a pair of tensors, got {type(batch).__name__}")
    if len(batch) != 2 or not all(isinstance(part, Tensor) for part in batch):
        kinds = ", ".join(type(part).__name__ for part in batch)
        raise TypeError(f"batch: expected a pair of tensors, got ({kinds})")
    return batch[0], batch[1]


def one_number(name: str, loss: Any) -> Tensor:
    """The loss of a batch, if it is one number.

    Parameters
    ----------
    name : str
        What to call it in the message.
    loss : torch.Tensor, shape ()

    Returns
    -------
    torch.Tensor, shape ()

    Raises
    ------
    TypeError, ValueError
        If it is anything else.

    Examples
    --------
    >>> import torch
    >>> one_number("loss", torch.ones(3))
    Traceback (most recent call last):
    ...
    ValueError: loss: expected one number for a batch, got shape (3,): take its mean
    """
    if not isinstance(loss, Tensor):
        raise TypeError(f"{name}: expected a tensor, got {type(loss).__name__} {loss!r:.60}")
    if loss.ndim:
        raise ValueError(
            f"{name}: expected one number for a batch, got shape {tuple(loss.shape)}: take its mean"
        )
    return loss
