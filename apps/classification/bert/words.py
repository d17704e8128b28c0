"""What the words of a text say of its topic, beside what its vector says.

A linear support vector machine over words and pairs of neighbours, weighed by TF-IDF (Joachims, Text Categorization
with Support Vector Machines, 1998). On whole articles it is better than the vector; on titles the vector is better, and
so both are asked (`pair.py`). Trained by `words_training.py`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize

from apps.classification.bert.encoder import MAX_CHARACTERS, FloatArray
from apps.classification.bert.head import HeadError
from apps.classification.bert.mixture import Mixture

FORMAT = "videoportal-topic-words-1"
WORDS_NAME = "words.safetensors"
TENSORS = ("terms", "idf", "weights", "bias")


class WordsError(HeadError):
    """The weights of words cannot be read, or do not belong to their head. The message says what to do."""


@dataclass(frozen=True)
class WordsFacts:
    """What must be known beside the numbers. Kept in the file's metadata."""

    labels: tuple[str, ...]  # in the order of the columns
    encoder_sha256: str  # of the encoder whose vectors the mixture was fitted with
    c: float  # of the support vector machine: what an error costs
    mixture: Mixture  # of the logits of words and vectors, in this order


@dataclass(frozen=True)
class WordsHead:
    """`idf` (n_terms,) and `weights` (n_terms, n_topics), kept as float16; `bias` (n_topics,).

    `terms` are words, and pairs of words with a space between, in lower case.
    """

    facts: WordsFacts
    terms: tuple[str, ...]
    idf: npt.NDArray[np.float16]
    weights: npt.NDArray[np.float16]
    bias: FloatArray

    @property
    def labels(self) -> tuple[str, ...]:
        return self.facts.labels

    def logits(self, texts: Sequence[str]) -> FloatArray:
        """`(n_texts, n_topics)`: distances from the planes between topics. Costs some 30 ms for 10,000 words."""
        if not texts:
            return np.zeros((0, len(self.labels)), dtype=np.float32)
        counts = self._counter.transform([text[:MAX_CHARACTERS] for text in texts])
        weights, idf = self._exact
        decided: FloatArray = np.asarray(weigh(counts, idf) @ weights + self.bias, dtype=np.float32)
        return decided

    @cached_property
    def _counter(self) -> Any:
        return counter_of_terms(vocabulary=self.terms)

    @cached_property
    def _exact(self) -> tuple[FloatArray, FloatArray]:
        return self.weights.astype(np.float32), self.idf.astype(np.float32)

    def save(self, path: Path) -> None:
        # One entry of metadata, as in `LinearHead.save`.
        facts = json.dumps({"format": FORMAT, **asdict(self.facts)}, sort_keys=True)
        tensors = {
            "terms": np.frombuffer("\n".join(self.terms).encode(), dtype=np.uint8),
            "idf": self.idf,
            "weights": self.weights,
            "bias": self.bias,
        }
        path.write_bytes(save({name: np.ascontiguousarray(array) for name, array in tensors.items()}, {"words": facts}))


def counter_of_terms(**options: Any) -> Any:
    """Counts words and pairs of neighbours as scikit-learn's CountVectorizer, numbers and single letters included."""
    return CountVectorizer(token_pattern=r"(?u)\w+", ngram_range=(1, 2), dtype=np.float32, **options)  # noqa: S106


def weigh(counts: Any, idf: FloatArray) -> Any:
    """TF-IDF of sparse counts `(n_texts, n_terms)`: 1 + log of the count, times idf, rows of unit length."""
    weighed = counts.tocsr(copy=True)
    weighed.data = (1 + np.log(weighed.data)) * idf[weighed.indices]
    return normalize(weighed, copy=False)


def load_words(path: Path) -> WordsHead:
    """Raises WordsError where `path` is missing, damaged or not what `WordsHead.save` wrote."""
    again = "write it again with `manage.py train_topics`."
    try:
        with safe_open(path, framework="numpy") as file:
            metadata: dict[str, str] = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dictionary)
    except (SafetensorError, OSError) as error:
        raise WordsError(f"{path} is missing or damaged ({error}): {again}") from error
    try:
        facts: dict[str, Any] = json.loads(metadata.get("words", "{}"))
        if facts.pop("format", None) != FORMAT:
            raise WordsError(f"{path} holds no words of topics of this portal: {again}")
        facts["labels"] = tuple(facts["labels"])
        facts["mixture"] = Mixture(tuple((usual, each) for usual, each in facts["mixture"]["weights"]))
        terms, idf, weights, bias = (tensors[name] for name in TENSORS)
        words = WordsHead(WordsFacts(**facts), tuple(terms.tobytes().decode().split("\n")), idf, weights, bias)
    except (KeyError, TypeError, ValueError) as error:
        raise WordsError(f"{path} is incomplete ({error}): {again}") from error
    shapes = (words.idf.shape, words.weights.shape, words.bias.shape, len(words.facts.mixture.weights))
    n_terms, n_topics = len(words.terms), len(words.labels)
    if shapes != ((n_terms,), (n_terms, n_topics), (n_topics,), 2):
        raise WordsError(f"{path} has tensors that do not fit together: {again}")
    return words
