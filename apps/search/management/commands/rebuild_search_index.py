"""manage.py rebuild_search_index"""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.search.backends.base import RebuildRunningError, SearchUnavailableError
from apps.search.rebuilding import rebuild_index
from apps.videos.models import Video

_REPORT_INTERVAL_S = 2.0


class Command(BaseCommand):
    help = "Builds the search index anew, aside, and puts it in place of the present one, which answers until then."

    def handle(self, *args: Any, **options: Any) -> None:
        total = Video.objects.count()
        started = reported = time.monotonic()

        def progress(count: int) -> None:
            nonlocal reported
            if time.monotonic() - reported >= _REPORT_INTERVAL_S:
                reported = time.monotonic()
                self.stdout.write(f"{count} of {total} videos …")
                self.stdout.flush()

        try:
            count = rebuild_index(progress)
        except (RebuildRunningError, SearchUnavailableError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"The search index holds {count} videos, rebuilt in {time.monotonic() - started:.1f} s.")
