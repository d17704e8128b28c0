"""Measures a topic classifier: `manage.py evaluate_topics --data articles.jsonl`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.results.tables import write_rows

if TYPE_CHECKING:
    from apps.classification.bert.evaluation import Evaluation


class Command(BaseCommand):
    help = (
        "Accuracy with its 95 % interval, macro F1, calibration error, and precision, recall and errors by topic, of"
        " the topic classifier on articles (JSON lines with topic, title, body). Articles that it learned from, as the"
        " embedded one did from BBC News, flatter it: train_topics measures on held-out ones."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", type=Path, required=True, help="JSON lines with topic, title and body")
        parser.add_argument(
            "--model", type=Path, help="a folder that train_topics wrote (default: as TOPIC_MODEL says)"
        )
        parser.add_argument(
            "--output", type=Path, help="folder for evaluation.json, wrong.csv, reliability.csv and .png"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # Torch is loaded here, not when Django looks through its commands.
        from apps.classification.bert.classifier import load_classifier
        from apps.classification.bert.dataset import DatasetError, read_articles, written_view
        from apps.classification.bert.evaluation import EvaluationError, evaluate, targets_of
        from apps.classification.bert.head import HeadError
        from apps.classification.bert.weights import EncoderError
        from apps.classification.classifier import TopicModelError, topic_classifier

        try:
            articles = read_articles(options["data"])
            classifier = load_classifier(options["model"]) if options["model"] else topic_classifier()
            targets_of(articles, classifier.labels)  # refuses what cannot be measured before minutes of reading
            probabilities = classifier.classify([written_view(article) for article in articles])
            measured = evaluate(articles, probabilities, classifier.labels)
        except (DatasetError, EvaluationError, HeadError, EncoderError, TopicModelError) as error:
            raise CommandError(str(error)) from error

        low, high = measured.accuracy_interval
        self.stdout.write(
            f"{measured.n_articles} articles: accuracy {measured.accuracy:.2%} ({low:.2%} to {high:.2%}),"
            f" macro F1 {measured.macro_f1:.2%}, ECE {measured.ece:.2%}"
        )
        for topic, counts in zip(measured.topics, measured.confusion, strict=True):
            self.stdout.write(
                f"{topic.label:>16}: {topic.n_articles} articles, precision {topic.precision:.2%},"
                f" recall {topic.recall:.2%}, filed {' '.join(str(count) for count in counts)}"
            )
        for wrong in measured.wrong:
            self.stdout.write(
                f"No. {wrong.number} is {wrong.topic}, filed under {wrong.predicted}"
                f" ({wrong.probability:.0%}): {wrong.title}"
            )
        if options["output"]:
            self._write(options["output"], measured)

    def _write(self, output: Path, measured: Evaluation) -> None:
        from apps.classification.bert.reliability_plot import draw_reliability

        fields = asdict(measured)
        try:
            output.mkdir(parents=True, exist_ok=True)
            (output / "evaluation.json").write_text(json.dumps(fields, indent=1) + "\n", encoding="utf-8")
            for name in ("reliability", "wrong"):
                write_rows(output / f"{name}.csv", fields[name])
            draw_reliability(measured.reliability, output / "reliability.png")
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error}. Name another --output.") from error
        self.stdout.write(self.style.SUCCESS(f"Written to {output}"))
