"""The linear layer over an encoder's vectors: topic probabilities, and how familiar a text is.

A softmax over the trained topics is sure of a cookery lesson too: it must choose among what it knows. So the head keeps
the mean vector of each topic's articles, and a text that resembles none of them is answered with probabilities drawn
towards equal ones (`familiarity.py`).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from apps.classification.bert.encoder import FloatArray
from apps.classification.bert.familiarity import TopicStatistics, drawn, ramp, statistics_of
from apps.classification.bert.head_header import FORMAT, read_header

TENSORS = ("weights", "bias", "means", "covariance")


class HeadError(Exception):
    """A head cannot be read, or does not belong to its encoder. The message says what to do."""


@dataclass(frozen=True)
class HeadFacts:
    """What must be known beside the numbers. Kept in the file's metadata."""

    labels: tuple[str, ...]  # in the order of the columns
    counts: tuple[int, ...]  # articles that the head learned from, of each label
    language: str  # of the articles, as an ISO 639-1 code
    encoder: str
    encoder_sha256: str  # of the encoder's weights: over other vectors the numbers mean nothing
    pooling: str
    temperature: float  # logits are divided by it (Guo et al., On Calibration of Modern Neural Networks, 2017)
    strange_resemblance: float  # up to here a text counts as not familiar at all, see `familiarity.py`
    familiar_resemblance: float  # from here on it counts as fully familiar


@dataclass(frozen=True)
class LinearHead:
    """`weights` (n_dimensions, n_topics), `bias` (n_topics,), `means` (n_topics, n_dimensions).

    `covariance` (n_dimensions, n_dimensions) is that of the vectors of a topic around their mean, shared by the topics
    and kept as float16. With means and `facts.counts` it stands for the articles where they are not at hand.
    """

    facts: HeadFacts
    weights: FloatArray
    bias: FloatArray
    means: FloatArray
    covariance: npt.NDArray[np.float16]

    @property
    def labels(self) -> tuple[str, ...]:
        return self.facts.labels

    def probabilities(self, embeddings: FloatArray) -> FloatArray:
        """`(n_texts, n_topics)`, rows sum to 1, of embeddings `(n_texts, n_dimensions)` of unit length."""
        sure = softmax((embeddings @ self.weights + self.bias) / self.facts.temperature)
        return drawn(sure, self.familiarity(embeddings))

    def likeliest(self, embeddings: FloatArray) -> npt.NDArray[np.str_]:
        """The label `(n_texts,)` of each of embeddings `(n_texts, n_dimensions)`."""
        chosen: npt.NDArray[np.str_] = np.array(self.labels)[self.probabilities(embeddings).argmax(axis=1)]
        return chosen

    def familiarity(self, embeddings: FloatArray) -> FloatArray:
        """`(n_texts,)` in (0, 1]: near 0 up to `strange_resemblance`, 1 from `familiar_resemblance` on."""
        resemblance = self.statistics.resemblance(embeddings)
        return ramp(resemblance, self.facts.strange_resemblance, self.facts.familiar_resemblance)

    @cached_property
    def statistics(self) -> TopicStatistics:
        return statistics_of(self.means, self.covariance, self.facts.counts)

    def save(self, path: Path) -> None:
        path.write_bytes(self.to_bytes())

    def to_bytes(self) -> bytes:
        """What `head_from_bytes` reads. The same head gives the same bytes."""
        # One entry: safetensors does not keep the order of several, and the same training shall write the same bytes.
        facts = json.dumps({"format": FORMAT, **asdict(self.facts)}, sort_keys=True)
        tensors = {name: np.ascontiguousarray(getattr(self, name)) for name in TENSORS}
        content: bytes = save(tensors, {"head": facts})
        return content


def load_head(path: Path) -> LinearHead:
    """Raises HeadError where `path` is missing, damaged or no head of ours."""
    again = "write it again with `manage.py train_topics`."
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise HeadError(f"{path} is missing: {again}") from error
    except OSError as error:
        raise HeadError(f"{path} cannot be read ({error}): {again}") from error
    return head_from_bytes(content, name=str(path), cure=again)


def head_from_bytes(content: bytes, *, name: str, cure: str) -> LinearHead:
    """What `LinearHead.to_bytes` gave. Raises HeadError, which calls it by `name` and ends with `cure`."""
    try:
        tensors = load(content)
    except SafetensorError as error:
        raise HeadError(f"{name} is damaged ({error}): {cure}") from error
    try:
        facts = read_header(content)
    except ValueError as error:
        raise HeadError(f"{name} is no topic head of this portal: {cure}") from error
    try:
        facts["labels"], facts["counts"] = tuple(facts["labels"]), tuple(facts["counts"])
        head = LinearHead(HeadFacts(**facts), **{name: tensors[name] for name in TENSORS})
    except (KeyError, TypeError) as error:
        raise HeadError(f"{name} is incomplete ({error}): {cure}") from error
    n_topics, n_dimensions = head.means.shape
    shapes = (head.weights.shape, head.bias.shape, head.covariance.shape)
    fitting = ((n_dimensions, n_topics), (n_topics,), (n_dimensions, n_dimensions))
    if shapes != fitting or not len(head.labels) == len(head.facts.counts) == n_topics:
        raise HeadError(f"{name} has tensors that do not fit together: {cure}")
    return head


def softmax(logits: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Over the last axis of `(n_texts, n_topics)`."""
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: npt.NDArray[Any] = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return shares
