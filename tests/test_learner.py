"""The training loop and its callbacks, against plain PyTorch."""

import copy
import io
import math
import re
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    ExponentialLR,
    OneCycleLR,
    ReduceLROnPlateau,
)
from torch.utils.data import DataLoader, TensorDataset

from adl.learner import (
    GRADIENT_EDGES,
    HOOKS,
    BatchSchedCB,
    Callback,
    CancelBatchException,
    CancelEpochException,
    CancelFitException,
    EpochSchedCB,
    Learner,
    LRFinderCB,
    MetricsCB,
    ProgressCB,
    RecorderCB,
    SingleBatchCB,
    StatsCB,
    accuracy,
    find_lr,
    plot_finder,
    suggest_lr,
)
from adl.learner import _record as record
from adl.plotting import alt_text
from adl.schedules import Annealer

BATCHES = 4
mse = nn.functional.mse_loss


def generator(seed):
    return torch.Generator().manual_seed(seed)


def linear(seed=0):
    net = nn.Linear(3, 1)
    with torch.no_grad():
        net.weight.copy_(torch.randn(1, 3, generator=generator(seed)))
        net.bias.zero_()
    return net


def deep(seed=0):
    net = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Dropout(0.0), nn.Linear(8, 1))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=generator(seed)))
    return net


def data(seed=0, order=1):
    inputs = torch.randn(40, 3, generator=generator(seed))
    targets = inputs @ torch.tensor([[1.0], [-2.0], [0.5]]) + 0.1
    return DataLoader(TensorDataset(inputs, targets), 10, shuffle=True, generator=generator(order))


def make(*callbacks, model=None, valid=False, lr=0.1, optimizer=torch.optim.SGD, order=1):
    model = linear() if model is None else model
    valid = list(data(seed=5)) if valid else None
    options = {"loss": mse, "lr": lr, "optimizer": optimizer, "callbacks": callbacks}
    return Learner(model, data(order=order), valid, **options)


class Diary(Callback):
    """Writes down each hook, and raises in one of them."""

    def __init__(self, pages=None, name="", at=None, error=None, order=0, when=lambda learn: True):
        self.pages = [] if pages is None else pages
        self.name, self.at, self.error, self.order, self.when = name, at, error, order, when

    def __getattribute__(self, hook):
        if hook not in HOOKS:
            return super().__getattribute__(hook)

        def write(learn):
            self.pages.append(self.name + hook)
            if hook == self.at and self.when(learn):
                raise self.error

        return write


BATCH = HOOKS[2:8]
VALID_BATCH = ("before_batch", "after_predict", "after_loss", "after_batch")


def test_hooks_are_called_in_order():
    diary = Diary()
    make(diary, valid=True).fit(2)
    epoch = ["before_epoch", *BATCH * BATCHES, "after_epoch"]
    epoch += ["before_epoch", *VALID_BATCH * BATCHES, "after_epoch"]
    assert diary.pages == ["before_fit", *epoch * 2, "after_fit", "cleanup_fit"]


def test_callbacks_are_called_by_order_and_then_as_listed():
    pages = []
    make(Diary(pages, "c", order=1), Diary(pages, "a", order=-1), Diary(pages, "d", order=1)).fit(1)
    assert pages[:6] == [
        name + hook for hook in ("before_fit", "before_epoch") for name in ("a", "c", "d")
    ]


@pytest.mark.parametrize("at", HOOKS[2:8])
def test_a_cancelled_batch_is_left_and_the_next_one_comes(at):
    diary = Diary(at=at, error=CancelBatchException)
    make(diary).fit(1)
    started = list(BATCH[: BATCH.index(at) + 1])
    assert diary.pages == [
        *("before_fit", "before_epoch"),
        *started * BATCHES,
        *("after_epoch", "after_fit", "cleanup_fit"),
    ]


@pytest.mark.parametrize("at", HOOKS[1:9])
def test_a_cancelled_pass_is_left_and_validation_follows(at):
    diary = Diary(at=at, error=CancelEpochException, when=lambda learn: learn.training)
    make(diary, valid=True).fit(1)
    start = diary.pages.index(at)
    assert diary.pages[start + 1 : start + 3] == ["before_epoch", "before_batch"]
    assert diary.pages[-3:] == ["after_epoch", "after_fit", "cleanup_fit"]


@pytest.mark.parametrize("at", HOOKS[:10])
def test_a_cancelled_fit_ends_and_is_cleaned_up(at):
    diary = Diary(at=at, error=CancelFitException)
    make(diary, valid=True).fit(3)
    assert diary.pages[-2:] == [at, "cleanup_fit"]


