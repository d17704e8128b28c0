"""Trains the linear head and measures it on articles that it did not see.

Cost: less than a second a fold for 2,000 articles. The encoder stays frozen; its vectors come in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from apps.classification.bert import metrics
from apps.classification.bert.encoder import FloatArray
from apps.classification.bert.familiarity import drawn, ramp, statistics_of
from apps.classification.bert.head import HeadFacts, LinearHead, softmax

Targets = npt.NDArray[np.int64]
Logits = npt.NDArray[np.float64]

# Of held-out training texts, these shares lie below `strange_resemblance` and `familiar_resemblance`.
STRANGE_SHARE, UNFAMILIAR_SHARE = 0.01, 0.1
REPORTED_THRESHOLD = 0.5


class TrainingError(Exception):
    """The articles do not allow the training that was asked for. The message says what to do."""


@dataclass(frozen=True)
class TrainingOptions:
    """`l2` multiplies the squared weights in the mean loss; 1e-5 to 1e-3 differ by less than half a point."""

    n_folds: int = 5
    seed: int = 0
    l2: float = 1e-4
    max_iterations: int = 300
    language: str = "en"
    training_views: tuple[str, ...] = ("written", "title")


@dataclass(frozen=True)
class EncodedArticles:
    """Vectors `(n_articles, n_dimensions)` of each view of the same articles, and their topics `(n_articles,)`."""

    labels: tuple[str, ...]
    targets: Targets
    views: Mapping[str, FloatArray]
    encoder: str
    encoder_sha256: str
    pooling: str


@dataclass(frozen=True)
class FoldResult:
    """Of one fold: how many articles were held out, and the accuracy on each view of them."""

    fold: int
    n_held_out: int
    accuracy: dict[str, float]


@dataclass(frozen=True)
class ViewResult:
    """Of one view, over all held-out articles. `ece` as calibrated on the other folds, `ece_raw` before that."""

    accuracy: float
    accuracy_std: float  # over folds
    macro_f1: float
    ece: float
    ece_raw: float
    known: float  # share that reaches REPORTED_THRESHOLD
    known_accuracy: float  # accuracy among these
    confusion: list[list[int]]


@dataclass(frozen=True)
class CrossValidation:
    folds: tuple[FoldResult, ...]
    views: dict[str, ViewResult]


def stratified_folds(targets: Targets, n_folds: int, seed: int) -> Targets:
    """The fold of each article, `(n_articles,)`, every topic spread evenly.

    Raises TrainingError where a topic has fewer articles than there are folds.
    """
    counts = np.bincount(targets)
    if n_folds < 2 or counts.min() < n_folds:
        raise TrainingError(
            f"{n_folds} folds need 2 or more, and as many articles of each topic; the rarest has {counts.min()}."
            " Give --folds a smaller number or add articles."
        )
    folds = np.empty(len(targets), dtype=np.int64)
    random = np.random.default_rng(seed)
    for topic in range(len(counts)):
        members = random.permutation(np.flatnonzero(targets == topic))
        # Each topic begins at another fold, so that remainders do not all fall on the first.
        folds[members] = (np.arange(len(members)) + topic) % n_folds
    return folds


def fit_weights(
    embeddings: FloatArray, targets: Targets, n_topics: int, options: TrainingOptions
) -> tuple[FloatArray, FloatArray]:
    """Multinomial logistic regression by L-BFGS from zeros.

    Returns weights `(n_dimensions, n_topics)` and bias `(n_topics,)`.
    """
    inputs = torch.tensor(embeddings, dtype=torch.float64)
    wanted = torch.tensor(targets)
    weights = torch.zeros(inputs.shape[1], n_topics, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(n_topics, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [weights, bias], max_iter=options.max_iterations, tolerance_grad=1e-7, line_search_fn="strong_wolfe"
    )

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(inputs @ weights + bias, wanted) + options.l2 * weights.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return weights.detach().numpy().astype(np.float32), bias.detach().numpy().astype(np.float32)


def fit_temperature(logits: Logits, targets: Targets) -> float:
    """The divisor of held-out logits `(n, n_topics)` that makes their log-likelihood largest, by golden section."""

    def loss(log_temperature: float) -> float:
        return metrics.log_loss(softmax(logits / np.exp(log_temperature)), targets)

    low, high = np.log(0.05), np.log(20.0)
    ratio = (np.sqrt(5) - 1) / 2
    while high - low > 1e-4:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def train(articles: EncodedArticles, options: TrainingOptions) -> tuple[LinearHead, CrossValidation]:
    """The head over all articles, and its quality by cross-validation. Raises TrainingError.

    An article's views stay together in a fold. Temperature and familiarity are fitted on held-out articles: for the
    figures on those of the other folds, for the head on all.
    """
    folds = stratified_folds(articles.targets, options.n_folds, options.seed)
    logits = {name: np.zeros((len(folds), len(articles.labels))) for name in articles.views}
    resemblances = {name: np.zeros(len(folds)) for name in articles.views}
    for fold in range(options.n_folds):
        held_out = folds == fold
        weights, bias, means, covariance = fit(articles, ~held_out, options)
        statistics = statistics_of(means, covariance, n_of_each_topic(articles, ~held_out))
        for name, vectors in articles.views.items():
            logits[name][held_out] = vectors[held_out] @ weights + bias
            resemblances[name][held_out] = statistics.resemblance(vectors[held_out])

    facts_of_fold = [
        _calibrate(logits, resemblances, articles, folds != fold, options) for fold in range(options.n_folds)
    ]
    probabilities = {
        name: _probabilities(logits[name], resemblances[name], folds, facts_of_fold) for name in articles.views
    }
    raw = {name: softmax(rows) for name, rows in logits.items()}
    validation = summary(articles, folds, raw, probabilities)

    everything = np.ones(len(folds), dtype=bool)
    weights, bias, means, covariance = fit(articles, everything, options)
    temperature, strange, familiar = _calibrate(logits, resemblances, articles, everything, options)
    facts = HeadFacts(
        labels=articles.labels,
        counts=n_of_each_topic(articles, everything),
        language=options.language,
        encoder=articles.encoder,
        encoder_sha256=articles.encoder_sha256,
        pooling=articles.pooling,
        temperature=round(temperature, 6),
        strange_resemblance=round(strange, 4),
        familiar_resemblance=round(familiar, 4),
    )
    return LinearHead(facts, weights, bias, means, covariance.astype(np.float16)), validation


def fit(
    articles: EncodedArticles, chosen: npt.NDArray[np.bool_], options: TrainingOptions
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Weights, bias, topic means and shared covariance over the training views of the `chosen` articles."""
    vectors = np.concatenate([articles.views[name][chosen] for name in options.training_views])
    targets = np.tile(articles.targets[chosen], len(options.training_views))
    n_topics = len(articles.labels)
    weights, bias = fit_weights(vectors, targets, n_topics, options)
    means = np.stack([vectors[targets == topic].mean(axis=0) for topic in range(n_topics)])
    around = vectors - means[targets]
    covariance = around.T @ around / len(around)
    return weights, bias, means, covariance


