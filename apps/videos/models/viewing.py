"""What a person is told about their videos, and where they stopped watching."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from apps.accounts.models import User
from apps.videos.models.video import Video


class Notice(models.Model):
    """A line for the owner: the video is ready, a stage failed, a moderator decided."""

    class Kind(models.TextChoices):
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"
        PUBLISHED = "published", "Published"
        REJECTED = "rejected", "Rejected"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    text = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        indexes = (models.Index(fields=["user", "read_at"]),)

    def __str__(self) -> str:
        return self.text


class WatchPosition(models.Model):
    """Where a signed-in person stopped watching a video."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="watch_positions")
    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="watch_positions")
    position_ms = models.PositiveBigIntegerField()
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "video"], name="one_position_per_user_and_video"),)

    def __str__(self) -> str:
        return f"{self.user} in {self.video} at {self.position_ms} ms"
