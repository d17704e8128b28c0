"""Talks for `benchmarks.sync_drift`: clips of GRID joined, and their sound made to drift, to jump, or moved as a whole.

Pictures are encoded once a talk and kept; every file of it copies them. Sound is written as it is, without a codec:
it is resampled, as a clock that runs fast or slow would do, or cut and moved, never by timestamps alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from benchmarks.sync_scenes import ffmpeg, moved

SAMPLE_RATE = 16_000
CLIP_S = 3
FINE_RATE = 192_000  # a clock is off by whole hertz of it: 3 parts in a million


@dataclass(frozen=True)
class Movement:
    """How late the sound is where the talk begins, and where it ends; `is_jump`: all of it at half time."""

    kind: str
    first_ms: float
    last_ms: float
    is_jump: bool = False

    @property
    def middle_ms(self) -> float:
        return (self.first_ms + self.last_ms) / 2

    def filters(self, whole_s: float) -> str:
        """ffmpeg's graph from [1:a] to [a], as long as before."""
        if self.is_jump:
            half = whole_s / 2
            return (
                f"[1:a]asplit[x][y];[x]{moved(self.first_ms)},apad,atrim=end={half}[p];"
                f"[y]{moved(self.last_ms)},apad,atrim=start={half}:end={whole_s},asetpts=PTS-STARTPTS[q];"
                "[p][q]concat=v=0:a=1[a]"
            )
        slower = 1 + (self.last_ms - self.first_ms) / 1000 / whole_s
        clock = "" if slower == 1 else f"aresample={FINE_RATE},asetrate={round(FINE_RATE / slower)},"
        return f"[1:a]{clock}aresample={SAMPLE_RATE},{moved(self.first_ms)},apad,atrim=end={whole_s}[a]"


def constant(shift_ms: float) -> Movement:
    return Movement("constant", shift_ms, shift_ms)


def drift(by_ms: float, middle_ms: float = 0.0) -> Movement:
    """Later by so much from the beginning to the end."""
    about = f" about {abs(middle_ms):g} ms" if middle_ms else ""
    return Movement(f"drift of {abs(by_ms):g} ms{about}", middle_ms - by_ms / 2, middle_ms + by_ms / 2)


def jump(before_ms: float, after_ms: float) -> Movement:
    return Movement(f"jump of {abs(after_ms - before_ms):g} ms", before_ms, after_ms, is_jump=True)


def speed(kind: str, share: float, minutes: float) -> Movement:
    """Sound that fits at the beginning, for pictures of another speed."""
    return Movement(kind, 0.0, share * minutes * 60_000)


@dataclass(frozen=True)
class Talk:
    """Clips one after the other, over and over where they are fewer than it takes."""

    name: str
    part: str
    minutes: int
    clips: Sequence[Path]

    @property
    def whole_s(self) -> int:
        return 60 * self.minutes

    def write(self, target: Path, movement: Movement, folder: Path) -> None:
        """A file with this talk's pictures and its sound moved so; pictures and sound as they are are kept in `folder`.

        `target` ends in .mov, which takes sound without a codec.
        """
        pictures, sound = self.encoded(folder)
        ffmpeg(
            target, "-i", str(pictures), "-i", str(sound), "-filter_complex", movement.filters(self.whole_s),
            "-map", "0:v", "-map", "[a]", "-c:v", "copy", "-c:a", "pcm_s16le",
        )  # fmt: skip

    def encoded(self, folder: Path) -> tuple[Path, Path]:
        """Pictures and sound, made where they are not there yet."""
        pictures, sound = folder / f"{self.name}.mp4", folder / f"{self.name}.wav"
        if not (pictures.exists() and sound.exists()):
            folder.mkdir(parents=True, exist_ok=True)
            cycled = list(itertools.islice(itertools.cycle(self.clips), self.whole_s // CLIP_S))
            _join_pictures(cycled, pictures)
            _join_sound(cycled, sound)
        return pictures, sound


def _join_pictures(clips: Sequence[Path], target: Path) -> None:
    """Numbered anew, 25 a second: a clip's sound may last longer than its pictures, and would make a hole."""
    listing = target.with_suffix(".txt")
    listing.write_text("".join(f"file '{path.resolve()}'\n" for path in clips), encoding="utf-8")
    partial = target.with_suffix(".partial.mp4")
    ffmpeg(
        partial, "-f", "concat", "-safe", "0", "-i", str(listing), "-an", "-vf", "setpts=N/25/TB", "-r", "25",
        "-c:v", "libx264", "-preset", "ultrafast", "-crf", "20", "-g", "50", "-pix_fmt", "yuv420p",
    )  # fmt: skip
    partial.replace(target)
    listing.unlink()
    with av.open(str(target)) as written:
        n_pictures = written.streams.video[0].frames
    if n_pictures != len(clips) * CLIP_S * 25:
        target.unlink()
        raise ValueError(f"{target.stem}: {n_pictures} pictures of {len(clips)} clips; give clips of 75 pictures.")


def _join_sound(clips: Sequence[Path], target: Path) -> None:
    """Each clip's sound where its pictures are, to the sample."""
    from apps.media.audio import samples_between

    heard = {path: next(samples_between(path, [(0.0, CLIP_S)])) for path in set(clips)}
    joined = np.concatenate([heard[path] for path in clips])
    raw = target.with_suffix(".raw")
    raw.write_bytes((np.clip(joined, -1, 1) * 32767).astype("<i2").tobytes())
    partial = target.with_suffix(".partial.wav")
    ffmpeg(partial, "-f", "s16le", "-ar", str(SAMPLE_RATE), "-ac", "1", "-i", str(raw))
    partial.replace(target)
    raw.unlink()
