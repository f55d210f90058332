"""Sheets on many data sets at once, against the sheets themselves and against linear algebra."""

import numpy as np
import pytest

from adl import model_2p, settling, sheets
from adl.plotting import Plot
from adl.sheets import SHEETS

SEEDS = range(5)


@pytest.mark.parametrize("name", SHEETS)
def test_each_data_set_gives_what_its_own_sheet_gives(name):
    x, y = settling.random_points(5, seed=1)
    together = settling.run(SHEETS[name], 6, x, y)
    for number in range(5):
        table = sheets.run(SHEETS[name], 6, x=x[number], y=y[number])
        alone = sheets.summary(table)
        for column in ("intercept", "slope"):
            assert together[column][:, number] == pytest.approx(alone[column], rel=1e-9)
        for column in SHEETS[name].epoch_end:
            ends = table[column].groupby(level="epoch").last()
            assert together[column][:, number] == pytest.approx(ends, rel=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_sgd_takes_as_many_epochs_as_the_matrix_of_an_epoch_says(seed):
    x, y = settling.random_points(3, seed=seed)
    counted = settling.epochs_to_settle(SHEETS["sgd"], 6000, x, y)
    for row, epochs in zip(x, counted, strict=True):
        matrix, error, expected = model_2p.epoch_matrix(row, 1e-4), np.array([-1.0, -29.0]), 0
        while abs(error[0]) > 0.02 or abs(error[1]) > 0.3:
            error, expected = matrix @ error, expected + 1
        assert epochs == expected


def test_a_line_that_never_comes_close_counts_as_infinite():
    x, y = settling.random_points(3, seed=0)
    assert np.isinf(settling.epochs_to_settle(SHEETS["sgd"], 5, x, y)).all()


def test_divergence_is_kept():
    x, y = settling.random_points(2, seed=0)
    ends = settling.run(SHEETS["sgd"], 200, x, y, lr=0.01)["slope"][-1]
    assert not np.isfinite(ends).any()


def test_data_sets_are_drawn_from_the_seed_alone():
    np.random.seed(7)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    x, y = settling.random_points(100, seed=3)
    assert (settling.random_points(100, seed=3)[0] == x).all()
    assert (settling.random_points(100, seed=4)[0] != x).any()
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    assert x.min() >= 1
    assert x.max() <= 100
    assert (y == 2 * x + 30).all()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((SHEETS["sgd"], 0, [[1]], [[2]]), ValueError, "epochs"),
        ((SHEETS["sgd"], 1, [], []), ValueError, "x: expected data sets of one length"),
        ((SHEETS["sgd"], 1, [[1, 2], [3]], [[1, 2], [3]]), ValueError, "x: expected data sets of"),
        ((SHEETS["sgd"], 1, [[1, 2]], [[1], [2]]), ValueError, r"y: expected the shape of x"),
        (("sgd", 1, [[1]], [[2]]), TypeError, "sheet: expected a Sheet, got str"),
        ((SHEETS["sgd"], 1, 5, 5), TypeError, "x: expected one data set in each row"),
        ((SHEETS["sgd"], 1, [1, 2], [1, 2]), TypeError, "x: expected one data set in each row"),
        ((SHEETS["sgd"], 1, [["a"]], [[1]]), (TypeError, ValueError), "x"),
        ((SHEETS["sgd"], 1, [[1]], [[1]], "fast"), TypeError, "lr"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(arguments, error, words):
    with pytest.raises(error, match=words):
        settling.run(*arguments)


def test_the_share_of_settled_data_sets_is_a_rising_stair():
    plot = settling.plot_settled(
        {"fast": np.array([1.0, 2.0]), "slow": np.array([5.0, np.inf])}, epochs=5
    )
    assert isinstance(plot, Plot)
    assert "fast: 100% after 2, 100% after 5; slow: 0% after 2, 50% after 5" in plot.alt
    assert plot.labels.title == "Within 1% once in 5 epochs: 100%, fast"
    shares = plot.data[plot.data["sheet"] == "fast"].set_index("epoch")["share"]
    assert shares.tolist() == [0, 50, 100, 100, 100, 100]


def test_medians_are_drawn_with_the_middle_half():
    plot = settling.plot_medians(
        {"one": np.array([[1.0, 2.0, 3.0], [2.0, 3.0, 4.0]])}, quantity="size", level=2
    )
    assert plot.data[["low", "median", "high"]].to_numpy().tolist() == [
        [1.5, 2, 2.5],
        [2.5, 3, 3.5],
    ]
    assert plot.labels.title == "After 2 epochs: size from 3 to 3"


@pytest.mark.parametrize("number", [0, 5])
def test_figures_refuse_more_curves_than_they_can_tell_apart(number):
    things = {str(n): np.ones(3) for n in range(number)}
    with pytest.raises(ValueError, match=f"counts: expected 1 to 4 of them, got {number}"):
        settling.plot_settled(things, epochs=3)
    with pytest.raises(ValueError, match=f"histories: expected 1 to 4 of them, got {number}"):
        settling.plot_medians(things, quantity="size", level=2)
