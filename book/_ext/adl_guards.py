"""Guards over the built site; what they find is a warning, so that ``-W`` fails the build.

They look for what nobody sees at his own desk: a request to another host, a picture without words,
a link inside the site that leads nowhere.
"""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from posixpath import normpath
from urllib.parse import unquote

from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)

_ELSEWHERE = re.compile(r"^\s*(?:https?:)?//", re.IGNORECASE)
_SCRIPT_IMPORT = re.compile(r"""\b(?:import|from)\s*\(?\s*["'](?:https?:)?//[^"']+""")
_STYLE_IMPORT = re.compile(r"""(?:url\(|@import)\s*["']?(?:https?:)?//[^"')]+""")
_PICTURE_FILE = re.compile(r"\S+\.(?:png|svg|jpe?g|gif|webp)", re.IGNORECASE)
_LOADING_LINKS = {
    "stylesheet", "preload", "prefetch", "preconnect", "dns-prefetch", "modulepreload", "icon",
    "manifest",
}  # fmt: skip
_LOADING_TAGS = {"script", "img", "iframe", "source", "audio", "video", "embed", "track", "input"}


@dataclass
class Page:
    """What the guards need to know of a page."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    pictures: list[tuple[str, str | None]] = field(default_factory=list)


class _Reader(HTMLParser):
    """Fills a `Page` from HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what one element asks for, shows, and can be linked to by."""
        values = dict(attrs)
        self._inside = tag
        self.page.anchors.update(v for k in ("id", "name") if (v := values.get(k)))
        if tag == "a" and values.get("href"):
            self.page.links.append(values["href"] or "")
        if tag == "img":
            self.page.pictures.append((values.get("src") or "", values.get("alt")))
        if tag in _LOADING_TAGS:
            self.page.requests += [v for k in ("src", "srcset", "poster") if (v := values.get(k))]
        if tag == "object" and values.get("data"):
            self.page.requests.append(values["data"] or "")
        if tag == "link" and _LOADING_LINKS & set((values.get("rel") or "").split()):
            self.page.requests.append(values.get("href") or "")
        if values.get("style"):
            self._note(_STYLE_IMPORT, values["style"] or "")

    def handle_data(self, data: str) -> None:
        """Note what inline scripts and styles ask for."""
        if self._inside == "script":
            self._note(_SCRIPT_IMPORT, data)
        elif self._inside == "style":
            self._note(_STYLE_IMPORT, data)

    def handle_endtag(self, tag: str) -> None:
        """Leave a script or style."""
        self._inside = ""

    def _note(self, pattern: re.Pattern[str], text: str) -> None:
        """Note the addresses that a pattern finds."""
        for found in pattern.findall(text):
            self.page.requests.append(found[found.index("//") :])


def read(html: str) -> Page:
    """Return what the guards need to know of a page."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.page


def foreign_requests(page: Page) -> list[str]:
    """Return the addresses on other hosts that opening the page would ask for."""
    return [address for address in page.requests if _ELSEWHERE.match(address)]


def pictures_without_words(page: Page) -> list[str]:
    """Return the pictures whose alt text is missing, empty or a file's name.

    The theme's own decorations, which stand in ``_static``, may have an empty one.
    """
    silent = []
    for source, words in page.pictures:
        words = None if words is None else words.strip()
        missing = words is None or (words == "" and "_static/" not in source)
        if missing or _PICTURE_FILE.fullmatch(words) or "_images/" in words:
            silent.append(source[:120])
    return silent


def dead_links(pages: dict[str, Page], name: str) -> list[str]:
    """Return a page's links to pages or anchors of the same site that do not exist."""
    dead = []
    for link in pages[name].links:
        if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//", link):
            continue
        path, _, anchor = link.partition("#")
        path = unquote(path.partition("?")[0])
        target = normpath(str(Path(name).parent / path)) if path else name
        if not target.endswith(".html"):
            continue
        if target not in pages or (anchor and unquote(anchor) not in pages[target].anchors):
            dead.append(link)
    return dead


def _guard(app: Sphinx, error: Exception | None) -> None:
    """Look through the built site."""
    if error is not None or app.builder.name != "html":
        return
    site = Path(app.outdir)
    pages = {
        path.relative_to(site).as_posix(): read(path.read_text(encoding="utf-8"))
        for path in sorted(site.rglob("*.html"))
        if "_static" not in path.parts
    }
    for name, page in pages.items():
        for address in foreign_requests(page):
            logger.warning("%s asks another host for %s", name, address, type="adl")
        for source in pictures_without_words(page):
            logger.warning("%s shows %s without alt text", name, source, type="adl")
        for link in dead_links(pages, name):
            logger.warning("%s links to %s, which does not exist", name, link, type="adl")
    for path in sorted(site.rglob("*.css")):
        for found in _STYLE_IMPORT.findall(path.read_text(encoding="utf-8", errors="replace")):
            logger.warning("%s asks another host: %s", path.relative_to(site), found, type="adl")


def setup(app: Sphinx) -> dict[str, object]:
    """Connect to Sphinx, after everything else has written its files."""
    app.connect("build-finished", _guard, priority=950)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