@pytest.mark.parametrize("at", HOOKS)
def test_an_exception_of_a_callback_reaches_the_caller_and_all_is_cleaned_up(at):
    error, stats, diary = ValueError("mine"), StatsCB(), Diary()
    model = deep().train()
    model[2].eval()
    learn = make(diary, Diary(at=at, error=error), stats, model=model, valid=True)
    with pytest.raises(ValueError, match="^mine$") as caught:
        learn.fit(2)
    assert caught.value is error
    assert diary.pages[-1] == "cleanup_fit"
    assert [module.training for module in model.modules()] == [True, True, True, False, True]
    assert not any(module._forward_hooks for module in model.modules())


def test_an_exception_of_the_model_reaches_the_caller_with_hooks_removed_and_mode_restored():
    model = deep().eval()
    model.append(nn.Linear(7, 7))  # does not fit the one before
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        make(StatsCB(), model=model).fit(1)
    assert not any(module._forward_hooks for module in model.modules())
    assert not model.training


def test_a_cancellation_outside_its_level_is_an_error():
    with pytest.raises(CancelBatchException):
        make(Diary(at="before_epoch", error=CancelBatchException)).fit(1)


def test_the_model_trains_in_training_mode_and_is_validated_in_evaluation_mode_without_gradients():
    seen = set()

    class Look(Callback):
        def after_loss(self, learn):
            gradient = learn.loss_value.requires_grad
            seen.add((learn.training, learn.model.training, gradient))

    make(Look(), valid=True).fit(1)
    assert seen == {(True, True, True), (False, False, False)}


def test_sgd_equals_a_plain_loop_bit_for_bit():
    learn = make()
    learn.fit(3)
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    train = data()
    for _ in range(3):
        for inputs, targets in train:
            optimizer.zero_grad()
            mse(model(inputs), targets).backward()
            optimizer.step()
    assert torch.equal(learn.model.weight, model.weight)
    assert torch.equal(learn.model.bias, model.bias)


def test_what_a_callback_puts_in_place_is_what_is_used():
    class Change(Callback):
        def before_batch(self, learn):
            learn.batch = learn.batch[0] * 0, learn.batch[1]

        def after_predict(self, learn):
            learn.predictions = learn.predictions * 2

        def after_loss(self, learn):
            learn.loss_value = learn.loss_value * 3

    learn = make(Change(), SingleBatchCB(), lr=0.01)
    targets = next(iter(data()))[1]
    learn.fit(1)  # predictions are 2 bias = 0, and the loss 3 mean((2 bias - y)**2)
    assert learn.model.weight.grad.abs().max() == 0
    assert learn.model.bias.item() == pytest.approx(0.01 * 12 * targets.mean().item(), rel=1e-5)


def test_the_counters_say_where_training_is():
    seen = []

    class Look(Callback):
        def after_batch(self, learn):
            seen.append((learn.epoch, learn.epochs, learn.step, learn.batch_number))

    learn = make(Look())
    learn.fit(1)
    learn.fit(2)
    assert seen == [
        (epoch, 1 if epoch == 1 else 3, BATCHES * (epoch - 1) + batch, batch)
        for epoch in (1, 2, 3)
        for batch in (1, 2, 3, 4)
    ]


def test_a_single_batch_is_seen_by_all_callbacks_and_ends_the_fit():
    recorder, diary = RecorderCB(loss=lambda cb: cb.learn.loss_value), Diary(order=50)
    learn = make(SingleBatchCB(), recorder, diary)
    learn.fit(3)
    assert learn.step == 1
    assert len(recorder.recs["loss"]) == 1
    assert diary.pages[-2:] == ["after_batch", "cleanup_fit"]


one_cycle = partial(OneCycleLR, max_lr=0.1, total_steps=6 * BATCHES)
SCHEDULES = {
    "none": lambda: [],
    "batch": lambda: [BatchSchedCB(partial(CosineAnnealingLR, T_max=6 * BATCHES))],
    "epoch": lambda: [EpochSchedCB(partial(ExponentialLR, gamma=0.7))],
    "one cycle": lambda: [BatchSchedCB(one_cycle)],
}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_second_fit_goes_on_where_the_first_ended(schedule):
    whole, parts = (
        make(*SCHEDULES[schedule](), model=deep(), optimizer=torch.optim.Adam) for _ in "ab"
    )
    whole.fit(6)
    parts.fit(2)
    parts.fit(4)
    same(whole, parts)


