"""What an MP4 or MOV file says of itself in its boxes (ISO/IEC 14496-12), which FFmpeg corrects without telling.

Imports no Django. Reads box headers and a few fields by seeking, never a whole box.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

# A real file has a handful of boxes on each level; a forged one may have millions.
MAX_BOXES = 10_000
# A track may be longer than the movie that shows a part of it (an edit on the phone), but not by much.
TRIMMED_MS = 60_000
_CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mvex"}


@dataclass
class Mp4Header:
    """`duration_ms` is how long the movie claims to be, or a track of it that is far longer; 0: no claim."""

    major_brand: str = ""
    duration_ms: int = 0
    has_moov: bool = False
    has_mdat: bool = False
    has_faststart: bool = False  # the index comes before the pictures: playable while it loads
    is_fragmented: bool = False
    picture_sizes: list[tuple[int, int]] = field(default_factory=list)  # (width, height) of each video track


def read_mp4_header(path: Path) -> Mp4Header | None:
    """None where the file does not begin as an MP4 or MOV does."""
    with path.open("rb") as file:
        if file.read(8)[4:] not in {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"}:
            return None
        size = file.seek(0, 2)
        header = Mp4Header()
        _Reader(file, header).read(0, size)
    return header


class _Reader:
    def __init__(self, file: IO[bytes], header: Mp4Header) -> None:
        self._file = file
        self._header = header
        self._seen = 0
        self._movie_timescale = 0
        self._is_video_track = False

    def read(self, start: int, end: int) -> None:
        for kind, body, body_end in self._boxes(start, end):
            if kind in _CONTAINERS:
                self._enter(kind)
                self.read(body, body_end)
            elif kind == b"mdat":
                self._header.has_mdat = True
            elif body_end - body >= 4:
                self._leaf(kind, body, min(body_end - body, 128))

    def _boxes(self, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
        position = start
        while position + 8 <= end and self._seen < MAX_BOXES:
            self._seen += 1
            self._file.seek(position)
            head = self._file.read(16)
            size, kind, body = int.from_bytes(head[:4], "big"), head[4:8], position + 8
            if size == 1 and len(head) == 16:
                size, body = int.from_bytes(head[8:], "big"), position + 16
            elif size == 0:
                size = end - position
            if size < body - position:
                return  # nonsense: FFmpeg decides what can be saved
            yield kind, body, min(position + size, end)
            position += size

    def _enter(self, kind: bytes) -> None:
        if kind == b"moov":
            self._header.has_moov = True
            self._header.has_faststart = not self._header.has_mdat
        elif kind == b"trak":
            self._is_video_track = False
        elif kind == b"mvex":
            self._header.is_fragmented = True

    def _leaf(self, kind: bytes, body: int, length: int) -> None:
        self._file.seek(body)
        data = self._file.read(length)
        try:
            if kind == b"ftyp":
                self._header.major_brand = data[:4].decode("latin-1").strip()
            elif kind == b"mvhd":
                self._movie_timescale = self._claim(*_timescale_and_duration(data))
            elif kind == b"mdhd":
                self._claim(*_timescale_and_duration(data), tolerance_ms=TRIMMED_MS)
            elif kind == b"tkhd" and self._movie_timescale:
                is_long = data[0] == 1
                duration = _number(data, 28 if is_long else 20, is_long=is_long)
                self._claim(self._movie_timescale, duration, tolerance_ms=TRIMMED_MS)
            elif kind == b"mehd" and self._movie_timescale:
                self._claim(self._movie_timescale, _number(data, 4, is_long=data[0] == 1))
            elif kind == b"hdlr" and data[4:8] in {b"mhlr", b"\0\0\0\0"}:
                self._is_video_track = data[8:12] == b"vide"
            elif kind == b"stsd" and self._is_video_track:
                # full box and count (8), entry's size and format (8), then the visual sample entry
                self._header.picture_sizes.append(struct.unpack_from(">HH", data, 8 + 8 + 24))
        except struct.error:
            return  # cut off: FFmpeg decides what can be saved

    def _claim(self, timescale: int, duration: int, tolerance_ms: int = 0) -> int:
        if timescale and duration not in {0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF}:  # which stand for "unknown"
            duration_ms = duration * 1000 // timescale
            if duration_ms > self._header.duration_ms + tolerance_ms:
                self._header.duration_ms = duration_ms
        return timescale


def _timescale_and_duration(data: bytes) -> tuple[int, int]:
    """Of an `mvhd` or `mdhd` box: version 1 has 64-bit times."""
    is_long = data[0] == 1
    at = 4 + (16 if is_long else 8)
    return _number(data, at, is_long=False), _number(data, at + 4, is_long=is_long)


def _number(data: bytes, at: int, *, is_long: bool) -> int:
    number: int = struct.unpack_from(">Q" if is_long else ">I", data, at)[0]
    return number
