"""A few silent seconds for the card of a video: `python -m apps.videos.previews SOURCE TARGET START_S LENGTH_S`.

moviepy cuts it, in a child process of its own: it starts ffmpeg without our guards, so that it is given only files
that the portal plays itself (an MP4 or a WebM by its first bytes, which ffmpeg cannot take for a playlist). It seeks,
and reads frame by frame: neither time nor memory depends on the length of the video.

Imports no Django.
"""

import argparse
import sys
from pathlib import Path

from apps.videos.children import ChildLimits, python_module, run_child

LENGTH_S = 3.5
POSITION = 0.25  # of the video, where it starts
WIDTH = 320  # pixels
MAX_HEIGHT = 480
MAX_FRAME_RATE = 15.0
MIN_FRAME_RATE = 10.0  # where pictures lie seconds apart, an excerpt at their own rate would hold none
TIMEOUT_S = 120.0


def write_preview(source: Path, target: Path, duration_ms: int) -> None:
    """Writes a small H.264 MP4 without sound. Raises `ChildFailedError`."""
    length_s = min(LENGTH_S, duration_ms / 1000)
    start_s = min(duration_ms / 1000 * POSITION, duration_ms / 1000 - length_s)
    run_child(
        python_module(
            "apps.videos.previews", source.absolute(), target.absolute(), f"{start_s:.3f}", f"{length_s:.3f}"
        ),
        ChildLimits(timeout_s=TIMEOUT_S),
    )


# --- in the child ---


def _cut(source: Path, target: Path, start_s: float, length_s: float) -> None:
    from moviepy import VideoFileClip
    from moviepy.video.io.ffmpeg_reader import ffmpeg_parse_infos

    width, height = ffmpeg_parse_infos(str(source), decode_file=False)["video_size"]
    shrink = min(1.0, WIDTH / width, MAX_HEIGHT / height)
    size = (max(2, round(width * shrink / 2) * 2), max(2, round(height * shrink / 2) * 2))
    with VideoFileClip(str(source), audio=False, target_resolution=size) as clip:
        end_s = min(start_s + length_s, clip.duration)
        excerpt = clip.subclipped(max(0.0, min(start_s, end_s - 0.1)), end_s)
        excerpt.write_videofile(
            str(target),
            fps=min(MAX_FRAME_RATE, max(MIN_FRAME_RATE, clip.fps or MAX_FRAME_RATE)),
            codec="libx264",
            audio=False,
            preset="veryfast",
            threads=1,
            ffmpeg_params=["-crf", "30", "-pix_fmt", "yuv420p", "-movflags", "+faststart"],
            logger=None,
        )


def main() -> int:
    parser = argparse.ArgumentParser(description="Cut a short silent preview.")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("start_s", type=float)
    parser.add_argument("length_s", type=float)
    arguments = parser.parse_args()
    _cut(arguments.source, arguments.target, arguments.start_s, arguments.length_s)
    return 0


if __name__ == "__main__":
    sys.exit(main())
