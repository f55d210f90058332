"""What goes on inside a network while it learns: activations and gradients, update by update."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.colors import PowerNorm
from torch import Tensor, nn

from adl.learner._callback import Callback
from adl.plotting import counted, describe, few

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from adl.learner._learner import Learner

__all__ = ["GRADIENT_EDGES", "StatsCB"]

GRADIENT_EDGES = np.linspace(-12, 2, 57)
"""Edges of the bins in which gradients are counted: the logarithm, to base 10, of their size."""

_TITLE = 52  # characters that fit into a line
_QUANTITIES = {"mean": "mean", "std": "standard deviation", "dead": "share of dead units"}


class StatsCB(Callback):
    """Records, at each update, the activations of some modules and the gradients of all weights.

    Parameters
    ----------
    modules : iterable of torch.nn.Module, optional
        Modules of the model whose outputs are recorded, tensors with units or channels in their
        second dimension; by default its activation functions, such as ``torch.nn.ReLU``.

    Attributes
    ----------
    activations : pandas.DataFrame
        Columns ``step``, ``module`` (its name in the model), ``mean``, ``std`` and ``dead``: the
        share of the units that are exactly 0 everywhere in the batch.
    gradients : dict of str to numpy.ndarray, shape (steps, 1 + 56)
        For each parameter of the model, by name, counts of its gradients at each update: first of
        those that are exactly 0, then by size in the bins of `GRADIENT_EDGES`. Those beyond count
        in the outermost bins, infinite ones and nan in the last.

    Raises
    ------
    TypeError, ValueError
        If `modules` are not modules, or, when a fit begins, not of the learner's model.

    Examples
    --------
    >>> from adl.learner import Learner
    >>> net = nn.Sequential(nn.Linear(1, 3), nn.ReLU(), nn.Linear(3, 1))
    >>> stats, batch = StatsCB(), (torch.ones(2, 1), torch.ones(2, 1))
    >>> Learner(net, [batch], loss=nn.functional.mse_loss, callbacks=[stats]).fit(2)
    >>> stats.activations[["step", "module"]].to_numpy().tolist(), stats.gradients["0.bias"].shape
    ([[1, '1'], [2, '1']], (2, 57))
    """

    def __init__(self, modules: Iterable[nn.Module] | None = None) -> None:
        self.modules = None if modules is None else list(modules)
        for module in self.modules or []:
            if not isinstance(module, nn.Module):
                raise TypeError(f"modules: expected torch.nn.Module objects, got {module!r:.60}")
        self._rows: list[dict[str, Any]] = []
        self._counts: dict[str, list[np.ndarray]] = {}
        self._handles: list[Any] = []

    @property
    def activations(self) -> pd.DataFrame:
        """A line for each update and module."""
        return pd.DataFrame(self._rows, columns=["step", "module", "mean", "std", "dead"])

    @property
    def gradients(self) -> dict[str, np.ndarray]:
        """Counts for each parameter, a row for each update."""
        return {name: np.stack(counts) for name, counts in self._counts.items()}

    def before_fit(self, learn: Learner) -> None:
        """Listen to the modules."""
        named = {module: name for name, module in learn.model.named_modules()}
        strange = [module for module in self.modules or [] if module not in named]
        if strange:
            raise ValueError(f"modules: not one of the learner's model: {strange[0]!r:.60}")
        chosen = filter(_is_activation, named) if self.modules is None else self.modules
        for module in chosen:
            listen = partial(self._listen, learn, named[module])
            self._handles.append(module.register_forward_hook(listen))

    def after_backward(self, learn: Learner) -> None:
        """Count the gradients."""
        for name, parameter in learn.model.named_parameters():
            self._counts.setdefault(name, []).append(_counts(parameter))

    def cleanup_fit(self, learn: Learner) -> None:
        """Stop listening."""
        while self._handles:
            self._handles.pop().remove()

    def plot_gradients(self, name: str | None = None, *, ax: Axes | None = None) -> Axes:
        """Histograms of the gradients' sizes over time, on a logarithmic scale, as an image.

        Parameters
        ----------
        name : str, optional
            A parameter; by default all of them together.
        ax : matplotlib.axes.Axes, optional
            By default the current axes.

        Returns
        -------
        matplotlib.axes.Axes
            With a line at the median of each update. Exact zeros are left out of image and line;
            the title says how many there are.

        Raises
        ------
        ValueError
            If there is nothing recorded, or no parameter of that name.

        Examples
        --------
        >>> from adl.learner import Learner
        >>> batch, net = (torch.ones(2, 1), torch.ones(2, 1)), nn.Linear(1, 1)
        >>> _, stats = nn.init.constant_(net.weight, 0.0), StatsCB()
        >>> Learner(net, [batch], loss=nn.functional.mse_loss, callbacks=[stats]).fit(3)
        >>> stats.plot_gradients("weight").get_ylabel()
        'log10 of the size of the gradient'
        >>> plt.close()
        """
        gradients = self.gradients
        if not gradients or (name is not None and name not in gradients):
            raise ValueError(f"name: expected one of {list(gradients)}, got {name!r}")
        counts = sum(gradients.values()) if name is None else gradients[name]
        sized, all_counts = counts[:, 1:], counts.sum()
        shares = 100 * sized / np.maximum(sized.sum(axis=1, keepdims=True), 1)
        medians = np.array([_median(row) for row in sized])
        occupied = np.flatnonzero(sized.any(axis=0))
        ax = plt.gca() if ax is None else ax
        steps = np.arange(1, len(counts) + 1)
        image = ax.imshow(
            shares.T,
            origin="lower",
            aspect="auto",
            interpolation="nearest",
            extent=(0.5, len(counts) + 0.5, GRADIENT_EDGES[0], GRADIENT_EDGES[-1]),
            norm=PowerNorm(0.5, vmin=0),
        )
        ax.grid(False)
        ax.plot(steps, medians, color="white", linestyle="dashed", linewidth=1.5)
        if occupied.size:
            ax.set_ylim(GRADIENT_EDGES[occupied[0]], GRADIENT_EDGES[occupied[-1] + 1])
        ax.get_figure().colorbar(image, ax=ax, label="share of the update's gradients (%)")
        ax.set(xlabel="update", ylabel="log10 of the size of the gradient")
        zeros = f"{100 * counts[:, 0].sum() / all_counts:.0f}% are 0"
        first, last = (f"{10**median:.1g}" for median in (medians[0], medians[-1]))
        ax.set_title(f"Median gradient from {first} to {last}; {zeros}", loc="left")
        whose = "all parameters" if name is None else name
        describe(
            ax,
            f"Histograms of the sizes of the gradients of {whose} at "
            f"{counted(len(counts), 'update')}, on a logarithmic scale: the median goes from "
            f"{first} to {last}, with {10 ** np.fmin.reduce(medians):.1g} as its lowest and "
            f"{10 ** np.fmax.reduce(medians):.1g} as its highest value; {zeros}.",
        )
        return ax

    def plot_activations(
        self, quantity: Literal["mean", "std", "dead"] = "std", *, ax: Axes | None = None
    ) -> Axes:
        """Draw what was recorded of the activations, for each module.

        Parameters
        ----------
        quantity : {"std", "mean", "dead"}
            Standard deviation, mean, or share of dead units.
        ax : matplotlib.axes.Axes, optional
            By default the current axes.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        ValueError
            If `quantity` is none of them, or if none or more than four modules were recorded.

        Examples
        --------
        >>> from adl.learner import Learner
        >>> batch, net = (torch.ones(2, 1), torch.ones(2, 1)), nn.Sequential(nn.Linear(1, 1))
        >>> stats = StatsCB([net[0]])
        >>> Learner(net, [batch], loss=nn.functional.mse_loss, callbacks=[stats]).fit(3)
        >>> stats.plot_activations("dead").get_title(loc="left")
        'Share of dead units at update 3: 0 in module 0'
        >>> plt.close()
        """
        if quantity not in _QUANTITIES:
            raise ValueError(f"quantity: expected one of {list(_QUANTITIES)}, got {quantity!r}")
        modules = dict(tuple(self.activations.groupby("module", sort=False)))
        few("modules", modules)
        ax = plt.gca() if ax is None else ax
        said = []
        for name, rows in modules.items():
            ax.plot(rows["step"], rows[quantity], label=f"module {name}")
            first, last = rows[quantity].iloc[[0, -1]]
            said.append(f"module {name} from {first:.2g} to {last:.2g}")
        what = _QUANTITIES[quantity]
        ends = ", ".join(
            f"{rows[quantity].iloc[-1]:.2g} in module {name}" for name, rows in modules.items()
        )
        last_step = max(rows["step"].max() for rows in modules.values())
        ax.set(xlabel="update", ylabel=f"{what} of the activations")
        title = f"{what.capitalize()} at update {last_step}: {ends}"
        if len(title) > _TITLE:
            title = title.replace(": ", ":\n", 1)
        ax.set_title(title, loc="left")
        ax.legend()
        described = f"{what.capitalize()} of the activations against the update"
        describe(ax, f"{described}: {'; '.join(said)}.")
        return ax

    def _listen(
        self, learn: Learner, name: str, module: nn.Module, inputs: Any, output: Tensor
    ) -> None:
        if learn.training:
            output = output.detach()
            others = [axis for axis in range(output.ndim) if axis != 1]
            self._rows.append(
                {
                    "step": learn.step + 1,
                    "module": name,
                    "mean": output.mean().item(),
                    "std": output.std(correction=0).item(),
                    "dead": (output == 0).all(dim=others).float().mean().item(),
                }
            )


def _is_activation(module: nn.Module) -> bool:
    return type(module).__module__ == nn.ReLU.__module__


def _counts(parameter: nn.Parameter) -> np.ndarray:
    """Number of exact zeros, then of sizes in each bin; a missing gradient counts as zeros."""
    bins = len(GRADIENT_EDGES) - 1
    if parameter.grad is None:
        return np.array([parameter.numel()] + [0] * bins)
    sizes = parameter.grad.detach().abs().flatten().double()
    low, high = GRADIENT_EDGES[0], GRADIENT_EDGES[-1]
    logs = sizes[sizes != 0].log10().nan_to_num(nan=high, posinf=high)
    places = ((logs - low) / (high - low) * bins).floor().clamp(0, bins - 1).long()
    counts = torch.bincount(places, minlength=bins)
    return np.array([parameter.numel() - len(logs), *counts.tolist()])


def _median(counts: np.ndarray) -> float:
    """Median of what is counted in bins, as a logarithm; nan of nothing."""
    total = counts.sum()
    if total == 0:
        return float("nan")
    return float(np.interp(total / 2, np.concatenate([[0], counts.cumsum()]), GRADIENT_EDGES))
