"""What several test modules share: the built site, figures, and a browser that looks at them."""

import os
from pathlib import Path

import pytest

import browser as chromium
import figures

ROOT = Path(__file__).resolve().parent.parent
# Tests record nobody's exercises, and show no progress bars.
os.environ.setdefault("ADL_UNATTENDED", "1")

SITE = ROOT / "_build" / "html"


@pytest.fixture
def one_thread():
    """One thread for PyTorch: on small networks, more only wait for each other."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def double_by_default():
    """PyTorch with float64 where nobody says a dtype."""
    import torch

    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(default)


@pytest.fixture(scope="session")
def site():
    """Folder of the built site."""
    if not (SITE / "book").is_dir():
        pytest.skip("the site is not built: run `make book`")
    return SITE


@pytest.fixture(scope="session")
def address(site):
    """Address at which the built site is served to this machine."""
    with chromium.served(site) as url:
        yield url


@pytest.fixture(scope="session")
def browser():
    """A running Chromium."""
    pytest.importorskip("playwright", reason="playwright is not installed: pip install -e .[test]")
    if chromium.chromium() is None:
        pytest.skip("there is no Chromium: install it, or set CHROMIUM to its path")
    with chromium.launched() as running:
        yield running


@pytest.fixture
def open_page(browser):
    """Return a function that opens an address and gives the page, with what went wrong on it.

    The page has two lists: ``problems``, what its console and its scripts complained of, and
    ``requests``, the addresses that it asked for.
    """
    contexts = []

    def open_one(url, *, width=1280, height=900, mode="light", **options):
        size = {"width": width, "height": height}
        context = browser.new_context(viewport=size, color_scheme=mode, **options)
        contexts.append(context)
        page = context.new_page()
        page.problems, page.requests = [], []
        page.on("request", lambda request: page.requests.append(request.url))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("requestfailed", lambda request: page.problems.append(f"failed: {request.url}"))
        page.on(
            "console",
            lambda said: (
                page.problems.append(said.text) if said.type in ("error", "warning") else None
            ),
        )
        page.goto(url)
        return page

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture
def show(open_page, tmp_path):
    """Return a function that shows figures in a page of their own."""

    def show_them(*shown, address=None, site=False, dark=False, **options):
        html = figures.document(*shown, site=site, dark=dark)
        if address is None:
            page = open_page("about:blank", **options)
            page.set_content(html)
        else:
            (tmp_path / "figure.html").write_text(html, "utf-8")
            page = open_page(address, **options)
        return page

    return show_them


@pytest.fixture
def folder(tmp_path):
    """Address of a folder that is served to this machine."""
    with chromium.served(tmp_path) as url:
        yield url


@pytest.fixture(scope="session")
def axe():
    """The accessibility checker."""
    return pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
