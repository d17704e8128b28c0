"""manage.py embed_videos"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from apps.pipeline import runs
from apps.videos.models import Video


class Command(BaseCommand):
    help = (
        "Has the workers bring the vectors of all videos in step with their words and with SEARCH_EMBEDDING_MODEL. "
        "Run it after that setting was changed. What is in step costs next to nothing."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        video_ids = list(Video.objects.order_by("-created_at").values_list("pk", flat=True))
        for video_id in video_ids:
            runs.start_over(video_id, "embed")
        self.stdout.write(f"{len(video_ids)} videos are queued.")
