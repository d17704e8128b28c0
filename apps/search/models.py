"""The outbox: which videos' documents the index must be told about."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone


class OutboxEntry(models.Model):
    """A note, written in the transaction of a change, that a video's document is stale.

    Holds the video's id and no foreign key: it must outlive the video, whose document is then removed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    video_id = models.UUIDField(db_index=True)
    noted_at = models.DateTimeField(default=timezone.now, db_index=True)
    attempts = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(default=timezone.now)  # of a retry
    error = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "outbox entries"

    def __str__(self) -> str:
        return str(self.video_id)
