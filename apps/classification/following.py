"""Topics that a person follows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypedDict

from django.contrib.auth.models import AnonymousUser
from django.db.models import BooleanField, Exists, OuterRef, QuerySet, Value
from django.db.models.lookups import In
from django_stubs_ext import WithAnnotations

from apps.accounts.models import User
from apps.classification.models import Topic, TopicFollow
from apps.classification.topics import topics_with_counts
from apps.videos.models import Video, VideoQuerySet
from apps.videos.unindexed import Unindexed


class SeenTopic(TypedDict):
    """What `topics_seen_by` adds to each topic. `is_followed` is None for a visitor."""

    video_count: int
    is_followed: bool | None


def follow_topic(user: User, topic: Topic) -> None:
    """Nothing happens where `user` follows it already."""
    TopicFollow.objects.get_or_create(user=user, topic=topic)


def unfollow_topic(user: User, topic: Topic) -> None:
    """Nothing happens where `user` does not follow it."""
    TopicFollow.objects.filter(user=user, topic=topic).delete()


def topics_followed_by(user: User | AnonymousUser) -> QuerySet[Topic]:
    return Topic.objects.filter(follows__user=user) if isinstance(user, User) else Topic.objects.none()


def topics_seen_by(user: User | AnonymousUser) -> QuerySet[WithAnnotations[Topic, SeenTopic]]:
    """Every topic, with the number of videos that `user` may find under it, and whether they follow it. One query."""
    counted = topics_with_counts(Video.objects.listed_for(user))
    is_followed: Any = Value(None, output_field=BooleanField(null=True))
    if isinstance(user, User):
        is_followed = Exists(TopicFollow.objects.filter(user=user, topic=OuterRef("pk")))
    return counted.annotate(is_followed=is_followed)


def videos_about(topics: Iterable[Topic], videos: VideoQuerySet) -> VideoQuerySet:
    """Those of `videos` that are filed under one of `topics`."""
    # Most lists are of the newest under a large topic: some dozens are looked at, in the place of all under the topic.
    return videos.filter(In(Unindexed("topic_prediction__topic"), [topic.pk for topic in topics]))
