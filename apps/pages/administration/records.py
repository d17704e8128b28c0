"""The admin of what the portal notes for itself."""

from django.contrib import admin

from apps.pages.administration.access import RecordAdmin
from apps.search.models import OutboxEntry


@admin.register(OutboxEntry)
class OutboxEntryAdmin(RecordAdmin[OutboxEntry]):
    """What the search index has yet to be told. A row that stays has an error that says why."""

    list_display = ("video_id", "noted_at", "attempts", "not_before", "error")
    list_filter = (("error", admin.EmptyFieldListFilter), "noted_at")
    search_fields = ("video_id", "error")
    ordering = ("noted_at",)
    fields = ("video_id", "noted_at", "attempts", "not_before", "error")
