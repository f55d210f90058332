"""What a network makes of its inputs, drawn on the current axes so that calls add up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np

from adl import _inputs
from adl.plotting._style import PALETTE, counted, describe

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import nn

    from adl.data import Data


def plot_data(dataset: Data, *, ax: Axes | None = None) -> Axes:
    """Draw a data set: its points, and the target without noise.

    Parameters
    ----------
    dataset : adl.data.Data
    ax : matplotlib.axes.Axes, optional
        By default the current ones.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError
        If `dataset` is no such data set.

    Examples
    --------
    >>> from adl.data import Data
    >>> ax = plot_data(Data(n=15, xmin=-1, xmax=1, noise_level=0, type="middle", seed=0))
    >>> ax.get_xlabel()
    'input x'
    >>> plt.close()
    """
    if not all(hasattr(dataset, name) for name in ("inputs", "labels", "target")):
        raise TypeError(f"dataset: expected an adl.data.Data, got {type(dataset).__name__}")
    ax = ax or plt.gca()
    x = np.linspace(dataset.xmin, dataset.xmax, 400)
    inputs, labels = (
        part.detach().cpu().numpy()[:, 0] for part in (dataset.inputs, dataset.labels)
    )
    ax.plot(x, dataset.target(x), color=PALETTE["grey"], linestyle="dotted", linewidth=1.2)
    ax.plot(inputs, labels, "o", color=PALETTE["ink"], markersize=5, linestyle="none", zorder=3)
    ax.set(xlabel="input x", ylabel="output")
    describe(
        ax,
        f'{counted(len(inputs), "point")} of the target "{dataset.type}", x from '
        f"{inputs.min():.2f} to {inputs.max():.2f}, y from {labels.min():.2f} to "
        f"{labels.max():.2f}.",
    )
    return ax


def plot_net(
    net: nn.Module,
    xmin: float = -1.0,
    xmax: float = 1.0,
    label: str | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw the function that a network computes.

    Parameters
    ----------
    net : torch.nn.Module
        Called with inputs of shape (400, 1).
    xmin, xmax : float, default -1 and 1
        The interval.
    label : str, optional
        For the legend, and the alt text.
    ax : matplotlib.axes.Axes, optional
        By default the current ones.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used, or the network's outputs have another shape than (400, 1).

    Examples
    --------
    >>> from adl.models import MLPshallow
    >>> ax = plot_net(MLPshallow(10, seed=0), label="width 10")
    >>> ax.get_legend_handles_labels()[1]
    ['width 10']
    >>> plt.close()
    """
    import torch

    if not callable(net):
        raise TypeError(f"net: expected a network (torch.nn.Module), got {type(net).__name__}")
    xmin, xmax = _inputs.interval("xmin", xmin, "xmax", xmax)
    ax = ax or plt.gca()
    first = next(iter(net.parameters()), torch.zeros(1)) if hasattr(net, "parameters") else None
    x = torch.linspace(xmin, xmax, 400, dtype=torch.float64)[:, None]
    with torch.no_grad():
        outputs: Any = net(x.float() if first is None else x.to(first))
    if tuple(getattr(outputs, "shape", ())) != (400, 1):
        raise ValueError(
            "net: expected outputs of shape (400, 1) for inputs of shape (400, 1), got "
            f"{tuple(getattr(outputs, 'shape', ()))}"
        )
    y = outputs[:, 0].double().cpu().numpy()
    ax.plot(x[:, 0].numpy(), y, label=label, linewidth=1.6)
    ax.set(xlabel="input x", ylabel="output")
    name = label or f"A network of type {getattr(net, 'net_type', type(net).__name__)}"
    inside = np.isfinite(y)
    reach = f"from {y.min():.2g} to {y.max():.2g}" if inside.all() else "not finite"
    describe(ax, f"{name}: outputs {reach} for x from {xmin:g} to {xmax:g}.")
    return ax
