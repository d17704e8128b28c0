"""Frames -> face tracks: who is in the picture from when to when, cropped to mouth or face, at 25 pictures a second.

Faces are looked for every fifth of a second and joined by how much their squares overlap; between, their places are
interpolated. Places are smoothed over a second, as detectors tremble and lips must not. Memory is constant: pictures
are kept for the second that smoothing looks ahead, and a long track is handed over in pieces.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.avsync.syncnet.detectors import MOUTH_AT, CascadeDetector, Detector
from apps.media.frames import Frame

FRAME_RATE = 25  # of all tracks, per second
DETECT_EVERY = 5  # frames
SMOOTHING = np.array([1, 2, 3, 2, 1])  # of places that were found one after the other
REACH = len(SMOOTHING) // 2
MAX_MISSED = 3  # findings in a row; a face that is lost for longer is another track
MIN_OVERLAP = 0.3  # intersection over union of two findings of a face
LONGEST_STILL_S = 0.5  # that a frame stands for to each side; beyond, the video has a hole
CUT_SIZE = (32, 18)  # pixels of the thumbnails by which cuts are found
CUT_DIFFERENCE = 30.0  # mean of their grey levels' changes, of 255


@dataclass(frozen=True)
class FaceOptions:
    """What a crop shows: a square of `share` of the face's square, `size` pixels wide, around mouth or face.

    `max_track_s` bounds a track's memory (a longer one comes in pieces), `min_track_s` is what is worth a crop.
    """

    size: int = 48
    part: Literal["mouth", "face"] = "mouth"
    share: float = 0.5
    is_grey: bool = True
    min_track_s: float = 0.6
    max_track_s: float = 20.0

    def with_margin(self, pixels: int) -> Self:
        """The same crop at the same scale, with so many more pixels on each side."""
        size = self.size + 2 * pixels
        return replace(self, size=size, share=self.share * size / self.size)


@dataclass(frozen=True)
class FaceTrack:
    """A face over time. `crops[i]` and `boxes[i]` belong to the instant `start_s + i / FRAME_RATE`.

    `boxes`: float32 `(n, 4)`, the face's square as x, y, side, side in pixels of the frames. `crops`: uint8
    `(n, size, size)` where they are grey, else RGB `(n, size, size, 3)`.
    """

    start_s: float
    boxes: NDArray[np.float32]
    crops: NDArray[np.uint8]

    @property
    def duration_s(self) -> float:
        return len(self.crops) / FRAME_RATE


@dataclass
class _Track:
    """A face that is being followed: where it was found, and what was cropped so far."""

    found: list[tuple[int, NDArray[np.float32]]]  # frame number, square
    missed: int = 0
    is_new: bool = True  # nothing of it was handed over yet
    start: int = 0  # number of the first frame in `crops`
    boxes: list[NDArray[np.float32]] = field(default_factory=list)
    crops: list[NDArray[np.uint8]] = field(default_factory=list)

    @property
    def next(self) -> int:
        """The number of the first frame that is not cropped yet."""
        return self.start + len(self.crops)


def face_tracks(
    frames: Iterable[Frame], options: FaceOptions | None = None, detector: Detector | None = None
) -> Iterator[FaceTrack]:
    """The tracks of all faces, each when it ends, or when it grew to `max_track_s`.

    Frames come in the order of their times, at any rate. Cost: a detection (some 10 ms a core) each fifth of a second
    and some 0.05 ms a face and frame.
    """
    follower = _Follower(options or FaceOptions(), detector or CascadeDetector())
    for number, image, is_cut in _with_cuts(_at_frame_rate(frames)):
        yield from follower.take(number, image, is_cut=is_cut)
    yield from follower.end_all()


def _at_frame_rate(frames: Iterable[Frame]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Of each 25th of a second its number since the start and the frame that is nearest in time.

    Where frames are missing for long, so are numbers.
    """
    last: Frame | None = None
    number = 0
    half_s = 0.5 / FRAME_RATE  # half the time to the next frame
    for frame in frames:
        if last is None:
            number = max(0, round(frame.time_s * FRAME_RATE))
        else:
            half_s = min((frame.time_s - last.time_s) / 2, LONGEST_STILL_S)
            while number / FRAME_RATE < last.time_s + half_s:
                yield number, last.image
                number += 1
            number = max(number, math.ceil((frame.time_s - half_s) * FRAME_RATE - 1e-6))
        last = frame
    while last is not None and number / FRAME_RATE < last.time_s + half_s:
        yield number, last.image
        number += 1


