"""The exercises of chapter 5: what the practical asks to be written, a prediction, and labels."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from adl.exercises._answer import Answer, Mistake, NotAttempted
from adl.exercises._exercise import Exercise
from adl.exercises._numbers import kind, nothing_returned, one
from adl.scaled_1d import UNLABELLED

# --- 5.1, 5.2 and 5.4 Training, a model, its kernel -----------------------------------------------


def _examine_train(answer: Answer, rng: np.random.Generator) -> str | None:
    from adl.exercises import _training_loop  # torch, which only these three need

    return _training_loop.examine_train(answer, rng)


def _examine_linsin(answer: Answer, rng: np.random.Generator) -> None:
    from adl.exercises import _networks

    _networks.examine_linsin(answer, rng)


def _examine_tangent_kernel(answer: Answer, rng: np.random.Generator) -> None:
    from adl.exercises import _networks

    _networks.examine_tangent_kernel(answer, rng)


# --- 5.3 How far the weights have moved -----------------------------------------------------------

_MOVEMENT_ADVICE = (
    (
        r"list indices must be integers|'list' object has no attribute|'list' and",
        "`history` is a list of arrays: `np.array(history)` makes one table of it, with a row for "
        "each time that weights were saved.",
    ),
    (
        r"name '(norm|linalg)' is not defined",
        "The norm is `np.linalg.norm`.",
    ),
    (
        r"no attribute '(layout|dim)'|must be Tensor, not numpy",
        "The history is made of NumPy's arrays: the norm is `np.linalg.norm`.",
    ),
    (
        r"broadcast",
        "A norm with `axis=0` runs over time, and gives a number for each weight. Take it of each "
        "row.",
    ),
    (
        r"only \S+ arrays can be converted to Python scalars",
        "A norm is taken of a whole row: `np.linalg.norm`, and not `math` or `float`.",
    ),
)


def _examine_movement(answer: Answer, rng: np.random.Generator) -> None:
    steps, size = int(rng.integers(7, 9)), int(rng.integers(4, 6))
    table = _draw_history(rng, steps, size)
    found = _read_movement(answer, answer(list(table), advice=_MOVEMENT_ADVICE, seconds=5), table)
    right = _movement(table)
    if not _is_close(found, right):
        raise Mistake(_recognise_movement(found, table))
    history = list(table.copy())
    answer.run(lambda: answer.function(history), advice=_MOVEMENT_ADVICE, seconds=5)
    if not np.array_equal(history, table):
        raise Mistake(
            "The movement is right, but your function changes the history itself, which somebody "
            "may want to plot: `-=` and `/=` change an array in place."
        )
    other = _draw_history(rng, 3, 7)
    where = "for one array of 3 rows and 7 columns"
    value = answer(other, where=where, advice=_MOVEMENT_ADVICE, seconds=5)
    if not _is_close(_read_movement(answer, value, other), _movement(other)):
        raise Mistake(f"All is right for a list of arrays, and wrong {where}.")


def _draw_history(rng: np.random.Generator, steps: int, size: int) -> np.ndarray:
    """Draw weights that wander off from their start."""
    moves = rng.normal(0.3, 0.5, (steps - 1, size))
    return np.cumsum([rng.normal(0, 1.5, size), *moves], axis=0)


def _movement(table: np.ndarray) -> np.ndarray:
    return _lengths(table - table[0]) / np.linalg.norm(table[0])


def _lengths(table: np.ndarray) -> np.ndarray:
    return np.linalg.norm(table, axis=1)


def _read_movement(answer: Answer, value: Any, table: np.ndarray) -> np.ndarray:
    """What was returned, as an array of any shape."""
    asked = f"asked for is an array of {len(table)} numbers, one each time that weights were saved"
    if value is None:
        raise Mistake(nothing_returned(answer, "end with `return` and the array"))
    if isinstance(value, list | tuple) and any(entry is None or entry is ... for entry in value):
        raise Mistake("Your list holds a gap: something was stored before it had a value.")
    if hasattr(value, "detach"):
        value = value.detach().numpy()
    try:
        found = np.array(value, dtype=float)
    except (TypeError, ValueError):
        raise Mistake(f"Your function returns {kind(value)}; {asked}.") from None
    if isinstance(value, str | bytes):
        raise Mistake(f"Your function returns {kind(value)}; {asked}.")
    return found.reshape(-1) if found.shape in ((len(table), 1), (1, len(table))) else found


def _recognise_movement(found: np.ndarray, table: np.ndarray) -> str:
    """Say in words what is wrong with the movement of the weights."""
    for words, wrongs in _movement_slips(table):
        if any(_is_close(found, wrong) for wrong in wrongs):
            return words
    right = _movement(table)
    shape = f"{table.shape[0]} rows of {table.shape[1]} weights"
    if found.shape == table.shape:
        return (
            f"Your function returns a table of shape {found.shape}, for a history of {shape}. The "
            "norm of each row is missing: `np.linalg.norm(..., axis=1)`."
        )
    if found.shape == table.shape[1:]:
        return (
            f"Your function returns {found.size} numbers for a history of {shape}: the norm runs "
            "over time. Take that of each row, `axis=1`."
        )
    if found.ndim == 0 or found.size == 1:
        return (
            f"Your function returns a single number for a history of {shape}. Take the norm of "
            "each row, `axis=1`, and keep them all."
        )
    if found.shape != right.shape:
        return (
            f"Your function returns the shape {found.shape} for a history of {shape}. Asked for is "
            "one number for each row, the first of them 0."
        )
    if not np.isfinite(found).all():
        return (
            "Your function returns nan or inf. Is it divided by 0? After `history -= history[0]` "
            "the first row is 0, and its norm with it: make a new array."
        )
    ratios = found[1:] / right[1:]
    if np.allclose(ratios, ratios[0]):
        return (
            f"Each number is {ratios[0]:.4g} times what it should be. Divide by the norm of the "
            "first row, once."
        )
    if found[0]:
        return (
            f"Your first number is {found[0]:.3g}, where nothing has moved yet: it should be 0. "
            "Subtract the first row from each."
        )
    return (
        f"In the last row your function returns {found[-1]:.4g}, where {right[-1]:.4g} is right: "
        "the norm of what was added since the first row, divided by the norm of that row."
    )


def _movement_slips(table: np.ndarray) -> list[tuple[str, list[np.ndarray]]]:
    right, start, gone = _movement(table), np.linalg.norm(table[0]), table - table[0]
    lengths, each = _lengths(table), _lengths(np.diff(table, axis=0))
    back, sizes = _lengths(table - table[-1]), np.abs(table[0])
    with_start = np.concatenate([[0], each])
    with np.errstate(divide="ignore"):
        quotients = gone / table[0]
    return [
        (
            "That is the movement from each step to the next. Asked for is that from the start: "
            "subtract the first row from all.",
            [
                numbers
                for below in (1, start, lengths[1:], lengths[:-1], lengths[-1])
                for numbers in (each / below, np.concatenate([[0], each / below]))
            ],
        ),
        (
            "The way is added up, step by step, as if weights never turned back. Asked for is the "
            "distance from the start: subtract the first row from all.",
            [np.cumsum(numbers) / below for numbers in (each, with_start) for below in (1, start)],
        ),
        (
            "The distances are added up over time. Each stands for itself.",
            [np.cumsum(right), np.cumsum(right * start)],
        ),
        (
            "The division is missing: divide by the norm of the first row, so that large and small "
            "networks can be compared.",
            [right * start],
        ),
        (
            "It is divided by the norm of the weights as they are then. Divide by that at the "
            "start: otherwise, weights that grow without end would move by 1 at most.",
            [right * start / lengths],
        ),
        (
            "It is divided by the norm of the last row. Divide by that of the first.",
            [right * start / lengths[-1]],
        ),
        (
            "The squares are missing their root: it is the squared distance, divided by the "
            "squared norm.",
            [right**2],
        ),
        ("The distance is divided by the square of the norm.", [right / start]),
        ("The square of the distance is divided by the norm.", [right**2 * start]),
        ("The distance is squared, and not divided.", [(right * start) ** 2]),
        (
            "It is measured from the last row: the start is `history[0]`.",
            [back / lengths[-1], back / start, back],
        ),
        ("It is in reverse order.", [right[::-1]]),
        (
            "The first number is missing. It is 0: nothing has moved yet.",
            [right[1:], right[1:] * start],
        ),
        ("The last number is missing.", [right[:-1]]),
        (
            "You subtract the norms. Two vectors of one length can be far apart: subtract the "
            "weights, then take the norm.",
            [(lengths - start) / start, np.abs(lengths - start) / start],
        ),
        (
            "Brackets are missing: subtract first, then take the norm, and divide last.",
            [lengths - 1, _lengths(table - table[0] / start), lengths - lengths / start],
        ),
        ("The first row is not subtracted: it is the weights' size.", [lengths / start, lengths]),
        (
            "That is the sum, or the mean, of the sizes. The norm is the root of the sum of the "
            "squares.",
            [np.abs(gone).sum(1) / sizes.sum(), np.abs(gone).sum(1), np.abs(gone).mean(1)],
        ),
        (
            "That is the largest of the weights' changes. The norm is the root of the sum of the "
            "squares.",
            [np.abs(gone).max(1) / sizes.max(), np.abs(gone).max(1)],
        ),
        (
            "The weights' changes are added up with their signs, and cancel. Take the norm.",
            [
                gone.sum(1) / table[0].sum(),
                np.abs(gone.sum(1)) / abs(table[0].sum()),
                gone.mean(1),
            ],
        ),
        (
            "Each weight is divided by its own start: a single weight that began near 0 decides "
            "all. Take two norms, and divide them.",
            [
                _lengths(quotients),
                np.abs(quotients).mean(1),
                quotients.mean(1),
                np.abs(quotients).sum(1),
                quotients.sum(1),
            ],
        ),
        ("That is in percent: leave out the 100.", [100 * right]),
        (
            "The mean is taken of the squares, where a norm takes their sum.",
            [_lengths(gone) / math.sqrt(gone.shape[1])],
        ),
    ]


def _is_close(found: Any, right: Any, tolerance: float = 1e-4) -> bool:
    return np.shape(found) == np.shape(right) and bool(
        np.allclose(found, right, rtol=tolerance, atol=1e-9)
    )


# --- 5.5 The width at which a rate is too large ---------------------------------------------------

_WITHIN = 0.05  # of the right width; ways to fit a proportion differ by about 0.01


@dataclass(frozen=True)
class _Table:
    """Curvatures of networks of some widths, and a rate that is critical at another width."""

    widths: np.ndarray
    slope: float  # curvature for each unit of width
    rate: float
    where: str

    @classmethod
    def draw(cls, rng: np.random.Generator, where: str, times: float) -> "_Table":
        """Draw a table whose rate is critical at so many times its largest width."""
        small = np.sort(rng.choice(np.arange(20, 200), 4, replace=False))
        widths = np.array([*small, rng.integers(300, 400)], dtype=float)
        slope = float(10 ** rng.uniform(-1, -0.4))
        return cls(widths, slope, 2 / (slope * widths[-1] * times), where)

    @property
    def critical(self) -> float:
        return 2 / (self.rate * self.slope)

    def is_right(self, width: float) -> bool:
        return self.is_near(width, self.critical)

    @staticmethod
    def is_near(width: float, other: float) -> bool:
        return abs(width / other - 1) <= _WITHIN


def _examine_critical_width(answer: Answer, rng: np.random.Generator) -> None:
    tables = [
        _Table.draw(rng, "for a width far beyond the table", rng.uniform(2.5, 6)),
        _Table.draw(rng, "for a width inside the table", rng.uniform(0.65, 0.8)),
    ]
    found = []
    for table in tables:
        curvatures = table.slope * table.widths * rng.uniform(0.99, 1.01, len(table.widths))
        value = answer(table.widths, curvatures, table.rate, where=table.where, seconds=5)
        if value is None:
            raise Mistake(nothing_returned(answer, "end with `return` and the width"))
        found.append(one(value, of="a width"))
    wrong = [
        (width, table)
        for width, table in zip(found, tables, strict=True)
        if not table.is_right(width)
    ]
    if wrong:
        raise Mistake(_recognise_width(found, tables) or _wrong_width(*wrong[0]))


_WIDTH_SLIPS: list[tuple[str, list[Callable[[_Table], float]]]] = [
    (
        "Your width is half of what it should be: there lr × curvature is 1, and a step leads just "
        "to the lowest point. The loss rises from 2 on.",
        [lambda t: t.critical / 2],
    ),
    (
        "Your width is twice what it should be: there lr × curvature is 4 already.",
        [lambda t: 2 * t.critical],
    ),
    (
        "The curvature for each unit of width stands upside down. It is c = curvature / width, and "
        "the critical width is 2 / (lr × c). In Python, `2 / lr * c` multiplies by c.",
        [lambda t: 2 * t.slope / t.rate, lambda t: t.slope / t.rate],
    ),
    (
        "That is lr × c, with c the curvature for each unit of width. Solve lr × c × width = 2 for "
        "the width.",
        [lambda t: t.rate * t.slope, lambda t: t.rate * t.slope / 2],
    ),
    (
        "The widths are missing: divide each curvature by its width, then take the mean.",
        [lambda t: 2 / (t.rate * t.slope * t.widths.mean())],
    ),
    (
        "That is the critical curvature, 2 / lr. At which width does a network have it?",
        [lambda t: 2 / t.rate, lambda t: 1 / t.rate],
    ),
    (
        "`lr` does not occur in it. The larger the rate, the smaller the critical width.",
        [lambda t: 2 / t.slope, lambda t: 1 / t.slope, lambda t: t.slope, lambda t: 2 * t.slope],
    ),
    (
        "The rate stands above the fraction line. The larger the rate, the smaller the critical "
        "width.",
        [lambda t: 2 * t.rate / t.slope, lambda t: t.rate / t.slope],
    ),
    (
        "That is a rate, 2 / curvature of the widest network in the table. Asked for is a width.",
        [lambda t: 2 / (t.slope * t.widths[-1]), lambda t: 1 / (t.slope * t.widths[-1])],
    ),
]


def _recognise_width(found: list[float], tables: list[_Table]) -> str | None:
    """Say in words which mistake explains all widths."""
    if found[0] == found[1]:
        return (
            "Your function returns the same width whatever it is called with: compute it from "
            "`widths`, `curvatures` and `lr`."
        )
    for words, formulas in _WIDTH_SLIPS:
        for formula in formulas:
            if all(t.is_near(width, formula(t)) for width, t in zip(found, tables, strict=True)):
                return words
    return None


def _wrong_width(width: float, table: _Table) -> str:
    if not math.isfinite(width) or width <= 0:
        return f"Your width is {width:.4g}, {table.where}. It should be above 0, and finite."
    if width in table.widths:
        return (
            f"Your width, {width:.0f}, is one of those in the table, and the critical one is not: "
            "the curvature is proportional to the width, which leads between and beyond them. "
            "`np.interp` stays inside of a table."
        )
    near = (
        " That is near. Does a curve with more than a slope follow the errors of the measurement?"
        if abs(width / table.critical - 1) < 0.5
        else ""
    )
    return (
        f"Your width is {width:.4g}, {table.where}. There lr × curvature is "
        f"{2 * width / table.critical:.3g}, and it should be 2.{near}"
    )


# --- 5.6 What the pictures show -------------------------------------------------------------------

# Both losses of `adl.scaled_1d` in its window, from the start to twice the linearised step.
_LINES = {"solid": "scaled", "dashed": "linearised"}
_PICTURES = {
    "A": "In A the two lines part slowly, without a ripple: the step that leads to the parabola's "
    "lowest point is short, but not so short that the model's bend could not be seen.",
    "B": "In B the two lines cannot be told apart: the window is so narrow in w that the model is "
    "as good as straight in it. The window shrinks as 1/α.",
    "C": "In C one line has ripples that the other has not: the window is so wide in w that the "
    "model's sine goes up and down in it. The window shrinks as 1/α.",
}


def _examine_labels(answer: Answer, rng: np.random.Generator) -> None:
    filled = _read_labels(answer)
    right = {key: label for key, label in filled.items() if label == {**UNLABELLED, **_LINES}[key]}
    wrong = [key for key in filled if key not in right]
    if wrong:
        raise Mistake(
            f"Right: {len(right)} of {len(filled)}. {_reason(wrong[0], filled[wrong[0]])}"
        )
    gaps = [key for key in (*UNLABELLED, *_LINES) if key not in filled]
    if gaps:
        raise Mistake(
            f"What you have filled in is right. Still to come: {', '.join(gaps)}. A wrong guess "
            "costs nothing."
        )


def _reason(key: str, label: Any) -> str:
    if key in _LINES:
        return (
            f"The {key} line is not that of the {label} model. A model that is linear in w has a "
            "loss that is a parabola in w: one of the lines is the same parabola in all three "
            "pictures."
        )
    return f"{key} does not show α = {label}. {_PICTURES[key]}"


_LABEL_ADVICE = (
    (
        r"name '(scaled|linearised|linearized)' is not defined",
        "The name of a line is text: put it in quotation marks.",
    ),
)


def _read_labels(answer: Answer) -> dict[str, Any]:
    """What has been filled in, in the exercise's own words, without the lines still ``...``."""
    value = answer(seconds=5, advice=_LABEL_ADVICE)
    if value is None:
        raise Mistake(nothing_returned(answer, "`labels` ends with `return` and the table"))
    if not isinstance(value, Mapping):
        raise Mistake(
            f"Your function returns {kind(value)}; asked for is the table of the stub, a dict."
        )
    keys = {key.casefold(): key for key in (*UNLABELLED, *_LINES)}
    filled = {}
    for key, label in value.items():
        if not isinstance(key, str) or key.strip().casefold() not in keys:
            lines = ", ".join(keys.values())
            raise Mistake(f"There is no line {key!r:.60} in the table; its lines are {lines}.")
        if label is not None and label is not ... and str(label).strip(" .?"):
            key = keys[key.strip().casefold()]
            filled[key] = _alpha(key, label) if key in UNLABELLED else _line(key, label)
    if not filled:
        raise NotAttempted("all lines of the table are still `...`")
    return {key: filled[key] for key in keys.values() if key in filled}


