"""Chapter 1's exercises: each mistake as a student would write it, and the message it gets."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from adl import exercises, model_1p, model_2p

SEEDS = range(8)


def say(exercise, answer, seed):
    result = exercises.check(exercise, answer, seed=seed)
    assert result.state != "not attempted"
    return "correct" if result.correct else result.message


# --- 1.1: right answers in different styles -------------------------------------------------------


def right_list(x, y, step_size, epochs):
    w = torch.tensor(0.0, requires_grad=True)
    history = []
    for _ in range(epochs):
        loss = ((w * x - y) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            w -= step_size * w.grad
        w.grad.zero_()
        history.append(w.item())
    return history


def right_tensor(x, y, step_size, epochs):
    w = torch.zeros(1, requires_grad=True)
    history = torch.zeros(epochs)
    for epoch in range(epochs):
        (gradient,) = torch.autograd.grad(torch.nn.functional.mse_loss(w * x, y), w)
        w = (w - step_size * gradient).detach().requires_grad_()
        history[epoch] = w.detach()[0]
    return history


def right_numpy(x, y, step_size, epochs):
    x, y = x.numpy(), y.numpy()
    history = np.zeros(epochs)
    w = 0.0
    for epoch in range(epochs):
        w -= step_size * 2 * np.mean(x * (w * x - y))
        history[epoch] = w
    return history


def right_with_start(x, y, step_size, epochs):
    history = [0.0]
    for _ in range(epochs):
        w = history[-1]
        history.append(w - step_size * 2 * ((w * x - y) * x).mean().item())
    return history


def right_optimizer(x, y, step_size, epochs):
    w = torch.nn.Parameter(torch.tensor(0.0))
    optimizer = torch.optim.SGD([w], lr=step_size)
    history = []
    for _ in range(epochs):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(w * x, y).backward()
        optimizer.step()
        history.append(w.detach().clone())
    return history


def right_linear_layer(x, y, step_size, epochs):
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(model.weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=step_size)
    history = []
    for _ in range(epochs):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(x[:, None])[:, 0], y).backward()
        optimizer.step()
        history.append(model.weight.detach().clone().numpy()[0])
    return tuple(history)


def right_series(x, y, step_size, epochs):
    return pd.Series(right_numpy(x, y, step_size, epochs))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "answer",
    [
        right_list,
        right_tensor,
        right_numpy,
        right_with_start,
        right_optimizer,
        right_linear_layer,
        right_series,
    ],
)
def test_right_descents_pass_in_every_style(answer, seed):
    assert say("1.1", answer, seed) == "correct"


# --- 1.1: wrong answers ---------------------------------------------------------------------------


def loop(x, y, epochs, update, w=0.0):
    """One epoch after the other: the part that all these students got right."""
    history = []
    for _ in range(epochs):
        w = update(w)
        history.append(w)
    return history


def gradient(w, x, y):
    return 2 * float((x * (w * x - y)).mean())


def gradients_not_reset(x, y, step_size, epochs):
    w = torch.tensor(0.0, requires_grad=True)
    history = []
    for _ in range(epochs):
        loss = ((w * x - y) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            w -= step_size * w.grad
        history.append(w.item())
    return history


def wrong_direction(x, y, step_size, epochs):
    return loop(x, y, epochs, lambda w: w + step_size * gradient(w, x, y))


def gradient_doubled(x, y, step_size, epochs):
    return loop(x, y, epochs, lambda w: w - step_size * 2 * gradient(w, x, y))


def backward_twice(x, y, step_size, epochs):
    w = torch.tensor(0.0, requires_grad=True)
    history = []
    for _ in range(epochs):
        loss = ((w * x - y) ** 2).mean()
        loss.backward(retain_graph=True)
        loss.backward()
        with torch.no_grad():
            w -= step_size * w.grad
        w.grad.zero_()
        history.append(w.item())
    return history


def loss_with_one_half(x, y, step_size, epochs):
    w = torch.tensor(0.0, requires_grad=True)
    history = []
    for _ in range(epochs):
        loss = ((w * x - y) ** 2).mean() / 2
        loss.backward()
        with torch.no_grad():
            w -= step_size * w.grad
        w.grad.zero_()
        history.append(w.item())
    return history


def summed(x, y, step_size, epochs):
    return loop(x, y, epochs, lambda w: w - step_size * 2 * float((x * (w * x - y)).sum()))


def times_one_point_seven(x, y, step_size, epochs):
    return loop(x, y, epochs, lambda w: w - 1.7 * step_size * gradient(w, x, y))


def stored_before_the_update(x, y, step_size, epochs):
    w, history = 0.0, []
    for _ in range(epochs):
        history.append(w)
        w -= step_size * gradient(w, x, y)
    return history


def last_epoch_left_out(x, y, step_size, epochs):
    return loop(x, y, epochs - 1, lambda w: w - step_size * gradient(w, x, y))


def one_epoch_too_many(x, y, step_size, epochs):
    return loop(x, y, epochs + 1, lambda w: w - step_size * gradient(w, x, y))


def one_epoch_too_many_with_start(x, y, step_size, epochs):
    return [0.0, *one_epoch_too_many(x, y, step_size, epochs)]


def step_size_ignored(x, y, step_size, epochs):
    return loop(x, y, epochs, lambda w: w - 0.001 * gradient(w, x, y))


def epochs_ignored(x, y, step_size, epochs):
    return loop(x, y, 10, lambda w: w - step_size * gradient(w, x, y))


def started_at_one(x, y, step_size, epochs):
    return loop(x, y, epochs, lambda w: w - step_size * gradient(w, x, y), w=1.0)


def started_at_one_with_start(x, y, step_size, epochs):
    return [1.0, *started_at_one(x, y, step_size, epochs)]


def started_at_random(x, y, step_size, epochs):
    start = torch.randn(()).item()
    return loop(x, y, epochs, lambda w: w - step_size * gradient(w, x, y), w=start)


class Global:
    w = 0.0
    history: list = []  # noqa: RUF012


def goes_on_from_the_last_call(x, y, step_size, epochs):
    history = loop(x, y, epochs, lambda w: w - step_size * gradient(w, x, y), w=Global.w)
    Global.w = history[-1]
    return history


def tensors_with_a_graph(x, y, step_size, epochs):
    w = torch.tensor(0.0, requires_grad=True)
    history = []
    for _ in range(epochs):
        (slope,) = torch.autograd.grad(((w * x - y) ** 2).mean(), w, create_graph=True)
        w = w - step_size * slope
        history.append(w)
    return history


def the_parameter_itself(x, y, step_size, epochs):
    w = torch.tensor(0.0, requires_grad=True)
    history = []
    for _ in range(epochs):
        ((w * x - y) ** 2).mean().backward()
        with torch.no_grad():
            w -= step_size * w.grad
        w.grad.zero_()
        history.append(w)
    return history


def shared_memory(x, y, step_size, epochs):
    return [entry.detach() for entry in the_parameter_itself(x, y, step_size, epochs)]


def printed_only(x, y, step_size, epochs):
    for w in right_list(x, y, step_size, epochs):
        print(w)


def nothing_returned(x, y, step_size, epochs):
    right_list(x, y, step_size, epochs)


def only_the_last(x, y, step_size, epochs):
    return right_list(x, y, step_size, epochs)[-1]


def pasted(x, y, step_size, epochs):
    return [0.1364, 0.2635, 0.3821, 0.4927, 0.5958, 0.6920, 0.7816, 0.8653, 0.9432, 1.0159]


def pasted_to_length(x, y, step_size, epochs):
    return pasted(x, y, step_size, epochs)[:epochs]


def data_of_the_notebook(x, y, step_size, epochs):
    x = torch.tensor([1.0, 2.0, 1.5])
    y = torch.tensor([2.0, 4.1, 3.0])
    return right_list(x, y, step_size, epochs)


def not_a_number(x, y, step_size, epochs):
    return loop(
        x,
        y,
        epochs,
        lambda w: w - step_size * gradient(w, x, y) * math.sqrt(0) / math.inf * math.inf,
    )


def rounded(x, y, step_size, epochs):
    return [round(w, 2) for w in right_list(x, y, step_size, epochs)]


def as_text(x, y, step_size, epochs):
    return [f"{w:.4f}" for w in right_list(x, y, step_size, epochs)]


def losses(x, y, step_size, epochs):
    return [float(((w * x - y) ** 2).mean()) for w in right_list(x, y, step_size, epochs)]


def gradients(x, y, step_size, epochs):
    start = [0.0, *right_list(x, y, step_size, epochs)[:-1]]
    return [gradient(w, x, y) for w in start]


def row_by_row(x, y, step_size, epochs):
    w, history = 0.0, []
    for _ in range(epochs):
        for xi, yi in zip(x.tolist(), y.tolist(), strict=True):
            w -= step_size * 2 * xi * (w * xi - yi)
        history.append(w)
    return history


def never_moves(x, y, step_size, epochs):
    return [0.0 for _ in range(epochs)]


def empty(x, y, step_size, epochs):
    return []


def no_gradient_asked_for(x, y, step_size, epochs):
    w = torch.tensor(0.0)
    ((w * x - y) ** 2).mean().backward()


def update_under_autograd(x, y, step_size, epochs):
    w = torch.tensor(0.0, requires_grad=True)
    ((w * x - y) ** 2).mean().backward()
    w -= step_size * w.grad


def reassigned(x, y, step_size, epochs):
    w = torch.tensor(0.0, requires_grad=True)
    for _ in range(epochs):
        ((w * x - y) ** 2).mean().backward()
        w = w - step_size * w.grad


def broadcast(x, y, step_size, epochs):
    w = torch.zeros(1, requires_grad=True)
    history = []
    for _ in range(epochs):
        loss = ((x[:, None] * w - y) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            w -= step_size * w.grad
        w.grad.zero_()
        history.append(w.item())
    return history


def gradient_computed_once(x, y, step_size, epochs):
    slope = gradient(0.0, x, y)
    return loop(x, y, epochs, lambda w: w - step_size * slope)


def sign_of_y(x, y, step_size, epochs):
    return right_list(x, -y, step_size, epochs)


def root_of_the_loss(x, y, step_size, epochs):
    def update(w):
        rmse = float(((w * x - y) ** 2).mean().sqrt())
        return w - step_size * gradient(w, x, y) / 2 / rmse

    return loop(x, y, epochs, update)


def absolute_error(x, y, step_size, epochs):
    return loop(x, y, epochs, lambda w: w - step_size * float((x * (w * x - y).sign()).mean()))


def not_squared(x, y, step_size, epochs):
    return loop(x, y, epochs, lambda w: w - step_size * float(x.mean()))


def with_a_bias(x, y, step_size, epochs):
    model = torch.nn.Linear(1, 1)
    torch.nn.init.zeros_(model.weight), torch.nn.init.zeros_(model.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=step_size)
    history = []
    for _ in range(epochs):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(x[:, None])[:, 0], y).backward()
        optimizer.step()
        history.append(model.weight.item())
    return history


def returns_inside_the_loop(x, y, step_size, epochs):
    return right_list(x, y, step_size, epochs)[:1]


def stores_after_the_loop(x, y, step_size, epochs):
    return right_list(x, y, step_size, epochs)[-1:]


def stops_early(x, y, step_size, epochs):
    return right_list(x, y, step_size, min(epochs, 30))


def over_the_data(x, y, step_size, epochs):
    return right_list(x, y, step_size, len(x))


def list_outside(x, y, step_size, epochs):
    Global.history += right_list(x, y, step_size, epochs)
    return list(Global.history)


def parameter_set_back(x, y, step_size, epochs):
    return [right_list(x, y, step_size, 1)[0]] * epochs


def before_and_summed(x, y, step_size, epochs):
    return [0.0, *summed(x, y, step_size, epochs)[:-1]]


def range_from_one(x, y, step_size, epochs):
    return [0.0, *right_list(x, y, step_size, epochs - 1)]


def two_lists(x, y, step_size, epochs):
    history = right_list(x, y, step_size, epochs)
    return history, history


def epochs_and_weights(x, y, step_size, epochs):
    return list(enumerate(right_list(x, y, step_size, epochs)))


def a_table(x, y, step_size, epochs):
    return pd.DataFrame({"w": right_list(x, y, step_size, epochs)})


def only_downhill_for_positive(x, y, step_size, epochs):
    return loop(x, y, epochs, lambda w: w + step_size * abs(gradient(w, x, y)))


def reassigned_without_autograd(x, y, step_size, epochs):
    w = torch.tensor(0.0, requires_grad=True)
    for _ in range(epochs):
        ((w * x - y) ** 2).mean().backward()
        with torch.no_grad():
            w = w - step_size * w.grad


def swapped(x, y, step_size, epochs):
    return right_list(y, x, step_size, epochs)


def summed_and_never_reset(x, y, step_size, epochs):
    total, w, history = 0.0, 0.0, []
    for _ in range(epochs):
        total += 2 * float((x * (w * x - y)).sum())
        w -= step_size * total
        history.append(w)
    return history


def loss_not_averaged(x, y, step_size, epochs):
    w = torch.tensor(0.0, requires_grad=True)
    ((w * x - y) ** 2).backward()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (broadcast, "each prediction is paired with each y"),
        (gradient_computed_once, "the gradient is computed once, at the start"),
        (sign_of_y, "y has the wrong sign"),
        (root_of_the_loss, "the root of the mean squared error"),
        (absolute_error, "the mean absolute error"),
        (not_squared, "without the square"),
        (with_a_bias, "`nn.Linear(1, 1, bias=False)`"),
        (returns_inside_the_loop, "does `return` stand inside the loop?"),
        (stores_after_the_loop, "store w inside the loop"),
        (stops_early, "ends after 30 of 40 epochs"),
        (over_the_data, "does the loop run over the data?"),
        (list_outside, "Create the list inside the function"),
        (parameter_set_back, "`w.zero_()` in place of `w.grad.zero_()`"),
        (before_and_summed, "summed instead of averaged"),
        (range_from_one, "`range(1, epochs)` runs epochs - 1 times"),
        (two_lists, "return only the list of w"),
        (epochs_and_weights, "Your list holds pairs"),
        (a_table, "returns a DataFrame"),
        (only_downhill_for_positive, ""),
        (gradients_not_reset, "your gradients add up from step to step"),
        (wrong_direction, "Your steps go uphill"),
        (gradient_doubled, "twice as long as it should be: either the gradient is doubled"),
        (backward_twice, "backward() called twice) or the step size is"),
        (loss_with_one_half, "half as long as it should be: either the gradient is halved"),
        (summed, "summed instead of averaged"),
        (times_one_point_seven, "1.7 times as long as it should be, always by the same factor"),
        (stored_before_the_update, "The last update is missing"),
        (last_epoch_left_out, "One epoch too few"),
        (one_epoch_too_many, "One epoch too many"),
        (one_epoch_too_many_with_start, "One epoch too many"),
        (step_size_ignored, "the same steps whatever `step_size` is"),
        (epochs_ignored, "10 values however many `epochs`"),
        (started_at_one, "w starts at 1."),
        (started_at_one_with_start, "w starts at 1."),
        (started_at_random, "Called twice with the same arguments"),
        (goes_on_from_the_last_call, "Called twice with the same arguments"),
        (tensors_with_a_graph, "still carries its graph"),
        (the_parameter_itself, "still carries its graph"),
        (shared_memory, "All entries of your list are equal"),
        (printed_only, "prints its result but returns nothing"),
        (nothing_returned, "Your function returns nothing"),
        (only_the_last, "returns a single number"),
        (pasted, "the same numbers whatever it is called with"),
        (pasted_to_length, "the same numbers whatever it is called with"),
        (data_of_the_notebook, "does it use the `x` and `y` of the notebook"),
        (not_a_number, "Your list holds nan"),
        (rounded, "Your numbers are rounded to 2 digits"),
        (as_text, "Your list holds text"),
        (losses, "Your list holds the loss of each epoch"),
        (gradients, "Your list holds the gradient of each epoch"),
        (row_by_row, "You update w after each row of the data"),
        (never_moves, "w never moves from 0"),
        (empty, "Your list is empty"),
        (no_gradient_asked_for, "created without requires_grad=True"),
        (update_under_autograd, "do it inside `with torch.no_grad():`"),
        (reassigned, "an assignment like `w = w - ...` made a new tensor"),
        (reassigned_without_autograd, "`w -= ...` keeps the old one"),
        (swapped, "x and y are exchanged"),
        (summed_and_never_reset, "summed instead of averaged"),
        (loss_not_averaged, "Take its mean before backward()".replace("Take", "take")),
    ],
)
def test_wrong_descents_are_named(answer, words, seed):
    Global.w, Global.history = 0.0, []
    message = say("1.1", answer, seed)
    assert message != "correct"
    assert words in message


def test_what_nobody_foresaw_is_answered_with_the_first_difference():
    def odd(x, y, step_size, epochs):
        history = right_list(x, y, step_size, epochs)
        history[2] += 0.5
        return history

    message = say("1.1", odd, seed=0)
    assert "after epoch 3" in message
    assert "The epochs before it are right." in message


# --- 1.2 ------------------------------------------------------------------------------------------


def factor(x, step_size):
    return 1 - 2 * step_size * np.mean(np.square(x))


def right_steps(x, y, step_size, tolerance):
    size = abs(factor(x, step_size))
    if size >= 1:
        return None
    return 1 if size == 0 else math.floor(math.log(tolerance) / math.log(size)) + 1


def right_numpy_steps(x, y, step_size, tolerance):
    size = np.abs(factor(np.array(x), step_size))
    if size >= 1:
        return None
    with np.errstate(divide="ignore"):
        return np.int64(np.ceil(np.log(tolerance) / np.log(size))) or np.int64(1)


def right_torch_steps(x, y, step_size, tolerance):
    size = abs(1 - 2 * step_size * torch.tensor(x, dtype=torch.float64).square().mean())
    if size >= 1:
        return None
    return 1 if size == 0 else math.ceil(math.log(tolerance) / math.log(size))


def right_tensor_steps(x, y, step_size, tolerance):
    value = right_steps(x, y, step_size, tolerance)
    return value if value is None else torch.tensor(value)


def right_by_spread_and_mean(x, y, step_size, tolerance):
    size = abs(1 - 2 * step_size * (np.std(x) ** 2 + np.mean(x) ** 2))
    if size >= 1:
        return None
    return 1 if size < 1e-12 else math.floor(math.log(tolerance) / math.log(size)) + 1


def right_and_talkative(x, y, step_size, tolerance):
    print(step_size)
    return right_steps(x, y, step_size, tolerance)


def right_by_the_course(x, y, step_size, tolerance):
    size = abs(model_1p.error_factor(x, step_size))
    if size >= 1:
        return None
    return 1 if size == 0 else int(math.log(tolerance) / math.log(size)) + 1


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "answer",
    [
        right_steps,
        right_numpy_steps,
        right_torch_steps,
        right_tensor_steps,
        right_by_spread_and_mean,
        right_and_talkative,
        right_by_the_course,
    ],
)
def test_right_numbers_of_steps_pass(answer, seed):
    assert say("1.2", answer, seed) == "correct"


def no_absolute_value(x, y, step_size, tolerance):
    return math.ceil(math.log(tolerance) / math.log(factor(x, step_size)))


def sign_turned(x, y, step_size, tolerance):
    f = factor(x, step_size)
    return math.ceil(math.log(tolerance) / math.log(f if f > 0 else 1 + f))


def rounded_down(x, y, step_size, tolerance):
    return math.floor(math.log(tolerance) / math.log(abs(factor(x, step_size))))


def one_more(x, y, step_size, tolerance):
    return right_steps(x, y, step_size, tolerance) + 1


def float_steps(x, y, step_size, tolerance):
    value = right_steps(x, y, step_size, tolerance)
    return value if value is None else float(value)


def unrounded(x, y, step_size, tolerance):
    return math.log(tolerance) / math.log(abs(factor(x, step_size)))


def only_the_logarithm(x, y, step_size, tolerance):
    return math.ceil(math.log(tolerance) / math.log(abs(factor(x, step_size))))


def half_forgotten(x, y, step_size, tolerance):
    value = right_steps(x, y, step_size, tolerance)
    return 0 if factor(x, step_size) == 0 else value


def critical_forgotten(x, y, step_size, tolerance):
    size = abs(factor(x, step_size))
    return 1 if size == 0 else math.ceil(math.log(tolerance) / math.log(size))


def diverging_forgotten(x, y, step_size, tolerance):
    size = abs(factor(x, step_size))
    if size in (0, 1):
        return 1 if size == 0 else None
    return math.ceil(math.log(tolerance) / math.log(size))


def counted(x, y, step_size, tolerance):
    error, steps = 1.0, 0
    while error >= tolerance:
        error *= abs(factor(x, step_size))
        steps += 1
    return steps


def counted_below_one(x, y, step_size, tolerance):
    return None if abs(factor(x, step_size)) >= 1 else counted(x, y, step_size, tolerance)


def without_the_two(x, y, step_size, tolerance):
    return right_steps(x, y, step_size / 2, tolerance)


def of_the_loss(x, y, step_size, tolerance):
    return right_steps(x, y, step_size, math.sqrt(tolerance))


def inequality_turned(x, y, step_size, tolerance):
    size = abs(factor(x, step_size))
    return math.ceil(-math.log(tolerance) / math.log(size))


def in_float32(x, y, step_size, tolerance):
    size = abs(1 - 2 * step_size * torch.tensor(x).square().mean()).item()
    if size >= 1:
        return None
    return 1 if size == 0 else math.ceil(math.log(tolerance) / math.log(size))


def printed_steps(x, y, step_size, tolerance):
    print(right_steps(x, y, step_size, tolerance))


def no_return(x, y, step_size, tolerance):
    right_steps(x, y, step_size, tolerance)


def mean_forgotten(x, y, step_size, tolerance):
    return np.log(tolerance) / np.log(abs(1 - 2 * step_size * np.square(x)))


def guarded_sum(x, y, step_size, tolerance):
    return right_steps(x, y, step_size * len(x), tolerance)


def the_factor(x, y, step_size, tolerance):
    return factor(x, step_size)


def with_a_limit(x, y, step_size, tolerance):
    value = right_steps(x, y, step_size, tolerance)
    return None if value is None or value > 10_000 else value


def float_at_half(x, y, step_size, tolerance):
    value = right_steps(x, y, step_size, tolerance)
    return 1.0 if value == 1 else value


def text_steps(x, y, step_size, tolerance):
    return "12"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (no_absolute_value, "What is the sign of the factor there?"),
        (sign_turned, "right below half the critical step size and wrong above it"),
        (rounded_down, "Should it be rounded the other way?"),
        (one_more, "One step too many"),
        (float_steps, "The value is right, its type is not"),
        (unrounded, "A number of steps is whole"),
        (only_the_logarithm, "ValueError at half the critical step size"),
        (half_forgotten, "returns 0 at half the critical step size"),
        (critical_forgotten, "ZeroDivisionError at the critical step size"),
        (diverging_forgotten, "above the critical step size. How large is the factor"),
        (counted, "At the critical step size the error never shrinks: return None."),
        (counted_below_one, "one logarithm replaces the loop"),
        (without_the_two, "the 2 of the squared error is missing"),
        (of_the_loss, "Which power of it is the loss?"),
        (inequality_turned, "cannot be negative"),
        (in_float32, "Or float32, in which 1 minus a very small number is 1?"),
        (text_steps, "returns a str; asked for is a number of steps"),
        (printed_steps, "prints its result but returns nothing"),
        (no_return, "Is a `return` missing?"),
        (mean_forgotten, "Is a mean or a maximum missing?"),
        (guarded_sum, "the sum of x² in place of the mean"),
        (the_factor, "That is the factor of one step"),
        (with_a_limit, "Is there a limit to a loop"),
        (float_at_half, "The value is right, its type is not"),
    ],
)
def test_wrong_numbers_of_steps_are_named(answer, words, seed, monkeypatch):
    monkeypatch.setattr("adl.exercises._answer._SECONDS", 0.5)
    assert words in say("1.2", answer, seed)


# --- 1.3 ------------------------------------------------------------------------------------------


def limit(x):
    return 2 / np.linalg.eigvalsh(matrix(x)).max()


def matrix(x):
    return 2 * np.array([[np.mean(x**2), np.mean(x)], [np.mean(x), 1]])


def standard(x):
    return (x - x.mean()) / x.std()


def condition(x):
    smallest, largest = np.linalg.eigvalsh(matrix(x))
    return largest / smallest


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "answer",
    [
        lambda x: (limit(np.array(x)), limit(standard(np.array(x))), 1.0),
        lambda x: [limit(np.array(x)), 1, condition(standard(np.array(x)))],
        lambda x: torch.tensor([model_2p.critical_step_size(x), 1.0, 1.0]),
        lambda x: np.array([[limit(np.array(x))], [1.0], [1.0]]),
    ],
)
def test_right_step_limits_pass(answer, seed):
    assert say("1.3", answer, seed) == "correct"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("before", "words"),
    [
        (lambda x: 2 / np.linalg.eigvalsh(matrix(x)).min(), "the smaller curvature"),
        (lambda x: 1 / np.linalg.eigvalsh(matrix(x)).max(), "1 over the largest"),
        (lambda x: 4 / np.linalg.eigvalsh(matrix(x)).max(), "twice too large"),
        (lambda x: np.linalg.eigvalsh(matrix(x)).max(), "the largest curvature itself"),
        (lambda x: 2 / np.trace(matrix(x)), "the sum of the two curvatures"),
        (lambda x: 2 / np.linalg.eigvalsh(matrix(x)), "Is a mean or a maximum missing?"),
        (lambda x: 1 / np.mean(x**2), "the model without an intercept"),
        (lambda x: limit(x) / len(x), "the matrix has means, not sums"),
        (lambda x: 1, "the order is before, after"),
        (lambda x: round(limit(x), 4), "rounded to 4 digits"),
        (lambda x: None, "returns a NoneType"),
        (str, "returns a str"),
    ],
)
def test_wrong_limits_before_are_named(before, words, seed):
    def answer(x):
        x = np.array(x)
        return before(x), 1.0, 1.0

    assert words in say("1.3", answer, seed)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda x: x, "is the standardised x used?"),
        (lambda x: x - x.mean(), "its spread is not 1 yet"),
        (lambda x: x / x.std(), "its mean is not 0 yet"),
        (lambda x: x - x.mean() / x.std(), "in brackets"),
        (lambda x: (x - x.mean()) / x.var(), ""),
        (lambda x: (x - x.mean()) / x.std(ddof=1), "with n - 1 in place of n"),
        (lambda x: (x - x.mean()) / (x.max() - x.min()), "divided by its standard deviation"),
        (lambda x: (x - x.mean()) / np.linalg.norm(x - x.mean()), "divided by its standard"),
    ],
)
def test_wrong_ways_to_standardise_are_named(prepare, words, seed):
    def answer(x):
        x = np.array(x)
        z = prepare(x)
        return limit(x), limit(z), condition(z)

    message = say("1.3", answer, seed)
    assert message != "correct"
    assert words in message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x: None, "returns nothing"),
        (lambda x: 0.03, "returns one value"),
        (lambda x: (0.03, 1), "returns 2 values"),
        (lambda x: x.mean(), "AttributeError"),
        (lambda x: {"before": 0.03, "after": 1, "condition": 1}, "returns a dict"),
        (lambda x: (limit(np.array(x)), 1 / limit(np.array(x)), 1), "the ratio of the two"),
        (lambda x: (limit(np.array(x)), 1, condition(np.array(x))), "the one before standardising"),
    ],
)
def test_step_limits_of_the_wrong_kind_are_answered_in_words(answer, words):
    assert words in say("1.3", answer, seed=0)
