"""A real recording whose sound is late: found, repaired, and found in sync, by the network that the portal brings."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from apps.accounts.models import User
from apps.avsync.models import SyncReport
from apps.pipeline.intake import take_in
from apps.pipeline.models import StageRun
from apps.pipeline.repair import ask_for_repair
from apps.pipeline.sync_status import sync_status
from apps.videos.uploads import VideoDetails, incoming_from_path
from tests.pipeline.repair.acts import work
from tests.videos.clips import Clips

pytestmark = pytest.mark.django_db
LATE_MS = 200
A_FRAME_MS = 40  # within which the network's word is called right


def test_the_check_after_the_repair_finds_sound_and_lips_in_sync(
    owner: User, settings: Settings, tmp_path: Path, data_dir: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.SYNC_CHECK = True
    talk = tmp_path / "talk.txt"
    talk.write_text("".join(f"file '{path}'\n" for path in sorted((data_dir / "grid" / "s30").glob("*.mp4"))[:6]))
    late = Clips(tmp_path).ffmpeg(
        "late.mp4",
        "-f", "concat", "-safe", "0", "-i", str(talk), "-af", f"adelay={LATE_MS}:all=1",
        "-c:v", "copy", "-c:a", "aac", "-movflags", "+faststart",
    )  # fmt: skip
    video = take_in(incoming_from_path(late), owner=owner, details=VideoDetails(title="A talk"))
    work(video, "probe")
    StageRun.objects.filter(video=video, stage__in=("render", "transcribe")).update(state=StageRun.State.DONE)
    work(video, "check_sync")
    found = SyncReport.objects.get(video=video)
    assert found.verdict == SyncReport.Verdict.SOUND_LATE
    assert found.offset_ms == pytest.approx(LATE_MS, abs=A_FRAME_MS)

    ask_for_repair(video, by=owner)
    work(video, "move_sound")
    assert sync_status(video).sentence == "Lip sync is being checked."
    work(video, "check_sync")
    assert SyncReport.objects.get(video=video).verdict == SyncReport.Verdict.IN_SYNC
    assert not sync_status(video).repair_did_not_help
