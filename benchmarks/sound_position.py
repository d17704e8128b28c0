"""Where the sound of a copy lies against its pictures, compared with the recording that it is a copy of.

Both are decoded with their times, as a player does. Sound is found by the peak of its cross-correlation with the
recording's, between samples by the parabola through the peak and its neighbours: the error is below 0.1 ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from apps.media.audio import SAMPLE_RATE, duration_ms, opened, origin_s, samples_between

FARTHEST_MS = 1_000
ALIKE = 0.5  # of the correlation of a sound with itself: what was recoded and cut is still the same sound
MS_PER_SAMPLE = 1000 / SAMPLE_RATE


class UnlikeError(Exception):
    """The sound of the copy is not that of the recording."""


@dataclass(frozen=True, eq=False)
class Played:
    """What a player gives of a file, on one clock: samples from its beginning on, and the time of each picture."""

    samples: NDArray[np.float32]
    times_ms: NDArray[np.float64]
    pictures: tuple[int, ...]  # a checksum of each


def played(path: Path) -> Played:
    """Raises AudioDecodeError and NoAudioError (`apps.media`)."""
    [samples] = samples_between(path, [(0.0, duration_ms(path) / 1000)])
    with opened(path) as container:
        begins_s = origin_s(container)
        # As `stream_frames`, which makes them RGB: that would take most of the time.
        frames = [(frame.time, _checksum(frame)) for frame in container.decode(container.streams.video[0])]
    times_ms = np.array([1000 * (time_s - begins_s) for time_s, _ in frames if time_s is not None])
    return Played(samples, times_ms, tuple(checksum for _, checksum in frames))


def _checksum(frame: VideoFrame) -> int:
    return crc32(b"".join(bytes(plane) for plane in frame.planes))


def sound_late_ms(recording: Played, copy: Played) -> float:
    """How much later the sound of `copy` comes against its pictures than that of `recording`, whose pictures it shows.

    Raises UnlikeError.
    """
    n = min(len(recording.times_ms), len(copy.times_ms))
    pictures_late_ms = float(np.median(copy.times_ms[:n] - recording.times_ms[:n]))
    return lag_ms(recording.samples, copy.samples) - pictures_late_ms


def pictures_moved_ms(before: Played, after: Played) -> float:
    """The most by which a picture lies elsewhere among its fellows; infinity where they are not the same pictures."""
    if before.pictures != after.pictures:
        return float("inf")
    late_ms = after.times_ms - before.times_ms
    return float(np.abs(late_ms - np.median(late_ms)).max())


def lag_ms(reference: NDArray[np.float32], heard: NDArray[np.float32]) -> float:
    """How much later the same sound comes in `heard`, at most FARTHEST_MS either way. Raises UnlikeError.

    Both are float32 `(n_samples,)` at 16 kHz, of any length.
    """
    n = len(reference) + len(heard)
    spectrum = np.conj(np.fft.rfft(reference, n)) * np.fft.rfft(heard, n)
    correlation = np.fft.irfft(spectrum, n)  # at -1 the sound of `heard` that comes a sample early
    farthest = min(round(FARTHEST_MS / MS_PER_SAMPLE), n // 2 - 1)
    near = correlation[np.arange(-farthest, farthest + 1)]
    peak = int(near[1:-1].argmax()) + 1
    before, here, after = (float(value) for value in near[peak - 1 : peak + 2])
    whole = float(np.sqrt(np.square(reference).sum() * np.square(heard).sum()))
    if here <= ALIKE * whole:
        raise UnlikeError(f"The sounds correlate by {here / whole if whole else 0:.2f} at best: compare copies only.")
    between = 0.5 * (before - after) / (before - 2 * here + after)
    return (peak - farthest + between) * MS_PER_SAMPLE
