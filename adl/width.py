"""What the width of a network changes: its curvature, and how far its parameters move."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from adl import _inputs
from adl._batches import check_data, check_net, mean_losses
from adl._session import progress_bar
from adl.curvature import kernel_drift, sharpness, tangent_kernel
from adl.data import Data
from adl.lazy import fit, layer_columns, relative_movement
from adl.models import StackedMLP
from adl.training import StackedSGD, train_stacked

__all__ = [
    "LONG_RUN",
    "QUANTITIES",
    "catapult",
    "long_run",
    "long_runs",
    "movement_by_width",
    "powers",
    "to_equal_loss",
]

QUANTITIES = ("sharpness", "last layer", "first layer", "kernel drift")
"""What `movement_by_width` measures and `powers` fits."""

LONG_RUN: Mapping[str, Any] = MappingProxyType(
    {
        "widths": (5, 10, 100, 1000),
        "step_size": 0.002,
        "steps": 50000,
        "networks": 5,
        "seed": 1,
        "data": {"n": 15, "xmin": -1, "xmax": 1, "noise_level": 0, "type": "middle", "seed": 0},
    }
)
"""The practical's own comparison of widths, which `long_run` trains and ``width.json`` keeps."""

_STORED = Path(__file__).with_name("width.json")


def to_equal_loss(
    net: StackedMLP, dataset: Data, *, share: float = 0.1, steps: int = 20000
) -> tuple[StackedMLP, Tensor]:
    """Train each network until its loss has fallen to a share of its start, and no further.

    Gradient descent on all points, with the step size 1 / curvature: half of the largest stable
    one, for each network its own. After equal numbers of steps some networks have learned more than
    others; at an equal loss, what their parameters did for it can be compared.

    Parameters
    ----------
    net : StackedMLP
        With one input; it stays as it is, a copy is trained.
    dataset : Data
    share : float, default 0.1
        Of the loss at the start; above 0 and below 1.
    steps : int, default 20000
        Networks that are not there by then are given up.

    Returns
    -------
    tuple of StackedMLP and torch.Tensor, shape (models,)
        The trained networks, and after how many steps each was there: nan if it never was.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> dataset = Data(n=15, xmin=-1, xmax=1, noise_level=0, type="simple", seed=0)
    >>> net, taken = to_equal_loss(StackedMLP(5, inputs=1, hidden=[100], seed=0), dataset)
    >>> bool((taken < 100).all())
    True
    """
    trained = check_net("net", net, inputs=1).some(slice(None))
    check_data("dataset", dataset)
    share = _inputs.real("share", share, above=0, below=1)
    steps = _inputs.whole("steps", steps, at_least=1)
    batch = dataset.inputs.to(net.vector), dataset.labels[:, 0].to(net.vector)
    rates = 1 / sharpness(net, batch)[:, None]
    goal = None
    taken = torch.full_like(rates[:, 0], torch.nan)
    for step in progress_bar(range(steps + 1), label="training"):
        losses = mean_losses(F.mse_loss, trained(batch[0]), batch[1].expand(net.models, -1))
        goal = share * losses.detach() if goal is None else goal
        there = losses.detach() <= goal
        taken[there & taken.isnan()] = step
        if bool((there | ~losses.isfinite()).all()) or step == steps:
            break
        (gradient,) = torch.autograd.grad(losses.sum(), trained.vector)
        with torch.no_grad():
            trained.vector.sub_(torch.where(there[:, None], 0.0, rates * gradient))
    return trained, taken


