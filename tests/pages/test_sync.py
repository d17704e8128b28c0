"""What owner and moderators see of lip sync, and what they can do about it."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.avsync.models import SyncReport
from apps.pipeline.models import StageRun, SyncRepair
from apps.videos.models import Video
from tests.avsync.reports import make_report
from tests.pages.conftest import add_run

pytestmark = pytest.mark.django_db

LATE = "The sound comes 200 ms late: sure to 98 %"


def page(client: Client, user: User, video: Video, address: str = "/videos/{}/sync/") -> str:
    client.force_login(user)
    return client.get(address.format(video.pk)).content.decode()


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ({}, LATE),
        ({"verdict": "sound_early", "offset_ms": -120.0}, "The sound comes 120 ms early"),
        ({"verdict": "in_sync", "offset_ms": 4.0}, "Sound and lips agree"),
        ({"verdict": "drifting", "drift_ms_per_min": 30.0}, "comes ever later, by 30 ms a minute"),
        ({"verdict": "unknown", "offset_ms": None, "reason": "no_face"}, "Nobody can be seen speaking"),
        ({"verdict": "unknown", "offset_ms": None, "reason": "too_little_speech"}, "too little speech"),
        ({"verdict": "unknown", "offset_ms": None, "reason": "not_sure"}, "cannot be told with certainty"),
    ],
)
@pytest.mark.parametrize("address", ["/watch/{}/", "/videos/{}/sync/"])
def test_one_sentence_says_what_was_found(
    client: Client, video: Video, owner: User, moderator: User, found: dict[str, object], sentence: str, address: str
) -> None:
    make_report(video, **found)
    for user in (owner, moderator):
        assert sentence in page(client, user, video, address)


@pytest.mark.parametrize("address", ["/watch/{}/", "/watch/{}/status/"])
def test_other_viewers_are_told_nothing(client: Client, video: Video, stranger: User, address: str) -> None:
    make_report(video)
    for user in (None, stranger):
        if user:
            client.force_login(user)
        html = client.get(address.format(video.pk), headers={"HX-Request": "true"}).content.decode()
        assert "The sound comes" not in html
        assert "Lip sync" not in html


def test_the_curves_are_drawn_and_stand_in_tables_too(client: Client, video: Video, owner: User) -> None:
    windows = [{"start_ms": 61_000, "offset_ms": 187.0, "probability": 0.93}]
    make_report(video, windows=windows, distances=[1.5 - 0.5 * (frames == 5) for frames in range(-15, 16)])
    html = page(client, owner, video)
    points = re.search(r'<polyline class="curve" points="([^"]+)"', html)
    assert points is not None
    heights = [float(point.partition(",")[2]) for point in points[1].split()]
    assert len(heights) == 31
    assert max(range(31), key=heights.__getitem__) == 20  # the lowest point of the drawing: +5 frames
    assert '<th scope="row">+200 ms</th><td>1.000</td>' in html
    assert html.count('class="dot"') == 1
    assert '<th scope="row">1:01</th><td>+187 ms</td><td>93 %</td>' in html
    assert "They fit best where it is 200 ms late." in html


def test_a_stretch_that_is_elsewhere_is_named_if_it_is_sure(client: Client, video: Video, owner: User) -> None:
    windows = [
        {"start_ms": 0, "offset_ms": 203.0, "probability": 0.95},
        {"start_ms": 8_000, "offset_ms": 462.0, "probability": 0.97},
        {"start_ms": 16_000, "offset_ms": -300.0, "probability": 0.4},
    ]
    make_report(video, offset_ms=200.0, windows=windows)
    client.force_login(owner)
    page = client.get(f"/videos/{video.pk}/sync/").content.decode()
    assert "It does not drift: it is about 200 ms late, but 462 ms late at 0:08. Was it cut there?" in page
    assert "300 ms early at" not in page


def test_a_report_without_curves_has_a_page(client: Client, video: Video, owner: User) -> None:
    make_report(video, verdict="unknown", offset_ms=None, reason="no_face", distances=[], windows=[])
    html = page(client, owner, video)
    assert "Nobody can be seen speaking" in html
    assert "<svg viewBox" not in html


def test_a_check_that_had_nothing_to_look_at_says_why(client: Client, video: Video, owner: User) -> None:
    add_run(video, "check_sync", StageRun.State.SKIPPED, message="This video has no sound.")
    assert "This video has no sound." in page(client, owner, video)


def test_repair_asks_first_and_is_then_under_way(client: Client, video: Video, owner: User) -> None:
    make_report(video)
    add_run(video, "probe", StageRun.State.DONE)
    assert f"/videos/{video.pk}/sync/repair/" in page(client, owner, video, "/watch/{}/")
    question = page(client, owner, video, "/videos/{}/sync/repair/")
    assert "All of the sound will come 200 ms earlier" in question
    assert not SyncRepair.objects.exists()
    answer = client.post(f"/videos/{video.pk}/sync/repair/", {"offset_ms": "200"}, follow=True)
    html = answer.content.decode()
    assert "The sound is being moved: 200 ms earlier." in html
    assert "being moved already" not in html, "nobody asked for it twice"
    assert "hx-get" in html
    assert "Repair…" not in html
    assert StageRun.objects.get(video=video, stage="move_sound").state == StageRun.State.QUEUED


def test_what_cannot_be_repaired_says_why_and_offers_no_button(client: Client, video: Video, owner: User) -> None:
    make_report(video, verdict="drifting", drift_ms_per_min=30.0)
    html = page(client, owner, video)
    assert "Repair…" not in html
    assert "right for a moment only" in html
    client.force_login(owner)
    for answer in (
        client.get(f"/videos/{video.pk}/sync/repair/", follow=True),
        client.post(f"/videos/{video.pk}/sync/repair/", {"offset_ms": "200"}, follow=True),
    ):
        assert "right for a moment only" in answer.content.decode()
    assert not SyncRepair.objects.exists()


def test_an_offset_that_changed_meanwhile_is_not_repaired(client: Client, video: Video, owner: User) -> None:
    make_report(video, offset_ms=-160.0, verdict="sound_early")
    client.force_login(owner)
    answer = client.post(f"/videos/{video.pk}/sync/repair/", {"offset_ms": "200"}, follow=True)
    assert "checked again since" in answer.content.decode()
    assert not SyncRepair.objects.exists()


def moved(video: Video) -> SyncRepair:
    return SyncRepair.objects.create(video=video, offset_ms=200, state=SyncRepair.State.DONE, done_at=timezone.now())


def test_a_repair_that_helped_is_told_and_can_be_undone(client: Client, video: Video, owner: User) -> None:
    moved(video)
    make_report(video, verdict="in_sync", offset_ms=3.0)
    html = page(client, owner, video)
    assert "it comes 200 ms earlier than in the file that was uploaded" in html
    assert "does not say" not in html
    assert "Bring back the original" in page(client, owner, video, "/videos/{}/sync/undo/")
    answer = client.post(f"/videos/{video.pk}/sync/undo/", follow=True)
    assert "The original is being brought back." in answer.content.decode()


@pytest.mark.parametrize("found", [{}, {"verdict": "unknown", "offset_ms": None, "reason": "not_sure"}])
def test_a_repair_that_did_not_help_says_so_and_offers_the_way_back(
    client: Client, video: Video, owner: User, found: dict[str, object]
) -> None:
    moved(video)
    make_report(video, **found)
    html = page(client, owner, video)
    assert "does not say that sound and lips agree now" in html
    assert "Undo…" in html
    assert "Repair…" not in html


def test_a_repair_that_failed_says_why_and_can_be_given_up(client: Client, video: Video, owner: User) -> None:
    make_report(video)
    repair = SyncRepair.objects.create(video=video, offset_ms=200)
    add_run(video, "move_sound", StageRun.State.FAILED, message="The portal has no room left.")
    add_run(video, "check_sync", StageRun.State.QUEUED)
    html = page(client, owner, video)
    assert "Not moved" in html
    assert "At work" not in html, "what failed is told, though the check goes on"
    assert "The sound could not be moved. The portal has no room left." in html
    assert "Give up…" in html
    client.post(f"/videos/{video.pk}/sync/undo/")
    repair.refresh_from_db()
    assert repair.state == SyncRepair.State.UNDONE
    StageRun.objects.filter(stage="check_sync").update(state=StageRun.State.DONE)
    assert LATE in page(client, owner, video)


def test_nothing_to_undo_is_said_instead_of_asked(client: Client, video: Video, owner: User) -> None:
    client.force_login(owner)
    for answer in (
        client.get(f"/videos/{video.pk}/sync/undo/", follow=True),
        client.post(f"/videos/{video.pk}/sync/undo/", follow=True),
    ):
        assert "there is nothing to undo" in answer.content.decode()


def test_my_videos_mark_what_is_out_of_sync(client: Client, video: Video, owner: User) -> None:
    report = make_report(video)
    assert "Out of sync" in page(client, owner, video, "/my-videos/")
    SyncReport.objects.filter(pk=report.pk).update(verdict="in_sync")
    assert "Out of sync" not in page(client, owner, video, "/my-videos/")
