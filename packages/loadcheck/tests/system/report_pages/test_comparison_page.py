"""The page of a comparison as people see it: in a real browser, at the width of a telephone and of a desk."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from packages.loadcheck.tests.system.report_pages.charts import colours, overflow
from packages.loadcheck.tests.unit.compare.outcomes import OUTCOMES
from playwright.sync_api import Page

from loadcheck.compare.comparison import Comparison
from loadcheck.compare.report.page import write_page

OUTSIDE = """() => [...document.querySelectorAll('main *')]
    .filter((each) => !each.closest('.scroll, .unseen'))
    .filter((each) => each.getBoundingClientRect().right > document.documentElement.clientWidth)
    .map((each) => each.outerHTML)"""
"""What lies beyond the right edge of the screen, but for what scrolls by itself."""
OVERLAPPING = """() => [...document.querySelectorAll('details[open] > .body:has(.charts)')].filter((body) => {
    const [table, charts] = [...body.children].map((each) => each.getBoundingClientRect());
    return table.right > charts.left && table.bottom > charts.top;
}).length"""
"""The cards in which the table lies over the chart."""


@pytest.fixture
def slower() -> Comparison:
    return OUTCOMES["slower"]


@pytest.fixture
def path(tmp_path) -> Path:
    found: Path = tmp_path / "compare.html"
    return found


def test_every_chart_is_drawn_and_nothing_lies_outside_or_over_another(page, visit, path, slower):
    write_page(path, slower)
    for width in (390, 768, 1200, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(path.as_uri())
        page.get_by_role("button", name="Open all").click()
        page.wait_for_function("document.querySelectorAll('.chart:empty').length === 0")
        drawn = colours(page)
        assert len(drawn) == 3
        assert min(map(len, drawn)) >= 3  # axis, grid, line
        assert page.evaluate(OUTSIDE) == []
        assert overflow(page) == 0
        assert page.evaluate(OVERLAPPING) == 0
    assert visit.errors == []
    assert set(visit.requested) == {path.as_uri()}


def test_the_endpoint_that_became_slower_is_drawn_at_once(page, visit, path, slower):
    write_page(path, slower)
    page.add_init_script("addEventListener('toggle', (event) => event.stopImmediatePropagation(), true)")
    page.goto(path.as_uri())  # what is open from the start need not tell that it opened
    assert page.locator("details.card[open] summary .name").all_inner_texts() == [
        "/api/v1/clients/search",
        "/api/v1/clients/{service_id}/verify",
    ]
    assert page.locator("details.card[open] canvas").count() == 2
    assert visit.errors == []


def test_the_keyboard_reads_both_sides_of_a_chart(page, path, slower):
    write_page(path, slower)
    page.goto(path.as_uri())
    page.locator(".chart").first.focus()
    for _ in range(21):
        page.keyboard.press("ArrowRight")
    place, base, head = page.locator("#e1 .u-legend .u-value").all_inner_texts()
    assert place == "P90"
    assert float(base) < float(head)


def test_every_verdict_has_a_page_that_works_on_a_telephone(page, visit, path):
    page.set_viewport_size({"width": 390, "height": 900})
    for outcome in OUTCOMES.values():
        write_page(path, outcome)
        page.goto(path.as_uri())
        page.locator("details").evaluate_all("all => all.forEach((each) => { each.open = true; })")
        assert page.locator("h1").is_visible()
        assert page.evaluate(OUTSIDE) == []
        assert overflow(page) == 0
    assert visit.errors == []


def test_without_javascript_all_but_the_charts_is_there(chromium, path, slower):
    write_page(path, slower)
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto(path.as_uri())
    assert page.get_by_text("P95 is 8.2\N{NO-BREAK SPACE}% higher").is_visible()
    assert page.locator("details.card[open] .compared tbody tr").count() == 8
    assert not page.locator(".charts").first.is_visible()
    assert not page.get_by_role("button", name="Open all").is_visible()
    page.context.close()


def test_a_name_that_is_markup_is_shown_as_it_is(page: Page, visit, path, slower):
    name = "</script><img src=x onerror=alert(1)>"
    figures = tuple(replace(each, endpoint=name) for each in slower.figures[5:9])
    write_page(
        path,
        replace(slower, scenario=name, figures=figures, curves={name: slower.curves["/api/v1/clients/"]}),
    )
    page.goto(path.as_uri())
    assert page.locator("summary .name").inner_text() == name
    assert page.locator(".chart canvas").count() == 1
    assert visit.errors == []
