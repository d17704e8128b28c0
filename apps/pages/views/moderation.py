"""Viewers' reports, and what a moderator can do on the watch page."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import attempts
from apps.accounts.attempts import Act, TooManyAttemptsError
from apps.accounts.models import User
from apps.accounts.requests import address_of
from apps.classification.models import Topic
from apps.classification.topics import confirm_topic
from apps.pages.people import signed_in
from apps.videos import moderation
from apps.videos.models import Report, Video


@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest, video_id: uuid.UUID) -> HttpResponse:
    """A viewer's word to the moderators; nobody need be signed in to say that a video is harmful.

    429 where an address has sent too many: each of a visitor's reports is a row of its own.
    """
    video = get_object_or_404(Video.objects.visible_to(request.user), pk=video_id)
    context = {"video": video, "report_reasons": Report.Reason.choices}
    if request.method != "POST":
        return render(request, "watch/report.html", context)
    reason, details = request.POST.get("reason", ""), request.POST.get("details", "")
    reporter = request.user if isinstance(request.user, User) else None
    try:
        if reporter is None:
            attempts.take(Act.REPORT, f"address:{address_of(request)}")
        moderation.report(video, reporter=reporter, reason=reason, details=details)
    except (TooManyAttemptsError, moderation.ModerationError) as error:
        told = {"report_error": str(error), "chosen_reason": reason, "report_details": details}
        status = 429 if isinstance(error, TooManyAttemptsError) else 400
        return render(request, "watch/report.html", {**context, **told}, status=status)
    messages.success(request, "Thank you. The moderators will look at it.")
    return redirect("pages:watch", video.pk)


@login_required
@require_POST
def moderate(request: HttpRequest, video_id: uuid.UUID) -> HttpResponse:
    """`act` of the form: approve, reject (with `reason`), or topic (with the label of a `topic`, empty for unknown)."""
    moderator = signed_in(request)
    if not moderator.is_moderator:
        raise PermissionDenied("Only moderators decide about videos.")
    video = get_object_or_404(Video, pk=video_id)
    try:
        said = _decide(video, moderator, request.POST.get("act", ""), request)
    except moderation.ModerationError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)
    return redirect("pages:watch", video.pk)


def _decide(video: Video, moderator: User, act: str, request: HttpRequest) -> str:
    reason = request.POST.get("reason", "")
    if act == "approve":
        moderation.approve(video, by=moderator, reason=reason)
        return "Published."
    if act == "reject":
        moderation.reject(video, by=moderator, reason=reason)
        return "Rejected. The owner was told why."
    if act == "topic":
        label = request.POST.get("topic", "")
        topic = get_object_or_404(Topic, label=label) if label else None
        confirm_topic(video, topic, by=moderator)
        return f"The topic is {topic.name if topic else 'unknown'} now, and stays so."
    raise moderation.ModerationError("Choose approve, reject or a topic.")
