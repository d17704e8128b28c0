"""A pair of networks as a `SyncChecker`: faces are found, both streams embedded, and their distances judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from apps.avsync.syncnet.faces import FRAME_RATE, FaceTrack
from apps.avsync.syncnet.offset import (
    INPUT_FRAMES,
    MAX_OFFSET_FRAMES,
    Calibration,
    Floats,
    JudgingOptions,
    Reason,
    SyncResult,
    input_distances,
    judge,
    mean_curve,
    minimum_of,
)
from apps.avsync.syncnet.voicing import HOP, voiced_frames, widened
from apps.media.audio import SAMPLE_RATE
from apps.media.frames import Frame

# Finds the faces of one stretch of video; reads each frame once.
Tracker = Callable[[Iterable[Frame]], Iterator[FaceTrack]]


class EmbeddingStreams(Protocol):
    """Two streams into one space, where what belongs together lies close."""

    def video(self, crops: NDArray[np.uint8]) -> Floats:
        """Crops of one face at 25 fps, uint8 `(t, size, size[, 3])` -> `(t - 4, d)`: an embedding per five frames."""

    def audio(self, samples: NDArray[np.float32]) -> Floats:
        """float32 `(n,)`, mono, 16 kHz -> `(n // 640 - 4, d)`: an embedding per 0.2 s, 40 ms apart."""


@dataclass(frozen=True)
class _Compared:
    """One face against the sound."""

    start_s: float
    end_s: float
    distances: NDArray[np.float64]  # (n, 31), of the inputs beside which somebody speaks
    probability: float

    def overlaps(self, other: _Compared) -> bool:
        return self.start_s < other.end_s and other.start_s < self.end_s


class NetworkChecker:
    """See `SyncChecker`. Of several faces at once, the one that fits the sound best is taken for who speaks."""

    def __init__(
        self,
        network: EmbeddingStreams,
        tracker: Tracker,
        *,
        name: str,
        calibration: Calibration,
        options: JudgingOptions | None = None,
    ) -> None:
        self._network = network
        self._tracker = tracker
        self._options = options or JudgingOptions()
        self.name = name
        self.calibration = calibration

    def offset(self, frames: Iterable[Frame], samples: NDArray[np.float32]) -> SyncResult:
        clock = _Clock()
        frames, samples = clock.aligned(frames, samples)
        voiced = voiced_frames(samples)
        if voiced.sum() < self._options.min_speech_s * FRAME_RATE:
            return _abstention(Reason.TOO_LITTLE_SPEECH)
        # Lips move this much before or after a sound that is shifted.
        is_spoken_near = widened(voiced, MAX_OFFSET_FRAMES)
        compared = [
            one for track in self._tracker(frames) if (one := self._compare(track, samples, is_spoken_near)) is not None
        ]
        if not clock.n_frames or not compared:
            return _abstention(Reason.NO_FACE)
        speakers = _speakers(compared)
        distances = np.concatenate([one.distances for one in speakers])
        coverage = min(1.0, len(distances) / max(1, clock.n_frames - INPUT_FRAMES + 1))
        if len(distances) < self._options.min_inputs:
            return _abstention(Reason.TOO_LITTLE_SPEECH, coverage)
        curve = mean_curve(distances)
        if not np.isfinite(curve).all():
            return _abstention(Reason.NOT_SURE, coverage)
        return judge(curve, len(distances), coverage=coverage, calibration=self.calibration, options=self._options)

    def _compare(
        self, track: FaceTrack, samples: NDArray[np.float32], is_spoken_near: NDArray[np.bool_]
    ) -> _Compared | None:
        """None where a face is too short to say anything."""
        n_inputs = len(track.crops) - INPUT_FRAMES + 1
        if n_inputs < 1:
            return None
        # The sound is cut where the track starts, to the sample: its frames lie on no common grid.
        lead_frames = min(MAX_OFFSET_FRAMES, int(track.start_s * FRAME_RATE))
        first = max(0, round((track.start_s - lead_frames / FRAME_RATE) * SAMPLE_RATE))
        n_frames = lead_frames + len(track.crops) + MAX_OFFSET_FRAMES
        sound = samples[first : first + n_frames * HOP]
        if len(sound) < INPUT_FRAMES * HOP:
            return None
        # The middle frame of an input is its time.
        middles = round(track.start_s * FRAME_RATE) + INPUT_FRAMES // 2 + np.arange(n_inputs)
        is_spoken = is_spoken_near[np.clip(middles, 0, len(is_spoken_near) - 1)]
        distances = input_distances(
            self._network.video(track.crops), self._network.audio(sound), lead_frames=lead_frames
        )[is_spoken]
        return _Compared(
            track.start_s,
            track.start_s + len(track.crops) / FRAME_RATE,
            distances,
            self._probability(distances),
        )

    def _probability(self, distances: NDArray[np.float64]) -> float:
        curve = mean_curve(distances)
        if not np.isfinite(curve).all():
            return 0.0
        return self.calibration.probability(minimum_of(curve).confidence, len(distances))


class _Clock:
    """Lays frames and sound on one grid of 25 fps, and counts how many frames pass by."""

    def __init__(self) -> None:
        self._first_s = 0.0
        self._last_s: float | None = None

    def aligned(
        self, frames: Iterable[Frame], samples: NDArray[np.float32]
    ) -> tuple[Iterator[Frame], NDArray[np.float32]]:
        """The same, later by less than a frame, so that the first picture lies on the grid of the tracks.

        Those take the nearest picture for each of their frames: a stream that lies beside the grid would be off by up
        to half a frame throughout.
        """
        others = iter(frames)
        first = next(others, None)
        if first is None:
            return iter(()), samples
        self._first_s = first.time_s
        # A frame that lies on the grid but for rounding has passed nothing of it.
        past_s = max(0.0, first.time_s - int(first.time_s * FRAME_RATE + 1e-6) / FRAME_RATE)
        return self._watched(chain((first,), others), past_s), samples[round(past_s * SAMPLE_RATE) :]

    def _watched(self, frames: Iterable[Frame], past_s: float) -> Iterator[Frame]:
        for frame in frames:
            self._last_s = frame.time_s
            yield Frame(frame.image, frame.time_s - past_s)

    @property
    def n_frames(self) -> int:
        return 0 if self._last_s is None else round((self._last_s - self._first_s) * FRAME_RATE) + 1


def _speakers(compared: list[_Compared]) -> list[_Compared]:
    """One face at a time, the likeliest first."""
    chosen: list[_Compared] = []
    for one in sorted(compared, key=lambda one: one.probability, reverse=True):
        if not any(one.overlaps(other) for other in chosen):
            chosen.append(one)
    return chosen


def _abstention(reason: Reason, coverage: float = 0.0) -> SyncResult:
    return SyncResult(offset_ms=None, probability=0.0, coverage=coverage, reason=reason)
