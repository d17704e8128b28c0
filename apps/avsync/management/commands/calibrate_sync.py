"""`manage.py calibrate_sync --data shared/data/grid --cache folder`: how sure a network of lip sync may be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = (
        "Measures how often the offsets of a network of lip sync are right of which it is so or so confident, and"
        " writes calibration.json beside its weights. It is fitted on clips of speakers that the network was trained"
        " on, which it was not trained on itself, and reported for speakers that it never saw."
    )
    requires_system_checks = ()  # they want what is made here

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", type=Path, required=True, help="folder of the corpus")
        parser.add_argument("--corpus", choices=("grid", "lrs2", "lrw"), default="grid", help="its form (default grid)")
        parser.add_argument("--cache", type=Path, required=True, help="folder for cropped faces, made where missing")
        parser.add_argument("--model", type=Path, help="network.safetensors (default: as SYNC_MODEL says)")
        parser.add_argument(
            "--align-with", type=Path, help="network.safetensors by which each clip's own offset is taken out first"
        )
        parser.add_argument("--min-probability", type=float, default=0.9, help="from which it tells (default 0.9)")
        parser.add_argument("--seed", type=int, default=0)

    def handle(self, *args: Any, **options: Any) -> None:
        # Torch is loaded here, not when Django looks through its commands.
        from apps.avsync.checker import weights_path
        from apps.avsync.syncnet.aligning import aligned, offsets_of
        from apps.avsync.syncnet.calibrating import TooFewClipsError, fit, probabilities, trials
        from apps.avsync.syncnet.corpora import READERS, CorpusError, Part, SplitOptions, split
        from apps.avsync.syncnet.dataset import Cache, Example
        from apps.avsync.syncnet.trained_checker import (
            CALIBRATION_NAME,
            TrainedStreams,
            write_calibration,
        )
        from apps.avsync.syncnet.weights import WeightsError, load_network
        from apps.media.digest import sha256_of

        weights = options["model"] or weights_path()
        try:
            trained = load_network(weights)
            aligner = load_network(options["align_with"]) if options["align_with"] else None
            clips = READERS[options["corpus"]](options["data"])
        except (WeightsError, CorpusError) as error:
            raise CommandError(str(error)) from error
        parts = split(clips, SplitOptions(held_out=tuple(trained.facts.get("held_out", ()))))
        cache, network = Cache(options["cache"], trained.crop), TrainedStreams(trained)

        def examples_of(part: Part) -> list[Example]:
            examples = cache.examples(parts[part])
            return (
                examples if aligner is None else aligned(examples, offsets_of(parts[part], aligner, options["cache"]))
            )

        try:
            calibration = fit(trials(network, examples_of("validation"), seed=options["seed"]))
        except TooFewClipsError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{calibration}")
        measured: dict[str, object] = {}
        reported: tuple[Part, ...] = ("validation", "unseen_speakers")
        for part in reported:
            tried = list(trials(network, examples_of(part), seed=options["seed"] + 1))
            if not tried:
                continue
            sure, is_right = probabilities(tried, calibration)
            is_own = [trial.error_ms < float("inf") for trial in tried]
            is_told = sure >= options["min_probability"]
            measured[part] = facts = {
                "trials": len(tried),
                "told": int(is_told.sum()),
                "told_right": int((is_told & is_right).sum()),
                "own_sound": sum(is_own),
                "own_sound_told": int((is_told & is_own).sum()),
                "brier": round(float(((sure - is_right) ** 2).mean()), 4),
            }
            self.stdout.write(f"{part}: {facts}")
        path = weights.with_name(CALIBRATION_NAME)
        facts_of_all: dict[str, object] = {"corpus": options["corpus"], "is_aligned": aligner is not None}
        write_calibration(path, calibration, sha256_of(weights), facts_of_all | measured)
        self.stdout.write(self.style.SUCCESS(f"Written to {path}"))
