"""The mechanism of the exercises: states, hints, progress, and nothing that raises."""

import json
import sys
import time
from contextlib import suppress
from types import ModuleType

import pytest

from adl import exercises
from adl.exercises import _answer
from adl.exercises._result import Progress, Result


@pytest.fixture
def attended(monkeypatch, tmp_path):
    """A person at work in a folder of their own."""
    monkeypatch.setenv("ADL_UNATTENDED", "")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "adl-progress.json"


def stub(x, y, step_size, epochs):
    return ...


def wrong(x, y, step_size, epochs):
    return [0.0] * epochs


def descend_solution(x, y, step_size, epochs):
    w, history = 0.0, []
    for _ in range(epochs):
        w -= step_size * float((2 * x * (w * x - y)).mean())
        history.append(w)
    return history


def descend(x, y, step_size, epochs):
    return descend_solution(x, y, step_size, epochs)


def states(chapter=1):
    return {number: state for number, _, state in exercises.progress(chapter).rows}


def test_ids_are_in_order_and_unique():
    ids = [exercise.id for exercise in exercises.every()]
    assert len(set(ids)) == len(ids)
    assert ids == sorted(ids, key=lambda number: [int(part) for part in number.split(".")])


@pytest.mark.parametrize("exercise", exercises.every(), ids=lambda exercise: exercise.id)
def test_every_exercise_has_three_different_hints(exercise):
    assert len(set(exercise.hints)) == 3


def test_the_stub_is_not_attempted_yet(attended):
    assert (
        repr(exercises.check("1.1", stub))
        == "Exercise 1.1: not attempted yet (the function returns `...`)."
    )
    assert states()["1.1"] == "not attempted"


def test_hints_come_one_by_one(attended):
    given = [exercises.check("1.1", wrong) for _ in range(4)]
    assert [result.hint_number for result in given] == [1, 2, 3, 3]
    assert [result.hint for result in given[:3]] == list(exercises.find("1.1").hints)
    assert states()["1.1"] == "wrong"


def test_progress_survives_a_restart_and_a_later_wrong_answer(attended):
    exercises.check("1.1", wrong)
    exercises.check("1.1", descend)
    exercises.check("1.1", wrong)
    assert states()["1.1"] == "correct"
    saved = json.loads(attended.read_text())
    assert saved["exercises"]["1.1"] == {"state": "correct", "wrong": 2}


def test_the_solution_is_checked_and_not_recorded(attended):
    assert exercises.check("1.1", descend_solution).correct
    assert not attended.exists()


def test_nothing_is_recorded_when_nobody_is_watching(attended, monkeypatch):
    exercises.check("1.1", descend)
    monkeypatch.setenv("ADL_UNATTENDED", "1")
    exercises.check("1.1", wrong)
    assert states()["1.1"] == "not attempted"
    assert json.loads(attended.read_text())["exercises"]["1.1"]["wrong"] == 0


@pytest.mark.parametrize(
    "damaged", ["", "{", "[]", '{"exercises": 3}', '{"exercises": {"1.1": {}}}', "\x00"]
)
def test_a_damaged_record_counts_as_empty(attended, damaged):
    attended.write_text(damaged)
    assert states()["1.1"] == "not attempted"
    assert exercises.check("1.1", descend).correct
    assert states()["1.1"] == "correct"


def test_where_nothing_can_be_written_the_record_lasts_for_the_session(attended):
    attended.mkdir()  # the file cannot be written, because a folder has its name
    assert [exercises.check("1.1", wrong).hint_number for _ in range(3)] == [1, 2, 3]
    assert exercises.check("1.1", descend).correct
    assert states()["1.1"] == "correct"
    assert [path.name for path in attended.parent.iterdir()] == [attended.name]