@settings(deadline=None, max_examples=15)
@given(stop=st.integers(1, 5), schedule=st.sampled_from(list(SCHEDULES)))
def test_a_run_that_is_saved_and_resumed_equals_an_uninterrupted_one(stop, schedule):
    def learner():
        callbacks = [*SCHEDULES[schedule](), MetricsCB()]
        return make(*callbacks, model=deep(), optimizer=torch.optim.Adam, valid=True)

    whole, first, second = learner(), learner(), learner()
    whole.fit(6)
    first.fit(stop)
    file = io.BytesIO()
    torch.save([first.state_dict(), first.train.generator.get_state()], file)
    first.fit(1)  # must not reach into what was saved
    file.seek(0)
    state, order = torch.load(file, weights_only=True)
    second.load_state_dict(state)
    second.train.generator.set_state(order)
    second.fit(6 - stop)
    same(whole, second)


def same(one, other):
    assert one.step == other.step
    assert one.epoch == other.epoch
    for first, second in zip(one.model.parameters(), other.model.parameters(), strict=True):
        assert torch.equal(first, second)


def test_a_state_is_a_copy_that_can_be_taken_up_twice():
    learn = make(optimizer=torch.optim.Adam)
    learn.fit(1)
    state, order = learn.state_dict(), learn.train.generator.get_state()
    ends = []
    for _ in range(2):
        learn.load_state_dict(state)
        learn.train.generator.set_state(order)
        learn.fit(2)
        ends.append(learn.model.weight.detach().clone())
    assert torch.equal(*ends)


def test_a_state_of_other_callbacks_is_refused():
    with pytest.raises(ValueError, match="state: expected one of 1 callbacks.*got one of 0"):
        make(ProgressCB()).load_state_dict(make().state_dict())


def rates(*schedule, epochs=6, optimizer=torch.optim.SGD):
    recorder = RecorderCB(lr=lambda cb: cb.pg["lr"])
    make(recorder, *schedule, optimizer=optimizer, valid=True).fit(epochs)
    return recorder.recs["lr"]


def plain_rates(factory, every, epochs=6):
    optimizer = torch.optim.SGD(linear().parameters(), lr=0.1)
    scheduler, seen = factory(optimizer), []
    for step in range(epochs * BATCHES):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if (step + 1) % every == 0:
            scheduler.step()
    return seen


@pytest.mark.parametrize(
    "factory",
    [partial(ExponentialLR, gamma=0.9), lambda optimizer: CosineAnnealingLR(optimizer, T_max=5)],
)
@pytest.mark.parametrize(("kind", "every"), [(BatchSchedCB, 1), (EpochSchedCB, BATCHES)])
def test_schedules_equal_those_of_a_plain_loop(kind, every, factory):
    assert rates(kind(factory)) == plain_rates(factory, every)


@pytest.mark.parametrize("kind", [BatchSchedCB, EpochSchedCB])
def test_a_schedule_that_goes_to_a_second_learner_begins_anew(kind):
    schedule, seen = kind(partial(ExponentialLR, gamma=0.9)), []
    for _ in range(2):
        recorder = RecorderCB(lr=lambda cb: cb.pg["lr"])
        make(recorder, schedule).fit(3)
        seen.append(recorder.recs["lr"])
    assert seen[0] == seen[1]
    assert seen[0][-1] < 0.1


def test_a_state_is_taken_up_by_the_scheduler_that_is_there():
    schedule = EpochSchedCB(Annealer)
    learn = make(schedule)
    learn.fit(1)
    before, hooks = schedule.scheduler, len(learn.opt._optimizer_step_pre_hooks)
    for _ in range(3):
        learn.load_state_dict(learn.state_dict())
    assert schedule.scheduler is before
    assert len(learn.opt._optimizer_step_pre_hooks) == hooks


@pytest.mark.parametrize("kind", [BatchSchedCB, EpochSchedCB])
def test_a_schedule_that_follows_a_number_is_refused_before_training(kind):
    learn = make(kind(ReduceLROnPlateau))
    with pytest.raises(ValueError, match="^factory: .* no measurements, got ReduceLROnPlateau"):
        learn.fit(1)
    assert learn.step == 0


def test_a_scheduler_of_another_optimiser_is_refused_before_training():
    other = make().opt
    learn = make(BatchSchedCB(lambda optimizer: ExponentialLR(other, gamma=0.9)))
    for _ in range(2):
        with pytest.raises(ValueError, match="^factory: .* got ExponentialLR of another"):
            learn.fit(1)
    assert learn.step == 0


def test_a_schedule_that_is_too_short_says_where_it_ends():
    learn = make(BatchSchedCB(partial(OneCycleLR, max_lr=0.1, total_steps=6)))
    with pytest.raises(ValueError, match="got OneCycleLR, which fails after update 7; it says: "):
        learn.fit(2)


