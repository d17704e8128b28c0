"""A person's own videos, in whatever state they are."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.classification.models import Topic
from apps.pages.cards import topic_of, with_what_cards_show
from apps.pages.people import signed_in
from apps.pipeline.models import StageRun
from apps.videos import quota
from apps.videos.models import Video

PAGE_SIZE = 30


@dataclass(frozen=True)
class Entry:
    """A video and how far it is. `state` is "processing", "failed" or "ready"; `percent` is over all its stages."""

    video: Video
    topic: Topic | None
    state: str
    percent: int
    is_out_of_sync: bool


@login_required
@require_safe
def my_videos(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    mine = (
        with_what_cards_show(Video.objects.owned_by(user)).select_related("sync_report").prefetch_related("stage_runs")
    )
    page = Paginator(mine, PAGE_SIZE).get_page(request.GET.get("page"))
    used_bytes, limit_bytes = quota.used_by(user), quota.limit_of(user)
    entries = [_entry(video) for video in page]
    context = {
        "page": page,
        "entries": entries,
        "is_processing": any(entry.state == "processing" for entry in entries),
        "used_bytes": used_bytes,
        "limit_bytes": limit_bytes,
        "used_percent": min(100, round(100 * used_bytes / limit_bytes)) if limit_bytes else 0,
    }
    return render(request, "my_videos/my_videos.html", context)


def _entry(video: Video) -> Entry:
    runs = video.stage_runs.all()
    states = {run.state for run in runs}
    if states & {StageRun.State.QUEUED, StageRun.State.RUNNING}:
        state = "processing"
    else:
        state = "failed" if StageRun.State.FAILED in states else "ready"
    done = sum(1.0 if run.has_ended else run.progress for run in runs)
    report = getattr(video, "sync_report", None)
    return Entry(
        video,
        topic_of(video),
        state,
        percent=round(100 * done / len(runs)) if runs else 100,
        is_out_of_sync=report is not None and report.is_out_of_sync,
    )
