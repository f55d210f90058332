"""What width changes, against plain descent on single networks and what was measured."""

import math
from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch

from adl.curvature import kernel_drift, sharpness, tangent_kernel
from adl.data import Data
from adl.models import StackedMLP
from adl.training import train
from adl.width import (
    LONG_RUN,
    QUANTITIES,
    catapult,
    long_run,
    long_runs,
    movement_by_width,
    powers,
    to_equal_loss,
)

pytestmark = pytest.mark.usefixtures("one_thread")

SEEDS = range(5)


def points(type="simple", seed=0, dtype=torch.float32):
    return Data(15, -1, 1, 0, type, seed=seed, dtype=dtype)


def stack(models=3, width=30, seed=0, dtype=torch.float64, **options):
    return StackedMLP(models, inputs=1, hidden=[width], seed=seed, dtype=dtype, **options)


# Until the loss is a share of its start.


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_each_network_stops_at_the_first_step_of_descent_at_or_below_the_share(share):
    net, dataset = stack(), points(dtype=torch.float64)
    trained, taken = to_equal_loss(net, dataset, share=share)
    rates = 1 / sharpness(net, (dataset.inputs, dataset.labels[:, 0]))
    for model, rate in enumerate(rates.tolist()):
        alone, steps = net.single(model), 0
        loss = (alone(dataset.inputs) - dataset.labels).square().mean()
        goal = share * loss.item()
        while loss.item() > goal:
            gradient = torch.autograd.grad(loss, list(alone.parameters()))
            with torch.no_grad():
                for parameter, part in zip(alone.parameters(), gradient, strict=True):
                    parameter -= rate * part
            loss = (alone(dataset.inputs) - dataset.labels).square().mean()
            steps += 1
        assert taken[model].item() == steps
        torch.testing.assert_close(trained(dataset.inputs)[model], alone(dataset.inputs)[:, 0])


def test_networks_that_do_not_get_there_are_given_up_after_so_many_steps():
    dataset = points("middle", dtype=torch.float64)
    trained, taken = to_equal_loss(stack(), dataset, share=1e-6, steps=4)
    longer, _ = to_equal_loss(stack(), dataset, share=1e-6, steps=5)
    assert taken.isnan().all()
    assert (trained.vector != longer.vector).any(1).all()


def test_the_networks_stay_as_they_are():
    net = stack()
    before = net.vector.detach().clone()
    to_equal_loss(net, points())
    assert net.vector.equal(before)


def test_a_network_that_is_not_finite_is_given_up_and_spoils_no_other():
    net, (expected, alone) = stack(2), to_equal_loss(stack(2), points())
    with torch.no_grad():
        net.vector[0] = math.nan
    trained, taken = to_equal_loss(net, points())
    assert taken[0].isnan()
    assert taken[1] == alone[1]
    torch.testing.assert_close(trained.vector[1], expected.vector[1])


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"net": torch.nn.Linear(1, 1)}, TypeError, "net: expected a StackedMLP, got Linear"),
        (
            {"net": StackedMLP(2, inputs=3, hidden=[4], seed=0)},
            ValueError,
            "net: expected networks with 1 inputs, got 3",
        ),
        ({"dataset": 3}, TypeError, "dataset: expected an adl.data.Data, got int"),
        ({"share": 0}, ValueError, "share: expected a number between 0 and 1, got 0"),
        ({"share": 1}, ValueError, "share: expected a number between 0 and 1, got 1"),
        ({"share": "half"}, TypeError, "share: expected a finite number, got str 'half'"),
        ({"steps": 0}, ValueError, "steps: expected a whole number of at least 1, got 0"),
    ],
)
def test_descents_that_cannot_be_made_are_refused_in_words(options, error, words):
    with pytest.raises(error, match=f"^{words}"):
        to_equal_loss(**{"net": stack(), "dataset": points(), **options})


# Movement by width.


@pytest.mark.parametrize("parametrization", ["pytorch", "ntk"])
def test_the_table_holds_what_each_network_did(parametrization):
    datasets, generator = [points(seed=0), points(seed=1)], torch.Generator().manual_seed(3)
    options = {"parametrization": parametrization}
    table = movement_by_width([8, 4], datasets, networks=2, share=0.5, seed=3, **options)
    assert list(table) == [
        *("width", "dataset", "network", "sharpness"),
        *("first layer", "last layer", "kernel drift", "steps"),
    ]
    rows = iter(table.itertuples(index=False, name=None))
    for width in (8, 4):
        for number, dataset in enumerate(datasets):
            net = stack(2, width, generator, torch.float32, **options)
            now, taken = to_equal_loss(net, dataset, share=0.5)
            x = dataset.inputs
            curvature = sharpness(net, (x, dataset.labels[:, 0]))
            drift = kernel_drift(tangent_kernel(net, x), tangent_kernel(now, x))
            for model in range(2):
                moved = [
                    ((after - before)[model].norm() / before[model].norm()).item()
                    for (before, _), (after, _) in zip(net.layers(), now.layers(), strict=True)
                ]
                numbers = [
                    curvature[model].item(),
                    *moved,
                    drift[model].item(),
                    taken[model].item(),
                ]
                wanted = (width, number, model, *numbers)  # nan where one never got there
                assert next(rows) == pytest.approx(wanted, rel=1e-6, nan_ok=True)
    assert next(rows, None) is None


