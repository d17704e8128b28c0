"""From embeddings to an offset: how much later the sound comes than the lips, how sure that is, and when nobody knows.

As in the document behind this (Chung and Zisserman's SyncNet, "Out of time: automated lip sync in the wild", section
3.3, and its successor on multi-way matching, section 4.1): for each of -15 ... +15 frames the distance between each
five-frame input of pictures and the sound so many frames away, averaged over the K - 4 inputs that lie in K frames.
The offset is where the mean is least; the confidence is its median less its minimum.

Throughout, an offset is positive where the sound is late: what the lips do now is heard later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from math import exp, sqrt
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from apps.avsync.syncnet.faces import FRAME_RATE
from apps.media.frames import Frame

FRAME_MS = 1000 / FRAME_RATE
INPUT_FRAMES = 5  # what one embedding is of
MAX_OFFSET_FRAMES = 15
TOLD_APART = 400  # inputs, four looks: beyond them, more of a video makes hardly surer; a judgement
OFFSET_FRAMES = tuple(range(-MAX_OFFSET_FRAMES, MAX_OFFSET_FRAMES + 1))

Floats = NDArray[np.float32] | NDArray[np.float64]


class Reason(StrEnum):
    """Why there is no offset."""

    NO_FACE = "no_face"
    TOO_LITTLE_SPEECH = "too_little_speech"
    NOT_SURE = "not_sure"


@dataclass(frozen=True)
class WindowOffset:
    """What one looked-at stretch of a video says by itself."""

    start_ms: int
    offset_ms: float
    probability: float


@dataclass(frozen=True)
class SyncResult:
    """`offset_ms` is None where there is a `reason`, and the other way round.

    `probability` is that of an error of at most a frame (40 ms), also of what was not told for being too unsure.
    `coverage`, in [0, 1], is how much of the looked-at time shows a face while somebody speaks. `distances` has a
    value for each of OFFSET_FRAMES, or is empty where nothing was compared; `inputs` is how many five-frame inputs
    they are averaged over. `drift_ms_per_min` is how much later the sound gets each minute, None where it stays;
    `offset_ms` is then what it is in the middle of the video.
    """

    offset_ms: float | None
    probability: float
    coverage: float
    reason: Reason | None
    distances: tuple[float, ...] = ()
    windows: tuple[WindowOffset, ...] = ()
    drift_ms_per_min: float | None = None
    inputs: int = 0


@dataclass(frozen=True)
class Calibration:
    """How sure a network may be: log odds = intercept + slope * confidence * root of how many inputs were compared.

    The noise of a mean falls with the root of how much it is of, up to TOLD_APART inputs: what those of one video have
    in common stays. Fitted by `calibrating`. `zero_ms` is what the network measures where sound and lips agree.
    """

    intercept: float
    slope: float
    zero_ms: float = 0.0

    def probability(self, confidence: float, inputs: int) -> float:
        """That the error is at most a frame; 0 where nothing was compared."""
        if inputs < 1:
            return 0.0
        log_odds = self.intercept + self.slope * evidence(confidence, inputs)
        return 1 / (1 + exp(-max(-30.0, min(30.0, log_odds))))


def evidence(confidence: float, inputs: int) -> float:
    """What a calibration makes a probability of."""
    return confidence * sqrt(min(inputs, TOLD_APART))


@dataclass(frozen=True)
class JudgingOptions:
    """When to abstain."""

    min_probability: float = 0.9  # below, it is not sure
    min_inputs: int = 15  # 0.6 s of a face that is seen while somebody speaks
    min_speech_s: float = 0.4  # of sound that may be speech


class SyncChecker(Protocol):
    """Compares one stretch of video with its sound. One object serves many calls, from one thread at a time.

    The contract, which `tests/avsync/contract` checks for every implementation: what was shifted by so many ms is
    found to be, sound that comes later is positive; silence, pictures without a face, a still face and the sound of
    another clip give no offset but a reason; the same input gives the same result.
    """

    @property
    def name(self) -> str:
        """Which network it is, as an operator would write it, with the beginning of its weights' sha256."""

    @property
    def calibration(self) -> Calibration:
        """For pooling the results of several stretches."""

    def offset(self, frames: Iterable[Frame], samples: NDArray[np.float32]) -> SyncResult:
        """The offset of `samples` against `frames`, whose `time_s` counts from the first sample on.

        `samples` are float32 `(n_samples,)`, mono, 16 kHz, in [-1, 1]. Give 0.6 s of sound more than pictures on both
        sides where it is there: offsets reach so far. Frames may have any rate and size, and are read once.
        """


