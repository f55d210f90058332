"""Results that are handed in: sixty files, some of them nasty, become one table."""

import csv
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_LZMA, ZipFile

import pandas as pd
import pytest

from adl import exercises, results
from adl.exercises import _record

PAGE = Path(__file__).resolve().parent.parent / "book" / "teaching.md"
START = datetime(2026, 11, 22, 10, tzinfo=UTC)
IDS = ["1.1", "1.2", "1.3"]


def content(name, *, minutes=0, chapter=1, **changes):
    """What `progress` writes for a student who solved the first exercise after two slips."""
    entries = {
        "1.1": {"title": "the training loop", "state": "correct", "wrong": 2},
        "1.2": {"title": "how many steps", "state": "wrong", "wrong": 3},
        "1.3": {"title": "an intercept", "state": "not attempted", "wrong": 0},
    }
    return {
        "format": "adl-results",
        "version": 1,
        "adl": "0.1.0",
        "student": name,
        "chapter": chapter,
        "written": (START + timedelta(minutes=minutes)).isoformat(),
        "exercises": entries,
        **changes,
    }


def hand_in(path, name="Ada Lovelace", **changes):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content(name, **changes)), "utf8")


def not_counted(folder):
    return dict(results.gather(folder).attrs["not_counted"])


def test_a_row_has_state_and_wrong_answers_of_each_exercise(tmp_path):
    hand_in(tmp_path / "ada.json")
    assert results.gather(tmp_path).to_dict("records") == [
        {
            "student": "Ada Lovelace",
            "folder": "",
            "1.1": "correct",
            "1.1 wrong": 2,
            "1.2": "wrong",
            "1.2 wrong": 3,
            "1.3": "not attempted",
            "1.3 wrong": 0,
            "solved": 1,
        }
    ]


@pytest.mark.parametrize("name", ["Ada Lovelace", "Zoë Müller", "李雷", "Ada 🦊", "علی‌رضا", "=1+1"])
def test_what_progress_writes_is_read_back(name, tmp_path, monkeypatch):
    monkeypatch.setenv("ADL_UNATTENDED", "")
    monkeypatch.chdir(tmp_path)
    exercises.check("1.1", lambda x, y, step_size, epochs: [0.0] * epochs)
    exercises.progress(1, name=name)
    table = results.gather(tmp_path)
    assert table.loc[0, ["student", "1.1", "1.1 wrong", "solved"]].tolist() == [name, "wrong", 1, 0]
    assert not_counted(tmp_path) == {
        "adl-progress.json": "it has no name: ask for the file that progress(name=...) writes"
    }


@pytest.mark.parametrize(("newest", "older"), [("a.json", "b.json"), ("b.json", "a.json")])
def test_of_one_students_files_the_newest_counts(newest, older, tmp_path):
    hand_in(tmp_path / newest, minutes=5, exercises=first("correct"))
    hand_in(tmp_path / older, "ada  LOVELACE", exercises=first("wrong"))
    assert results.gather(tmp_path)["1.1"].tolist() == ["correct"]
    assert not_counted(tmp_path) == {
        older: "there is a newer file of ada LOVELACE in the same folder"
    }


def test_newest_is_told_across_time_zones(tmp_path):
    hand_in(tmp_path / "a.json", written="2026-11-22T10:00:00+00:00", exercises=first("correct"))
    hand_in(tmp_path / "b.json", written="2026-11-22T10:30:00+01:00", exercises=first("wrong"))
    assert results.gather(tmp_path)["1.1"].tolist() == ["correct"]


def first(state):
    return {"1.1": {"state": state, "wrong": 0}}


def test_files_of_two_chapters_make_one_row(tmp_path):
    second = {"2.1": {"state": "correct", "wrong": 0}}
    hand_in(tmp_path / "1.json")
    hand_in(tmp_path / "2.json", chapter=2, exercises=second)
    table = results.gather(tmp_path)
    assert table[["1.1", "2.1", "solved"]].to_numpy().tolist() == [["correct", "correct", 2]]


def test_the_same_name_in_two_folders_is_two_students(tmp_path):
    for folder in ("li_1", "li_2"):
        hand_in(tmp_path / folder / "adl-results.json", "Li Wei")
    hand_in(tmp_path / "ada" / "adl-results.json")
    table = results.gather(tmp_path)
    assert table[["student", "folder"]].to_numpy().tolist() == [
        ["Ada Lovelace", "ada"],
        ["Li Wei", "li_1"],
        ["Li Wei", "li_2"],
    ]


def test_folders_are_printed_for_namesakes_only(tmp_path, capsys):
    for folder in ("li_1", "li_2", "ada_3"):
        hand_in(tmp_path / folder / "x.json", "Ada" if folder == "ada_3" else "Li Wei")
    results.main([str(tmp_path)])
    printed = capsys.readouterr().out
    assert "Li Wei   li_2" in printed
    assert "ada_3" not in printed


