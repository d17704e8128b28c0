from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from apps.avsync.syncnet.offset import OFFSET_FRAMES, Reason, SyncChecker, SyncResult
from apps.media.frames import Frame
from tests.avsync.scenes import Clip, later

FRAME_MS = 40.0


class SyncCheckerContract:
    """`clip` and `other_clip` show different people who say different things, in sync, for three seconds at least."""

    tolerance_ms = FRAME_MS

    @pytest.fixture(scope="class")
    @classmethod
    def in_sync(cls, checker: SyncChecker, clip: Clip) -> SyncResult:
        return checker.offset(clip.frames, clip.samples)

    def test_it_says_who_it_is(self, checker: SyncChecker) -> None:
        assert checker.name

    def test_sound_that_fits_is_said_to(self, in_sync: SyncResult) -> None:
        assert in_sync.reason is None
        assert in_sync.offset_ms == pytest.approx(0, abs=self.tolerance_ms)
        assert 0.5 < in_sync.probability <= 1
        assert 0.3 < in_sync.coverage <= 1

    @pytest.mark.parametrize("shift_ms", [-400, -130, 75, 200, 400])
    def test_it_finds_what_the_sound_was_shifted_by(self, checker: SyncChecker, clip: Clip, shift_ms: int) -> None:
        result = checker.offset(clip.frames, later(clip.samples, shift_ms))
        assert result.offset_ms == pytest.approx(shift_ms, abs=self.tolerance_ms)

    def test_it_shows_the_distances_that_it_judged_by(self, checker: SyncChecker, clip: Clip) -> None:
        result = checker.offset(clip.frames, later(clip.samples, 200))
        assert len(result.distances) == len(OFFSET_FRAMES)
        assert OFFSET_FRAMES[int(np.argmin(result.distances))] in (4, 5, 6)
        assert result.inputs > 25

    @pytest.mark.parametrize("rate", [24, 30, 50])
    def test_frames_may_come_at_any_rate(self, checker: SyncChecker, clip: Clip, rate: int) -> None:
        times = np.arange(0, clip.frames[-1].time_s, 1 / rate)
        shown = [clip.frames[min(len(clip.frames) - 1, round(25 * time))] for time in times]
        frames = [replace(frame, time_s=float(time)) for frame, time in zip(shown, times, strict=True)]
        result = checker.offset(frames, later(clip.samples, 120))
        assert result.offset_ms == pytest.approx(120, abs=self.tolerance_ms)

    def test_pictures_and_sound_may_start_apart_by_any_time(self, checker: SyncChecker, clip: Clip) -> None:
        frames = [replace(frame, time_s=frame.time_s + 0.619) for frame in clip.frames]
        result = checker.offset(iter(frames), later(clip.samples, 619, keep_all=True))
        assert result.offset_ms == pytest.approx(0, abs=self.tolerance_ms)

    def test_silence_has_too_little_speech(self, checker: SyncChecker, clip: Clip) -> None:
        result = checker.offset(clip.frames, np.zeros_like(clip.samples))
        assert (result.offset_ms, result.reason) == (None, Reason.TOO_LITTLE_SPEECH)

    def test_noise_has_too_little_speech(self, checker: SyncChecker, clip: Clip) -> None:
        noise = 0.1 * np.random.default_rng(0).standard_normal(len(clip.samples)).astype(np.float32)
        assert checker.offset(clip.frames, noise).reason == Reason.TOO_LITTLE_SPEECH

    @pytest.mark.parametrize("frames", [[], "grey"])
    def test_pictures_without_a_face_have_none(
        self, checker: SyncChecker, clip: Clip, frames: list[Frame] | str
    ) -> None:
        shown = [replace(frame, image=np.full_like(frame.image, 90)) for frame in clip.frames] if frames else []
        result = checker.offset(shown, clip.samples)
        assert (result.offset_ms, result.reason, result.coverage) == (None, Reason.NO_FACE, 0.0)

    def test_a_still_face_moves_it_to_nothing(self, checker: SyncChecker, clip: Clip) -> None:
        still = [replace(frame, image=clip.frames[30].image) for frame in clip.frames]
        result = checker.offset(still, clip.samples)
        assert (result.offset_ms, result.reason) == (None, Reason.NOT_SURE)

    def test_what_somebody_else_says_fits_nowhere(self, checker: SyncChecker, clip: Clip, other_clip: Clip) -> None:
        assert checker.offset(clip.frames, other_clip.samples).reason == Reason.NOT_SURE

    def test_of_two_faces_it_takes_the_one_that_speaks(
        self, checker: SyncChecker, clip: Clip, other_clip: Clip, beside: Callable[[Frame, Frame], NDArray[np.uint8]]
    ) -> None:
        pairs = zip(other_clip.frames, clip.frames, strict=False)
        frames = [replace(speaker, image=beside(silent, speaker)) for silent, speaker in pairs]
        result = checker.offset(frames, later(clip.samples, -200))
        assert result.offset_ms == pytest.approx(-200, abs=self.tolerance_ms)

    def test_the_same_input_gives_the_same_result(
        self, checker: SyncChecker, clip: Clip, other_clip: Clip, in_sync: SyncResult
    ) -> None:
        checker.offset(other_clip.frames, other_clip.samples)
        assert checker.offset(clip.frames, clip.samples) == in_sync
