"""The outbox: which videos' documents the index must be told about. And the vectors that it holds of them."""

from __future__ import annotations

import uuid

from django.db import models, transaction
from django.db.models import F
from django.utils import timezone

from apps.videos.models import Video


class OutboxEntry(models.Model):
    """A note, written in the transaction of a change, that a video's document is stale.

    Holds the video's id and no foreign key: it must outlive the video, whose document is then removed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    video_id = models.UUIDField(db_index=True)
    noted_at = models.DateTimeField(default=timezone.now, db_index=True)
    attempts = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(default=timezone.now, db_index=True)  # of a retry
    error = models.TextField(blank=True)
    # Of the drainer that works at it. While one entry of a video is claimed, nobody else works at that video.
    claim = models.UUIDField(null=True, blank=True, editable=False, db_index=True)
    claimed_until = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name_plural = "outbox entries"

    def __str__(self) -> str:
        return str(self.video_id)


class IndexClock(models.Model):
    """Counts, in one row, how often documents were built: the versions of `SearchDocument`.

    A clock of the wall will not do: those of two hosts differ.
    """

    ID = uuid.UUID(int=1)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.version)

    @classmethod
    def tick(cls) -> int:
        """The next version, greater than all before it.

        Until the caller's transaction ends, others who ask wait, where the database locks rows.
        """
        with transaction.atomic():
            cls.objects.get_or_create(pk=cls.ID)
            cls.objects.filter(pk=cls.ID).update(version=F("version") + 1)
            return int(cls.objects.values_list("version", flat=True).get(pk=cls.ID))


class PassageVector(models.Model):
    """Of a text that is said or written in a video, its vector in the space of a model: see `apps.search.vectors`."""

    DIGEST_CHARACTERS = 32

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="passage_vectors")
    space = models.CharField(max_length=200)
    digest = models.CharField(max_length=DIGEST_CHARACTERS)  # of the text
    vector = models.BinaryField()  # float16, little-endian, of unit length

    class Meta:
        constraints = (models.UniqueConstraint(fields=["video", "space", "digest"], name="one_vector_per_text"),)

    def __str__(self) -> str:
        return f"{self.digest} of {self.video_id}"
