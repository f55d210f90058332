"""The record of solved exercises, in a file beside the notebook."""

import json
import tempfile
from pathlib import Path
from typing import Any

FILE = "adl-progress.json"
STATES = ("correct", "wrong")

# Where the folder cannot be written to, the record lasts as long as the session.
_unsaved: dict[Path, dict[str, Any]] = {}


def read() -> dict[str, dict[str, Any]]:
    """Return what is recorded: for each exercise its ``state`` and how many answers were ``wrong``.

    A file that is missing or damaged counts as empty, and so does a damaged entry.
    """
    try:
        exercises = json.loads(Path(FILE).read_text("utf8"))["exercises"].items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return dict(_unsaved.get(Path.cwd(), {}))
    entries = {}
    for name, entry in exercises:
        try:
            state, wrong = entry["state"], max(0, int(entry["wrong"]))
        except (ValueError, KeyError, TypeError, OverflowError):
            continue
        if state in STATES:
            entries[name] = {"state": state, "wrong": wrong}
    return entries


def note(exercise: str, *, correct: bool) -> int:
    """Record an attempt; an exercise once solved stays solved.

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
    text = json.dumps({"version": 1, "exercises": entries}, indent=1)
    try:
        # In one go, so that a killed kernel leaves the old file or the new one.
        with tempfile.NamedTemporaryFile("w", encoding="utf8", dir=".", delete=False) as draft:
            draft.write(text)
        try:
            Path(draft.name).replace(FILE)
        except OSError:
            Path(draft.name).unlink(missing_ok=True)
            raise
    except OSError:
        _unsaved[Path.cwd()] = entries
    return entry["wrong"]