def test_a_damaged_entry_does_not_take_the_others_along(attended):
    entry = {"state": "correct", "wrong": 0}
    damaged = {"1.2": {"state": "banana", "wrong": 1}, "1.3": {"state": "wrong", "wrong": -5}}
    attended.write_text(json.dumps({"exercises": {"1.1": entry, **damaged}}))
    assert states() == {"1.1": "correct", "1.2": "not attempted", "1.3": "wrong"}
    assert "banana" not in exercises.progress()._repr_html_()


@pytest.mark.parametrize("name", [" 1.1 ", 1.1, "1,1", "Exercise 1.1"])
def test_ids_are_read_generously(name):
    assert exercises.check(name, descend_solution).correct


def test_swapped_arguments_are_answered_in_words():
    assert "The number comes first" in exercises.check(descend, "1.1").message


def test_unknown_exercises_are_answered_in_words():
    result = exercises.check("9.9", descend)
    assert not result.correct
    assert "There is no such exercise; there are 1.1" in result.message


@pytest.mark.parametrize("answer", [[0.1, 0.2], 3.0, "descend"])
def test_a_result_instead_of_the_function_is_answered_in_words(answer):
    assert "The check wants the function itself" in exercises.check("1.1", answer).message


@pytest.mark.parametrize("answer", [None, ...])
def test_nothing_at_all_is_not_attempted(answer):
    assert exercises.check("1.1", answer).state == "not attempted"


def test_a_stub_may_also_raise_not_implemented():
    def unwritten(x, y, step_size, epochs):
        raise NotImplementedError

    assert exercises.check("1.1", unwritten).state == "not attempted"


def test_not_implemented_in_torch_is_a_mistake_and_not_a_stub():
    def careless(x, y, step_size, epochs):
        return ((x - y) ^ 2).mean()

    result = exercises.check("1.1", careless)
    assert result.state == "wrong"
    assert "a power is written `**`" in result.message


def test_a_finished_loop_that_still_returns_the_placeholder_is_told_so():
    def forgetful(x, y, step_size, epochs):
        print(descend_solution(x, y, step_size, epochs))
        return ...

    assert "still has a line `return ...`" in exercises.check("1.1", forgetful).message


def test_wrong_arguments_are_answered_with_the_signature():
    message = exercises.check("1.1", lambda x, y: []).message
    assert "descend(x, y, step_size, epochs)" in message


def test_an_exception_is_answered_with_its_line():
    def careless(x, y, step_size, epochs):
        return histroy  # noqa: F821

    message = exercises.check("1.1", careless).message
    assert "NameError" in message
    assert "return histroy" in message


@pytest.mark.parametrize(
    "error", [RecursionError, MemoryError, AssertionError, GeneratorExit, BaseException]
)
def test_exceptions_of_all_kinds_are_caught(error):
    def failing(x, y, step_size, epochs):
        raise error("oh")

    assert error.__name__ in exercises.check("1.1", failing).message


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("np.log(2)", "`import numpy as np` does it"),
        ("pd.DataFrame()", "`import pandas as pd` does it"),
        ("log(2)", "write `math.` in front"),
        ("sqrt(2)", "write `math.` in front"),
        ("math.log(2)", "`import math` is missing"),
    ],
)
def test_missing_imports_are_named(code, advice):
    answer = eval(f"lambda x, y, step_size, epochs: {code}", {})
    assert advice in exercises.check("1.1", answer).message


def test_an_endless_loop_is_ended(monkeypatch):
    monkeypatch.setattr(_answer, "_SECONDS", 0.2)

    def endless(x, y, step_size, epochs):
        while True:
            with suppress(Exception):
                time.sleep(0.01)

    assert "had not come back" in exercises.check("1.1", endless).message


def test_an_endless_generator_is_ended(monkeypatch):
    monkeypatch.setattr(_answer, "_SECONDS", 0.2)

    def endless(x, y, step_size, epochs):
        while True:
            time.sleep(0.01)
            yield 0.0

    assert "had not come back" in exercises.check("1.1", endless).message


def test_generators_are_as_good_as_lists():
    def generator(x, y, step_size, epochs):
        yield from descend_solution(x, y, step_size, epochs)

    assert exercises.check("1.1", generator).correct


