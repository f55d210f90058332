"""Schedules against plain loops and closed forms; the annealer against the sheet of its rule."""

import io
import math
import pickle
import warnings
from copy import deepcopy
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler
from torch.optim.lr_scheduler import (
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    OneCycleLR,
    PolynomialLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)
from torch.optim.swa_utils import SWALR

from adl import schedules
from adl.schedules import Annealer, trace, warmup_cosine
from adl.sheets import SHEETS, X, Y, run

FACTORIES = {
    "ChainedScheduler": lambda optimizer: ChainedScheduler(
        [LinearLR(optimizer, total_iters=5), ExponentialLR(optimizer, gamma=0.9)]
    ),
    "ConstantLR": partial(ConstantLR, factor=0.5, total_iters=4),
    "CosineAnnealingLR": partial(CosineAnnealingLR, T_max=20, eta_min=0.001),
    "CosineAnnealingWarmRestarts": partial(CosineAnnealingWarmRestarts, T_0=5, T_mult=2),
    "CyclicLR": partial(CyclicLR, base_lr=0.01, max_lr=0.1, step_size_up=6),
    "ExponentialLR": partial(ExponentialLR, gamma=0.9),
    "LambdaLR": partial(LambdaLR, lr_lambda=lambda step: 1 / (1 + step)),
    "LinearLR": partial(LinearLR, start_factor=0.1, total_iters=10),
    "MultiStepLR": partial(MultiStepLR, milestones=[3, 17], gamma=0.2),
    "MultiplicativeLR": partial(MultiplicativeLR, lr_lambda=lambda step: 1 - 1 / (1 + step)),
    "OneCycleLR": partial(OneCycleLR, max_lr=0.1, total_steps=30),
    "PolynomialLR": partial(PolynomialLR, total_iters=20, power=2.0),
    "ReduceLROnPlateau": partial(ReduceLROnPlateau, patience=2, factor=0.5),
    "SWALR": partial(SWALR, swa_lr=0.01, anneal_epochs=8),
    "SequentialLR": lambda optimizer: SequentialLR(
        optimizer,
        [
            ConstantLR(optimizer, factor=0.1, total_iters=50),
            ExponentialLR(optimizer, gamma=0.9),
            CosineAnnealingLR(optimizer, T_max=8),
        ],
        milestones=[4, 12],
    ),
    "StepLR": partial(StepLR, step_size=7, gamma=0.3),
}
INSTALLED = [name for name in FACTORIES if name in schedules.names()]
STEPS = 30


def losses(step):
    return 1.0 if step > 5 else 10.0 - step


def metrics_of(name):
    return losses if name == "ReduceLROnPlateau" else None


def two_layers(kind, **options):
    """An optimiser with a group for each of two layers, after one step."""
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 1))
    groups = [
        {"params": layer.parameters(), "lr": lr}
        for layer, lr in zip(model, (0.01, 0.05), strict=True)
    ]
    optimizer = kind(groups, **options)
    model(torch.ones(4, 2)).sum().backward()
    optimizer.step()
    return optimizer


def by_hand(factory, optimizer, steps, metrics=None):
    """Rate and momentum of each group at each step of a loop as one writes it."""
    scheduler, used = factory(optimizer), []
    for step in range(steps):
        used.append(
            [
                (group["lr"], group["betas"][0] if "betas" in group else group["momentum"])
                for group in optimizer.param_groups
            ]
        )
        optimizer.step()
        if metrics:
            scheduler.step(metrics(step))
        else:
            scheduler.step()
    return used


def in_rows(table):
    return [
        list(zip(rows["lr"], rows["momentum"], strict=True)) for _, rows in table.groupby("step")
    ]


@pytest.fixture
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_listed_schedulers_are_those_that_torch_documents():
    documented = {name for name in lr_scheduler.__all__ if name != "LRScheduler"}
    assert set(schedules.names()) == documented | {"SWALR"}
    assert schedules.names() == sorted(schedules.names())


def test_a_scheduler_from_outside_torch_is_not_listed():
    assert "Annealer" not in schedules.names()


def test_first_letters_let_in_what_is_no_scheduler_and_miss_one_that_is():
    let_in, listed = set(schedules.by_first_letters()), set(schedules.names())
    assert {"Counter", "Optimizer"} <= let_in - listed
    assert "SWALR" in listed - let_in


