"""What the tests of the interactive figures share: pages that show them, and what all must pass."""

import re


def attributes(figure):
    """Attributes of a figure's element."""
    opening = figure._repr_html_().split(">")[0]
    return dict(re.findall(r'([\w-]+)="([^"]*)"', opening))


def document(*figures, site=False, dark=False):
    """A page with nothing but figures, light or dark, as part of the website or not."""
    colours = "color-scheme:dark;background:#14181e;color:#ced6dd"
    if not dark:
        colours = "background:#fff;color:#222"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A figure</title>'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f"{'<meta name=adl-site content=yes>' if site else ''}</head>"
        f'<body style="margin:16px;font:16px/1.5 sans-serif;{colours}"><main><h1>A figure</h1>'
        f"{''.join(figure._repr_html_() for figure in figures)}</main></body></html>"
    )


def settle(page):
    """Wait until a figure has told screen readers and the address bar what it shows."""
    page.wait_for_timeout(600)


def move_and_run_again(page, element):
    """What a notebook does: an output is taken out, put back, and its scripts run again."""
    page.evaluate(
        """element => {
            const figure = document.querySelector(element);
            figure.remove();
            document.querySelector('main').append(figure);
            document.querySelectorAll('script[type=module]').forEach(old => {
                const again = document.createElement('script');
                again.type = 'module'; again.textContent = old.textContent; old.replaceWith(again);
            });
        }""",
        element,
    )
    page.wait_for_timeout(100)


def has_no_faults(page, element, axe):
    """Nothing sticks out of the page or of a picture, all can be read and hit, axe is content."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    figure = page.locator(element)
    for target in figure.locator("input, button, label:has(input)").all():
        box = target.bounding_box()
        if target.get_attribute("type") != "checkbox":  # its label is the target
            assert min(box["width"], box["height"]) >= 24
    smallest = figure.locator("svg").evaluate_all("""all => Math.min(...all.map(svg =>
        parseFloat(getComputedStyle(svg).fontSize)
        * svg.clientWidth / svg.viewBox.baseVal.width))""")
    assert smallest >= 11
    outside = figure.locator("svg").evaluate_all("""all => all.flatMap(svg =>
        [...svg.querySelectorAll('text')].filter(text => {
            const a = text.getBoundingClientRect(), b = svg.getBoundingClientRect();
            return a.left < b.left - 1 || a.right > b.right + 1
                || a.top < b.top - 1 || a.bottom > b.bottom + 1;
        }).map(text => text.textContent))""")
    assert outside == []
    assert axe.run(page).response["violations"] == []
