"""Beam search against brute force, against pyctcdecode, and against sums that can be done by hand."""

import math
from collections import defaultdict
from itertools import groupby, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from apps.transcription.asr.beam_search import BeamSearch, DecoderOptions
from apps.transcription.asr.decoder import Alphabet, greedy_words
from apps.transcription.asr.language_model import (
    LanguageModel,
    LanguageModelUnavailableError,
    Weights,
    read_language_model,
)
from benchmarks.synthetic_log_probs import FRAME_S, LABELS, Noise, spoken

TOY = Path(__file__).parent / "fixtures" / "toy.arpa"
ALPHABET = Alphabet(labels=("-", "|", "a", "b"), blank_id=0, delimiter_id=1)
# No beam and no label is ever given up.
WIDE = DecoderOptions(beam_width=100_000, beam_prune=-10_000.0, token_prune=-20.0, prune_history=False)

some_log_probs = arrays(
    np.float64, st.tuples(st.integers(1, 5), st.just(4)), elements=st.floats(0.01, 1.0, allow_nan=False)
).map(lambda weights: np.log(weights / weights.sum(axis=1, keepdims=True)).astype(np.float32))


def toy(**weights: float) -> LanguageModel:
    return LanguageModel("toy", TOY, ("ab", "ba", "a", "b"), Weights(**{"unknown_offset": -10.0, **weights}))


def read_as(path: tuple[int, ...], alphabet: Alphabet = ALPHABET) -> str:
    labels = [label for label, _ in groupby(path) if label != alphabet.blank_id]
    return " ".join("".join(" " if alphabet.labels[i] == "|" else alphabet.labels[i] for i in labels).split())


def brute_force(log_probs: NDArray[np.float32]) -> dict[str, float]:
    """The probability of every text: the sum over all paths that read as it."""
    texts: dict[str, float] = defaultdict(float)
    for path in product(range(log_probs.shape[1]), repeat=len(log_probs)):
        texts[read_as(path)] += math.exp(sum(log_probs[frame, label] for frame, label in enumerate(path)))
    return texts


def text_of(search: BeamSearch, log_probs: NDArray[np.float32], hotwords: tuple[str, ...] = ()) -> str:
    return " ".join(word.text for word in search.words(log_probs, frame_s=0.02, hotwords=hotwords))


@settings(max_examples=60, deadline=None)
@given(some_log_probs)
def test_without_a_language_model_it_finds_the_most_probable_text_of_all(log_probs: NDArray[np.float32]) -> None:
    texts = brute_force(log_probs)
    best, second = sorted(texts.values(), reverse=True)[:2]
    found = text_of(BeamSearch(ALPHABET, None, WIDE), log_probs)
    assert texts[found] == pytest.approx(best, rel=1e-4)
    if best > 1.001 * second:
        assert found == max(texts, key=lambda text: texts[text])


# toy.arpa, once more: log10 of p(word), of p(word | word before), and what backing off from a word costs.
UNIGRAMS = {"ab": -0.7, "ba": -1.2, "a": -0.5, "b": -1.5}
BIGRAMS = {("<s>", "ab"): -0.4, ("<s>", "ba"): -1.3, ("ab", "ba"): -0.2}
BACK_OFF = {"<s>": -0.3, "ab": -0.2, "ba": -0.2, "a": -0.1, "b": -0.1}


def by_hand(text: str) -> float:
    """log10 of what the model makes of `text` up to its end, where the search asks for an unknown word."""
    before, total = "<s>", 0.0
    for word in text.split():
        if word not in UNIGRAMS:
            return -math.inf
        total += BIGRAMS.get((before, word), BACK_OFF[before] + UNIGRAMS[word])
        before = word
    return total + BACK_OFF[before]


