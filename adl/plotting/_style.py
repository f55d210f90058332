"""One look for all figures, and alt text that comes from the data.

Figures are made with plotnine (`Plot`, a ``ggplot`` that knows its alt text) or with matplotlib
(`use_style` for the look, `describe` for the alt text). Either way the alt text travels with the
picture: into the page on the website, and into the notebook's output in JupyterLab and on Colab.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotnine as pn
from cycler import cycler
from IPython import get_ipython
from matplotlib_inline.backend_inline import set_matplotlib_formats

from adl import _inputs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PALETTE = {
    "blue": "#0072B2",
    "red": "#C8500A",
    "green": "#00795A",
    "purple": "#A3478A",
    "amber": "#B07D00",
    "sky": "#3A8FC0",
    "grey": "#6B6B6B",
    "ink": "#222222",
}
"""Colours by name: Okabe and Ito's set, told apart with any colour vision, darkened until each has
a contrast of at least 3 to white. `LINE_STYLES` repeat the distinction for print."""

LINE_COLOURS = [PALETTE[name] for name in ("blue", "red", "green", "purple")]
"""Colours of up to four curves, in the order of their `LINE_STYLES`."""

LINE_STYLES = ["solid", "dashed", "dotted", "dashdot"]
"""Line styles in the order in which the colours blue, red, green and purple use them."""

TITLE_WIDTH = 52
"""Characters of a title that fit into a line of a figure of the usual width, whatever they are."""

_SIZE = (6.0, 3.75)
_DPI = 100
# From 0.15 on, plotnine can begin titles at the edge of the picture, which leaves them more room.
_TITLE_POSITION = (
    {"plot_title_position": "plot"}
    if tuple(map(int, pn.__version__.split(".")[:2])) >= (0, 15)
    else {}
)
_SENTENCES: WeakKeyDictionary[Figure, list[str]] = WeakKeyDictionary()


def theme() -> pn.theme:
    """The look of every plotnine figure of the course.

    Returns
    -------
    plotnine.theme
        White ground, faint grid, titles on the left, 600 × 375 pixels.

    Examples
    --------
    >>> type(theme()).__name__
    'theme_minimal'
    """
    ink = PALETTE["ink"]
    return pn.theme_minimal(base_size=11) + pn.theme(
        figure_size=_SIZE,
        dpi=_DPI,
        plot_background=pn.element_rect(fill="white", color="white"),
        panel_grid_minor=pn.element_blank(),
        panel_grid_major=pn.element_line(color="#E6E6E6", size=0.6),
        plot_title=pn.element_text(size=12.5, color=ink, ha="left", weight="bold"),
        axis_title=pn.element_text(color=ink),
        axis_text=pn.element_text(color="#444444"),
        legend_position="bottom",
        legend_title=pn.element_blank(),
        legend_key_width=28,
        **_TITLE_POSITION,
    )


def use_style() -> None:
    """Give matplotlib figures the look that `theme` gives to plotnine figures.

    Changes matplotlib's ``rcParams``, and plotnine's default theme, for the rest of the session. In
    a notebook, figures are drawn with twice as many pixels, so that they are sharp on any screen.

    Examples
    --------
    >>> use_style()
    >>> plt.rcParams["axes.spines.top"]
    False
    """
    pn.theme_set(theme())
    if get_ipython() is not None:
        set_matplotlib_formats("retina")  # drops what hands on the alt text
        for figure in _SENTENCES:
            _hand_on_alt_text(type(figure))
    plt.rcParams.update(
        {
            "figure.figsize": _SIZE,
            "figure.dpi": _DPI,
            "figure.facecolor": "white",
            "axes.prop_cycle": cycler(color=LINE_COLOURS) + cycler(linestyle=LINE_STYLES),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": "#999999",
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.titlelocation": "left",
            "axes.titleweight": "bold",
            "axes.titlesize": 13,
            "grid.color": "#E6E6E6",
            "grid.linewidth": 0.6,
            "legend.frameon": False,
        }
    )


class Plot(pn.ggplot):
    """A plotnine figure in the course's look, which knows its alt text.

    Layers, scales and labels are added to it as to any ``ggplot``; the sum is a `Plot` again.

    Parameters
    ----------
    data : pandas.DataFrame, optional
        As for ``ggplot``.
    mapping : plotnine.aes, optional
        As for ``ggplot``.
    alt : str
        What the figure shows, in sentences made from its data, for readers who cannot see it.

    Raises
    ------
    TypeError, ValueError
        If `alt` is not text, or is empty.

    Examples
    --------
    >>> points = pd.DataFrame({"x": [1, 2], "y": [3, 5]})
    >>> plot = Plot(points, pn.aes("x", "y"), alt="Two points, (1, 3) and (2, 5).")
    >>> (plot + pn.geom_point()).alt
    'Two points, (1, 3) and (2, 5).'
    """

    # Before 0.15 plotnine displays itself by this method, which hands on no alt text.
    _ipython_display_ = None

    def __init__(
        self, data: pd.DataFrame | None = None, mapping: pn.aes | None = None, *, alt: str
    ) -> None:
        if not isinstance(alt, str):
            raise TypeError(f"alt: expected a sentence, got {type(alt).__name__}")
        if not alt.strip():
            raise ValueError("alt: expected a sentence, got nothing")
        super().__init__(data, mapping)
        self.alt = alt
        self.theme = theme()

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
        picture = BytesIO()
        self.save(picture, format="png", dpi=2 * _DPI, verbose=False)  # twice: sharp on any screen
        width, height = self.theme.getp("figure_size") if self.theme else _SIZE
        shown = {"width": int(width * _DPI), "height": int(height * _DPI), "alt": self.alt}
        # The plain text of a picture is what it shows, so that nbval compares it too.
        bundle = {"image/png": b64encode(picture.getvalue()).decode(), "text/plain": self.alt}
        return bundle, {"image/png": shown}


def describe(ax: Axes, sentence: str) -> None:
    """Add a sentence to the alt text of the matplotlib figure that `ax` belongs to.

    Helpers that draw on the current axes call it, so that the alt text adds up as the picture
    does. In a notebook the text is handed on with the picture.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where the helper drew.
    sentence : str
        What it drew, said from the data.

    Examples
    --------
    >>> figure, ax = plt.subplots()
    >>> describe(ax, "A falling line.")
    >>> describe(ax, "Four dots above it.")
    >>> alt_text(figure)
    'A falling line. Four dots above it.'
    >>> plt.close(figure)
    """
    figure = ax.get_figure().figure  # of a figure within a figure, the outer one
    _SENTENCES.setdefault(figure, []).append(sentence)
    _hand_on_alt_text(type(figure))


def alt_text(figure: Plot | Figure) -> str:
    """Alt text of a figure, empty if nobody described it.

    Parameters
    ----------
    figure : Plot or matplotlib.figure.Figure

    Returns
    -------
    str

    Examples
    --------
    >>> alt_text(Plot(alt="An empty sheet."))
    'An empty sheet.'
    """
    return figure.alt if isinstance(figure, Plot) else " ".join(_SENTENCES.get(figure, []))


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural unless it is one.

    Parameters
    ----------
    number : int
    noun : str
        In the singular; its plural is made with an s.

    Returns
    -------
    str

    Examples
    --------
    >>> counted(1, "point"), counted(3, "step")
    ('1 point', '3 steps')
    """
    return f"{number} {noun}" + ("" if number == 1 else "s")


