"""Repairs that are killed, fail, or meet other work on the video."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.utils import timezone

from apps.pipeline import moving_sound, runs
from apps.pipeline.models import StageRun
from apps.pipeline.repair import ask_for_repair, ask_for_undo
from apps.pipeline.stages import STAGE_BY_NAME
from apps.pipeline.sync_status import sync_status
from apps.videos.files import original_path, path_of
from apps.videos.models import Video
from tests.pipeline.repair.acts import (
    A_FRAME,
    Uploaded,
    all_of,
    ignore,
    repaired,
    undone,
    work,
)
from tests.videos.beeps import beeps_late_ms

State = StageRun.State
pytestmark = pytest.mark.django_db


class KilledError(BaseException):
    """Ends a run as a kill would: nothing catches it."""


def die(*_: object, **__: object) -> None:
    raise KilledError


@pytest.mark.parametrize("at", ["in the file", "_switch"])
def test_a_run_that_is_killed_leaves_the_video_as_it_was_and_the_next_one_repairs_it(
    uploaded: Uploaded, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """While it copies, or when it has written some of the rows."""
    video = uploaded()
    row, cues, files = all_of(video)
    ask_for_repair(video, by=video.owner)
    with monkeypatch.context() as patched:
        if at != "in the file":
            patched.setattr(moving_sound, at, die)
        with pytest.raises(KilledError):
            work(video, "move_sound", die if at == "in the file" else ignore)
    left_row, left_cues, left_files = all_of(video)
    assert (left_row, left_cues) == (row, cues)
    assert files.items() <= left_files.items()
    run = StageRun.objects.get(video=video, stage="move_sound")
    assert run.requeue(due_at=timezone.now())  # as the sweep does
    assert work(video, "move_sound").state == State.DONE
    assert beeps_late_ms(path_of(video, video.web_name)) == pytest.approx([0, 0], abs=A_FRAME)
    undone(video)
    assert all_of(video) == (row, cues, files)


def test_a_full_disk_changes_nothing_and_is_told(uploaded: Uploaded, monkeypatch: pytest.MonkeyPatch) -> None:
    video = uploaded()
    before = all_of(video)
    ask_for_repair(video, by=video.owner)
    with monkeypatch.context() as patched:
        patched.setattr(moving_sound.shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000))
        run = work(video, "move_sound")
    assert run.state == State.FAILED
    assert "no room left" in run.message
    assert "no room left" in sync_status(video).failure
    assert all_of(video) == before
    runs.run_again(video, "move_sound", by=video.owner)
    assert work(video, "move_sound").state == State.DONE


def test_a_repair_that_failed_can_be_given_up_or_asked_for_anew(uploaded: Uploaded) -> None:
    video = uploaded()
    original_path(video).unlink()
    ask_for_repair(video, by=video.owner)
    assert "no longer there" in work(video, "move_sound").message
    StageRun.objects.filter(video=video, stage="check_sync").update(state=State.DONE)
    ask_for_repair(video, by=video.owner)
    assert work(video, "move_sound").state == State.FAILED
    ask_for_undo(video, by=video.owner)
    StageRun.objects.filter(video=video, stage="check_sync").update(state=State.DONE)
    status = sync_status(video)
    assert (status.repair, status.failure, status.can_repair) == (None, "", True)


def test_a_container_that_cannot_keep_the_times_is_refused_in_plain_words(
    uploaded: Uploaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = uploaded()
    before = all_of(video)

    def inexact(*_: object, **__: object) -> None:
        raise moving_sound.soundshift.InexactError("packet 0 is at 0.0 s, not at 0.2 s")

    monkeypatch.setattr(moving_sound.soundshift, "move_sound", inexact)
    ask_for_repair(video, by=video.owner)
    assert "cannot be moved without encoding" in work(video, "move_sound").message
    assert all_of(video) == before


# --- who waits for whom ---


def test_the_sound_is_not_moved_while_captions_are_written(uploaded: Uploaded) -> None:
    video = uploaded()
    runs.run_again(video, "transcribe", by=video.owner)
    ask_for_repair(video, by=video.owner)
    run = StageRun.objects.get(video=video, stage="move_sound")
    assert run.state == State.WAITING
    heard = StageRun.objects.claim(video.pk, "transcribe", worker="here", now=timezone.now())
    assert heard is not None
    runs.end(heard, State.DONE)
    run.refresh_from_db()
    assert run.state == State.QUEUED


def test_captions_that_are_asked_for_meanwhile_come_first(uploaded: Uploaded) -> None:
    """The run that moves the sound is taken away, and even where it has not noticed it writes nothing."""
    video = uploaded()
    before = all_of(video)
    ask_for_repair(video, by=video.owner)

    def hear_again(fraction: float, message: str = "") -> None:
        if not StageRun.objects.filter(video=video, stage="transcribe", state=State.RUNNING).exists():
            runs.run_again(video, "transcribe", by=video.owner)
            StageRun.objects.claim(video.pk, "transcribe", worker="there", now=timezone.now())

    with pytest.raises(moving_sound.ChangedMeanwhileError):
        work(video, "move_sound", hear_again)
    left = all_of(video)
    assert left[:2] == before[:2]
    assert StageRun.objects.get(video=video, stage="move_sound").state == State.WAITING


def test_a_rendition_that_was_begun_before_is_not_named_after(uploaded: Uploaded) -> None:
    video = uploaded("mov")
    stale = Video.objects.get(pk=video.pk)
    repaired(video)
    STAGE_BY_NAME["render"].load_verb()(stale, ignore)
    video.refresh_from_db()
    assert video.web_name == "web-repaired.mp4"
