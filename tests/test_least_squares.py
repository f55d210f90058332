"""The least-squares demonstration: against the loop that defines it, and its closed form."""

from functools import cache

import numpy as np
import pytest
import torch

from adl import least_squares

pytestmark = pytest.mark.usefixtures("one_thread")

SHAPES = [(100, 5000), (100, 20), (1000, 20)]
every_shape = pytest.mark.parametrize(("parameters", "examples"), SHAPES)
every_seed = pytest.mark.parametrize("seed", range(5))


@cache
def briefly(parameters, examples, seed):
    """Sixty steps of a demonstration, which several tests look at."""
    return least_squares.run(parameters, examples, steps=60, seed=seed)


def draw(parameters, examples, seed):
    """Inputs, labels and start, drawn once more."""
    normal = np.random.default_rng(seed).standard_normal
    inputs = normal((parameters, examples)) / np.sqrt(examples)
    return inputs, normal(examples), normal(parameters) / np.sqrt(parameters)


def test_a_step_is_w_minus_eta_xxt_w_plus_eta_xy():
    inputs, labels, w = draw(30, 12, seed=3)
    demo = least_squares.run(30, 12, step_size=0.05, steps=200, seed=3)
    path, losses = [w], []
    for _ in range(200):
        losses.append(np.mean((inputs.T @ w - labels) ** 2))
        w = w - 0.05 * inputs @ inputs.T @ w + 0.05 * inputs @ labels
        path.append(w)
    np.testing.assert_allclose(demo.path, path @ demo.eigenvectors.numpy(), atol=1e-12)
    np.testing.assert_allclose(demo.losses[:-1], losses, rtol=1e-10)


@pytest.mark.parametrize(("parameters", "examples"), [(20, 60), (60, 20)])
def test_each_coordinate_goes_its_own_way_in_the_eigenbasis(parameters, examples):
    inputs, labels, w = draw(parameters, examples, seed=1)
    demo = least_squares.run(parameters, examples, step_size=0.05, steps=50, seed=1)
    values, vectors = demo.eigenvalues.numpy(), demo.eigenvectors.numpy()
    start, pull = w @ vectors, inputs @ labels @ vectors
    moving = values > 1e-10
    end = np.divide(pull, values, out=start.copy(), where=moving)
    for step in (0, 1, 10, 50):
        expected = end + (1 - 0.05 * values) ** step * (start - end)
        np.testing.assert_allclose(demo.path[step], expected, atol=1e-11)


def test_the_matrix_is_diagonal_in_its_eigenbasis():
    inputs, _, _ = draw(40, 12, seed=2)
    demo = least_squares.run(40, 12, steps=1, seed=2)
    np.testing.assert_allclose(demo.matrix, inputs @ inputs.T, atol=1e-14)
    np.testing.assert_allclose(demo.diagonal_form, np.diag(demo.eigenvalues), atol=1e-13)


@every_shape
@every_seed
def test_as_many_coordinates_move_as_there_are_examples_and_weights(parameters, examples, seed):
    demo = briefly(parameters, examples, seed)
    assert demo.share_moved == min(1, examples / parameters)


@every_seed
def test_those_that_move_have_the_largest_eigenvalues_and_the_rest_only_rounds(seed):
    demo = least_squares.run(100, 20, seed=seed)
    assert demo.has_moved[-20:].all()
    assert demo.moved[:, :80].max() < 1e-13


@pytest.mark.parametrize(
    ("parameters", "examples", "low", "high"),
    [(100, 5000, 1.5, 1.6), (100, 20, 0.16, 0.23), (1000, 20, 0.029, 0.034)],
)
@every_seed
def test_critical_rates_of_the_three_shapes(parameters, examples, low, high, seed):
    demo = briefly(parameters, examples, seed)
    assert low < demo.critical_step_size < high
    inputs, _, _ = draw(parameters, examples, seed)
    largest = np.linalg.norm(inputs, 2) ** 2
    assert demo.critical_step_size == pytest.approx(2 / largest, rel=1e-9)


@every_seed
def test_two_percent_decide_between_learning_and_divergence(seed):
    critical = briefly(100, 20, seed).critical_step_size
    below, above = (
        least_squares.run(100, 20, step_size=share * critical, steps=600, seed=seed).losses[-1]
        for share in (0.98, 1.02)
    )
    assert below < 0.05
    assert above > 1e6


@every_seed
def test_with_5000_examples_all_weights_move_far_and_the_loss_hardly_falls(seed):
    demo = least_squares.run(100, 5000, seed=seed)
    assert 6 < demo.distances[-1] < 7.7
    assert 0.96 < demo.losses[-1] / demo.losses[0] < 1
    assert 0.97 < demo.least_loss / demo.losses[0] < 0.99


@every_shape
def test_no_loss_is_below_the_least_possible(parameters, examples):
    demo = briefly(parameters, examples, 0)
    assert demo.losses.min() > demo.least_loss
    if examples < parameters:
        assert demo.least_loss < 1e-20


def test_distances_are_those_of_the_weights_themselves_and_begin_at_0():
    _, _, start = draw(30, 12, seed=5)
    demo = least_squares.run(30, 12, steps=40, seed=5)
    weights = (demo.path @ demo.eigenvectors.T).numpy()
    np.testing.assert_allclose(weights[0], start, atol=1e-13)
    expected = np.linalg.norm(weights - start, axis=1) / np.linalg.norm(start)
    np.testing.assert_allclose(demo.distances, expected, atol=1e-12)
    assert demo.distances[0] == 0


def test_the_seed_alone_decides():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    one, same, other = (least_squares.run(10, 5, steps=3, seed=seed) for seed in (4, 4, 5))
    assert torch.equal(one.path, same.path)
    assert not torch.equal(one.matrix, other.matrix)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"parameters": 0}, "parameters"),
        ({"examples": 2.5}, "examples"),
        ({"step_size": 0}, "step_size"),
        ({"step_size": "fast"}, "step_size"),
        ({"steps": 0}, "steps"),
        ({"seed": -1}, "seed"),
    ],
)
def test_what_cannot_be_run_is_refused(change, name):
    arguments = {"parameters": 10, "examples": 5} | change
    with pytest.raises((TypeError, ValueError), match=f"^{name}: "):
        least_squares.run(**arguments)
