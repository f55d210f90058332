"""Exercises that check themselves: what every chapter uses to answer its readers.

``check("1.1", descend)`` calls the reader's function on data drawn for the check, says what is
right or which mistake it recognises, and offers the next hint. ``progress()`` shows what is done,
and with a name writes it into a file for the teacher.
The exercises of a chapter are a module of this package, found by itself; see `Exercise`.
"""

from typing import Any

import numpy as np

from adl._session import unattended
from adl.exercises import _record
from adl.exercises._answer import Answer, Mistake, NotAttempted
from adl.exercises._exercise import Exercise, every, find
from adl.exercises._result import Progress, Result

__all__ = ["Exercise", "Progress", "Result", "check", "every", "find", "progress"]


def check(exercise: str, answer: Any, *, seed: int | None = None) -> Result:
    """Check an answer to an exercise and say what is right or wrong with it.

    Never raises on a mistake of the reader's: whatever goes wrong is said in the result. Each wrong
    answer unlocks one more hint. A function whose name ends in ``_solution`` is checked without
    being recorded.

    Parameters
    ----------
    exercise : str
        Chapter and number, such as ``"1.2"``.
    answer : callable
        The reader's function, not its result.
    seed : int, optional
        Of the data drawn for the check; None draws new data each time.

    Returns
    -------
    Result
        Shows itself in a notebook; ``correct``, ``message`` and ``hint`` are there to be read.

    Examples
    --------
    >>> def descend(x, y, step_size, epochs):
    ...     return ...
    >>> check("1.1", descend)
    Exercise 1.1: not attempted yet (the function returns `...`).
    """
    if callable(exercise):
        return Result("", "wrong", 'The number comes first: `check("1.1", descend)`.')
    name = str(exercise).lower().removeprefix("exercise").strip().replace(",", ".")
    asked = find(name)
    if asked is None:
        known = ", ".join(found.id for found in every())
        return Result(name, "wrong", f"There is no such exercise; there are {known}.")
    # A finished exercise stays in the name of its solution, so that it can be told apart.
    recorded = not getattr(answer, "__name__", "").endswith("_solution") and not unattended()
    try:
        praise = asked.examine(Answer(answer, asked.signature), np.random.default_rng(seed))
    except NotAttempted as stub:
        return Result(asked.id, "not attempted", str(stub))
    except Exception as error:
        message = str(error) if isinstance(error, Mistake) else _UNREADABLE
        wrong = _record.note(asked.id, correct=False) if recorded else 1
        hint = min(wrong, len(asked.hints))
        return Result(asked.id, "wrong", message, asked.hints[hint - 1], hint)
    if recorded:
        _record.note(asked.id, correct=True)
    return Result(asked.id, "correct", praise or asked.praise)


_UNREADABLE = (
    "The check cannot make sense of what your function returns. Print it: is it of the kind that "
    "the exercise asks for?"
)


def progress(chapter: int | None = None, *, name: str | None = None) -> Progress:
    """Which exercises are done, on this computer and in this folder.

    Parameters
    ----------
    chapter : int, optional
        Show this chapter only; by default all.
    name : str, optional
        Your name, if you hand your results in. A file for your teacher is written then, beside the
        notebook: your name as typed, and for each exercise its state and how many of your answers
        were wrong. Your answers themselves are not in it.

    Returns
    -------
    Progress
        A table that shows itself in a notebook. It is kept in ``adl-progress.json`` beside the
        notebook, so it survives a restart of the kernel.

    Raises
    ------
    ValueError
        If the chapter has no exercises, or the name neither a letter nor a digit.
    TypeError
        If the name is not text.

    See Also
    --------
    adl.results.gather : reads a folder of the files that are handed in.

    Examples
    --------
    >>> print(progress(chapter=1).rows[0][:2])
    ('1.1', 'the training loop')
    """
    shown = [found for found in every() if chapter in (None, found.chapter)]
    if not shown:
        chapters = sorted({found.chapter for found in every()})
        raise ValueError(f"chapter: expected one of {chapters}, got {chapter!r}")
    student = None if name is None else _record.student_name(name)
    states = {} if unattended() else _record.read()
    entries = {
        found.id: {
            "title": found.title,
            **states.get(found.id, {"state": "not attempted", "wrong": 0}),
        }
        for found in shown
    }
    rows = [(number, entry["title"], entry["state"]) for number, entry in entries.items()]
    if student is None or unattended():
        return Progress(rows)
    number = None if chapter is None else shown[0].chapter
    return Progress(rows, *_record.hand_in(student, number, entries))
