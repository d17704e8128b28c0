"""Drawn talkers: a mouth that opens as loudly as there is sound. Enough for a small network to learn something."""

from pathlib import Path

import numpy as np

from apps.avsync.syncnet.corpora import Clip
from apps.avsync.syncnet.dataset import MARGIN, SAMPLES_PER_FRAME, Example
from apps.avsync.syncnet.mfcc import mfcc

SIZE = 32


def talker(speaker: str, *, seed: int = 0, n_frames: int = 60) -> Example:
    generator = np.random.default_rng((seed, *speaker.encode()))
    opened = generator.random(n_frames)
    side = SIZE + 2 * MARGIN
    rows = np.abs(np.arange(side) - side / 2)
    crops = np.full((n_frames, side, side), 180, np.uint8)
    crops += generator.integers(0, 20, (side, side), dtype=np.uint8)  # looks, which do not move
    for crop, width in zip(crops, opened, strict=True):
        crop[rows < 1 + 8 * width, side // 4 : -side // 4] = 20
    loudness = np.repeat(opened, SAMPLES_PER_FRAME)
    samples = (0.3 * loudness * generator.standard_normal(len(loudness))).astype(np.float32)
    return Example(Clip(Path(f"{speaker}{seed}.mp4"), speaker, str(seed)), crops, samples, mfcc(samples))
