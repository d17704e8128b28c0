"""Uploading a video: one form, which a browser without scripts sends as well as the one with a progress bar."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from apps.pages.forms import DetailsForm
from apps.pages.people import signed_in
from apps.pipeline.intake import take_in
from apps.videos import quota
from apps.videos.models import Video, Visibility
from apps.videos.uploads import IncomingFile, UploadRefusedError, VideoUploadHandler, title_from_name


# The check of the form's token reads the body, so that the handler must be set before: exempt outside, inside not.
@csrf_exempt
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """Asked for JSON (`Accept`), answers 201 `{"url"}` or 4xx/507 `{"errors": {field: [text]}, "existing"}`."""
    if request.method != "POST":
        return _page(request, _form())
    request.upload_handlers = [VideoUploadHandler(request, owner=signed_in(request))]
    try:
        return _take_in(request)
    except UploadRefusedError as refusal:
        return _refused(request, _form(), {"file": [refusal.message]}, refusal.status, refusal.existing)


@csrf_protect
def _take_in(request: HttpRequest) -> HttpResponse:
    file = request.FILES.get("file")
    if not isinstance(file, IncomingFile):
        form = _form(request.POST)
        return _refused(request, form, {"file": ["Choose a video file first."], **_errors(form)}, 400)
    form = _form(request.POST, untitled=title_from_name(file.original_name))
    if not form.is_valid():
        return _refused(request, form, _errors(form), 400)
    try:
        video = take_in(file, owner=signed_in(request), details=form.details)
    except UploadRefusedError as refusal:
        return _refused(request, form, {"file": [refusal.message]}, refusal.status, refusal.existing)
    url = reverse("pages:watch", args=[video.pk])
    return JsonResponse({"url": url}, status=201) if _wants_json(request) else redirect(url)


def _form(data: Any = None, *, untitled: str = "untitled") -> DetailsForm:
    return DetailsForm(data, untitled=untitled, initial={"language": "en", "visibility": Visibility.PUBLIC})


def _errors(form: DetailsForm) -> dict[str, list[str]]:
    return {name: [str(problem) for problem in problems] for name, problems in form.errors.items()}


def _wants_json(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def _refused(
    request: HttpRequest, form: DetailsForm, errors: dict[str, list[str]], status: int, existing: Video | None = None
) -> HttpResponse:
    url = reverse("pages:watch", args=[existing.pk]) if existing else ""
    if _wants_json(request):
        return JsonResponse({"errors": errors, "existing": url}, status=status)
    return _page(request, form, status=status, file_errors=errors.get("file", []), existing_url=url)


def _page(request: HttpRequest, form: DetailsForm, *, status: int = 200, **context: Any) -> HttpResponse:
    user = signed_in(request)
    limit_bytes = quota.limit_of(user)
    extensions = [extension.lower() for extension in settings.UPLOAD_EXTENSIONS]
    known = {
        "form": form,
        "max_bytes": settings.UPLOAD_MAX_BYTES,
        "max_duration_ms": settings.UPLOAD_MAX_DURATION_S * 1000,
        "extensions": extensions,
        "accept": ",".join(f".{extension}" for extension in extensions),
        "left_bytes": max(0, limit_bytes - quota.used_by(user)) if limit_bytes else None,
    }
    return render(request, "upload/upload.html", {**known, **context}, status=status)
