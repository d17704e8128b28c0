"""The passages that spoke for a topic."""

from collections.abc import Sequence

import numpy as np
import pytest

from apps.accounts.models import User
from apps.classification.bert.encoder import FloatArray
from apps.classification.classify import classify_video
from apps.classification.passages import MAX_READ, PASSAGE_WORDS, passages_for
from apps.videos.models import Video
from tests.classification.test_classify import say, silent
from tests.factories import make_video


class GoalClassifier:
    """Sure of sport by the share of words that are "goal"."""

    name = "goals"
    labels = ("sport", "tech")
    languages: frozenset[str] | None = None

    def __init__(self) -> None:
        self.n_read = 0

    def __call__(self) -> "GoalClassifier":
        return self

    def classify(self, texts: Sequence[str]) -> FloatArray:
        self.n_read += len(texts)
        shares = [text.split().count("goal") / len(text.split()) for text in texts]
        return np.array([[share, 1 - share] for share in shares], dtype=np.float32)


@pytest.fixture
def video(owner: User) -> Video:
    return make_video(owner, title="An evening", description="A goal and a goal and much talk about it all.")


def test_it_finds_where_the_topic_was_spoken_of(video: Video) -> None:
    say(video, *(["nothing of note here at all really friends"] * 5), *(["goal"] * PASSAGE_WORDS), "and more talk")
    first, second, third = passages_for(video, "sport", GoalClassifier())
    assert (first.start_ms, first.probability) == (5_000, 1.0)
    assert first.text.split() == ["goal"] * PASSAGE_WORDS
    assert (second.text, second.start_ms) == (video.description, None)
    assert second.probability == pytest.approx(2 / 11, abs=1e-4)
    assert (third.start_ms, third.probability) == (0, 0.0)


def test_of_a_long_video_it_reads_passages_from_beginning_to_end(video: Video) -> None:
    say(video, *(["word " * PASSAGE_WORDS] * 200), *(["goal " * PASSAGE_WORDS] * 10))
    classifier = GoalClassifier()
    found = passages_for(video, "sport", classifier)
    assert classifier.n_read == MAX_READ
    assert found[0].probability == 1.0
    assert found[0].start_ms is not None
    assert found[0].start_ms >= 200_000


def test_too_few_words_are_no_passage(owner: User) -> None:
    bare = make_video(owner, title="Goal goal goal")
    say(bare, "a goal")
    assert passages_for(bare, "sport", GoalClassifier()) == []


def test_they_are_kept_with_the_prediction(video: Video) -> None:
    say(video, " ".join(["goal"] * 60))
    classify_video(video, silent, classifier_of=GoalClassifier())
    kept = video.topic_prediction.passages
    assert kept[0] == {"text": " ".join(["goal"] * 60), "start_ms": 0, "probability": 1.0}