def test_the_schedulers_to_know_are_eight_and_exist():
    assert len(schedules.COMMON) == 8
    assert set(schedules.COMMON) <= set(schedules.names())


def test_most_schedulers_are_tried_below():
    assert len(INSTALLED) >= 12
    assert set(schedules.COMMON) <= set(INSTALLED)


@pytest.mark.parametrize("name", INSTALLED)
@pytest.mark.parametrize(
    ("kind", "options"),
    [(torch.optim.Adam, {}), (torch.optim.SGD, {"momentum": 0.8}), (torch.optim.AdamW, {})],
)
@pytest.mark.usefixtures("no_warnings")
def test_a_trace_equals_the_plain_loop_bit_for_bit(name, kind, options):
    factory, metrics = FACTORIES[name], metrics_of(name)
    optimizer = two_layers(kind, **options)
    table = trace(factory, steps=STEPS, optimizer=optimizer, metrics=metrics)
    assert in_rows(table) == by_hand(factory, optimizer, STEPS, metrics)


@pytest.mark.parametrize("name", INSTALLED)
@pytest.mark.usefixtures("no_warnings")
def test_without_an_optimiser_a_trace_is_that_of_one_group_of_adam(name):
    factory, metrics = FACTORIES[name], metrics_of(name)
    optimizer = torch.optim.Adam(line(), lr=0.06)
    table = trace(factory, steps=STEPS, metrics=metrics)
    assert in_rows(table) == by_hand(factory, optimizer, STEPS, metrics)


def everything(optimizer):
    """What could be seen of a change: values, and which objects they are."""
    tensors = [p for group in optimizer.param_groups for p in group["params"]]
    return (
        pickle.dumps(optimizer.state_dict()),
        [(id(p), p.tolist(), p.grad.tolist(), p._version) for p in tensors],
        {name: id(value) for name, value in vars(optimizer).items()},
        [list(group) for group in optimizer.param_groups],
        optimizer.defaults.copy(),
        list(optimizer._optimizer_step_pre_hooks.values()),
    )


@pytest.mark.parametrize("name", INSTALLED)
def test_the_callers_optimiser_and_its_scheduler_stay_as_they_are(name):
    optimizer = two_layers(torch.optim.Adam)
    heard = []
    optimizer.register_step_pre_hook(lambda *arguments: heard.append(1))
    attached = StepLR(optimizer, step_size=3)
    before, state = everything(optimizer), attached.state_dict().copy()
    trace(FACTORIES[name], steps=STEPS, optimizer=optimizer, metrics=metrics_of(name))
    assert everything(optimizer) == before
    assert attached.state_dict() == state
    assert heard == []


def test_rates_that_are_tensors_stay_as_they_are():
    rate = torch.tensor(0.5)
    optimizer = torch.optim.Adam(line(), lr=rate)
    table = trace(partial(ExponentialLR, gamma=0.5), steps=3, optimizer=optimizer)
    assert table["lr"].tolist() == [0.5, 0.25, 0.125]
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == 0.5


def test_an_optimiser_with_named_parameters_can_be_traced():
    optimizer = torch.optim.SGD(torch.nn.Linear(2, 2).named_parameters(), lr=0.5)
    assert trace(partial(StepLR, step_size=1), steps=2, optimizer=optimizer)["lr"].tolist() == [
        0.5,
        0.05,
    ]


def test_an_optimiser_without_momentum_has_none_in_its_trace():
    optimizer = torch.optim.Adagrad(line(), lr=0.5)
    assert (
        trace(partial(StepLR, step_size=1), steps=2, optimizer=optimizer)["momentum"].isna().all()
    )


def test_a_trace_has_a_row_for_each_step_and_group():
    table = trace(FACTORIES["StepLR"], steps=3, optimizer=two_layers(torch.optim.SGD))
    assert table[["step", "group"]].to_numpy().tolist() == [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
        [2, 0],
        [2, 1],
    ]


