"""Files for `benchmarks.sync_errors`: real clips whose sound is moved, and what may mislead a check of lip sync.

ffmpeg writes each; the sound is moved by dropping samples or by silence before it, never by timestamps alone.
"""

from __future__ import annotations

import subprocess
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np

from apps.media.audio import SAMPLE_RATE, duration_ms, stream_samples

FPS = 25
SNR_DB = 10
PINK_RMS = 0.196  # of ffmpeg's pink noise of amplitude 1
Maker = Callable[[Path, Path, float, Path], None]  # clip, target, shift in ms, another clip


def ffmpeg(target: Path, *arguments: str) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *arguments, str(target)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def join(clips: Sequence[Path], target: Path) -> None:
    """The clips one after the other, each with its own sound beside its own pictures."""
    inputs = [argument for clip in clips for argument in ("-i", str(clip))]
    one_form = ";".join(
        f"[{number}:v]scale=360:288,setsar=1,fps={FPS}[v{number}];[{number}:a]aformat=sample_rates=16000:channel_layouts=mono[a{number}]"
        for number in range(len(clips))
    )
    streams = "".join(f"[v{number}][a{number}]" for number in range(len(clips)))
    ffmpeg(
        target, *inputs, "-filter_complex", f"{one_form};{streams}concat=n={len(clips)}:v=1:a=1[v][a]",
        "-map", "[v]", "-map", "[a]", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p",
        "-crf", "18", "-c:a", "aac", "-b:a", "128k",
    )  # fmt: skip


def moved(shift_ms: float) -> str:
    """The filter that makes sound so much later, and keeps its end where the picture's is."""
    if shift_ms >= 0:
        return f"adelay=delays={shift_ms:g}:all=1"
    return f"atrim=start={-shift_ms / 1000:g},asetpts=PTS-STARTPTS,apad=pad_dur={-shift_ms / 1000:g}"


def _encoded(*picture: str, sound: str = "", codec: tuple[str, ...] = ("-crf", "20")) -> Maker:
    """With a filter of the picture, more filters of the sound, and options of x264."""

    def make(clip: Path, target: Path, shift_ms: float, _: Path) -> None:
        filters = ",".join(filter(None, [sound, moved(shift_ms)]))
        ffmpeg(
            target, "-i", str(clip), *picture, "-af", filters, "-c:v", "libx264", "-preset", "veryfast",
            "-pix_fmt", "yuv420p", *codec, "-c:a", "aac", "-b:a", "96k", "-shortest",
        )  # fmt: skip

    return make


def _with_graph(graph: str) -> Maker:
    """With a graph over clip [0] and another clip [1] that gives [v] and [a]; SHIFT stands for the moving filter."""

    def make(clip: Path, target: Path, shift_ms: float, other: Path) -> None:
        ffmpeg(
            target, "-i", str(clip), "-i", str(other), "-filter_complex", graph.replace("SHIFT", moved(shift_ms)),
            "-map", "[v]", "-map", "[a]", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p",
            "-crf", "20", "-c:a", "aac", "-b:a", "96k", "-shortest",
        )  # fmt: skip

    return make


def _noisy(clip: Path, target: Path, shift_ms: float, other: Path) -> None:
    """With pink noise in the sound, of SNR_DB below the mean level of the clip."""
    samples = np.concatenate(list(stream_samples(clip)))
    level = float(np.sqrt(np.mean(np.square(samples)))) * 10 ** (-SNR_DB / 20) / PINK_RMS
    _with_graph(
        f"[0:v]null[v];anoisesrc=r={SAMPLE_RATE}:a={level:.4f}:c=pink:seed=1[n];"
        "[0:a]SHIFT[s];[s][n]amix=duration=first:normalize=0[a]"
    )(clip, target, shift_ms, other)


