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
        parser.add_argument("--min-probability", type=float, default=0.9, help="from which it tells (default 0.9)")
        parser.add_argument("--seed", type=int, default=0)

    def handle(self, *args: Any, **options: Any) -> None:
        # Torch is loaded here, not when Django looks through its commands.
        from apps.avsync.checker import weights_path
        from apps.avsync.syncnet.calibrating import TooFewClipsError, fit, probabilities, trials
        from apps.avsync.syncnet.corpora import READERS, CorpusError, SplitOptions, split
        from apps.avsync.syncnet.dataset import Cache
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
            clips = READERS[options["corpus"]](options["data"])
        except (WeightsError, CorpusError) as error:
            raise CommandError(str(error)) from error
        parts = split(clips, SplitOptions(held_out=tuple(trained.facts.get("held_out", ()))))
        cache, network = Cache(options["cache"], trained.crop), TrainedStreams(trained)
        try:
            calibration = fit(trials(network, cache.examples(parts["validation"]), seed=options["seed"]))
        except TooFewClipsError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{calibration}")
        measured: dict[str, object] = {}
        for part in ("validation", "unseen_speakers"):
            tried = list(trials(network, cache.examples(parts[part]), seed=options["seed"] + 1))
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
        write_calibration(path, calibration, sha256_of(weights), {"corpus": options["corpus"], **measured})
        self.stdout.write(self.style.SUCCESS(f"Written to {path}"))
