"""Diagnosis of a reader's gradient descent on ``y = w x``: exercise 1.1.

The reader's history of w is compared with the right one and with those that known mistakes would
give. A rule that is recognised is named; whatever is left is answered with the first difference.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from adl import model_1p, model_2p
from adl.exercises._answer import Answer, Mistake
from adl.exercises._numbers import history


@dataclass(frozen=True)
class Descent:
    """Arguments for one call of the reader's ``descend``, with the right answer."""

    x: np.ndarray
    y: np.ndarray
    step_size: float
    epochs: int

    @property
    def best(self) -> float:
        return model_1p.optimum(self.x, self.y)

    @property
    def factor(self) -> float:
        return model_1p.error_factor(self.x, self.step_size)

    def gradient(self, w: float) -> float:
        return float(2 * np.mean(self.x * (w * self.x - self.y)))

    def path(self, epochs: int | None = None) -> np.ndarray:
        """Weight after each update, from the course's own descent."""
        table = model_1p.train(self.x, self.y, self.step_size, epochs or self.epochs)
        return table["new_w"].to_numpy()

    def path_with(self, gradient: Callable[[float], float]) -> np.ndarray:
        """Weight after each update, with some other gradient in place of the right one."""
        weights = [0.0]
        for _ in range(self.epochs):
            weights.append(weights[-1] - self.step_size * gradient(weights[-1]))
        return np.array(weights[1:])

    def is_close(self, values: np.ndarray, expected: np.ndarray) -> bool:
        """Whether two histories agree, to what float32 can do."""
        if len(values) != len(expected):
            return False
        scale = np.maximum(np.abs(expected), np.abs(expected[:1]).max(initial=0))
        return bool(np.all(np.abs(values - expected) <= 3e-4 * scale))

    def is_right(self, values: np.ndarray) -> bool:
        """Whether a history is right, with or without the start value."""
        path = self.path()
        return self.is_close(values, path) or (
            len(values) == len(path) + 1
            and abs(values[0]) <= 1e-6
            and self.is_close(values[1:], path)
        )


def examine(answer: Answer, rng: np.random.Generator) -> None:
    """Call the reader's ``descend`` on three data sets, and raise `Mistake` if one is wrong."""
    cases = _draw(rng)
    for case in cases:
        values = _call(answer, case)
        if not case.is_right(values):
            raise Mistake(_recognise(answer, case, values, cases))


def _draw(rng: np.random.Generator) -> list[Descent]:
    """Draw three data sets: slopes of both signs, different numbers of rows, one long run."""
    cases = []
    for rows, sign, epochs in zip(
        rng.permutation([8, 9, 10]), rng.permutation([1, -1, 1]), (5, 4, 40), strict=True
    ):
        x = rng.uniform(0.6, 3.0, rows) * rng.choice([-1, 1], rows)
        x[0] = abs(x[0]) + 1  # so that the mean of x is not near 0 by chance
        y = sign * rng.uniform(1.2, 4.0) * x + rng.normal(0, 0.3, rows)
        # Far enough from 0 and from half the critical step size for each mistake to show.
        share = rng.uniform(0.12, 0.35)
        cases.append(Descent(x, y, float(share * model_1p.critical_step_size(x)), epochs))
    return cases


def _call(answer: Answer, case: Descent) -> np.ndarray:
    import torch

    x, y = (torch.tensor(values, dtype=torch.float32) for values in (case.x, case.y))
    return history(answer, answer(x, y, case.step_size, case.epochs), of="w after each epoch")


def _recognise(answer: Answer, case: Descent, values: np.ndarray, cases: list[Descent]) -> str:
    """Say in words what is wrong with a history."""
    if len(values) == 0:
        return "Your list is empty: is w stored inside the loop, after each update?"
    if not np.isfinite(values).all():
        return (
            f"Your list holds {values[~np.isfinite(values)][0]} at a step size for which w should "
            "come closer in every step. Print the loss and the gradient of the first two epochs: "
            "which of them is the first that is not a number?"
        )
    return (
        _constant(case, values)
        or _ignored_argument(answer, case, values, cases)
        or _wrong_count(case, values)
        or _fixed_length(answer, case, values)
        or _wrong_content(case, values)
        or _wrong_update(case, values)
        or _shifted(case, values)
        or _first_difference(case, values)
    )


