"""Runs at the size of the notes that chapters 3 and 4 grew from, stored beside this module.

The chapters' networks have 32 units a layer and train for some hundred steps. These have 100, and
10,000 or 40,000 examples a step, and were to make 50,000 steps; `not_run` says how far they came.
``benchmarks/full_scale.py`` runs them, and takes them further.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pandas as pd

__all__ = ["not_run", "stored"]

_SETTINGS = ["chapter", "loss", "epsilon", "hidden", "step_size", "last_step_size", "batch_size"]
_ERRORS = ["explained", "mean_absolute_error", "median_relative_error"]
_AT_THE_EDGE = ["spread_early", "spread_late", "stability"]
_WHERE = ["device", "machine", "torch", "date", "seconds_per_step"]
_DEVICES = {"cpu": "CPU", "cuda": "GPU"}
_QUANTILES = ["q05", "q25", "median", "q75", "q95"]


def stored() -> pd.DataFrame:
    """All runs, a line for each.

    Returns
    -------
    pandas.DataFrame
        - ``name`` and the settings: ``chapter``, ``loss``, ``epsilon``, ``hidden`` (widths),
          ``step_size``, ``last_step_size`` (what the rate falls to in 50,000 steps; nan if it is
          constant), ``batch_size``, and ``fresh``: whether each step drew a new batch;
        - ``steps``, how many were made, and ``wanted``, how many the note made;
        - on 200,000 new examples: ``q05``, ``q25``, ``median``, ``q75``, ``q95`` of the log10
          squared error; ``explained``, the share of the targets' variance (R²);
          ``mean_absolute_error``; ``median_relative_error``, of ``abs(error) / (1 + abs(target))``;
        - for chapter 3, nan for chapter 4: ``spread_early`` and ``spread_late``, the detrended
          spread of log10 loss over steps 400 to 700 and over the last 300, and ``stability``,
          step size × curvature at the end, stable below 2;
        - ``device``, ``machine``, ``torch`` (its version), ``date`` and ``seconds_per_step``.

        Errors that are not finite are nan.

    See Also
    --------
    adl.fluctuations.spread, adl.edge.stability

    Examples
    --------
    >>> runs = stored()
    >>> sorted(runs.query("chapter == 4 and epsilon == 1e-4")["loss"].unique())[:3]
    ['Huber', 'L1', 'MSE']
    >>> runs["batch_size"].unique().tolist()
    [40000, 10000]
    """
    numbers = [*_ERRORS, *_AT_THE_EDGE, *_QUANTILES, "last_step_size"]
    return pd.DataFrame(
        {
            "name": name,
            **{key: run[key] for key in _SETTINGS},
            "hidden": tuple(run["hidden"]),
            "fresh": run["fresh"],
            "steps": run["steps"],
            "wanted": run["steps_of_the_note"],
            **dict(zip(_QUANTILES, run["log10_squared_error"], strict=True)),
            **{key: run[key] for key in _ERRORS},
            **{key: run.get(key) for key in _AT_THE_EDGE},
            **{key: run[key] for key in _WHERE},
        }
        for name, run in _document()["cases"].items()
    ).astype(dict.fromkeys(numbers, float))


def not_run() -> str:
    """What is missing from the notes' experiments, in words.

    Returns
    -------
    str
        Which runs were cut short, and after how many steps; what was not run at all.

    Examples
    --------
    >>> not_run().endswith(".")
    True
    """
    runs = stored()
    short = runs[runs["steps"] < runs["wanted"]]
    absent = _document()["not_run"]
    said = [_cut(short, len(runs)) if len(short) else f"All {len(runs)} runs were made in full."]
    if absent:
        said.append(f"Not run at this size: {_listed(absent)}.")
    return " ".join(said)


def _cut(short: pd.DataFrame, runs: int) -> str:
    """Sentence on the runs that were cut short."""
    who = f"All {runs} runs" if len(short) == runs else f"{len(short)} of {runs} runs"
    counts = short["steps"].value_counts().sort_index()
    after = (
        f"{counts.index[0]:,}"
        if len(counts) == 1
        else _listed([f"{count} after {steps:,}" for steps, count in counts.items()])
    )
    where = _listed([f"on a {_DEVICES[device]}" for device in sorted(short["device"].unique())])
    verb = "was" if len(short) == 1 else "were"
    return (
        f"{who} {verb} cut short: {after} of the note's {short['wanted'].iloc[0]:,} steps, {where}."
    )


def _listed(things: list[str]) -> str:
    """Words as an enumeration."""
    *rest, last = things
    return f"{', '.join(rest)} and {last}" if rest else last


def _document() -> dict[str, Any]:
    return json.loads(files("adl").joinpath("full_scale.json").read_text("utf8"))
