"""The directive ``adl-claims``: what the course asserts, with the values that were measured.

::

    ```{adl-claims}
    ```

draws a table for each chapter, under a line that names it.
"""

import sys
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)

_ROOT = Path(__file__).resolve().parents[2]
_HEADINGS = ("What we say", "Asserted", "Measured", "Runs", "Where")
_WIDTHS = (38, 16, 16, 10, 20)


def _load() -> Any:
    """Import the course's claims, from the source tree when the package is not installed."""
    if str(_ROOT) not in sys.path:
        sys.path.append(str(_ROOT))
    from adl import claims

    return claims


def measured(claim: Any, values: list[float]) -> str:
    """Return the stored values in words: the median, and the range where there are several."""
    if not values:
        return "not measured"
    # Of a chaotic experiment the chapter shows no digits, since they would differ from machine to
    # machine; these are from the one that published the page.
    write = "{:.2g}".format if claim.digits is None else claim.show
    if len(values) == 1:
        return write(values[0])
    low, middle, high = (write(f(values)) for f in (min, median, max))
    return middle if low == high else f"{middle} [{low}, {high}]"


def runs(claim: Any, values: list[float]) -> str:
    """Return how often a claim was measured."""
    return f"{len(values)} seeds" if claim.random else "once"


class Claims(SphinxDirective):
    """Tables of the course's claims."""

    def run(self) -> list[nodes.Node]:
        """Draw the tables."""
        claims = _load()
        self.env.note_dependency(str(Path(claims.__file__).resolve()))
        self.env.note_dependency(str(_ROOT / "book" / "claims.json"))
        stored = claims.stored(_ROOT / "book" / "claims.json")
        result: list[nodes.Node] = []
        for chapter, group in groupby(claims.every(), key=lambda claim: claim.chapter):
            result.append(nodes.paragraph("", "", nodes.strong("", f"Chapter {chapter}")))
            result.append(self._table(list(group), stored))
        return result

    def _table(self, claims: list[Any], stored: dict[str, list[float]]) -> nodes.table:
        """Draw the table of one chapter."""
        table = nodes.table(classes=["adl-claims"])
        group = nodes.tgroup(cols=len(_HEADINGS))
        table += group
        group.extend(nodes.colspec(colwidth=width) for width in _WIDTHS)
        head = nodes.thead()
        head += self._row([nodes.Text(heading) for heading in _HEADINGS])
        body = nodes.tbody()
        for claim in claims:
            values = stored.get(claim.id, [])
            if not values:
                message = "claim %s has no stored values: run `make data`"
                logger.warning(message, claim.id, location=self.get_location(), type="adl")
            body += self._row(
                [
                    nodes.Text(claim.sentence),
                    nodes.Text(claim.bounds),
                    nodes.Text(measured(claim, values)),
                    nodes.Text(runs(claim, values)),
                    self._link(claim),
                ]
            )
        group += [head, body]
        return table

    def _row(self, cells: list[nodes.Node]) -> nodes.row:
        """Return one row of a table."""
        row = nodes.row()
        for cell in cells:
            row += nodes.entry("", nodes.paragraph("", "", cell))
        return row

    def _link(self, claim: Any) -> nodes.reference:
        """Name the place where a claim stands; `_resolve` makes it a link."""
        names = [n for n in self.env.found_docs if Path(n).name.startswith(f"{claim.chapter}-")]
        if len(names) != 1:
            raise self.error(f"{claim.id}: expected one page of that chapter, got {sorted(names)}")
        return nodes.reference("", claim.place, adl_section=(names[0], claim.place), internal=True)


def _resolve(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Link to the places of the claims, under the titles of their sections.

    All pages have been read by now. Where there is no such anchor, `adl_guards` finds a dead link.
    """
    for link in doctree.findall(nodes.reference):
        if "adl_section" in link:
            page, place = link["adl_section"]
            link["refuri"] = f"{app.builder.get_relative_uri(docname, page)}#{place}"
            for entry in app.env.tocs[page].findall(nodes.reference):
                if entry["anchorname"] == f"#{place}":
                    link.children = [nodes.Text(entry.astext())]


def setup(app: Sphinx) -> dict[str, object]:
    """Register the directive."""
    app.add_directive("adl-claims", Claims)
    app.connect("doctree-resolved", _resolve)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
