"""What kind of file this is, found in a subprocess within seconds: `python -m apps.videos.probe FILE` prints JSON.

Imports no Django. FFmpeg's libraries read the file through PyAV with every door shut but one: allowed demuxers and
codecs by name, the protocol `file`, no playlists (HLS, concat, DASH read other files than the one they are given).
"""

import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from apps.videos.boxes import Mp4Header, read_mp4_header
from apps.videos.children import GIB, ChildFailedError, ChildLimits, ChildTimedOutError, python_module, run_child

# FFmpeg's demuxers by the names that it gives them. None of them opens a second file.
DEMUXERS = ("mov", "matroska", "avi", "mpeg", "mpegts", "ogg", "flv", "asf")
VIDEO_CODECS = (
    "h264", "hevc", "av1", "vp8", "vp9", "mpeg1video", "mpeg2video", "mpeg4", "msmpeg4v2", "msmpeg4v3", "h263", "flv1",
    "theora", "mjpeg", "prores", "dnxhd", "dvvideo", "vc1", "wmv1", "wmv2", "wmv3", "ffv1", "huffyuv", "rawvideo",
)  # fmt: skip
AUDIO_CODECS = (
    "aac", "mp3", "mp2", "opus", "vorbis", "flac", "alac", "ac3", "eac3", "dts", "amr_nb", "amr_wb", "speex",
    "wmav1", "wmav2", "wmapro", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_f32le", "pcm_u8",
    "pcm_s8", "pcm_alaw", "pcm_mulaw", "pcm_bluray", "pcm_dvd", "adpcm_ms", "adpcm_ima_wav", "adpcm_ima_qt", "aac_latm",
)  # fmt: skip
# Decoders that carry another name than the codec that they decode.
DECODER_NAMES = (
    "libdav1d", "libaom-av1", "libvpx", "libvpx-vp9", "libopus", "libvorbis", "libspeex", "mp3float", "mp2float",
    "amrnb", "amrwb", "dca", "mpegvideo", "libopencore_amrnb", "libopencore_amrwb",
)  # fmt: skip
HIGH_DYNAMIC_RANGE_TRANSFERS = (16, 18)  # ITU-T H.273, table 3: SMPTE ST 2084 (PQ) and ARIB STD-B67 (HLG)
MAX_SIDE = 8192  # pixels: 8K video
MAX_PIXELS = 8192 * 4320
# So many pictures, or so many packets of anything, show whether the frame rate varies.
SAMPLED_FRAMES = 250
SAMPLED_PACKETS = 2_000
# Containers whose header says how long they are; of the others FFmpeg estimates it by their last bytes.
HEADED_CONTAINERS = frozenset({"mp4", "mov", "matroska", "webm", "avi", "flv", "asf"})
_EXTENSIONS = {
    "mp4": ("mp4", "m4v", "3gp"), "mov": ("mov",), "matroska": ("mkv",), "webm": ("webm",), "avi": ("avi",),
    "mpeg": ("mpg", "mpeg"), "mpegts": ("ts", "mts", "m2ts"), "ogg": ("ogv", "ogg"), "flv": ("flv",), "asf": ("wmv",),
}  # fmt: skip


@dataclass(frozen=True)
class ProbeLimits:
    timeout_s: float = 10.0
    max_duration_s: float = 12 * 3600.0
    memory_bytes: int = 2 * GIB


@dataclass(frozen=True)
class ProbeResult:
    """Times in milliseconds, sizes in pixels. `width` and `height` are as coded, before rotation and pixel aspect."""

    container: str  # mp4, mov, matroska, webm, avi, mpeg, mpegts, ogg, flv, asf
    duration_ms: int  # the longest that the header or FFmpeg's estimate says; 0: unknown
    has_faststart: bool
    video_index: int
    video_codec: str
    video_profile: str
    pixel_format: str
    width: int
    height: int
    display_width: int
    display_height: int
    rotation: int  # degrees to turn the picture by, one of 0, 90, 180, 270
    frame_rate: float  # 0: unknown
    is_variable_frame_rate: bool
    is_interlaced: bool
    is_high_dynamic_range: bool  # HLG or PQ, as phones record
    begins_s: float  # when its earliest stream begins: times of cues, and of players, count from here
    tells_location: bool  # the file says where it was recorded
    audio_index: int  # -1: no sound
    audio_codec: str  # "": no sound
    audio_channels: int

    def extension_for(self, named: str) -> str:
        """`named` where it is one of the container's, else the container's usual one."""
        fitting = _EXTENSIONS[self.container]
        return named if named in fitting else fitting[0]

    @property
    def has_trustworthy_duration(self) -> bool:
        return self.container in HEADED_CONTAINERS and self.duration_ms > 0


