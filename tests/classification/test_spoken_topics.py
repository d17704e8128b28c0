"""How the benchmarks of spoken topics measure: errors that are drawn, and articles that were not learned from."""

from collections.abc import Sequence

import numpy as np
import pytest

from apps.classification.bert.classifier import TopicClassifier
from apps.classification.bert.dataset import Article
from apps.classification.bert.encoder import FloatArray
from apps.transcription.asr.evaluation import n_edits
from benchmarks.mishearing import Mishearing
from benchmarks.topic_trainers import figures, found_right

TEXT = " ".join(f"{word}{ending}" for ending in ("s", "ing", "er") for word in ("rent", "roll", "light", "lead")) * 40


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_as_many_words_are_wrong_as_were_asked_for(rate: float) -> None:
    heard = Mishearing([TEXT]).heard(TEXT, rate, "a")
    n_words = len(TEXT.split())
    # An insertion beside a deletion is one substitution, and a word may be exchanged for itself.
    assert n_edits(TEXT.split(), heard.split()) / n_words == pytest.approx(rate, rel=0.35)
    assert heard == Mishearing([TEXT]).heard(TEXT, rate, "a")
    assert heard != Mishearing([TEXT]).heard(TEXT, rate, "b")


def test_nothing_is_wrong_without_errors() -> None:
    assert Mishearing([TEXT]).heard(TEXT, 0.0, "a") == TEXT


class Remembers:
    """Knows by heart what it has learned, and guesses "money" of all else."""

    name = "remembers"
    labels: tuple[str, ...] = ("money", "sport")
    languages: frozenset[str] | None = None

    def __init__(self, articles: Sequence[Article]) -> None:
        self.topics = {article.body: article.topic for article in articles}

    def classify(self, texts: Sequence[str]) -> FloatArray:
        return np.array([[1, 0] if self.topics.get(text, "money") == "money" else [0, 1] for text in texts], np.float32)


def test_no_article_is_classified_by_what_learned_from_it() -> None:
    articles = [Article(topic, "", f"{topic} {number}") for topic in ("money", "sport") for number in range(10)]
    learned: list[int] = []

    def trainer(chosen: Sequence[Article]) -> TopicClassifier:
        learned.append(len(chosen))
        return Remembers(chosen)

    texts = {number: article.body for number, article in enumerate(articles)}
    right = found_right(articles, {"all": texts, "one": {13: texts[13]}}, trainer)
    assert learned == [16] * 5
    assert right["all"] == {number: number < 10 for number in range(20)}
    assert right["one"] == {13: False}


def test_the_loss_is_that_of_the_same_articles() -> None:
    before = {number: number < 90 for number in range(100)}
    same = figures(before, before)
    assert (same["accuracy"], same["lost"], same["lost_low"], same["lost_high"]) == ("0.9000", *["0.0000"] * 3)
    worse = figures(before, {number: number < 80 for number in range(100)})
    assert (worse["accuracy"], worse["lost"]) == ("0.8000", "0.1000")
    low, high = float(worse["lost_low"]), float(worse["lost_high"])
    # Of 100 draws of a share of 0.1, by the normal approximation to the binomial distribution.
    assert (low, high) == pytest.approx((0.1 - 1.96 * 0.03, 0.1 + 1.96 * 0.03), abs=0.012)
