"""The admin of what the check of lip sync found, and of the repairs asked for. Nobody changes either here."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from apps.avsync.models import SyncReport
from apps.avsync.wording import in_words
from apps.pages.administration.access import ModeratedAdmin
from apps.pages.administration.links import link_to_video
from apps.pages.templatetags.portal import percent
from apps.pipeline.models import SyncRepair
from apps.pipeline.sync_status import way_of


@admin.register(SyncReport)
class SyncReportAdmin(ModeratedAdmin[SyncReport]):
    list_display = ("video_link", "sentence", "verdict", "sureness", "seen", "created_at")
    list_display_links = ("sentence",)
    list_filter = ("verdict", "reason", "created_at")
    list_select_related = ("video",)
    list_per_page = 50
    search_fields = ("video__title",)
    ordering = ("-created_at",)
    fields = (
        "video_link",
        "sentence",
        "verdict",
        "sureness",
        "seen",
        "drift",
        "reason",
        "network",
        "created_at",
        "curves",
    )
    readonly_fields = ("video_link", "sentence", "sureness", "seen", "drift", "curves")

    @admin.display(description="video", ordering="video__title")
    def video_link(self, report: SyncReport) -> str:
        return link_to_video(report.video_id, report.video)

    @admin.display(description="what was found", ordering="offset_ms")
    def sentence(self, report: SyncReport) -> str:
        return in_words(report)

    @admin.display(description="sure to", ordering="probability")
    def sureness(self, report: SyncReport) -> str:
        return percent(report.probability)

    @admin.display(description="speaking faces seen in", ordering="coverage")
    def seen(self, report: SyncReport) -> str:
        return percent(report.coverage)

    @admin.display(description="drift", ordering="drift_ms_per_min")
    def drift(self, report: SyncReport) -> str:
        return "-" if report.drift_ms_per_min is None else f"{report.drift_ms_per_min:+.0f} ms a minute"

    @admin.display(description="curves")
    def curves(self, report: SyncReport) -> str:
        return format_html('<a href="{}">Curves, repair and undo</a>', reverse("pages:sync", args=[report.video_id]))


@admin.register(SyncRepair)
class SyncRepairAdmin(ModeratedAdmin[SyncRepair]):
    list_display = ("video_link", "way", "state", "made_by", "made_at", "done_at", "undone_by", "undone_at")
    list_display_links = ("way",)
    list_filter = ("state", "made_at")
    list_select_related = ("video", "made_by", "undone_by")
    list_per_page = 50
    search_fields = ("video__title",)
    ordering = ("-made_at",)
    fields = list_display
    readonly_fields = ("video_link", "way")

    @admin.display(description="video", ordering="video__title")
    def video_link(self, repair: SyncRepair) -> str:
        return link_to_video(repair.video_id, repair.video)

    @admin.display(description="the sound comes", ordering="offset_ms")
    def way(self, repair: SyncRepair) -> str:
        return way_of(repair.shift_ms)
