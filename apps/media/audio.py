"""A file's sound as a stream of float32 samples: mono, 16 kHz, in constant memory, with no temporary file.

The file is opened as a local file and by a fixed list of container formats, so that an upload can never make
ffmpeg follow a playlist or open an address.
"""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import av
import av.container
import av.error
import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000  # Hz, of all sound that is listened to

logger = logging.getLogger(__name__)

# ffmpeg's demuxers that read one local file and nothing else: none of hls, dash, concat, image2, rtsp, sdp.
CONTAINER_FORMATS = (
    "aac", "ac3", "aiff", "amr", "asf", "au", "avi", "caf", "flac", "flv", "matroska", "mov", "mp3", "mpeg", "mpegts",
    "ogg", "w64", "wav",
)  # fmt: skip
OPEN_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": ",".join(CONTAINER_FORMATS)}

BLOCK_SAMPLES = SAMPLE_RATE  # a second
# Clocks of real files jitter by some ms; a larger hole is sound that was lost and is filled with silence.
MAX_DRIFT_S = 0.1
MAX_GAP_S = 3600.0  # a larger hole is taken for a clock that was set anew,
MAX_REPEAT_S = 1.0  # and so is a jump back by more than this
MAX_DEMUX_ERRORS = 20
SOUGHT_BEFORE_S = 0.2  # decoders need some sound before they are right: Opus 80 ms, MP3 two frames
MAX_JITTER_S = 0.02  # between packets, of files whose clock ticks in milliseconds; more is a hole or a jump


class AudioDecodeError(Exception):
    """The file cannot be opened, or no sound can be read from it."""


class NoAudioError(Exception):
    """The file has no sound."""