def _with_cuts(frames: Iterable[tuple[int, NDArray[np.uint8]]]) -> Iterator[tuple[int, NDArray[np.uint8], bool]]:
    """Says of each frame whether a cut, or a hole, lies before it."""
    last: NDArray[np.float32] | None = None
    last_number = -1
    for number, image in frames:
        small = cv2.resize(image, CUT_SIZE, interpolation=cv2.INTER_AREA).mean(axis=2, dtype=np.float32)
        is_cut = last is not None and float(np.abs(small - last).mean()) > CUT_DIFFERENCE
        yield number, image, is_cut or number != last_number + 1
        last, last_number = small, number


class _Follower:
    """Joins findings to tracks and crops what is settled."""

    def __init__(self, options: FaceOptions, detector: Detector) -> None:
        self._options = options
        self._detector = detector
        self._tracks: list[_Track] = []
        self._frames: deque[tuple[int, NDArray[np.uint8]]] = deque()
        self._next_detection = 0

    def take(self, number: int, image: NDArray[np.uint8], *, is_cut: bool) -> Iterator[FaceTrack]:
        if is_cut:
            yield from self.end_all()
        self._frames.append((number, image))
        if is_cut or number >= self._next_detection:
            self._next_detection = number + DETECT_EVERY
            yield from self._join(number, self._detector.detect(image))
        needed = min((track.next for track in self._tracks), default=number + 1)
        while self._frames and self._frames[0][0] < needed:
            self._frames.popleft()

    def end_all(self) -> Iterator[FaceTrack]:
        """Ends all tracks: where the pictures end, faces stay to the last one where they were last found."""
        last = self._frames[-1][0] if self._frames else -1
        for track in self._tracks:
            number, square = track.found[-1]
            if not track.missed and last > number:
                track.found.append((last, square))
            yield from self._end(track)
        self._tracks = []
        self._frames.clear()

    def _join(self, number: int, squares: NDArray[np.float32]) -> Iterator[FaceTrack]:
        left = _outermost(squares)
        kept = []
        for track in self._tracks:
            overlaps = [_overlap(track.found[-1][1], square) for square in left]
            if overlaps and max(overlaps) >= MIN_OVERLAP:
                track.found.append((number, left.pop(int(np.argmax(overlaps)))))
                track.missed = 0
                yield from self._crop(track, settled=len(track.found) - 1 - REACH)
            else:
                track.missed += 1
                if track.missed > MAX_MISSED:
                    yield from self._end(track)
                    continue
            kept.append(track)
        self._tracks = kept + [_Track([(number, square)], start=number) for square in left]

    def _end(self, track: _Track) -> Iterator[FaceTrack]:
        yield from self._crop(track, settled=len(track.found) - 1)
        if track.crops and (not track.is_new or len(track.crops) >= self._options.min_track_s * FRAME_RATE):
            yield _handed_over(track)

    def _crop(self, track: _Track, *, settled: int) -> Iterator[FaceTrack]:
        """Crops up to the finding with the index `settled`, whose smoothed place no later one changes."""
        if settled < 0:
            return
        numbers = [number for number, _ in track.found]
        smoothed = np.stack([_smoothed(track.found, index) for index in range(settled + 1)])
        for number, image in self._frames:
            if number < track.next or number > numbers[settled]:
                continue
            box = np.array(
                [np.interp(number, numbers[: settled + 1], smoothed[:, column]) for column in range(4)], np.float32
            )
            track.boxes.append(box)
            track.crops.append(crop_square(image, box, self._options))
            if len(track.crops) >= self._options.max_track_s * FRAME_RATE:
                yield _handed_over(track)
        # Findings that no later crop needs; the rest is what smoothing looks back to.
        del track.found[: max(0, settled - REACH)]


