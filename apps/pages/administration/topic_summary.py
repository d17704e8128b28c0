"""What the classifier did: shares of topics, outcomes over time, drift, and what moderators made of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils import timezone

from apps.classification.judgements import UNKNOWN, Accuracy
from apps.classification.summary import PeriodOutcomes, TopicSummary, limits_of_drift, summary_of
from apps.pages.administration.access import ModeratedAdmin, is_moderator
from apps.videos.models import Video


@dataclass(frozen=True)
class Part:
    """A number of videos among `total`. `start`: where its bar begins behind those before it, in [0, 1]."""

    n_videos: int
    total: int
    start: float = 0.0

    @property
    def share(self) -> float:
        return self.n_videos / self.total if self.total else 0.0


@dataclass(frozen=True)
class ShareRow:
    """A line of a table whose columns each add up to 100 %."""

    name: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class PeriodRow:
    """A period, and its bar of three parts one behind another: filed, asked, unknown."""

    start_at: datetime
    end_at: datetime
    total: int
    parts: Sequence[Part]


@dataclass(frozen=True)
class AccuracyRow:
    name: str
    accuracy: Accuracy


@dataclass(frozen=True)
class ConfusionRow:
    """Videos for which moderators chose the topic `name`. `right`: the column in which the classifier said so, too."""

    name: str
    right: int
    counts: Sequence[int]


class TopicSummaryPage(ModeratedAdmin[Video]):
    """The page "Topics in figures"."""

    def get_urls(self) -> list[URLPattern | URLResolver]:  # type: ignore[override]
        view = self.admin_site.admin_view(self.topic_summary_view)
        return [path("topics/summary/", view, name="videos_video_topic_summary"), *super().get_urls()]

    def topic_summary_view(self, request: HttpRequest) -> HttpResponse:
        """Six queries, whatever the number of videos."""
        if not is_moderator(request):
            raise PermissionDenied
        summary = summary_of(timezone.now())
        judged = summary.judgements
        context = {
            **self.admin_site.each_context(request),
            "title": "Topics in figures",
            "opts": self.opts,
            "summary": summary,
            "limits": limits_of_drift(),
            "standings": share_rows(
                (row.name, (row.n_videos, row.n_recent, row.n_before)) for row in summary.standings
            ),
            "bins": share_rows(
                (f"{row.start:.0%} to {row.end:.0%}".replace("%", " %"), (row.n_recent, row.n_before))
                for row in reversed(summary.bins)
            ),
            "classifiers": share_rows((row.name, (row.n_recent, row.n_before)) for row in summary.classifiers),
            "periods": period_rows(summary.periods),
            "accuracies": [
                AccuracyRow("Filed by itself", judged.filed),
                AccuracyRow("Asked a moderator", judged.asked),
                AccuracyRow("Unknown", judged.unknown),
                AccuracyRow("All of them", judged.overall),
            ],
            "by_topic": [AccuracyRow(said_name(summary, label), judged.of_topic(label)) for label in judged.labels],
            "said": [said_name(summary, label) for label in judged.labels],
            "confusion": [
                ConfusionRow(chosen_name(summary, label), number, counts)
                for number, (label, counts) in enumerate(zip(judged.labels, judged.confusion, strict=True))
            ],
        }
        return TemplateResponse(request, "admin/videos/video/topic_summary.html", context)


def said_name(summary: TopicSummary, label: str) -> str:
    """Of a topic that was deleted, its label."""
    return "Unknown" if label == UNKNOWN else summary.names.get(label, label)


def chosen_name(summary: TopicSummary, label: str) -> str:
    """As the button of the moderator who chose it says."""
    return "None of them" if label == UNKNOWN else said_name(summary, label)


def share_rows(rows: Iterable[tuple[str, Sequence[int]]]) -> list[ShareRow]:
    """Of rows of counts, in columns of which each is a whole."""
    given = list(rows)
    totals = [sum(column) for column in zip(*(counts for _, counts in given), strict=True)]
    return [
        ShareRow(name, [Part(count, total) for count, total in zip(counts, totals, strict=True)])
        for name, counts in given
    ]


def period_rows(periods: Iterable[PeriodOutcomes]) -> list[PeriodRow]:
    """Without the oldest periods in which nothing was uploaded."""
    rows: list[PeriodRow] = []
    for period in periods:
        parts: list[Part] = []
        start = 0.0
        for count in (period.filed, period.asked, period.unknown):
            parts.append(Part(count, period.total, start))
            start += parts[-1].share
        rows.append(PeriodRow(period.start_at, period.end_at, period.total, parts))
    while rows and not rows[-1].total:
        rows.pop()
    return rows
