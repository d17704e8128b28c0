"""Lip sync through the API."""

from __future__ import annotations

import pytest

from apps.accounts.models import User
from apps.pipeline.models import StageRun, SyncRepair
from apps.videos.models import Video
from tests.api.conftest import CallAs
from tests.avsync.reports import make_report
from tests.factories import make_video

pytestmark = pytest.mark.django_db


@pytest.fixture
def video(owner: User) -> Video:
    video = make_video(owner)
    StageRun.objects.create(video=video, stage="probe", state=StageRun.State.DONE)
    return video


def address(video: Video, rest: str = "") -> str:
    return f"/api/v1/videos/{video.pk}/{rest}"


def test_owner_and_moderators_read_what_was_found_and_others_nothing(
    call_as: CallAs, video: Video, owner: User, moderator: User, stranger: User
) -> None:
    make_report(video)
    for user in (owner, moderator):
        sync = call_as(user).get(address(video)).json()["sync"]
        assert sync["sentence"] == "The sound comes 200 ms late: sure to 98 %."
        report = sync["report"]
        assert (report["verdict"], report["offset_ms"], len(report["distances"])) == ("sound_late", 200.0, 31)
        assert report["windows"][0] == {"start_ms": 0, "offset_ms": 200.0, "probability": 0.9}
        assert (sync["repair"], sync["repair_refusal"]) == (None, "")
    for other in (stranger, None):
        assert call_as(other).get(address(video)).json()["sync"] is None


def test_a_video_that_was_not_checked_says_so(call_as: CallAs, video: Video, owner: User) -> None:
    sync = call_as(owner).get(address(video)).json()["sync"]
    assert (sync["report"], sync["sentence"]) == (None, "Lip sync was not checked.")
    refused = call_as(owner).post(address(video, "sync/repair/"))
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert refused.json()["detail"] == sync["repair_refusal"]


def test_a_repair_is_asked_for_once(call_as: CallAs, video: Video, owner: User) -> None:
    make_report(video)
    asked = call_as(owner).post(address(video, "sync/repair/"), {"offset_ms": 200}, format="json")
    assert asked.status_code == 202
    assert asked.json()["is_moving"]
    assert asked.json()["repair"]["shift_ms"] == -200
    assert asked.json()["repair"]["made_by"] == "owner"
    again = call_as(owner).post(address(video, "sync/repair/"))
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert "being moved already" in again.json()["detail"]


def test_another_offset_than_the_one_that_was_read_is_refused(call_as: CallAs, video: Video, owner: User) -> None:
    make_report(video)
    refused = call_as(owner).post(address(video, "sync/repair/"), {"offset_ms": 160}, format="json")
    assert refused.status_code == 409
    assert call_as(owner).post(address(video, "sync/repair/"), {"ofset_ms": 200}, format="json").status_code == 400
    assert not SyncRepair.objects.exists()


def test_an_undo_is_asked_for(call_as: CallAs, video: Video, owner: User) -> None:
    refused = call_as(owner).post(address(video, "sync/undo/"))
    assert refused.status_code == 409
    assert "nothing to undo" in refused.json()["detail"]
    SyncRepair.objects.create(video=video, offset_ms=200, state=SyncRepair.State.DONE)
    asked = call_as(owner).post(address(video, "sync/undo/"))
    assert (asked.status_code, asked.json()["repair"]["state"]) == (202, "undo_asked")


def test_only_those_who_may_change_the_video_may_move_its_sound(call_as: CallAs, video: Video, stranger: User) -> None:
    make_report(video)
    for deed in ("repair", "undo"):
        assert call_as(stranger).post(address(video, f"sync/{deed}/")).status_code == 403
        assert call_as(None).post(address(video, f"sync/{deed}/")).status_code == 401
