"""How good a topic classifier is on articles that it has not seen, as a whole and by topic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from apps.classification.bert import metrics
from apps.classification.bert.dataset import Article
from apps.classification.bert.metrics import Array


class EvaluationError(Exception):
    """The articles cannot measure this classifier. The message says what to do."""


@dataclass(frozen=True)
class WronglyFiled:
    """An article that the classifier would put elsewhere. `number` counts the articles of the file from 1."""

    number: int
    title: str
    topic: str
    predicted: str
    probability: float


@dataclass(frozen=True)
class TopicQuality:
    label: str
    n_articles: int
    precision: float  # 0 where nothing was filed under it
    recall: float  # 0 where there is no article of it


@dataclass(frozen=True)
class Evaluation:
    """`accuracy_interval` is of 95 %; `confusion` has a row per true topic, a column per likeliest one."""

    n_articles: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    macro_f1: float
    ece: float
    topics: tuple[TopicQuality, ...]
    confusion: list[list[int]]
    reliability: list[metrics.ReliabilityBin]
    wrong: tuple[WronglyFiled, ...]  # the surest first


def targets_of(articles: Sequence[Article], labels: Sequence[str]) -> Array:
    """The column of each article's topic, `(n_articles,)`. Raises EvaluationError for a topic without a column."""
    unknown = sorted({article.topic for article in articles} - set(labels))
    if unknown:
        raise EvaluationError(
            f"The classifier has never heard of {', '.join(unknown)}; it knows {', '.join(labels)}."
            " Remove these articles, or train a classifier on them with `manage.py train_topics`."
        )
    return np.array([labels.index(article.topic) for article in articles], dtype=np.int64)


def evaluate(articles: Sequence[Article], probabilities: Array, labels: Sequence[str]) -> Evaluation:
    """Of `probabilities` `(n_articles, n_topics)`, their columns in the order of `labels`. Raises EvaluationError."""
    targets = targets_of(articles, labels)
    predicted, surest = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = sorted(np.flatnonzero(predicted != targets), key=lambda index: -surest[index])
    return Evaluation(
        n_articles=len(articles),
        accuracy=metrics.accuracy(probabilities, targets),
        accuracy_interval=metrics.wilson_interval(int((predicted == targets).sum()), len(articles)),
        macro_f1=metrics.macro_f1(probabilities, targets),
        ece=metrics.expected_calibration_error(probabilities, targets),
        topics=tuple(_quality(label, targets == column, predicted == column) for column, label in enumerate(labels)),
        confusion=metrics.confusion_matrix(probabilities, targets),
        reliability=metrics.reliability(probabilities, targets),
        wrong=tuple(
            WronglyFiled(
                int(index) + 1,
                articles[index].title,
                articles[index].topic,
                labels[int(predicted[index])],
                round(float(surest[index]), 4),
            )
            for index in wrong
        ),
    )


def _quality(label: str, wanted: Array, found: Array) -> TopicQuality:
    right = int((wanted & found).sum())
    return TopicQuality(label, int(wanted.sum()), right / max(int(found.sum()), 1), right / max(int(wanted.sum()), 1))
