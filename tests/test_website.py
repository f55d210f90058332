"""The built site, as browsers and readers find it."""

import re
from html.parser import HTMLParser
from itertools import product
from urllib.parse import urlsplit
from zipfile import ZipFile

import pytest

import project_address
from conftest import SITE

pytestmark = pytest.mark.browser

PAGES = sorted(
    path.relative_to(SITE).as_posix()
    for path in [*SITE.glob("book/*.html"), *SITE.glob("search.html"), *SITE.glob("genindex.html")]
) or ["(not built)"]
CHAPTERS = [page for page in PAGES if re.match(r"book/\d", page)] or ["(not built)"]
WIDTHS = (1280, 390, 320)
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
KILOBYTE = 1000


class Elements(HTMLParser):
    """Collects the start tags of a page."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def named(self, wanted):
        return [values for tag, values in self.found if tag == wanted]


@pytest.fixture
def elements(site):
    """Return a function that reads the elements of a page."""
    return lambda page: Elements((site / page).read_text(encoding="utf-8"))


@pytest.fixture
def chapter_with(site):
    """Return a function that finds the first chapter with a text, or skips."""

    def find(text):
        for page in CHAPTERS:
            if (site / page).exists() and text in (site / page).read_text(encoding="utf-8"):
                return page
        pytest.skip(f"no chapter has {text!r}")

    return find


# Requests


@pytest.mark.parametrize("page", PAGES)
def test_page_asks_no_other_host_and_has_no_error(page, address, open_page):
    opened = open_page(address + page)
    opened.wait_for_load_state("networkidle")
    assert {urlsplit(url).hostname for url in opened.requests if url[:5] != "data:"} == {
        "127.0.0.1"
    }
    assert opened.problems == []


@pytest.mark.parametrize("page", PAGES)
def test_page_opens_from_a_disk_without_errors(page, site, open_page):
    opened = open_page((site / page).as_uri())
    opened.wait_for_load_state("networkidle")
    assert {urlsplit(url).scheme for url in opened.requests} <= {"file", "data"}
    assert opened.problems == []


@pytest.mark.parametrize("page", CHAPTERS)
def test_first_load_of_a_chapter_without_its_figures_is_below_350_kb(page, site, browser, address):
    """Text is counted as a host such as GitHub Pages sends it: compressed."""
    import gzip

    opened = browser.new_page()
    paths = set()
    opened.on("request", lambda request: paths.add(urlsplit(request.url).path.lstrip("/")))
    opened.goto(address + page)
    opened.wait_for_load_state("networkidle")
    opened.close()
    total = 0
    for path in paths:
        if path.startswith("_images/"):
            continue
        data = (site / path).read_bytes()
        squeezed = path.endswith((".html", ".css", ".js", ".mjs", ".svg"))
        total += len(gzip.compress(data) if squeezed else data)
    assert total < 350 * KILOBYTE


@pytest.mark.parametrize("page", [page for page in PAGES if page != "search.html"])
def test_page_does_not_load_the_search_index(page, elements):
    assert not [
        script
        for script in elements(page).named("script")
        if "searchindex" in script.get("src", "")
    ]


# Accessibility


@pytest.mark.parametrize("page", PAGES)
def test_axe_finds_nothing(page, address, open_page):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = {}
    opened = open_page(address + page)
    opened.evaluate("document.querySelectorAll('details').forEach(fold => (fold.open = true))")
    for width, mode in product(WIDTHS, ("light", "dark")):
        opened.set_viewport_size({"width": width, "height": 900})
        opened.emulate_media(color_scheme=mode)
        opened.wait_for_function(
            "mode => document.documentElement.dataset.theme === mode", arg=mode
        )
        # The theme waits for 300 ms before it looks for scrolled boxes; colours fade in less.
        opened.wait_for_timeout(400 if mode == "light" else 150)
        options = {"runOnly": AXE_RULES, "resultTypes": ["violations"]}
        for violation in axe.run(opened, options=options).response["violations"]:
            places = [node["html"][:200] for node in violation["nodes"]]
            found[width, mode, violation["id"]] = places
    assert found == {}


@pytest.mark.parametrize("page", PAGES)
def test_page_fits_the_narrowest_phone(page, address, open_page):
    opened = open_page(address + page, width=320)
    assert opened.evaluate("document.documentElement.scrollWidth") <= 320
    assert opened.evaluate("document.querySelector('main').scrollWidth") <= 320


@pytest.mark.parametrize("page", PAGES)
def test_pictures_have_words(page, elements):
    for picture in elements(page).named("img"):
        words = picture.get("alt")
        assert words is not None, picture
        assert words.strip() or "_static/" in picture["src"], picture
        assert not re.search(r"_images/|\.(png|svg|jpe?g|gif)\s*$", words), picture


@pytest.mark.parametrize("page", PAGES)
def test_page_has_one_title_and_a_language(page, elements):
    found = elements(page)
    assert found.named("html")[0]["lang"] == "en"
    assert len(found.named("title")) == 1
    assert {"name": "adl-site", "content": "1"} in found.named("meta")


def test_every_figure_that_readers_move_is_moved_by_the_keyboard(address, open_page):
    moved = 0
    for page in CHAPTERS:
        opened = open_page(address + page)
        for figure in opened.locator(".adl-figure").all():
            said = figure.locator(".say").first
            before = said.text_content()
            slider = figure.locator("input[type=range]")
            if slider.count():
                slider.first.press("ArrowRight")
            else:
                figure.get_by_role("button", name="Run 1 epoch").press("Enter")
            assert said.text_content() != before
            moved += 1
        assert opened.problems == []
    assert moved >= 2


def test_the_site_can_be_downloaded_whole(site, elements):
    (link,) = (a["href"] for a in elements("book/index.html").named("a") if ".zip" in a["href"])
    with ZipFile(site / "book" / link) as archive:
        inside = set(archive.namelist())
        assert b".zip" not in archive.read("small-steps/book/index.html")
    for path in ("index.html", "book/1-learning-rate.html", "student/1-learning-rate.ipynb"):
        assert f"small-steps/{path}" in inside


def test_the_workbook_can_be_downloaded(site, elements):
    page = "book/2-optimizers-in-spreadsheet-form.html"
    (link,) = (a["href"] for a in elements(page).named("a") if a.get("href", "").endswith(".xlsx"))
    assert (site / "book" / link).resolve() == site.resolve() / "optimizers.xlsx"
    assert (site / "optimizers.xlsx").read_bytes().startswith(b"PK")
    with ZipFile(site / "small-steps.zip") as archive:
        assert "small-steps/optimizers.xlsx" in archive.namelist()


def test_github_pages_leaves_no_folder_out(site):
    assert (site / ".nojekyll").exists()


@pytest.mark.parametrize("page", CHAPTERS)
def test_a_wide_formula_or_table_can_be_scrolled_by_keyboard(page, address, open_page):
    opened = open_page(address + page, width=320)
    unreachable = opened.evaluate(
        """[...document.querySelectorAll('.adl-formula, .cell_output .text_html')]
            .filter(box => box.scrollWidth > box.clientWidth + 1 && box.tabIndex !== 0)
            .map(box => box.textContent.slice(0, 80))"""
    )
    assert unreachable == []


# Reading


@pytest.mark.parametrize("page", CHAPTERS)
def test_formulas_are_there_without_javascript(page, site, address, open_page):
    if "katex" not in (site / page).read_text(encoding="utf-8").split("<body", 1)[1]:
        pytest.skip("the chapter has no formula")
    opened = open_page(address + page, java_script_enabled=False)
    assert opened.locator(".katex-html").first.is_visible()
    assert opened.locator("math").count() == opened.locator(".katex").count()


def test_links_have_their_colour_without_javascript(address, open_page):
    opened = open_page(address + PAGES[0], java_script_enabled=False)
    colour = "link => getComputedStyle(link).color"
    link = opened.locator("nav a.reference, nav a.nav-link").first
    assert link.evaluate(colour) != opened.locator("body").evaluate(colour)


def test_no_page_shows_raw_tex(site):
    for page in PAGES:
        text = (site / page).read_text(encoding="utf-8")
        assert 'class="katex-error"' not in text


def test_a_solution_is_folded_until_it_is_opened(chapter_with, address, open_page):
    opened = open_page(address + chapter_with("Show the solution"))
    fold = opened.locator("details.hide", has=opened.get_by_text("Show the solution")).first
    code = fold.locator("pre").first
    assert not code.is_visible()
    fold.locator("summary").click()
    assert code.is_visible()


def test_plots_turn_dark_with_the_page(chapter_with, address, open_page):
    page = chapter_with("_images/")
    shades = {}
    for mode in ("light", "dark"):
        opened = open_page(address + page, mode=mode)
        picture = opened.locator(".cell_output img").first
        picture.scroll_into_view_if_needed()
        picture.evaluate("picture => picture.decode()")
        shades[mode] = _brightness(picture.screenshot())
    assert shades["light"] > 0.8
    assert shades["dark"] < 0.3


def _brightness(png):
    """Mean brightness of a picture, from 0 to 1."""
    import io

    from PIL import Image, ImageStat

    return ImageStat.Stat(Image.open(io.BytesIO(png)).convert("L")).mean[0] / 255


def test_the_reader_can_choose_dark_and_the_choice_stays(address, open_page):
    opened = open_page(address + PAGES[0])
    button = opened.locator("button.theme-switch-button").first
    for _ in range(3):
        button.click()
        if opened.evaluate("document.documentElement.dataset.mode") == "dark":
            break
    opened.reload()
    assert opened.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.parametrize("page", CHAPTERS)
def test_paper_has_no_navigation(page, address, open_page):
    opened = open_page(address + page)
    opened.emulate_media(media="print")
    assert not opened.locator("#pst-primary-sidebar").is_visible()
    assert not opened.locator(".prev-next-footer").is_visible()
    assert opened.locator(".bd-article h1").first.is_visible()


def test_paper_is_light_when_the_screen_is_dark(address, open_page):
    opened = open_page(address + PAGES[0], mode="dark")
    theme = "document.documentElement.dataset.theme"
    opened.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert opened.evaluate(theme) == "light"
    opened.evaluate("dispatchEvent(new Event('afterprint'))")
    assert opened.evaluate(theme) == "dark"


# Finding one's way


def test_the_root_leads_to_the_start_page(address, open_page):
    opened = open_page(address)
    opened.wait_for_url("**/book/index.html")
    assert opened.locator(".bd-article h1").first.is_visible()


def test_search_page_finds_a_word(address, open_page):
    opened = open_page(address + "search.html?q=learning")
    result = opened.locator("#search-results li a").first
    result.wait_for()
    assert "book/" in result.get_attribute("href")


def test_control_k_leads_to_the_search_page(address, open_page):
    opened = open_page(address + "book/index.html")
    opened.keyboard.press("Control+k")
    field = opened.locator("#pst-search-dialog input[type=search]")
    assert field.is_visible()
    field.fill("learning")
    field.press("Enter")
    opened.wait_for_url("**/search.html?q=learning")
    opened.locator("#search-results li a").first.wait_for()


@pytest.mark.parametrize("page", PAGES)
def test_a_copy_of_the_site_never_leads_to_the_published_one(page, elements):
    links = [link.get("href", "") for link in elements(page).named("a")]
    assert not [link for link in links if link.startswith(project_address.website())]


@pytest.mark.parametrize("page", CHAPTERS)
def test_a_chapter_offers_colab_with_and_without_solutions(page, elements):
    name = page.removeprefix("book/").removesuffix(".html")
    links = [link.get("href", "") for link in elements(page).named("a")]
    colab = [link for link in links if link.startswith("https://colab.research.google.com/")]
    assert len(colab) == 2
    assert colab[0].endswith(f"/blob/main/book/{name}.ipynb")
    assert colab[1].endswith(f"/blob/gh-pages/student/{name}.ipynb")
    assert f"../student/{name}.ipynb" in links
