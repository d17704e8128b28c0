"""Logits of several classifiers added up, each weighed by how long the text is.

Weights and temperature are the same numbers: a temperature (Guo et al., On Calibration of Modern Neural Networks, 2017)
is the weight of a single part, and here it depends on the number of words. A title has few words to go by, so that its
vector must count for more than in an article, and both for less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

Logits = npt.NDArray[Any]

USUAL_WORDS = 60  # the weight of a text of this length is the first number of each part
# Between these lengths the weights were fitted: titles and articles. Beyond them they are level.
LEAST_WORDS, MOST_WORDS = 4, 1000
L2 = 1e-4  # of the squared weights in the mean loss: parts that are never wrong would else have infinite ones
MAX_ITERATIONS = 200


@dataclass(frozen=True)
class Mixture:
    """`weights`: of each part, its weight in a text of USUAL_WORDS, and what e times as many words add to it."""

    weights: tuple[tuple[float, float], ...]

    def logits(self, parts: Sequence[Logits], n_words: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """`(n_texts, n_topics)` of as many for each part, and the texts' lengths `(n_texts,)`."""
        length = relative_length(n_words)
        total = np.zeros(parts[0].shape)
        for part, (usual, by_length) in zip(parts, self.weights, strict=True):
            total += (usual + by_length * length)[:, None] * part
        return total


def relative_length(n_words: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """0 at USUAL_WORDS, 1 at e times as many."""
    length: npt.NDArray[np.float64] = np.log(np.clip(n_words, LEAST_WORDS, MOST_WORDS) / USUAL_WORDS)
    return length


def count_words(texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """The number of words of each text, `(n_texts,)`."""
    return np.array([len(text.split()) for text in texts], dtype=np.int64)


def fit_mixture(
    parts: Sequence[Logits],
    n_words: npt.NDArray[np.int64],
    targets: npt.NDArray[np.int64],
    *,
    by_length: bool = True,
) -> Mixture:
    """The weights that make the log-likelihood of held-out texts largest, by L-BFGS.

    `parts` are logits `(n_texts, n_topics)`. Without `by_length`, the weights are the same for every length.
    """
    inputs = torch.tensor(np.stack(parts), dtype=torch.float64)  # (P, N, K)
    length = torch.tensor(relative_length(n_words) if by_length else np.zeros(len(n_words)))
    wanted = torch.tensor(targets)
    weights = torch.ones(len(parts), 2, dtype=torch.float64)
    weights[:, 1] = 0.0
    weights.requires_grad_(True)
    optimiser = torch.optim.LBFGS([weights], max_iter=MAX_ITERATIONS, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        weighed = weights[:, :1] + weights[:, 1:] * length  # (P, N)
        logits = (weighed.unsqueeze(-1) * inputs).sum(dim=0)
        loss = torch.nn.functional.cross_entropy(logits, wanted) + L2 * weights.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return Mixture(tuple((round(usual, 6), round(each, 6)) for usual, each in weights.detach().tolist()))
