"""manage.py import_sample: gives an empty library the project's own talk."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import User
from apps.pipeline.intake import take_in
from apps.videos.models import Video
from apps.videos.uploads import VideoDetails, incoming_from_path

SAMPLE = settings.BASE_DIR / "samples" / "talk.mp4"  # made by scripts/make_sample_video.py
DETAILS = VideoDetails(
    title="Words on the wire",
    description="A short talk on how speech became searchable, from the telegraph to the captions on your screen.",
    tags=("sample", "history"),
    language="en",
    visibility="public",
)


class Command(BaseCommand):
    help = "Take in the sample video where the library is empty. Needs an administrator, who will own it."

    def handle(self, *args: Any, **options: Any) -> None:
        if Video.objects.exists():
            return
        administrator = User.objects.filter(is_superuser=True).order_by("date_joined").first()
        if administrator is None:
            raise CommandError("There is no administrator yet. Create one: manage.py createsuperuser.")
        video = take_in(incoming_from_path(SAMPLE), owner=administrator, details=DETAILS)
        self.stdout.write(f"Sample video taken in: {video.id}")
