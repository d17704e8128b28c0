from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.transcription.asr.captions import Caption, CaptionOptions, broken_lines, captions_from_words
from apps.transcription.asr.words import Word

OPTIONS = CaptionOptions()


def spoken(text: str, *, word_s: float = 0.3, pauses: dict[int, float] | None = None) -> list[Word]:
    """The words of `text`, each `word_s` long, with a pause before those whose index is in `pauses`."""
    words = []
    now_s = 0.0
    for index, token in enumerate(text.split()):
        now_s += (pauses or {}).get(index, 0.0)
        words.append(Word(token, now_s, now_s + word_s, 0.9))
        now_s += word_s
    return words


def texts(captions: list[Caption]) -> list[str]:
    return [caption.text for caption in captions]


def test_a_short_sentence_is_one_line() -> None:
    [caption] = captions_from_words(spoken("The weather is fine today."), OPTIONS)
    assert caption.text == "The weather is fine today."
    assert (caption.start_ms, caption.end_ms) == (0, 1500)
    assert caption.confidence == pytest.approx(0.9)
    assert [word.text for word in caption.words] == ["The", "weather", "is", "fine", "today."]


def test_a_longer_one_is_two_balanced_lines() -> None:
    [caption] = captions_from_words(spoken("I followed the line of the railroad and looked for my chances."), OPTIONS)
    assert caption.text == "I followed the line of the railroad\nand looked for my chances."


def test_it_ends_captions_where_sentences_end() -> None:
    words = spoken("He had come to the river at last. There was no bridge over it, and the water was high.")
    assert texts(captions_from_words(words, OPTIONS)) == [
        "He had come to the river at last.",
        "There was no bridge over it,\nand the water was high.",
    ]


def test_it_ends_captions_at_pauses_where_there_are_no_marks() -> None:
    words = spoken("we went to the market yesterday my sister bought a hat", pauses={6: 0.8})
    assert texts(captions_from_words(words, OPTIONS)) == ["we went to the market yesterday", "my sister bought a hat"]


def test_short_clauses_are_one_caption_unless_a_second_lies_between() -> None:
    text = "In 1858, two ships laid the first transatlantic cable."
    assert len(captions_from_words(spoken(text, pauses={2: 0.6}), OPTIONS)) == 1
    assert len(captions_from_words(spoken(text, pauses={2: 1.1}), OPTIONS)) == 2


def test_a_sentence_too_short_to_stand_alone_is_joined_to_its_neighbour() -> None:
    words = spoken("God bless him. I hope I'll go on seeing them forever.", word_s=0.25, pauses={3: 0.15})
    assert texts(captions_from_words(words, OPTIONS)) == ["God bless him.\nI hope I'll go on seeing them forever."]


def test_no_word_or_two_are_left_over_from_a_long_sentence() -> None:
    words = spoken("In 1972 the cooking program became the first American television show with captions.", word_s=0.36)
    captions = captions_from_words(words, OPTIONS)
    assert len(captions) == 2
    assert all(len(caption.words) > 2 for caption in captions)


def test_a_long_sentence_is_broken_where_a_clause_begins() -> None:
    words = spoken("Search for the word lighthouse and you will land on the second at which it was spoken aloud.")
    assert texts(captions_from_words(words, OPTIONS)) == [
        "Search for the word lighthouse",
        "and you will land on the second\nat which it was spoken aloud.",
    ]


@pytest.mark.parametrize(
    ("text", "together"),
    [
        (
            "The people of the village were told that Dr. Smith would come as soon as the road was open.",
            "Dr. Smith",
        ),
        (
            "They sold every sort of candles, matches, lamps, etc. to whoever came down from the hills.",
            "etc. to",
        ),
    ],
)
def test_a_title_or_an_abbreviation_ends_no_sentence(text: str, together: str) -> None:
    assert any(together in caption.text for caption in captions_from_words(spoken(text), OPTIONS))


def test_it_leaves_no_article_at_the_end_of_a_line() -> None:
    lines = broken_lines(["She", "never", "looked", "at", "the", "enormous", "grey", "elephant", "again"])
    assert lines is not None
    assert lines[0].split()[-1] not in {"the", "at"}


def test_a_short_word_stands_long_enough_to_be_read() -> None:
    [caption] = captions_from_words([Word("Yes.", 1.0, 1.2, 0.9)], OPTIONS)
    assert caption.end_ms - caption.start_ms == OPTIONS.min_duration_ms


