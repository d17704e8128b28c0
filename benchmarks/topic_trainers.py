"""Topic classifiers asked about articles that they have not learned from, in whatever form the articles come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from apps.classification.bert.classifier import EmbeddedTopicClassifier, TopicClassifier
from apps.classification.bert.dataset import VIEWS, Article, topics_of
from apps.classification.bert.encoder import FloatArray, Progress, TextEncoder
from apps.classification.bert.metrics import wilson_interval
from apps.classification.bert.pair_training import fit_pair, material_of
from apps.classification.bert.trainer import EncodedArticles, TrainingOptions, stratified_folds, train
from apps.classification.bert.weights import EMBEDDED_PACKAGE, checked_embedded_folder
from benchmarks.vector_cache import VectorCache

OPTIONS = TrainingOptions()
N_RESAMPLES, SEED = 10_000, 5  # of the bootstrap
PAIR, VECTORS = "words and vectors", "vectors alone"
Trainer = Callable[[Sequence[Article]], TopicClassifier]


class RememberingEncoder(TextEncoder):
    """The embedded encoder, which reads no text twice: folds share most of their articles."""

    def __init__(self, folder: Path) -> None:
        """What was read before is kept in `folder`."""
        super().__init__(checked_embedded_folder(), name=EMBEDDED_PACKAGE)
        self._cache = VectorCache(folder, super().encode)

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> FloatArray:
        """As `TextEncoder.encode`, rounded to float16; `progress` is told of the end alone."""
        vectors = self._cache.of(texts).astype(np.float32)
        if progress is not None:
            progress(1.0)
        return vectors


def trainers(encoder: TextEncoder) -> dict[str, Trainer]:
    """By name: what the portal ships, as `manage.py train_topics` trains it, and the head that it has beside words."""

    def pair(articles: Sequence[Article]) -> TopicClassifier:
        texts = {name: [view(each) for each in articles] for name, view in VIEWS.items()}
        head, words = fit_pair(material_of(_encoded(articles, encoder, VIEWS), texts), OPTIONS)
        return EmbeddedTopicClassifier(encoder, head, words, name=PAIR)

    def vectors(articles: Sequence[Article]) -> TopicClassifier:
        head, _ = train(_encoded(articles, encoder, OPTIONS.training_views), OPTIONS)
        return EmbeddedTopicClassifier(encoder, head, name=VECTORS)

    return {PAIR: pair, VECTORS: vectors}


def _encoded(articles: Sequence[Article], encoder: TextEncoder, names: Iterable[str]) -> EncodedArticles:
    labels, targets = topics_of(articles)
    views = {name: encoder.encode([VIEWS[name](each) for each in articles]) for name in names}
    return EncodedArticles(labels, targets, views, encoder.name, encoder.weights_sha256, encoder.options.pooling)


def found_right(
    articles: Sequence[Article], forms: Mapping[str, Mapping[int, str]], trainer: Trainer
) -> dict[str, dict[int, bool]]:
    """By form and number of the article: whether its text in that form is filed under the article's topic.

    Five folds; an article is classified by what learned from the four in which it is not.
    """
    folds = stratified_folds(topics_of(articles)[1], OPTIONS.n_folds, OPTIONS.seed)
    right: dict[str, dict[int, bool]] = {name: {} for name in forms}
    for fold in range(OPTIONS.n_folds):
        classifier = trainer([article for article, its in zip(articles, folds, strict=True) if its != fold])
        for name, texts in forms.items():
            asked = [number for number in texts if folds[number] == fold]
            if not asked:
                continue
            found = classifier.classify([texts[number] for number in asked]).argmax(axis=1)
            for number, column in zip(asked, found, strict=True):
                right[name][number] = classifier.labels[column] == articles[number].topic
    return right


def figures(before: Mapping[int, bool], after: Mapping[int, bool]) -> dict[str, str]:
    """Accuracy of `after` with its interval, and what it lost against `before` with that: by a paired bootstrap.

    Both intervals are of 95 %. All are shares in [0, 1].
    """
    low, high = wilson_interval(sum(after.values()), len(after))
    losses = np.array([float(before[number]) - float(after[number]) for number in after])
    drawn = np.random.default_rng(SEED).integers(0, len(losses), size=(N_RESAMPLES, len(losses)))
    lost_low, lost_high = np.percentile(losses[drawn].mean(axis=1), [2.5, 97.5])
    values = {
        "accuracy": sum(after.values()) / len(after), "low": low, "high": high,
        "lost": losses.mean(), "lost_low": lost_low, "lost_high": lost_high,
    }  # fmt: skip
    return {name: f"{value:.4f}" for name, value in values.items()}
