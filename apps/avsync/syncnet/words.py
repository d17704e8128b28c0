"""Recordings whose words are known -> words to be read from lips: GRID and LRW as they are published."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.avsync.syncnet.corpora import Clip, CorpusError
from apps.avsync.syncnet.dataset import Example
from apps.avsync.syncnet.faces import FRAME_RATE

WORD_TIMES = "words.jsonl"  # of GRID: {"clip": "s1/bbaf2n.mp4", "words": [{"word", "start_ms", "end_ms"}, …]}
# A shorter track does not begin where its clip does, so that nobody knows where its words are.
CLIP_FRAMES: Mapping[str, int] = {"grid": 75, "lrw": 29}
# A sentence of GRID takes one word of each, in this order (Cooke et al., 2006, table I).
GRID_KINDS: Mapping[str, tuple[str, ...]] = {
    "commands": ("bin", "lay", "place", "set"),
    "colours": ("blue", "green", "red", "white"),
    "prepositions": ("at", "by", "in", "with"),
    "letters": tuple("abcdefghijklmnopqrstuvxyz"),
    "digits": ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    "adverbs": ("again", "now", "please", "soon"),
}
KINDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {"grid": GRID_KINDS, "lrw": {}}


@dataclass(frozen=True)
class TimedWord:
    """A word of a clip, and the middle of its time."""

    text: str
    middle_s: float


@dataclass(frozen=True)
class SpokenWord:
    """A word on a face: the class `label`, its middle in the frame `middle` of the example's crops."""

    example: Example
    label: int
    middle: int

    def frames(self, n_frames: int) -> NDArray[np.int64]:
        """Numbers of the `n_frames` frames around the middle; where the clip ends, its last frame again."""
        first = self.middle - n_frames // 2
        return np.clip(np.arange(first, first + n_frames), 0, len(self.example.crops) - 1)


def read_grid_words(folder: Path, clips: Iterable[Clip]) -> dict[Path, list[TimedWord]]:
    """By the clip's path, from `words.jsonl`. Clips without times are left out."""
    path = folder / WORD_TIMES
    if not path.is_file():
        raise CorpusError(f'There is no {path}: a line for each clip, {{"clip": "s1/bbaf2n.mp4", "words": […]}}.')
    with path.open(encoding="utf-8") as file:
        times = {folder / row["clip"]: row["words"] for row in map(json.loads, file)}
    return {
        clip.path: [TimedWord(word["word"], (word["start_ms"] + word["end_ms"]) / 2000) for word in times[clip.path]]
        for clip in clips
        if clip.path in times
    }


def read_lrw_words(folder: Path, clips: Iterable[Clip]) -> dict[Path, list[TimedWord]]:  # noqa: ARG001 (as GRID's)
    """By the clip's path: the name of its folder, in the middle of 29 frames (Chung and Zisserman, 2016)."""
    middle_s = CLIP_FRAMES["lrw"] / FRAME_RATE / 2
    return {clip.path: [TimedWord(clip.path.parent.parent.name, middle_s)] for clip in clips}


WORD_READERS: Mapping[str, Callable[[Path, Iterable[Clip]], dict[Path, list[TimedWord]]]] = {
    "grid": read_grid_words,
    "lrw": read_lrw_words,
}


def vocabulary(words: Mapping[Path, Sequence[TimedWord]], kinds: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """All words there are, by kind where kinds are known, and by the alphabet: a word's place is its label."""
    found = {word.text for of_clip in words.values() for word in of_clip}
    ordered = [text for of_kind in kinds.values() for text in of_kind if text in found]
    return (*ordered, *sorted(found - set(ordered)))


def spoken_words(
    examples: Iterable[Example],
    words: Mapping[Path, Sequence[TimedWord]],
    names: Sequence[str],
    *,
    clip_frames: int,
) -> list[SpokenWord]:
    """The words of all examples that show their face from the clip's first frame to its last."""
    labels = {text: label for label, text in enumerate(names)}
    return [
        SpokenWord(example, labels[word.text], int(word.middle_s * FRAME_RATE))
        for example in examples
        if len(example.crops) == clip_frames
        for word in words.get(example.clip.path, ())
    ]