def test_one_cycle_moves_rate_and_momentum_in_opposite_directions():
    recorder = RecorderCB(lr=lambda cb: cb.pg["lr"], mom=lambda cb: cb.pg["betas"][0])
    make(recorder, BatchSchedCB(one_cycle), optimizer=torch.optim.Adam).fit(6)
    lr, momentum = (np.array(recorder.recs[name]) for name in ("lr", "mom"))
    assert len(lr) == len(momentum) == 6 * BATCHES
    assert (np.sign(np.diff(momentum)) == -np.sign(np.diff(lr))).all()
    assert lr.argmax() == momentum.argmin()
    assert (lr.max(), momentum.min(), momentum.max()) == pytest.approx((0.1, 0.85, 0.95), rel=5e-3)


def test_records_follow_the_updates_and_not_the_validation():
    recorder = RecorderCB(step=lambda cb: cb.learn.step)
    learn = make(recorder, valid=True)
    learn.fit(2)
    learn.fit(1)
    assert recorder.recs["step"] == list(range(1, 3 * BATCHES + 1))
    assert recorder.learn is None


def test_tensors_are_recorded_as_numbers():
    recorder = RecorderCB(weight=lambda cb: cb.learn.model.weight)
    make(recorder).fit(1)
    assert np.shape(recorder.recs["weight"]) == (BATCHES, 1, 3)
    assert recorder.recs["weight"][0] != recorder.recs["weight"][-1]


def test_metrics_are_means_over_the_images_whatever_the_sizes_of_the_batches():
    inputs = torch.randn(25, 3, generator=generator(0))
    targets = torch.randn(25, 1, generator=generator(1))
    model, metrics = linear(), MetricsCB(error=nn.functional.l1_loss)
    valid = DataLoader(TensorDataset(inputs, targets), 10)
    learn = Learner(model, data(), valid, loss=mse, callbacks=[metrics])
    learn.fit(2)
    last = metrics.history.iloc[-1]
    with torch.no_grad():
        assert last["valid_loss"] == pytest.approx(mse(model(inputs), targets).item(), rel=1e-5)
        error = nn.functional.l1_loss(model(inputs), targets).item()
    assert last["valid_error"] == pytest.approx(error, rel=1e-5)
    assert metrics.history["epoch"].tolist() == [1, 2]


def test_without_validation_there_is_a_line_of_training_only():
    metrics = MetricsCB()
    make(metrics).fit(3)
    assert list(metrics.history) == ["epoch", "train_loss"]
    assert len(metrics.history) == 3


def test_a_loss_that_diverges_is_recorded():
    metrics = MetricsCB()
    make(metrics, lr=1e20).fit(3)
    assert not math.isfinite(metrics.history["train_loss"].iloc[-1])


def test_accuracy_counts_the_largest_prediction():
    predictions = torch.eye(4)[torch.tensor([0, 1, 2, 2])]
    assert accuracy(predictions, torch.tensor([0, 1, 2, 3])).item() == 0.75


def test_the_progress_bar_counts_updates_and_is_taken_away(monkeypatch):
    seen = []

    def bar(steps, *, label):
        try:
            for step in steps:
                seen.append(step)
                yield step
        finally:
            seen.append("closed")

    monkeypatch.setattr(record, "progress_bar", bar)
    make(ProgressCB(), valid=True).fit(2)
    assert seen == [*range(2 * BATCHES), "closed"]


def test_nothing_is_printed_when_nobody_watches(capfd):
    make(ProgressCB(), MetricsCB(), valid=True).fit(2)
    assert capfd.readouterr() == ("", "")


# --- the finder


def noiseless():
    inputs = torch.randn(40, 3, generator=generator(0))
    targets = inputs @ torch.ones(3, 1)
    return [(inputs, targets)] * 50


def test_the_finder_raises_the_rate_by_its_factor():
    table = find_lr(make(), start=1e-3, factor=1.5)
    assert table["step_size"].tolist() == pytest.approx(1e-3 * 1.5 ** np.arange(len(table)))


def test_the_finder_ends_when_the_loss_has_blown_up():
    table = find_lr(make(), start=1e-3, factor=1.5, stop_at=3)
    smooth = table["loss"].ewm(alpha=0.2).mean().to_numpy()
    assert smooth[-1] > 3 * smooth.min()
    assert (smooth[:-1] <= 3 * np.minimum.accumulate(smooth[:-1])).all()


def test_the_finder_ends_after_its_steps_in_whole_epochs():
    assert len(find_lr(make(), start=1e-9, factor=1.001, steps=5)) == 2 * BATCHES


def test_the_finder_ends_where_the_loss_is_not_finite():
    def broken(predictions, targets):
        return mse(predictions, targets) / (predictions.abs().max() < 1e3)

    learn = Learner(linear(), noiseless(), loss=broken, optimizer=torch.optim.SGD)
    table = find_lr(learn, start=1e-3, factor=10, stop_at=1e30)
    assert not math.isfinite(table["loss"].iloc[-1])
    assert np.isfinite(table["loss"].iloc[:-1]).all()
    assert "blows up" in plot_finder(table).get_title(loc="left")
    plt.close()