def _constant(case: Descent, values: np.ndarray) -> str | None:
    if len(values) < 2 or not np.all(values == values[0]):
        return None
    if values[0] == 0:
        return (
            "w never moves from 0. Is the gradient reset before it is used, the update not stored "
            "back in w, or the optimiser's step() missing?"
        )
    return (
        "All entries of your list are equal. Is one value stored again and again, or w itself set "
        "back in every epoch (`w.zero_()` in place of `w.grad.zero_()`)?"
    )


def _ignored_argument(
    answer: Answer, case: Descent, values: np.ndarray, cases: list[Descent]
) -> str | None:
    other = next(c for c in cases if c is not case)
    again = _call(answer, case)
    if len(again) > len(values) and _same(values, again[: len(values)]):
        return (
            "Called twice, your function returns a longer list: the values of the first call are "
            "still in it. Create the list inside the function."
        )
    if not _same(values, again):
        return (
            "Called twice with the same arguments, your function gives two different answers. Is w "
            "created inside the function, at 0? Or does it go on from where the last call ended, "
            "or start at a random number, as nn.Linear does?"
        )
    data = _same(values, _call(answer, replace(case, x=other.x, y=other.y)))
    step = _same(values, _call(answer, replace(case, step_size=case.step_size / 2)))
    if data and step:
        return (
            "Your function returns the same numbers whatever it is called with. The check draws "
            "its own data: compute w from the arguments x, y and step_size."
        )
    if step:
        return (
            "Your function takes the same steps whatever `step_size` is. Is a number written where "
            "the argument should stand?"
        )
    if data:
        return (
            "Your function gives the same answer for other data: does it use the `x` and `y` of "
            "the notebook in place of its own arguments?"
        )
    return None


def _wrong_count(case: Descent, values: np.ndarray) -> str | None:
    path, longer = case.path(), case.path(case.epochs + 1)
    if len(values) == 1:
        if case.is_close(values, path[:1]):
            return "Only the first w is returned: does `return` stand inside the loop?"
        if case.is_close(values, path[-1:]):
            return "Only the last w is returned: store w inside the loop, in a list made before it."
    if len(values) == case.epochs and values[0] == 0 and case.is_close(values[1:], path[:-1]):
        return (
            "The last update is missing: your list has w before each update. Store w after the "
            "update. Or, if the list begins with the start, the loop runs one time too few: "
            "`range(1, epochs)` runs epochs - 1 times."
        )
    if case.is_close(values, path[:-1]):
        return (
            f"One epoch too few: for epochs={case.epochs} you return {len(values)} values, and the "
            "last update is missing. Mind that `range(1, epochs)` runs epochs - 1 times."
        )
    if case.is_close(values, longer) or (values[0] == 0 and case.is_close(values[1:], longer)):
        return (
            f"One epoch too many: for epochs={case.epochs} your function makes "
            f"{case.epochs + 1} updates. Where does your `range` end?"
        )
    return None


def _fixed_length(answer: Answer, case: Descent, values: np.ndarray) -> str | None:
    path = case.path()
    if 1 < len(values) < case.epochs - 1 and case.is_close(values, path[: len(values)]):
        return (
            f"Every w in your list is right, but it ends after {len(values)} of {case.epochs} "
            "epochs. Is there a break in the loop, or a fixed number of epochs?"
        )
    longer = _call(answer, replace(case, epochs=case.epochs + 2))
    if len(longer) != len(values) or len(values) == 1:
        return None
    fewer = _call(answer, replace(case, x=case.x[1:], y=case.y[1:]))
    if len(fewer) == len(values) - 1:
        return (
            f"Your function returns {len(values)} values, as many as there are points, however "
            "many `epochs` are asked for: does the loop run over the data?"
        )
    return (
        f"Your function returns {len(values)} values however many `epochs` are asked for. Is a "
        "number written where the argument should stand?"
    )


