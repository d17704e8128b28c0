"""What every recogniser must do; its tests inherit this and give one by the fixture `recognizer`."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from apps.transcription.asr.recognizers.base import Recognizer, TranscribesMany
from apps.transcription.asr.words import Word
from tests.transcription.asr.sounds import RATE, noise, speech, tone


class RecognizerContract:
    @pytest.fixture(scope="class")
    @classmethod
    def words(cls, recognizer: Recognizer) -> list[Word]:
        return recognizer.transcribe(speech(8))

    def test_it_says_who_it_is(self, recognizer: Recognizer) -> None:
        assert recognizer.name
        assert "/" not in recognizer.name.removeprefix("facebook/")
        assert recognizer.languages is None or all(len(code) == 2 for code in recognizer.languages)

    def test_it_hears_words(self, words: list[Word]) -> None:
        assert words
        assert all(word.text and not any(char.isspace() for char in word.text) for word in words)
        assert all(0 <= word.confidence <= 1 for word in words)

    def test_words_are_in_order_and_within_the_sound(self, words: list[Word]) -> None:
        assert all(0 <= word.start_s < word.end_s <= 8 for word in words)
        assert all(before.end_s <= after.start_s + 1e-9 for before, after in pairwise(words))

    def test_the_same_sound_gives_the_same_words(self, recognizer: Recognizer, words: list[Word]) -> None:
        recognizer.transcribe(speech(5, from_s=20))
        assert recognizer.transcribe(speech(8)) == words

    @pytest.mark.parametrize(
        "sound",
        [
            np.zeros(0, dtype=np.float32),
            np.zeros(1, dtype=np.float32),
            np.zeros(10 * RATE, dtype=np.float32),
            noise(10),
            noise(10, loudness=0.001),
            tone(10),
        ],
        ids=["nothing", "one sample", "silence", "noise", "hiss", "tone"],
    )
    def test_it_hears_no_words_where_there_are_none(self, recognizer: Recognizer, sound: NDArray[np.float32]) -> None:
        assert recognizer.transcribe(sound) == []

    @pytest.mark.parametrize("n_samples", [100, 399, 400, 1600, 4000])
    def test_it_takes_the_shortest_sounds(self, recognizer: Recognizer, n_samples: int) -> None:
        words = recognizer.transcribe(speech(1)[:n_samples])
        assert all(word.end_s <= n_samples / RATE for word in words)

    def test_it_takes_the_longest_sounds(self, recognizer: Recognizer) -> None:
        words = recognizer.transcribe(speech(29))
        assert words[-1].end_s > 25
        assert words[-1].end_s <= 29

    def test_it_leaves_the_samples_as_they_are(self, recognizer: Recognizer) -> None:
        samples = speech(2)
        recognizer.transcribe(samples)
        assert np.array_equal(samples, speech(2))

    def test_many_at_once_give_the_same_words_as_one_by_one(self, recognizer: Recognizer) -> None:
        if not isinstance(recognizer, TranscribesMany):
            pytest.skip("it takes one sound at a time")
        sounds = [speech(8), np.zeros(0, dtype=np.float32), speech(3, from_s=8), noise(5), speech(8, from_s=11)]
        assert recognizer.batch_size >= 1
        assert recognizer.transcribe_many(sounds) == [recognizer.transcribe(samples) for samples in sounds]
        assert recognizer.transcribe_many([]) == []
