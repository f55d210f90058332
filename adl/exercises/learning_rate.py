"""The exercises of chapter 1: the training loop, the number of steps, standardising."""

import math
import operator
from dataclasses import dataclass
from typing import Any

import numpy as np

from adl import model_1p, model_2p
from adl.exercises import _descent
from adl.exercises._answer import Answer, Endless, Mistake, Stopped
from adl.exercises._exercise import Exercise
from adl.exercises._numbers import nothing_returned, one, several

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

    @property
    def whole_steps(self) -> int:
        return math.floor(self.steps()) + 1


def _draw_waits(rng: np.random.Generator) -> dict[str, _Wait]:
    x = rng.uniform(0.5, 2.0, 7).tolist()
    y = (2 * np.array(x) + rng.normal(0, 0.2, 7)).tolist()

    def at(factor: float, where: str) -> _Wait:
        step_size = (1 - factor) / 2 / float(np.mean(np.square(x)))
        while True:  # until rounding up, rounding down and rounding to the nearest all differ
            tolerance = float(10 ** rng.uniform(-5, -2))
            wait = _Wait(x, y, step_size, tolerance, where)
            if 0.1 < wait.steps() % 1 < 0.45:
                return wait

    # Powers of two make these exact in any number format: their factors are 0, -1 and -1.5.
    exact = (2.0 ** rng.integers(-1, 3) * rng.choice([-1.0, 1.0], 8)).tolist()
    critical = 1 / exact[0] ** 2
    return {
        "below": at(rng.uniform(0.5, 0.85), "below half the critical step size"),
        "beyond": at(-rng.uniform(0.5, 0.85), "between half the critical step size and the whole"),
        "half": _Wait(exact, exact, critical / 2, 1e-3, "at half the critical step size"),
        "critical": _Wait(exact, exact, critical, 1e-3, "at the critical step size"),
        "above": _Wait(exact, exact, 1.25 * critical, 1e-3, "above the critical step size"),
        "slow": _Wait(exact, exact, 2.0**-31 * critical, 1e-3, "at a very small step size"),
    }


def _examine_steps_to(answer: Answer, rng: np.random.Generator) -> None:
    cases = _draw_waits(rng)
    values: dict[str, Any] = {}
    for name, case in cases.items():
        try:
            value = answer(case.x, case.y, case.step_size, case.tolerance, where=case.where)
        except Endless as endless:
            raise Mistake(f"{endless} {_ENDLESS[name]}") from None
        except Stopped as stopped:
            raise Mistake(f"{stopped} {_WHERE_IT_STOPS.get(name, '')}".rstrip()) from None
        if value is None and answer.printed and name in ("below", "beyond"):
            raise Mistake(nothing_returned(answer, "end with `return` and the number of steps"))
        if value is not None:
            one(value, of="a number of steps")
        values[name] = value
        if name == "beyond":
            _examine_regular(cases["below"], cases["beyond"], values)
        elif name == "half" and (value is None or float(value) != 1):
            raise Mistake(
                f"{_shown(value)} at half the critical step size. What is the factor there, and "
                "how many steps does it really take?"
            )
        elif name in ("critical", "above"):
            _examine_never(name, case, value)
        if value is not None and not _is_whole(value) and name in ("half", "slow"):
            raise Mistake(_NOT_WHOLE)
    slow, right = values["slow"], cases["slow"].steps()
    if slow is None or abs(float(slow) / right - 1) > 1e-3:
        raise Mistake(
            f"{_shown(slow)} at a very small step size, where it takes about {right:.4g} steps. Is "
            "there a limit to a loop, a rounded factor, or a comparison with a tolerance such as "
            "isclose? Or float32, in which 1 minus a very small number is 1?"
        )


_NOT_WHOLE = "The value is right, its type is not: a number of steps is whole, an int."
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


