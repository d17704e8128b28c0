"""Captions that the owner brings, as a WebVTT or SRT file."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apps.pages.forms import SORTED_LANGUAGES
from apps.pages.people import signed_in
from apps.pages.views.editing import editable_or_404
from apps.pipeline.intake import remove_captions, store_captions
from apps.transcription.models import Transcript
from apps.transcription.parsing import Problem
from apps.transcription.uploading import CaptionsRefusedError
from apps.videos.models import Video


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def captions(request: HttpRequest, video_id: uuid.UUID) -> HttpResponse:
    """The video's transcripts and a form for one more; a file that is refused is answered with its lines (413, 422)."""
    video = editable_or_404(request, video_id)
    if request.method != "POST":
        return _page(request, video)
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        return _page(request, video, [Problem(0, "Choose a caption file first.")], status=400)
    language = request.POST.get("language", "")
    # One byte more than may be is enough to be refused for its size.
    data = file.read(settings.CAPTIONS_MAX_BYTES + 1)
    try:
        transcript = store_captions(video, language=language, data=data, name=str(file.name), by=signed_in(request))
    except CaptionsRefusedError as refusal:
        return _page(request, video, refusal.problems, language=language, status=refusal.status)
    messages.success(request, f"The {transcript.get_language_display()} captions are in place.")
    return redirect("pages:watch", video.pk)


def _page(
    request: HttpRequest, video: Video, problems: list[Problem] | None = None, *, language: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "video": video,
        "transcripts": Transcript.objects.filter(video=video).in_order_of_trust(),
        "problems": problems or [],
        "languages": SORTED_LANGUAGES,
        "language": language or video.language,
        "max_bytes": settings.CAPTIONS_MAX_BYTES,
    }
    return render(request, "captions/captions.html", context, status=status)


@login_required
@require_POST
def delete(request: HttpRequest, video_id: uuid.UUID) -> HttpResponse:
    """Removes the uploaded captions in the `language` of the form; what lay beneath is shown again."""
    video = editable_or_404(request, video_id)
    if remove_captions(video, request.POST.get("language", ""), by=signed_in(request)):
        messages.success(request, "The uploaded captions were removed.")
    else:
        messages.error(request, "There are no uploaded captions in that language any more.")
    return redirect("pages:captions", video.pk)
