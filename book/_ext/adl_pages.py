"""Small repairs to the pages: accessibility, the address of the start page, wide content.

What the theme's templates need is in ``book/_templates``.
"""

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

#: What is wrong in the HTML that MyST-NB and pandas write, and what it should be.
_REPAIRS = (
    # The visible words are the name of the fold; a label that differs hides them from speech.
    (re.compile(r'<summary aria-label="Toggle hidden content">'), "<summary>"),
    # The corner of a table heads nothing, be it from pandas or from Markdown.
    (re.compile(r"<th([^>]*)>(?:\s|&nbsp;|&#160;|<p></p>)*</th>"), r"<td\1></td>"),
    # Docutils gives the entries of its lists of literature a role that ARIA has withdrawn.
    (re.compile(r'role="doc-biblioentry"'), 'role="listitem"'),
    (re.compile(r'<table border="1" class="dataframe'), '<table class="dataframe'),
)

_SCRIPT = re.compile(r"(<script.*?</script>)", re.DOTALL)

_START_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="0; url={page}">
<link rel="canonical" href="{page}">
<title>{title}</title>
</head>
<body>
<main><h1>{title}</h1><p><a href="{page}">To the start page</a></p></main>
</body>
</html>
"""


def repair(html: str) -> str:
    """Return a page's body with what hinders readers repaired; scripts stay as they are."""
    parts = _SCRIPT.split(html)
    for pattern, replacement in _REPAIRS:
        parts[::2] = [pattern.sub(replacement, part) for part in parts[::2]]
    return "".join(parts)


def _repair_page(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Repair the body of one page."""
    if context.get("body"):
        context["body"] = repair(context["body"])


def _write_start_page(app: Sphinx, error: Exception | None) -> None:
    """Lead from the root of the website to its first page, which stands in a folder."""
    if error is None and app.builder.name == "html" and app.config.root_doc != "index":
        page = app.builder.get_target_uri(app.config.root_doc)
        text = _START_PAGE.format(page=page, title=app.config.html_title)
        Path(app.outdir, "index.html").write_text(text, encoding="utf-8")
        # GitHub Pages would leave out the folders that begin with an underscore.
        Path(app.outdir, ".nojekyll").touch()


def _light_without_script(app: Sphinx, error: Exception | None) -> None:
    """Start every page in light colours: "auto" has none until a script has chosen."""
    if error is None and app.builder.format == "html":
        for path in Path(app.outdir).rglob("*.html"):
            html = path.read_text(encoding="utf-8")
            path.write_text(html.replace('data-theme="auto"', 'data-theme="light"', 1), "utf-8")


def _drop_what_helps_no_reader(app: Sphinx, error: Exception | None) -> None:
    """Leave out the theme's source maps, half of the site's size, and its raw templates."""
    if error is None and app.builder.format == "html":
        static = Path(app.outdir, "_static")
        for path in [*static.rglob("*.map"), *static.rglob("*webpack-macros.html")]:
            path.unlink()


def setup(app: Sphinx) -> dict[str, object]:
    """Connect to Sphinx."""
    script = Path(__file__).with_name("page.js").read_text(encoding="utf-8")
    app.add_js_file(None, body=script)
    app.add_css_file("adl.css")
    app.connect("html-page-context", _repair_page)
    app.connect("build-finished", _write_start_page)
    app.connect("build-finished", _light_without_script)
    app.connect("build-finished", _drop_what_helps_no_reader)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
