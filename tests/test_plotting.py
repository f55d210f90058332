"""The course's look, and alt text that travels with the picture."""

import json

import matplotlib.pyplot as plt
import numpy as np
import plotnine as pn
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from adl import plotting
from adl.claims.learning_rate import X, Y

matplotlib_cell = """
import matplotlib.pyplot as plt
from adl import plotting
figure, ax = plt.subplots()
ax.plot([1, 2, 3])
plotting.describe(ax, "A rising line.")
plotting.describe(ax, "No dots.")
plt.show()
"""
plotnine_cell = """
import pandas as pd, plotnine as pn
from adl import plotting
points = pd.DataFrame({"x": [1, 2], "y": [3, 5]})
plotting.Plot(points, pn.aes("x", "y"), alt="Two points.") + pn.geom_point()
"""


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("name", plotting.PALETTE)
def test_every_colour_stands_out_from_white(name):
    assert 1.05 / (luminance(plotting.PALETTE[name]) + 0.05) >= 3


@pytest.mark.parametrize(
    ("cell", "alt"), [(matplotlib_cell, "A rising line. No dots."), (plotnine_cell, "Two points.")]
)
def test_alt_text_arrives_in_the_notebooks_output(cell, alt):
    notebook = new_notebook(cells=[new_code_cell(cell)])
    NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
    pictures = [
        output for output in notebook.cells[0].outputs if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 1
    assert pictures[0]["metadata"]["image/png"]["alt"] == alt


def test_alt_text_survives_adding_to_a_plot():
    plot = plotting.plot_regression(X, Y, slope=2.02)
    assert (plot + pn.labs(title="another")).alt == plot.alt


def test_alt_text_of_points_and_line_follows_the_data():
    one = plotting.plot_regression(X, Y, slope=2.02)
    two = plotting.plot_regression(X, np.array(Y) + 1, slope=2.02, intercept=1)
    assert "9 points" in one.alt
    assert "y = 2.02 x + 1" in two.alt
    assert one.alt != two.alt


@pytest.mark.parametrize(("alt", "error"), [(None, TypeError), (3, TypeError), ("  ", ValueError)])
def test_a_plot_without_alt_text_is_refused(alt, error):
    with pytest.raises(error, match="^alt: expected a sentence"):
        plotting.Plot(alt=alt)


def test_alt_text_of_a_figure_within_a_figure_belongs_to_the_outer_one():
    figure = plt.figure()
    left, right = figure.subfigures(1, 2)
    plotting.describe(left.subplots(), "Left.")
    plotting.describe(right.subplots(), "Right.")
    assert plotting.alt_text(figure) == "Left. Right."
    plt.close(figure)


def test_an_undescribed_figure_has_no_alt_text():
    figure, _ = plt.subplots()
    assert plotting.alt_text(figure) == ""
    plt.close(figure)


def test_matplotlib_lines_differ_by_colour_and_by_style():
    plotting.use_style()
    cycle = list(plt.rcParams["axes.prop_cycle"])
    assert len({style["color"] for style in cycle}) == len(cycle)
    assert len({style["linestyle"] for style in cycle}) == len(cycle)


def test_picture_metadata_is_plain_json():
    _, metadata = plotting.plot_regression(X, Y, slope=2.02)._repr_mimebundle_()
    assert json.loads(json.dumps(metadata))["image/png"]["width"] == 600
