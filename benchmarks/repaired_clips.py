"""Each clip at each shift, repaired by what it was shifted by: `benchmarks.sync_repairs` without a network."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.shifted_files import CONTAINERS, SHIFTS_MS, in_turn, repaired_copy, write_shifted
from benchmarks.sound_position import pictures_moved_ms, played, sound_late_ms
from benchmarks.sync_recordings import Recording
from benchmarks.sync_rows import Kept, Row

COLUMNS = ("clip", "part", "container", "shift_ms", "copy", "was_late_ms", "is_late_ms", "pictures", "picture_moved_ms")
KEY = ("clip", "shift_ms")
SHIFTS_AT_A_TIME = 3


@dataclass(frozen=True)
class Job:
    """A clip, and what is still to be done with it: shifts and names of containers."""

    recording: Recording
    wanted: tuple[tuple[float, str], ...]


def jobs(recordings: Sequence[Recording], kept: Kept) -> Iterator[Job]:
    """Every clip at every shift once. The containers take turns, so that each meets each shift; so do the shifts, of
    which every clip is given some before any is given more: a run that is cut off has seen them all.
    """
    for begins in range(0, len(SHIFTS_MS), SHIFTS_AT_A_TIME):
        for number, recording in enumerate(recordings):
            turns = [(number + begins + turn) % len(SHIFTS_MS) for turn in range(SHIFTS_AT_A_TIME)]
            wanted = tuple(
                (SHIFTS_MS[turn], in_turn(number + turn))
                for turn in turns
                if not kept.has(recording.name, SHIFTS_MS[turn])
            )
            if wanted:
                yield Job(recording, wanted)


def repaired(job: Job) -> list[Row]:
    """Where the sound of each copy lies against its pictures, later than in the clip, in ms, before and after."""
    recording = job.recording
    original = played(recording.clip.path)
    rows: list[Row] = []
    for shift_ms, name in job.wanted:
        with tempfile.TemporaryDirectory() as folder:
            shifted = Path(folder) / f"shifted.{CONTAINERS[name].extension}"
            write_shifted(recording.clip.path, shifted, CONTAINERS[name], shift_ms)
            before = played(shifted)
            copy = repaired_copy(shifted, -round(shift_ms))
            after = played(copy) if copy else None
        rows.append(
            {
                "clip": recording.name,
                "part": recording.part,
                "container": name,
                "shift_ms": shift_ms,
                "copy": copy.suffix.removeprefix(".") if copy else "refused",
                "was_late_ms": round(sound_late_ms(original, before), 2),
                "is_late_ms": round(sound_late_ms(original, after), 2) if after else None,
                "pictures": len(after.pictures) if after else None,
                "picture_moved_ms": round(pictures_moved_ms(before, after), 2) if after else None,
            }
        )
    return rows


def summarised(rows: Sequence[Row]) -> Iterator[Row]:
    """By container: how far from its place the sound lies, in ms, and whether any picture is another or elsewhere."""
    for name in (*CONTAINERS, "all"):
        group = [row for row in rows if name in (row["container"], "all")]
        done = [row for row in group if row["copy"] != "refused"]
        errors = np.abs([float(row["is_late_ms"]) for row in done])
        made = np.abs([float(row["was_late_ms"]) - float(row["shift_ms"]) for row in group])
        if not done:
            continue
        yield {
            "container": name,
            "n": len(group),
            "refused": len(group) - len(done),
            "into_matroska": sum(row["copy"] == "mkv" for row in done),
            "median_error_ms": f"{np.median(errors):.2f}",
            "p95_error_ms": f"{np.quantile(errors, 0.95):.2f}",
            "largest_error_ms": f"{errors.max():.2f}",
            "largest_error_of_the_shifted_ms": f"{made.max():.2f}",
            "pictures": sum(int(row["pictures"]) for row in done),
            "largest_error_of_a_picture_ms": f"{max(float(row['picture_moved_ms']) for row in done):.2f}",
        }