CLOSED_FORMS = {
    "CosineAnnealingLR": lambda t: 0.001 + 0.059 * (1 + math.cos(math.pi * t / 20)) / 2,
    "ExponentialLR": lambda t: 0.06 * 0.9**t,
    "StepLR": lambda t: 0.06 * 0.3 ** (t // 7),
    "LinearLR": lambda t: 0.06 * min(1, 0.1 + 0.9 * t / 10),
    "PolynomialLR": lambda t: 0.06 * max(0, 1 - t / 20) ** 2,
    "LambdaLR": lambda t: 0.06 / (1 + t),
    "MultiStepLR": lambda t: 0.06 * 0.2 ** ((t >= 3) + (t >= 17)),
    "ConstantLR": lambda t: 0.06 * (0.5 if t < 4 else 1),
    "MultiplicativeLR": lambda t: 0.06 / (1 + t),
}
# The last one's factors are t / (1 + t), so that their product telescopes.


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_rates_follow_the_closed_form(name):
    rates = trace(FACTORIES[name], steps=45)["lr"]
    expected = [CLOSED_FORMS[name](t) for t in range(45)]
    assert rates.tolist() == pytest.approx(expected, rel=1e-9, abs=1e-15)


def test_cosine_annealing_climbs_back_after_its_end():
    rates = trace(partial(CosineAnnealingLR, T_max=100), steps=201)["lr"]
    assert rates.idxmin() == 100
    assert rates[100] == pytest.approx(0, abs=1e-15)
    assert rates[200] == pytest.approx(0.06)
    assert rates[:101].tolist() == pytest.approx(rates[100:][::-1].tolist(), abs=1e-15)


def test_one_cycle_starts_at_a_25th_peaks_and_ends_at_a_250000th():
    table = trace(partial(OneCycleLR, max_lr=0.06, total_steps=100))
    assert table["lr"].iloc[[0, -1]].tolist() == pytest.approx([0.06 / 25, 0.06 / 25e4])
    assert table["lr"].max() == 0.06
    assert table["lr"].idxmax() == table["momentum"].idxmin() == 29
    assert table["momentum"].iloc[[0, 29, -1]].tolist() == pytest.approx([0.95, 0.85, 0.95])


def test_one_cycle_takes_no_heed_of_the_optimisers_own_rates():
    table = trace(FACTORIES["OneCycleLR"], steps=1, optimizer=two_layers(torch.optim.Adam))
    assert table["lr"].tolist() == pytest.approx([0.1 / 25, 0.1 / 25])


def test_a_schedule_that_ends_says_after_how_many_steps():
    factory = partial(OneCycleLR, max_lr=0.06, total_steps=10)
    with pytest.raises(ValueError, match="^steps: expected at most 11, where OneCycleLR ends, got"):
        trace(factory, steps=20)
    assert len(trace(factory, steps=11)) == 11


def test_a_plateau_is_followed_from_a_list_as_from_a_function():
    factory = FACTORIES["ReduceLROnPlateau"]
    listed = trace(factory, steps=STEPS, metrics=[losses(step) for step in range(STEPS - 1)])
    pd.testing.assert_frame_equal(listed, trace(factory, steps=STEPS, metrics=losses))


def test_a_plateau_of_two_bad_steps_is_forgiven_and_of_three_cut():
    table = trace(FACTORIES["ReduceLROnPlateau"], steps=6, lr=1.0, metrics=[1.0] * 5)
    assert table["lr"].tolist() == [1, 1, 1, 1, 0.5, 0.5]


def test_a_loss_of_nan_counts_as_no_improvement():
    table = trace(FACTORIES["ReduceLROnPlateau"], steps=6, lr=1.0, metrics=[math.nan] * 5)
    assert table["lr"].tolist() == [1, 1, 1, 0.5, 0.5, 0.5]


@given(
    lr=st.floats(0, 1e3),
    steps=st.integers(1, 40),
    make=st.sampled_from(
        [
            partial(LambdaLR, lr_lambda=lambda step: 1.0),
            partial(MultiplicativeLR, lr_lambda=lambda step: 1.0),
            partial(ExponentialLR, gamma=1.0),
            partial(StepLR, step_size=3, gamma=1.0),
            partial(ConstantLR, factor=1.0),
            partial(LinearLR, start_factor=1.0),
        ]
    ),
)
def test_a_factor_of_one_leaves_the_rate(lr, steps, make):
    assert trace(make, steps=steps, lr=lr)["lr"].tolist() == [lr] * steps


def another_ones(optimizer):
    return StepLR(torch.optim.SGD(line(), lr=1.0), step_size=1)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        ((5,), {}, TypeError, "^factory: expected a function that makes a scheduler .*, got int"),
        ((lambda optimizer: 3,), {}, TypeError, "^factory: expected it to return a sch.*, got int"),
        ((another_ones,), {}, ValueError, "^factory: expected a scheduler of the optimiser"),
        (
            (Annealer,),
            {},
            TypeError,
            "^factory: .* listens to the optimiser's steps: train with it",
        ),
        ((StepLR,), {}, TypeError, "step_size"),
        (
            (ReduceLROnPlateau,),
            {},
            ValueError,
            "^metrics: expected what ReduceLROnPlateau is to fol",
        ),
        (
            (ReduceLROnPlateau,),
            {"metrics": [1.0]},
            ValueError,
            "^metrics: expected at least 99 num",
        ),
        ((ReduceLROnPlateau,), {"metrics": 1.0}, TypeError, "^metrics: expected numbers, or a fun"),
        (
            (FACTORIES["StepLR"],),
            {"metrics": losses},
            ValueError,
            "^metrics: expected none, because",
        ),
        ((FACTORIES["StepLR"],), {"steps": 0}, ValueError, "^steps: "),
        ((FACTORIES["StepLR"],), {"lr": -1}, ValueError, "^lr: expected a number of at least 0"),
        ((FACTORIES["StepLR"],), {"lr": "1"}, TypeError, "^lr: "),
        ((FACTORIES["StepLR"],), {"optimizer": 1}, TypeError, "^optimizer: expected an Optimizer"),
    ],
)
def test_what_cannot_be_traced_is_refused_in_words(arguments, options, error, words):
    with pytest.raises(error, match=words):
        trace(*arguments, **options)


