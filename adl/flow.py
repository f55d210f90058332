"""Gradient flow and gradient descent on a function of two variables, from many starts at once.

With a small step, gradient descent follows the gradient flow into the nearest minimum. With a
larger one it can come to rest only where step size × curvature is below 2. Here both run from the
same starts for the same time, step size × number of steps, and are compared start by start.
All computations are in float64, with derivatives by hand.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from adl import _inputs
from adl._session import progress_bar

__all__ = [
    "RATES",
    "SAME",
    "SETTLED",
    "STEPS",
    "compare",
    "descend",
    "f",
    "gradient",
    "hessian",
    "random_starts",
    "sharpness",
]

RATES = (2.5e-4, 2e-3)
"""Step sizes of the flow and of the descent. The first is small enough for every minimum here: 2
over it is 8000, and the sharpest has a curvature of about 5000."""

STEPS = (40_000, 5_000)
"""Numbers of steps that bring both of them to the time 10."""

SETTLED = 1e-3
"""A run whose gradient is smaller than this is at rest."""

SAME = 1e-3
"""Two ends nearer to each other than this are the same."""

_WATCHED = 1000  # last steps, of which a run that does not settle is judged
_RISE = 1e-9  # of the value in one step: rounding errors are a million times smaller


def f(x: Any, y: Any) -> np.ndarray:
    """A function with many minima, some flat and some sharp.

    It is ``sin(x + 4) (cos(3 y - 5) + 0.3) + 0.5 cos(2 (x + 2) (y - 4)**2)``. The last cosine is
    faster the farther a point is from ``x = -2`` and ``y = 4``: there the minima are sharper.

    Parameters
    ----------
    x, y : array_like
        Of one shape, or of shapes that broadcast.

    Returns
    -------
    numpy.ndarray

    Examples
    --------
    >>> round(float(f(0.0, 0.0)), 4)
    -0.2458
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    return np.sin(x + 4) * (np.cos(3 * y - 5) + 0.3) + 0.5 * np.cos(2 * (x + 2) * (y - 4) ** 2)


def gradient(points: Any) -> np.ndarray:
    """Gradient of `f`.

    Parameters
    ----------
    points : array_like, shape (..., 2)
        x and y of each point.

    Returns
    -------
    numpy.ndarray, shape (..., 2)

    Raises
    ------
    ValueError
        If the last dimension is not 2.

    Examples
    --------
    >>> gradient([0.0, 0.0]).round(4)
    array([-15.1019,  16.8976])
    """
    return np.stack(_slopes(*_coordinates(points)), axis=-1)


def hessian(points: Any) -> np.ndarray:
    """Second derivatives of `f`.

    Parameters
    ----------
    points : array_like, shape (..., 2)

    Returns
    -------
    numpy.ndarray, shape (..., 2, 2)

    Raises
    ------
    ValueError
        If the last dimension is not 2.

    Examples
    --------
    >>> hessian([0.0, 0.0]).round(1)
    array([[-200.2,  209.9],
           [ 209.9, -202.4]])
    """
    x, y = _coordinates(points)
    phase, phase_x, phase_y = _phase(x, y)
    slow, fast = np.sin(phase) / 2, np.cos(phase) / 2
    xx = -np.sin(x + 4) * (np.cos(3 * y - 5) + 0.3) - fast * phase_x**2
    xy = -3 * np.cos(x + 4) * np.sin(3 * y - 5) - fast * phase_x * phase_y - slow * 4 * (y - 4)
    yy = -9 * np.sin(x + 4) * np.cos(3 * y - 5) - fast * phase_y**2 - slow * 4 * (x + 2)
    return np.stack([np.stack([xx, xy], axis=-1), np.stack([xy, yy], axis=-1)], axis=-2)


