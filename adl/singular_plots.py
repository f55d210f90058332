"""Figures of what networks make of the singular target, loss by loss."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from textwrap import fill

import numpy as np
import pandas as pd
import plotnine as pn
import torch

from adl._batches import check_net
from adl.losses import LOSSES
from adl.models import StackedMLP
from adl.plotting import PALETTE, TITLE_WIDTH, Plot, counted, digits, few, in_styles
from adl.singular import Fitted, baselines, check_fitted, held_out, predict

__all__ = [
    "plot_by_size",
    "plot_errors",
    "plot_learning",
    "plot_medians",
    "plot_ordering",
    "plot_path",
    "plot_pull",
]

_BY_LOSS = dict(
    zip(
        LOSSES,
        [
            ("blue", "solid"),
            ("red", "dotted"),
            ("red", "dashed"),
            ("green", "dashed"),
            ("green", "dotted"),
            ("purple", "dotted"),
            ("purple", "dashdot"),
        ],
        strict=True,
    )
)
"""Colour and line of each loss: relatives share a colour."""

_SIZES = ["below 1", "1 to 10", "10 to 100", "100 to 1000", "above 1000"]


def plot_pull(losses: Iterable[str] = tuple(LOSSES)) -> Plot:
    """How hard an example pulls on a network that still says 0, by the size of its target.

    The pull is the size of the loss's derivative by the output.

    Parameters
    ----------
    losses : sequence of str
        Names in `adl.losses.LOSSES`; by default all.

    Returns
    -------
    Plot

    Raises
    ------
    ValueError
        If there are none, or one is unknown.

    Examples
    --------
    >>> plot_pull().alt[:51]
    'Size of the derivative of the loss by the output, a'
    """
    losses = list(losses) if isinstance(losses, Iterable) else [losses]
    if not losses or not all(name in list(LOSSES) for name in losses):
        raise ValueError(f"losses: expected some of {', '.join(LOSSES)}, got {losses!r:.60}")
    losses = list(dict.fromkeys(losses))
    targets = torch.logspace(-2, 5, 141, dtype=torch.float64)
    tables, said = [], []
    for name in losses:
        output = torch.zeros_like(targets, requires_grad=True)
        (pull,) = torch.autograd.grad(LOSSES[name](output, targets, reduction="sum"), output)
        pull = pull.abs()
        tables.append(pd.DataFrame({"target": targets, "pull": pull, "loss": name}))
        small, large = (pull[(targets - size).abs().argmin()].item() for size in (1, 1e4))
        said.append(f"{name} {digits(small, 1)} and {digits(large, 1)}")
    rows = pd.concat(tables)
    colours = {name: PALETTE[_BY_LOSS[name][0]] for name in losses}
    lines = {name: _BY_LOSS[name][1] for name in losses}
    rows["loss"] = pd.Categorical(rows["loss"], categories=losses)
    ends = rows.groupby("loss", observed=True).tail(1).sort_values("pull")
    # Names side by side where lines end together.
    ends["shown"] = ends.groupby((ends["pull"].pct_change() > 9).cumsum())["loss"].transform(
        ", ".join
    )
    ends = ends.drop_duplicates("shown")
    least, most = ends["pull"].min(), ends["pull"].max()
    return (
        Plot(
            rows,
            pn.aes("target", "pull", color="loss", linetype="loss"),
            alt="Size of the derivative of the loss by the output, at output 0, against the "
            f"size of the target, on logarithmic axes. At targets 1 and 10,000: {'; '.join(said)}.",
        )
        + pn.geom_line(size=0.9)
        + pn.geom_text(
            pn.aes(label="shown"), ends, ha="left", nudge_x=0.1, size=8.5, show_legend=False
        )
        + pn.scale_color_manual(values=colours)
        + pn.scale_linetype_manual(values=lines)
        + pn.scale_x_log10(limits=(1e-2, 3e7), breaks=[1e-2, 1, 1e2, 1e4])
        + pn.scale_y_log10()
        + pn.labs(
            title=f"A target of 100,000 pulls with {digits(least, 1)} to {digits(most, 1)}",
            x="size of the target (log scale)",
            y="pull on the output (log scale)",
        )
        + pn.theme(legend_position="none")
    )


def plot_learning(fitted: Fitted) -> Plot:
    """Learning curves, one panel for each epsilon.

    Parameters
    ----------
    fitted : Fitted
        From `adl.singular.fit`.

    Returns
    -------
    Plot
        Loss as a share of what always saying 0 costs on the same batch: medians over 20 steps
        (the line is their median over the networks, the band all of them).

    Raises
    ------
    TypeError, ValueError
        If `fitted` is anything else, or of fewer than 20 steps.

    Examples
    --------
    >>> from adl.singular import fit
    >>> plot_learning(fit("L1", [1.0], networks=2, steps=40)).alt.split(".")[0]
    'Loss with L1 as a share of the cost of always saying 0, against the step, 2 networks each'
    """
    check_fitted(fitted)
    width = 20
    steps = len(fitted.left) // width * width
    if not steps:
        raise ValueError(f"fitted: expected at least {width} steps, got {len(fitted.left)}")
    parts = fitted.left[:steps].view(-1, width, *fitted.left.shape[1:]).median(1).values
    tables, ends = [], []
    for epsilon, curve in zip(fitted.epsilons, parts.unbind(1), strict=True):
        table = {
            "step": width * np.arange(len(curve)) + width / 2,
            "median": curve.median(1).values,
            "low": curve.amin(1),
            "high": curve.amax(1),
            "panel": _panel(epsilon),
        }
        tables.append(pd.DataFrame(table))
        ends.append(curve[-5:].median().item())
    rows = pd.concat(tables)
    rows["panel"] = pd.Categorical(rows["panel"], categories=[_panel(e) for e in fitted.epsilons])
    said = "; ".join(
        f"{digits(end, 2)} at epsilon {epsilon:g}"
        for epsilon, end in zip(fitted.epsilons, ends, strict=True)
    )
    return (
        Plot(
            rows,
            pn.aes("step", "median"),
            alt=f"Loss with {fitted.loss} as a share of the cost of always saying 0, against the "
            f"step, {counted(parts.shape[2], 'network')} each. At the end it is {said}.",
        )
        + pn.geom_hline(yintercept=1, color=PALETTE["ink"], linetype="dashed", size=0.5)
        + pn.geom_ribbon(pn.aes(ymin="low", ymax="high"), fill=PALETTE["blue"], alpha=0.2)
        + pn.geom_line(color=PALETTE["blue"], size=0.9)
        + pn.facet_wrap("panel", nrow=1)
        + pn.scale_y_log10()
        + pn.scale_x_continuous(breaks=[0, steps // 2])
        + pn.labs(
            title=f"{fitted.loss}: {_percent(ends[0])} of the cost of saying 0 is left at epsilon "
            f"{fitted.epsilons[0]:g}, {_percent(ends[-1])} at {fitted.epsilons[-1]:g}",
            x="step",
            y="loss / loss of saying 0",
        )
        + pn.theme(figure_size=(7, 3))
    )


def plot_errors(nets: Mapping[str, tuple[StackedMLP, float]]) -> Plot:
    """How far networks are off, example by example, beside guesses that need no network.

    Parameters
    ----------
    nets : dict of str to (StackedMLP, float)
        For each panel, by its title: the networks, and the epsilon that they learned. Up to six.

    Returns
    -------
    Plot
        Distribution of log10 of the squared error on examples that the networks have not seen; all
        networks of a panel together. Dots at the foot mark the medians.

    Raises
    ------
    TypeError, ValueError
        If it is not a dict of 1 to 6 such pairs.

    Examples
    --------
    >>> from adl.singular import fit
    >>> trained = fit("L1", [1.0], networks=2, steps=20)
    >>> plot_errors({"L1": (trained.of(1.0), 1.0)}).alt.split(".")[0]
    'Distribution of log10 of the squared error, for the network and two guesses'
    """
    few("nets", nets, most=6)
    edges = np.linspace(-9, 9, 73)
    kinds = ["the network", "always 0", "two random targets"]
    curves, middles, said, beaten = [], [], [], []
    for panel, pair in nets.items():
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise TypeError(
                f"nets: expected networks and their epsilon for {panel!r}, got {pair!r:.60}"
            )
        net, epsilon = pair
        check_net("nets", net, inputs=3)
        guesses = baselines(epsilon)
        guesses["the network"] = (predict(net, epsilon) - held_out(epsilon)[1]).square().flatten()
        middle = {}
        for kind in kinds:
            logs = guesses[kind].log10().numpy()
            middle[kind] = float(np.median(logs))
            share = np.histogram(logs.clip(edges[0], edges[-1]), edges)[0]
            share = share / len(logs) / np.diff(edges)
            names = {"kind": kind, "panel": panel}
            centres = (edges[:-1] + edges[1:]) / 2
            curves.append(pd.DataFrame({"error": centres, "share": share, **names}))
            middles.append(pd.DataFrame({"error": [middle[kind]], "share": [0.0], **names}))
        said.append(
            f"{panel}: " + ", ".join(f"{kind} {value:.1f}" for kind, value in middle.items())
        )
        if not middle["the network"] <= middle["always 0"]:  # nor is nan
            said[-1] += " (the network is worse than always 0)"
            beaten.append(panel)
    rows, dots = (pd.concat(tables) for tables in (curves, middles))
    for table in (rows, dots):
        table["kind"] = pd.Categorical(table["kind"], categories=kinds)
        table["panel"] = pd.Categorical(table["panel"], categories=list(nets))
    return (
        in_styles(
            Plot(
                rows,
                pn.aes("error", "share"),
                alt="Distribution of log10 of the squared error, for the network and two guesses. "
                f"Medians: {'; '.join(said)}.",
            ),
            "kind",
        )
        + pn.geom_line(size=0.8)
        + pn.geom_point(data=dots, size=2.2, show_legend=False, na_rm=True)
        + pn.facet_wrap("panel", ncol=3, scales="free_x")
        + pn.scale_x_continuous(limits=(edges[0], edges[-1]))
        + pn.labs(
            title=fill(f"Worse than always 0: {', '.join(beaten) or 'none'}", 66),
            x="log10 of the squared error",
            y="share of the examples per unit",
        )
        + pn.theme(figure_size=(7, 2.6 if len(nets) <= 3 else 4.4))
    )


def plot_medians(tables: Mapping[str, pd.DataFrame]) -> Plot:
    """The typical error against epsilon, for up to four losses.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        From `adl.singular.measure`, by name, all of the same epsilons; what counts is the last
        step of each.

    Returns
    -------
    Plot
        Median over the networks of the median of log10 of the squared error; bands hold all
        networks. Grey lines are the guesses of `adl.singular.baselines`.

    Raises
    ------
    TypeError, ValueError
        If there are no tables or too many, or their epsilons differ.

    Examples
    --------
    >>> from adl.singular import fit, measure
    >>> plot_medians({"L1": measure(fit("L1", networks=2, steps=20))}).alt.split(".")[0]
    'Median of log10 of the squared error against epsilon, of up to 2 networks each'
    """
    few("tables", tables)
    tables = {name: _at_the_end(table) for name, table in tables.items()}
    each = [sorted(table["epsilon"].unique().tolist(), reverse=True) for table in tables.values()]
    epsilons = each[0]
    if any(other != epsilons for other in each):
        raise ValueError(f"tables: expected the same epsilons in all, got {each}")
    rows = pd.concat(
        table.groupby("epsilon")["median"].agg(["min", "median", "max"]).assign(name=name)
        for name, table in tables.items()
    ).reset_index()
    guesses = pd.DataFrame(
        {"epsilon": epsilon, "median": squares.log10().median().item(), "name": guess}
        for epsilon in epsilons
        for guess, squares in baselines(epsilon).items()
    )
    ends = rows.set_index(["name", "epsilon"])["median"]
    first, last = epsilons[0], epsilons[-1]
    said = "; ".join(
        f"{name} from {ends[name, first]:.1f} at {first:g} to {ends[name, last]:.1f} at {last:g}"
        for name in tables
    )
    zero = guesses.set_index(["name", "epsilon"])["median"]["always 0", last]
    worse = [name for name in tables if not ends[name, last] <= zero]  # nor is nan
    for table in (rows, guesses):
        labels = table["epsilon"].map("{:g}".format)
        table["epsilon"] = pd.Categorical(labels, categories=[f"{e:g}" for e in epsilons])
    rows["name"] = pd.Categorical(rows["name"], categories=list(tables))
    grey = PALETTE["grey"]
    networks = max(table.groupby("epsilon").size().max() for table in tables.values())
    return (
        in_styles(
            Plot(
                rows.dropna(),  # plotnine has no band without a number
                pn.aes("epsilon", "median", group="name"),
                alt="Median of log10 of the squared error against epsilon, of up to "
                f"{counted(networks, 'network')} each. {said}. Always saying 0: {zero:.1f} "
                f"at {last:g}.",
            ),
            "name",
        )
        + pn.geom_line(
            pn.aes("epsilon", "median", group="name"), guesses, color=grey, inherit_aes=False
        )
        + pn.geom_text(
            pn.aes("epsilon", "median", label="name"),
            guesses[guesses["epsilon"] == f"{last:g}"],
            color=grey,
            size=8,
            ha="right",
            nudge_y=-0.3,
            nudge_x=0.3,
            inherit_aes=False,
        )
        + pn.geom_ribbon(pn.aes(ymin="min", ymax="max"), alpha=0.15, color="none")
        + pn.geom_line(size=0.9)
        + pn.geom_point(size=2)
        + pn.labs(
            title=f"Worse than always 0 at epsilon {last:g}: {', '.join(worse) or 'none'}",
            x="epsilon",
            y="median log10 squared error",
        )
    )


def plot_ordering(table: pd.DataFrame) -> Plot:
    """The typical error of each loss, network by network, at one epsilon.

    Parameters
    ----------
    table : pandas.DataFrame
        From `adl.singular.measure`, of one epsilon and several losses; what counts is the last
        step of each.

    Returns
    -------
    Plot
        A dot for each network, a bar for their median, lines for the two guesses.

    Raises
    ------
    ValueError
        If the table holds more than one epsilon.

    Examples
    --------
    >>> from adl.singular import fit, measure
    >>> plot_ordering(measure(fit("L1", [1.0], networks=2, steps=20))).alt.split(".")[0]
    'Median of log10 of the squared error at epsilon 1, for each loss, over 2 networks'
    """
    epsilon = _one_epsilon(table)
    table = _at_the_end(table)
    medians = (
        table.groupby("loss")["median"].median().sort_values(ascending=False, na_position="first")
    )
    order = list(medians.index)
    rows = table.assign(loss=pd.Categorical(table["loss"], categories=order))
    guesses = {
        name: squares.log10().median().item() for name, squares in baselines(epsilon).items()
    }
    lines = pd.DataFrame(
        {"guess": list(guesses), "median": list(guesses.values()), "row": order[-1]}
    )
    said = ", ".join(f"{loss} {value:.1f}" for loss, value in medians.items())
    said += "".join(f", {name} {value:.1f}" for name, value in guesses.items())
    factor = digits(10 ** (medians.iloc[0] - medians.iloc[-1]), 1)
    wild = [loss for loss, value in medians.items() if not math.isfinite(value)]
    finding = f"{order[-1]}: typical squared error {factor} times below {order[0]}"
    ink, grey = PALETTE["ink"], PALETTE["grey"]
    return (
        Plot(
            rows,
            pn.aes("loss", "median"),
            alt=f"Median of log10 of the squared error at epsilon {epsilon:g}, for each loss, "
            f"over {counted(table['network'].nunique(), 'network')}. Medians: {said}.",
        )
        + pn.geom_hline(pn.aes(yintercept="median"), lines, color=grey, linetype="dashed")
        + pn.geom_text(
            pn.aes("row", "median", label="guess"),
            lines,
            color=grey,
            size=8,
            ha="left",
            nudge_y=0.05,
        )
        + pn.geom_jitter(
            color=PALETTE["blue"], width=0.12, height=0, random_state=1, alpha=0.6, na_rm=True
        )
        + pn.geom_point(
            data=medians.reset_index(), color=ink, shape="_", size=9, stroke=1.2, na_rm=True
        )
        + pn.coord_flip()
        + pn.labs(
            title=fill(f"Not finite: {', '.join(wild)}" if wild else finding, TITLE_WIDTH),
            x="",
            y="median log10 squared error",
        )
    )


def plot_path(tables: Mapping[str, pd.DataFrame]) -> Plot:
    """The typical error while networks learn, against how much of the target they explain.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        Up to four, by name; from `adl.singular.measure`, of one epsilon and many readings.

    Returns
    -------
    Plot
        Medians over the networks; each line begins at its first reading.

    Raises
    ------
    TypeError, ValueError
        If there are no tables or too many, or one has more than one epsilon.

    Examples
    --------
    >>> from adl.singular import fit, measure
    >>> trained = fit("MSE", [1.0], networks=2, steps=40, every=20)
    >>> plot_path({"MSE": measure(trained)}).alt.split(",")[0]
    'Median of log10 of the squared error against the share of the variance explained'
    """
    few("tables", tables)
    epsilon = _one_epsilon(pd.concat(tables.values()))
    rows = pd.concat(
        table.groupby("step")[["median", "explained"]].median().assign(name=name)
        for name, table in tables.items()
    ).reset_index()
    said = "; ".join(
        f"{name}: {_percent(mine['explained'].iloc[0])} and {mine['median'].iloc[0]:.1f} after "
        f"{mine['step'].iloc[0]} steps, {_percent(mine['explained'].iloc[-1])} and "
        f"{mine['median'].iloc[-1]:.1f} after {mine['step'].iloc[-1]}, at most "
        f"{mine['median'].max():.1f}"
        for name, mine in rows.groupby("name", sort=False)
    )
    zero = baselines(epsilon)["always 0"].log10().median().item()
    ends = rows.groupby("name", sort=False)[["median", "explained"]].agg(["first", "last"])
    both = sum(
        line["explained", "last"] > line["explained", "first"]
        and line["median", "last"] > line["median", "first"]
        for _, line in ends.iterrows()
    )
    rows["name"] = pd.Categorical(rows["name"], categories=list(tables))
    return (
        in_styles(
            Plot(
                rows,
                pn.aes("explained", "median"),
                alt="Median of log10 of the squared error against the share of the variance "
                f"explained, at epsilon {epsilon:g}, while networks learn. {said}. Always saying "
                f"0: 0% and {zero:.1f}.",
            ),
            "name",
        )
        + pn.geom_hline(yintercept=zero, color=PALETTE["grey"], size=0.6)
        + pn.geom_path(size=0.9, na_rm=True)
        + pn.geom_point(size=1.6, na_rm=True)
        # plotnine has no axis without a number.
        + ([] if (rows["explained"] > 0).any() else [pn.expand_limits(x=1)])
        + pn.scale_x_log10(labels=lambda shares: [_percent(share) for share in shares])
        + pn.labs(
            title=f"More explained and a larger typical error: {both} of {len(tables)} trainings",
            x="share of the variance explained (log scale)",
            y="median log10 squared error",
        )
    )


def plot_by_size(nets: Mapping[str, StackedMLP], epsilon: float) -> Plot:
    """What networks make of large targets: prediction over target, by the target's size.

    Parameters
    ----------
    nets : dict of str to StackedMLP
        Up to four, by name.
    epsilon : float
        What they learned.

    Returns
    -------
    Plot
        Medians over all networks and all held-out examples with a size within each decade. 1 is
        right. Where the sign is wrong there is a gap; the alt text has the number.

    Raises
    ------
    TypeError, ValueError
        If there are no networks or too many.

    Examples
    --------
    >>> from adl.singular import fit
    >>> trained = fit("L1", [1e-4], networks=2, steps=20)
    >>> plot_by_size({"L1": trained.of(1e-4)}, 1e-4).alt.split(",")[0]
    'Median of prediction over target'
    """
    few("nets", nets)
    for net in nets.values():
        check_net("nets", net, inputs=3)
    _, targets = held_out(epsilon)
    decades = targets.abs().log10().floor().clamp(-1, 3)
    rows = pd.DataFrame(
        {
            "size": label,
            "ratio": (outputs[:, decades == decade] / targets[decades == decade]).median().item(),
            "name": name,
        }
        for name, net in nets.items()
        for outputs in [predict(net, epsilon)]
        for decade, label in enumerate(_SIZES, start=-1)
        if bool((decades == decade).any())
    )
    said = "; ".join(
        f"{name} " + ", ".join(f"{digits(ratio, 1)} ({size})" for size, ratio in mine.values)
        for name, mine in rows.set_index("name").groupby(level=0, sort=False)
    )
    largest = rows[rows["size"] == rows["size"].iloc[-1]].set_index("name")["ratio"]
    rows["shown"] = rows["ratio"].where(rows["ratio"] > 0)
    rows["size"] = pd.Categorical(rows["size"], categories=_SIZES)
    rows["name"] = pd.Categorical(rows["name"], categories=list(nets))
    return (
        in_styles(
            Plot(
                rows,
                pn.aes("size", group="name"),
                alt="Median of prediction over target, for targets of each size, at epsilon "
                f"{epsilon:g}. {said}.",
            ),
            "name",
        )
        + pn.geom_hline(yintercept=1, color=PALETTE["ink"], size=0.5)
        + pn.geom_line(pn.aes(y="shown"), size=0.9, na_rm=True)
        + pn.geom_point(pn.aes(y="shown"), size=2, na_rm=True)
        + pn.scale_y_log10()
        + pn.labs(
            title=fill(
                f"Predicted of targets {rows['size'].iloc[-1]}: "
                + ", ".join(f"{_percent(largest[name])} ({name})" for name in nets),
                TITLE_WIDTH,
            ),
            x="size of the target",
            y="prediction / target (log scale)",
        )
    )


def _percent(share: float) -> str:
    said = digits(100 * share, 1 if share < 0.1 else 2)
    return f"{said}%" if math.isfinite(share) else said


def _at_the_end(table: pd.DataFrame) -> pd.DataFrame:
    """The readings at the last step of each training."""
    last = table.groupby(["loss", "epsilon"])["step"].transform("max")
    return table[table["step"] == last]


def _one_epsilon(table: pd.DataFrame) -> float:
    epsilons = table["epsilon"].unique()
    if len(epsilons) != 1:
        raise ValueError(f"table: expected one epsilon, got {len(epsilons)}")
    return float(epsilons[0])


def _panel(epsilon: float) -> str:
    return f"epsilon {epsilon:g}"
