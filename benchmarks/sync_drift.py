"""Is a drift told from a constant shift? `python -m benchmarks.sync_drift [--minutes 1 3 10] [--csv FOLDER]`.

Talks of clips of GRID (VIDEOPORTAL_DATA) that the network was not trained on: of speakers that it saw, in two orders,
and of s2 and s34, whom it never saw, whose 21 and 10 clips are repeated. Their sound is moved as a whole, drifts, jumps
at half time, or belongs to film of another speed (0.1 % and 4 %). Each file is checked with the portal's settings.
Talks lie in --kept, and so do the rows of each talk: a run that was cut off goes on; other weights begin anew, with the
talks that are there. Faces are found and embedded once a talk, for all its sounds. On two cores some ten minutes.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import django
import numpy as np

from apps.classification.bert.metrics import wilson_interval
from apps.results.tables import write_rows
from benchmarks.search_corpus import REPOSITORY, data_folder
from benchmarks.sync_files import in_processes
from benchmarks.sync_recordings import SEED, Recording, evaluation
from benchmarks.sync_rows import Kept, Row
from benchmarks.sync_talks import Movement, Talk, constant, drift, jump, speed

if TYPE_CHECKING:
    from apps.avsync.syncnet.network_checker import NetworkChecker
    from apps.avsync.syncnet.offset import SyncResult

COLUMNS = (
    "kind", "clip", "part", "minutes", "shift_ms", "change_ms", "said", "verdict", "offset_ms", "drift_ms_per_min",
    "probability", "looks",
)  # fmt: skip
UNSEEN = ("s2", "s34")
# What may be said of each kind, before the first space of its name. A jump is neither constant nor a drift.
ALLOWED: Mapping[str, tuple[str, ...]] = {
    "constant": ("constant", "not_sure"),
    "drift": ("drift", "not_sure"),
    "jump": ("not_sure",),
    "film": ("drift", "not_sure"),
}


@dataclass(frozen=True)
class Job:
    """One file to make and to check."""

    talk: Talk
    movement: Movement
    folder: Path

    @property
    def clip(self) -> str:
        return f"{self.talk.name} {self.movement.first_ms:g} to {self.movement.last_ms:g}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", nargs="+", type=int, default=[1, 3, 10])
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--kept", type=Path, default=REPOSITORY / "var" / "experiments" / "sync-drift")
    parser.add_argument("--csv", type=Path, help="folder for drift.csv and summary.csv")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "videoportal.settings")
    django.setup()  # the settings hold how much is looked at, and the limits of verdicts
    from apps.avsync.checker import sync_checker, weights_path
    from apps.avsync.syncnet.weights import load_network

    kept = Kept(options.kept / f"{sync_checker().name.replace(' ', '-')}.csv", COLUMNS)
    recordings = evaluation(data_folder() / "grid", load_network(weights_path()))
    folder = options.kept / "talks"
    of_talks = []
    for talk in (talk for minutes in options.minutes for talk in talks(recordings, minutes)):
        jobs = [Job(talk, movement, folder) for movement in movements(talk.minutes)]
        of_talks.append([job for job in jobs if not kept.has(job.movement.kind, job.clip, job.movement.middle_ms)])
    for row in check_all([jobs for jobs in of_talks if jobs], options.processes):
        kept.add(row)
        print(" ".join(str(row[column]) for column in COLUMNS), flush=True)
    summary = list(summarised(kept.rows))
    for line in summary:
        print(line)
    if options.csv:
        options.csv.mkdir(parents=True, exist_ok=True)
        rows = sorted(kept.rows, key=lambda row: (row["kind"], row["part"], int(row["minutes"]), row["clip"]))
        write_rows(options.csv / "drift.csv", rows)
        write_rows(options.csv / "summary.csv", summary)


def talks(recordings: Sequence[Recording], minutes: int) -> Iterator[Talk]:
    """Those of one length, by their names: `seen0-10` is ten minutes of speakers that the network saw."""
    # Original recordings have other codecs than the rest, and cannot be joined with them.
    seen = [one.clip.path for one in recordings if one.part == "unseen_clips" and one.clip.path.suffix == ".mp4"]
    generator = np.random.default_rng(SEED)
    for number in range(2):
        order = [seen[index] for index in generator.permutation(len(seen))]
        yield Talk(f"seen{number}-{minutes}", "speakers seen", minutes, order)
    for speaker in UNSEEN:
        own = [one.clip.path for one in recordings if one.clip.path.parent.name == speaker]
        yield Talk(f"{speaker}-{minutes}", "speakers never seen", minutes, own)


def movements(minutes: int) -> Iterator[Movement]:
    """Of the sound of a talk that is so long."""
    for shift_ms in (-400, -200, -100, 0, 100, 200, 400):
        yield constant(shift_ms)
    for by_ms in (120, 200, 400):
        yield drift(by_ms)
        yield drift(-by_ms)
    yield drift(200, middle_ms=200)
    yield drift(-200, middle_ms=-200)
    for before_ms, after_ms in ((-100, 100), (0, 200), (200, 0)):
        yield jump(before_ms, after_ms)
    for percent in (0.1, 4.0):
        for sign in (1, -1):
            yield speed(f"film {percent:g} %", sign * percent / 100, minutes)


def check_all(of_talks: Sequence[Sequence[Job]], n_processes: int) -> Iterator[Row]:
    """A row for each job, talk by talk as they are done: who checks one knows its pictures."""
    for rows in in_processes(_check_talk, of_talks, n_processes):
        yield from rows


def _check_talk(jobs: Sequence[Job]) -> list[Row]:
    with TemporaryDirectory() as folder:
        return [_check(job, Path(folder) / "talk.mov") for job in jobs]


@cache
def _checker() -> NetworkChecker:
    """The portal's, with a memory for pictures."""
    from apps.avsync.checker import looking_options, sync_checker, weights_path
    from apps.avsync.syncnet.faces import face_tracks
    from apps.avsync.syncnet.network_checker import NetworkChecker
    from apps.avsync.syncnet.trained_checker import TrainedStreams
    from apps.avsync.syncnet.weights import load_network
    from benchmarks.sync_memory import RememberingStreams, RememberingTracker

    trained, like = load_network(weights_path()), sync_checker()
    return NetworkChecker(
        RememberingStreams(TrainedStreams(trained)),
        RememberingTracker(lambda frames: face_tracks(frames, trained.crop)),
        name=like.name,
        calibration=like.calibration,
        options=looking_options().pooling.judging,
    )


