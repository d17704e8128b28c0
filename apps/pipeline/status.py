"""How far a video is, as its viewers are told."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser

from apps.accounts.models import User
from apps.pipeline.models import StageRun
from apps.pipeline.stages import STAGES
from apps.videos.models import Video


@dataclass(frozen=True)
class StageView:
    """One stage, as `viewer` may see it."""

    stage: str
    label: str
    state: str  # a value of StageRun.State
    state_label: str
    fraction: float  # in [0, 1]
    message: str  # plain words; of a failure, for owner and moderators only
    error: str  # what operators need; for moderators only
    attempts: int
    can_run_again: bool

    @property
    def percent(self) -> int:
        return round(self.fraction * 100)

    @property
    def is_at_work(self) -> bool:
        return self.state in (StageRun.State.QUEUED, StageRun.State.RUNNING)


def stage_views(video: Video, viewer: User | AnonymousUser) -> list[StageView]:
    """The stages of `video` in their order. One query."""
    is_moderator = isinstance(viewer, User) and viewer.is_moderator
    may_act = is_moderator or video.owner_id == viewer.pk
    by_stage = {run.stage: run for run in StageRun.objects.filter(video=video)}
    views = []
    for stage in STAGES:
        run = by_stage.get(stage.name)
        if run is None:
            continue
        failed = run.state == StageRun.State.FAILED
        may_repeat = failed if stage.is_on_request else run.has_ended
        blocked = any(name in by_stage and not by_stage[name].has_succeeded for name in stage.needs)
        views.append(
            StageView(
                stage=stage.name,
                label=stage.label,
                state=run.state,
                state_label=run.get_state_display(),
                fraction=run.progress,
                message="This step failed." if failed and not may_act else run.message,
                error=run.error if is_moderator else "",
                attempts=run.attempts,
                can_run_again=may_act and may_repeat and not blocked,
            )
        )
    return views


def is_processing(video: Video) -> bool:
    """Some stage is queued or at work. One query."""
    return StageRun.objects.filter(video=video, state__in=(StageRun.State.QUEUED, StageRun.State.RUNNING)).exists()


def processing_ids(videos: list[Video]) -> set[object]:
    """The ids of those of `videos` that are being processed. One query."""
    at_work = StageRun.objects.filter(video__in=videos, state__in=(StageRun.State.QUEUED, StageRun.State.RUNNING))
    return set(at_work.values_list("video_id", flat=True))


def overall(video: Video) -> str:
    """One word for lists: "processing", "failed" or "ready". One query."""
    states = set(StageRun.objects.filter(video=video).values_list("state", flat=True))
    if states & {StageRun.State.QUEUED, StageRun.State.RUNNING}:
        return "processing"
    return "failed" if StageRun.State.FAILED in states else "ready"
