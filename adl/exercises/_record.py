"""The record of solved exercises in a file beside the notebook, and the one that is handed in."""

import json
import re
import sys
import tempfile
import unicodedata
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

FILE = "adl-progress.json"
STATES = ("correct", "wrong")

RESULTS_FORMAT, RESULTS_VERSION = "adl-results", 1

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


def student_name(name: Any) -> str:
    """Return the name as typed, but for white space.

    Raises
    ------
    TypeError, ValueError
        If it is no text, or holds neither a letter nor a digit.
    """
    expected = 'name: expected your name as text, such as "Ada Lovelace"'
    if not isinstance(name, str):
        raise TypeError(f"{expected}, got {type(name).__name__}")
    # Half of a surrogate pair cannot be written to a file.
    cleaned = " ".join(name.split()).encode("utf8", "replace").decode("utf8")
    if not any(character.isalnum() for character in cleaned):
        raise ValueError(f"{expected}, got {name[:60]!r}")
    return cleaned


def results_file(student: str, chapter: int | None) -> str:
    """Name of the file that is handed in.

    The letters are for people. What keeps two students' files apart is the hash, because two names
    may have the same letters, and some have none that every system can write.
    """
    plain = unicodedata.normalize("NFKD", student.casefold()).encode("ascii", "ignore").decode()
    letters = "-".join(re.findall("[a-z0-9]+", plain))[:40].strip("-")
    digest = sha256(unicodedata.normalize("NFKC", student.casefold()).encode("utf8")).hexdigest()
    number = "" if chapter is None else f"chapter-{chapter}"
    return (
        "-".join(part for part in (RESULTS_FORMAT, number, letters, digest[:6]) if part) + ".json"
    )


def hand_in(
    student: str, chapter: int | None, exercises: dict[str, dict[str, Any]]
) -> tuple[str, str]:
    """Write the file that a student gives to the teacher; `adl.results` reads it.

    Parameters
    ----------
    student : str
        As `student_name` returns it.
    chapter : int or None
        Number of the chapter, None for all.
    exercises : dict
        For each exercise's id its ``title``, its ``state`` and how many answers were ``wrong``.

    Returns
    -------
    str
        What to do now, in words.
    str
        The file's text if it could not be written, and has to be copied; otherwise "".
    """
    text = json.dumps(
        {
            "format": RESULTS_FORMAT,
            "version": RESULTS_VERSION,
            "adl": _version(),
            "student": student,
            "chapter": chapter,
            "written": datetime.now().astimezone().isoformat(timespec="seconds"),
            "exercises": exercises,
        },
        indent=1,
        ensure_ascii=False,
    )
    file = Path(results_file(student, chapter))
    try:
        file.write_text(text, "utf8")
    except OSError:
        return (
            f"`{file}` cannot be written here. Copy the text below into a file of that name, and "
            "hand it in.",
            text,
        )
    if _downloads(file):
        return (
            f"Your browser downloads `{file}`: hand it in. If no download starts, open the list of "
            "files at the left edge of Colab and download it from there.",
            "",
        )
    return f"Hand in the file `{file}`; it stands in the folder of this notebook.", ""


def _version() -> str:
    """Version of the package, where it is installed."""
    try:
        return version("adl-course")
    except PackageNotFoundError:
        return "unknown"


def _downloads(file: Path) -> bool:
    """Pass a file from Colab's machine to the reader's own; False where this is not Colab."""
    if "google.colab" not in sys.modules:
        return False
    with suppress(Exception):  # whatever happens, the file is still in Colab's list
        from google.colab import files

        files.download(str(file))
    return True
