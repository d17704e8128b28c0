"""What a recogniser hears: words with their times."""

from collections.abc import Sequence
from dataclasses import dataclass

MIN_WORD_S = 0.06
MAX_WORD_S = 2.0


@dataclass(frozen=True, slots=True)
class Word:
    """One word as it is to be read: with its punctuation, without spaces around it.

    Times are in seconds from the start of what was given to the recogniser; `confidence` is in [0, 1].
    """

    text: str
    start_s: float
    end_s: float
    confidence: float


def shifted(words: list[Word], by_s: float) -> list[Word]:
    """The words with their times moved `by_s` seconds later."""
    return [Word(word.text, word.start_s + by_s, word.end_s + by_s, word.confidence) for word in words]


def in_order(words: Sequence[Word], duration_s: float) -> list[Word]:
    """The words with times that are in order, do not overlap, and lie within the sound.

    None is shorter than 0.06 s where there is room, none longer than 2 s: those times are recognisers' errors.
    """
    ordered: list[Word] = []
    now_s = 0.0
    for word in words:
        start_s = min(max(word.start_s, now_s), duration_s)
        now_s = min(max(word.end_s, start_s), start_s + MAX_WORD_S, duration_s)
        ordered.append(Word(word.text, start_s, now_s, min(max(word.confidence, 0.0), 1.0)))
    return _with_time_to_be_said(ordered, duration_s)


def _with_time_to_be_said(words: list[Word], duration_s: float) -> list[Word]:
    """The words, where those that Whisper gives no time at all take it from the silence behind or the word before."""
    timed: list[Word] = []
    for index, word in enumerate(words):
        next_s = words[index + 1].start_s if index + 1 < len(words) else duration_s
        start_s, end_s = word.start_s, max(word.end_s, min(word.start_s + MIN_WORD_S, next_s))
        lack_s = MIN_WORD_S - (end_s - start_s)
        if lack_s > 0:
            before_s = timed[-1].end_s if timed else 0.0
            start_s = max(start_s - lack_s, before_s)
            lack_s = MIN_WORD_S - (end_s - start_s)
        if lack_s > 1e-9 and timed:
            whole = timed.pop()
            middle_s = (whole.start_s + end_s) / 2
            timed.append(Word(whole.text, whole.start_s, middle_s, whole.confidence))
            start_s = middle_s
        timed.append(Word(word.text, start_s, end_s, word.confidence))
    return timed
