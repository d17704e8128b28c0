"""How well a recogniser does: word and character error rates with confidence intervals, word times, calibration.

Error rate: edits (substitutions, insertions, deletions) over words of the references. Intervals: bootstrap over
utterances (Bisani and Ney, "Bootstrap Estimates for Confidence Intervals in ASR Performance Evaluation", 2004).
Calibration: expected calibration error over bins of equal width (Guo et al., "On Calibration of Modern Neural
Networks", 2017, equation 3).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from apps.transcription.asr.words import Word

N_RESAMPLES = 1_000
SEED = 5
N_BINS = 10
POOLED = "all"


@dataclass(frozen=True, slots=True)
class Pair:
    """A word of the reference and the one that was heard for it; None where one of them has no partner."""

    said: int | None  # index into the reference
    heard: int | None  # index into the hypothesis

    @property
    def is_edit(self) -> bool:
        return self.said is None or self.heard is None


def align_words(said: Sequence[str], heard: Sequence[str]) -> list[Pair]:
    """The cheapest alignment of two texts, by Levenshtein's distance with substitutions of cost 1.

    Costs `len(said)` steps of numpy over `len(heard)` cells.
    """
    n_said, n_heard = len(said), len(heard)
    costs = np.zeros((n_said + 1, n_heard + 1), dtype=np.int32)
    costs[0] = np.arange(n_heard + 1)
    costs[:, 0] = np.arange(n_said + 1)
    codes = {text: code for code, text in enumerate({*said, *heard})}
    heard_codes = np.array([codes[text] for text in heard], dtype=np.int32)
    steps = np.arange(n_heard + 1)
    for row, text in enumerate(said, start=1):
        swapped = costs[row - 1, :-1] + (heard_codes != codes[text])
        costs[row, 1:] = np.minimum(swapped, costs[row - 1, 1:] + 1)
        # Insertions run along the row: the least of (cost there + distance from there).
        costs[row] = np.minimum.accumulate(costs[row] - steps) + steps
    return _pairs(costs, said, heard)


def _pairs(costs: NDArray[np.int32], said: Sequence[str], heard: Sequence[str]) -> list[Pair]:
    pairs = []
    row, column = len(said), len(heard)
    while row or column:
        here = costs[row, column]
        if row and column and here == costs[row - 1, column - 1] + (said[row - 1] != heard[column - 1]):
            row, column = row - 1, column - 1
            pairs.append(Pair(row, column))
        elif row and here == costs[row - 1, column] + 1:
            row -= 1
            pairs.append(Pair(row, None))
        else:
            column -= 1
            pairs.append(Pair(None, column))
    return pairs[::-1]


def n_edits(said: Sequence[str], heard: Sequence[str]) -> int:
    return sum(pair.is_edit or said[pair.said or 0] != heard[pair.heard or 0] for pair in align_words(said, heard))


@dataclass(frozen=True)
class Heard:
    """An utterance after recognition.

    `said` and `heard` are the texts that error rates are counted on. `said_words` and `words` are the same, word for
    word as they were written, normalised alike but never made of several or parted: what times and confidences are of.
    """

    corpus: str
    said: tuple[str, ...]
    heard: tuple[str, ...]
    said_words: tuple[str, ...]
    words: tuple[Word, ...]
    duration_s: float
    said_times_s: tuple[tuple[float, float], ...] = ()  # of each of `said_words`, where somebody timed them

    def pairs(self) -> list[Pair]:
        """The alignment of `said_words` and `words`."""
        return align_words(self.said_words, [word.text for word in self.words])

    def is_right(self, pair: Pair) -> bool:
        return (
            pair.said is not None
            and pair.heard is not None
            and self.said_words[pair.said] == self.words[pair.heard].text
        )


def by_corpus(utterances: Sequence[Heard]) -> list[tuple[str, list[Heard]]]:
    """The utterances of each corpus, and all together where there are several."""
    ordered = sorted(utterances, key=lambda each: each.corpus)
    corpora = [(corpus, list(group)) for corpus, group in groupby(ordered, key=lambda each: each.corpus)]
    return [*corpora, (POOLED, list(utterances))] if len(corpora) > 1 else corpora


@dataclass(frozen=True)
class Rate:
    """An error rate in per cent, and the interval that holds it with a probability of 95 %."""

    percent: float
    low: float
    high: float
    n: int  # words or characters of the references


def word_error_rate(utterances: Sequence[Heard]) -> Rate:
    return _rate([n_edits(each.said, each.heard) for each in utterances], [len(each.said) for each in utterances])


def character_error_rate(utterances: Sequence[Heard]) -> Rate:
    texts = [(" ".join(each.said), " ".join(each.heard)) for each in utterances]
    return _rate([n_edits(said, heard) for said, heard in texts], [len(said) for said, _ in texts])


def difference(before: Sequence[Heard], after: Sequence[Heard]) -> Rate:
    """How much higher the word error rate of `after` is than that of `before`, in points; paired by utterance.

    Raises ValueError where they are not of the same utterances.
    """
    if [each.said for each in before] != [each.said for each in after]:
        raise ValueError("The two are not of the same utterances: compare what was heard of one manifest.")
    edits = [n_edits(b.said, b.heard) - n_edits(a.said, a.heard) for a, b in zip(before, after, strict=True)]
    return _rate(edits, [len(each.said) for each in before])


def _rate(edits: Sequence[int], lengths: Sequence[int]) -> Rate:
    """The ratio of the sums, with the percentiles of its bootstrap."""
    n = sum(lengths)
    if n == 0:
        return Rate(float("nan"), float("nan"), float("nan"), 0)
    edit_counts, length_counts = np.asarray(edits), np.asarray(lengths)
    chosen = np.random.default_rng(SEED).integers(0, len(edit_counts), size=(N_RESAMPLES, len(edit_counts)))
    totals = np.maximum(length_counts[chosen].sum(axis=1), 1)
    rates = 100 * edit_counts[chosen].sum(axis=1) / totals  # (N_RESAMPLES,)
    low, high = np.percentile(rates, [2.5, 97.5])
    return Rate(100 * sum(edits) / n, float(low), float(high), n)


@dataclass(frozen=True)
class TimeError:
    """How far word times are from the true ones, in ms, over words that were heard right."""

    mean_ms: float
    p95_ms: float
    n_words: int


def word_time_error(utterances: Sequence[Heard]) -> TimeError | None:
    """Of starts and ends together; None where no reference has times, or no word of it was heard."""
    errors: list[float] = []
    for each in utterances:
        if not each.said_times_s:
            continue
        for pair in each.pairs():
            if pair.said is not None and pair.heard is not None and each.is_right(pair):
                start_s, end_s = each.said_times_s[pair.said]
                word = each.words[pair.heard]
                errors += [1000 * abs(word.start_s - start_s), 1000 * abs(word.end_s - end_s)]
    if not errors:
        return None
    return TimeError(float(np.mean(errors)), float(np.percentile(errors, 95)), len(errors) // 2)


@dataclass(frozen=True)
class Bin:
    """Words whose confidence is from `low` up to the next bin's."""

    low: float
    mean_confidence: float
    share_right: float
    n_words: int