def test_a_scheduler_instead_of_a_factory_is_refused_in_words():
    scheduler = StepLR(torch.optim.SGD(line(), lr=1.0), step_size=1)
    with pytest.raises(TypeError, match="^factory: expected a function .*, got StepLR"):
        trace(scheduler)


def test_a_rate_and_an_optimiser_are_refused_together():
    with pytest.raises(ValueError, match="^lr: expected none together with an optimizer"):
        trace(FACTORIES["StepLR"], lr=0.1, optimizer=torch.optim.SGD(line(), lr=1.0))


def warmed_up(t, peak, warmup, steps, start_factor, end):
    if t < warmup:
        return peak * (start_factor + (1 - start_factor) * t / warmup)
    return end + (peak - end) * (1 + math.cos(math.pi * (t - warmup) / (steps - warmup))) / 2


@pytest.mark.parametrize(
    ("warmup", "steps", "start_factor", "end"),
    [(10, 100, 0.01, 0.0), (0, 20, 0.5, 0.001), (1, 2, 0.1, 0.0), (7, 30, 1.0, 0.005)],
)
@pytest.mark.usefixtures("no_warnings")
def test_warm_up_and_cosine_follow_the_closed_form(warmup, steps, start_factor, end):
    schedule = partial(
        warmup_cosine, warmup=warmup, steps=steps, start_factor=start_factor, end=end
    )
    table = trace(schedule, steps=2 * steps, optimizer=two_layers(torch.optim.Adam))
    for group, peak in enumerate((0.01, 0.05)):
        expected = [warmed_up(t, peak, warmup, steps, start_factor, end) for t in range(2 * steps)]
        assert table.loc[table["group"] == group, "lr"].tolist() == pytest.approx(
            expected, rel=1e-9, abs=1e-15
        )