def sharpness(points: Any) -> np.ndarray:
    """Largest eigenvalue of the Hessian of `f`: the largest curvature in any direction.

    Parameters
    ----------
    points : array_like, shape (..., 2)

    Returns
    -------
    numpy.ndarray, shape (...)

    Raises
    ------
    ValueError
        If the last dimension is not 2.

    Examples
    --------
    >>> round(float(sharpness([0.0, 0.0])), 2)
    8.59
    """
    matrices = hessian(points)
    xx, xy, yy = matrices[..., 0, 0], matrices[..., 0, 1], matrices[..., 1, 1]
    return (xx + yy) / 2 + np.hypot((xx - yy) / 2, xy)


def random_starts(n: int = 100, *, seed: Any = None) -> np.ndarray:
    """Starts that fill the square from -1.5 to 1.5.

    Parameters
    ----------
    n : int, default 100
        How many.
    seed : int or torch.Generator, optional
        Randomness; None is fresh.

    Returns
    -------
    numpy.ndarray, shape (n, 2)

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> random_starts(3, seed=0).round(2).tolist()
    [[0.41, -0.69], [-1.38, -1.45], [0.94, 1.24]]
    """
    n = _inputs.whole("n", n, at_least=1)
    return 3 * (_inputs.generator(seed).random((n, 2)) - 0.5)


