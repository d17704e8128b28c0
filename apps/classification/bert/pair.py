"""What the words of a text say of its topic and what its vector says, as one answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from apps.classification.bert.encoder import FloatArray
from apps.classification.bert.familiarity import drawn
from apps.classification.bert.head import LinearHead, softmax
from apps.classification.bert.mixture import count_words
from apps.classification.bert.words import WordsError, WordsHead


def check_pair(head: LinearHead, words: WordsHead) -> None:
    """Raises WordsError where the two were not trained together. `head` may have been taught more labels since."""
    if words.facts.encoder_sha256 != head.facts.encoder_sha256 or not set(words.labels) <= set(head.labels):
        raise WordsError(
            f"The words know {', '.join(words.labels)}, and the head beside them {', '.join(head.labels)}, or they were"
            " trained over another encoder: train both again with `manage.py train_topics`."
        )


def pair_probabilities(head: LinearHead, words: WordsHead, vectors: FloatArray, texts: Sequence[str]) -> FloatArray:
    """`(n_texts, n_topics)` in the order of the labels of `head`, rows sum to 1; `vectors` are those of `texts`.

    The pair decides among the labels that `words` know. A label that `head` was taught beside them has the probability
    that `head` alone gives it, and the pair shares out what is left.
    """
    probabilities = head.probabilities(vectors)
    known = [head.labels.index(label) for label in words.labels]
    of_vectors = (vectors @ head.weights + head.bias)[:, known]
    sure = softmax(words.facts.mixture.logits([words.logits(texts), of_vectors], count_words(texts)))
    of_taught = np.delete(probabilities, known, axis=1).sum(axis=1, keepdims=True)
    probabilities[:, known] = (1 - of_taught) * drawn(sure, head.familiarity(vectors))
    return probabilities