def digits(value: float, number: int) -> str:
    """A number rounded to some digits, for a title or a sentence.

    Parameters
    ----------
    value : float
    number : int
        How many digits that are not leading zeros.

    Returns
    -------
    str
        With commas between thousands; a power of ten from a million on and below 0.0001; in words
        if it is nan or infinite.

    Examples
    --------
    >>> digits(0.0123, 1), digits(1234.5, 2), digits(2.6e7, 1), digits(float("nan"), 1)
    ('0.01', '1,200', '3e+07', 'not finite')
    """
    return f"{float(f'{value:.{number}g}'):,g}" if math.isfinite(value) else "not finite"


def few(name: str, things: Mapping[str, Any], *, most: int = len(LINE_STYLES)) -> None:
    """Refuse more curves, or panels, than one figure can tell apart, or none.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    things : dict
        The curves, by name.
    most : int, default 4
        How many are allowed: by default as many as `in_styles` has styles.

    Raises
    ------
    TypeError, ValueError
        Unless it is a dict with 1 to `most` of them.

    Examples
    --------
    >>> few("tables", {})
    Traceback (most recent call last):
    ...
    ValueError: tables: expected 1 to 4 of them, got 0
    """
    if not isinstance(things, Mapping):
        raise TypeError(f"{name}: expected a dict with a name for each, got {things!r:.40}")
    if not 1 <= len(things) <= most:
        raise ValueError(f"{name}: expected 1 to {most} of them, got {len(things)}")


