"""Lighter pictures: PNG files get 128 colours, and are loaded when the reader comes near them.

The figures of the course are drawings with few colours, so that nobody sees the difference. A
picture that would not shrink stays as it is. Its size stands in its attributes, so that the browser
keeps its place free and nothing jumps.
"""

import io
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx

_COLOURS = 128
_SIZED = re.compile(
    r'(<img [^>]*src="[^"]*_images/[^"]*"[^>]*?) '
    r'style="width: (\d+)(?:\.\d+)?px; height: (\d+)(?:\.\d+)?px;"'
)


def quantise(data: bytes) -> bytes:
    """Return a PNG with at most 128 colours, or the same bytes if that is no smaller."""
    image = Image.open(io.BytesIO(data))
    if image.mode == "P":
        return data
    flat = Image.new("RGBA", image.size, "white")
    flat.alpha_composite(image.convert("RGBA"))
    palette = flat.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    palette.save(buffer, "PNG", optimize=True)
    return min(data, buffer.getvalue(), key=len)


def load_late(html: str) -> str:
    """Return a page whose pictures wait until they are needed, where their size is known."""
    return _SIZED.sub(r'\1 width="\2" height="\3" loading="lazy"', html)


def _load_late(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Let the pictures of one page wait; not those of the single page that is printed."""
    if context.get("body") and app.builder.name == "html":
        context["body"] = load_late(context["body"])


def _quantise_all(app: Sphinx, error: Exception | None) -> None:
    """Reduce every picture of the built site."""
    if error is not None or app.builder.format != "html":
        return
    for path in Path(app.outdir, "_images").glob("*.png"):
        before = path.read_bytes()
        after = quantise(before)
        if after is not before:
            path.write_bytes(after)


def setup(app: Sphinx) -> dict[str, object]:
    """Connect to Sphinx."""
    app.connect("html-page-context", _load_late)
    app.connect("build-finished", _quantise_all)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
