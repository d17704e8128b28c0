"""The admin of topics, for administrators."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from apps.classification.models import Topic
from apps.pages.administration.access import deletion_summary


@admin.register(Topic)
class TopicAdmin(admin.ModelAdmin[Topic]):
    """Topics are added and renamed. The classifier knows a topic by its label, which therefore stays as it was made."""

    list_display = ("name", "label", "position", "video_count")
    fields = ("name", "label", "position")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Topic]:
        return super().get_queryset(request).annotate(prediction_count=Count("predictions"))

    @admin.display(description="videos", ordering="prediction_count")
    def video_count(self, topic: Topic) -> int:
        count: int = topic.prediction_count  # type: ignore[attr-defined]  # annotated above
        return count

    def get_readonly_fields(self, request: HttpRequest, obj: Topic | None = None) -> tuple[str, ...]:  # noqa: ARG002
        return ("label",) if obj else ()

    def get_form(self, request: HttpRequest, obj: Topic | None = None, **kwargs: Any) -> Any:  # type: ignore[override]
        kwargs["help_texts"] = {
            "label": "The classifier's name for it. Videos are filed under a new topic by themselves once a classifier "
            "that knows this label is trained (manage.py train_topics), and by moderators at once."
        }
        return super().get_form(request, obj, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Topic | None = None) -> bool:
        """Only of a topic without videos, which would lose it."""
        allowed = super().has_delete_permission(request, obj)
        return allowed and obj is not None and not obj.predictions.exists()

    def get_deleted_objects(self, objs: Iterable[Topic], request: HttpRequest) -> Any:  # noqa: ARG002
        return deletion_summary(objs, "topics", "which people may follow")
