"""Writes what moderators said of topics as training data: `manage.py export_topic_corrections --output file.jsonl`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.classification.corrections import as_record, latest_corrections


class Command(BaseCommand):
    help = (
        "Write the last word of moderators on the topic of each video as JSON lines (id, topic, title, body, by, at),"
        " which train_topics reads as --data. The texts of private videos are among them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--output", type=Path, required=True, help="file to write")
        parser.add_argument(
            "--with-none",
            action="store_true",
            help="also videos about none of the topics, with a topic of null, which train_topics refuses",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        output: Path = options["output"]
        n_written = 0
        try:
            with output.open("w", encoding="utf-8") as file:
                for correction in latest_corrections():
                    if correction.chosen_label or options["with_none"]:
                        file.write(json.dumps(as_record(correction), ensure_ascii=False) + "\n")
                        n_written += 1
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error}. Name another --output.") from error
        self.stdout.write(self.style.SUCCESS(f"{n_written} correction{'' if n_written == 1 else 's'} in {output}"))
