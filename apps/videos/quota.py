"""How much one person may keep here."""

from django.conf import settings
from django.db.models import Sum
from django.template.defaultfilters import filesizeformat

from apps.accounts.models import User
from apps.videos.models import Video


class QuotaExceededError(ValueError):
    """The message tells the uploader what they use and what to do."""


def in_words(size_bytes: int) -> str:
    """ "1.5 GB", with plain spaces."""
    return filesizeformat(size_bytes).replace("\xa0", " ")


def limit_of(user: User) -> int:
    """Bytes; 0: no limit."""
    limit: int = settings.USER_QUOTA_BYTES if user.quota_bytes is None else user.quota_bytes
    return limit


def used_by(user: User) -> int:
    """Bytes of the uploads that `user` keeps; what the portal made of them is not counted. One query."""
    total: int | None = Video.objects.filter(owner=user).aggregate(total=Sum("size_bytes"))["total"]
    return total or 0


def check(user: User, size_bytes: int) -> None:
    """Raises `QuotaExceededError` where `size_bytes` more would be too much."""
    limit = limit_of(user)
    if not limit:
        return
    used = used_by(user)
    if used + size_bytes > limit:
        raise QuotaExceededError(
            f"You may keep {in_words(limit)} here and use {in_words(used)} of it: this file does not fit. "
            "Delete a video that you no longer need, or ask the operators for more."
        )
