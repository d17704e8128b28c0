"""A video, who may open it, and who may find it."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.db.models.lookups import Exact
from django.utils import timezone

from apps.accounts.models import User
from apps.videos.languages import LANGUAGES
from apps.videos.unindexed import Unindexed


class Visibility(models.TextChoices):
    PUBLIC = "public", "Public: anyone can find and watch it"
    UNLISTED = "unlisted", "Unlisted: anyone with the link can watch it"
    PRIVATE = "private", "Private: only you can watch it"


class ModerationState(models.TextChoices):
    PENDING = "pending", "Waiting"
    PUBLISHED = "published", "Published"
    REJECTED = "rejected", "Rejected"


class VideoQuerySet(models.QuerySet["Video"]):
    """The vocabulary of who sees what. Pages, API, files, captions and search hits all pass through it."""

    def owned_by(self, user: User | AnonymousUser) -> VideoQuerySet:
        return self.filter(owner=user) if isinstance(user, User) else self.none()

    def published(self) -> VideoQuerySet:
        return self.filter(moderation_state=ModerationState.PUBLISHED)

    def visible_to(self, user: User | AnonymousUser) -> VideoQuerySet:
        """What `user` may open: moderators everything, others their own and what is published and not private."""
        if isinstance(user, User) and user.is_moderator:
            return self
        allowed = Q(moderation_state=ModerationState.PUBLISHED, visibility__in=[Visibility.PUBLIC, Visibility.UNLISTED])
        return self.filter(allowed | Q(owner=user)) if isinstance(user, User) else self.filter(allowed)

    def listed_for(self, user: User | AnonymousUser) -> VideoQuerySet:
        """What `user` may find in lists, search and feeds: their own, and what is published and public.

        See also `apps.search.backends.base.SearchDocument.is_listed`, which carries the same rule into the index.
        """
        if not isinstance(user, User):
            return self.filter(moderation_state=ModerationState.PUBLISHED, visibility=Visibility.PUBLIC)
        public = Q(
            Exact(Unindexed("moderation_state"), ModerationState.PUBLISHED),
            Exact(Unindexed("visibility"), Visibility.PUBLIC),
        )
        return self.filter(public | Q(Exact(Unindexed("owner"), user.pk)))

    def editable_by(self, user: User | AnonymousUser) -> VideoQuerySet:
        """What `user` may change or delete: moderators everything, others their own."""
        if isinstance(user, User) and user.is_moderator:
            return self
        return self.owned_by(user)


class Tag(models.Model):
    """A word that the owner files a video under, in lower case."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=50, unique=True)

    def __str__(self) -> str:
        return self.name


class Video(models.Model):
    """An uploaded video. Its files lie in the folder `videos/<id>` of the media storage: see `apps.videos.files`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True, max_length=10_000)
    tags = models.ManyToManyField(Tag, blank=True, related_name="videos")
    language = models.CharField(max_length=8, choices=LANGUAGES, default="en", help_text="The language spoken in it.")
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="videos")
    visibility = models.CharField(max_length=10, choices=Visibility.choices, default=Visibility.PUBLIC)
    moderation_state = models.CharField(max_length=10, choices=ModerationState.choices, default=ModerationState.PENDING)
    moderation_reason = models.TextField(blank=True)
    # Set by the stage `probe`: every packet of the file was read, and it is whole.
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Counts edits, so that of two tabs editing the same video the second is told.
    revision = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    # The file as it came.
    original_name = models.CharField(max_length=255, editable=False)  # as the uploader named it; never a path
    extension = models.CharField(max_length=8, editable=False)
    sha256 = models.CharField(max_length=64, editable=False)  # hex
    size_bytes = models.PositiveBigIntegerField(editable=False)
    duration_ms = models.PositiveBigIntegerField(editable=False)
    width = models.PositiveIntegerField(editable=False)
    height = models.PositiveIntegerField(editable=False)
    container = models.CharField(max_length=50, editable=False)
    video_codec = models.CharField(max_length=50, editable=False)
    audio_codec = models.CharField(max_length=50, blank=True, editable=False)  # empty: no sound

    # What `render` made: names of files in the video's folder, empty until they are there.
    web_name = models.CharField(max_length=60, blank=True, editable=False)  # what browsers play; may be the original
    poster_name = models.CharField(max_length=60, blank=True, editable=False)
    storyboard_name = models.CharField(max_length=60, blank=True, editable=False)
    preview_name = models.CharField(max_length=60, blank=True, editable=False)
    # A copy of the original with its sound moved, where somebody had that repaired; all stages then work on it.
    repaired_name = models.CharField(max_length=60, blank=True, editable=False)

    objects = VideoQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        indexes = (
            models.Index(fields=["moderation_state", "visibility", "-created_at"]),
            # All that `listed_for` asks of a signed-in person's lists: they are read and counted in it.
            models.Index(fields=["-created_at", "moderation_state", "visibility", "owner", "id"], name="videos_listed"),
            models.Index(fields=["owner", "-created_at"]),
            models.Index(fields=["owner", "sha256"]),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def has_sound(self) -> bool:
        return bool(self.audio_codec)

    @property
    def is_published(self) -> bool:
        return self.moderation_state == ModerationState.PUBLISHED

    @property
    def is_listed(self) -> bool:
        """Anyone may find it: the rule of `VideoQuerySet.listed_for(AnonymousUser())`."""
        return self.is_published and self.visibility == Visibility.PUBLIC
