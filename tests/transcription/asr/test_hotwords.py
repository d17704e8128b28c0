from pathlib import Path

import pytest

from apps.transcription.asr.hotwords import HotwordOptions, choose_hotwords, digest_of
from apps.transcription.asr.language_model import LanguageModel
from apps.transcription.asr.normalization import Normalizer

TOY = Path(__file__).parent / "fixtures" / "toy.arpa"
MODEL = LanguageModel("toy", TOY, ("ab", "ba", "a", "b"))
ANY_LENGTH = HotwordOptions(min_letters=1)


def chosen(*texts: str, model: LanguageModel | None = None, options: HotwordOptions | None = None) -> tuple[str, ...]:
    return choose_hotwords(texts, Normalizer(), model, options or HotwordOptions())


def test_without_a_language_model_names_are_taken() -> None:
    assert chosen("A walk through Timișoara with Ana McDonald") == ("timisoara", "ana", "mcdonald")


@pytest.mark.parametrize("title", ["How Rivers Shape Valleys", "ALL ABOUT RIVERS", "how rivers shape valleys"])
def test_where_every_word_has_a_capital_or_none_has_capitals_tell_nothing(title: str) -> None:
    assert chosen(title) == ()


def test_a_sentence_may_begin_with_a_capital() -> None:
    assert chosen("We met. Then we went to Cluj.") == ("cluj",)


def test_english_writes_i_with_a_capital_though_it_is_no_name() -> None:
    assert chosen("we think I'm lost near Cluj") == ("cluj",)


def test_with_a_language_model_rare_and_unknown_words_are_taken_names_first() -> None:
    assert chosen("ab zebra", "we saw Ana", model=MODEL) == ("ana", "zebra", "saw")
    assert chosen("ab ba", model=MODEL, options=ANY_LENGTH) == ()
    rarer_than_one_in_ten = HotwordOptions(min_letters=1, max_log10_probability=-1.0)
    assert chosen("ab ba b", model=MODEL, options=rarer_than_one_in_ten) == ("b", "ba")


def test_there_are_never_too_many_and_never_absurd_ones() -> None:
    text = " ".join(f"word{'abcdefghij'[n % 10] * (1 + n // 10)}" for n in range(100))
    assert len(chosen(text, model=MODEL)) == HotwordOptions().max_words
    assert chosen(f"{'x' * 31} zz", model=MODEL) == ()
    assert chosen("see https://example.org/Timisoara or write to ana@example.org", model=MODEL) == ("see", "write")


def test_the_digest_follows_the_words_alone() -> None:
    assert digest_of(["A walk", "Cluj"]) == digest_of(["cluj: a", "WALK!"])
    assert digest_of(["A walk", "Cluj"]) != digest_of(["A walk", "Iași"])
