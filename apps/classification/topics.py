"""Topics as people use them: how many videos each has, how likely each is, and a moderator's word against it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
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
    """Every topic, each with `video_count`: how many of `videos` are filed under it. One query.

    Each video is looked for from its topic: the other way round, a database may collect all of `videos` first.
    """
    filed = TopicPrediction.objects.filter(Exists(videos.filter(pk=OuterRef("video"))), topic=OuterRef("pk"))
    counted = Subquery(filed.order_by().values("topic").annotate(n=Count("pk")).values("n"))
    return Topic.objects.annotate(video_count=Coalesce(counted, 0))


@dataclass(frozen=True)
class Probability:
    """One row of the classifier's answer."""

    label: str
    name: str
    share: float  # in [0, 1]
    is_topic: bool


def probabilities_of(prediction: TopicPrediction | None, topics: Iterable[Topic]) -> list[Probability]:
    """Likeliest first, under the names that `topics` have now: those of the portal, or a query that is then asked once.

    Empty, and nothing is asked, where no classifier answered: a moderator may choose before one runs.
    """
    if prediction is None or not prediction.probabilities:
        return []
    names = {topic.label: topic.name for topic in topics}
    chosen = prediction.topic.label if prediction.topic else None
    rows = [
        Probability(label, names.get(label, label), share, label == chosen)
        for label, share in prediction.probabilities.items()
    ]
    return sorted(rows, key=lambda row: row.share, reverse=True)


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
    TopicCorrection.objects.create(
        video=video,
        topic=topic,
        chosen_label=topic.label if topic else "",
        by=by,
        predicted_label=prediction.likeliest_label,
        predicted_probability=prediction.probability,
        classifier=prediction.classifier,
        text=text_of(video),
    )
    note(video, by=by, act=ModerationEntry.Act.EDITED, reason=f"Topic: {topic or 'unknown'}")
    video_changed.send(sender=__name__, video_id=video.id)
    return prediction
