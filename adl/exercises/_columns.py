"""Diagnosis of answers that are filled row by row: the exercises of chapter 2.

An answer becomes a table of cells. Each cell is compared with what the other cells of its row, and
those of the row above, ought to give: a mistake then shows in its own column only, however far its
consequences spread, and a table without a mistake is right from the first row to the last.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as np

from adl import formulas, sheets
from adl.exercises._answer import Answer, Mistake, NotAttempted, Stopped
from adl.exercises._numbers import kind, nothing_returned

Cells = dict[str, Any]
"""A table: an array for each column, another for the cells above it (`formulas.ABOVE` and its
name), and numbers for the inputs."""

Slips = Mapping[str, Mapping[str, str]]
"""For each column the wrong formulas that are recognised, and what is said of each."""

LINE = {name: sheets.SHEETS["sgd"].columns[name] for name in ("b", "a", "pred", "err2", "db", "da")}
"""The columns of the line and its derivatives, which stand to the left of a reader's own."""

_FUNCTIONS = {"sqrt": np.sqrt, "IF": np.where, "MIN": np.minimum, "MAX": np.maximum}


# --- Formulas -------------------------------------------------------------------------------------


def mirrored(text: str) -> str:
    """Exchange the halves of a sheet, intercept and slope.

    Examples
    --------
    >>> mirrored("b - rate*mb")
    'a - rate*ma'
    """
    other = {"a": "b", "b": "a"}
    return re.sub(r"\b(\w*_|[a-z]?)([ab])\b", lambda m: m[1] + other[m[2]], text)


def both_halves(columns: Mapping[str, str]) -> dict[str, str]:
    """Formulas for the intercept's half of a sheet, and the same for the slope's.

    Examples
    --------
    >>> both_halves({"mb": "@mb + db"})
    {'mb': '@mb + db', 'ma': '@ma + da'}
    """
    return {
        half(name): half(formula) for name, formula in columns.items() for half in (str, mirrored)
    }


def names_in(texts: Iterable[str]) -> set[str]:
    """Names that formulas use, with their ``@``.

    Examples
    --------
    >>> sorted(names_in(["b - rate*@mb"]))
    ['@mb', 'b', 'rate']
    """
    return set(re.findall(r"@?\b[A-Za-z_]\w*", " ".join(texts)))


def compute(formula: str, cells: Cells) -> np.ndarray:
    """What a formula gives in every row of a table.

    Examples
    --------
    >>> compute("rate*db**2", {"rate": 0.5, "db": np.array([1.0, 2.0])})
    array([0.5, 2. ])
    """
    row = dict(cells)
    with np.errstate(all="ignore"):
        exec(_compiled(formula, frozenset(cells)), {"__builtins__": {}, **_FUNCTIONS}, row)
    return row["result"]


@lru_cache(maxsize=4096)
def _compiled(formula: str, names: frozenset[str]) -> CodeType:
    above = {name.removeprefix(formulas.ABOVE) for name in names if name.startswith(formulas.ABOVE)}
    return formulas.compile_row({"result": formulas.parse("", formula, left=names, above=above)})


# --- Answers --------------------------------------------------------------------------------------


def read(answer: Answer, wanted: Iterable[str]) -> dict[str, str]:
    """Call a reader's function for its dict of formulas, and see that the wanted columns are there.

    Raises
    ------
    Mistake
        If it returns anything else, or a column is missing or not written yet.
    """
    wanted = list(wanted)
    try:
        value = answer()
    except Stopped as stopped:
        unknown = re.search(r"name '(\w+)' is not defined", str(stopped))
        if unknown and unknown[1] in {"x", "y", "rate", "beta1", "beta2", "eps", *LINE, *wanted}:
            raise Mistake(f"{stopped} {_QUOTATION_MARKS}") from None
        raise
    asked = f"a dict with a formula for each of {_listed(wanted)}"
    if value is None:
        raise Mistake(nothing_returned(answer, f"return {asked}"))
    if isinstance(value, sheets.Sheet):
        raise Mistake(f"Your function returns a Sheet; asked for is {asked}: its `columns`.")
    if not isinstance(value, Mapping):
        raise Mistake(f"Your function returns {kind(value)}; asked for is {asked}.")
    if value and all(formula is ... for formula in value.values()):
        raise NotAttempted
    strange = [name for name in value if not (isinstance(name, str) and name.isidentifier())]
    if strange:
        raise Mistake(f"{repr(strange[0])[:40]} is no name of a column. Return {asked}.")
    missing = [name for name in wanted if name not in value]
    if missing:
        has = f"It has {_listed(value)}" if value else "It is empty"
        raise Mistake(f"Your dict has no {_listed(missing)}. {has}; asked for is {asked}.")
    for name, formula in value.items():
        if formula is ... or formula is None:
            raise Mistake(f"`{name}` has no formula yet: write it there, as text.")
    return dict(value)


