"""Clips -> the same clips with their own offset taken out: recordings are less exact than they are said to be.

Sound and lips of one GRID clip lie up to 65 ms apart where those of the next agree, and of a few some hundred. That it
is the clip's and not the network's shows in its halves, which say different words: a network that is asked about each
by itself finds the same. What learns from such clips is told that wrong is right; what is measured on them, that right
is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from apps.avsync.syncnet.corpora import Clip
from apps.avsync.syncnet.dataset import Cache, Example, inner, later
from apps.avsync.syncnet.mfcc import mfcc
from apps.avsync.syncnet.offset import input_distances, mean_curve, minimum_of
from apps.avsync.syncnet.streams import SyncNetwork
from apps.avsync.syncnet.weights import TrainedNetwork

HALVES_AGREE_MS = 40.0
Key = tuple[str, str]  # who says what; copies of a clip have the offset of the clip


@dataclass(frozen=True)
class OwnOffset:
    """What a network finds in a clip and in each half of it, in ms; positive: the sound is late."""

    whole_ms: float
    halves_ms: tuple[float, float]
    is_at_edge: bool = False  # of what is compared: it may lie beyond

    @property
    def is_sure(self) -> bool:
        return not self.is_at_edge and abs(self.halves_ms[0] - self.halves_ms[1]) <= HALVES_AGREE_MS


def key_of(clip: Clip) -> Key:
    return clip.speaker, clip.sentence


def own_offsets(network: SyncNetwork, examples: Sequence[Example]) -> dict[Key, OwnOffset]:
    """Of each clip that can be halved, less the median of all: what all have in common is the network's own."""
    found: dict[Key, OwnOffset] = {}
    for example in examples:
        offset = _own_offset(network, example)
        if offset is not None:
            found[key_of(example.clip)] = offset
    if not found:
        return found
    median_ms = float(np.median([offset.whole_ms for offset in found.values()]))
    return {key: _less(offset, median_ms) for key, offset in found.items()}


def offsets_of(clips: Sequence[Clip], aligner: TrainedNetwork, cache: Path) -> dict[Key, OwnOffset]:
    """`own_offsets` of clips, as a trained network finds them in the crops that it wants, from that folder of crops."""
    return own_offsets(aligner.network, Cache(cache, aligner.crop).examples(clips))


def rows_of(offsets: Mapping[Key, OwnOffset]) -> list[dict[str, Any]]:
    """A row for each clip, the farthest off first."""
    ordered = sorted(offsets.items(), key=lambda each: -abs(each[1].whole_ms))
    return [
        {
            "speaker": speaker,
            "sentence": sentence,
            "own_offset_ms": round(offset.whole_ms, 1),
            "first_half_ms": round(offset.halves_ms[0], 1),
            "second_half_ms": round(offset.halves_ms[1], 1),
            "is_sure": offset.is_sure,
        }
        for (speaker, sentence), offset in ordered
    ]


def aligned(examples: Sequence[Example], offsets: Mapping[Key, OwnOffset]) -> list[Example]:
    """The examples with their sound moved to where the lips are; without those of which nobody is sure."""
    moved = []
    for example in examples:
        offset = offsets.get(key_of(example.clip))
        if offset is not None and offset.is_sure:
            samples = later(example.samples, -offset.whole_ms)
            moved.append(replace(example, samples=samples, coefficients=mfcc(samples)))
    return moved


def _own_offset(network: SyncNetwork, example: Example) -> OwnOffset | None:
    distances = input_distances(
        network.embed_video(inner(example.crops)), network.embed_audio(example.coefficients), lead_frames=0
    )
    middle = len(distances) // 2
    curves = [mean_curve(part) for part in (distances, distances[:middle], distances[middle:])]
    if not all(np.isfinite(curve).all() for curve in curves):
        return None
    minima = [minimum_of(curve) for curve in curves]
    whole_ms, first_ms, second_ms = (minimum.offset_ms for minimum in minima)
    return OwnOffset(whole_ms, (first_ms, second_ms), any(minimum.is_at_edge for minimum in minima))


def _less(offset: OwnOffset, by_ms: float) -> OwnOffset:
    first, second = offset.halves_ms
    return replace(offset, whole_ms=offset.whole_ms - by_ms, halves_ms=(first - by_ms, second - by_ms))
