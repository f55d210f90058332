"""One look for all figures, and pictures of what networks learn."""

from adl.plotting._nets import plot_data, plot_net
from adl.plotting._style import (
    LINE_COLOURS,
    LINE_STYLES,
    PALETTE,
    TITLE_WIDTH,
    Plot,
    alt_text,
    counted,
    describe,
    digits,
    few,
    in_styles,
    plot_regression,
    theme,
    use_style,
)

__all__ = [
    "LINE_COLOURS",
    "LINE_STYLES",
    "PALETTE",
    "TITLE_WIDTH",
    "Plot",
    "alt_text",
    "counted",
    "describe",
    "digits",
    "few",
    "in_styles",
    "plot_data",
    "plot_net",
    "plot_regression",
    "theme",
    "use_style",
]
