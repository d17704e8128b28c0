from itertools import groupby, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from apps.transcription.asr.decoder import Alphabet, greedy_words

LETTERS = Alphabet(labels=("<pad>", "|", "A", "B"), blank_id=0, delimiter_id=1, lowercase=True)


def spoken(path: str, *, peak: float = 0.9) -> NDArray[np.float32]:
    """Log-probs `(n_frames, 4)` whose most probable path is `path`: `-` is the blank, `|` the delimiter."""
    probabilities = np.full((len(path), 4), (1 - peak) / 3, dtype=np.float32)
    for frame, label in enumerate(path):
        probabilities[frame, "-|AB".index(label)] = peak
    return np.log(probabilities)


def read(path: str) -> list[str]:
    return [word.text for word in greedy_words(spoken(path), LETTERS, frame_s=0.02)]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("", []),
        ("----", []),
        ("||-|", []),
        ("AAAB", ["ab"]),
        ("A-AB", ["aab"]),
        ("AA-AA", ["aa"]),
        ("|A|B|", ["a", "b"]),
        ("A||-|B", ["a", "b"]),
        ("A-|A", ["a", "a"]),
    ],
)
def test_it_reads_a_path(path: str, words: list[str]) -> None:
    assert read(path) == words


def test_it_keeps_both_letters_of_letter() -> None:
    alphabet = Alphabet(tuple("-|LETR"), blank_id=0, delimiter_id=1)
    path = "LLEEET-TTER-"
    log_probs = np.full((len(path), 6), -10.0, dtype=np.float32)
    for frame, label in enumerate(path):
        log_probs[frame, "-|LETR".index(label)] = -0.01
    assert [word.text for word in greedy_words(log_probs, alphabet, frame_s=0.02)] == ["LETTER"]


def test_a_word_lasts_from_its_first_letter_to_its_last() -> None:
    first, second = greedy_words(spoken("--AAB-|--B--"), LETTERS, frame_s=0.02)
    assert (first.start_s, first.end_s) == pytest.approx((0.04, 0.10))
    assert (second.start_s, second.end_s) == pytest.approx((0.18, 0.20))


def test_confidence_is_the_geometric_mean_of_its_letters() -> None:
    log_probs = spoken("ABB")
    log_probs[0] = np.log([0.2, 0.1, 0.4, 0.3])
    [word] = greedy_words(log_probs, LETTERS, frame_s=0.02)
    assert word.confidence == pytest.approx((0.4 * 0.9) ** 0.5)


@given(
    arrays(np.float32, st.tuples(st.integers(0, 5), st.just(4)), elements=st.integers(-50, 0).map(lambda n: n / 8)),
)
def test_it_reads_the_most_probable_path_of_all(log_probs: NDArray[np.float32]) -> None:
    paths = product(range(4), repeat=len(log_probs))
    best = max(paths, key=lambda path: sum(log_probs[frame, label] for frame, label in enumerate(path)))
    text = "".join("-|ab"[label] for label, _ in groupby(best)).replace("-", "")
    score = sum(log_probs[frame, label] for frame, label in enumerate(best))
    words = [word.text for word in greedy_words(log_probs, LETTERS, frame_s=0.02)]
    ties = (np.sort(log_probs, axis=1)[:, -1] == np.sort(log_probs, axis=1)[:, -2]).any() if len(log_probs) else False
    assert score == log_probs.max(axis=1).sum()
    if not ties:
        assert words == text.replace("|", " ").split()


def test_pieces_that_begin_with_a_mark_begin_a_word() -> None:
    alphabet = Alphabet(labels=("<pad>", "▁he", "llo", "▁you"), blank_id=0, delimiter_id=None)
    log_probs = np.log(np.eye(4, dtype=np.float32)[[1, 2, 0, 3]] * 0.9 + 0.02)
    assert [word.text for word in greedy_words(log_probs, alphabet, frame_s=0.02)] == ["hello", "you"]


@pytest.mark.parametrize(
    ("letters", "lowercase"), [("ABC'", True), ("abc'", False), ("ABc", False), ("ĂȚ", True), ("你好", False)]
)
def test_capitals_alone_are_read_in_small_letters(letters: str, lowercase: bool) -> None:
    tokens = ["<pad>", "<s>", "|", *letters]
    alphabet = Alphabet.from_vocabulary(
        {token: index for index, token in enumerate(tokens)},
        blank="<pad>",
        delimiter="|",
        silent=frozenset({"<pad>", "<s>"}),
        n_labels=len(tokens),
    )
    assert alphabet.lowercase is lowercase
    assert alphabet.silent_ids == {1}


def test_it_refuses_a_vocabulary_of_another_network() -> None:
    with pytest.raises(ValueError, match="3 tokens, and the network has 2"):
        Alphabet.from_vocabulary({"-": 0, "a": 1, "b": 2}, blank="-", delimiter=None, silent=frozenset(), n_labels=2)
    with pytest.raises(ValueError, match="no blank"):
        Alphabet.from_vocabulary({"a": 0}, blank="-", delimiter=None, silent=frozenset(), n_labels=1)
