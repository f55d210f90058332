"""Figures of linear models: what they say is what the data hold."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from adl import double_descent, least_squares, linear_plots
from adl.data import Data
from adl.plotting import alt_text

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def drawn(plot, tmp_path):
    plot.save(tmp_path / "figure.png", dpi=40, verbose=False)
    return plot


def swept(risks, losses, *, dims, examples=50):
    """A table of two starts for each number of features, a tenth below and above the mean."""
    rows = [
        {
            "examples": examples,
            "feature_dim": dim,
            "initialisation": number,
            "train_loss": loss * factor,
            "true_risk": risk * factor,
        }
        for dim, risk, loss in zip(dims, risks, losses, strict=True)
        for number, factor in enumerate((0.9, 1.1))
    ]
    return pd.DataFrame(rows)


def fitted(errors, ranks, *, dims, examples=20):
    return pd.DataFrame(
        {"examples": examples, "feature_dim": dims, "rank": ranks, "test_error": errors}
    )


@pytest.fixture(scope="module")
def demos():
    return {
        "many": least_squares.run(30, 400, steps=40, step_size=0.05, seed=0),
        "few": least_squares.run(30, 6, steps=40, step_size=0.05, seed=0),
    }


def test_u_curve_says_where_the_risk_is_least_and_how_much_larger_it_is_at_the_end(tmp_path):
    table = swept([0.5, 0.002, 0.1], [0.4, 0.003, 0.001], dims=[2, 20, 198])
    plot = drawn(linear_plots.plot_u_curve(table), tmp_path)
    assert plot.labels.title == "True risk is least at 20 features, 50× that at 198"
    assert "mean over 2 initialisations" in plot.alt
    assert "True risk: 0.5 at 2 features, least with 0.002 at 20, 0.1 at 198." in plot.alt
    assert "Training loss: 0.4 at 2, 0.001 at 198." in plot.alt
    assert plot.alt.endswith("A line at 49 features marks as many parameters as points.")


def test_u_curve_has_a_band_from_the_least_to_the_largest():
    rows = linear_plots.plot_u_curve(swept([0.5, 0.1], [0.4, 0.2], dims=[2, 4])).data
    risk = rows[rows["name"] == "true risk"]
    np.testing.assert_allclose(risk["min"], [0.45, 0.09])
    np.testing.assert_allclose(risk["mean"], [0.5, 0.1])
    np.testing.assert_allclose(risk["max"], [0.55, 0.11])


def test_u_curve_that_never_rises_claims_no_rise():
    plot = linear_plots.plot_u_curve(swept([0.5, 0.1], [0.4, 0.2], dims=[2, 4]))
    assert plot.labels.title == "True risk is least at 4 features"


@pytest.mark.parametrize("lost", [np.inf, np.nan])
def test_u_curve_leaves_gaps_where_trainings_diverge(lost, tmp_path):
    table = swept([0.5, 0.1, lost], [0.4, 0.2, lost], dims=[2, 4, 6])
    plot = drawn(linear_plots.plot_u_curve(table), tmp_path)
    assert plot.labels.title == "True risk is least at 4 features"
    assert "not finite at 6" in plot.alt


@pytest.mark.parametrize("seed", range(5))
def test_u_curve_of_the_chapters_experiment(seed):
    data = Data(50, -1, 1, 0.05, "middle", seed=seed)
    table = double_descent.sweep(data, [2, 20, 198], initialisations=3, seed=seed)
    title = linear_plots.plot_u_curve(table).labels.title
    assert title.startswith("True risk is least at 20 features, ")
    assert title.endswith("× that at 198")


def test_double_descent_says_where_errors_peak_and_the_rank_stops_growing(tmp_path):
    dims = [10, 18, 20, 22, 80]
    plot = drawn(
        linear_plots.plot_double_descent(
            {
                "from 1": fitted([0.04, 50, 1000, 20, 0.4], [11, 19, 20, 20, 20], dims=dims),
                "from 0": fitted([0.05, 5, 90, 2000, 0.5], [9, 17, 19, 20, 20], dims=dims),
            }
        ),
        tmp_path,
    )
    assert plot.labels.title == "With 20 points, the error peaks at 20 and 22 features"
    assert (
        "from 1: least with 0.04 at 10 features, peak with 1,000 at 20, 0.4 at 80; the rank "
        "stops growing at 20 features, where it is 20." in plot.alt
    )
    assert "from 0: least with 0.05 at 10 features, peak with 2,000 at 22" in plot.alt
    assert "where it is 20. A line at 19 features" in plot.alt


def test_double_descent_draws_medians_with_the_middle_half():
    table = pd.concat([fitted([10.0**power], [3], dims=[2]) for power in range(5)])
    rows = linear_plots.plot_double_descent({"one": table}).data.set_index("panel")
    error, rank = rows.iloc[0], rows.iloc[1]
    assert error[["low", "median", "high"]].tolist() == [1, 2, 3]
    assert rank[["low", "median", "high"]].tolist() == [3, 3, 3]


@pytest.mark.parametrize("batch", range(5))
def test_double_descent_of_the_chapters_experiment_peaks_where_the_ranks_say(batch):
    datasets = [
        Data(20, -1, 1, 0.05, "middle", seed=seed) for seed in range(30 * batch, 30 * batch + 30)
    ]
    dims = [8, 18, 20, 22, 24]
    tables = {
        f"k from {first}": double_descent.minimum_norm(datasets, dims, first=first)
        for first in (1, 0)
    }
    alt = linear_plots.plot_double_descent(tables).alt
    assert "medians over 30 data sets of 20 points" in alt
    assert alt.count("the rank stops growing at 20 features, where it is 20") == 1
    assert alt.count("the rank stops growing at 22 features, where it is 20") == 1


def test_matrix_and_its_diagonal_form_stand_side_by_side(demos):
    figure, (left, right) = plt.subplots(1, 2)
    assert linear_plots.plot_matrix(demos["few"], ax=left) is left
    assert linear_plots.plot_matrix(demos["few"], diagonal=True, ax=right) is right
    np.testing.assert_array_equal(left.images[0].get_array(), demos["few"].matrix)
    np.testing.assert_array_equal(right.images[0].get_array(), demos["few"].diagonal_form)
    off = (demos["few"].matrix - demos["few"].matrix.diagonal().diag()).abs().max().item()
    assert left.get_title("left") == f"X Xᵀ:\nup to {off:.1g} off the diagonal"
    assert right.get_title("left") == "in its eigenbasis:\n6 of 30 are not 0"
    said = alt_text(figure)
    assert "X times its transpose, 30 by 30 numbers: " in said
    assert "on it, 6 of 30 numbers are not 0, the largest is " in said
    figure.canvas.draw()


def test_heat_map_has_a_row_for_each_coordinate_and_says_how_many_move(demos):
    figure, (above, below) = plt.subplots(2)
    linear_plots.plot_moved(demos["many"], ax=above)
    linear_plots.plot_moved(demos["few"], ax=below)
    np.testing.assert_array_equal(below.images[0].get_array(), demos["few"].moved.T)
    assert above.get_title("left") == "30 of 30 coordinates move, with 400 examples"
    assert below.get_title("left") == "6 of 30 coordinates move, with 6 examples"
    first, second = alt_text(figure).split("Distance of each")[1:]
    assert "over 40 steps, with 400 examples: 30 move, by up to " in first
    assert "other" not in first
    assert second.endswith(", the other 24 by less than 1e-8.")
    figure.canvas.draw()


@pytest.mark.parametrize("helper", [linear_plots.plot_matrix, linear_plots.plot_moved])
def test_pictures_go_to_the_current_axes_unless_told_otherwise(helper, demos):
    _, ax = plt.subplots()
    assert helper(demos["few"]) is ax


def test_descents_show_losses_and_distances(demos, tmp_path):
    plot = drawn(linear_plots.plot_descents(demos), tmp_path)
    panels = plot.data.groupby(["name", "panel"], observed=True)["value"]
    for name, demo in demos.items():
        values = panels.get_group((name, "loss"))
        np.testing.assert_array_equal(values, demo.losses)
        values = panels.get_group((name, "distance from the start / size of the start"))
        np.testing.assert_array_equal(values, demo.distances)
    low, high = sorted(float(f"{demo.distances[-1]:.1g}") for demo in demos.values())
    assert plot.labels.title == (
        f"The weights move by {low:g} to {high:g} times the size of the start"
    )
    assert f"few: loss from {demos['few'].losses[0]:.2g} to " in plot.alt


def test_what_is_left_by_rounding_is_said_to_be_nothing():
    demo = least_squares.run(30, 6, steps=300, step_size=0.1, seed=0)
    assert "least possible 0; " in linear_plots.plot_descents({"few": demo}).alt


def test_a_descent_that_diverges_is_drawn(tmp_path):
    lost = least_squares.run(30, 6, steps=2000, step_size=5.0, seed=0)
    assert not torch.isfinite(lost.losses[-1])
    plot = drawn(linear_plots.plot_descents({"lost": lost}), tmp_path)
    assert "not finite" in plot.labels.title
    ax = linear_plots.plot_moved(lost)
    assert "less than" not in alt_text(ax.get_figure())
    ax.get_figure().canvas.draw()


@pytest.mark.parametrize(
    ("table", "error"), [(None, TypeError), (pd.DataFrame({"feature_dim": [2]}), ValueError)]
)
def test_tables_of_something_else_are_refused(table, error):
    with pytest.raises(error, match="^table: "):
        linear_plots.plot_u_curve(table)
    with pytest.raises(error, match="^tables: "):
        linear_plots.plot_double_descent({"one": table})


def test_data_sets_of_two_sizes_are_refused():
    tables = {f"{n}": fitted([1.0], [3], dims=[2], examples=n) for n in (20, 50)}
    with pytest.raises(ValueError, match=r"^tables: expected data sets of one size, got \[20, 50"):
        linear_plots.plot_double_descent(tables)


@pytest.mark.parametrize(
    ("helper", "name"),
    [
        (linear_plots.plot_matrix, "demo"),
        (linear_plots.plot_moved, "demo"),
        (lambda demo: linear_plots.plot_descents({"one": demo}), "demos"),
    ],
)
def test_what_is_no_demonstration_is_refused(helper, name):
    with pytest.raises(TypeError, match=f"^{name}: expected what adl.least_squares.run returns"):
        helper(torch.zeros(2))


@pytest.mark.parametrize("number", [0, 5])
def test_more_curves_than_can_be_told_apart_are_refused(number, demos):
    with pytest.raises(ValueError, match="^demos: "):
        linear_plots.plot_descents({str(k): demos["few"] for k in range(number)})
    with pytest.raises(ValueError, match="^tables: "):
        linear_plots.plot_double_descent({str(k): None for k in range(number)})
