"""Where a recogniser places its words -> where they are said, by what it was found to do on timed speech.

A CTC network says a letter at some instant that training likes, not for as long as it sounds: words come out short,
with gaps where people make none, and shifted by as much as 0.2 s, one kind of word early and another late. The gaps
beside a word, its own length, and whether a pause is next to it tell how much. Start and end are each moved by a line
in those, fitted by least absolute deviations (Schlossmacher, "An Iterative Technique for Absolute Deviations Curve
Fitting", 1973).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from apps.transcription.asr.words import Word, in_order

FEATURES = ("always", "gap_before_s", "gap_after_s", "length_s", "after_pause", "before_pause")
PAUSE_S = 0.5  # a longer gap is a pause, into which a word does not reach
MAX_SHIFT_S = 0.3  # beyond that it would be guessed, on words unlike those of the fit
PRIOR_WEIGHT = 1e-3
ROUNDS = 30


@dataclass(frozen=True)
class TimeMap:
    """What is added to a word's start and end, in seconds: weights of FEATURES."""

    start: tuple[float, ...]
    end: tuple[float, ...]

    def applied(self, words: Sequence[Word], duration_s: float) -> list[Word]:
        """The words of one stretch of sound that lasts `duration_s`, in order, with their times corrected."""
        if not words:
            return []
        shifts = features(words) @ np.array([self.start, self.end]).T  # (n_words, 2)
        moved = []
        for word, (start_s, end_s) in zip(words, np.clip(shifts, -MAX_SHIFT_S, MAX_SHIFT_S).tolist(), strict=True):
            moved.append(replace(word, start_s=max(0.0, word.start_s + start_s), end_s=word.end_s + end_s))
        # Where two words overlap now, they meet in the middle: neither is pushed away by the other.
        for index, (before, after) in enumerate(pairwise(moved)):
            if before.end_s > after.start_s:
                middle_s = max((before.end_s + after.start_s) / 2, before.start_s)
                moved[index] = replace(before, end_s=middle_s)
                moved[index + 1] = replace(after, start_s=middle_s, end_s=max(after.end_s, middle_s))
        return in_order(moved, duration_s)


def features(words: Sequence[Word]) -> NDArray[np.float64]:
    """`(n_words, len(FEATURES))`."""
    rows = []
    for index, word in enumerate(words):
        before_s = word.start_s - words[index - 1].end_s if index else PAUSE_S
        after_s = words[index + 1].start_s - word.end_s if index + 1 < len(words) else PAUSE_S
        after_pause, before_pause = before_s >= PAUSE_S, after_s >= PAUSE_S
        rows.append(
            (
                1.0,
                0.0 if after_pause else before_s,
                0.0 if before_pause else after_s,
                word.end_s - word.start_s,
                float(after_pause),
                float(before_pause),
            )
        )
    return np.array(rows)


def fitted_times(x: NDArray[np.float64], off_s: NDArray[np.float64]) -> TimeMap:
    """The map that leaves the least of `off_s` `(n, 2)`: by how much starts and ends are later. `x`: `features`."""
    start, end = (_least_absolute(x, each) for each in off_s.T)
    return TimeMap(tuple(map(float, start)), tuple(map(float, end)))


def _least_absolute(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Least squares again and again, each time with less weight on what is far off."""
    held = PRIOR_WEIGHT * np.diag([0.0, *[1.0] * (x.shape[1] - 1)])  # all but the constant are held near nought
    weights = np.zeros(x.shape[1])
    closeness = np.ones(len(y))
    for _ in range(ROUNDS):
        weighted = x * closeness[:, None]
        weights = np.linalg.lstsq(weighted.T @ x + held, weighted.T @ y, rcond=None)[0]
        closeness = 1 / np.maximum(np.abs(y - x @ weights), 0.005)
    return weights
