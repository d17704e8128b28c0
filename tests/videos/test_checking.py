"""The stage `probe`: what only reading to the end shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from apps.videos.announced import is_cut_off
from apps.videos.checking import check_video
from apps.videos.files import original_path
from apps.videos.models import ModerationState, Video
from apps.videos.signals import video_changed
from apps.videos.stage import StageFailedError
from tests.videos.clips import Clips
from tests.videos.conftest import Progress, Upload


def test_a_whole_video_is_published(upload: Upload, clips: Clips, progress: Progress) -> None:
    video = upload(clips.mp4())
    heard = []

    def hear(**event: object) -> None:
        heard.append(event["video_id"])

    video_changed.connect(hear)
    check_video(video, progress)
    video_changed.disconnect(hear)
    video.refresh_from_db()
    assert video.moderation_state == ModerationState.PUBLISHED
    assert video.checked_at is not None
    assert abs(video.duration_ms - 3_000) < 50
    assert progress.told[-1] == (1.0, "The file is whole")
    assert set(heard) == {video.pk}


def test_a_video_waits_for_a_moderator_where_the_portal_wants_it(
    upload: Upload, clips: Clips, progress: Progress, settings: Settings
) -> None:
    settings.MODERATION_REQUIRED = True
    video = upload(clips.mp4())
    check_video(video, progress)
    video.refresh_from_db()
    assert video.checked_at is not None
    assert video.moderation_state == ModerationState.PENDING


def test_a_rejected_video_stays_rejected_when_it_is_checked_again(
    upload: Upload, clips: Clips, progress: Progress
) -> None:
    video = upload(clips.mp4())
    Video.objects.update(moderation_state=ModerationState.REJECTED)
    check_video(video, progress)
    video.refresh_from_db()
    assert video.moderation_state == ModerationState.REJECTED


def test_a_video_without_sound_is_whole_and_says_so(upload: Upload, clips: Clips, progress: Progress) -> None:
    check_video(upload(clips.silent_mp4()), progress)
    assert progress.told[-1][1] == "The file is whole; it has no sound"


@pytest.mark.parametrize("kind", ["mp4", "webm", "avi", "mkv"])
def test_a_file_that_was_cut_off_fails_and_is_never_published(
    upload: Upload, clips: Clips, progress: Progress, kind: str
) -> None:
    codecs = {"avi": ("-c:v", "mpeg4"), "webm": ("-c:v", "libvpx", "-c:a", "libopus"), "mkv": ("-c:v", "libx264")}
    whole = clips.mp4() if kind == "mp4" else clips.made(f"whole.{kind}", *codecs[kind])
    assert not is_cut_off(whole)
    video = upload(clips.truncated(whole))
    with pytest.raises(StageFailedError, match=r"cut off after 0:0[12].*Upload the whole file"):
        check_video(video, progress)
    video.refresh_from_db()
    assert video.moderation_state == ModerationState.PENDING
    assert video.checked_at is None


def test_a_header_of_ten_hours_over_three_seconds_fails(upload: Upload, clips: Clips, progress: Progress) -> None:
    video = upload(clips.with_header_of_ten_hours())
    with pytest.raises(StageFailedError, match=r"says that it lasts 10:00:00, but 0:03 of it are there"):
        check_video(video, progress)
    video.refresh_from_db()
    assert video.moderation_state == ModerationState.PENDING


def test_a_file_that_is_damaged_throughout_fails(upload: Upload, clips: Clips, progress: Progress) -> None:
    video = upload(clips.mp4())
    path = original_path(video)
    data = bytearray(path.read_bytes())
    at = data.index(b"mdat") + 4
    data[at:] = bytes((byte * 7 + 13) % 256 for byte in range(len(data) - at))
    path.write_bytes(data)
    with pytest.raises(StageFailedError, match="Export it again"):
        check_video(video, progress)


def test_a_file_that_somebody_took_away_fails(upload: Upload, clips: Clips, progress: Progress) -> None:
    video = upload(clips.mp4())
    original_path(video).unlink()
    with pytest.raises(StageFailedError, match="no longer there"):
        check_video(video, progress)


def test_a_recording_without_a_length_gets_one(upload: Upload, clips: Clips, progress: Progress) -> None:
    """As browsers record: a WebM that was written while it ran."""
    live = clips.ffmpeg("live.webm", "-i", str(clips.webm()), "-c", "copy", "-live", "1")
    video = upload(live)
    assert video.duration_ms == 0
    check_video(video, progress)
    video.refresh_from_db()
    assert abs(video.duration_ms - 3_000) < 100


def test_a_length_that_only_reading_shows_is_held_against_the_limit(
    upload: Upload, clips: Clips, progress: Progress, settings: Settings
) -> None:
    video = upload(clips.ffmpeg("live.webm", "-i", str(clips.webm()), "-c", "copy", "-live", "1"))
    settings.UPLOAD_MAX_DURATION_S = 2
    with pytest.raises(StageFailedError, match=r"lasts 0:03; this portal takes up to 0:02"):
        check_video(video, progress)


def test_a_part_that_a_phone_cut_out_of_a_longer_one_is_whole(upload: Upload, clips: Clips, progress: Progress) -> None:
    """Its track holds frames before the cut that are never shown."""
    video = upload(clips.ffmpeg("trimmed.mp4", "-ss", "1.3", "-i", str(clips.mp4()), "-c", "copy"))
    check_video(video, progress)
    video.refresh_from_db()
    assert abs(video.duration_ms - 1_700) < 50


def test_slides_whose_last_one_stands_long_are_whole(upload: Upload, clips: Clips, progress: Progress) -> None:
    slides = clips.made(
        "slides.mkv", "-vf", "select='eq(n,0)+eq(n,60)'", "-fps_mode", "vfr", "-c:v", "libx264", sound=False, seconds=5
    )
    check_video(upload(slides), progress)


def test_real_clips_with_damaged_frames_are_whole_enough_to_watch(
    upload: Upload, data_dir: Path, progress: Progress
) -> None:
    for path in sorted((data_dir / "grid" / "damaged").glob("*.mpg")):
        check_video(upload(path), progress)
    assert Video.objects.published().count() == 6


def test_real_clips_are_whole(upload: Upload, data_dir: Path, progress: Progress) -> None:
    folder = data_dir / "video"
    for name in ("flower.mp4", "friday.mp4", "tears-of-steel-battle-clip-medium.webm"):
        check_video(upload(folder / name), progress)
    assert Video.objects.published().count() == 3


def test_a_check_that_is_taken_away_stops(upload: Upload, clips: Clips) -> None:
    class TakenAwayError(Exception):
        pass

    def taken_away(fraction: float, message: str = "") -> None:
        if message != "Looking at the file":
            raise TakenAwayError

    video = upload(clips.mp4())
    with pytest.raises(TakenAwayError):
        check_video(video, taken_away)
    video.refresh_from_db()
    assert video.moderation_state == ModerationState.PENDING
