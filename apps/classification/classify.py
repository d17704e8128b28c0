"""The stage `classify`: title, description and transcript of a video become its topic."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.classification.classifier import topic_classifier
from apps.classification.models import Topic, TopicPrediction
from apps.classification.passages import Passage, passages_for
from apps.classification.texts import text_of
from apps.videos.models import Video
from apps.videos.signals import video_changed
from apps.videos.stage import Progress, StageSkippedError

if TYPE_CHECKING:
    from apps.classification.bert.classifier import TopicClassifier

Outcome = TopicPrediction.Outcome
CLASSIFIER_LENGTH = 200  # TopicPrediction.classifier
_WORD = re.compile(r"(?<!\w)[^\W\d_]{2,}(?!\w)")  # letters of any script; "IMG_1234" is none, "video 3" has one
# Words that tell nothing of a topic: by them alone a clip of three seconds would be filed under something.
_TELL_NOTHING = frozenset(
    """
    about above after again all also am an and any are as at be because been before being below between both but by can
    could did do does doing down each few for from further had has have having he her here hers him his how if in into
    is it its just like me more most my no nor not now of off oh ok okay on once only or other our out over own please
    same she should so some soon such than thank thanks that the their them then there these they this those through
    to too under until up us very was we well were what when where which while who whom why will with would yeah yes
    you your zero one two three four five six seven eight nine ten hello hi video clip test untitled
    """.split()  # noqa: SIM905
)


def classify_video(
    video: Video, progress: Progress, *, classifier_of: Callable[[], TopicClassifier] = topic_classifier
) -> None:
    """Predicts the topic of `video` and replaces its `TopicPrediction`, in one transaction.

    From TOPIC_THRESHOLD on the video is filed; from TOPIC_ASK_THRESHOLD on a moderator is asked; below, and for a label
    that no `Topic` has (an admin deleted it), the topic is unknown. In the last two the topic is null; the
    probabilities are kept. What a moderator confirmed is left alone.

    Raises StageSkippedError, and removes an earlier prediction, where the video is in a language that the classifier
    does not understand or has fewer than TOPIC_MIN_WORDS telling words: a file name is not evidence.
    """
    if TopicPrediction.objects.filter(video=video, is_confirmed=True).exists():
        progress(1.0, "A moderator chose the topic.")
        return
    text = text_of(video)
    if len(telling_words(text)) < settings.TOPIC_MIN_WORDS:
        _remove(video)
        raise StageSkippedError("There are too few words in title, description and speech to tell a topic.")
    progress(0.1, "Reading title, description and transcript.")
    classifier = classifier_of()
    if classifier.languages is not None and video.language not in classifier.languages:
        _remove(video)
        understood = ", ".join(sorted(classifier.languages))
        raise StageSkippedError(
            f"No topic: the classifier reads {understood}, and this video is in {video.get_language_display()}."
        )
    progress(0.3, "Reading title, description and transcript.")
    row = classifier.classify([text])[0]
    probabilities = {label: round(float(value), 4) for label, value in zip(classifier.labels, row, strict=True)}
    likeliest = max(probabilities, key=probabilities.__getitem__)
    passages = passages_for(video, likeliest, classifier)
    prediction = _store(video, likeliest, probabilities, passages, classifier.name)
    asked = prediction.outcome == Outcome.ASKED and not prediction.is_confirmed
    progress(1.0, "A moderator is asked for the topic." if asked else f"Topic: {prediction.topic or 'unknown'}")


def outcome_of(probability: float) -> Outcome:
    """What becomes of a video whose likeliest topic has `probability`, by the settings."""
    if probability >= settings.TOPIC_THRESHOLD:
        return Outcome.FILED
    return Outcome.ASKED if probability >= settings.TOPIC_ASK_THRESHOLD else Outcome.UNKNOWN


def telling_words(text: str) -> set[str]:
    """The different words of a text that could tell what it is about."""
    return set(_WORD.findall(text.casefold())) - _TELL_NOTHING


def _store(
    video: Video, label: str, probabilities: dict[str, float], passages: list[Passage], classifier: str
) -> TopicPrediction:
    probability = probabilities[label]
    with transaction.atomic():
        # Whoever confirms a topic meanwhile holds this lock too (`topics.confirm_topic`), is waited for, and wins.
        Video.objects.select_for_update().get(pk=video.pk)
        confirmed = TopicPrediction.objects.filter(video=video, is_confirmed=True).first()
        if confirmed is not None:
            return confirmed
        likeliest = Topic.objects.filter(label=label).first()
        outcome = outcome_of(probability) if likeliest else Outcome.UNKNOWN
        prediction, _ = TopicPrediction.objects.update_or_create(
            video=video,
            defaults={
                "topic": likeliest if outcome == Outcome.FILED else None,
                "outcome": outcome,
                "probability": probability,
                "probabilities": probabilities,
                "passages": [asdict(passage) for passage in passages],
                "classifier": classifier[:CLASSIFIER_LENGTH],
                "created_at": timezone.now(),
            },
        )
        video_changed.send(sender=__name__, video_id=video.pk)
    return prediction


def _remove(video: Video) -> None:
    with transaction.atomic():
        if TopicPrediction.objects.filter(video=video, is_confirmed=False).delete()[0]:
            video_changed.send(sender=__name__, video_id=video.pk)
