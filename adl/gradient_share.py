"""Which examples make the gradient: exact norms for each, without a loop over them.

A layer that hears h and passes a gradient d back to its sums has, for one example, the gradient
``h d`` for its weights and d for its biases: its squared norm is the product
``(|h|**2 + 1) |d|**2``, and no gradient has to be written down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
import plotnine as pn
import torch
from torch import Tensor

from adl import _inputs
from adl._batches import check_batch, mean_losses
from adl.models import StackedMLP
from adl.plotting import PALETTE, TITLE_WIDTH, Plot, counted, few, in_styles

__all__ = ["gradient_norms", "noise_scale", "plot_concentration", "top_share"]

_TOP = 0.01
_DRAWN = 100  # points of a curve


def gradient_norms(
    net: StackedMLP, batch: tuple[Tensor, Tensor], loss: Callable[..., Tensor]
) -> Tensor:
    """Norm of the gradient of each example's own loss.

    Parameters
    ----------
    net : StackedMLP
        The networks.
    batch : tuple of torch.Tensor
        Inputs and targets, as in `adl.training.train_stacked`.
    loss : callable
        As in `adl.training.train_stacked`.

    Returns
    -------
    torch.Tensor, shape (models, examples)
        Of the gradient by all parameters of the network.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    References
    ----------
    I. Goodfellow, "Efficient per-example gradient computations", 2015, arXiv:1510.01799.

    Examples
    --------
    >>> from adl.data import singular_batch
    >>> from adl.losses import mse_loss
    >>> net = StackedMLP(5, inputs=3, hidden=(32, 32), seed=0)
    >>> gradient_norms(net, singular_batch(200, seed=0), mse_loss).shape
    torch.Size([5, 200])
    """
    inputs, targets = check_batch(batch, net)
    vector = net.vector.detach()
    hidden = inputs.expand(net.models, *inputs.shape[-2:])
    heard, sums = [], []
    for weights, biases in net.layers(vector):
        heard.append(hidden.detach())
        sums.append(torch.baddbmm(biases, hidden, weights).requires_grad_())
        hidden = net.activation(sums[-1])
    total = mean_losses(loss, sums[-1][..., 0], targets).sum() * targets.shape[-1]
    squares = [
        (h.square().sum(-1) + 1) * d.square().sum(-1)
        for h, d in zip(heard, torch.autograd.grad(total, sums), strict=True)
    ]
    return torch.stack(squares).sum(0).sqrt()


def top_share(norms: Tensor, share: float = _TOP) -> Tensor:
    """Share of the summed norms that the largest of them make.

    Parameters
    ----------
    norms : torch.Tensor, shape (models, examples)
        From `gradient_norms`, say.
    share : float, default 0.01
        Share of the examples that counts as the largest: at least one, and not all.

    Returns
    -------
    torch.Tensor, shape (models,)
        From 0 to 1; nan where all norms are 0.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> norms = torch.ones(1, 100)
    >>> norms[0, 7] = 101
    >>> top_share(norms)
    tensor([0.5050])
    """
    _norms("norms", norms)
    number = int(_inputs.real("share", share, above=0, below=1) * norms.shape[1])
    if number == 0:
        raise ValueError(f"share: expected at least one of {norms.shape[1]} examples, got {share}")
    return norms.topk(number).values.sum(1) / norms.sum(1)


def noise_scale(
    net: StackedMLP, batch: tuple[Tensor, Tensor], loss: Callable[..., Tensor]
) -> Tensor:
    """Number of examples at which a batch's gradient is as much noise as signal.

    Parameters
    ----------
    net, batch, loss
        As in `gradient_norms`; the batch stands for all examples there are, and has at least two.

    Returns
    -------
    torch.Tensor, shape (models,)
        Summed variance of the examples' gradients over the square of their mean, both estimated
        without bias. inf where the batch is too small to tell the mean from 0.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    References
    ----------
    S. McCandlish et al., "An empirical model of large-batch training", 2018, arXiv:1812.06162,
    where it is called the simple noise scale.

    Examples
    --------
    >>> from adl.data import singular_batch
    >>> from adl.losses import mse_loss
    >>> net = StackedMLP(5, inputs=3, hidden=(32, 32), seed=0)
    >>> sizes = noise_scale(net, singular_batch(4000, epsilon=1, seed=0), mse_loss)
    >>> bool((sizes > 1).all())
    True
    """
    inputs, targets = check_batch(batch, net)
    examples = targets.shape[-1]
    if examples < 2:
        raise ValueError(f"batch: expected at least two examples, got {examples}")
    mean_square = gradient_norms(net, batch, loss).square().mean(1)
    vector = net.vector.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(mean_losses(loss, net(inputs, vector), targets).sum(), vector)
    square_of_mean = gradient.square().sum(1)
    noise = (mean_square - square_of_mean) * examples / (examples - 1)
    signal = square_of_mean - noise / examples
    return torch.where(signal > 0, noise / signal, torch.inf)


def plot_concentration(norms: Mapping[str, Tensor]) -> Plot:
    """Share of the gradient that the largest examples make, against their share of all examples.

    Parameters
    ----------
    norms : dict of str to torch.Tensor, shape (models, examples)
        What `gradient_norms` returned, for up to four losses by name; at least 100 examples.

    Returns
    -------
    Plot
        Medians over the networks; a thin line shows examples of equal weight.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> plot_concentration({"L1": torch.ones(5, 200)}).labels.title
    'The top 1% of examples make 1% of the gradient (L1)'
    """
    few("norms", norms)
    curves = {name: _concentration(each) for name, each in norms.items()}
    lines = pd.concat(curve.assign(name=name) for name, curve in curves.items())
    lines["name"] = pd.Categorical(lines["name"], categories=list(curves))
    tops = {name: 100 * float(top_share(each).median()) for name, each in norms.items()}
    most, least = max(tops, key=tops.__getitem__), min(tops, key=tops.__getitem__)
    finding = f"The top 1% of examples make {tops[most]:.0f}% of the gradient ({most})"
    if least != most:
        finding += f", or {tops[least]:.0f}% ({least})"
    said = "; ".join(f"{name}: {top:.0f}%" for name, top in tops.items())
    models = len(next(iter(norms.values())))
    equal = pd.DataFrame({"share": lines["share"].unique()})
    return (
        in_styles(
            Plot(
                lines,
                pn.aes("share", "made"),
                alt="Share of the summed gradient norms that the examples with the largest make, "
                "against the share of examples, on a logarithmic axis, median over "
                f"{counted(models, 'network')}. At 1% of the examples, {said}.",
            ),
            "name",
        )
        + pn.geom_line(
            pn.aes("share", "share"), equal, inherit_aes=False, color=PALETTE["ink"], size=0.4
        )
        + pn.geom_line(size=0.9)
        + pn.scale_x_log10()
        + pn.labs(
            title=fill(finding, TITLE_WIDTH),
            x="examples with the largest gradients (%, log scale)",
            y="share of the gradient (%)",
        )
    )


def _norms(name: str, norms: Any) -> None:
    if not isinstance(norms, Tensor) or norms.ndim != 2:
        raise TypeError(f"{name}: expected a tensor (models, examples), got {norms!r:.60}")


def _concentration(norms: Tensor) -> pd.DataFrame:
    """Percent of the examples, and the percent of the summed norms that they make."""
    _norms("norms", norms)
    examples = norms.shape[1]
    ranks = np.unique(np.geomspace(1, examples, _DRAWN).round().astype(int))
    summed = norms.sort(1, descending=True).values.cumsum(1)
    made = (summed[:, ranks - 1] / summed[:, -1:]).median(0).values
    return pd.DataFrame({"share": 100 * ranks / examples, "made": 100 * made.cpu().numpy()})
