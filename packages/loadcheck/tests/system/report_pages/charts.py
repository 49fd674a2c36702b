"""What a page with charts looks like to whoever looks at its pixels."""

from typing import Any

from playwright.sync_api import Page

PIXELS = """() => [...document.querySelectorAll('.chart canvas')].map((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Set();
    for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) colours.add(data.slice(i, i + 3).join());
    return [...colours];
})"""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
NEXT_FRAME = "() => new Promise((done) => requestAnimationFrame(() => done()))"


def colours(page: Page) -> list[set[str]]:
    """Return the opaque colours of each chart."""
    found: Any = page.evaluate(PIXELS)
    return [set(each) for each in found]


def overflow(page: Page) -> int:
    """Return by how much the page is wider than the screen, in pixels."""
    found: int = page.evaluate(OVERFLOW)
    return found


def change_scheme(page: Page, scheme: Any) -> None:
    """Change between light and dark; the browser tells the page in its next frame."""
    page.emulate_media(color_scheme=scheme)
    page.evaluate(NEXT_FRAME)