def sheet_of(
    columns: dict[str, str], *, start: dict[str, float], inputs: dict[str, float]
) -> sheets.Sheet:
    """A sheet of a reader's columns; `Mistake` with the reason if they cannot be used."""
    cells = {name: sheets.Input(value, value, value, "") for name, value in inputs.items()}
    try:
        return sheets.Sheet(
            "answer", "", rate=1.0, start=start, columns=LINE | columns, inputs=cells
        )
    except formulas.FormulaError as error:
        raise Mistake(_explained(error, columns, start, inputs)) from None
    except Exception as error:  # such as a formula that is too long for Python's own parser
        raise Mistake(_NOT_COMPUTED.format(type(error).__name__)) from None


def fill(
    sheet: sheets.Sheet, x: np.ndarray, y: np.ndarray, rates: list[float], *, until: Iterable[str]
) -> Cells:
    """Run a reader's sheet, an epoch for each rate, until a column of `until` is inf or nan.

    Raises
    ------
    Mistake
        If the sheet cannot be computed.
    """
    try:
        table = sheets.run(sheet, len(rates), rates, x=x, y=y)
        columns = {name: _as_float(table[name]) for name in table}
        start = {name: float(value) for name, value in sheet.start.items()}
    except Exception as error:
        raise Mistake(_NOT_COMPUTED.format(f"{type(error).__name__}: {error}"[:200])) from None
    finite = np.all([np.isfinite(columns[name]) for name in until], axis=0)
    rows = len(finite) if finite.all() else int(np.argmin(finite)) + 1
    cells: Cells = {name: cell.value for name, cell in sheet.inputs.items()}
    for name, values in columns.items():
        cells[name] = values[:rows]
        if name in start:
            cells[formulas.ABOVE + name] = np.append(start[name], values)[:rows]
    return cells


_NOT_COMPUTED = (
    "Your formulas cannot be computed on the data of this check ({}). Is something divided by 0, "
    "or the root of a negative number compared?"
)


def _as_float(column: Any) -> np.ndarray:
    """Numbers of a column; nan where Python made a complex root of a negative number."""
    values = np.array([complex(value) for value in column])
    return np.where(values.imag == 0, values.real, np.nan)


# --- What is wrong with a formula, in words -------------------------------------------------------

_QUOTATION_MARKS = "Put the formula in quotation marks."

# Looked for in the message of a FormulaError; what it quotes of the formula tells the cause.
_ADVICE = [
    (r"\^|[²³]|\b(pow|power|sq|square)\(", "A power is written `**`, as in `db**2`."),
    (r"'\s*\w+\s*[-+*/]=", "Write the new value itself: `b - ...` in place of `b -= ...`."),
    (r"'\s*=|'\s*\w+\s*=[^=]", "Write what stands to the right of the `=`, without the sign."),
    (r"\w\[", "The cell above has an `@` before its name, as in `@mb`, and no number of a row."),
    (r"'.*\[", "Brackets are round here: `(` and `)`."),
    (
        r"\$|\b[A-Z]{1,2}\d+\b",
        "Cells have names here in place of addresses: `mb` is the cell of the same row, `@mb` the "
        "one above.",
    ),
    (r"\b(math|np|numpy|torch)\.", "The root is `sqrt(...)`, with nothing before it."),
    (r"'\(\d+, ", "Numbers have a decimal point, no comma."),
    (r";\s*'", "Leave out the `;` at the end."),
    (r"[×·−÷√]", "The signs are `+ - * / **`, and the root is `sqrt(...)`."),
    (r"@ stands before a name", "Is a `*` missing in front of it?"),
    (r"(?i)\b(sqrt|root)\(\) may not", "The root is `sqrt`, in small letters."),
    (r"\d\(\) may not|(\)\s*\w|\d\s*[a-df-z(]).*is no formula", "Is a `*` missing?"),
    (r"as text", _QUOTATION_MARKS),
    (r"@\w+: it has a start", "In `start` a name stands without the `@`."),
]


def advice(message: str) -> str:
    """What to do about a formula that is refused, with a space before it; "" if it is not known.

    Examples
    --------
    >>> advice("column sb: the operator in 'db ^ 2' is not one of + - * / **")
    ' A power is written `**`, as in `db**2`.'
    """
    opened, closed = message.count("("), message.count(")")
    if message.endswith("is no formula") and opened != closed:
        return f" Count the brackets: there are {opened} `(` and {closed} `)`."
    return next((f" {words}" for pattern, words in _ADVICE if re.search(pattern, message)), "")


