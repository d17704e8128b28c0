"""Is the file whole? `python -m apps.videos.decoding FILE VIDEO AUDIO` reads every packet of it, to the last.

VIDEO and AUDIO are stream indexes, AUDIO -1 for none. Prints JSON lines: `{"position_ms": …}` about twice a second,
and at last `{"report": …}`. Imports no Django. Memory does not depend on the length. Sound is decoded throughout, of
the pictures one key frame a second: enough to see damage, and some hundred times faster than the video plays.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from apps.videos.probe import open_safely

REPORT_EVERY_S = 0.5
KEY_FRAME_EVERY_S = 1.0
# Demuxers find their way back after damage; one that never does must not keep us.
MAX_DEMUX_ERRORS = 100


@dataclass
class StreamReport:
    """Times in milliseconds; `start_ms` and `end_ms` are those of the first and last packet that is there."""

    start_ms: float = 0.0
    end_ms: float = 0.0
    claimed_ms: float = 0.0  # by the stream's own header; 0: it makes no claim
    longest_gap_ms: float = 0.0  # between two packets
    packets: int = 0
    decoded: int = 0  # frames
    errors: int = 0  # of the decoder

    @property
    def covered_ms(self) -> float:
        return self.end_ms - self.start_ms


@dataclass
class DecodingReport:
    video: StreamReport
    audio: StreamReport | None
    demux_errors: int = 0

    @property
    def covered_ms(self) -> float:
        """From the first packet to the end of the last, over both streams; what lies before 0 is never shown."""
        streams = [self.video] if self.audio is None or not self.audio.packets else [self.video, self.audio]
        return max(stream.end_ms for stream in streams) - max(0.0, min(stream.start_ms for stream in streams))


class _StreamReader:
    def __init__(self, stream: Any, *, is_video: bool) -> None:
        self.stream = stream
        self.report = StreamReport()
        self._is_video = is_video
        self._last_ms: float | None = None
        self._next_key_ms = float("-inf")
        time_base = stream.time_base or 0
        self._ms_per_tick = float(time_base * 1000)
        if stream.duration:
            self.report.claimed_ms = stream.duration * self._ms_per_tick

    def take(self, packet: Any) -> None:
        ticks = packet.pts if packet.pts is not None else packet.dts
        if packet.size and ticks is not None:
            self._note_times(ticks * self._ms_per_tick, (packet.duration or 0) * self._ms_per_tick)
        if self._is_wanted(packet):
            self._decode(packet)

    def flush(self) -> None:
        self._decode(None)

    def _note_times(self, at_ms: float, duration_ms: float) -> None:
        report = self.report
        report.start_ms = min(report.start_ms, at_ms) if report.packets else at_ms
        if report.packets:
            report.longest_gap_ms = max(report.longest_gap_ms, at_ms - report.end_ms)
        report.end_ms = max(report.end_ms, at_ms + duration_ms) if report.packets else at_ms + duration_ms
        report.packets += 1
        self._last_ms = at_ms

    def _is_wanted(self, packet: Any) -> bool:
        if not packet.size:
            return False
        if not self._is_video:
            return True
        if not packet.is_keyframe or (self._last_ms or 0.0) < self._next_key_ms:
            return False
        self._next_key_ms = (self._last_ms or 0.0) + KEY_FRAME_EVERY_S * 1000
        return True

    def _decode(self, packet: Any | None) -> None:
        import av

        try:
            self.report.decoded += len(self.stream.codec_context.decode(packet))
        except (av.error.FFmpegError, ValueError):
            self.report.errors += 1


def read_through(path: Path, video_index: int, audio_index: int) -> Iterator[float | DecodingReport]:
    """Yields the position in milliseconds now and then, and at last the report. Raises `av.error.FFmpegError`."""
    with open_safely(path) as container:
        video = _StreamReader(container.streams[video_index], is_video=True)
        readers = {video_index: video}
        if audio_index >= 0:
            readers[audio_index] = _StreamReader(container.streams[audio_index], is_video=False)
        report = DecodingReport(video.report, readers[audio_index].report if audio_index >= 0 else None)
        reported_at = time.monotonic()
        for packet in _packets(container, [reader.stream for reader in readers.values()], report):
            readers[packet.stream.index].take(packet)
            if time.monotonic() - reported_at > REPORT_EVERY_S:
                reported_at = time.monotonic()
                yield report.covered_ms
        for reader in readers.values():
            reader.flush()
    yield report


def _packets(container: Any, streams: list[Any], report: DecodingReport) -> Iterator[Any]:
    import av

    while True:
        try:
            yield from container.demux(streams)
        except av.error.EOFError:
            return
        except (av.error.FFmpegError, OSError):
            report.demux_errors += 1
            if report.demux_errors >= MAX_DEMUX_ERRORS:
                return
        else:
            return


def main() -> int:
    parser = argparse.ArgumentParser(description="Read every packet of a video and tell as JSON what is there.")
    parser.add_argument("file", type=Path)
    parser.add_argument("video_index", type=int)
    parser.add_argument("audio_index", type=int)
    arguments = parser.parse_args()
    for step in read_through(arguments.file, arguments.video_index, arguments.audio_index):
        line: dict[str, Any] = {"report": asdict(step)} if isinstance(step, DecodingReport) else {"position_ms": step}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
