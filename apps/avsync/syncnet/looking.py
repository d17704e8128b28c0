"""A whole file -> one result: where to look, in which order, and when to stop.

Lips are compared in stretches of a few seconds that are spread over the whole length, those first in which somebody
speaks. It stops as soon as it is sure of a constant shift. What is in memory does not depend on the length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.avsync.syncnet.faces import FRAME_RATE
from apps.avsync.syncnet.offset import MAX_OFFSET_FRAMES, Reason, SyncChecker, SyncResult
from apps.avsync.syncnet.pooling import Look, PoolingOptions, pooled
from apps.avsync.syncnet.voicing import voiced_frames
from apps.media.audio import duration_ms, samples_between
from apps.media.frames import Frame, stream_frames

# Sound that is given beside the pictures, so that every offset can be compared.
MARGIN_S = MAX_OFFSET_FRAMES / FRAME_RATE
# A look that differs by more is of another offset: clips of one recording lie up to 63 ms apart.
ELSEWHERE_MS = 80.0

Progress = Callable[[float], None]  # in [0, 1]


@dataclass(frozen=True)
class LookingOptions:
    """How much of a file is looked at."""

    window_s: float = 4.0
    max_candidates: int = 40  # stretches whose sound is heard
    max_looks: int = 20  # at stretches that show a face
    min_looks: int = 6  # spread over the whole: a drift shows, and no single scene decides
    sure_probability: float = 0.99  # from here on it stops
    max_side: int = 1280  # of pictures, in pixels; larger ones are made smaller
    pooling: PoolingOptions = field(default_factory=PoolingOptions)


@dataclass(frozen=True, eq=False)
class Stretch:
    """One that may be looked at: its sound is `samples`, from `heard_from_s` on."""

    start_s: float
    end_s: float
    heard_from_s: float
    samples: NDArray[np.float32]
    voiced_s: float


def check_file(
    path: Path, checker: SyncChecker, options: LookingOptions | None = None, *, progress: Progress | None = None
) -> SyncResult:
    """Whether the sound of a file fits its lips.

    Raises AudioDecodeError, NoAudioError and VideoDecodeError (`apps.media`) for files that cannot be read, have no
    sound or no pictures.
    """
    options = options or LookingOptions()
    tell = progress or (lambda _: None)
    stretches = [one for one in _stretches(path, options) if one.voiced_s >= options.pooling.judging.min_speech_s]
    if not stretches:
        return SyncResult(offset_ms=None, probability=0.0, coverage=0.0, reason=Reason.TOO_LITTLE_SPEECH)
    looks: list[Look] = []
    n_telling = 0
    for stretch in in_order(stretches, options.max_looks):
        tell(max(n_telling / options.max_looks, len(looks) / len(stretches)))
        result = checker.offset(_frames(path, stretch, options), stretch.samples)
        looks.append(Look(round(1000 * stretch.start_s), round(1000 * (stretch.end_s - stretch.start_s)), result))
        n_telling += bool(result.distances)
        if n_telling >= options.max_looks:
            break
        if n_telling >= options.min_looks and _is_sure(looks, checker, options):
            break
    tell(1.0)
    return pooled(looks, checker.calibration, options.pooling)


def in_order(stretches: Sequence[Stretch], n_parts: int) -> list[Stretch]:
    """First from each of so many equal parts of the file the one with most speech, then the rest, by their speech.

    The parts take their turn so that those looked at always lie far apart.
    """
    whole_s = max(stretch.end_s for stretch in stretches)
    best: dict[int, Stretch] = {}
    for stretch in stretches:
        part = min(n_parts - 1, int(stretch.start_s / whole_s * n_parts))
        if part not in best or stretch.voiced_s > best[part].voiced_s:
            best[part] = stretch
    chosen = [best[part] for part in _far_apart(sorted(best))]
    rest = [stretch for stretch in stretches if stretch not in chosen]
    return chosen + sorted(rest, key=lambda stretch: -stretch.voiced_s)


def _far_apart(parts: list[int]) -> list[int]:
    """The first, the last, and then always the one that lies farthest from those taken."""
    taken: list[int] = []
    left = list(parts)
    while left:
        farthest = max(left, key=lambda part: min((abs(part - other) for other in taken), default=-part))
        taken.append(farthest)
        left.remove(farthest)
    return taken


def _is_sure(looks: Sequence[Look], checker: SyncChecker, options: LookingOptions) -> bool:
    """Of a constant shift, with which no look that is sure by itself disagrees. What changes is worth every look."""
    result = pooled(looks, checker.calibration, options.pooling)
    if result.offset_ms is None or result.drift_ms_per_min is not None:
        return False
    is_doubted = any(
        window.probability >= options.sure_probability and abs(window.offset_ms - result.offset_ms) > ELSEWHERE_MS
        for window in result.windows
    )
    return result.probability >= options.sure_probability and not is_doubted


def _stretches(path: Path, options: LookingOptions) -> Iterator[Stretch]:
    """Stretches spread evenly over the file, as many as fit beside each other, up to a number; a short file is one."""
    whole_s = duration_ms(path) / 1000
    n_stretches = max(1, min(options.max_candidates, int(whole_s / options.window_s)))
    length_s = min(whole_s, options.window_s) if n_stretches > 1 else whole_s
    starts = np.linspace(0.0, whole_s - length_s, n_stretches)
    spans = [(max(0.0, float(start) - MARGIN_S), float(start) + length_s + MARGIN_S) for start in starts]
    for start, (from_s, _), samples in zip(starts, spans, samples_between(path, spans), strict=True):
        voiced_s = float(voiced_frames(samples).sum()) / FRAME_RATE
        yield Stretch(float(start), float(start) + length_s, from_s, samples, voiced_s)


def _frames(path: Path, stretch: Stretch, options: LookingOptions) -> Iterator[Frame]:
    """The pictures of a stretch, on the clock of its samples."""
    for frame in stream_frames(path, start_s=stretch.start_s, end_s=stretch.end_s, max_side=options.max_side):
        yield Frame(frame.image, frame.time_s - stretch.heard_from_s)