@pytest.mark.parametrize("stop", [3, 5, 12])
def test_a_warm_up_that_is_saved_and_resumed_is_the_same(stop):
    def start():
        optimizer = torch.optim.SGD(line(), lr=1.0)
        return optimizer, warmup_cosine(optimizer, warmup=5, steps=20)

    def advance(optimizer, scheduler, steps):
        rates = []
        for _ in range(steps):
            rates += scheduler.get_last_lr()
            optimizer.step()
            scheduler.step()
        return rates

    whole = advance(*start(), 20)
    optimizer, scheduler = start()
    first = advance(optimizer, scheduler, stop)
    file = io.BytesIO()
    torch.save([scheduler.state_dict(), optimizer.state_dict()], file)
    file.seek(0)
    scheduler_state, optimizer_state = torch.load(file, weights_only=True)
    optimizer, scheduler = start()
    optimizer.load_state_dict(optimizer_state)
    scheduler.load_state_dict(scheduler_state)
    assert first + advance(optimizer, scheduler, 20 - stop) == whole


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"warmup": 20}, ValueError, r"^steps: expected more than warmup \(20\), got 20"),
        ({"warmup": -1}, ValueError, "^warmup: expected a whole number of at least 0"),
        ({"start_factor": 0}, ValueError, "^start_factor: expected a number above 0"),
        ({"end": 2.0}, ValueError, r"^end: expected a rate from 0 to the lowest peak \(1.0\)"),
        ({"end": "0"}, TypeError, "^end: "),
    ],
)
def test_a_warm_up_that_cannot_be_is_refused_in_words(options, error, words):
    with pytest.raises(error, match=words):
        warmup_cosine(torch.optim.SGD(line(), lr=1.0), **{"warmup": 5, "steps": 20, **options})
    with pytest.raises(TypeError, match="^optimizer: expected an Optimizer, got int"):
        warmup_cosine(3, warmup=5, steps=20)


@pytest.mark.parametrize(
    ("factory", "steps", "title"),
    [
        (FACTORIES["StepLR"], 10, "Falls from 0.06 to 0.018"),
        (FACTORIES["LinearLR"], 20, "Rises from 0.006 to 0.06"),
        (FACTORIES["ExponentialLR"], 1, "Stays at 0.06"),
        (
            FACTORIES["CosineAnnealingLR"],
            41,
            "Falls from 0.06 to 0.001 at step 20, then rises to 0.06",
        ),
        (FACTORIES["OneCycleLR"], 30, "Rises from 0.004 to 0.1 at step 8, then falls to 4e-07"),
        (FACTORIES["CyclicLR"], 25, "Turns 3 times between 0.01 and 0.1, and ends at 0.01"),
        (partial(LambdaLR, lr_lambda=lambda step: 1 + step % 2 * 1e-15), 9, "Stays at 0.06"),
        (partial(ExponentialLR, gamma=1e10), 60, "Rises from 0.06 to inf"),
    ],
)
@pytest.mark.usefixtures("no_warnings")
def test_the_title_says_where_the_rate_goes(factory, steps, title):
    figure = schedules.plot(trace(factory, steps=steps))
    assert figure.labels.title == title
    figure.draw(show=False)


def test_momentum_has_a_panel_only_where_it_changes():
    one_cycle, cosine = (
        trace(FACTORIES[n], steps=STEPS) for n in ("OneCycleLR", "CosineAnnealingLR")
    )
    assert schedules.plot(cosine).data["quantity"].unique().tolist() == ["learning rate"]
    assert schedules.plot(one_cycle).data["quantity"].unique().tolist() == [
        "learning rate",
        "momentum",
    ]


def test_several_schedules_are_told_apart_and_compared():
    figure = schedules.plot(
        {
            "steady": trace(partial(ConstantLR, factor=1.0), steps=10),
            "halved": trace(partial(StepLR, step_size=5, gamma=0.5), steps=10),
        }
    )
    assert figure.labels.title == "Last rate: from 0.03 (halved) to 0.06 (steady)"
    assert figure.mapping["color"] == figure.mapping["linetype"] == "name"
    assert figure.alt == (
        "Learning rate, steps 0 to 9. steady: the learning rate stays at 0.06. "
        "halved: the learning rate falls from 0.06 to 0.03."
    )


def test_schedules_that_end_alike_are_said_to():
    steady = trace(partial(ConstantLR, factor=1.0), steps=3)
    assert schedules.plot({"one": steady, "two": steady}).labels.title == "All end at 0.06"


def test_each_group_is_a_curve():
    table = trace(FACTORIES["ExponentialLR"], steps=3, optimizer=two_layers(torch.optim.SGD))
    assert schedules.plot(table).data["name"].unique().tolist() == ["group 0", "group 1"]
    assert "mine, group 1: the learning rate falls" in schedules.plot({"mine": table}).alt


def test_a_figure_shows_the_traced_numbers():
    table = trace(FACTORIES["ExponentialLR"], steps=20)
    data = schedules.plot(table).data
    assert np.array_equal(data["value"], table["lr"])
    assert np.array_equal(data["step"], table["step"])


