"""Does the check of lip sync find what the sound was moved by, and is it silent where it cannot know?

    python -m benchmarks.sync_errors --cache FOLDER [--clips 60] [--talks 12] [--in-sync-talks 300] [--csv FOLDER]

Clips of GRID (VIDEOPORTAL_DATA) that the network was not trained on: of speakers that it never saw, and unseen clips
of speakers that it saw. Their sound is moved by -400 ... +400 ms, in memory and in files, which are recoded, scaled, at
other frame rates, with noise, beside another face; and there is what fits nowhere: 500 swapped pairs, photographs, a
cartoon; and damaged clips and film. Talks are four such clips, one after the other in a file. For false alarms
all clips are checked as they are, and many talks. Verdicts are those of the portal's default settings. Each row is kept
in --kept as it comes, so that a run that was cut off goes on; other weights begin anew.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import django
import numpy as np

from benchmarks.search_corpus import REPOSITORY, data_folder
from benchmarks.sync_files import Job, check_all
from benchmarks.sync_recordings import SEED, Group, Recording, by_turns, evaluation, groups, name_of, paths_of
from benchmarks.sync_rows import Kept, Row, Truth, judged, summarised
from benchmarks.sync_scenes import MOVED, SCENES

if TYPE_CHECKING:
    from apps.avsync.syncnet.network_checker import NetworkChecker
    from apps.avsync.syncnet.weights import TrainedNetwork

REACH_MS = 400
N_SWAPPED = 500
N_GROUPS = 150


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=60, help="of each kind of file; all are moved in memory")
    parser.add_argument("--talks", type=int, default=12, help="of each kind of file")
    parser.add_argument("--in-sync-talks", type=int, default=300, help="as they are, for false alarms")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--cache", type=Path, required=True, help="folder for cropped faces, as of train_sync")
    parser.add_argument(
        "--align-with",
        type=Path,
        help="network.safetensors by which clips' own offsets are known: errors less them, too",
    )
    parser.add_argument("--kept", type=Path, default=REPOSITORY / "var" / "experiments" / "sync-errors")
    parser.add_argument("--csv", type=Path, help="folder for errors.csv and summary.csv")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "videoportal.settings")
    django.setup()  # the settings hold the limits of verdicts
    from apps.avsync.checker import sync_checker, weights_path
    from apps.avsync.syncnet.network_checker import NetworkChecker
    from apps.avsync.syncnet.weights import load_network
    from apps.results.tables import write_rows

    checker = sync_checker()
    assert isinstance(checker, NetworkChecker)
    kept = Kept(options.kept / f"{checker.name.replace(' ', '-')}.csv")
    trained = load_network(weights_path())
    recordings = evaluation(data_folder() / "grid", trained)
    print(f"{checker.name}: {len(recordings)} clips", flush=True)
    jobs = [job for job in _jobs(recordings, options) if not kept.has(job.kind, job.name, job.shift_ms)]
    for number, row in enumerate(check_all(jobs, options.processes), start=1):
        kept.add(row)
        if number % 50 == 0 or number == len(jobs):
            print(f"{number} of {len(jobs)} files", flush=True)
    for row in _in_memory(checker, trained, recordings, options.cache, kept):
        kept.add(row)
    own_ms = _own_offsets(recordings, options) if options.align_with else {}
    rows = [judged(row, checker.calibration, own_ms) for row in kept.rows]
    summary = list(summarised(rows))
    for row in summary:
        print(row)
    if options.csv:
        options.csv.mkdir(parents=True, exist_ok=True)
        rows.sort(key=lambda row: (row["kind"], row["clip"], float(row["shift_ms"])))
        write_rows(options.csv / "errors.csv", rows)
        write_rows(options.csv / "summary.csv", summary)


def _jobs(recordings: Sequence[Recording], options: argparse.Namespace) -> Iterator[Job]:
    clips = [(recording,) for recording in by_turns(recordings)]
    talks = groups(recordings, max(options.in_sync_talks, 2 * options.talks))
    yield from _scenes("", clips, options.clips)
    yield from _scenes("talk, ", talks, options.talks)
    for kind, shown in (("in sync", clips), ("talk, in sync", talks[: options.in_sync_talks])):
        for group in shown:
            yield Job(kind, name_of(group), group[0].part, "moved", 0, paths_of(group))
    yield from _as_they_are()


def _scenes(prefix: str, shown: Sequence[Group], n: int) -> Iterator[Job]:
    """Each of the first `n` in each scene, moved by the same time in all of them, which may be any part of a frame."""
    shifts = np.random.default_rng(SEED + 2).integers(-REACH_MS, REACH_MS + 1, len(shown))
    for index, group in enumerate(shown[:n]):
        others = paths_of(_partner(shown, index))
        clips, shift_ms = paths_of(group), int(shifts[index])
        for scene in SCENES:
            truth: Truth = "moved" if scene in MOVED else "foreign"
            yield Job(prefix + scene, name_of(group), group[0].part, truth, shift_ms, clips, scene, others)


def _as_they_are() -> Iterator[Job]:
    """Damaged clips, and film, of which nobody knows the truth."""
    data = data_folder()
    found = [("damaged", path) for path in sorted((data / "grid" / "damaged").glob("*.mpg"))]
    found += [("film", data / "video" / name) for name in ("friday.mp4", "flower.mp4")]
    found += [("film", path) for path in sorted((data / "video").glob("*.webm"))]
    for kind, path in found:
        yield Job(kind, f"{path.parent.name}/{path.name}", "", "unknown", 0, (path,))


def _partner(shown: Sequence[Group], index: int) -> Group:
    """The next in the order that shares no speaker and no sentence with this one."""
    own = {fact for recording in shown[index] for fact in (recording.clip.speaker, recording.clip.sentence)}
    for group in (*shown[index + 1 :], *shown[:index]):
        if not any(fact in own for other in group for fact in (other.clip.speaker, other.clip.sentence)):
            return group
    raise SystemExit("There are too few speakers for another's voice: name a larger VIDEOPORTAL_DATA.")


def _own_offsets(recordings: Sequence[Recording], options: argparse.Namespace) -> dict[str, float]:
    """Of each clip of which both halves say the same."""
    from apps.avsync.syncnet.aligning import key_of, offsets_of
    from apps.avsync.syncnet.weights import load_network

    clips = [recording.clip for recording in recordings]
    offsets = offsets_of(clips, load_network(options.align_with), options.cache)
    named = ((recording.name, offsets.get(key_of(recording.clip))) for recording in recordings)
    return {name: offset.whole_ms for name, offset in named if offset is not None and offset.is_sure}


def _in_memory(
    checker: NetworkChecker, trained: TrainedNetwork, recordings: Sequence[Recording], cache: Path, kept: Kept
) -> Iterator[Row]:
    from apps.avsync.syncnet.dataset import Cache
    from benchmarks.sync_memory import checker_over, joint, single

    examples = Cache(cache, trained.crop)
    found = [(recording, example) for recording in recordings if (example := examples.example(recording.clip))]
    check = checker_over(trained, checker)
    yield from single(check, found, N_SWAPPED, kept)
    shown = groups([recording for recording, _ in found], N_GROUPS)
    pairs = [(group, _partner(shown, index)) for index, group in enumerate(shown)]
    yield from joint(check, found, pairs, checker, kept)


if __name__ == "__main__":
    main()
