"""A real browser in front of a real portal with its workers."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import pytest

from tests.portal import REPOSITORY, Portal

# Playwright's synchronous interface runs an event loop in this thread, which Django would take for an async caller.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

PASSWORD = "a long pass phrase"
SAMPLE = REPOSITORY / "samples" / "talk.mp4"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        pytest.skip("chromium is not installed")
    options = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    options += ["--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=options)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """Started as `make run` starts it, with the sample video in it."""
    portal = Portal(tmp_path_factory.mktemp("portal"))
    try:
        portal.run()
        yield portal
    finally:
        portal.stop()


def new_context(browser: Browser, portal: Portal) -> BrowserContext:
    context = browser.new_context(base_url=portal.address, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(15_000)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    return context


@pytest.fixture
def visitor(browser: Browser, portal: Portal) -> Iterator[Page]:
    """Somebody who is not signed in."""
    context = new_context(browser, portal)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def administrator(browser: Browser, portal: Portal) -> Iterator[BrowserContext]:
    """Signed in through the one-time link that the portal printed."""
    context = new_context(browser, portal)
    page = context.new_page()
    page.goto(portal.administrator_link())
    page.fill("input[name=new_password1]", PASSWORD)
    page.fill("input[name=new_password2]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_selector("header form[action*=sign-out]")
    page.close()
    yield context
    context.close()


@pytest.fixture
def admin_page(administrator: BrowserContext) -> Iterator[Page]:
    page = administrator.new_page()
    yield page
    page.close()


@pytest.fixture(scope="session")
def long_talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample six times over: eleven minutes, long enough to be watched while it is recognised."""
    folder = tmp_path_factory.mktemp("talk")
    listing = folder / "list.txt"
    listing.write_text(f"file '{SAMPLE}'\n" * 6)
    target = folder / "long talk.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-f", "concat", "-safe", "0"]
    subprocess.run([*command, "-i", str(listing), "-c", "copy", str(target)], check=True)
    return target


@pytest.fixture
def browser_without_scripts(browser: Browser, portal: Portal) -> Iterator[Page]:
    context = browser.new_context(base_url=portal.address, java_script_enabled=False)
    yield context.new_page()
    context.close()
