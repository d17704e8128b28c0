"""Lip sync repaired by a click, and the click taken back: what people ask for, and why it is refused.

The work itself is the stage `move_sound` (`apps.pipeline.moving_sound`).
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.pipeline import runs
from apps.pipeline.models import StageRun, SyncRepair
from apps.pipeline.sync_status import MOVE, sync_status
from apps.videos.models import ModerationEntry, Video
from apps.videos.moderation import note

State = SyncRepair.State


class RepairRefusedError(Exception):
    """The sound cannot be moved, or moved back, as things stand. The message says why and what to do."""


@transaction.atomic
def ask_for_repair(video: Video, *, by: User, seen_offset_ms: int | None = None) -> SyncRepair:
    """Has the sound of `video` moved by what the check found. The caller checks that `by` may edit the video.

    `seen_offset_ms` is what `by` was shown: another check may have found another since. Raises RepairRefusedError.
    """
    Video.objects.select_for_update(no_key=True).get(pk=video.pk)
    status = sync_status(video)
    if status.repair_refusal:
        raise RepairRefusedError(status.repair_refusal)
    assert status.report is not None
    assert status.report.offset_ms is not None
    offset_ms = round(status.report.offset_ms)
    if seen_offset_ms not in (None, offset_ms):
        raise RepairRefusedError("Lip sync was checked again since you opened this page. Look at what was found now.")
    asked = {"offset_ms": offset_ms, "made_by": by, "made_at": timezone.now()}
    if status.repair is None:
        repair = SyncRepair.objects.create(video=video, **asked)
    else:  # one that failed
        SyncRepair.objects.filter(pk=status.repair.pk).update(**asked)
        repair = SyncRepair.objects.get(pk=status.repair.pk)
    runs.ask_for(video.pk, MOVE)
    _note(video, by, f"Sound moved by {repair.shift_ms:+} ms")
    return repair


@transaction.atomic
def ask_for_undo(video: Video, *, by: User) -> SyncRepair:
    """Has the original file and its captions brought back. The caller checks that `by` may edit the video.

    A repair that failed is given up at once. Raises RepairRefusedError.
    """
    Video.objects.select_for_update(no_key=True).get(pk=video.pk)
    status = sync_status(video)
    if status.undo_refusal:
        raise RepairRefusedError(status.undo_refusal)
    assert status.repair is not None
    is_given_up = status.repair.state == State.ASKED
    SyncRepair.objects.filter(pk=status.repair.pk).update(
        state=State.UNDONE if is_given_up else State.UNDO_ASKED,
        undone_by=by,
        undone_at=timezone.now() if is_given_up else None,
    )
    if is_given_up:
        StageRun.objects.filter(video=video, stage=MOVE).delete()
    else:
        runs.ask_for(video.pk, MOVE)
    _note(video, by, "Moved sound given up" if is_given_up else "Moved sound undone")
    return SyncRepair.objects.get(pk=status.repair.pk)


def _note(video: Video, by: User, deed: str) -> None:
    """What a moderator does to somebody else's video goes into the log."""
    if by.pk != video.owner_id:
        note(video, by=by, act=ModerationEntry.Act.EDITED, reason=deed)
