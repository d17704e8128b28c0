"""The ffmpeg program, on files of strangers: no network, no guessing of containers, and it dies with us.

Imports no Django.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import imageio_ffmpeg

from apps.videos.children import GIB, ChildLimits, run_child

# Address space, not memory in use: decoding and encoding 4K with two threads maps some 2 GiB.
MEMORY_BYTES = 8 * GIB
# ffmpeg's name of the demuxer for each container that the probe tells apart.
DEMUXER_OF = {"mp4": "mov", "mov": "mov", "matroska": "matroska", "webm": "matroska"}


def input_arguments(path: Path, container: str, *before: str) -> list[str]:
    """`-i` with its guards. `before` are further options of this input, as `-ss`."""
    demuxer = DEMUXER_OF.get(container, container)
    return ["-protocol_whitelist", "file,pipe", "-f", demuxer, *before, "-i", f"file:{path}"]


def output_argument(path: Path) -> str:
    """`file:` keeps any name from being read as a protocol or an option."""
    return f"file:{path}"


def run_ffmpeg(
    arguments: Sequence[str], *, timeout_s: float, threads: int, progress: Callable[[float], None] | None = None
) -> None:
    """Runs ffmpeg, overwriting its output. `progress` is given milliseconds of output, and at least once a second.

    An exception from `progress` kills ffmpeg and passes on. Raises `ChildFailedError` with the end of stderr.
    """
    position_ms = 0.0

    def on_line(line: str) -> None:
        nonlocal position_ms
        name, _, value = line.partition("=")
        if name == "out_time_us" and value.strip().lstrip("-").isdigit():
            position_ms = max(position_ms, int(value) / 1000)
            if progress is not None:
                progress(position_ms)

    executable = os.environ.get("IMAGEIO_FFMPEG_EXE") or imageio_ffmpeg.get_ffmpeg_exe()
    run_child(
        [
            executable, "-hide_banner", "-nostdin", "-y", "-loglevel", "error",
            "-progress", "pipe:1", "-stats_period", "0.5",
            "-threads", str(threads), "-filter_threads", str(threads),
            *arguments,
        ],
        ChildLimits(timeout_s=timeout_s, memory_bytes=MEMORY_BYTES),
        on_line=on_line,
        on_tick=(lambda: progress(position_ms)) if progress is not None else None,
    )  # fmt: skip