def test_nobody_is_asked_to_type():
    def curious(x, y, step_size, epochs):
        return float(input("step size? "))

    assert "take the numbers from the arguments" in exercises.check("1.1", curious).message


def test_exit_and_async_are_answered_in_words():
    def leaving(x, y, step_size, epochs):
        raise SystemExit(0)

    async def waiting(x, y, step_size, epochs):
        return []

    assert "calls exit()" in exercises.check("1.1", leaving).message
    assert "remove the word `async`" in exercises.check("1.1", waiting).message


def test_an_exception_that_cannot_be_printed_is_caught():
    class Mute(Exception):
        def __str__(self):
            raise ValueError

    def failing(x, y, step_size, epochs):
        raise Mute

    assert "stopped with Mute" in exercises.check("1.1", failing).message


@pytest.mark.parametrize("number", ["1.1", "1.2", "1.3"])
@pytest.mark.parametrize(
    "value",
    [
        {"a": 1},
        {1.0},
        "12",
        1j,
        [None],
        [..., 1],
        [[1, 2], [3, 4]],
        object(),
        print,
        (),
        [],
        (1, [2.0]),
        [1j],
        [{}],
        float("nan"),
        True,
        b"1",
        10**400,
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_is_returned_is_answered_in_words(number, value):
    result = exercises.check(number, lambda *_: value)
    assert result.state == "wrong"
    assert result.message


def test_the_readers_arguments_are_copies():
    def greedy(x, y, step_size, epochs):
        result = descend_solution(x, y, step_size, epochs)
        x.zero_(), y.zero_()
        return result

    assert exercises.check("1.1", greedy).correct


def test_printing_inside_the_function_does_not_flood_the_notebook(capsys):
    def talkative(x, y, step_size, epochs):
        print("step", step_size)
        return descend_solution(x, y, step_size, epochs)

    assert exercises.check("1.1", talkative).correct
    assert capsys.readouterr().out == ""


def test_results_show_code_and_escape_html():
    html = Result("1.1", "wrong", "Use `w -= <step>`.", "Try `a < b`.", 1)._repr_html_()
    assert "<code>w -= &lt;step&gt;</code>" in html
    assert "<details><summary>Hint 1 of 3</summary>" in html


def test_progress_counts_what_is_done():
    table = Progress([("1.1", "one", "correct"), ("1.2", "two", "wrong")])
    assert "1 of 2 done" in repr(table)
    assert "1 of 2 done" in table._repr_html_()


def test_progress_of_an_unknown_chapter_is_refused():
    with pytest.raises(ValueError, match="^chapter: expected one of"):
        exercises.progress(chapter=99)


def handed_in(folder):
    return sorted(path.name for path in folder.glob("adl-results-*.json"))


def test_without_a_name_nothing_is_handed_in(attended):
    exercises.check("1.1", descend)
    shown = exercises.progress(1)
    assert shown.note == ""
    assert handed_in(attended.parent) == []


def test_a_name_writes_what_was_done(attended):
    exercises.check("1.1", wrong)
    exercises.check("1.1", descend)
    exercises.check("1.2", lambda *_: 0)
    shown = exercises.progress(1, name=" Ada  Lovelace ")
    (file,) = handed_in(attended.parent)
    saved = json.loads((attended.parent / file).read_text("utf8"))
    entries = saved["exercises"]
    assert file.startswith("adl-results-chapter-1-ada-lovelace-")
    assert saved["student"] == "Ada Lovelace"
    assert saved["chapter"] == 1
    assert list(entries) == [found.id for found in exercises.every() if found.chapter == 1]
    assert entries["1.1"] == {"title": "the training loop", "state": "correct", "wrong": 1}
    assert (entries["1.2"]["state"], entries["1.2"]["wrong"]) == ("wrong", 1)
    assert (entries["1.3"]["state"], entries["1.3"]["wrong"]) == ("not attempted", 0)
    assert file in repr(shown)
    assert f"<code>{file}</code>" in shown._repr_html_()


def test_when_it_was_written_is_in_the_file_and_not_in_the_notebook(attended):
    shown = exercises.progress(1, name="Ada")
    (file,) = handed_in(attended.parent)
    year = json.loads((attended.parent / file).read_text("utf8"))["written"][:4]
    assert year.isdigit()
    assert year not in repr(shown).replace(file, "")


def test_without_a_chapter_all_are_handed_in(attended):
    exercises.progress(name="Ada")
    (file,) = handed_in(attended.parent)
    saved = json.loads((attended.parent / file).read_text("utf8"))
    assert saved["chapter"] is None
    assert list(saved["exercises"]) == [found.id for found in exercises.every()]


def test_a_second_time_writes_the_same_file(attended):
    for name in ("Ada Lovelace", "ada lovelace", "Ada  Lovelace\n"):
        exercises.progress(1, name=name)
    assert len(handed_in(attended.parent)) == 1


def test_nothing_is_handed_in_when_nobody_is_watching(attended, monkeypatch):
    monkeypatch.setenv("ADL_UNATTENDED", "1")
    assert exercises.progress(1, name="Ada").note == ""
    assert handed_in(attended.parent) == []


@pytest.mark.parametrize("name", ["", "  ", "///", "../..", "🦊", "\u200d", "\x00"])
def test_names_without_a_letter_are_refused(name, attended):
    with pytest.raises(ValueError, match="^name: expected your name as text"):
        exercises.progress(1, name=name)


@pytest.mark.parametrize("name", [7, b"Ada", ["Ada"], ...])
def test_names_that_are_no_text_are_refused(name, attended):
    with pytest.raises(TypeError, match="^name: expected your name as text"):
        exercises.progress(1, name=name)


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("../../x", "x"),
        ("C:\\Users\\ada", "c-users-ada"),
        ("Zoë Müller", "zoe-muller"),
        ("Ada 🦊", "ada"),
        ("A" * 300, "a" * 40),
        ("李雷", ""),
        ("\ud800 Ada\x00", "ada"),
        ("NUL", "nul"),
    ],
)
def test_whatever_the_name_the_file_stands_beside_the_notebook(name, letters, attended):
    exercises.progress(1, name=name)
    (file,) = attended.parent.iterdir()
    middle = file.name.removeprefix("adl-results-chapter-1-")[: -len("-123456.json")]
    assert middle == letters
    json.loads(file.read_text("utf8"))


