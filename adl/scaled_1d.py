"""A model with one weight whose output is scaled by alpha, and its linearisation.

The model is ``h(x; w) = f(x, w) (w - 1.5)``, which is zero at the start ``w = 1.5``. It learns one
point, ``x = 1.5`` and ``y = 3``, from the loss ``(alpha h - y)**2 / (2 alpha**2)``. The larger
alpha, the less the weight has to move, and the less the model differs on the way from its
linearisation ``f(x, 1.5) (w - 1.5)``.

Positions are told in units of the linearised step, ``u = alpha (w - 1.5) f(x, 1.5) / y``, and
losses in units of the loss at the start: there the linearised loss is ``(u - 1)**2`` whatever alpha
is, and only the scaled one changes. All computations are in float64.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from adl import _inputs

__all__ = [
    "ALPHAS",
    "UNLABELLED",
    "WINDOW",
    "W_0",
    "X",
    "Y",
    "curvature_at_start",
    "f",
    "first_order_gap",
    "gap",
    "h",
    "landscape",
    "linearised_h",
    "linearised_loss",
    "linearised_step",
    "loss",
    "minima",
]

X, Y = 1.5, 3.0
"""The one point: its input and its target."""

W_0 = 1.5
"""The weight at the start."""

ALPHAS = (1, 5, 10, 50, 100, 1000, 2000, 10_000)
"""Scales of the output."""

UNLABELLED: Mapping[str, float] = MappingProxyType({"A": 50, "B": 1000, "C": 5})
"""Scales of the three pictures whose labels exercise 5.6 asks for."""

WINDOW = (0.0, 2.0)
"""From the start to twice the linearised step, in units of that step."""

_POINTS = 20_001
_FIRST_TURN = 0.4  # in w, from the start; h(1.5; w) rises up to w = 1.847
_NEWTON_STEPS = 3


def f(x: Any, w: Any) -> np.ndarray:
    """The factor of the model, ``w x / 2 + ln(1 + w**2) x / 5 + 0.1 sin(exp(2 w))``.

    Parameters
    ----------
    x, w : array_like
        Input and weight, of shapes that broadcast.

    Returns
    -------
    numpy.ndarray

    Examples
    --------
    >>> round(float(f(1.5, 1.5)), 4)
    1.573
    """
    x, w = np.asarray(x, dtype=np.float64), np.asarray(w, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # far away it is nan
        return w * x / 2 + np.log1p(w**2) * x / 5 + 0.1 * np.sin(np.exp(2 * w))


def h(x: Any, w: Any) -> np.ndarray:
    """The model, ``f(x, w) (w - 1.5)``.

    Parameters
    ----------
    x, w : array_like
        Input and weight, of shapes that broadcast.

    Returns
    -------
    numpy.ndarray

    Examples
    --------
    >>> round(float(h(1.5, 1.6)), 4), float(h(1.5, 1.5))
    (0.1524, 0.0)
    """
    return f(x, w) * (np.asarray(w) - W_0)


def linearised_h(x: Any, w: Any) -> np.ndarray:
    """The tangent of the model at the start, ``f(x, 1.5) (w - 1.5)``.

    Parameters
    ----------
    x, w : array_like
        Input and weight, of shapes that broadcast.

    Returns
    -------
    numpy.ndarray

    Examples
    --------
    >>> round(float(linearised_h(1.5, 1.6)), 4)
    0.1573
    """
    return f(x, W_0) * (np.asarray(w) - W_0)


def loss(w: Any, alpha: float) -> np.ndarray:
    """Loss of the scaled model, ``(alpha h(1.5; w) - 3)**2 / (2 alpha**2)``.

    Parameters
    ----------
    w : array_like
        Weights.
    alpha : float
        Scale of the output, above 0.

    Returns
    -------
    numpy.ndarray, of the shape of `w`

    Raises
    ------
    TypeError, ValueError
        If `alpha` is not a number above 0.

    Examples
    --------
    >>> float(loss(1.5, alpha=10))
    0.045
    """
    return _loss(h(X, w), alpha)


def linearised_loss(w: Any, alpha: float) -> np.ndarray:
    """Loss of the scaled and linearised model, a parabola.

    Parameters
    ----------
    w : array_like
        Weights.
    alpha : float
        Scale of the output, above 0.

    Returns
    -------
    numpy.ndarray, of the shape of `w`

    Raises
    ------
    TypeError, ValueError
        If `alpha` is not a number above 0.

    Examples
    --------
    >>> round(float(linearised_loss(1.5 + linearised_step(10), alpha=10)), 10)
    0.0
    """
    return _loss(linearised_h(X, w), alpha)


def linearised_step(alpha: float) -> float:
    """How far the weight moves from the start to the minimum of the linearised loss.

    Parameters
    ----------
    alpha : float
        Scale of the output, above 0.

    Returns
    -------
    float
        ``3 / (alpha f(1.5, 1.5))``.

    Raises
    ------
    TypeError, ValueError
        If `alpha` is not a number above 0.

    Examples
    --------
    >>> round(linearised_step(100), 5)
    0.01907
    """
    return Y / (_inputs.real("alpha", alpha, above=0) * float(f(X, W_0)))


def landscape(
    alpha: float, *, window: tuple[float, float] = WINDOW, points: int = _POINTS
) -> pd.DataFrame:
    """Both losses around the start, relative to their value there.

    Parameters
    ----------
    alpha : float
        Scale of the output, above 0.
    window : tuple of float, default (0, 2)
        From where to where, in linearised steps from the start.
    points : int, default 20001
        How many, equally spaced.

    Returns
    -------
    pandas.DataFrame
        ``u``, the distance from the start in linearised steps, ``scaled`` and ``linearised``.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> landscape(10, points=3).round(3)
         u  scaled  linearised
    0  0.0   1.000         1.0
    1  1.0   0.000         0.0
    2  2.0   1.615         1.0
    """
    low, high = _inputs.interval("window", window[0], "window", window[1])
    u = np.linspace(low, high, _inputs.whole("points", points, at_least=2))
    w = W_0 + u * linearised_step(alpha)
    start = _loss(0.0, alpha)
    return pd.DataFrame(
        {"u": u, "scaled": loss(w, alpha) / start, "linearised": linearised_loss(w, alpha) / start}
    )


def gap(alpha: float) -> float:
    """Largest difference between the two losses in `WINDOW`, relative to the loss at the start.

    Parameters
    ----------
    alpha : float
        Scale of the output, above 0.

    Returns
    -------
    float
        It falls as ``1 / alpha`` in the end. Below alpha = 5 the losses swing too fast for the
        points at which it is read, and only its size is right.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    See Also
    --------
    first_order_gap : its limit.

    Examples
    --------
    >>> round(gap(10), 2), round(gap(1000), 4)
    (0.76, 0.02)
    """
    losses = landscape(alpha)
    return float((losses["scaled"] - losses["linearised"]).abs().max())


def first_order_gap(alpha: float) -> float:
    """What `gap` comes to for large alpha.

    Parameters
    ----------
    alpha : float
        Scale of the output, above 0.

    Returns
    -------
    float
        ``8 y f' / (f**2 alpha)``, with f and its derivative by the weight at the start.

    Raises
    ------
    TypeError, ValueError
        If `alpha` is not a number above 0.

    Notes
    -----
    In relative units the losses are ``(u f(w) / f - 1)**2`` and ``(u - 1)**2``, and f(w) is
    ``f + f' u y / (alpha f)`` to first order. So they differ by
    ``2 u**2 (u - 1) y f' / (f**2 alpha)``, which is largest at the end of the window, u = 2.

    Examples
    --------
    >>> round(first_order_gap(10_000) / gap(10_000), 2)
    1.01
    """
    factor, slope, _ = _derivatives(W_0)
    return float(8 * Y * slope / (factor**2 * _inputs.real("alpha", alpha, above=0)))


def curvature_at_start(alpha: float) -> float:
    """Second derivative of the scaled model's loss by the weight, at the start.

    Parameters
    ----------
    alpha : float
        Scale of the output, above 0.

    Returns
    -------
    float
        ``f**2 - 2 y f' / alpha``, with f and its derivative by the weight at the start.

    Raises
    ------
    TypeError, ValueError
        If `alpha` is not a number above 0.

    Notes
    -----
    The linearised loss has the constant curvature ``f**2``. The rest is the model's own bend,
    ``h'' = 2 f'``, times what the model misses, ``-y / alpha``: it vanishes as ``1 / alpha``.

    Examples
    --------
    >>> [round(curvature_at_start(alpha), 3) for alpha in (1, 10, 100, 10_000)]
    [-11.607, 1.066, 2.334, 2.473]
    """
    factor, slope, _ = _derivatives(W_0)
    return float(factor**2 - 2 * Y * slope / _inputs.real("alpha", alpha, above=0))


def minima(alphas: Sequence[float] = ALPHAS) -> pd.DataFrame:
    """The minimum to which the gradient flow of the scaled model's loss goes from the start.

    Parameters
    ----------
    alphas : sequence of float, default `ALPHAS`
        Scales of the output, above 0.

    Returns
    -------
    pandas.DataFrame
        A row for each alpha: ``alpha``, ``u`` (how far the minimum is from the start, in
        linearised steps), ``loss`` (relative to the start), ``curvature``, and
        ``critical_step``, 2 over the curvature: with a larger step, gradient descent cannot come
        to rest there.

    Raises
    ------
    TypeError, ValueError
        If `alphas` are not numbers above 0.

    Examples
    --------
    >>> minima([1, 10_000]).round(4)
         alpha       u    loss  curvature  critical_step
    0      1.0  0.1819  0.6106   350.0472         0.0057
    1  10000.0  0.9997  0.0000     2.4773         0.8073
    """
    rows = []
    for alpha in _inputs.positive_vector("alphas", alphas):
        # From the start on the loss falls, and it rises again before the model's first turn.
        reach = min(2 * linearised_step(alpha), _FIRST_TURN)
        w = np.linspace(W_0, W_0 + reach, _POINTS)
        at = w[np.argmax(_slope_and_curvature(w, alpha)[0] >= 0)]
        for _ in range(_NEWTON_STEPS):
            slope, curvature = _slope_and_curvature(at, alpha)
            at -= slope / curvature
        curvature = _slope_and_curvature(at, alpha)[1]
        rows.append(
            {
                "alpha": alpha,
                "u": (at - W_0) / linearised_step(alpha),
                "loss": float(loss(at, alpha) / _loss(0.0, alpha)),
                "curvature": curvature,
                "critical_step": 2 / curvature,
            }
        )
    return pd.DataFrame(rows)


def _loss(output: Any, alpha: float) -> np.ndarray:
    alpha = _inputs.real("alpha", alpha, above=0)
    return (alpha * output - Y) ** 2 / (2 * alpha**2)


def _slope_and_curvature(w: Any, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """First and second derivative of the scaled model's loss by the weight."""
    factor, first, second = _derivatives(w)
    missed = h(X, w) - Y / alpha
    tangent, bend = factor + first * (w - W_0), 2 * first + second * (w - W_0)
    return missed * tangent, tangent**2 + missed * bend


def _derivatives(w: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`f` at the point's input, and its first and second derivative by the weight."""
    fast = np.exp(2 * w)
    first = X / 2 + 2 * w / (1 + w**2) * X / 5 + 0.2 * fast * np.cos(fast)
    second = (
        2 * (1 - w**2) / (1 + w**2) ** 2 * X / 5
        + 0.4 * fast * np.cos(fast)
        - 0.4 * fast**2 * np.sin(fast)
    )
    return f(X, w), first, second
