"""The stage `classify`, the factory over the settings, and topics as people use them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.models import User
from apps.classification.bert.encoder import FloatArray
from apps.classification.classifier import TopicModelError, topic_classifier
from apps.classification.classify import classify_video
from apps.classification.models import Topic, TopicCorrection, TopicPrediction
from apps.classification.texts import text_of
from apps.classification.topics import confirm_topic, topics_with_counts
from apps.transcription.models import Cue, Transcript
from apps.videos.models import ModerationEntry, Video, VideoQuerySet
from apps.videos.signals import video_changed
from apps.videos.stage import StageSkippedError
from tests.factories import make_video


class SureClassifier:
    """Says `label` with `probability` of everything, and keeps what it was asked."""

    name = "sure"
    languages: frozenset[str] | None = frozenset({"en"})

    def __init__(self, label: str, probability: float, labels: tuple[str, ...] = ("sport", "tech", "weather")) -> None:
        self.labels = labels
        self.asked: list[str] = []
        self._row = np.full(len(labels), (1 - probability) / (len(labels) - 1), dtype=np.float32)
        self._row[labels.index(label)] = probability

    def __call__(self) -> "SureClassifier":
        return self

    def classify(self, texts: Sequence[str]) -> FloatArray:
        self.asked += texts
        return np.tile(self._row, (len(texts), 1))


@pytest.fixture
def video(owner: User) -> Video:
    return make_video(owner, title="Words on the wire", description="A short talk about telegraphs.")


def silent(fraction: float, message: str = "") -> None:
    assert 0 <= fraction <= 1


def say(video: Video, *texts: str) -> None:
    transcript = Transcript.objects.create(
        video=video, language="en", source=Transcript.Source.AUTO, completed_at=timezone.now()
    )
    for position, text in enumerate(texts):
        Cue.objects.create(
            transcript=transcript, position=position, start_ms=position * 1000, end_ms=position * 1000 + 900, text=text
        )


def test_the_five_topics_are_there_after_migration(db: None) -> None:
    assert dict(Topic.objects.values_list("label", "name")) == {
        "business": "Business",
        "entertainment": "Entertainment",
        "politics": "Politics",
        "sport": "Sport",
        "tech": "Technology",
    }


def test_it_reads_title_description_and_speech(video: Video) -> None:
    say(video, "The first fast network\nwas made of light.", "Then came electricity.")
    classifier = SureClassifier("tech", 0.9)
    classify_video(video, silent, classifier_of=classifier)
    assert classifier.asked[:1] == [
        "Words on the wire\nA short talk about telegraphs.\n"
        "The first fast network was made of light. Then came electricity."
    ]
    prediction = video.topic_prediction
    assert prediction.topic is not None
    assert prediction.topic.label == "tech"
    assert prediction.probability == pytest.approx(0.9)
    assert prediction.probabilities == {"sport": 0.05, "tech": 0.9, "weather": 0.05}
    assert prediction.classifier == "sure"


def test_it_replaces_its_own_row_and_says_that_the_video_changed(video: Video) -> None:
    changed: list[object] = []

    def receive(*, video_id: object, **_: object) -> None:
        changed.append(video_id)

    video_changed.connect(receive)
    try:
        classify_video(video, silent, classifier_of=SureClassifier("tech", 0.9))
        classify_video(video, silent, classifier_of=SureClassifier("sport", 0.8))
    finally:
        video_changed.disconnect(receive)
    prediction = TopicPrediction.objects.get(video=video)
    assert prediction.topic == Topic.objects.get(label="sport")
    assert changed == [video.pk, video.pk]


@pytest.mark.parametrize(
    ("label", "probability", "outcome", "topic"),
    [
        ("tech", 0.7, "filed", "tech"),
        ("tech", 0.69, "asked", None),
        ("tech", 0.5, "asked", None),
        ("tech", 0.49, "unknown", None),
        ("weather", 0.9, "unknown", None),  # a label without a topic
    ],
)
def test_it_files_asks_or_does_not_know(
    video: Video, settings: Settings, label: str, probability: float, outcome: str, topic: str | None
) -> None:
    settings.TOPIC_THRESHOLD, settings.TOPIC_ASK_THRESHOLD = 0.7, 0.5
    classify_video(video, silent, classifier_of=SureClassifier(label, probability))
    prediction = video.topic_prediction
    assert (prediction.outcome, prediction.topic and prediction.topic.label) == (outcome, topic)
    assert prediction.probability == pytest.approx(probability)
    assert TopicPrediction.objects.waiting().exists() == (outcome == "asked")


@pytest.mark.django_db
def test_thresholds_in_the_wrong_order_are_named_with_their_cure(settings: Settings) -> None:
    settings.TOPIC_THRESHOLD, settings.TOPIC_ASK_THRESHOLD = 0.3, 0.35
    with pytest.raises(SystemCheckError, match=r"TOPIC_ASK_THRESHOLD=0.35 is above TOPIC_THRESHOLD=0.3"):
        call_command("check")
    settings.TOPIC_ASK_THRESHOLD = 0.3
    call_command("check")


def test_each_word_of_a_moderator_is_kept_with_what_was_predicted_and_the_text(video: Video, moderator: User) -> None:
    classify_video(video, silent, classifier_of=SureClassifier("tech", 0.6))
    assert TopicPrediction.objects.waiting().exists()
    confirm_topic(video, Topic.objects.get(label="tech"), by=moderator)
    Video.objects.update(title="Another title")
    video.refresh_from_db()
    confirm_topic(video, None, by=moderator)
    assert not TopicPrediction.objects.waiting().exists()
    second, first = TopicCorrection.objects.all()
    assert first.topic == Topic.objects.get(label="tech")
    assert second.topic is None
    for kept in (first, second):
        assert (kept.by, kept.predicted_label, kept.classifier) == (moderator, "tech", "sure")
        assert kept.predicted_probability == pytest.approx(0.6)
    assert first.text == "Words on the wire\nA short talk about telegraphs."
    assert second.text.startswith("Another title\n")


def test_a_choice_about_a_video_that_was_never_classified_is_kept_too(video: Video, moderator: User) -> None:
    confirm_topic(video, Topic.objects.get(label="tech"), by=moderator)
    kept = TopicCorrection.objects.get()
    assert (kept.predicted_label, kept.predicted_probability, kept.classifier) == ("", 0.0, "")
    video.delete()
    assert not TopicCorrection.objects.exists()


def test_it_leaves_a_moderators_choice_alone(video: Video, moderator: User) -> None:
    classify_video(video, silent, classifier_of=SureClassifier("sport", 0.9))
    confirm_topic(video, Topic.objects.get(label="business"), by=moderator)
    classifier = SureClassifier("tech", 0.99)
    classify_video(video, silent, classifier_of=classifier)
    prediction = TopicPrediction.objects.get(video=video)
    assert prediction.topic == Topic.objects.get(label="business")
    assert prediction.is_confirmed
    assert classifier.asked == []
    entry = ModerationEntry.objects.get(video=video)
    assert entry.moderator == moderator
    assert "Business" in entry.reason


def test_a_choice_made_while_the_classifier_thinks_wins(video: Video, moderator: User) -> None:
    class Slow(SureClassifier):
        def classify(self, texts: Sequence[str]) -> FloatArray:
            confirm_topic(video, None, by=moderator)
            return super().classify(texts)

    classify_video(video, silent, classifier_of=Slow("tech", 0.9))
    prediction = TopicPrediction.objects.get(video=video)
    assert prediction.topic is None
    assert prediction.is_confirmed


@pytest.mark.parametrize(
    "title",
    [
        "IMG_1234",
        "video 3",
        "untitled",
        "2024-05-01 12.30",
        "bbaf2n: Bin blue at F two now.",
        "Oh yes please, thank you",
    ],
)
def test_it_does_not_guess_from_a_file_name_or_words_that_tell_nothing(owner: User, title: str) -> None:
    video = make_video(owner, title=title)
    TopicPrediction.objects.create(video=video, probability=0.9, classifier="an older one")
    with pytest.raises(StageSkippedError, match="too few words"):
        classify_video(video, silent, classifier_of=SureClassifier("tech", 0.9))
    assert not TopicPrediction.objects.filter(video=video).exists()


def test_it_does_not_read_a_language_that_the_classifier_does_not_understand(owner: User) -> None:
    video = make_video(owner, title="Ein Vortrag über den Telegrafen", language="de")
    with pytest.raises(StageSkippedError, match="reads en, and this video is in German"):
        classify_video(video, silent, classifier_of=SureClassifier("tech", 0.9))
    understands_all = SureClassifier("tech", 0.9)
    understands_all.languages = None
    classify_video(video, silent, classifier_of=understands_all)
    assert TopicPrediction.objects.filter(video=video).exists()


def test_the_embedded_classifier_files_a_real_text(owner: User) -> None:
    talk = (Path(__file__).resolve().parents[2] / "samples" / "talk.txt").read_text(encoding="utf-8")
    video = make_video(owner, title="Words on the wire")
    say(video, *talk.splitlines())
    classify_video(video, silent)
    assert video.topic_prediction.topic == Topic.objects.get(label="tech")
    assert video.topic_prediction.probability > 0.9
    assert sum(video.topic_prediction.probabilities.values()) == pytest.approx(1, abs=0.001)
    assert text_of(video).startswith("Words on the wire\nFor most of history")


@pytest.mark.django_db
def test_it_loads_the_classifier_once() -> None:
    assert topic_classifier() is topic_classifier()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.django_db
def test_a_gpu_that_is_not_there_is_named_with_its_cure(settings: Settings) -> None:
    settings.TOPIC_DEVICE = "cuda"
    with pytest.raises(TopicModelError, match="torch finds no GPU"):
        topic_classifier()


@pytest.mark.django_db
def test_a_wrong_topic_model_is_named_with_its_cure(tmp_path: Path, settings: Settings) -> None:
    settings.TOPIC_MODEL = str(tmp_path)
    with pytest.raises(TopicModelError, match=r"TOPIC_MODEL=.*is missing.*train_topics"):
        topic_classifier()
    with pytest.raises(SystemCheckError, match=r"TOPIC_MODEL=.*cannot work"):
        call_command("check")
    settings.TOPIC_MODEL = ""
    call_command("check")


def test_it_counts_the_videos_of_each_topic_among_those_given(owner: User, moderator: User) -> None:
    tech = Topic.objects.get(label="tech")
    public, private = make_video(owner), make_video(owner, visibility="private")
    for video in (public, private):
        confirm_topic(video, tech, by=moderator)

    def counts(videos: VideoQuerySet) -> dict[str, int]:
        return {topic.label: topic.video_count for topic in topics_with_counts(videos)}

    assert counts(Video.objects.all()) == {"business": 0, "entertainment": 0, "politics": 0, "sport": 0, "tech": 2}
    assert counts(Video.objects.filter(visibility="public"))["tech"] == 1
