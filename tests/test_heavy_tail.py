"""The singular target as a random number: against quadrature in other variables, and samples."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import dblquad, quad
from scipy.special import erfc, k0

from adl import heavy_tail
from adl.data import singular_batch
from adl.plotting import Plot

EPSILONS = [1.0, 0.1, 0.01, 1e-3, 1e-4]
every_epsilon = pytest.mark.parametrize("epsilon", EPSILONS)


def sizes(examples, epsilon, seed=0):
    _, targets = singular_batch(examples, epsilon=epsilon, seed=seed, dtype=torch.float64)
    return targets.abs().numpy()


def mean_over_z(function, epsilon):
    """Mean over a standard normal z, in pieces around the peak at 0."""
    bounds = [0, epsilon**0.5 / 10, epsilon**0.5, 10 * epsilon**0.5, 40]
    density = math.sqrt(2 / math.pi)
    return sum(
        quad(lambda z: density * math.exp(-z * z / 2) * function(z), low, high)[0]
        for low, high in pairwise(bounds)
    )


@every_epsilon
def test_the_mean_square_is_that_of_scipys_quadrature_over_z(epsilon):
    expected = mean_over_z(lambda z: (epsilon + z * z) ** -2, epsilon)
    assert heavy_tail.moments(epsilon).mean_square == pytest.approx(expected, rel=1e-7)


@every_epsilon
def test_the_mean_size_is_that_of_scipys_quadrature_over_z(epsilon):
    expected = 2 / math.pi * mean_over_z(lambda z: 1 / (epsilon + z * z), epsilon)
    assert heavy_tail.moments(epsilon).mean_size == pytest.approx(expected, rel=1e-7)


def test_for_small_epsilon_the_means_are_the_powers_that_the_docstring_gives():
    found = heavy_tail.moments(1e-8)
    assert found.mean_square == pytest.approx(math.sqrt(math.pi / 8) * 1e12, rel=1e-3)
    assert found.mean_size == pytest.approx(math.sqrt(2 / math.pi) * 1e4, rel=1e-3)


def test_for_large_epsilon_the_target_is_a_product_of_two_normal_numbers():
    found = heavy_tail.moments(9e5)
    assert found.mean_square * 9e5**2 == pytest.approx(1, rel=1e-5)
    assert found.mean_size * 9e5 == pytest.approx(2 / math.pi, rel=1e-5)


def test_without_epsilon_neither_mean_is_finite_and_the_largest_make_everything():
    found = heavy_tail.moments(0)
    assert (found.mean_square, found.mean_size, found.top_share) == (math.inf, math.inf, 1)
    assert found.median_size == pytest.approx(np.median(sizes(1_000_000, 0)), rel=0.01)


@every_epsilon
def test_the_median_is_that_of_a_sample(epsilon):
    sampled = np.median(sizes(1_000_000, epsilon))
    assert heavy_tail.moments(epsilon).median_size == pytest.approx(sampled, rel=0.01)


@every_epsilon
def test_the_top_share_is_that_of_a_sample(epsilon):
    squares = np.sort(sizes(4_000_000, epsilon) ** 2)
    sampled = squares[-40_000:].sum() / squares.sum()
    assert heavy_tail.moments(epsilon).top_share == pytest.approx(sampled, abs=0.01)


@pytest.mark.parametrize("epsilon", [1.0, 0.1])
@pytest.mark.parametrize("size", [0.5, 3.0])
def test_the_share_above_is_that_of_the_density_of_a_product(size, epsilon):
    # The absolute value of a product of two normal numbers has the density 2 K0 / pi.
    expected, _ = dblquad(
        lambda product, z: 4 / math.pi * k0(product) * math.exp(-z * z / 2) / (2 * math.pi) ** 0.5,
        0,
        10,
        lambda z: size * (epsilon + z * z),
        lambda z: size * (epsilon + z * z) + 40,
    )
    assert heavy_tail.share_above(size, epsilon) == pytest.approx(expected, rel=1e-5)


def test_without_epsilon_the_share_above_is_that_of_z_near_zero():
    # Given the product p, a target is above t where z**2 < p / t.
    size = 5.0
    expected, _ = quad(
        lambda product: 2 / math.pi * k0(product) * (1 - erfc(math.sqrt(product / size / 2))), 0, 40
    )
    assert heavy_tail.share_above(size, 0) == pytest.approx(expected, rel=1e-6)


@given(st.floats(0, 1e6), st.floats(0, 10), st.floats(0, 10))
def test_larger_sizes_are_rarer_and_epsilon_makes_them_rarer_still(size, more, epsilon):
    share = heavy_tail.share_above(size, epsilon)
    assert 0 <= heavy_tail.share_above(size + more, epsilon) <= share + 1e-12 <= 1 + 1e-11
    assert heavy_tail.share_above(size, epsilon + more) <= share + 1e-12


@pytest.mark.parametrize("exponent", [0.5, 1.0, 3.0])
def test_hills_estimate_finds_the_exponent_of_a_power_law(exponent):
    uniform = np.random.default_rng(0).random(400_000)
    values = uniform ** (-1 / exponent)
    assert heavy_tail.hill(values) == pytest.approx(exponent, rel=0.05)
    assert heavy_tail.hill(-values, share=0.2) == pytest.approx(exponent, rel=0.02)


def test_hills_estimate_is_the_mean_logarithm_above_the_first_value_that_is_left_out():
    values = [1, 2, -8, 4, 1, 1, 1, 1, 1, 1]
    assert heavy_tail.hill(values, share=0.2) == pytest.approx(2 / math.log(8 / 2 * 4 / 2))


@pytest.mark.parametrize("seed", range(5))
def test_without_epsilon_the_tail_falls_as_the_root(seed):
    assert heavy_tail.hill(sizes(400_000, 0, seed)) == pytest.approx(0.5, abs=0.04)


def test_a_tail_of_equal_values_falls_at_once():
    assert heavy_tail.hill(np.ones(100)) == math.inf


def test_the_picture_of_the_tail_holds_the_share_of_the_sample_above_each_size():
    plot = heavy_tail.plot_tail([0.01, 0], examples=20_000, seed=3)
    assert isinstance(plot, Plot)
    for name, points in plot.data.groupby("name", observed=True):
        middle = points.iloc[len(points) // 2]
        exact = heavy_tail.share_above(middle["size"], float(name.split()[1]))
        assert middle["share"] == pytest.approx(exact, rel=0.15)
    assert plot.labels.title == "At epsilon 0 the share above T falls as T to the -0.5"
    assert "epsilon 0: 5% are above 100, the exponent of the largest 1% by Hill's" in plot.alt
    assert plot.alt.endswith(" estimator is 0.5.")
    plot.draw()


def test_the_running_means_end_at_the_means_of_the_samples():
    plot = heavy_tail.plot_running_mean([1, 0], samples=3, examples=2000, seed=0)
    ends = plot.data[plot.data["drawn"] == 2000]
    assert len(ends) == 6
    settled = ends.loc[ends["panel"] == "epsilon 1", "mean"]
    assert settled.to_numpy() == pytest.approx(heavy_tail.moments(1).mean_size, rel=0.1)
    jumping = ends.loc[ends["panel"] == "epsilon 0", "mean"]
    assert jumping.max() > 1.5 * jumping.min()
    assert "the true mean is infinite" in plot.alt
    plot.draw()


@pytest.mark.parametrize(
    "draw",
    [
        lambda seed: heavy_tail.plot_tail([0], examples=1000, seed=seed),
        lambda seed: heavy_tail.plot_running_mean([0], examples=1000, seed=seed),
    ],
)
def test_a_seed_gives_the_same_picture_again(draw):
    assert draw(4).data.equals(draw(4).data)
    assert not draw(4).data.equals(draw(5).data)
    generator = torch.Generator().manual_seed(4)
    assert not draw(generator).data.equals(draw(generator).data)


@pytest.mark.parametrize(
    ("function", "arguments", "words"),
    [
        ("moments", (-1,), "epsilon: expected a number from 0"),
        ("moments", (1e7,), "epsilon: expected a number from 0"),
        ("moments", ("1",), "epsilon: "),
        ("share_above", (-1, 0), "size: "),
        ("share_above", (1, None), "epsilon: "),
        ("hill", ([1, 2, 3],), "share: expected at least one of 3 values"),
        ("hill", (np.ones(9), 1), "share: "),
        ("hill", (np.eye(1, 10)[0], 0.5), "values: expected fewer zeros"),
        ("hill", ([1, math.inf], 0.5), "values: "),
        ("plot_tail", ([],), "epsilons: expected at least one number"),
        ("plot_tail", (range(5),), "epsilons: expected 1 to 4 of them"),
        ("plot_tail", (1.0,), "epsilons: expected one dimension"),
        ("plot_tail", ([1e7],), "epsilons: expected a number below 1000000"),
        (
            "plot_tail",
            ([1, 0.1, 1.0],),
            r"epsilons: expected each number once, got \(1.0, 0.1, 1.0",
        ),
        ("plot_running_mean", ([0, 0],), "epsilons: expected each number once"),
        ("plot_running_mean", ([-1],), "epsilons: "),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(function, arguments, words):
    with pytest.raises((TypeError, ValueError), match=f"^{words}"):
        getattr(heavy_tail, function)(*arguments)


@pytest.mark.parametrize("bad", [{"samples": 1}, {"examples": 10}, {"seed": -1}])
def test_pictures_refuse_what_they_cannot_draw(bad):
    with pytest.raises(ValueError, match=f"^{next(iter(bad))}: "):
        heavy_tail.plot_running_mean(**bad)
