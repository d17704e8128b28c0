"""The same file with its sound moved against the picture: no picture and no sound is encoded anew.

ffmpeg copies every packet of the picture with its time, and every packet of the sound with its time moved. Then
`python -m apps.videos.soundshift SOURCE COPY VIDEO SHIFT_MS` reads both files and compares the times of all packets: it
prints `{"position_ms": …}` about twice a second, and at last `{"moved": …}` or `{"inexact": …}`.

In MP4 and MOV what comes to lie before the beginning is kept behind an edit list (ISO/IEC 14496-12, 8.6.6), as the
priming of AAC is. Other containers know no time before 0: there the packets that would lie before it are left out.

Imports no Django. Memory does not depend on the length.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from apps.videos.children import ChildFailedError, ChildLimits, python_module, run_child
from apps.videos.ffmpeg import input_arguments, output_argument, run_ffmpeg
from apps.videos.probe import ProbeResult, open_safely

MATROSKA = "matroska"
# FFmpeg's muxer by the file's extension. What cannot say when its sound begins (AVI), or begins elsewhere for every
# player (MPEG), becomes Matroska, which takes every codec as it is.
MUXER_OF = {"mp4": "mp4", "m4v": "mp4", "3gp": "3gp", "mov": "mov", "webm": "webm"}
EXTENSION_OF = {"mp4": "mp4", "3gp": "3gp", "mov": "mov", "webm": "webm", MATROSKA: "mkv"}
HAVE_EDIT_LISTS = frozenset({"mp4", "3gp", "mov"})
# Edit lists count in ticks of the movie, by default milliseconds. These divide the ticks of most sounds and pictures.
TICKS_PER_S = 90_000
CUTS_PCM_ANEW = "mov,"  # FFmpeg's name of the demuxer of these; it makes packets of samples that lie beside each other
# Matroska rounds times to milliseconds; a container that rounds more has moved something else than what it was told.
TOLERANCE_S = Fraction(15, 10_000)
REPORT_EVERY_S = 0.5
FULL_DISK = ("No space left on device", "Disk quota exceeded")


@dataclass(frozen=True)
class MovedSound:
    """What the comparison found, in packets, or in ends of runs of them where those are cut anew. Those left out lie
    before the first picture, where nobody hears them.
    """

    pictures: int
    sounds: int
    left_out: int
    largest_error_ms: float  # of a packet's time, picture or sound, from where it should be


class InexactError(Exception):
    """The copy does not keep the times that it was given: the container cannot."""


class DiskFullError(Exception):
    """There is no room for the copy."""


def muxers_for(extension: str) -> tuple[str, ...]:
    """FFmpeg's names of the containers to try for the copy of a file with this extension, best first."""
    own = MUXER_OF.get(extension)
    return (own, MATROSKA) if own else (MATROSKA,)


def move_sound(
    source: Path,
    target: Path,
    probed: ProbeResult,
    muxer: str,
    shift_ms: int,
    *,
    threads: int,
    timeout_s: float,
    progress: Callable[[float], None],
) -> MovedSound:
    """Writes `target`: every sound `shift_ms` later than in `source` (earlier where negative), every picture as it was.

    `progress` is given milliseconds, up to twice the duration: written, then compared. Raises `InexactError`,
    `DiskFullError` and `ChildFailedError`; what lies at `target` then is of no use. Cost: reads and writes the file
    about twice, nothing else.
    """

    def write(arguments: list[str]) -> None:
        try:
            run_ffmpeg(arguments, timeout_s=timeout_s, threads=threads, progress=progress)
        except ChildFailedError as error:
            if any(words in error.stderr_end for words in FULL_DISK):
                raise DiskFullError(error.stderr_end) from error
            raise

    if probed.container == "avi":
        # AVI counts frames of sound, 26 ms each, and cannot be moved by less: its times are written finer first.
        finer = target.with_name(f"{target.stem}-finer.mkv")
        try:
            write([*_input(source, "avi", 0.0), *_copied(probed.video_index, 0, MATROSKA), output_argument(finer)])
            write(_moved(finer, target, MATROSKA, 0, 0.0, muxer, shift_ms))
        finally:
            finer.unlink(missing_ok=True)
    else:
        write(_moved(source, target, probed.container, probed.video_index, probed.begins_s, muxer, shift_ms))
    return _compare(
        source, target, probed.video_index, shift_ms, timeout_s, lambda done_ms: progress(probed.duration_ms + done_ms)
    )


def _moved(
    source: Path, target: Path, container: str, video_index: int, begins_s: float, muxer: str, shift_ms: int
) -> list[str]:
    """ffmpeg's arguments: the file is read twice, once for the picture, once for the sound, which starts elsewhere."""
    return [
        # By itself ffmpeg would count each input from the first of the packets that it takes from it.
        "-copyts",
        *_input(source, container, -begins_s),
        *_input(source, container, shift_ms / 1000 - begins_s),
        *_copied(video_index, 1, muxer),
        output_argument(target),
    ]  # fmt: skip


def _input(source: Path, container: str, offset_s: float) -> list[str]:
    # Pictures in AVI carry no time of their own.
    return input_arguments(source, container, "-fflags", "+genpts", "-itsoffset", f"{offset_s:.6f}")


def _copied(video_index: int, sound_input: int, muxer: str) -> list[str]:
    """The picture that is watched, and every sound track: those in other languages move with the first."""
    has_edit_lists = muxer in HAVE_EDIT_LISTS
    return [
        "-map", f"0:{video_index}", "-map", f"{sound_input}:a", "-c", "copy",
        "-copypriorss:a", "1" if has_edit_lists else "0",
        *(["-movflags", "+faststart", "-movie_timescale", str(TICKS_PER_S)] if has_edit_lists else []),
        "-max_muxing_queue_size", "4096", "-f", muxer,
    ]  # fmt: skip


