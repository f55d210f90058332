"""What networks make of one input while the others are held: partial dependence, and its slope."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotnine as pn
import torch
from torch import Tensor

from adl import _inputs
from adl._batches import check_net
from adl.data import singular_target
from adl.losses import two_sided_log
from adl.models import StackedMLP
from adl.plotting import PALETTE, Plot, counted, few, in_styles

__all__ = ["along_z", "inputs_along_z", "pieces", "plot_dependence", "plot_slope"]


def inputs_along_z(low: float = -1.0, high: float = 1.0, *, points: int = 2001) -> Tensor:
    """Inputs of the singular target with x = y = 1 and z on a line.

    Parameters
    ----------
    low, high : float, default -1 and 1
        Ends of the line.
    points : int, default 2001
        How many, evenly spaced; odd numbers put one in the middle.

    Returns
    -------
    torch.Tensor, shape (points, 3)
        In float64.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> inputs_along_z(points=3)
    tensor([[-1.,  1.,  1.],
            [ 0.,  1.,  1.],
            [ 1.,  1.,  1.]], dtype=torch.float64)
    """
    low, high = _inputs.interval("low", low, "high", high)
    points = _inputs.whole("points", points, at_least=3)
    z = torch.linspace(low, high, points, dtype=torch.float64)
    return torch.stack([z, torch.ones_like(z), torch.ones_like(z)], 1)


@torch.no_grad()
def along_z(net: StackedMLP, low: float = -1.0, high: float = 1.0, *, points: int = 2001) -> Tensor:
    """Outputs while z runs along a line, with x = y = 1.

    Parameters
    ----------
    net : StackedMLP
        Networks of three inputs.
    low, high, points
        As in `inputs_along_z`.

    Returns
    -------
    torch.Tensor, shape (models, points)

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> net = StackedMLP(2, inputs=3, hidden=[8], seed=0, dtype=torch.float64)
    >>> along_z(net, points=5).shape
    torch.Size([2, 5])
    """
    check_net("net", net, inputs=3)
    return net(inputs_along_z(low, high, points=points).to(net.vector))


@torch.no_grad()
def pieces(
    net: StackedMLP, low: float = -1.0, high: float = 1.0, *, points: int = 20_001
) -> Tensor:
    """How many straight pieces the outputs are made of, along z with x = y = 1.

    A network of ReLU units is linear wherever no unit switches on or off. So the pieces are one
    more than the places where one does.

    Parameters
    ----------
    net : StackedMLP
        Networks of three inputs, with ``torch.relu``.
    low, high, points
        As in `inputs_along_z`; units that switch between the same two points count as one.

    Returns
    -------
    torch.Tensor of int, shape (models,)

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    One unit that is on to the right of 0, and then the output ``relu(z)``: two pieces.

    >>> net = StackedMLP(1, inputs=3, hidden=[1], seed=0, dtype=torch.float64)
    >>> net.vector.data = torch.tensor([[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]], dtype=torch.float64)
    >>> pieces(net)
    tensor([2])
    """
    check_net("net", net, inputs=3)
    if net.activation is not torch.relu:
        raise ValueError(f"net: expected ReLU units (torch.relu), got {net.activation!r:.60}")
    inputs = inputs_along_z(low, high, points=points).to(net.vector)
    hidden = inputs.expand(net.models, *inputs.shape)
    switched = torch.zeros(net.models, points - 1, dtype=torch.bool)
    for weights, biases in net.layers()[:-1]:
        hidden = torch.baddbmm(biases, hidden, weights).relu()
        on = hidden > 0
        switched |= (on[:, 1:] != on[:, :-1]).any(-1).cpu()
    return 1 + switched.sum(1)


def plot_dependence(nets: Mapping[str, StackedMLP], epsilon: float) -> Plot:
    """Outputs along z with x = y = 1, and the truth.

    Parameters
    ----------
    nets : dict of str to StackedMLP
        Up to three, by name; the first network of each is drawn.
    epsilon : float
        What they learned.

    Returns
    -------
    Plot
        The truth as a thin line; on a two-sided logarithmic axis, so that large and negative
        values find a place.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used, or there are no networks or too many.

    Examples
    --------
    >>> net = StackedMLP(1, inputs=3, hidden=[8], seed=0, dtype=torch.float64)
    >>> plot_dependence({"untrained": net}, 0.01).alt.split(". ")[0]
    'Output along z, with x = y = 1, at epsilon 0.01, on a two-sided logarithmic axis'
    """
    few("nets", nets, most=3)
    for net in nets.values():
        check_net("nets", net, inputs=3)
    epsilon = _inputs.real("epsilon", epsilon, above=0)
    inputs = inputs_along_z()
    z = inputs[:, 0]
    curves = {name: along_z(net)[0] for name, net in nets.items()}
    truth = singular_target(inputs, epsilon)
    rows = pd.concat(
        pd.DataFrame({"z": z, "value": two_sided_log(curve.double()), "name": name})
        for name, curve in curves.items()
    )
    rows["name"] = pd.Categorical(rows["name"], categories=list(nets))
    true = pd.DataFrame({"z": z, "value": two_sided_log(truth)})
    away, middle = z.abs() > 0.2, len(z) // 2
    said, off = [], {}
    for name, curve in curves.items():
        off[name] = (curve - truth)[away].abs().median().item()
        said.append(f"{name}: {curve[middle]:.2g} at z = 0, median error {off[name]:.2g}")
    peak = max(curves, key=lambda name: curves[name][middle].item())
    ticks = [-1e4, -1e2, -1, 0, 1, 1e2, 1e4]
    return (
        in_styles(
            Plot(
                rows,
                pn.aes("z", "value"),
                alt="Output along z, with x = y = 1, at epsilon "
                f"{epsilon:g}, on a two-sided logarithmic axis. The truth, a thin line, is "
                f"{truth[middle]:g} at z = 0 and {truth[-1]:.2g} at the ends. At z = 0, and in the "
                f"median where abs(z) is above 0.2: {'; '.join(said)}.",
            ),
            "name",
        )
        + pn.geom_line(
            pn.aes("z", "value"), true, inherit_aes=False, color=PALETTE["ink"], size=0.5
        )
        + pn.geom_line(size=0.9)
        + pn.scale_y_continuous(
            breaks=two_sided_log(torch.tensor(ticks)).tolist(),
            labels=[f"{tick:g}" if abs(tick) < 1e3 else f"{tick:,.0f}" for tick in ticks],
        )
        + pn.labs(
            title=f"{peak} reaches {curves[peak][middle]:,.0f} of {truth[middle]:,.0f},\n"
            f"and is off by {off[peak]:.2g} where abs(z) is above 0.2"
            if curves[peak].isfinite().all()
            else f"{peak}: not finite",
            x="z",
            y="output (two-sided log scale)",
        )
    )


def plot_slope(net: StackedMLP, low: float = -1.0, high: float = 1.0) -> Plot:
    """A network's output along z, and its slope: a staircase.

    Parameters
    ----------
    net : StackedMLP
        The first of its networks is drawn.
    low, high : float, default -1 and 1
        Ends of the line of z; x = y = 1.

    Returns
    -------
    Plot

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> net = StackedMLP(1, inputs=3, hidden=[8], seed=0, dtype=torch.float64)
    >>> plot_slope(net).alt.split(",")[0]
    'Output along z'
    """
    net = check_net("net", net, inputs=3).some(slice(1))
    curve = along_z(net, low, high)[0].double()
    z = np.linspace(low, high, len(curve))
    slope = curve.diff() / (z[1] - z[0])
    panels = ["output", "slope of the output"]
    rows = pd.concat(
        [
            pd.DataFrame({"z": z, "value": curve, "panel": panels[0]}),
            pd.DataFrame({"z": (z[1:] + z[:-1]) / 2, "value": slope, "panel": panels[1]}),
        ]
    )
    rows["panel"] = pd.Categorical(rows["panel"], categories=panels)
    number = int(pieces(net, low, high))
    return (
        Plot(
            rows,
            pn.aes("z", "value"),
            alt=f"Output along z, from {low:g} to {high:g} with x = y = 1, and its slope below. "
            f"The output is made of {counted(number, 'straight piece')}, each with a level slope; "
            f"it runs from {slope.min():.2g} to {slope.max():.2g}.",
        )
        + pn.geom_line(color=PALETTE["blue"], size=0.8)
        + pn.facet_wrap("panel", ncol=1, scales="free_y")
        + pn.labs(
            title=f"{counted(number, 'straight piece')}: the slope is a staircase", x="z", y=""
        )
        + pn.theme(figure_size=(6, 4.75))
    )
