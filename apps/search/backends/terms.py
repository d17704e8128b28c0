"""From what people type to the terms that an engine looks for. Takes anything, and never raises."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MAX_CHARACTERS = 500  # of a query; what is beyond is not looked for
MAX_TERMS = 16
MIN_PREFIX_CHARACTERS = 2  # a single ASCII letter begins too many words

_PIECE = re.compile(r'"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+)')
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_LAST_WORD = re.compile(r"[^\W_]+$")
_ACCENTS = re.compile("[\u0300-\u036f]+")  # of Latin, Greek and Cyrillic letters
# Where some two thousand others are; most texts have none of these characters.
_MAY_HAVE_OTHERS = re.compile("[\u0483-\u1fff\u20d0-\u20ff\u2c00-\U0010ffff]")
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»", '"'))


@dataclass(frozen=True)
class Term:
    """Words to be found one after another; of a bare word mostly one, but "a-b" is two."""

    text: str  # holds a letter or digit, and no quote or control character
    is_phrase: bool = False  # it was in quotes
    is_prefix: bool = False  # its last word may go on
    # With it, where they are known: the words that it may go on to, folded, `text` itself among them or not.
    completions: tuple[str, ...] = ()


def printable(text: str) -> str:
    """`text` as an index can store it, of the same length: a space for each control character and lone surrogate."""
    return _UNPRINTABLE.sub(" ", text)


def clean(text: str) -> str:
    """`printable` text with single spaces."""
    return " ".join(printable(text).split())


def parse(text: str) -> tuple[Term, ...]:
    """The terms of a query, in order, each once. Empty where nothing in it is a letter or digit.

    A quote that is never closed is no quote. The last bare word is taken as the beginning of a longer one.
    """
    pieces = _PIECE.finditer(clean(text[: 4 * MAX_CHARACTERS].translate(_QUOTES))[:MAX_CHARACTERS])
    found: dict[tuple[str, bool], Term] = {}
    for piece in pieces:
        phrase, word = piece["phrase"], piece["word"]
        content = (phrase if word is None else word).strip()
        if is_searchable(content):
            term = Term(content, is_phrase=word is None)
            found.setdefault((content.casefold(), term.is_phrase), term)
    terms = tuple(found.values())[:MAX_TERMS]
    if not terms or terms[-1].is_phrase or not _may_go_on(terms[-1].text):
        return terms
    return (*terms[:-1], Term(terms[-1].text, is_prefix=True))


def fold(text: str) -> str:
    """`text` in lower case and without diacritics, as tokenisers compare it."""
    if text.isascii():
        return text.lower()
    folded = _ACCENTS.sub("", unicodedata.normalize("NFD", text.lower()))
    if _MAY_HAVE_OTHERS.search(folded) is None:
        return folded
    return "".join(character for character in folded if unicodedata.category(character) != "Mn")


def is_searchable(text: str) -> bool:
    return any(unicodedata.category(character)[0] in "LN" for character in text)


def _may_go_on(word: str) -> bool:
    last = _LAST_WORD.search(word)  # none in "c++", which is complete
    return last is not None and (len(last[0]) >= MIN_PREFIX_CHARACTERS or not last[0].isascii())
