"""The record of solved exercises, in a file beside the notebook."""

import json
import os
from pathlib import Path
from typing import Any

FILE = "adl-progress.json"


def read() -> dict[str, dict[str, Any]]:
    """Return what is recorded: for each exercise its ``state`` and how many answers were ``wrong``.

    A file that is missing or damaged counts as empty.
    """
    try:
        exercises = json.loads(Path(FILE).read_text("utf8"))["exercises"]
        return {
            str(name): {"state": str(entry["state"]), "wrong": int(entry["wrong"])}
            for name, entry in exercises.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def note(exercise: str, *, correct: bool) -> int:
    """Record an attempt; an exercise once solved stays solved.

    Where the folder cannot be written to, nothing is recorded and nothing is said: the reader's
    answer matters more.

    Returns
    -------
    int
        How many answers to this exercise have been wrong so far.
    """
    entries = read()
    entry = entries.setdefault(exercise, {"state": "wrong", "wrong": 0})
    if correct:
        entry["state"] = "correct"
    else:
        entry["wrong"] += 1
    path = Path(FILE)
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        draft.write_text(json.dumps({"version": 1, "exercises": entries}, indent=1), "utf8")
        draft.replace(path)  # in one go: a killed kernel leaves the old file or the new one
    except OSError:
        draft.unlink(missing_ok=True)
    return entry["wrong"]
