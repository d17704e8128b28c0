"""What waits for a moderator."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet

from apps.pages.administration.access import DefaultedFilter
from apps.pipeline.models import StageRun
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
