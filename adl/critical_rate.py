"""The largest step size that gradient descent survives, found by trying."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from copy import deepcopy
from numbers import Real
from textwrap import fill
from typing import Any

import pandas as pd
import plotnine as pn
import torch
from torch import Tensor

from adl import _inputs, curvature
from adl.data import singular_batch
from adl.models import StackedMLP
from adl.plotting import TITLE_WIDTH, Plot, counted, digits, few, in_styles
from adl.training import StackedSGD, train_stacked

__all__ = ["critical_step_sizes", "initial_sharpness", "plot_critical", "starts"]

_EXAMPLES, _HIDDEN = 200, (32, 32)  # the chapter's batches and networks
_LOWEST, _HIGHEST, _HALVINGS = 1e-6, 10.0, 6


def starts(
    epsilon: float, networks: int = 5, seed: Any = None
) -> tuple[StackedMLP, tuple[Tensor, Tensor]]:
    """Networks and fixed batches that the descents of this module begin with.

    Parameters
    ----------
    epsilon : float
        As in `adl.data.singular_target`.
    networks : int, default 5
        How many, with two hidden layers of 32.
    seed : int or torch.Generator, optional
        Randomness; None is fresh. The same seed gives the same weights and inputs for each epsilon.

    Returns
    -------
    tuple of StackedMLP and (torch.Tensor, torch.Tensor)
        The networks, and inputs and targets of 200 examples for each, in float64.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> net, (inputs, targets) = starts(0.01, networks=3, seed=0)
    >>> net, targets.shape
    (StackedMLP(3 models, 3-32-32-1, 1217 parameters each), torch.Size([3, 200]))
    """
    networks = _inputs.whole("networks", networks, at_least=1)
    generator = _inputs.torch_generator(seed)
    net = StackedMLP(networks, inputs=3, hidden=_HIDDEN, seed=generator, dtype=torch.float64)
    batch = singular_batch(
        networks, _EXAMPLES, epsilon=epsilon, seed=generator, dtype=torch.float64
    )
    return net, batch


def critical_step_sizes(
    loss: Callable[..., Tensor],
    epsilon: float,
    *,
    networks: int = 5,
    steps: int = 100,
    seed: Any = None,
) -> Tensor:
    """Largest step size of full-batch gradient descent that never takes the loss above its start.

    Each network has 200 examples of its own and learns them from the start again and again, with
    ever new step sizes: the interval between one that is too large and one that is not is halved
    six times, on a logarithmic scale, for all networks at once.

    Parameters
    ----------
    loss : callable
        As in `adl.training.train_stacked`.
    epsilon : float
        As in `adl.data.singular_target`.
    networks : int, default 5
        How many, with two hidden layers of 32.
    steps : int, default 100
        Number of steps during which the loss must not rise above its first value.
    seed : int or torch.Generator, optional
        Randomness of starts and inputs, which are the same for each loss and epsilon; None is
        fresh.

    Returns
    -------
    torch.Tensor, shape (networks,)
        The largest that was tried and survived; one that is 29% larger is too large. Tried are
        those between 0.000001 and 10: where none survives, 0.000001 is returned, though it may be
        too large itself; where all do, 7.8, though 10 might not be too large.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    See Also
    --------
    initial_sharpness : what decides it on a parabola, where it is 2 over the sharpness.

    Notes
    -----
    Whether the loss ends below its start would be another question: with a step that is far too
    large all units of a network may fall silent, and it ends at the loss of a constant.

    Examples
    --------
    >>> from adl.losses import mse_loss
    >>> tame, wild = (
    ...     critical_step_sizes(mse_loss, epsilon, steps=10, seed=0) for epsilon in (1, 0.01)
    ... )
    >>> bool((tame > 4 * wild).all())
    True
    """
    steps = _inputs.whole("steps", steps, at_least=1)
    start, batch = starts(epsilon, networks, seed)
    low = start.vector.new_full((start.models,), _LOWEST).log()
    high = torch.full_like(low, _HIGHEST).log()
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        net = deepcopy(start)
        # One step more, for losses are recorded before each.
        run = train_stacked(
            StackedSGD(net), batch, step_size=middle.exp(), steps=steps + 1, loss=loss
        )
        fine = (run.losses <= run.losses[0]).all(0)  # nan is not
        low, high = torch.where(fine, middle, low), torch.where(fine, high, middle)
    return low.exp()


def initial_sharpness(
    loss: Callable[..., Tensor], epsilon: float, *, networks: int = 5, seed: Any = None
) -> Tensor:
    """Sharpness of the loss where the descents of `critical_step_sizes` start.

    Parameters
    ----------
    loss, epsilon, networks, seed
        As in `critical_step_sizes`; the same seed gives the same networks and examples.

    Returns
    -------
    torch.Tensor, shape (networks,)

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    See Also
    --------
    adl.curvature.sharpness

    Examples
    --------
    >>> from adl.losses import mse_loss
    >>> initial_sharpness(mse_loss, 1.0, networks=3, seed=0).shape
    torch.Size([3])
    """
    start, batch = starts(epsilon, networks, seed)
    return curvature.sharpness(start, batch, loss=loss)


def plot_critical(
    critical: Mapping[str, Mapping[float, Tensor]],
    *,
    sharpness: Mapping[str, Mapping[float, Tensor]] | None = None,
) -> Plot:
    """Critical step size against epsilon, one curve for each loss.

    Parameters
    ----------
    critical : dict of str to dict of float to torch.Tensor, shape (networks,)
        For up to four losses by name, what `critical_step_sizes` returned for each epsilon (above
        0; the same at least two for all losses).
    sharpness : dict of str to dict of float to torch.Tensor, shape (networks,), optional
        In the same form what `initial_sharpness` returned, for some of the losses: 2 over it is
        drawn as a thin line.

    Returns
    -------
    Plot
        Medians over the networks; a band reaches from the smallest to the largest. Epsilon falls
        from left to right.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> rates = {1.0: torch.tensor([0.4]), 0.01: torch.tensor([0.004])}
    >>> print(plot_critical({"mine": rates}).labels.title)
    From epsilon 1 to 0.01 the critical step size falls
    100-fold (mine)
    """
    few("critical", critical)
    _check("critical", critical)
    sharpness = {} if sharpness is None else sharpness
    _check("sharpness", sharpness)
    epsilons = _epsilons(critical)
    limits = {name: {e: 2 / s for e, s in each.items()} for name, each in sharpness.items()}
    if not limits.keys() <= critical.keys():
        raise ValueError(f"sharpness: expected some of {list(critical)}, got {list(limits)}")
    first, last = epsilons[0], epsilons[-1]
    falls = {
        name: float(each[first].median() / each[last].median()) for name, each in critical.items()
    }
    most, least = max(falls, key=falls.__getitem__), min(falls, key=falls.__getitem__)
    finding = (
        f"From epsilon {first:g} to {last:g} the critical step size {_change(falls[most])} ({most})"
    )
    if least != most:
        finding += f", {_change(falls[least])} ({least})"
    said = "; ".join(
        f"{name}: from {float(each[first].median()):.2g} at epsilon {first:g} to "
        f"{float(each[last].median()):.2g} at {last:g}"
        for name, each in critical.items()
    )
    if limits:
        said += f". Thin lines, 2 over the sharpness at the start: {', '.join(limits)}"
    networks = len(critical[most][first])
    plot = (
        in_styles(
            Plot(
                _in_rows(critical, list(critical)),
                pn.aes("position", "median"),
                alt="Largest step size of gradient descent that never takes the loss above its "
                "start, against epsilon, both axes logarithmic, median over "
                f"{counted(networks, 'network')}. {said}.",
            ),
            "name",
        )
        + pn.geom_ribbon(pn.aes(ymin="low", ymax="high"), alpha=0.15, color="none")
        + pn.geom_line(size=0.9)
        + pn.geom_point(size=2)
        + pn.scale_x_continuous(
            breaks=[_position(epsilon) for epsilon in epsilons],
            labels=[f"{epsilon:g}" for epsilon in epsilons],
        )
        + pn.scale_y_log10()
        + pn.labs(
            title=fill(finding, TITLE_WIDTH, break_on_hyphens=False),
            x="epsilon (log scale)",
            y="critical step size (log scale)",
        )
    )
    return plot + pn.geom_line(data=_in_rows(limits, list(critical)), size=0.4) if limits else plot


def _check(name: str, tables: Any) -> None:
    """Refuse what does not hold, for each loss and epsilon, a number for each network."""
    right = isinstance(tables, Mapping) and all(
        isinstance(each, Mapping)
        and all(isinstance(epsilon, Real) for epsilon in each)
        and all(isinstance(one, Tensor) and one.ndim == 1 and len(one) for one in each.values())
        for each in tables.values()
    )
    if not right:
        raise TypeError(
            f"{name}: expected for each loss a dict of epsilon to a tensor (networks,), "
            f"got {tables!r:.60}"
        )


def _epsilons(critical: Mapping[str, Mapping[float, Tensor]]) -> list[float]:
    """The values of epsilon that all losses share, the largest first."""
    shared = {frozenset(each) for each in critical.values()}
    epsilons = sorted(next(iter(shared)), reverse=True)
    if len(shared) > 1 or len(epsilons) < 2 or epsilons[-1] <= 0:
        raise ValueError(
            "critical: expected the same values of epsilon for all losses, at least two and all "
            f"above 0, got {[sorted(each) for each in critical.values()]}"
        )
    return epsilons


def _position(epsilon: float) -> float:
    """Where a value of epsilon stands on an axis on which it falls."""
    return -math.log10(epsilon)


def _change(fall: float) -> str:
    """A quotient of old and new in words, to one digit."""
    if 2 / 3 < fall < 1.5:
        return "hardly changes"
    fold = f"{digits(max(fall, 1 / fall), 1)}-fold"
    return f"falls {fold}" if fall > 1 else f"rises {fold}"


def _in_rows(tables: Mapping[str, Mapping[float, Tensor]], names: list[str]) -> pd.DataFrame:
    """One row for each loss and epsilon: the smallest, the median and the largest number."""
    rows = pd.DataFrame(
        {
            "position": _position(epsilon),
            "low": float(numbers.min()),
            "median": float(numbers.median()),
            "high": float(numbers.max()),
            "name": name,
        }
        for name, each in tables.items()
        for epsilon, numbers in each.items()
    )
    return rows.assign(name=pd.Categorical(rows["name"], categories=names))
