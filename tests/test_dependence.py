"""Outputs along a line: straight pieces, and where they end."""

import numpy as np
import pytest
import torch

from adl import dependence
from adl.data import singular_target
from adl.models import StackedMLP


def broken_line(*kinks):
    """relu(z - kink) for each kink, added up, and nothing of x and y."""
    net = StackedMLP(1, inputs=3, hidden=[len(kinks)], seed=0, dtype=torch.float64)
    weights, biases = net.layers()[0]
    last, offset = net.layers()[1]
    with torch.no_grad():
        weights.zero_()
        weights[:, 0] = 1
        biases[0, 0] = -torch.tensor(kinks, dtype=torch.float64)
        last.fill_(1)
        offset.zero_()
    return net


def test_the_inputs_are_a_line_of_z_with_the_others_at_one():
    z = np.linspace(-1, 1, 401)
    targets = singular_target(dependence.inputs_along_z(points=401), 0.1)
    np.testing.assert_allclose(targets, 1 / (0.1 + z**2))


@pytest.mark.parametrize("kinks", [(0.5,), (-0.6, 0.1, 0.7), (-0.31, 0.12, 2.0)])
def test_pieces_are_one_more_than_the_kinks_within_the_line(kinks):
    within = sum(-1 < kink < 1 for kink in kinks)
    assert dependence.pieces(broken_line(*kinks)).tolist() == [1 + within]


def test_pieces_of_a_close_up():
    net = broken_line(-0.6, 0.101, 0.702)
    assert dependence.pieces(net, 0, 0.5).tolist() == [2]


def test_pieces_of_trained_shapes_are_those_of_the_slope():
    net = StackedMLP(3, inputs=3, hidden=(16, 16), seed=0, dtype=torch.float64)
    curves = dependence.along_z(net, points=20_001).numpy()
    for curve, number in zip(curves, dependence.pieces(net).tolist(), strict=True):
        bends = np.abs(np.diff(curve, 2)) > 1e-12
        # A kink between two points bends the line at one of them or at both.
        groups = (np.diff(np.flatnonzero(bends)) > 1).sum() + bends.any()
        assert number == groups + 1


def test_outputs_along_z_are_those_of_the_network():
    net = StackedMLP(2, inputs=3, hidden=[8], seed=0)
    inputs = torch.tensor([[-0.5, 1, 1], [0, 1, 1], [0.5, 1, 1]])
    torch.testing.assert_close(dependence.along_z(net, -0.5, 0.5, points=3), net(inputs))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda net: dependence.along_z(net, 1, -1), "^low: expected a number below high"),
        (lambda net: dependence.along_z(net, points=2), "^points: expected a whole number of at"),
        (lambda net: dependence.plot_dependence({}, 0.1), "^nets: expected 1 to 3 of them"),
        (lambda net: dependence.plot_dependence({"a": net}, 0), "^epsilon: expected a number abo"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(call, words):
    with pytest.raises(ValueError, match=words):
        call(broken_line(0.5))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (dependence.along_z, "net"),
        (dependence.pieces, "net"),
        (dependence.plot_slope, "net"),
        (lambda net: dependence.plot_dependence({"a": net}, 0.1), "nets"),
    ],
)
def test_networks_that_cannot_go_along_z_are_refused_in_words(call, name):
    with pytest.raises(TypeError, match=f"^{name}: expected a StackedMLP, got NoneType"):
        call(None)
    with pytest.raises(ValueError, match=f"^{name}: expected networks with 3 inputs, got 2"):
        call(StackedMLP(1, inputs=2, hidden=[8], seed=0))


def test_a_network_that_diverged_is_drawn_as_a_gap(tmp_path):
    net = broken_line(0.5)
    with torch.no_grad():
        net.vector.fill_(torch.nan)
    plot = dependence.plot_dependence({"mine": net}, 0.1)
    assert plot.labels.title == "mine: not finite"
    assert "mine: nan at z = 0" in plot.alt
    plot.save(tmp_path / "figure.png", dpi=40, verbose=False)


def test_pieces_of_other_activations_are_refused():
    net = StackedMLP(1, inputs=3, hidden=[8], activation=torch.tanh, seed=0)
    with pytest.raises(ValueError, match="^net: expected ReLU units"):
        dependence.pieces(net)


def test_slope_of_a_broken_line_is_a_staircase():
    plot = dependence.plot_slope(broken_line(-0.6, 0.1, 0.7))
    slopes = plot.data[plot.data["panel"] == "slope of the output"]
    for low, high, slope in [(-1, -0.61, 0), (-0.59, 0.09, 1), (0.11, 0.69, 2), (0.71, 1, 3)]:
        level = slopes.loc[slopes["z"].between(low, high), "value"]
        np.testing.assert_allclose(level, slope, atol=1e-9)
    assert plot.labels.title == "4 straight pieces: the slope is a staircase"


def test_dependence_says_what_the_first_network_does():
    net = broken_line(-1.0)  # z + 1, from 0 to 2
    plot = dependence.plot_dependence({"line": net}, 0.01)
    assert "The truth, a thin line, is 100 at z = 0" in plot.alt
    assert "line: 1 at z = 0" in plot.alt
    assert plot.labels.title.startswith("line reaches 1 of 100")
