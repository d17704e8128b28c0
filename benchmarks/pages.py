"""How long pages of lists take on a large portal, and the queries that they wait for.

    python -m benchmarks.pages [--videos 100000] [--csv docs/results/pages/speed.csv]

Fills a portal of its own in --folder, with the database of DATABASE_URL or SQLite, as a portal would be after years:
most videos are public and ready, half are filed under one of the shipped topics, and the member follows two of them.
Then asks each page so many times as a visitor, as a member, as an administrator, and says median and maximum.
--statistics has the database count its tables first, as PostgreSQL does by itself and SQLite does not.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.search_tables import keep

if TYPE_CHECKING:
    from django.test import Client

REPOSITORY = Path(__file__).resolve().parent.parent
HEADER = ("database", "statistics", "videos", "who", "page", "queries", "median_ms", "max_ms")
OWNERS = 500
SEED = 20
AT_ONCE = 1_000  # rows of one INSERT
PAGES = {
    "visitor": ("/", "/?page=1000", "/topics/sport/"),
    "member": ("/", "/?page=1000", "/topics/sport/", "/following/", "/my-videos/", "/notices/"),
    "administrator": ("/", "/admin/videos/video/", "/admin/videos/video/topics/", "/admin/videos/moderationentry/"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "var" / "page-benchmark")
    parser.add_argument("--statistics", action="store_true", help="ANALYZE first")
    parser.add_argument("--queries", type=float, metavar="MS", help="print what the slowest queries of each page are")
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    os.environ["VIDEOPORTAL_HOME"] = str(options.folder / str(options.videos))
    os.environ["DJANGO_SETTINGS_MODULE"] = "videoportal.settings"
    os.environ.setdefault("ALLOWED_HOSTS", "testserver")

    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection, transaction

    from apps.videos.models import Video

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    if not Video.objects.exists():
        with transaction.atomic():
            fill(options.videos)
    if Video.objects.count() != options.videos:
        sys.exit(f"{options.folder} has another number of videos: name another --folder, or another DATABASE_URL.")
    if options.statistics:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    rows = [
        (connection.vendor, "yes" if options.statistics else "no", options.videos, *row)
        for row in measured(options.repeat, options.queries)
    ]
    if options.csv:
        keep(options.csv, HEADER, rows, key=5)


def fill(n_videos: int) -> None:
    """The same rows each time, but for their ids."""
    from django.utils import timezone

    from apps.accounts.models import User
    from apps.avsync.models import SyncReport
    from apps.classification.models import Topic, TopicFollow, TopicPrediction
    from apps.pipeline.models import StageRun
    from apps.pipeline.stages import STAGES
    from apps.videos.models import ModerationState, Notice, Video, Visibility

    chance = random.Random(SEED)
    now = timezone.now()
    owners = [User.objects.create_user(f"owner{number}") for number in range(OWNERS)]
    User.objects.create_superuser("administrator")
    member = owners[0]
    topics = list(Topic.objects.all())
    for topic in topics[:2]:
        TopicFollow.objects.create(user=member, topic=topic)
    visibilities = [*[Visibility.PUBLIC] * 8, Visibility.UNLISTED, Visibility.PRIVATE]
    states = [*[ModerationState.PUBLISHED] * 48, ModerationState.PENDING, ModerationState.REJECTED]
    stages = [stage.name for stage in STAGES if not stage.is_on_request]

    def made_up(number: int) -> Video:
        return Video(
            title=f"Talk {number} about {chance.choice(('whales', 'bread', 'rivers'))}",
            description="What is said in it. " * 20,
            owner=chance.choice(owners),
            visibility=chance.choice(visibilities),
            moderation_state=chance.choice(states),
            checked_at=now,
            created_at=now - timedelta(minutes=5 * number),
            original_name="talk.mp4",
            extension="mp4",
            sha256=f"{number:064x}",
            size_bytes=10_000_000,
            duration_ms=600_000,
            width=1280,
            height=720,
            container="mov,mp4,m4a,3gp,3g2,mj2",
            video_codec="h264",
            audio_codec="aac",
        )

    shares = {topic.label: 1 / len(topics) for topic in topics}
    for start in range(0, n_videos, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, n_videos))
        videos = Video.objects.bulk_create([made_up(number) for number in numbers])
        TopicPrediction.objects.bulk_create(
            TopicPrediction(
                video=video,
                topic=chance.choice([*topics, *[None] * len(topics)]),
                probability=0.9,
                probabilities=shares,
                classifier="benchmark",
                outcome=chance.choice(TopicPrediction.Outcome.values),
            )
            for video in videos
        )
        StageRun.objects.bulk_create(
            StageRun(video=video, stage=stage, state=StageRun.State.DONE, progress=1.0, ended_at=now)
            for video in videos
            for stage in stages
        )
        SyncReport.objects.bulk_create(
            SyncReport(video=video, verdict=SyncReport.Verdict.IN_SYNC, probability=0.9, coverage=0.5, network="none")
            for video in videos
        )
        Notice.objects.bulk_create(
            Notice(user=video.owner, video=video, kind=Notice.Kind.READY, text="It is ready.") for video in videos
        )


def measured(repeat: int, slow_ms: float | None) -> Iterator[tuple[object, ...]]:
    """A row for each page and person; prints it, too. The first answer, which fills caches, is left out."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for who, pages in PAGES.items():
        client = client_of(who)
        for page in pages:
            with CaptureQueriesContext(connection) as queries:
                client.get(page)
            asked = queries.captured_queries  # the next request empties the list behind it
            if slow_ms is not None:
                say_slow(asked, slow_ms)
            times_ms = [timed_ms(client, page) for _ in range(repeat)]
            row = (who, page, len(asked), f"{median(times_ms):.0f}", f"{max(times_ms):.0f}")
            print("{:14}{:36}{:3} queries, median {:>6} ms, longest {:>6} ms".format(*row), flush=True)
            yield row


def client_of(who: str) -> Client:
    from django.test import Client

    from apps.accounts.models import User

    client = Client()
    names = {"member": "owner0", "administrator": "administrator"}
    if who in names:
        client.force_login(User.objects.get(username=names[who]))
    return client


def timed_ms(client: Client, page: str) -> float:
    before = time.perf_counter()
    answer = client.get(page)
    taken_ms = 1000 * (time.perf_counter() - before)
    assert answer.status_code == 200, f"{page}: {answer.status_code}"
    return taken_ms


def say_slow(queries: Sequence[dict[str, Any]], slow_ms: float) -> None:
    for query in queries:
        if 1000 * float(query["time"]) >= slow_ms:
            print(f"  {1000 * float(query['time']):.0f} ms: {query['sql'][:2_000]}")


if __name__ == "__main__":
    main()
