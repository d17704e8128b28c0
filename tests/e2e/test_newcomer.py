"""The first five minutes of somebody who has just typed `make run`, in the order in which they happen."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.portal import Portal, wait_until

ALL_ENDED = "SELECT count(*) > 0 AND min(state IN ('done', 'skipped')) FROM pipeline_stagerun WHERE video_id = ?"


def video_id_of(page: Page) -> str:
    """The id in the page's address, as the database writes it."""
    found = re.search(r"/watch/([0-9a-f-]{36})", page.url)
    assert found, page.url
    return found.group(1).replace("-", "")


def wait_until_processed(portal: Portal, title: str) -> None:
    (row,) = portal.rows("SELECT id FROM videos_video WHERE title = ?", title)
    wait_until(lambda: portal.rows(ALL_ENDED, row[0]) == [(1,)], within_s=180, what=f"all stages of “{title}”")


def open_sample(page: Page) -> None:
    page.goto("/")
    # The page shows it by itself, as soon as it is checked.
    page.get_by_role("link", name="Words on the wire").first.click(timeout=60_000)
    page.wait_for_url("**/watch/**")


def wait_for(page: Page, expression: str, within_s: float = 15) -> None:
    """Until `expression` is true in the page. Playwright's own waiting needs `eval`: forbidden here."""
    wait_until(lambda: page.evaluate(expression), within_s=within_s, what=expression)


def current_time(page: Page) -> float:
    return float(page.evaluate("document.querySelector('video').currentTime"))


def test_they_see_the_sample_and_how_far_it_is(visitor: Page, portal: Portal) -> None:
    open_sample(visitor)
    expect(visitor.get_by_role("heading", name="Words on the wire")).to_be_visible()
    wait_until_processed(portal, "Words on the wire")
    # Without a reload: the page has followed the stages to their end.
    expect(visitor.locator("#facts .topic")).to_contain_text(re.compile(r"Technology · \d+ ?%"), timeout=15_000)
    expect(visitor.locator("[data-cues] .cue").first).to_be_visible()


def test_they_play_it_with_captions_and_click_a_word(visitor: Page, portal: Portal) -> None:
    wait_until_processed(portal, "Words on the wire")
    open_sample(visitor)
    wait_for(visitor, "document.querySelector('video')?.readyState >= 1")
    word = visitor.locator("[data-cues] .word", has_text=re.compile("lighthouse", re.I)).first
    start_s = int(word.get_attribute("data-start") or "0") / 1000
    assert start_s > 5
    word.click()
    wait_for(visitor, f"Math.abs(document.querySelector('video').currentTime - {start_s}) < 1.5")
    visitor.evaluate("document.querySelector('video').muted = true; document.querySelector('video').play()")
    wait_for(visitor, f"document.querySelector('video').currentTime > {start_s} + 0.3")
    cues = visitor.evaluate(
        "[...document.querySelector('video').textTracks]"
        ".filter(track => track.kind === 'captions').map(track => track.cues?.length ?? 0)"
    )
    assert cues
    assert max(cues) > 10, "the player has the captions"
    expect(visitor.locator("[data-cues] [aria-current], [data-cues] .is-current").first).to_be_visible()


def test_they_search_a_word_somebody_said_and_land_on_that_second(visitor: Page, portal: Portal) -> None:
    wait_until_processed(portal, "Words on the wire")
    visitor.goto("/")

    def find() -> bool:
        visitor.fill("#search-input", "transatlantic")
        visitor.press("#search-input", "Enter")
        visitor.wait_for_url("**/search/**")
        return visitor.locator("main a[href*='t=']").count() > 0

    wait_until(find, within_s=20, what="the moment in the results")
    moment = visitor.locator("main a[href*='t=']").first
    expect(moment.locator("mark").first.or_(visitor.locator("main mark").first)).to_contain_text(
        re.compile("transatlantic", re.I)
    )
    moment.click()
    visitor.wait_for_url("**/watch/**t=*")
    said_at_ms = int(
        visitor.locator("[data-cues] .word", has_text=re.compile("transatlantic", re.I)).first.get_attribute(
            "data-start"
        )
        or "0"
    )
    wait_for(visitor, "document.querySelector('video')?.currentTime > 1")
    assert abs(current_time(visitor) - said_at_ms / 1000) < 8, "within the cue that says it"


