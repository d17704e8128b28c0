"""Copies of clips as bad networks and old files have them: few pixels, few bits, other pictures a second, noise.

`degraded` makes all of one kind, to measure on; `recoded` makes each another, to learn from.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from apps.avsync.syncnet.corpora import Clip

# What ffmpeg is asked for. A quarter of GRID's side leaves a mouth of some 12 pixels.
DEGRADATIONS: dict[str, tuple[str, ...]] = {
    "low_resolution": ("-vf", "scale=trunc(iw/8)*2:trunc(ih/8)*2", "-c:v", "libx264", "-crf", "23", "-c:a", "aac"),
    "compressed": ("-c:v", "libx264", "-crf", "42", "-c:a", "aac", "-b:a", "24k"),
}
# Of copies to learn from. 24 to 60 pictures a second come back as 25, some of them twice or not at all.
SIDES = (1, 1, 0.75, 0.5, 0.375)
RATES = ("24", "24", "25", "30000/1001", "50")
NOISY_SHARE = 0.4
CRF = (24, 42)
TIMEOUT_S = 120.0
ERROR_CHARACTERS = 400


class DegradationError(Exception):
    """ffmpeg did not write a copy. The message ends with what it said."""


def degraded(clips: Sequence[Clip], name: str, folder: Path) -> list[Clip]:
    """The clips' copies in `folder / name`, made where they are missing. Raises DegradationError."""
    return [_copy(clip, DEGRADATIONS[name], folder / name) for clip in clips]


def recoded(clips: Sequence[Clip], folder: Path, *, seed: int = 0) -> list[Clip]:
    """A copy of each clip in `folder / "recoded"`, as different as files of people are; made where it is missing.

    What is done to a clip hangs on its name and the seed alone. Raises DegradationError.
    """
    return [_copy(clip, _drawn(clip, seed), folder / "recoded") for clip in clips]


def _drawn(clip: Clip, seed: int) -> tuple[str, ...]:
    """What ffmpeg is asked for: a side, a rate and noise of their own for each clip, and from fair to few bits."""
    digest = hashlib.sha256(f"{seed}:{clip.speaker}:{clip.path.stem}".encode()).digest()
    generator = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    side = generator.choice(SIDES)
    # By its own option for rates, ffmpeg would show pictures up to two frames late.
    filters = [f"fps={generator.choice(RATES)}", f"scale=trunc(iw*{side}/2)*2:trunc(ih*{side}/2)*2"]
    if generator.random() < NOISY_SHARE:
        filters.append(f"noise=alls={generator.integers(5, 25)}:allf=t")
    return (
        "-vf", ",".join(filters), "-c:v", "libx264", "-preset", "veryfast",
        "-pix_fmt", "yuv420p", "-crf", str(generator.integers(*CRF)), "-c:a", "aac", "-b:a", "64k",
    )  # fmt: skip


def _copy(clip: Clip, wanted: Sequence[str], folder: Path) -> Clip:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{clip.speaker}_{clip.path.stem}.mp4"
    if path.exists():
        return replace(clip, path=path)
    partial = path.with_suffix(".partial.mp4")
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-y", "-protocol_whitelist", "file,pipe",
        "-i", str(clip.path.resolve()), *wanted, str(partial.resolve()),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace")[-ERROR_CHARACTERS:]
        raise DegradationError(f"{clip.path} cannot be copied: {said}")
    partial.replace(path)
    return replace(clip, path=path)
