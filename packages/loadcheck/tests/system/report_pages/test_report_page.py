"""The page as people see it: in a real browser, at the width of a telephone and of a desk."""

from pathlib import Path

import msgspec
import pytest
from packages.loadcheck.tests.system.report_pages.charts import change_scheme, colours, overflow
from packages.loadcheck.tests.unit.report.made_up import write_session
from playwright.sync_api import Page

from loadcheck.report import write_report
from loadcheck.report.results_file import Record


@pytest.fixture(scope="module")
def session_folder(tmp_path_factory) -> Path:
    folder: Path = tmp_path_factory.mktemp("session")
    return folder


@pytest.fixture(scope="module")
def record(session_folder) -> Record:
    return write_session(session_folder)


@pytest.fixture(scope="module")
def report(tmp_path_factory, session_folder, record) -> Path:
    path: Path = tmp_path_factory.mktemp("page") / "report.html"
    write_report(path, session_folder, record)
    return path


@pytest.fixture
def opened(page: Page, report: Path) -> Page:
    """The page with all its scenarios open."""
    page.goto(report.as_uri())
    page.get_by_role("button", name="Open all").click()
    page.wait_for_function("document.querySelectorAll('details.card[open] .chart:empty').length === 0")
    return page


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1440, "dark")])
def test_every_chart_is_drawn_and_nothing_is_wider_than_the_screen(page, report, visit, width, scheme):
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.goto(report.as_uri())
    page.get_by_role("button", name="Open all").click()
    page.wait_for_function("document.querySelectorAll('.chart:empty').length === 0")
    drawn = colours(page)
    assert len(drawn) == page.locator(".chart").count() > 40
    assert min(map(len, drawn)) >= 3  # axis, grid, line
    assert overflow(page) == 0
    assert visit.errors == []
    assert visit.requested == [report.as_uri()]


def test_charts_follow_when_the_scheme_changes(opened, visit):
    light = colours(opened)
    change_scheme(opened, "dark")
    assert all(before != after for before, after in zip(light, colours(opened), strict=True))
    assert visit.errors == []


def test_on_paper_charts_are_light(opened):
    def printed(scheme):
        change_scheme(opened, scheme)
        opened.evaluate("dispatchEvent(new Event('beforeprint'))")
        drawn = colours(opened)
        opened.evaluate("dispatchEvent(new Event('afterprint'))")
        return drawn

    assert printed("light") == printed("dark") != colours(opened)


def test_only_the_first_scenario_that_was_not_met_is_open_at_first(page, report):
    page.goto(report.as_uri())
    assert page.locator("details.card[open]").evaluate_all("all => all.map((each) => each.dataset.name)") == [
        "documented_load"
    ]


def test_a_link_to_a_scenario_opens_it(page, report):
    page.goto(report.as_uri())
    page.get_by_role("link", name="ttl_expiry").click()
    assert page.locator("#s3").get_attribute("open") is not None
    assert page.locator("#s3 canvas").first.is_visible()


def test_the_filter_hides_by_name_and_by_verdict(page, report):
    page.goto(report.as_uri())
    shown = page.locator("details.card:visible")
    page.get_by_role("searchbox").fill("RATE")
    assert shown.evaluate_all("all => all.map((each) => each.dataset.name)") == ["arrival_rate"]
    page.get_by_role("checkbox", name="inconclusive").uncheck()
    assert shown.count() == 0
    assert page.get_by_text("No scenario is left").is_visible()
    page.get_by_role("searchbox").fill("")
    assert shown.count() == 5
    assert page.locator("table.verdicts tbody:visible").count() == 5


def test_the_cursor_of_one_chart_is_that_of_all_on_the_same_time_axis(opened, visit):
    first = opened.locator("#s1 .chart").first
    first.focus()
    for _ in range(15):
        opened.keyboard.press("ArrowRight")
    told = opened.locator("#s1 .u-legend tr:first-child .u-value").all_inner_texts()
    moments = [float(text.split()[1]) for text in told if text.startswith("at")]
    assert len(moments) == opened.locator("#s1 .chart").count() - 1  # all but the distribution
    assert max(abs(moment - 14.5) for moment in moments) <= 0.5
    assert visit.errors == []


def test_what_is_zoomed_into_one_chart_is_zoomed_into_all_and_escape_comes_back(opened):
    def starts():
        return opened.locator("#s1 .chart").evaluate_all("all => all.map((each) => each.chart.scales.x.min)")

    plot = opened.locator("#s1 .chart .u-over").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    opened.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 50)
    opened.mouse.down()
    opened.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 50)
    opened.mouse.up()
    assert sum(start > 10 for start in starts()) == len(starts()) - 1  # all but the distribution
    opened.locator("#s1 .chart").first.focus()
    opened.keyboard.press("Escape")
    assert max(starts()) <= 1


def test_a_name_that_is_markup_is_shown_as_it_is(page, visit, tmp_path, record):
    name = "</script><img src=x onerror=alert(1)>"
    odd = msgspec.structs.replace(record.results[2], scenario=name, counters={name: ((0.0, 1.0), (9.0, 2.0))})
    write_report(tmp_path / "odd.html", tmp_path, msgspec.structs.replace(record, results=(odd,)))
    page.goto((tmp_path / "odd.html").as_uri())
    assert page.get_by_role("link", name=name).is_visible()
    assert page.locator(".chart canvas").count() > 5
    assert visit.errors == []
