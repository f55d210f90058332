"""Small icon fonts: the theme's fonts are cut down to the icons that the built site shows.

Which icons those are is read from the site itself: the class names in its pages and scripts, and
the characters that style sheets put somewhere by themselves.
"""

import logging
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx

logging.getLogger("fontTools").setLevel(logging.WARNING)  # it reports every table it looks at

_FONTS = "_static/vendor/fontawesome/webfonts"
_ICON_CLASS = re.compile(r"\bfa-[a-z0-9-]+")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_CONTENT = re.compile(r"""content:\s*["']\\([0-9a-fA-F]{4})["']""")


def _texts(folder: Path, *patterns: str) -> Iterator[str]:
    """Read the site's files of the given kinds, the theme's own script of all icons excepted."""
    for pattern in patterns:
        for path in folder.rglob(pattern):
            yield path.read_text(encoding="utf-8", errors="replace")


def used_characters(site: Path) -> set[int]:
    """Return the code points of the icons that a built site shows.

    Parameters
    ----------
    site : pathlib.Path
        The folder of the built site.

    Returns
    -------
    set of int
        Characters of the icon fonts (private use area).
    """
    names: set[str] = set()
    for text in _texts(site, "*.html", "*.js"):
        names.update(_ICON_CLASS.findall(text))
    used: set[int] = set()
    for css in _texts(site / "_static", "*.css"):
        for selectors, declarations in _RULE.findall(css):
            found = _CONTENT.search(declarations)
            if found is None:
                continue
            icons = set(_ICON_CLASS.findall(selectors))
            if not icons or icons & names:
                used.add(int(found[1], 16))
    return {character for character in used if 0xE000 <= character <= 0xF8FF}


def cut_down(font: bytes, characters: set[int]) -> bytes:
    """Return a WOFF2 font with only the given characters."""
    options = subset.Options(
        flavor="woff2", layout_features=[], desubroutinize=True, notdef_outline=True
    )
    loaded = TTFont(BytesIO(font), recalcTimestamp=False)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=characters)
    subsetter.subset(loaded)
    buffer = BytesIO()
    loaded.flavor = "woff2"
    loaded.save(buffer)
    return buffer.getvalue()


def _cut_down_all(app: Sphinx, error: Exception | None) -> None:
    """Replace the site's icon fonts; start from the theme's, so that a second build is right."""
    if error is not None or app.builder.format != "html":
        return
    fonts = Path(app.outdir, _FONTS)
    characters = used_characters(Path(app.outdir))
    originals = _theme_fonts(app)
    for font in fonts.glob("*.woff2"):
        font.write_bytes(cut_down((originals / font.name).read_bytes(), characters))
    for other in fonts.glob("*.ttf"):
        other.unlink()


def _theme_fonts(app: Sphinx) -> Path:
    """Return the folder of the theme's own icon fonts."""
    folders = (
        Path(folder, _FONTS.replace("_static", "static", 1))
        for folder in app.builder.theme.get_theme_dirs()
    )
    return next(folder for folder in folders if folder.is_dir())


def setup(app: Sphinx) -> dict[str, object]:
    """Connect to Sphinx, after everything else has written its files."""
    app.connect("build-finished", _cut_down_all, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
