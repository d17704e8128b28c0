"""When the sound is not moved, and what people are told."""

from __future__ import annotations

import pytest

from apps.accounts.models import User
from apps.pipeline import runs
from apps.pipeline.models import StageRun, SyncRepair
from apps.pipeline.repair import RepairRefusedError, ask_for_repair, ask_for_undo
from apps.pipeline.runs import RunAgainError
from apps.videos.models import ModerationEntry
from tests.factories import make_video
from tests.pipeline.repair.acts import (
    Uploaded,
    report,
    undone,
    work,
)

State = StageRun.State
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("verdict", "offset_ms", "told"),
    [
        ("in_sync", 12.0, "nothing to repair"),
        ("drifting", 120.0, "drift apart"),
        ("unknown", None, "Nobody can tell"),
    ],
)
def test_only_a_sure_constant_offset_is_repaired(owner: User, verdict: str, offset_ms: float | None, told: str) -> None:
    video = make_video(owner)
    report(video, verdict, offset_ms)
    with pytest.raises(RepairRefusedError, match=told):
        ask_for_repair(video, by=owner)
    assert not SyncRepair.objects.exists()


def test_nothing_is_repaired_before_it_was_checked_or_while_it_is(owner: User) -> None:
    video = make_video(owner)
    with pytest.raises(RepairRefusedError, match="not checked"):
        ask_for_repair(video, by=owner)
    report(video)
    StageRun.objects.create(video=video, stage="check_sync", state=State.RUNNING)
    with pytest.raises(RepairRefusedError, match="is being checked"):
        ask_for_repair(video, by=owner)


def test_an_offset_that_changed_since_the_page_was_opened_is_not_repaired(owner: User) -> None:
    video = make_video(owner)
    report(video, offset_ms=160.4)
    with pytest.raises(RepairRefusedError, match="checked again since"):
        ask_for_repair(video, by=owner, seen_offset_ms=200)
    assert ask_for_repair(video, by=owner, seen_offset_ms=160).shift_ms == -160


def test_a_second_click_changes_nothing(uploaded: Uploaded) -> None:
    video = uploaded()
    ask_for_repair(video, by=video.owner)
    for ask in (ask_for_repair, ask_for_undo):
        with pytest.raises(RepairRefusedError, match="being moved"):
            ask(video, by=video.owner)
    work(video, "move_sound")
    with pytest.raises(RepairRefusedError, match="Undo that first"):
        ask_for_repair(video, by=video.owner)
    with pytest.raises(RunAgainError, match="asks for it anew"):
        runs.run_again(video, "move_sound", by=video.owner)
    undone(video)
    with pytest.raises(RepairRefusedError, match="nothing to undo"):
        ask_for_undo(video, by=video.owner)


def test_what_a_moderator_does_with_anothers_video_is_logged(owner: User, moderator: User) -> None:
    for by in (owner, moderator):
        video = make_video(owner)
        report(video)
        ask_for_repair(video, by=by)
        StageRun.objects.filter(video=video).update(state=State.FAILED)
        ask_for_undo(video, by=by)
    logged = ModerationEntry.objects.order_by("created_at").values_list("moderator", "reason")
    assert list(logged) == [(moderator.pk, "Sound moved by -200 ms"), (moderator.pk, "Moved sound given up")]
