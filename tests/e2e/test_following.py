"""Following a topic in a real browser: by keyboard, after the session has ended, and without scripts."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.portal import Portal


def test_the_button_changes_in_place_and_keeps_the_focus(admin_page: Page) -> None:
    admin_page.goto("/topics/politics/")
    admin_page.evaluate("window.isSamePage = true")
    # The focus is back some milliseconds before htmx knows the new form: no person is that quick, a test may be.
    admin_page.evaluate(
        "document.body.addEventListener('htmx:afterSettle', () => { window.isSettled = true }, { once: true })"
    )
    admin_page.get_by_role("button", name="Follow Politics", exact=True).press("Enter")
    expect(admin_page.get_by_role("button", name="Unfollow Politics")).to_be_focused()
    admin_page.wait_for_function("window.isSettled")
    admin_page.keyboard.press("Enter")
    expect(admin_page.get_by_role("button", name="Follow Politics", exact=True)).to_be_focused()
    assert admin_page.evaluate("window.isSamePage"), "a page was loaded"


def test_somebody_whose_session_has_ended_is_led_to_sign_in(
    browser: Browser, portal: Portal, administrator: BrowserContext
) -> None:
    context = browser.new_context(base_url=portal.address, storage_state=administrator.storage_state())
    page = context.new_page()
    page.goto("/following/")
    context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Follow Business", exact=True).click()
    expect(page).to_have_url(re.compile(r"/accounts/sign-in/\?next=/following/$"))
    context.close()


def test_it_works_without_scripts(browser: Browser, portal: Portal, administrator: BrowserContext) -> None:
    context = browser.new_context(
        base_url=portal.address, storage_state=administrator.storage_state(), java_script_enabled=False
    )
    page = context.new_page()
    page.goto("/topics/business/")
    page.get_by_role("button", name="Follow Business", exact=True).click()
    page.wait_for_url("**/topics/business/")
    page.goto("/following/")
    page.get_by_role("button", name="Unfollow Business").click()
    page.wait_for_url("**/following/")
    expect(page.get_by_role("button", name="Follow Business", exact=True)).to_be_visible()
    context.close()