def descend(starts: Any, *, step_size: float, steps: int, every: int | None = None) -> np.ndarray:
    """Gradient descent on `f` from all starts at once.

    Parameters
    ----------
    starts : array_like, shape (n, 2)
    step_size : float
        The same for all.
    steps : int
        Number of steps, a multiple of `every`.
    every : int, optional
        Steps from one point that is kept to the next. By default only the starts and the ends are
        kept.

    Returns
    -------
    numpy.ndarray, shape (steps / every + 1, n, 2)
        The starts, then where the runs are after each `every` steps.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> descend([[0.0, 0.0]], step_size=2.5e-4, steps=4000)[-1].round(4)
    array([[-0.1921, -0.2732]])
    """
    x, y = _starts(starts).T.copy()
    step_size = _inputs.real("step_size", step_size, above=0)
    steps = _inputs.whole("steps", steps, at_least=1)
    every = steps if every is None else _inputs.whole("every", every, at_least=1)
    if steps % every:
        raise ValueError(f"steps: expected a multiple of every ({every}), got {steps}")
    kept = np.empty((steps // every + 1, len(x), 2))
    kept[0] = np.stack([x, y], axis=-1)
    with np.errstate(over="ignore", invalid="ignore"):  # runs that diverge become inf and nan
        for step in progress_bar(range(1, steps + 1), label="gradient descent"):
            slope_x, slope_y = _slopes(x, y)
            x -= step_size * slope_x
            y -= step_size * slope_y
            if step % every == 0:
                kept[step // every, :, 0], kept[step // every, :, 1] = x, y
    return kept


def compare(
    starts: Any,
    *,
    rates: tuple[float, float] = RATES,
    steps: tuple[int, int] = STEPS,
) -> pd.DataFrame:
    """Where a small and a large step size lead from the same starts.

    Parameters
    ----------
    starts : array_like, shape (n, 2)
    rates : tuple of float, default (2.5e-4, 2e-3)
        Step size of the flow and of the descent.
    steps : tuple of int, default (40000, 5000)
        Number of steps of each. The times, rate × steps, are equal by default.

    Returns
    -------
    pandas.DataFrame
        A row for each start, with the columns

        - ``start_x``, ``start_y``;
        - ``flow_x``, ``flow_y``, ``flow_value``, ``flow_settled``: where the flow ends, `f` there,
          and whether it is at rest (its gradient is below `SETTLED`);
        - ``curvature``: the sharpness where the flow ends;
        - ``descent_x``, ``descent_y``, ``descent_value``, ``descent_settled``: the same of the
          descent;
        - ``distance``: from the one end to the other;
        - ``same``: whether that is below `SAME`;
        - ``oscillating``: whether `f` rose in one of the last 1000 steps of the descent, which it
          cannot do where step size × curvature is below 2;
        - ``product``: step size × curvature in those steps, measured along each step and weighted
          with its squared length; nan where the descent is at rest.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Notes
    -----
    The curvature along a step from one point to the next is the change of the gradient g in the
    direction of the step, over the step's length. Weighted with the squared lengths, step size ×
    curvature averages to ``1 - sum(g[t + 1] · g[t]) / sum(g[t] · g[t])``, one less the correlation
    of the gradient with the next. A run that jumps to and fro between two points has exactly 2.

    Examples
    --------
    >>> table = compare([[0.0, 0.0], [0.0, 1.0]], steps=(16_000, 2000))
    >>> table[["curvature", "same", "oscillating"]].round(0)
       curvature   same  oscillating
    0     1147.0  False         True
    1      482.0   True        False
    """
    starts = _starts(starts)
    for name, values in (("rates", rates), ("steps", steps)):
        if not isinstance(values, tuple | list) or len(values) != 2:
            raise TypeError(f"{name}: expected one for each of the two, got {values!r:.60}")
    flow = descend(starts, step_size=rates[0], steps=steps[0])[-1]
    last = _last(starts, rates[1], steps[1])
    descent = last[-1]
    with np.errstate(all="ignore"):
        slopes, values = gradient(last), f(last[..., 0], last[..., 1])
        turned = (slopes[1:] * slopes[:-1]).sum((0, 2)) / (slopes[:-1] ** 2).sum((0, 2))
        settled, distance = _at_rest(slopes[-1]), np.linalg.norm(flow - descent, axis=1)
        flow_value, flow_settled = f(flow[:, 0], flow[:, 1]), _at_rest(gradient(flow))
        curvature, rises = sharpness(flow), np.diff(values, axis=0).max(0)
    return pd.DataFrame(
        {
            "start_x": starts[:, 0],
            "start_y": starts[:, 1],
            "flow_x": flow[:, 0],
            "flow_y": flow[:, 1],
            "flow_value": flow_value,
            "flow_settled": flow_settled,
            "curvature": curvature,
            "descent_x": descent[:, 0],
            "descent_y": descent[:, 1],
            "descent_value": values[-1],
            "descent_settled": settled,
            "distance": distance,
            "same": distance < SAME,
            "oscillating": rises > _RISE,
            "product": np.where(settled, np.nan, 1 - turned),
        }
    )


def _last(starts: np.ndarray, step_size: float, steps: int) -> np.ndarray:
    """The last points of a descent, one after each step."""
    steps = _inputs.whole("steps", steps, at_least=1)
    watched = min(_WATCHED, steps)
    if steps > watched:
        starts = descend(starts, step_size=step_size, steps=steps - watched)[-1]
    return descend(starts, step_size=step_size, steps=watched, every=1)


def _at_rest(slopes: np.ndarray) -> np.ndarray:
    return np.linalg.norm(slopes, axis=-1) < SETTLED


def _phase(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Phase of the fast cosine of `f`, and its derivatives by x and by y."""
    high = y - 4
    return 2 * (x + 2) * high**2, 2 * high**2, 4 * (x + 2) * high


def _slopes(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives of `f` by x and by y."""
    phase, phase_x, phase_y = _phase(x, y)
    slow = np.sin(phase) / 2
    angle = 3 * y - 5
    return (
        np.cos(x + 4) * (np.cos(angle) + 0.3) - slow * phase_x,
        -3 * np.sin(x + 4) * np.sin(angle) - slow * phase_y,
    )


def _coordinates(points: Any) -> tuple[np.ndarray, np.ndarray]:
    points = np.asarray(points, dtype=np.float64)
    if points.shape[-1:] != (2,):
        raise ValueError(f"points: expected x and y of each, got shape {points.shape}")
    return points[..., 0], points[..., 1]


def _starts(starts: Any) -> np.ndarray:
    try:
        starts = np.array(starts, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"starts: expected numbers, got {starts!r:.60}") from None
    if starts.ndim != 2 or starts.shape[1] != 2 or not len(starts):
        raise ValueError(f"starts: expected x and y in each row, got shape {starts.shape}")
    if not np.isfinite(starts).all():
        raise ValueError("starts: expected finite numbers")
    return starts
