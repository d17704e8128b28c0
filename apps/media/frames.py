"""A file's pictures as a stream of RGB frames, each with its time, in constant memory.

Opened as `audio.py` opens files: as a local file and by a fixed list of container formats.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from apps.media.audio import opened, origin_s, packets, seek

logger = logging.getLogger(__name__)


class VideoDecodeError(Exception):
    """The file has no pictures, or none that can be read."""


@dataclass(frozen=True)
class Frame:
    """A picture: RGB uint8 `(height, width, 3)`, shown at `time_s`, counted from the file's start."""

    image: NDArray[np.uint8]
    time_s: float


def stream_frames(
    path: Path, *, start_s: float = 0.0, end_s: float = float("inf"), max_side: int | None = None
) -> Iterator[Frame]:
    """The pictures from `start_s` up to `end_s`, upright, in the order of their times.

    The file's start is that of its earliest stream, as for `audio.stream_samples`, so that a picture and the sample of
    the same instant have the same time. A later `start_s` is sought by key frames. Pictures whose longer side exceeds
    `max_side` pixels are made smaller. Damaged packets are passed over. Raises VideoDecodeError where nothing can be
    decoded at all, and AudioDecodeError where the file cannot be opened.
    """
    with opened(path) as container:
        stream: Any = container.streams.best("video")
        if stream is None:
            raise VideoDecodeError(f"{path} has no pictures.")
        stream.thread_type = "AUTO"
        origin = origin_s(container)
        if start_s > 0 and stream.time_base:
            seek(container, stream, start_s + origin)
        has_pictures = False
        last_s = float("-inf")
        for frame in _decoded(container, stream):
            has_pictures = True
            if frame.time is None:
                continue
            time_s = float(frame.time) - origin
            if time_s >= end_s:
                return
            if time_s < start_s or time_s <= last_s:  # clocks that were set back tell nothing of their sound
                continue
            last_s = time_s
            yield Frame(_upright(frame, max_side), time_s)
        if not has_pictures and start_s <= 0:
            raise VideoDecodeError(f"The pictures of {path} cannot be decoded: the file is damaged.")


def _decoded(container: av.container.InputContainer, stream: Any) -> Iterator[Any]:
    for packet in packets(container, stream):
        try:
            yield from packet.decode()
        except (av.error.FFmpegError, ValueError) as error:
            logger.debug("Damaged packet at %s: %s", packet.pts, error)


def _upright(frame: Any, max_side: int | None) -> NDArray[np.uint8]:
    """RGB `(height, width, 3)`, turned as the file says that it is to be shown."""
    shrink = 1.0 if max_side is None else min(1.0, max_side / max(frame.width, frame.height))
    # Both sides even: the converter leaves a line of rubbish at some odd ones.
    width, height = (max(2, round(side * shrink / 2) * 2) for side in (frame.width, frame.height))
    image: NDArray[np.uint8] = frame.reformat(width=width, height=height, format="rgb24").to_ndarray()
    quarters = round((frame.rotation or 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(image, quarters)) if quarters else image
