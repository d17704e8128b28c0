"""The admin of videos: the moderation queue, and a page per video with all that a decision needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from apps.pages.administration.access import deletion_summary, is_moderator
from apps.pages.administration.decisions import VideoDecisions
from apps.pages.administration.queue import LanguageFilter, QueueFilter, SyncFilter
from apps.pages.administration.review import review_of
from apps.pages.administration.topic_queue import TopicQueue
from apps.pages.administration.topic_summary import TopicSummaryPage
from apps.pages.administration.video_form import VideoForm
from apps.pages.people import signed_in
from apps.pages.templatetags.portal import percent
from apps.pages.times import clock
from apps.pipeline.intake import edit_video
from apps.pipeline.models import StageRun
from apps.pipeline.stages import STAGE_BY_NAME
from apps.videos.editing import EditConflictError, delete_video
from apps.videos.models import Video


@admin.register(Video)
class VideoAdmin(TopicQueue, TopicSummaryPage, VideoDecisions):
    form = VideoForm
    list_display = (
        "title",
        "owner",
        "moderation_state",
        "visibility_word",
        "topic",
        "duration",
        "open_reports",
        "processing",
        "created_at",
    )
    list_filter = (QueueFilter, "visibility", LanguageFilter, SyncFilter, "topic_prediction__topic", "created_at")
    list_per_page = 50
    search_fields = ("title", "description", "owner__username", "tags__name")
    readonly_fields = (
        "owner",
        "moderation_state",
        "moderation_reason",
        "duration",
        "created_at",
        "updated_at",
        "checked_at",
        "original_name",
        "sha256",
        "size_bytes",
        "picture",
        "codecs",
    )
    fieldsets = (
        (None, {"fields": ("title", "description", "tag_names", "language", "visibility", "seen_revision")}),
        ("Moderation", {"fields": ("owner", "moderation_state", "moderation_reason")}),
        (
            "The file as it came",
            {
                "classes": ("collapse",),
                "fields": (
                    "original_name",
                    "duration",
                    "picture",
                    "codecs",
                    "size_bytes",
                    "sha256",
                    "created_at",
                    "checked_at",
                    "updated_at",
                ),
            },
        ),
    )

    def has_change_permission(self, request: HttpRequest, obj: Video | None = None) -> bool:  # noqa: ARG002
        return is_moderator(request)

    def has_delete_permission(self, request: HttpRequest, obj: Video | None = None) -> bool:  # noqa: ARG002
        return is_moderator(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Video]:
        """Two queries for a page of the list, whatever its length."""
        open_reports = Count("reports", filter=Q(reports__resolved_at__isnull=True), distinct=True)
        return (
            super()
            .get_queryset(request)
            .select_related("owner", "topic_prediction__topic")
            .prefetch_related("stage_runs")
            .annotate(open_report_count=open_reports)
        )

    # --- columns ---

    @admin.display(description="visibility", ordering="visibility")
    def visibility_word(self, video: Video) -> str:
        return video.get_visibility_display().partition(":")[0]

    @admin.display(description="topic", ordering="topic_prediction__topic__name")
    def topic(self, video: Video) -> str:
        prediction = getattr(video, "topic_prediction", None)
        if prediction is None:
            return "-"
        name = str(prediction.topic or "unknown")
        return f"{name} (confirmed)" if prediction.is_confirmed else f"{name} ({percent(prediction.probability)})"

    @admin.display(description="duration", ordering="duration_ms")
    def duration(self, video: Video) -> str:
        return clock(video.duration_ms)

    @admin.display(description="open reports", ordering="open_report_count")
    def open_reports(self, video: Video) -> int:
        count: int = video.open_report_count  # type: ignore[attr-defined]  # annotated above
        return count

    @admin.display(description="processing")
    def processing(self, video: Video) -> str:
        return processing_of(video.stage_runs.all())

    @admin.display(description="picture")
    def picture(self, video: Video) -> str:
        return f"{video.width} × {video.height}"

    @admin.display(description="container and codecs")
    def codecs(self, video: Video) -> str:
        return f"{video.container}: {video.video_codec}, {video.audio_codec or 'no sound'}"

    # --- the page of one video ---

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Video | None = None,
    ) -> HttpResponse:
        if obj is not None:
            # Read anew: the form puts what it refuses on its own instance.
            context["review"] = review_of(self.get_queryset(request).get(pk=obj.pk), signed_in(request))
        return super().render_change_form(request, context, add, change, form_url, obj)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except EditConflictError as error:  # between the form's look at the revision and the write
            self.message_user(request, str(error), messages.ERROR)
            return redirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Video, form: VideoForm, change: bool) -> None:  # noqa: ARG002
        if form.changed_data:
            assert form.cleaned_details is not None, "the form is valid"
            revision = form.cleaned_data["seen_revision"]
            edit_video(obj, revision=revision, editor=signed_in(request), details=form.cleaned_details)

    def delete_model(self, request: HttpRequest, obj: Video) -> None:
        delete_video(obj, by=signed_in(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Video]) -> None:
        for video in list(queryset):
            delete_video(video, by=signed_in(request))

    def get_deleted_objects(self, objs: Iterable[Video], request: HttpRequest) -> Any:  # noqa: ARG002
        return deletion_summary(objs, "videos", "with its files, captions, topic, reports and notices")


def processing_of(runs: Iterable[StageRun]) -> str:
    """How far a video is, in few words: what failed, else what is at work."""
    by_state: dict[str, list[StageRun]] = {}
    for run in runs:
        by_state.setdefault(run.state, []).append(run)
    for state in (StageRun.State.FAILED, StageRun.State.RUNNING, StageRun.State.QUEUED):
        if state in by_state:
            labels = ", ".join(
                f"{_label(run)} {percent(run.progress)}" if state == StageRun.State.RUNNING else _label(run)
                for run in by_state[state]
            )
            return f"{state.label}: {labels}"
    return "Done" if by_state else "-"


def _label(run: StageRun) -> str:
    stage = STAGE_BY_NAME.get(run.stage)
    return stage.label.lower() if stage else run.stage
