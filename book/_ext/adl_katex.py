"""Sphinx's math renderer "adl_katex": formulas are typeset by KaTeX while the book is built.

All formulas that the cache lacks go to Node in one call. The cache, which is committed, holds
exactly the formulas of the book, so that a build without Node works until a formula is new. The
page needs no script: KaTeX's HTML is what is seen, the MathML inside is what is read aloud.
"""

import json
import subprocess
from html import escape
from pathlib import Path
from typing import NoReturn

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)

_HERE = Path(__file__).resolve().parent
_KATEX = _HERE / "katex" / "katex.min.js"
_SCRIPT = _HERE / "katex" / "render.js"
_KATEX_VERSION = "0.19.1"

#: A formula: its TeX, and whether it is displayed.
Formula = tuple[str, bool]


class Typesetter:
    """Formulas as HTML, from the cache where possible.

    Parameters
    ----------
    path : pathlib.Path
        The file of the cache. It is dropped when KaTeX's version or the macros have changed.
    macros : dict of str to str
        TeX macros, as KaTeX's option of that name.
    """

    def __init__(self, path: Path, macros: dict[str, str]) -> None:
        self._path = path
        self._header = {"katex": _KATEX_VERSION, "macros": dict(macros)}
        self._html: dict[Formula, str] = {}
        self._failed: dict[Formula, str] = {}
        self._used: set[Formula] = set()
        if path.exists():
            stored = json.loads(path.read_text(encoding="utf-8"))
            if all(stored.get(key) == value for key, value in self._header.items()):
                for kind in ("inline", "display"):
                    pages = stored.get(kind, {})
                    self._html |= {(tex, kind == "display"): html for tex, html in pages.items()}

    def typeset(self, formulas: set[Formula]) -> dict[Formula, str]:
        """Typeset what is new among the formulas and return KaTeX's complaints."""
        self._used |= formulas
        new = sorted(formulas - self._html.keys() - self._failed.keys())
        if new:
            for formula, (html, error) in zip(new, self._ask_node(new), strict=True):
                if error is None:
                    self._html[formula] = html
                else:
                    self._failed[formula] = error
        return {formula: self._failed[formula] for formula in formulas & self._failed.keys()}

    def html(self, formula: Formula) -> str:
        """Return a formula's HTML; its TeX where KaTeX could not read it."""
        self.typeset({formula})
        return self._html.get(formula) or f"<code>{escape(formula[0])}</code>"

    def save(self) -> None:
        """Write the formulas used in this build, if the file differs."""
        kinds: dict[str, dict[str, str]] = {"inline": {}, "display": {}}
        for formula in sorted(self._used & self._html.keys()):
            kinds["display" if formula[1] else "inline"][formula[0]] = self._html[formula]
        text = json.dumps(self._header | kinds, indent=1, ensure_ascii=False) + "\n"
        if not self._path.exists() or self._path.read_text(encoding="utf-8") != text:
            self._path.write_text(text, encoding="utf-8")

    def _ask_node(self, formulas: list[Formula]) -> list[tuple[str, str | None]]:
        """Have Node typeset all the formulas at once."""
        question = json.dumps({"macros": self._header["macros"], "formulas": formulas})
        try:
            done = subprocess.run(
                ["node", str(_SCRIPT), str(_KATEX)],
                input=question,
                capture_output=True,
                encoding="utf-8",
                timeout=300,
            )
        except FileNotFoundError:
            message = (
                f"{self._path.name} lacks the formula {formulas[0][0]!r} and {len(formulas) - 1} "
                "others, and typesetting them needs Node: install Node 18 or newer (nodejs.org, or "
                "your package manager's `nodejs`) so that `node` is on the PATH, and build again."
            )
            raise ExtensionError(message) from None
        if done.returncode != 0:
            raise ExtensionError(f"KaTeX's script failed: {done.stderr.strip()}")
        return json.loads(done.stdout)


def _formula(node: nodes.math | nodes.math_block) -> Formula:
    """Return a node's TeX as KaTeX wants it: several lines need an environment."""
    tex = node.astext().strip()
    display = isinstance(node, nodes.math_block)
    if display and not node.get("nowrap") and r"\\" in tex and r"\begin" not in tex:
        tex = rf"\begin{{split}}{tex}\end{{split}}"
    return tex, display


def _typesetter(app: Sphinx) -> Typesetter:
    """Return the build's typesetter, made when it is first asked for."""
    if not hasattr(app, "adl_typesetter"):
        app.adl_typesetter = Typesetter(_HERE / "katex-cache.json", app.config.adl_katex_macros)
    return app.adl_typesetter


def _typeset_all(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Typeset every formula of the book once all pages are read, and warn of the unreadable."""
    if app.builder.format != "html":
        return []
    formulas: dict[Formula, nodes.Node] = {}
    for name in sorted(env.found_docs):
        tree = env.get_doctree(name)
        for kind in (nodes.math, nodes.math_block):
            for node in tree.findall(kind):
                formulas.setdefault(_formula(node), node)
    for formula, complaint in _typesetter(app).typeset(set(formulas)).items():
        logger.warning("%s in %r", complaint, formula[0], location=formulas[formula], type="katex")
    return []


def _save(app: Sphinx, error: Exception | None) -> None:
    """Keep the cache after a build that went through."""
    if error is None and app.builder.format == "html":
        _typesetter(app).save()


def _visit_inline(translator: HTML5Translator, node: nodes.math) -> NoReturn:
    """Write a formula within the text."""
    html = _typesetter(translator.builder.app).html(_formula(node))
    attributes = translator.starttag(node, "span", "", CLASS="math notranslate nohighlight")
    translator.body.append(f"{attributes}{html}</span>")
    raise nodes.SkipNode


def _visit_display(translator: HTML5Translator, node: nodes.math_block) -> NoReturn:
    """Write a displayed formula, with its number if it has one."""
    html = _typesetter(translator.builder.app).html(_formula(node))
    kind = "math notranslate nohighlight" + (" adl-numbered" if node.get("number") else "")
    translator.body.append(translator.starttag(node, "div", "", CLASS=kind))
    if node.get("number"):
        translator.body.append(f'<span class="eqno">({get_node_equation_number(translator, node)})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append(f'<div class="adl-formula">{html}</div></div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, object]:
    """Register the renderer; ``html_math_renderer = "adl_katex"`` chooses it."""
    app.add_config_value("adl_katex_macros", {}, "html")
    app.add_html_math_renderer("adl_katex", (_visit_inline, None), (_visit_display, None))
    app.add_css_file("katex/katex.min.css")
    app.connect("env-updated", _typeset_all)
    app.connect("build-finished", _save)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
