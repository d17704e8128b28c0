"""Does the check of lip sync find what the sound was moved by, and is it silent where it cannot know?

    python -m benchmarks.sync_errors --cache FOLDER [--clips 24] [--csv docs/results/avsync] [--kept FOLDER]

Clips of GRID (VIDEOPORTAL_DATA) that the network was not trained on: of speakers that it never saw, and unseen clips
of speakers that it saw. Their sound is moved by -400 ... +400 ms; then recoded, scaled, at other frame rates, with
noise, beside another face; and there is what fits nowhere: 500 swapped pairs, photographs, a cartoon; and damaged
clips and film. Verdicts are those of the portal's default settings. Each row is kept in --kept as it comes, so that a
run that was cut off goes on; other weights begin anew.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
import numpy as np

from benchmarks.search_corpus import REPOSITORY, data_folder
from benchmarks.sync_scenes import MISLEADING, MOVED, draw_cartoon

if TYPE_CHECKING:
    from apps.avsync.syncnet.corpora import Clip
    from apps.avsync.syncnet.dataset import Example
    from apps.avsync.syncnet.network_checker import NetworkChecker
    from apps.avsync.syncnet.offset import Calibration, SyncResult
    from apps.avsync.syncnet.weights import TrainedNetwork

SEED = 5
SHIFTS_MS = (0, -400, 210, -130, 70, 345, -50)
COLUMNS = (
    "kind", "clip", "part", "shift_ms", "is_known", "found_ms", "confidence", "inputs", "coverage", "reason", "refused",
)  # fmt: skip
N_SWAPPED = 500
N_GROUPS = 150
GROUP = 4  # clips: twelve seconds
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Recording:
    """A clip of the evaluation, and which part of the split it is of."""

    clip: Clip
    part: str

    @property
    def name(self) -> str:
        return f"{self.clip.path.parent.name}/{self.clip.path.name}"


class Kept:
    """Rows that are there already, and a place for more."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
        with path.open(encoding="utf-8", newline="") as file:
            self.rows: list[dict[str, Any]] = list(csv.DictReader(file))
        self._known = {self._key(row) for row in self.rows}

    def has(self, kind: str, clip: str, shift_ms: float) -> bool:
        return (kind, clip, f"{shift_ms:g}") in self._known

    def add(self, row: Row) -> None:
        written = {column: "" if row[column] is None else str(row[column]) for column in COLUMNS}
        with self._path.open("a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, COLUMNS, lineterminator="\n").writerow(written)
        self.rows.append(written)
        self._known.add(self._key(written))

    @staticmethod
    def _key(row: Row) -> tuple[str, str, str]:
        return row["kind"], row["clip"], f"{float(row['shift_ms']):g}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=24, help="of each kind of file; all are moved in memory")
    parser.add_argument("--cache", type=Path, required=True, help="folder for cropped faces, as of train_sync")
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
    for step in (
        in_memory(checker, trained, recordings, options.cache, kept),
        pooled_in_memory(checker, trained, recordings, options.cache, kept),
        in_files(checker, recordings, options.clips, kept),
    ):
        for row in step:
            kept.add(row)
    rows = [judged(row, checker.calibration) for row in kept.rows]
    summary = list(summarised(rows))
    for row in summary:
        print(row)
    if options.csv:
        options.csv.mkdir(parents=True, exist_ok=True)
        write_rows(
            options.csv / "errors.csv", sorted(rows, key=lambda row: (row["kind"], row["clip"], float(row["shift_ms"])))
        )
        write_rows(options.csv / "summary.csv", summary)


def evaluation(folder: Path, trained: TrainedNetwork) -> list[Recording]:
    """What the network was not trained on, in an order that mixes speakers."""
    from apps.avsync.syncnet.corpora import SplitOptions, read_grid, split

    held_out = tuple(trained.facts.get("held_out", ()))
    parts = split(read_grid(folder), SplitOptions(held_out=held_out))
    recordings = [Recording(clip, part) for part in ("unseen_speakers", "unseen_clips") for clip in parts[part]]  # type: ignore[index]
    order = np.random.default_rng(SEED).permutation(len(recordings))
    return [recordings[index] for index in order]


def in_memory(
    checker: NetworkChecker, trained: TrainedNetwork, recordings: list[Recording], cache: Path, kept: Kept
) -> Iterator[Row]:
    """Swapped pairs, and every clip at every shift: faces from the cache, sound moved sample by sample."""
    from apps.avsync.syncnet.dataset import Cache
    from benchmarks.sync_memory import checker_over, later

    examples = Cache(cache, trained.crop)
    found = [(recording, example) for recording in recordings if (example := examples.example(recording.clip))]
    over = checker_over(trained, checker)
    for shift_ms in SHIFTS_MS:
        for recording, example in found:
            if not kept.has("moved in memory", recording.name, shift_ms):
                yield row_of("moved in memory", recording, shift_ms, over(example, later(example.samples, shift_ms)))
    generator = np.random.default_rng(SEED + 1)
    for number in range(N_SWAPPED):
        (seen, shown), (heard, sound) = (found[index] for index in generator.choice(len(found), 2, replace=False))
        name = f"{number} {seen.name} {heard.name}"
        if not kept.has("swapped", name, 0):
            yield {**row_of("swapped", seen, 0, over(shown, sound.samples), is_known=False), "clip": name}


def pooled_in_memory(
    checker: NetworkChecker, trained: TrainedNetwork, recordings: list[Recording], cache: Path, kept: Kept
) -> Iterator[Row]:
    """Four clips of one speaker as four looks at a video, with their own sound, moved alike, and with another's."""
    from apps.avsync.syncnet.dataset import Cache
    from apps.avsync.syncnet.pooling import Look, pooled
    from benchmarks.sync_memory import checker_over, later

    examples = Cache(cache, trained.crop)
    by_speaker: dict[str, list[tuple[Recording, Example]]] = {}
    for recording in recordings:
        if example := examples.example(recording.clip):
            by_speaker.setdefault(recording.clip.speaker, []).append((recording, example))
    speakers = sorted(speaker for speaker, clips in by_speaker.items() if len(clips) >= GROUP)
    over = checker_over(trained, checker)
    generator = np.random.default_rng(SEED + 3)
    for number in range(N_GROUPS):
        seen, heard = generator.choice(len(speakers), 2, replace=False)
        shift_ms = SHIFTS_MS[number % len(SHIFTS_MS)]
        clips = _drawn(by_speaker[speakers[seen]], generator)
        others = _drawn(by_speaker[speakers[heard]], generator)
        for kind, sounds in (("four clips", clips), ("four clips, another's voice", others)):
            name = f"{number} {speakers[seen]}"
            if kept.has(kind, name, shift_ms):
                continue
            looks = [
                Look(3_000 * index, 3_000, over(shown, later(sound.samples, shift_ms)))
                for index, ((_, shown), (_, sound)) in enumerate(zip(clips, sounds, strict=True))
            ]
            result = pooled(looks, checker.calibration)
            yield {**row_of(kind, clips[0][0], shift_ms, result, is_known=sounds is clips), "clip": name}


def _drawn(found: list[tuple[Recording, Example]], generator: np.random.Generator) -> list[tuple[Recording, Example]]:
    return [found[index] for index in generator.choice(len(found), GROUP, replace=False)]


def in_files(checker: NetworkChecker, recordings: list[Recording], n_clips: int, kept: Kept) -> Iterator[Row]:
    """Files as people upload them, made, checked as the portal does, and removed."""
    generator = np.random.default_rng(SEED + 2)
    drawn = [int(number) for number in generator.integers(-400, 401, n_clips)]
    chosen = recordings[: n_clips + 1]
    with tempfile.TemporaryDirectory() as folder:
        for makers, is_known in ((MOVED, True), (MISLEADING, False)):
            for kind, make in makers.items():
                for recording, other, shift_ms in zip(chosen, chosen[1:], drawn, strict=False):
                    if not kept.has(kind, recording.name, shift_ms):
                        target = Path(folder) / "clip.mp4"
                        make(recording.clip.path, target, shift_ms, other.clip.path)
                        yield checked(kind, recording, shift_ms, target, checker, is_known=is_known)
        for number, recording in enumerate(chosen[:n_clips]):
            if not kept.has("cartoon", recording.name, 0):
                draw_cartoon(Path(folder) / "cartoon.mp4", recording.clip.path, seed=number)
                yield checked("cartoon", recording, 0, Path(folder) / "cartoon.mp4", checker, is_known=False)
    yield from _as_they_are(checker, kept)


def _as_they_are(checker: NetworkChecker, kept: Kept) -> Iterator[Row]:
    """Damaged clips, and film, of which nobody knows the truth."""
    from apps.avsync.syncnet.corpora import Clip

    data = data_folder()
    found = [("damaged", path) for path in sorted((data / "grid" / "damaged").glob("*.mpg"))]
    found += [("film", data / "video" / name) for name in ("friday.mp4", "flower.mp4")]
    found += [("film", path) for path in sorted((data / "video").glob("*.webm"))]
    for kind, path in found:
        recording = Recording(Clip(path, "", ""), "")
        if not kept.has(kind, recording.name, 0):
            yield checked(kind, recording, 0, path, checker, is_known=False)


def checked(
    kind: str, recording: Recording, shift_ms: float, path: Path, checker: NetworkChecker, *, is_known: bool
) -> Row:
    """A file as `manage.py check_sync` sees it."""
    from apps.avsync.checker import looking_options
    from apps.avsync.syncnet.looking import check_file
    from apps.media.audio import AudioDecodeError, NoAudioError
    from apps.media.frames import VideoDecodeError

    try:
        result = check_file(path, checker, looking_options())
    except (AudioDecodeError, NoAudioError, VideoDecodeError) as error:
        return dict.fromkeys(COLUMNS) | {
            "kind": kind,
            "clip": recording.name,
            "part": recording.part,
            "shift_ms": shift_ms,
            "is_known": is_known,
            "refused": str(error).replace(str(path), path.name),
        }
    return row_of(kind, recording, shift_ms, result, is_known=is_known)


def row_of(kind: str, recording: Recording, shift_ms: float, result: SyncResult, *, is_known: bool = True) -> Row:
    """What was measured, before anybody judges it: another calibration needs no new run."""
    from apps.avsync.syncnet.offset import minimum_of

    minimum = minimum_of(np.array(result.distances)) if result.distances else None
    return {
        "kind": kind,
        "clip": recording.name,
        "part": recording.part,
        "shift_ms": shift_ms,
        "is_known": is_known,
        "found_ms": None if minimum is None or minimum.is_at_edge else round(minimum.offset_ms, 2),
        "confidence": None if minimum is None else round(minimum.confidence, 5),
        "inputs": result.inputs,
        "coverage": round(result.coverage, 3),
        "reason": None if minimum else result.reason,
        "refused": None,
    }


def judged(row: Row, calibration: Calibration) -> Row:
    """A row with the verdict of the portal's settings."""
    from django.conf import settings

    from apps.avsync.syncnet.offset import SyncResult
    from apps.avsync.verdicts import verdict_of

    is_found = bool(row["found_ms"])
    probability = calibration.probability(float(row["confidence"]), int(row["inputs"])) if is_found else 0.0
    is_told = probability >= settings.SYNC_MIN_PROBABILITY
    offset_ms = float(row["found_ms"]) - calibration.zero_ms if is_told else None
    verdict = str(verdict_of(SyncResult(offset_ms, probability, 1.0, None, inputs=int(row["inputs"] or 0)), 3_000))
    is_known = str(row["is_known"]) == "True"
    return {
        **{column: row[column] for column in ("kind", "clip", "part", "shift_ms", "coverage", "refused")},
        "reason": row["reason"] or ("" if is_told or row["refused"] else "not_sure"),
        "verdict": "refused" if row["refused"] else verdict,
        "probability": round(probability, 4),
        "offset_ms": "" if offset_ms is None else round(offset_ms, 1),
        "error_ms": "" if offset_ms is None or not is_known else round(offset_ms - float(row["shift_ms"]), 1),
    }


def summarised(rows: Iterable[Row]) -> Iterator[Row]:
    """By kind and part of the split: how many were told, how far off those were, and what was said of what fits."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["kind"], row["part"]), []).append(row)
    for (kind, part), group in sorted(groups.items()):
        told = [row for row in group if row["offset_ms"] != ""]
        errors = np.array([abs(float(row["error_ms"])) for row in told if row["error_ms"] != ""])
        fitting = [
            row for row in group if kind in ("moved in memory", "four clips", *MOVED) and float(row["shift_ms"]) == 0
        ]
        accused = [row for row in fitting if row["verdict"] not in ("in_sync", "unknown")]
        yield {
            "kind": kind,
            "part": part,
            "n": len(group),
            "abstained_percent": _percent(len(group) - len(told), len(group)),
            "within_a_frame_percent": _percent(int((errors <= 40).sum()), len(errors)),
            "median_error_ms": f"{np.median(errors):.1f}" if len(errors) else "",
            "p95_error_ms": f"{np.quantile(errors, 0.95):.1f}" if len(errors) else "",
            "said_in_sync_percent": _percent(sum(row["verdict"] == "in_sync" for row in group), len(group)),
            "in_sync": len(fitting),
            "false_alarms_percent": _percent(len(accused), len(fitting)),
        }


def _percent(n: int, of: int) -> str:
    return f"{100 * n / of:.1f}" if of else ""


if __name__ == "__main__":
    main()
