"""Drawn mouths that say words: each word opens the mouth in its own way. Enough for a small reader to learn from."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.avsync.syncnet.corpora import Clip
from apps.avsync.syncnet.dataset import MARGIN, Example
from apps.avsync.syncnet.words import SpokenWord, TimedWord, spoken_words

SIZE, CLIP_FRAMES = 32, 30
NAMES = ("mama", "oh", "yes")
MOVEMENTS = {"mama": (0, 1, 0, 1, 0, 1, 0), "oh": (0, 0, 1, 1, 1, 0, 0), "yes": (0, 0.5, 0.5, 0, 0, 1, 1)}
AT = (8, 22)  # frames of the middles of both words of a clip


def mouther(texts: tuple[str, str], *, seed: int, speaker: str = "a") -> Example:
    """A face that says these two words."""
    generator = np.random.default_rng(seed)
    opened = np.zeros(CLIP_FRAMES)
    for text, middle in zip(texts, AT, strict=True):
        opened[middle - 3 : middle + 4] = MOVEMENTS[text]
    side = SIZE + 2 * MARGIN
    rows = np.abs(np.arange(side) - side / 2)
    crops: NDArray[np.uint8] = np.full((CLIP_FRAMES, side, side), 180, np.uint8)
    crops += generator.integers(0, 20, (side, side), dtype=np.uint8)  # looks, which do not move
    for crop, width in zip(crops, opened, strict=True):
        crop[rows < 1 + 8 * width, side // 4 : -side // 4] = 20
    clip = Clip(Path(f"{speaker}{seed}.mp4"), speaker, f"{seed}")
    return Example(clip, crops, np.zeros(0, np.float32), np.zeros((0, 13), np.float32))


def said(n_clips: int, *, seed: int, speaker: str = "a") -> list[SpokenWord]:
    """The words of so many clips, two of each."""
    generator = np.random.default_rng(seed)
    examples, times = [], {}
    for number in range(n_clips):
        first, second = (NAMES[index] for index in generator.integers(0, len(NAMES), 2))
        example = mouther((first, second), seed=1000 * seed + number, speaker=speaker)
        examples.append(example)
        times[example.clip.path] = [
            TimedWord(text, (middle + 0.5) / 25) for text, middle in zip((first, second), AT, strict=True)
        ]
    return spoken_words(examples, times, NAMES, clip_frames=CLIP_FRAMES)
