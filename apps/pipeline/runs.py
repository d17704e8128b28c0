"""From one stage to the next: starting a video's stages, ending one, running one again."""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.pipeline import announcements
from apps.pipeline.models import StageRun
from apps.pipeline.stages import READS_WORDS, STAGE_BY_NAME, STAGES
from apps.videos.models import ModerationEntry, ModerationState, Notice, Video
from apps.videos.moderation import note
from apps.videos.notices import notify

log = logging.getLogger(__name__)

UNEXPECTED = "Something went wrong on our side. The moderators can see what; you can run this step again."


class RunAgainError(Exception):
    """The stage cannot be run again now. The message says why."""


@transaction.atomic
def start(video: Video) -> None:
    """Makes the runs of a new video and queues the first of them on commit."""
    own = [StageRun(video=video, stage=stage.name) for stage in STAGES if not stage.is_on_request]
    StageRun.objects.bulk_create(own, ignore_conflicts=True)
    queue_ready(video.id)


def queue_ready(video_id: uuid.UUID) -> None:
    """Queues every waiting run whose predecessors allow it."""
    runs = {run.stage: run for run in StageRun.objects.filter(video_id=video_id)}
    for stage in STAGES:
        run = runs.get(stage.name)
        if run is None or run.state != StageRun.State.WAITING:
            continue
        may_start = all(name in runs and runs[name].has_succeeded for name in stage.needs) and all(
            name not in runs or runs[name].has_ended for name in stage.after
        )
        if may_start:
            _queue(run)


def _queue(run: StageRun) -> None:
    if StageRun.objects.filter(pk=run.pk, state=run.state).queue(timezone.now()):
        transaction.on_commit(partial(announcements.announce, run.video_id, run.stage), robust=True)


@transaction.atomic
def end(run: StageRun, state: StageRun.State, *, message: str = "", error: str = "") -> bool:
    """Records the end of a run, queues what became ready, and tells the owner when all is done. False: taken away."""
    _lock(run.video_id)
    if not run.end(state, message=message, error=error, now=timezone.now()):
        return False
    queue_ready(run.video_id)
    _tell_owner(run)
    return True


def retry_or_fail(run: StageRun, *, error: str, message: str = UNEXPECTED) -> None:
    """After a failure that may pass: tried again a little later, a bounded number of times, then failed visibly."""
    if run.attempts >= settings.STAGE_MAX_ATTEMPTS:
        end(run, StageRun.State.FAILED, message=message, error=error)
    else:
        run.requeue(due_at=timezone.now() + timedelta(seconds=settings.STAGE_RETRY_DELAY_S), error=error)


@transaction.atomic
def run_again(video: Video, stage_name: str, *, by: User) -> None:
    """Queues an ended stage once more, and those that build on it. A moderator's act on others' videos is logged.

    Raises RunAgainError where there is no such stage, it has not ended, or what it needs has not succeeded.
    """
    _lock(video.pk)
    stage = STAGE_BY_NAME.get(stage_name)
    runs = {run.stage: run for run in StageRun.objects.filter(video=video)}
    run = runs.get(stage_name)
    if stage is None or run is None:
        raise RunAgainError(f"There is no stage “{stage_name}”. Choose one of: {', '.join(STAGE_BY_NAME)}.")
    if not run.has_ended:
        raise RunAgainError(f"“{stage.label}” is {run.get_state_display().lower()} already. Wait until it has ended.")
    unmet = [STAGE_BY_NAME[name].label for name in stage.needs if name in runs and not runs[name].has_succeeded]
    if stage.is_on_request and run.has_succeeded:
        raise RunAgainError(f"“{stage.label}” is done, and does nothing more until somebody asks for it anew.")
    if unmet:
        raise RunAgainError(f"“{stage.label}” needs “{unmet[0]}” to succeed first. Run that one again.")
    _queue_with_followers(run)
    if by.is_moderator:
        note(video, by=by, act=ModerationEntry.Act.RERUN, reason=stage.label)