@dataclass(frozen=True)
class Reliability:
    """Whether words of confidence 0.8 are right in 8 cases of 10: `error` is the mean distance from that, in [0, 1]."""

    error: float
    mean_confidence: float
    share_right: float
    n_words: int
    bins: tuple[Bin, ...]


def reliability(utterances: Sequence[Heard]) -> Reliability | None:
    """Over all words that were heard; None where there are none."""
    confidences: list[float] = []
    rights: list[bool] = []
    for each in utterances:
        for pair in each.pairs():
            if pair.heard is not None:
                confidences.append(each.words[pair.heard].confidence)
                rights.append(each.is_right(pair))
    if not confidences:
        return None
    confidence, right = np.asarray(confidences), np.asarray(rights, dtype=np.float64)
    bins = tuple(reliability_bins(confidence, right))
    # Guo et al., equation 3.
    error = sum(each.n_words * abs(each.mean_confidence - each.share_right) for each in bins) / len(confidence)
    return Reliability(error, float(confidence.mean()), float(right.mean()), len(confidence), bins)


def reliability_bins(confidence: NDArray[np.float64], right: NDArray[np.float64]) -> Iterator[Bin]:
    """Of confidences in [0, 1] `(n,)` and whether each was right, 0 or 1 `(n,)`; without bins that are empty."""
    numbers = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    for number in range(N_BINS):
        inside = numbers == number
        if inside.any():
            yield Bin(number / N_BINS, float(confidence[inside].mean()), float(right[inside].mean()), int(inside.sum()))
