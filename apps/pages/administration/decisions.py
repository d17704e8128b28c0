"""What moderators do with one video by a button of its page, or with many by an action of their list.

Every one of these calls a verb, which leaves the entry in the moderation log.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils.http import url_has_allowed_host_and_scheme

from apps.accounts.models import User
from apps.classification.models import Topic
from apps.classification.teaching import TeachingError, teach_from_video
from apps.classification.topics import confirm_topic
from apps.pages.administration.access import TEACHES, ModeratedAdmin
from apps.pages.people import signed_in
from apps.pipeline.runs import RunAgainError, run_again
from apps.pipeline.stages import STAGE_BY_NAME, STAGES
from apps.videos import moderation
from apps.videos.models import Report, Video
from apps.videos.moderation import ModerationError

Decision = Callable[[Video, User], str]  # does it, and says what was done; may raise what `REFUSALS` names
REFUSALS = (ModerationError, RunAgainError, TeachingError)


class ReasonForm(forms.Form):
    """Why videos are rejected."""

    reason = forms.CharField(
        label="Reason, which the owner reads", max_length=2_000, widget=forms.Textarea(attrs={"rows": 4, "cols": 80})
    )


class StageForm(forms.Form):
    """Which stage is run again."""

    stage = forms.ChoiceField(choices=[(stage.name, stage.label) for stage in STAGES if not stage.is_on_request])


def approve(video: Video, moderator: User) -> str:
    moderation.approve(video, by=moderator)
    return f"“{video.title}” is published."


def rejecting(reason: str) -> Decision:
    def reject(video: Video, moderator: User) -> str:
        moderation.reject(video, by=moderator, reason=reason)
        return f"“{video.title}” is rejected."

    return reject


def running_again(stage: str) -> Decision:
    def run(video: Video, moderator: User) -> str:
        run_again(video, stage, by=moderator)
        return f"“{STAGE_BY_NAME[stage].label}” of “{video.title}” will run again."

    return run


class VideoDecisions(ModeratedAdmin[Video]):
    """The buttons and actions of the admin of videos."""

    actions = ("approve_selected", "reject_selected", "run_again_selected")

    def get_urls(self) -> list[URLPattern | URLResolver]:  # type: ignore[override]
        def own(route: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
            return path(f"<uuid:video_id>/{route}", self.admin_site.admin_view(view), name=f"videos_video_{name}")

        return [
            own("approve/", self.approve_view, "approve"),
            own("reject/", self.reject_view, "reject"),
            own("run-again/", self.run_again_view, "run_again"),
            own("topic/", self.topic_view, "topic"),
            own("example/", self.example_view, "example"),
            own("reports/<uuid:report_id>/resolve/", self.resolve_view, "resolve"),
            *super().get_urls(),
        ]

    # --- one video ---

    def approve_view(self, request: HttpRequest, video_id: uuid.UUID) -> HttpResponse:
        return self._decide(request, video_id, approve)

    def reject_view(self, request: HttpRequest, video_id: uuid.UUID) -> HttpResponse:
        return self._decide(request, video_id, rejecting(request.POST.get("reason", "")))

    def run_again_view(self, request: HttpRequest, video_id: uuid.UUID) -> HttpResponse:
        return self._decide(request, video_id, running_again(request.POST.get("stage", "")))

    def topic_view(self, request: HttpRequest, video_id: uuid.UUID) -> HttpResponse:
        def correct(video: Video, moderator: User) -> str:
            label = request.POST.get("topic", "")
            topic = get_object_or_404(Topic, label=label) if label else None
            confirm_topic(video, topic, by=moderator)
            return f"The topic is {topic or 'unknown'}, and stays so when the stage is run again."

        return self._decide(request, video_id, correct)

    def example_view(self, request: HttpRequest, video_id: uuid.UUID) -> HttpResponse:
        """For administrators: a moderator may not teach."""

        def add(video: Video, administrator: User) -> str:
            if not administrator.has_perm(TEACHES):
                raise PermissionDenied
            topic = get_object_or_404(Topic, label=request.POST.get("topic", ""))
            teach_from_video(video, topic, by=administrator)
            return f"What is said and written here is an example of “{topic}”. The next draft learns from it."

        return self._decide(request, video_id, add)

    def resolve_view(self, request: HttpRequest, video_id: uuid.UUID, report_id: uuid.UUID) -> HttpResponse:
        def resolve(video: Video, moderator: User) -> str:
            resolved = moderation.resolve(get_object_or_404(Report, pk=report_id, video=video), by=moderator)
            return "The report is resolved." if resolved else "Somebody resolved the report before you."

        return self._decide(request, video_id, resolve)

    def _decide(self, request: HttpRequest, video_id: uuid.UUID, decision: Decision) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        video = get_object_or_404(Video, pk=video_id)
        if not self.has_change_permission(request, video):
            raise PermissionDenied
        try:
            self.message_user(request, decision(video, signed_in(request)), messages.SUCCESS)
        except REFUSALS as error:
            self.message_user(request, str(error), messages.ERROR)
        # The queue of topics names itself, so that its moderator goes on there.
        back = request.POST.get("back", "")
        if url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
            return redirect(back)
        return redirect("admin:videos_video_change", video.pk)

    # --- many ---

    @admin.action(description="Approve selected videos", permissions=["change"])
    def approve_selected(self, request: HttpRequest, queryset: QuerySet[Video]) -> None:
        self._decide_all(request, queryset, approve)

    @admin.action(description="Reject selected videos…", permissions=["change"])
    def reject_selected(self, request: HttpRequest, queryset: QuerySet[Video]) -> HttpResponse | None:
        form = ReasonForm(request.POST if "decided" in request.POST else None)
        if form.is_valid():
            self._decide_all(request, queryset, rejecting(form.cleaned_data["reason"]))
            return None
        return self._ask(request, queryset, form, action="reject_selected", title="Reject videos", button="Reject them")

    @admin.action(description="Run a stage of selected videos again…", permissions=["change"])
    def run_again_selected(self, request: HttpRequest, queryset: QuerySet[Video]) -> HttpResponse | None:
        form = StageForm(request.POST if "decided" in request.POST else None)
        if form.is_valid():
            self._decide_all(request, queryset, running_again(form.cleaned_data["stage"]))
            return None
        return self._ask(
            request, queryset, form, action="run_again_selected", title="Run a stage again", button="Run it again"
        )

    def _decide_all(self, request: HttpRequest, videos: QuerySet[Video], decision: Decision) -> None:
        """Each video by itself: what one refuses keeps the others from nothing."""
        done = 0
        for video in list(videos):
            try:
                decision(video, signed_in(request))
            except REFUSALS as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                done += 1
        if done:
            self.message_user(request, f"Done for {done} video{'' if done == 1 else 's'}.", messages.SUCCESS)

    def _ask(
        self, request: HttpRequest, videos: QuerySet[Video], form: forms.Form, *, action: str, title: str, button: str
    ) -> HttpResponse:
        """The page between an action and its deed, which asks for what the deed needs. Posts to the list again."""
        chosen: Sequence[Video] = list(videos)
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "form": form,
            "videos": chosen,
            "action": action,
            "button": button,
            "checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/videos/video/decide.html", context)
