"""Ways to calibrate the pair, for `benchmarks.topic_baselines`: by temperature, and by Kull's Dirichlet calibration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from apps.classification.bert.head import softmax
from apps.classification.bert.metrics import Array, log_loss
from apps.classification.bert.mixture import fit_mixture
from apps.classification.bert.trainer import stratified_folds

STRENGTHS = (0.01, 0.1, 1.0, 10.0)  # of the regularisation, from which one is chosen
N_FOLDS = 5
MAX_ITERATIONS = 200


@dataclass(frozen=True)
class Held:
    """Logits of words and of vectors `(n_texts, n_topics)` each, and the texts' numbers of words `(n_texts,)`."""

    parts: Sequence[Array]
    n_words: Array


Answer = Callable[[Held], Array]  # probabilities (n_texts, n_topics)
Method = Callable[[Held, Array], Answer]  # fitted to held-out texts and their topics


def uncalibrated(_held: Held, _targets: Array) -> Answer:
    return lambda asked: softmax(np.sum(asked.parts, axis=0))


def by_weights(held: Held, targets: Array) -> Answer:
    """A weight for each of the two, which is a mixture and a temperature."""
    mixture = fit_mixture(held.parts, held.n_words, targets, by_length=False)
    return lambda asked: softmax(mixture.logits(asked.parts, asked.n_words))


def by_weights_and_length(held: Held, targets: Array) -> Answer:
    """The same, depending on the number of words: what the portal does."""
    mixture = fit_mixture(held.parts, held.n_words, targets)
    return lambda asked: softmax(mixture.logits(asked.parts, asked.n_words))


def dirichlet_after(first: Method) -> Method:
    """Kull et al., Beyond Temperature Scaling (2019): a linear map of log-probabilities, here those of `first`.

    With its off-diagonal and intercept regularisation, whose strength is chosen by folds of the held-out texts.
    """

    def fit(held: Held, targets: Array) -> Answer:
        before = first(held, targets)
        inputs = np.log(before(held) + 1e-12)
        folds = stratified_folds(targets, N_FOLDS, seed=0)

        def loss(strength: float) -> float:
            found = np.zeros_like(inputs)
            for fold in range(N_FOLDS):
                weights, bias = _fit_dirichlet(inputs[folds != fold], targets[folds != fold], strength)
                found[folds == fold] = softmax(inputs[folds == fold] @ weights.T + bias)
            return log_loss(found, targets)

        weights, bias = _fit_dirichlet(inputs, targets, min(STRENGTHS, key=loss))
        return lambda asked: softmax(np.log(before(asked) + 1e-12) @ weights.T + bias)

    return fit


def _fit_dirichlet(inputs: Array, targets: Array, strength: float) -> tuple[Array, Array]:
    """Weights `(n_topics, n_topics)` and bias `(n_topics,)`, from the identity (section 4.3, ODIR)."""
    logs, wanted = torch.tensor(inputs, dtype=torch.float64), torch.tensor(targets)
    size = inputs.shape[1]
    weights = torch.eye(size, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(size, dtype=torch.float64, requires_grad=True)
    beside = 1 - torch.eye(size, dtype=torch.float64)
    optimiser = torch.optim.LBFGS([weights, bias], max_iter=MAX_ITERATIONS, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(logs @ weights.T + bias, wanted)
        loss = loss + strength * ((weights * beside).square().sum() / (size * (size - 1)) + bias.square().mean())
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return weights.detach().numpy(), bias.detach().numpy()


METHODS: dict[str, Method] = {
    "none": uncalibrated,
    "weights": by_weights,
    "weights by length": by_weights_and_length,
    "Dirichlet after weights": dirichlet_after(by_weights),
    "Dirichlet after weights by length": dirichlet_after(by_weights_and_length),
}
