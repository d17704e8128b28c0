"""Is a head that learned topics from examples fit to take the place of the one before it?

Nothing here needs the articles: known topics are judged on vectors drawn from their statistics, new ones on their
examples, each by a head that has not seen it, and both on what moderators corrected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from apps.classification.bert.encoder import FloatArray
from apps.classification.bert.head import LinearHead
from apps.classification.bert.new_topic import Examples, NewTopicOptions, draw, learn_topic, learn_topics

SAMPLES_PER_TOPIC = 1_000  # two standard errors of a share of 0.95 are 0.014
_SEED_OFFSET = 1_000_003  # drawn apart from what the rows were fitted to


@dataclass(frozen=True)
class Limits:
    """What a new head must keep to. Losses and recalls are shares in [0, 1]."""

    min_examples: int = 5
    found_probability: float = 0.5  # from which an example counts as found
    filed_probability: float = 0.8  # from which a text is filed by itself
    min_example_recall: float = 0.4
    max_known_share: float = 0.5
    max_accuracy_loss: float = 0.01


@dataclass(frozen=True)
class NewTopicResult:
    """`recall`: share of the examples that a head which learned without them files under the topic.

    `known_share`: the largest that the head before takes for sure for one of its topics, which is `known_label`.
    """

    label: str
    n_examples: int
    recall: float
    known_label: str
    known_share: float


@dataclass(frozen=True)
class KnownTopicResult:
    """On drawn vectors: the share that is filed right, and the share that the new topics take."""

    label: str
    before: float
    after: float
    moved: float


@dataclass(frozen=True)
class CorrectionsResult:
    """The share of corrected texts of which the likeliest label is the moderators'; zeros where `n_texts` is 0."""

    n_texts: int = 0
    before: float = 0.0
    after: float = 0.0


def judge_corrections(wanted: Sequence[str], before: Sequence[str], after: Sequence[str]) -> CorrectionsResult:
    """From the labels `(n_texts,)` that moderators gave, and those that were the likeliest before and after."""
    if not len(wanted):
        return CorrectionsResult()
    shares = (float(np.mean(np.array(labels) == np.array(wanted))) for labels in (before, after))
    return CorrectionsResult(len(wanted), *shares)


@dataclass(frozen=True)
class HeadEvaluation:
    """`reasons` say, in sentences for people, what keeps the head from going live; none: nothing does."""

    new: tuple[NewTopicResult, ...]
    known: tuple[KnownTopicResult, ...]
    corrections: CorrectionsResult
    reasons: tuple[str, ...]

    @property
    def has_passed(self) -> bool:
        return not self.reasons


def evaluate_head(
    old: LinearHead,
    examples: Examples,
    corrections: CorrectionsResult,
    limits: Limits,
    options: NewTopicOptions | None = None,
    *,
    names: Mapping[str, str] | None = None,
) -> HeadEvaluation:
    """Judges `learn_topics(old, examples, options)` against `limits`. Costs one learning, some 0.1 s, an example.

    `names`: what people call the topics, by label, in the reasons; a label without one is called by itself.
    """
    options = options or NewTopicOptions()
    new = learn_topics(old, examples, options)
    results = tuple(
        NewTopicResult(
            label,
            len(vectors),
            _recall_without_each(old, examples, label, limits.found_probability, options),
            *_known_share(old, vectors, limits.filed_probability),
        )
        for label, vectors in examples.items()
    )
    known = _known_topics(old, new, options)
    return HeadEvaluation(
        results, known, corrections, tuple(_reasons(results, known, corrections, limits, names or {}))
    )


def _recall_without_each(
    old: LinearHead, examples: Examples, label: str, found_probability: float, options: NewTopicOptions
) -> float:
    """Leave-one-out: each example is classified by a head that learned from the others. 0 for a single example."""
    vectors = examples[label]
    if len(vectors) < 2:
        return 0.0
    others = {other: rows for other, rows in examples.items() if other != label}
    without = learn_topics(old, others, options)
    found = 0
    for index in range(len(vectors)):
        head = learn_topic(without, label, np.delete(vectors, index, axis=0), options)
        found += int(head.probabilities(vectors[index : index + 1])[0, -1] >= found_probability)
    return found / len(vectors)


def _known_share(old: LinearHead, vectors: FloatArray, filed_probability: float) -> tuple[str, float]:
    shares = (old.probabilities(vectors) >= filed_probability).mean(axis=0)
    return old.labels[int(shares.argmax())], float(shares.max())


def _known_topics(old: LinearHead, new: LinearHead, options: NewTopicOptions) -> tuple[KnownTopicResult, ...]:
    random = np.random.default_rng(options.seed + _SEED_OFFSET)
    results = []
    for topic, label in enumerate(old.labels):
        vectors = draw(old, topic, SAMPLES_PER_TOPIC, random)
        after = new.likeliest(vectors)
        moved = np.isin(after, new.labels[len(old.labels) :])
        results.append(
            KnownTopicResult(
                label,
                before=float(np.mean(old.likeliest(vectors) == label)),
                after=float(np.mean(after == label)),
                moved=float(np.mean(moved)),
            )
        )
    return tuple(results)


def _reasons(
    new: Sequence[NewTopicResult],
    known: Sequence[KnownTopicResult],
    corrections: CorrectionsResult,
    limits: Limits,
    names: Mapping[str, str],
) -> list[str]:
    reasons = []
    for topic in new:
        name, known_name = (names.get(label, label) for label in (topic.label, topic.known_label))
        if topic.n_examples < limits.min_examples:
            reasons.append(f"“{name}” has {topic.n_examples} examples, fewer than {limits.min_examples}: add some.")
        if topic.recall < limits.min_example_recall:
            reasons.append(
                f"Of the examples of “{name}”, {topic.recall:.0%} are found by what the others teach, fewer than"
                f" {limits.min_example_recall:.0%}: add examples, and choose ones that tell the topic from the others."
            )
        if topic.known_share > limits.max_known_share:
            reasons.append(
                f"Of the examples of “{name}”, {topic.known_share:.0%} are taken for “{known_name}”"
                f" today, more than {limits.max_known_share:.0%}: the classifier would mistake the one for the other."
            )
    for before in known:
        loss, name = before.before - before.after, names.get(before.label, before.label)
        if loss > limits.max_accuracy_loss:
            reasons.append(
                f"“{name}” would lose {loss:.1%} of its texts, more than {limits.max_accuracy_loss:.1%}: remove"
                " examples that could as well be about it."
            )
    if corrections.before - corrections.after > limits.max_accuracy_loss:
        reasons.append(
            f"Of the texts that moderators corrected, {corrections.after:.1%} would be filed right instead of"
            f" {corrections.before:.1%}: look at the examples again."
        )
    return reasons