def test_names_are_sorted_as_people_sort_them(tmp_path):
    for number, name in enumerate(["Zoe Z", "émile", "Zoë A", "Fritz", "bob"]):
        hand_in(tmp_path / f"{number}.json", name)
    assert results.gather(tmp_path)["student"].tolist() == [
        "bob",
        "émile",
        "Fritz",
        "Zoë A",
        "Zoe Z",
    ]


def test_an_exercise_that_a_students_file_lacks_is_missing_and_not_wrong(tmp_path):
    hand_in(tmp_path / "a.json", "A", exercises=first("correct"))
    hand_in(tmp_path / "b.json", "B")
    table = results.gather(tmp_path)
    assert table["1.2"].tolist() == [None, "wrong"]
    assert table["1.2 wrong"].isna().tolist() == [True, False]


def test_zip_files_are_read_with_their_folders(tmp_path):
    with ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("ada_1/adl-results.json", json.dumps(content("Ada")))
        archive.writestr("__MACOSX/ada_1/._adl-results.json", b"\x00\x05")
        archive.writestr("bob_2/notes.txt", "no result")
        archive.writestr("bob_2/adl-results.JSON", json.dumps(content("Bob")))
    table = results.gather(tmp_path)
    assert table["folder"].tolist() == ["all.zip/ada_1", "all.zip/bob_2"]
    assert table.attrs["not_counted"] == []


def test_copies_that_jupyter_keeps_are_passed_over(tmp_path):
    hand_in(tmp_path / "ada.json")
    hand_in(tmp_path / ".ipynb_checkpoints" / "ada-checkpoint.json")
    assert len(results.gather(tmp_path)) == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no complete JSON"),
        (json.dumps(content("Ada")).encode()[:90], "no complete JSON"),
        (b"\xff\xfe\x00\x01\x02", "no complete JSON"),
        (b"[" * 100_000, "no complete JSON"),
        (b"x" * 300_000, "too large"),
        (b"[]", "no result file"),
        (b'"adl-results"', "no result file"),
        (b'{"name": "a package"}', "no result file"),
        (b'{"format": ["adl-results"]}', "no result file"),
    ],
    ids=["empty", "cut off", "bytes", "deep", "large", "list", "text", "foreign", "odd format"],
)
def test_damaged_and_foreign_files_are_listed_in_words(data, reason, tmp_path):
    (tmp_path / "nasty.json").write_bytes(data)
    assert reason in not_counted(tmp_path)["nasty.json"]


def entries(**changes):
    return {"1.1": {"state": "correct", "wrong": 0, **changes}}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": 2}, "cannot read"),
        ({"student": None}, "something is missing"),
        ({"student": 7}, "something is missing"),
        ({"student": "\x1b\n"}, "names no student"),
        ({"written": "yesterday"}, "something is missing"),
        ({"written": None}, "something is missing"),
        ({"exercises": {}}, "no exercise"),
        ({"exercises": []}, "something is missing"),
        ({"exercises": {"1.1": 3}}, "something is missing"),
        ({"exercises": {"1.1": {}}}, "something is missing"),
        ({"exercises": {"9.9": {"state": "correct", "wrong": 0}}}, "no exercise 9.9"),
        ({"exercises": {"\x1b[2J": {"state": "correct", "wrong": 0}}}, "no exercise [2J"),
        ({"exercises": entries(state="perfect")}, "exercise 1.1 makes no sense"),
        ({"exercises": entries(state=["correct"])}, "exercise 1.1 makes no sense"),
        ({"exercises": entries(wrong=-1)}, "exercise 1.1 makes no sense"),
        ({"exercises": entries(wrong=True)}, "exercise 1.1 makes no sense"),
        ({"exercises": entries(wrong=10**30)}, "exercise 1.1 makes no sense"),
        ({"exercises": entries(wrong=float("nan"))}, "exercise 1.1 makes no sense"),
    ],
    ids=str,
)
def test_edited_files_that_make_no_sense_are_listed_in_words(changes, reason, tmp_path):
    hand_in(tmp_path / "nasty.json", **changes)
    assert reason in not_counted(tmp_path)["nasty.json"]
    assert results.gather(tmp_path).empty


def test_a_file_without_a_field_is_listed(tmp_path):
    incomplete = content("Ada")
    del incomplete["written"]
    (tmp_path / "nasty.json").write_text(json.dumps(incomplete))
    assert not_counted(tmp_path) == {"nasty.json": "damaged: something is missing in it"}