def _examine_regular(below: _Wait, beyond: _Wait, values: dict[str, Any]) -> None:
    """Below and beyond half the critical step size, where the answer is a plain formula."""
    pairs = [(below, values["below"]), (beyond, values["beyond"])]
    mean_square = (1 - below.factor) / 2 / below.step_size
    for case, value in pairs:
        if value is None:
            with_sum = 1 - 2 * case.step_size * mean_square * len(case.x)
            why = "Is a `return` missing?"
            if abs(with_sum) >= 1:
                why += (
                    " Or is it the sum of x² in place of the mean, which makes the factor larger?"
                )
            raise Mistake(
                f"None {case.where}, where the error does shrink: its size is multiplied by "
                f"{abs(case.factor):.3f} in each step. {why}"
            )
    found = [float(value) for _, value in pairs]
    exact, whole = ([c.steps() for c, _ in pairs], [c.whole_steps for c, _ in pairs])
    if found == whole:
        if not all(_is_whole(value) for _, value in pairs):
            raise Mistake(_NOT_WHOLE)
        return
    factors = {
        "half the curvature": lambda c: 1 - c.step_size * mean_square,
        "sum": lambda c: 1 - 2 * c.step_size * mean_square * len(c.x),
    }
    variants = {
        "not whole": (exact, 0.0),
        "too few": ([steps - 1 for steps in whole], 0.0),
        "too many": ([steps + 1 for steps in whole], 0.0),
        "loss": ([steps / 2 for steps in exact], 1.0),
        "factor": ([c.factor for c, _ in pairs], 0.0),
    } | {name: ([c.steps(f(c)) for c, _ in pairs], 1.0) for name, f in factors.items()}
    messages = {
        "not whole": "That is where the curve crosses the tolerance, between two steps. A number "
        "of steps is whole: in which direction must it be rounded?",
        "too few": f"One step too few: after {found[0]:.0f} steps the error is still "
        f"{_error_left(below, found[0]):.3g} times the tolerance. Should it be rounded the other "
        "way?",
        "too many": f"One step too many: after {whole[0]} steps the error is below the tolerance "
        "already.",
        "half the curvature": "Your factor is 1 - step_size·mean(x²): the 2 of the squared error "
        "is missing.",
        "loss": "That many steps bring the loss down by the tolerance; asked for is the distance "
        "to the optimum. Which power of it is the loss?",
        "sum": "Your factor has the sum of x² where the mean should be.",
        "factor": "That is the factor of one step. How many such factors does it take?",
    }
    for name, (expected, slack) in variants.items():
        if all(abs(f - e) <= slack + 1e-6 for f, e in zip(found, expected, strict=True)):
            raise Mistake(messages[name])
    if found[0] == whole[0]:
        raise Mistake(
            "Your answer is right below half the critical step size and wrong above it. What is "
            "the sign of the factor there, and does the sign matter for a distance?"
        )
    if min(found) < 0:
        case, value = min(pairs, key=lambda pair: float(pair[1]))
        raise Mistake(
            f"{_shown(value)} {case.where}: a number of steps cannot be negative. Mind the "
            "direction of the inequality; the logarithm of a number below 1 is negative."
        )
    raise Mistake(
        f"{_shown(values['below'])} {below.where}, where the error is multiplied by "
        f"{below.factor:.4f} in each step and should come below {below.tolerance:.3g} of its value "
        f"at the start: that takes {whole[0]} steps."
    )


def _error_left(case: _Wait, steps: float) -> float:
    return abs(case.factor) ** max(steps, 0) / case.tolerance


def _examine_never(name: str, case: _Wait, value: Any) -> None:
    # A factor of -1 may come out as -0.9999999999999999: the answer is astronomical, not wrong.
    if value is None or (name == "critical" and float(value) > 1e13):
        return
    raise Mistake(
        f"{_shown(value)} {case.where}. How large is the factor there, and does the error ever "
        "come below the tolerance? Return None if it never does."
    )


def _is_whole(value: Any) -> bool:
    try:
        operator.index(value)
    except TypeError:
        return False
    return not isinstance(value, bool)


def _shown(value: Any) -> str:
    return f"Your function returns {str(value)[:40]}"


# --- 1.3 Standardising ----------------------------------------------------------------------------

_ASKED = ("the critical step size before", "the one after", "the condition number after")


