"""Each topic of a set of articles taught by a few of them to a head that was trained on the others.

`python -m benchmarks.new_topics --data articles.jsonl --cache vectors.npz --output docs/results/topics/new_topics.csv`
Half of the articles train the head and give the examples, the other half is classified as written. A twin is what
nobody should teach: a topic of the same examples beside the one that they are about.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from apps.classification.bert.dataset import read_articles
from apps.classification.bert.encoder import embedded_encoder
from apps.classification.bert.encoding import encode_articles
from apps.classification.bert.head import LinearHead
from apps.classification.bert.head_evaluation import CorrectionsResult, Limits, evaluate_head
from apps.classification.bert.new_topic import NewTopicOptions, learn_topic
from apps.classification.bert.trainer import EncodedArticles, TrainingOptions, stratified_folds, train

NUMBERS_OF_EXAMPLES = (3, 5, 10, 20)
DRAWS = 5  # of examples
Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]  # (n_articles,)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--data", "--cache", "--output"):
        parser.add_argument(name, type=Path, required=True)
    options = parser.parse_args()
    articles = encode_articles(read_articles(options.data), embedded_encoder(), cache=options.cache)
    first = stratified_folds(articles.targets, 2, seed=0) == 0
    whole = _head_of(articles, first)
    rows = [row for topic in range(len(articles.labels)) for row in _rows(articles, first, topic, whole)]
    with options.output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _rows(articles: EncodedArticles, first: Mask, topic: int, whole: LinearHead) -> list[dict[str, object]]:
    """One row per number of examples: means over the draws, on the articles that are not `first`."""
    label = articles.labels[topic]
    old = _head_of(articles, first, without=topic)
    pool = articles.views["written"][first & (articles.targets == topic)]
    vectors, targets = articles.views["written"][~first], np.array(articles.labels)[articles.targets[~first]]
    known = targets != label
    right_before = np.mean(old.likeliest(vectors[known]) == targets[known])
    rows: list[dict[str, object]] = []
    for n_examples in NUMBERS_OF_EXAMPLES:
        figures = []
        for seed in range(DRAWS):
            examples = np.random.default_rng(seed).permutation(pool)[:n_examples]
            chosen = NewTopicOptions(seed=seed)
            new = learn_topic(old, label, examples, chosen)
            found = new.likeliest(vectors) == targets
            filed = new.probabilities(vectors[~known])[:, -1] >= Limits().filed_probability
            judged = evaluate_head(old, {label: examples}, CorrectionsResult(), Limits(), chosen)
            twin = evaluate_head(whole, {"twin": examples}, CorrectionsResult(), Limits(), chosen)
            figures.append(
                {
                    "recall": found[~known].mean(),
                    "filed": filed.mean(),
                    "recall_leave_one_out": judged.new[0].recall,
                    "known_accuracy_loss": right_before - found[known].mean(),
                    "known_accuracy_loss_drawn": np.mean([result.before - result.after for result in judged.known]),
                    "share_passed": judged.has_passed,
                    "twin_recall_leave_one_out": twin.new[0].recall,
                    "twin_share_passed": twin.has_passed,
                }
            )
        means = {name: round(float(np.mean([figure[name] for figure in figures])), 4) for name in figures[0]}
        rows.append({"topic": label, "n_examples": n_examples} | means)
    return rows


def _head_of(articles: EncodedArticles, first: Mask, *, without: int | None = None) -> LinearHead:
    """Trained on the `first` articles, or on those that are not about the topic `without`."""
    if without is None:
        chosen, labels, targets = first, articles.labels, articles.targets
    else:
        chosen = first & (articles.targets != without)
        labels = tuple(label for label in articles.labels if label != articles.labels[without])
        targets = articles.targets - (articles.targets > without)
    head, _ = train(
        EncodedArticles(
            labels=labels,
            targets=targets[chosen],
            views={name: vectors[chosen] for name, vectors in articles.views.items()},
            encoder=articles.encoder,
            encoder_sha256=articles.encoder_sha256,
            pooling=articles.pooling,
        ),
        TrainingOptions(),
    )
    return head


if __name__ == "__main__":
    main()
