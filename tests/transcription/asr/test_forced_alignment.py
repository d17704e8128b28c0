from itertools import pairwise

import numpy as np
import pytest

from apps.transcription.asr.forced_alignment import ForcedAlignment
from apps.transcription.asr.recognizers.whisper import WhisperOptions, WhisperRecognizer
from apps.transcription.asr.words import Word, shifted
from tests.transcription.asr.sounds import RATE, noise, speech


@pytest.fixture(scope="module")
def alignment() -> ForcedAlignment:
    return ForcedAlignment()


@pytest.fixture(scope="module")
def heard() -> list[Word]:
    return WhisperRecognizer(WhisperOptions(forced_alignment=False)).transcribe(speech(8))


def test_words_keep_their_text_and_confidence_and_stay_in_order(alignment: ForcedAlignment, heard: list[Word]) -> None:
    timed = alignment.timed(heard, speech(8))
    assert [(word.text, word.confidence) for word in timed] == [(word.text, word.confidence) for word in heard]
    assert all(before.end_s <= after.start_s + 1e-9 for before, after in pairwise(timed))
    assert timed != heard


def test_words_are_found_where_they_are_said_whatever_was_thought_before(
    alignment: ForcedAlignment, heard: list[Word]
) -> None:
    timed = alignment.timed(heard, speech(8))
    misplaced = [*shifted(heard[: len(heard) // 2], 0.3), *shifted(heard[len(heard) // 2 :], -0.3)]
    again = alignment.timed(misplaced, speech(8))
    assert [word.start_s for word in again] == pytest.approx([word.start_s for word in timed])


def test_what_was_aligned_before_changes_nothing(alignment: ForcedAlignment, heard: list[Word]) -> None:
    timed = alignment.timed(heard, speech(8))
    for samples in (speech(5, from_s=20), noise(2), speech(8)[:3333]):
        alignment.timed(heard[:5], samples)
        assert alignment.timed(heard, speech(8)) == timed


def test_sound_behind_silence_gives_the_same_times_later(alignment: ForcedAlignment, heard: list[Word]) -> None:
    timed = alignment.timed(heard, speech(8))
    late = alignment.timed(shifted(heard, 1.0), np.concatenate([noise(1, loudness=1e-4), speech(8)]))
    errors_s = [abs(after.start_s - before.start_s - 1.0) for before, after in zip(timed, late, strict=True)]
    assert np.mean(errors_s) < 0.03


@pytest.mark.parametrize("name", ["Xqzzt", "19", "naïve", "Ørsted’s"])
def test_a_word_of_no_dictionary_does_not_move_the_others(
    alignment: ForcedAlignment, heard: list[Word], name: str
) -> None:
    timed = alignment.timed(heard, speech(8))
    middle = len(heard) // 2
    renamed = [Word(name, *(word.start_s, word.end_s), 0.5) if word is heard[middle] else word for word in heard]
    others = [index for index in range(len(heard)) if abs(index - middle) > 2]
    again = alignment.timed(renamed, speech(8))
    assert again[middle].text == name
    assert np.mean([abs(again[index].start_s - timed[index].start_s) for index in others]) < 0.03


def test_words_that_cannot_be_found_keep_their_times(alignment: ForcedAlignment) -> None:
    words = [Word(text, 0.01 * index, 0.01 * index + 0.01, 0.5) for index, text in enumerate(["incomprehensible"] * 20)]
    assert alignment.timed(words, noise(0.3)) == words
    assert alignment.timed([Word("—", 0.1, 0.2, 0.5)], speech(1)) == [Word("—", 0.1, 0.2, 0.5)]
    assert alignment.timed([], np.zeros(RATE, dtype=np.float32)) == []
