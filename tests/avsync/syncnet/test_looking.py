from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from apps.avsync.syncnet.looking import LookingOptions, Stretch, check_file, in_order
from apps.avsync.syncnet.network_checker import NetworkChecker
from apps.avsync.syncnet.offset import Reason, SyncResult
from apps.media.audio import AudioDecodeError, NoAudioError
from apps.media.frames import Frame, VideoDecodeError
from tests.avsync.scenes import Clip, drawn_checker, joined, later, talk, write_clip
from tests.transcription.asr.sounds import speech, write_sound
from tests.videos.clips import Clips

SECONDS = 28.0


@pytest.fixture(scope="module")
def checker() -> NetworkChecker:
    return drawn_checker()


@pytest.fixture(scope="module")
def minute() -> Clip:
    return talk(SECONDS, seed=3)


class Counting:
    """A checker that tells at which seconds it was asked to look."""

    def __init__(self, checker: NetworkChecker) -> None:
        self._checker = checker
        self.name, self.calibration = checker.name, checker.calibration
        self.n_looks = 0

    def offset(self, frames: object, samples: object) -> SyncResult:
        self.n_looks += 1
        return self._checker.offset(frames, samples)  # type: ignore[arg-type]


@pytest.mark.parametrize(("fps", "shift_ms"), [(25, 0), (24, 150), (30, -210), (50, 330), (60, -90)])
def test_it_finds_the_shift_of_a_file_at_any_frame_rate(
    checker: NetworkChecker, minute: Clip, tmp_path: Path, fps: int, shift_ms: int
) -> None:
    clip = replace(minute, samples=later(minute.samples, shift_ms))
    result = check_file(write_clip(tmp_path / "talk.mp4", clip, fps=fps), checker)
    assert result.offset_ms == pytest.approx(shift_ms, abs=20)
    assert result.reason is None
    assert result.probability > 0.9


@pytest.mark.parametrize("name", ["talk.mp4", "talk.mkv"])
def test_a_track_that_starts_late_counts_as_a_player_shows_it(
    checker: NetworkChecker, minute: Clip, tmp_path: Path, name: str
) -> None:
    path = write_clip(tmp_path / name, minute, starts_late_ms=250)
    assert check_file(path, checker).offset_ms == pytest.approx(250, abs=25)


def test_it_stops_when_it_is_sure_and_tells_how_far_it_is(
    checker: NetworkChecker, minute: Clip, tmp_path: Path
) -> None:
    path = write_clip(tmp_path / "talk.mp4", minute)
    counting, told = Counting(checker), []
    check_file(path, counting, progress=told.append)
    assert counting.n_looks == LookingOptions().min_looks < SECONDS / LookingOptions().window_s
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)


def test_it_tells_a_drift(checker: NetworkChecker, tmp_path: Path) -> None:
    parts = []
    for number in range(12):  # the sound of each ten seconds is 30 ms later than that of those before
        part = talk(10.0, seed=number)
        parts.append(replace(part, samples=later(part.samples, 30 * number - 165)))
    result = check_file(write_clip(tmp_path / "talk.mp4", joined(parts)), checker)
    assert result.drift_ms_per_min == pytest.approx(180, abs=25)
    assert result.offset_ms == pytest.approx(0, abs=30)


def test_a_file_shorter_than_a_window_is_looked_at_whole(checker: NetworkChecker, tmp_path: Path) -> None:
    clip = talk(2.6, seed=4)
    result = check_file(write_clip(tmp_path / "short.mp4", clip), checker)
    assert result.offset_ms == pytest.approx(0, abs=20)
    assert [window.start_ms for window in result.windows] == [0]


def test_a_silent_minute_is_not_looked_at(checker: NetworkChecker, minute: Clip, tmp_path: Path) -> None:
    clip = replace(minute, samples=np.zeros_like(minute.samples))
    counting = Counting(checker)
    result = check_file(write_clip(tmp_path / "talk.mp4", clip), counting)
    assert (result.reason, counting.n_looks) == (Reason.TOO_LITTLE_SPEECH, 0)


def test_speech_over_pictures_of_no_face_has_no_face(checker: NetworkChecker, minute: Clip, tmp_path: Path) -> None:
    frames = [Frame(np.full_like(frame.image, 60), frame.time_s) for frame in minute.frames]
    result = check_file(write_clip(tmp_path / "talk.mp4", replace(minute, frames=frames)), checker)
    assert (result.reason, result.coverage) == (Reason.NO_FACE, 0.0)


def test_it_says_what_it_cannot_read(checker: NetworkChecker, tmp_path: Path) -> None:
    clips = Clips(tmp_path)
    with pytest.raises(NoAudioError):
        check_file(clips.silent_mp4(), checker)
    with pytest.raises(AudioDecodeError):
        check_file(clips.text(), checker)
    with pytest.raises(VideoDecodeError):
        check_file(write_sound(tmp_path / "talk.m4a", speech(5), codec="aac"), checker)


def stretch(start_s: float, voiced_s: float = 1.0) -> Stretch:
    return Stretch(start_s, start_s + 4, max(0.0, start_s - 0.6), np.zeros(0, dtype=np.float32), voiced_s)


def test_it_looks_far_apart_first_and_where_most_is_said() -> None:
    stretches = [stretch(10.0 * number, voiced_s=2.0 if number == 3 else 1.0) for number in range(10)]
    starts = [one.start_s for one in in_order(stretches, 5)]
    assert sorted(starts) == [10.0 * number for number in range(10)]
    assert starts[:3] == [0.0, 80.0, 40.0]
    assert starts.index(30.0) < starts.index(20.0)
