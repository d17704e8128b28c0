"""Is the sound where it belongs when it has been repaired? Asked of what a player decodes, to a tenth of a millisecond.

    python -m benchmarks.sync_repairs clips [--csv docs/results/avsync/sync_repairs]
    python -m benchmarks.sync_repairs talks [--csv docs/results/avsync/sync_repairs] [--talks 96]

`clips`: every clip of GRID (VIDEOPORTAL_DATA) that the network was not trained on, its sound moved by twelve times from
-400 to +400 ms, in seven containers that take turns, repaired by that time. `talks`: the whole chain as people meet it.
Both by the portal's own code and settings, and measured against the recording before anything was moved. Rows are
kept in --kept as they come, so that a run that was cut off goes on; talks begin anew with other weights.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import django

from benchmarks import repaired_clips, repaired_talks
from benchmarks.search_corpus import REPOSITORY, data_folder
from benchmarks.sync_files import in_processes
from benchmarks.sync_recordings import evaluation
from benchmarks.sync_rows import Kept, Row

One = TypeVar("One")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("clips", "talks"))
    parser.add_argument("--clips", type=int, help="so many at most")
    parser.add_argument("--talks", type=int, default=96, help="of each length, half of them of speakers never seen")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--kept", type=Path, default=REPOSITORY / "var" / "experiments" / "sync-repairs")
    parser.add_argument("--csv", type=Path, help="folder for the tables")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "videoportal.settings")
    django.setup()
    from apps.avsync.checker import sync_checker, weights_path
    from apps.avsync.syncnet.weights import load_network
    from apps.results.tables import write_rows

    recordings = evaluation(data_folder() / "grid", load_network(weights_path()))[: options.clips]
    if options.what == "clips":
        kept = Kept(options.kept / "clips.csv", repaired_clips.COLUMNS, repaired_clips.KEY)
        keep(kept, repaired_clips.repaired, [*repaired_clips.jobs(recordings, kept)], options.processes)
        summary = list(repaired_clips.summarised(kept.rows))
    else:
        name = sync_checker().name.replace(" ", "-")
        kept = Kept(options.kept / f"talks-{name}.csv", repaired_talks.COLUMNS, repaired_talks.KEY)
        jobs = [*repaired_talks.jobs(recordings, options.talks, kept)]
        keep(kept, repaired_talks.repaired, jobs, options.processes)
        summary = list(repaired_talks.summarised(kept.rows))
    for row in summary:
        print(row)
    if options.csv:
        options.csv.mkdir(parents=True, exist_ok=True)
        key = repaired_clips.KEY if options.what == "clips" else repaired_talks.KEY
        write_rows(options.csv / f"{options.what}.csv", _in_order(kept.rows, key))
        write_rows(options.csv / f"{options.what}_summary.csv", summary)


def keep(kept: Kept, work: Callable[[One], Sequence[Row]], jobs: Sequence[One], n_processes: int) -> None:
    """Does the jobs, and keeps the rows of each when it is done."""
    for number, rows in enumerate(in_processes(work, jobs, n_processes), start=1):
        for row in rows:
            kept.add(row)
        if number % 20 == 0 or number == len(jobs):
            print(f"{number} of {len(jobs)}", flush=True)


def _in_order(rows: Iterable[Row], key: Sequence[str]) -> list[Row]:
    def place(row: Row) -> tuple[tuple[float, str], ...]:
        return tuple(_sortable(row[column]) for column in key)

    return sorted(rows, key=place)


def _sortable(value: str) -> tuple[float, str]:
    try:
        return float(value), ""
    except ValueError:
        return 0.0, value


if __name__ == "__main__":
    main()
