"""Talks that are checked, repaired by what was found, and checked again: the part of `benchmarks.sync_repairs` that
depends on the network. Four and eight clips, of one speaker where there are so many, make talks of 12 and 24 seconds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.shifted_files import CONTAINERS, SHIFTS_MS, in_turn, repaired_copy, write_shifted
from benchmarks.sound_position import Played, played, sound_late_ms
from benchmarks.sync_recordings import PARTS, SEED, Group, Recording, groups, name_of, paths_of
from benchmarks.sync_rows import JOINT, Kept, Row
from benchmarks.sync_scenes import join

if TYPE_CHECKING:
    from apps.avsync.syncnet.offset import SyncResult

COLUMNS = (
    "part", "seconds", "clips", "container", "shift_ms", "verdict", "found_ms", "probability", "reason", "copy",
    "late_ms", "verdict_after", "found_after_ms",
)  # fmt: skip
KEY = ("seconds", "clips")
CLIP_S = 3
SIZES = (4, 8)  # clips of a talk
RIGHT_MS = 40  # a frame


@dataclass(frozen=True)
class Job:
    """A talk that is to be made of these clips, and what is done to it."""

    group: Group
    container: str
    shift_ms: float

    @property
    def seconds(self) -> int:
        return CLIP_S * len(self.group)


def jobs(recordings: Sequence[Recording], n_talks: int, kept: Kept) -> Iterator[Job]:
    """`n_talks` of each length, half of them of speakers never seen; shifts and containers take turns."""
    for size in SIZES:
        for part in PARTS:
            talks = [group for group in groups(recordings, n_talks, size) if group[0].part == part]
            order = np.random.default_rng(SEED + size).permutation(len(talks))  # or a speaker would have his own shifts
            for number, index in enumerate(order):
                job = Job(talks[index], in_turn(number), SHIFTS_MS[number % len(SHIFTS_MS)])
                if not kept.has(job.seconds, name_of(job.group)):
                    yield job


def repaired(job: Job) -> list[Row]:
    """What its owner meets: a verdict, and, where that is that the sound is late or early, its repair by what was found
    and the verdict after it.
    """
    from apps.avsync.verdicts import Verdict

    moved: Row = dict.fromkeys(("copy", "late_ms", "verdict_after", "found_after_ms"))
    with tempfile.TemporaryDirectory() as folder:
        talk = Path(folder) / "talk.mp4"
        join(paths_of(job.group), talk)
        shifted = Path(folder) / f"shifted.{CONTAINERS[job.container].extension}"
        write_shifted(talk, shifted, CONTAINERS[job.container], job.shift_ms)
        result, verdict = _checked(shifted, job.seconds)
        if verdict in (Verdict.SOUND_LATE, Verdict.SOUND_EARLY):
            assert result.offset_ms is not None
            copy = repaired_copy(shifted, -round(result.offset_ms))
            moved = _after(copy, played(talk), job.seconds) if copy else {**moved, "copy": "refused"}
    made = {
        "part": job.group[0].part,
        "seconds": job.seconds,
        "clips": name_of(job.group),
        "container": job.container,
        "shift_ms": job.shift_ms,
    }
    found = {
        "verdict": verdict,
        "found_ms": _rounded(result.offset_ms),
        "probability": round(result.probability, 4),
        "reason": result.reason,
    }
    return [{**made, **found, **moved}]


def _after(copy: Path, talk: Played, seconds: int) -> Row:
    again, verdict = _checked(copy, seconds)
    return {
        "copy": copy.suffix.removeprefix("."),
        "late_ms": round(sound_late_ms(talk, played(copy)), 2),
        "verdict_after": verdict,
        "found_after_ms": _rounded(again.offset_ms),
    }


def _checked(path: Path, seconds: int) -> tuple[SyncResult, str]:
    """As the stage `check_sync` does it."""
    from apps.avsync.checker import looking_options, sync_checker
    from apps.avsync.syncnet.looking import check_file
    from apps.avsync.verdicts import verdict_of

    result = check_file(path, sync_checker(), looking_options())
    return result, str(verdict_of(result, 1000 * seconds))


def _rounded(offset_ms: float | None) -> float | None:
    return None if offset_ms is None else round(offset_ms, 1)


def summarised(rows: Sequence[Row]) -> Iterator[Row]:
    """By part of the split and length."""
    by_part: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        by_part.setdefault((row["part"], int(row["seconds"])), []).append(row)
    for (part, seconds), talks in sorted(by_part.items()):
        told = [row for row in talks if row["verdict"] != "unknown"]
        found = [row for row in told if is_found(row)]
        moved = [row for row in talks if row["late_ms"]]
        confirmed = [row for row in moved if row["verdict_after"] == "in_sync"]
        late = np.abs([float(row["late_ms"]) for row in moved])
        yield {
            "part": part,
            "seconds": seconds,
            "clips": _n_clips(talks),
            "n": len(talks),
            "not_sure": len(talks) - len(told),
            "found": len(found),
            "found_interval": _interval(found, talks),
            "wrong": len(told) - len(found),
            "right_of_told_interval": _interval(found, told),
            "in_sync": sum(row["verdict"] == "in_sync" for row in talks),
            "refused": sum(row["copy"] == "refused" for row in talks),
            "repaired": len(moved),
            "confirmed": len(confirmed),
            "confirmed_interval": _interval(confirmed, moved),
            "median_late_ms": f"{np.median(late):.1f}" if moved else "",
            "p95_late_ms": f"{np.quantile(late, 0.95):.1f}" if moved else "",
            "largest_late_ms": f"{late.max():.1f}" if moved else "",
        }


def is_found(row: Row) -> bool:
    """The shift was told to within a frame, and as one that stays."""
    return row["verdict"] != "drifting" and abs(float(row["found_ms"]) - float(row["shift_ms"])) <= RIGHT_MS


def _interval(some: Sequence[Row], of: Sequence[Row]) -> str:
    """Wilson's interval (95 %) in per cent, with no more observations than there are different clips."""
    from apps.classification.bert.metrics import wilson_interval

    if not of:
        return ""
    n = min(len(of), _n_clips(of))
    low, high = wilson_interval(n * len(some) / len(of), n)
    return f"{100 * low:.1f} to {100 * high:.1f}"


def _n_clips(talks: Sequence[Row]) -> int:
    return len({clip for row in talks for clip in row["clips"].split(JOINT)})
