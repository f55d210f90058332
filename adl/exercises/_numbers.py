"""Reading the numbers that a reader's function returns."""

from collections.abc import Mapping, Set
from numbers import Real
from typing import Any

import numpy as np

from adl.exercises._answer import Answer, Mistake


def one(value: Any, *, of: str) -> float:
    """Return a single number that a reader's function returned, as a float.

    Parameters
    ----------
    value : object
        A number, or a tensor or array of one number.
    of : str
        What it is, for the message: ``"a number of steps"``.

    Raises
    ------
    Mistake
        If it is anything else.
    """
    size = getattr(value, "size", 1)
    size = value.numel() if hasattr(value, "numel") else size
    if isinstance(size, int) and size > 1:
        raise Mistake(
            f"Your function returns {size} numbers where {of} is asked for. Is a mean or a maximum "
            "missing?"
        )
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    if hasattr(value, "item") and size == 1:
        value = value.item()
    if isinstance(value, complex):
        raise Mistake(f"Your function returns a complex number; asked for is {of}.")
    if not isinstance(value, Real) or isinstance(value, bool):
        raise Mistake(f"Your function returns {kind(value)}; asked for is {of}.")
    return float(value)


def several(value: Any, *, names: tuple[str, ...]) -> list[float]:
    """Return the numbers of a returned tuple, list, tensor or array, one for each name.

    Raises
    ------
    Mistake
        If there are more or fewer, or one of them is no number.
    """
    asked = f"{len(names)} numbers: {', '.join(names)}"
    if isinstance(value, str | Mapping | Set) or hasattr(value, "columns"):
        raise Mistake(f"Your function returns {kind(value)}; asked for are {asked}.")
    if hasattr(value, "detach"):
        value = value.detach()
    if hasattr(value, "reshape"):
        value = value.reshape(-1)
    try:
        entries = list(value)
    except TypeError:
        raise Mistake(f"Your function returns one value; asked for are {asked}.") from None
    if len(entries) != len(names):
        raise Mistake(f"Your function returns {len(entries)} values; asked for are {asked}.")
    return [one(entry, of=name) for entry, name in zip(entries, names, strict=True)]


def history(answer: Answer, value: Any, *, of: str) -> np.ndarray:
    """Return the numbers of a returned list, tensor or array, as float64.

    Parameters
    ----------
    answer : Answer
        The function that returned it; it knows whether something was printed instead.
    value : object
        What it returned.
    of : str
        What the numbers are, for the message: ``"w after each epoch"``.

    Returns
    -------
    numpy.ndarray, shape (n,)

    Raises
    ------
    Mistake
        If `value` is nothing, a single number, text, or carries a graph.
    """
    asked = f"asked for is a list of {of}"
    if value is None:
        raise Mistake(nothing_returned(answer, f"collect {of} in a list and return it"))
    if isinstance(value, Real) or getattr(value, "shape", None) in ((), (1,), (1, 1)):
        raise Mistake(f"Your function returns a single number; {asked}.")
    if isinstance(value, str | Mapping | Set) or hasattr(value, "columns"):
        raise Mistake(f"Your function returns {kind(value)}; {asked}.")
    if _in_graph(value):
        raise Mistake(_GRAPH)
    try:
        entries = list(value)
    except TypeError:
        raise Mistake(f"Your function returns {kind(value)}; {asked}.") from None
    if isinstance(value, tuple) and any(np.size(_plain(entry)) > 1 for entry in entries):
        raise Mistake("Your function returns several things: return only the list of w.")
    if any(map(_in_graph, entries)):
        raise Mistake(_GRAPH)
    places = {entry.data_ptr() for entry in entries if hasattr(entry, "data_ptr")}
    if len(entries) > 1 and len(places) == 1:
        raise Mistake(_SHARED)
    return np.array([_entry(entry, of) for entry in entries], dtype=float)


def nothing_returned(answer: Answer, instead: str) -> str:
    """Say that nothing was returned, and why it may look as if something were."""
    if answer.printed:
        return f"Your function prints its result but returns nothing: {instead}."
    return f"Your function returns nothing. Is a `return` missing? In short: {instead}."


_GRAPH = (
    "What your function returns still carries its graph: each entry keeps the whole computation in "
    "memory, and a parameter goes on changing after you have stored it. Store the number instead, "
    "with `w.item()`."
)
_SHARED = (
    "All entries of your list are equal: they are the same tensor, stored several times, and it "
    "shows its last value everywhere. Store the number instead, with `w.item()`."
)


def _in_graph(value: Any) -> bool:
    return bool(getattr(value, "requires_grad", False))


def _plain(value: Any) -> Any:
    return value.detach() if hasattr(value, "detach") else value


def kind(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _entry(entry: Any, of: str) -> float:
    if isinstance(entry, str):
        raise Mistake(
            f"Your list holds text ({entry[:20]!r}). Return numbers; formatting is for printing."
        )
    if entry is None or entry is ...:
        raise Mistake(f"Your list holds {entry}: something was stored before it had a value.")
    if isinstance(entry, list | tuple) and len(entry) == 2:
        raise Mistake(f"Your list holds pairs; asked for is one number for each epoch, {of}.")
    try:
        return one(entry, of=of)
    except Mistake:
        raise Mistake(
            f"Your list holds {kind(entry)}; asked for is one number for each epoch, {of}."
        ) from None
