"""Pictures out of a video: its poster, and the storyboard that the seek bar shows.

Imports no Django.
"""

import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageStat

from apps.videos.ffmpeg import input_arguments, output_argument, run_ffmpeg

POSTER_MAX_WIDTH, POSTER_MAX_HEIGHT = 1280, 720
# Where in the video a poster is looked for, in this order, until a picture is neither black nor blank.
POSTER_POSITIONS = (0.12, 0.3, 0.5, 0.7, 0.0)
# The `thumbnail` filter holds that many pictures and gives the most typical one.
POSTER_CANDIDATES = 30
DARK_MEAN, FLAT_DEVIATION = 24.0, 10.0  # of luminance, in 0..255

TILE_WIDTH = 160  # pixels
TILE_MAX_HEIGHT = 284  # of a portrait phone video
SHEET_COLUMNS = SHEET_ROWS = 10
MAX_THUMBNAILS = 200
MIN_INTERVAL_MS = 1_000
# Above this interval the nearest key frame is near enough, and decoding only those is many times faster.
KEY_FRAMES_SUFFICE_MS = 3_000
JPEG_QUALITY = 80


@dataclass(frozen=True)
class Clip:
    """A file that the portal can play, and what is known of it."""

    path: Path
    container: str
    duration_ms: int
    width: int  # as shown
    height: int
    threads: int = 2
    timeout_s: float = 3_600.0


def write_poster(clip: Clip, target: Path) -> None:
    """Writes a JPEG of at most 1280 × 720. Raises `ChildFailedError`, or `ValueError` where no picture comes out."""
    best: tuple[float, Image.Image] | None = None
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="partial-") as scratch:
        still = Path(scratch) / "still.png"
        for position in POSTER_POSITIONS:
            _take_still(clip, still, position)
            if not still.exists():  # nothing was left after that position
                continue
            with Image.open(still) as opened:
                image = opened.convert("RGB")
            still.unlink()
            statistics = ImageStat.Stat(image.convert("L"))
            mean, deviation = statistics.mean[0], statistics.stddev[0]
            if best is None or deviation > best[0]:
                best = (deviation, image)
            if mean > DARK_MEAN and deviation > FLAT_DEVIATION:
                best = (deviation, image)
                break
    if best is None:
        raise ValueError(f"no picture came out of {clip.path}")
    best[1].save(target, "JPEG", quality=85, optimize=True, progressive=True)


def _take_still(clip: Clip, target: Path, position: float) -> None:
    shrink = min(1.0, POSTER_MAX_WIDTH / clip.width, POSTER_MAX_HEIGHT / clip.height)
    width, height = (max(2, round(side * shrink / 2) * 2) for side in (clip.width, clip.height))
    run_ffmpeg(
        [
            *input_arguments(clip.path, clip.container, "-ss", f"{clip.duration_ms * position / 1000:.3f}"),
            "-map", "0:v:0", "-an", "-sn",
            # Scaled first: it is the small pictures that the filter holds.
            "-vf", f"scale={width}:{height},setsar=1,thumbnail={POSTER_CANDIDATES}",
            "-frames:v", "1", "-c:v", "png", "-f", "image2", "-update", "1", output_argument(target),
        ],
        timeout_s=clip.timeout_s,
        threads=clip.threads,
    )  # fmt: skip


# --- storyboard ---


def interval_ms(duration_ms: int) -> int:
    """Between thumbnails: a second or more, so that there are at most 200."""
    return max(MIN_INTERVAL_MS, math.ceil(duration_ms / MAX_THUMBNAILS))


def tile_size(width: int, height: int) -> tuple[int, int]:
    """Of one thumbnail, in pixels, both even."""
    scale = min(TILE_WIDTH / width, TILE_MAX_HEIGHT / height)
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def write_storyboard(clip: Clip, folder: Path, progress: Callable[[float], None]) -> list[Path]:
    """Writes `storyboard-0.jpg` … and, last, `storyboard.vtt` into `folder`; returns them in that order.

    The WebVTT's cues name a part of a sheet by `#xywh=` (Media Fragments URI 1.0, 4.2.2), relative to the WebVTT's own
    address. `progress` is given milliseconds of video. Returns nothing where the video is too short for a thumbnail.
    """
    width, height = tile_size(clip.width, clip.height)
    step_ms = interval_ms(clip.duration_ms)
    with tempfile.TemporaryDirectory(dir=folder, prefix="tiles-") as scratch:
        _take_thumbnails(clip, Path(scratch), (width, height), step_ms, progress)
        tiles = sorted(Path(scratch).glob("*.jpg"))[:MAX_THUMBNAILS]
        sheets = [
            _write_sheet(tiles[start : start + SHEET_COLUMNS * SHEET_ROWS], folder / f"storyboard-{number}.jpg")
            for number, start in enumerate(range(0, len(tiles), SHEET_COLUMNS * SHEET_ROWS))
        ]
    if not tiles:
        return []
    index = folder / "storyboard.vtt"
    index.write_text(storyboard_vtt(len(tiles), step_ms, clip.duration_ms, (width, height)), encoding="utf-8")
    return [*sheets, index]


def _take_thumbnails(
    clip: Clip, folder: Path, size: tuple[int, int], step_ms: int, progress: Callable[[float], None]
) -> None:
    before = ["-skip_frame", "nokey"] if step_ms >= KEY_FRAMES_SUFFICE_MS else []
    run_ffmpeg(
        [
            *input_arguments(clip.path, clip.container, *before),
            "-map", "0:v:0", "-an", "-sn",
            "-vf", f"fps=fps=1000/{step_ms}:start_time=0,scale={size[0]}:{size[1]},setsar=1",
            "-frames:v", str(MAX_THUMBNAILS),
            "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", "4", "-f", "image2", "-start_number", "0",
            output_argument(folder / "%05d.jpg"),
        ],
        timeout_s=clip.timeout_s,
        threads=clip.threads,
        progress=progress,
    )  # fmt: skip


def _write_sheet(tiles: list[Path], target: Path) -> Path:
    with Image.open(tiles[0]) as first:
        width, height = first.size
    columns = min(SHEET_COLUMNS, len(tiles))
    rows = -(-len(tiles) // SHEET_COLUMNS)
    sheet = Image.new("RGB", (columns * width, rows * height))
    for number, path in enumerate(tiles):
        row, column = divmod(number, SHEET_COLUMNS)
        with Image.open(path) as tile:
            sheet.paste(tile, (column * width, row * height))
    sheet.save(target, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return target


def storyboard_vtt(thumbnails: int, step_ms: int, duration_ms: int, size: tuple[int, int]) -> str:
    """Cues without gaps from 0 to the end of the video, each naming its tile."""
    lines = ["WEBVTT", ""]
    for number in range(thumbnails):
        end_ms = (number + 1) * step_ms if number + 1 < thumbnails else max(duration_ms, number * step_ms + 1)
        sheet, on_sheet = divmod(number, SHEET_COLUMNS * SHEET_ROWS)
        row, column = divmod(on_sheet, SHEET_COLUMNS)
        width, height = size
        lines += [
            f"{_clock(number * step_ms)} --> {_clock(end_ms)}",
            f"storyboard-{sheet}.jpg#xywh={column * width},{row * height},{width},{height}",
            "",
        ]
    return "\n".join(lines)


def _clock(milliseconds: int) -> str:
    seconds, milliseconds = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{milliseconds:03}"
