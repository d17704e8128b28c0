"""Remembering where a person stopped watching."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from apps.pages.people import signed_in
from apps.videos.models import Video
from apps.videos.viewing import remember_position


@require_POST
@login_required
def position(request: HttpRequest, video_id: uuid.UUID) -> HttpResponse:
    """Keeps `position_ms` (form field) for the signed-in person: 204, or 400 where it is no such number."""
    video = get_object_or_404(Video.objects.visible_to(request.user), pk=video_id)
    text = request.POST.get("position_ms", "")
    if not (text.isascii() and text.isdecimal() and len(text) <= 12):
        return HttpResponse("position_ms must be a whole number of milliseconds.", status=400)
    remember_position(signed_in(request), video, min(int(text), video.duration_ms))
    return HttpResponse(status=204)
