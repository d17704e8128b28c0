"""What the classifier did, for those who watch over it: shares of topics, outcomes, corrections, and drift.

Periods are of TOPIC_DRIFT_DAYS and go by when a video was uploaded: a rerun gives a prediction another date, and would
carry old videos into the newest period.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.db.models import Avg, Count, Q

from apps.classification import drift_words
from apps.classification.drift import Comparison, Limits, compare
from apps.classification.drift_words import Category
from apps.classification.judgements import UNKNOWN, Judgements, judgements
from apps.classification.models import Topic, TopicPrediction

Outcome = TopicPrediction.Outcome
PERIODS = 12
PROBABILITY_BINS = 10


@dataclass(frozen=True)
class Standing:
    """How many videos stand under a topic now, whoever put them there, of all and of the last two periods."""

    label: str  # UNKNOWN: under none
    name: str
    n_videos: int
    n_recent: int
    n_before: int


@dataclass(frozen=True)
class PeriodOutcomes:
    """What the classifier by itself did with the videos that were uploaded from `start_at` until `end_at`."""

    start_at: datetime
    end_at: datetime
    filed: int
    asked: int
    unknown: int

    @property
    def total(self) -> int:
        return self.filed + self.asked + self.unknown


@dataclass(frozen=True)
class ProbabilityBin:
    """Videos whose likeliest topic has a probability from `start` until below `end`; the last bin has 1, too."""

    start: float
    end: float
    n_recent: int
    n_before: int


@dataclass(frozen=True)
class ClassifierUse:
    """A changed classifier explains much that looks like drift."""

    name: str
    n_recent: int
    n_before: int


@dataclass(frozen=True)
class Drift:
    """The newest period against the one before, and what that means in a sentence."""

    comparison: Comparison
    sentence: str


@dataclass(frozen=True)
class TopicSummary:
    days: int
    names: dict[str, str]  # label -> what the topic is called now
    standings: tuple[Standing, ...]  # UNKNOWN last
    periods: tuple[PeriodOutcomes, ...]  # the newest first
    topic_drift: Drift
    bins: tuple[ProbabilityBin, ...]
    mean_recent: float | None  # probability of the likeliest topic; None: no video
    mean_before: float | None
    probability_drift: Drift
    classifiers: tuple[ClassifierUse, ...]
    judgements: Judgements


def limits_of_drift() -> Limits:
    """By the settings."""
    return Limits(settings.TOPIC_DRIFT_MIN_VIDEOS, settings.TOPIC_DRIFT_P_VALUE, settings.TOPIC_DRIFT_PSI)


def summary_of(now: datetime) -> TopicSummary:
    """Six queries, each an aggregate in the database."""
    days = settings.TOPIC_DRIFT_DAYS
    limits = limits_of_drift()
    starts = [now - timedelta(days=days) * number for number in range(PERIODS + 1)]  # of periods, the first is now
    topics = list(Topic.objects.all())
    by_period = _said_by_period(topics, starts)
    bins, mean_recent, mean_before = _probabilities(starts)
    probabilities = compare([each.n_recent for each in bins], [each.n_before for each in bins], limits)
    sentence = drift_words.on_probabilities(probabilities, mean_recent, mean_before, days)
    return TopicSummary(
        days=days,
        names={topic.label: topic.name for topic in topics},
        standings=_standings(topics, starts),
        periods=_outcomes(by_period, starts),
        topic_drift=_topic_drift(by_period, topics, limits, days),
        bins=bins,
        mean_recent=mean_recent,
        mean_before=mean_before,
        probability_drift=Drift(probabilities, sentence),
        classifiers=_classifiers(starts),
        judgements=judgements([topic.label for topic in topics], starts[1]),
    )


def _within(start_at: datetime, end_at: datetime) -> Q:
    return Q(video__created_at__gte=start_at, video__created_at__lt=end_at)


def _last_two(starts: Sequence[datetime]) -> dict[str, Count]:
    return {
        "n_recent": Count("pk", filter=_within(starts[1], starts[0])),
        "n_before": Count("pk", filter=_within(starts[2], starts[1])),
    }


def _standings(topics: Sequence[Topic], starts: Sequence[datetime]) -> tuple[Standing, ...]:
    rows = TopicPrediction.objects.values_list("topic").annotate(n=Count("pk"), **_last_two(starts))
    counts = {topic: tuple(numbers) for topic, *numbers in rows}
    named: list[tuple[Any, str, str]] = [(topic.pk, topic.label, topic.name) for topic in topics]
    return tuple(
        Standing(label, name, *counts.get(key, (0, 0, 0))) for key, label, name in [*named, (None, UNKNOWN, "Unknown")]
    )


def _said_by_period(topics: Sequence[Topic], starts: Sequence[datetime]) -> list[Counter[tuple[str, str]]]:
    """(outcome, label of a filed video) -> number of videos, for each period, the newest first.

    A filed video that a moderator corrected counts as what they chose: what it was filed under is kept in JSON alone.
    """
    labels = {topic.pk: topic.label for topic in topics}
    periods = enumerate(pairwise(starts))
    columns = {f"n_{number}": Count("pk", filter=_within(start, end)) for number, (end, start) in periods}
    answered = TopicPrediction.objects.by_classifier().filter(_within(starts[-1], starts[0]))
    by_period: list[Counter[tuple[str, str]]] = [Counter() for _ in range(PERIODS)]
    for outcome, topic, *numbers in answered.values_list("outcome", "topic").annotate(**columns):
        label = labels.get(topic, UNKNOWN) if outcome == Outcome.FILED else ""
        for period, number in zip(by_period, numbers, strict=True):
            period[outcome, label] += number
    return by_period


def _outcomes(by_period: Sequence[Counter[tuple[str, str]]], starts: Sequence[datetime]) -> tuple[PeriodOutcomes, ...]:
    periods = []
    for number, counts in enumerate(by_period):
        totals: Counter[str] = Counter()
        for (outcome, _), n in counts.items():
            totals[outcome] += n
        numbers = (totals[outcome] for outcome in (Outcome.FILED, Outcome.ASKED, Outcome.UNKNOWN))
        periods.append(PeriodOutcomes(starts[number + 1], starts[number], *numbers))
    return tuple(periods)


def _topic_drift(
    by_period: Sequence[Counter[tuple[str, str]]], topics: Sequence[Topic], limits: Limits, days: int
) -> Drift:
    recent, before, *_ = by_period
    predicates = {(Outcome.FILED, topic.label): f"are filed under {topic.name}" for topic in topics}
    predicates[Outcome.FILED, UNKNOWN] = "were taken from their topic by a moderator"
    predicates[Outcome.ASKED, ""] = "need a moderator's word"
    predicates[Outcome.UNKNOWN, ""] = "are unknown"
    categories = [Category(words, recent[key], before[key]) for key, words in predicates.items()]
    comparison = compare([each.n_recent for each in categories], [each.n_before for each in categories], limits)
    return Drift(comparison, drift_words.on_topics(comparison, categories, days))


def _probabilities(starts: Sequence[datetime]) -> tuple[tuple[ProbabilityBin, ...], float | None, float | None]:
    """The bins, and the means of the two periods."""
    edges = [number / PROBABILITY_BINS for number in range(PROBABILITY_BINS + 1)]
    periods = {"recent": _within(starts[1], starts[0]), "before": _within(starts[2], starts[1])}
    columns: dict[str, Any] = {}
    for name, period in periods.items():
        columns[f"mean_{name}"] = Avg("probability", filter=period)
        for number, (start, end) in enumerate(pairwise(edges)):
            is_last = number == PROBABILITY_BINS - 1
            inside = Q(probability__gte=start) if is_last else Q(probability__gte=start, probability__lt=end)
            columns[f"{name}_{number}"] = Count("pk", filter=period & inside)
    answered = TopicPrediction.objects.by_classifier().filter(_within(starts[2], starts[0]))
    found = answered.aggregate(**columns)
    bins = tuple(
        ProbabilityBin(edges[number], edges[number + 1], found[f"recent_{number}"], found[f"before_{number}"])
        for number in range(PROBABILITY_BINS)
    )
    return bins, found["mean_recent"], found["mean_before"]


def _classifiers(starts: Sequence[datetime]) -> tuple[ClassifierUse, ...]:
    answered = TopicPrediction.objects.by_classifier().filter(_within(starts[2], starts[0]))
    rows = answered.values_list("classifier").annotate(**_last_two(starts)).order_by("classifier")
    return tuple(ClassifierUse(*row) for row in rows)
