"""Figures of filled sheets: what they say is true of the data that they show."""

import numpy as np
import pytest

from adl import sheet_plots
from adl.sheets import SHEETS, run, summary

TABLES = {name: run(SHEETS[name], epochs=5) for name in ("sgd", "momentum", "rmsprop", "adam")}
DIVERGED = run(SHEETS["sgd"], epochs=200, lr=0.01)


@pytest.mark.parametrize("error", ["rmse_line", "rmse_running"])
def test_errors_are_those_of_the_summary(error):
    plot = sheet_plots.plot_errors(TABLES, error=error)
    for name, table in TABLES.items():
        drawn = plot.data.loc[plot.data["name"] == name, "error"]
        assert drawn.to_numpy() == pytest.approx(summary(table)[error].to_numpy())


def test_the_title_names_the_sheets_with_the_least_and_the_largest_error():
    last = {name: summary(table)["rmse_line"].iloc[-1] for name, table in TABLES.items()}
    best, worst = min(last, key=last.__getitem__), max(last, key=last.__getitem__)
    title = sheet_plots.plot_errors(TABLES).labels.title
    assert title == f"After 5 epochs: {best} {last[best]:.3g}, {worst} {last[worst]:.3g}"


def test_a_run_that_diverges_is_never_the_best_and_draws_what_is_finite():
    plot = sheet_plots.plot_errors({"wild": DIVERGED, "tame": TABLES["sgd"]})
    assert ": tame " in plot.labels.title
    assert np.isfinite(plot.data["error"]).all()
    lines = sheet_plots.plot_lines({"wild": DIVERGED, "tame": TABLES["sgd"]})
    assert lines.labels.title.startswith("tame gets nearest")
    assert np.isfinite(lines.data[["intercept", "slope"]]).all(axis=None)


@pytest.mark.parametrize("rate", [1.0, 1e9])
def test_figures_of_runs_that_are_all_lost_can_be_drawn(rate):
    lost = {"lost": run(SHEETS["sgd"], epochs=3, lr=rate)}
    sheet_plots.plot_errors(lost).draw()
    sheet_plots.plot_lines(lost).draw()


def test_a_column_alone_says_where_it_goes():
    plot = sheet_plots.plot_columns(TABLES["sgd"], ["b"], epoch=1)
    assert plot.labels.title == "intercept b: from 1 to 1.07"
    assert plot.labels.y == "value"


def test_tables_without_names_are_refused():
    with pytest.raises(TypeError, match="tables: expected a dict with a name for each"):
        sheet_plots.plot_errors([TABLES["sgd"]])


def test_lines_end_where_the_sheets_end():
    plot = sheet_plots.plot_lines(TABLES)
    assert "adam ends at (23.8, 2.01)" in plot.alt
    assert plot.labels.title == "adam gets nearest to the intercept 30: 23.8"


def test_columns_say_how_far_they_swing():
    table = TABLES["momentum"]
    plot = sheet_plots.plot_columns(table, ["da", "ma"], epoch=2)
    share = table.loc[2, "ma"].std(ddof=0) / table.loc[2, "da"].std(ddof=0)
    assert plot.labels.title == f"The average of d/da swings {share:.0%} as far as d/da"
    assert len(plot.data) == 2 * 29


@pytest.mark.parametrize("number", [0, 5])
def test_more_curves_than_can_be_told_apart_are_refused(number):
    tables = {str(n): TABLES["sgd"] for n in range(number)}
    for plot in (sheet_plots.plot_errors, sheet_plots.plot_lines):
        with pytest.raises(ValueError, match=f"tables: expected 1 to 4 of them, got {number}"):
            plot(tables)


@pytest.mark.parametrize(
    ("columns", "epoch", "words"),
    [
        ([], 1, "columns: expected 1 to 4"),
        (["mb"], 1, "columns: expected columns of the table, got 'mb'"),
        (["da"], 6, "epoch: expected an epoch of the table, got 6"),
    ],
)
def test_cells_that_are_not_there_are_refused(columns, epoch, words):
    with pytest.raises(ValueError, match=words):
        sheet_plots.plot_columns(TABLES["sgd"], columns, epoch)


def test_an_unknown_error_is_refused():
    with pytest.raises(ValueError, match="error: expected one of rmse_running, rmse_line"):
        sheet_plots.plot_errors(TABLES, error="mse")
