"""How often the nearest sound is the right one: Table 1 of "Perfect Match" (Chung, Chung and Kang, 2019).

Of each window of five pictures the distances to the sounds from 15 frames before to 15 after; over K pictures, those
of the K - 4 windows in them are averaged. Right is a minimum within a frame of the truth. By chance: 3 of 31, 9.7 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.avsync.syncnet.offset import INPUT_FRAMES, MAX_OFFSET_FRAMES, input_distances

REACH = MAX_OFFSET_FRAMES
TOLERANCE = 1  # frames
CLIP_LENGTHS = (5, 7, 9, 11, 13, 15)  # K, frames
N_DRAWS = 2000  # of the bootstrap
Rights = Sequence[NDArray[np.bool_]]  # of each clip, whether each of its places was right


@dataclass(frozen=True)
class Share:
    """A mean over all places of all clips, and its 95 % interval: clips, not places, are drawn again."""

    mean: float
    low: float
    high: float
    n_clips: int


def offset_distances(video: NDArray[np.float32], audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """`(n, 2 REACH + 1)` of vectors `(W, D)`: of each window that has all sounds around it, column j is j - REACH
    frames later. No rows where W < 2 REACH + 1.
    """
    distances = input_distances(video, audio, lead_frames=0)[REACH : max(REACH, len(video) - REACH)]
    return distances.astype(np.float32)


def rights(distances: NDArray[np.float32], n_frames: int) -> NDArray[np.bool_]:
    """Of each `n_frames` consecutive pictures, whether the nearest sound is the right one: `(n_places,)`."""
    n_averaged = n_frames - INPUT_FRAMES + 1
    if len(distances) < n_averaged:
        return np.zeros(0, np.bool_)
    sums = np.cumsum(np.pad(distances.astype(np.float64), ((1, 0), (0, 0))), axis=0)
    means = sums[n_averaged:] - sums[:-n_averaged]
    return np.asarray(np.abs(means.argmin(1) - REACH) <= TOLERANCE)


def share(found: Rights, *, seed: int = 0) -> Share:
    """The share of places that are right. Of no clip at all: no numbers."""
    hits, sizes = _counts(found)
    if not sizes.sum():
        return Share(float("nan"), float("nan"), float("nan"), 0)
    drawn = _drawn(len(found), seed)
    low, high = np.quantile(hits[drawn].sum(1) / np.maximum(1, sizes[drawn].sum(1)), (0.025, 0.975))
    return Share(float(hits.sum() / sizes.sum()), float(low), float(high), len(found))


def gain(found: Rights, other: Rights, *, seed: int = 0) -> Share:
    """By how much `found` is more often right than `other` on the same clips: the paired bootstrap.

    Of no clip at all: no numbers.
    """
    hits, sizes = _counts(found)
    if not sizes.sum():
        return Share(float("nan"), float("nan"), float("nan"), 0)
    other_hits, _ = _counts(other)
    drawn = _drawn(len(found), seed)
    gains = (hits - other_hits)[drawn].sum(1) / np.maximum(1, sizes[drawn].sum(1))
    low, high = np.quantile(gains, (0.025, 0.975))
    return Share(float((hits - other_hits).sum() / sizes.sum()), float(low), float(high), len(found))


def _counts(found: Rights) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.array([each.sum() for each in found], float), np.array([len(each) for each in found], float)


def _drawn(n_clips: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, n_clips, (N_DRAWS, n_clips))
