"""Moments: overlapping passages of consecutive cues, so that what was said across cues is found as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from apps.search.backends.base import CueOffset, Moment
from apps.search.backends.terms import clean

# Some twenty seconds of speech: long enough that words belonging together are in one passage, short enough that
# finding them together means something.
PASSAGE_WORDS = 50
# A phrase of at most so many words lies whole in one passage, wherever cues of usual length end.
OVERLAP_WORDS = 15

TimedText = tuple[int, int, str]  # start_ms, end_ms, text


def moments_from_cues(cues: Iterable[TimedText], language: str) -> tuple[Moment, ...]:
    """The passages of one transcript, in order of time; every cue with words is in one or two of them.

    Cues that come later leave all passages but the last as they are, so that a transcript which is still being
    recognised can be indexed again cheaply.
    """
    spoken = [(start, end, text) for start, end, raw in cues if (text := clean(raw))]
    sizes = [len(text.split()) for _, _, text in spoken]
    moments = []
    first = 0
    while first < len(spoken):
        last = _end_of_passage(sizes, first)
        moments.append(_moment(spoken[first:last], language))
        if last == len(spoken):
            break
        first = _begin_of_next(sizes, first, last)
    return tuple(moments)


def _end_of_passage(sizes: Sequence[int], first: int) -> int:
    words, last = 0, first
    # Two cues at least, however long they are: two that follow one another are in some passage together.
    while last < len(sizes) and (last < first + 2 or words + sizes[last] <= PASSAGE_WORDS):
        words += sizes[last]
        last += 1
    return last


def _begin_of_next(sizes: Sequence[int], first: int, last: int) -> int:
    """Steps back from `last` over `OVERLAP_WORDS`, but forwards from `first` by one cue at least."""
    words, begin = 0, last
    while begin > first + 1 and words < OVERLAP_WORDS:
        begin -= 1
        words += sizes[begin]
    return begin


def _moment(cues: Sequence[TimedText], language: str) -> Moment:
    offsets, texts, length = [], [], 0
    for start, end, text in cues:
        offsets.append(CueOffset(length, start, end))
        texts.append(text)
        length += len(text) + 1
    return Moment(" ".join(texts), language, tuple(offsets))