def _check(job: Job, path: Path) -> Row:
    from apps.avsync.checker import looking_options
    from apps.avsync.syncnet.looking import check_file
    from apps.avsync.verdicts import verdict_of

    job.talk.write(path, job.movement, job.folder)
    result = check_file(path, _checker(), looking_options())
    return {
        "kind": job.movement.kind,
        "clip": job.clip,
        "part": job.talk.part,
        "minutes": job.talk.minutes,
        "shift_ms": job.movement.middle_ms,
        "change_ms": job.movement.last_ms - job.movement.first_ms,
        "said": said(result),
        "verdict": str(verdict_of(result, 60_000 * job.talk.minutes)),
        "offset_ms": None if result.offset_ms is None else round(result.offset_ms, 1),
        "drift_ms_per_min": None if result.drift_ms_per_min is None else round(result.drift_ms_per_min, 1),
        "probability": round(result.probability, 4),
        "looks": len(result.windows),
    }


def said(result: SyncResult) -> str:
    """Which of the three a result is."""
    if result.offset_ms is None:
        return "not_sure"
    return "constant" if result.drift_ms_per_min is None else "drift"


def summarised(rows: Sequence[Row]) -> Iterator[Row]:
    """By kind, and by kind with part and with length: what was said, and how far it lies from what was done."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        for part, minutes in (("all", "all"), (row["part"], "all"), ("all", str(row["minutes"]))):
            groups.setdefault((row["kind"], part, minutes), []).append(row)
    for (kind, part, minutes), group in sorted(groups.items()):
        drifting = [row for row in group if row["said"] == "drift"]
        n_wrong = sum(row["said"] not in ALLOWED[kind.partition(" ")[0]] for row in group)
        low, high = wilson_interval(n_wrong, len(group))
        yield {
            "kind": kind,
            "part": part,
            "minutes": minutes,
            "n": len(group),
            "said_drift": len(drifting),
            "said_constant": sum(row["said"] == "constant" for row in group),
            "not_sure": sum(row["said"] == "not_sure" for row in group),
            "said_wrongly": n_wrong,
            "wrong_from_percent": round(100 * low, 1),
            "wrong_to_percent": round(100 * high, 1),
            **_errors("drift_error_ms_per_min", [_drift_error(row) for row in drifting]),
            **_errors("middle_error_ms", [_middle_error(row) for row in group if row["said"] != "not_sure"]),
        }


def _drift_error(row: Row) -> float:
    return abs(float(row["drift_ms_per_min"]) - float(row["change_ms"]) / int(row["minutes"]))


def _middle_error(row: Row) -> float:
    return abs(float(row["offset_ms"]) - float(row["shift_ms"]))


def _errors(name: str, values: Sequence[float]) -> Row:
    """Median and largest, empty where there is none."""
    if not values:
        return {f"{name}_median": "", f"{name}_largest": ""}
    return {f"{name}_median": round(float(np.median(values)), 1), f"{name}_largest": round(max(values), 1)}


if __name__ == "__main__":
    main()