def _wrong_content(case: Descent, values: np.ndarray) -> str | None:
    path = case.path()
    before = np.append(0.0, path[:-1])
    for weights in (before, path):
        losses = np.array([np.mean((w * case.x - case.y) ** 2) for w in weights])
        if case.is_close(values, losses):
            return "Your list holds the loss of each epoch; asked for is w."
        if case.is_close(values, np.array([case.gradient(w) for w in weights])):
            return "Your list holds the gradient of each epoch; asked for is w."
    for wanted in (path, np.append(0.0, path)):
        for digits in (1, 2, 3, 4):
            # Half a unit of the last digit, and what float32 adds to it.
            rounded = np.all(values == np.round(values, digits))
            near = len(values) == len(wanted) and np.all(
                np.abs(values - wanted) < 0.51 * 10.0**-digits + 1e-6
            )
            if rounded and near:
                return f"Your numbers are rounded to {digits} digits: round when you print."
        if case.is_close(values[::-1], wanted):
            return "Your numbers are right and in reverse order: append to the end of the list."
    return None


def _wrong_update(case: Descent, values: np.ndarray) -> str | None:
    # A leading start value is welcome: what follows it is the history.
    steps = values[1:] if len(values) == case.epochs + 1 else values
    if len(steps) != case.epochs or len(steps) < 2:
        return None
    for gradient, message in _rules(case):
        if case.is_close(steps, case.path_with(gradient)):
            return message
    if case.is_close(steps, _with_intercept(case)):
        return (
            "Your model has an intercept, which learns along: the model here is w·x alone. In "
            "torch, `nn.Linear(1, 1, bias=False)`."
        )
    ratio = steps[0] / (-case.step_size * case.gradient(0.0))
    scaled = case.path_with(lambda w: ratio * case.gradient(w))
    if abs(ratio - 1) > 0.02 and case.is_close(steps, scaled):
        return _constant_factor(ratio, len(case.x))
    start = (steps[0] - (1 - case.factor) * case.best) / case.factor
    expected = case.best + (start - case.best) * case.factor ** np.arange(1, case.epochs + 1)
    if abs(start) > 1e-3 * abs(case.best) and case.is_close(steps, expected):
        return (
            f"Every step is right, but w starts at {start:.3g}. Start at 0, so that the result can "
            "be compared."
        )
    return None


def _rules(case: Descent) -> list[tuple[Callable[[float], float], str]]:
    """Gradients that known mistakes amount to, and what to say of each."""
    x, y = case.x, case.y
    total = 0.0

    def never_reset(w: float) -> float:
        nonlocal total
        total += case.gradient(w)
        return total

    def row_by_row(w: float) -> float:
        now = w
        for xi, yi in zip(x, y, strict=True):
            now -= case.step_size * 2 * xi * (now * xi - yi)
        return (w - now) / case.step_size

    def every_pair(w: float) -> float:
        return float(2 * (w * np.mean(x**2) - np.mean(x) * np.mean(y)))

    return [
        (
            never_reset,
            "The first update is right; the later ones are pushed by all the gradients before "
            "them: your gradients add up from step to step. backward() adds to `w.grad`; set it "
            "back to zero in each epoch.",
        ),
        (
            row_by_row,
            "You update w after each row of the data. Asked for is one update an epoch, with the "
            'gradient of the mean over all rows; the section "One row at a time" comes back to '
            "yours.",
        ),
        (
            every_pair,
            "Your predictions and y have different shapes, and each prediction is paired with each "
            "y: the loss is a mean over all pairs. Print both shapes, and make them equal.",
        ),
        (
            lambda w: float(2 * np.mean(y * (w * y - x))),
            "x and y are exchanged in your loss: the prediction is w·x, and it is compared with y.",
        ),
        (
            lambda w: case.gradient(0.0),
            "Your steps are all equal: the gradient is computed once, at the start. Compute loss "
            "and gradient anew in each epoch.",
        ),
        (
            lambda w: float(2 * np.mean(x * (w * x + y))),
            "Your path is the mirror image of the right one: in the loss, y has the wrong sign.",
        ),
        (
            lambda w: case.gradient(w) / 2 / float(np.sqrt(np.mean((w * x - y) ** 2))),
            "You descend on the root of the mean squared error; asked for is its square.",
        ),
        (
            lambda w: float(np.mean(x * np.sign(w * x - y))),
            "You descend on the mean absolute error; asked for is the mean of the squares.",
        ),
        (
            lambda w: float(np.mean(x)),
            "You descend on the mean of the errors, without the square.",
        ),
    ]


