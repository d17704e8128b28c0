"""What waits for a moderator."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet

from apps.avsync.models import SyncReport
from apps.pages.administration.access import DefaultedFilter
from apps.pipeline.models import StageRun, SyncRepair
from apps.videos.languages import LANGUAGE_NAMES
from apps.videos.models import ModerationState, Report, Video

FAILED = StageRun.State.FAILED


def waiting(videos: QuerySet[Video]) -> QuerySet[Video]:
    """Those whose file is whole and about which nobody has decided."""
    return videos.filter(moderation_state=ModerationState.PENDING, checked_at__isnull=False)


def reported(videos: QuerySet[Video]) -> QuerySet[Video]:
    """Those with a report that nobody has resolved."""
    return videos.filter(Exists(Report.objects.filter(video=OuterRef("pk"), resolved_at__isnull=True)))


def failed(videos: QuerySet[Video]) -> QuerySet[Video]:
    """Those with a stage that failed."""
    return videos.filter(Exists(StageRun.objects.filter(video=OuterRef("pk"), state=FAILED)))


class QueueFilter(DefaultedFilter):
    """The list of videos opens as the moderation queue."""

    title = "queue"
    parameter_name = "queue"
    default = "waiting"

    def lookups(self, request: object, model_admin: object) -> list[tuple[str, str]]:  # noqa: ARG002
        return [
            ("waiting", "Waiting for a decision"),
            ("reported", "Reported by viewers"),
            ("failed", "With a failed stage"),
            ("unchecked", "Not checked yet"),
            ("published", "Published"),
            ("rejected", "Rejected"),
            ("all", "All"),
        ]

    def queryset(self, request: object, queryset: QuerySet[Video]) -> QuerySet[Video]:  # noqa: ARG002
        match self.value():
            case "waiting":
                return waiting(queryset)
            case "reported":
                return reported(queryset)
            case "failed":
                return failed(queryset)
            case "unchecked":
                return queryset.filter(moderation_state=ModerationState.PENDING, checked_at__isnull=True)
            case "published":
                return queryset.filter(moderation_state=ModerationState.PUBLISHED)
            case "rejected":
                return queryset.filter(moderation_state=ModerationState.REJECTED)
        return queryset


class SyncFilter(admin.SimpleListFilter):
    """What the check of lip sync found."""

    title = "lip sync"
    parameter_name = "sync"

    def lookups(self, request: object, model_admin: object) -> list[tuple[str, str]]:  # noqa: ARG002
        return [
            ("out", "Out of sync"),
            ("in", "In sync"),
            ("unknown", "Nobody can tell"),
            ("repaired", "Repaired"),
            ("unchecked", "Not checked"),
        ]

    def queryset(self, request: object, queryset: QuerySet[Video]) -> QuerySet[Video]:  # noqa: ARG002
        of_video = SyncReport.objects.filter(video=OuterRef("pk"))
        match self.value():
            case "out":
                return queryset.filter(Exists(of_video.out_of_sync()))
            case "in":
                return queryset.filter(sync_report__verdict=SyncReport.Verdict.IN_SYNC)
            case "unknown":
                return queryset.filter(sync_report__verdict=SyncReport.Verdict.UNKNOWN)
            case "repaired":
                return queryset.filter(Exists(SyncRepair.objects.moved().filter(video=OuterRef("pk"))))
            case "unchecked":
                return queryset.filter(sync_report__isnull=True)
        return queryset


class LanguageFilter(admin.SimpleListFilter):
    """Only languages that some video is in: all fifty would bury the other filters."""

    title = "language"
    parameter_name = "language"

    def lookups(self, request: object, model_admin: object) -> list[tuple[str, str]]:  # noqa: ARG002
        used = Video.objects.order_by("language").values_list("language", flat=True).distinct()
        return [(code, LANGUAGE_NAMES.get(code, code)) for code in used]

    def queryset(self, request: object, queryset: QuerySet[Video]) -> QuerySet[Video]:  # noqa: ARG002
        return queryset.filter(language=self.value()) if self.value() else queryset


@dataclass(frozen=True)
class QueueCounts:
    """How many videos each queue holds."""

    waiting: int
    reported: int
    failed: int


def counts() -> QueueCounts:
    """Three queries."""
    videos = Video.objects.all()
    return QueueCounts(
        waiting=waiting(videos).count(), reported=reported(videos).count(), failed=failed(videos).count()
    )
