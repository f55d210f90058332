"""The addresses of the project, all derived from the one in ``pyproject.toml``."""

import tomllib
from pathlib import Path

__all__ = ["repository", "slug", "version", "website"]

_PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


def _project() -> dict:
    """Read the ``[project]`` table."""
    return tomllib.loads(_PYPROJECT.read_text(encoding="utf-8"))["project"]


def repository() -> str:
    """Return the repository's address, without a slash at its end."""
    return _project()["urls"]["Repository"].rstrip("/").removesuffix(".git")


def slug() -> str:
    """Return the repository's name on its host, ``owner/name``."""
    return "/".join(repository().split("/")[-2:])


def website() -> str:
    """Return the address at which GitHub Pages publishes the website, with a slash at its end."""
    owner, name = slug().split("/")
    return f"https://{owner.lower()}.github.io/{name}/"


def version() -> str:
    """Return the version of the package, without a leading "v"."""
    return _project()["version"]
