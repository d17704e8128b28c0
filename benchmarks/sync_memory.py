"""Cached faces that are heard with many sounds, as `benchmarks.sync_errors` does."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from apps.avsync.syncnet.dataset import Example, inner
from apps.avsync.syncnet.faces import FRAME_RATE, FaceTrack
from apps.avsync.syncnet.network_checker import NetworkChecker
from apps.avsync.syncnet.offset import SyncResult
from apps.avsync.syncnet.trained_checker import TrainedStreams
from apps.avsync.syncnet.weights import TrainedNetwork
from apps.media.audio import SAMPLE_RATE
from apps.media.frames import Frame

_NO_PICTURE = np.zeros((2, 2, 3), np.uint8)


def later(samples: NDArray[np.float32], by_ms: float) -> NDArray[np.float32]:
    """The same sound so much later, as long as before, with silence where nothing is known."""
    n = round(by_ms * SAMPLE_RATE / 1000)
    moved = np.roll(samples, n)
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


def checker_over(trained: TrainedNetwork, like: NetworkChecker) -> Callable[[Example, NDArray[np.float32]], SyncResult]:
    """What `like`, a checker of that network, says of a cached clip with any sound."""
    streams = RememberingStreams(TrainedStreams(trained))
    tracks: dict[str, FaceTrack] = {}

    def check(example: Example, samples: NDArray[np.float32]) -> SyncResult:
        key = str(example.clip.path)
        if key not in tracks:
            tracks[key] = FaceTrack(0.0, np.zeros((len(example.crops), 4), np.float32), inner(example.crops))

        def tracks_of(frames: Iterable[Frame]) -> Iterator[FaceTrack]:
            deque(frames, maxlen=0)  # the checker counts them
            return iter([tracks[key]])

        over = NetworkChecker(streams, tracks_of, name=like.name, calibration=like.calibration)
        frames = [Frame(_NO_PICTURE, number / FRAME_RATE) for number in range(len(example.crops))]
        return over.offset(frames, samples)

    return check
