"""The exercises of chapter 1: the training loop, the number of steps, standardising."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any

import numpy as np

from adl import model_1p, model_2p
from adl.exercises._answer import Answer, Endless, Mistake, Stopped
from adl.exercises._exercise import Exercise
from adl.exercises._numbers import SHARED, history

# --- 1.1 The training loop ------------------------------------------------------------------------


@dataclass(frozen=True)
class _Descent:
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

    def path(self, step_size: float | None = None, epochs: int | None = None) -> np.ndarray:
        """Weight after each update, from the course's own descent."""
        step_size = self.step_size if step_size is None else step_size
        table = model_1p.train(self.x, self.y, step_size, epochs or self.epochs)
        return table["new_w"].to_numpy()

    def path_with(self, step: Callable[[float, int], float]) -> np.ndarray:
        """Weight after each update by some other rule, ``step(w, epoch) -> new w``."""
        weights = [0.0]
        for epoch in range(self.epochs):
            weights.append(step(weights[-1], epoch))
        return np.array(weights[1:])

    def is_close(self, values: np.ndarray, expected: np.ndarray) -> bool:
        """Whether two histories agree, to what float32 can do."""
        if len(values) != len(expected):
            return False
        scale = np.maximum(np.abs(expected), abs(self.best))
        return bool(np.all(np.abs(values - expected) <= 1e-4 * scale))


def _draw_descent(rng: np.random.Generator) -> _Descent:
    rows = int(rng.integers(6, 10))
    x = rng.uniform(0.6, 3.0, rows) * rng.choice([-1, 1], rows)
    y = rng.uniform(1.2, 4.0) * rng.choice([-1, 1]) * x + rng.normal(0, 0.3, rows)
    # Far enough from 0 and from half the critical step size for each mistake to show.
    step_size = rng.uniform(0.12, 0.35) * model_1p.critical_step_size(x)
    return _Descent(x, y, float(step_size), int(rng.integers(5, 8)))


def _examine_descend(answer: Answer, rng: np.random.Generator) -> None:
    cases = [_draw_descent(rng) for _ in range(3)]
    for case in cases:
        values = _call_descend(answer, case)
        if not (
            case.is_close(values, case.path()) or case.is_close(values, np.append(0.0, case.path()))
        ):
            raise Mistake(_recognise_descent(answer, case, values, cases))


def _call_descend(answer: Answer, case: _Descent) -> np.ndarray:
    import torch

    x, y = (torch.tensor(values, dtype=torch.float32) for values in (case.x, case.y))
    value = answer(x, y, case.step_size, case.epochs)
    return history(value, of="w after each epoch", printed=answer.printed)


def _recognise_descent(
    answer: Answer, case: _Descent, values: np.ndarray, cases: list[_Descent]
) -> str:
    """Say in words what is wrong with a history, by comparing it with named wrong variants."""
    if len(values) == 0:
        return "Your list is empty: is w stored inside the loop, after each update?"
    if not np.isfinite(values).all():
        return (
            f"Your list holds {values[~np.isfinite(values)][0]} at a step size for which w should "
            "come closer in every step. Print the loss and the gradient of the first two epochs: "
            "which of them is the first that is not a number?"
        )
    return (
        _ignored_argument(answer, case, values, cases)
        or _wrong_count(case, values)
        or _wrong_update(case, values)
        or _wrong_content(case, values)
        or _first_difference(case, values)
    )


def _ignored_argument(
    answer: Answer, case: _Descent, values: np.ndarray, cases: list[_Descent]
) -> str | None:
    other = next(c for c in cases if c is not case)
    if not _same(values, _call_descend(answer, case)):
        return (
            "Called twice with the same arguments, your function gives two different answers. Is w "
            "created inside the function, at 0, or does it go on from where the last call ended?"
        )
    data = _same(values, _call_descend(answer, replace(case, x=other.x, y=other.y)))
    step = _same(values, _call_descend(answer, replace(case, step_size=case.step_size / 2)))
    longer = _call_descend(answer, replace(case, epochs=case.epochs + 2))
    if data and step and len(set(values)) > 1:
        return (
            "Your function returns the same numbers whatever it is called with. The check draws "
            "its own data: compute w from the arguments x, y and step_size."
        )
    if step and len(set(values)) > 1:
        return (
            "Your function takes the same steps whatever `step_size` is. Is a number written where "
            "the argument should stand?"
        )
    if data and len(set(values)) > 1:
        return (
            "Your function gives the same answer for other data: does it use the `x` and `y` of "
            "the notebook in place of its own arguments?"
        )
    if len(longer) == len(values) and len(values) > 1:
        return (
            f"Your function returns {len(values)} values however many `epochs` are asked for. Is a "
            "number written where the argument should stand?"
        )
    return None


