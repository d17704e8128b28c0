"""Fine-tuning of a whole BERT, the two heads, and the folders that come of it."""

import csv
import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
from django.core.management import CommandError, call_command
from transformers import pipeline

from apps.classification.bert.classifier import load_classifier
from apps.classification.bert.dataset import Article
from apps.classification.bert.fine_tuning_runs import cross_validate, fine_tune
from apps.classification.bert.finetuning import FineTuner, FineTuningError, FineTuningOptions, split_for_validation
from apps.classification.bert.head import HeadError
from apps.classification.bert.model import (
    CheckpointError,
    ClsLinear,
    HeadKind,
    load_network,
    load_tokenizer,
    new_network,
    save_network,
)
from tests.classification.tiny import WORDS, write_tiny_bert

LABELS = ("money", "sport")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("bert")
    write_tiny_bert(folder)
    return str(folder)


@pytest.fixture
def articles() -> list[Article]:
    words = {"sport": WORDS[:2], "money": WORDS[2:4]}
    return [
        Article(topic, f"{pair[index % 2]}", " ".join(pair[: 1 + index % 2] * (1 + index % 3)))
        for index in range(12)
        for topic, pair in words.items()
    ]


def options(checkpoint: str, **changes: object) -> FineTuningOptions:
    fields: dict[str, object] = {"learning_rate": 0.01, "batch_size": 4, "max_epochs": 6, "patience": 6}
    return FineTuningOptions(checkpoint=checkpoint, **(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("head", ["cls", "sequence"])
def test_both_heads_learn_and_open_in_a_pipeline(
    checkpoint: str, articles: list[Article], tmp_path: Path, head: HeadKind
) -> None:
    best = fine_tune(articles, tmp_path, options(checkpoint, head=head), learning_rates=[0.01], seeds=[0])
    assert best.best.validation_accuracy == 1.0
    classify = pipeline("text-classification", model=str(tmp_path), device="cpu")
    assert classify("goal match goal")[0]["label"] == "sport"
    assert classify("bank share")[0]["label"] == "money"
    classifier = load_classifier(tmp_path)
    assert classifier.labels == LABELS
    assert classifier.languages == frozenset({"en"})
    rows = classifier.classify(["goal match", "share bank"])
    assert rows.argmax(axis=1).tolist() == [1, 0]
    assert rows.sum(axis=1) == pytest.approx([1, 1])
    scores = {each["label"]: each["score"] for each in classify("goal match", top_k=None)}
    assert rows[0] == pytest.approx([scores["money"], scores["sport"]], abs=1e-4)


def test_the_linear_layer_on_cls_is_kept_as_the_same_function(checkpoint: str, tmp_path: Path) -> None:
    network = new_network(checkpoint, LABELS, "cls").eval()
    assert isinstance(network, ClsLinear)
    with torch.no_grad():
        network.linear.weight.mul_(30)
    save_network(network, load_tokenizer(checkpoint), LABELS, tmp_path)
    ids = torch.tensor([[2, 5, 6, 3], [2, 9, 3, 0]])
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])
    with torch.inference_mode():
        torch.testing.assert_close(load_network(str(tmp_path)).eval()(ids, mask), network(ids, mask), atol=2e-3, rtol=0)


def test_a_stopped_training_goes_on_to_the_same_weights(
    checkpoint: str, articles: list[Article], tmp_path: Path
) -> None:
    targets = np.array([LABELS.index(article.topic) for article in articles])
    split = split_for_validation(np.arange(len(articles)), targets, LABELS, 0.1, seed=0)
    whole = FineTuner(articles, LABELS, split, tmp_path / "whole", options(checkpoint, max_epochs=4)).run()
    FineTuner(articles, LABELS, split, tmp_path / "parts", options(checkpoint, max_epochs=2)).run()
    parts = FineTuner(articles, LABELS, split, tmp_path / "parts", options(checkpoint, max_epochs=4)).run()
    assert [row.training_loss for row in parts] == [row.training_loss for row in whole]
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "parts")]
    assert weights[0] == weights[1]
    with pytest.raises(FineTuningError, match="another training"):
        FineTuner(articles, LABELS, split, tmp_path / "parts", options(checkpoint, learning_rate=0.1)).run()


