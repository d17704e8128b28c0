"""Clips -> what the networks learn from: a face's crops and its sound, cached on disk, and changed a little each time.

Nobody labels anything: that a picture and the sound of the same instant belong together is all there is to learn
(Chung and Zisserman, "Out of time", 2016).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.avsync.syncnet.corpora import Clip
from apps.avsync.syncnet.faces import FRAME_RATE, FaceOptions, face_tracks
from apps.avsync.syncnet.mfcc import STEPS_PER_FRAME, mfcc
from apps.media.audio import SAMPLE_RATE, AudioDecodeError, NoAudioError, stream_samples
from apps.media.frames import VideoDecodeError, stream_frames
from apps.results.replacing import replacing

SAMPLES_PER_FRAME = SAMPLE_RATE // FRAME_RATE
MARGIN = 8  # pixels around a cached crop, for crops that are moved, turned and scaled
MAX_FRAME_SIDE = 1280  # pixels


@dataclass(frozen=True)
class Example:
    """The longest face track of a clip with its sound.

    `crops`: uint8 `(n, size + 2 MARGIN, size + 2 MARGIN)`, with a last axis of 3 where they are RGB. `samples`: float32
    `(n SAMPLES_PER_FRAME,)`; `coefficients`: their MFCCs, float32 `(4 n, 13)`.
    """

    clip: Clip
    crops: NDArray[np.uint8]
    samples: NDArray[np.float32]
    coefficients: NDArray[np.float32]


@dataclass(frozen=True)
class AugmentOptions:
    """Largest changes, drawn once for a clip: what changes between pictures would be taken for lips."""

    shift_pixels: float = 5.0
    scale: float = 0.12
    turn_degrees: float = 8.0
    brightness: float = 0.2
    contrast: float = 0.25
    gain_db: float = 8.0
    noise_share: float = 0.5  # of clips
    noise_snr_db: tuple[float, float] = (5.0, 30.0)
    is_flipped: bool = True
    # What makes other people of those that there are, and poorer files: other mouths, throats, pictures.
    aspect: float = 0.0
    gamma: float = 0.0
    blur_share: float = 0.0  # of clips, up to BLURRED_TO of their pixels
    grain_share: float = 0.0  # of clips, noise of up to GRAIN levels, in each picture another
    warp: float = 0.0  # of frequencies


STRONG = AugmentOptions(
    shift_pixels=7.0,
    scale=0.2,
    turn_degrees=12.0,
    aspect=0.15,
    gamma=0.4,
    blur_share=0.4,
    warp=0.15,
    gain_db=10.0,
    grain_share=0.4,
)
BLURRED_TO = 0.3
GRAIN = 14.0  # standard deviation, of 255 levels
WARP_STEP = 0.01  # filters of as many warps are kept as there are steps


class Cache:
    """Examples in a folder, made where they are missing. Another crop is another file."""

    def __init__(self, folder: Path, options: FaceOptions) -> None:
        self._folder = folder
        self._options = options.with_margin(MARGIN)
        self._key = json.dumps(asdict(options), sort_keys=True)

    def example(self, clip: Clip) -> Example | None:
        """None where the clip has no face for long enough, or cannot be read."""
        path = self._folder / f"{clip.path.stem}-{self._digest(clip)}.npz"
        if not path.exists():
            self._write(path, clip)
        with np.load(path) as arrays:
            if not len(arrays["crops"]):
                return None
            samples = arrays["samples"].astype(np.float32) / 2**15
            return Example(clip, arrays["crops"], samples, arrays["coefficients"])

    def examples(self, clips: Sequence[Clip], report: Callable[[int], None] | None = None) -> list[Example]:
        """Those of all clips that have one; `report` is told how many clips were looked at."""
        found = []
        for number, clip in enumerate(clips, start=1):
            example = self.example(clip)
            if example is not None:
                found.append(example)
            if report is not None:
                report(number)
        return found

    def _digest(self, clip: Clip) -> str:
        facts = clip.path.stat()
        key = f"{clip.path.resolve()}:{facts.st_size}:{facts.st_mtime_ns}:{self._key}"
        return hashlib.sha256(key.encode()).hexdigest()[:16]

    def _write(self, path: Path, clip: Clip) -> None:
        crops, samples = read_face(clip.path, self._options)
        self._folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial, partial.open("wb") as file:
            np.savez(
                file,
                crops=crops,
                samples=np.round(np.clip(samples * 2**15, -(2**15), 2**15 - 1)).astype(np.int16),
                coefficients=mfcc(samples),
            )


def read_face(path: Path, options: FaceOptions) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Crops and samples of the longest face track, both empty where there is none; see `Example`."""
    nothing = np.zeros((0, options.size, options.size), np.uint8), np.zeros(0, np.float32)
    try:
        tracks = list(face_tracks(stream_frames(path, max_side=MAX_FRAME_SIDE), options))
        if not tracks:
            return nothing
        track = max(tracks, key=lambda each: len(each.crops))
        samples = np.concatenate(list(stream_samples(path, start_ms=round(1000 * track.start_s))))
    except (AudioDecodeError, NoAudioError, VideoDecodeError):
        return nothing
    n = min(len(track.crops), -(-len(samples) // SAMPLES_PER_FRAME))  # sound often ends within the last picture
    return track.crops[:n], _fitted(samples, n * SAMPLES_PER_FRAME)


def _fitted(samples: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    return np.pad(samples[:length], (0, max(0, length - len(samples))))


def inner(crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cached crops without their margin: what the network is given when nothing is changed."""
    return crops[:, MARGIN:-MARGIN, MARGIN:-MARGIN]


def later(samples: NDArray[np.float32], by_ms: float) -> NDArray[np.float32]:
    """The same sound so much later (earlier where negative), as long as before, silent where nothing is known."""
    n = round(by_ms * SAMPLE_RATE / 1000)
    moved = np.roll(samples, n)
    moved[slice(0, n) if n >= 0 else slice(n, None)] = 0.0
    return moved


@dataclass(frozen=True)
class Batch:
    """`crops`: uint8 `(B, T, H, W, C)`; `coefficients`: float32 `(B, 4 T, 13)`."""

    crops: NDArray[np.uint8]
    coefficients: NDArray[np.float32]


def training_batches(
    examples: Sequence[Example],
    *,
    size: int,
    n_frames: int,
    seed: int,
    start: int = 0,
    augment: AugmentOptions | None = None,
    balance: float = 0.5,
) -> Iterator[Batch]:
    """Batches for ever, from the `start`-th on, each drawn from seed and number alone.

    Clips shorter than `n_frames` are left out. A speaker with n clips is drawn n ** (1 - `balance`) times as often as
    one with a single clip: with 0 as clips are, with 1 all speakers alike, so that a corpus of one main speaker teaches
    more than that one face.
    """
    usable = [example for example in examples if len(example.crops) >= n_frames]
    counts: dict[str, int] = {}
    for example in usable:
        counts[example.clip.speaker] = counts.get(example.clip.speaker, 0) + 1
    weights = np.array([counts[example.clip.speaker] ** -balance for example in usable])
    number = start
    while True:
        generator = np.random.default_rng((seed, number))
        chosen = generator.choice(len(usable), size, replace=len(usable) < size, p=weights / weights.sum())
        made = [_drawn(usable[index], n_frames, generator, augment) for index in chosen]
        yield Batch(np.stack([crops for crops, _ in made]), np.stack([coefficients for _, coefficients in made]))
        number += 1


def _drawn(
    example: Example, n_frames: int, generator: np.random.Generator, augment: AugmentOptions | None
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    first = int(generator.integers(len(example.crops) - n_frames + 1))
    crops = example.crops[first : first + n_frames]
    if augment is None:
        coefficients = example.coefficients[first * STEPS_PER_FRAME : (first + n_frames) * STEPS_PER_FRAME]
        return _with_channels(inner(crops)), coefficients
    samples = example.samples[first * SAMPLES_PER_FRAME : (first + n_frames) * SAMPLES_PER_FRAME]
    changed = _with_channels(augmented_crops(crops, augment, generator))
    heard = augmented_samples(samples, augment, generator)
    steps = round(augment.warp / WARP_STEP)
    warp = 1 + WARP_STEP * int(generator.integers(-steps, steps + 1)) if steps else 1.0
    return changed, mfcc(heard, warp=warp)


def _with_channels(crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return crops if crops.ndim == 4 else crops[..., None]


def augmented_crops(
    crops: NDArray[np.uint8], options: AugmentOptions, generator: np.random.Generator
) -> NDArray[np.uint8]:
    """All crops moved, turned, scaled, mirrored and lit alike; without their margin."""
    cached = crops.shape[1]
    size = cached - 2 * MARGIN
    scale = 1 + generator.uniform(-options.scale, options.scale)
    middle, turn = (cached - 1) / 2, generator.uniform(-options.turn_degrees, options.turn_degrees)
    matrix = np.asarray(cv2.getRotationMatrix2D((middle, middle), turn, scale), np.float64)
    if options.aspect:
        stretch = 1 + generator.uniform(-options.aspect, options.aspect)
        matrix[0] *= stretch
        matrix[0, 2] += middle * (1 - stretch)
    matrix[:, 2] += generator.uniform(-options.shift_pixels, options.shift_pixels, 2) - MARGIN
    if options.is_flipped and generator.random() < 0.5:
        matrix[0] = -matrix[0]
        matrix[0, 2] += size - 1
    contrast = 1 + generator.uniform(-options.contrast, options.contrast)
    light = 255 * generator.uniform(-options.brightness, options.brightness) + 128 * (1 - contrast)
    levels = np.clip(np.arange(256) * contrast + light, 0, 255).astype(np.uint8)
    if options.gamma:
        levels = np.asarray(255 * (levels / 255) ** np.exp(generator.uniform(-options.gamma, options.gamma)), np.uint8)
    blurred = size
    if options.blur_share and generator.random() < options.blur_share:
        blurred = round(size * generator.uniform(BLURRED_TO, 1))
    moved = []
    for crop in crops:
        changed = cv2.warpAffine(crop, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        if blurred < size:
            small = cv2.resize(changed, (blurred, blurred), interpolation=cv2.INTER_AREA)
            changed = cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR)
        moved.append(changed)
    lit = levels[np.stack(moved)]
    if options.grain_share and generator.random() < options.grain_share:
        grain = generator.uniform(0, GRAIN) * generator.standard_normal(lit.shape, np.float32)
        lit = np.clip(lit + grain, 0, 255)
    return np.asarray(lit, np.uint8)


def augmented_samples(
    samples: NDArray[np.float32], options: AugmentOptions, generator: np.random.Generator
) -> NDArray[np.float32]:
    """The sound louder or softer, and with noise of a colour between white and brown under it."""
    changed = samples * 10 ** (generator.uniform(-options.gain_db, options.gain_db) / 20)
    if generator.random() < options.noise_share:
        spectrum = np.fft.rfft(generator.standard_normal(len(samples)))
        spectrum /= np.maximum(1, np.arange(len(spectrum))) ** generator.uniform(0, 1)
        noise = np.fft.irfft(spectrum, len(samples))
        snr_db = generator.uniform(*options.noise_snr_db)
        loudness = np.sqrt(np.mean(changed**2) / (np.mean(noise**2) + 1e-12)) * 10 ** (-snr_db / 20)
        changed = changed + loudness * noise
    return changed.astype(np.float32)