def _with_intercept(case: Descent) -> np.ndarray:
    return model_2p.train(case.x, case.y, case.step_size, case.epochs)["new_w"].to_numpy()


def _constant_factor(ratio: float, rows: int) -> str:
    for factor, cause in _factor_causes(rows).items():
        if _is_factor(ratio, factor):
            return cause
    return (
        f"Every step is {ratio:.3g} times as long as it should be, always by the same factor: look "
        "at the constants in your gradient (is it the mean over the points, of the square?) and "
        "at what multiplies it."
    )


def _is_factor(ratio: float, factor: float) -> bool:
    return abs(ratio - factor) < 0.01 * abs(factor)


def _factor_causes(rows: int) -> dict[float, str]:
    return {
        -1.0: "Your steps go uphill: the gradient points to where the loss rises, so it is "
        "subtracted from w, not added.",
        2.0: "Every step is twice as long as it should be: either the gradient is doubled (the 2 "
        "of the square written once more, or backward() called twice) or the step size is.",
        0.5: "Every step is half as long as it should be: either the gradient is halved (a loss "
        "with ½ in front, or a derivative without its 2) or the step size is.",
        float(rows): f"Every step is {rows} times too long, and there are {rows} points: the "
        "errors are summed instead of averaged. Take the mean.",
        1 / rows: f"Every step is {rows} times too short, and there are {rows} points: the mean is "
        "divided by their number once more.",
    }


def _shifted(case: Descent, values: np.ndarray) -> str | None:
    """Two mistakes at once: w stored before each update, and a wrong update."""
    if len(values) != case.epochs or values[0] != 0 or case.epochs < 3:
        return None
    found = _wrong_update(replace(case, epochs=case.epochs - 1), values[1:])
    return found and f"{found} And your list has w before each update, not after it."


def _first_difference(case: Descent, values: np.ndarray) -> str:
    wanted = case.path()
    if len(values) not in (case.epochs, case.epochs + 1):
        plural = "value" if len(values) == 1 else "values"
        return f"For epochs={case.epochs} you return {len(values)} {plural}, not {case.epochs}."
    if len(values) == case.epochs + 1:
        wanted = np.append(0.0, wanted)
    scale = np.maximum(np.abs(wanted), abs(case.best))
    place = int(np.argmax(np.abs(values - wanted) > 1e-4 * scale))
    first = values[len(values) - case.epochs]
    ratio = first / (-case.step_size * case.gradient(0.0))
    causes = _factor_causes(len(case.x))
    cause = next((words for factor, words in causes.items() if _is_factor(ratio, factor)), "")
    if cause:
        return f"Look at your first step. {cause} That is not all: the later steps differ too."
    epoch = place + case.epochs + 1 - len(values)
    return (
        f"On data drawn for this check ({len(case.x)} points, step size {case.step_size:.4g}) w "
        f"should be {wanted[place]:.5g} after epoch {epoch}; yours is {values[place]:.5g}. "
        f"{'The epochs before it are right. ' if place > 1 else ''}Do one update by hand and "
        "compare."
    )


def _same(values: np.ndarray, others: np.ndarray) -> bool:
    return len(values) == len(others) and np.allclose(values, others, rtol=1e-6)