def _wrong_count(case: _Descent, values: np.ndarray) -> str | None:
    path, longer = case.path(), case.path(epochs=case.epochs + 1)
    if case.is_close(values, np.append(0.0, path[:-1])):
        return (
            "The last update is missing: your list has w before each update. Store w after the "
            "update, or keep the start and store every w that follows."
        )
    if case.is_close(values, path[:-1]):
        return (
            f"One epoch too few: for epochs={case.epochs} you return {len(values)} values, and the "
            "last update is missing. Where does your `range` end?"
        )
    if case.is_close(values, longer) or case.is_close(values, np.append(0.0, longer)):
        return (
            f"One epoch too many: for epochs={case.epochs} your function makes "
            f"{case.epochs + 1} updates. Where does your `range` end?"
        )
    return None


def _wrong_update(case: _Descent, values: np.ndarray) -> str | None:
    # A leading start value is welcome: what follows it is the history.
    steps = values[1:] if len(values) == case.epochs + 1 else values
    if len(steps) != case.epochs:
        return None
    if np.all(steps == steps[0]):
        return SHARED if steps[0] else "w never moves from 0: is the update stored back in w?"

    def accumulated() -> np.ndarray:
        total = 0.0

        def step(w: float, epoch: int) -> float:
            nonlocal total
            total += case.gradient(w)
            return w - case.step_size * total

        return case.path_with(step)

    if case.is_close(steps, accumulated()):
        return (
            "The first update is right and the later ones are too long: your gradients add up from "
            "step to step. backward() adds to `w.grad`; set it back to zero in each epoch."
        )
    if case.is_close(steps, case.path_with(lambda w, _: _pass_over_rows(case, w))):
        return (
            "You update w after each row of the data. Asked for is one update an epoch, with the "
            "gradient of the mean over all rows; the section on batch size 1 comes back to yours."
        )
    ratio = steps[0] / (-case.step_size * case.gradient(0.0))
    if case.is_close(steps, case.path(step_size=ratio * case.step_size)):
        return _constant_factor(ratio, len(case.x))
    start = (steps[0] - (1 - case.factor) * case.best) / case.factor
    expected = case.best + (start - case.best) * case.factor ** np.arange(1, case.epochs + 1)
    if case.is_close(steps, expected):
        return (
            f"Every step is right, but w starts at {start:.3g}. Start at 0, so that the result can "
            "be compared."
        )
    return None


def _pass_over_rows(case: _Descent, w: float) -> float:
    for x, y in zip(case.x, case.y, strict=True):
        w -= case.step_size * 2 * x * (w * x - y)
    return w


