"""The API's page under its own policy."""

from playwright.sync_api import expect


def test_the_api_page_asks_the_service_and_shows_its_answer_under_its_policy(page, visit, demo):
    answer = page.goto(f"{demo}/docs")
    assert "script-src 'self' 'sha256-" in answer.headers["content-security-policy"]
    page.get_by_text("Is the process alive?").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
    assert visit.errors == []


def test_a_script_that_is_not_of_the_page_does_not_run(page, visit, demo):
    page.goto(f"{demo}/docs")
    page.evaluate(
        "() => { const script = document.createElement('script'); script.textContent = 'window.stolen = 1';"
        " document.body.append(script); }"
    )
    assert page.evaluate("() => window.stolen") is None
    assert "Content Security Policy" in visit.errors[0]
