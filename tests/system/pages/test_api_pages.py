"""The API pages, in a browser."""

from playwright.sync_api import expect


def test_the_api_page_draws_without_an_error_and_asks_no_other_host(page, visit, demo):
    page.goto(f"{demo}/docs")
    expect(page.get_by_role("heading", name="WispHub API")).to_be_visible()
    page.get_by_text("Verify an identity").click()
    expect(page.get_by_role("button", name="Try it out")).to_be_visible()
    assert visit.errors == []
    assert [url for url in visit.requested if not url.startswith(f"{demo}/docs")] == []
