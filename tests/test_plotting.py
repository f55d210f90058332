"""The course's look, alt text that travels with the picture, and pictures of networks."""

import json

import matplotlib.pyplot as plt
import numpy as np
import plotnine as pn
import pytest
import torch
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

import adl
from adl import plotting
from adl.claims.learning_rate import X, Y
from adl.data import Data
from adl.models import LinSin, MLPdeep, MLPshallow, StackedMLP
from adl.plotting import plot_data, plot_net

matplotlib_cell = """
import matplotlib.pyplot as plt
from adl import plotting
figure, ax = plt.subplots()
ax.plot([1, 2, 3])
plotting.describe(ax, "A rising line.")
plotting.describe(ax, "No dots.")
plt.show()
"""
styled_cell = """
import matplotlib.pyplot as plt
from adl import plotting
figure, ax = plt.subplots()
plotting.describe(ax, "A figure that is there already.")
plotting.use_style()
plotting.use_style()
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
    ("cell", "alt"),
    [
        (matplotlib_cell, "A rising line. No dots."),
        (styled_cell, "A figure that is there already."),
        (plotnine_cell, "Two points."),
    ],
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


# What networks learn, and what they make of it.


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def points(n=15, type="middle", noise_level=0.0):
    return Data(n, -1, 1, noise_level, type, seed=0)


def test_the_practicals_plots_are_the_packages():
    assert adl.plot_data is plot_data
    assert adl.plot_net is plot_net


@pytest.mark.parametrize("type", ["simple", "middle", "complex"])
def test_the_points_and_the_target_without_noise_are_drawn(ax, type):
    dataset = points(type=type, noise_level=0.5)
    target, dots = plot_data(dataset, ax=ax).lines
    x, y = target.get_data()
    assert (x[0], x[-1]) == (-1, 1)
    assert y == pytest.approx(dataset.target(x))
    assert dots.get_xdata().tolist() == dataset.inputs[:, 0].tolist()
    assert dots.get_ydata().tolist() == dataset.labels[:, 0].tolist()
    assert dots.get_linestyle() == "None"
    assert target.get_linestyle() != "-"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("make", [MLPshallow, MLPdeep, LinSin])
def test_the_function_of_a_network_is_drawn(ax, make, dtype):
    net = make(8, seed=0, dtype=dtype)
    (line,) = plot_net(net, -2, 3, ax=ax).lines
    x, y = line.get_data()
    assert (x[0], x[-1], len(x)) == (-2, 3, 400)
    expected = net(torch.tensor(x, dtype=dtype)[:, None]).detach()[:, 0]
    assert y.tolist() == pytest.approx(expected.tolist(), abs=1e-6)


def test_any_function_of_a_column_can_be_drawn(ax):
    (line,) = plot_net(torch.exp, ax=ax).lines
    assert line.get_ydata() == pytest.approx(np.exp(line.get_xdata()), rel=1e-6)


def test_without_axes_everything_is_drawn_on_the_current_ones(ax):
    assert plot_net(MLPshallow(10, seed=0)) is ax
    assert plot_data(points()) is ax
    assert len(ax.lines) == 3


def test_nothing_is_drawn_on_the_current_axes_if_others_are_given(ax):
    figure, other = plt.subplots()
    plt.sca(ax)
    assert plot_net(MLPshallow(10, seed=0), ax=other) is other
    assert plot_data(points(), ax=other) is other
    assert not ax.lines
    plt.close(figure)


@pytest.mark.parametrize("draw", [lambda: plot_data(points()), lambda: plot_net(LinSin(8, seed=0))])
def test_axes_are_labelled(ax, draw):
    draw()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("input x", "output")


def test_the_label_goes_to_the_legend(ax):
    plot_net(MLPshallow(10, seed=0), label="width 10")
    plot_net(MLPshallow(20, seed=0))
    plot_data(points())
    assert ax.get_legend_handles_labels()[1] == ["width 10"]


def test_networks_of_one_picture_differ_by_colour_and_by_style(ax):
    plotting.use_style()
    figure, ax = plt.subplots()
    for seed in range(2):
        plot_net(MLPshallow(10, seed=seed))
    one, other = ax.lines
    assert one.get_color() != other.get_color()
    assert one.get_linestyle() != other.get_linestyle()
    plt.close(figure)


def test_alt_text_of_points_is_made_from_the_data(ax):
    dataset = points(n=1, type="simple")
    plot_data(dataset)
    x, y = dataset.inputs.item(), dataset.labels.item()
    assert plotting.alt_text(ax.figure) == (
        f'1 point of the target "simple", x from {x:.2f} to {x:.2f}, y from {y:.2f} to {y:.2f}.'
    )


@pytest.mark.parametrize(
    ("net", "label", "alt"),
    [
        (lambda x: 3 * x, "A line", "A line: outputs from -3 to 3 for x from -1 to 1."),
        (lambda x: 3 * x, None, "A network of type function: outputs from -3 to 3 for x from -1"),
        (LinSin(8, seed=0), None, "A network of type linsin: outputs from "),
        (lambda x: x / 0, "Diverged", "Diverged: outputs not finite for x from -1 to 1."),
    ],
)
def test_alt_text_of_a_network_is_made_from_its_outputs(ax, net, label, alt):
    plot_net(net, label=label)
    assert plotting.alt_text(ax.figure).startswith(alt)


def test_drawing_a_network_leaves_no_gradient(ax):
    net = MLPshallow(10, seed=0)
    plot_net(net)
    assert all(parameter.grad is None for parameter in net.parameters())


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((3,), TypeError, "net: expected a network .torch.nn.Module., got int"),
        ((torch.exp, 1, 1), ValueError, r"xmin: expected a number below xmax \(1.0\), got 1.0"),
        ((torch.exp, None, 1), TypeError, "xmin: expected a finite number, got NoneType"),
        (
            (StackedMLP(2, inputs=1, hidden=[3], seed=0),),
            ValueError,
            r"net: expected outputs of shape \(400, 1\) for inputs of .*, got \(2, 400\)",
        ),
        ((lambda x: 3.0,), ValueError, r"net: expected outputs of shape \(400, 1\) .*, got \(\)"),
    ],
)
def test_networks_that_cannot_be_drawn_are_refused_in_words(ax, arguments, error, words):
    with pytest.raises(error, match=f"^{words}"):
        plot_net(*arguments)
    assert not ax.lines


@pytest.mark.parametrize(
    ("dataset", "got"), [(3, "int"), ((torch.ones(3), torch.ones(3)), "tuple")]
)
def test_what_is_no_data_set_is_refused_in_words(ax, dataset, got):
    with pytest.raises(TypeError, match=f"^dataset: expected an adl.data.Data, got {got}"):
        plot_data(dataset)
