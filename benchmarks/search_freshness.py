"""How long after a commit a change is found, in a whole portal with its workers.

Changes a video's title again and again, and asks the search for it every 10 ms, as an anonymous viewer. The index is
one that `speed` has built, so that its size is in the figures; of the embedded one a copy is used.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from statistics import quantiles

from benchmarks.search_corpus import REPOSITORY
from benchmarks.search_tables import keep
from tests.portal import Portal, wait_until

_PATIENCE_S = 60.0
_POLL_S = 0.01


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--engine", choices=("sqlite", "elasticsearch"), default="sqlite")
    parser.add_argument("--moments", type=int, default=100_000, help="of an index that `speed` has built")
    parser.add_argument("--changes", type=int, default=30)
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "var" / "search-benchmark")
    parser.add_argument("--csv", type=Path, help="a folder for freshness.csv")


def run(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        if options.engine == "sqlite":
            copy = shutil.copy(options.folder / f"{options.moments}.sqlite3", folder)
            settings = {"SEARCH_SQLITE_PATH": str(copy)}
        else:
            url = os.environ.get("ELASTICSEARCH_TEST_URL", "http://127.0.0.1:9200")
            settings = {"ELASTICSEARCH_URL": url, "ELASTICSEARCH_INDEX_PREFIX": f"bench-{options.moments}"}
        portal = Portal(home, SEARCH_BACKEND=options.engine, LOG_LEVEL="ERROR", **settings)
        try:
            portal.run("--no-sample")
            command = f"from benchmarks.search_freshness import measure; measure({options.changes})"
            seconds = json.loads(portal.manage("shell", "-v0", "-c", command).splitlines()[-1])
        finally:
            portal.stop()
    cuts = quantiles(seconds, n=100, method="inclusive")
    figures = (f"{value:.2f}" for value in (cuts[49], cuts[94], max(seconds)))
    row = (options.engine, options.moments, len(seconds), *figures)
    print("{}, {} moments: {} changes found after {} s (p50), {} s (p95), {} s at most".format(*row))
    if options.csv:
        header = ("engine", "moments", "changes", "p50_s", "p95_s", "max_s")
        keep(options.csv / "freshness.csv", header, [row], key=2)


def measure(changes: int) -> None:
    """Runs inside the portal. Prints the seconds of each change, and leaves nothing behind."""
    from django.contrib.auth.models import AnonymousUser

    from apps.accounts.models import User
    from apps.search.models import OutboxEntry
    from apps.search.queries import SearchQuery, search_videos
    from tests.factories import make_video

    video = make_video(User.objects.create_user("freshness"), title="beginning")
    seconds = []
    for number in range(changes + 1):
        word = f"freshness{number}x{os.getpid()}"
        video.title = word
        video.save()
        began = time.monotonic()
        while not search_videos(AnonymousUser(), SearchQuery(text=word)).total:
            if time.monotonic() - began > _PATIENCE_S:
                raise AssertionError(f"{word} is not found: look at the log of the portal's indexing worker.")
            time.sleep(_POLL_S)
        seconds.append(time.monotonic() - began)
        time.sleep(0.5)
    video.delete()
    wait_until(lambda: not OutboxEntry.objects.exists(), within_s=_PATIENCE_S, what="the index without the video")
    print(json.dumps(seconds[1:]))  # the first loads the worker's code
