"""Lip sync in the admin."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.pipeline.models import SyncRepair
from apps.videos.models import Video
from tests.avsync.reports import make_report
from tests.factories import make_video

pytestmark = pytest.mark.django_db


@pytest.fixture
def videos(owner: User) -> dict[str, Video]:
    made = {
        title: make_video(owner, title=title) for title in ("A late one", "A fitting one", "An unseen one", "A new")
    }
    make_report(made["A late one"])
    make_report(made["A fitting one"], verdict="in_sync", offset_ms=2.0)
    SyncRepair.objects.create(video=made["A fitting one"], offset_ms=200, state="done", made_by=owner)
    make_report(made["An unseen one"], verdict="unknown", offset_ms=None, reason="no_face")
    return made


@pytest.mark.parametrize(
    ("choice", "titles"),
    [
        ("out", {"A late one"}),
        ("in", {"A fitting one"}),
        ("unknown", {"An unseen one"}),
        ("repaired", {"A fitting one"}),
        ("unchecked", {"A new"}),
    ],
)
def test_videos_are_filtered_by_their_lip_sync(
    client: Client, moderator: User, videos: dict[str, Video], choice: str, titles: set[str]
) -> None:
    client.force_login(moderator)
    html = client.get(f"/admin/videos/video/?queue=all&sync={choice}").content.decode()
    assert {title for title in videos if f">{title}</a>" in html} == titles


def test_the_page_of_a_video_says_what_was_found(client: Client, moderator: User, videos: dict[str, Video]) -> None:
    client.force_login(moderator)
    html = client.get(f"/admin/videos/video/{videos['A late one'].pk}/change/").content.decode()
    assert "The sound comes 200 ms late: sure to 98 %." in html
    assert f"/videos/{videos['A late one'].pk}/sync/" in html


def test_reports_and_repairs_are_read_in_plain_words_and_changed_by_nobody(
    client: Client, moderator: User, videos: dict[str, Video]
) -> None:
    client.force_login(moderator)
    assert "The sound comes 200 ms late" in client.get("/admin/avsync/syncreport/").content.decode()
    report = videos["A late one"].sync_report
    html = client.get(f"/admin/avsync/syncreport/{report.pk}/change/").content.decode()
    assert "98 %" in html
    assert 'name="_save"' not in html
    repairs = client.get("/admin/pipeline/syncrepair/").content.decode()
    assert "200 ms earlier" in repairs
    assert client.post(f"/admin/avsync/syncreport/{report.pk}/delete/", {"post": "yes"}).status_code == 403
