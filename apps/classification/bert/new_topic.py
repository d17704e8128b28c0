"""A topic more from a handful of examples: the encoder and the rows of the known topics stay as they are.

A head is shipped without the articles that it was trained on, but with what they looked like to it: the mean vector of
each topic and the covariance within topics. Vectors drawn from these stand for the known topics while the row of the
new one is fitted, so that it learns where to stop (as the replay of Gaussian features in Yin et al., Dreaming to
Distill, 2020, and its few-shot relatives; the few examples borrow their covariance, as in Yang et al., Free Lunch for
Few-shot Learning, 2021, section 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from apps.classification.bert.encoder import FloatArray, unit_length
from apps.classification.bert.head import LinearHead

Examples = Mapping[str, FloatArray]  # label -> vectors (n_examples, n_dimensions) of unit length


class NewTopicError(Exception):
    """The topic cannot be learned. The message says what to do."""


@dataclass(frozen=True)
class NewTopicOptions:
    """`l2` multiplies the squared weights of the new row in the mean loss, as in `trainer.TrainingOptions`."""

    samples_per_topic: int = 300
    l2: float = 1e-4
    max_iterations: int = 100
    seed: int = 0


def learn_topics(head: LinearHead, examples: Examples, options: NewTopicOptions | None = None) -> LinearHead:
    """`learn_topic` for one label after the other: a later one also learns to stop at those before it."""
    for label, vectors in examples.items():
        head = learn_topic(head, label, vectors, options)
    return head


def learn_topic(
    head: LinearHead, label: str, examples: FloatArray, options: NewTopicOptions | None = None
) -> LinearHead:
    """`head` with one topic more, from `examples` (n_examples, n_dimensions) of unit length; its other rows unchanged.

    The same examples give the same head. Costs some 0.1 s. Raises NewTopicError where the label is known, or there is
    no example.
    """
    options = options or NewTopicOptions()
    if label in head.labels:
        raise NewTopicError(f"The classifier knows “{label}” already: choose another label.")
    if len(examples) == 0:
        raise NewTopicError(f"“{label}” has no examples: add some.")
    random = np.random.default_rng(options.seed)
    known = [draw(head, topic, options.samples_per_topic, random) for topic in range(len(head.labels))]
    new = _draw_around(examples, head, options.samples_per_topic, random)
    vectors = np.concatenate([*known, new])
    is_new = np.repeat([False, True], [len(vectors) - len(new), len(new)])
    weights, bias = _fit_row(vectors, is_new, vectors @ head.weights + head.bias, options)
    return replace(
        head,
        facts=replace(head.facts, labels=(*head.labels, label), counts=(*head.facts.counts, len(examples))),
        weights=np.column_stack([head.weights, weights]).astype(np.float32),
        bias=np.append(head.bias, bias).astype(np.float32),
        means=np.concatenate([head.means, examples.mean(axis=0, keepdims=True)]),
    )


def draw(head: LinearHead, topic: int, n_samples: int, random: np.random.Generator) -> FloatArray:
    """Vectors `(n_samples, n_dimensions)` of unit length as the texts of a topic (its column) have them."""
    return _gaussian(head.means[topic], _spread(head), n_samples, random)


def _draw_around(examples: FloatArray, head: LinearHead, n_samples: int, random: np.random.Generator) -> FloatArray:
    """As `draw`, of a topic whose mean is known from a few examples only, which widens it by their number."""
    widened = _spread(head) * np.sqrt(1 + 1 / len(examples))
    return _gaussian(examples.mean(axis=0), widened, n_samples, random)


def _gaussian(
    mean: npt.NDArray[Any], spread: npt.NDArray[np.float64], n_samples: int, random: np.random.Generator
) -> FloatArray:
    return unit_length(mean + random.standard_normal((n_samples, len(mean))) @ spread.T)


def _spread(head: LinearHead) -> npt.NDArray[np.float64]:
    """`(n_dimensions, n_dimensions)`, which makes vectors of the head's covariance from ones of the identity."""
    return _spread_of(head.covariance.tobytes(), len(head.covariance))


# Every draw of every learning asks for it, and of a head and all that learned from it the covariance is the same.
@lru_cache(maxsize=2)
def _spread_of(covariance: bytes, n_dimensions: int) -> npt.NDArray[np.float64]:
    matrix = np.frombuffer(covariance, dtype=np.float16).reshape(n_dimensions, n_dimensions)
    values, directions = np.linalg.eigh(matrix.astype(np.float64))
    spread: npt.NDArray[np.float64] = directions * np.sqrt(np.clip(values, 0.0, None))  # few bits: may dip below zero
    return spread


def _fit_row(
    vectors: FloatArray, is_new: npt.NDArray[np.bool_], known_logits: FloatArray, options: NewTopicOptions
) -> tuple[npt.NDArray[np.float64], float]:
    """Weights `(n_dimensions,)` and bias of the new row, by L-BFGS from zeros.

    With the other logits fixed, the softmax's cross-entropy is that of a logistic regression whose offset is the
    log-sum-exp of `known_logits` (n, n_topics). Known and new vectors weigh the same, whatever their numbers.
    """
    inputs = torch.tensor(vectors, dtype=torch.float64)
    offsets = torch.logsumexp(torch.tensor(known_logits, dtype=torch.float64), dim=1)
    signs = torch.tensor(np.where(is_new, -1.0, 1.0))
    weights = torch.zeros(inputs.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights, bias], max_iter=options.max_iterations, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        losses = torch.nn.functional.softplus(signs * (inputs @ weights + bias - offsets))
        loss = losses.mean() + options.l2 * weights.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return weights.detach().numpy(), bias.item()
