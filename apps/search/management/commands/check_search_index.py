"""manage.py check_search_index"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.search import outbox
from apps.search.backends.base import SearchUnavailableError
from apps.search.checking import Difference, Fault, differences
from apps.search.models import OutboxEntry
from apps.videos.models import Video

_SHOWN = 20  # differences of each kind that are printed one by one
_NOTED_AT_ONCE = 500


class Command(BaseCommand):
    help = "Compares the search index with the database, video by video. Fails where they differ."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--repair", action="store_true", help="note the videos that differ, so that the worker indexes them anew"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        counts: Counter[Fault] = Counter()
        try:
            found = self._report(differences(), counts)
            while batch := list(islice(found, _NOTED_AT_ONCE)):
                if options["repair"]:
                    outbox.note_all(one.video_id for one in batch)
        except SearchUnavailableError as error:
            raise CommandError(str(error)) from error
        waiting = OutboxEntry.objects.values("video_id").distinct().count()
        if options["repair"] and counts:
            self.stdout.write(f"{counts.total()} videos are noted, and the worker indexes them anew.")
        elif counts:
            summary = ", ".join(f"{count} × {fault.value}" for fault, count in sorted(counts.items()))
            raise CommandError(
                f"The search index differs from the database: {summary}. "
                "To put it right: python manage.py check_search_index --repair"
            )
        else:
            noted = f", but for {waiting} that wait in the outbox" if waiting else ""
            self.stdout.write(
                f"The search index holds what the database says of {Video.objects.count()} videos{noted}."
            )

    def _report(self, found: Iterator[Difference], counts: Counter[Fault]) -> Iterator[Difference]:
        for one in found:
            counts[one.fault] += 1
            if counts[one.fault] <= _SHOWN:
                self.stdout.write(f"{one.video_id} {one.fault.value}.")
            elif counts[one.fault] == _SHOWN + 1:
                self.stdout.write(f"… and further videos, of which each {one.fault.value}.")
            yield one