def _handed_over(track: _Track) -> FaceTrack:
    """What was cropped so far, of which the track keeps nothing."""
    piece = FaceTrack(track.start / FRAME_RATE, np.stack(track.boxes), np.stack(track.crops))
    track.start, track.boxes, track.crops, track.is_new = track.next, [], [], False
    return piece


def _smoothed(found: list[tuple[int, NDArray[np.float32]]], index: int) -> NDArray[np.float32]:
    """The weighted mean of the square and those found before and after it, as far as there are any."""
    reach = min(REACH, index, len(found) - 1 - index)  # as many before as after: else it would lag at the ends
    weights = SMOOTHING[REACH - reach : REACH + reach + 1]
    squares = [square for _, square in found[index - reach : index + reach + 1]]
    return np.asarray(np.average(np.stack(squares), axis=0, weights=weights), np.float32)


def _outermost(squares: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The largest first, without those whose middle lies in a larger one: a chin is found as a face of its own."""
    kept: list[NDArray[np.float32]] = []
    for square in squares[np.argsort(-squares[:, 2])]:
        middle = square[:2] + square[2:] / 2
        if not any(np.all(middle >= other[:2]) and np.all(middle <= other[:2] + other[2:]) for other in kept):
            kept.append(square)
    return kept


def _overlap(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Intersection over union of two squares."""
    low = np.maximum(first[:2], second[:2])
    high = np.minimum(first[:2] + first[2:], second[:2] + second[2:])
    shared = float(np.prod(np.maximum(0.0, high - low)))
    return shared / (float(first[2] * first[3] + second[2] * second[3]) - shared)


def crop_square(image: NDArray[np.uint8], box: NDArray[np.float32], options: FaceOptions) -> NDArray[np.uint8]:
    """Mouth or face of a frame, as `FaceTrack.crops` has it. What lies outside of the frame repeats its edge."""
    x, y, side, _ = (float(value) for value in box)
    middle = (x + side / 2, y + side * (MOUTH_AT if options.part == "mouth" else 0.5))
    wanted = side * options.share
    if wanted > 2 * options.size:  # straight sampling would skip pixels, and shimmer
        shrink = options.size / wanted
        image, middle, wanted = _part_of(image, middle, wanted, shrink)
    scale = options.size / wanted
    matrix = np.array(
        [
            [scale, 0, options.size / 2 - scale * middle[0] + scale / 2 - 0.5],
            [0, scale, options.size / 2 - scale * middle[1] + scale / 2 - 0.5],
        ]
    )
    crop = cv2.warpAffine(
        image, matrix, (options.size, options.size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    if options.is_grey:
        crop = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    return np.asarray(crop, np.uint8)


def _part_of(
    image: NDArray[np.uint8], middle: tuple[float, float], side: float, shrink: float
) -> tuple[NDArray[np.uint8], tuple[float, float], float]:
    """The surroundings of a square, shrunk by averaging pixels, and the square's middle and side in them."""
    height, width = image.shape[:2]
    left, top = (int(max(0, centre - side)) for centre in middle)
    right, bottom = (int(min(end, centre + side)) for end, centre in zip((width, height), middle, strict=True))
    part = image[top : max(bottom, top + 1), left : max(right, left + 1)]
    size = (max(1, round(part.shape[1] * shrink)), max(1, round(part.shape[0] * shrink)))
    across, down = size[0] / part.shape[1], size[1] / part.shape[0]
    small = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
    return small, ((middle[0] - left) * across, (middle[1] - top) * down), side * across
