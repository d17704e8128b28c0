"""Finding words in one transcript, as "find in page" does, whatever their case, accents and punctuation.

See also static/src/matching.js, its twin in the browser, which goes on from here while captions still arrive.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from django.utils.safestring import SafeString, mark_safe

MAX_CHARACTERS = 200  # of what is looked for
MAX_MATCHES = 1_000  # more than anybody steps through; a single letter would have hundreds of thousands
# Where the words are not said one after another, those of so many letters are looked for one by one.
_TELLING_LETTERS = 4


@dataclass(frozen=True)
class Match:
    """A stretch of what is said, from character `start` of cue number `first` up to character `end` of cue `last`."""

    first: int
    start: int
    last: int
    end: int


def find_in(texts: Sequence[str], wanted: str) -> list[Match]:
    """Where `wanted` is said in the `texts` of consecutive cues, in order; at most `MAX_MATCHES`.

    It may begin and end within a word, and go on over the border of cues. What is said nowhere as a whole is looked
    for word by word. Empty where nothing in `wanted` can be said.
    """
    needle = _fold(wanted[:MAX_CHARACTERS])
    if not needle:
        return []
    numbers, begins, pieces, length = [], [], [], 0
    for number, text in enumerate(texts):
        if folded := _fold(text):
            numbers.append(number)
            begins.append(length)
            pieces.append(folded)
            length += len(folded) + 1
    spoken = " ".join(pieces)
    found = islice(_spans(spoken, needle), MAX_MATCHES)

    def place(offset: int) -> tuple[int, int]:
        """The number of the cue, and the character of its text that became `spoken[offset]`."""
        index = bisect_right(begins, offset) - 1
        return numbers[index], _origins(texts[numbers[index]])[offset - begins[index]]

    matches = []
    for begin, end in found:
        (first, start), (last, final) = place(begin), place(end - 1)
        matches.append(Match(first, start, last, _after_marks(texts[last], final)))
    return matches


def marks_in(number: int, length: int, matches: Sequence[Match]) -> list[tuple[int, int]]:
    """The parts of cue `number`, `length` characters long, that lie in a match: offsets of beginning and end."""
    return [
        (match.start if match.first == number else 0, match.end if match.last == number else length)
        for match in matches
        if match.first <= number <= match.last
    ]


def marked_html(text: str, marks: Iterable[tuple[int, int]], begin: int = 0, end: int | None = None) -> SafeString:
    """`text[begin:end]`, escaped, with `<mark>` around the `marks`, which are offsets in `text`, in order."""
    end = len(text) if end is None else end
    pieces, at = [], begin
    for mark_begin, mark_end in marks:
        low, high = max(mark_begin, at), min(mark_end, end)
        if low < high:
            pieces += [html.escape(text[at:low]), "<mark>", html.escape(text[low:high]), "</mark>"]
            at = high
    return mark_safe("".join([*pieces, html.escape(text[at:end])]))  # noqa: S308 -- every piece is escaped


def on_one_line(text: str) -> str:
    """The text of a cue as it is searched and read: single spaces."""
    return " ".join(text.split())


def _spans(spoken: str, needle: str) -> Iterator[tuple[int, int]]:
    pattern = re.compile(re.escape(needle))
    if pattern.search(spoken) is None:
        words = sorted(set(needle.split()), key=len, reverse=True)
        telling = [word for word in words if len(word) >= _TELLING_LETTERS] or words
        pattern = re.compile(r"(?:^|(?<= ))(?:" + "|".join(map(re.escape, telling)) + ")")
    return (match.span() for match in pattern.finditer(spoken))


def _fold(text: str) -> str:
    """In small letters, without accents, each run of spaces and punctuation one space."""
    return " ".join("".join(map(_fold_character, text)).split())


@lru_cache(maxsize=4_096)
def _fold_character(character: str) -> str:
    pieces = unicodedata.normalize("NFKD", character).casefold()
    categories = {piece: unicodedata.category(piece) for piece in pieces}
    return "".join(" " if categories[piece][0] in "PZC" else piece for piece in pieces if categories[piece] != "Mn")


def _origins(text: str) -> list[int]:
    """Of each character of `_fold(text)` the offset in `text` that it comes from."""
    origins: list[int] = []
    is_after_space = True
    for offset, character in enumerate(text):
        for piece in _fold_character(character):
            if not (piece == " " and is_after_space):
                origins.append(offset)
            is_after_space = piece == " "
    return origins


def _after_marks(text: str, offset: int) -> int:
    """The offset behind the character at `offset` and the combining marks that follow it."""
    end = offset + 1
    while end < len(text) and unicodedata.category(text[end]) == "Mn":
        end += 1
    return end
