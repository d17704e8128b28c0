"""A topic more from a handful of examples, over vectors of three well separated topics."""

import numpy as np
import pytest

from apps.classification.bert.encoder import FloatArray, unit_length
from apps.classification.bert.head import LinearHead
from apps.classification.bert.head_evaluation import CorrectionsResult, Limits, evaluate_head, judge_corrections
from apps.classification.bert.new_topic import NewTopicError, learn_topic
from apps.classification.bert.trainer import EncodedArticles, TrainingOptions, train

MEANS = np.eye(16)[:3]


def texts_about(topic: int, n: int, seed: int) -> FloatArray:
    return unit_length(MEANS[topic] + 0.15 * np.random.default_rng(seed).standard_normal((n, 16)))


@pytest.fixture(scope="module")
def old() -> LinearHead:
    vectors = np.concatenate([texts_about(0, 40, 0), texts_about(1, 40, 1)])
    articles = EncodedArticles(("sport", "tech"), np.repeat([0, 1], 40), {"written": vectors}, "tiny", "0" * 64, "mean")
    return train(articles, TrainingOptions(n_folds=4, training_views=("written",)))[0]


def test_it_learns_a_topic_and_keeps_the_others(old: LinearHead) -> None:
    head = learn_topic(old, "cookery", texts_about(2, 5, 2))
    assert head.labels == ("sport", "tech", "cookery")
    assert head.facts.counts == (40, 40, 5)
    np.testing.assert_array_equal(head.weights[:, :2], old.weights)
    for topic in range(3):
        assert (head.probabilities(texts_about(topic, 50, 10 + topic)).argmax(axis=1) == topic).mean() > 0.95


def test_the_same_examples_give_the_same_head(old: LinearHead) -> None:
    one, other = (learn_topic(old, "cookery", texts_about(2, 5, 2)) for _ in range(2))
    np.testing.assert_array_equal(one.weights, other.weights)


def test_it_refuses_a_known_label_and_no_examples(old: LinearHead) -> None:
    with pytest.raises(NewTopicError, match="knows “tech” already"):
        learn_topic(old, "tech", texts_about(2, 5, 2))
    with pytest.raises(NewTopicError, match="no examples"):
        learn_topic(old, "cookery", texts_about(2, 0, 2))


def corrected(old: LinearHead, label: str, examples: FloatArray, texts: FloatArray, wanted: str) -> CorrectionsResult:
    after = learn_topic(old, label, examples).likeliest(texts)
    return judge_corrections([wanted] * len(texts), list(old.likeliest(texts)), list(after))


def test_a_topic_of_its_own_passes_and_helps_with_corrections(old: LinearHead) -> None:
    examples = texts_about(2, 6, 2)
    corrections = corrected(old, "cookery", examples, texts_about(2, 4, 3), "cookery")
    assert corrections == CorrectionsResult(4, 0.0, 1.0)
    judged = evaluate_head(old, {"cookery": examples}, corrections, Limits())
    assert judged.has_passed, judged.reasons
    assert judged.new[0].recall == 1.0


def test_a_topic_that_takes_the_place_of_another_is_refused(old: LinearHead) -> None:
    examples = texts_about(1, 4, 2)
    corrections = corrected(old, "gadgets", examples, texts_about(1, 4, 3), "tech")
    judged = evaluate_head(old, {"gadgets": examples}, corrections, Limits(), names={"tech": "Technology"})
    reasons = " ".join(judged.reasons)
    assert "“gadgets” has 4 examples, fewer than 5" in reasons, "a topic without a name is called by its label"
    assert "are taken for “Technology” today" in reasons
    assert "“Technology” would lose" in reasons
    assert "Of the texts that moderators corrected" in reasons


def test_without_corrections_nothing_is_held_against_a_head() -> None:
    assert judge_corrections([], [], []) == CorrectionsResult()
