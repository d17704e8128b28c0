"""Changing what is said of a video, and deleting it with a question first."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from apps.pages.forms import DetailsForm, initial_details
from apps.pages.people import signed_in
from apps.pipeline.intake import edit_video
from apps.videos.editing import EditConflictError, delete_video
from apps.videos.models import Video


def editable_or_404(request: HttpRequest, video_id: uuid.UUID) -> Video:
    """The video, for its owner and moderators; others are not told that it exists."""
    return get_object_or_404(Video.objects.editable_by(request.user), pk=video_id)


@dataclass(frozen=True)
class Difference:
    """A field that was saved elsewhere while this form was open, and differs from what is in the form."""

    label: str
    saved: str
    yours: str


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, video_id: uuid.UUID) -> HttpResponse:
    """409 where another tab saved first: shows what it saved, keeps what is in the form, and saves over it if told."""
    video = editable_or_404(request, video_id)
    if request.method != "POST":
        return _form_page(request, video, DetailsForm(initial=initial_details(video)))
    form = DetailsForm(request.POST)
    revision = request.POST.get("revision", "")
    if not form.is_valid():
        return _form_page(request, video, form, revision=revision, status=400)
    number = int(revision) if revision.isascii() and revision.isdecimal() and len(revision) < 10 else 0
    try:
        edit_video(video, revision=number, editor=signed_in(request), details=form.details)
    except EditConflictError as conflict:
        differences = _differences(form, conflict.current)
        return _form_page(request, conflict.current, form, differences=differences, is_conflict=True, status=409)
    except Video.DoesNotExist:
        raise Http404("The video was deleted meanwhile.") from None
    messages.success(request, "Saved.")
    return redirect("pages:watch", video_id)


def _form_page(
    request: HttpRequest,
    video: Video,
    form: DetailsForm,
    *,
    revision: str = "",
    differences: tuple[Difference, ...] = (),
    is_conflict: bool = False,
    status: int = 200,
) -> HttpResponse:
    context = {
        "video": video,
        "form": form,
        "revision": revision or video.revision,
        "differences": differences,
        "is_conflict": is_conflict,
    }
    return render(request, "my_videos/edit.html", context, status=status)


def _differences(form: DetailsForm, current: Video) -> tuple[Difference, ...]:
    saved = initial_details(current)
    yours = {
        "title": form.details.title,
        "description": form.details.description,
        "tags": ", ".join(sorted(form.details.tags)),
        "language": form.details.language,
        "visibility": form.details.visibility,
    }
    return tuple(
        Difference(str(form[name].label), str(saved[name]), text) for name, text in yours.items() if text != saved[name]
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, video_id: uuid.UUID) -> HttpResponse:
    video = editable_or_404(request, video_id)
    if request.method != "POST":
        return render(request, "my_videos/delete.html", {"video": video})
    delete_video(video, by=signed_in(request))
    messages.success(request, f"“{video.title}” was deleted, with every file of it.")
    return redirect("pages:my-videos")
