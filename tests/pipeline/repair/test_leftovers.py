"""What killed repairs leave in a video's folder goes with the sweep, and nothing else does."""

from __future__ import annotations

import os
import signal
import time
from multiprocessing import get_context

import pytest

from apps.pipeline import moving_sound, recovery
from apps.pipeline.models import StageRun
from apps.pipeline.repair import ask_for_repair, ask_for_undo
from apps.videos.files import folder, original_path
from apps.videos.models import Video
from tests.pipeline.repair.acts import Uploaded, all_of, repaired, work

A_DAY_S = 24 * 3600
pytestmark = pytest.mark.django_db


def a_day_passes(video: Video) -> None:
    for path in folder(video.pk).iterdir():
        os.utime(path, (time.time() - A_DAY_S - 60,) * 2)


def kill_this_process(done_ms: float) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_killed_run_had_half_written_goes_a_day_later(uploaded: Uploaded) -> None:
    video = uploaded()
    before = all_of(video)
    copying = (original_path(video), moving_sound.SOURCE, -200, kill_this_process)
    process = get_context("fork").Process(target=moving_sound.moved_copy, args=copying)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert [path for path in folder(video.pk).iterdir() if path.name.startswith("partial-")]
    left = all_of(video)
    recovery.clear_incoming()
    assert all_of(video) == left, "younger ones may be in use"
    a_day_passes(video)
    recovery.clear_incoming()
    assert all_of(video) == before


def test_a_whole_copy_of_a_repair_that_was_given_up_goes_a_day_later(
    uploaded: Uploaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = uploaded()
    before = all_of(video)
    ask_for_repair(video, by=video.owner)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(moving_sound, "_switch", die)
    with pytest.raises(KeyboardInterrupt):
        work(video, "move_sound")
    StageRun.objects.filter(video=video, stage="move_sound").update(state=StageRun.State.FAILED)
    ask_for_undo(video, by=video.owner)
    assert all_of(video) != before
    a_day_passes(video)
    recovery.clear_incoming()
    assert all_of(video) == before


def test_what_is_shown_of_a_repaired_video_stays(uploaded: Uploaded) -> None:
    video = repaired(uploaded("mov"))
    before = all_of(video)
    a_day_passes(video)
    recovery.clear_incoming()
    assert all_of(video) == before
