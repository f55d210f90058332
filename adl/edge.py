"""Training at the edge of stability: step size × curvature read while a network learns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotnine as pn
import torch
from torch import Tensor

from adl import _inputs, curvature
from adl._session import progress_bar
from adl.plotting import PALETTE, Plot, few, in_styles
from adl.training import StackedAdam, StackedSGD, check_optimizer, train_stacked

__all__ = ["Watched", "plot_change", "plot_products", "stability", "watch"]


def stability(
    optimizer: StackedSGD | StackedAdam, batch: tuple[Tensor, Tensor], step_size: Any
) -> Tensor:
    """Step size × curvature, measured as the optimiser feels it: stable below 2.

    The curvature is the sharpness; for Adam the preconditioned one. An averaged gradient allows
    steps that are ``(1 + beta1) / (1 - beta1)`` times as large, and the product is divided by that,
    so that its limit is 2 whatever the momentum.

    Parameters
    ----------
    optimizer : StackedSGD or StackedAdam
        After at least one step if it is Adam.
    batch : tuple of torch.Tensor
        Inputs and targets of the loss.
    step_size : float or torch.Tensor, shape (models,)
        Learning rate.

    Returns
    -------
    torch.Tensor, shape (models,)

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> from adl.data import singular_batch
    >>> from adl.models import StackedMLP
    >>> sgd = StackedSGD(StackedMLP(5, inputs=3, hidden=[8], seed=0))
    >>> stability(sgd, singular_batch(200, epsilon=1, seed=0), step_size=0.1).shape
    torch.Size([5])
    """
    check_optimizer(optimizer)
    if isinstance(optimizer, StackedAdam):
        sharpness = curvature.preconditioned_sharpness(optimizer.net, batch, optimizer)
        limit = curvature.stability_limit(step_size, beta1=optimizer.beta1[:, 0])
    else:
        sharpness = curvature.sharpness(optimizer.net, batch)
        limit = curvature.stability_limit(step_size) * (1 + optimizer.momentum)
    return 2 * sharpness / torch.as_tensor(limit).to(sharpness)


_NEAR = 1.8  # a product above this is at the edge


@dataclass(frozen=True)
class Watched:
    """A training, and what was read on the way.

    Attributes
    ----------
    losses : torch.Tensor, shape (steps, models)
        Loss before each step.
    at : torch.Tensor, shape (readings,)
        How many steps of this training had been made at each reading.
    products : torch.Tensor, shape (readings, models)
        Step size × curvature then, as `stability` gives it.

    Examples
    --------
    >>> seen = Watched(torch.ones(40, 5), torch.tensor([20, 40]), torch.ones(2, 5))
    >>> seen.products.shape
    torch.Size([2, 5])
    """

    losses: Tensor
    at: Tensor
    products: Tensor

    def of(self, models: slice) -> Watched:
        """Some of the networks only.

        Parameters
        ----------
        models : slice
            Which.

        Returns
        -------
        Watched

        Examples
        --------
        >>> both = Watched(torch.zeros(10, 2), torch.tensor([10]), torch.ones(1, 2))
        >>> both.of(slice(1)).products
        tensor([[1.]])
        """
        return Watched(self.losses[:, models], self.at, self.products[:, models])

    def then(self, later: Watched) -> Watched:
        """Join a training and the one that went on from its end.

        Parameters
        ----------
        later : Watched

        Returns
        -------
        Watched

        Examples
        --------
        >>> nothing = Watched(torch.zeros(10, 1), torch.tensor([10]), torch.ones(1, 1))
        >>> nothing.then(nothing).at
        tensor([10, 20])
        """
        return Watched(
            torch.cat([self.losses, later.losses]),
            torch.cat([self.at, later.at + len(self.losses)]),
            torch.cat([self.products, later.products]),
        )


def watch(
    optimizer: StackedSGD | StackedAdam,
    batch: tuple[Tensor, Tensor],
    *,
    step_size: Any,
    steps: int,
    every: int = 20,
) -> Watched:
    """Train on a fixed batch, and read step size × curvature after every so many steps.

    Parameters
    ----------
    optimizer : StackedSGD or StackedAdam
        It knows the networks.
    batch : tuple of torch.Tensor
        Inputs and targets.
    step_size : float or torch.Tensor, shape (models,)
        Learning rate of all networks, or of each.
    steps : int
        Number of steps, a multiple of `every`.
    every : int, default 20
        Steps from one reading to the next. A reading costs about as much as ten to thirty steps.

    Returns
    -------
    Watched

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> from adl.data import singular_batch
    >>> from adl.models import StackedMLP
    >>> adam = StackedAdam(StackedMLP(5, inputs=3, hidden=(32, 32), seed=0))
    >>> seen = watch(adam, singular_batch(5, 200, seed=0), step_size=0.02, steps=40)
    >>> seen.losses.shape, seen.at
    (torch.Size([40, 5]), tensor([20, 40]))
    """
    every = _inputs.whole("every", every, at_least=1)
    steps = _inputs.whole("steps", steps, at_least=1)
    if steps % every:
        raise ValueError(f"steps: expected a multiple of every ({every}), got {steps}")
    losses, products = [], []
    for _ in progress_bar(range(steps // every), label="training and measuring"):
        losses.append(train_stacked(optimizer, batch, step_size=step_size, steps=every).losses)
        products.append(stability(optimizer, batch, step_size))
    at = every * torch.arange(1, len(products) + 1)
    return Watched(torch.cat(losses), at, torch.stack(products))


def plot_products(runs: Mapping[str, Watched]) -> Plot:
    """Step size × curvature while networks learn, with the limit 2.

    Parameters
    ----------
    runs : dict of str to Watched
        Up to four, by name.

    Returns
    -------
    Plot
        The median over the networks as a line; a band holds the middle half of them. (A
        single reading may be absurd, when Adam's running size of some gradient is near zero.)

    Raises
    ------
    TypeError, ValueError
        If there are no runs or too many.

    Examples
    --------
    >>> seen = Watched(torch.ones(40, 5), torch.tensor([20, 40]), torch.ones(2, 5))
    >>> plot_products({"mine": seen}).alt.split(". ")[1]
    'In the last half, mine: about 1.'
    """
    few("runs", runs)
    lines = pd.concat(_middle(run).assign(name=name) for name, run in runs.items())
    lines["name"] = pd.Categorical(lines["name"], categories=list(runs))
    ends = {
        name: _halves(run.products[len(run.at) // 2 :].median(1).values.median())
        for name, run in runs.items()
    }
    said = "; ".join(f"{name}: about {end}" for name, end in ends.items())
    low, high = min(ends.values(), key=float), max(ends.values(), key=float)
    settled = low if low == high else f"{low} to {high}"
    return (
        in_styles(
            Plot(
                lines,
                pn.aes("step", "median"),
                alt="Step size × curvature against the steps of training, median over the "
                f"networks, and a line at the limit 2. In the last half, {said}.",
            ),
            "name",
        )
        + pn.geom_hline(yintercept=2, color=PALETTE["ink"], size=0.5)
        + pn.geom_ribbon(pn.aes(ymin="low", ymax="high"), alpha=0.15, color="none", na_rm=True)
        + pn.geom_line(size=0.9, na_rm=True)
        + pn.coord_cartesian(ylim=(0, 3))
        + pn.labs(
            title=f"Step size × curvature comes to about {settled}",
            x="step",
            y="step size × curvature",
        )
    )


def plot_change(before: Watched, after: Watched, *, rates: tuple[float, float]) -> Plot:
    """What a change of the learning rate does to the loss, and to step size × curvature.

    Parameters
    ----------
    before, after : Watched
        Of the same networks. The loss is drawn for the first of them, from as many steps before
        the change as there are after it; the product as in `plot_products`.
    rates : tuple of float
        Learning rate before and after.

    Returns
    -------
    Plot
        Two panels with one axis of steps, which counts from the change.

    Raises
    ------
    TypeError, ValueError
        If the rates are not two numbers.

    Examples
    --------
    >>> seen = Watched(torch.ones(40, 5), torch.tensor([20, 40]), torch.ones(2, 5))
    >>> plot_change(seen, seen, rates=(0.02, 0.02)).alt[:60]
    'Loss and step size × curvature, with the learning rate chang'
    """
    if len(rates) != 2:
        raise ValueError(f"rates: expected the rate before and after, got {rates!r:.60}")
    old, new = (_inputs.real("rates", rate) for rate in rates)
    whole, change = before.then(after), len(before.losses)
    # The networks are the same at the moment of the change, so the product changes as the rate.
    jump = Watched(after.losses[:0], torch.tensor([change]), before.products[-1:] * new / old)
    loss, product = "log10 of the loss, one network", "step size × curvature, many networks"
    panels = pd.CategoricalDtype([loss, product], ordered=True)
    curve = pd.DataFrame({"step": np.arange(len(whole.losses)), "panel": loss})
    curve["value"] = whole.losses[:, 0].log10().cpu().numpy()
    curve, readings = (
        table[table["step"] >= change - len(after.losses)]
        .assign(step=lambda rows: rows["step"] - change)
        .astype({"panel": panels})
        for table in (
            curve,
            pd.concat(
                [_middle(before), _middle(jump), _middle(whole).iloc[len(before.at) :]]
            ).assign(panel=product),
        )
    )
    limit = pd.DataFrame({"value": [2.0], "panel": [product]}).astype({"panel": panels})
    then, soon = (_halves(seen.products[k].median()) for seen, k in ((before, -1), (after, 0)))
    directly = f"{float(then) * new / old:g}"
    finding = f"{then} → {directly}" + (f" → {soon}" if soon != directly else "")
    alt = (
        f"Loss and step size × curvature, with the learning rate changed from {old:g} to {new:g} "
        f"at step 0. The median product is about {then} before the change, about {directly} "
        f"directly after it, and about {soon} {int(after.at[0])} steps later."
    )
    back = (after.products.median(1).values > _NEAR).int()
    if float(directly) < _NEAR and bool(back.any()):
        steps = round(int(after.at[back.argmax()]), -2)
        finding += f", back after about {steps} steps"
        alt += f" It is back near 2 after about {steps} steps."
    blue = PALETTE["blue"]
    return (
        Plot(curve, pn.aes("step", "value"), alt=alt)
        + pn.geom_line(color=blue, size=0.5, na_rm=True)
        + pn.geom_ribbon(
            pn.aes(y="median", ymin="low", ymax="high"), readings, fill=blue, alpha=0.2
        )
        + pn.geom_line(pn.aes(y="median"), readings, color=blue, size=0.9, na_rm=True)
        + pn.geom_hline(pn.aes(yintercept="value"), limit, color=PALETTE["ink"], size=0.5)
        + pn.geom_vline(xintercept=0, color=PALETTE["red"], linetype="dashed", size=0.6)
        + pn.facet_wrap("panel", ncol=1, scales="free_y")
        + pn.labs(
            title=f"Step size × curvature {finding}",
            x="steps since the change of the rate",
            y="",
        )
        + pn.theme(figure_size=(6, 4.75))
    )


def _middle(run: Watched) -> pd.DataFrame:
    """Step, median and the ends of the middle half of the products; gaps where nan."""
    with np.errstate(invalid="ignore"):  # between two infinite numbers lies none
        low, median, high = np.quantile(run.products.double().cpu(), [0.25, 0.5, 0.75], axis=1)
    return pd.DataFrame({"step": run.at.cpu().numpy(), "low": low, "median": median, "high": high})


def _halves(product: Tensor) -> str:
    """Nearest half: what is the same on every machine, although such trainings are chaotic."""
    return f"{round(2 * float(product)) / 2:g}" if product.isfinite() else "inf"
