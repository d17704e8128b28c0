from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.transcription.asr.hotwords import written_names
from apps.transcription.asr.reading import Marked, Reader, name_key
from apps.transcription.asr.words import Word


def spoken(text: str) -> list[Word]:
    """Words of 0.3 s with 0.1 s between them; each `|` is a pause of a second."""
    words, now_s = [], 0.0
    for each in text.split():
        if each == "|":
            now_s += 1.0
        else:
            words.append(Word(each, now_s, now_s + 0.3, 0.9))
            now_s += 0.4
    return words


ENGLISH = Reader("en")


def read(text: str, *, reader: Reader = ENGLISH, before: str = "", silence_s: float = 0.0) -> str:
    return " ".join(word.text for word in reader.read(spoken(text), before=before, silence_s=silence_s))


class QuestionsEverySecondWord:
    """A model that knows no case and puts a question mark behind each second word."""

    def punctuate(self, words: Sequence[str]) -> list[Marked]:
        self.given = list(words)
        return [Marked("?" if index % 2 else "", None) for index in range(len(words))]


class ShoutsNames:
    def punctuate(self, words: Sequence[str]) -> list[Marked]:
        return [Marked("", "capitals" if word == "nato" else "capital" if word == "ana" else "small") for word in words]


def test_sentences_end_at_long_pauses_and_begin_with_a_capital() -> None:
    assert read("we met at noon | then it rained for hours", silence_s=1.0) == (
        "We met at noon. Then it rained for hours."
    )


def test_a_pause_behind_a_word_that_asks_for_another_ends_nothing() -> None:
    assert read("we came to the | river at noon") == "We came to the river at noon"
    assert read("well | we came home") == "Well we came home", "one word alone is hardly a sentence"


def test_a_stretch_goes_on_where_the_one_before_stopped() -> None:
    assert read("river at noon", before="We came to the") == "river at noon"
    assert read("river at noon", before="We met Dr. Brown.\nAt last.") == "River at noon"
    assert read("river | at noon we left", before="We came to the") == "river. At noon we left"


@pytest.mark.parametrize(("silence_s", "ends"), [(0.3, False), (0.9, True), (2.0, True)])
def test_the_silence_behind_the_last_word_counts(silence_s: float, ends: bool) -> None:
    assert read("it rained for hours", silence_s=silence_s).endswith(".") is ends


def test_english_writes_i_with_a_capital() -> None:
    assert read("so i said i'm here i'll stay") == "So I said I'm here I'll stay"
    assert read("ana i maria", reader=Reader("it")) == "Ana i maria"
    assert read("iyi geceler", reader=Reader("tr")) == "İyi geceler"


def test_other_scripts_are_left_alone() -> None:
    assert read("نحن هنا الآن | ثم ذهبنا", reader=Reader("ar"), silence_s=3.0) == "نحن هنا الآن ثم ذهبنا"


def test_names_are_written_as_the_title_writes_them() -> None:
    texts = ["A walk through Timișoara with Ana McDonald", "NATO and what the rose told us. Rose says no."]
    names = written_names(texts, ["TIMISOARA", "ana", "mcdonald", "nato", "rose"])
    assert names == {"timisoara": "Timișoara", "ana": "Ana", "mcdonald": "McDonald"}
    reader = Reader("en", names)
    assert read("in timisoara ana's friend mcdonald saw a rose", reader=reader) == (
        "In Timișoara Ana's friend McDonald saw a rose"
    )


def test_only_hotwords_are_names_and_never_common_words() -> None:
    assert written_names(["We met Will and Ana"], ["will"]) == {}
    assert written_names(["We met Ana's sister, Maria!"], ["ana's", "ana", "maria"]) == {"ana": "Ana", "maria": "Maria"}


def test_a_model_decides_where_there_is_one() -> None:
    model = QuestionsEverySecondWord()
    reader = Reader("en", punctuator=model)
    assert read("is it | so is it not", reader=reader) == "Is it? So is? It not?"
    assert read("is it", reader=reader, before="I said:\n'now'") == "is? It"
    assert model.given == ["i", "said", "now", "is", "it"], "it is told what was said before, bare"


def test_a_model_may_say_how_words_are_written() -> None:
    reader = Reader("en", {"nato": "Nato"}, ShoutsNames())
    assert read("when ana left nato i stayed", reader=reader) == "When Ana left Nato I stayed"
    assert read("when ana left nato", reader=Reader("en", punctuator=ShoutsNames())) == "When Ana left NATO"


@given(
    st.lists(st.text(st.characters(categories=["Ll", "Lu", "Lo", "Nd"]), min_size=1, max_size=6), max_size=12),
    st.floats(0, 5),
    st.sampled_from(["", "and so", "It ended."]),
)
def test_words_times_and_confidences_stay(texts: list[str], silence_s: float, before: str) -> None:
    words = [Word(text, index * 1.0, index + 0.4, 0.5) for index, text in enumerate(texts)]
    written = Reader("en").read(words, before=before, silence_s=silence_s)
    assert [(word.start_s, word.end_s, word.confidence) for word in written] == [
        (word.start_s, word.end_s, word.confidence) for word in words
    ]
    assert [name_key(word.text.rstrip(".")) for word in written] == [name_key(word.text) for word in words]
    assert not any(char.isspace() for word in written for char in word.text)