def test_a_fit_gives_the_same_with_and_without_a_finder_before_it():
    def learner():
        model = deep()
        model[2].p = 0.5  # uses torch's global generator
        return make(BatchSchedCB(one_cycle), model=model, optimizer=torch.optim.Adam, order=3)

    ends = []
    for finds in (False, True):
        torch.manual_seed(0)
        learn = learner()
        learn.fit(1)
        if finds:
            assert len(find_lr(learn)) > 10
        learn.fit(2)
        ends.append(learn)
    same(*ends)


def test_a_finder_among_the_callbacks_takes_back_what_it_did():
    finder = LRFinderCB(factor=2)
    learn = make(finder, MetricsCB(), valid=True, optimizer=torch.optim.Adam, lr=1e-3)
    before = learn.state_dict()
    learn.fit(10)
    after = learn.state_dict()
    assert torch.equal(before["model"]["weight"], after["model"]["weight"])
    assert {**before, "model": None} == {**after, "model": None}
    assert len(finder.table) > 5


def test_a_finder_takes_back_what_it_did_when_another_callback_fails():
    learn = make(LRFinderCB(), Diary(at="after_step", error=OSError("mine")))
    weight = learn.model.weight.detach().clone()
    with pytest.raises(OSError, match="^mine$"):
        learn.fit(1)
    assert torch.equal(learn.model.weight, weight)
    assert learn.opt.param_groups[0]["lr"] == 0.1


def test_the_loss_blows_up_beyond_the_critical_step_size():
    learn = Learner(linear(), noiseless(), loss=mse, optimizer=torch.optim.SGD)
    inputs = torch.cat([learn.train[0][0], torch.ones(40, 1)], dim=1)
    critical = 2 / torch.linalg.eigvalsh(2 * inputs.T @ inputs / 40)[-1].item()
    table = find_lr(learn, start=1e-4, factor=1.1, steps=300)
    assert suggest_lr(table) < critical < table["step_size"].iloc[-1]


def falling(steepest):
    exponent = np.linspace(-5, 0, 51)
    loss = 2 - 1.5 / (1 + np.exp(-5 * (exponent - steepest)))
    return pd.DataFrame({"step_size": 10**exponent, "loss": loss + (exponent > -0.2) * 100})


@settings(deadline=None)
@given(
    losses=st.lists(st.floats(0.01, 100), min_size=3, max_size=50),
    scale=st.floats(1e-3, 1e3),
    unit=st.floats(1e-3, 1e3),
)
def test_the_suggestion_moves_with_the_unit_of_the_rate_and_not_with_that_of_the_loss(
    losses, scale, unit
):
    rates = 10.0 ** np.arange(len(losses))
    table = pd.DataFrame({"step_size": rates, "loss": [200.0, *losses[1:]]})
    smooth = table["loss"].ewm(alpha=0.2).mean()
    for suggested in (suggest_lr(table), suggest_lr(table * [unit, scale]) / unit):
        row = round(math.log10(10 * suggested))
        assert 10 * suggested == pytest.approx(rates[row])
        assert smooth[row] == pytest.approx(smooth.min())


def test_the_finders_picture_says_what_it_found():
    ax = plot_finder(falling(-3), ax=plt.figure().gca())
    title = ax.get_title(loc="left")
    assert title.startswith(f"Begin with {suggest_lr(falling(-3)):.2g}: at ")
    assert "51 batches" in alt_text(ax.figure)
    assert title.split(": ")[1] in alt_text(ax.figure)
    plt.close()


def test_the_finders_labels_lie_over_no_smoothed_curve():
    ax = plot_finder(falling(-3), ax=plt.figure().gca())
    ax.figure.canvas.draw()
    curve = ax.transData.transform(ax.lines[1].get_xydata())
    for label in ax.texts:
        box = label.get_window_extent()
        assert not any(box.contains(*point) for point in curve)
    plt.close()


def test_the_picture_of_a_finder_that_met_no_end_says_so():
    ax = plot_finder(falling(-3).iloc[:-3])
    assert ax.get_title(loc="left").endswith("up to 0.5 the loss does not blow up")
    plt.close()


# --- activations and gradients


def test_activations_are_those_of_the_training_batches():
    stats, seen = StatsCB(), []

    class Look(Callback):
        def after_predict(self, learn):
            if learn.training:
                seen.append(learn.model[:2](learn.batch[0]).detach())

    make(Look(), stats, model=deep(), valid=True).fit(1)
    # The look itself calls the modules once more.
    table = stats.activations.iloc[::2]
    assert table["module"].tolist() == ["1"] * BATCHES
    for (_, row), outputs in zip(table.iterrows(), seen, strict=True):
        assert row["mean"] == pytest.approx(outputs.numpy().mean(), rel=1e-5)
        assert row["std"] == pytest.approx(outputs.numpy().std(), rel=1e-5)
        assert row["dead"] == pytest.approx((outputs.numpy() == 0).all(axis=0).mean())


