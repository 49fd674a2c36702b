"""The long view as people see it: in a real browser, at the width of a telephone and of a desk."""

from pathlib import Path

import msgspec
import pytest
from packages.loadcheck.tests.system.report_pages.charts import change_scheme, colours, overflow
from packages.loadcheck.tests.unit.report.made_up import sixty_nights
from playwright.sync_api import Browser, Page

from loadcheck.report.history.measurements import History
from loadcheck.report.history.page import render_history

WORSE = {"light": "168,50,0", "dark": "255,161,122"}
BETTER = {"light": "0,102,77", "dark": "108,217,185"}


@pytest.fixture(scope="module")
def history() -> History:
    return sixty_nights()


@pytest.fixture(scope="module")
def trend(tmp_path_factory, history) -> Path:
    path: Path = tmp_path_factory.mktemp("trend") / "trend.html"
    path.write_text(render_history(history), encoding="utf-8")
    return path


@pytest.fixture
def opened(page: Page, trend: Path) -> Page:
    page.goto(trend.as_uri())
    page.get_by_role("button", name="Open all").click()
    page.wait_for_function("document.querySelectorAll('.chart:empty').length === 0")
    return page


@pytest.mark.parametrize(("width", "scheme"), [(400, "light"), (1440, "dark")])
def test_every_chart_is_drawn_and_marks_its_change(page, trend, visit, width, scheme):
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.goto(trend.as_uri())
    drawn = colours(page)
    assert len(drawn) == page.locator(".chart").count() == 15
    assert min(map(len, drawn)) >= 3  # axis, grid, dots
    assert [number for number, found in enumerate(drawn) if WORSE[scheme] in found] == [1]
    assert [number for number, found in enumerate(drawn) if BETTER[scheme] in found] == [4, 9, 14]
    assert overflow(page) == 0
    assert visit.errors == []
    assert visit.requested == [trend.as_uri()]


def test_the_commit_under_the_pointer_is_named_in_every_chart(opened, visit):
    plot = opened.locator("#s1 .chart .u-over").nth(1)
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    opened.mouse.move(box["x"] + box["width"] * 38.5 / 60, box["y"] + 50)
    named = opened.locator("#s1 .u-legend tr:first-child").all_inner_texts()
    assert len(named) == 5
    assert all("at 0038cccccc \N{MIDDLE DOT} 2026-02-10" in text for text in named)
    assert visit.errors == []


def test_the_arrow_keys_go_from_commit_to_commit(opened):
    chart = opened.locator("#s1 .chart").first
    chart.focus()
    for _ in range(3):
        opened.keyboard.press("ArrowRight")
    assert "0002cccccc" in chart.locator(".u-legend").inner_text()
    opened.keyboard.press("ArrowLeft")
    assert "0001cccccc" in chart.locator(".u-legend").inner_text()


def test_a_commit_without_the_figure_has_a_gap(opened):
    chart = opened.locator("#s3 .chart").first
    assert chart.evaluate("chart => chart.chart.data[1].slice(18, 29).map((value) => value === null)") == [
        *[False] * 2,
        *[True] * 7,
        *[False] * 2,
    ]


def test_scenarios_that_moved_are_open_at_first_and_a_link_opens_any(page, tmp_path, history):
    calm = tuple(
        msgspec.structs.replace(
            each, scenarios=tuple(played for played in each.scenarios if played.scenario != "client_search")
        )
        for each in history[:20]
    )
    (tmp_path / "calm.html").write_text(render_history(calm), encoding="utf-8")
    page.goto((tmp_path / "calm.html").as_uri())
    assert page.locator("details.card[open]").evaluate_all("all => all.map((each) => each.id)") == ["s1"]
    page.goto((tmp_path / "calm.html").as_uri() + "#s2")
    page.wait_for_selector("#s2[open] canvas")


def test_a_scenario_in_the_table_leads_to_its_charts(page, trend):
    page.goto(trend.as_uri())
    page.get_by_role("button", name="Close all").click()
    page.get_by_role("link", name="ttl_expiry").click()
    assert page.locator("#s3 canvas").first.is_visible()


def test_charts_follow_when_the_scheme_changes_and_are_light_on_paper(opened):
    light = colours(opened)
    change_scheme(opened, "dark")
    assert all(before != after for before, after in zip(light, colours(opened), strict=True))
    opened.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert WORSE["light"] in colours(opened)[1]


def test_without_javascript_the_tables_tell_it_all(chromium: Browser, trend):
    with chromium.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(trend.as_uri())
        assert page.locator(".moved").get_by_text("0038cccccc").is_visible()
        assert page.locator("#s1 .charts").is_hidden()
        page.get_by_text("All 60 records").first.click()
        assert page.locator("#s1").get_by_text("0059cccccc").is_visible()


def test_an_empty_history_opens_without_errors(page, visit, tmp_path):
    (tmp_path / "empty.html").write_text(render_history(()), encoding="utf-8")
    page.goto((tmp_path / "empty.html").as_uri())
    assert page.get_by_role("heading", level=1).inner_text().startswith("0 commits")
    assert visit.errors == []


def test_a_name_that_is_markup_is_shown_as_it_is(page, visit, tmp_path, history):
    name = "</script><img src=x onerror=alert(1)>"
    odd = tuple(
        msgspec.structs.replace(each, scenarios=(msgspec.structs.replace(each.scenarios[0], scenario=name),))
        for each in history
    )
    (tmp_path / "odd.html").write_text(render_history(odd), encoding="utf-8")
    page.goto((tmp_path / "odd.html").as_uri())
    assert page.get_by_role("link", name=name).first.is_visible()
    assert page.locator(".chart canvas").count() == 5
    assert visit.errors == []