def _alpha(key: str, label: Any) -> int:
    number = re.search(r"\d+(\.\d+)?", label.replace(",", "")) if isinstance(label, str) else None
    try:
        alpha = float(number[0]) if number else float(label)
    except (TypeError, ValueError):
        alpha = math.nan
    if alpha not in UNLABELLED.values() or isinstance(label, bool):
        raise Mistake(
            f"On the line of {key} stands {label!r:.60}. Asked for is the α of the picture: 5, 50 "
            "or 1000."
        )
    return int(alpha)


def _line(key: str, label: Any) -> str:
    word = label.casefold() if isinstance(label, str) else ""
    denied = re.search(r"\bno[nt]", word)  # "non-linear"
    if "lin" in word and not denied:
        return "linearised"
    if "scaled" in word or "model" in word or ("lin" in word and denied):
        return "scaled"
    raise Mistake(
        f'On the line "{key}" stands {label!r:.60}. Asked for is whose loss it is: "scaled" or '
        '"linearised".'
    )


# --- The chapter's exercises ----------------------------------------------------------------------

EXERCISES = (
    Exercise(
        id="5.1",
        title="the training loop, with weights saved",
        signature="train(net, dataset, N_steps, batch_size, lr, save_weights_every)",
        hints=(
            "Write down one step in words. Which numbers does `loss.backward()` add to, and what "
            "must have happened to them before? And where in the step are the weights still those "
            "of the start?",
            "In this order: save if the step's number asks for it; `dataset.next_batch(batch_size)`"
            "; `zero_grad()`; outputs and loss; `backward()`; `step()`. What goes into the list is "
            "a number.",
            "`if save_weights_every > 0 and step % save_weights_every == 0: net.save_weights()` "
            "comes first in the loop, `losses.append(loss.item())` last.",
        ),
        praise="Right: the losses, the weights that come of them, and the moments when they are "
        "saved, with the start among them. `adl.training.train` is this loop.",
        examine=_examine_train,
    ),
    Exercise(
        id="5.2",
        title="a linear model with sinusoidal features",
        signature="LinSin(feature_dim)",
        hints=(
            "Take feature_dim 4, and x with the rows 0 and 0.25. Which four numbers stand in each "
            "row of the features?",
            "`2 * math.pi * x * k` is a table if `x` is a column and `k` a row: all angles at "
            "once. Its cosines and sines have to come side by side. And `forward` hands the "
            "features to the layer that is there.",
            "`k = torch.arange(1, self.feature_dim // 2 + 1)`; then `torch.cat([angles.cos(), "
            "angles.sin()], dim=1)`; and `forward` is `self.lout(...)` of what `phi` returns.",
        ),
        praise="Right, for several numbers of features, and for a single example. The order of the "
        "columns does not matter: `lout` learns a weight for each.",
        examine=_examine_linsin,
    ),
    Exercise(
        id="5.3",
        title="how far weights have moved",
        signature="relative_movement(history)",
        hints=(
            "Draw three points: the start, where the weights are now, and somewhere on the way. "
            "Between which two is the distance measured? What is it compared with?",
            "With `np.array(history)` there is a row each time. Subtract the first row from all, "
            "take the norm of each row, and divide by one number.",
            "`np.linalg.norm(history - history[0], axis=1)`, divided by the norm of the first row.",
        ),
        praise="Right, from the 0 at the start on. It measures distance, not the way: weights "
        "that jump to and fro may have gone far and be near.",
        examine=_examine_movement,
    ),
    Exercise(
        id="5.4",
        title="the tangent kernel",
        signature="tangent_kernel(net, x)",
        hints=(
            "For one example, the gradient of the output has as many entries as the network has "
            "parameters. What is the inner product of two of them? How many pairs are there?",
            "Build a table J with a row for each example and a column for each parameter: empty "
            "the gradients, `backward()` from the output of one example, flatten and join the "
            "gradients. Then multiply J by its transpose.",
            "For each point: `net.zero_grad()`, `net(point[None]).sum().backward()`, "
            "`torch.cat([p.grad.flatten() for p in net.parameters()])`. Stack the rows to J; the "
            "kernel is `J @ J.T`.",
        ),
        praise="Right, for two and for three layers, and with old gradients about. "
        "`adl.curvature.tangent_kernel` does it for whole stacks of networks, with `torch.func`.",
        examine=_examine_tangent_kernel,
    ),
    Exercise(
        id="5.5",
        title="the width at which a rate is too large",
        signature="critical_width(widths, curvatures, lr)",
        hints=(
            "Divide each curvature by its width. What do you notice? And how large may a curvature "
            "be, with this rate?",
            "The curvature is c × width: find c from the table. The loss rises as soon as lr × c × "
            "width exceeds the number that this course is about.",
            "`c = (curvatures / widths).mean()`. Solve lr × c × width = 2 for the width.",
        ),
        praise="Right, inside the table and beyond it. Now the networks above: "
        "`critical_width(small_widths, measured, 0.002)`. Which width comes out?",
        examine=_examine_critical_width,
    ),
    Exercise(
        id="5.6",
        title="labels for the pictures",
        signature="labels()",
        hints=(
            "A model that is linear in w has a squared error that is a polynomial in w. Of which "
            "degree? What is its shape?",
            "α shrinks the way that w has to go: the window of each picture is about 4/α wide in "
            "w. How wide is that for 5, and for 1000? Through a narrow window, what does a curve "
            "look like?",
            "The dashed line is a parabola each time. Ripples show only where w goes far, for the "
            "smallest α; for the largest the two lines cover each other.",
        ),
        praise="All five. The larger α, the shorter the way that w has to go, and the straighter "
        "the model on this way. Nothing about the model itself has changed.",
        examine=_examine_labels,
    ),
)