def test_they_watch_captions_appear_while_recognition_still_runs(
    admin_page: Page, portal: Portal, long_talk: Path
) -> None:
    page = admin_page
    page.goto("/upload/")
    page.set_input_files("input[type=file]", str(long_talk))
    page.fill("[name=title]", "A long talk")
    page.click("[data-send]")
    page.wait_for_url("**/watch/**", timeout=60_000)
    page.evaluate("window.neverReloaded = true")
    video = video_id_of(page)

    page.locator("[data-cues] .cue").first.wait_for(timeout=60_000)
    # The player's own track, whether or not its rendition was ready when the page came.
    wait_for(
        page,
        "[...(document.querySelector('video')?.textTracks ?? [])]"
        ".some(track => track.kind === 'captions' && (track.cues?.length ?? 0) > 0)",
        within_s=60,
    )
    seen = page.locator("[data-cues] .cue").count()
    page.fill("#transcript-query", "a")
    matches = page.locator("[data-matches]")
    expect(matches).to_have_text(re.compile(r"^1 of \d+$"))
    matched = int((matches.text_content() or "").split()[-1])
    bar = page.locator("[data-stage=transcribe] progress")
    fraction = int(bar.get_attribute("value") or "0")
    assert portal.rows("SELECT state FROM pipeline_stagerun WHERE video_id = ? AND stage = 'transcribe'", video) == [
        ("running",)
    ], "the cue was there before recognition had ended"
    assert seen > 0
    wait_for(page, f"document.querySelectorAll('[data-cues] .cue').length > {seen}", within_s=60)
    wait_for(
        page, f"(document.querySelector('[data-stage=transcribe] progress')?.value ?? 101) > {fraction}", within_s=60
    )
    wait_for(
        page, f"Number(document.querySelector('[data-matches]').textContent.split(' ').at(-1)) > {matched}", within_s=60
    )
    expect(matches).to_have_text(re.compile(r"^1 of \d+$"))
    assert page.evaluate("window.neverReloaded") is True


def test_they_drop_a_file_and_may_cancel(admin_page: Page, portal: Portal) -> None:
    page = admin_page
    page.goto("/upload/")
    session = page.context.new_cdp_session(page)
    session.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 500_000},
    )
    before = portal.rows("SELECT count(*) FROM videos_video")
    page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(20_000_000)], "dropped.mp4", { type: "video/mp4" }));
            const zone = document.querySelector("[data-drop-zone]");
            for (const kind of ["dragenter", "dragover", "drop"])
                zone.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data }));
        }"""
    )
    expect(page.locator("[data-chosen]")).to_contain_text("dropped.mp4")
    page.click("[data-send]")
    wait_for(page, "document.querySelector('[data-progress] progress').value > 3")
    expect(page.locator("[data-progress-text]")).to_contain_text("per second")
    page.click("[data-cancel]")
    expect(page.locator("[data-chosen]")).to_contain_text("Cancelled")
    incoming = portal.home / "media" / "incoming"
    wait_until(lambda: not any(incoming.iterdir()), within_s=20, what="the cancelled upload removed")
    assert portal.rows("SELECT count(*) FROM videos_video") == before


def test_a_file_that_is_no_video_is_refused_beside_the_field(admin_page: Page, tmp_path: Path) -> None:
    fake = tmp_path / "notes.mp4"
    fake.write_text("These are the notes of the meeting.\n" * 100)
    admin_page.goto("/upload/")
    admin_page.set_input_files("input[type=file]", str(fake))
    admin_page.click("[data-send]")
    expect(admin_page.locator("#upload-file-errors li").first).to_contain_text(re.compile("video", re.I))
    assert admin_page.url.endswith("/upload/")


def test_keys_work_as_elsewhere(visitor: Page, portal: Portal) -> None:
    wait_until_processed(portal, "Words on the wire")
    open_sample(visitor)
    wait_for(visitor, "document.querySelector('video')?.readyState >= 1")
    visitor.locator("h1").click()
    visitor.keyboard.press("5")
    half = float(visitor.evaluate("document.querySelector('video').duration")) / 2
    wait_for(visitor, f"Math.abs(document.querySelector('video').currentTime - {half}) < 1")
    visitor.keyboard.press("j")
    wait_for(visitor, f"Math.abs(document.querySelector('video').currentTime - {half - 10}) < 1")
    visitor.keyboard.press("m")
    assert visitor.evaluate("document.querySelector('video').muted") is True
    visitor.keyboard.press("k")
    wait_for(visitor, "!document.querySelector('video').paused")
    visitor.locator("#player").click(position={"x": 200, "y": 150})
    wait_for(visitor, "document.querySelector('video').paused")


def test_the_page_reads_without_scripts(browser_without_scripts: Page, portal: Portal) -> None:
    page = browser_without_scripts
    wait_until_processed(portal, "Words on the wire")
    page.goto("/search/?q=lighthouse")
    page.locator("main a[href*='t=']").first.click()
    expect(page.locator("[data-cues]")).to_contain_text(re.compile("lighthouse", re.I))
    expect(page.locator("video")).to_have_attribute("src", re.compile(r"#t=\d+"))