def _examine_step_limits(answer: Answer, rng: np.random.Generator) -> None:
    # Some mistakes show only on inputs of a large spread, others only on a small one.
    for spread in (rng.uniform(1.5, 2.5), rng.uniform(0.2, 0.5)):
        x = rng.uniform(2, 4) + spread * rng.normal(size=9)
        value = answer(x.tolist())
        if value is None:
            raise Mistake(nothing_returned(answer, "return before, after, condition_after"))
        before, after, condition = several(value, names=_ASKED)
        message = (
            _recognise_before(x, before)
            or _recognise_after(x, before, after)
            or _recognise_condition(x, condition)
        )
        if message:
            raise Mistake(message)


def _recognise_before(x: np.ndarray, found: float) -> str | None:
    right = model_2p.critical_step_size(x)
    if math.isclose(found, right, rel_tol=1e-4):
        return None
    smallest, largest = model_2p.curvatures(x)
    without_two = np.array([[2 * np.mean(x**2), np.mean(x)], [np.mean(x), 2.0]])
    variants = {
        largest: "is the largest curvature itself: divide 2 by it.",
        2 / smallest: "is 2 over the smaller curvature. The path has to survive in every "
        "direction: which of the two allows the smaller step size?",
        1 / largest: "is 1 over the largest curvature: that is half of the critical step size.",
        4 / largest: "is twice too large: the matrix of second derivatives of the mean squared "
        "error has a 2 in front.",
        2 / (smallest + largest): "is 2 over the sum of the two curvatures; the largest decides.",
        2 / np.linalg.eigvalsh(without_two).max(): "is that of a matrix whose mixed entry has "
        "lost its 2.",
        model_1p.critical_step_size(x): "is that of the model without an intercept. With one, the "
        "curvature is a 2 × 2 matrix.",
        right / len(x): "is too small by the number of points: the matrix has means, not sums.",
        1.0: "is 1, the one after standardising: the order is before, after.",
    }
    return _named(found, variants, "The step size before standardising", right)


def _recognise_after(x: np.ndarray, before: float, found: float) -> str | None:
    if math.isclose(found, 1.0, rel_tol=1e-4):
        return None
    centred = x - x.mean()
    variants = {
        before: "equals the one before: is the standardised x used?",
        1 / before: "is the ratio of the two; asked for is the step size itself.",
        model_2p.critical_step_size(centred): "is that of x centred: its spread is not 1 yet.",
        model_2p.critical_step_size(x / x.std()): "is that of x divided by its spread: its mean is "
        "not 0 yet.",
        model_2p.critical_step_size(x - x.mean() / x.std()): "is off because only the mean is "
        "divided: write (x - mean) in brackets.",
        model_2p.critical_step_size(centred / x.var()): "is that of x divided by its variance: the "
        "spread is the square root of it.",
    }
    return _named(found, variants, "The step size after standardising", 1.0)


def _recognise_condition(x: np.ndarray, found: float) -> str | None:
    if math.isclose(found, 1.0, rel_tol=1e-4):
        return None
    if math.isclose(found, model_2p.condition_number(x), rel_tol=1e-4):
        return (
            "The condition number in your answer is the one before standardising; asked for is the "
            "one after."
        )
    if math.isclose(found, 9 / 8, rel_tol=1e-3):
        return (
            "The condition number after standardising is 1.125 for nine points: the spread was "
            "computed with n - 1 in place of n, as torch's and pandas' std do. np.std divides by n."
        )
    return (
        f"The condition number after standardising is {found:.4g} in your answer. With a mean of 0 "
        "and a spread of 1 the two curvatures are equal, and it is 1: is x divided by its standard "
        "deviation, and by nothing else?"
    )


def _named(value: float, variants: dict[float, str], what: str, right: float) -> str:
    for wrong, words in variants.items():
        if math.isclose(value, wrong, rel_tol=1e-4):
            return f"{what} {words}"
    for digits in (2, 3, 4):
        if value == round(right, digits):
            return f"{what} is rounded to {digits} digits: round when you print."
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
        examine=_descent.examine,
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
            "`numpy.linalg.eigvalsh(matrix)` gives the two curvatures, the smaller first. Compute "
            "them for x and for z. Return 2 / largest for x, 2 / largest for z, and "
            "largest / smallest for z.",
        ),
        praise="Standardised inputs have equal curvatures, and the critical step size 1, whatever "
        "the data were.",
        examine=_examine_step_limits,
    ),
)
