from hypothesis import given
from hypothesis import strategies as st

from apps.search.passages import OVERLAP_WORDS, PASSAGE_WORDS, moments_from_cues


def test_it_makes_one_passage_of_few_cues() -> None:
    [moment] = moments_from_cues([(0, 900, "ask\nnot"), (1_000, 1_900, "what"), (2_000, 2_900, " \n")], "en")
    assert moment.text == "ask not what"
    assert [(cue.offset, cue.start_ms, cue.end_ms) for cue in moment.cues] == [(0, 0, 900), (8, 1_000, 1_900)]
    assert (moment.start_ms, moment.end_ms) == (0, 1_900)


def test_it_makes_none_of_silence() -> None:
    assert moments_from_cues([(0, 900, "  ")], "en") == ()


@given(st.lists(st.integers(1, 15), min_size=1, max_size=80))
def test_it_holds_every_phrase_whole_in_some_passage(sizes: list[int]) -> None:
    words = [f"w{number}" for number in range(sum(sizes))]
    cues, at = [], 0
    for place, size in enumerate(sizes):
        cues.append((place * 1_000, place * 1_000 + 900, " ".join(words[at : at + size])))
        at += size
    moments = moments_from_cues(cues, "en")
    texts = [f" {moment.text} " for moment in moments]
    for first in range(max(1, len(words) - OVERLAP_WORDS + 1)):
        phrase = " ".join(words[first : first + OVERLAP_WORDS])
        assert any(f" {phrase} " in text for text in texts), phrase
    assert all(len(text.split()) <= max(PASSAGE_WORDS, 30) for text in texts)
    for moment in moments:
        for cue in moment.cues:
            assert moment.text[cue.offset :].startswith(cues[cue.start_ms // 1_000][2])


@given(st.lists(st.integers(1, 40), min_size=2, max_size=40))
def test_it_leaves_earlier_passages_as_they_are_when_cues_come(sizes: list[int]) -> None:
    cues = [(place * 1_000, place * 1_000 + 900, "word " * size) for place, size in enumerate(sizes)]
    before, after = moments_from_cues(cues[:-1], "en"), moments_from_cues(cues, "en")
    assert after[: len(before) - 1] == before[:-1]
