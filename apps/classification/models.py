"""Topics, and which of them a video is about."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
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

    def by_classifier(self) -> TopicPredictionQuerySet:
        """Without those of videos that a moderator filed before a classifier had read them."""
        return self.exclude(classifier="")


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

    class Meta:
        # All that is read to count the videos of each topic.
        indexes = (models.Index(fields=["topic", "video"], name="topic_predictions_filed"),)

    def __str__(self) -> str:
        return f"{self.video}: {self.topic or 'unknown'} ({self.probability:.0%})"

    @property
    def likeliest_label(self) -> str:
        """Empty where no classifier answered."""
        return max(self.probabilities, key=self.probabilities.__getitem__, default="")


class TopicCorrectionQuerySet(models.QuerySet["TopicCorrection"]):
    def last_words(self) -> TopicCorrectionQuerySet:
        """The newest of each video."""
        newer = Q(created_at__gt=OuterRef("created_at")) | Q(created_at=OuterRef("created_at"), pk__gt=OuterRef("pk"))
        return self.filter(~Exists(TopicCorrection.objects.filter(newer, video=OuterRef("video"))))


class TopicCorrection(models.Model):
    """A moderator's word on the topic of a video, confirmed or corrected. One row each time, and never changed.

    It keeps what the classifier said and the text as it was then, so that it can be trained on after the video changed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="topic_corrections")
    # Null: it is about none of the topics, or an admin deleted the topic since: then `chosen_label` still tells.
    topic = models.ForeignKey(Topic, on_delete=models.SET_NULL, null=True, related_name="corrections")
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="topic_corrections")
    created_at = models.DateTimeField(default=timezone.now)
    chosen_label = models.CharField(max_length=50, blank=True)  # empty: it is about none of the topics
    predicted_label = models.CharField(max_length=50, blank=True)  # the likeliest; empty: it had not been classified
    predicted_probability = models.FloatField()  # in [0, 1]
    classifier = models.CharField(max_length=200, blank=True)
    text = models.TextField(blank=True)  # title, description and speech, as `texts.text_of` gives them

    objects = TopicCorrectionQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.video}: {self.topic or self.chosen_label or 'unknown'}, by {self.by or 'a deleted account'}"


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


class TopicExample(models.Model):
    """A text about a topic that the classifier was not trained on, for it to learn from."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="examples")
    text = models.TextField()
    # Null: somebody pasted it. What was taken from a video goes with the video, as its corrections do.
    video = models.ForeignKey(Video, on_delete=models.CASCADE, null=True, blank=True, related_name="topic_examples")
    added_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="topic_examples")
    added_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("added_at", "id")
        verbose_name = "example"

    def __str__(self) -> str:
        return self.text[:60]


class TopicHeadQuerySet(models.QuerySet["TopicHead"]):
    """Transitions are conditional UPDATEs: of two that try the same one, the database lets one through."""

    def live(self) -> TopicHead | None:
        """The one that classifies now, without its content; None: the shipped head does. One query."""
        return self.filter(state=TopicHead.State.LIVE).defer("content").first()

    def in_the_making(self) -> TopicHeadQuerySet:
        return self.filter(state__in=(TopicHead.State.QUEUED, TopicHead.State.LEARNING))

    def to_announce(self, now: datetime) -> TopicHeadQuerySet:
        """Queued, with no message sent to a worker, or one sent so long ago that it may be lost."""
        long_ago = now - timedelta(seconds=settings.STAGE_REQUEUE_AFTER_S)
        unsent = models.Q(announced_at__isnull=True) | models.Q(announced_at__lt=long_ago)
        return self.filter(unsent, state=TopicHead.State.QUEUED)

    def begin(self, head_id: uuid.UUID, *, now: datetime) -> TopicHead | None:
        """Takes a queued one to learn it; None where it is not there to be taken."""
        taken = self.filter(pk=head_id, state=TopicHead.State.QUEUED).update(
            state=TopicHead.State.LEARNING, started_at=now
        )
        return self.get(pk=head_id) if taken else None


class TopicHead(models.Model):
    """A head that learned topics from examples.

    queued ─> learning ─> draft | failed;  draft ─("go live")─> live ─> retired ─("go back")─> live.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waits for a worker"
        LEARNING = "learning", "Is learning"
        FAILED = "failed", "Failed"
        DRAFT = "draft", "Draft"
        LIVE = "live", "Live"
        RETIRED = "retired", "Retired"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.PositiveIntegerField(unique=True)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    content = models.BinaryField(default=bytes)  # `LinearHead.to_bytes`; empty until it is learned
    # Of the file of the shipped head that it was learned from: rows over another one would mean nothing.
    base_sha256 = models.CharField(max_length=64, blank=True)
    evaluation = models.JSONField(default=dict)  # the fields of `head_evaluation.HeadEvaluation`; empty: not learned
    error = models.TextField(blank=True)  # why it failed
    made_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="topic_heads")
    made_at = models.DateTimeField(default=timezone.now)
    announced_at = models.DateTimeField(null=True)  # a worker was told of it
    started_at = models.DateTimeField(null=True)
    live_at = models.DateTimeField(null=True)  # when it last went live

    objects = TopicHeadQuerySet.as_manager()

    class Meta:
        ordering = ("-version",)
        constraints = (
            models.UniqueConstraint(fields=["state"], condition=models.Q(state="live"), name="one_live_topic_head"),
        )

    def __str__(self) -> str:
        return f"version {self.version}"

    @property
    def taught_labels(self) -> tuple[str, ...]:
        return tuple(topic["label"] for topic in self.evaluation.get("new", ()))

    @property
    def has_passed(self) -> bool:
        return bool(self.evaluation) and not self.evaluation["reasons"]

    def become(self, state: State, **changes: object) -> bool:
        """False: it is no longer in the state that this object remembers, and nothing was changed."""
        return bool(TopicHead.objects.filter(pk=self.pk, state=self.state).update(state=state, **changes))


class TopicHeadChange(models.Model):
    """An administrator let another head classify. One row each time, and never changed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    head = models.ForeignKey(
        TopicHead, on_delete=models.PROTECT, null=True, related_name="changes"
    )  # null: the shipped
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="topic_head_changes")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-at", "-id")

    def __str__(self) -> str:
        return f"{self.head or 'the shipped head'}, by {self.by or 'a deleted account'}"
