"""How well a score tells a topic's texts from others: `python -m benchmarks.topics [--csv docs/results/topics]`.

AUROC by 5-fold cross-validation on BBC News (VIDEOPORTAL_DATA): held-out articles, as said, against passages of read
speech, and against the articles of a topic that was left out of training. Encoding takes three minutes, once. Beside
that, how many of the passages the embedded classifier would file, by the probability that is asked for.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from apps.classification.bert.classifier import load_classifier
from apps.classification.bert.dataset import read_articles
from apps.classification.bert.encoder import FloatArray, embedded_encoder, unit_length
from apps.classification.bert.encoding import encode_articles, encode_texts
from apps.classification.bert.metrics import Array
from apps.classification.bert.trainer import EncodedArticles, TrainingOptions, fit_weights, stratified_folds
from apps.results.tables import write_rows
from benchmarks.topic_texts import OUT_OF_TOPIC_SETS, out_of_topic

REPOSITORY = Path(__file__).resolve().parent.parent
SHRINKAGE = 0.1  # towards a multiple of the identity: a covariance of 384 dimensions is else not safely inverted
PROBABILITIES = (0.5, 0.8, 0.9)
OPTIONS = TrainingOptions()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--csv", type=Path, help="folder for out_of_topic.csv and out_of_topic_filed.csv")
    parser.add_argument("--cache", type=Path, default=REPOSITORY / "var" / "experiments" / "topics" / "vectors.npz")
    asked = parser.parse_args()
    data = Path(os.environ.get("VIDEOPORTAL_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (data / "bbc_news").is_dir():
        sys.exit(f"This benchmark reads bbc_news, and {data} does not hold it. Set VIDEOPORTAL_DATA.")
    encoder = embedded_encoder()
    articles = encode_articles(read_articles(data / "bbc_news" / "articles.jsonl"), encoder, cache=asked.cache)
    others = {name: encode_texts(out_of_topic(data, name), encoder, cache=asked.cache) for name in OUT_OF_TOPIC_SETS}
    rows = list(_rows(articles, others))
    for row in rows:
        print(row)
    filed = list(_filed({name: out_of_topic(data, name) for name in OUT_OF_TOPIC_SETS}))
    for row in filed:
        print(row)
    if asked.csv:
        write_rows(asked.csv / "out_of_topic.csv", rows)
        write_rows(asked.csv / "out_of_topic_filed.csv", filed)


def _filed(texts: dict[str, list[str]]) -> Iterator[dict[str, str]]:
    """The share of each set whose likeliest topic reaches a probability; the embedded classifier has seen none."""
    classifier = load_classifier()
    for name, passages in texts.items():
        surest = classifier.classify(passages).max(axis=1)
        shares = {f"from_{share:g}": f"{np.mean(surest >= share):.4f}" for share in PROBABILITIES}
        yield {"texts_of": name, "texts": str(len(passages))} | shares


def _rows(articles: EncodedArticles, others: dict[str, FloatArray]) -> Iterator[dict[str, str]]:
    everything = np.ones(len(articles.targets), dtype=bool)
    for name, vectors in others.items():
        for view in ("spoken", "opening", "title"):
            yield {"view": view, "against": name, "texts": str(len(vectors))} | _auroc(
                articles, everything, view, vectors
            )
    for topic, label in enumerate(articles.labels):
        left_out = articles.targets == topic
        vectors = articles.views["spoken"][left_out]
        row = {"view": "spoken", "against": f"{label} left out", "texts": str(len(vectors))}
        yield row | _auroc(articles, ~left_out, "spoken", vectors)


def _auroc(articles: EncodedArticles, taught: Array, view: str, others: FloatArray) -> dict[str, str]:
    """The mean over folds, for each score, of topics' `taught` articles against `others`."""
    folds = stratified_folds(articles.targets, OPTIONS.n_folds, OPTIONS.seed)
    found: dict[str, list[float]] = {}
    for fold in range(OPTIONS.n_folds):
        chosen = taught & (folds != fold)
        vectors = np.concatenate([articles.views[name][chosen] for name in OPTIONS.training_views])
        targets = np.unique(articles.targets[chosen], return_inverse=True)[1]
        both = np.tile(targets, len(OPTIONS.training_views))
        held_out = articles.views[view][taught & (folds == fold)]
        for name, values in _scores(vectors, both, np.concatenate([held_out, others])).items():
            found.setdefault(name, []).append(_share_above(values[: len(held_out)], values[len(held_out) :]))
    return {name: f"{np.mean(values):.4f}" for name, values in found.items()}


def _scores(vectors: FloatArray, targets: Array, asked: FloatArray) -> dict[str, Array]:
    """How much each of `asked` (n, n_dimensions) seems to be of a topic, by the scores that were compared."""
    n_topics = int(targets.max()) + 1
    weights, bias = fit_weights(vectors, targets, n_topics, OPTIONS)
    means = np.stack([vectors[targets == topic].mean(axis=0) for topic in range(n_topics)])
    within, whole = _precision(vectors - means[targets]), _precision(vectors - vectors.mean(axis=0))
    distance = np.min([_distance(asked - mean, within) for mean in means], axis=0)
    logits = asked @ weights + bias
    total = np.log(np.exp(logits).sum(axis=1))
    return {
        "cosine": (asked @ unit_length(means).T).max(axis=1),
        "mahalanobis": -distance,  # Lee et al., 2018
        "relative_mahalanobis": _distance(asked - vectors.mean(axis=0), whole) - distance,  # Ren et al., 2021
        "softmax": logits.max(axis=1) - total,
        "energy": total,  # Liu et al., Energy-based Out-of-distribution Detection, 2020
    }


def _precision(around: FloatArray) -> Array:
    covariance = around.T @ around / len(around)
    size = len(covariance)
    return np.linalg.inv((1 - SHRINKAGE) * covariance + SHRINKAGE * np.trace(covariance) / size * np.eye(size))


def _distance(rest: FloatArray, precision: Array) -> Array:
    return np.asarray(((rest @ precision) * rest).sum(axis=1))


def _share_above(inside: Array, outside: Array) -> float:
    """AUROC: the share of pairs in which the one inside has the greater score."""
    return float(np.mean(np.searchsorted(np.sort(outside), inside) / len(outside)))


if __name__ == "__main__":
    main()
