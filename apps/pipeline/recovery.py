"""Nothing is lost: runs whose worker died, and messages that a broker lost, are found and sent again."""

from __future__ import annotations

import logging

from django.utils import timezone

from apps.classification import teaching
from apps.classification.models import TopicHead
from apps.pipeline import announcements, runs
from apps.pipeline.models import StageRun
from apps.pipeline.moving_sound import clear_unseen_copies
from apps.videos.uploads import clear_stale_incoming

log = logging.getLogger(__name__)


def sweep() -> None:
    """One round: stalled runs back into the queue, lost messages sent again. Several at once do no harm."""
    now = timezone.now()
    for run in StageRun.objects.stalled(now):
        runs.fail_or_requeue_stalled(run, now)
    for run in StageRun.objects.to_announce(now):
        announcements.announce(run.video_id, run.stage)
    teaching.fail_those_whose_worker_is_gone(now)
    for head in TopicHead.objects.to_announce(now).only("pk"):
        announcements.announce_draft(head.pk)


def clear_incoming() -> None:
    """Removes what was left a day ago or longer by uploads that were cut off, and by stages that were killed."""
    clear_stale_incoming()
    clear_unseen_copies()


def give_back(worker: str) -> None:
    """Puts the runs that `worker` holds back into the queue: it is told to stop, or has just started and holds none."""
    for run in StageRun.objects.filter(worker=worker, state=StageRun.State.RUNNING):
        if run.requeue(due_at=timezone.now(), counts=False):
            log.info("given back", extra={"video": run.video_id, "stage": run.stage, "worker": worker})
