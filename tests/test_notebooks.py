"""The chapters as files: what is stored, what is derived, and what students get."""

import copy
import io
import json
import re
import tokenize

import nbformat
import pytest
from nbclient import NotebookClient

import notebooks

CHAPTERS = notebooks.chapters()
every_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook, tag=None):
    return [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and (tag is None or tag in notebooks.tags(cell))
    ]


def pairs(notebook):
    """Stub and solution of each exercise, by its id."""
    found = {}
    for kind in ("exercise", "solution"):
        for cell in code_cells(notebook, kind):
            exercise = re.search(r'exercises\.check\("([\d.]+)"', cell.source)[1]
            found.setdefault(exercise, {})[kind] = cell
    return found


@every_chapter
def test_restarted_and_run_in_order(path):
    counts = [cell.execution_count for cell in code_cells(read(path))]
    assert counts == list(range(1, len(counts) + 1))


@every_chapter
def test_format_and_metadata_are_those_that_make_notebooks_writes(path):
    notebook = read(path)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    before = copy.deepcopy(notebook)
    notebooks.prepare(notebook)
    assert notebook == before


@every_chapter
def test_nothing_of_one_machine_is_stored(path):
    text = path.read_text("utf8")
    assert not re.search(r"/(home|root|tmp|work|Users)/", text)
    assert not re.search(r"\b0x[0-9a-f]{6,}", text)
    for cell in code_cells(read(path)):
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr"


@every_chapter
def test_every_picture_has_its_alt_text_in_the_cell(path):
    for cell in code_cells(read(path)):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                alt = output.metadata["image/png"]["alt"]
                assert len(alt) > 30
                assert cell.metadata["mystnb"]["image"]["alt"] == alt


@every_chapter
def test_only_markdown_that_reads_well_everywhere(path):
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            assert not re.search(r"(?m)^(```\{|:::)|\{[a-z]+\}`", cell.source), cell.source[:80]
            assert "- [ ]" not in cell.source
            assert not re.search(r"\]\((?!https?:)", cell.source), "a link that dies on Colab"


@every_chapter
def test_the_first_code_cell_installs_on_colab_and_prints_nothing_elsewhere(path):
    first = code_cells(read(path))[0]
    assert notebooks.tags(first) == ["hide-cell", "install"]
    assert first.source == notebooks.install_source()
    assert first.outputs == []


@every_chapter
def test_every_exercise_has_a_stub_and_a_solution_that_passes(path):
    for exercise, cells in pairs(read(path)).items():
        assert set(cells) == {"exercise", "solution"}, exercise
        assert said(cells["exercise"]).startswith(f"Exercise {exercise}: not attempted yet")
        assert said(cells["solution"]).startswith(f"Exercise {exercise}: correct.")


def said(cell):
    return cell.outputs[-1]["data"]["text/plain"]


@every_chapter
def test_each_fixed_line_of_a_stub_stands_in_its_solution(path):
    for exercise, cells in pairs(read(path)).items():
        solution = cells["solution"].source.replace("_solution", "")
        assert cells["solution"].source.startswith(f"#@title Solution of exercise {exercise}\n")
        for line in cells["exercise"].source.splitlines():
            if line.strip() and not line.strip().startswith("#") and "..." not in line:
                assert line in solution.splitlines(), f"{exercise}: {line!r}"


@every_chapter
def test_no_cell_uses_a_name_that_the_reader_was_to_define(path):
    notebook = read(path)
    names = set(
        re.findall(
            r"(?m)^(?:def|class) (\w+)",
            "\n".join(cell.source for cell in code_cells(notebook, "exercise")),
        )
    )
    for cell in code_cells(notebook):
        if not set(notebooks.tags(cell)) & {"exercise", "solution"}:
            assert not names_in(cell.source) & (names | {f"{name}_solution" for name in names})


def names_in(source):
    """Names in a cell, but not those after a dot: `training.train` is the package's own."""
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    return {
        token.string
        for before, token in zip([None, *tokens], tokens, strict=False)
        if token.type == tokenize.NAME and (before is None or before.string != ".")
    }


@every_chapter
def test_student_version_has_no_solutions_answers_or_outputs(path):
    notebook = notebooks.student_version(read(path))
    nbformat.validate(notebook)
    assert not code_cells(notebook, "solution")
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code_cells(notebook))
    assert "<details>" not in json.dumps(notebook)
    assert len(code_cells(notebook, "exercise")) == len(pairs(read(path)))


@every_chapter
def test_student_version_runs_as_it_stands(path, tmp_path):
    notebook = executed(notebooks.student_version(read(path)), tmp_path)
    for cell in code_cells(notebook, "exercise"):
        assert re.search(r": not attempted yet \(.+\)\.$", said(cell))
    assert not (tmp_path / "adl-progress.json").exists()


@every_chapter
def test_student_version_filled_with_the_solutions_passes_its_checks(path, tmp_path, monkeypatch):
    monkeypatch.setenv("ADL_UNATTENDED", "")
    solutions = {
        exercise: cells["solution"].source for exercise, cells in pairs(read(path)).items()
    }
    notebook = notebooks.student_version(read(path))
    # Beyond what stands above the first one, no exercise needs another cell: readers skip parts.
    cells = code_cells(notebook)
    exercises = code_cells(notebook, "exercise")
    notebook.cells = [*cells[: cells.index(exercises[0])], *exercises, cells[-1]]
    for cell in exercises:
        exercise = re.search(r'exercises\.check\("([\d.]+)"', cell.source)[1]
        cell.source = solutions[exercise].replace("_solution", "")
    notebook = executed(notebook, tmp_path)
    for cell in code_cells(notebook, "exercise"):
        assert ": correct." in said(cell)
    assert f"{len(solutions)} of {len(solutions)} done" in said(code_cells(notebook)[-1])


@pytest.mark.parametrize(
    ("cell", "left"),
    [
        (nbformat.v4.new_markdown_cell("Why?"), ["Why?"]),
        (nbformat.v4.new_code_cell("w = 2", metadata={"tags": ["hide-cell", "solution"]}), []),
        (
            nbformat.v4.new_markdown_cell(
                "Look.\n\n<details><summary>Why?</summary>\n\nBecause.\n\n</details>\n\nGo on."
            ),
            ["Look.\n\n*Why?*\n\nGo on."],
        ),
    ],
    ids=["question", "solution", "folded answer"],
)
def test_answers_stay_with_the_teacher(cell, left):
    notebook = nbformat.v4.new_notebook(cells=[cell])
    assert [kept.source for kept in notebooks.student_version(notebook).cells] == left


def executed(notebook, folder):
    resources = {"metadata": {"path": str(folder)}}
    return NotebookClient(
        notebook, kernel_name="python3", timeout=120, resources=resources
    ).execute()


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ([{"output_type": "stream", "name": "stderr", "text": "Warning"}], "standard error"),
        (
            [
                picture := {
                    "output_type": "display_data",
                    "data": {"image/png": "AA=="},
                    "metadata": {},
                }
            ],
            "without alt text",
        ),
        ([{**picture, "metadata": {"image/png": {"alt": "A line."}}}] * 2, "two pictures"),
    ],
)
def test_what_must_not_be_saved_is_refused(outputs, words):
    cell = nbformat.v4.new_code_cell("1", outputs=[nbformat.from_dict(o) for o in outputs])
    with pytest.raises(ValueError, match=words):
        notebooks.trim(cell)