@dataclass(frozen=True)
class Minimum:
    """Where a curve of distances is least, in frames and between them, and how far that lies below its median."""

    offset_frames: float
    confidence: float
    is_at_edge: bool = field(default=False)  # it may be still less beyond

    @property
    def offset_ms(self) -> float:
        return self.offset_frames * FRAME_MS


def input_distances(video: Floats, audio: Floats, *, lead_frames: int) -> NDArray[np.float64]:
    """Euclidean distances `(n, 31)` of `video` `(n, d)` to the sounds that OFFSET_FRAMES name, NaN where there is none.

    `audio` `(m, d)` begins `lead_frames` before `video`.
    """
    partners = np.arange(len(video))[:, None] + lead_frames + np.array(OFFSET_FRAMES)  # (n, 31)
    is_there = (partners >= 0) & (partners < len(audio))
    if not len(audio):
        return np.full(partners.shape, np.nan)
    differences = video[:, None, :] - audio[np.where(is_there, partners, 0)]  # (n, 31, d)
    distances = np.sqrt(np.square(differences, dtype=np.float64).sum(axis=2))
    return np.where(is_there, distances, np.nan)


def mean_curve(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(n, 31)` -> `(31,)`; NaN for an offset whose sound is never there.

    At the ends of a clip some inputs lack the sound of some offsets. Each input is therefore compared with its own
    mean: an offset is not nearer because the inputs that happen to know it are.
    """
    known = distances[~np.isnan(distances).all(axis=1)]
    if not len(known):
        return np.full(distances.shape[1], np.nan)
    own = np.nanmean(known, axis=1, keepdims=True)
    count = (~np.isnan(known)).sum(axis=0)
    relative = np.nansum(known - own, axis=0) / np.maximum(count, 1)
    return np.where(count > 0, relative + own.mean(), np.nan)


def minimum_of(curve: Floats) -> Minimum:
    """The minimum of a curve `(31,)` between frames, by the parabola through it and its two neighbours.

    Raises ValueError where a value is missing.
    """
    if not np.isfinite(curve).all():
        raise ValueError("the curve has gaps: compare more sound")
    least = int(np.argmin(curve))
    confidence = float(np.median(curve) - curve[least])
    if least in (0, len(curve) - 1):
        return Minimum(OFFSET_FRAMES[least], confidence, is_at_edge=True)
    before, here, after = (float(value) for value in curve[least - 1 : least + 2])
    bend = before - 2 * here + after
    between = 0.5 * (before - after) / bend if bend > 0 else 0.0
    return Minimum(OFFSET_FRAMES[least] + between, confidence)


def judge(
    curve: Floats, inputs: int, *, coverage: float, calibration: Calibration, options: JudgingOptions
) -> SyncResult:
    """What a curve `(31,)` over so many inputs says, or that it says too little."""
    minimum = minimum_of(curve)
    probability = 0.0 if minimum.is_at_edge else calibration.probability(minimum.confidence, inputs)
    is_sure = probability >= options.min_probability
    return SyncResult(
        offset_ms=minimum.offset_ms - calibration.zero_ms if is_sure else None,
        probability=probability,
        coverage=coverage,
        reason=None if is_sure else Reason.NOT_SURE,
        distances=tuple(float(value) for value in curve),
        inputs=inputs,
    )