def duration_ms(path: Path) -> int:
    """How long the file says it is; where it says nothing, the end of its last packet of sound (reads the whole file).

    Raises AudioDecodeError and NoAudioError.
    """
    with opened(path) as container:
        stream = _audio_stream(container, path)
        if container.duration is not None and container.duration > 0:
            return int(container.duration * 1000 // av.time_base)
        end_s = 0.0
        for packet in packets(container, stream):
            if packet.pts is not None and packet.time_base is not None:
                end_s = max(end_s, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        return max(0, int(1000 * (end_s - origin_s(container))))


def sound_ms(path: Path) -> int:
    """Where the file says that its sound ends; where it says so of the whole alone, the end of that.

    Raises AudioDecodeError and NoAudioError.
    """
    with opened(path) as container:
        stream = _audio_stream(container, path)
        if stream.duration and stream.time_base:
            ends_s = float(((stream.start_time or 0) + stream.duration) * stream.time_base)
            return max(0, int(1000 * (ends_s - origin_s(container))))
    return duration_ms(path)


def stream_samples(path: Path, *, start_ms: int = 0) -> Iterator[NDArray[np.float32]]:
    """The file's sound from `start_ms` on, in blocks of float32 `(n,)`, 1 <= n <= 16,000: mono, 16 kHz, in [-1, 1].

    The first sample of the first block lies exactly `start_ms` after the file's start, which is where its earliest
    stream starts: sound that starts later than the picture is preceded by silence, and holes are filled with it, so
    that the n-th sample is always the sound of that instant. What comes before `start_ms` is decoded and thrown away
    (about 1,000 times faster than real time) instead of sought, so that the samples after it do not depend on
    `start_ms`: a run that goes on hears what an uninterrupted one hears.

    Damaged packets are passed over. Raises AudioDecodeError where nothing at all can be decoded, and NoAudioError.
    """
    to_skip = start_ms * SAMPLE_RATE // 1000
    pending: list[NDArray[np.float32]] = []
    n_pending = 0
    for piece in _pieces(path):
        if to_skip >= len(piece):
            to_skip -= len(piece)
            continue
        kept = piece[to_skip:]
        to_skip = 0
        pending.append(kept)
        n_pending += len(kept)
        if n_pending >= BLOCK_SAMPLES:
            joined = np.concatenate(pending)
            whole = n_pending - n_pending % BLOCK_SAMPLES
            yield from np.split(joined[:whole], whole // BLOCK_SAMPLES)
            pending, n_pending = [joined[whole:]], n_pending - whole
    if n_pending:
        yield np.concatenate(pending)


def samples_between(path: Path, spans: Iterable[tuple[float, float]]) -> Iterator[NDArray[np.float32]]:
    """The sound of each span `(start_s, end_s)` of a file, as float32 `(round((end_s - start_s) * 16,000),)`, sought.

    As in a player, and unlike in `stream_samples`, whose words would notice, every packet lies where its own time says
    that it does, also where that differs by milliseconds from how much sound there was before it. What no packet
    covers is silence. The file is opened once. Raises AudioDecodeError and NoAudioError.
    """
    with opened(path) as container:
        stream = _audio_stream(container, path)
        for start_s, end_s in spans:
            yield _span(container, stream, start_s, end_s)


def opened(path: Path) -> av.container.InputContainer:
    """The file, read as a local one and as nothing else. Raises AudioDecodeError."""
    # An absolute path cannot be read as "protocol:address".
    absolute = path.resolve()
    if absolute.is_dir():
        raise AudioDecodeError(f"{path} is a folder: name the files in it.")
    if not absolute.is_file():
        raise AudioDecodeError(f"{path}: there is no such file.")
    try:
        return av.open(str(absolute), mode="r", options=OPEN_OPTIONS)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AudioDecodeError(
            f"{path} is not a video or sound file that can be read ({reason}). Convert it to MP4 first."
        ) from error


def _audio_stream(container: av.container.InputContainer, path: Path) -> Any:
    stream = container.streams.best("audio")
    if stream is None:
        raise NoAudioError(f"{path} has no sound.")
    return stream


def origin_s(container: av.container.InputContainer) -> float:
    """When the file starts, on the clock of its streams, in seconds."""
    return (container.start_time or 0) / av.time_base


def seek(container: av.container.InputContainer, stream: Any, to_s: float) -> None:
    """Goes to the last key frame before `to_s`, on the clock of the streams, or stays where that cannot be found."""
    try:
        # Nothing lies before a stream's start, and some formats refuse to seek there.
        container.seek(max(int(to_s / stream.time_base), stream.start_time or 0), stream=stream)
    except (av.error.FFmpegError, OverflowError) as error:
        logger.warning("%s cannot be sought in: %s", container.name, error)


def packets(container: av.container.InputContainer, stream: Any) -> Iterator[Any]:
    """The stream's packets; where the container is damaged, those that can still be found."""
    n_errors = 0
    while True:
        try:
            yield from container.demux(stream)
        except av.error.FFmpegError as error:
            n_errors += 1
            logger.warning("Damaged container: %s", error)
            if n_errors >= MAX_DEMUX_ERRORS:
                return
        else:
            return


def _frames(container: av.container.InputContainer, stream: Any) -> Iterator[av.AudioFrame]:
    for packet in packets(container, stream):
        yield from _decoded(packet)


def _decoded(packet: Any) -> Iterator[av.AudioFrame]:
    try:
        frames = packet.decode()
    except (av.error.FFmpegError, ValueError) as error:
        logger.debug("Damaged packet at %s: %s", packet.pts, error)
        return
    for frame in frames:
        if frame.samples:
            yield frame


def _pieces(path: Path) -> Iterator[NDArray[np.float32]]:
    """The sound in pieces of any size >= 1, the first sample at the file's start."""
    with opened(path) as container:
        stream = _audio_stream(container, path)
        clock = _Clock(origin_s(container), container.duration / av.time_base if container.duration else None)
        converter = _Converter()
        has_sound = False
        for frame in _frames(container, stream):
            has_sound = True
            gap_s = clock.place(frame)
            if gap_s > 0:
                yield from converter.flush()
                yield from _silence(round(gap_s * SAMPLE_RATE))
            yield from converter.convert(frame, n_heard=max(0, round(-gap_s * SAMPLE_RATE)))
        if not has_sound:
            raise AudioDecodeError(f"The sound of {path} cannot be decoded: the file is damaged.")
        yield from converter.flush()


def _span(container: av.container.InputContainer, stream: Any, start_s: float, end_s: float) -> NDArray[np.float32]:
    samples = np.zeros(round((end_s - start_s) * SAMPLE_RATE), dtype=np.float32)
    origin = origin_s(container)
    converter = _Converter()
    at = 0  # where the next sample that the converter gives belongs
    next_s: float | None = None
    for frame in _frames_from(container, stream, start_s + origin - SOUGHT_BEFORE_S):
        if frame.time is None:
            continue
        begins_s = float(frame.time) - origin
        if begins_s >= end_s:
            break
        if next_s is None or abs(begins_s - next_s) > MAX_JITTER_S:
            for piece in converter.flush():
                at = _put(samples, at, piece)
            at, next_s = round((begins_s - start_s) * SAMPLE_RATE), begins_s
        next_s += frame.samples / frame.sample_rate
        for piece in converter.convert(frame):
            at = _put(samples, at, piece)
    for piece in converter.flush():
        at = _put(samples, at, piece)
    return samples


def _frames_from(container: av.container.InputContainer, stream: Any, from_s: float) -> Iterator[av.AudioFrame]:
    """From `from_s` on, on the clock of the streams; what lies before is not decoded."""
    from_ticks = int(from_s / stream.time_base)
    seek(container, stream, from_s)
    for packet in packets(container, stream):
        if packet.pts is None or packet.pts >= from_ticks:
            yield from _decoded(packet)


def _put(samples: NDArray[np.float32], at: int, piece: NDArray[np.float32]) -> int:
    """Writes what of `piece` lies within `samples`; returns where it ends."""
    first, last = max(0, at), min(len(samples), at + len(piece))
    if first < last:
        samples[first:last] = piece[first - at : last - at]
    return at + len(piece)


def _silence(n_samples: int) -> Iterator[NDArray[np.float32]]:
    while n_samples > 0:
        n = min(n_samples, BLOCK_SAMPLES)
        yield np.zeros(n, dtype=np.float32)
        n_samples -= n


class _Clock:
    """Compares where frames say they lie with how much sound there was so far."""

    def __init__(self, origin_s: float, length_s: float | None) -> None:
        self._origin_s = origin_s
        self._length_s = length_s
        self._now_s = 0.0

    def place(self, frame: av.AudioFrame) -> float:
        """Seconds of silence that belong before the frame; negative: seconds of its beginning that were heard already.

        0 where they follow each other, and where the frame's time cannot be believed: then the clock is set by it.
        """
        gap_s = self._gap_before(frame)
        self._now_s += gap_s + frame.samples / frame.sample_rate
        return gap_s

    def _gap_before(self, frame: av.AudioFrame) -> float:
        if frame.time is None:
            return 0.0
        gap_s = float(frame.time) - self._origin_s - self._now_s
        if self._now_s > 0 and abs(gap_s) <= MAX_DRIFT_S:
            return 0.0
        ends_in_file = self._length_s is None or self._now_s + gap_s <= self._length_s
        if -MAX_REPEAT_S <= gap_s <= MAX_GAP_S and ends_in_file:
            return gap_s
        self._origin_s += gap_s
        return 0.0


class _Converter:
    """Frames of any rate, layout and sample format -> float32 mono 16 kHz in [-1, 1]."""

    def __init__(self) -> None:
        self._resampler: av.AudioResampler | None = None
        self._source: tuple[str, str, int] | None = None
        self._to_drop = 0

    def convert(self, frame: av.AudioFrame, *, n_heard: int = 0) -> Iterator[NDArray[np.float32]]:
        """The samples that are ready; `n_heard` samples of output, from this frame's start on, are left out."""
        source = (frame.format.name, frame.layout.name, frame.sample_rate)
        if source != self._source:  # streams of broadcasts change their form midway
            yield from self.flush()
            self._source = source
            self._resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
        assert self._resampler is not None
        self._to_drop += n_heard
        frame.pts = None  # the resampler would take a jump of the clock for an error; the jumps are dealt with here
        for resampled in self._resampler.resample(frame):
            yield from self._samples(resampled)

    def flush(self) -> Iterator[NDArray[np.float32]]:
        """What the resampler still holds back; the next frame starts a new one."""
        resampler, self._resampler, self._source = self._resampler, None, None
        if resampler is not None:
            for resampled in resampler.resample(None):
                if resampled is not None:  # a resampler that has nothing to do hands back what it is given
                    yield from self._samples(resampled)
        self._to_drop = 0

    def _samples(self, frame: av.AudioFrame) -> Iterator[NDArray[np.float32]]:
        samples = frame.to_ndarray().reshape(-1).astype(np.float32, copy=False)  # (1, n) -> (n,)
        dropped = min(self._to_drop, len(samples))
        self._to_drop -= dropped
        samples = samples[dropped:]
        if len(samples):
            # Damaged float formats hold NaN, which would stay in the state of every network behind this.
            yield np.clip(np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0), -1.0, 1.0)
