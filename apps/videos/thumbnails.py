"""The picture of one second of a video: a tile of the storyboard that `render` made."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from apps.videos.files import path_of
from apps.videos.models import Video

_CUE = re.compile(
    r"^(\d+):(\d\d):(\d\d)\.(\d{3}) --> .*\n(storyboard-\d{1,3}\.jpg)#xywh=(\d+),(\d+),(\d+),(\d+)$", re.MULTILINE
)
_KEPT = 1_000  # storyboards read lately, each a few kilobytes


@dataclass(frozen=True)
class Thumbnail:
    """A part of the image file `sheet` of the same video, in pixels. `columns`: how many tiles wide the sheet is."""

    sheet: str
    x: int
    y: int
    width: int
    height: int
    columns: int

    @property
    def column(self) -> int:
        return self.x // self.width

    @property
    def row(self) -> int:
        return self.y // self.height


def thumbnail_at(video: Video, time_ms: int) -> Thumbnail | None:
    """What is seen at `time_ms`, or a moment before. None where there is no storyboard (yet).

    The caller has checked who may open the video. Reads a small file, the first time.
    """
    if not video.storyboard_name:
        return None
    path = path_of(video, video.storyboard_name)
    try:
        starts, tiles = _read(path, path.stat().st_mtime_ns)
    except (OSError, UnicodeDecodeError):
        return None
    index = bisect_right(starts, time_ms) - 1
    return tiles[index] if index >= 0 else None


@lru_cache(maxsize=_KEPT)
def _read(path: Path, modified_ns: int) -> tuple[tuple[int, ...], tuple[Thumbnail, ...]]:  # noqa: ARG001 -- of the key
    """When each tile is shown first, in milliseconds, and the tiles. See `apps.videos.stills.storyboard_vtt`."""
    starts, places = [], []
    columns: dict[str, int] = {}
    for found in _CUE.finditer(path.read_text(encoding="utf-8")):
        hours, minutes, seconds, milliseconds = map(int, found.groups()[:4])
        sheet, (x, y, width, height) = found[5], map(int, found.groups()[5:])
        if not width or not height:
            continue
        starts.append(((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds)
        places.append((sheet, x, y, width, height))
        columns[sheet] = max(columns.get(sheet, 0), x // width + 1)
    return tuple(starts), tuple(Thumbnail(*place, columns=columns[place[0]]) for place in places)
