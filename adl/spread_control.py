"""A learning rate that is changed so that the loss keeps fluctuating by the same amount.

The idea is that of the note which this part of chapter 3 grew from: too much fluctuation says that
the rate is too high, too little that it is too low. Everything depends on what is taken for the
fluctuation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotnine as pn
import torch
from torch import Tensor

from adl import _inputs
from adl._batches import check_batch
from adl._session import progress_bar
from adl.models import StackedMLP
from adl.plotting import PALETTE, Plot, counted
from adl.training import StackedAdam, StackedSGD, check_optimizer

__all__ = ["SIGNALS", "Held", "floor_within_batch", "hold_spread", "plot_control"]

SIGNALS = ("raw", "corrected", "probe")
"""What can be held constant: see `hold_spread`."""

_EVERY = 10  # steps from one change of the rate to the next
_CRUSHED = 1e-6  # a rate at which a network no longer learns
_RUNAWAY = 1.0  # a rate at which Adam moves each weight by about 1 a step
_SIGNAL = "spread of log10 loss (signal)"
_LEAST, _MOST = 0.9, 1.1  # factors of one change


@dataclass(frozen=True)
class Held:
    """What a controller of the learning rate did.

    Attributes
    ----------
    losses : torch.Tensor, shape (steps, models)
        Loss of each network before each step, on the step's batch.
    at : torch.Tensor, shape (changes,)
        How many steps of this training had been made at each change of the rate.
    signal : torch.Tensor, shape (changes, models)
        What the controller saw.
    rates : torch.Tensor, shape (changes, models)
        Learning rates that it chose.

    See Also
    --------
    hold_spread : returns it.
    plot_control : draws it.

    Examples
    --------
    >>> from adl.data import singular_batch
    >>> sgd = StackedSGD(StackedMLP(5, inputs=3, hidden=[8], seed=0))
    >>> held = hold_spread(
    ...     sgd, singular_batch(20, seed=0), target=0.1, step_size=1e-6, steps=60, window=40
    ... )
    >>> held.at
    tensor([40, 50, 60])
    >>> held.losses.shape, held.rates.shape
    (torch.Size([60, 5]), torch.Size([3, 5]))
    """

    losses: Tensor
    at: Tensor
    signal: Tensor
    rates: Tensor


def floor_within_batch(squared_errors: Tensor) -> Tensor:
    """Spread of log10 of a batch's mean squared error, estimated from that batch alone.

    Parameters
    ----------
    squared_errors : torch.Tensor, shape (..., examples)
        Of a floating dtype, with at least one example.

    Returns
    -------
    torch.Tensor, shape (...)
        ``sqrt(var / examples) / mean / ln 10`` of the squared errors: a change of the mean by a
        small share changes its log10 by that share over ln 10.

    Raises
    ------
    TypeError, ValueError
        If `squared_errors` are not such a tensor.

    See Also
    --------
    adl.fluctuations.noise_floor : the same, if the kurtosis of the errors is known.

    Examples
    --------
    >>> errors = torch.randn(1000, 200, generator=torch.Generator().manual_seed(0))
    >>> round(floor_within_batch(errors**2).mean().item(), 3)
    0.043
    """
    if not isinstance(squared_errors, Tensor) or not squared_errors.is_floating_point():
        raise TypeError(
            f"squared_errors: expected a tensor of a floating dtype, got {squared_errors!r:.60}"
        )
    if squared_errors.ndim == 0 or squared_errors.shape[-1] == 0:
        raise ValueError(
            f"squared_errors: expected shape (..., examples) with at least one example, "
            f"got {tuple(squared_errors.shape)}"
        )
    variance, mean = torch.var_mean(squared_errors, -1, correction=0)
    return (variance / squared_errors.shape[-1]).sqrt() / (mean * np.log(10))


def hold_spread(
    optimizer: StackedSGD | StackedAdam,
    batch: tuple[Tensor, Tensor] | Callable[[torch.Generator], tuple[Tensor, Tensor]],
    *,
    target: float,
    signal: str = "raw",
    step_size: float,
    steps: int,
    window: int = 200,
    gain: float = 0.1,
    probe: tuple[Tensor, Tensor] | None = None,
    seed: Any = None,
) -> Held:
    """Train on the mean squared error, and control the spread of its logarithm by the rate.

    As soon as a window is full, and from then on every ten steps, each network's learning rate is
    multiplied by ``(target / signal)**gain``, but at least by 0.9 and at most by 1.1.

    Parameters
    ----------
    optimizer : StackedSGD or StackedAdam
        It knows the networks.
    batch : tuple of torch.Tensor, or callable
        As in `adl.training.train_stacked`.
    target : float
        What the signal should be, in powers of ten; above 0.
    signal : {"raw", "corrected", "probe"}
        What is held: ``"raw"``, the standard deviation of log10 loss over the last `window` steps;
        ``"corrected"``, the same without the share that `floor_within_batch` explains; ``"probe"``,
        as raw, of the loss on one batch that never changes and is never trained on.
    step_size : float
        Learning rate until the first change.
    steps : int
        Number of steps, at least `window`.
    window : int, default 200
        Over how many steps the signal is measured.
    gain : float, default 0.1
        How strongly the rate answers.
    probe : tuple of torch.Tensor, optional
        The batch for ``"probe"``; for the other signals none.
    seed : int or torch.Generator, optional
        For fresh batches; None is fresh randomness.

    Returns
    -------
    Held

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> from adl.data import singular_batch
    >>> from adl.models import StackedMLP
    >>> adam = StackedAdam(StackedMLP(5, inputs=3, hidden=[8], seed=0))
    >>> held = hold_spread(
    ...     adam,
    ...     lambda generator: singular_batch(5, 20, seed=generator),
    ...     target=0.01,
    ...     step_size=0.01,
    ...     steps=100,
    ...     window=50,
    ...     seed=0,
    ... )
    >>> held.at
    tensor([ 50,  60,  70,  80,  90, 100])
    >>> bool((held.rates[-1] < 0.01).all())  # so small a target is out of reach
    True
    """
    net = check_optimizer(optimizer).net
    target, step_size, gain = (
        _inputs.real(name, value, above=0)
        for name, value in (("target", target), ("step_size", step_size), ("gain", gain))
    )
    if signal not in SIGNALS:
        raise ValueError(f"signal: expected one of {', '.join(SIGNALS)}, got {signal!r}")
    if (signal == "probe") != (probe is not None):
        raise ValueError('probe: expected a batch for the signal "probe", and none for the others')
    window = _inputs.whole("window", window, at_least=2)
    steps = _inputs.whole("steps", steps, at_least=window)
    if probe is not None:
        probe = check_batch(probe, net)
    if not callable(batch):
        inputs, targets = check_batch(batch, net)
    generator = _inputs.torch_generator(seed)

    rate = net.vector.new_full((net.models,), step_size)
    losses, watched = (net.vector.new_empty(steps, net.models) for _ in range(2))
    floors = torch.zeros_like(losses)
    at, signals, rates = [], [], []
    for step in progress_bar(range(steps), label="training"):
        if callable(batch):
            inputs, targets = check_batch(batch(generator), net)
        errors = (net(inputs) - targets).square()
        each = errors.mean(-1)
        (gradient,) = torch.autograd.grad(each.sum(), net.vector)
        losses[step] = watched[step] = each.detach()
        if signal == "corrected":
            floors[step] = floor_within_batch(errors.detach())
        if probe is not None:
            watched[step] = _loss(net, probe)
        optimizer.step(gradient, rate[:, None])
        if step + 1 >= window and (step + 1 - window) % _EVERY == 0:
            recent = slice(step + 1 - window, step + 1)
            variance = watched[recent].log10().var(0, correction=0) - floors[recent].square().mean(
                0
            )
            signals.append(variance.clamp_min(0).sqrt())
            rate = rate * (target / signals[-1]).pow(gain).clamp(_LEAST, _MOST)
            rates.append(rate)
            at.append(step + 1)
    return Held(losses, torch.tensor(at), torch.stack(signals), torch.stack(rates))


def plot_control(held: Held, *, target: float) -> Plot:
    """What a controller saw, and what it did: signal and learning rate against the step.

    Parameters
    ----------
    held : Held
        What `hold_spread` returned.
    target : float
        What it was to hold; drawn as a line.

    Returns
    -------
    Plot
        Medians, with a band from the lowest to the highest network.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> signal = torch.full((3, 10), 0.4)
    >>> rates = torch.tensor([[1e-2], [1e-5], [1e-8]]).expand(3, 10)
    >>> held = Held(torch.ones(40, 10), torch.tensor([20, 30, 40]), signal, rates)
    >>> plot_control(held, target=0.075).labels.title
    'Not held: rate below 1e-6 in 10 of 10 networks'
    """
    if not isinstance(held, Held):
        raise TypeError(f"held: expected what hold_spread returned, got {type(held).__name__}")
    target = _inputs.real("target", target, above=0)
    signal, rates = held.signal.cpu().numpy(), held.rates.cpu().numpy()
    # A network that says the same to everything has signal 0, which no logarithmic axis can show.
    panels = {_SIGNAL: signal.clip(min=target / 100), "learning rate": rates}
    rows = pd.concat(
        # Of the networks that are finite; a step at which none is cannot be drawn.
        pd.DataFrame(values)
        .replace(np.inf, np.nan)
        .quantile([0, 0.5, 1], axis=1)
        .T.set_axis(["low", "median", "high"], axis=1)
        .assign(step=held.at.cpu().numpy(), panel=panel)
        .dropna()
        for panel, values in panels.items()
    )
    rows["panel"] = pd.Categorical(rows["panel"], categories=list(panels))
    finding = _verdict(signal, rates, target)
    line = pd.DataFrame({"panel": pd.Categorical([_SIGNAL], list(panels)), "target": [target]})
    return (
        Plot(
            rows,
            pn.aes("step", "median"),
            alt=f"Above, the signal, a spread of log10 loss, against the step, with a line at its "
            f"target {target:g}; below, the learning rate that was chosen; both on logarithmic "
            f"axes, as median and range of {counted(signal.shape[1], 'network')}. {finding}.",
        )
        + pn.geom_hline(pn.aes(yintercept="target"), line, color=PALETTE["ink"], linetype="dashed")
        + pn.geom_ribbon(pn.aes(ymin="low", ymax="high"), fill=PALETTE["blue"], alpha=0.2)
        + pn.geom_line(color=PALETTE["blue"], size=0.9)
        + pn.facet_wrap("panel", ncol=1, scales="free_y")
        + pn.scale_y_log10()
        + pn.labs(title=finding, x="step", y="(log scales)")
    )


@torch.no_grad()
def _loss(net: StackedMLP, batch: tuple[Tensor, Tensor]) -> Tensor:
    inputs, targets = batch
    return (net(inputs) - targets).square().mean(-1)


def _verdict(signal: np.ndarray, rates: np.ndarray, target: float) -> str:
    """Whether the signal was held; if not, what became of most networks."""
    # Of the second half, the mean: single readings wander, and no chaos can change the verdict.
    kept = signal[len(signal) // 2 :].mean(0) / target
    near, networks = (kept > 0.5) & (kept < 2), counted(len(kept), "network")
    if 2 * near.sum() > len(kept):
        return f"On average within a factor of 2 of {target:g} in {near.sum()} of {networks}"
    fates = {
        "not finite": ~np.isfinite(kept),
        "rate below 1e-6": rates[-1] < _CRUSHED,
        "rate above 1": rates[-1] > _RUNAWAY,
    }
    fate, met = max(fates.items(), key=lambda item: item[1].sum())
    if 2 * met.sum() <= (~near).sum():
        fate, met = "off by over a factor of 2", ~near
    return f"Not held: {fate} in {met.sum()} of {networks}"
