"""The admin of viewers' reports, and the log of what moderators did."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.pages.administration.access import DefaultedFilter, ModeratedAdmin
from apps.pages.administration.links import link_to_video
from apps.pages.people import signed_in
from apps.videos import moderation
from apps.videos.models import ModerationEntry, Report


class OpenFilter(DefaultedFilter):
    title = "state"
    parameter_name = "state"
    default = "open"

    def lookups(self, request: object, model_admin: object) -> list[tuple[str, str]]:  # noqa: ARG002
        return [("open", "Open"), ("resolved", "Resolved"), ("all", "All")]

    def queryset(self, request: object, queryset: QuerySet[Report]) -> QuerySet[Report]:  # noqa: ARG002
        if self.value() in ("open", "resolved"):
            return queryset.filter(resolved_at__isnull=self.value() == "open")
        return queryset


@admin.register(Report)
class ReportAdmin(ModeratedAdmin[Report]):
    list_display = ("reason", "video_link", "details", "reporter", "created_at", "resolved_at", "resolved_by")
    list_filter = (OpenFilter, "reason", "created_at")
    list_select_related = ("video", "reporter", "resolved_by")
    search_fields = ("video__title", "details", "reporter__username")
    fields = ("video_link", "reason", "details", "reporter", "created_at", "resolved_at", "resolved_by")
    readonly_fields = ("video_link",)
    actions = ("resolve_selected",)

    @admin.display(description="video", ordering="video__title")
    def video_link(self, report: Report) -> str:
        return link_to_video(report.video_id, report.video)

    @admin.action(description="Resolve selected reports")
    def resolve_selected(self, request: HttpRequest, queryset: QuerySet[Report]) -> None:
        done = sum(moderation.resolve(report, by=signed_in(request)) is not None for report in list(queryset))
        self.message_user(request, f"Resolved {done} report{'' if done == 1 else 's'}.", messages.SUCCESS)


@admin.register(ModerationEntry)
class ModerationEntryAdmin(ModeratedAdmin[ModerationEntry]):
    list_display = ("created_at", "act", "video_link", "moderator", "reason")
    list_display_links = ("created_at",)
    list_filter = ("act", "created_at")
    list_select_related = ("video", "moderator")
    search_fields = ("video_title", "reason", "moderator__username")
    fields = ("created_at", "act", "video_link", "moderator", "reason")
    readonly_fields = ("video_link",)

    @admin.display(description="video", ordering="video_title")
    def video_link(self, entry: ModerationEntry) -> str:
        if entry.video_id is None:
            return f"{entry.video_title} (deleted)" if entry.video_title else "-"
        return link_to_video(entry.video_id, entry.video_title)
