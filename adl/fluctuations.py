"""How much a loss goes up and down while it falls, and how much of that is only noise.

The loss is measured on a logarithmic scale, in powers of ten, so that nothing here depends on its
unit. Losses come as training records them: one row for each step, and a column for each network if
there are several.
"""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
import plotnine as pn

from adl import _inputs
from adl.plotting import PALETTE, Plot, counted, few, in_styles

__all__ = [
    "autocorrelation",
    "detrended",
    "kurtosis_of_target",
    "noise_floor",
    "plot_losses",
    "plot_spread",
    "slow_share",
    "spread",
]

_NODES = 20_001  # of the quadrature: far more than its exponential convergence needs
_FAR = 40  # standard deviations: beyond, a normal density is 0 in float64
_SLOW = 20  # steps: longer than the ringing within a spike, shorter than from spike to spike
_CLEARLY = 1.3  # a spread that changes by less may do so by chance
_HARDLY = 0.01  # powers of ten, 2 percent: less than that, a plot over decades does not show
_TITLE = 58  # characters that fit into a line


def detrended(losses: Any, window: int) -> np.ndarray:
    """Logarithm of the loss without its trend: minus its own moving average.

    Parameters
    ----------
    losses : array_like, shape (steps,) or (steps, models)
        Numbers of at least 0; inf and nan where a training diverges.
    window : int
        Odd number of steps over which the centred average is taken.

    Returns
    -------
    numpy.ndarray, shape (steps - window + 1,) or (steps - window + 1, models)
        In powers of ten, where the whole window fits: without the first and the last
        ``(window - 1) / 2`` steps.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    A straight line is nothing but trend:

    >>> np.abs(detrended([1000.0, 100.0, 10.0, 1.0], window=3)) < 1e-12
    array([ True,  True])
    """
    logs = _log10(losses)
    window = _window(window, logs)
    if window % 2 == 0:
        raise ValueError(f"window: expected an odd number, got {window}")
    middle = slice(window // 2, len(logs) - window // 2)
    return logs[middle] - _moving(logs, np.full(window, 1 / window))


def spread(losses: Any, window: int, *, detrend: bool = False) -> np.ndarray:
    """Standard deviation of the logarithm of the loss, over a window that moves along.

    Parameters
    ----------
    losses : array_like, shape (steps,) or (steps, models)
        As in `detrended`.
    window : int
        Number of steps in the window, at least 3.
    detrend : bool, default False
        Measure from the straight line fitted to each window rather than from its mean.

    Returns
    -------
    numpy.ndarray, shape (steps - window + 1,) or (steps - window + 1, models)
        In powers of ten. The first number belongs to the first `window` steps, and so on; nan where
        a loss in the window is 0 or not finite.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Notes
    -----
    A loss that falls without the least fluctuation has a spread too, that of a sloping line: its
    slope a step × window / sqrt(12), if the window is long. Squared, it is exactly what
    ``detrend=True`` takes away.

    Examples
    --------
    A loss that falls by a power of ten in a hundred steps:

    >>> losses = 10 ** (-np.arange(500) / 100)
    >>> spread(losses, 200)[-1].round(3), round(200 / 100 / 12**0.5, 3)
    (np.float64(0.577), 0.577)
    >>> bool(spread(losses, 200, detrend=True)[-1] < 1e-6)
    True
    """
    logs = _log10(losses)
    window = _window(window, logs)
    with np.errstate(invalid="ignore"):
        logs = logs - _level(logs)  # of numbers near 0 the squares lose the fewest digits
        mean = np.full(window, 1 / window)
        variance = _moving(logs**2, mean) - _moving(logs, mean) ** 2
        if detrend:
            ramp = np.arange(window) - (window - 1) / 2
            variance -= _moving(logs, ramp / np.sqrt(window * (ramp**2).sum())) ** 2
    return np.sqrt(variance.clip(min=0))


def autocorrelation(series: Any, lag: int) -> np.ndarray:
    """Correlation of a series with itself some steps later.

    Parameters
    ----------
    series : array_like, shape (steps,) or (steps, models)
        For a loss, what `detrended` returned: the trend would make any two steps alike.
    lag : int
        How many steps later, at least 1.

    Returns
    -------
    numpy.ndarray, shape () or (models,)
        Near 1 if each step is like the one `lag` before, near 0 for independent noise; nan for a
        series that never changes.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> waves = np.sin(np.arange(1000) * 2 * np.pi / 50)
    >>> autocorrelation(waves, lag=50).round(2), autocorrelation(waves, lag=25).round(2)
    (np.float64(0.95), np.float64(-0.98))
    """
    series = _columns("series", series)
    lag = _inputs.whole("lag", lag, at_least=1)
    if lag >= len(series):
        raise ValueError(f"lag: expected a number below the series' length, got {lag}")
    with np.errstate(invalid="ignore", divide="ignore"):
        centred = series - series.mean(0)
        return (centred[:-lag] * centred[lag:]).sum(0) / (centred**2).sum(0)


def slow_share(series: Any, period: float = _SLOW) -> np.ndarray:
    """Share of a series' variance that is in waves of at least this period.

    Parameters
    ----------
    series : array_like, shape (steps,) or (steps, models)
        As in `autocorrelation`.
    period : float, default 20
        In steps, at least 2.

    Returns
    -------
    numpy.ndarray, shape () or (models,)
        Between 0 and 1: of noise that is independent from step to step, ``2 / period``. nan for a
        series that never changes.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> steps = np.arange(1000)
    >>> quick, slow = np.sin(steps * 2 * np.pi / 5), np.sin(steps * 2 * np.pi / 50)
    >>> slow_share(quick + slow).round(3)
    np.float64(0.5)
    """
    series = _columns("series", series)
    period = _inputs.real("period", period)
    if period < 2:
        raise ValueError(f"period: expected at least 2 steps, got {period:g}")
    with np.errstate(invalid="ignore", divide="ignore"):
        power = np.abs(np.fft.rfft(series - series.mean(0), axis=0)) ** 2
        if len(series) % 2 == 0:
            power[-1] /= 2  # every other frequency stands for two waves, sine and cosine
        frequencies = np.arange(len(power)) / len(series)
        return power[frequencies <= 1 / period].sum(0) / power.sum(0)


def noise_floor(kurtosis: float, batch_size: int) -> float:
    """Spread that a loss has for no other reason than that each batch is another one.

    A mean of `batch_size` squared errors varies from batch to batch, even if the network stays as
    it is.

    Parameters
    ----------
    kurtosis : float
        Of the errors: the mean of their fourth powers over the square of that of their squares. 3
        for normal ones; at least 1.
    batch_size : int
        Number of examples in a batch.

    Returns
    -------
    float
        Standard deviation of log10 of the batch's mean squared error, in powers of ten:
        ``sqrt((kurtosis - 1) / batch_size) / ln 10``. An approximation, good where it is well
        below 1.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    See Also
    --------
    kurtosis_of_target : of the errors of a network that always says 0.

    Examples
    --------
    >>> round(noise_floor(kurtosis=3, batch_size=200), 4)
    0.0434
    """
    kurtosis = _inputs.real("kurtosis", kurtosis, at_least=1)
    batch_size = _inputs.whole("batch_size", batch_size, at_least=1)
    return float(np.sqrt((kurtosis - 1) / batch_size) / np.log(10))


def kurtosis_of_target(epsilon: float = 1e-3) -> float:
    """Kurtosis of the singular target: how much its largest values outweigh all others.

    Parameters
    ----------
    epsilon : float, default 1e-3
        As in `adl.data.singular_target`; above 0, for at 0 not even the mean square is finite.

    Returns
    -------
    float
        Mean fourth power over squared mean square, by quadrature. 9 for a product of two normal
        numbers, which the target becomes as `epsilon` grows.

    Raises
    ------
    TypeError, ValueError
        If `epsilon` cannot be used.

    Examples
    --------
    >>> round(kurtosis_of_target(1e-3)), round(kurtosis_of_target(1e6), 3)
    (284, 9.0)

    The floor that chapter 3 meets, at ten thousand examples:

    >>> round(noise_floor(kurtosis_of_target(1e-3), batch_size=10_000), 4)
    0.0731
    """
    epsilon = _inputs.real("epsilon", epsilon, above=0)
    if epsilon > 1:  # no peak: the density of z alone decides where the nodes have to be
        z = np.linspace(-_FAR, _FAR, _NODES)
        density = np.exp(-(z**2) / 2)
        density /= density.sum()
        second, fourth = (density / (1 + z**2 / epsilon) ** power for power in (2, 4))
        return float(9 * fourth.sum() / second.sum() ** 2)
    # z = sqrt(epsilon) tan(angle) makes the peak flat: what is left vanishes smoothly at both ends.
    angle = np.linspace(-np.pi / 2, np.pi / 2, _NODES)[1:-1]
    weight = np.exp(-epsilon * np.tan(angle) ** 2 / 2) * (angle[1] - angle[0])
    weight *= np.sqrt(epsilon / (2 * np.pi))
    second, fourth = (weight * np.cos(angle) ** power for power in (2, 6))
    return float(9 * fourth.sum() / second.sum() ** 2)


def plot_losses(losses: Mapping[str, Any], *, window: int = 201) -> Plot:
    """Loss against the step on a logarithmic axis, one panel for each curve.

    Parameters
    ----------
    losses : dict of str to array_like, shape (steps,)
        Up to four curves, by name.
    window : int, default 201
        Odd number of steps: what is slower counts as trend when the title says whether a curve
        moves in waves, as noise, or hardly.

    Returns
    -------
    Plot

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> noise = 10 ** np.random.default_rng(0).normal(size=500)
    >>> plot_losses({"mine": noise}).labels.title
    'Mine: noise'
    """
    few("losses", losses)
    curves = {name: _columns("losses", curve, dimensions=(1,)) for name, curve in losses.items()}
    left = {name: detrended(curve, window) for name, curve in curves.items()}
    finding = "; ".join(f"{name}: {_kind(series)}" for name, series in left.items())
    lines = _in_rows({name: {"": curve} for name, curve in curves.items()}, first=0)
    said = "; ".join(f"{name}: {_course(curve)}" for name, curve in curves.items())
    plot = (
        Plot(
            lines[lines["value"] > 0],
            pn.aes("step", "value"),
            alt=f"Loss against the step, on a logarithmic axis. {said}. What is left without "
            f"the trend: {finding}.",
        )
        + pn.geom_line(color=PALETTE["blue"], size=0.4)
        + pn.scale_y_log10()
        + pn.labs(title=_as_title(finding), x="step", y="loss (log scale)")
    )
    return plot + pn.facet_wrap("name", ncol=1) if len(curves) > 1 else plot


def plot_spread(losses: Mapping[str, Any], window: int) -> Plot:
    """Spread of the loss over a moving window, raw beside detrended.

    Parameters
    ----------
    losses : dict of str to array_like, shape (steps,) or (steps, models)
        Up to four trainings, by name, each in a panel of its own. Of several networks the median is
        shown.
    window : int
        As in `spread`; at most two fifths of the steps.

    Returns
    -------
    Plot
        Each spread stands at the last step of its window.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> noise = 10 ** np.random.default_rng(0).normal(size=(2000, 20))
    >>> plot_spread({"mine": noise}, window=300).labels.title
    'Mine: spread is steady'
    """
    few("losses", losses)
    curves = {
        name: {
            kind: _median(spread(curve, window, detrend=kind == "detrended"))
            for kind in ("raw", "detrended")
        }
        for name, curve in losses.items()
    }
    for name, curve in losses.items():
        if 5 * window > 2 * len(curve):
            raise ValueError(
                f"window: expected at most two fifths of the steps ({len(curve)} in {name}), "
                f"got {window}"
            )
    # From behind the first fifth, where the loss falls most steeply, to the end.
    ways = {
        name: _way(kinds["detrended"][-1] / kinds["detrended"][len(losses[name]) // 5])
        for name, kinds in curves.items()
    }
    finding = "; ".join(f"{name}: spread {way}" for name, way in ways.items())
    sloping = [
        name for name, kinds in curves.items() if kinds["raw"][0] > 2 * kinds["detrended"][0]
    ]
    models = max(int(np.prod(np.shape(curve)[1:])) for curve in losses.values())
    alt = (
        f"Standard deviation of log10 loss over the last {window} steps, against the step"
        + (f", median of {counted(models, 'network')}" if models > 1 else "")
        + f". Detrended, {finding}."
        + (
            f" In the first window the raw one is more than twice as large: {', '.join(sloping)}."
            if sloping
            else ""
        )
    )
    plot = (
        in_styles(
            Plot(_in_rows(curves, first=window - 1), pn.aes("step", "value"), alt=alt), "kind"
        )
        + pn.geom_line(size=0.8)
        + pn.scale_y_log10()
        + pn.labs(
            title=_as_title(finding),
            x=f"last step of the window of {window}",
            y="std of log10 loss (log scale)",
        )
    )
    return plot + pn.facet_wrap("name", ncol=1) if len(curves) > 1 else plot


def _columns(name: str, values: Any, dimensions: tuple[int, ...] = (1, 2)) -> np.ndarray:
    """Float64 array of steps, or of steps × models; inf and nan may be in it."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"{name}: expected rows of one length") from None
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name}: expected numbers, got {values!r:.40}")
    if array.ndim not in dimensions or array.size == 0:
        wanted = " or ".join({1: "(steps,)", 2: "(steps, models)"}[n] for n in dimensions)
        raise ValueError(f"{name}: expected shape {wanted}, got {array.shape}")
    return array.astype(float)


def _log10(losses: Any) -> np.ndarray:
    array = _columns("losses", losses)
    if (array < 0).any():
        raise ValueError(f"losses: expected numbers of at least 0, got {np.nanmin(array):g}")
    with np.errstate(divide="ignore"):
        return np.log10(array)


def _window(window: Any, series: np.ndarray) -> int:
    window = _inputs.whole("window", window, at_least=3)
    if window > len(series):
        raise ValueError(f"window: expected at most the {len(series)} steps, got {window}")
    return window


def _moving(series: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted sum over each window that fits, column by column."""
    with np.errstate(invalid="ignore"):
        return np.apply_along_axis(np.convolve, 0, series, weights[::-1], "valid")


def _level(logs: np.ndarray) -> np.ndarray:
    """Median of the finite numbers of each column; 0 where there are none."""
    return np.ma.filled(np.ma.median(np.ma.masked_invalid(logs), axis=0), 0.0)


def _median(series: np.ndarray) -> np.ndarray:
    return np.median(series, axis=1) if series.ndim == 2 else series


def _in_rows(curves: Mapping[str, Mapping[str, np.ndarray]], *, first: int) -> pd.DataFrame:
    """One row for each point of each kind of each curve, in the curves' order."""
    rows = pd.concat(
        pd.DataFrame({"step": first + np.arange(len(values)), "value": values}).assign(
            name=name, kind=kind
        )
        for name, kinds in curves.items()
        for kind, values in kinds.items()
    )
    for column in ("name", "kind"):
        rows[column] = pd.Categorical(rows[column], categories=list(rows[column].unique()))
    return rows


def _course(losses: np.ndarray) -> str:
    """Where a loss goes, in words that no chaos between two machines can change."""
    tenth = max(1, len(losses) // 10)
    if not np.isfinite(losses[-tenth:]).all():
        return f"starts at {losses[0]:.2g} and diverges"
    change = np.median(losses[-tenth:]) / np.median(losses[:tenth])
    return f"{_way(change)} from {losses[0]:.2g} in {counted(len(losses), 'step')}"


def _kind(series: np.ndarray) -> str:
    """What a detrended curve does."""
    if not np.isfinite(series).all():
        return "not finite"
    if series.std() < _HARDLY:
        return "hardly moves"
    return "slow waves" if slow_share(series) > 0.5 else "noise"


def _as_title(finding: str) -> str:
    return fill(finding[:1].upper() + finding[1:], _TITLE)


def _way(ratio: float) -> str:
    if np.isnan(ratio):
        return "is not finite"
    if 1 / _CLEARLY <= ratio <= _CLEARLY:
        return "is steady"
    return "rises" if ratio > 1 else "falls"