@pytest.mark.parametrize("number", [0, 5])
def test_a_figure_refuses_more_curves_than_it_can_tell_apart(number):
    table = trace(FACTORIES["StepLR"], steps=2)
    with pytest.raises(ValueError, match=f"traces: expected 1 to 4 of them, got {number}"):
        schedules.plot({str(n): table for n in range(number)})


@pytest.mark.parametrize("things", [3, {"mine": [1, 2]}, pd.DataFrame({"lr": [1.0]})])
def test_a_figure_of_something_else_is_refused_in_words(things):
    with pytest.raises(TypeError, match="^traces: expected what trace returned"):
        schedules.plot(things)


def test_the_wrong_order_skips_the_first_rate_and_is_warned_of():
    optimizer = torch.optim.SGD(line(), lr=1.0)
    scheduler = ExponentialLR(optimizer, gamma=0.5)
    with pytest.warns(UserWarning, match=r"^Detected call of `lr_scheduler.step\(\)` before"):
        scheduler.step()
    used = []
    for _ in range(3):
        used += scheduler.get_last_lr()
        optimizer.step()
        scheduler.step()
    assert used == trace(partial(ExponentialLR, gamma=0.5), lr=1.0, steps=4)["lr"].tolist()[1:]


def train(annealer, optimizer, b, a, epochs):
    """Rates used in each epoch, with batch size 1 on the points of the sheets."""
    rates = []
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        for x, y in zip(X, Y, strict=True):
            optimizer.zero_grad()
            ((a * x + b - y) ** 2).backward()
            optimizer.step()
        annealer.step()
    return rates


def line(start=1.0):
    return [torch.tensor(start, dtype=torch.float64, requires_grad=True) for _ in range(2)]


def adam_of_the_sheets(parameters):
    optimizer = torch.optim.Adam(parameters, lr=1.0, betas=(0.9, 0.95))
    for parameter in parameters:  # no bias correction: as if a million steps had been made
        optimizer.state[parameter] = {
            "step": torch.tensor(1e6),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }
    return optimizer


def test_rates_and_weights_equal_the_sheets():
    b, a = line()
    optimizer = adam_of_the_sheets([b, a])
    rates = train(Annealer(optimizer), optimizer, b, a, epochs=10)
    table = run(SHEETS["annealed_mean"], epochs=10)
    assert rates == table["rate"].groupby("epoch").first().tolist()
    assert b.item() == pytest.approx(table["new_b"].iloc[-1], abs=1e-10)
    assert a.item() == pytest.approx(table["new_a"].iloc[-1], abs=1e-10)


@pytest.mark.parametrize("stop", [3, 6])
def test_a_run_that_is_saved_and_resumed_is_the_same(stop):
    b, a = line()
    optimizer = adam_of_the_sheets([b, a])
    annealer = Annealer(optimizer)
    whole = train(annealer, optimizer, b, a, epochs=10)

    b, a = line()
    optimizer = adam_of_the_sheets([b, a])
    annealer = Annealer(optimizer)
    first = train(annealer, optimizer, b, a, epochs=stop)
    file = io.BytesIO()
    torch.save([annealer.state_dict(), optimizer.state_dict(), b.item(), a.item()], file)
    file.seek(0)
    scheduler_state, optimizer_state, *weights = torch.load(file, weights_only=True)
    b, a = (torch.tensor(weight, dtype=torch.float64, requires_grad=True) for weight in weights)
    optimizer = torch.optim.Adam([b, a], lr=1.0, betas=(0.9, 0.95))
    annealer = Annealer(optimizer)
    optimizer.load_state_dict(optimizer_state)
    annealer.load_state_dict(scheduler_state)
    assert first + train(annealer, optimizer, b, a, epochs=10 - stop) == whole


def test_every_group_is_cut_by_the_same_factor():
    b, a = line()
    optimizer = torch.optim.SGD([{"params": [b], "lr": 1e-3}, {"params": [a], "lr": 1e-5}])
    annealer = Annealer(optimizer, when=1.5, cut=10)
    for scale in (1.0, 2.0, 1.0, 1.2):
        optimizer.zero_grad()
        (scale * (a + b)).backward()
        optimizer.step()
        annealer.step()
    assert annealer.get_last_lr() == pytest.approx([1e-4, 1e-6])


