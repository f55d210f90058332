"""Results that students handed in, gathered into one table.

    python -m adl.results FOLDER [--csv FILE]

``adl.exercises.progress(chapter, name=...)`` writes a file for each student. This reads a folder of
them, with its subfolders and zip files, as learning platforms deliver them. The files say what a
student's check has answered; they prove nothing, since anybody can edit them.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, NoReturn
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import pandas as pd

from adl.exercises import find
from adl.exercises._record import RESULTS_FORMAT, RESULTS_VERSION, STATES

__all__ = ["gather"]

_FILES = (".json", ".json.txt")  # the second is what some editors make of the first
_ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz")
_LARGEST = 200_000  # bytes; a file over all chapters has a few thousand
_MOST_WRONG = 1_000_000
_LONGEST_NAME = 40  # characters of a name that the printed table shows
_JOINERS = "\u200c\u200d"  # invisible, and part of names in Persian, Hindi and emoji


class _NotCountedError(Exception):
    """Says in words why a file is not counted."""


@dataclass(frozen=True)
class _Results:
    """What one student's file says."""

    place: str
    student: str
    written: datetime
    exercises: dict[str, tuple[str, int]]

    @property
    def folder(self) -> str:
        parent = str(PurePosixPath(self.place).parent)
        return "" if parent == "." else parent