def test_a_channel_is_dead_if_it_is_zero_at_every_place():
    net = nn.Sequential(nn.Conv2d(1, 4, 1), nn.ReLU(), nn.Flatten(), nn.Linear(16, 1))
    with torch.no_grad():
        net[0].weight.fill_(1.0)
        net[0].bias.copy_(torch.tensor([5.0, 5.0, -5.0, 5.0]))
    images = torch.linspace(-1, 1, 12).reshape(3, 1, 2, 2)
    stats = StatsCB()
    Learner(net, [(images, torch.ones(3, 1))], loss=mse, callbacks=[stats]).fit(1)
    assert stats.activations["dead"].tolist() == [0.25]


def test_chosen_modules_are_recorded_under_their_names():
    model = deep()
    stats = StatsCB([model[0], model[3]])
    make(stats, model=model).fit(1)
    assert stats.activations["module"].tolist() == ["0", "3"] * BATCHES


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.one_of(
            st.floats(width=32, allow_nan=True, allow_infinity=True),
            st.sampled_from([0.0, 1e-12, 1e-30, 1.0, 100.0]),
        ),
        min_size=1,
    )
)
def test_every_gradient_is_counted_once(values):
    from adl.learner._stats import _counts

    parameter = nn.Parameter(torch.zeros(len(values)))
    parameter.grad = torch.tensor(values)
    counts = _counts(parameter)
    assert counts.sum() == len(values)
    assert counts[0] == values.count(0.0)
    beyond = sum(not abs(value) < 10 ** GRADIENT_EDGES[-2] for value in values)
    assert counts[-1] == beyond


def test_gradients_are_counted_in_numpys_histogram():
    stats, seen = StatsCB(), []

    class Look(Callback):
        def after_backward(self, learn):
            seen.append(learn.model[0].weight.grad.abs().double().flatten().numpy().copy())

    make(Look(), stats, model=deep()).fit(2)
    counts = stats.gradients["0.weight"]
    assert counts.shape == (2 * BATCHES, len(GRADIENT_EDGES))
    for row, sizes in zip(counts, seen, strict=True):
        logs = np.log10(sizes[sizes > 0])
        assert row[0] == (sizes == 0).sum()
        assert row[1:].tolist() == np.histogram(logs, GRADIENT_EDGES)[0].tolist()


def test_a_parameter_without_a_gradient_counts_as_zeros():
    model, stats = deep(), StatsCB()
    model[0].requires_grad_(False)
    make(stats, model=model).fit(1)
    assert stats.gradients["0.weight"][:, 0].tolist() == [24] * BATCHES
    ax = stats.plot_gradients("0.weight", ax=plt.figure().gca())
    assert ax.get_title(loc="left").endswith("100% are 0")
    plt.close()


def test_gradients_are_drawn_as_shares_of_each_update():
    stats = StatsCB()
    make(stats, model=deep()).fit(2)
    ax = stats.plot_gradients(ax=plt.figure().gca())
    shares = ax.images[0].get_array()
    assert shares.shape == (len(GRADIENT_EDGES) - 1, 2 * BATCHES)
    assert np.asarray(shares.sum(axis=0)) == pytest.approx(100)
    assert "at 8 updates" in alt_text(ax.figure)
    assert ax.get_title(loc="left").split("; ")[1] in alt_text(ax.figure)
    plt.close()


def test_activations_are_drawn_a_line_a_module():
    model = deep()
    stats = StatsCB([model[0], model[1]])
    make(stats, model=model).fit(2)
    ax = stats.plot_activations("mean", ax=plt.figure().gca())
    assert len(ax.lines) == 2
    assert ax.lines[1].get_ydata() == pytest.approx(stats.activations["mean"][1::2])
    assert alt_text(ax.figure).startswith("Mean of the activations against the update: module")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["module 0", "module 1"]
    title = ax.get_title(loc="left").replace("\n", " ")
    assert re.fullmatch(r"Mean at update 8: \S+ in module 0, \S+ in module 1", title)
    plt.close()


def test_a_long_title_of_activations_goes_on_in_a_second_line():
    stats = StatsCB()
    row = {"step": 63, "mean": 0.0, "std": 0.0}
    stats._rows = [row | {"module": "1", "dead": 0.0}, row | {"module": "3", "dead": 0.94}]
    title = stats.plot_activations("dead", ax=plt.figure().gca()).get_title(loc="left")
    assert title == "Share of dead units at update 63:\n0 in module 1, 0.94 in module 3"
    plt.close()


