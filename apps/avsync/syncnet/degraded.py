"""Copies of clips as bad networks and old files have them: few pixels, or few bits."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg

from apps.avsync.syncnet.corpora import Clip

# What ffmpeg is asked for. A quarter of GRID's side leaves a mouth of some 12 pixels.
DEGRADATIONS: dict[str, tuple[str, ...]] = {
    "low_resolution": ("-vf", "scale=trunc(iw/8)*2:trunc(ih/8)*2", "-c:v", "libx264", "-crf", "23", "-c:a", "aac"),
    "compressed": ("-c:v", "libx264", "-crf", "42", "-c:a", "aac", "-b:a", "24k"),
}
TIMEOUT_S = 120.0
ERROR_CHARACTERS = 400


class DegradationError(Exception):
    """ffmpeg did not write a copy. The message ends with what it said."""


def degraded(clips: Sequence[Clip], name: str, folder: Path) -> list[Clip]:
    """The clips' copies in `folder / name`, made where they are missing. Raises DegradationError."""
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    return [replace(clip, path=_copied(clip, name, target)) for clip in clips]


def _copied(clip: Clip, name: str, folder: Path) -> Path:
    path = folder / f"{clip.speaker}_{clip.path.stem}.mp4"
    if path.exists():
        return path
    partial = path.with_suffix(".partial.mp4")
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-y", "-protocol_whitelist", "file,pipe",
        "-i", str(clip.path.resolve()), *DEGRADATIONS[name], str(partial.resolve()),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace")[-ERROR_CHARACTERS:]
        raise DegradationError(f"{clip.path} cannot be copied: {said}")
    partial.replace(path)
    return path
