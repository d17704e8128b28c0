"""Drawn faces whose mouths open as loudly as they sing, and a network that sees just that: it really finds offsets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from apps.avsync.syncnet.faces import FaceOptions, face_tracks
from apps.avsync.syncnet.network_checker import NetworkChecker
from apps.avsync.syncnet.offset import INPUT_FRAMES, Calibration
from apps.media.audio import samples_between
from apps.media.frames import Frame, stream_frames

RATE = 16_000  # Hz
FPS = 25
HOP = RATE // FPS
WIDTH, HEIGHT = 160, 120
FACE, MOUTH = (40, 20, 80), (70, 74, 20)  # x, y, side
SKIN, DARKEST, BRIGHTEST = 200, 30, 170  # grey levels; the mouth brightens as it opens


@dataclass(frozen=True, eq=False)
class Clip:
    """Pictures and their sound, both from the same instant on."""

    frames: list[Frame]
    samples: NDArray[np.float32]


def later(samples: NDArray[np.float32], by_ms: float, *, keep_all: bool = False) -> NDArray[np.float32]:
    """The same sound so much later; as long as before, unless all of it is kept."""
    n = round(by_ms * RATE / 1000)
    moved = np.concatenate([np.zeros(max(0, n), np.float32), samples[max(0, -n) :], np.zeros(max(0, -n), np.float32)])
    return moved if keep_all else moved[: len(samples)]


def loudness(seconds: float, seed: int) -> NDArray[np.float64]:
    """Of a voice, at 25 values a second, in [0, 1]: syllables of any length with pauses."""
    generator = np.random.default_rng(seed)
    raw = np.convolve(generator.standard_normal(round(seconds * FPS) + 4), [0.25, 0.5, 0.25], "same")[2:-2]
    return np.clip(0.45 + 0.6 * raw, 0.0, 1.0)


def sung(levels: NDArray[np.float64]) -> NDArray[np.float32]:
    """A voice of 160 Hz with harmonics, as loud as `levels` say at 25 values a second: 640 samples each."""
    time_s = np.arange(len(levels) * HOP) / RATE
    voice = sum(np.sin(2 * np.pi * 160 * n * time_s) / n for n in range(1, 6))
    return np.asarray(0.25 * np.repeat(levels, HOP) * voice, dtype=np.float32)


def face(level: float) -> NDArray[np.uint8]:
    """RGB `(120, 160, 3)`: a face whose mouth is open so wide."""
    image = np.full((HEIGHT, WIDTH, 3), 20, dtype=np.uint8)
    for (x, y, side), grey in ((FACE, SKIN), (MOUTH, round(DARKEST + level * (BRIGHTEST - DARKEST)))):
        image[y : y + side, x : x + side] = grey
    return image


def talk(seconds: float = 4.0, *, seed: int = 0) -> Clip:
    levels = loudness(seconds, seed)
    return Clip([Frame(face(level), index / FPS) for index, level in enumerate(levels)], sung(levels))


class DrawnFaceDetector:
    """Sees skin: a face in each half of a wide picture, or the one of a narrow one."""

    def detect(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        x, y, side = FACE
        lefts = range(0, image.shape[1], WIDTH)
        found = [left for left in lefts if image[y + 2, left + x + 2, 0] > SKIN - 20]
        return np.array([(left + x, y, side, side) for left in found], dtype=np.float32).reshape(-1, 4)


class LoudMouthNetwork:
    """How bright the mouth and how loud the sound is, over five frames."""

    def video(self, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
        levels = (crops[:, 12:20, 12:20].mean(axis=(1, 2)) - DARKEST) / (BRIGHTEST - DARKEST)
        return np.lib.stride_tricks.sliding_window_view(levels, INPUT_FRAMES)

    def audio(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        blocks = samples[: len(samples) // HOP * HOP].reshape(-1, HOP).astype(np.float64)
        levels = np.sqrt(np.square(blocks).mean(axis=1)) / 0.214  # of `sung` at its loudest
        return np.lib.stride_tricks.sliding_window_view(levels, INPUT_FRAMES)


def drawn_checker() -> NetworkChecker:
    options = FaceOptions(size=32, share=0.4)
    return NetworkChecker(
        LoudMouthNetwork(),
        lambda frames: face_tracks(frames, options, DrawnFaceDetector()),
        name="loud mouth",
        calibration=Calibration(intercept=-12.0, slope=4.8),
    )


def write_clip(path: Path, clip: Clip, *, fps: int = FPS, starts_late_ms: float = 0.0) -> Path:
    """A file of the clip at another frame rate, whose sound a player begins so much later (or earlier)."""
    n_frames = round(len(clip.frames) * fps / FPS)
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=fps)
        picture.height, picture.width = clip.frames[0].image.shape[:2]
        picture.pix_fmt, picture.bit_rate = "yuv420p", 2_000_000
        sound: Any = container.add_stream("aac", rate=RATE, layout="mono")
        written = 0
        for index in range(n_frames):
            shown = clip.frames[min(len(clip.frames) - 1, round(index * FPS / fps))]
            image = av.VideoFrame.from_ndarray(shown.image, "rgb24")
            image.pts, image.time_base = index, Fraction(1, fps)
            container.mux(picture.encode(image))
            # Interleaved, as recorders write it.
            until = len(clip.samples) if index == n_frames - 1 else (index + 1) * RATE // fps // 1024 * 1024
            for start in range(written, until, 1024):
                block = np.ascontiguousarray(clip.samples[None, start : start + 1024])
                frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
                frame.sample_rate, frame.time_base = RATE, Fraction(1, RATE)
                frame.pts = start + round(starts_late_ms * RATE / 1000)
                container.mux(sound.encode(frame))
            written = max(written, until)
        container.mux(picture.encode(None))
        container.mux(sound.encode(None))
    return path


def read_clip(path: Path, *, seconds: float = 3.0) -> Clip:
    """The beginning of a file."""
    (samples,) = samples_between(path, [(0.0, seconds)])
    return Clip(list(stream_frames(path, end_s=seconds)), samples)


def beside(silent: Frame, speaker: Frame) -> NDArray[np.uint8]:
    """Two pictures of one height as one."""
    return np.concatenate([silent.image, speaker.image], axis=1)


def joined(clips: Iterable[Clip]) -> Clip:
    """One after the other."""
    frames: list[Frame] = []
    sounds = []
    for clip in clips:
        frames += [Frame(frame.image, (len(frames) + index) / FPS) for index, frame in enumerate(clip.frames)]
        sounds.append(clip.samples)
    return Clip(frames, np.concatenate(sounds))