def movement_by_width(
    widths: Sequence[int],
    datasets: Sequence[Data],
    *,
    networks: int = 10,
    parametrization: Literal["pytorch", "ntk"] = "pytorch",
    share: float = 0.1,
    seed: Any = None,
) -> pd.DataFrame:
    """How far networks of several widths move on their way to the same loss.

    Parameters
    ----------
    widths : sequence of int
        Of the one hidden layer.
    datasets : sequence of Data
        What they learn; `networks` of them for each.
    networks : int, default 10
        Initialisations for each width and data set.
    parametrization : {"pytorch", "ntk"}, default "pytorch"
        As in `adl.models.StackedMLP`.
    share : float, default 0.1
        As in `to_equal_loss`.
    seed : int or torch.Generator, optional
        Randomness of the initialisations; None is fresh.

    Returns
    -------
    pandas.DataFrame
        A row for each network, with columns width, dataset, network, ``sharpness`` at the start,
        relative movement of the ``first layer`` and of the ``last layer``, ``kernel drift``, and
        ``steps`` taken.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> dataset = Data(n=15, xmin=-1, xmax=1, noise_level=0, type="simple", seed=0)
    >>> table = movement_by_width([100, 1000], [dataset], networks=5, seed=0)
    >>> medians = table.groupby("width")["last layer"].median()
    >>> bool(medians[1000] < 0.5 * medians[100])
    True
    """
    widths = _check_widths(widths)
    if not isinstance(datasets, Sequence):
        raise TypeError(f"datasets: expected a list of adl.data.Data, got {datasets!r:.60}")
    if not datasets:
        raise ValueError("datasets: expected at least one, got none")
    for dataset in datasets:
        check_data("datasets", dataset)
    networks = _inputs.whole("networks", networks, at_least=1)
    generator = _inputs.torch_generator(seed)
    parts = []
    for width in widths:
        for number, dataset in enumerate(datasets):
            net = StackedMLP(
                networks,
                inputs=1,
                hidden=[width],
                parametrization=parametrization,
                seed=generator,
            )
            trained, taken = to_equal_loss(net, dataset, share=share)
            parts.append(
                pd.DataFrame(
                    {
                        "width": width,
                        "dataset": number,
                        "network": np.arange(networks),
                        "sharpness": sharpness(
                            net, (dataset.inputs, dataset.labels[:, 0])
                        ).tolist(),
                        "first layer": _moved(net, trained, 0).tolist(),
                        "last layer": _moved(net, trained, -1).tolist(),
                        "kernel drift": kernel_drift(
                            tangent_kernel(net, dataset.inputs),
                            tangent_kernel(trained, dataset.inputs),
                        ).tolist(),
                        "steps": taken.tolist(),
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def catapult(
    widths: Sequence[int],
    dataset: Data,
    *,
    step_size: float = 0.002,
    steps: int = 1000,
    networks: int = 6,
    seed: Any = None,
) -> pd.DataFrame:
    """Train networks of several widths at one step size, below and above the largest stable one.

    Parameters
    ----------
    widths : sequence of int
        Of the one hidden layer, of networks in PyTorch's parametrisation with ReLU.
    dataset : Data
        What they learn, all points in every step.
    step_size : float, default 0.002
        Learning rate.
    steps : int, default 1000
        How many.
    networks : int, default 6
        Initialisations for each width.
    seed : int or torch.Generator, optional
        Randomness of the initialisations; None is fresh.

    Returns
    -------
    pandas.DataFrame
        A row for each network, with columns width, network, ``product at start`` (step size times
        sharpness), ``spike`` (largest loss over the first), ``end`` (last loss over the first) and
        ``product at end``. What diverges has inf or nan there.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    References
    ----------
    A. Lewkowycz et al., "The large learning rate phase of deep learning: the catapult mechanism",
    2020, arXiv:2003.02218.

    Examples
    --------
    >>> dataset = Data(n=15, xmin=-1, xmax=1, noise_level=0, type="middle", seed=0)
    >>> table = catapult([300, 500], dataset, step_size=0.014, steps=100, networks=3, seed=0)
    >>> (table["spike"] > 1).tolist()
    [False, False, False, True, True, True]
    """
    widths, dataset = _check_widths(widths), check_data("dataset", dataset)
    networks = _inputs.whole("networks", networks, at_least=1)
    generator = _inputs.torch_generator(seed)
    parts = []
    for width in widths:
        net = StackedMLP(networks, inputs=1, hidden=[width], seed=generator)
        batch = dataset.inputs.to(net.vector), dataset.labels[:, 0].to(net.vector)
        trained = net.some(slice(None))
        run = train_stacked(StackedSGD(trained), batch, step_size=step_size, steps=steps)
        with torch.no_grad():
            last = (trained(batch[0]) - batch[1]).square().mean(-1)
        losses = torch.cat([run.losses, last[None]])
        parts.append(
            pd.DataFrame(
                {
                    "width": width,
                    "network": np.arange(networks),
                    "product at start": (step_size * sharpness(net, batch)).tolist(),
                    "spike": (losses.amax(0) / losses[0]).tolist(),
                    "end": (losses[-1] / losses[0]).tolist(),
                    "product at end": (step_size * sharpness(trained, batch)).tolist(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def powers(table: pd.DataFrame, *, smallest: int = 100) -> dict[str, float]:
    """Power of the width that each quantity follows.

    Parameters
    ----------
    table : pandas.DataFrame
        From `movement_by_width`.
    smallest : int, default 100
        Narrower networks do not count.

    Returns
    -------
    dict of str to float
        Slopes of straight lines through the medians, on log scales.

    Raises
    ------
    ValueError
        If it is no such table, or has fewer than two such widths.

    Examples
    --------
    >>> table = pd.DataFrame({"width": [100, 1000], "sharpness": [1.0, 10.0]})
    >>> powers(table.assign(**{"last layer": 1, "first layer": 1, "kernel drift": 1}))["sharpness"]
    1.0
    """
    missing = {"width", *QUANTITIES} - set(table.columns)
    if missing:
        raise ValueError(f"table: expected columns {', '.join(sorted(missing))}, got none")
    if table.loc[table["width"] >= smallest, "width"].nunique() < 2:
        raise ValueError(f"table: expected at least two widths from {smallest} on")
    medians = table[table["width"] >= smallest].groupby("width")[list(QUANTITIES)].median()
    return {
        name: round(float(np.polyfit(np.log(medians.index), np.log(medians[name]), 1)[0]), 12)
        for name in QUANTITIES
    }


def long_run(width: int, *, steps: int = LONG_RUN["steps"]) -> pd.DataFrame:
    """Train networks of one width as `LONG_RUN` says.

    Parameters
    ----------
    width : int
        Of the hidden layer.
    steps : int, default 50000
        How many; at least 50.

    Returns
    -------
    pandas.DataFrame
        Columns width, network, step, loss and movement (of the output weights, relative), at the
        start, at steps that lie evenly on a log scale, and at the end.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> long_run(5, steps=100)["step"].unique().tolist()
    [0, 50, 100]
    """
    width = _inputs.whole("width", width, at_least=1)
    steps = _inputs.whole("steps", steps, at_least=50)
    net = StackedMLP(LONG_RUN["networks"], inputs=1, hidden=[width], seed=LONG_RUN["seed"])
    trained = fit(
        net, Data(**LONG_RUN["data"]), step_size=LONG_RUN["step_size"], steps=steps, every=50
    )
    wanted = np.unique(np.geomspace(1, len(trained.steps) - 1, 40).round())
    rows = [0, *(int(row) for row in wanted)]
    return pd.concat(
        pd.DataFrame(
            {
                "width": width,
                "network": network,
                "step": trained.steps[rows].tolist(),
                "loss": _four_digits(trained.losses[rows, network]),
                "movement": _four_digits(trained.movement[rows, network]),
            }
        )
        for network in range(LONG_RUN["networks"])
    )


def long_runs() -> pd.DataFrame:
    """What `long_run` measured at all widths, as it was stored by ``make data``.

    Returns
    -------
    pandas.DataFrame
        As from `long_run`, of all widths.

    Examples
    --------
    >>> table = long_runs()
    >>> sorted(table["width"].unique().tolist()), int(table["step"].max())
    ([5, 10, 100, 1000], 50000)
    """
    runs = json.loads(_STORED.read_text("utf8"))["runs"]
    return pd.concat([pd.DataFrame(run) for run in runs], ignore_index=True)


def _four_digits(values: Tensor) -> list[float]:
    """Numbers for a file: the digits beyond differ between machines."""
    return [float(f"{value:.4g}") for value in values.tolist()]


def _moved(start: StackedMLP, now: StackedMLP, layer: int) -> Tensor:
    """Relative movement of the weights of a layer."""
    columns = layer_columns(start, layer)
    both = torch.stack([start.vector.detach()[:, columns], now.vector.detach()[:, columns]])
    return relative_movement(both)[1]


def _check_widths(widths: Any) -> list[int]:
    numbers = _inputs.vector("widths", widths)
    return [_inputs.whole("widths", width, at_least=1) for width in numbers]
