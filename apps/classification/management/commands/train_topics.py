"""Trains a topic head on articles: `manage.py train_topics --data articles.jsonl --output folder`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.classification.corrections import articles_to_train_on
from apps.classification.fine_tuning import add_fine_tuning_arguments, fine_tune_topics
from apps.results.tables import write_rows


class Command(BaseCommand):
    help = (
        "Train what vectors of the embedded sentence encoder and what words say of topics on articles (JSON lines with"
        " topic, title, body), measure both together by cross-validation, and write head.safetensors,"
        " words.safetensors, metrics.json and folds.csv. With --fine-tune,"
        " train a whole BERT instead. Use the folder with TOPIC_MODEL=<folder>. Stopped and started again, it goes on"
        " where it was."
    )
    requires_system_checks = ()  # a wrong TOPIC_MODEL shall not keep anybody from training a right one

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", type=Path, required=True, help="JSON lines with topic, title and body")
        parser.add_argument("--output", type=Path, required=True, help="folder to write, made where missing")
        parser.add_argument("--folds", type=int, default=5, help="of the cross-validation (default 5)")
        parser.add_argument("--seed", type=int, default=0, help="of the folds (default 0)")
        parser.add_argument("--language", default="en", help="of the articles, as an ISO 639-1 code (default en)")
        parser.add_argument("--cache", type=Path, help="file for the vectors (default <output>/vectors.npz)")
        parser.add_argument(
            "--with-corrections",
            action="store_true",
            help="also learn from what moderators said of videos in that language; they join the folds",
        )
        add_fine_tuning_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["fine_tune"]:
            fine_tune_topics(options, self.stdout.write)
            return
        # Torch is loaded here, not when Django looks through its commands.
        from apps.classification.bert.dataset import VIEWS, DatasetError, topics_of
        from apps.classification.bert.encoder import embedded_encoder
        from apps.classification.bert.encoding import encode_articles
        from apps.classification.bert.head_header import HEAD_NAME
        from apps.classification.bert.pair_training import check_folds, train_pair
        from apps.classification.bert.trainer import TrainingError, TrainingOptions, report
        from apps.classification.bert.weights import EncoderError
        from apps.classification.bert.words import WORDS_NAME

        training = TrainingOptions(n_folds=options["folds"], seed=options["seed"], language=options["language"])
        output: Path = options["output"]
        try:
            articles = articles_to_train_on(
                options["data"], with_corrections=options["with_corrections"], language=options["language"]
            )
            labels, targets = topics_of(articles)
            # Refuses what cannot be trained before minutes are spent on encoding.
            check_folds(targets, training)
            output.mkdir(parents=True, exist_ok=True)
            self.stdout.write(f"{len(articles)} articles, topics: {', '.join(labels)}")
            cache = options["cache"] or output / "vectors.npz"
            encoded = encode_articles(articles, embedded_encoder(), cache=cache, report=self._progress())
            self.stdout.write(f"Training, {training.n_folds} folds …")
            texts = {name: [view(article) for article in articles] for name, view in VIEWS.items()}
            head, words, validation = train_pair(encoded, texts, training)
        except (DatasetError, EncoderError, TrainingError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error}. Name another --output.") from error

        head.save(output / HEAD_NAME)
        words.save(output / WORDS_NAME)
        measured = report(validation, encoded, training) | {
            "words": {"terms": len(words.terms), "c": words.facts.c, "mixture": words.facts.mixture.weights}
        }
        (output / "metrics.json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
        write_rows(output / "folds.csv", measured["folds"])
        for name, result in validation.views.items():
            self.stdout.write(
                f"{name:>8}: accuracy {result.accuracy:.2%} (± {result.accuracy_std:.2%} over folds),"
                f" macro F1 {result.macro_f1:.2%}, ECE {result.ece:.2%},"
                f" known {result.known:.1%}, of these right {result.known_accuracy:.2%}"
            )
        self.stdout.write(self.style.SUCCESS(f"Written to {output}; use it with TOPIC_MODEL={output.resolve()}"))

    def _progress(self) -> Any:
        shown: dict[str, int] = {}

        def tell(view: str, fraction: float) -> None:
            tenths = int(fraction * 10)
            if tenths > shown.get(view, -1):
                shown[view] = tenths
                self.stdout.write(f"Encoding, {view}: {tenths * 10} %")
                self.stdout.flush()

        return tell
