"""How good a classifier is: the figures, and the command `evaluate_topics`."""

import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from apps.classification.bert import metrics
from apps.classification.bert.dataset import Article
from apps.classification.bert.evaluation import evaluate
from apps.classification.bert.reliability_plot import draw_reliability

ARTICLES = [Article(topic, title, "") for topic, title in (("a", "one"), ("b", "two"), ("b", "three"), ("b", "four"))]


def test_figures_of_a_case_counted_by_hand() -> None:
    rows = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
    measured = evaluate(ARTICLES, rows, ("a", "b"))
    assert measured.accuracy == 0.5
    assert measured.confusion == [[1, 0], [2, 1]]
    assert [(topic.precision, topic.recall) for topic in measured.topics] == [(1 / 3, 1.0), (1.0, 1 / 3)]
    assert [(wrong.number, wrong.title, wrong.predicted) for wrong in measured.wrong] == [
        (2, "two", "a"),
        (4, "four", "a"),
    ]
    gap = sum(one.n_rows * abs(one.mean_confidence - one.accuracy) for one in measured.reliability) / 4
    assert gap == pytest.approx(measured.ece)


def test_the_interval_is_that_of_the_published_example() -> None:
    """Newcombe, Two-Sided Confidence Intervals for the Single Proportion, 1998, table I: 81 of 263, and 0 of 20."""
    assert metrics.wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert metrics.wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)


def write(path: Path, *rows: tuple[str, str, str]) -> Path:
    lines = [json.dumps({"topic": topic, "title": title, "body": body}) for topic, title, body in rows]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.django_db
def test_the_command_measures_and_lists_what_is_wrong(tmp_path: Path) -> None:
    goal = "The striker scored twice in the second half and the team went through to the cup final."
    data = write(tmp_path / "a.jsonl", ("sport", "Cup", goal), ("business", "Mislabelled", goal))
    out = StringIO()
    call_command("evaluate_topics", data=data, output=tmp_path / "out", stdout=out)
    assert "2 articles: accuracy 50.00% (9.45% to 90.55%)" in out.getvalue()
    assert "No. 2 is business, filed under sport" in out.getvalue()
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text())["n_articles"] == 2
    assert (tmp_path / "out" / "wrong.csv").read_text().startswith("number,title,topic,predicted,probability\n2,")
    bins = (tmp_path / "out" / "reliability.csv").read_text().splitlines()
    assert bins[0] == "start,n_rows,mean_confidence,accuracy"
    with Image.open(tmp_path / "out" / "reliability.png") as plot:
        assert (plot.format, plot.size) == ("PNG", (960, 540))


def dots(path: Path, *bins: metrics.ReliabilityBin) -> list[tuple[float, float]]:
    """Places and sizes of the classifier's dots in the plot: share of the width and height, and the pixels across."""
    draw_reliability(bins, path)
    with Image.open(path) as plot:
        pixels = np.asarray(plot.convert("RGB"))
    is_dot = (pixels == (0xC2, 0x57, 0x1A)).all(axis=2)
    is_dot[:120] = False  # its name stands above
    rows, columns = np.flatnonzero(is_dot.any(axis=1)), np.flatnonzero(is_dot.any(axis=0))
    return [(columns.mean() / 960, rows.mean() / 540), (len(columns), len(rows))]


def test_the_plot_shows_how_often_the_classifier_is_right_over_how_sure_it_is(tmp_path: Path) -> None:
    place, size = dots(tmp_path / "one.png", metrics.ReliabilityBin(0.4, 20, 0.5, 0.5))
    assert place == pytest.approx(((80 + 856 / 2) / 960, (540 - 64 - 420 / 2) / 540), abs=0.005)
    assert size == pytest.approx((33, 33), abs=1), "all rows are in it"
    lower, _ = dots(tmp_path / "two.png", metrics.ReliabilityBin(0.4, 20, 0.5, 0.25))
    assert lower[0] == place[0]
    assert lower[1] > place[1]


@pytest.mark.django_db
def test_it_names_topics_that_the_classifier_does_not_know_and_a_folder_without_one(tmp_path: Path) -> None:
    data = write(tmp_path / "a.jsonl", ("sport", "Cup", "goal"), ("cookery", "Bread", "dough"))
    with pytest.raises(CommandError, match=r"never heard of cookery; it knows business.*train_topics"):
        call_command("evaluate_topics", data=data)
    with pytest.raises(CommandError, match=r"is missing.*train_topics"):
        call_command("evaluate_topics", data=data, model=tmp_path)
