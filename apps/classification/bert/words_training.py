"""Trains what the words say (`words.py`) on counts of terms. Takes a second for 2,000 articles in four views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import vstack
from sklearn.svm import LinearSVC

from apps.classification.bert.encoder import FloatArray
from apps.classification.bert.trainer import TrainingError
from apps.classification.bert.words import counter_of_terms, weigh

Mask = npt.NDArray[np.bool_]

# A term that a single article has teaches nothing, and pairs of them would give its text away.
LEAST_ARTICLES = 2
WHOLE_VIEW = "written"  # an article counts once for a term, whatever its views
NOTHING_IN_COMMON = f"No word stands in {LEAST_ARTICLES} of the articles to learn from: add articles."


@dataclass(frozen=True)
class CountedTerms:
    """How often each of `terms` stands in each view of the same articles: sparse `(n_articles, n_terms)`."""

    terms: npt.NDArray[np.object_]
    views: Mapping[str, Any]


@dataclass(frozen=True)
class FittedWords:
    """`columns` (n_kept,) of the terms that were kept, `idf`, `weights` (n_kept, n_topics), `bias` (n_topics,)."""

    columns: npt.NDArray[np.int64]
    idf: FloatArray
    weights: FloatArray
    bias: FloatArray

    def logits(self, counts: Any) -> FloatArray:
        """`(n_texts, n_topics)` of counts `(n_texts, n_terms)` of all terms."""
        decided: FloatArray = np.asarray(weigh(counts[:, self.columns], self.idf) @ self.weights + self.bias)
        return decided


def count_terms(texts: Mapping[str, Sequence[str]]) -> CountedTerms:
    """Of views of the same articles, WHOLE_VIEW among them. Raises TrainingError where no two have a word in common."""
    counter = counter_of_terms(min_df=LEAST_ARTICLES)
    try:
        counter.fit(texts[WHOLE_VIEW])
    except ValueError as error:
        raise TrainingError(NOTHING_IN_COMMON) from error
    views = {name: counter.transform(view).tocsr() for name, view in texts.items()}
    return CountedTerms(counter.get_feature_names_out(), views)


def fit_words(counts: CountedTerms, targets: npt.NDArray[np.int64], chosen: Mask, c: float) -> FittedWords:
    """One plane a topic against the others, from all views of the `chosen` articles. The same for the same articles.

    Raises TrainingError where no two of them have a word in common.
    """
    whole = counts.views[WHOLE_VIEW][chosen]
    n_articles = np.asarray((whole > 0).sum(axis=0)).ravel()
    columns = np.flatnonzero(n_articles >= LEAST_ARTICLES)
    if not len(columns):
        raise TrainingError(NOTHING_IN_COMMON)
    idf = (np.log((1 + whole.shape[0]) / (1 + n_articles[columns])) + 1).astype(np.float32)
    inputs = weigh(vstack([view[chosen][:, columns] for view in counts.views.values()]), idf)
    machine = LinearSVC(C=c, random_state=0).fit(inputs, np.tile(targets[chosen], len(counts.views)))
    weights, bias = machine.coef_, machine.intercept_
    if len(weights) == 1:  # of two topics it keeps the plane of the second only
        weights, bias = np.concatenate([-weights, weights]), np.concatenate([-bias, bias])
    return FittedWords(columns, idf, weights.T.astype(np.float32), bias.astype(np.float32))
