"""Snippets: escaped text with <mark> around what matched.

Engines set the two control characters `OPEN` and `CLOSE` around a match. Indexed text holds none of them (see
`terms.clean`), so that nothing anybody wrote becomes an element.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from functools import lru_cache

from apps.search.backends.base import MAX_MOMENTS_PER_HIT, MomentHit
from apps.search.backends.terms import Term, fold

OPEN, CLOSE = "\x02", "\x03"
MOMENT_CHARACTERS = 180  # of a moment's text that are shown
_CONTEXT_CHARACTERS = 60  # shown before a match that begins far into its cue
_NOT_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Mark:
    """A match in a text, as character offsets."""

    start: int
    end: int
    folded: str  # its words in lower case, without diacritics, a space around each


@dataclass(frozen=True)
class Passage:
    """A moment that an engine found, with `OPEN` and `CLOSE` in its text."""

    marked_text: str
    language: str
    cues_json: str  # of each cue [offset in characters of the text without marks, start_ms, end_ms]


def to_html(marked_text: str) -> str:
    """Escapes everything but the marks."""
    return html.escape(marked_text).replace(OPEN, "<mark>").replace(CLOSE, "</mark>")


def best_moments(passages: list[Passage], terms: tuple[Term, ...]) -> tuple[MomentHit, ...]:
    """At most `MAX_MOMENTS_PER_HIT`, the best first, none twice though passages overlap.

    Better is what covers more of the terms, then what has them closer together, then what has more of them.
    """
    wanted = [_words(term.text) for term in terms]
    rated = []
    for place, passage in enumerate(passages):
        text, marks = _unmark(passage.marked_text)
        if marks:
            covered, span, window = _tightest_window(marks, wanted)
            rated.append(((-covered, span, -len(marks), place), passage, text, marks, window))
    rated.sort(key=lambda rating: rating[0])
    best: dict[tuple[str, int], MomentHit] = {}
    for _, passage, text, marks, window in rated:
        moment = _moment(passage, text, marks, window)
        best.setdefault((moment.language, moment.start_ms), moment)
        if len(best) == MAX_MOMENTS_PER_HIT:
            break
    return tuple(best.values())


@lru_cache(maxsize=10_000)
def _words(text: str) -> str:
    return f" {_NOT_WORD.sub(' ', fold(text)).strip()} "


def _unmark(marked_text: str) -> tuple[str, list[Mark]]:
    """The text without marks, and where they were."""
    text, *rest = marked_text.split(OPEN)
    marks = []
    for piece in rest:
        inside, _, after = piece.partition(CLOSE)
        marks.append(Mark(len(text), len(text) + len(inside), _words(inside)))
        text += inside + after
    return text, marks


def _tightest_window(marks: list[Mark], wanted: list[str]) -> tuple[int, int, tuple[int, int]]:
    """How many terms the passage has, and the fewest characters that hold them all: (covered, span, (first, last)).

    `first` and `last` are indices into `marks`.
    """
    # A prefix term is a beginning: only its left side must be a word's edge.
    terms_of = [{index for index, term in enumerate(wanted) if term.rstrip() in mark.folded} for mark in marks]
    present = set().union(*terms_of)
    best = (marks[0].end - marks[0].start, (0, 0))
    is_first = True
    for first in range(len(marks)):
        seen: set[int] = set()
        for last in range(first, len(marks)):
            seen |= terms_of[last]
            if seen >= present:
                span = marks[last].end - marks[first].start
                if is_first or span < best[0]:
                    best, is_first = (span, (first, last)), False
                break
    return len(present), *best


def _moment(passage: Passage, text: str, marks: list[Mark], window: tuple[int, int]) -> MomentHit:
    begin, end = marks[window[0]].start, marks[window[1]].end
    cues: list[tuple[int, int, int]] = json.loads(passage.cues_json)
    first = max((cue for cue in cues if cue[0] <= begin), key=lambda cue: cue[0], default=cues[0])
    last = max((cue for cue in cues if cue[0] < end), key=lambda cue: cue[0], default=first)
    # One reads what one hears after the click: from the cue on, unless the match begins far into it.
    shown_from = first[0]
    if begin - shown_from > MOMENT_CHARACTERS - _CONTEXT_CHARACTERS:
        shown_from = _edge_of_word(text, begin - _CONTEXT_CHARACTERS)
    shown_to = len(text)
    if shown_to - shown_from > MOMENT_CHARACTERS:
        shown_to = _edge_of_word(text, shown_from + MOMENT_CHARACTERS)
    shown = _cut(text, marks, shown_from, shown_to)
    before = "" if shown_from == first[0] else "… "
    after = " …" if shown_to < len(text) else ""
    return MomentHit(first[1], max(first[2], last[2]), passage.language, before + shown + after)


def _edge_of_word(text: str, offset: int) -> int:
    """The beginning of the first word after `offset`, or `offset` itself where no space is near."""
    space = text.find(" ", offset, offset + _CONTEXT_CHARACTERS)
    return offset if space < 0 else space + 1


def _cut(text: str, marks: list[Mark], start: int, end: int) -> str:
    """The HTML of `text[start:end]`."""
    pieces, at = [], start
    for mark in marks:
        if mark.end <= start or mark.start >= end:
            continue
        low, high = max(mark.start, at), min(mark.end, end)
        pieces += [html.escape(text[at:low]), "<mark>", html.escape(text[low:high]), "</mark>"]
        at = high
    pieces.append(html.escape(text[at:end].rstrip()))
    return "".join(pieces)