def test_damaged_zip_files_are_listed(tmp_path):
    (tmp_path / "no.zip").write_bytes(b"PK\x03\x04 and then nothing")
    with ZipFile(tmp_path / "torn.zip", "w") as archive:
        archive.writestr("ada.json", json.dumps(content("Ada")))
    data = (tmp_path / "torn.zip").read_bytes()
    (tmp_path / "torn.zip").write_bytes(
        data.replace(b"Ada", b"Eve", 1)
    )  # its checksum is wrong now
    assert not_counted(tmp_path) == {
        "no.zip": "damaged: it is no complete zip file",
        "torn.zip/ada.json": "damaged: it is no complete zip file",
    }


@pytest.mark.parametrize("method", [ZIP_BZIP2, ZIP_LZMA])
def test_zip_methods_that_python_unpacks_all_at_once_are_not_unpacked(tmp_path, method):
    with ZipFile(tmp_path / "bomb.zip", "w", method) as archive:
        archive.writestr("ada.json", json.dumps(content("Ada")))
    assert not_counted(tmp_path) == {"bomb.zip/ada.json": "cannot be unpacked"}


@pytest.mark.parametrize(
    ("right", "wrong"),
    # A name that is not UTF-8 though it says so, and a version of the format to come.
    [
        ("adä.json".encode(), b"ad\xff\xff.json"),
        (b"PK\x01\x02\x14\x03\x14", b"PK\x01\x02\x14\x03\xff"),
    ],
)
def test_a_zip_file_that_python_cannot_read_does_not_stop_the_others(tmp_path, right, wrong):
    hand_in(tmp_path / "bob.json", "Bob")
    with ZipFile(tmp_path / "odd.zip", "w") as archive:
        archive.writestr("adä.json", json.dumps(content("Ada")))
    data = (tmp_path / "odd.zip").read_bytes()
    assert right in data
    (tmp_path / "odd.zip").write_bytes(data.replace(right, wrong))
    table = results.gather(tmp_path)
    assert table["student"].tolist() == ["Bob"]
    assert table.attrs["not_counted"] == [("odd.zip", "cannot be unpacked")]


@pytest.mark.parametrize("place", ["ada.rar", "ada.7z", "ada.tar.gz"])
def test_archives_of_other_kinds_are_listed(place, tmp_path):
    (tmp_path / place).write_bytes(b"packed")
    assert not_counted(tmp_path) == {place: "cannot be unpacked"}


def test_a_zip_file_in_a_zip_file_is_listed(tmp_path):
    with ZipFile(tmp_path / "class.zip", "w") as archive:
        archive.writestr("ada/mine.zip", b"packed")
    assert not_counted(tmp_path) == {"class.zip/ada/mine.zip": "cannot be unpacked"}


def test_a_file_that_an_editor_has_given_another_suffix_is_read(tmp_path):
    hand_in(tmp_path / "adl-results-ada.json.txt")
    (tmp_path / "readme.txt").write_text("Hello")
    table = results.gather(tmp_path)
    assert len(table) == 1
    assert table.attrs["not_counted"] == []


def test_a_file_with_a_byte_order_mark_is_read(tmp_path):
    (tmp_path / "notepad.json").write_text(json.dumps(content("Ada")), "utf-8-sig")
    assert len(results.gather(tmp_path)) == 1


def test_names_cannot_move_the_cursor_or_turn_the_writing_round(tmp_path, capsys):
    hand_in(tmp_path / "nasty.json", "Eve\x1b[2J\n\u202eadA")
    results.main([str(tmp_path)])
    printed = capsys.readouterr().out
    assert "Eve [2J adA" in printed
    assert "\x1b" not in printed


SIXTY = ["李雷", "Zoë Müller", "=cmd()", "Ada " * 75, 'O\'Neil, "Bo"', "+1", "-x", "@home"]
SIXTY += [f"Student {number}" for number in range(len(SIXTY), 60)]


@pytest.fixture
def sixty(tmp_path):
    """Sixty students in folders of a learning platform, and what else comes in."""
    for number, name in enumerate(SIXTY):
        solved = {
            "1.1": {"state": "correct", "wrong": number % 5},
            "1.2": {"state": "wrong" if number % 2 else "correct", "wrong": number % 2},
            "1.3": {"state": "not attempted", "wrong": 0},
        }
        hand_in(tmp_path / f"p_{number}" / "adl-results.json", name, exercises=solved)
    (tmp_path / "p_3" / "torn.json").write_text("{")
    (tmp_path / "p_4" / "package.json").write_text("{}")
    (tmp_path / "p_5" / "notes.txt").write_text("Dear teacher")
    hand_in(tmp_path / "p_9" / "older.json", SIXTY[9], minutes=-30)
    return tmp_path


