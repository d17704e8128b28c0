"""How sure a network may be: measured on clips whose sound was moved by known times, or taken from another clip.

Logistic regression (Platt, "Probabilistic Outputs for Support Vector Machines", 1999) of "the error is at most a frame"
on `offset.evidence`. The sound of another clip fits nowhere: whatever is found there is wrong. It counts as if one
video in five had such a sound, as dubbed ones and those with a narrator have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.avsync.syncnet.dataset import SAMPLES_PER_FRAME, Example, inner, later
from apps.avsync.syncnet.faces import FRAME_RATE, FaceTrack
from apps.avsync.syncnet.network_checker import EmbeddingStreams, NetworkChecker
from apps.avsync.syncnet.offset import (
    FRAME_MS,
    Calibration,
    JudgingOptions,
    SyncResult,
    evidence,
    minimum_of,
)
from apps.media.frames import Frame

LENGTHS = (25, 40, 60, 200)  # frames of a clip that are compared; a shorter clip is compared whole
GROUPS = (2, 6)  # clips whose curves are pooled, as looks at one video are
MAX_SHIFT_MS = 450.0
ZERO_WITHIN_MS = 80.0  # what lies farther from the truth tells nothing of the network's zero
MIN_FOUND = 50  # offsets that are right; with fewer, the fit says more about them than about the network
FOREIGN_SHARE = 0.2
_RIDGE = 1e-2
_NOTHING = np.zeros((2, 2, 3), np.uint8)


class TooFewClipsError(ValueError):
    """There is too little to measure on. The message says what to do."""


@dataclass(frozen=True)
class Trial:
    """What a network found. `error_ms` is infinite where the sound is of another clip."""

    confidence: float
    inputs: int
    error_ms: float


def trials(network: EmbeddingStreams, examples: Sequence[Example], *, seed: int = 0) -> Iterator[Trial]:
    """Trials on each example, at each of LENGTHS with its own and with another's sound, and on groups of examples."""
    generator = np.random.default_rng(seed)
    for index in range(len(examples)):
        for length in LENGTHS:
            for is_own in (True, False):
                yield from _pooled(network, [(index, length)], examples, is_own=is_own, generator=generator)
    for size in GROUPS:
        for _ in range(len(examples) // 4):
            group = [(int(index), max(LENGTHS)) for index in generator.choice(len(examples), size)]
            for is_own in (True, False):
                yield from _pooled(network, group, examples, is_own=is_own, generator=generator)


def fit(tried: Iterable[Trial]) -> Calibration:
    """Raises TooFewClipsError where too few offsets were found."""
    found = list(tried)
    zeros = [trial.error_ms for trial in found if abs(trial.error_ms) <= ZERO_WITHIN_MS]
    if len(zeros) < MIN_FOUND:
        raise TooFewClipsError(
            f"Only {len(zeros)} offsets were found of the {MIN_FOUND} that are wanted: give more clips of speakers that"
            " the network was trained on, or train it longer."
        )
    zero_ms = float(np.median(zeros))
    is_right = np.array([abs(trial.error_ms - zero_ms) <= FRAME_MS for trial in found], dtype=float)
    is_own = np.array([trial.error_ms < float("inf") for trial in found])
    weights = np.where(is_own, (1 - FOREIGN_SHARE) / max(1, is_own.sum()), FOREIGN_SHARE / max(1, (~is_own).sum()))
    features = np.array([[1.0, evidence(trial.confidence, trial.inputs)] for trial in found])
    intercept, slope = (
        float(weight) for weight in _logistic(features, is_right, len(found) * weights.astype(np.float64))
    )
    return Calibration(intercept, slope, zero_ms)


def probabilities(tried: Sequence[Trial], calibration: Calibration) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Of each trial how sure the checker is, and whether it is right: `(n,)` each."""
    sure = np.array([calibration.probability(trial.confidence, trial.inputs) for trial in tried])
    return sure, np.array([abs(trial.error_ms - calibration.zero_ms) <= FRAME_MS for trial in tried])


def _pooled(
    network: EmbeddingStreams,
    parts: Sequence[tuple[int, int]],
    examples: Sequence[Example],
    *,
    is_own: bool,
    generator: np.random.Generator,
) -> Iterator[Trial]:
    """One trial on parts of examples (index, frames), all shifted alike; none where nothing could be compared."""
    shift_ms = float(generator.uniform(-MAX_SHIFT_MS, MAX_SHIFT_MS))
    curves, inputs = [], []
    for index, length in parts:
        other = index if is_own else int((index + generator.integers(1, len(examples))) % len(examples))
        result = _compared(network, examples[index], examples[other], length, shift_ms, generator)
        if result.distances:
            curves.append(result.distances)
            inputs.append(result.inputs)
    if not curves:
        return
    minimum = minimum_of(np.average(curves, axis=0, weights=inputs))
    if not minimum.is_at_edge:
        error_ms = minimum.offset_ms - shift_ms if is_own else float("inf")
        yield Trial(minimum.confidence, sum(inputs), error_ms)


def _compared(
    network: EmbeddingStreams,
    seen: Example,
    heard: Example,
    length: int,
    shift_ms: float,
    generator: np.random.Generator,
) -> SyncResult:
    """`length` frames of one example with the sound, so much later, that another has around them."""
    n_frames = min(length, len(seen.crops), len(heard.samples) // SAMPLES_PER_FRAME)
    first = int(generator.integers(min(len(seen.crops), len(heard.samples) // SAMPLES_PER_FRAME) - n_frames + 1))
    track = FaceTrack(first / FRAME_RATE, np.zeros((n_frames, 4), np.float32), inner(seen.crops)[first:][:n_frames])
    frames = [Frame(_NOTHING, (first + number) / FRAME_RATE) for number in range(n_frames)]
    checker = NetworkChecker(
        network,
        lambda frames: iter([track for _ in frames][:1]),
        name="",
        calibration=Calibration(0.0, 0.0),
        options=JudgingOptions(min_probability=0.0),
    )
    return checker.offset(frames, later(heard.samples, shift_ms))


def _logistic(
    features: NDArray[np.float64], targets: NDArray[np.float64], counts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weights `(d,)` by Newton's method, held a little to nought: what can be told apart for certain has no limit.

    Each row of `features` `(n, d)` counts as often as `counts` `(n,)` says.
    """
    weights = np.zeros(features.shape[1])
    ridge = _RIDGE * np.eye(len(weights))
    for _ in range(50):
        probability = 1 / (1 + np.exp(-np.clip(features @ weights, -30, 30)))
        gradient = features.T @ (counts * (probability - targets)) + ridge @ weights
        curvature = (features * (counts * probability * (1 - probability))[:, None]).T @ features + ridge
        step = np.linalg.solve(curvature, gradient)
        weights -= step
        if np.abs(step).max() < 1e-8:
            break
    return weights
