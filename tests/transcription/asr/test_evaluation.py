import jiwer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.transcription.asr.evaluation import (
    Heard,
    align_words,
    character_error_rate,
    difference,
    n_edits,
    reliability,
    reliability_bins,
    word_error_rate,
    word_time_error,
)
from apps.transcription.asr.words import Word

some_words = st.lists(st.sampled_from(["a", "b", "c", "ab"]), max_size=8)


def heard(said: str, words: str, *, confidence: float = 0.9, times: tuple[tuple[float, float], ...] = ()) -> Heard:
    timed = tuple(Word(text, index, index + 0.5, confidence) for index, text in enumerate(words.split()))
    texts = tuple(said.split()), tuple(words.split())
    return Heard("test", *texts, texts[0], timed, 3.0, times)


@given(some_words.filter(bool), some_words)
def test_edits_are_those_that_jiwer_counts(said: list[str], words: list[str]) -> None:
    result = jiwer.process_words(" ".join(said), " ".join(words))
    assert n_edits(said, words) == result.substitutions + result.deletions + result.insertions


@given(some_words, some_words)
def test_an_alignment_holds_every_word_once_and_in_order(said: list[str], words: list[str]) -> None:
    pairs = align_words(said, words)
    assert [pair.said for pair in pairs if pair.said is not None] == list(range(len(said)))
    assert [pair.heard for pair in pairs if pair.heard is not None] == list(range(len(words)))


def test_rates_are_of_all_words_together() -> None:
    utterances = [heard("one two three", "one too three"), heard("four", "four five")]
    rate = word_error_rate(utterances)
    assert rate.percent == pytest.approx(100 * 2 / 4)
    assert rate.n == 4
    assert rate.low <= rate.percent <= rate.high
    assert character_error_rate([heard("two", "too")]).percent == pytest.approx(100 / 3)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    random = np.random.default_rng(0)
    rates = []
    for _ in range(40):
        wrong = random.random(100) < 0.2
        rates.append(word_error_rate([heard("a b c d", "a b c e" if each else "a b c d") for each in wrong]))
    assert 34 <= sum(rate.low <= 5.0 <= rate.high for rate in rates) <= 40
    assert all(rate.high - rate.low < 6 for rate in rates)


def test_nothing_said_has_no_rate() -> None:
    assert np.isnan(word_error_rate([heard("", "noise")]).percent)


def test_a_difference_is_paired() -> None:
    worse = [heard("a b", "a c"), heard("a b", "a b")] * 20
    better = [heard("a b", "a b"), heard("a b", "a b")] * 20
    gain = difference(worse, better)
    assert gain.percent == pytest.approx(-25.0)
    assert gain.high < 0
    assert difference(worse, worse) == difference(better, better)
    with pytest.raises(ValueError, match="same utterances"):
        difference(worse, better[:-1])


def test_word_times_are_judged_where_the_word_was_heard() -> None:
    """Words of `heard` lie at 0 to 0.5 s, 1 to 1.5 s and so on."""
    error = word_time_error([heard("a b", "a x", times=((0.1, 0.5), (9.0, 9.5)))])
    assert error is not None
    assert (error.mean_ms, error.n_words) == (pytest.approx(50.0), 1)
    assert word_time_error([heard("a b", "a b")]) is None


def test_a_word_of_confidence_09_that_is_right_half_the_time_is_04_off() -> None:
    measured = reliability([heard("a b", "a x", confidence=0.9)])
    assert measured is not None
    assert measured.error == pytest.approx(0.4)
    assert (measured.mean_confidence, measured.share_right) == pytest.approx((0.9, 0.5))
    assert reliability([heard("a", "")]) is None


def test_reliability_looks_at_each_bin_alone() -> None:
    """Right on average, and wrong at both ends."""
    utterances = [heard("a b", "a x", confidence=0.95), heard("a b", "a x", confidence=0.05)]
    measured = reliability(utterances)
    assert measured is not None
    assert measured.error == pytest.approx(0.45)
    assert [(each.low, each.share_right, each.n_words) for each in measured.bins] == [(0.0, 0.5, 2), (0.9, 0.5, 2)]
    [sure] = reliability_bins(np.array([1.0, 1.0]), np.array([1.0, 1.0]))
    assert (sure.low, sure.mean_confidence, sure.share_right, sure.n_words) == (0.9, 1.0, 1.0, 2)