def _compare(
    source: Path, copy: Path, video_index: int, shift_ms: int, timeout_s: float, progress: Callable[[float], None]
) -> MovedSound:
    moved: list[MovedSound] = []
    position_ms = 0.0

    def on_line(line: str) -> None:
        nonlocal position_ms
        said = json.loads(line)
        if "inexact" in said:
            raise InexactError(said["inexact"])
        if "moved" in said:
            moved.append(MovedSound(**said["moved"]))
        else:
            position_ms = said["position_ms"]

    names = (source.absolute(), copy.absolute(), str(video_index), str(shift_ms))
    arguments = python_module("apps.videos.soundshift", *names)
    run_child(arguments, ChildLimits(timeout_s=timeout_s), on_line=on_line, on_tick=lambda: progress(position_ms))
    assert moved, "the child ended well without its report"
    return moved[0]


# --- in the child ---


def compare(source: Path, copy: Path, video_index: int, shift_s: Fraction) -> Iterator[float | MovedSound]:
    """Reads both files packet by packet; yields positions in milliseconds, and at last what was found.

    Raises `InexactError` where a packet is missing, or its time is not what it should be.
    """
    with open_safely(source, makes_times=True) as old, open_safely(copy) as new:
        begins_s = Fraction(old.start_time or 0, 1_000_000)
        picture = _Track(Fraction(0))
        sounds = [_Track(shift_s) for _ in old.streams.audio]
        wanted = [old.streams[video_index], *old.streams.audio]
        old_tracks = {stream.index: track for stream, track in zip(wanted, [picture, *sounds], strict=True)}
        new_tracks = dict(enumerate([picture, *sounds]))
        cuts_anew = new.format.name.startswith(CUTS_PCM_ANEW)
        should_be, is_at = (
            _times(old, wanted, joins_pcm=cuts_anew),
            _times(new, list(new.streams), joins_pcm=cuts_anew),
        )
        while True:
            read, written = next(should_be, None), next(is_at, None)
            if read is None and written is None:
                break
            if read is not None:
                old_tracks[read[0]].expect(read[1] - begins_s)
                yield float((read[1] - begins_s) * 1000)
            if written is not None:
                new_tracks[written[0]].find(written[1])
    for track in (picture, *sounds):
        track.end()
    yield MovedSound(
        pictures=picture.pairs,
        sounds=sum(track.pairs for track in sounds),
        left_out=sum(track.left_out for track in sounds),
        largest_error_ms=float(max(track.largest_error_s for track in (picture, *sounds)) * 1000),
    )


def _times(container: Any, streams: list[Any], *, joins_pcm: bool) -> Iterator[tuple[int, Fraction]]:
    """Of every packet that holds something: the index of its stream, and when it is shown, in seconds.

    With `joins_pcm` those of PCM count as one where each begins when the one before it ends: its beginning and its end.
    A Theora packet without content repeats the picture before it, which Matroska says by not having it.
    """
    ends: dict[int, Fraction] = {}  # of PCM, by stream
    for packet in container.demux(streams):
        ticks = packet.dts if packet.pts is None else packet.pts
        if ticks is None or not packet.size:
            continue
        index, at_s = packet.stream.index, ticks * packet.time_base
        if joins_pcm and packet.stream.codec_context.name.startswith("pcm_"):
            ended_s, ends[index] = ends.get(index), at_s + (packet.duration or 0) * packet.time_base
            if ended_s == at_s:
                continue
            if ended_s is not None:
                yield index, ended_s
        yield index, at_s
    yield from ends.items()


class _Track:
    """The packets of one stream in both files, in pairs. Holds only those by which one file runs ahead."""

    def __init__(self, shift_s: Fraction) -> None:
        self.pairs = 0
        self.left_out = 0
        self.largest_error_s = Fraction(0)
        self._shift_s = shift_s
        self._expected: deque[Fraction] = deque()
        self._found: deque[Fraction] = deque()

    def expect(self, at_s: Fraction) -> None:
        self._expected.append(at_s + self._shift_s)
        self._pair()

    def find(self, at_s: Fraction) -> None:
        self._found.append(at_s)
        self._pair()

    def end(self) -> None:
        missing, surplus = len(self._expected), len(self._found)
        if missing or surplus or not self.pairs:
            raise InexactError(f"{self.pairs} packets agree, {missing} are missing, {surplus} too many")

    def _pair(self) -> None:
        while self._expected and self._found:
            expected, found = self._expected.popleft(), self._found[0]
            if not self.pairs and expected < 0 and expected < found - TOLERANCE_S:
                self.left_out += 1
                continue
            self._found.popleft()
            error_s = abs(expected - found)
            if error_s > TOLERANCE_S:
                raise InexactError(f"packet {self.pairs} is at {float(found):.4f} s, not at {float(expected):.4f} s")
            self.pairs += 1
            self.largest_error_s = max(self.largest_error_s, error_s)


def main() -> int:
    parser = argparse.ArgumentParser(description="Tell as JSON whether a copy has its sound moved, and nothing else.")
    parser.add_argument("source", type=Path)
    parser.add_argument("copy", type=Path)
    parser.add_argument("video_index", type=int)
    parser.add_argument("shift_ms", type=int)
    given = parser.parse_args()
    reported_at = time.monotonic()
    try:
        for step in compare(given.source, given.copy, given.video_index, Fraction(given.shift_ms, 1000)):
            if isinstance(step, MovedSound):
                _say({"moved": asdict(step)})
            elif time.monotonic() - reported_at > REPORT_EVERY_S:
                reported_at = time.monotonic()
                _say({"position_ms": step})
    except InexactError as error:
        _say({"inexact": str(error)})
    return 0


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
