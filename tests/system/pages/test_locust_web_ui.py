"""Locust's web page, as a person uses it: fill in, start, watch the swarm run, stop."""

import re

from playwright.sync_api import Locator, Page, expect


def start_swarm(page: Page, host: str) -> None:
    page.locator("input[name=userCount]").fill("5")
    page.locator("input[name=spawnRate]").fill("5")
    page.locator("input[name=host]").fill(host)
    page.get_by_role("button", name="Start").click()


def expect_in_head(page: Page, label: str, value: str) -> None:
    """Wait until the line at the top of the page says this."""
    expect(page.locator("header")).to_contain_text(re.compile(rf"{label}\s*{re.escape(value)}(?!\d)"))


def cell(page: Page, row: str, column: str) -> Locator:
    """Find a figure in the table of statistics."""
    headings = page.get_by_role("columnheader").all_inner_texts()
    figures = page.get_by_role("row").filter(has_text=row).get_by_role("cell")
    return figures.nth(headings.index(column))


def test_a_swarm_is_started_watched_and_stopped_from_the_page(page, visit, demo, locust_page):
    page.goto(locust_page)
    expect_in_head(page, "Status", "ready")
    start_swarm(page, demo)
    expect_in_head(page, "Status", "running")
    expect_in_head(page, "Host", demo)
    expect_in_head(page, "Users", "5")
    expect(page.get_by_role("row").filter(has_text="Aggregated")).to_be_visible(timeout=20_000)
    expect(cell(page, "Aggregated", "# Requests")).to_have_text(re.compile(r"^\d\d"), timeout=30_000)
    page.get_by_role("button", name="Stop").click()
    expect_in_head(page, "Status", "stopped")
    expect(cell(page, "Aggregated", "# Fails")).to_have_text("0")
    expect_in_head(page, "Failures", "0%")
    assert visit.errors == []
    assert [url for url in visit.requested if not url.startswith(locust_page)] == []
