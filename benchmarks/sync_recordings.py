"""What a network of lip sync was not trained on: clips, and groups that make talks, in orders that mix speakers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from benchmarks.sync_rows import JOINT

if TYPE_CHECKING:
    from apps.avsync.syncnet.corpora import Clip
    from apps.avsync.syncnet.weights import TrainedNetwork

SEED = 5
GROUP = 4  # clips: twelve seconds
MAX_ROUNDS = 200  # of drawing groups anew; few clips give few different ones
PARTS = ("unseen_speakers", "unseen_clips")


@dataclass(frozen=True)
class Recording:
    """A clip of the evaluation, and which part of the split it is of."""

    clip: Clip
    part: str

    @property
    def name(self) -> str:
        return f"{self.clip.path.parent.name}/{self.clip.path.name}"


Group = tuple[Recording, ...]
One = TypeVar("One")


def evaluation(folder: Path, trained: TrainedNetwork) -> list[Recording]:
    """What the network was not trained on, in an order that mixes speakers."""
    from apps.avsync.syncnet.corpora import SplitOptions, read_grid, split

    held_out = tuple(trained.facts.get("held_out", ()))
    parts = split(read_grid(folder), SplitOptions(held_out=held_out))
    recordings = [Recording(clip, part) for part in PARTS for clip in parts[part]]  # type: ignore[index]
    order = np.random.default_rng(SEED).permutation(len(recordings))
    return [recordings[index] for index in order]


def by_turns(recordings: Sequence[Recording]) -> list[Recording]:
    """Two of speakers never seen and one of those seen take their turn, and within each part all its speakers."""
    unseen, seen = (_in_turns(list(_by_speaker(recordings, part).values())) for part in PARTS)
    return _in_turns([unseen[0::2], unseen[1::2], seen])


def groups(recordings: Sequence[Recording], n: int, size: int = GROUP) -> list[Group]:
    """So many different groups of `size` clips, of each part half, as far as there are so many.

    One speaker has a group, or, of clips that are left over, several speakers of a part take their turn in it.
    """
    halves = []
    for part, wanted in zip(PARTS, (n - n // 2, n // 2), strict=True):
        found: dict[frozenset[str], Group] = {}
        for number in range(MAX_ROUNDS):
            if len(found) >= wanted:
                break
            order = np.random.default_rng((SEED, number)).permutation(len(recordings))
            for group in _round_of_groups(_by_speaker([recordings[index] for index in order], part), size):
                found.setdefault(frozenset(recording.name for recording in group), group)
        halves.append(list(found.values())[:wanted])
    return _in_turns(halves)


def _round_of_groups(by_speaker: dict[str, list[Recording]], size: int) -> list[Group]:
    """Each clip at most once."""
    queues = [_grouped(own, size) for own in by_speaker.values()]
    left = [recording for own in by_speaker.values() for recording in own[len(own) - len(own) % size :]]
    return _in_turns([*queues, _grouped(left, size)])


def _grouped(recordings: Sequence[Recording], size: int) -> list[Group]:
    whole = len(recordings) - len(recordings) % size
    return [tuple(recordings[first : first + size]) for first in range(0, whole, size)]


def _by_speaker(recordings: Sequence[Recording], part: str) -> dict[str, list[Recording]]:
    found: dict[str, list[Recording]] = {}
    for recording in recordings:
        if recording.part == part:
            found.setdefault(recording.clip.speaker, []).append(recording)
    return found


def _in_turns(queues: Sequence[Sequence[One]]) -> list[One]:
    """The first of each, then the second of each, as far as there are any."""
    return [one for turn in zip_longest(*queues) for one in turn if one is not None]


def name_of(group: Group) -> str:
    return JOINT.join(recording.name for recording in group)


def paths_of(group: Group) -> tuple[Path, ...]:
    return tuple(recording.clip.path for recording in group)