@transaction.atomic
def ask_for(video_id: uuid.UUID, stage_name: str) -> None:
    """Has a stage that runs on request run as soon as those before it have ended. Those after it wait for it."""
    _lock(video_id)
    run, _ = StageRun.objects.get_or_create(video_id=video_id, stage=stage_name)
    if run.has_ended:
        StageRun.objects.filter(pk=run.pk).update(state=StageRun.State.WAITING, ended_at=None)
    _have_followers_wait(run)
    queue_ready(video_id)


@transaction.atomic
def start_over(video_id: uuid.UUID, *stage_names: str) -> None:
    """Queues stages anew because what they work on has changed, also those at work: their runs are taken away.

    Does nothing where a stage has yet to start.
    """
    _lock(video_id)
    # Locked: a worker that claims one now waits until the change is committed, and then reads it.
    for run in StageRun.objects.select_for_update().filter(video_id=video_id, stage__in=stage_names):
        if run.has_ended or run.state == StageRun.State.RUNNING:
            _queue_with_followers(run)


def _queue_with_followers(run: StageRun) -> None:
    """What builds on the stage waits for it again; where it is at work on what was before, its run is taken away."""
    _queue(run)
    _have_followers_wait(run)


def _have_followers_wait(run: StageRun) -> None:
    followers = [stage.name for stage in STAGES if run.stage in stage.after]
    StageRun.objects.filter(video_id=run.video_id, stage__in=followers).update(
        state=StageRun.State.WAITING, claim=None, progress=0.0, message="", error="", ended_at=None
    )


def _knows_of_all_but(ended: StageRun, runs: list[StageRun]) -> bool:
    """The owner was told "ready" after every other stage had ended: a topic found anew is no news.

    Nor does it count that another stage, which reads the words as this one does, has been at it again meanwhile.
    """
    others = [
        run.ended_at for run in runs if run.pk != ended.pk and run.ended_at is not None and run.stage not in READS_WORDS
    ]
    ready = Notice.objects.filter(video_id=ended.video_id, kind=Notice.Kind.READY)
    return bool(others) and ready.filter(created_at__gte=max(others)).exists()


def _lock(video_id: uuid.UUID) -> None:
    """Of stages of one video that end at once, each sees how those before it ended: the owner is told, and told once.

    SQLite's transactions exclude each other anyway.
    """
    Video.objects.select_for_update(no_key=True).filter(pk=video_id).values_list("pk").first()


def fail_or_requeue_stalled(run: StageRun, now: datetime) -> None:
    """For a run whose worker has gone silent: killed, out of memory, or its machine is away."""
    error = f"No heartbeat of worker {run.worker} since {run.heartbeat_at:%Y-%m-%d %H:%M:%S} (attempt {run.attempts})."
    log.warning("stage stalled", extra={"video": run.video_id, "stage": run.stage, "worker": run.worker})
    if run.attempts >= settings.STAGE_MAX_ATTEMPTS:
        end(run, StageRun.State.FAILED, message=UNEXPECTED, error=error)
    elif run.requeue(due_at=now, error=error):
        announcements.announce(run.video_id, run.stage)


def _tell_owner(ended: StageRun) -> None:
    """One notice when the last stage has ended, or when a failure keeps the others from starting."""
    runs = list(StageRun.objects.filter(video_id=ended.video_id).select_related("video", "video__owner"))
    failed = [run for run in runs if run.state == StageRun.State.FAILED]
    at_work = [run for run in runs if run.state in (StageRun.State.QUEUED, StageRun.State.RUNNING)]
    if not runs or at_work or (not failed and not all(run.has_ended for run in runs)):
        return
    video = runs[0].video
    if not failed and _knows_of_all_but(ended, runs):
        return
    if failed:
        problems = " ".join(f"{STAGE_BY_NAME[run.stage].label}: {run.message}" for run in failed)
        notify(video.owner, video, Notice.Kind.FAILED, f"“{video.title}” needs your attention. {problems}")
    elif video.moderation_state == ModerationState.PENDING:
        notify(video.owner, video, Notice.Kind.READY, f"“{video.title}” is ready and waits for a moderator.")
    else:
        notify(video.owner, video, Notice.Kind.READY, f"“{video.title}” is ready to watch.")