@settings(max_examples=40, deadline=None)
@given(some_log_probs, st.floats(0.1, 2.0), st.floats(-1.0, 2.0))
def test_the_language_model_is_weighed_as_computed_by_hand(
    log_probs: NDArray[np.float32], alpha: float, beta: float
) -> None:
    texts = brute_force(log_probs)

    def score(text: str) -> float:
        return math.log(texts[text]) + alpha * by_hand(text) * math.log(10) + beta * len(text.split())

    best, second = sorted(texts, key=score, reverse=True)[:2]
    found = text_of(BeamSearch(ALPHABET, toy(alpha=alpha, beta=beta, unknown_offset=-1_000.0), WIDE), log_probs)
    if score(best) - score(second) > 0.001:
        assert found == best


def test_the_language_model_changes_the_winner() -> None:
    """The network finds "ba" a little more probable; the model finds "ab" 10^0.9 times more probable."""
    log_probs = np.log(
        np.array([[0.01, 0.01, 0.40, 0.58], [0.01, 0.01, 0.58, 0.40]], dtype=np.float32)  # columns: - | a b
    )
    assert text_of(BeamSearch(ALPHABET, None, WIDE), log_probs) == "ba"
    assert by_hand("ab") - by_hand("ba") == pytest.approx(0.9)
    assert text_of(BeamSearch(ALPHABET, toy(alpha=1.0, beta=0.0), WIDE), log_probs) == "ab"
    assert text_of(BeamSearch(ALPHABET, toy(alpha=0.01, beta=0.0), WIDE), log_probs) == "ba"


def test_a_hotword_that_nobody_knows_is_heard_when_it_is_expected() -> None:
    log_probs = np.log(
        np.array([[0.02, 1e-4, 0.50, 0.48], [0.9, 1e-4, 0.05, 0.05], [0.02, 1e-4, 0.48, 0.50]], dtype=np.float32)
    )
    search = BeamSearch(ALPHABET, toy(alpha=0.5, beta=0.0), DecoderOptions(hotword_weight=15.0))
    assert text_of(search, log_probs) == "ab"
    assert text_of(search, log_probs, ("bb",)) == "bb"
    assert text_of(search, log_probs) == "ab", "hotwords are forgotten with the call"


def test_both_letters_of_letter_are_kept() -> None:
    alphabet = Alphabet(tuple("-|LETR"), blank_id=0, delimiter_id=1, lowercase=True)
    path = "LLEEET-TTER-"
    log_probs = np.full((len(path), 6), -10.0, dtype=np.float32)
    for frame, label in enumerate(path):
        log_probs[frame, "-|LETR".index(label)] = -0.01
    [word] = BeamSearch(alphabet, None).words(log_probs, frame_s=0.02)
    assert word.text == "letter"
    assert (word.start_s, word.end_s) == pytest.approx((0.0, 0.22))


def test_a_blank_at_the_seam_of_two_stretches_parts_equal_letters() -> None:
    """Stretches that are joined as log-probs, as of two halves of a recording, read as one."""
    a, blank = np.array([[-9, -9, -0.01, -9]]), np.array([[-0.01, -9, -9, -9]])
    search = BeamSearch(ALPHABET, None)
    assert text_of(search, np.concatenate([a, a]).astype(np.float32)) == "a"
    assert text_of(search, np.concatenate([a, blank, a]).astype(np.float32)) == "aa"


def test_a_space_at_the_end_of_the_sound_is_no_reason_to_hear_another_last_word() -> None:
    """The model finds "ba" likelier behind "ab" than "b"; but the network is sure of "b" and the space behind it."""
    log_probs = np.log(np.eye(4, dtype=np.float32)[[2, 3, 1, 3, 1, 1]] * 0.96 + 0.01)
    assert text_of(BeamSearch(ALPHABET, toy(unknown_offset=-30.0)), log_probs) == "ab b"


def test_labels_that_are_never_read_count_as_blanks() -> None:
    alphabet = Alphabet(labels=("-", "|", "a", "b", "<s>"), blank_id=0, delimiter_id=1, silent_ids=frozenset({4}))
    log_probs = np.log(np.eye(5, dtype=np.float32)[[2, 4, 2, 1, 4, 3]] * 0.9 + 0.02)
    assert text_of(BeamSearch(alphabet, None), log_probs) == "aa b"
    assert [word.text for word in greedy_words(log_probs, alphabet, frame_s=0.02)] == ["aa", "b"]


