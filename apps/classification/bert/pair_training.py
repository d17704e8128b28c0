"""Trains the pair of `pair.py`, and measures it on articles that nothing of it has seen.

The cost of an error to the words' machine, the mixture of words and vectors with its temperature, and what counts as
familiar are chosen on articles that were held out *within* the training articles. So the figures of a fold come from
articles that none of these choices knew. Costs some two minutes for 2,000 articles and five folds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from apps.classification.bert.familiarity import drawn, ramp, statistics_of
from apps.classification.bert.head import LinearHead, softmax
from apps.classification.bert.metrics import log_loss
from apps.classification.bert.mixture import Mixture, count_words, fit_mixture
from apps.classification.bert.trainer import (
    CrossValidation,
    EncodedArticles,
    Logits,
    Targets,
    TrainingError,
    TrainingOptions,
    fit,
    fit_familiarity,
    n_of_each_topic,
    stratified_folds,
    summary,
    train,
)
from apps.classification.bert.words import WordsFacts, WordsHead
from apps.classification.bert.words_training import CountedTerms, Mask, count_terms, fit_words

COSTS = (0.3, 1.0, 3.0)  # of an error, from which one is chosen
NOT_ASKED = -1  # the fold of an article that is neither learned from nor asked about


@dataclass(frozen=True)
class Material:
    """The same articles as vectors, as terms, and the number of words of each view `(n_articles,)`."""

    articles: EncodedArticles
    counts: CountedTerms
    n_words: Mapping[str, Targets]

    @property
    def views(self) -> tuple[str, ...]:
        return tuple(self.articles.views)

    def lengths(self, chosen: Mask) -> Targets:
        """Of all views of the `chosen` articles, one view after the other."""
        return np.concatenate([self.n_words[view][chosen] for view in self.views])

    def targets(self, chosen: Mask) -> Targets:
        return np.tile(self.articles.targets[chosen], len(self.views))


@dataclass(frozen=True)
class Answers:
    """Of each view, a row an article: logits of words and of vectors `(n_articles, n_topics)`, and resemblance."""

    words: dict[str, Logits]
    vectors: dict[str, Logits]
    resemblance: dict[str, npt.NDArray[np.float64]]

    def parts(self, chosen: Mask) -> list[Logits]:
        """Words and vectors of all views of the `chosen` articles, one view after the other."""
        return [np.concatenate([rows[chosen] for rows in part.values()]) for part in (self.words, self.vectors)]


@dataclass(frozen=True)
class Choices:
    """What was chosen for a training: the cost of an error, the mixture, strange and familiar resemblance."""

    c: float
    mixture: Mixture
    strange: float
    familiar: float


def train_pair(
    articles: EncodedArticles, texts: Mapping[str, Sequence[str]], options: TrainingOptions
) -> tuple[LinearHead, WordsHead, CrossValidation]:
    """Head and words over all articles, and the quality of the pair by cross-validation. Raises TrainingError.

    `texts` are the views whose vectors `articles` holds.
    """
    material = material_of(articles, texts)
    validation = validate_pair(material, options)
    return *fit_pair(material, options), validation


def fit_pair(material: Material, options: TrainingOptions) -> tuple[LinearHead, WordsHead]:
    """Over all articles; the head is that of `trainer.train`. Raises TrainingError."""
    articles = material.articles
    head, _ = train(articles, options)
    everything = np.ones(len(articles.targets), dtype=bool)
    chosen = choose(material, everything, options)
    fitted = fit_words(material.counts, articles.targets, everything, chosen.c)
    words = WordsHead(
        WordsFacts(articles.labels, articles.encoder_sha256, chosen.c, chosen.mixture),
        terms=tuple(str(term) for term in material.counts.terms[fitted.columns]),
        idf=fitted.idf.astype(np.float16),
        weights=fitted.weights.astype(np.float16),
        bias=fitted.bias,
    )
    return head, words


def check_folds(targets: Targets, options: TrainingOptions) -> None:
    """Raises TrainingError where there are too few articles for the folds, and for others within them."""
    stratified_folds(targets, options.n_folds, options.seed)
    rarest = int(np.bincount(targets).min())
    left = rarest - -(-rarest // options.n_folds)
    if left < 2:
        raise TrainingError(
            f"The rarest topic has {rarest} articles, and {options.n_folds} folds leave {left} of them to learn from;"
            " 2 are needed to choose how words and vectors are mixed. Give --folds a larger number or add articles."
        )


def material_of(articles: EncodedArticles, texts: Mapping[str, Sequence[str]]) -> Material:
    return Material(articles, count_terms(texts), {view: count_words(texts[view]) for view in articles.views})


def validate_pair(material: Material, options: TrainingOptions) -> CrossValidation:
    """Each fold is asked of a pair that was trained, mixed and calibrated on the others. Raises TrainingError."""
    articles = material.articles
    folds = stratified_folds(articles.targets, options.n_folds, options.seed)
    raw = {view: np.zeros((len(folds), len(articles.labels))) for view in material.views}
    probabilities = {view: np.zeros_like(rows) for view, rows in raw.items()}
    for fold in range(options.n_folds):
        asked = folds == fold
        chosen = choose(material, ~asked, options)
        answers = empty_answers(material)
        learn_and_ask(material, ~asked, asked, {chosen.c: answers}, options)
        for view in material.views:
            parts = [answers.words[view][asked], answers.vectors[view][asked]]
            raw[view][asked] = softmax(parts[0] + parts[1])
            sure = softmax(chosen.mixture.logits(parts, material.n_words[view][asked]))
            familiarity = ramp(answers.resemblance[view][asked], chosen.strange, chosen.familiar)
            probabilities[view][asked] = drawn(sure, familiarity)
    return summary(articles, folds, raw, probabilities)


def choose(material: Material, inside: Mask, options: TrainingOptions) -> Choices:
    """By the articles `inside`, each asked of a training on others of them. Raises TrainingError."""
    answers = answers_within(material, inside, COSTS, options)
    lengths, targets = material.lengths(inside), material.targets(inside)
    mixtures = {c: fit_mixture(found.parts(inside), lengths, targets) for c, found in answers.items()}
    losses = {
        c: log_loss(softmax(mixture.logits(answers[c].parts(inside), lengths)), targets)
        for c, mixture in mixtures.items()
    }
    best = min(losses, key=losses.__getitem__)
    resemblance = answers[best].resemblance
    strange, familiar = fit_familiarity([resemblance[view][inside] for view in options.training_views])
    return Choices(best, mixtures[best], strange, familiar)


def answers_within(
    material: Material, inside: Mask, costs: Sequence[float], options: TrainingOptions
) -> dict[float, Answers]:
    """For each of `costs`, the articles `inside`, each asked of a training on other folds of them."""
    targets = material.articles.targets
    # A rare topic may have fewer articles here than there are folds: a few less will do then.
    n_folds = min(options.n_folds, int(np.bincount(targets[inside]).min()))
    folds = np.full(len(targets), NOT_ASKED)
    folds[inside] = stratified_folds(targets[inside], n_folds, options.seed)
    answers = {c: empty_answers(material) for c in costs}
    for fold in range(n_folds):
        learn_and_ask(material, inside & (folds != fold), folds == fold, answers, options)
    return answers


def empty_answers(material: Material) -> Answers:
    n_articles, n_topics = len(material.articles.targets), len(material.articles.labels)
    return Answers(
        words={view: np.zeros((n_articles, n_topics)) for view in material.views},
        vectors={view: np.zeros((n_articles, n_topics)) for view in material.views},
        resemblance={view: np.zeros(n_articles) for view in material.views},
    )


def learn_and_ask(
    material: Material, learned: Mask, asked: Mask, answers: Mapping[float, Answers], options: TrainingOptions
) -> None:
    """Trains on the articles `learned`, once for each cost, and writes the rows of those `asked` into its answers."""
    articles = material.articles
    weights, bias, means, covariance = fit(articles, learned, options)
    statistics = statistics_of(means, covariance, n_of_each_topic(articles, learned))
    vectors = {view: rows[asked] for view, rows in articles.views.items()}
    of_vectors = {view: rows @ weights + bias for view, rows in vectors.items()}
    resemblance = {view: statistics.resemblance(rows) for view, rows in vectors.items()}
    for c, into in answers.items():
        words = fit_words(material.counts, articles.targets, learned, c)
        for view in material.views:
            into.words[view][asked] = words.logits(material.counts.views[view][asked])
            into.vectors[view][asked] = of_vectors[view]
            into.resemblance[view][asked] = resemblance[view]
