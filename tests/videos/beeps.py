"""Clips whose sound can be found again: a white flash and a beep at the first and at the second second."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from tests.videos.clips import Clips

BEEPS_S = (1.0, 2.0)
LOUD = 0.1  # of full scale
BRIGHT = 128

# By extension: what ffmpeg encodes with, and what the portal takes.
FORMATS: dict[str, tuple[str, ...]] = {
    "mp4": ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "+faststart"),
    "mov": ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le"),
    "mkv": ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "libvorbis"),
    "webm": ("-c:v", "libvpx", "-b:v", "100k", "-c:a", "libopus"),
    "mpg": ("-c:v", "mpeg1video", "-c:a", "mp2"),
    "avi": ("-c:v", "mpeg4", "-c:a", "libmp3lame"),
    "ts": ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"),
}


def beeping(clips: Clips, extension: str, *, late_ms: int = 0) -> Path:
    """Three seconds; each beep comes `late_ms` after its flash (before it where negative)."""
    beeps = "+".join(f"between(t,{at + late_ms / 1000},{at + late_ms / 1000 + 0.1})" for at in BEEPS_S)
    flashes = "+".join(f"between(t,{at - 0.01},{at + 0.02})" for at in BEEPS_S)
    return clips.ffmpeg(
        f"beeps{late_ms}.{extension}",
        "-f", "lavfi", "-i", "color=black:size=64x48:rate=25:duration=3",
        "-f", "lavfi", "-i", f"aevalsrc='if({beeps},0.5*sin(2*PI*1000*t),0)':s=48000:d=3",
        "-vf", f"drawbox=c=white:t=fill:enable='{flashes}'",
        *FORMATS[extension],
    )  # fmt: skip


def beeps_late_ms(path: Path) -> list[float]:
    """How long after its flash each beep begins, in milliseconds, in what a decoder gives."""
    flashes, beeps = _flashes_ms(path), _beeps_ms(path)
    return [beep - flash for flash, beep in zip(flashes, beeps, strict=True)]


def _flashes_ms(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        frames = container.decode(container.streams.video[0])
        return [frame.time * 1000 for frame in frames if frame.to_ndarray(format="gray").mean() > BRIGHT]


def _beeps_ms(path: Path) -> list[float]:
    beginnings: list[float] = []
    heard_ms = float("-inf")
    with av.open(str(path)) as container:
        to_floats = av.AudioResampler(format="fltp", layout="mono")
        for decoded in container.decode(container.streams.audio[0]):
            assert decoded.time is not None
            at_ms = decoded.time * 1000
            for frame in to_floats.resample(decoded):
                loud = np.flatnonzero(np.abs(frame.to_ndarray()[0]) > LOUD)
                for sample in loud:
                    now_ms = at_ms + sample / frame.sample_rate * 1000
                    if now_ms - heard_ms > 500:
                        beginnings.append(now_ms)
                    heard_ms = now_ms
    return beginnings
