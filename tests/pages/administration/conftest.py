"""A moderator's browser, a video that waits for a decision, and what tests ask the admin."""

from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import User
from apps.pipeline.models import StageRun
from apps.videos import files
from apps.videos.models import ModerationEntry, ModerationState, Report, Video
from tests.factories import make_video

VIDEOS = "/admin/videos/video/"
Act = ModerationEntry.Act


@pytest.fixture
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def administrator(db: None) -> User:
    return User.objects.create_superuser("administrator", password="a long pass phrase")


@pytest.fixture
def desk(client: Client, moderator: User) -> Client:
    """A browser in which somebody is signed in who is staff, and nothing more."""
    client.force_login(moderator)
    return client


@pytest.fixture
def video(owner: User, media: Path) -> Video:
    """Waits for a decision, with a file on disk."""
    waiting = make_video(owner, title="A talk about whales", moderation_state=ModerationState.PENDING)
    folder = files.folder(waiting.pk)
    folder.mkdir(parents=True)
    (folder / "original.mp4").write_bytes(b"not really a video")
    return waiting


def act(client: Client, action: str, *rows: Video | Report | StageRun, queue: str = "all", **more: str) -> str:
    """Posts an action of a list, and returns the page that came of it."""
    names = {"videos.video": "videos/video", "videos.report": "videos/report", "pipeline.stagerun": "pipeline/stagerun"}
    where = f"/admin/{names[rows[0]._meta.label_lower]}/?queue={queue}"
    if not isinstance(rows[0], Video):
        where = where.partition("?")[0]
    form = {"action": action, "_selected_action": [str(row.pk) for row in rows], **more}
    return client.post(where, form, follow=True).content.decode()


def titles(client: Client, query: str = "") -> list[str]:
    page = client.get(VIDEOS + query)
    assert page.status_code == 200
    return [video.title for video in page.context["cl"].result_list]


def acts() -> list[tuple[str, str, str | None]]:
    """What the log says, oldest first: act, reason, moderator."""
    entries = ModerationEntry.objects.order_by("created_at").select_related("moderator")
    return [(entry.act, entry.reason, entry.moderator and entry.moderator.username) for entry in entries]
