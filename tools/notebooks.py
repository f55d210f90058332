"""Everything that is done to the chapters: run and save them, derive the student versions.

    python tools/notebooks.py run [CHAPTER ...]     restart, run, trim and save (`make notebooks`)
    python tools/notebooks.py student FOLDER        write the student versions (`make student`)

What is edited is a chapter's text, code and tags. The rest is derived from it here: the metadata
that folds a solution, the alt texts, the install cell and the addresses of the course's own pages.
"""

from __future__ import annotations

import argparse
import copy
import os
import re
import sys
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image, ImageChops

import project_address

BOOK = Path(__file__).resolve().parent.parent / "book"

_KEPT_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "file_extension": ".py", "pygments_lexer": "ipython3"},
}
_ANSWER = re.compile(r"<details><summary>(.*?)</summary>.*?</details>", re.DOTALL)
_HIDDEN = {"source_hidden": True, "outputs_hidden": True}


def chapters() -> list[Path]:
    """Paths of all chapters, by their number."""
    return sorted(BOOK.glob("[0-9]*.ipynb"), key=lambda path: int(path.name.split("-")[0]))


def tags(cell: NotebookNode) -> list[str]:
    """Tags of a cell, empty if it has none."""
    return cell.metadata.get("tags", [])


def run(path: Path) -> None:
    """Restart, run in order, trim and save one chapter.

    Parameters
    ----------
    path : Path
        The notebook, changed in place.

    Raises
    ------
    ValueError
        If a cell writes to the standard error or shows a picture without alt text; nothing is
        saved then.
    """
    notebook = nbformat.read(path, as_version=4)
    before = copy.deepcopy(notebook)
    prepare(notebook)
    NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        resources={"metadata": {"path": str(BOOK)}},
    ).execute(env={**os.environ, "ADL_UNATTENDED": "1"})
    prepare(notebook)  # the kernel adds its version
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            try:
                trim(cell)
            except ValueError as problem:
                raise ValueError(f"{path.name}, cell {number}: {problem}") from None
    keep_pictures(before, notebook)
    nbformat.validate(notebook)
    nbformat.write(notebook, path)


def prepare(notebook: NotebookNode) -> None:
    """Write what is derived from the tags and from ``pyproject.toml`` into a notebook."""
    notebook.metadata = nbformat.from_dict(copy.deepcopy(_KEPT_METADATA))
    notebook.nbformat_minor = 5
    before = written_for(notebook)
    for cell in notebook.cells:
        kept = {"tags": sorted(tags(cell))} if tags(cell) else {}
        if "image" in cell.metadata.get("mystnb", {}):
            kept["mystnb"] = {"image": cell.metadata.mystnb.image}
        cell.metadata = nbformat.from_dict(kept)
        if "install" in tags(cell):
            cell.source = install_source()
            cell.metadata.update(_folded("install", "the set-up on Colab"))
        if "solution" in tags(cell):
            cell.metadata.update(_folded("solution", "the solution"))
            cell.metadata.update(cellView="form", jupyter=nbformat.from_dict(_HIDDEN))
        if cell.cell_type == "markdown":
            # Links to the course's own pages: in full, because relative ones die on Colab.
            cell.source = project_address.moved(cell.source, before)


def _folded(tag: str, what: str) -> NotebookNode:
    """Metadata of a cell that the website folds."""
    prompts = {"code_prompt_show": f"Show {what}", "code_prompt_hide": f"Hide {what}"}
    return nbformat.from_dict({"tags": ["hide-cell", tag], "mystnb": prompts})


def install_source() -> str:
    """Code of the first cell: it installs the package on Colab, and does nothing elsewhere."""
    version = project_address.version()
    return (
        "# On Colab this installs the course's package; elsewhere it does nothing.\n"
        "import sys\n\n"
        'if "google.colab" in sys.modules:\n'
        f'    %pip install -q "adl-course @ git+{project_address.repository()}@v{version}"'
    )


def written_for(notebook: NotebookNode) -> str:
    """Address of the repository that a notebook was written for: the one that it installs from.

    A new chapter, whose install cell is still empty, is written for the current one.
    """
    for cell in notebook.cells:
        found = re.search(r"git\+(\S+?)@v", cell.source) if "install" in tags(cell) else None
        if found:
            return found[1]
    return project_address.repository()


def trim(cell: NotebookNode) -> None:
    """Keep of a cell's outputs what readers need, and copy alt texts into its metadata."""
    cell.metadata.pop("execution", None)
    pictures = 0
    for output in cell.outputs:
        if output.get("name") == "stderr":
            raise ValueError(f"wrote to the standard error: {output.text[:200]}")
        if output.output_type not in ("display_data", "execute_result"):
            continue
        shown = output.metadata.get("image/png", {})
        output.metadata = nbformat.from_dict({"image/png": shown} if shown else {})
        if "image/png" not in output.data:
            continue
        if not shown.get("alt"):
            raise ValueError("shows a picture without alt text; see adl.plotting.describe")
        pictures += 1
        if pictures > 1:
            raise ValueError(
                "shows two pictures; one picture a cell, so that each has its alt text"
            )
        mystnb = {**cell.metadata.get("mystnb", {}), "image": {"alt": shown["alt"]}}
        cell.metadata.mystnb = nbformat.from_dict(mystnb)


def keep_pictures(before: NotebookNode, after: NotebookNode) -> None:
    """Put back pictures that look as before, so that another machine's rendering changes nothing.

    A picture looks as before if its alt text is the same, and no pixel differs by more than a few
    of 255 levels.
    """
    old = {cell.id: pictures(cell) for cell in before.cells}
    for cell in after.cells:
        for new, was in zip(pictures(cell), old.get(cell.id, []), strict=False):
            if new.metadata == was.metadata and look_alike(new, was):
                new.data["image/png"] = was.data["image/png"]


def pictures(cell: NotebookNode) -> list[NotebookNode]:
    """Outputs of a cell that are pictures."""
    return [output for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]


def look_alike(one: NotebookNode, other: NotebookNode) -> bool:
    """Whether nobody could tell two pictures apart."""
    first, second = (
        Image.open(BytesIO(b64decode(output.data["image/png"]))).convert("RGB")
        for output in (one, other)
    )
    if first.size != second.size:
        return False
    return max(high for _, high in ImageChops.difference(first, second).getextrema()) <= 4


def student_version(notebook: NotebookNode) -> NotebookNode:
    """Return a copy without solutions, answers and outputs, ready to be worked on."""
    student = copy.deepcopy(notebook)
    student.cells = [cell for cell in student.cells if "solution" not in tags(cell)]
    for cell in student.cells:
        if cell.cell_type == "markdown":
            cell.source = _ANSWER.sub(r"*\1*", cell.source)  # the question stays
        else:
            cell.outputs, cell.execution_count = [], None
            cell.metadata.pop("mystnb", None)
    return student


def write_students(folder: Path) -> None:
    """Write the student version of every chapter into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in chapters():
        nbformat.write(student_version(nbformat.read(path, as_version=4)), folder / path.name)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("run", help="restart, run, trim and save chapters")
    command.add_argument("chapters", nargs="*", type=Path, help="default: all")
    command = commands.add_parser("student", help="write the student versions")
    command.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "student":
        write_students(arguments.folder)
        return
    for path in arguments.chapters or chapters():
        print(f"running {path.name}", flush=True)
        try:
            run(path)
        except ValueError as problem:
            sys.exit(f"not saved: {problem}")


if __name__ == "__main__":
    main()
