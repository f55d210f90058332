"""The straight line ``y = w x + b``: two parameters, so curvature is a matrix.

Its largest eigenvalue limits the step size, its smallest decides how long the rest takes. Chapter 1
uses it to show what centring and standardising the inputs are good for.
"""

from typing import Any

import numpy as np
import pandas as pd
import plotnine as pn

from adl import _inputs
from adl._session import progress_bar
from adl.plotting import PALETTE, Plot, counted

__all__ = [
    "condition_number",
    "critical_step_size",
    "curvatures",
    "epoch_matrix",
    "plot_paths",
    "train",
]


def train(
    x: Any,
    y: Any,
    step_size: float = 0.001,
    epochs: int = 10,
    w: float = 0.0,
    b: float = 0.0,
) -> pd.DataFrame:
    """Gradient descent on ``mean((w x + b - y)**2)``, one row a step.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Inputs and targets.
    step_size : float, default 0.001
        What the gradient is multiplied by.
    epochs : int, default 10
        Number of updates; each uses all n points.
    w, b : float, default 0.0
        Slope and intercept at the start.

    Returns
    -------
    pandas.DataFrame
        ``epoch`` from 1, ``w``, ``b`` and ``loss`` before the update, ``new_w`` and ``new_b``
        after it; inf and nan where the run diverges.

    Raises
    ------
    TypeError, ValueError
        As `adl.model_1p.train`.

    Examples
    --------
    >>> print(train([-1, 1], [1, 3], step_size=0.5, epochs=1).to_string(index=False))
     epoch   w   b  loss  new_w  new_b
         1 0.0 0.0   5.0    1.0    2.0
    """
    x, y = _inputs.pair(x, y)
    step_size = _inputs.real("step_size", step_size)
    epochs = _inputs.whole("epochs", epochs, at_least=1)
    w, b = _inputs.real("w", w), _inputs.real("b", b)
    rows = []
    with np.errstate(over="ignore", invalid="ignore"):
        for epoch in progress_bar(range(1, epochs + 1), label="training"):
            residual = w * x + b - y
            new_w = w - step_size * 2 * np.mean(x * residual)
            new_b = b - step_size * 2 * np.mean(residual)
            rows.append((epoch, w, b, np.mean(residual**2), new_w, new_b))
            w, b = new_w, new_b
    return pd.DataFrame(rows, columns=["epoch", "w", "b", "loss", "new_w", "new_b"])


def curvatures(x: Any) -> tuple[float, float]:
    """Eigenvalues of the loss's matrix of second derivatives, the smaller first.

    The matrix is ``2 [[mean(x**2), mean(x)], [mean(x), 1]]``: it depends on the inputs alone.

    Parameters
    ----------
    x : array_like, shape (n,)
        Inputs.

    Returns
    -------
    tuple of float

    Raises
    ------
    TypeError, ValueError
        If `x` is empty, not numeric or not finite.

    Examples
    --------
    >>> smallest, largest = curvatures([2.1, 3.4, 1.8, 5.9, 8.3, 9.1, 2.4, 5.6, 7.8])
    >>> print(f"{smallest:.3f}, {largest:.2f}")
    0.415, 69.07
    """
    x = _inputs.vector("x", x)
    features = np.column_stack([x, np.ones_like(x)]) * np.sqrt(2 / len(x))
    singular = np.linalg.svd(features, compute_uv=False)
    return (float(singular[1] ** 2) if len(x) > 1 else 0.0, float(singular[0] ** 2))


def critical_step_size(x: Any) -> float:
    """Step size from which gradient descent on the line no longer converges.

    Parameters
    ----------
    x : array_like, shape (n,)
        Inputs.

    Returns
    -------
    float
        2 / the largest of the `curvatures`.

    Raises
    ------
    TypeError, ValueError
        If `x` is empty, not numeric or not finite.

    Examples
    --------
    >>> print(f"{critical_step_size([-1, 1]):.3f}")
    1.000
    """
    return 2 / curvatures(x)[1]


def condition_number(x: Any) -> float:
    """Largest over smallest of the `curvatures`; inf if all inputs are equal.

    At the critical step size, that many steps make the error about e² times smaller in the flattest
    direction.

    Parameters
    ----------
    x : array_like, shape (n,)
        Inputs.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        If `x` is empty, not numeric or not finite.

    Examples
    --------
    >>> round(condition_number([-2, 2]), 6)
    4.0
    """
    smallest, largest = curvatures(x)
    return largest / smallest if smallest > 1e-14 * largest else float("inf")


def epoch_matrix(x: Any, step_size: float) -> np.ndarray:
    """What an epoch of single steps, one on each row in order, does to the error of the line.

    If all points lie on one line, a step on a row multiplies the distance from it, as a vector of
    slope and intercept, by ``I - 2 step_size v v^T`` with ``v = (x, 1)``: by
    ``1 - 2 step_size (x**2 + 1)`` along v, and by 1 across. An epoch is the product over the rows.

    Parameters
    ----------
    x : array_like, shape (n,)
        Inputs, in their order.
    step_size : float
        What the gradient of a row's squared error is multiplied by.

    Returns
    -------
    numpy.ndarray, shape (2, 2)
        Acts on (slope, intercept) minus its optimum. Its largest eigenvalue, in absolute value, is
        what an epoch leaves of the most stubborn error.

    Raises
    ------
    TypeError, ValueError
        If an argument is not numeric or not finite.

    Examples
    --------
    >>> print(epoch_matrix([1, 2], step_size=0.1))
    [[ 0.24 -0.36]
     [-0.48  0.72]]
    """
    x = _inputs.vector("x", x)
    step_size = _inputs.real("step_size", step_size)
    matrix = np.eye(2)
    for row in np.column_stack([x, np.ones_like(x)]):
        matrix = matrix - 2 * step_size * np.outer(row, row @ matrix)
    return matrix


