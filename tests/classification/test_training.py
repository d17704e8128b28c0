"""Folds, regression, calibration, metrics, and the command `train_topics`."""

import csv
import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from apps.classification.bert import metrics
from apps.classification.bert.classifier import load_classifier
from apps.classification.bert.dataset import Article, DatasetError, opening_view, read_articles, spoken_view
from apps.classification.bert.encoder import unit_length
from apps.classification.bert.head import softmax
from apps.classification.bert.trainer import (
    EncodedArticles,
    TrainingError,
    TrainingOptions,
    fit_temperature,
    fit_weights,
    stratified_folds,
    train,
)


def test_it_spreads_every_topic_over_the_folds() -> None:
    targets = np.repeat([0, 1, 2], [23, 10, 31])
    folds = stratified_folds(targets, 5, seed=1)
    for topic, count in enumerate((23, 10, 31)):
        sizes = np.bincount(folds[targets == topic], minlength=5)
        assert sizes.sum() == count
        assert sizes.max() - sizes.min() <= 1
    assert (folds == stratified_folds(targets, 5, seed=1)).all()
    assert (folds != stratified_folds(targets, 5, seed=2)).any()


def test_it_refuses_more_folds_than_articles_of_a_topic() -> None:
    with pytest.raises(TrainingError, match="the rarest has 3"):
        stratified_folds(np.repeat([0, 1], [3, 9]), 5, seed=0)


def test_it_finds_the_minimum_of_the_loss() -> None:
    random = np.random.default_rng(0)
    inputs = random.normal(size=(60, 4)).astype(np.float32)
    targets = random.integers(0, 3, size=60)
    options = TrainingOptions(l2=0.01)
    weights, bias = fit_weights(inputs, targets, 3, options)
    # At the minimum the gradient, written out, is zero.
    rest = softmax(inputs @ weights + bias) - np.eye(3)[targets]
    np.testing.assert_allclose(inputs.T @ rest / 60 + 2 * 0.01 * weights, 0, atol=1e-4)
    np.testing.assert_allclose(rest.mean(axis=0), 0, atol=1e-4)


def test_it_recovers_the_temperature_that_made_the_labels() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(scale=4.0, size=(20_000, 3))
    probabilities = softmax(logits / 2.5)
    targets = (probabilities.cumsum(axis=1) < random.random((20_000, 1))).sum(axis=1)
    assert fit_temperature(logits, targets) == pytest.approx(2.5, rel=0.05)


def test_metrics_of_a_case_counted_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
    targets = np.array([0, 1, 1, 1])
    assert metrics.accuracy(probabilities, targets) == 0.5
    assert metrics.confusion_matrix(probabilities, targets) == [[1, 0], [2, 1]]
    assert metrics.macro_f1(probabilities, targets) == pytest.approx((2 * 1 / 4 + 2 * 1 / 4) / 2)
    gaps = (1 - 0.9) + 0.8 + (1 - 0.7) + 0.6
    assert metrics.expected_calibration_error(probabilities, targets) == pytest.approx(gaps / 4)
    assert metrics.share_known(probabilities, 0.7) == 0.75


def test_it_measures_on_articles_that_it_did_not_learn_from() -> None:
    """Labels without any pattern: learned by heart they would score 100 %, held out they score as a coin does."""
    random = np.random.default_rng(0)
    vectors = unit_length(random.normal(size=(200, 64)))
    articles = EncodedArticles(("a", "b"), random.integers(0, 2, size=200), {"written": vectors}, "none", "0", "mean")
    _, validation = train(articles, TrainingOptions(training_views=("written",)))
    assert 0.35 < validation.views["written"].accuracy < 0.65
    assert sum(fold.n_held_out for fold in validation.folds) == 200


def test_spoken_views_have_neither_case_nor_punctuation() -> None:
    article = Article("tech", "A Title", "It's 76% FASTER, Mr. O’Neil said.\n" + "more " * 100)
    assert spoken_view(article).startswith("it's 76 faster mr o’neil said more")
    assert len(opening_view(article).split()) == 60


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2 is not JSON"),
        ("[1]", "line 2 is not an object"),
        ('{"topic": "a", "title": "b"}', "line 2 lacks"),
        ('{"topic": "", "title": "b", "body": "c"}', "line 2 lacks"),
    ],
)
def test_it_names_the_line_that_is_wrong(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "articles.jsonl"
    path.write_text('{"topic": "a", "title": "b", "body": "c"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=message):
        read_articles(path)


def test_it_refuses_one_topic_and_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "articles.jsonl"
    path.write_text('{"topic": "a", "title": "b", "body": "c"}\n', encoding="utf-8")
    with pytest.raises(DatasetError, match="fewer than two topics"):
        read_articles(path)
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("train_topics", data=tmp_path / "none.jsonl", output=tmp_path)


def test_the_command_trains_a_classifier_that_loads(data_dir: Path, tmp_path: Path) -> None:
    chosen: dict[str, list[str]] = {}
    for line in (data_dir / "bbc_news" / "articles.jsonl").read_text(encoding="utf-8").splitlines():
        chosen.setdefault(json.loads(line)["topic"], []).append(line)
    slice_path = tmp_path / "slice.jsonl"
    slice_path.write_text("\n".join(line for lines in chosen.values() for line in lines[:8]), encoding="utf-8")
    out = StringIO()
    call_command("train_topics", data=slice_path, output=tmp_path / "topics", folds=2, stdout=out)
    assert "40 articles" in out.getvalue()

    measured = json.loads((tmp_path / "topics" / "metrics.json").read_text(encoding="utf-8"))
    assert measured["n_articles"] == 40
    assert measured["views"]["written"]["accuracy"] > 0.7
    with (tmp_path / "topics" / "folds.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["n_held_out"]) for row in rows] == [20, 20]

    # The whole classifier is the folder: a second run takes the vectors from its cache and writes the same files.
    written = [tmp_path / "topics" / name for name in ("head.safetensors", "words.safetensors")]
    first = [path.read_bytes() for path in written]
    for path in written:
        path.unlink()
    call_command("train_topics", data=slice_path, output=tmp_path / "topics", folds=2, stdout=out)
    assert [path.read_bytes() for path in written] == first
    classifier = load_classifier(tmp_path / "topics")
    assert set(classifier.labels) == set(chosen)
    row = classifier.classify(["The midfielder scored a late goal and the team won the cup."])[0]
    assert classifier.labels[int(row.argmax())] == "sport"
