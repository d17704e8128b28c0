"""Faces that are heard with many sounds, as `benchmarks.sync_errors` and `benchmarks.sync_drift` do."""

from __future__ import annotations

import hashlib
import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from apps.avsync.syncnet.dataset import Example, inner, later
from apps.avsync.syncnet.faces import FRAME_RATE, FaceTrack
from apps.avsync.syncnet.network_checker import NetworkChecker, Tracker
from apps.avsync.syncnet.offset import SyncResult
from apps.avsync.syncnet.pooling import Look, pooled
from apps.avsync.syncnet.trained_checker import TrainedStreams
from apps.avsync.syncnet.weights import TrainedNetwork
from apps.media.frames import Frame
from benchmarks.sync_rows import JOINT, Kept, Row, Truth, row_of

if TYPE_CHECKING:
    from benchmarks.sync_recordings import Recording

SEED = 6
SHIFTS_MS = (0, -400, 210, -130, 70, 345, -50)
CLIP_MS = 3_000
EVERY = 8  # pixels, of pictures that are compared
Found = Sequence[tuple["Recording", Example]]
Check = Callable[[Example, NDArray[np.float32]], SyncResult]
_NO_PICTURE = np.zeros((2, 2, 3), np.uint8)


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


class RememberingTracker:
    """Finds the faces of the same pictures once, whatever sound comes with them. Takes all pictures into memory."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._known: dict[bytes, list[FaceTrack]] = {}

    def __call__(self, frames: Iterable[Frame]) -> Iterator[FaceTrack]:
        pictures = list(frames)
        seen = hashlib.sha256()
        for picture in pictures:
            seen.update(picture.image[::EVERY, ::EVERY].tobytes() + struct.pack("d", picture.time_s))
        key = seen.digest()
        if key not in self._known:
            self._known[key] = list(self._tracker(pictures))
        return iter(self._known[key])


def checker_over(trained: TrainedNetwork, like: NetworkChecker) -> Check:
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


def single(check: Check, found: Found, n_swapped: int, kept: Kept) -> Iterator[Row]:
    """Every clip at every shift, and swapped pairs: faces from the cache, sound moved sample by sample."""
    for shift_ms in SHIFTS_MS:
        for recording, example in found:
            if not kept.has("moved in memory", recording.name, shift_ms):
                result = check(example, later(example.samples, shift_ms))
                yield row_of("moved in memory", recording.name, recording.part, "moved", shift_ms, result)
    for shown, heard in _pairs(len(found), n_swapped):
        (seen, face), (other, sound) = found[shown], found[heard]
        name = JOINT.join((seen.name, other.name))
        if not kept.has("swapped", name, 0):
            yield row_of("swapped", name, seen.part, "foreign", 0, check(face, sound.samples))


def _pairs(n_clips: int, n: int) -> list[tuple[int, int]]:
    """So many different pairs of two different clips, who is seen and who is heard, drawn alike each time."""
    generator = np.random.default_rng(SEED)
    drawn: dict[tuple[int, int], None] = {}
    while len(drawn) < min(n, n_clips * (n_clips - 1)):
        shown, heard = generator.choice(n_clips, 2, replace=False)
        drawn[int(shown), int(heard)] = None
    return list(drawn)


def joint(
    check: Check,
    found: Found,
    pairs: Sequence[tuple[Sequence[Recording], Sequence[Recording]]],
    like: NetworkChecker,
    kept: Kept,
) -> Iterator[Row]:
    """Clips as looks at one video, moved alike: with their own sound, and with that of those they are paired with."""
    examples = {recording.name: example for recording, example in found}
    for number, (shown, others) in enumerate(pairs):
        shift_ms = SHIFTS_MS[number % len(SHIFTS_MS)]
        name = JOINT.join(recording.name for recording in shown)
        kinds: tuple[tuple[str, Truth, Sequence[Recording]], ...] = (
            ("four clips", "moved", shown),
            ("four clips, another's voice", "foreign", others),
        )
        for kind, truth, heard in kinds:
            if kept.has(kind, name, shift_ms):
                continue
            looks = [
                Look(CLIP_MS * index, CLIP_MS, check(examples[one.name], later(examples[other.name].samples, shift_ms)))
                for index, (one, other) in enumerate(zip(shown, heard, strict=True))
            ]
            yield row_of(kind, name, shown[0].part, truth, shift_ms, pooled(looks, like.calibration))
