"""The lip sync of one video: what was found, its repair, and the way back. For its owner and moderators alone."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from apps.pages.people import signed_in
from apps.pages.sync import sync_panel
from apps.pages.views.editing import editable_or_404
from apps.pipeline.repair import RepairRefusedError, ask_for_repair, ask_for_undo
from apps.pipeline.sync_status import way_of
from apps.videos.models import Video


@login_required
@require_safe
def sync(request: HttpRequest, video_id: uuid.UUID) -> HttpResponse:
    video = editable_or_404(request, video_id)
    return render(request, "sync/sync.html", {"video": video, "sync": sync_panel(video, with_plots=True)})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def repair(request: HttpRequest, video_id: uuid.UUID) -> HttpResponse:
    """Asks first; the answer carries the offset that was shown, so that no other one is repaired."""
    video = editable_or_404(request, video_id)
    if request.method == "POST":
        seen = request.POST.get("offset_ms", "")
        seen_ms = int(seen) if seen.removeprefix("-").isdecimal() and len(seen) < 7 else None
        return _done(
            request, video, "The sound will be moved.",
            lambda: ask_for_repair(video, by=signed_in(request), seen_offset_ms=seen_ms),
        )  # fmt: skip
    panel = sync_panel(video)
    report = panel.status.report
    if not panel.status.can_repair or report is None or report.offset_ms is None:
        messages.error(request, panel.status.repair_refusal)
        return redirect("pages:sync", video.pk)
    offset_ms = round(report.offset_ms)
    context = {"video": video, "sync": panel, "offset_ms": offset_ms, "way": way_of(-offset_ms)}
    return render(request, "sync/repair.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def undo(request: HttpRequest, video_id: uuid.UUID) -> HttpResponse:
    """Asks first."""
    video = editable_or_404(request, video_id)
    if request.method == "POST":
        told = "The original will be brought back."
        return _done(request, video, told, lambda: ask_for_undo(video, by=signed_in(request)))
    panel = sync_panel(video)
    if not panel.status.can_undo:
        messages.error(request, panel.status.undo_refusal)
        return redirect("pages:sync", video.pk)
    return render(request, "sync/undo.html", {"video": video, "sync": panel})


def _done(request: HttpRequest, video: Video, told: str, ask: Callable[[], object]) -> HttpResponse:
    try:
        ask()
    except RepairRefusedError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, told)
    return redirect("pages:sync", video.pk)
