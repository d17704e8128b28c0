from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.transcription.asr.word_times import FEATURES, MAX_SHIFT_S, TimeMap, features, fitted_times
from apps.transcription.asr.words import Word

WORDS = [Word("set", 0.6, 0.7, 0.5), Word("blue", 0.8, 1.0, 0.5), Word("now", 1.9, 2.0, 0.5)]


def by(**weights: float) -> tuple[float, ...]:
    return tuple(weights.get(name, 0.0) for name in FEATURES)


def times(words: list[Word]) -> list[float]:
    return [round(time_s, 3) for word in words for time_s in (word.start_s, word.end_s)]


def test_what_tells_of_a_word_is_beside_it_and_in_it() -> None:
    assert features(WORDS) == pytest.approx(
        np.array([[1, 0, 0.1, 0.1, 1, 0], [1, 0.1, 0, 0.2, 0, 1], [1, 0, 0, 0.1, 1, 1]])
    )


def test_a_gap_is_given_to_the_word_before_or_behind() -> None:
    half = TimeMap(by(gap_before_s=-0.5), by(gap_after_s=0.5))
    assert times(half.applied(WORDS, 3.0)) == [0.6, 0.75, 0.75, 1.0, 1.9, 2.0]


def test_words_that_would_overlap_meet_in_the_middle() -> None:
    early, late = TimeMap(by(always=-0.2), by()), TimeMap(by(), by(always=0.2))
    assert times(early.applied(WORDS, 3.0)) == [0.4, 0.65, 0.65, 1.0, 1.7, 2.0]
    assert times(late.applied(WORDS, 3.0)) == [0.6, 0.85, 0.85, 1.2, 1.9, 2.2]


def test_nothing_moves_far_or_out_of_the_sound() -> None:
    far = TimeMap(by(always=-9.0), by(always=9.0))
    moved = far.applied(WORDS, 2.1)
    assert moved[0].start_s == pytest.approx(0.6 - MAX_SHIFT_S)
    assert moved[-1].end_s == 2.1
    assert far.applied([], 2.0) == []


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 1)), max_size=8),
    st.lists(st.floats(-2, 2), min_size=12, max_size=12),
)
def test_words_stay_in_order_whatever_was_fitted(lengths: list[tuple[float, float]], weights: list[float]) -> None:
    words, now_s = [], 0.0
    for gap_s, length_s in lengths:
        words.append(Word("word", now_s + gap_s, now_s + gap_s + length_s, 0.5))
        now_s += gap_s + length_s
    moved = TimeMap(tuple(weights[:6]), tuple(weights[6:])).applied(words, now_s)
    assert [word.text for word in moved] == [word.text for word in words]
    assert all(0 <= word.start_s <= word.end_s <= now_s for word in moved)
    assert all(before.end_s <= after.start_s + 1e-9 for before, after in pairwise(moved))


def test_what_a_network_does_is_found_though_some_words_are_timed_wrongly() -> None:
    random = np.random.default_rng(3)
    x = np.c_[np.ones(300), random.uniform(0, 0.4, (300, 3)), random.random((300, 2)) < 0.2]
    off_s = np.stack([0.03 - 0.6 * x[:, 1], 0.05 + 0.4 * x[:, 2] + 0.1 * x[:, 5]], axis=1)
    off_s[random.random(300) < 0.1] += 2.0
    fitted = fitted_times(x, off_s)
    assert fitted.start == pytest.approx(by(always=0.03, gap_before_s=-0.6), abs=0.02)
    assert fitted.end == pytest.approx(by(always=0.05, gap_after_s=0.4, before_pause=0.1), abs=0.02)
