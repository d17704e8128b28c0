"""From a word that somebody said to the second at which they said it, by mouse, by keyboard and by feed reader."""

from __future__ import annotations

import re
from urllib.request import urlopen
from xml.etree import ElementTree

from playwright.sync_api import Page, expect

from tests.e2e.test_newcomer import current_time, open_sample, wait_for, wait_until_processed
from tests.portal import Portal, wait_until

SAMPLE = "Words on the wire"


def wait_until_found(page: Page, portal: Portal, word: str) -> None:
    """The search page with `word`, once the index has it."""
    wait_until_processed(portal, SAMPLE)

    def is_found() -> bool:
        page.goto(f"/search/?q={word}")
        return page.locator(".moment").count() > 0

    wait_until(is_found, within_s=20, what=f"“{word}” in the index")


def test_a_moment_plays_from_its_second_with_its_words_marked(visitor: Page, portal: Portal) -> None:
    wait_until_found(visitor, portal, "lighthouse")
    moment = visitor.locator(".moment").first
    expect(moment.locator("mark").first).to_have_text(re.compile("lighthouse", re.I))
    picture = moment.locator(".thumbnail img")
    wait_until(
        lambda: picture.evaluate("image => image.complete && image.naturalWidth > 0"), within_s=10, what="picture"
    )
    frame = moment.locator(".thumbnail").bounding_box()
    assert frame is not None
    assert 1.6 < frame["width"] / frame["height"] < 2, "one tile of the sheet is framed"
    moment.click()
    visitor.wait_for_url("**/watch/**t=*")
    expect(visitor.locator("#transcript-query")).to_have_value(re.compile("lighthouse", re.I))
    expect(visitor.locator("[data-matches]")).to_have_text(re.compile(r"^\d+ of \d+$"))
    chosen = visitor.locator("[data-cues] .is-chosen")
    expect(chosen).to_contain_text(re.compile("lighthouse", re.I))
    expect(chosen).to_be_in_viewport()
    said_s = int(chosen.get_attribute("data-start") or "0") / 1000
    wait_for(visitor, f"Math.abs(document.querySelector('video')?.currentTime - {said_s}) < 0.5")


def test_enter_and_shift_enter_go_through_the_matches_in_a_video(visitor: Page, portal: Portal) -> None:
    wait_until_processed(portal, SAMPLE)
    open_sample(visitor)
    box, count = visitor.locator("#transcript-query"), visitor.locator("[data-matches]")
    box.fill("THE")
    expect(count).to_have_text(re.compile(r"^1 of \d+$"))
    total = int((count.text_content() or "").split()[-1])
    assert total > 3
    marked = "[...CSS.highlights.get('transcript-match')].map(range => range.toString().toLowerCase())"
    assert visitor.evaluate(marked) == ["the"] * total
    box.press("Enter")
    expect(count).to_have_text(f"2 of {total}")
    box.press("Shift+Enter")
    box.press("Shift+Enter")
    expect(count).to_have_text(f"{total} of {total}")
    expect(visitor.locator("[data-cues] .is-chosen")).to_be_in_viewport()
    visitor.get_by_role("button", name="Next match").click()
    expect(count).to_have_text(f"1 of {total}")
    visitor.wait_for_url("**q=THE*")
    visitor.reload()
    expect(count).to_have_text(f"1 of {total}")
    box.fill("xyzzyplugh")
    expect(count).to_have_text("Not found")
    box.press("Escape")
    expect(count).to_have_text("")
    wait_for(visitor, "!location.search.includes('q=')")
    assert current_time(visitor) == 0, "looking for words plays nothing"


def test_what_the_server_marks_is_what_scripts_mark(
    visitor: Page, browser_without_scripts: Page, portal: Portal
) -> None:
    wait_until_found(visitor, portal, "lighthouse")
    visitor.locator("h2 a").first.click()
    visitor.wait_for_url("**/watch/**")
    said = visitor.locator("[data-cues] .cue-text").all_text_contents()
    words = " ".join(" ".join(said).split()).split(" ")
    address = visitor.url.partition("?")[0]
    for wanted in ("the", "Light", ". THE", "e", f"{words[4]} {words[5]} {words[6]}", f"{words[9]} xyzzy {words[12]}"):
        visitor.locator("#transcript-query").fill(wanted)
        by_scripts = visitor.evaluate(
            "[...(CSS.highlights.get('transcript-match') ?? [])].map(range => range.toString().replace(/\\s+/g, ''))"
        )
        browser_without_scripts.goto(f"{address}?q={wanted}")
        marks = browser_without_scripts.locator("[data-cues] mark").all_text_contents()
        assert "".join(by_scripts) == "".join("".join(marks).split()), wanted
        shown = browser_without_scripts.locator("[data-matches]").text_content() or ""
        assert len(by_scripts) == (int(shown.split()[-1].rstrip("+")) if "of" in shown else 0), wanted