def in_styles(plot: Plot, column: str) -> Plot:
    """Tell up to four curves apart, by colour and by line style.

    Parameters
    ----------
    plot : Plot
        Curves whose names stand in a column of its data.
    column : str
        Name of that column.

    Returns
    -------
    Plot

    Examples
    --------
    >>> points = pd.DataFrame({"x": [1, 2], "y": [3, 5], "name": ["one", "one"]})
    >>> plot = Plot(points, pn.aes("x", "y"), alt="A line.")
    >>> in_styles(plot, "name").mapping["linetype"]
    'name'
    """
    return (
        plot
        + pn.aes(color=column, fill=column, linetype=column)
        + pn.scale_color_manual(values=LINE_COLOURS)
        + pn.scale_fill_manual(values=LINE_COLOURS)
        + pn.scale_linetype_manual(values=LINE_STYLES)
    )


def _hand_on_alt_text(kind: type[Figure]) -> None:
    """Wrap the notebook's own picture formatter so that it sends the alt text along."""
    shell = get_ipython()
    if shell is None:
        return
    formatter = shell.display_formatter.formatters["image/png"]
    draw = formatter.for_type(kind)
    if draw is None or getattr(draw, "hands_on_alt_text", False):
        return

    def draw_with_alt_text(figure: Figure) -> tuple[Any, dict[str, Any]]:
        drawn = draw(figure)
        picture, metadata = drawn if isinstance(drawn, tuple) else (drawn, {})
        said = alt_text(figure)
        # An empty text would say that the picture is mere decoration.
        return picture, {**metadata, "alt": said} if said else metadata

    draw_with_alt_text.hands_on_alt_text = True
    formatter.for_type(kind, draw_with_alt_text)


def plot_regression(x: Any, y: Any, slope: float, intercept: float = 0.0) -> Plot:
    """Points and a straight line through them.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Inputs and targets.
    slope, intercept : float
        The line, ``slope * x + intercept``.

    Returns
    -------
    Plot

    Raises
    ------
    TypeError, ValueError
        If an argument is not what it should be.

    Examples
    --------
    >>> plot_regression([1, 2, 3], [2.1, 3.9, 6.0], slope=1.99).alt[:55]
    '3 points, x from 1 to 3 and y from 2.1 to 6, and the li'
    """
    x, y = _inputs.pair(x, y)
    slope, intercept = _inputs.real("slope", slope), _inputs.real("intercept", intercept)
    slope += 0.0  # no minus before a zero
    sign = "-" if intercept < 0 else "+"
    equation = f"y = {slope:.4g} x" + (f" {sign} {abs(intercept):.4g}" if intercept else "")
    residual = y - slope * x - intercept
    worst = int(np.argmax(np.abs(residual)))
    alt = (
        f"{counted(len(x), 'point')}, x from {x.min():.3g} to {x.max():.3g} and y from "
        f"{y.min():.3g} to {y.max():.3g}, and the line {equation}. It misses the point at "
        f"x = {x[worst]:.3g} by the most, {abs(residual[worst]):.2g}."
    )
    edge = np.array([min(0.0, x.min()), x.max() * 1.05 if x.max() > 0 else 0.0])
    line = pd.DataFrame({"x": edge, "y": slope * edge + intercept})
    return (
        Plot(pd.DataFrame({"x": x, "y": y}), pn.aes("x", "y"), alt=alt)
        + pn.geom_line(data=line, color=PALETTE["red"], size=1)
        + pn.geom_point(color=PALETTE["blue"], size=3)
        + pn.labs(
            title=f"{equation} misses the points by up to about {abs(residual[worst]):.2g}",
            x="input x",
            y="target y",
        )
    )
