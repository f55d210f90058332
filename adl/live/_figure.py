"""What the interactive figures of all chapters share: from a Python object to a custom element."""

import json
import re
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any, ClassVar


class Figure:
    r"""A figure that readers work with in the page: no kernel, no network, no dependency.

    A subclass names its custom element and the ES module that defines it, and hands over
    attributes, a fallback and, if the page cannot compute them, data. A notebook then shows the
    element with the module inline, so that the same output works on the website, from a file, in
    JupyterLab and on Colab; where scripts do not run, readers see the fallback.

    Parameters
    ----------
    attributes : dict of str to (str, int or float)
        The element's attributes. Numbers are written so that the page reads the same ones.
    fallback : str
        What the figure shows, in sentences made from its data, for readers without JavaScript.
    data : optional
        Anything that JSON can hold, inlined for the module.

    Raises
    ------
    ValueError
        If a number among the attributes or the data is nan or infinite.

    Examples
    --------
    >>> class Small(Figure):
    ...     element, module = "adl-small", "figure.mjs"
    >>> html = Small({"rate": 0.1}, "The rate is 0.1.")._repr_html_()
    >>> html.split("<script")[0]
    '<adl-small class="adl-figure" rate="0.1"><p>The rate is 0.1.</p></adl-small>\n'
    """

    element: ClassVar[str]
    """Name of the custom element, with a hyphen."""

    module: ClassVar[str]
    """File in `adl.live` that defines the element."""

    def __init__(
        self, attributes: dict[str, str | int | float], fallback: str, data: Any = None
    ) -> None:
        self._attributes = {name: _text(value) for name, value in attributes.items()}
        self.fallback = fallback
        self._data = None if data is None else _json(data)

    def _repr_html_(self) -> str:
        attributes = {"class": "adl-figure", **self._attributes}
        opening = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
        inside = self._inside()
        if self._data is not None:
            inside += f'<script type="application/json">{self._data}</script>'
        return (
            f"<{self.element}{opening}>{inside}</{self.element}>\n"
            f'<script type="module">\n{source(self.module)}</script>'
        )

    def _inside(self) -> str:
        """HTML for readers without JavaScript; a subclass may add to the sentence."""
        return f"<p>{escape(self.fallback, quote=False)}</p>"

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


@cache
def source(module: str) -> str:
    """Read a module as it is inlined: with what it imports, without comments and indentation.

    Only whole lines are touched. A line ``import … from "./other.mjs"`` is replaced by that file,
    since an inline module can import nothing that works everywhere.

    Examples
    --------
    >>> "import" in source("descent.mjs")
    False
    """
    lines = []
    for line in files("adl.live").joinpath(module).read_text("utf-8").splitlines():
        line = line.strip()
        other = re.fullmatch(r'import .* from "\./(.+)";', line)
        if other:
            lines.append(source(other[1]))
        elif line and not line.startswith("//"):
            lines.append(line + "\n")
    return "".join(lines)


def short(value: float, digits: int = 5) -> str:
    """Write a number in few characters, as the modules do.

    Examples
    --------
    >>> [short(value) for value in (2.020711, -0.5, 5.83e21, 0.0000123)]
    ['2.0207', '−0.5', '5.83e21', '1.23e−5']
    """
    mantissa, _, exponent = f"{value + 0.0:.{digits}g}".partition("e")
    return (f"{mantissa}e{int(exponent)}" if exponent else mantissa).replace("-", "−")


def _text(value: str | int | float) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")  # no closing tag can occur inside
