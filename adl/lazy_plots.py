"""Figures of networks before and after a training, and of what width and scale change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotnine as pn
import torch
from matplotlib.figure import Figure
from torch import Tensor

from adl.data import Data
from adl.plotting import (
    LINE_COLOURS,
    LINE_STYLES,
    PALETTE,
    TITLE_WIDTH,
    Plot,
    counted,
    describe,
    digits,
    few,
    in_styles,
)
from adl.width import QUANTITIES, powers

__all__ = [
    "plot_catapult",
    "plot_curves",
    "plot_exponents",
    "plot_functions",
    "plot_laziness",
    "plot_progress",
]

_MOMENTS = ["at initialisation", "after training"]
_MARKERS = {"blue": "o", "sky": "s", "green": "^", "amber": "D", "red": "v", "purple": "P"}


def plot_functions(
    before: Tensor, after: Tensor, dataset: Data, *, names: Sequence[str] | None = None
) -> Plot:
    """The functions that models compute, before and after a training, with what they learned.

    Parameters
    ----------
    before, after : torch.Tensor, shape (models, examples)
        Outputs at inputs at equal distances over the interval of the data set.
    dataset : Data
    names : sequence of str, optional
        One for each model, up to four, to tell them apart; by default all look alike.

    Returns
    -------
    Plot

    Raises
    ------
    TypeError, ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> dataset = Data(n=15, xmin=-1, xmax=1, noise_level=0, type="middle", seed=0)
    >>> plot_functions(torch.zeros(2, 50), torch.ones(2, 50), dataset).alt.split(".")[0]
    'Functions of 2 models on [-1, 1], at initialisation and after training'
    """
    if not all(isinstance(part, Tensor) and part.ndim == 2 for part in (before, after)):
        raise TypeError("before, after: expected tensors of shape (models, examples)")
    if before.shape != after.shape:
        raise ValueError(f"after: expected shape {tuple(before.shape)}, got {tuple(after.shape)}")
    before, after = before.detach().cpu().double(), after.detach().cpu().double()
    models, examples = before.shape
    if names is not None:
        few("names", dict.fromkeys(names))
        if len(names) != models:
            raise ValueError(f"names: expected {models}, one for each model, got {len(names)}")
    called = [f"model {i + 1}" for i in range(models)] if names is None else list(names)
    x = np.linspace(dataset.xmin, dataset.xmax, examples)
    rows = pd.concat(
        pd.DataFrame({"x": x, "y": outputs.numpy(), "name": name, "when": moment})
        for moment, part in zip(_MOMENTS, (before, after), strict=True)
        for name, outputs in zip(called, part, strict=True)
    )
    target = pd.DataFrame({"x": x, "y": dataset.target(x)})
    inputs, labels = (part[:, 0].cpu().numpy() for part in (dataset.inputs, dataset.labels))
    points = pd.DataFrame({"x": inputs, "y": labels})
    risks = [
        ((part - torch.tensor(target["y"].tolist(), dtype=torch.float64)) ** 2).mean(1)
        for part in (before, after)
    ]
    if names is None:
        said = "; ".join(
            f"{moment} {digits(risk.min().item(), 1)} to {digits(risk.max().item(), 1)}"
            for moment, risk in zip(_MOMENTS, risks, strict=True)
        )
    else:
        said = "; ".join(
            f"{name} {digits(first.item(), 1)}, then {digits(last.item(), 1)}"
            for name, first, last in zip(called, *risks, strict=True)
        )
    for table in (rows, points, target):
        if "when" in table:
            table["when"] = pd.Categorical(table["when"], categories=_MOMENTS)
    rows["name"] = pd.Categorical(rows["name"], categories=called)
    shown = Plot(
        rows,
        pn.aes("x", "y", group="name"),
        alt=f"Functions of {counted(models, 'model')} on [{dataset.xmin:g}, {dataset.xmax:g}], "
        f"at initialisation and after training. Mean squared distance from the target: {said}.",
    )
    if names is None:
        curves = pn.geom_line(color=PALETTE["blue"], size=0.7, alpha=0.6, na_rm=True)
    else:
        shown, curves = in_styles(shown, "name"), pn.geom_line(size=0.9, na_rm=True)
    better = int((risks[1] < risks[0]).sum())
    return (
        shown
        + pn.geom_line(
            pn.aes("x", "y"), target, color=PALETTE["grey"], linetype="dotted", inherit_aes=False
        )
        + curves
        + pn.geom_point(pn.aes("x", "y"), points, color=PALETTE["ink"], size=1.6, inherit_aes=False)
        + pn.facet_wrap("when")
        + pn.theme(figure_size=(8.0, 3.75))
        + pn.labs(
            title=f"Nearer to the target after training: {better} of {models}",
            x="input x",
            y="output",
        )
    )


def plot_progress(
    losses: Tensor | Sequence[float],
    movement: Tensor | Sequence[float],
    *,
    steps: Tensor | None = None,
    names: Sequence[str] | None = None,
    level: tuple[str, float] | None = None,
) -> Figure:
    """Loss and relative movement of the output weights, side by side.

    Parameters
    ----------
    losses, movement : torch.Tensor or sequence of float, shape (records,) or (records, models)
        The first at the start.
    steps : torch.Tensor, shape (records,), optional
        After how many steps; by default one after each.
    names : sequence of str, optional
        One for each model, up to four, to tell them apart; by default all look alike.
    level : tuple of str and float, optional
        Name and value of a loss to mark by a line.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> figure = plot_progress(torch.ones(3, 2), torch.zeros(3, 2))
    >>> [ax.get_xlabel() for ax in figure.axes]
    ['step + 1 (log scale)', 'step']
    >>> plt.close(figure)
    """
    losses, movement = (
        part[:, None] if part.ndim == 1 else part
        for part in (torch.as_tensor(values).detach().cpu() for values in (losses, movement))
    )
    steps = torch.arange(len(losses)) if steps is None else steps.cpu()
    if losses.shape != movement.shape or losses.ndim != 2 or len(steps) != len(losses):
        raise ValueError(
            f"losses, movement: expected shape ({len(steps)}, models) each, got "
            f"{tuple(losses.shape)} and {tuple(movement.shape)}"
        )
    models = losses.shape[1]
    if names is not None:
        few("names", dict.fromkeys(names))
        if len(names) != models:
            raise ValueError(f"names: expected {models}, one for each model, got {len(names)}")
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.0, 3.75), layout="constrained")
    for model in range(models):
        look = (
            {"color": PALETTE["blue"], "alpha": 0.5, "linestyle": "solid"}
            if names is None
            else {
                "color": LINE_COLOURS[model],
                "linestyle": LINE_STYLES[model],
                "label": names[model],
            }
        )
        left.loglog(steps + 1, losses[:, model], **look)
        right.plot(steps, movement[:, model], **look)
    if level is not None:
        left.axhline(level[1], color=PALETTE["ink"], linestyle="dashed", linewidth=1)
        left.annotate(
            level[0], (1, level[1]), (0, 3), textcoords="offset points", color=PALETTE["ink"]
        )
    left.set(xlabel="step + 1 (log scale)", ylabel="loss (log scale)")
    right.set(xlabel="step", ylabel="movement / size at the start")
    shares, ends = losses[-1] / losses[0], movement[-1]
    left.set_title(f"Loss falls to {_span(shares)} of its start", fontsize=11)
    right.set_title(f"Output weights move by {_span(ends)}", fontsize=11)
    if names is not None:
        right.legend()
    if names is None:
        whose = "T" if models == 1 else f"Of {counted(models, 'model')}, t"
        said = (
            f"{whose}he loss falls to {_span(shares)} of its start in "
            f"{int(steps[-1])} steps. Relative movement of the output weights: {_span(ends)}."
        )
    else:
        said = f"After {int(steps[-1])} steps: " + "; ".join(
            f"{name}: loss {digits(share.item(), 1)} of its start, movement {digits(end.item(), 1)}"
            for name, share, end in zip(names, shares, ends, strict=True)
        )
        said += "."
    if level is not None:
        said += f" {level[0]}: {digits(level[1], 1)}."
    describe(left, said)
    return figure


def plot_curves(
    table: pd.DataFrame, x: str, y: str, *, by: str, title: str, log: str = "xy"
) -> Plot:
    """Lines of a table, up to four.

    Parameters
    ----------
    table : pandas.DataFrame
    x, y, by : str
        Columns across and upwards, and that with the lines' names.
    title : str
        What the lines show.
    log : str, default "xy"
        Which axes have a log scale.

    Returns
    -------
    Plot

    Raises
    ------
    ValueError
        If there are no lines or too many.

    Examples
    --------
    >>> table = pd.DataFrame({"step": [1, 2], "loss": [3.0, 4.0], "name": "one"})
    >>> plot_curves(table, "step", "loss", by="name", title="One line rises").alt
    'loss against step. one: from 3 to 4.'
    """
    names = list(dict.fromkeys(table[by]))
    few("table", dict.fromkeys(names))
    said = " ".join(
        f"{name}: from {digits(mine.iloc[0], 1)} to {digits(mine.iloc[-1], 1)}"
        + (f", at most {digits(mine.max(), 1)}." if mine.max() > max(mine.iloc[[0, -1]]) else ".")
        for name in names
        for mine in [table.loc[table[by] == name, y]]
    )
    rows = table.assign(**{by: pd.Categorical(table[by].astype(str), categories=map(str, names))})
    shown = in_styles(
        Plot(rows, pn.aes(x, y, group=by), alt=f"{y} against {x}. {said}"), by
    ) + pn.geom_line(size=0.9, na_rm=True)
    if "x" in log:
        shown += pn.scale_x_log10()
    if "y" in log:
        shown += pn.scale_y_log10()
    scale = {axis: " (log scale)" if axis in log else "" for axis in "xy"}
    return shown + pn.labs(title=fill(title, TITLE_WIDTH), x=x + scale["x"], y=y + scale["y"])


def plot_exponents(tables: Mapping[str, pd.DataFrame]) -> Plot:
    """Curvature, movement and kernel drift against the width, with fitted powers.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        Up to four panels, by name; from `adl.width.movement_by_width`.

    Returns
    -------
    Plot
        Medians over the networks; the alt text tells the powers, fitted from width 100 on.

    Raises
    ------
    TypeError, ValueError
        If there are no tables or too many.

    See Also
    --------
    adl.width.powers : the fit.

    Examples
    --------
    >>> from adl.width import movement_by_width
    >>> dataset = Data(n=15, xmin=-1, xmax=1, noise_level=0, type="simple", seed=0)
    >>> table = movement_by_width([100, 300], [dataset], networks=3, seed=0)
    >>> plot_exponents({"PyTorch": table}).alt.split(".")[0]
    'Medians against the width, with the power of the width that fits from width 100 on'
    """
    few("tables", tables)
    rows, said = [], []
    for name, table in tables.items():
        medians = table.groupby("width")[list(QUANTITIES)].median()
        fitted = powers(table)
        said.append(
            f"{name}: " + ", ".join(f"{quantity} {fitted[quantity]:.1f}" for quantity in QUANTITIES)
        )
        rows.append(
            medians.reset_index()
            .melt("width", var_name="quantity", value_name="median")
            .assign(panel=name)
        )
    drawn = pd.concat(rows)
    drawn["quantity"] = pd.Categorical(drawn["quantity"], categories=list(QUANTITIES))
    drawn["panel"] = pd.Categorical(drawn["panel"], categories=list(tables))
    first, *rest = (powers(table)["sharpness"] for table in tables.values())
    title = f"Curvature grows as the width to the power {first:.1f}" + "".join(
        f", or {power:.1f}".replace("-0.0", "0.0") for power in rest
    )
    return (
        in_styles(
            Plot(
                drawn,
                pn.aes("width", "median", group="quantity"),
                alt="Medians against the width, with the power of the width that fits from width "
                f"100 on. {'. '.join(said)}.".replace("-0.0", "0.0"),
            ),
            "quantity",
        )
        + pn.geom_line(size=0.9, na_rm=True)
        + pn.geom_point(size=1.8, na_rm=True)
        + pn.facet_wrap("panel")
        + pn.scale_x_log10()
        + pn.scale_y_log10()
        + pn.theme(figure_size=(8.0, 4.2))
        + pn.labs(title=title, x="width of the hidden layer (log scale)", y="median (log scale)")
    )


def plot_catapult(table: pd.DataFrame) -> Plot:
    """Largest loss of each network against its step size times curvature at the start.

    Parameters
    ----------
    table : pandas.DataFrame
        From `adl.width.catapult`.

    Returns
    -------
    Plot

    Raises
    ------
    ValueError
        If there are no networks, or more than six widths.

    Examples
    --------
    >>> row = {"width": 10, "product at start": 1.0, "spike": 1.0, "end": 0.5}
    >>> plot_catapult(pd.DataFrame([row])).alt.split(".")[0]
    'Largest loss over the first, against step size times curvature at the start, for 1 network'
    """
    few("table", dict.fromkeys(table["width"]), most=len(_MARKERS))
    finite = table[np.isfinite(table["spike"])]
    above = table["product at start"] > 2
    rose = ~(table["spike"] <= 1)  # so that nan has
    agreed = int((above == rose).sum())
    widths = [f"{width:g}" for width in sorted(table["width"].unique())]
    rows = finite.assign(
        width=pd.Categorical(finite["width"].map("{:g}".format), categories=widths)
    )
    said = (
        f"Below 2 the loss rises above its start in {int(rose[~above].sum())} of "
        f"{int((~above).sum())}, above 2 in {int(rose[above].sum())} of {int(above.sum())}."
    )
    return (
        Plot(
            rows,
            pn.aes("product at start", "spike", shape="width", fill="width"),
            alt="Largest loss over the first, against step size times curvature at the start, for "
            f"{counted(len(table), 'network')}. {said}",
        )
        + pn.geom_vline(xintercept=2, color=PALETTE["ink"], linetype="dashed")
        + pn.geom_point(size=2.6, color=PALETTE["ink"], alpha=0.85)
        + pn.scale_y_log10()
        + pn.scale_shape_manual(values=list(_MARKERS.values()))
        + pn.scale_fill_manual(values=[PALETTE[name] for name in _MARKERS])
        + pn.labs(
            title=f"The rule of 2 foretells the spike: {agreed} of {len(table)} networks",
            x="step size × curvature at the start",
            y="largest loss / first loss (log scale)",
        )
    )


def plot_laziness(table: pd.DataFrame, x: str, columns: Sequence[str], *, title: str) -> Plot:
    """Medians with their range over networks, on log scales.

    Parameters
    ----------
    table : pandas.DataFrame
        A row for each network.
    x : str
        Name of the column across.
    columns : sequence of str
        Names of up to four columns.
    title : str
        What they show.

    Returns
    -------
    Plot

    Raises
    ------
    ValueError
        If there are no columns or too many.

    Examples
    --------
    >>> table = pd.DataFrame({"alpha": [1, 1, 10], "movement": [2.0, 4.0, 0.3]})
    >>> plot_laziness(table, "alpha", ["movement"], title="It falls").alt
    'Medians against alpha. movement: 3 at 1, 0.3 at 10.'
    """
    few("columns", dict.fromkeys(columns))
    long = table.melt([x], list(columns), var_name="quantity")
    rows = (
        long.groupby([x, "quantity"])["value"]
        .agg(["median", "min", "max"])
        .reset_index()
        .assign(quantity=lambda t: pd.Categorical(t["quantity"], categories=list(columns)))
    )
    said = " ".join(
        f"{name}: "
        + ", ".join(
            f"{digits(median, 1)} at {value:g}"
            for value, median in rows.loc[rows["quantity"] == name, [x, "median"]].values
        )
        + "."
        for name in columns
    )
    return (
        in_styles(
            Plot(
                rows,
                pn.aes(x, "median", group="quantity"),
                alt=f"Medians against {x}. {said}",
            ),
            "quantity",
        )
        + pn.geom_ribbon(pn.aes(ymin="min", ymax="max"), alpha=0.15, color="none")
        + pn.geom_line(size=0.9)
        + pn.geom_point(size=2)
        + pn.scale_x_log10()
        + pn.scale_y_log10()
        + pn.labs(
            title=fill(title, TITLE_WIDTH),
            x=f"{x} (log scale)",
            y="median and range (log scale)",
        )
    )


def _span(values: Tensor) -> str:
    low, high = (digits(value.item(), 1) for value in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"
