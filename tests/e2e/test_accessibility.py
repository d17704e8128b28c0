"""axe-core on every page, for a visitor and for a signed-in moderator, in light and in dark."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Page

from tests.e2e.test_newcomer import wait_until_processed
from tests.portal import REPOSITORY, Portal

AXE = REPOSITORY / "node_modules" / "axe-core" / "axe.min.js"
VISITOR_PAGES = ["/", "/search/", "/search/?q=telegraph", "/search/?q=zyzzyva", "/topics/tech/", "/accounts/sign-in/"]
VISITOR_PAGES += [
    "/search/?q=telegraph&language=en&min_minutes=1",
    "/search/?q=telegraph&min_minutes=90",
    "watch?q=the",
]
VISITOR_PAGES += ["/accounts/sign-up/", "/accounts/password-reset/", "/no-such-page/", "watch"]
MEMBER_PAGES = ["/", "/upload/", "/my-videos/", "/notices/", "/accounts/tokens/", "/accounts/invitations/"]
MEMBER_PAGES += ["/following/", "/topics/tech/"]
MEMBER_PAGES += ["/admin/videos/video/topics/", "/admin/videos/video/topics/summary/"]
MEMBER_PAGES += ["/admin/classification/topic/teach/", "/admin/classification/topic/add/"]
MEMBER_PAGES += ["/accounts/profile/", "/accounts/password-change/", "watch", "edit", "delete", "captions", "sync"]


def address_of(name: str, portal: Portal) -> str:
    if name.startswith("/"):
        return name
    name, _, query = name.partition("?")
    wait_until_processed(portal, "Words on the wire")
    (row,) = portal.rows("SELECT id FROM videos_video WHERE title = 'Words on the wire'")
    video_id = UUID(row[0])
    return f"/watch/{video_id}/?{query}" if name == "watch" else f"/videos/{video_id}/{name}/"


def violations_on(page: Page) -> list[str]:
    """What axe-core finds, a line each with the elements concerned."""
    page.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = page.evaluate("axe.run(document).then(results => results.violations)")
    return [f"{one['id']}: {one['help']}: {[node['html'][:120] for node in one['nodes']]}" for one in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", VISITOR_PAGES)
def test_it_is_usable_for_every_visitor(visitor: Page, portal: Portal, name: str, scheme: str) -> None:
    visitor.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    visitor.goto(address_of(name, portal))
    assert violations_on(visitor) == []


def test_suggestions_are_usable_for_everybody(visitor: Page, portal: Portal) -> None:
    visitor.goto(address_of("watch", portal))
    visitor.locator("#search-input").press_sequentially("wire")
    visitor.get_by_role("option").first.wait_for()
    visitor.keyboard.press("ArrowDown")
    assert violations_on(visitor) == []


@pytest.mark.parametrize("name", MEMBER_PAGES)
def test_it_is_usable_for_every_member(admin_page: Page, portal: Portal, name: str) -> None:
    response = admin_page.goto(address_of(name, portal))
    assert response is not None
    assert response.ok, f"{admin_page.url}: {response.status}"
    assert violations_on(admin_page) == []


def test_what_a_page_says_of_the_last_deed_is_usable_for_everybody(admin_page: Page) -> None:
    admin_page.goto("/accounts/profile/")
    admin_page.locator("main form button[type=submit]").first.click()
    said = admin_page.get_by_role("status").filter(has_text="Your profile is saved.")
    assert said.get_by_role("listitem").count() == 1
    assert violations_on(admin_page) == []