def n_of_each_topic(articles: EncodedArticles, chosen: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(count) for count in np.bincount(articles.targets[chosen], minlength=len(articles.labels)))


def _calibrate(
    logits: Mapping[str, Logits],
    resemblances: Mapping[str, Logits],
    articles: EncodedArticles,
    chosen: npt.NDArray[np.bool_],
    options: TrainingOptions,
) -> tuple[float, float, float]:
    """Temperature, strange and familiar resemblance from the `chosen` held-out results of the training views."""
    names = options.training_views
    stacked = np.concatenate([logits[name][chosen] for name in names])
    temperature = fit_temperature(stacked, np.tile(articles.targets[chosen], len(names)))
    return temperature, *fit_familiarity([resemblances[name][chosen] for name in names])


def fit_familiarity(resemblances: Sequence[npt.NDArray[Any]]) -> tuple[float, float]:
    """Strange and familiar resemblance, from those of held-out articles in each training view `(n_articles,)`."""
    strange, familiar = np.quantile(np.concatenate(resemblances), [STRANGE_SHARE, UNFAMILIAR_SHARE])
    return float(strange), max(float(familiar), float(strange) + 1e-3)


def _probabilities(
    logits: Logits, resemblances: Logits, folds: Targets, facts_of_fold: Sequence[tuple[float, float, float]]
) -> FloatArray:
    """As `LinearHead.probabilities`, each article with what its fold's complement was calibrated to."""
    temperatures, strange, familiar = np.array(facts_of_fold)[folds].T  # (n_articles,) each
    return drawn(softmax(logits / temperatures[:, None]), ramp(resemblances, strange, familiar))


def summary(
    articles: EncodedArticles,
    folds: Targets,
    raw: Mapping[str, npt.NDArray[Any]],
    probabilities: Mapping[str, npt.NDArray[Any]],
) -> CrossValidation:
    """Of each view's probabilities `(n_articles, n_topics)`, and of those before calibration."""
    targets = articles.targets
    results = []
    for fold in range(int(folds.max()) + 1):
        members = folds == fold
        by_view = {name: metrics.accuracy(rows[members], targets[members]) for name, rows in probabilities.items()}
        results.append(FoldResult(fold, int(members.sum()), by_view))
    views = {}
    for name, rows in probabilities.items():
        known = rows.max(axis=1) >= REPORTED_THRESHOLD
        views[name] = ViewResult(
            accuracy=metrics.accuracy(rows, targets),
            accuracy_std=float(np.std([result.accuracy[name] for result in results], ddof=1)),
            macro_f1=metrics.macro_f1(rows, targets),
            ece=metrics.expected_calibration_error(rows, targets),
            ece_raw=metrics.expected_calibration_error(raw[name], targets),
            known=metrics.share_known(rows, REPORTED_THRESHOLD),
            known_accuracy=metrics.accuracy(rows[known], targets[known]) if known.any() else 0.0,
            confusion=metrics.confusion_matrix(rows, targets),
        )
    return CrossValidation(tuple(results), views)


def report(validation: CrossValidation, articles: EncodedArticles, options: TrainingOptions) -> dict[str, Any]:
    """What `metrics.json` holds."""
    return {
        "n_articles": len(articles.targets),
        "labels": list(articles.labels),
        "encoder": articles.encoder,
        "encoder_sha256": articles.encoder_sha256,
        "n_folds": options.n_folds,
        "seed": options.seed,
        "l2": options.l2,
        "training_views": list(options.training_views),
        "threshold": REPORTED_THRESHOLD,
        "views": {
            name: {key: round(value, 4) if isinstance(value, float) else value for key, value in vars(result).items()}
            for name, result in validation.views.items()
        },
        "folds": [
            {"fold": fold.fold, "n_held_out": fold.n_held_out}
            | {name: round(value, 4) for name, value in fold.accuracy.items()}
            for fold in validation.folds
        ],
    }