def _constant_factor(ratio: float, rows: int) -> str:
    causes = {
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
    for factor, cause in causes.items():
        if abs(ratio - factor) < 0.01 * abs(factor):
            return cause
    return (
        f"Every step is {ratio:.3g} times as long as it should be, always by the same factor: look "
        "at the constants in your gradient (is it the mean over the points, of the square?) and "
        "at what multiplies it."
    )


def _wrong_content(case: _Descent, values: np.ndarray) -> str | None:
    path = case.path()
    before = np.append(0.0, path[:-1])
    losses = {w: float(np.mean((w * case.x - case.y) ** 2)) for w in (*before, *path)}
    for weights in (before, path):
        if case.is_close(values, np.array([losses[w] for w in weights])):
            return "Your list holds the loss of each epoch; asked for is w."
        if case.is_close(values, np.array([case.gradient(w) for w in weights])):
            return "Your list holds the gradient of each epoch; asked for is w."
    for wanted in (path, np.append(0.0, path)):
        for digits in (1, 2, 3):
            if len(values) == len(wanted) and np.allclose(values, np.round(wanted, digits)):
                return f"Your numbers are rounded to {digits} digits: round when you print."
        if case.is_close(values[::-1], wanted):
            return "Your numbers are right and in reverse order: append to the end of the list."
    return None


def _first_difference(case: _Descent, values: np.ndarray) -> str:
    wanted = case.path()
    if len(values) not in (case.epochs, case.epochs + 1):
        return f"For epochs={case.epochs} you return {len(values)} values, not {case.epochs}."
    if len(values) == case.epochs + 1:
        wanted = np.append(0.0, wanted)
    scale = np.maximum(np.abs(wanted), abs(case.best))
    place = int(np.argmax(np.abs(values - wanted) > 1e-4 * scale))
    epoch = place + case.epochs + 1 - len(values)
    return (
        f"On data drawn for this check ({len(case.x)} points, step size {case.step_size:.4g}) w "
        f"should be {wanted[place]:.5g} after epoch {epoch}; yours is {values[place]:.5g}. "
        f"{'The epochs before it are right. ' if place else ''}Do one update by hand and compare."
    )


def _same(values: np.ndarray, others: np.ndarray) -> bool:
    return len(values) == len(others) and np.allclose(values, others, rtol=1e-6)


# --- 1.2 The number of steps ----------------------------------------------------------------------


@dataclass(frozen=True)
class _Wait:
    """Arguments for one call of the reader's ``steps_to``, with the right answer."""

    x: list[float]
    y: list[float]
    step_size: float
    tolerance: float
    where: str

    @property
    def factor(self) -> float:
        return 1 - 2 * self.step_size * float(np.mean(np.square(self.x)))

    def steps(self, factor: float | None = None) -> float:
        """Real number of steps after which the error has shrunk to the tolerance."""
        factor = self.factor if factor is None else factor
        with np.errstate(all="ignore"):
            return float(np.log(self.tolerance) / np.log(np.abs(factor)))


def _draw_waits(rng: np.random.Generator) -> dict[str, _Wait]:
    x = rng.uniform(0.5, 2.0, 7)
    y = (2 * x + rng.normal(0, 0.2, 7)).tolist()
    mean_square = float(np.mean(x**2))

    def at(factor: float, where: str) -> _Wait:
        tolerance, step_size = 0.0, (1 - factor) / 2 / mean_square
        while (
            not tolerance
            or _Wait(x.tolist(), y, step_size, tolerance, "").steps() % 1 < 0.1
            or (_Wait(x.tolist(), y, step_size, tolerance, "").steps() % 1 > 0.45)
        ):
            tolerance = float(10 ** rng.uniform(-5, -2))
        return _Wait(x.tolist(), y, step_size, tolerance, where)

    # Powers of two make these two exact in any number format: their factors are 0 and -1.
    exact = (2.0 ** rng.integers(-1, 3) * rng.choice([-1.0, 1.0], 8)).tolist()
    critical = 1 / exact[0] ** 2
    special = {
        "half": _Wait(exact, exact, critical / 2, 1e-3, "at half the critical step size"),
        "critical": _Wait(exact, exact, critical, 1e-3, "at the critical step size"),
        "above": _Wait(exact, exact, 1.25 * critical, 1e-3, "above the critical step size"),
        "slow": _Wait(exact, exact, 2.0**-31 * critical, 1e-3, "at a very small step size"),
    }
    return {
        "below": at(rng.uniform(0.5, 0.85), "below half the critical step size"),
        "beyond": at(-rng.uniform(0.5, 0.85), "between half the critical step size and the whole"),
    } | special


def _examine_steps_to(answer: Answer, rng: np.random.Generator) -> None:
    cases = _draw_waits(rng)
    values: dict[str, Any] = {}
    for name, case in cases.items():
        try:
            values[name] = answer(case.x, case.y, case.step_size, case.tolerance, where=case.where)
        except Endless as endless:
            raise Mistake(f"{endless} {_ENDLESS[name]}") from None
        except Stopped as stopped:
            raise Mistake(f"{stopped} {_WHERE_IT_STOPS.get(name, '')}".rstrip()) from None
        if name == "beyond":
            _examine_regular(cases, values)
        elif name in ("critical", "above"):
            _examine_never(name, values[name])
    if values["half"] != 1:
        raise Mistake(
            f"{_shown(values['half'])} at half the critical step size. What is the factor there, "
            "and how many steps does it really take?"
        )
    slow = values["slow"]
    if not _is_whole(slow) or abs(slow / cases["slow"].steps() - 1) > 1e-3:
        raise Mistake(
            f"{_shown(slow)} at a very small step size, where it takes about "
            f"{cases['slow'].steps():.4g} steps. In float32, 1 minus a very small number is just "
            "1: compute with Python's own numbers or with float64."
        )


_WHERE_IT_STOPS = {
    "beyond": "What is the sign of the factor there?",
    "half": "What is the factor there, and how many steps does it really take?",
    "critical": "How large is the factor there, and does the error ever shrink?",
    "above": "Does the error ever shrink there?",
}
_ENDLESS = {
    "below": "The factor and one logarithm do it.",
    "beyond": "The factor and one logarithm do it.",
    "half": "The factor is 0 there: one step does it.",
    "critical": "At the critical step size the error never shrinks: return None.",
    "above": "Above the critical step size the error never shrinks: return None.",
    "slow": "At a very small step size there are thousands of millions of steps to count: one "
    "logarithm replaces the loop.",
}


def _examine_regular(cases: dict[str, _Wait], values: dict[str, Any]) -> None:
    """Below and beyond half the critical step size, where the answer is a plain formula."""
    pairs = [(cases[name], values[name]) for name in ("below", "beyond")]
    for case, value in pairs:
        if value is None:
            raise Mistake(
                f"None {case.where}, where the error does shrink: its size is multiplied by "
                f"{abs(case.factor):.3f} in each step."
            )
        if isinstance(value, bool) or not (isinstance(value, Real) or hasattr(value, "item")):
            raise Mistake(
                f"Your function returns a {type(value).__name__}; asked for is a number of steps."
            )
    found = [float(value) for _, value in pairs]
    exact = [case.steps() for case, _ in pairs]
    whole = [math.floor(steps) + 1 for steps in exact]
    if found == whole:
        if not all(_is_whole(value) for _, value in pairs):
            raise Mistake(
                "The value is right, its type is not: a number of steps is whole, an int."
            )
        return
    case = cases["below"]
    mean_square = (1 - case.factor) / 2 / case.step_size
    variants = {
        "not whole": (exact, 1e-6),
        "too few": ([steps - 1 for steps in whole], 0.0),
        "too many": ([steps + 1 for steps in whole], 0.0),
        "half the curvature": (
            [c.steps(1 - c.step_size * mean_square) for c, _ in pairs],
            1.0,
        ),
        "loss": ([steps / 2 for steps in exact], 1.0),
        "sum": (
            [c.steps(1 - 2 * c.step_size * mean_square * len(c.x)) for c, _ in pairs],
            1.0,
        ),
    }
    for name, (expected, slack) in variants.items():
        if all(abs(f - e) <= slack + 1e-6 for f, e in zip(found, expected, strict=True)):
            left = abs(case.factor) ** found[0] / case.tolerance
            raise Mistake(
                {
                    "not whole": "That is where the curve crosses the tolerance, between two "
                    "steps. A number of steps is whole: in which direction must it be rounded?",
                    "too few": f"One step too few: after {found[0]:.0f} steps the error is still "
                    f"{left:.3g} times the tolerance. Should it be rounded the other way?",
                    "too many": f"One step too many: after {whole[0]} steps the error is below the "
                    "tolerance already.",
                    "half the curvature": "Your factor is 1 - step_size·mean(x²): the 2 of the "
                    "squared error is missing.",
                    "loss": "That many steps bring the loss down by the tolerance; asked for is "
                    "the distance to the optimum. Which power of it is the loss?",
                    "sum": "Your factor has the sum of x² where the mean should be.",
                }[name]
            )
    if found[0] == whole[0]:
        raise Mistake(
            "Your answer is right below half the critical step size and wrong above it. What is "
            "the sign of the factor there, and does the sign matter for a distance?"
        )
    if min(found) < 0:
        raise Mistake(
            f"{_shown(values['below'])} {case.where}: a number of steps cannot be negative. Mind "
            "the direction of the inequality; the logarithm of a number below 1 is negative."
        )
    raise Mistake(
        f"{_shown(values['below'])} {case.where}, where the error is multiplied by "
        f"{case.factor:.4f} in each step and should come below {case.tolerance:.3g} of its value "
        f"at the start: that takes {whole[0]} steps."
    )


def _examine_never(name: str, value: Any) -> None:
    if value is None:
        return
    case = {"critical": "at the critical step size", "above": "above the critical step size"}[name]
    raise Mistake(
        f"{_shown(value)} {case}. How large is the factor there, and does the error ever come "
        "below the tolerance? Return None if it never does."
    )


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    return f"Your function returns {str(value)[:40]}"


# --- 1.3 Standardising ----------------------------------------------------------------------------


def _examine_step_limits(answer: Answer, rng: np.random.Generator) -> None:
    # Some mistakes show only on inputs of a large spread, others only on a small one.
    for spread in (rng.uniform(1.5, 2.5), rng.uniform(0.2, 0.5)):
        x = rng.uniform(2, 4) + spread * rng.normal(size=9)
        value = answer(x.tolist())
        if value is None:
            raise Mistake("Your function returns nothing; asked for are two step sizes.")
        try:
            found = [float(number) for number in value]
        except TypeError:
            raise Mistake(
                "Your function returns one value; asked for are two step sizes, before and after "
                "standardising: `return before, after`."
            ) from None
        if len(found) != 2:
            raise Mistake(f"Your function returns {len(found)} values; asked for are two.")
        message = _recognise_before(x, found) or _recognise_after(x, found)
        if message:
            raise Mistake(message)


def _recognise_before(x: np.ndarray, found: list[float]) -> str | None:
    right = model_2p.critical_step_size(x)
    if math.isclose(found[0], right, rel_tol=1e-4):
        return None
    smallest, largest = model_2p.curvatures(x)
    variants = {
        2 / smallest: "is 2 over the smaller curvature. The path has to survive in every "
        "direction: which of the two allows the smaller step?",
        1 / largest: "is 1 over the largest curvature: that is half of the critical step size.",
        4 / largest: "is twice too large: the matrix of second derivatives of the mean squared "
        "error has a 2 in front.",
        model_1p.critical_step_size(x): "is that of the model without an intercept. With one, the "
        "curvature is a 2 × 2 matrix.",
        right / len(x): "is too small by the number of points: the matrix has means, not sums.",
        1.0: "is 1, the one after standardising: the order is before, after.",
    }
    return _named(found[0], variants, "The step size before standardising", right)


def _recognise_after(x: np.ndarray, found: list[float]) -> str | None:
    if math.isclose(found[1], 1.0, rel_tol=1e-4):
        return None
    centred = x - x.mean()
    variants = {
        found[0]: "equals the one before: is the standardised x used?",
        1 / found[0]: "is the ratio of the two; asked for is the step size itself.",
        model_2p.critical_step_size(centred): "is that of x centred: its spread is not 1 yet.",
        model_2p.critical_step_size(x / x.std()): "is that of x divided by its spread: its mean is "
        "not 0 yet.",
        model_2p.critical_step_size(x / x.std() - x.mean()): "is that of x divided by its spread "
        "before the mean, taken from the raw x, was subtracted: subtract first.",
        model_2p.critical_step_size(x - x.mean() / x.std()): "is off because only the mean is "
        "divided: write (x - mean) in brackets.",
        model_2p.critical_step_size(centred / x.var()): "is that of x divided by its variance: the "
        "spread is the square root of it.",
    }
    return _named(found[1], variants, "The step size after standardising", 1.0)


def _named(value: float, variants: dict[float, str], what: str, right: float) -> str:
    for wrong, words in variants.items():
        if math.isclose(value, wrong, rel_tol=1e-4):
            return f"{what} {words}"
    return (
        f"{what} should be {right:.5g} on the data of this check; yours is {value:.5g}. Write down "
        "the two second derivatives and the mixed one, then the largest eigenvalue."
    )


EXERCISES = (
    Exercise(
        id="1.1",
        title="the training loop",
        signature="descend(x, y, step_size, epochs)",
        hints=(
            "One epoch has four moves: compute the loss, ask for its gradient, change w, forget "
            "the gradient. Which of them does your loop make, and in which order?",
            "`loss.backward()` puts the gradient in `w.grad`, on top of what is there. Inside "
            "`with torch.no_grad():` subtract `step_size * w.grad` from w.",
            "In the loop: `loss = ((w * x - y) ** 2).mean()`, `loss.backward()`, then, without "
            "gradients, `w -= step_size * w.grad`, `w.grad.zero_()`, and "
            "`history.append(w.item())`.",
        ),
        praise="Every w agrees with the reference, on data that your function had never seen.",
        examine=_examine_descend,
    ),
    Exercise(
        id="1.2",
        title="how many steps",
        signature="steps_to(x, y, step_size, tolerance)",
        hints=(
            "What is left of the error after t steps, written with the factor of one step?",
            "You want |factor|ᵗ < tolerance. Take logarithms on both sides; both are negative, so "
            "mind the direction of the inequality.",
            "t > log(tolerance) / log|factor|: return the first whole number above it. A factor of "
            "0, and one of size 1 or more, need a line of their own before the logarithm.",
        ),
        praise="Right at every step size, the three special cases included.",
        examine=_examine_steps_to,
    ),
    Exercise(
        id="1.3",
        title="how far standardising carries",
        signature="step_limits(x)",
        hints=(
            "The critical step size is 2 over the largest curvature. With an intercept, curvature "
            "is a matrix: which numbers stand in it?",
            "The matrix is 2·[[mean(x²), mean(x)], [mean(x), 1]]. Standardising is "
            "z = (x - mean(x)) / std(x): what are mean(z) and mean(z²)?",
            "`numpy.linalg.eigvalsh(matrix).max()` is the largest curvature. Compute it for x and "
            "for z, and return 2 divided by each.",
        ),
        praise="Standardised inputs always allow the step size 1, whatever the data were.",
        examine=_examine_step_limits,
    ),
)
