"""The extensions that build the website, without building it."""

import io
import shutil

import pytest

import adl_guards
import adl_images
import adl_katex
import adl_pages
import project_address

FORMULA = (r"w - \eta L'(w)", False)


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/x.css">',
        '<link rel="preconnect" href="https://fonts.example">',
        '<img src="http://img.example/x.png" alt="A plot.">',
        '<iframe src="https://video.example"></iframe>',
        '<script type="module">import x from "https://cdn.example/x.mjs"</script>',
        '<script>import("https://cdn.example/x.mjs")</script>',
        "<style>@import url(https://fonts.example/x.css)</style>",
        '<p style="background: url(https://img.example/x.png)">text</p>',
    ],
)
def test_a_request_to_another_host_is_found(html):
    assert adl_guards.foreign_requests(adl_guards.read(html))


@pytest.mark.parametrize(
    "html",
    [
        '<script src="../_static/x.js"></script>',
        '<a href="https://arxiv.org/abs/2103.00065">a link is no request</a>',
        '<link rel="canonical" href="https://owner.example/">',
        '<svg xmlns="http://www.w3.org/2000/svg"></svg>',
    ],
)
def test_what_asks_nobody_is_left_alone(html):
    assert not adl_guards.foreign_requests(adl_guards.read(html))


@pytest.mark.parametrize(
    ("alt", "silent"),
    [
        ("", True),
        ('alt=""', True),
        ('alt="../_images/12ab.png"', True),
        ('alt="plot.png"', True),
        ('alt="A parabola with its minimum at 2."', False),
    ],
)
def test_a_picture_without_words_is_found(alt, silent):
    page = adl_guards.read(f'<img src="../_images/12ab.png" {alt}>')
    assert bool(adl_guards.pictures_without_words(page)) is silent


@pytest.mark.parametrize(
    ("link", "dead"),
    [
        ("b.html", False),
        ("b.html#there", False),
        ("#here", False),
        ("../index.html", False),
        ("https://elsewhere.example/c.html", False),
        ("c.html", True),
        ("b.html#nowhere", True),
        ("#nowhere", True),
    ],
)
def test_a_link_that_leads_nowhere_is_found(link, dead):
    pages = {
        "index.html": adl_guards.read("<p>start</p>"),
        "book/a.html": adl_guards.read(f'<p id="here"><a href="{link}">a link</a></p>'),
        "book/b.html": adl_guards.read('<h1 id="there">b</h1>'),
    }
    assert bool(adl_guards.dead_links(pages, "book/a.html")) is dead


def test_the_empty_corner_of_a_pandas_table_is_no_heading():
    pandas = pytest.importorskip("pandas")
    html = adl_pages.repair(pandas.DataFrame({"w": [1.0]}).to_html())
    assert "<th></th>" not in html
    assert "<th>w</th>" in html


def test_what_a_script_writes_is_left_alone():
    html = '<th></th><script type="module">row = \'<th scope="row"></th>\'</script><th> </th>'
    assert adl_pages.repair(html) == html.replace("<th></th><s", "<td></td><s").replace(
        "<th> </th>", "<td></td>"
    )


def test_the_empty_corner_of_a_markdown_table_is_no_heading():
    assert adl_pages.repair('<th class="head"><p></p></th>') == '<td class="head"></td>'


def test_a_picture_gets_smaller_and_keeps_its_look():
    image = pytest.importorskip("PIL.Image")
    drawing = image.linear_gradient("L").convert("RGBA")
    buffer = io.BytesIO()
    drawing.save(buffer, "PNG", compress_level=0)
    smaller = adl_images.quantise(buffer.getvalue())
    assert len(smaller) < len(buffer.getvalue())
    before = drawing.convert("L").tobytes()
    after = image.open(io.BytesIO(smaller)).convert("L").tobytes()
    assert max(abs(a - b) for a, b in zip(before, after, strict=True)) <= 4
    assert adl_images.quantise(smaller) == smaller


def test_a_picture_of_known_size_waits_until_it_is_needed():
    html = '<img alt="A plot." src="../_images/a.png" style="width: 680px; height: 409.5px;" />'
    late = adl_images.load_late(html)
    assert late == (
        '<img alt="A plot." src="../_images/a.png" width="680" height="409" loading="lazy" />'
    )


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node")
def test_a_formula_has_a_drawing_and_mathml(tmp_path):
    html = adl_katex.Typesetter(tmp_path / "cache.json", {}).html(FORMULA)
    assert 'class="katex-html" aria-hidden="true"' in html
    assert "<math" in html


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node")
@pytest.mark.parametrize("tex", [r"\frac{1}{", r"\nosuchcommand", r"x % comment"])
def test_a_formula_that_katex_cannot_read_is_reported(tex, tmp_path):
    typesetter = adl_katex.Typesetter(tmp_path / "cache.json", {})
    assert typesetter.typeset({(tex, False)})


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node")
def test_a_cached_formula_needs_no_node(tmp_path, monkeypatch):
    first = adl_katex.Typesetter(tmp_path / "cache.json", {})
    html = first.html(FORMULA)
    first.save()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert adl_katex.Typesetter(tmp_path / "cache.json", {}).html(FORMULA) == html


def test_a_new_formula_without_node_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Exception, match=r"needs Node: install Node 18 or newer"):
        adl_katex.Typesetter(tmp_path / "cache.json", {}).html(FORMULA)


def test_the_website_stands_at_the_owner_s_address_in_small_letters(monkeypatch):
    monkeypatch.setattr(project_address, "repository", lambda: "https://github.com/Ada/small-steps")
    assert project_address.slug() == "Ada/small-steps"
    assert project_address.website() == "https://ada.github.io/small-steps/"
