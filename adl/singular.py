"""Networks that learn the singular target under one loss or another, and how well they do.

For a comparison to be fair, everything but the loss and epsilon is the same: whatever the loss,
network number 3 starts from the same weights and sees the same inputs in the same order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from adl import _inputs
from adl._batches import check_net
from adl._session import progress_bar
from adl.data import check_epsilons, singular_batch, singular_target
from adl.losses import LOSSES
from adl.models import StackedMLP
from adl.training import StackedAdam, train_stacked

__all__ = [
    "EPSILONS",
    "Fitted",
    "baselines",
    "bill",
    "fit",
    "held_out",
    "measure",
    "predict",
    "target_over_prediction",
]

EPSILONS = (1.0, 0.1, 0.01, 1e-3, 1e-4)
"""What chapter 4 adds to z², from harmless to cruel."""

_EXAMPLES = 20_000


@dataclass(frozen=True, eq=False)
class Fitted:
    """Networks after a training with one loss.

    Attributes
    ----------
    loss : str
        Name in `adl.losses.LOSSES`.
    epsilons : tuple of float
        Of the targets that were learned.
    net : StackedMLP
        The networks: all those of the first epsilon, then those of the next.
    left : torch.Tensor, shape (steps, epsilons, networks)
        Loss in each step, as a share of what always saying 0 costs on the same batch. At 1 nothing
        has been learned.
    path : torch.Tensor, shape (readings, networks of all epsilons, parameters)
        Parameters on the way, the last being those at the end.
    at : torch.Tensor, shape (readings,)
        How many steps had been made at each.

    Examples
    --------
    >>> fitted = fit("L1", [1.0], networks=2, steps=20, every=10)
    >>> fitted.left.shape, fitted.at
    (torch.Size([20, 1, 2]), tensor([10, 20]))
    """

    loss: str
    epsilons: tuple[float, ...]
    net: StackedMLP
    left: Tensor
    path: Tensor
    at: Tensor

    def of(self, epsilon: float) -> StackedMLP:
        """The networks that learned one of the targets.

        Parameters
        ----------
        epsilon : float
            One of `epsilons`.

        Returns
        -------
        StackedMLP

        Raises
        ------
        ValueError
            If no network learned it.

        Examples
        --------
        >>> fit("L1", [1.0, 0.1], networks=3, steps=5, seed=0).of(0.1).models
        3
        """
        return self.net.some(self.rows(epsilon))

    def rows(self, epsilon: float) -> slice:
        """Where those networks stand among all.

        Parameters
        ----------
        epsilon : float
            One of `epsilons`.

        Returns
        -------
        slice

        Raises
        ------
        ValueError
            If no network learned it.

        Examples
        --------
        >>> fit("L1", [1.0, 0.1], networks=3, steps=5).rows(0.1)
        slice(3, 6, None)
        """
        if epsilon not in self.epsilons:
            raise ValueError(f"epsilon: expected one of {self.epsilons}, got {epsilon!r:.60}")
        networks = self.net.models // len(self.epsilons)
        place = networks * self.epsilons.index(epsilon)
        return slice(place, place + networks)


def fit(
    loss: str,
    epsilons: Sequence[float] = EPSILONS,
    *,
    networks: int = 5,
    hidden: Sequence[int] = (32, 32),
    steps: int = 500,
    step_size: float = 0.01,
    every: int | None = None,
    seed: int = 0,
) -> Fitted:
    """Train networks on the singular target, some for each epsilon, all at once.

    Adam, with a rate that falls linearly to 0, on a fresh batch of 200 examples in each step.

    Parameters
    ----------
    loss : str
        Name in `adl.losses.LOSSES`.
    epsilons : sequence of float, default EPSILONS
        Of the targets, each once; the inputs are the same for all.
    networks : int, default 5
        For each epsilon.
    hidden : sequence of int, default (32, 32)
        Widths of the hidden layers (ReLU).
    steps : int, default 500
        Number of steps.
    step_size : float, default 0.01
        Of the first step.
    every : int, optional
        Steps from one reading of the parameters to the next, a divisor of `steps`; by default they
        are read at the end only.
    seed : int, default 0
        Of starts and batches, the same whatever the loss and the epsilon.

    Returns
    -------
    Fitted
        In float64. On fresh batches, and with a rate that falls, such a training is not chaotic:
        two machines agree on far more digits than are ever shown.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> fit("two-sided log", networks=2, steps=50, seed=0).net
    StackedMLP(10 models, 3-32-32-1, 1217 parameters each)
    """
    if loss not in list(LOSSES):
        raise ValueError(f"loss: expected one of {', '.join(LOSSES)}, got {loss!r:.60}")
    epsilons = check_epsilons(epsilons)
    networks = _inputs.whole("networks", networks, at_least=1)
    steps = _inputs.whole("steps", steps, at_least=1)
    step_size = _inputs.real("step_size", step_size, above=0)
    every = steps if every is None else _inputs.whole("every", every, at_least=1)
    if steps % every:
        raise ValueError(f"every: expected a divisor of the {steps} steps, got {every}")
    seed = _inputs.whole("seed", seed, at_least=0)
    _inputs.real("seed", seed, below=2**63)  # PyTorch's end at twice that; one makes two of them
    net = StackedMLP(networks * len(epsilons), inputs=3, hidden=hidden, seed=0, dtype=torch.float64)
    hidden = tuple(net.widths[1:-1])
    left, path = _train(loss, epsilons, networks, hidden, steps, step_size, every, seed)
    with torch.no_grad():
        net.vector.copy_(path[-1])
    at = torch.arange(every, steps + 1, every)
    return Fitted(loss, epsilons, net, left.clone(), path.clone(), at)


# A chapter and its claims ask for the same trainings, and those depend on nothing but this. One of
# 25 networks takes 0.1 MB, and 0.2 MB for each reading.
@lru_cache(maxsize=32)
def _train(
    loss: str,
    epsilons: tuple[float, ...],
    networks: int,
    hidden: tuple[int, ...],
    steps: int,
    step_size: float,
    every: int,
    seed: int,
) -> tuple[Tensor, Tensor]:
    """Losses as shares of those of saying 0, and parameters on the way."""
    each = torch.arange(networks).repeat(len(epsilons))
    start = StackedMLP(networks, inputs=3, hidden=hidden, seed=2 * seed, dtype=torch.float64)
    column = torch.tensor(epsilons, dtype=torch.float64).repeat_interleave(networks)[:, None]
    zeros = []

    def draw(generator: torch.Generator) -> tuple[Tensor, Tensor]:
        inputs, _ = singular_batch(networks, 200, seed=generator, dtype=torch.float64)
        inputs = inputs[each]
        targets = singular_target(inputs, column)
        zeros.append(LOSSES[loss](torch.zeros_like(targets), targets, reduction="none").mean(-1))
        return inputs, targets

    adam, generator = StackedAdam(start.some(each)), _inputs.torch_generator(2 * seed + 1)
    rates = torch.linspace(step_size, 0, steps, dtype=torch.float64)[:, None]
    losses, path = [], []
    parts = rates.split(every)
    # One part has the trainer's own progress bar.
    for part in progress_bar(parts, label=f"training with {loss}") if parts[1:] else parts:
        run = train_stacked(
            adam, draw, step_size=part, steps=every, loss=LOSSES[loss], seed=generator
        )
        losses.append(run.losses)
        path.append(adam.net.vector.detach().clone())
    left = (torch.cat(losses) / torch.stack(zeros)).view(steps, len(epsilons), networks)
    return left, torch.stack(path)


def held_out(epsilon: float) -> tuple[Tensor, Tensor]:
    """The examples that all networks are judged by.

    Parameters
    ----------
    epsilon : float
        Of the target.

    Returns
    -------
    tuple of torch.Tensor, shapes (20000, 3) and (20000,)
        In float64; the same each time.

    Raises
    ------
    TypeError, ValueError
        If `epsilon` cannot be used.

    Examples
    --------
    >>> inputs, targets = held_out(1e-4)
    >>> inputs.shape, targets.shape
    (torch.Size([20000, 3]), torch.Size([20000]))
    """
    return singular_batch(_EXAMPLES, epsilon=epsilon, seed=10_000, dtype=torch.float64)


def baselines(epsilon: float) -> dict[str, Tensor]:
    """Squared errors of two ways to guess that need no network.

    Parameters
    ----------
    epsilon : float
        Of the target.

    Returns
    -------
    dict of str to torch.Tensor, shape (20000,)
        ``"two random targets"``: one target guessed to be another, drawn at random. ``"always 0"``:
        the targets' squares.

    Raises
    ------
    TypeError, ValueError
        If `epsilon` cannot be used.

    Examples
    --------
    >>> guesses = baselines(1e-4)
    >>> bool(guesses["always 0"].median() < guesses["two random targets"].median())
    True
    """
    _, targets = held_out(epsilon)
    # They are drawn independently, so a neighbour is as random as any other.
    pairs = (targets - targets.roll(1)).square()
    return {"two random targets": pairs, "always 0": targets.square()}


@torch.no_grad()
def predict(net: StackedMLP, epsilon: float, vector: Tensor | None = None) -> Tensor:
    """What networks say on the examples that all are judged by.

    Parameters
    ----------
    net : StackedMLP
        Networks with three inputs.
    epsilon : float
        Of the target.
    vector : torch.Tensor, shape (models, parameters), optional
        Parameters to use in place of the networks' own.

    Returns
    -------
    torch.Tensor, shape (models, 20000)
        On the CPU, in float64 whatever the networks are in.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    See Also
    --------
    held_out : the examples.

    Examples
    --------
    >>> predict(StackedMLP(5, inputs=3, hidden=[8], seed=0), 0.1).shape
    torch.Size([5, 20000])
    """
    check_net("net", net, inputs=3)
    inputs, _ = held_out(epsilon)
    vector = net.vector if vector is None else vector
    return net(inputs.to(vector), vector).to("cpu", torch.float64)


def measure(fitted: Fitted) -> pd.DataFrame:
    """How far the networks are from targets that they have not seen.

    Parameters
    ----------
    fitted : Fitted
        From `fit`.

    Returns
    -------
    pandas.DataFrame
        A line for each epsilon, reading and network, with columns ``loss``, ``epsilon``, ``step``,
        ``network``, ``median`` (of log10 of the squared error) and ``explained`` (share of the
        targets' variance, R²); nan where a network has diverged.

    Raises
    ------
    TypeError
        If `fitted` is anything else.

    Examples
    --------
    >>> list(measure(fit("L1", [1.0], networks=2, steps=20)).columns)
    ['loss', 'epsilon', 'step', 'network', 'median', 'explained']
    """
    check_fitted(fitted)
    tables = []
    for epsilon in fitted.epsilons:
        _, targets = held_out(epsilon)
        variance = targets.var(correction=0)
        net = fitted.of(epsilon)
        for step, vector in zip(
            fitted.at.tolist(), fitted.path[:, fitted.rows(epsilon)], strict=True
        ):
            squares = (predict(net, epsilon, vector) - targets).square()
            table = {
                "loss": fitted.loss,
                "epsilon": epsilon,
                "step": step,
                "network": np.arange(len(squares)),
                "median": squares.log10().median(1).values.numpy(),
                "explained": (1 - squares.mean(1) / variance).numpy(),
            }
            tables.append(pd.DataFrame(table))
    return pd.concat(tables, ignore_index=True)


def check_fitted(fitted: Any) -> Fitted:
    """The trained networks, if that is what came.

    Parameters
    ----------
    fitted : Fitted

    Returns
    -------
    Fitted

    Raises
    ------
    TypeError
        If it is anything else.

    Examples
    --------
    >>> check_fitted(None)
    Traceback (most recent call last):
    ...
    TypeError: fitted: expected what adl.singular.fit returns, got NoneType
    """
    if not isinstance(fitted, Fitted):
        raise TypeError(
            f"fitted: expected what adl.singular.fit returns, got {type(fitted).__name__}"
        )
    return fitted


def bill(net: StackedMLP, epsilon: float) -> pd.DataFrame:
    """Where networks save squared error against always saying 0, and where it costs them some.

    Parameters
    ----------
    net : StackedMLP
        Networks that learned the singular target.
    epsilon : float
        Of that target.

    Returns
    -------
    pandas.DataFrame
        For held-out examples at each distance from z = 0: ``examples``, their share in percent, and
        ``saved``, in percent of the sum of all squared targets; the median over the networks.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> table = bill(fit("MSE", [1e-4], networks=2, steps=20).of(1e-4), 1e-4)
    >>> list(table.columns), round(table["examples"].sum())
    (['examples', 'saved'], 100)
    """
    outputs = predict(net, epsilon)
    inputs, targets = held_out(epsilon)
    saved = targets.square() - (outputs - targets).square()
    rows = {}
    for low, high in pairwise([0, 0.01, 0.03, 0.1, 0.3, 1, math.inf]):
        here = (inputs[:, 0].abs() >= low) & (inputs[:, 0].abs() < high)
        rows[f"{low:g} to {high:g}" if high < math.inf else f"above {low:g}"] = {
            "examples": 100 * here.double().mean().item(),
            "saved": 100 * (saved[:, here].sum(1) / targets.square().sum()).median().item(),
        }
    return pd.DataFrame(rows).T.rename_axis("abs(z)")


def target_over_prediction(net: StackedMLP, epsilon: float, low: float, high: float) -> Tensor:
    """How large targets are where networks say a number of some size, in units of that number.

    Parameters
    ----------
    net : StackedMLP
        Networks that learned the singular target.
    epsilon : float
        Of that target.
    low, high : float
        Sizes of the predictions that are looked at, among held-out examples.

    Returns
    -------
    torch.Tensor, shape (models,)
        Medians of target over prediction; nan where a network predicts nothing of this size. Above
        1, what is predicted is too small.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used, or `low` is not below `high`.

    Examples
    --------
    >>> net = fit("L1", [0.01], networks=2, steps=100).of(0.01)
    >>> target_over_prediction(net, 0.01, 1, 10).shape
    torch.Size([2])
    """
    low, high = _inputs.interval("low", low, "high", high)
    outputs = predict(net, epsilon)
    _, targets = held_out(epsilon)
    sizes = outputs.abs()
    chosen = (sizes >= low) & (sizes < high)
    return (targets / outputs).where(chosen, torch.nan).nanmedian(1).values