class ProbeError(Exception):
    """The file is no video that can be taken. The message is for the uploader; `code` is for programs."""

    def __init__(self, message: str, code: str, operators_detail: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.operators_detail = operators_detail


NOT_A_VIDEO = (
    "This file is not a video that the portal can read: its content is something else, or its beginning or its index "
    "is missing. Play it on your own machine first; if it plays, export it as MP4 and upload that."
)


def probe_file(path: Path, limits: ProbeLimits) -> ProbeResult:
    """Probes in a child process. Raises `ProbeError`; takes 0.2 s for most files, at most `limits.timeout_s`."""
    child = ChildLimits(timeout_s=limits.timeout_s, memory_bytes=limits.memory_bytes, cpu_s=int(limits.timeout_s) + 1)
    arguments = python_module("apps.videos.probe", path.absolute(), "--max-duration-s", str(limits.max_duration_s))
    try:
        answer = json.loads(run_child(arguments, child))
    except ChildTimedOutError as error:
        raise ProbeError(
            f"The file could not be examined within {limits.timeout_s:g} seconds: its structure is too tangled. "
            "Export it as MP4 and upload that.",
            "probe_timeout",
            error.stderr_end,
        ) from error
    except ChildFailedError as error:
        raise ProbeError(NOT_A_VIDEO, "not_a_video", str(error)) from error
    if "refused" in answer:
        raise ProbeError(answer["refused"], answer["code"], answer["detail"])
    return ProbeResult(**answer)


# --- in the child ---


def open_safely(path: Path, *, makes_times: bool = False) -> Any:
    """An `av.container.InputContainer` that reads this file and no other. Raises `av.error.FFmpegError`.

    `makes_times` gives a time to packets that carry none, as pictures in AVI: for copying them elsewhere.
    """
    import av

    return av.open(
        str(path),
        options={
            **({"fflags": "genpts"} if makes_times else {}),
            "format_whitelist": ",".join(DEMUXERS),
            "protocol_whitelist": "file",
            "codec_whitelist": ",".join((*VIDEO_CODECS, *AUDIO_CODECS, *DECODER_NAMES)),
        },
        metadata_errors="replace",
    )


def examine(path: Path, max_duration_s: float) -> ProbeResult:
    """Reads the header and the first seconds. Raises `ProbeError`."""
    import av

    try:
        container = open_safely(path)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise ProbeError(NOT_A_VIDEO, "not_a_video", str(error)) from error
    with container:
        header = read_mp4_header(path)
        stream = _video_stream(container)
        audio = next(iter(container.streams.audio), None)
        video_codec = _codec_name(stream)
        _check_codecs(video_codec, _codec_name(audio) if audio else "")
        _check_size(header, stream)
        duration_ms = max(int((container.duration or 0) / 1000), header.duration_ms if header else 0)
        if duration_ms > max_duration_s * 1000:
            raise ProbeError(
                f"The video says that it lasts {in_words(duration_ms)}; this portal takes up to "
                f"{in_words(int(max_duration_s * 1000))}. Cut it into parts.",
                "too_long",
            )
        sample = _sample(container, stream)
        context = stream.codec_context
        width, height = _shown_size(context.width, context.height, stream.sample_aspect_ratio, sample.rotation)
        return ProbeResult(
            container=_container_name(container.format.name, path, header),
            duration_ms=duration_ms,
            has_faststart=header is not None and header.has_faststart and not header.is_fragmented,
            video_index=stream.index,
            video_codec=video_codec,
            video_profile=str(context.profile or ""),
            pixel_format=sample.pixel_format or str(context.pix_fmt or ""),
            width=context.width,
            height=context.height,
            display_width=width,
            display_height=height,
            rotation=sample.rotation,
            frame_rate=float(stream.average_rate or stream.guessed_rate or 0),
            is_variable_frame_rate=sample.is_variable_frame_rate,
            is_interlaced=sample.is_interlaced,
            is_high_dynamic_range=sample.is_high_dynamic_range,
            begins_s=(container.start_time or 0) / 1_000_000,
            tells_location=any("location" in name.lower() for name in container.metadata),
            audio_index=audio.index if audio else -1,
            audio_codec=_codec_name(audio) if audio else "",
            audio_channels=audio.codec_context.channels if audio else 0,
        )


def in_words(duration_ms: int) -> str:
    """ "0:03", "1:02:03"."""
    minutes, seconds = divmod(round(duration_ms / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _video_stream(container: Any) -> Any:
    import av.stream

    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:  # a cover is a picture, not a video
            return stream
    raise ProbeError(
        "There is no video in this file, only sound or something else. The portal takes videos.", "no_video_stream"
    )


def _codec_name(stream: Any) -> str:
    """FFmpeg's name of the codec, whichever decoder is used; "" where it knows none."""
    context = stream.codec_context
    return str(context.codec.canonical_name) if context is not None and context.codec is not None else ""


def _check_codecs(video_codec: str, audio_codec: str) -> None:
    for what, codec, allowed in (("picture", video_codec, VIDEO_CODECS), ("sound", audio_codec, (*AUDIO_CODECS, ""))):
        if codec not in allowed:
            raise ProbeError(
                f"The {what} of this file is coded as {codec or 'something unknown'}, which the portal does not take. "
                "Export it as MP4 (H.264 and AAC) and upload that.",
                "codec",
            )


def _check_size(header: Mp4Header | None, stream: Any) -> None:
    context = stream.codec_context
    sizes = [(context.width, context.height), *(header.picture_sizes if header else [])]
    if any(width == 0 or height == 0 for width, height in sizes):
        raise ProbeError(
            "The file says that its picture is 0 pixels wide or high: there is nothing to show. Export it again.",
            "no_picture",
        )
    width, height = sizes[0]
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise ProbeError(
            f"The picture is {width}×{height} pixels; this portal takes up to {MAX_SIDE} × 4320. Scale it down.",
            "dimensions",
        )


def _container_name(format_name: str, path: Path, header: Mp4Header | None) -> str:
    if format_name.startswith("mov,"):
        return "mov" if header is not None and header.major_brand in {"qt", ""} else "mp4"
    if format_name.startswith("matroska,"):
        with path.open("rb") as file:
            head = file.read(64)
        return "webm" if b"webm" in head else "matroska"
    return format_name


def _shown_size(width: int, height: int, pixel_aspect: Fraction | None, rotation: int) -> tuple[int, int]:
    """As a player shows it."""
    if pixel_aspect and Fraction(1, 4) < pixel_aspect < 4:
        width = round(width * pixel_aspect)
    return (height, width) if rotation in {90, 270} else (width, height)


@dataclass
class _Sample:
    rotation: int = 0
    pixel_format: str = ""
    is_interlaced: bool = False
    is_high_dynamic_range: bool = False
    is_variable_frame_rate: bool = False


def _sample(container: Any, stream: Any) -> _Sample:
    """Decodes the first picture and looks at the pace of those after it. Damage is `checking`'s to tell."""
    import av

    sample = _Sample()
    times: list[int] = []
    try:
        for number, packet in enumerate(container.demux()):
            if number > SAMPLED_PACKETS or len(times) > SAMPLED_FRAMES:
                break
            if packet.stream.index != stream.index:
                continue
            if packet.dts is not None:
                times.append(packet.dts)
            if not sample.pixel_format:
                for frame in packet.decode():
                    sample.rotation = round(-frame.rotation / 90) * 90 % 360
                    sample.pixel_format = frame.format.name
                    sample.is_interlaced = frame.interlaced_frame
                    sample.is_high_dynamic_range = frame.color_trc in HIGH_DYNAMIC_RANGE_TRANSFERS
                    break
    except (av.error.FFmpegError, OSError):
        pass  # the sample ends here: `checking` reads the whole file and tells what is wrong
    sample.is_variable_frame_rate = varies([float(time * stream.time_base) for time in times])
    return sample


def varies(times_s: list[float]) -> bool:
    """Whether more than a tenth of the steps between frames are a quarter off the usual step.

    A dropped frame here and there, or times rounded to milliseconds, are no variable frame rate.
    """
    steps = [later - earlier for earlier, later in pairwise(times_s) if later > earlier]
    if len(steps) < 8:
        return False
    usual, _ = Counter(round(step, 3) for step in steps).most_common(1)[0]
    return sum(abs(step - usual) > max(0.25 * usual, 0.002) for step in steps) > 0.1 * len(steps)


def main() -> int:
    parser = argparse.ArgumentParser(description="Tell as JSON what kind of video a file is.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--max-duration-s", type=float, default=12 * 3600.0)
    arguments = parser.parse_args()
    try:
        answer = asdict(examine(arguments.file, arguments.max_duration_s))
    except ProbeError as refusal:
        answer = {"refused": str(refusal), "code": refusal.code, "detail": refusal.operators_detail}
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