# --- the recorder's picture


def test_one_record_is_drawn_in_its_own_unit():
    recorder = RecorderCB(lr=lambda cb: cb.pg["lr"])
    make(recorder, BatchSchedCB(one_cycle)).callbacks.clear()
    recorder.recs["lr"] = [0.1, 0.3, 0.2]
    ax = recorder.plot(ax=plt.figure().gca())
    assert ax.lines[0].get_ydata().tolist() == [0.1, 0.3, 0.2]
    assert alt_text(ax.figure) == ("Recorded at 3 updates: lr from 0.1 over 0.3 (update 2) to 0.2.")
    plt.close()


def test_two_records_are_drawn_over_their_own_ranges_and_compared():
    recorder = RecorderCB(lr=lambda cb: cb.pg["lr"], mom=lambda cb: cb.pg["betas"][0])
    make(recorder, BatchSchedCB(one_cycle), optimizer=torch.optim.Adam).fit(6)
    ax = recorder.plot(ax=plt.figure().gca())
    lr, momentum = (line.get_ydata() for line in ax.lines)
    assert lr + momentum == pytest.approx(1, abs=0.05)  # not 1: torch ends the rate below its start
    assert ax.get_title(loc="left") == "lr and mom: correlation −1.00"
    plt.close()


def drawn(**recs):
    recorder = RecorderCB(**dict.fromkeys(recs, len))
    recorder.recs = recs
    return recorder.plot(ax=plt.figure().gca())


@pytest.mark.parametrize(("values", "bottom"), [([0.2, 0.3], True), ([-0.2, 0.3], False)])
def test_the_axis_of_what_is_never_negative_begins_at_0(values, bottom):
    assert (drawn(mine=values).get_ylim()[0] == 0) == bottom
    plt.close()


def test_records_are_drawn_in_steps():
    assert drawn(mine=[0.2, 0.3]).lines[0].get_drawstyle() == "steps-mid"
    plt.close()


def test_the_legend_of_records_crosses_no_curve():
    ax = drawn(one=[1, 2, 3], other=[3, 2, 1])
    ax.figure.canvas.draw()
    assert ax.get_legend().get_window_extent().y1 < ax.get_window_extent().y0
    plt.close()


def test_records_of_unequal_length_are_compared_as_far_as_both_go():
    ax = drawn(one=[1, 2, 3, 2], other=[2, 4, 6])
    assert ax.get_title(loc="left") == "one and other: correlation 1.00"
    assert alt_text(ax.figure).startswith("Recorded at 4 updates: one from 1 over 3")
    plt.close()


def test_a_record_that_is_not_finite_is_a_gap():
    ax = drawn(one=[1, np.inf, 3, 2], other=[1, 2, 3, np.nan])
    assert [line.get_ydata().tolist() for line in ax.lines] == [
        pytest.approx([0, np.nan, 1, 0.5], nan_ok=True),
        pytest.approx([0, 0.5, 1, np.nan], nan_ok=True),
    ]
    assert ax.get_title(loc="left") == "one and other: correlation 1.00"
    plt.close()


# --- what is refused


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"model": 3}, TypeError, "model: expected a torch.nn.Module, got int"),
        ({"train": []}, ValueError, "train: expected at least one batch, got none"),
        ({"valid": []}, ValueError, "valid: expected at least one batch, got none"),
        ({"train": (b for b in ())}, TypeError, "train: expected batches with a length.*generator"),
        ({"loss": 0.5}, TypeError, "loss: expected a function, got 0.5"),
        ({"optimizer": "Adam"}, TypeError, "optimizer: expected a function, got 'Adam'"),
        ({"optimizer": lambda p, lr: 3}, TypeError, "makes an Optimizer, got one that makes int"),
        ({"lr": 0}, ValueError, "lr: expected a number above 0, got 0"),
        ({"lr": -0.1}, ValueError, "lr: expected a number above 0, got -0.1"),
        ({"lr": "fast"}, TypeError, "lr: expected a finite number"),
        ({"callbacks": [SingleBatchCB]}, TypeError, r"the class SingleBatchCB: write SingleBatch"),
        ({"callbacks": [print]}, TypeError, "callbacks: expected Callback objects, got <built-in"),
        ({"callbacks": SingleBatchCB()}, TypeError, "callbacks: expected a list of them, got"),
    ],
)
def test_a_learner_refuses_in_words_what_it_cannot_use(options, error, words):
    model, train = options.pop("model", linear()), options.pop("train", data())
    with pytest.raises(error, match=words):
        Learner(model, train, **options)