def test_an_epoch_without_a_step_changes_nothing():
    optimizer = torch.optim.SGD(line(), lr=1.0)
    annealer = Annealer(optimizer)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of the order of the calls
        annealer.step()
    assert annealer.get_last_lr() == [1.0]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"when": 0.5}, ValueError, "^when: expected a number of at least 1"),
        ({"cut": 1}, ValueError, "^cut: expected a number above 1"),
        ({"when": "2"}, TypeError, "^when: "),
    ],
)
def test_bad_arguments_are_refused_in_words(options, error, words):
    with pytest.raises(error, match=words):
        Annealer(torch.optim.SGD(line(), lr=1.0), **options)
    with pytest.raises(TypeError, match="^optimizer: expected an Optimizer, got list"):
        Annealer([])


class EpochSched:
    """A callback in miniature: makes its scheduler when training begins, steps it each epoch."""

    def __init__(self, factory):
        self.factory = factory

    def before_fit(self, optimizer):
        self.scheduler = self.factory(optimizer)

    def after_epoch(self):
        self.scheduler.step()


def network():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    return model, torch.optim.SGD(model.parameters(), lr=0.5)


def fit(model, optimizer, callback, epochs):
    """Rates of the epochs, and the mean over each one's batches of the squared gradient."""
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(40, 3, generator=generator)
    targets = inputs.prod(dim=1, keepdim=True)
    rates, sizes = [], []
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        batches = []
        for x, y in zip(inputs.split(10), targets.split(10), strict=True):
            optimizer.zero_grad()
            ((model(x) - y) ** 2).mean().backward()
            batches.append(sum(p.grad.square().sum().item() for p in model.parameters()))
            optimizer.step()
        sizes.append(np.mean(batches))
        callback.after_epoch()
    return rates, sizes


def test_in_a_callback_the_annealer_follows_its_rule_over_batches():
    model, optimizer = network()
    callback = EpochSched(partial(Annealer, when=1.1, cut=2))
    callback.before_fit(optimizer)
    rates, sizes = fit(model, optimizer, callback, epochs=30)
    expected, lowest = [0.5], sizes[0]
    for size in sizes[1:-1]:
        expected += [expected[-1] / (2 if size > 1.1 * lowest else 1)]
        lowest = min(lowest, size)
    assert rates == [0.5, *expected]
    assert rates[-1] < 0.5


def test_training_resumed_through_a_callback_is_the_same():
    factory = partial(Annealer, when=1.1, cut=2)
    model, optimizer = network()
    callback = EpochSched(factory)
    callback.before_fit(optimizer)
    whole, _ = fit(model, optimizer, callback, epochs=20)

    model, optimizer = network()
    callback = EpochSched(factory)
    callback.before_fit(optimizer)
    first, _ = fit(model, optimizer, callback, epochs=8)
    saved = deepcopy([x.state_dict() for x in (model, optimizer, callback.scheduler)])
    model, optimizer = network()
    callback = EpochSched(factory)
    callback.before_fit(optimizer)
    for thing, state in zip((model, optimizer, callback.scheduler), saved, strict=True):
        thing.load_state_dict(state)
    assert first + fit(model, optimizer, callback, epochs=12)[0] == whole


@pytest.mark.parametrize("copied", [deepcopy, lambda things: pickle.loads(pickle.dumps(things))])
def test_a_copied_annealer_listens_to_its_own_copy_of_the_optimiser(copied):
    (weight,) = line()[:1]
    optimizer = torch.optim.SGD([weight], lr=1.0)
    annealer = Annealer(optimizer)
    (3 * weight).backward()
    optimizer.step()
    annealer.step()
    weight_too, optimizer_too, annealer_too = copied((weight, optimizer, annealer))
    weight_too.grad = 10 * torch.ones_like(weight)
    optimizer_too.step()
    annealer_too.step()
    assert annealer_too.get_last_lr() == [0.25]
    assert annealer.get_last_lr() == [1.0]


def test_a_copied_optimiser_is_no_longer_listened_to():
    (weight,) = line()[:1]
    optimizer = torch.optim.SGD([weight], lr=1.0)
    annealer = Annealer(optimizer)
    alone = deepcopy(optimizer)
    alone.param_groups[0]["params"][0].grad = torch.ones_like(weight)
    alone.step()
    assert annealer.state_dict()["_steps"] == 0
