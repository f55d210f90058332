"""Everything on the website that depends on where the project lives.

The repository's address is read from ``pyproject.toml``. From it come the theme's buttons, links to
each chapter's student version, and the website's own address. Notebooks link to the course's pages
by that full address, so that the links work on Colab; here they are turned into relative ones, so
that a copy of the website on a disk never leaves itself.
"""

import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))

import project_address

logger = logging.getLogger(__name__)

_COLAB = "https://colab.research.google.com"


def _configure(app: Sphinx, config: Config) -> None:
    """Tell the theme where the repository and the website are."""
    config.html_theme_options.update(
        repository_url=project_address.repository(),
        repository_branch="main",
        path_to_docs="",
        use_repository_button=True,
        use_issues_button=True,
        launch_buttons={"colab_url": _COLAB},
    )
    config.html_baseurl = project_address.website()


def _add_student_links(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Link a chapter's page to its notebook without solutions, on Colab and as a download."""
    if doctree is None or Path(app.env.doc2path(pagename)).suffix != ".ipynb":
        return
    notebook = f"student/{Path(pagename).name}.ipynb"
    branch = app.config.adl_student_branch
    links = {
        "launch-buttons": {
            "text": "Colab, without solutions",
            "tooltip": "Open the notebook without solutions on Colab",
            "url": f"{_COLAB}/github/{project_address.slug()}/blob/{branch}/{notebook}",
            "icon": "_static/images/logo_colab.png",
        },
        "download-buttons": {
            "text": ".ipynb, without solutions",
            "tooltip": "Download the notebook without solutions",
            "url": context["pathto"](notebook, 1),
            "icon": "fas fa-file",
        },
    }
    for group in context.get("header_buttons", []):
        if group.get("label") in links:
            group["buttons"].insert(1, {"type": "link", **links[group["label"]]})


class OwnLinks(SphinxPostTransform):
    """Make links to the website's own address relative, and warn of those that lead nowhere."""

    default_priority = 400
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Rewrite the page's references."""
        own = project_address.website()
        for link in self.document.findall(nodes.reference):
            address = link.get("refuri", "")
            if address.startswith(own):
                link["refuri"] = self._relative(address.removeprefix(own), link) or address

    def _relative(self, address: str, link: nodes.reference) -> str | None:
        """Return the address relative to this page; None where it has to stay as it is.

        The student notebooks and the workbook are no pages: they are written after the build.
        The notebooks stay where Colab finds them.
        """
        page, hash_sign, anchor = address.partition("#")
        if page.startswith("student/"):
            return None
        if page == "optimizers.xlsx":
            return "../" * self.env.docname.count("/") + page
        name = unquote(page).removesuffix(".html")
        if page in ("", "index.html"):
            name = self.app.config.root_doc
        if name not in self.env.found_docs:
            message = "the website has no page %r; a link names it"
            logger.warning(message, page, location=link, type="adl", subtype="link")
            return None
        return self.app.builder.get_relative_uri(self.env.docname, name) + hash_sign + anchor


def setup(app: Sphinx) -> dict[str, object]:
    """Connect to Sphinx; the theme reads its options when the builder starts, after us."""
    app.add_config_value("adl_student_branch", "gh-pages", "html")
    app.add_post_transform(OwnLinks)
    app.connect("config-inited", _configure, priority=100)
    # The theme adds its launch buttons at priority 501.
    app.connect("html-page-context", _add_student_links, priority=502)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
