"""Reports by viewers, and the log of what moderators did."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from apps.accounts.models import User
from apps.videos.models.video import Video


class Report(models.Model):
    """A viewer's word that a video needs a moderator's eye."""

    class Reason(models.TextChoices):
        HARMFUL = "harmful", "Harmful or dangerous"
        HATEFUL = "hateful", "Hateful or abusive"
        COPYRIGHT = "copyright", "Infringes a copyright"
        PRIVACY = "privacy", "Infringes somebody's privacy"
        MISLEADING = "misleading", "Spam or misleading"
        CAPTIONS = "captions", "Wrong captions or topic"
        OTHER = "other", "Something else"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="reports")
    reporter = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="reports")
    reason = models.CharField(max_length=20, choices=Reason.choices)
    details = models.TextField(blank=True, max_length=2_000)
    created_at = models.DateTimeField(default=timezone.now)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.get_reason_display()}: {self.video}"


class ModerationEntry(models.Model):
    """One act of moderation. Outlives the video: its title is kept. Without a title: it was about the whole portal."""

    class Act(models.TextChoices):
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"
        DELETED = "deleted", "Deleted"
        EDITED = "edited", "Edited"
        RERUN = "rerun", "Stage run again"
        REPORT_RESOLVED = "report_resolved", "Report resolved"
        TAUGHT = "taught", "Topics taught"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    video = models.ForeignKey(Video, on_delete=models.SET_NULL, null=True, related_name="moderation_entries")
    video_title = models.CharField(max_length=200, blank=True)
    moderator = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="moderation_entries")
    act = models.CharField(max_length=20, choices=Act.choices)
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-created_at",)
        verbose_name_plural = "moderation entries"

    def __str__(self) -> str:
        return f"{self.get_act_display()}: {self.video_title or self.reason}"
