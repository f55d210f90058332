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


def replacements() -> list[tuple[str, str]]:
    """Return patterns of the places where an address or a version stands, and what it must be."""
    colab = "https://colab.research.google.com/github/"
    return [
        (rf"{re.escape(colab)}[^/\s]+/[^/\s]+/", f"{colab}{project_address.slug()}/"),
        (r"git clone \S+", f"git clone {project_address.repository()}"),
        (r"https://[^/\s]+\.github\.io/[^/\s]+/", project_address.website()),
        (r"(?m)^repository-code: .*$", f"repository-code: {project_address.repository()}"),
        (r"(?m)^version: .*$", f"version: {project_address.version()}"),
        (
            r"adl-course @ git\+[^\"\s]+",
            f"adl-course @ git+{project_address.repository()}@v{project_address.version()}",
        ),
    ]


def current(text: str) -> str:
    """Return a text with all addresses as they should be."""
    for pattern, replacement in replacements():
        text = re.sub(pattern, replacement, text)
    return text


def main() -> None:
    """Rewrite the texts and the chapters."""
    for name in ("README.md", "CITATION.cff"):
        path = ROOT / name
        path.write_text(current(path.read_text("utf8")), "utf8")
    for path in notebooks.chapters():
        notebook = nbformat.read(path, as_version=4)
        notebooks.prepare(notebook)
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
