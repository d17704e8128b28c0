"""The passages of a video that spoke most for a topic, so that a moderator can decide without watching all of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.transcription.tracks import served_transcript
from apps.videos.models import Video

if TYPE_CHECKING:
    from apps.classification.bert.classifier import TopicClassifier

PASSAGE_WORDS = 40  # some 15 seconds of speech
LEAST_WORDS = 8  # fewer tell a reader nothing
N_SHOWN = 3
MAX_READ = 48  # passages of a long video, evenly spread: a third of a second on two cores


@dataclass(frozen=True)
class Passage:
    """`start_ms` of the first cue; None in the description. `probability` of the topic, were this all there is."""

    text: str
    start_ms: int | None
    probability: float


def passages_for(video: Video, label: str, classifier: TopicClassifier) -> list[Passage]:
    """The N_SHOWN passages of description and speech that speak most for `label`, the most telling first.

    Two queries, and one call of `classifier`, which knows `label`.
    """
    found = _spread([*_of_description(video), *_of_speech(video)])
    if not found:
        return []
    column = list(classifier.labels).index(label)
    shares = classifier.classify([text for text, _ in found])[:, column]
    passages = [
        Passage(text, start_ms, round(float(share), 4)) for (text, start_ms), share in zip(found, shares, strict=True)
    ]
    return sorted(passages, key=lambda passage: -passage.probability)[:N_SHOWN]


def _of_description(video: Video) -> Iterator[tuple[str, None]]:
    words = video.description.split()
    for first in range(0, len(words), PASSAGE_WORDS):
        part = words[first : first + PASSAGE_WORDS]
        if len(part) >= LEAST_WORDS:
            yield " ".join(part), None


def _of_speech(video: Video) -> Iterator[tuple[str, int]]:
    """Whole cues, joined until they have PASSAGE_WORDS."""
    transcript = served_transcript(video)
    if transcript is None:
        return
    words: list[str] = []
    begun_ms = 0
    for start_ms, text in transcript.cues.order_by("position").values_list("start_ms", "text"):
        if not words:
            begun_ms = start_ms
        words += text.split()
        if len(words) >= PASSAGE_WORDS:
            yield " ".join(words), begun_ms
            words = []
    if len(words) >= LEAST_WORDS:
        yield " ".join(words), begun_ms


def _spread(passages: Sequence[tuple[str, int | None]]) -> list[tuple[str, int | None]]:
    if len(passages) <= MAX_READ:
        return list(passages)
    return [passages[index * len(passages) // MAX_READ] for index in range(MAX_READ)]
