"""Messages to the workers. They carry ids only, and may be lost: the database knows what is to be done."""

from __future__ import annotations

import logging
import uuid

from celery import current_app
from django.conf import settings
from django.utils import timezone
from kombu.exceptions import OperationalError

from apps.classification.models import TopicHead
from apps.pipeline.models import StageRun
from apps.pipeline.stages import STAGE_BY_NAME

log = logging.getLogger(__name__)

# The worker's child ends itself at the limit, and records that; should it be too stuck to do so, its parent kills it.
KILL_GRACE_S = 15


def announce(video_id: uuid.UUID, stage_name: str) -> None:
    """Sends the message that a run is queued. A broker that is away is logged: the sweep sends it later."""
    stage = STAGE_BY_NAME[stage_name]
    try:
        current_app.send_task(
            "pipeline.run_stage",
            args=(str(video_id), stage_name),
            queue=stage.queue,
            time_limit=stage.time_limit_s + KILL_GRACE_S,
        )
    except (OperationalError, OSError):
        log.warning("broker away", exc_info=True, extra={"video": video_id, "stage": stage_name})
        return
    StageRun.objects.filter(video_id=video_id, stage=stage_name).update(announced_at=timezone.now())


def announce_draft(head_id: uuid.UUID) -> None:
    """Sends the message that a `TopicHead` is to be learned, on the queue of those who have the encoder loaded."""
    try:
        current_app.send_task(
            "pipeline.teach_topics",
            args=(str(head_id),),
            queue=STAGE_BY_NAME["classify"].queue,
            time_limit=settings.TOPIC_TEACHING_LIMIT_S,
        )
    except (OperationalError, OSError):
        log.warning("broker away", exc_info=True, extra={"topic_head": head_id})
        return
    TopicHead.objects.filter(pk=head_id).update(announced_at=timezone.now())


def wake_indexer() -> None:
    """Asks the indexing worker to drain the outbox now instead of at its next round."""
    try:
        current_app.send_task("pipeline.drain_search_outbox", queue="index", expires=60)
    except (OperationalError, OSError):
        log.warning("broker away: the search index catches up later", exc_info=True)