def test_matches_are_stepped_through_without_scripts(browser_without_scripts: Page, portal: Portal) -> None:
    page = browser_without_scripts
    wait_until_processed(portal, SAMPLE)
    page.goto("/")
    page.get_by_role("link", name=SAMPLE).first.click()
    page.fill("#transcript-query", "the")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("[data-matches]")).to_have_text(re.compile(r"^1 of \d+$"))
    page.get_by_role("link", name="Next", exact=True).click()
    expect(page.locator("[data-matches]")).to_have_text(re.compile(r"^2 of \d+$"))
    expect(page.locator("#match mark").first).to_be_in_viewport()


def test_suggestions_are_chosen_by_keyboard(visitor: Page, portal: Portal) -> None:
    wait_until_found(visitor, portal, "telegraph")
    visitor.goto("/")
    box = visitor.get_by_role("combobox", name=re.compile("Search"))
    options = visitor.get_by_role("option")
    visitor.keyboard.press("/")
    visitor.keyboard.type("teleg")
    expect(options.first).to_be_visible(timeout=30_000)
    expect(box).to_have_attribute("aria-expanded", "true")
    visitor.keyboard.press("Escape")
    expect(options.first).to_be_hidden()
    expect(box).to_have_value("teleg")
    visitor.keyboard.press("ArrowDown")
    expect(options.first).to_be_visible()
    visitor.keyboard.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", "suggestion-1")
    chosen = options.first.text_content() or ""
    expect(box).to_have_value(chosen)
    visitor.keyboard.press("ArrowUp")
    expect(box).to_have_value("teleg")
    visitor.keyboard.press("ArrowDown")
    visitor.keyboard.press("Enter")
    visitor.wait_for_url("**/search/?q=*")
    expect(visitor.locator("h1")).to_contain_text(chosen)


def test_filters_leave_a_short_address_and_are_taken_back(visitor: Page, portal: Portal) -> None:
    wait_until_found(visitor, portal, "telegraph")
    visitor.get_by_label("English", exact=False).check()
    visitor.wait_for_url("**/search/?q=telegraph&language=en")
    visitor.get_by_label("English", exact=False).focus()
    visitor.keyboard.press("ArrowUp")
    expect(visitor.get_by_role("group", name="Language").get_by_label("Any")).to_be_checked()
    visitor.get_by_role("button", name="Apply").press("Enter")
    visitor.wait_for_url("**/search/?q=telegraph")
    visitor.go_back()
    visitor.wait_for_url("**/search/?q=telegraph&language=en")
    visitor.get_by_role("link", name="Language: English").click()
    visitor.wait_for_url("**/search/?q=telegraph")
    visitor.goto("/search/?q=telegraph&min_minutes=90")
    visitor.get_by_role("link", name=re.compile("Without “At least 90 minutes”")).click()
    visitor.wait_for_url("**/search/?q=telegraph")
    expect(visitor.locator(".moment").first).to_be_visible()


def test_a_feed_leads_a_reader_to_the_second(visitor: Page, portal: Portal) -> None:
    wait_until_found(visitor, portal, "lighthouse")
    address = visitor.locator("link[type='application/rss+xml']").get_attribute("href")
    with urlopen(f"{portal.address}{address}") as answer:
        channel = ElementTree.fromstring(answer.read()).find("channel")
    assert channel is not None
    links = [item.findtext("link") or "" for item in channel.iter("item")]
    assert links
    visitor.goto(links[0])
    expect(visitor.locator("[data-cues] .is-chosen")).to_contain_text(re.compile("lighthouse", re.I))
    wait_for(visitor, "document.querySelector('video')?.currentTime > 1")
