"""How good probabilities are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

CALIBRATION_BINS = 15  # as Guo et al. (2017), section 2


def accuracy(probabilities: Array, targets: Array) -> float:
    """Share of rows of `(n, n_topics)` whose likeliest topic is the target `(n,)`."""
    return float(np.mean(probabilities.argmax(axis=1) == targets))


def confusion_matrix(probabilities: Array, targets: Array) -> list[list[int]]:
    """Counts: a row per true topic, a column per likeliest one."""
    n_topics = probabilities.shape[1]
    counts = np.zeros((n_topics, n_topics), dtype=int)
    np.add.at(counts, (targets, probabilities.argmax(axis=1)), 1)
    return [[int(count) for count in row] for row in counts]


def macro_f1(probabilities: Array, targets: Array) -> float:
    """Mean over topics of the harmonic mean of precision and recall."""
    counts = np.array(confusion_matrix(probabilities, targets))
    found, wanted = counts.sum(axis=0), counts.sum(axis=1)
    return float(np.mean(2 * np.diag(counts) / np.maximum(found + wanted, 1)))


def expected_calibration_error(probabilities: Array, targets: Array) -> float:
    """Mean gap between confidence and accuracy over bins of equal width (Guo et al., 2017, equation 3)."""
    bins = reliability(probabilities, targets)
    return sum(each.n_rows * abs(each.accuracy - each.mean_confidence) for each in bins) / len(targets)


def log_loss(probabilities: Array, targets: Array) -> float:
    """Mean negative logarithm of the probability of the target."""
    return float(-np.mean(np.log(probabilities[np.arange(len(targets)), targets] + 1e-12)))


def share_known(probabilities: Array, threshold: float) -> float:
    """Share of rows whose likeliest topic reaches `threshold`; the others are "unknown"."""
    return float(np.mean(probabilities.max(axis=1) >= threshold))


@dataclass(frozen=True)
class ReliabilityBin:
    """Of the rows whose likeliest topic has a probability from `start` on, up to the next bin's."""

    start: float
    n_rows: int
    mean_confidence: float
    accuracy: float


def reliability(probabilities: Array, targets: Array) -> list[ReliabilityBin]:
    """The bins of `expected_calibration_error` that are not empty."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == targets
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return [
        ReliabilityBin(
            index / CALIBRATION_BINS,
            int((bins == index).sum()),
            float(confidence[bins == index].mean()),
            float(correct[bins == index].mean()),
        )
        for index in np.unique(bins)
    ]


def wilson_interval(n_right: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, Probable Inference, 1927), which stays within [0, 1] near its ends."""
    z = 1.959964
    share, spread = n_right / n, z * z / n
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / n + spread / (4 * n))
    return max(middle - half, 0.0), min(middle + half, 1.0)
