"""What browsers play: the original where they can, else an H.264/AAC MP4 with its index in front.

Imports no Django. Browsers that play `<video>` today agree on MP4 with 8-bit 4:2:0 H.264 and AAC or MP3,
and on WebM with VP8, VP9 or AV1 and Opus or Vorbis (MDN, "Media container formats").
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from apps.videos.ffmpeg import input_arguments, output_argument, run_ffmpeg
from apps.videos.probe import ProbeResult

EIGHT_BIT_420 = frozenset({"yuv420p", "yuvj420p"})
MP4_SOUND = frozenset({"", "aac", "mp3"})
WEBM_PICTURE = frozenset({"vp8", "vp9", "av1"})
WEBM_SOUND = frozenset({"", "opus", "vorbis"})
# Containers out of which H.264 packets can be copied with their times.
COPYABLE = frozenset({"mp4", "mov", "matroska", "flv"})
FRAME_RATES = (10.0, 12.0, 15.0, 20.0, 24000 / 1001, 24.0, 25.0, 30000 / 1001, 30.0, 48.0, 50.0, 60000 / 1001, 60.0)
MAX_FRAME_RATE = 60.0
KEY_FRAME_EVERY_S = 2  # seeking lands that exactly, and thumbnails are taken from key frames
SOUND_BITS_PER_S = 128_000


class Plan(enum.Enum):
    AS_IT_IS = "as it is"
    REMUX = "copied into an MP4 that plays while it loads"
    COPY_PICTURE = "pictures copied, sound encoded anew"
    ENCODE = "encoded anew"


@dataclass(frozen=True)
class RenditionOptions:
    max_height: int = 1080
    threads: int = 2
    timeout_s: float = 6 * 3600.0


def plan_for(probed: ProbeResult) -> Plan:
    """The least that makes the file play everywhere."""
    is_plain = probed.pixel_format in EIGHT_BIT_420 and probed.rotation == 0 and not probed.is_variable_frame_rate
    if not is_plain or probed.is_interlaced or probed.is_high_dynamic_range:
        return Plan.ENCODE
    if probed.container == "webm" and probed.video_codec in WEBM_PICTURE and probed.audio_codec in WEBM_SOUND:
        # A live recording has neither length nor index: nobody could seek in it.
        return Plan.AS_IT_IS if probed.duration_ms else Plan.ENCODE
    has_even_size = probed.width % 2 == 0 and probed.height % 2 == 0
    if probed.video_codec != "h264" or probed.container not in COPYABLE or not has_even_size:
        return Plan.ENCODE
    if probed.audio_codec not in MP4_SOUND:
        return Plan.COPY_PICTURE
    # Viewers are not told where a phone stood: the copy leaves that out.
    is_ready = probed.container == "mp4" and probed.has_faststart and not probed.tells_location
    return Plan.AS_IT_IS if is_ready else Plan.REMUX


def write_rendition(
    source: Path,
    target: Path,
    probed: ProbeResult,
    plan: Plan,
    options: RenditionOptions,
    progress: Callable[[float], None],
) -> None:
    """Writes an MP4. `progress` is given milliseconds of output. Raises `ChildFailedError`.

    Neither memory nor anything else but time depends on the length.
    """
    arguments = [
        *input_arguments(source, probed.container),
        "-map", f"0:{probed.video_index}",
        *(["-map", f"0:{probed.audio_index}"] if probed.audio_codec else []),
        # What a phone notes besides, its position among it, is not for viewers.
        "-map_metadata", "-1", "-map_chapters", "-1",
        *(_picture_arguments(probed, options) if plan is Plan.ENCODE else ["-c:v", "copy"]),
        *(_sound_arguments(probed, plan) if probed.audio_codec else []),
        "-max_muxing_queue_size", "4096",
        "-movflags", "+faststart", "-f", "mp4", output_argument(target),
    ]  # fmt: skip
    run_ffmpeg(arguments, timeout_s=options.timeout_s, threads=options.threads, progress=progress)


def target_size(probed: ProbeResult, max_height: int) -> tuple[int, int]:
    """Even width and height as shown, at most `max_height` high, never enlarged, at least 2 × 2."""
    scale = min(1.0, max_height / probed.display_height)
    width, height = (max(2, round(side * scale / 2) * 2) for side in (probed.display_width, probed.display_height))
    return width, min(height, max(2, max_height // 2 * 2))


def target_frame_rate(probed: ProbeResult) -> float:
    """Frames per second, constant and at most 60. A variable rate becomes the next usual one above its mean."""
    rate = probed.frame_rate or 25.0
    if not probed.is_variable_frame_rate:
        return min(rate, MAX_FRAME_RATE)
    return next((usual for usual in FRAME_RATES if usual >= rate * 0.99), MAX_FRAME_RATE)


def _picture_arguments(probed: ProbeResult, options: RenditionOptions) -> list[str]:
    width, height = target_size(probed, options.max_height)
    rate = target_frame_rate(probed)
    filters = [
        *(["bwdif=mode=send_frame"] if probed.is_interlaced else []),
        f"scale={width}:{height}",  # after ffmpeg has turned the picture, as its display matrix says
        *(_tone_mapping() if probed.is_high_dynamic_range else []),
        "setsar=1",
        "format=yuv420p",
    ]
    return [
        "-vf", ",".join(filters),
        "-fps_mode", "cfr", "-r", f"{rate:.6f}",
        "-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-pix_fmt", "yuv420p",
        "-g", str(max(1, round(rate * KEY_FRAME_EVERY_S))), "-threads", str(options.threads),
        *(["-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709"]
          if probed.is_high_dynamic_range else []),
    ]  # fmt: skip


def _tone_mapping() -> list[str]:
    """HLG and PQ to BT.709, without which phone videos look grey. Written in ffmpeg's documentation of `tonemap`."""
    return [
        "zscale=transfer=linear:npl=100",
        "format=gbrpf32le",
        "zscale=primaries=bt709",
        "tonemap=tonemap=hable:desat=0",
        "zscale=transfer=bt709:matrix=bt709:range=tv",
    ]


def _sound_arguments(probed: ProbeResult, plan: Plan) -> list[str]:
    if plan is Plan.REMUX:
        return ["-c:a", "copy"]
    return [
        # Gaps become silence, so that sound stays with the picture and cues with the sound.
        "-af", "aresample=async=1:first_pts=0",
        "-c:a", "aac", "-b:a", str(SOUND_BITS_PER_S), "-ar", "48000", "-ac", str(min(2, max(1, probed.audio_channels))),
    ]  # fmt: skip