def gather(folder: str | os.PathLike[str]) -> pd.DataFrame:
    """Read all result files in a folder, in its subfolders and in zip files.

    The same name in the same folder is one student, of whose files the newest counts; in two
    folders it is two students, since learning platforms make a folder for each. What belongs to the
    system, under names that begin with a dot or in ``__MACOSX``, is passed over.

    Parameters
    ----------
    folder : str or path
        Where the files are.

    Returns
    -------
    pandas.DataFrame
        One row a student, sorted by name: ``student``; ``folder``, seen from the one that was
        asked for; for each exercise a column with its state, named by its id, and one with the
        number of wrong answers, such as ``5.1 wrong``, both missing where the student's files do
        not have it; ``solved``, how many exercises are correct. Files that are not counted stand
        in ``attrs["not_counted"]``, a list of (place, reason).

    Raises
    ------
    ValueError
        If there is no such folder.

    See Also
    --------
    adl.exercises.progress : writes the files.

    Examples
    --------
    >>> import tempfile
    >>> text = '''{"format": "adl-results", "version": 1, "student": "Ada Lovelace",
    ...   "written": "2026-11-22T10:30:00+00:00",
    ...   "exercises": {"1.1": {"state": "correct", "wrong": 2}}}'''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "ada.json").write_text(text)
    ...     _ = Path(folder, "torn.json").write_text(text[:50])
    ...     table = gather(folder)
    >>> table.to_dict("records")
    [{'student': 'Ada Lovelace', 'folder': '', '1.1': 'correct', '1.1 wrong': 2, 'solved': 1}]
    >>> table.attrs["not_counted"]
    [('torn.json', 'damaged: it is no complete JSON file')]
    """
    if not os.path.isdir(folder):
        raise ValueError(f"folder: expected a folder, got {os.fspath(folder)!r}, which is none")
    students, not_counted = _read(Path(folder))
    ids = sorted({found for _, entries in students for found in entries}, key=_by_number)
    table = pd.DataFrame(
        {
            "student": pd.Series([file.student for file, _ in students], dtype=object),
            "folder": pd.Series([file.folder for file, _ in students], dtype=object),
        }
    )
    for found in ids:
        entries = [counted.get(found, (None, None)) for _, counted in students]
        table[found] = pd.Series([state for state, _ in entries], dtype=object)
        table[f"{found} wrong"] = pd.Series([wrong for _, wrong in entries], dtype="Int64")
    table["solved"] = (table[ids] == "correct").sum(axis=1).astype(int)
    order = sorted(table.index, key=lambda row: _by_name(*table.loc[row, ["student", "folder"]]))
    table = table.loc[order].reset_index(drop=True)
    table.attrs["not_counted"] = sorted(not_counted)
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table of a folder; the exit status is 2 if there is nothing to print."""
    parser = argparse.ArgumentParser(
        prog="python -m adl.results",
        description="Gather the result files that students handed in into a table.",
    )
    parser.add_argument("folder", help="where the files are; subfolders and zip files are read too")
    parser.add_argument("--csv", metavar="FILE", help="write the table for a spreadsheet program")
    asked = parser.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # not every console has every student's letters
    try:
        table = gather(asked.folder)
    except ValueError as problem:
        print(problem, file=sys.stderr)
        return 2
    if table.empty:
        print(f"There is no result file in {asked.folder}.", file=sys.stderr)
    else:
        number = "1 student" if len(table) == 1 else f"{len(table)} students"
        print(f"{number}. In brackets: how many answers were wrong.", end="\n\n")
        print(_aligned(_rows(table)), _aligned(_by_exercise(table)), sep="\n\n")
    if table.attrs["not_counted"]:
        print("\nNot counted:")
        print(_aligned([[_clean(place), why] for place, why in table.attrs["not_counted"]]))
    if table.empty:
        return 2
    if asked.csv is not None:
        try:
            _write_csv(table, asked.csv)
        except OSError as problem:
            print(f"--csv: {asked.csv} cannot be written: {problem.strerror}", file=sys.stderr)
            return 2
    return 0


def _read(
    folder: Path,
) -> tuple[list[tuple[_Results, dict[str, tuple[str, int]]]], list[tuple[str, str]]]:
    """Return for each student the newest file and what counts, and the files that do not count."""
    files, not_counted = [], []
    for place, opener in _files(folder):
        try:
            files.append(_understood(place, _content(opener)))
        except _NotCountedError as reason:
            not_counted.append((place, str(reason)))
    files.sort(key=lambda file: file.written, reverse=True)
    students: dict[tuple[str, str], tuple[_Results, dict[str, tuple[str, int]]]] = {}
    for file in files:
        _, counted = students.setdefault((file.student.casefold(), file.folder), (file, {}))
        new = {name: entry for name, entry in file.exercises.items() if name not in counted}
        counted.update(new)
        if not new:
            reason = f"there is a newer file of {file.student} in the same folder"
            not_counted.append((file.place, reason))
    return list(students.values()), not_counted


def _files(folder: Path) -> Iterator[tuple[str, Callable[[], IO[bytes]]]]:
    """Yield the place of each JSON file, also of those in zip files, and what opens it.

    Archives that are not opened are among them, so that the teacher hears of them.
    """
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder).as_posix()
        if _of_the_system(place) or not os.path.isfile(path):
            continue
        name = path.name.lower()
        if name.endswith(_FILES):
            yield place, partial(path.open, "rb")
        elif name.endswith(".zip"):
            try:
                archive = ZipFile(path)
            except Exception:  # damaged, or of a kind that Python cannot read
                yield place, partial(ZipFile, path)  # fails again, where that is put into words
                continue
            with archive:
                for member in archive.infolist():
                    inside, name = f"{place}/{member.filename}", member.filename.lower()
                    if name.endswith((*_FILES, *_ARCHIVES)) and not _of_the_system(inside):
                        yield inside, partial(_unpacked, archive, member)
        elif name.endswith(_ARCHIVES):
            yield place, _refused


def _unpacked(archive: ZipFile, member: ZipInfo) -> IO[bytes]:
    # Of the other methods, Python unpacks all at once: a few kilobytes may fill the memory.
    plain = member.compress_type in (ZIP_STORED, ZIP_DEFLATED)
    if not plain or member.filename.lower().endswith(_ARCHIVES):
        return _refused()
    return archive.open(member)


def _refused() -> NoReturn:
    raise NotImplementedError


def _of_the_system(place: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in place.split("/"))


def _content(opener: Callable[[], IO[bytes]]) -> Any:
    """Return what a JSON file holds."""
    try:
        with opener() as file:
            data = file.read(_LARGEST + 1)
    except BadZipFile:
        raise _NotCountedError("damaged: it is no complete zip file") from None
    except OSError as problem:
        raise _NotCountedError(f"cannot be read: {problem.strerror}") from None
    except Exception:  # of a zip file: a password, a method that Python lacks, a damaged member
        raise _NotCountedError("cannot be unpacked") from None
    if len(data) > _LARGEST:
        raise _NotCountedError("too large for a result file")
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise _NotCountedError("damaged: it is no complete JSON file") from None


def _understood(place: str, content: Any) -> _Results:
    """Return what a file says, once all of it is what `progress` writes."""
    if not isinstance(content, dict) or content.get("format") != RESULTS_FORMAT:
        if PurePosixPath(place).name.startswith("adl-progress"):
            raise _NotCountedError(
                "it has no name: ask for the file that progress(name=...) writes"
            )
        raise _NotCountedError("it is no result file of this course")
    if content.get("version") != RESULTS_VERSION:
        raise _NotCountedError("a version of the course wrote it that this one cannot read")
    try:
        student = _clean(content["student"])
        written = datetime.fromisoformat(content["written"]).astimezone(UTC)
        exercises = {
            name: (entry["state"], entry["wrong"]) for name, entry in content["exercises"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError):
        raise _NotCountedError("damaged: something is missing in it") from None
    if not student or not exercises:
        raise _NotCountedError("damaged: it names no student, or no exercise")
    for name, (state, wrong) in exercises.items():
        if find(name) is None:
            raise _NotCountedError(
                f"this version of the course has no exercise {_clean(name[:20])}"
            )
        if state not in (*STATES, "not attempted") or not _is_count(wrong):
            raise _NotCountedError(f"damaged: exercise {name} makes no sense")
    return _Results(place, student, written, exercises)


def _is_count(number: Any) -> bool:
    return type(number) is int and 0 <= number <= _MOST_WRONG


def _clean(text: str) -> str:
    """Return a text that can be printed: nothing that moves a cursor or turns writing round."""
    kept = (
        character
        if character in _JOINERS or unicodedata.category(character)[0] not in "CZ"
        else " "
        for character in unicodedata.normalize("NFC", text)
    )
    return " ".join("".join(kept).split())


def _by_number(exercise: str) -> list[int]:
    return [int(part) for part in exercise.split(".")]


def _by_name(student: str, folder: str) -> tuple[str, str, str]:
    """Key that sorts names, with accents only where that alone tells them apart."""
    letters = unicodedata.normalize("NFKD", student.casefold())
    return re.sub(r"[\u0300-\u036f]", "", letters), student, folder


def _exercises(table: pd.DataFrame) -> list[str]:
    return [column for column in table.columns if f"{column} wrong" in table.columns]


def _rows(table: pd.DataFrame) -> list[list[str]]:
    """The table as printed; folders are shown where two students have the same name."""
    ids, twice = _exercises(table), table["student"].str.casefold().duplicated(keep=False)
    head = ["student", *(["folder"] if twice.any() else []), *ids, "solved"]
    rows = [head]
    for row, namesake in zip(table.to_dict("records"), twice, strict=True):
        name = row["student"]
        cells = [name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"]
        if twice.any():
            cells.append(_clean(row["folder"]) if namesake else "")
        cells += [_cell(row[found], row[f"{found} wrong"]) for found in ids]
        rows.append([*cells, f"{row['solved']} of {len(ids)}"])
    return rows


def _cell(state: str | None, wrong: int) -> str:
    """A state, and in brackets how many answers were wrong."""
    if state is None or state == "not attempted":
        return "-"
    return f"{state} ({wrong})"


def _by_exercise(table: pd.DataFrame) -> list[list[str]]:
    """For each exercise how many solved it, how many tried, and how often they were wrong."""
    rows = [["exercise", "", "solved by", "tried by", "wrong answers (median of those who tried)"]]
    for found in _exercises(table):
        tried = table[found].isin(STATES)
        wrong = table.loc[tried, f"{found} wrong"].astype(float)
        title, solved = getattr(find(found), "title", ""), (table[found] == "correct").sum()
        median = f"{wrong.median():g}" if tried.any() else "-"
        rows.append([found, title, str(solved), f"{tried.sum()} of {len(table)}", median])
    return rows


def _aligned(rows: list[list[str]]) -> str:
    """Lines in which the cells of a column begin one below the other."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    )


def _width(text: str) -> int:
    """Columns that a text takes in a terminal."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.category(c) in ("Mn", "Cf") for c in text)


def _write_csv(table: pd.DataFrame, file: str) -> None:
    """Write the table so that a spreadsheet program takes text for text, in every alphabet."""
    guarded = table.copy()
    for column in ("student", "folder"):
        texts = [_clean(text) for text in table[column]]
        guarded[column] = ["'" + t if t.startswith(("=", "+", "-", "@")) else t for t in texts]
    # Alone, 5.1 would be a date in some countries.
    guarded = guarded.rename(columns=lambda name: re.sub(r"^(?=\d)", "exercise ", name))
    # Spreadsheet programs take a file for UTF-8 if it begins with this encoding's mark.
    guarded.to_csv(file, index=False, encoding="utf-8-sig")


if __name__ == "__main__":
    sys.exit(main())
