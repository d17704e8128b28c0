"""Recordings in the containers that people upload, their sound moved by known times, and repaired.

The sound is moved by silence before it or by dropping its beginning, and encoded anew: nothing in the file tells.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.sync_scenes import ffmpeg, moved

RATE = 48_000  # Hz, of the sound as people upload it
# Of the ends and of what lies between frames (40 ms) and whole milliseconds.
SHIFTS_MS = (0, -400, 210, -130, 70, 345, -50, 400, -266.7, -33.3, 16.7, 133.4)

H264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p")
CODED_H264 = ".mp4"  # GRID's clips, but for some in the format in which it was published; and what `join` makes
VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "800k")


@dataclass(frozen=True)
class Container:
    """What ffmpeg encodes with. `unsaid_ms` is silence that its encoder begins with and the container cannot tell."""

    extension: str
    picture: tuple[str, ...]
    sound: tuple[str, ...]
    unsaid_ms: float = 0.0


CONTAINERS: Mapping[str, Container] = {
    "MP4": Container("mp4", H264, ("aac", "-movflags", "+faststart")),
    "Matroska": Container("mkv", H264, ("libvorbis",)),
    "WebM": Container("webm", VP8, ("libopus",)),
    "MOV": Container("mov", H264, ("pcm_s16le",)),
    "AVI": Container(
        "avi",
        ("-c:v", "mpeg4", "-q:v", "3"),
        ("libmp3lame", "-avoid_negative_ts", "disabled"),
        unsaid_ms=1000 * 1105 / RATE,
    ),
    "MPEG": Container("mpg", ("-c:v", "mpeg1video", "-q:v", "3"), ("mp2",)),
    "MPEG-TS": Container("ts", H264, ("aac",)),
}


def in_turn(number: int) -> str:
    """A container's name; whoever counts recordings and shifts up gives each shift to each container."""
    return list(CONTAINERS)[number % len(CONTAINERS)]


def write_shifted(recording: Path, target: Path, container: Container, shift_ms: float) -> None:
    """`recording` in that container, its sound so much later, or earlier where negative."""
    filters = f"aresample={RATE},{moved(shift_ms - container.unsaid_ms)}"
    is_so_coded = container.picture is H264 and recording.suffix == CODED_H264
    picture = ("-c:v", "copy") if is_so_coded else (*container.picture, "-threads", "1")
    ffmpeg(target, "-i", str(recording), "-map", "0:v:0", "-map", "0:a:0", "-af", filters, *picture,
           "-c:a", *container.sound)  # fmt: skip


def repaired_copy(shifted: Path, shift_ms: int) -> Path | None:
    """What the portal makes of the file, moving its sound so much later; None where no container holds it so."""
    from apps.pipeline.moving_sound import moved_copy

    # Which containers were given up for Matroska is seen in what comes.
    logging.getLogger("apps.pipeline.moving_sound").setLevel(logging.ERROR)
    return moved_copy(shifted, "repaired", shift_ms, lambda _: None)
