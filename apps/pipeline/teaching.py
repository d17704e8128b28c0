"""What administrators set off when they teach topics: a draft on a worker, and topics found anew."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.classification import teaching
from apps.classification.models import TopicHead, TopicHeadChange
from apps.pipeline import announcements
from apps.pipeline.models import StageRun, StageRunQuerySet
from apps.pipeline.stages import STAGE_BY_NAME
from apps.videos.models import ModerationEntry
from apps.videos.moderation import note_all

MAX_AT_ONCE = 1_000  # videos: new ones, which wait behind them, are to wait some minutes at most


@dataclass(frozen=True)
class ClassifiedAnew:
    """How many videos were queued, and how many are left for another time."""

    n_queued: int
    n_left: int


@transaction.atomic
def order_draft(*, by: User) -> TopicHead:
    """`classification.teaching.request_draft`, and tells a worker on commit. Raises TeachingError."""
    draft = teaching.request_draft(by=by)
    transaction.on_commit(partial(announcements.announce_draft, draft.pk), robust=True)
    return draft


def outdated_topics() -> StageRunQuerySet:
    """The ended runs of `classify` from before the last change of the head, of videos that got a topic, or none, from
    the classifier and not from a moderator."""
    change = TopicHeadChange.objects.first()
    if change is None:
        return StageRun.objects.none()
    return StageRun.objects.ended().filter(
        stage="classify", ended_at__lt=change.at, video__topic_prediction__is_confirmed=False
    )


@transaction.atomic
def classify_again(*, by: User) -> ClassifiedAnew:
    """Queues the stage `classify` of the newest MAX_AT_ONCE of `outdated_topics`, each logged as run again.

    The sweep tells the workers.
    """
    outdated = outdated_topics()
    newest = list(outdated.select_related("video").order_by("-video__created_at")[:MAX_AT_ONCE])
    # Nothing waits for `classify`: no run behind it has to be queued with it.
    n_queued = StageRun.objects.ended().filter(pk__in=[run.pk for run in newest]).queue(timezone.now())
    videos = (run.video for run in newest)
    note_all(videos, by=by, act=ModerationEntry.Act.RERUN, reason=STAGE_BY_NAME["classify"].label)
    return ClassifiedAnew(n_queued, n_left=outdated.count())
