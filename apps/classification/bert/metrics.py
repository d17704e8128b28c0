"""How good probabilities are."""

from __future__ import annotations

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
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == targets
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = [abs(float(correct[bins == index].sum() - confidence[bins == index].sum())) for index in np.unique(bins)]
    return sum(gaps) / len(targets)


def share_known(probabilities: Array, threshold: float) -> float:
    """Share of rows whose likeliest topic reaches `threshold`; the others are "unknown"."""
    return float(np.mean(probabilities.max(axis=1) >= threshold))