def test_fast_speech_stays_while_the_next_is_silent() -> None:
    words = spoken("Everybody understands extraordinarily complicated explanations", word_s=0.15)
    [caption] = captions_from_words(words, OPTIONS)
    assert len(caption.text) / (caption.end_ms / 1000) <= 20
    [cut_short] = captions_from_words(words, OPTIONS, limit_ms=1_000)
    assert cut_short.end_ms == 1_000 - OPTIONS.min_gap_ms


def test_a_word_longer_than_a_line_stays_whole() -> None:
    long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerk"
    captions = captions_from_words(spoken(f"Das {long} steht dort."), OPTIONS)
    assert long in [line for caption in captions for line in caption.text.split("\n")]


def test_no_words_are_no_captions() -> None:
    assert captions_from_words([], OPTIONS) == []
    assert captions_from_words([Word("  ", 0, 1, 1.0)], OPTIONS) == []


@st.composite
def speech(draw: st.DrawFn) -> list[Word]:
    """Words in order of time, as recognisers give them, with marks, long words, pauses and words of no length."""
    now_s = draw(st.floats(0, 5))
    words = []
    for _ in range(draw(st.integers(1, 60))):
        text = draw(st.text("abcdefgh'", min_size=1, max_size=draw(st.sampled_from([3, 6, 12, 60]))))
        text += draw(st.sampled_from(["", "", "", "", ",", ".", "?", '."', ";"]))
        now_s += draw(st.sampled_from([0.0, 0.0, 0.02, 0.3, 1.0, 4.0]))
        length_s = draw(st.sampled_from([0.0, 0.06, 0.2, 0.35, 0.8, 2.0]))
        words.append(Word(text, now_s, now_s + length_s, draw(st.floats(0, 1))))
        now_s += length_s
    return words


@given(speech())
def test_no_word_is_lost_or_moved(words: list[Word]) -> None:
    captions = captions_from_words(words, OPTIONS)
    assert " ".join(caption.text for caption in captions).split() == [word.text for word in words]
    assert [word.text for caption in captions for word in caption.words] == [word.text for word in words]
    for word, shown in zip(words, (word for caption in captions for word in caption.words), strict=True):
        # Words of no length at the same instant are a ms apart.
        assert shown.start_ms == pytest.approx(1000 * word.start_s, abs=len(words) + 1)


@given(speech())
def test_captions_keep_to_the_limits(words: list[Word]) -> None:
    captions = captions_from_words(words, OPTIONS)
    for caption in captions:
        lines = caption.text.split("\n")
        assert 1 <= len(lines) <= 2
        assert all(len(line) <= 42 or " " not in line for line in lines)
        assert 0 < caption.end_ms - caption.start_ms <= 7_000
        assert all(caption.start_ms <= word.start_ms < word.end_ms <= caption.end_ms for word in caption.words)
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(captions))


@given(speech())
def test_captions_stand_as_long_as_reading_takes_where_there_is_room(words: list[Word]) -> None:
    captions = captions_from_words(words, OPTIONS)
    nexts = [caption.start_ms for caption in captions[1:]]
    for caption, next_ms in zip(captions, [*nexts, None], strict=True):
        shown_ms = caption.end_ms - caption.start_ms
        needed_ms = min(7_000, max(833, 1000 * len(caption.text) / 20))
        assert shown_ms >= needed_ms - 1 or (next_ms is not None and next_ms - caption.end_ms <= 83)


@given(speech(), st.integers(100, 60_000))
def test_no_caption_stands_beyond_the_limit(words: list[Word], limit_ms: int) -> None:
    captions = captions_from_words(words, OPTIONS, limit_ms=limit_ms)
    assert captions[-1].end_ms <= limit_ms
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(captions))


@given(st.lists(st.tuples(st.floats(-5, 50), st.floats(-5, 50)), min_size=1, max_size=20))
def test_times_that_run_backwards_are_put_in_order(times: list[tuple[float, float]]) -> None:
    captions = captions_from_words([Word("word", start, end, 0.5) for start, end in times], OPTIONS)
    shown = [word for caption in captions for word in caption.words]
    assert len(shown) == len(times)
    assert all(word.start_ms < word.end_ms for word in shown)
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(shown))