def test_names_with_the_same_letters_have_files_of_their_own(attended):
    names = ["Zoe Müller", "Zoë Müller", "李雷", "李蕾", "A" * 300, "A" * 299]
    for name in names:
        exercises.progress(1, name=name)
    assert len(handed_in(attended.parent)) == len(names)


def test_where_the_file_cannot_be_written_its_text_is_shown(attended):
    exercises.progress(1, name="Ada <b>")
    (file,) = handed_in(attended.parent)
    (attended.parent / file).unlink()
    (attended.parent / file).mkdir()  # the file cannot be written, because a folder has its name
    shown = exercises.progress(1, name="Ada <b>")
    assert f"`{file}` cannot be written here. Copy the text below" in shown.note
    assert json.loads(repr(shown).split(shown.note)[1])["student"] == "Ada <b>"
    assert "Ada &lt;b&gt;" in shown._repr_html_()


@pytest.mark.parametrize("fails", [False, True])
def test_on_colab_the_browser_downloads_the_file(fails, attended, monkeypatch):
    downloaded = []

    def download(path):
        downloaded.append(path)
        if fails:
            raise RuntimeError("the browser has gone")

    colab = ModuleType("google.colab")
    colab.files = ModuleType("google.colab.files")
    colab.files.download = download
    for name in ("google", "google.colab", "google.colab.files"):
        monkeypatch.setitem(sys.modules, name, colab)
    shown = exercises.progress(1, name="Ada")
    assert downloaded == handed_in(attended.parent)
    assert "open the list of files at the left edge of Colab" in shown.note
