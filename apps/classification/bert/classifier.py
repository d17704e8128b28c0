"""The seam: texts in, topic probabilities out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from apps.classification.bert.encoder import EncoderOptions, FloatArray, TextEncoder, embedded_encoder
from apps.classification.bert.fine_tuned import FineTunedTopicClassifier
from apps.classification.bert.head import HeadError, LinearHead, load_head
from apps.classification.bert.head_header import EMBEDDED_FOLDER, HEAD_NAME
from apps.classification.bert.model import CheckpointError
from apps.classification.bert.pair import check_pair, pair_probabilities
from apps.classification.bert.words import WORDS_NAME, WordsHead, load_words


class TopicClassifier(Protocol):
    """Says what texts are about.

    `labels` are the topics' names in the order of the columns; `languages` what it understands, None for any.
    """

    name: str
    labels: tuple[str, ...]
    languages: frozenset[str] | None

    def classify(self, texts: Sequence[str]) -> FloatArray:
        """Probabilities `(n_texts, n_topics)`, each row summing to 1. Near-equal ones: none of the topics."""


class EmbeddedTopicClassifier:
    """A frozen sentence encoder with a linear head, and beside it what the words say, where that was trained too."""

    def __init__(self, encoder: TextEncoder, head: LinearHead, words: WordsHead | None = None, *, name: str) -> None:
        """Raises HeadError where the head was trained over another encoder, or `words` beside another head."""
        facts = head.facts
        if (facts.encoder_sha256, facts.pooling) != (encoder.weights_sha256, encoder.options.pooling):
            raise HeadError(
                f"The head {name} was trained over the encoder {facts.encoder} (sha256 {facts.encoder_sha256[:12]}…,"
                f" {facts.pooling} pooling), not over {encoder.name} (sha256 {encoder.weights_sha256[:12]}…,"
                f" {encoder.options.pooling} pooling): train it again with `manage.py train_topics`."
            )
        if words is not None:
            check_pair(head, words)
        self.name = name
        self.labels = head.labels
        self.languages: frozenset[str] | None = frozenset({facts.language})
        self.encoder = encoder
        self.head = head
        self.words = words

    def with_head(self, head: LinearHead, name: str) -> EmbeddedTopicClassifier:
        """The same over another head, which may know more topics; nothing is loaded again. Raises HeadError."""
        return EmbeddedTopicClassifier(self.encoder, head, self.words, name=f"{self.name} + {name}")

    def classify(self, texts: Sequence[str]) -> FloatArray:
        """Probabilities `(n_texts, n_topics)`. Costs some 25 ms for each window of 256 tokens on two cores."""
        return self.probabilities(self.encoder.encode(texts), texts)

    def probabilities(self, vectors: FloatArray, texts: Sequence[str]) -> FloatArray:
        """As `classify`, of texts whose vectors (n_texts, n_dimensions) are known."""
        if self.words is None:
            return self.head.probabilities(vectors)
        return pair_probabilities(self.head, self.words, vectors, texts)


def load_classifier(folder: Path = EMBEDDED_FOLDER, options: EncoderOptions | None = None) -> TopicClassifier:
    """What `manage.py train_topics` wrote to `folder`: a head over the embedded encoder, or a fine-tuned network.

    A folder without words, as earlier versions wrote it, gives a classifier that asks the vectors alone. Takes about a
    second. Raises HeadError and EncoderError.
    """
    if not (folder / HEAD_NAME).is_file() and (folder / "config.json").is_file():
        try:
            return FineTunedTopicClassifier(folder, options)
        except CheckpointError as error:
            raise HeadError(str(error)) from error
    head = load_head(folder / HEAD_NAME)  # first: it is quick, and the likelier mistake
    words = load_words(folder / WORDS_NAME) if (folder / WORDS_NAME).is_file() else None
    encoder = embedded_encoder(options)
    label = "embedded" if folder == EMBEDDED_FOLDER else folder.name
    return EmbeddedTopicClassifier(encoder, head, words, name=f"{encoder.name} + {label}")
