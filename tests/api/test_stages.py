"""How far a video is, through the API."""

from __future__ import annotations

import pytest

from apps.accounts.models import User
from apps.pipeline import runs
from apps.pipeline.models import StageRun
from apps.videos.models import ModerationEntry, Video
from tests.api.conftest import CallAs
from tests.factories import make_video


def address(video: Video, again: str = "") -> str:
    return f"/api/v1/videos/{video.pk}/stages/" + (f"{again}/run-again/" if again else "")


@pytest.fixture
def video(owner: User) -> Video:
    """Its file is whole; recognition failed; the rest waits or runs."""
    video = make_video(owner)
    runs.start(video)
    StageRun.objects.filter(stage="probe").update(state="done", progress=1.0)
    StageRun.objects.filter(stage="render").update(state="running", progress=0.25, message="15 s of a minute")
    StageRun.objects.filter(stage="transcribe").update(
        state="failed", message="Something went wrong.", error="Traceback: secret path"
    )
    return video


def test_it_tells_each_stage(call_as: CallAs, video: Video) -> None:
    body = call_as(None).get(address(video)).json()
    assert (body["is_processing"], body["overall"]) == (True, "processing")
    by_name = {stage["stage"]: stage for stage in body["stages"]}
    assert list(by_name) == ["probe", "render", "transcribe", "check_sync", "classify", "embed"]
    assert by_name["render"]["state"] == "running"
    assert by_name["render"]["fraction"] == 0.25
    assert by_name["render"]["message"] == "15 s of a minute"
    assert not any(stage["can_run_again"] for stage in body["stages"])


def test_errors_are_for_moderators_and_failures_for_the_owner(
    call_as: CallAs, owner: User, stranger: User, moderator: User, video: Video
) -> None:
    def told(user: User | None) -> tuple[str, str, bool]:
        stages = call_as(user).get(address(video)).json()["stages"]
        failed = next(stage for stage in stages if stage["stage"] == "transcribe")
        return failed["message"], failed["error"], failed["can_run_again"]

    assert told(None) == told(stranger) == ("This step failed.", "", False)
    assert told(owner) == ("Something went wrong.", "", True)
    assert told(moderator) == ("Something went wrong.", "Traceback: secret path", True)


def test_owner_and_moderator_run_a_stage_again(
    call_as: CallAs, owner: User, stranger: User, moderator: User, video: Video
) -> None:
    assert call_as(None).post(address(video, "transcribe")).status_code == 401
    assert call_as(stranger).post(address(video, "transcribe")).status_code == 403
    answer = call_as(owner).post(address(video, "transcribe"))
    assert answer.status_code == 202
    assert StageRun.objects.get(stage="transcribe").state == "queued"
    again = call_as(owner).post(address(video, "transcribe"))
    assert again.status_code == 409
    assert again.json()["code"] == "conflict"
    assert "already" in again.json()["detail"]
    StageRun.objects.filter(stage="transcribe").update(state="failed")
    assert call_as(moderator).post(address(video, "transcribe")).status_code == 202
    assert ModerationEntry.objects.get().act == ModerationEntry.Act.RERUN


def test_a_stage_that_there_is_not(call_as: CallAs, owner: User, stranger: User, video: Video) -> None:
    answer = call_as(owner).post(address(video, "bake"))
    assert answer.status_code == 404
    assert "probe" in answer.json()["detail"]
    Video.objects.update(visibility="private")
    assert call_as(stranger).post(address(video, "transcribe")).status_code == 404
