"""Trains a network of lip sync: `manage.py train_sync --data shared/data/grid --output folder`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

if TYPE_CHECKING:
    from apps.avsync.syncnet.corpora import Clip, Part
    from apps.avsync.syncnet.dataset import Example
    from apps.avsync.syncnet.faces import FaceOptions
    from apps.avsync.syncnet.streams import StreamOptions
    from apps.avsync.syncnet.trainer import TrainingOptions


class Command(BaseCommand):
    help = (
        "Train the two streams that tell whether sound and lips agree, on a folder of talking faces (GRID, LRS2 or"
        " LRW), and write network.safetensors, curves.csv and curves.png. Stopped and started again, it goes on where"
        " it was. Clips that are kept out are measured with evaluate_sync."
    )
    requires_system_checks = ()  # a wrong network shall not keep anybody from training a right one

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", type=Path, required=True, help="folder of the corpus")
        parser.add_argument("--corpus", choices=("grid", "lrs2", "lrw"), default="grid", help="its form (default grid)")
        parser.add_argument("--output", type=Path, required=True, help="folder to write, made where missing")
        parser.add_argument("--cache", type=Path, required=True, help="folder for cropped faces, made where missing")
        parser.add_argument("--objective", choices=("syncnet", "avenet", "multiway"), default="multiway")
        parser.add_argument("--ways", type=int, default=14, help="candidates of each picture (default 14)")
        parser.add_argument("--gap", type=int, default=5, help="frames between them; 5: no overlap (default)")
        parser.add_argument("--margin", type=float, default=1.0, help="of the objective syncnet (default 1)")
        parser.add_argument("--frames", type=int, default=74, help="of each track in a step (default 74)")
        parser.add_argument("--steps", type=int, default=2000, help="(default 2000)")
        parser.add_argument("--stop-after", type=int, help="of these steps, to go on another time")
        parser.add_argument("--batch", type=int, default=12, help="tracks in a step (default 12)")
        parser.add_argument("--learning-rate", type=float, default=2e-3, help="(default 0.002)")
        parser.add_argument("--validate-every", type=int, default=100, help="steps (default 100)")
        parser.add_argument("--trunk", choices=("light", "vgg_m"), default="light")
        parser.add_argument("--size", type=int, default=48, help="pixels of a crop; vgg_m wants 224 (default 48)")
        parser.add_argument("--part", choices=("mouth", "face"), default="mouth", help="what a crop shows")
        parser.add_argument("--share", type=float, default=0.5, help="of the face's square in a crop (default 0.5)")
        parser.add_argument("--colour", action="store_true", help="RGB crops in the place of grey ones")
        parser.add_argument("--with-looks", action="store_true", help="let the first layer see more than motion")
        parser.add_argument("--plain", action="store_true", help="change nothing of crops and sound between steps")
        parser.add_argument("--strong", action="store_true", help="change more: also throats, mouths, sharpness")
        parser.add_argument("--balance", type=float, default=0.5, help="of speakers; 1: all alike (default 0.5)")
        parser.add_argument("--recoded", type=Path, help="folder for bad copies of the clips: learn from them, too")
        parser.add_argument(
            "--align-with", type=Path, help="network.safetensors by which each clip's own offset is taken out first"
        )
        parser.add_argument("--width", type=float, default=1.0, help="of the light trunk's layers (default 1)")
        parser.add_argument("--average", type=float, default=0.0, help="keep a mean of weights, decay 0.998 say")
        parser.add_argument("--held-out", nargs="*", default=[], help="speakers that are not learned from")
        parser.add_argument("--start-from", type=Path, help="network.safetensors to go on from, of the same streams")
        parser.add_argument("--bf16", action="store_true", help="compute in bfloat16: faster on CPUs that have it")
        parser.add_argument("--threads", type=int, default=0, help="of torch (default: its own choice)")
        parser.add_argument("--seed", type=int, default=0)

    def handle(self, *args: Any, **options: Any) -> None:
        # Torch is loaded here, not when Django looks through its commands.
        import torch

        from apps.avsync.syncnet.corpora import READERS, CorpusError, SplitOptions, check_speakers, split
        from apps.avsync.syncnet.dataset import STRONG, AugmentOptions
        from apps.avsync.syncnet.degraded import DegradationError
        from apps.avsync.syncnet.faces import FaceOptions
        from apps.avsync.syncnet.runs import TrainingError
        from apps.avsync.syncnet.trainer import WEIGHTS, Trainer
        from apps.avsync.syncnet.weights import WeightsError, load_network
        from apps.media.digest import sha256_of

        if options["threads"]:
            torch.set_num_threads(options["threads"])
        crop = FaceOptions(
            size=options["size"], part=options["part"], share=options["share"], is_grey=not options["colour"]
        )
        held_out = tuple(sorted(options["held_out"]))
        try:
            clips = READERS[options["corpus"]](options["data"])
            check_speakers(clips, held_out)
            parts = split(clips, SplitOptions(held_out=held_out))
            self.stdout.write(", ".join(f"{part}: {len(each)} clips" for part, each in parts.items()))
            training, validation = self._examples(parts, crop, options)
            facts = {"corpus": options["corpus"], "held_out": list(held_out)}
            if options["align_with"]:
                facts["aligned_with"] = sha256_of(options["align_with"])
            trainer = Trainer(
                options["output"],
                training=training,
                validation=validation,
                streams=_streams(options, crop),
                crop=crop,
                options=_training(options),
                augment=None if options["plain"] else STRONG if options["strong"] else AugmentOptions(),
                facts=facts,
            )
            if options["start_from"]:
                trainer.start_from(load_network(options["start_from"]).network)
            rows = trainer.run(
                lambda row: self.stdout.write(
                    f"step {row.step}: loss {row.loss:.4f}, right of 5 frames {row.right_5:.1%},"
                    f" of 15 {row.right_15:.1%}, {row.seconds:.0f} s"
                ),
                until=options["stop_after"],
            )
        except (CorpusError, DegradationError, TrainingError, WeightsError, ValueError) as error:
            raise CommandError(str(error)) from error
        best = max(rows, key=lambda row: row.right_5)
        self.stdout.write(self.style.SUCCESS(f"Step {best.step} is in {options['output'] / WEIGHTS}"))

    def _examples(
        self, parts: Mapping[Part, list[Clip]], crop: FaceOptions, options: Mapping[str, Any]
    ) -> tuple[list[Example], list[Example]]:
        """To learn from and to validate: with bad copies, and aligned, where that is asked for."""
        from apps.avsync.syncnet.aligning import aligned, offsets_of
        from apps.avsync.syncnet.dataset import Cache
        from apps.avsync.syncnet.degraded import recoded
        from apps.avsync.syncnet.weights import load_network

        cache = Cache(options["cache"], crop)
        clips = list(parts["training"])
        if options["recoded"]:
            clips += recoded(clips, options["recoded"])
        training, validation = cache.examples(clips), cache.examples(parts["validation"])
        if not options["align_with"]:
            return training, validation
        known = parts["training"] + parts["validation"]
        offsets = offsets_of(known, load_network(options["align_with"]), options["cache"])
        kept = aligned(training, offsets), aligned(validation, offsets)
        self.stdout.write(f"aligned: {len(kept[0])} of {len(training)} to learn from, {len(kept[1])} to validate")
        return kept


def _streams(options: Mapping[str, Any], crop: FaceOptions) -> StreamOptions:
    from apps.avsync.syncnet.streams import StreamOptions

    return StreamOptions(
        trunk=options["trunk"],
        size=crop.size,
        channels=1 if crop.is_grey else 3,
        motion_only=not options["with_looks"],
        width=options["width"],
    )


def _training(options: Mapping[str, Any]) -> TrainingOptions:
    from apps.avsync.syncnet.trainer import TrainingOptions

    return TrainingOptions(
        objective=options["objective"],
        ways=options["ways"],
        gap=options["gap"],
        margin=options["margin"],
        steps=options["steps"],
        batch_size=options["batch"],
        n_frames=options["frames"],
        learning_rate=options["learning_rate"],
        validate_every=options["validate_every"],
        balance=options["balance"],
        average=options["average"],
        precision="bf16" if options["bf16"] else "fp32",
        seed=options["seed"],
    )
