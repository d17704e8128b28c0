"""Reads words from lips: `manage.py train_lipreading --data shared/data/grid --pretrained multiway=folder/…`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.results.tables import write_rows

if TYPE_CHECKING:
    from apps.avsync.syncnet.corpora import Part
    from apps.avsync.syncnet.lipreading_trainer import Epoch
    from apps.avsync.syncnet.readers import Comparison, Reader, WordCorpus

HELD_BACK: tuple[Part, ...] = ("unseen_clips", "unseen_speakers")


class Command(BaseCommand):
    help = (
        "Read words from lips (GRID or LRW): two convolutions over time above the video stream of networks that"
        " train_sync made and that stay as they are, above a random one, and above one that is learned with them."
        " Writes table.csv, gains.csv, readers.csv, curves.csv and the confusions of each reader. Stopped and started"
        " again, it goes on where it was; readers that are learned already are not learned again."
    )
    requires_system_checks = ()  # a wrong network shall not keep anybody from training a right one

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", type=Path, required=True, help="folder of the corpus")
        parser.add_argument("--corpus", choices=("grid", "lrw"), default="grid", help="its form (default grid)")
        parser.add_argument("--cache", type=Path, required=True, help="folder for cropped faces, made where missing")
        parser.add_argument("--output", type=Path, required=True, help="folder of the trainings, made where missing")
        parser.add_argument("--results", type=Path, help="folder of tables and plots (default: that of the trainings)")
        parser.add_argument(
            "--pretrained", action="append", default=[], metavar="NAME=FILE", help="network.safetensors; several times"
        )
        parser.add_argument(
            "--readers", nargs="*", default=[], help="of all readers these alone: pt_NAME, pt_random, e2e"
        )
        parser.add_argument("--over", help="reader that the gains hold against the others (default: the first)")
        parser.add_argument("--held-out", nargs="*", default=[], help="speakers that are not learned from")
        parser.add_argument("--frames", type=int, default=17, help="of each word (default 17; LRW has 29)")
        parser.add_argument("--width", type=int, default=256, help="channels of the convolutions (default 256)")
        parser.add_argument("--epochs", type=int, default=16, help="(default 16)")
        parser.add_argument("--batch", type=int, default=32, help="words in a step (default 32)")
        parser.add_argument("--views", type=int, default=4, help="of a clip: as it is, and changed (default 4)")
        parser.add_argument("--learning-rate", type=float, default=2e-3, help="(default 0.002)")
        parser.add_argument("--bf16", action="store_true", help="compute in bfloat16: faster on CPUs that have it")
        parser.add_argument("--threads", type=int, default=0, help="of torch (default: its own choice)")
        parser.add_argument("--seed", type=int, default=0)

    def handle(self, *args: Any, **options: Any) -> None:
        # Torch is loaded here, not when Django looks through its commands.
        import torch

        from apps.avsync.syncnet.corpora import CorpusError
        from apps.avsync.syncnet.readers import common_crop, make_readers, read_corpus
        from apps.avsync.syncnet.runs import TrainingError, rounded
        from apps.avsync.syncnet.weights import WeightsError, load_network

        if options["threads"]:
            torch.set_num_threads(options["threads"])
        held_out = tuple(sorted(options["held_out"]))
        named = (each.partition("=") for each in options["pretrained"])
        try:
            networks = {name: load_network(Path(path)) for name, _, path in named}
            crop = common_crop(networks, options["corpus"], held_out)
            corpus = read_corpus(options["data"], options["corpus"], options["cache"], crop, held_out)
            self.stdout.write(", ".join(f"{part}: {len(words)} words" for part, words in corpus.parts.items()))
            readers = _chosen(
                make_readers(corpus, networks, _common(options), options["output"]), options["readers"], "--readers"
            )
            over = _chosen(readers, [options["over"]] if options["over"] else [], "--over")[0].name
            curves = {reader.name: self._learn(reader) for reader in readers}
        except (CorpusError, TrainingError, WeightsError) as error:
            raise CommandError(str(error)) from error
        results: Path = options["results"] or options["output"]
        results.mkdir(parents=True, exist_ok=True)
        write_rows(results / "readers.csv", [_described(reader, curves[reader.name]) for reader in readers])
        write_rows(
            results / "curves.csv",
            [{"reader": name, **rounded(asdict(row))} for name, rows in curves.items() for row in rows],
        )
        self._measure(corpus, readers, over, results)
        self.stdout.write(self.style.SUCCESS(f"Written to {results}"))

    def _learn(self, reader: Reader) -> list[Epoch]:
        return reader.trainer.run(
            lambda row: self._say(
                f"{reader.name}, epoch {row.epoch}: loss {row.loss:.3f}, {row.right:.1%} right, {row.seconds:.0f} s"
            )
        )

    def _measure(self, corpus: WordCorpus, readers: Sequence[Reader], over: str, results: Path) -> None:
        from apps.avsync.syncnet.lipreading_results import draw_confusion, gains, table

        rows: list[dict[str, Any]] = []
        gained: list[dict[str, Any]] = []
        for part in HELD_BACK:
            words = corpus.parts[part]
            if not words:
                continue
            logits = {reader.name: reader.logits(words) for reader in readers}
            rows += table(part, corpus.task, words, logits)
            gained += gains(part, corpus.task, words, logits, over=over)
            if part == "unseen_clips":  # unknown speakers are too few for a picture
                for name, of_reader in logits.items():
                    title = f"spoken (down) and read (across), unseen clips: {name}"
                    draw_confusion(title, corpus.task, words, of_reader, results / f"confusion_{name}.png")
        write_rows(results / "table.csv", rows)
        write_rows(results / "gains.csv", gained)
        for row in rows:
            self._say(
                f"{row['part']} {row['reader']}, {row['kind']}: {row['right']} % ({row['right_low']} to"
                f" {row['right_high']}), within the kind {row['within_kind']} %, {row['words']} words"
            )

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _chosen(readers: Sequence[Reader], names: Sequence[str], option: str) -> list[Reader]:
    """Those with these names; all where none is named."""
    known = [reader.name for reader in readers]
    if set(names) - set(known):
        raise CommandError(f"{option} names some of {', '.join(known)}.")
    return [reader for reader in readers if not names or reader.name in names]


def _described(reader: Reader, rows: Sequence[Epoch]) -> dict[str, Any]:
    best = max(rows, key=lambda row: row.right)
    return {
        "reader": reader.name,
        "weights_learned": reader.n_learned,
        "epochs": len(rows),
        "steps": len(rows) * reader.trainer.steps_per_epoch,
        "best_epoch": best.epoch,
        "validation_right": round(100 * best.right, 2),
    }


def _common(options: Mapping[str, Any]) -> Comparison:
    from apps.avsync.syncnet.dataset import AugmentOptions
    from apps.avsync.syncnet.lipreading import ReaderOptions
    from apps.avsync.syncnet.lipreading_trainer import ReadingOptions
    from apps.avsync.syncnet.readers import Comparison

    return Comparison(
        ReaderOptions(n_frames=options["frames"], width=options["width"]),
        ReadingOptions(
            epochs=options["epochs"],
            batch_size=options["batch"],
            views=options["views"],
            learning_rate=options["learning_rate"],
            precision="bf16" if options["bf16"] else "fp32",
            seed=options["seed"],
        ),
        AugmentOptions(),
    )
