"""What each way to tell topics is worth, on the same five folds of BBC News: `python -m benchmarks.topic_baselines`.

TF-IDF with a linear support vector machine, the frozen encoder with a linear head, the pair of both that the portal
embeds, and the embedded encoder fine-tuned as a whole, as far as `manage.py train_topics --fine-tune embedded
--cross-validate` left its folds in --fine-tuned. Whatever is chosen or calibrated is so within the training articles of
a fold; a fine-tuned network answers with its softmax. With --csv: baselines.csv, and calibration.csv, which compares
ways to calibrate the pair (`benchmarks.topic_calibration`).
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from apps.classification.bert.dataset import VIEWS, read_articles
from apps.classification.bert.encoder import embedded_encoder
from apps.classification.bert.encoding import encode_articles
from apps.classification.bert.familiarity import drawn, ramp
from apps.classification.bert.head import softmax
from apps.classification.bert.metrics import (
    Array,
    accuracy,
    expected_calibration_error,
    log_loss,
    macro_f1,
    wilson_interval,
)
from apps.classification.bert.pair_training import (
    COSTS,
    Answers,
    Material,
    answers_within,
    empty_answers,
    learn_and_ask,
    material_of,
)
from apps.classification.bert.trainer import TrainingOptions, fit_familiarity, stratified_folds
from apps.classification.bert.words_training import Mask
from apps.results.tables import write_rows
from benchmarks.topic_calibration import METHODS, Held, by_weights_and_length

REPOSITORY = Path(__file__).resolve().parent.parent
OPTIONS = TrainingOptions()
FILED_FROM = 0.8  # TOPIC_THRESHOLD's default
WORDS, VECTORS = slice(0, 1), slice(1, 2)
SYSTEMS = {"TF-IDF + linear SVM": WORDS, "frozen encoder + linear head": VECTORS, "pair": slice(0, 2)}
SHIPPED = "pair, unfamiliar texts drawn to equal probabilities"


@dataclass(frozen=True)
class Fold:
    """The articles `inside` asked of trainings on others of them, those `asked` of a training on all inside."""

    inside: Mask
    asked: Mask
    within: dict[float, Answers]
    outside: dict[float, Answers]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--csv", type=Path, help="folder for baselines.csv and calibration.csv")
    parser.add_argument("--cache", type=Path, default=REPOSITORY / "var" / "experiments" / "topics" / "vectors.npz")
    parser.add_argument("--fine-tuned", type=Path, help="the --output of a fine-tuning with --cross-validate")
    options = parser.parse_args()
    data = Path(os.environ.get("VIDEOPORTAL_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (data / "bbc_news").is_dir():
        sys.exit(f"This benchmark reads bbc_news, and {data} does not hold it. Set VIDEOPORTAL_DATA.")
    articles = read_articles(data / "bbc_news" / "articles.jsonl")
    encoded = encode_articles(articles, embedded_encoder(), cache=options.cache)
    texts = {name: [view(article) for article in articles] for name, view in VIEWS.items()}
    material = material_of(encoded, texts)
    folds = list(_folds(material))
    baselines = [*_systems(material, folds), *(_fine_tuned(options.fine_tuned) if options.fine_tuned else ())]
    tables = {"baselines": baselines, "calibration": list(_calibrations(material, folds))}
    for name, rows in tables.items():
        for row in rows:
            print(row)
        if options.csv:
            write_rows(options.csv / f"{name}.csv", rows)


def _folds(material: Material) -> Iterator[Fold]:
    fold_of = stratified_folds(material.articles.targets, OPTIONS.n_folds, OPTIONS.seed)
    for fold in range(OPTIONS.n_folds):
        inside, asked = fold_of != fold, fold_of == fold
        outside = {c: empty_answers(material) for c in COSTS}
        learn_and_ask(material, inside, asked, outside, OPTIONS)
        yield Fold(inside, asked, answers_within(material, inside, COSTS, OPTIONS), outside)
        print(f"Fold {fold + 1} of {OPTIONS.n_folds} is trained.", flush=True)


def _systems(material: Material, folds: Sequence[Fold]) -> Iterator[dict[str, str]]:
    for name, parts in SYSTEMS.items():
        probabilities = _empty(material)
        familiarities = {view: np.zeros(len(material.articles.targets)) for view in material.views}
        for fold in folds:
            c = _best_cost(material, fold, parts)
            answer = by_weights_and_length(
                _all_views(material, fold.within[c], fold.inside, parts), material.targets(fold.inside)
            )
            learned = fold.within[c].resemblance
            familiar = fit_familiarity([learned[view][fold.inside] for view in OPTIONS.training_views])
            for view in material.views:
                outside = fold.outside[c]
                probabilities[view][fold.asked] = answer(_one_view(material, outside, view, fold.asked, parts))
                familiarities[view][fold.asked] = ramp(outside.resemblance[view][fold.asked], *familiar)
        yield from _rows("system", name, material.articles.targets, probabilities)
    shipped = {view: drawn(rows, familiarities[view]) for view, rows in probabilities.items()}
    yield from _rows("system", SHIPPED, material.articles.targets, shipped)


def _calibrations(material: Material, folds: Sequence[Fold]) -> Iterator[dict[str, str]]:
    both = SYSTEMS["pair"]
    for name, method in METHODS.items():
        probabilities = _empty(material)
        for fold in folds:
            c = _best_cost(material, fold, both)
            answer = method(_all_views(material, fold.within[c], fold.inside, both), material.targets(fold.inside))
            for view in material.views:
                held = _one_view(material, fold.outside[c], view, fold.asked, both)
                probabilities[view][fold.asked] = answer(held)
        yield from _rows("calibration", name, material.articles.targets, probabilities)


def _best_cost(material: Material, fold: Fold, parts: slice) -> float:
    targets = material.targets(fold.inside)

    def loss(c: float) -> float:
        held = _all_views(material, fold.within[c], fold.inside, parts)
        return log_loss(by_weights_and_length(held, targets)(held), targets)

    return min(COSTS, key=loss)


def _all_views(material: Material, answers: Answers, chosen: Mask, parts: slice) -> Held:
    return Held(answers.parts(chosen)[parts], material.lengths(chosen))


def _one_view(material: Material, answers: Answers, view: str, chosen: Mask, parts: slice) -> Held:
    both = [answers.words[view][chosen], answers.vectors[view][chosen]]
    return Held(both[parts], material.n_words[view][chosen])


def _fine_tuned(folder: Path) -> Iterator[dict[str, str]]:
    """Of the folds that are there, as `fine_tuning_runs.cross_validate` wrote them."""
    rows = []
    for path in sorted(folder.glob("fold-*/logits.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows += list(csv.DictReader(file))
    if not rows:
        sys.exit(f"{folder} holds no fold-*/logits.csv: run manage.py train_topics --fine-tune … --cross-validate.")
    labels = list(rows[0])[3:]
    for view in VIEWS:
        chosen = [row for row in rows if row["view"] == view]
        logits = np.array([[float(row[label]) for label in labels] for row in chosen])
        targets = np.array([int(row["target"]) for row in chosen])
        yield from _rows("system", "embedded encoder, fine-tuned as a whole", targets, {view: softmax(logits)})


def _empty(material: Material) -> dict[str, Array]:
    size = (len(material.articles.targets), len(material.articles.labels))
    return {view: np.zeros(size) for view in material.views}


def _rows(column: str, name: str, targets: Array, probabilities: dict[str, Array]) -> Iterator[dict[str, str]]:
    for view, rows in probabilities.items():
        right, filed = rows.argmax(axis=1) == targets, rows.max(axis=1) >= FILED_FROM
        low, high = wilson_interval(int(right.sum()), len(targets))
        yield {
            column: name,
            "view": view,
            "articles": str(len(targets)),
            "accuracy": f"{accuracy(rows, targets):.4f}",
            "low": f"{low:.4f}",
            "high": f"{high:.4f}",
            "macro_f1": f"{macro_f1(rows, targets):.4f}",
            "ece": f"{expected_calibration_error(rows, targets):.4f}",
            "log_loss": f"{log_loss(rows, targets):.4f}",
            "filed": f"{filed.mean():.4f}",
            "filed_right": f"{right[filed].mean():.4f}",
        }


if __name__ == "__main__":
    main()
