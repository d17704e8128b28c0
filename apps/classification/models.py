"""Topics, and which of them a video is about."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from apps.accounts.models import User
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


class TopicPredictionQuerySet(models.QuerySet["TopicPrediction"]):
    def waiting(self) -> TopicPredictionQuerySet:
        """Those that ask a moderator, of which none has answered."""
        return self.filter(outcome=TopicPrediction.Outcome.ASKED, is_confirmed=False)


class TopicPrediction(models.Model):
    """What the classifier said of a video. `topic` is null where it was not sure enough and no moderator chose one."""

    class Outcome(models.TextChoices):
        """What came of the classifier's answer by itself. A moderator's choice leaves it as it was."""

        FILED = "filed", "Filed"
        ASKED = "asked", "A moderator is asked"
        UNKNOWN = "unknown", "Unknown"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    video = models.OneToOneField(Video, on_delete=models.CASCADE, related_name="topic_prediction")
    topic = models.ForeignKey(Topic, on_delete=models.SET_NULL, null=True, blank=True, related_name="predictions")
    probability = models.FloatField()  # of the likeliest label, in [0, 1]
    probabilities = models.JSONField(default=dict)  # label -> probability
    # What spoke most for the likeliest: dictionaries with the fields of `passages.Passage`.
    passages = models.JSONField(default=list)
    classifier = models.CharField(max_length=200)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.UNKNOWN, db_index=True)
    # A moderator's choice, which a rerun leaves alone.
    is_confirmed = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects = TopicPredictionQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.video}: {self.topic or 'unknown'} ({self.probability:.0%})"

    @property
    def likeliest_label(self) -> str:
        """Empty where no classifier answered."""
        return max(self.probabilities, key=self.probabilities.__getitem__, default="")


class TopicCorrection(models.Model):
    """A moderator's word on the topic of a video, confirmed or corrected. One row each time, and never changed.

    It keeps what the classifier said and the text as it was then, so that it can be trained on after the video changed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="topic_corrections")
    # Null: it is about none of the topics, or an admin deleted the topic since.
    topic = models.ForeignKey(Topic, on_delete=models.SET_NULL, null=True, related_name="corrections")
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="topic_corrections")
    created_at = models.DateTimeField(default=timezone.now)
    predicted_label = models.CharField(max_length=50, blank=True)  # the likeliest; empty: it had not been classified
    predicted_probability = models.FloatField()  # in [0, 1]
    classifier = models.CharField(max_length=200, blank=True)
    text = models.TextField(blank=True)  # title, description and speech, as `texts.text_of` gives them

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.video}: {self.topic or 'unknown'}, by {self.by or 'a deleted account'}"


class TopicFollow(models.Model):
    """A person's wish to see first what is new about a topic. Goes with either. See `apps.classification.following`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="topic_follows")
    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="follows")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "topic"], name="one_follow_per_user_and_topic"),)

    def __str__(self) -> str:
        return f"{self.user} follows {self.topic}"
