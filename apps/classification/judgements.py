"""How often moderators found the classifier right: the last word on each video against what was said of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from apps.classification.bert.metrics import wilson_interval
from apps.classification.models import TopicCorrection, TopicPrediction

Outcome = TopicPrediction.Outcome
UNKNOWN = "unknown"  # in the place of a label: none of the topics


@dataclass(frozen=True)
class Accuracy:
    """Of `n_judged` videos the classifier was right about `n_right`."""

    n_judged: int
    n_right: int

    @property
    def n_wrong(self) -> int:
        return self.n_judged - self.n_right

    @property
    def share(self) -> float | None:
        return self.n_right / self.n_judged if self.n_judged else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of 95 %, after Wilson."""
        return wilson_interval(self.n_right, self.n_judged) if self.n_judged else None


@dataclass(frozen=True)
class Judgements:
    """`confusion` has a row for what moderators chose and a column for what the classifier said, as in `labels`."""

    labels: tuple[str, ...]  # the last is UNKNOWN
    confusion: tuple[tuple[int, ...], ...]
    filed: Accuracy
    asked: Accuracy
    unknown: Accuracy
    n_recent: int  # of all, those that a moderator judged last within the period

    @property
    def overall(self) -> Accuracy:
        parts = (self.filed, self.asked, self.unknown)
        return Accuracy(sum(part.n_judged for part in parts), sum(part.n_right for part in parts))

    def of_topic(self, label: str) -> Accuracy:
        """Among the videos of which the classifier said `label`: those confirmed and, beside them, corrected."""
        column = self.labels.index(label)
        return Accuracy(sum(row[column] for row in self.confusion), self.confusion[column][column])


def judgements(topics: Sequence[str], since: datetime) -> Judgements:
    """Of videos that had been classified. `topics`: the labels that come first. One query.

    The classifier said the likeliest topic where it filed the video or asked, and "unknown" otherwise.
    """
    rows = (
        TopicCorrection.objects.last_words()
        .exclude(predicted_label="")
        .values_list("predicted_label", "chosen_label", "video__topic_prediction__outcome")
        .annotate(n=Count("pk"), n_recent=Count("pk", filter=Q(created_at__gte=since)))
    )
    judged: Counter[str] = Counter()
    right: Counter[str] = Counter()
    cells: Counter[tuple[str, str]] = Counter()
    n_all_recent = 0
    for predicted, topic, outcome, n, n_recent in rows:
        chosen, said = topic or UNKNOWN, predicted if outcome in (Outcome.FILED, Outcome.ASKED) else UNKNOWN
        judged[outcome] += n
        right[outcome] += n if said == chosen else 0
        cells[chosen, said] += n
        n_all_recent += n_recent
    deleted = {label for cell in cells for label in cell} - {*topics, UNKNOWN}
    labels = (*topics, *sorted(deleted), UNKNOWN)
    return Judgements(
        labels=labels,
        confusion=tuple(tuple(cells[chosen, said] for said in labels) for chosen in labels),
        filed=Accuracy(judged[Outcome.FILED], right[Outcome.FILED]),
        asked=Accuracy(judged[Outcome.ASKED], right[Outcome.ASKED]),
        unknown=Accuracy(judged[Outcome.UNKNOWN], right[Outcome.UNKNOWN]),
        n_recent=n_all_recent,
    )
