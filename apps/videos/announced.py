"""How many bytes a file says that it has: a shorter one was cut off.

Imports no Django. MP4 and MOV (ISO/IEC 14496-12) and AVI say it of their outermost boxes, Matroska and WebM (RFC 8794)
of their segment; MPEG, Ogg and live recordings do not say it.
"""

from pathlib import Path
from typing import IO

# Some muxers miscount by the last few bytes, which nobody misses.
TOLERATED_BYTES = 4_096
TOLERATED_FRACTION = 0.005
MAX_BOXES = 10_000
_EBML = b"\x1a\x45\xdf\xa3"
_SEGMENT = b"\x18\x53\x80\x67"


def is_cut_off(path: Path) -> bool:
    """Whether the file is shorter than it announces, by more than some muxers miscount."""
    announced = announced_bytes(path)
    missing = announced - path.stat().st_size if announced is not None else 0
    return announced is not None and missing > max(TOLERATED_BYTES, TOLERATED_FRACTION * announced)


def announced_bytes(path: Path) -> int | None:
    """None where the file does not say it."""
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] == b"RIFF":
            return 8 + int.from_bytes(head[4:8], "little")
        if head[:4] == _EBML:
            return _end_of_segment(file)
        if head[4:8] in {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"}:
            return _end_of_boxes(file)
    return None


def _end_of_boxes(file: IO[bytes]) -> int | None:
    size = file.seek(0, 2)
    position = 0
    for _ in range(MAX_BOXES):
        file.seek(position)
        head = file.read(16)
        if len(head) < 8:
            break
        length = int.from_bytes(head[:4], "big")
        if length == 1 and len(head) == 16:
            length = int.from_bytes(head[8:], "big")
        if length < 8 or not head[4:8].isascii():
            return None  # to the end of the file, or padding, or no box at all
        position += length
        if position >= size:
            break
    return position


def _end_of_segment(file: IO[bytes]) -> int | None:
    file.seek(len(_EBML))
    header = _read_length(file)
    if header is None:
        return None
    file.seek(header, 1)
    if file.read(4) != _SEGMENT:
        return None
    length = _read_length(file)
    return None if length is None else file.tell() + length


def _read_length(file: IO[bytes]) -> int | None:
    """An EBML variable-length size; None for "unknown", which live recordings write, and for nonsense."""
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    width = 9 - first[0].bit_length()
    rest = file.read(width - 1)
    value = int.from_bytes(bytes([first[0] & ((1 << (8 - width)) - 1)]) + rest, "big")
    return None if len(rest) < width - 1 or value == (1 << (7 * width)) - 1 else value