def _late_track(clip: Path, target: Path, shift_ms: float, _: Path) -> None:
    """Sound and picture as they are; a player is told to begin the sound later, or the picture."""
    late = ["-itsoffset", f"{abs(shift_ms) / 1000:g}", "-i", str(clip)]
    inputs = ["-i", str(clip), *late] if shift_ms >= 0 else [*late, "-i", str(clip)]
    ffmpeg(target, *inputs, "-map", "0:v", "-map", "1:a", "-c", "copy")


# What is done to a clip, beside moving its sound; it is found, or nobody can tell. The filter `fps` takes the nearest
# picture; by `-r` alone ffmpeg would let pictures fall behind by two frames before it leaves one out.
MOVED: Mapping[str, Maker] = {
    "as recorded": _encoded(),
    "track starts late": _late_track,
    "24 fps": _encoded("-vf", "fps=24"),
    "29.97 fps": _encoded("-vf", "fps=30000/1001"),
    "50 fps": _encoded("-vf", "fps=50"),
    "60 fps": _encoded("-vf", "fps=60"),
    "compressed hard": _encoded(codec=("-crf", "38")),
    "180 pixels wide": _encoded("-vf", "scale=180:144"),
    "upscaled to 1080p": _encoded("-vf", "scale=1920:1080"),
    "noise in the sound, 10 dB": _noisy,
    "noise in the picture": _encoded("-vf", "noise=alls=20:allf=t"),
    "two faces": _with_graph("[1:v][0:v]hstack[v];[0:a]SHIFT[a]"),
}


def _draw_cartoon(clip: Path, target: Path, shift_ms: float, _: Path) -> None:
    """A drawn head that opens its mouth at random while somebody speaks; the same each time for the same clip."""
    generator = np.random.default_rng(zlib.crc32(clip.name.encode()))
    pictures = target.with_suffix(".avi")
    writer = cv2.VideoWriter(str(pictures), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (360, 288))
    opening = 0.0
    for number in range(duration_ms(clip) * FPS // 1000):
        if number % 4 == 0:
            opening = float(generator.uniform(0, 1))
        writer.write(_cartoon(opening))
    writer.release()
    ffmpeg(
        target, "-i", str(pictures), "-i", str(clip), "-map", "0:v", "-map", "1:a", "-af", moved(shift_ms),
        "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest",
    )  # fmt: skip
    pictures.unlink()


def _cartoon(opening: float) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    image = np.full((288, 360, 3), (200, 170, 120), np.uint8)
    cv2.ellipse(image, (180, 150), (75, 100), 0, 0, 360, (150, 190, 235), -1)
    cv2.ellipse(image, (180, 70), (80, 40), 0, 180, 360, (30, 40, 60), -1)
    for x in (150, 210):
        cv2.ellipse(image, (x, 125), (16, 10), 0, 0, 360, (255, 255, 255), -1)
        cv2.circle(image, (x, 125), 6, (60, 40, 20), -1)
        cv2.line(image, (x - 18, 105), (x + 18, 103), (30, 40, 60), 4)
    cv2.line(image, (180, 135), (174, 170), (110, 150, 200), 3)
    cv2.ellipse(image, (180, 205), (28, 3 + int(14 * opening)), 0, 0, 360, (60, 40, 130), -1)
    return image


# Where no offset is right: whatever is told of them is wrong.
MISLEADING: Mapping[str, Maker] = {
    "another's voice": _with_graph("[0:v]null[v];[1:a]SHIFT[a]"),
    "still photograph": _with_graph("[0:v]trim=start_frame=30:end_frame=31,loop=-1:1,setpts=N/25/TB[v];[1:a]SHIFT[a]"),
    "slow zoom on a photograph": _with_graph(
        "[0:v]trim=start_frame=30:end_frame=31,loop=-1:1,setpts=N/25/TB,"
        "zoompan=z='1+on*0.004':d=1:s=360x288:fps=25[v];[1:a]SHIFT[a]"
    ),
    "cartoon": _draw_cartoon,
}
SCENES: Mapping[str, Maker] = {**MOVED, **MISLEADING}
