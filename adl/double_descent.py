"""What more and more features do to the error on new inputs: the U-curve, and the second descent.

The models are sums of sinusoids (`adl.linear.sinusoids`) with a bias. Trained by a fixed number of
steps, they show a U: too few features cannot bend with the target, too many bend with the noise.
Solved exactly, by the smallest weights that fit best, they show what gradient descent hides by
stopping early: the error peaks where the points can just be fitted, and falls again beyond.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from adl import _inputs
from adl._batches import check_data
from adl._session import progress_bar
from adl.data import Data
from adl.linear import descend, sinusoids, with_bias

__all__ = ["average", "minimum_norm", "sweep"]


def sweep(
    dataset: Data,
    feature_dims: Iterable[int] = range(2, 200, 2),
    *,
    initialisations: int = 10,
    step_size: float = 0.1,
    steps: int = 1000,
    frequency: float = 0.2 * math.pi,
    seed: Any = None,
) -> pd.DataFrame:
    """Train sums of sinusoids of many sizes by gradient descent, each from several starts.

    The features of a small model are the first ones of a large model, so all share the features of
    the largest, and those that a model lacks keep weight 0.

    Parameters
    ----------
    dataset : adl.data.Data
        What they learn. Everything is computed in float64.
    feature_dims : sequence of int, default 2, 4, …, 198
        Numbers of features, even.
    initialisations : int, default 10
        Starts for each number of features: weights and bias uniform in ±1/sqrt(feature_dim), as in
        ``torch.nn.Linear``.
    step_size : float, default 0.1
        Learning rate; compare `adl.linear.critical_step_size`.
    steps : int, default 1000
        Number of steps, each on all points.
    frequency : float, default 0.2π
        As in `adl.linear.sinusoids`.
    seed : int or torch.Generator, optional
        Randomness of the starts; None is fresh.

    Returns
    -------
    pandas.DataFrame
        One row for each model: ``examples``, ``feature_dim``, ``initialisation`` (from 0),
        ``train_loss`` and ``true_risk`` after the last step. What diverges is inf or nan.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    See Also
    --------
    average : over the starts.
    minimum_norm : without training.

    Examples
    --------
    >>> dataset = Data(50, -1, 1, 0.05, "middle", seed=0)
    >>> table = sweep(dataset, [4, 20], initialisations=3, steps=100, seed=0)
    >>> table[["feature_dim", "initialisation"]].to_numpy().tolist()
    [[4, 0], [4, 1], [4, 2], [20, 0], [20, 1], [20, 2]]
    """
    check_data("dataset", dataset)
    dims = _feature_dims(feature_dims)
    largest = int(dims.max())
    each = _inputs.whole("initialisations", initialisations, at_least=1)
    sizes = torch.as_tensor(dims).repeat_interleave(each)[:, None]
    own = torch.arange(largest + 1) <= sizes  # the bias comes first
    uniform = _inputs.generator(seed).uniform(-1, 1, own.shape)
    start = own * torch.as_tensor(uniform) / sizes.double().sqrt()
    step_size = _inputs.real("step_size", step_size, at_least=0)

    def features(inputs: Tensor) -> Tensor:
        return with_bias(sinusoids(inputs.double(), largest, frequency=frequency))

    run = descend(
        features(dataset.inputs),
        dataset.labels[:, 0].double(),
        start,
        step_size=step_size * own,
        steps=steps,
        every=steps,
    )
    risk = dataset.risk(lambda inputs: run.weights[-1] @ features(inputs).T)
    return pd.DataFrame(
        {
            "examples": len(dataset.labels),
            "feature_dim": np.repeat(dims, each),
            "initialisation": np.tile(np.arange(each), len(dims)),
            "train_loss": run.losses[-1].numpy(),
            "true_risk": risk.numpy(),
        }
    )


def average(table: pd.DataFrame) -> pd.DataFrame:
    """Mean and variance over the initialisations, for each number of features.

    Parameters
    ----------
    table : pandas.DataFrame
        As from `sweep`, with at least two initialisations.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``feature_dim``: ``train_mean``, ``train_variance``, ``risk_mean``,
        ``risk_variance``.

    Examples
    --------
    >>> table = pd.DataFrame({"feature_dim": 2, "train_loss": [1.0, 3.0], "true_risk": [2.0, 2.0]})
    >>> average(table).loc[2].tolist()
    [2.0, 2.0, 2.0, 0.0]
    """
    return table.groupby("feature_dim").agg(
        train_mean=("train_loss", "mean"),
        train_variance=("train_loss", "var"),
        risk_mean=("true_risk", "mean"),
        risk_variance=("true_risk", "var"),
    )


def minimum_norm(
    datasets: Sequence[Data],
    feature_dims: Iterable[int] = range(2, 82, 2),
    *,
    frequency: float = math.pi,
    first: int = 1,
) -> pd.DataFrame:
    """Fit sums of sinusoids exactly: of all weights with the least error, the smallest.

    Parameters
    ----------
    datasets : sequence of adl.data.Data
        Each is fitted by itself, in float64.
    feature_dims : sequence of int, default 2, 4, …, 80
        Numbers of features, even.
    frequency : float, default π
        As in `adl.linear.sinusoids`: π has the period 2, the length of [-1, 1].
    first : {1, 0}, default 1
        Multiple of the frequency in the first cosine and sine. From 0, as in code that counts with
        ``arange``, that sine is 0 and that cosine a second bias: two columns that add no rank.

    Returns
    -------
    pandas.DataFrame
        One row for each data set and number of features: ``data_set`` (from 0), ``examples``,
        ``feature_dim``, ``parameters`` (the bias included), ``rank`` of the features with the bias,
        ``train_error`` and ``test_error`` (mean squares, the second as `Data.risk`), and ``norm``
        of the weights, with the bias.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Notes
    -----
    Singular values below machine precision × the larger side of the matrix × the largest of them
    count as 0, as in ``numpy.linalg.matrix_rank``. A solver that expects full rank (the default of
    ``torch.linalg.lstsq``) would give nonsense, or zeros, without a word.

    References
    ----------
    M. Belkin et al., "Reconciling modern machine-learning practice and the classical
    bias–variance trade-off", 2019, arXiv:1812.11118.

    Examples
    --------
    With 20 points, 20 features and the bias fit everything, and most errors are large:

    >>> table = minimum_norm([Data(20, -1, 1, 0.05, "middle", seed=0)], [10, 20, 80])
    >>> table["rank"].tolist(), (table["train_error"] < 1e-12).tolist()
    ([11, 20, 20], [False, True, True])
    >>> int(table["test_error"].argmax())
    1
    """
    if not isinstance(datasets, Sequence) or not all(isinstance(data, Data) for data in datasets):
        raise TypeError(f"datasets: expected a sequence of Data, got {datasets!r:.60}")
    if not datasets:
        raise ValueError("datasets: expected at least one, got none")
    if first not in (0, 1):
        raise ValueError(f"first: expected 0 or 1, got {first!r:.40}")
    dims = _feature_dims(feature_dims)
    largest = int(dims.max())

    def design(inputs: Tensor) -> Tensor:
        columns = sinusoids(inputs.double(), largest, frequency=frequency)
        if first == 0:
            constant = torch.tensor([1.0, 0.0]).expand(len(inputs), 2)  # cosine and sine of 0
            columns = torch.cat([constant.to(columns), columns], 1)[:, :largest]
        return with_bias(columns)

    tables = []
    for number, data in enumerate(progress_bar(datasets, label="data sets")):
        features, labels = design(data.inputs).numpy(), data.labels[:, 0].double().numpy()
        weights = np.zeros((len(dims), largest + 1))
        ranks = np.zeros(len(dims), dtype=int)
        for row, dim in enumerate(dims):
            weights[row, : dim + 1], _, ranks[row], _ = np.linalg.lstsq(
                features[:, : dim + 1], labels, rcond=None
            )
        test = data.risk(lambda inputs, w=weights: torch.as_tensor(w) @ design(inputs).T)
        tables.append(
            pd.DataFrame(
                {
                    "data_set": number,
                    "examples": len(labels),
                    "feature_dim": dims,
                    "parameters": dims + 1,
                    "rank": ranks,
                    "train_error": np.square(weights @ features.T - labels).mean(1),
                    "test_error": test.numpy(),
                    "norm": np.linalg.norm(weights, axis=1),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def _feature_dims(feature_dims: Iterable[int]) -> np.ndarray:
    """Numbers of features, even, each once, in their order."""
    if not isinstance(feature_dims, Iterable):
        raise TypeError(f"feature_dims: expected a sequence, got {feature_dims!r:.40}")
    dims = [_inputs.whole("feature_dims", dim, at_least=2) for dim in feature_dims]
    if not dims or any(dim % 2 for dim in dims) or len(set(dims)) < len(dims):
        raise ValueError(f"feature_dims: expected even numbers, each once, got {dims!r:.60}")
    return np.array(dims)