@pytest.mark.parametrize(
    ("make_it", "error", "words"),
    [
        (lambda: BatchSchedCB(0.1), TypeError, "factory: expected a function of the optimiser"),
        (lambda: RecorderCB(lr=0.1), TypeError, "lr: expected a function, got 0.1"),
        (lambda: MetricsCB(loss=mse), ValueError, "loss: is recorded without being asked for"),
        (lambda: MetricsCB(accuracy=1), TypeError, "accuracy: expected a function, got 1"),
        (lambda: LRFinderCB(factor=1), ValueError, "factor: expected a number above 1, got 1"),
        (lambda: LRFinderCB(stop_at=0.5), ValueError, "stop_at: expected a number above 1"),
        (lambda: StatsCB(["conv"]), TypeError, "modules: expected torch.nn.Module objects"),
        (lambda: find_lr(linear()), TypeError, "learner: expected a Learner, got Linear"),
        (lambda: find_lr(make(), start=0), ValueError, "start: expected a number above 0"),
        (lambda: find_lr(make(), steps=0), ValueError, "steps: expected a whole number"),
        (lambda: suggest_lr([1]), TypeError, "table: expected a DataFrame"),
        (lambda: suggest_lr(falling(-3).iloc[:1]), ValueError, "at least two finite losses"),
        (
            lambda: suggest_lr(falling(-3).assign(loss=np.arange(51))),
            ValueError,
            "the loss never falls",
        ),
        (lambda: RecorderCB(lr=len).plot(), ValueError, "nothing is recorded of 'lr'"),
        (lambda: RecorderCB(lr=len).plot("mom"), ValueError, "nothing is recorded of 'mom'"),
        (lambda: StatsCB().plot_gradients(), ValueError, r"name: expected one of \[\], got None"),
        (lambda: StatsCB().plot_activations("max"), ValueError, "quantity: expected one of"),
        (lambda: StatsCB().plot_activations(), ValueError, "modules: expected 1 to 4"),
    ],
)
def test_callbacks_refuse_in_words_what_they_cannot_use(make_it, error, words):
    with pytest.raises(error, match=words):
        make_it()


@pytest.mark.parametrize("made", [None, 3])
def test_a_factory_that_gives_no_scheduler_is_refused_before_training(made):
    learn = make(BatchSchedCB(lambda optimizer: made))
    for _ in range(2):
        with pytest.raises(TypeError, match=r"factory: expected it to give a scheduler with step"):
            learn.fit(1)
    assert learn.step == 0


@pytest.mark.parametrize(
    ("loss", "error", "words"),
    [
        (partial(mse, reduction="none"), ValueError, r"got shape \(10, 1\)"),
        (lambda predictions, targets: 0.5, TypeError, "loss: expected a tensor, got float 0.5"),
    ],
)
def test_a_loss_that_is_not_one_number_is_refused(loss, error, words):
    learn = Learner(linear(), data(), loss=loss)
    with pytest.raises(error, match=words):
        learn.fit(1)
    assert learn.step == 0


def test_a_loss_that_a_callback_makes_a_number_of_is_refused():
    class Mine(Callback):
        def after_loss(self, learn):
            learn.loss_value = learn.loss_value.item()

    with pytest.raises(TypeError, match="^loss_value: expected a tensor, got float"):
        make(Mine()).fit(1)


@pytest.mark.parametrize("cancel", [(), (SingleBatchCB(),)])
def test_after_a_fit_a_learner_keeps_no_graph_and_can_be_copied(cancel):
    learn = make(*cancel, model=deep())
    learn.fit(1)
    assert not learn.predictions.requires_grad
    assert not learn.loss_value.requires_grad
    twin = copy.deepcopy(learn)
    for one in (learn, twin):
        one.train.generator.manual_seed(3)
        one.fit(1)
    same(learn, twin)


def test_a_batch_that_is_not_a_pair_is_refused():
    with pytest.raises(TypeError, match=r"batch: expected \(inputs, targets\), got tensor"):
        Learner(linear(), [torch.ones(2, 3)]).fit(1)


@pytest.mark.parametrize("epochs", [0, 1.5, "two"])
def test_a_number_of_epochs_that_is_none_is_refused(epochs):
    with pytest.raises((TypeError, ValueError), match="^epochs: expected"):
        make().fit(epochs)


def test_modules_of_another_model_are_refused():
    with pytest.raises(ValueError, match="modules: not one of the learner's model"):
        make(StatsCB([nn.ReLU()])).fit(1)


def test_a_callback_with_a_misspelt_hook_cannot_be_written():
    with pytest.raises(TypeError, match="Mine.after_bach: no such hook; there are before_fit"):

        class Mine(Callback):
            def after_bach(self, learn):
                pass
