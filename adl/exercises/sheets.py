"""The exercises of chapter 2: columns of momentum and RMSprop, a step of Adam, an own sheet."""

import inspect
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from itertools import permutations
from typing import Any

import numpy as np

from adl import formulas
from adl.exercises import _columns, _slips
from adl.exercises._answer import Answer, Mistake, NotAttempted, Stopped
from adl.exercises._columns import Cells, compute, in_digits
from adl.exercises._exercise import Exercise
from adl.exercises._numbers import kind, nothing_returned, several
from adl.sheets import Input, Sheet, run

_EXACT = 1e-8  # what rounding can do to a formula written in another order
_FLOAT32 = 3e-5  # what it can do to an answer that passes through torch's default numbers


# --- 2.1 and 2.2 Columns of a sheet ---------------------------------------------------------------


def _draw_points(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw inputs of both signs, near and far from 0, and targets that no line goes through."""
    x = rng.uniform(0.5, 2.0, 6) * [1, -1, 1, 1, -1, 1]
    return x, rng.uniform(2, 4) * x + rng.uniform(2, 4) + rng.normal(0, 0.5, 6)


def _draw_betas(rng: np.random.Generator) -> dict[str, float]:
    """Draw constants unlike each other and unlike those that everybody knows by heart."""
    return {"beta1": float(rng.uniform(0.6, 0.85)), "beta2": float(rng.uniform(0.92, 0.97))}


def _draw_eps(
    rng: np.random.Generator,
    x: np.ndarray,
    y: np.ndarray,
    start: dict[str, float],
    beta2: float = 0.0,
) -> float:
    """Draw an eps above the roots of the first row, where it shows whatever is done with it."""
    db = 2 * (start["new_b"] + start["new_a"] * x[0] - y[0])
    squares = [
        beta2 * start.get(name, 0) + (1 - beta2) * derivative**2
        for name, derivative in (("sb", db), ("sa", db * x[0]))
    ]
    return float(rng.uniform(1.1, 1.5) * math.sqrt(max(squares)))


def _columns_of(
    right: dict[str, str], slips: _columns.Slips, inputs: tuple[str, ...]
) -> Callable[[Answer, np.random.Generator], None]:
    """The check of columns that should be like those of ``right``, in both halves of the sheet."""
    wanted = _columns.both_halves(right)

    def examine(answer: Answer, rng: np.random.Generator) -> None:
        columns = _columns.read(answer, wanted)
        x, y = _draw_points(rng)
        values = _draw_betas(rng)
        # Averages that do not start at 0, so that forgetting the row above shows in the first row.
        start = {name: float(rng.uniform(0.5, 2)) for name in wanted}
        values["eps"] = _draw_eps(rng, x, y, start, values["beta2"])
        own = {name: values[name] for name in inputs}
        sheet = _columns.sheet_of(columns, start=start, inputs=own)
        rates = (rng.uniform(0.01, 0.03) * np.array([1, rng.uniform(0.4, 0.8)])).tolist()
        cells = _columns.fill(sheet, x, y, rates, until=wanted)
        given = {name: _columns.LINE[name] for name in _columns.LINE if name in columns}
        asked = given | wanted
        expected = {name: compute(formula, cells) for name, formula in asked.items()}
        helpers = [formula for name, formula in columns.items() if name not in asked]

        def first_difference(column: str, row: int) -> str:
            needed = [
                name for name in ("rate", *inputs) if name in _columns.names_in([asked[column]])
            ]
            differs = _differs(column, expected[column][row], cells[column][row], row)
            return (
                f"In row {row + 1} of the data of this check, with "
                f"{_known(cells, asked[column], row)}, {differs}"
                + _unused(needed, [columns[column], *helpers])
            )

        _columns.diagnose(cells, expected, slips, first_difference, tolerance=_EXACT)

    return examine


def _known(cells: Cells, formula: str, row: int) -> str:
    """The cells of a row that a formula is computed from, with their values."""
    names = [name for name in dict.fromkeys(re.findall(r"@?[a-z]\w*", formula)) if name != "sqrt"]
    values = [cells[name.replace("@", formulas.ABOVE)] for name in names]
    return ", ".join(
        f"`{name}` = {np.broadcast_to(value, len(cells['x']))[row]:.5g}"
        for name, value in zip(names, values, strict=True)
    )


def _differs(column: str, right: float, found: float, row: int, unit: str = "row") -> str:
    """That a cell is wrong, where no mistake is recognised."""
    shown, yours = in_digits(right, found)
    words = f"`{column}` should be {shown}; yours is {yours}. "
    if not np.isfinite(found):
        words += "Is something divided by 0, or is a number under a root negative? "
    if row > 0:
        words += f"The {unit}s before it are right. "
    return f"{words}Do this {unit} by hand and compare."


def _unused(names: Iterable[str], columns: Iterable[str]) -> str:
    """A sentence on an input that occurs in no formula: a number may stand in its place."""
    unused = [name for name in names if name not in _columns.names_in(columns)]
    return f" `{unused[0]}` is not used: does a number stand in its place?" if unused else ""


# --- 2.3 A step of Adam ---------------------------------------------------------------------------

_ADAM_ARGUMENTS = ("weight", "gradient", "m", "s", "t", "lr", "beta1", "beta2", "eps")
_RETURNED = ("weight", "m", "s")
_PLAIN_NUMBERS = (
    "The arguments are plain numbers, without methods: the root is `s_hat**0.5`, the square "
    "`gradient**2`."
)
_ADAM_STOPS = {
    "math domain error|complex number|expected a nonnegative": "Is the number under a root "
    "negative? An average of squares is not, nor is `1 - beta2**t`; `beta2**t - 1` is.",
    "name '(sqrt|math)'": "The root is `s_hat**0.5`, with nothing to import.",
    "must be Tensor|'(float|int)' object has no attribute": _PLAIN_NUMBERS,
}


def _examine_adam_step(answer: Answer, rng: np.random.Generator) -> None:
    try:
        _compare_adam_steps(answer, rng)
    except NotAttempted:
        raise
    except Mistake:
        _see_to_the_parameters(answer)
        raise


def _compare_adam_steps(answer: Answer, rng: np.random.Generator) -> None:
    calls: list[tuple[dict[str, float], dict[str, float], dict[str, float]]] = []
    stopped = None

    def call(given: dict[str, float]) -> dict[str, float]:
        found, right = _call_adam(answer, given), _adam_of_torch(**given)
        _see_to_the_order(found, right)
        calls.append((given, found, right))
        return found

    states = _draw_states(rng)
    _see_to_the_memory(*(_call_adam(answer, states[0]) for _ in range(2)))
    try:
        for given in states:
            call(given)
        given = states[0] | _draw_betas(rng) | {"m": 0.0, "s": 0.0}
        for t, gradient in enumerate((rng.uniform(0.5, 3, 5) * [1, -1, 1, 1, -1]).tolist(), 1):
            given = given | {"gradient": gradient, "t": t}
            given = given | call(given)
            if not np.isfinite(list(given.values())).all():
                break
    except Mistake as mistake:
        if not calls:
            raise
        stopped = mistake  # what went wrong before is likely to be the cause
    # The table of a sheet: what a call is given stands in the row above what it returns.
    given, found, right = (
        {name: np.array([float(call[name]) for call in part]) for name in part[0]}
        for part in zip(*calls, strict=True)
    )
    above = {formulas.ABOVE + name: given.pop(name) for name in found}
    cells: Cells = given | above | found
    expected = {name: right[name] for name in ("m", "s", "weight")}

    def first_difference(column: str, row: int) -> str:
        arguments = ", ".join(f"{name}={value:.5g}" for name, value in calls[row][0].items())
        differs = _differs(column, expected[column][row], cells[column][row], row, "step")
        return f"In what `adam_step({arguments})` returns, {differs}"

    _columns.diagnose(cells, expected, _slips.ADAM, first_difference, tolerance=_FLOAT32)
    if stopped:
        raise stopped


def _draw_states(rng: np.random.Generator) -> list[dict[str, float]]:
    """Draw states for single steps, in which mistakes show as numbers rather than as nan.

    `s` is so large, and `beta2` so small, that what stands under the root is positive for
    most mistakes; eps is smaller than the root and larger by turns.
    """
    states = []
    for t, sign, size in ((2, 1, 1), (3, 1, 10), (2, -1, 10), (3, -1, 1)):
        drawn = {
            "weight": rng.uniform(1, 2),
            "gradient": rng.uniform(0.5, 1.5) * (-1) ** t,
            "m": rng.uniform(1, 2) * sign,
            "s": rng.uniform(14, 18),
            "lr": rng.uniform(0.5, 1),
            "beta1": rng.uniform(0.6, 0.85),
            "beta2": rng.uniform(0.15, 0.3),
            "eps": rng.uniform(0.3, 0.6) * size,
        }
        states.append({name: float(drawn.get(name, 0)) for name in _ADAM_ARGUMENTS} | {"t": t})
    return states


def _see_to_the_memory(first: dict[str, float], second: dict[str, float]) -> None:
    if not np.allclose([*first.values()], [*second.values()], rtol=_FLOAT32, equal_nan=True):
        raise Mistake(_REMEMBERS)


_REMEMBERS = (
    "Called again with the same arguments, your function returns other numbers: it remembers "
    "something of its own. Take `m`, `s` and `t` from the arguments, and return the new averages."
)


def _see_to_the_parameters(answer: Answer) -> None:
    """What may be wrong with the head of a function whose numbers are wrong."""
    function = answer.function
    if inspect.isclass(function):
        raise Mistake("Your answer is a class; asked for is a function, `def adam_step(...):`.")
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # some built-in functions have none
        return
    if sorted(names) == sorted(_ADAM_ARGUMENTS) and names != list(_ADAM_ARGUMENTS):
        raise Mistake(
            "Your function has its parameters in another order. It is called by position, as "
            f"`adam_step({', '.join(_ADAM_ARGUMENTS)})`."
        )


def _call_adam(answer: Answer, given: dict[str, float]) -> dict[str, float]:
    try:
        value = answer(*given.values(), where=f"at t = {given['t']}")
        if value is None:
            raise Mistake(nothing_returned(answer, "end with `return weight, m, s`"))
        if isinstance(value, tuple) and sum(part is ... for part in value) > 1:
            raise NotAttempted
        return dict(zip(_RETURNED, several(value, names=_RETURNED), strict=True))
    except NotAttempted:
        raise
    except Mistake as mistake:
        for pattern, words in _ADAM_STOPS.items():
            if re.search(pattern, str(mistake)):
                raise Mistake(f"{mistake} {words}") from None
        raise


def _see_to_the_order(found: dict[str, float], right: dict[str, float]) -> None:
    for order in permutations(_RETURNED):
        pairs = zip(found.values(), (right[name] for name in order), strict=True)
        if all(math.isclose(*pair, rel_tol=_FLOAT32) for pair in pairs):
            if order == _RETURNED:
                return
            raise Mistake(
                f"The three numbers are right and in another order: yours are {', '.join(order)}. "
                "Return `weight, m, s`."
            )


def _adam_of_torch(
    weight: float,
    gradient: float,
    m: float,
    s: float,
    t: int,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
) -> dict[str, float]:
    """The step that torch's optimizer makes from the same state."""
    import torch

    def tensor(value: float) -> torch.Tensor:
        return torch.tensor(value, dtype=torch.float64)

    parameter = torch.nn.Parameter(tensor(weight))
    parameter.grad = tensor(gradient)
    optimizer = torch.optim.Adam([parameter], lr=lr, betas=(beta1, beta2), eps=eps)
    state = {"step": torch.tensor(t - 1.0), "exp_avg": tensor(m), "exp_avg_sq": tensor(s)}
    optimizer.state[parameter] = state
    optimizer.step()
    after = (parameter, state["exp_avg"], state["exp_avg_sq"])
    return {name: value.item() for name, value in zip(_RETURNED, after, strict=True)}


# --- 2.4 A sheet of one's own ---------------------------------------------------------------------


def _examine_own_sheet(answer: Answer, rng: np.random.Generator) -> str:
    sheet = _own(answer)
    mistakes = []
    for name in _meant(sheet):
        try:
            _compare_own_sheet(sheet, name, rng)
        except Mistake as mistake:
            mistakes.append(mistake)
        else:
            praise = f"This is {name}, equal to torch's, on data that your sheet had never seen."
            return praise + (_RATES_SET if sheet.sets_its_rate else "")
    raise mistakes[0]


_RATES_SET = (
    " The check sets the learning rate of each epoch itself; what your sheet makes of its rate in "
    "`epoch_end` was left out of the comparison."
)
# For each optimizer its constant, what it remembers, and its slips.
_OPTIMIZERS: dict[str, tuple[str, str, dict[str, str]]] = {
    "AdaGrad": ("eps", "sum", _slips.ADAGRAD),
    "Nesterov momentum": ("beta1", "buffer", _slips.NESTEROV),
}


def _compare_own_sheet(sheet: Sheet, name: str, rng: np.random.Generator) -> None:
    constant, memory, slips = _OPTIMIZERS[name]
    x, y = _draw_points(rng)
    start = {n: float(rng.uniform(0.5, 2)) for n in ("new_b", "new_a")}
    drawn = {"beta1": float(rng.uniform(0.5, 0.8)), "eps": _draw_eps(rng, x, y, start)}
    values = {n: drawn.get(n, cell.value) for n, cell in sheet.inputs.items()}
    sheet = replace(
        sheet,
        inputs={n: Input(value, value, value, "") for n, value in values.items()},
        start={n: start.get(n, value) for n, value in sheet.start.items()},
        epoch_end={},
        epoch_start={},
    )
    largest = rng.uniform(0.3, 0.6) if name == "AdaGrad" else rng.uniform(0.01, 0.02)
    rates = [float(largest), float(largest * rng.uniform(0.4, 0.8))]
    cells = _columns.fill(sheet, x, y, rates, until=_WEIGHTS)
    _see_to_the_weights(cells)
    derivatives = {name: compute(formula, cells) for name, formula in _DERIVATIVES.items()}
    if not np.isfinite(list(derivatives.values())).all():
        raise Mistake("Your weights grow beyond all bounds. Do the first rows by hand.")
    given, cells = cells, cells | derivatives
    cells |= {"beta1": values.get("beta1", 0.9), "eps": values.get("eps", 0.0)}
    betas = {"beta1": cells["beta1"], "beta2": values.get("beta2", cells["beta1"])}
    for half in "ba":
        table = run(_slips.MEMORY, 1, x=cells[f"d{half}"], y=cells["rate"], **betas)
        cells |= {f"{column}_{half}": table[column].to_numpy() for column in _slips.MEMORY.columns}
    expected = {f"new_{half}": _of_torch(name, cells, half) for half in "ba"}
    own = [column for column in sheet.start if column not in _WEIGHTS]
    is_like = partial(_is_like, given, cells)
    if not all(_columns.agree(cells[c], expected[c], _EXACT).all() for c in expected):
        _see_to_the_derivatives(given, derivatives)
        _see_to_the_halves(own, memory, is_like)

    def first_difference(column: str, row: int) -> str:
        for known, words in _slips.SUMS.items() if name == "AdaGrad" else ():
            for other in own:
                if any(is_like(other, half(known)) for half in (str, _columns.mirrored)):
                    return f"`{other}`: {words}"
        weight = column.removeprefix("new_")
        differs = _differs(column, expected[column][row], cells[column][row], row)
        return (
            f"For {name} as torch has it, in row {row % len(x) + 1} of epoch {row // len(x) + 1}, "
            f"from `{weight}` = {cells[weight][row]:.5g}, {differs}"
            + _unused(("rate", constant), sheet.columns.values())
            + _starts_elsewhere(sheet)
        )

    _columns.diagnose(cells, expected, {"new_b": slips}, first_difference, tolerance=_EXACT)


_WEIGHTS = ("b", "a", "new_b", "new_a")
_DERIVATIVES = {"db": "2*(a*x + b - y)", "da": "2*(a*x + b - y)*x"}


def _own(answer: Answer) -> Sheet:
    """The reader's sheet, once it has what the check needs."""
    try:
        sheet = answer()
    except Stopped as stopped:
        if "FormulaError" not in str(stopped):
            raise
        before, error, after = str(stopped).partition("Error: ")
        said, line, after = after.partition(", in the line")
        advice = _columns.advice(said)
        if not advice and re.search("neither an input|no cell above", said):
            advice = _LEFT_TO_RIGHT
        raise Mistake(f"{before}{error}{_columns.marked(said)}{line}{after}{advice}") from None
    if sheet is None:
        raise Mistake(nothing_returned(answer, "end with `return Sheet(...)`"))
    if not isinstance(sheet, Sheet):
        raise Mistake(
            f"Your function returns {kind(sheet)}; asked for is an `adl.sheets.Sheet`, with a "
            "name, a sentence about it, a rate, the cells to start from, inputs and columns."
        )
    for name in _WEIGHTS:
        if name not in sheet.columns:
            raise Mistake(
                f"Your sheet has no column `{name}`: it needs `b`, `a`, `new_b`, `new_a`."
            )
    return sheet


_LEFT_TO_RIGHT = (
    " Columns are filled from left to right; a constant needs an entry in `inputs`, and a column "
    "with an `@` one in `start`."
)


def _meant(sheet: Sheet) -> list[str]:
    """Which of the two optimizers a sheet may be; the likelier one first."""
    meant = [name for name, (constant, *_) in _OPTIMIZERS.items() if constant in sheet.inputs]
    if meant:
        root = re.search(r"sqrt|\*\*\s*\(?\s*(0?\.5|1\s*/\s*2)", " ".join(sheet.columns.values()))
        return meant if root else meant[::-1]
    has = ", ".join(f"`{name}`" for name in sheet.inputs) or "none"
    raise Mistake(
        "The check sets the constant of your sheet itself, and finds it by its name in `inputs`: "
        f"`eps` for AdaGrad, `beta1` for Nesterov momentum. The inputs of your sheet: {has}."
    )


def _see_to_the_weights(cells: Cells) -> None:
    for weight in "ba":
        above = np.append(cells[weight][0], cells[f"new_{weight}"][:-1])
        goes_on = _columns.agree(cells[weight], above, _EXACT) & np.isfinite(cells[weight])
        if not goes_on.all():
            raise Mistake(
                f"`{weight}` does not go on from `new_{weight}` of the row above: is its formula "
                f"`@new_{weight}`, and has `new_{weight}` a value in `start`?"
            )


def _see_to_the_derivatives(cells: Cells, derivatives: dict[str, np.ndarray]) -> None:
    for name, right in derivatives.items():
        if name in cells and not _columns.agree(cells[name], right, _EXACT).all():
            raise Mistake(
                f"`{name}` is not the derivative of this row's squared error: at this row's own "
                "`b` and `a` it is `2*(pred - y)` for `db`, and `x` times that for `da`."
            )


def _is_like(given: Cells, cells: Cells, column: str, formula: str) -> bool:
    return bool(_columns.agree(given[column], compute(formula, cells), _EXACT).all())


def _see_to_the_halves(own: list[str], memory: str, is_like: Callable[[str, str], bool]) -> None:
    for half, other in ("ab", "ba"):
        culprits = [
            column
            for column in own
            if column.endswith(half) and is_like(column, f"{memory}_{other}")
        ]
        if culprits and not any(is_like(column, f"{memory}_{half}") for column in own):
            raise Mistake(
                f"`{culprits[0]}`: the derivative of the other weight comes in. `d{other}` stands "
                f"where `d{half}` should."
            )


def _starts_elsewhere(sheet: Sheet) -> str:
    for name, value in sheet.start.items():
        if name not in ("new_b", "new_a") and value != 0:
            return f" And `{name}` starts at {value:g}; what torch remembers starts at 0."
    return ""


def _of_torch(name: str, cells: Cells, half: str) -> np.ndarray:
    """Where torch's optimizer goes from each row's weight, with the derivatives up to that row."""
    import torch

    parameter = torch.nn.Parameter(torch.zeros((), dtype=torch.float64))
    if name == "AdaGrad":
        optimizer: Any = torch.optim.Adagrad([parameter], eps=cells["eps"])
    else:
        optimizer = torch.optim.SGD([parameter], momentum=cells["beta1"], nesterov=True)
    after = []
    for weight, derivative, rate in zip(cells[half], cells[f"d{half}"], cells["rate"], strict=True):
        parameter.data.fill_(weight)
        parameter.grad = torch.tensor(derivative, dtype=torch.float64)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        after.append(parameter.item())
    return np.array(after)


EXERCISES = (
    Exercise(
        id="2.1",
        title="the momentum column",
        signature="momentum_columns()",
        hints=(
            "How much of the average in the row above is kept, and how much does this row's "
            "derivative add? The two shares make up 1.",
            "`@mb` is the average in the row above; keep `beta1` of it, and add `1 - beta1` of "
            "`db`. The step then goes along `mb`, the average of this row.",
            'Two of the four: `"mb": "beta1*@mb + (1 - beta1)*db"` and '
            '`"new_b": "b - rate*mb"`. The other two are the same with `ma`, `da` and `a`.',
        ),
        praise="Each cell is what it should be, on data that your formulas had never seen.",
        examine=_columns_of(
            {"mb": _slips.MB, "new_b": "b - rate*mb"}, _slips.MOMENTUM, inputs=("beta1",)
        ),
    ),
    Exercise(
        id="2.2",
        title="the RMSprop column",
        signature="rmsprop_columns()",
        hints=(
            "It takes two moves: an average of the squared derivative, and a step that is divided "
            "by its root. Which of them needs the row above?",
            "`sb` is an average like that of momentum, with `beta2` for `beta1` and the square of "
            "`db` for `db`. In the step, `db` is divided by the root of `sb`, with eps added to "
            "the root.",
            'Two of the four: `"sb": "beta2*@sb + (1 - beta2)*db**2"` and '
            '`"new_b": "b - rate*db/(sqrt(sb) + eps)"`. The other two are the same with `sa`, '
            "`da` and `a`.",
        ),
        praise="Each cell is what it should be, with an eps large enough to show where it stands.",
        examine=_columns_of(
            {"sb": _slips.SB, "new_b": "b - rate*db/(sqrt(sb) + eps)"},
            _slips.RMSPROP,
            inputs=("beta2", "eps"),
        ),
    ),
    Exercise(
        id="2.3",
        title="the Adam update",
        signature=f"adam_step({', '.join(_ADAM_ARGUMENTS)})",
        hints=(
            "There are three moves: update both averages, correct both for having started at 0, "
            "take the step. Which values are handed on to the next step?",
            "After t steps from 0 an average has the share `1 - beta**t` of its full size: divide "
            "by that. Hand on `m` and `s` as they are, and step with the corrected ones.",
            "`m = beta1*m + (1 - beta1)*gradient`; `s` likewise with `beta2` and `gradient**2`. "
            "Then `m_hat = m/(1 - beta1**t)`, `s_hat` likewise, and the weight goes down by "
            "`lr*m_hat/(s_hat**0.5 + eps)`. Return `weight, m, s`.",
        ),
        praise="Your steps are those of torch.optim.Adam, with numbers drawn for this check.",
        examine=_examine_adam_step,
    ),
    Exercise(
        id="2.4",
        title="an optimiser of your own",
        signature="own_sheet()",
        hints=(
            "Begin with the columns of the course's momentum sheet. Which of them has to change, "
            "and what does the new one remember of the rows above?",
            "AdaGrad remembers the sum of all squared derivatives, and divides by its root plus "
            "eps. Nesterov momentum remembers `beta1` times the old buffer plus the derivative, "
            "and steps along the derivative plus `beta1` times the new buffer.",
            'AdaGrad: `"gb": "@gb + db**2"` with 0 in `start`, and '
            '`"new_b": "b - rate*db/(sqrt(gb) + eps)"`. Nesterov: `"vb": "beta1*@vb + db"`, and '
            '`"new_b": "b - rate*(db + beta1*vb)"`. The same for `a`.',
        ),
        praise="Right: the weights equal torch's.",
        examine=_examine_own_sheet,
    ),
)
