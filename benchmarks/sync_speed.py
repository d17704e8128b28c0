"""Seconds and memory of the check of lip sync, and of its repair.

    python -m benchmarks.sync_speed [--minutes 2 10 60 180] [--csv FOLDER]

A talk of 720p and 25 fps made of clips of one GRID speaker (VIDEOPORTAL_DATA), its sound moved by 200 ms; the minute
that is encoded is repeated. Each length is checked three ways, each in a process of its own, which begins with the
network on disk: as it is, with pictures that show nobody (the most stretches are looked at), and with every look made.
Then its sound is moved back, as the portal repairs it. Memory is that of the largest process. Rows of other lengths
stay in the table.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from apps.results.tables import write_rows
from benchmarks.search_corpus import REPOSITORY, data_folder

SHIFT_MS = 200
CLIPS = 20  # of three seconds
HD = "scale=-2:720,pad=1280:720:(ow-iw)/2:0,setsar=1"
TIME_LIMIT_S = 600
COLUMNS = (
    "minutes", "way", "load_s", "wall_s", "cpu_s", "peak_mb", "windows", "offset_ms", "probability", "reason",
)  # fmt: skip
WAYS = ("talk", "nobody in the picture", "talk, all looks", "sound moved back")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", nargs="+", type=int, default=[2, 10, 60, 180])
    parser.add_argument("--speaker", default="s2")
    parser.add_argument("--kept", type=Path, default=REPOSITORY / "var" / "experiments" / "sync-speed")
    parser.add_argument("--csv", type=Path, help="folder for speed.csv")
    parser.add_argument("--check", nargs=2, metavar=("FILE", "WAY"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.check:
        print(json.dumps(measured(Path(options.check[0]), options.check[1])))
        return
    rows = list(_rows(options.minutes, options.speaker, options.kept))
    if options.csv:
        options.csv.mkdir(parents=True, exist_ok=True)
        table = options.csv / "speed.csv"
        rows += [row for row in _rows_of(table) if int(row["minutes"]) not in options.minutes]
        write_rows(table, sorted(rows, key=lambda row: (int(row["minutes"]), WAYS.index(row["way"]))))


def _rows_of(table: Path) -> list[dict[str, str]]:
    if not table.exists():
        return []
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _rows(minutes: list[int], speaker: str, folder: Path) -> Iterator[Mapping[str, Any]]:
    for length in minutes:
        for way in WAYS:
            path = talk(folder, speaker, length, shows_nobody=way == WAYS[1])
            command = [sys.executable, "-m", "benchmarks.sync_speed", "--check", str(path), way]
            done = subprocess.run(
                command, cwd=REPOSITORY, check=True, capture_output=True, text=True, timeout=TIME_LIMIT_S
            )
            row = dict.fromkeys(COLUMNS, "") | {"minutes": length, "way": way, **json.loads(done.stdout)}
            print(row, flush=True)
            yield row


def measured(path: Path, way: str) -> Mapping[str, Any]:
    """One file, as the portal does it, with what that takes."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "videoportal.settings")
    import django

    django.setup()
    done = _moved_back(path) if way == WAYS[3] else _checked(path, looks_everywhere=way == WAYS[2])
    largest_kb = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {**done, "peak_mb": largest_kb // 1024}


def _checked(path: Path, *, looks_everywhere: bool) -> Mapping[str, Any]:
    from apps.avsync.checker import looking_options, sync_checker
    from apps.avsync.syncnet.looking import check_file

    began = time.monotonic()
    checker = sync_checker()
    loaded_s = time.monotonic() - began
    looks = looking_options()
    if looks_everywhere:
        looks = replace(looks, min_looks=looks.max_looks)
    began = time.monotonic()
    result = check_file(path, checker, looks)
    return {
        "load_s": round(loaded_s, 1),
        "wall_s": round(time.monotonic() - began, 1),
        "cpu_s": round(time.process_time(), 1),
        "windows": len(result.windows),
        "offset_ms": None if result.offset_ms is None else round(result.offset_ms, 1),
        "probability": round(result.probability, 4),
        "reason": result.reason,
    }


def _moved_back(path: Path) -> Mapping[str, Any]:
    """What the stage `move_sound` does with a file: copied by ffmpeg, then compared packet by packet."""
    from django.conf import settings

    from apps.videos.checking import probe_again
    from apps.videos.soundshift import move_sound

    copy = path.with_name("moved.mp4")
    began = time.monotonic()
    try:
        move_sound(
            path, copy, probe_again(path), "mp4", -SHIFT_MS,
            threads=settings.RENDER_THREADS, timeout_s=TIME_LIMIT_S, progress=lambda _: None,
        )  # fmt: skip
    finally:
        copy.unlink(missing_ok=True)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "wall_s": round(time.monotonic() - began, 1),
        "cpu_s": round(children.ru_utime + children.ru_stime, 1),
    }


def talk(folder: Path, speaker: str, minutes: int, *, shows_nobody: bool) -> Path:
    """A file of that length, made where it is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    kind = "nobody" if shows_nobody else "talk"
    minute = folder / f"{speaker}-{kind}-1.mp4"
    if not minute.exists():
        _encode_minute(minute, sorted((data_folder() / "grid" / speaker).glob("*.mp4")), shows_nobody=shows_nobody)
    whole = folder / f"{speaker}-{kind}-{minutes}.mp4"
    if not whole.exists():
        _joined([minute] * minutes, whole, "-c", "copy")
    return whole


def _encode_minute(target: Path, clips: list[Path], *, shows_nobody: bool) -> None:
    cycled = [clips[number % len(clips)] for number in range(CLIPS)]
    picture = f"{HD},vflip,boxblur=20" if shows_nobody else HD
    _joined(cycled, target, "-vf", picture, "-af", f"adelay=delays={SHIFT_MS}:all=1,atrim=end={3 * CLIPS}",
            "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ar", "48000")  # fmt: skip


def _joined(parts: list[Path], target: Path, *arguments: str) -> None:
    listing = target.with_suffix(".txt")
    listing.write_text("".join(f"file '{part.resolve()}'\n" for part in parts), encoding="utf-8")
    partial = target.with_suffix(".partial.mp4")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", "-f", "concat", "-safe", "0"]
    subprocess.run([*command, "-i", str(listing), *arguments, str(partial)], check=True, timeout=1800)
    partial.replace(target)
    listing.unlink()


if __name__ == "__main__":
    main()
