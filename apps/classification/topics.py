"""Topics as people use them: how many videos each has, and a moderator's word against the classifier's."""

from __future__ import annotations

from typing import TypedDict

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django_stubs_ext import WithAnnotations

from apps.accounts.models import User
from apps.classification.models import Topic, TopicCorrection, TopicPrediction
from apps.classification.texts import text_of
from apps.videos.models import ModerationEntry, Video
from apps.videos.moderation import note
from apps.videos.signals import video_changed


class VideoCount(TypedDict):
    """What `topics_with_counts` adds to each topic."""

    video_count: int


def topics_with_counts(videos: QuerySet[Video]) -> QuerySet[WithAnnotations[Topic, VideoCount]]:
    """Every topic, each with `video_count`: how many of `videos` are filed under it. One query."""
    return Topic.objects.annotate(video_count=Count("predictions", filter=Q(predictions__video__in=videos)))


@transaction.atomic
def confirm_topic(video: Video, topic: Topic | None, *, by: User) -> TopicPrediction:
    """Files `video` under `topic` (None: unknown) for good: reruns of the classifier leave it alone.

    Logged, and kept as a `TopicCorrection` beside what the classifier had said and the text as it is now.
    """
    Video.objects.select_for_update().get(pk=video.pk)  # the lock of `classify.classify_video`
    prediction, _ = TopicPrediction.objects.update_or_create(
        video=video,
        defaults={"topic": topic, "is_confirmed": True},
        create_defaults={"topic": topic, "is_confirmed": True, "probability": 0.0, "classifier": ""},
    )
    likeliest = max(prediction.probabilities, key=prediction.probabilities.__getitem__, default="")
    TopicCorrection.objects.create(
        video=video,
        topic=topic,
        by=by,
        predicted_label=likeliest,
        predicted_probability=prediction.probability,
        classifier=prediction.classifier,
        text=text_of(video),
    )
    note(video, by=by, act=ModerationEntry.Act.EDITED, reason=f"Topic: {topic or 'unknown'}")
    video_changed.send(sender=__name__, video_id=video.id)
    return prediction
