"""Clips that are decoded once and then heard with many sounds, as `benchmarks.sync_errors` does."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.avsync.syncnet.faces import FaceTrack, face_tracks
from apps.avsync.syncnet.network_checker import NetworkChecker
from apps.avsync.syncnet.offset import SyncResult
from apps.avsync.syncnet.trained_checker import TrainedStreams
from apps.avsync.syncnet.weights import TrainedNetwork
from apps.media.audio import SAMPLE_RATE, samples_between
from apps.media.frames import Frame, stream_frames

CLIP_S = 3.2
_NO_PICTURE = np.zeros((2, 2, 3), np.uint8)


@dataclass(frozen=True, eq=False)
class Decoded:
    """The faces of a clip and its sound, both from its start on."""

    times_s: list[float]
    tracks: list[FaceTrack]
    samples: NDArray[np.float32]

    def sound_later(self, by_ms: float) -> NDArray[np.float32]:
        """As long as before, with silence where nothing is known."""
        n = round(by_ms * SAMPLE_RATE / 1000)
        moved = np.roll(self.samples, n)
        moved[slice(0, n) if n >= 0 else slice(n, None)] = 0.0
        return moved


class RememberingStreams:
    """Embeds the crops of a track once."""

    def __init__(self, streams: TrainedStreams) -> None:
        self._streams = streams
        self._known: dict[int, tuple[NDArray[np.uint8], NDArray[np.float32]]] = {}

    def video(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        if id(crops) not in self._known:
            # The crops are kept, too: no other array gets their number.
            self._known[id(crops)] = (crops, self._streams.video(crops))
        return self._known[id(crops)][1]

    def audio(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._streams.audio(samples)


def decode(path: Path, trained: TrainedNetwork) -> Decoded:
    times_s: list[float] = []

    def watched() -> Iterator[Frame]:
        for frame in stream_frames(path):
            times_s.append(frame.time_s)
            yield frame

    tracks = list(face_tracks(watched(), trained.crop))
    (samples,) = samples_between(path, [(0.0, CLIP_S)])
    return Decoded(times_s, tracks, samples)


def checker_over(trained: TrainedNetwork, like: NetworkChecker) -> Callable[[Decoded, NDArray[np.float32]], SyncResult]:
    """What `like`, a checker of that network, says of a decoded clip with any sound."""
    streams = RememberingStreams(TrainedStreams(trained))

    def check(decoded: Decoded, samples: NDArray[np.float32]) -> SyncResult:
        def tracks_of(frames: Iterable[Frame]) -> Iterator[FaceTrack]:
            deque(frames, maxlen=0)  # the checker counts them
            return iter(decoded.tracks)

        over = NetworkChecker(streams, tracks_of, name=like.name, calibration=like.calibration)
        return over.offset([Frame(_NO_PICTURE, time_s) for time_s in decoded.times_s], samples)

    return check
