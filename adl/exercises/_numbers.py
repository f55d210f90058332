"""Reading the numbers that a reader's function returns."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from adl.exercises._answer import Mistake


def history(value: Any, *, of: str, printed: bool) -> np.ndarray:
    """Numbers of a returned list, tensor or array, as float64.

    Parameters
    ----------
    value : object
        What the function returned.
    of : str
        What the numbers are, for the message: ``"w after each epoch"``.
    printed : bool
        Whether the function printed something, which explains a missing return.

    Returns
    -------
    numpy.ndarray, shape (n,)

    Raises
    ------
    Mistake
        If `value` is nothing, a single number, text, or carries a graph.
    """
    if value is None:
        raise Mistake(
            f"Your function prints its numbers but returns nothing: collect {of} in a list and "
            "return it."
            if printed
            else f"Your function returns nothing. Collect {of} in a list and return it."
        )
    if isinstance(value, Real) or getattr(value, "shape", None) == ():
        raise Mistake(f"Your function returns a single number; asked for is a list of {of}.")
    if isinstance(value, str | dict | set):
        raise Mistake(f"Your function returns a {type(value).__name__}; asked for is a list.")
    if _in_graph(value):
        raise Mistake(_GRAPH)
    try:
        entries = list(value)
    except TypeError:
        raise Mistake(
            f"Your function returns a {type(value).__name__}; asked for is a list of {of}."
        ) from None
    if any(_in_graph(entry) for entry in entries):
        raise Mistake(_GRAPH)
    return np.array([_number(entry, of) for entry in entries], dtype=float)


_GRAPH = (
    "The entries of your list are tensors that still carry their graph: each keeps the whole "
    "computation in memory, and the parameter itself goes on changing after you have stored it. "
    "Store the number instead, with `w.item()`."
)
SHARED = (
    "All entries of your list are equal: they are the same tensor, stored several times, and it "
    "shows its last value everywhere. Store the number instead, with `w.item()`."
)


def _in_graph(value: Any) -> bool:
    return bool(getattr(value, "requires_grad", False))


def _number(entry: Any, of: str) -> float:
    if isinstance(entry, str):
        raise Mistake(
            f"Your list holds text ({entry[:20]!r}). Return numbers; formatting is for printing."
        )
    if entry is None:
        raise Mistake("Your list holds None: something was stored before it had a value.")
    if isinstance(entry, Sequence) and len(entry) == 1:
        entry = entry[0]
    try:
        return float(entry.item() if hasattr(entry, "item") else entry)
    except (TypeError, ValueError, RuntimeError):
        raise Mistake(
            f"Your list holds a {type(entry).__name__} with more than one number; asked for is one "
            f"number for each epoch, {of}."
        ) from None
