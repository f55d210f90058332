"""Figures of chapter 4: what they say is what the data hold."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from adl import singular, singular_plots
from adl.models import StackedMLP
from adl.plotting import digits

pytestmark = pytest.mark.usefixtures("one_thread")


def constant(value, dtype=torch.float64):
    """A network that says one number, whatever it is given."""
    net = StackedMLP(1, inputs=3, hidden=[1], seed=0, dtype=dtype)
    with torch.no_grad():
        net.vector.zero_()
        net.vector[:, -1] = value
    return net


def drawn(plot, tmp_path):
    plot.save(tmp_path / "figure.png", dpi=40, verbose=False)
    return plot


@pytest.mark.parametrize(
    ("loss", "pull"),
    [
        ("MSE", lambda t: 2 * t),
        ("Huber", lambda t: np.minimum(t, 1)),
        ("L1", np.ones_like),
        ("log error", lambda t: 2 * np.log1p(t) / (1 + t)),
        ("two-sided log", lambda t: 2 * np.log1p(t)),
        ("relative L2", lambda t: 2 * t / (1 + t) ** 2),
        ("relative L1", lambda t: 1 / (1 + t)),
    ],
)
def test_pull_is_the_derivative_in_closed_form(loss, pull):
    rows = singular_plots.plot_pull([loss]).data
    np.testing.assert_allclose(rows["pull"], pull(rows["target"].to_numpy()), rtol=1e-12)


def test_pull_of_a_loss_that_is_named_twice_is_drawn_once():
    assert len(singular_plots.plot_pull(["L1", "L1"]).data) == 141


def test_pull_names_side_by_side_where_lines_end_together():
    figure = singular_plots.plot_pull().draw()
    assert {text.get_text() for text in figure.axes[0].texts} == {
        "MSE", "two-sided log", "Huber, L1", "log error", "relative L1, relative L2",
    }  # fmt: skip
    plt.close(figure)


def test_errors_of_always_zero_are_those_of_the_guess(tmp_path):
    plot = drawn(singular_plots.plot_errors({"zero": (constant(0.0), 1e-4)}), tmp_path)
    curves = plot.data.pivot_table(index="error", columns="kind", values="share", observed=True)
    np.testing.assert_allclose(curves["the network"], curves["always 0"])
    np.testing.assert_allclose(curves.sum() * 0.25, 1)
    assert "worse" not in plot.alt
    assert plot.labels.title == "Worse than always 0: none"


def test_errors_of_a_network_that_says_a_hundred_are_worse_than_those_of_zero():
    plot = singular_plots.plot_errors({"much": (constant(100.0), 1e-4)})
    assert "much: the network 4.0, always 0 -0.2" in plot.alt
    assert "(the network is worse than always 0)" in plot.alt


def test_medians_of_errors_may_lie_beyond_the_picture():
    plot = singular_plots.plot_errors({"huge": (constant(1e6), 1e-4)})
    assert "huge: the network 12.0, always 0 -0.2" in plot.alt


def test_a_title_that_says_worse_is_not_a_finding():
    plot = singular_plots.plot_errors({"the worse one": (constant(0.0), 1e-4)})
    assert plot.labels.title == "Worse than always 0: none"


def test_errors_that_are_not_finite_are_worse(tmp_path):
    plot = drawn(singular_plots.plot_errors({"gone": (constant(math.nan), 1e-4)}), tmp_path)
    assert "gone: the network nan," in plot.alt
    assert plot.labels.title == "Worse than always 0: gone"


def test_single_precision_is_drawn_as_double():
    for draw in (
        lambda net: singular_plots.plot_errors({"one": (net, 1e-4)}),
        lambda net: singular_plots.plot_by_size({"one": net}, 1e-4),
    ):
        assert draw(constant(1.0, torch.float32)).alt == draw(constant(1.0)).alt


def test_learning_curve_of_a_network_that_learns_nothing_stays_at_one(tmp_path):
    fitted = singular.fit("L1", [1.0, 1e-4], networks=2, steps=40, step_size=1e-12)
    nothing = singular.Fitted(
        "L1", fitted.epsilons, fitted.net, torch.ones(45, 2, 2), fitted.path, fitted.at
    )
    plot = drawn(singular_plots.plot_learning(nothing), tmp_path)
    assert (plot.data["median"] == 1).all()
    assert plot.data["step"].max() == 30
    assert "At the end it is 1 at epsilon 1; 1 at epsilon 0.0001." in plot.alt


def test_learning_curve_needs_twenty_steps():
    with pytest.raises(ValueError, match="^fitted: expected at least 20 steps, got 5"):
        singular_plots.plot_learning(singular.fit("L1", [1.0], networks=1, steps=5))


def table(medians, *, loss="L1", epsilon=1e-4, explained=None, step=500):
    rows = {"median": medians, "network": range(len(medians)), "step": step}
    rows["explained"] = [0.1] * len(medians) if explained is None else explained
    return pd.DataFrame(rows).assign(loss=loss, epsilon=epsilon)


def test_ordering_names_best_and_worst_and_both_guesses(tmp_path):
    both = pd.concat([table([2.0, 3.0, 2.5], loss="MSE"), table([-1.5, -0.5, -0.5], loss="L1")])
    plot = drawn(singular_plots.plot_ordering(both), tmp_path)
    assert plot.labels.title == "L1: typical squared error 1,000 times below MSE"
    assert "Medians: MSE 2.5, L1 -0.5, two random targets 0.9, always 0 -0.2." in plot.alt
    assert "over 3 networks" in plot.alt


def test_ordering_puts_its_dots_in_the_same_places_each_time(tmp_path):
    pictures = []
    for name in ("first.png", "second.png"):
        plot = singular_plots.plot_ordering(table([2.0, 3.0, 2.5]))
        plot.save(tmp_path / name, dpi=40, verbose=False)
        pictures.append(plt.imread(tmp_path / name))
    assert np.array_equal(*pictures)


def test_ordering_takes_one_epsilon():
    both = pd.concat([table([1.0]), table([1.0], epsilon=0.1)])
    with pytest.raises(ValueError, match="^table: expected one epsilon, got 2"):
        singular_plots.plot_ordering(both)


def test_medians_say_who_is_worse_than_zero(tmp_path):
    tables = {
        name: pd.concat([table([-3.0, -2.0], epsilon=1.0), table(last, epsilon=1e-4)])
        for name, last in (("bad", [2.0, 2.4]), ("good", [-1.0, -1.2]))
    }
    plot = drawn(singular_plots.plot_medians(tables), tmp_path)
    assert plot.labels.title == "Worse than always 0 at epsilon 0.0001: bad"
    assert "bad from -2.5 at 1 to 2.2 at 0.0001; good from -2.5 at 1 to -1.1 at 0.0001" in plot.alt


def test_medians_and_ordering_are_those_of_the_last_step():
    early, late = table([5.0, 5.0], step=50), table([1.0, 2.0], step=100)
    other = table([0.0, 0.0], loss="MSE", step=80)
    plot = singular_plots.plot_medians({"both": pd.concat([early, late])})
    assert "of up to 2 networks each. both from 1.5 at 0.0001" in plot.alt
    plot = singular_plots.plot_ordering(pd.concat([early, late, other]))
    assert "Medians: L1 1.5, MSE 0.0," in plot.alt
    assert len(plot.data) == 4


def test_medians_of_different_epsilons_are_refused():
    with pytest.raises(ValueError, match=r"^tables: .* got \[\[0.0001\], \[0.1\]\]"):
        singular_plots.plot_medians({"a": table([1.0]), "b": table([1.0], epsilon=0.1)})


NOWHERE = [math.nan, math.nan]


@pytest.mark.parametrize(
    "others", [{}, {"b": pd.concat([table([1.0, 2.0]), table([1.0], step=9)])}]
)
def test_medians_and_paths_that_are_not_finite_are_gaps(others, tmp_path):
    gone = [table(NOWHERE, explained=NOWHERE, step=step) for step in (9, 500)]
    tables = {"a": pd.concat(gone), **others}
    plot = drawn(singular_plots.plot_medians(tables), tmp_path)
    assert "a from nan at 0.0001 to nan at 0.0001" in plot.alt
    assert plot.labels.title.startswith("Worse than always 0 at epsilon 0.0001: a")
    plot = drawn(singular_plots.plot_path(tables), tmp_path)
    assert "a: not finite and nan after 9 steps" in plot.alt


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_ordering_names_what_is_not_finite_and_puts_it_last(value, tmp_path):
    both = pd.concat([table([1.0, 2.0], loss="MSE"), table([value, value], loss="L1")])
    plot = drawn(singular_plots.plot_ordering(both), tmp_path)
    assert plot.labels.title == "Not finite: L1"
    assert f"Medians: L1 {value}, MSE 1.5," in plot.alt


def test_sizes_of_predictions_that_are_not_finite_are_gaps(tmp_path):
    plot = drawn(singular_plots.plot_by_size({"a": constant(math.nan)}, 1e-4), tmp_path)
    assert "a not finite (below 1)" in plot.alt
    assert plot.labels.title == "Predicted of targets above 1000: not finite (a)"


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: singular_plots.plot_pull({}), ValueError, r"losses: .* MSE, .*, got \[\]"),
        (lambda: singular_plots.plot_pull(["mine"]), ValueError, r"losses: .*got \['mine'\]"),
        (lambda: singular_plots.plot_pull([["L1"]]), ValueError, r"losses: .*got \[\['L1'\]\]"),
        (lambda: singular_plots.plot_pull(None), ValueError, r"losses: .*got \[None\]"),
        (
            lambda: singular_plots.plot_learning(None),
            TypeError,
            "fitted: expected what .* NoneType",
        ),
        (
            lambda: singular_plots.plot_errors({"a": constant(1.0)}),
            TypeError,
            "nets: expected networks and their epsilon for 'a', got StackedMLP",
        ),
        (
            lambda: singular_plots.plot_errors({"a": (None, 1.0)}),
            TypeError,
            "nets: expected a StackedMLP",
        ),
        (
            lambda: singular_plots.plot_by_size({"a": None}, 1.0),
            TypeError,
            "nets: expected a StackedMLP",
        ),
        (
            lambda: singular_plots.plot_by_size({"a": StackedMLP(1, inputs=2, hidden=[8])}, 1.0),
            ValueError,
            "nets: expected networks with 3 inputs, got 2",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(call, error, words):
    with pytest.raises(error, match=f"^{words}"):
        call()


@pytest.mark.parametrize(
    ("value", "number", "text"),
    [
        (1234.5, 2, "1,200"),
        (0.0096, 1, "0.01"),
        (-3.14159, 3, "-3.14"),
        (2.6e7, 1, "3e+07"),
        (0, 2, "0"),
        (math.nan, 1, "not finite"),
        (-math.inf, 1, "not finite"),
    ],
)
def test_digits_are_those_that_are_asked_for(value, number, text):
    assert digits(value, number) == text


def test_path_counts_trainings_that_explain_more_and_err_more(tmp_path):
    up, down = (
        pd.concat(
            [table([0.0], step=50, explained=[0.01]), table([last], step=100, explained=[0.1])]
        )
        for last in (1.5, -1.5)
    )
    plot = drawn(singular_plots.plot_path({"up": up, "down": down}), tmp_path)
    assert plot.labels.title.startswith("More explained and a larger typical error: 1 of 2")
    assert "up: 1% and 0.0 after 50 steps, 10% and 1.5 after 100, at most 1.5" in plot.alt


def test_prediction_over_target_is_told_apart_by_size(tmp_path):
    # As many targets are below 0 as above, so a constant has the right sign for half of them.
    plot = drawn(singular_plots.plot_by_size({"one": constant(1.0)}, 1e-4), tmp_path)
    ratios = plot.data.set_index("size")["ratio"]
    _, targets = singular.held_out(1e-4)
    sizes = targets.abs()
    chosen = targets[(sizes >= 10) & (sizes < 100)].numpy()
    assert ratios["10 to 100"] == pytest.approx(np.median(1 / chosen), abs=1e-3)
    assert "above 1000" in plot.alt


@pytest.mark.parametrize(
    "call",
    [
        lambda: singular_plots.plot_errors({}),
        lambda: singular_plots.plot_medians({}),
        lambda: singular_plots.plot_path({}),
        lambda: singular_plots.plot_by_size(dict.fromkeys("abcde", constant(0.0)), 0.1),
    ],
)
def test_too_few_or_too_many_are_refused_in_words(call):
    with pytest.raises(ValueError, match=r"expected 1 to \d of them"):
        call()
