"""Lines for the owner of a video: it is ready, it failed, a moderator decided."""

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.videos.models import Notice, Video

# Of these, what was told last is true: a video that is ready now needs no attention any more.
_ALTERNATIVES = (
    {Notice.Kind.READY, Notice.Kind.FAILED},
    {Notice.Kind.PUBLISHED, Notice.Kind.REJECTED},
)


def notify(user: User, video: Video, kind: Notice.Kind, text: str) -> Notice:
    """Tells `user`, in place of what they have not read yet of this: "run again" must not pile up."""
    (alternatives,) = (kinds for kinds in _ALTERNATIVES if kind in kinds)
    with transaction.atomic():
        Notice.objects.filter(user=user, video=video, kind__in=alternatives, read_at=None).delete()
        return Notice.objects.create(user=user, video=video, kind=kind, text=text)


def unread_for(user: User) -> QuerySet[Notice]:
    """Newest first, each with its video."""
    return Notice.objects.filter(user=user, read_at=None).select_related("video")


def mark_read(user: User) -> int:
    """Marks all of `user`'s notices read; returns how many were not."""
    return Notice.objects.filter(user=user, read_at=None).update(read_at=timezone.now())
