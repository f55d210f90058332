"""The singular target as a random number: how much of it is in a few huge values.

Its inputs are standard normal. Turned by a random angle, ``x y`` is ``r**2 sin(angle) / 2`` with an
exponential ``r**2 / 2``, so that for each angle everything below is an integral over z in closed
form. What remains is an average over the angle, done by quadrature; nothing is sampled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
import plotnine as pn
import torch
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import erfcx

from adl import _inputs
from adl.data import check_epsilons, singular_target
from adl.plotting import PALETTE, TITLE_WIDTH, Plot, counted, few, in_styles

__all__ = ["Moments", "hill", "moments", "plot_running_mean", "plot_tail", "share_above"]

_TOP = 0.01  # what "the largest" means
_LARGEST = 1e6  # epsilon: beyond, the closed form of the mean square has lost half its digits
_FAR = 60.0  # logarithm of sizes that no share of interest reaches
_DRAWN = 200  # points of a curve
_SMALLEST = 0.01  # below lie a few in a hundred, and nothing to see


@dataclass(frozen=True)
class Moments:
    """What the singular target is like on average, and at its largest.

    Attributes
    ----------
    mean_square, mean_size : float
        Means of the squared target and of its absolute value; inf at epsilon 0.
    median_size : float
        Median of the absolute value.
    top_share : float
        Share of all squared targets together that the largest 1% make.

    See Also
    --------
    moments : returns it.

    Examples
    --------
    >>> round(moments(1.0).mean_square, 3)
    0.5
    """

    mean_square: float
    mean_size: float
    median_size: float
    top_share: float


def moments(epsilon: float) -> Moments:
    """Means, median and the share of the largest 1% of the singular target.

    Parameters
    ----------
    epsilon : float
        As in `adl.data.singular_target`; from 0 to below a million.

    Returns
    -------
    Moments

    Raises
    ------
    TypeError, ValueError
        If `epsilon` cannot be used.

    Notes
    -----
    For small epsilon the mean square is ``sqrt(pi / 8) epsilon**-1.5`` and the mean size
    ``sqrt(2 / pi) epsilon**-0.5``.

    Examples
    --------
    >>> few_huge = moments(1e-4)
    >>> round(few_huge.mean_square), round(few_huge.mean_size), round(few_huge.median_size, 2)
    (626626, 79, 0.81)
    >>> round(few_huge.top_share, 2), moments(0).mean_size
    (0.98, inf)
    """
    epsilon = _epsilon(epsilon)
    median_size = _size_above_which(0.5, epsilon)
    if epsilon == 0:
        return Moments(np.inf, np.inf, median_size, 1.0)
    mean_square = _square_from(0.0, epsilon) / 2  # the mean of a squared sine is a half
    root = np.sqrt(epsilon / 2)
    mean_size = float(erfcx(root) / (np.sqrt(np.pi) * root))
    limit = _size_above_which(_TOP, epsilon)
    above = _over_angles(lambda sine: sine**2 * _square_from(limit / sine, epsilon))
    return Moments(mean_square, mean_size, median_size, (above + limit**2 * _TOP) / mean_square)


def share_above(size: float, epsilon: float) -> float:
    """Share of the singular targets whose absolute value is above a size.

    Parameters
    ----------
    size : float
        At least 0.
    epsilon : float
        As in `moments`.

    Returns
    -------
    float
        A probability.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Notes
    -----
    Without epsilon, a target is above t where ``z**2`` is below ``abs(x y) / t``: for large t on an
    interval of z whose length falls as ``t**-0.5``, and so does the share. Epsilon ends that at a
    size of about ``1 / epsilon``.

    Examples
    --------
    A size a hundred times as large is ten times as rare:

    >>> round(share_above(1e4, 0) / share_above(1e6, 0), 2)
    10.0
    """
    size, epsilon = _inputs.real("size", size, at_least=0), _epsilon(epsilon)
    return _over_angles(lambda sine: np.exp(-epsilon * size / sine) / np.sqrt(1 + 2 * size / sine))


def hill(values: Any, share: float = _TOP) -> float:
    """Hill's estimate of the exponent with which a tail falls.

    Parameters
    ----------
    values : array_like, shape (n,)
        A sample; its absolute values count.
    share : float, default 0.01
        Share of it, the largest, that is taken for the tail: at least one value, and not all.

    Returns
    -------
    float
        The a of a share above t that falls as ``t**-a``. Below 2 the mean square is infinite, below
        1 the mean too. inf if the largest values are equal.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used, or the tail would begin at 0.

    References
    ----------
    B. M. Hill, "A simple general approach to inference about the tail of a distribution", 1975,
    doi:10.1214/aos/1176343247.

    Examples
    --------
    >>> from adl.data import singular_batch
    >>> _, targets = singular_batch(100_000, epsilon=0, seed=0, dtype=torch.float64)
    >>> round(hill(targets), 1)
    0.5
    """
    sizes = np.sort(np.abs(_inputs.vector("values", values)))[::-1]
    number = int(_inputs.real("share", share, above=0, below=1) * len(sizes))
    if number == 0:
        raise ValueError(f"share: expected at least one of {len(sizes)} values, got {share}")
    if sizes[number] == 0:
        raise ValueError(f"values: expected fewer zeros: the tail of {number} values begins at 0")
    excess = np.log(sizes[:number] / sizes[number]).mean()
    return float(1 / excess) if excess else np.inf


def plot_tail(epsilons: Sequence[float], *, examples: int = 200_000, seed: Any = None) -> Plot:
    """Share of the targets above a size, on logarithmic axes, with the limit for epsilon 0.

    Parameters
    ----------
    epsilons : sequence of float
        Up to four.
    examples : int, default 200,000
        How many are drawn; the same inputs for each epsilon.
    seed : int or torch.Generator, optional
        Randomness; None is fresh.

    Returns
    -------
    Plot

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> plot_tail([1, 0], examples=20_000, seed=0).labels.title
    'At epsilon 0 the share above T falls as T to the -0.5'
    """
    epsilons = _epsilons(epsilons)
    examples = _inputs.whole("examples", examples, at_least=100)
    inputs = _inputs_of(examples, seed=seed)
    sizes = {f"epsilon {e:g}": _sizes(inputs, e) for e in epsilons}
    ranks = np.unique(np.geomspace(1, examples, _DRAWN).round().astype(int))
    lines = pd.concat(
        pd.DataFrame(
            {"size": np.sort(drawn)[::-1][ranks - 1], "share": ranks / examples, "name": name}
        )
        for name, drawn in sizes.items()
    )
    lines["name"] = pd.Categorical(lines["name"], categories=list(sizes))
    lines = lines[lines["size"] >= _SMALLEST]
    exponents = {name: f"{hill(drawn):.1f}" for name, drawn in sizes.items()}
    said = "; ".join(
        f"{name}: {100 * np.mean(drawn > 100):.1g}% are above 100, the exponent of the largest 1% "
        f"by Hill's estimator is {exponents[name]}"
        for name, drawn in sizes.items()
    )
    last = list(exponents)[-1]
    limit = pd.DataFrame({"size": [1.0, lines["size"].max()]})
    limit["share"] = _over_angles(lambda sine: np.sqrt(sine / 2)) / np.sqrt(limit["size"])
    return (
        in_styles(
            Plot(
                lines,
                pn.aes("size", "share"),
                alt=f"Share of {examples:,} targets whose size is above T, against T, both axes "
                f"logarithmic, and a thin line of slope -1/2. {said}.",
            ),
            "name",
        )
        + pn.geom_line(
            pn.aes("size", "share"), limit, inherit_aes=False, color=PALETTE["ink"], size=0.4
        )
        + pn.geom_line(size=0.9)
        + pn.scale_x_log10()
        + pn.scale_y_log10()
        + pn.labs(
            title=f"At {last} the share above T falls as T to the -{exponents[last]}",
            x="size T (log scale)",
            y="share above T (log scale)",
        )
    )


def plot_running_mean(
    epsilons: Sequence[float] = (1, 0),
    *,
    samples: int = 5,
    examples: int = 100_000,
    seed: Any = None,
) -> Plot:
    """Mean size of the targets drawn so far, as more and more are drawn.

    Parameters
    ----------
    epsilons : sequence of float, default (1, 0)
        Up to four, each in a panel of its own.
    samples : int, default 5
        How many lines: each is a sample of its own.
    examples : int, default 100,000
        How many are drawn for each line.
    seed : int or torch.Generator, optional
        Randomness; None is fresh.

    Returns
    -------
    Plot
        With a thin line at the mean, where there is one.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> plot_running_mean(samples=3, examples=10_000, seed=0).alt[:61]
    'Mean size of the targets drawn so far, against their number, '
    """
    epsilons = _epsilons(epsilons)
    samples = _inputs.whole("samples", samples, at_least=2)
    examples = _inputs.whole("examples", examples, at_least=100)
    inputs = _inputs_of(samples, examples, seed=seed)
    counts = np.unique(np.geomspace(10, examples, _DRAWN).round().astype(int))
    panels = [f"epsilon {epsilon:g}" for epsilon in epsilons]
    parts, means, apart = [], [], []
    for epsilon, panel in zip(epsilons, panels, strict=True):
        sizes = _sizes(inputs, epsilon)
        running = sizes.cumsum(1)[:, counts - 1] / counts
        apart.append(running[:, -1].max() / running[:, -1].min())
        means.append(moments(epsilon).mean_size)
        parts += [
            pd.DataFrame({"drawn": counts, "mean": line, "sample": str(sample), "panel": panel})
            for sample, line in enumerate(running)
        ]
    kind = pd.CategoricalDtype(panels, ordered=True)
    exact = pd.DataFrame({"mean": means, "panel": panels}).astype({"panel": kind})
    said = "; ".join(
        f"{panel}: at the end the largest mean is {_ratio(ratio)} times the smallest, and the true "
        f"mean is {f'{mean:.2g}' if np.isfinite(mean) else 'infinite'}"
        for panel, ratio, mean in zip(panels, apart, means, strict=True)
    )
    ratios = ", ".join(
        f"{_ratio(ratio)} at {panel}" for panel, ratio in zip(panels, apart, strict=True)
    )
    return (
        Plot(
            pd.concat(parts).astype({"panel": kind}),
            pn.aes("drawn", "mean", group="sample"),
            alt="Mean size of the targets drawn so far, against their number, for "
            f"{counted(samples, 'sample')} of {examples:,}. {said}.",
        )
        + pn.geom_hline(
            pn.aes(yintercept="mean"),
            exact[np.isfinite(exact["mean"])],
            color=PALETTE["ink"],
            size=0.5,
        )
        + pn.geom_line(color=PALETTE["blue"], size=0.6)
        + pn.facet_wrap("panel", scales="free_y")
        + pn.scale_x_log10()
        + pn.scale_y_log10()
        + pn.labs(
            title=fill(f"Largest of {samples} means ÷ smallest: {ratios}", TITLE_WIDTH),
            x="targets drawn (log scale)",
            y="mean size so far (log scale)",
        )
    )


def _over_angles(function: Callable[[float], float]) -> float:
    """Mean of a function of the sine of a uniform angle."""
    total, _ = quad(
        lambda angle: function(np.sin(angle)), 0, np.pi / 2, epsabs=0, epsrel=1e-9, limit=200
    )
    return float(2 / np.pi * total)


def _square_from(ratio: float, epsilon: float) -> float:
    """Integral of ``2 t share_above(t)`` from ``ratio * sine`` on, for one sine, over ``sine**2``.

    An incomplete gamma function; erfcx keeps what is large and what is small apart.
    """
    root, scale = np.sqrt(epsilon * (0.5 + ratio)), 2 / epsilon
    half = np.sqrt(np.pi) * erfcx(root)
    rest = scale**1.5 * (half / 2 + root) - scale**0.5 * half
    return float(np.exp(-epsilon * ratio) * rest / 2)


def _size_above_which(share: float, epsilon: float) -> float:
    """The size that this share of the targets exceeds."""
    logarithm = brentq(lambda log: share_above(np.exp(log), epsilon) - share, -_FAR, _FAR)
    return float(np.exp(logarithm))


def _inputs_of(*shape: int, seed: Any) -> torch.Tensor:
    """Standard normal inputs, drawn in float64: float32 now and then draws a z that is 0."""
    generator = _inputs.torch_generator(seed)
    options = {"dtype": torch.float64, "device": generator.device}
    return torch.randn(*shape, 3, generator=generator, **options).cpu()


def _sizes(inputs: torch.Tensor, epsilon: float) -> np.ndarray:
    return singular_target(inputs, epsilon).abs().numpy()


def _ratio(number: float) -> str:
    return f"{number:.2f}" if number < 10 else f"{number:.0f}"


def _epsilon(epsilon: Any) -> float:
    return _inputs.real("epsilon", epsilon, at_least=0, below=_LARGEST)


def _epsilons(epsilons: Any) -> list[float]:
    checked = [_inputs.real("epsilons", one, below=_LARGEST) for one in check_epsilons(epsilons)]
    few("epsilons", dict.fromkeys(checked))
    return checked
