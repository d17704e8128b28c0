"""The admin of transcripts and, a page at a time, of their cues. Words are changed in the caption editor, not here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from apps.pages.administration.access import ModeratedAdmin, deletion_summary, is_moderator
from apps.pages.administration.links import link_to_video
from apps.pages.people import signed_in
from apps.pages.templatetags.portal import percent
from apps.pages.times import clock, link_time
from apps.pipeline.intake import delete_transcript
from apps.transcription.models import Cue, Transcript


@admin.register(Transcript)
class TranscriptAdmin(ModeratedAdmin[Transcript]):
    list_display = ("video", "language", "source", "confidence", "recogniser", "is_whole", "created_at", "cues_link")
    list_filter = ("source", "language", ("completed_at", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("video",)
    list_per_page = 50
    search_fields = ("video__title", "recogniser")
    ordering = ("-created_at",)
    fields = (
        "video_link",
        "language",
        "source",
        "recogniser",
        "confidence",
        "recognised_up_to",
        "created_at",
        "completed_at",
        "cues_link",
    )
    readonly_fields = ("video_link", "confidence", "recognised_up_to", "cues_link")

    def has_delete_permission(self, request: HttpRequest, obj: Transcript | None = None) -> bool:  # noqa: ARG002
        return is_moderator(request)

    @admin.display(description="video")
    def video_link(self, transcript: Transcript) -> str:
        return link_to_video(transcript.video_id, transcript.video)

    @admin.display(description="mean confidence", ordering="mean_confidence")
    def confidence(self, transcript: Transcript) -> str:
        return "-" if transcript.mean_confidence is None else percent(transcript.mean_confidence)

    @admin.display(description="complete", boolean=True, ordering="completed_at")
    def is_whole(self, transcript: Transcript) -> bool:
        return transcript.is_complete

    @admin.display(description="recognised up to")
    def recognised_up_to(self, transcript: Transcript) -> str:
        return clock(transcript.cursor_ms)

    @admin.display(description="cues")
    def cues_link(self, transcript: Transcript) -> str:
        url = reverse("admin:transcription_cue_changelist")
        return format_html('<a href="{}?transcript__id__exact={}">Read its cues</a>', url, transcript.pk)

    def delete_model(self, request: HttpRequest, obj: Transcript) -> None:
        delete_transcript(obj, by=signed_in(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Transcript]) -> None:
        for transcript in list(queryset.select_related("video")):
            self.delete_model(request, transcript)

    def get_deleted_objects(self, objs: Iterable[Transcript], request: HttpRequest) -> Any:  # noqa: ARG002
        return deletion_summary(objs, "transcripts", "with all its cues")


@admin.register(Cue)
class CueAdmin(ModeratedAdmin[Cue]):
    """Reached from a transcript. Not in the menu: the cues of all videos in one list help nobody."""

    list_display = ("position", "from_to", "text", "sureness")
    list_display_links = None
    list_select_related = ("transcript",)
    list_per_page = 100
    show_full_result_count = False
    search_fields = ("text",)
    ordering = ("transcript", "position")
    sortable_by = ()

    def has_module_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Cue]:
        return super().get_queryset(request).defer("words")

    @admin.display(description="time")
    def from_to(self, cue: Cue) -> str:
        watch = reverse("pages:watch", args=[cue.transcript.video_id])
        return format_html(
            '<a href="{}?t={}">{} – {}</a>', watch, link_time(cue.start_ms), clock(cue.start_ms), clock(cue.end_ms)
        )

    @admin.display(description="confidence")
    def sureness(self, cue: Cue) -> str:
        return "-" if cue.confidence is None else percent(cue.confidence)
