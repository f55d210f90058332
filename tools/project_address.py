"""The addresses of the project, all derived from the one in ``pyproject.toml``."""

import tomllib
from pathlib import Path

__all__ = ["moved", "repository", "slug", "version", "website"]

_PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


def _project() -> dict:
    """Read the ``[project]`` table."""
    return tomllib.loads(_PYPROJECT.read_text(encoding="utf-8"))["project"]


def repository() -> str:
    """Return the repository's address, without a slash at its end."""
    return _project()["urls"]["Repository"].rstrip("/").removesuffix(".git")


def slug(address: str | None = None) -> str:
    """Return the name of a repository on its host, ``owner/name``; by default this one's."""
    return "/".join((address or repository()).split("/")[-2:])


def website(address: str | None = None) -> str:
    """Return where GitHub Pages publishes a repository's website, with a slash at its end."""
    owner, name = slug(address).split("/")
    return f"https://{owner.lower()}.github.io/{name}/"


def version() -> str:
    """Return the version of the package, without a leading "v"."""
    return _project()["version"]


def moved(text: str, before: str) -> str:
    """Return a text in which everything that belongs to one address belongs to the current one.

    Parameters
    ----------
    text : str
        Any text with addresses in it; those of others stay as they are.
    before : str
        The repository's address that the text was written for.
    """
    colab = "https://colab.research.google.com/github/"
    for old, new in (
        (website(before), website()),
        (f"{colab}{slug(before)}/", f"{colab}{slug()}/"),
        (before, repository()),
    ):
        text = text.replace(old, new)
    return text
