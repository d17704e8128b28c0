"""Several fine-tunings in one folder: learning rates and seeds, or the folds of a cross-validation. Each is resumable.

```
articles.csv, articles.png       articles and mean length of each topic (the thesis's figure 2.8)
lr-1e-05-seed-0/                 a training: its state, its best checkpoint
curves.csv, losses.png, accuracy.png   all of them (figures 2.9 and 2.10)
config.json, model.safetensors, …      the best on validation: the folder itself is what TOPIC_MODEL takes
fold-0/logits.csv, folds.csv     with `cross_validate`
```
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from apps.classification.bert import metrics
from apps.classification.bert.dataset import Article, topics_of, written_view
from apps.classification.bert.finetuning import (
    STATE_NAME,
    Epoch,
    FineTuner,
    FineTuningOptions,
    Indices,
    best_of,
    split_for_validation,
)
from apps.classification.bert.head import softmax
from apps.classification.bert.trainer import stratified_folds
from apps.results.charts import Chart, Line
from apps.results.tables import write_rows

VALIDATION_SHARE = 0.1  # of the articles that are not held out
FOLD_VIEWS = ("written", "spoken", "opening", "title")
Report = Callable[[str, Epoch], None]  # told the name of the training


@dataclass(frozen=True)
class Run:
    """A training that is done."""

    name: str
    learning_rate: float
    seed: int
    epochs: list[Epoch]

    @property
    def best(self) -> Epoch:
        return best_of(self.epochs)


def fine_tune(
    articles: Sequence[Article],
    folder: Path,
    options: FineTuningOptions,
    *,
    learning_rates: Sequence[float],
    seeds: Sequence[int],
    report: Report | None = None,
) -> Run:
    """One training for each learning rate and seed, all on the same articles; the best becomes the folder's.

    A tenth of each topic's articles is kept for validation. Raises FineTuningError and CheckpointError.
    """
    labels, targets = topics_of(articles)
    describe_articles(articles, folder)
    split = split_for_validation(np.arange(len(articles)), targets, labels, VALIDATION_SHARE, options.seed)
    runs = []
    for rate in learning_rates:
        for seed in seeds:
            name = f"lr-{rate:g}-seed-{seed}"
            asked = replace(options, learning_rate=rate, seed=seed)
            epochs = FineTuner(articles, labels, split, folder / name, asked).run(_named(report, name))
            runs.append(Run(name, rate, seed, epochs))
    _write_curves(runs, folder)
    best_epoch = best_of([run.best for run in runs])
    best = next(run for run in runs if run.best is best_epoch)
    for file in (folder / best.name).iterdir():
        if file.name != STATE_NAME:
            shutil.copyfile(file, folder / file.name)
    return best


def cross_validate(
    articles: Sequence[Article],
    folder: Path,
    options: FineTuningOptions,
    *,
    n_folds: int,
    folds: Iterable[int] | None = None,
    report: Report | None = None,
) -> list[dict[str, Any]]:
    """Accuracy on each view of each fold that was held out; the rows of `folds.csv`, in which earlier folds stay.

    The folds are those of the linear head (`trainer.stratified_folds` with the same seed). `folds` names those to do.
    Raises TrainingError, FineTuningError and CheckpointError.
    """
    labels, targets = topics_of(articles)
    fold_of = stratified_folds(targets, n_folds, options.seed)
    for fold in range(n_folds) if folds is None else folds:
        place = folder / f"fold-{fold}"
        if (place / "logits.csv").is_file():
            continue
        split = split_for_validation(np.flatnonzero(fold_of != fold), targets, labels, VALIDATION_SHARE, options.seed)
        tuner = FineTuner(articles, labels, split, place, options)
        tuner.run(_named(report, place.name))
        held_out = np.flatnonzero(fold_of == fold)
        _write_logits(place / "logits.csv", tuner, held_out, targets, labels)
    rows = [_fold_row(folder, fold) for fold in range(n_folds) if (folder / f"fold-{fold}" / "logits.csv").is_file()]
    write_rows(folder / "folds.csv", rows)
    return rows


def describe_articles(articles: Sequence[Article], folder: Path) -> None:
    """Writes `articles.csv` and `articles.png`: how many articles each topic has, and their mean length in words."""
    labels, targets = topics_of(articles)
    n_words = np.array([len(written_view(article).split()) for article in articles])
    rows, lines = [], []
    for number, label in enumerate(labels):
        n_articles = int((targets == number).sum())
        mean_words = round(float(n_words[targets == number].mean()), 1)
        rows.append({"topic": label, "articles": n_articles, "mean_words": mean_words})
        place = float(number + 1)
        name = f"{label}: {n_articles} articles, {mean_words:g} words on average"
        lines.append(Line(name, [place, place], [0.0, float(n_articles)]))
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder / "articles.csv", rows)
    chart = Chart("articles of each topic", "topic", lines)
    chart.lines(lines)
    chart.save(folder / "articles.png")


def _named(report: Report | None, name: str) -> Callable[[Epoch], None] | None:
    return None if report is None else lambda epoch: report(name, epoch)


def _write_curves(runs: Sequence[Run], folder: Path) -> None:
    write_rows(
        folder / "curves.csv",
        [
            {"learning_rate": run.learning_rate, "seed": run.seed, **_rounded(asdict(epoch))}
            for run in runs
            for epoch in run.epochs
        ],
    )
    losses, accuracies = [], []
    for run in runs:
        numbers = [float(row.epoch) for row in run.epochs]
        losses.append(Line(f"{run.name}: training", numbers, [row.training_loss for row in run.epochs]))
        losses.append(Line(f"{run.name}: validation", numbers, [row.validation_loss for row in run.epochs]))
        accuracies.append(Line(run.name, numbers, [100 * row.validation_accuracy for row in run.epochs]))
    for title, name, lines in (
        ("cross-entropy", "losses.png", losses),
        ("accuracy on validation, %", "accuracy.png", accuracies),
    ):
        chart = Chart(title, "epoch", lines)
        chart.lines(lines)
        chart.save(folder / name)


def _write_logits(path: Path, tuner: FineTuner, held_out: Indices, targets: Indices, labels: Sequence[str]) -> None:
    """A row for each article and view: its number, its topic's number, the logits."""
    rows = []
    for view in FOLD_VIEWS:
        for article, logits in zip(held_out, tuner.logits(held_out, view), strict=True):
            scores = {label: round(float(value), 5) for label, value in zip(labels, logits, strict=True)}
            rows.append({"view": view, "article": int(article), "target": int(targets[article]), **scores})
    write_rows(path, rows)


def _fold_row(folder: Path, fold: int) -> dict[str, Any]:
    with (folder / f"fold-{fold}" / "logits.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    labels = list(rows[0])[3:]
    found: dict[str, Any] = {"fold": fold, "n_held_out": sum(row["view"] == FOLD_VIEWS[0] for row in rows)}
    for view in FOLD_VIEWS:
        chosen = [row for row in rows if row["view"] == view]
        logits = np.array([[float(row[label]) for label in labels] for row in chosen])
        wanted = np.array([int(row["target"]) for row in chosen])
        found[view] = round(metrics.accuracy(softmax(logits), wanted), 4)
    return found


def _rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: round(value, 5) if isinstance(value, float) else value for name, value in row.items()}
