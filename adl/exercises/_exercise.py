"""What an exercise is, and where the exercises of all chapters are found."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

import numpy as np

import adl.exercises
from adl.exercises._answer import Answer


@dataclass(frozen=True)
class Exercise:
    """One exercise. A chapter's module lists its own in a tuple ``EXERCISES``.

    Attributes
    ----------
    id : str
        Chapter and number, such as ``"1.2"``.
    title : str
        A few words for the table of progress.
    signature : str
        What the reader's function is called with, such as ``"descend(x, y, step_size, epochs)"``.
    hints : tuple of three str
        From a nudge to nearly the answer.
    praise : str
        What is said of a right answer.
    examine : callable
        ``examine(answer, rng)`` calls the answer on data drawn from ``rng`` and raises `Mistake`
        with the words to say, or returns if the answer is right: None, or praise of its own.

    Examples
    --------
    >>> def examine(answer, rng):
    ...     number = int(rng.integers(100))
    ...     if answer(number) != 2 * number:
    ...         raise Mistake(f"Twice {number} is {2 * number}.")
    >>> twice = Exercise("9.1", "doubling", "twice(n)", ("+", "n + n", "2 * n"), "Yes.", examine)
    >>> twice.chapter
    9
    """

    id: str
    title: str
    signature: str
    hints: tuple[str, str, str]
    praise: str
    examine: Callable[[Answer, np.random.Generator], str | None]

    @property
    def chapter(self) -> int:
        """Number of the chapter that the exercise belongs to."""
        return int(self.id.split(".")[0])


@cache
def every() -> tuple[Exercise, ...]:
    """All exercises of the course in order, from the public modules of this package.

    Examples
    --------
    >>> [exercise.id for exercise in every() if exercise.chapter == 1]
    ['1.1', '1.2', '1.3']
    """
    modules = [m.name for m in iter_modules(adl.exercises.__path__) if not m.name.startswith("_")]
    found = [
        exercise
        for name in modules
        for exercise in import_module(f"{adl.exercises.__name__}.{name}").EXERCISES
    ]
    return tuple(sorted(found, key=lambda exercise: [int(n) for n in exercise.id.split(".")]))


def find(exercise_id: str) -> Exercise | None:
    """Return the exercise of this id, or None.

    Examples
    --------
    >>> find("1.1").title
    'the training loop'
    """
    return next((exercise for exercise in every() if exercise.id == exercise_id), None)
