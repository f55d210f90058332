"""Write the repository's address, the website's and the version wherever they must stand in full.

    python tools/address.py          (`make address`)

They are read from ``pyproject.toml``; a test fails where another one is left.
"""

import re
from pathlib import Path

import nbformat

import notebooks
import project_address

ROOT = Path(__file__).resolve().parent.parent
TEXTS = ("README.md", "CITATION.cff")


def current(text: str) -> str:
    """Return a text with all addresses and versions as they should be.

    The address that it was written for stands in it: after ``git clone`` or ``repository-code:``.
    """
    before = re.search(r"(?:git clone|repository-code:) (\S+)", text)[1]
    text = project_address.moved(text, before)
    text = re.sub(r"(?m)^cd \S+$", f"cd {project_address.slug().split('/')[1]}", text)
    return re.sub(r"(?m)^version: .*$", f"version: {project_address.version()}", text)


def main() -> None:
    """Rewrite the texts and the chapters."""
    for name in TEXTS:
        path = ROOT / name
        path.write_text(current(path.read_text("utf8")), "utf8")
    for path in notebooks.chapters():
        notebook = nbformat.read(path, as_version=4)
        notebooks.prepare(notebook)
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
