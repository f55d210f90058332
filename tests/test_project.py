"""The project around the course: addresses, licences, imports, the README's example."""

import copy
import doctest
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest

import address
import notebooks
import project_address

ROOT = Path(__file__).resolve().parent.parent
PLACEHOLDER = "https://github.com/OWNER/small-steps"


def read(name):
    return (ROOT / name).read_text("utf8")


def tracked():
    try:
        listed = subprocess.run(
            ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


@pytest.mark.parametrize("name", address.TEXTS)
def test_texts_have_the_current_address_and_version(name):
    assert address.current(read(name)) == read(name)


@pytest.mark.parametrize("path", notebooks.chapters(), ids=lambda path: path.stem)
def test_chapters_have_the_current_address_and_version(path):
    notebook = nbformat.read(path, as_version=4)
    before = copy.deepcopy(notebook)
    notebooks.prepare(notebook)
    assert notebook == before


def test_the_address_stands_only_where_it_is_derived():
    derived = {"pyproject.toml", "README.md", "CITATION.cff", "test_project.py"}
    for path in tracked():
        if path.name in derived or path.suffix in {".ipynb", ".png", ".woff2"}:
            continue
        text = path.read_text("utf8", errors="ignore")
        assert project_address.repository() not in text, path
        assert project_address.website() not in text, path


def test_as_long_as_the_address_is_a_placeholder_the_readme_says_so():
    if project_address.repository() == PLACEHOLDER:
        assert "## Before publishing" in read("README.md")


def test_a_new_address_reaches_everything_and_leaves_others_alone(monkeypatch):
    new = {"urls": {"Repository": "https://github.com/Teacher/descent"}, "version": "2.0.0"}
    monkeypatch.setattr(project_address, "_project", lambda: new)
    readme = address.current(read("README.md") + "https://distill.github.io/a/b")
    assert "git clone https://github.com/Teacher/descent\ncd descent\n" in readme
    assert "colab.research.google.com/github/Teacher/descent/blob/" in readme
    assert "https://distill.github.io/a/b" in readme
    assert "version: 2.0.0" in address.current(read("CITATION.cff"))
    notebook = nbformat.read(notebooks.chapters()[0], as_version=4)
    notebook.cells[0].source += "https://www.deeplearningbook.org/book/notation.html"
    notebooks.prepare(notebook)
    text = json.dumps(notebook)
    assert "git+https://github.com/Teacher/descent@v2.0.0" in text
    assert "https://teacher.github.io/descent/book/glossary.html" in text
    assert "https://www.deeplearningbook.org/book/notation.html" in text
    assert "owner.github.io" not in text


def test_the_readme_lists_every_chapter_and_its_links_lead_somewhere():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", read("README.md") + read("CONTRIBUTING.md"))
    assert [link for link in links if not (ROOT / link).exists()] == []
    for path in notebooks.chapters():
        assert f"book/{path.name}" in links


def test_install_cells_name_a_tag_and_never_a_branch():
    assert f"@v{project_address.version()}" in notebooks.install_source()


def test_runtime_dependencies_have_lower_bounds_only():
    dependencies = tomllib.loads(read("pyproject.toml"))["project"]["dependencies"]
    assert all(re.fullmatch(r"[a-z-]+>=[\d.]+", name) for name in dependencies)


def test_constraints_pin_versions_and_no_local_builds():
    lines = [line for line in read("constraints.txt").splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)


def test_importing_adl_loads_nothing_heavy():
    code = "import sys, adl; print([m for m in ('torch', 'plotnine', 'sklearn', 'pandas') "
    code += "if m in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "[]"


def test_every_public_module_can_be_named_after_importing_adl():
    import adl

    for name in adl.__all__:
        module = getattr(adl, name)
        assert set(module.__all__) <= set(dir(module))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        adl.nothing  # noqa: B018


def test_public_functions_are_documented_with_an_example():
    import adl

    for name in adl.__all__:
        module = getattr(adl, name)
        for public in module.__all__:
            thing = getattr(module, public)
            if callable(thing) and getattr(thing, "__module__", "").startswith("adl"):
                assert ">>>" in (thing.__doc__ or ""), f"{name}.{public}"


def test_the_readmes_example_is_true():
    result = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert result.attempted >= 5
    assert result.failed == 0


def test_the_workflow_pins_its_actions_and_has_the_least_permissions():
    workflow = read(".github/workflows/ci.yml")
    uses = re.findall(r"uses: (\S+)", workflow)
    assert uses
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action in uses)
    assert "permissions:\n  contents: read\n" in workflow


def test_make_alone_lists_every_command_in_a_line():
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    commands = re.findall(r"(?m)^make (\w+)", listed)
    phony = re.search(r"(?m)^\.PHONY: (.*)$", read("Makefile"))[1].split()
    assert sorted(commands) == sorted(phony)
