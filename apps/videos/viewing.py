"""Resume where one stopped watching."""

from django.utils import timezone

from apps.accounts.models import User
from apps.videos.models import Video, WatchPosition

BARELY_BEGUN_MS = 5_000
# Who stops in the last twentieth, at most the last half minute, saw the end: the next viewing starts at the beginning.
NEAR_END_FRACTION = 0.05
NEAR_END_MS = 30_000


def remember_position(user: User, video: Video, position_ms: int) -> None:
    """Keeps the position, or forgets it near either end of the video. A position beyond the end is near it.

    The player sends one every few seconds: one statement, two the first time.
    """
    if is_worth_remembering(position_ms, video.duration_ms):
        WatchPosition.objects.update_or_create(
            user=user, video=video, defaults={"position_ms": position_ms, "updated_at": timezone.now()}
        )
    else:
        WatchPosition.objects.filter(user=user, video=video).delete()


def is_worth_remembering(position_ms: int, duration_ms: int) -> bool:
    near_end_ms = min(NEAR_END_MS, int(duration_ms * NEAR_END_FRACTION))
    return BARELY_BEGUN_MS <= position_ms < duration_ms - near_end_ms


def position_of(user: User, video: Video) -> int:
    """Milliseconds from the start; 0 where nothing is remembered."""
    position = WatchPosition.objects.filter(user=user, video=video).values_list("position_ms", flat=True).first()
    return position or 0
