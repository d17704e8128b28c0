"""The Celery tasks: ids in, no logic of their own."""

import os
import signal
from uuid import UUID

from celery import Task, shared_task

from apps.classification import teaching
from apps.pipeline import execution, recovery
from apps.search import outbox


@shared_task(name="pipeline.run_stage", bind=True)
def run_stage(self: "Task[[str, str], None]", video_id: str, stage: str) -> None:
    execution.run_stage(UUID(video_id), stage, worker=str(self.request.hostname), kill=kill_this_process)


@shared_task(name="pipeline.drain_search_outbox")
def drain_search_outbox() -> None:
    outbox.drain()


@shared_task(name="pipeline.teach_topics")
def teach_topics(head_id: str) -> None:
    teaching.make_draft(UUID(head_id))


@shared_task(name="pipeline.sweep")
def sweep() -> None:
    recovery.sweep()


@shared_task(name="pipeline.clear_incoming")
def clear_incoming() -> None:
    recovery.clear_incoming()


def kill_this_process() -> None:
    """Ends the pool's child at once, in the middle of whatever C code it is in; the pool starts a fresh one."""
    os.kill(os.getpid(), signal.SIGKILL)
