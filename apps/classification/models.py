"""Topics, and which of them a video is about."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from apps.videos.models import Video


class Topic(models.Model):
    """A subject that videos are filed under. `label` is the classifier's name for it; an admin may change `name`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    label = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=100)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("position", "name")

    def __str__(self) -> str:
        return self.name


class TopicPrediction(models.Model):
    """What the classifier said of a video. `topic` is null where no probability reached the threshold: "unknown"."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    video = models.OneToOneField(Video, on_delete=models.CASCADE, related_name="topic_prediction")
    topic = models.ForeignKey(Topic, on_delete=models.SET_NULL, null=True, blank=True, related_name="predictions")
    probability = models.FloatField()  # of the likeliest label, in [0, 1]
    probabilities = models.JSONField(default=dict)  # label -> probability
    classifier = models.CharField(max_length=200)
    # A moderator's choice, which a rerun leaves alone.
    is_confirmed = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.video}: {self.topic or 'unknown'} ({self.probability:.0%})"