def test_capitals_are_read_with_a_model_in_small_letters() -> None:
    alphabet = Alphabet(labels=("<pad>", "|", "A", "B"), blank_id=0, delimiter_id=1, lowercase=True)
    log_probs = np.log(np.eye(4, dtype=np.float32)[[2, 3, 1, 3, 2]] * 0.9 + 0.025)
    assert text_of(BeamSearch(alphabet, toy()), log_probs) == "ab ba"


def test_a_model_in_other_letters_is_refused() -> None:
    alphabet = Alphabet(labels=("-", "|", "ж", "д"), blank_id=0, delimiter_id=1)
    with pytest.raises(LanguageModelUnavailableError, match=r"ASR_LANGUAGE_MODEL.*0 in 4.*--alphabet-from"):
        BeamSearch(alphabet, toy())


def test_silence_and_nothing_have_no_words() -> None:
    search = BeamSearch(ALPHABET, toy())
    assert search.words(np.zeros((0, 4), dtype=np.float32), frame_s=0.02) == []
    assert search.words(np.log(np.full((9, 4), [0.97, 0.01, 0.01, 0.01])).astype(np.float32), frame_s=0.02) == []


@pytest.mark.parametrize(
    "wrong", [{"beam_width": 0}, {"beam_prune": 1.0}, {"alpha": -1.0}, {"hotword_weight": 21.0}, {"hotword_weight": -1}]
)
def test_options_that_cannot_work_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="write"):
        DecoderOptions(**wrong)  # type: ignore[arg-type]


def test_word_times_are_those_of_the_sound_and_confidence_follows_it() -> None:
    random = np.random.default_rng(5)
    clear = Noise("clear", confusion=0.0, slip=0.0, spread=0.5)
    said = spoken("the letters of the rivers are written in the sand", clear, random)
    alphabet = Alphabet(("-", "|", *LABELS[2:]), blank_id=0, delimiter_id=1)
    words = BeamSearch(alphabet, None).words(said.log_probs, frame_s=FRAME_S)
    assert [word.text for word in words] == list(said.words)
    for word, (start, end) in zip(words, said.frames, strict=True):
        assert abs(word.start_s - start * FRAME_S) <= 0.02
        assert abs(word.end_s - end * FRAME_S) <= 0.06
    assert all(0.5 < word.confidence <= 1 for word in words)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_it_gives_the_words_of_pyctcdecode(seed: int) -> None:
    pyctcdecode = pytest.importorskip("pyctcdecode", reason="the reference decoder is a tool of the tests")
    random = np.random.default_rng(seed)
    log_probs = np.log(random.dirichlet([0.3, 0.3, 0.3, 0.3], size=30)).astype(np.float32)
    search = BeamSearch(ALPHABET, toy(), DecoderOptions(hotword_weight=3.0))
    beams = pyctcdecode.build_ctcdecoder(["", " ", "a", "b"], str(TOY), ["ab", "ba", "a", "b"]).decode_beams(
        search._ended(log_probs),
        prune_history=True,
        beam_prune_logp=-12,
        token_min_logp=-6,
        hotwords=["bb"],
        hotword_weight=3.0,
    )
    found = search.words(log_probs, frame_s=1.0, hotwords=["bb"])
    assert [word.text for word in found] == [text for text, _ in beams[0][2]]


def test_a_folder_with_the_toy_model_reads_like_the_toy_model(tmp_path: Path) -> None:
    (tmp_path / "toy.arpa").write_text(TOY.read_text())
    model = read_language_model(tmp_path, name="toy")
    assert model.unigrams == ("ab", "ba", "a", "b")
    assert model.weights == Weights()
    assert model.log10_probability("a") == pytest.approx(-0.5, abs=1e-5)
    assert model.log10_probability("zebra") == -math.inf