def test_sixty_students_make_sixty_rows(sixty, capsys):
    assert results.main([str(sixty)]) == 0
    head, table, by_exercise, left_out = capsys.readouterr().out.split("\n\n")
    assert head.startswith("60 students.")
    assert len(table.splitlines()) == 61
    titles = [exercises.find(number).title for number in IDS]
    titles = [title.ljust(max(map(len, titles))) for title in titles]
    assert by_exercise.splitlines()[1:] == [
        f"1.1       {titles[0]}  60         60 of 60  2",
        f"1.2       {titles[1]}  30         60 of 60  0.5",
        f"1.3       {titles[2]}  0          0 of 60   -",
    ]
    assert left_out.splitlines() == [
        "Not counted:",
        "p_3/torn.json     damaged: it is no complete JSON file",
        "p_4/package.json  it is no result file of this course",
        "p_9/older.json    there is a newer file of Student 9 in the same folder",
    ]


def test_columns_are_aligned_whatever_the_names(sixty, capsys):
    results.main([str(sixty)])
    lines = capsys.readouterr().out.split("\n\n")[1].splitlines()
    begin = lines[0].index("1.1")
    for line in lines[1:]:
        wide = line.count("李") + line.count("雷")  # each takes two columns
        assert line[begin - wide :].startswith("correct (")


def test_a_spreadsheet_program_reads_every_name_and_computes_none(sixty, tmp_path):
    file = tmp_path / "table.csv"
    assert results.main([str(sixty), "--csv", str(file)]) == 0
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    with file.open(encoding="utf-8-sig", newline="") as opened:
        names = [row["student"] for row in csv.DictReader(opened)]
    assert len(names) == 60
    assert {"李雷", "Zoë Müller", "'=cmd()", "'+1", "'-x", "'@home", 'O\'Neil, "Bo"'} <= set(names)
    assert not [name for name in names if name[0] in "=+-@"]


def test_the_csv_file_is_the_table(tmp_path):
    hand_in(tmp_path / "a.json", "A", exercises=first("correct"))
    hand_in(tmp_path / "b.json", "B")
    results.main([str(tmp_path), "--csv", str(tmp_path / "table.csv")])
    read = pd.read_csv(tmp_path / "table.csv").drop(columns="folder")
    columns = [f"exercise {number}{what}" for number in IDS for what in ("", " wrong")]
    assert list(read) == ["student", *columns, "solved"]
    assert read["exercise 1.2 wrong"].isna().tolist() == [True, False]
    assert read["solved"].tolist() == [1, 1]


@pytest.mark.parametrize("name", ["missing", "file.json"])
def test_what_is_no_folder_is_refused_in_words(name, tmp_path, capsys):
    (tmp_path / "file.json").write_text("{}")
    assert results.main([str(tmp_path / name)]) == 2
    assert capsys.readouterr().err.startswith("folder: expected a folder, got ")


def test_an_empty_folder_is_said_to_be_empty(tmp_path, capsys):
    assert results.main([str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"There is no result file in {tmp_path}.\n"


def test_a_folder_with_nothing_but_damaged_files_lists_them(tmp_path, capsys):
    (tmp_path / "torn.json").write_text("{")
    assert results.main([str(tmp_path)]) == 2
    assert "torn.json  damaged" in capsys.readouterr().out


def test_a_csv_file_that_cannot_be_written_is_said_so(tmp_path, capsys):
    hand_in(tmp_path / "ada.json")
    assert results.main([str(tmp_path), "--csv", str(tmp_path)]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_the_command_prints_on_consoles_that_lack_letters(tmp_path):
    hand_in(tmp_path / "li.json", "李雷")
    ran = subprocess.run(
        [sys.executable, "-m", "adl.results", str(tmp_path)],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert ran.returncode == 0, ran.stderr
    assert "\n??" in ran.stdout.decode("ascii")


def test_the_teachers_page_shows_what_the_command_prints(tmp_path, capsys):
    done = {
        "Ada Lovelace": "correct 1, correct 3, correct 0, correct 2, wrong 4, -",
        "Zoë Müller": "correct 2, wrong 5, correct 0, -, -, -",
        "李雷": "correct 0, correct 1, correct 1, wrong 1, -, -",
    }
    for place, (name, row) in enumerate(done.items()):
        entries = {}
        for number, cell in enumerate(row.split(", "), 1):
            state, wrong = ("not attempted 0" if cell == "-" else cell).rsplit(" ", 1)
            entries[f"5.{number}"] = {"state": state, "wrong": int(wrong)}
        hand_in(tmp_path / f"{place}.json", name, chapter=5, exercises=entries)
    results.main([str(tmp_path)])
    head, table, _ = capsys.readouterr().out.split("\n\n")
    assert _record.results_file("Ada Lovelace", 5) in PAGE.read_text("utf8")
    assert f"```text\n{head}\n\n{table}\n```" in PAGE.read_text("utf8")
