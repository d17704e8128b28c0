"""Lines for the owner of a video: it is ready, it failed, a moderator decided."""

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.videos.models import Notice, Video


def notify(user: User, video: Video, kind: str, text: str) -> Notice:
    """Tells `user`. An unread line of the same kind about the same video is replaced: "run again" must not pile up."""
    with transaction.atomic():
        Notice.objects.filter(user=user, video=video, kind=kind, read_at=None).delete()
        return Notice.objects.create(user=user, video=video, kind=kind, text=text)


def unread_for(user: User) -> QuerySet[Notice]:
    """Newest first, each with its video."""
    return Notice.objects.filter(user=user, read_at=None).select_related("video")


def mark_read(user: User) -> int:
    """Marks all of `user`'s notices read; returns how many were not."""
    return Notice.objects.filter(user=user, read_at=None).update(read_at=timezone.now())
