"""Measures networks of lip sync: `manage.py evaluate_sync --data shared/data/grid --network multiway=folder/…`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

if TYPE_CHECKING:
    from apps.avsync.syncnet.corpora import Clip, Part
    from apps.avsync.syncnet.weights import TrainedNetwork

HELD_BACK: tuple[Part, ...] = ("unseen_clips", "unseen_speakers")


class Command(BaseCommand):
    help = (
        "How often networks of train_sync find the right sound of 31 (15 frames to both sides) within a frame, from 5"
        " to 15 frames, with 95 % intervals over clips, on clips of known speakers and on unknown speakers; beside"
        " them, the plain correlation of loudness with how the mouth moves and how dark it is. Writes table.csv,"
        " gains.csv, networks.csv, speakers.csv, speed.csv and a chart for each part; with --align-with also"
        " own_offsets.csv, with --degraded the same on bad copies."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", type=Path, required=True, help="folder of the corpus")
        parser.add_argument("--corpus", choices=("grid", "lrs2", "lrw"), default="grid", help="its form (default grid)")
        parser.add_argument("--cache", type=Path, required=True, help="folder for cropped faces, made where missing")
        parser.add_argument(
            "--network", action="append", required=True, metavar="NAME=FILE", help="network.safetensors; several times"
        )
        parser.add_argument("--over", help="network that gains.csv holds against the others (default: the first)")
        parser.add_argument(
            "--align-with", type=Path, help="network.safetensors: measure also with each clip's own offset taken out"
        )
        parser.add_argument("--degraded", type=Path, help="folder for bad copies of the clips: measure on them, too")
        parser.add_argument("--degraded-clips", type=int, default=60, help="of each part (default 60)")
        parser.add_argument("--without-speed", action="store_true", help="do not measure milliseconds")
        parser.add_argument("--output", type=Path, required=True, help="folder to write, made where missing")

    def handle(self, *args: Any, **options: Any) -> None:
        # Torch is loaded here, not when Django looks through its commands.
        from apps.avsync.syncnet.corpora import READERS, CorpusError, SplitOptions, split
        from apps.avsync.syncnet.degraded import DegradationError
        from apps.avsync.syncnet.weights import WeightsError

        try:
            networks = self._networks(options["network"])
            held_out = tuple(next(iter(networks.values())).facts["held_out"])
            parts = split(READERS[options["corpus"]](options["data"]), SplitOptions(held_out=held_out))
            options["output"].mkdir(parents=True, exist_ok=True)
            self._compare(networks, parts, options)
            if options["degraded"]:
                self._compare_degraded(networks, parts, options)
        except (CorpusError, DegradationError, WeightsError) as error:
            raise CommandError(str(error)) from error
        if not options["without_speed"]:
            self._measure_speed(networks, options["output"])
        self.stdout.write(self.style.SUCCESS(f"Written to {options['output']}"))

    def _networks(self, named: Sequence[str]) -> dict[str, TrainedNetwork]:
        """Raises CommandError where they cannot be held against each other."""
        from apps.avsync.syncnet.weights import load_network

        networks = {}
        for each in named:
            name, _, path = each.partition("=")
            networks[name] = load_network(Path(path))
        wanted = {(each.crop, tuple(each.facts["held_out"])) for each in networks.values()}
        if len(wanted) > 1:
            raise CommandError("The networks want other crops or left out other speakers: measure them one by one.")
        return networks

    def _compare(
        self, networks: Mapping[str, TrainedNetwork], parts: Mapping[Part, Sequence[Clip]], options: Mapping[str, Any]
    ) -> None:
        from apps.avsync.syncnet import evaluation
        from apps.avsync.syncnet.aligning import aligned, offsets_of, rows_of
        from apps.avsync.syncnet.dataset import Cache
        from apps.avsync.syncnet.weights import load_network
        from apps.results.tables import write_rows

        cache = Cache(options["cache"], next(iter(networks.values())).crop)
        aligner = load_network(options["align_with"]) if options["align_with"] else None
        output: Path = options["output"]
        over = options["over"] or next(iter(networks))
        training = cache.examples(parts["training"])
        tables: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for part in HELD_BACK:
            examples = cache.examples(parts[part])
            if not examples:
                continue
            found = evaluation.compare(networks, examples)
            measured = {part: found, f"{part}_speaking": evaluation.while_speaking(found, examples)}
            if aligner is not None:
                offsets = offsets_of(parts[part], aligner, options["cache"])
                tables["own_offsets"] += [{"part": part, **row} for row in rows_of(offsets)]
                measured[f"{part}_aligned"] = evaluation.compare(networks, aligned(examples, offsets))
            for name, each in measured.items():
                rows = evaluation.table(name, each)
                self._tell(rows)
                tables["table"] += rows
                tables["gains"] += evaluation.gains(name, each, over=over)
            for name, network in networks.items():
                by_speaker = evaluation.by_speaker(found, examples, method=name)
                tables["speakers"] += [{"part": part, **row} for row in by_speaker]
                tables["networks"].append({"part": part, **evaluation.facts_of(name, network, training, found)})
            evaluation.draw(part, found, output / f"{part}.png")
        for name, rows in tables.items():
            write_rows(output / f"{name}.csv", rows)

    def _compare_degraded(
        self, networks: Mapping[str, TrainedNetwork], parts: Mapping[Part, Sequence[Clip]], options: Mapping[str, Any]
    ) -> None:
        from apps.avsync.syncnet import evaluation
        from apps.avsync.syncnet.dataset import Cache
        from apps.avsync.syncnet.degraded import DEGRADATIONS, degraded
        from apps.results.tables import write_rows

        cache = Cache(options["cache"], next(iter(networks.values())).crop)
        rows: list[dict[str, Any]] = []
        for part in HELD_BACK:
            chosen = parts[part][:: max(1, len(parts[part]) // options["degraded_clips"])]
            for name in DEGRADATIONS:
                examples = cache.examples(degraded(chosen, name, options["degraded"]))
                found = evaluation.compare(networks, examples)
                new = [{"copy": name, "clips_asked": len(chosen), **row} for row in evaluation.table(part, found)]
                self._tell(new)
                rows += new
        write_rows(options["output"] / "degraded.csv", rows)

    def _measure_speed(self, networks: Mapping[str, TrainedNetwork], output: Path) -> None:
        from apps.avsync.syncnet import evaluation
        from apps.results.tables import write_rows

        rows = []
        for name, each in networks.items():
            measured = evaluation.speed(each)
            rows.append(
                {"network": name, "video_ms": round(measured.video_ms, 3), "audio_ms": round(measured.audio_ms, 3)}
            )
        write_rows(output / "speed.csv", rows)

    def _tell(self, rows: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            place = " ".join(str(row[name]) for name in ("copy", "part", "method") if name in row)
            self.stdout.write(
                f"{place}, {row['frames']} frames: {row['mean']} % ({row['low']} to {row['high']}),"
                f" {row['n_clips']} clips"
            )
        self.stdout.flush()
