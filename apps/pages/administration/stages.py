"""The admin of stage runs: what failed, why, and once more."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import truncatechars
from django.utils.html import format_html

from apps.pages.administration.access import ModeratedAdmin
from apps.pages.administration.links import link_to_video
from apps.pages.people import signed_in
from apps.pages.templatetags.portal import percent
from apps.pages.times import clock
from apps.pipeline.models import StageRun
from apps.pipeline.runs import RunAgainError, run_again


@admin.register(StageRun)
class StageRunAdmin(ModeratedAdmin[StageRun]):
    list_display = (
        "stage",
        "video_link",
        "state",
        "share_done",
        "attempts",
        "message",
        "short_error",
        "queued_at",
        "time_taken",
    )
    list_filter = ("state", "stage", ("error", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("video",)
    list_per_page = 50
    search_fields = ("video__title", "error", "worker")
    ordering = ("-created_at",)
    fields = (
        "video_link",
        "stage",
        "state",
        "share_done",
        "attempts",
        "message",
        "full_error",
        "worker",
        "queued_at",
        "started_at",
        "heartbeat_at",
        "ended_at",
        "time_taken",
    )
    readonly_fields = ("video_link", "share_done", "full_error", "time_taken")
    actions = ("run_again_selected",)

    @admin.display(description="video", ordering="video__title")
    def video_link(self, run: StageRun) -> str:
        return link_to_video(run.video_id, run.video)

    @admin.display(description="progress", ordering="progress")
    def share_done(self, run: StageRun) -> str:
        return percent(run.progress)

    @admin.display(description="error")
    def short_error(self, run: StageRun) -> str:
        last_line = run.error.strip().rpartition("\n")[2]  # of a traceback, the line that says what it was
        return truncatechars(last_line, 120)

    @admin.display(description="error")
    def full_error(self, run: StageRun) -> str:
        return format_html('<pre style="white-space: pre-wrap; margin: 0">{}</pre>', run.error) if run.error else "-"

    @admin.display(description="time taken")
    def time_taken(self, run: StageRun) -> str:
        if run.started_at is None or run.ended_at is None:
            return "-"
        return clock(round((run.ended_at - run.started_at).total_seconds() * 1000))

    @admin.action(description="Run selected stages again")
    def run_again_selected(self, request: HttpRequest, queryset: QuerySet[StageRun]) -> None:
        done = 0
        for run in list(queryset.select_related("video")):
            try:
                run_again(run.video, run.stage, by=signed_in(request))
            except RunAgainError as error:
                self.message_user(request, f"{run.video}: {error}", messages.ERROR)
            else:
                done += 1
        if done:
            self.message_user(request, f"{done} stage{'' if done == 1 else 's'} will run again.", messages.SUCCESS)