def test_a_seed_gives_the_same_table():
    one, same, other = (
        movement_by_width([4], [points()], networks=2, share=0.5, seed=seed) for seed in (0, 0, 1)
    )
    pd.testing.assert_frame_equal(one, same)
    assert not one.equals(other)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"widths": 100}, ValueError, r"widths: expected one dimension, got shape \(\)"),
        ({"widths": []}, ValueError, "widths: expected at least one number, got none"),
        ({"widths": [0]}, ValueError, "widths: expected a whole number of at least 1, got 0"),
        ({"widths": [1.5]}, ValueError, "widths: expected a whole number of at least 1, got 1.5"),
        ({"widths": "all"}, TypeError, "widths: expected a sequence of finite numbers, got str"),
        ({"datasets": points()}, TypeError, "datasets: expected a list of adl.data.Data, got Data"),
        ({"datasets": []}, ValueError, "datasets: expected at least one, got none"),
        ({"datasets": [3]}, TypeError, "datasets: expected an adl.data.Data, got int"),
        ({"networks": 0}, ValueError, "networks: expected a whole number of at least 1, got 0"),
        ({"parametrization": "mup"}, ValueError, "parametrization: expected .* got 'mup'"),
        ({"share": 2}, ValueError, "share: expected a number between 0 and 1, got 2"),
        ({"seed": -1}, ValueError, "seed: expected a whole number of at least 0, got -1"),
    ],
)
def test_comparisons_that_cannot_be_made_are_refused_in_words(options, error, words):
    with pytest.raises(error, match=f"^{words}"):
        movement_by_width(**{"widths": [4], "datasets": [points()], **options})


def test_powers_are_those_that_the_medians_follow():
    widths = np.repeat([100, 300, 1000], 3)
    outliers = np.tile([0.01, 1, 1000], 3)
    wanted = dict(zip(QUANTITIES, (1.0, -0.5, -1.5, -2.0), strict=True))
    table = pd.DataFrame({"width": widths})
    for name, power in wanted.items():
        table[name] = widths**power * outliers
    assert powers(table) == pytest.approx(wanted, abs=1e-10)


def test_networks_below_the_smallest_width_do_not_count():
    table = pd.DataFrame(
        {"width": [1, 10, 100, 1000], **{name: [9, 1, 10, 100] for name in QUANTITIES}}
    )
    assert powers(table)["sharpness"] == pytest.approx(1)
    assert powers(table, smallest=10)["sharpness"] == pytest.approx(1)
    assert powers(table, smallest=1)["sharpness"] < 0.6


# What was measured, with the room that was found safe.

POWERS = {
    ("pytorch", "sharpness"): (0.9, 1.1),
    ("pytorch", "last layer"): (-0.6, -0.38),
    ("pytorch", "first layer"): (-1.7, -1.3),
    ("pytorch", "kernel drift"): (-2.3, -1.6),
    ("ntk", "sharpness"): (-0.1, 0.1),
    ("ntk", "first layer"): (-0.62, -0.4),
}


@cache
def by_width(parametrization):
    datasets = [points(seed=seed) for seed in SEEDS]
    return movement_by_width(
        [100, 300, 1000], datasets, parametrization=parametrization, networks=10, seed=0
    )


@pytest.mark.parametrize(("parametrization", "name"), POWERS)
def test_on_each_data_set_the_powers_of_the_width_are_as_in_the_theory(parametrization, name):
    low, high = POWERS[parametrization, name]
    table = by_width(parametrization)
    assert table["steps"].notna().all()
    for _, part in table.groupby("dataset"):
        assert low < powers(part)[name] < high


# Steps that are too large.