def marked(reason: str) -> str:
    """The words of a FormulaError, with its names and code in backticks.

    Examples
    --------
    >>> marked("mb is the column itself; @mb is the cell above")
    '`mb` is the column itself; `@mb` is the cell above'
    """
    return re.sub(_CODE, lambda code: f"`{code[1] or code[0]}`", reason)


_CODE = (
    r"'([^'`]+)'|@\w+|\w+\(\)|\b(?:sqrt|IF|MIN|MAX)\b|(?<=is not one of ).*"
    r"|(?:^|(?<=^column )|(?<=: ))\w+(?= is |: )"
)


def _explained(
    error: formulas.FormulaError, columns: Iterable[str], start: Iterable[str], inputs: Any
) -> str:
    said = str(error).removeprefix("column ")
    column, _, reason = said.partition(": ")
    words = f"`{column}`: {marked(reason)}."
    if advice(reason):
        return words + advice(reason)
    name = reason.split()[0]
    if "neither an input" in reason and name in columns:
        return f"{words} Columns are filled from left to right: put `{name}` before `{column}`."
    if "neither an input" in reason:
        return f"{words} There are {_listed(['x', 'y', 'rate', *inputs, *LINE])}."
    if "no cell above" in reason:
        return f"{words} `@` may stand before {_listed(start)}."
    return words


def _listed(names: Iterable[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return " and ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))


# --- What is wrong with the numbers ---------------------------------------------------------------


def agree(found: np.ndarray, expected: np.ndarray, tolerance: float) -> np.ndarray:
    """In which rows two columns agree, up to rounding; one inf or nan agrees with another.

    Examples
    --------
    >>> agree(np.array([1.0, 2.0, np.nan]), np.array([1.0, 3.0, np.nan]), tolerance=1e-8)
    array([ True, False,  True])
    """
    found, expected = np.broadcast_arrays(found, expected)
    size = np.abs(np.where(np.isfinite(expected), expected, 0))
    with np.errstate(all="ignore"):
        near = np.abs(found - expected) <= tolerance * np.maximum.accumulate(size)
    return near | (found == expected) | (np.isnan(found) & np.isnan(expected))


def diagnose(
    cells: Cells,
    right: Mapping[str, np.ndarray],
    slips: Slips,
    otherwise: Callable[[str, int], str],
    *,
    tolerance: float,
) -> None:
    """Compare a table with what it should be, and name the mistake in its first wrong column.

    Parameters
    ----------
    cells : dict
        The table that an answer gave.
    right : mapping of str to array
        What each column should be, given the other cells.
    slips : mapping
        Wrong formulas and what is said of each; those of one half serve for the other, too.
    otherwise : callable
        ``otherwise(column, row)`` says in words that a cell is wrong, where nothing is recognised.
    tolerance : float
        Relative difference that is put down to rounding.

    Raises
    ------
    Mistake
        If a column is wrong.
    """

    def is_right(column: str) -> np.ndarray:
        return agree(cells[column], right[column], tolerance)

    def matches(column: str, formula: str) -> bool:
        # One nan agrees with any other: what tells mistakes apart are numbers that are wrong.
        telling = np.isfinite(cells[column]) & ~is_right(column)
        same = agree(cells[column], compute(formula, cells), tolerance)
        return bool(same.all() and telling.any())

    for column in right:
        if is_right(column).all():
            continue
        twin = mirrored(column)
        for formula, words in _slips_of(column, slips).items():
            if matches(column, formula):
                shared = (
                    twin != column and not is_right(twin).all() and matches(twin, mirrored(formula))
                )
                subject = _listed([column, twin] if shared else [column])
                raise Mistake(f"{subject}: {words}")
        raise Mistake(otherwise(column, int(np.argmin(is_right(column)))))


def _slips_of(column: str, slips: Slips) -> dict[str, str]:
    """Wrong formulas of a column: its own, and those of the other half carried over."""
    return {
        **slips.get(column, {}),
        **{
            mirrored(formula): re.sub(r"`[^`]+`", lambda m: mirrored(m[0]), words)
            for formula, words in slips.get(mirrored(column), {}).items()
        },
    }


def in_digits(right: float, found: float) -> tuple[str, str]:
    """Two numbers in as few digits as tell them apart.

    Examples
    --------
    >>> in_digits(1.0, 1.0000001)
    ('1', '1.0000001')
    """
    for digits in (5, 10, 17):
        texts = f"{right:.{digits}g}", f"{found:.{digits}g}"
        if texts[0] != texts[1]:
            break
    return texts
