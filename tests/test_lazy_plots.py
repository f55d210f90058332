"""Figures of lazy training: what they say is counted from the data."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from adl.data import Data
from adl.lazy_plots import (
    plot_catapult,
    plot_curves,
    plot_exponents,
    plot_functions,
    plot_laziness,
    plot_progress,
)
from adl.plotting import Plot, alt_text

DATASET = Data(15, -1, 1, 0, "middle", seed=0)
GRID = torch.linspace(-1, 1, 50, dtype=torch.float64)
TARGET = DATASET.target(GRID)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def thrown(products, spikes, widths=10):
    return pd.DataFrame({"width": widths, "product at start": products, "spike": spikes})


def by_width(power):
    widths = np.array([10, 100, 300, 1000])
    quantities = ["sharpness", "last layer", "first layer", "kernel drift"]
    return pd.DataFrame({"width": widths, **dict.fromkeys(quantities, 2.0 * widths**power)})


def test_functions_are_judged_by_their_distance_from_the_target():
    after = torch.stack([TARGET + 0.1, TARGET + 2])
    plot = plot_functions(torch.stack([TARGET + 1, TARGET + 1]), after, DATASET)
    assert plot.labels.title == "Nearer to the target after training: 1 of 2"
    assert "at initialisation 1 to 1; after training 0.01 to 4" in plot.alt


def test_functions_with_names_are_told_one_by_one():
    plot = plot_functions(
        torch.stack([TARGET + 1, TARGET + 1]),
        torch.stack([TARGET + 0.1, TARGET + 2]),
        DATASET,
        names=["thin", "wide"],
    )
    assert plot.alt.endswith("thin 1, then 0.01; wide 1, then 4.")


def test_functions_may_come_straight_from_networks():
    outputs = torch.nn.Linear(1, 2)(GRID.float()[:, None]).T
    assert outputs.requires_grad
    plot_functions(outputs, outputs, DATASET).draw()


def test_progress_tells_shares_of_the_loss_and_movement():
    losses, movement = torch.tensor([[4.0, 4.0], [2.0, 1.0]]), torch.tensor([[0, 0], [0.3, 0.7]])
    figure = plot_progress(losses, movement, steps=torch.tensor([0, 500]))
    assert alt_text(figure) == (
        "Of 2 models, the loss falls to 0.2 to 0.5 of its start in 500 steps. Relative movement of "
        "the output weights: 0.3 to 0.7."
    )


def test_progress_of_one_model_draws_what_it_is_given():
    left, right = plot_progress([4.0, 2.0, 1.0], [0.0, 0.5, 1.0], level=("least", 0.5)).axes
    assert left.lines[0].get_xydata().tolist() == [[1, 4], [2, 2], [3, 1]]
    assert left.lines[1].get_ydata() == [0.5, 0.5]
    assert right.lines[0].get_xydata().tolist() == [[0, 0], [1, 0.5], [2, 1]]


def test_curves_tell_a_peak_only_where_there_is_one():
    table = pd.DataFrame(
        {"x": [1, 2, 3] * 2, "y": [1.0, 9, 2, 3, 2, 1], "name": ["up"] * 3 + ["down"] * 3}
    )
    plot = plot_curves(table, "x", "y", by="name", title="One peak")
    assert plot.alt == "y against x. up: from 1 to 2, at most 9. down: from 3 to 1."


def test_exponents_are_those_of_the_powers_that_were_put_in():
    plot = plot_exponents({"one": by_width(1.0), "half": by_width(-0.5)})
    assert plot.labels.title == "Curvature grows as the width to the power 1.0, or -0.5"
    assert "half: sharpness -0.5, last layer -0.5, first layer -0.5, kernel drift -0.5" in plot.alt


def test_the_rule_of_2_is_counted_on_both_sides():
    plot = plot_catapult(thrown([1.0, 1.9, 2.1, 3.0], [1.0, 1.2, 1.0, 50.0]))
    assert plot.labels.title == "The rule of 2 foretells the spike: 2 of 4 networks"
    assert plot.alt.endswith("Below 2 the loss rises above its start in 1 of 2, above 2 in 1 of 2.")


@pytest.mark.parametrize("spike", [np.inf, np.nan])
def test_the_loss_of_a_network_that_diverges_has_risen(spike):
    plot = plot_catapult(thrown([1.0, 5.0], [1.0, spike]))
    assert plot.labels.title == "The rule of 2 foretells the spike: 2 of 2 networks"
    plot.draw()


def test_laziness_shows_medians_and_ranges():
    table = pd.DataFrame({"alpha": [1, 1, 1, 10], "drift": [1.0, 2.0, 9.0, 0.5]})
    plot = plot_laziness(table, "alpha", ["drift"], title="It falls")
    assert plot.data[["median", "min", "max"]].to_numpy().tolist() == [[2, 1, 9], [0.5, 0.5, 0.5]]
    assert plot.alt == "Medians against alpha. drift: 2 at 1, 0.5 at 10."


@pytest.mark.parametrize(
    "plot",
    [
        plot_curves(by_width(1.0).assign(of=1), "width", "sharpness", by="of", title="Up"),
        plot_exponents({"PyTorch": by_width(1.0)}),
        plot_laziness(by_width(1.0), "width", ["sharpness", "last layer"], title="Up"),
    ],
)
def test_figures_can_be_drawn(plot):
    assert isinstance(plot, Plot)
    plot.draw()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: plot_functions([[1.0]], TARGET[None], DATASET), TypeError, "before, after"),
        (lambda: plot_functions(TARGET[None, :9], TARGET[None], DATASET), ValueError, "after"),
        (
            lambda: plot_functions(TARGET[None], TARGET[None], DATASET, names=["a", "b"]),
            ValueError,
            "names: expected 1, one for each model, got 2",
        ),
        (lambda: plot_progress([1.0, 2.0], [1.0]), ValueError, "losses, movement"),
        (
            lambda: plot_progress(torch.ones(2, 5), torch.ones(2, 5), names=list("abcde")),
            ValueError,
            "names: expected 1 to 4",
        ),
        (
            lambda: plot_catapult(thrown(1.0, 1.0, widths=range(1, 8))),
            ValueError,
            "table: expected 1 to 6",
        ),
        (
            lambda: plot_laziness(by_width(1.0), "width", [], title=""),
            ValueError,
            "columns: expected 1 to 4",
        ),
        (lambda: plot_exponents({}), ValueError, "tables: expected 1 to 4"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(call, error, words):
    with pytest.raises(error, match=f"^{words}"):
        call()