def test_it_stops_early_where_nothing_gets_better(checkpoint: str, articles: list[Article], tmp_path: Path) -> None:
    best = fine_tune(
        articles, tmp_path, options(checkpoint, max_epochs=9, patience=2), learning_rates=[1e-9], seeds=[0]
    )
    assert len(best.epochs) == best.best.epoch + 2


def test_rates_and_seeds_are_compared_on_the_same_articles(
    checkpoint: str, articles: list[Article], tmp_path: Path
) -> None:
    fine_tune(articles, tmp_path, options(checkpoint, max_epochs=2), learning_rates=[1e-9, 0.01], seeds=[0, 1])
    with (tmp_path / "curves.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {(row["learning_rate"], row["seed"]) for row in rows} == {
        ("1e-09", "0"),
        ("1e-09", "1"),
        ("0.01", "0"),
        ("0.01", "1"),
    }
    for name in ("losses.png", "accuracy.png", "articles.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "articles.csv").read_text(encoding="utf-8").splitlines() == [
        "topic,articles,mean_words",
        "money,12,4.0",
        "sport,12,4.0",
    ]


def test_no_article_that_is_held_out_was_learned_from(checkpoint: str, articles: list[Article], tmp_path: Path) -> None:
    rows = cross_validate(articles, tmp_path, options(checkpoint), n_folds=3, folds=[1])
    assert [row["fold"] for row in rows] == [1]
    rows = cross_validate(articles, tmp_path, options(checkpoint), n_folds=3)
    assert [row["fold"] for row in rows] == [0, 1, 2]
    held_out: list[int] = []
    for fold in range(3):
        state = torch.load(tmp_path / f"fold-{fold}" / "training_state.pt", weights_only=True)
        with (tmp_path / f"fold-{fold}" / "logits.csv").open(encoding="utf-8") as file:
            tested = {int(row["article"]) for row in csv.DictReader(file)}
        assert not tested & set(state["asked"]["training"])
        held_out += tested
    assert sorted(held_out) == list(range(len(articles)))


def test_the_command_fine_tunes(checkpoint: str, articles: list[Article], tmp_path: Path) -> None:
    data = tmp_path / "articles.jsonl"
    data.write_text("\n".join(json.dumps(vars(article)) for article in articles), encoding="utf-8")
    out = StringIO()
    arguments = [
        "--data",
        str(data),
        "--output",
        str(tmp_path / "made"),
        "--fine-tune",
        checkpoint,
        "--max-epochs",
        "1",
    ]
    call_command("train_topics", *arguments, stdout=out)
    assert "Best on validation: lr-1e-05-seed-0" in out.getvalue()
    call_command("train_topics", *arguments, "--cross-validate", "--folds", "2", stdout=out)
    assert "fold 1, 12 articles held out: written" in out.getvalue()


def test_what_cannot_be_loaded_is_named_with_its_cure(articles: list[Article], tmp_path: Path, checkpoint: str) -> None:
    data = tmp_path / "articles.jsonl"
    data.write_text("\n".join(json.dumps(vars(article)) for article in articles), encoding="utf-8")
    with pytest.raises(CommandError, match=r"cannot be loaded.*Name a folder"):
        call_command("train_topics", data=data, output=tmp_path / "x", fine_tune=str(tmp_path / "nothing"))
    with pytest.raises(CheckpointError, match="not a classifier of texts"):
        load_network(checkpoint)
    with pytest.raises(HeadError, match="train_topics --fine-tune"):
        load_classifier(Path(checkpoint))
