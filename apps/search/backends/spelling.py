"""Which words of a query nobody has said, and what may have been meant by them.

The first letter is taken as it was typed: most typos are further on, and the words that begin otherwise are many.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from apps.search.backends.terms import Term, clean, fold

# A typo is looked for in words of letters alone: another number is another thing.
_TYPABLE = re.compile(r"(?<![^\W_])[^\W\d_]{4,40}(?![^\W_])")
_LEARNT = re.compile(r"(?<![^\W_])[^\W\d_]{3,40}(?![^\W_])")
_ONE_TYPO_UP_TO = 5  # letters; longer words may have two
_LIKELY = 8  # of the words that are near so many are asked for, the nearest


class Vocabulary(Protocol):
    """What an engine must know of the words that somebody may find."""

    def near(self, words: Sequence[str]) -> Mapping[str, Iterable[str]]:
        """For each of the folded words others that are written alike, nearest first or not."""

    def counts(self, groups: Sequence[Sequence[Term]]) -> Sequence[int]:
        """In how many videos that the viewer may find all terms of a group are, of each group. May stop counting at
        some hundreds.
        """


def learnt_words(text: str) -> set[str]:
    """The words of a text that may be meant by a word with a typo, folded."""
    return set(_LEARNT.findall(fold(text)))


def corrections(terms: Sequence[Term], vocabulary: Vocabulary) -> dict[str, str]:
    """For words of the terms that no video has the nearest that some have, all folded.

    Of those that are equally near it is one that is found together with the other terms, then the one in most videos.
    """
    typed = {word: term for term in terms for word in _TYPABLE.findall(fold(term.text))}
    # The last bare word is known where a longer one begins with it.
    asked = {word: Term(word, is_prefix=term.is_prefix and word == fold(term.text)) for word, term in typed.items()}
    counts = vocabulary.counts([[term] for term in asked.values()]) if asked else []
    unknown = [word for word, count in zip(asked, counts, strict=True) if not count]
    if not unknown:
        return {}
    known = [term for term in terms if not set(unknown) & set(_TYPABLE.findall(fold(term.text)))]
    near = vocabulary.near(unknown)
    found: dict[str, str] = {}
    for word in unknown:
        candidates = _nearest(word, near.get(word, ()))
        alone = vocabulary.counts([[Term(one)] for _, one in candidates])
        together = vocabulary.counts([[*known, Term(one)] for _, one in candidates]) if known else alone
        rated = [
            (not with_others, distance, -count, one)
            for (distance, one), count, with_others in zip(candidates, alone, together, strict=True)
            if count
        ]
        if rated:
            found[word] = min(rated)[-1]
    return found


def corrected(terms: Sequence[Term], found: Mapping[str, str]) -> tuple[Term, ...]:
    """The terms with the words that were `found` in the place of those typed. Phrases stay as they were written."""
    return tuple(
        term if term.is_phrase else replace(term, text=found.get(fold(term.text), term.text)) for term in terms
    )


def finished(terms: Sequence[Term], vocabulary: Vocabulary) -> tuple[Term, ...]:
    """The terms, the last of which stands for itself alone where it is a word: among videos that have but some of the
    words, those with longer ones that begin as it does would come first as often.
    """
    *others, last = terms
    whole = replace(last, is_prefix=False)
    return (*others, whole if last.is_prefix and vocabulary.counts([[whole]])[0] else last)


def corrected_text(text: str, found: Mapping[str, str]) -> str:
    """A query as it may have been meant, phrases too. Empty where nothing was found."""
    if not found:
        return ""
    composed = unicodedata.normalize("NFC", clean(text))
    return _TYPABLE.sub(lambda typed: found.get(fold(typed[0]), typed[0]), composed)


def _nearest(word: str, candidates: Iterable[str]) -> list[tuple[int, str]]:
    """With their distances, the nearest first."""
    limit = 1 if len(word) <= _ONE_TYPO_UP_TO else 2
    rated = ((distance(word, one, limit), one) for one in candidates if one[:1] == word[0] and one != word)
    return sorted(one for one in rated if one[0] <= limit)[:_LIKELY]


def distance(one: str, other: str, limit: int) -> int:
    """How many letters must be put in, left out, exchanged or swapped with their neighbour to make one of the other
    (optimal string alignment); more than `limit` where that is more than `limit`.
    """
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    above: list[int] = []
    row = list(range(len(other) + 1))
    for i in range(1, len(one) + 1):
        two_above, above, row = above, row, [i]
        for j in range(1, len(other) + 1):
            cost = min(row[-1] + 1, above[j] + 1, above[j - 1] + (one[i - 1] != other[j - 1]))
            if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
                cost = min(cost, two_above[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return row[-1]