def test_the_catapults_table_holds_what_single_networks_do():
    dataset = points("middle", dtype=torch.float32)
    table = catapult([20], dataset, step_size=0.3, steps=30, networks=2, seed=0)
    batch = dataset.inputs, dataset.labels
    for model in range(2):
        net = StackedMLP(2, inputs=1, hidden=[20], seed=0).single(model)
        start = 0.3 * sharpness(net, batch).item()
        losses = train(net, dataset, N_steps=30, lr=0.3, save_weights_every=0)
        losses.append(torch.nn.functional.mse_loss(net(batch[0]), batch[1]).item())
        end = 0.3 * sharpness(net, batch).item()
        expected = (20, model, start, max(losses) / losses[0], losses[-1] / losses[0], end)
        assert tuple(table.iloc[model]) == pytest.approx(expected, rel=1e-3)


def test_the_catapult_takes_data_of_another_dtype():
    single, double = (
        catapult([20], points("middle", dtype=dtype), step_size=0.1, steps=5, networks=2, seed=0)
        for dtype in (torch.float32, torch.float64)
    )
    pd.testing.assert_frame_equal(single, double, rtol=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_loss_rises_above_its_start_if_and_only_if_the_product_is_above_2(seed):
    dataset = points("middle", seed)
    table = catapult([300, 400, 500], dataset, step_size=0.014, steps=150, networks=6, seed=seed)
    clear = table[(table["product at start"] - 2).abs() > 0.05]
    assert len(clear) >= 12
    assert (clear["spike"] > 1.5).equals(clear["product at start"] > 2)
    assert set(clear["spike"] > 1.5) == {True, False}


def test_after_the_catapult_the_curvature_is_below_the_limit():
    table = catapult([500], points("middle"), step_size=0.014, steps=150, networks=6, seed=0)
    assert (table["product at start"] > 2).all()
    assert (table["product at end"] < 2).all()
    assert (table["end"] < 1).all()


def test_a_network_that_diverges_is_in_the_table_as_inf_or_nan():
    table = catapult([30], points(), step_size=100.0, steps=40, networks=2, seed=0)
    assert not np.isfinite(table[["spike", "end", "product at end"]]).any(axis=None)
    assert np.isfinite(table["product at start"]).all()


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"widths": 100}, ValueError, r"widths: expected one dimension, got shape \(\)"),
        ({"widths": []}, ValueError, "widths: expected at least one number, got none"),
        ({"dataset": "middle"}, TypeError, "dataset: expected an adl.data.Data, got str"),
        ({"step_size": -1}, ValueError, "step_size: expected finite numbers of at least 0"),
        ({"steps": 0}, ValueError, "steps: expected a whole number of at least 1, got 0"),
        ({"networks": 0}, ValueError, "networks: expected a whole number of at least 1, got 0"),
    ],
)
def test_catapults_that_cannot_be_run_are_refused_in_words(options, error, words):
    with pytest.raises(error, match=f"^{words}"):
        catapult(**{"widths": [4], "dataset": points(), **options})


# The practical's own comparison.


@pytest.mark.parametrize("steps", [50, 100, 130, 500])
def test_a_long_run_is_recorded_from_its_start_to_its_end(steps):
    table = long_run(5, steps=steps)
    assert table.groupby("network")["step"].agg(["min", "max"]).values.tolist() == [[0, steps]] * 5
    assert not table.duplicated(["network", "step"]).any()
    assert (table[table["step"] == 0]["movement"] == 0).all()


def test_the_stored_runs_are_of_all_widths_and_steps():
    table = long_runs()
    assert sorted(table["width"].unique()) == sorted(LONG_RUN["widths"])
    assert set(table["network"]) == set(range(LONG_RUN["networks"]))
    ends = table.groupby(["width", "network"])["step"].agg(["min", "max"])
    assert ends.values.tolist() == [[0, LONG_RUN["steps"]]] * len(ends)
    assert np.isfinite(table).all(axis=None)


@pytest.mark.parametrize("width", [5, 100])
def test_the_stored_runs_begin_as_a_run_does_now(width):
    stored = long_runs().query("width == @width and step <= 300").reset_index(drop=True)
    now = long_run(width, steps=300)
    both = stored.merge(now, on=["width", "network", "step"])
    assert len(both) == len(stored) > 5
    for name in ("loss", "movement"):
        assert both[f"{name}_x"].tolist() == pytest.approx(both[f"{name}_y"].tolist(), rel=2e-3)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"width": 0}, ValueError, "width: expected a whole number of at least 1, got 0"),
        ({"width": "wide"}, TypeError, "width: expected a finite number, got str 'wide'"),
        ({"steps": 49}, ValueError, "steps: expected a whole number of at least 50, got 49"),
    ],
)
def test_long_runs_that_cannot_be_made_are_refused_in_words(options, error, words):
    with pytest.raises(error, match=f"^{words}"):
        long_run(**{"width": 5, "steps": 50, **options})