def plot_paths(
    x: Any, y: Any, *, share: float, epochs: int, w: float = 0.0, b: float = 0.0
) -> Plot:
    """Paths of gradient descent on the contour lines of the loss, for x as it is and centred.

    Both start on the same line, and both step sizes are the same share of the critical one. In each
    panel a unit is equally long in both directions, so that paths cross contours at right angles.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Inputs and targets.
    share : float
        Step size divided by the critical step size; between 0 and 1.
    epochs : int
        Number of updates.
    w, b : float, default 0.0
        The line at the start, as slope and intercept for x as it is.

    Returns
    -------
    Plot

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used, or all inputs are equal.

    Examples
    --------
    >>> plot_paths([1, 2, 4], [2, 4, 7], share=0.9, epochs=10).alt[:47]
    'Contour lines of the loss over slope and interc'
    """
    x, y = _inputs.pair(x, y)
    share = _inputs.real("share", share)
    if not 0 < share < 1:
        raise ValueError(f"share: expected a number between 0 and 1, got {share}")
    epochs = _inputs.whole("epochs", epochs, at_least=1)
    w, b = _inputs.real("w", w), _inputs.real("b", b)
    if np.all(x == x[0]):
        raise ValueError(f"x: expected at least two different inputs, got {x[0]:g} only")
    centre = float(np.mean(x))
    conditions = condition_number(x), condition_number(x - centre)
    panels, sentences = [], []
    for name, condition, inputs, start in (
        ("x as it is", conditions[0], x, b),
        ("x centred", conditions[1], x - centre, b + w * centre),
    ):
        step_size = share * critical_step_size(inputs)
        table = train(inputs, y, step_size, epochs, w, start)
        best_w, best_b = np.polyfit(inputs, y, 1)
        path = pd.DataFrame(
            {
                "w": [w, *table["new_w"]],
                "b": [start, *table["new_b"]],
                "line": "path",
                "panel": f"{name}, step size {step_size:.3g}",
            }
        )
        away = np.hypot(path["w"] - best_w, path["b"] - best_b)
        sentences.append(
            f"{name}, condition number {condition:.3g}: after {counted(epochs, 'step')} of "
            f"{step_size:.3g} the path is {away.iloc[-1]:.2g} from the optimum, having started "
            f"{away.iloc[0]:.3g} away"
        )
        panels += [path, _contours(inputs, (best_w, best_b), path)]
    everything = pd.concat(panels)
    everything["panel"] = pd.Categorical(everything["panel"], everything["panel"].unique())
    is_path = everything["line"] == "path"
    is_ring = everything["line"].str.startswith("ring")
    alt = "Contour lines of the loss over slope and intercept. " + "; ".join(sentences) + "."
    return (
        Plot(everything[is_path], pn.aes("w", "b"), alt=alt)
        + pn.facet_wrap("panel", scales="free")
        + pn.theme(aspect_ratio=1)
        + pn.scale_x_continuous(expand=(0, 0))
        + pn.scale_y_continuous(expand=(0, 0))
        + pn.geom_blank(data=everything[everything["line"] == "corner"])
        + pn.geom_path(
            pn.aes(group="line"),
            data=everything[is_ring],
            color=PALETTE["blue"],
            size=0.6,
            na_rm=True,
        )
        + pn.geom_path(color=PALETTE["red"], size=0.6, linetype="dashed")
        + pn.geom_point(color=PALETTE["red"], size=1.4)
        + pn.labs(
            title="Centring takes the condition number from {:.3g} to {:.3g}".format(*conditions),
            x="slope w",
            y="intercept b",
        )
    )


def _contours(x: np.ndarray, best: tuple[float, float], path: pd.DataFrame) -> pd.DataFrame:
    """Ellipses of equal loss, the largest through the start, and the corners of their square."""
    hessian = 2 * np.array([[np.mean(x**2), np.mean(x)], [np.mean(x), 1.0]])
    values, vectors = np.linalg.eigh(hessian)
    offset = path[["w", "b"]].to_numpy()[0] - best
    height = offset @ hessian @ offset / 2
    angle = np.linspace(0, 2 * np.pi, 361)
    reach = 1.2 * max(
        float(np.abs(path[name] - middle).max()) for name, middle in zip("wb", best, strict=True)
    )
    corners = np.add.outer([-reach, reach], best)
    rings = [pd.DataFrame({"w": corners[:, 0], "b": corners[:, 1], "line": "corner"})]
    for ring in range(5):
        radius = np.sqrt(2 * height / 4**ring / np.maximum(values, 1e-12))
        points = (vectors * radius) @ np.stack([np.cos(angle), np.sin(angle)]) + np.c_[[*best]]
        points[:, np.abs(points - np.c_[[*best]]).max(axis=0) > reach] = np.nan
        rings.append(pd.DataFrame({"w": points[0], "b": points[1], "line": f"ring {ring}"}))
    return pd.concat(rings).assign(panel=path["panel"].iloc[0])
