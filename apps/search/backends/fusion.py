"""Two rankings made one: what has the words, and what means them.

By reciprocal rank (Cormack, Clarke and Büttcher, 2009): an item scores the sum of 1 / (60 + its rank) over the rankings
that it is in. Ranks need no common scale, which BM25 and cosines have not. The same for every engine.
"""

from __future__ import annotations

import html
import json
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from apps.search.backends.base import MAX_MOMENTS_PER_HIT, Meaning, MomentHit, SearchQuery, Sort
from apps.search.backends.marking import MOMENT_CHARACTERS, Passage
from apps.search.backends.terms import Term

K = TypeVar("K", bound=Hashable)

RANK_CONSTANT = 60
# Of what has the words, so many are ranked together with the others; the rest follow in the order that they had.
WINDOW = 200
# Videos found by meaning at most: beyond, they have ever less to do with what was asked for.
MOST = 50
MOMENTS_BY_MEANING = 3  # of one video
# Twice as much: of two that are first in one ranking each, and of the next 60, the one with all the words comes first.
_HAS_ALL_WEIGHT = 2.0
_HAS_SOME_WEIGHT = 1.0


def is_meant(query: SearchQuery, terms: Sequence[Term], meaning: Meaning | None) -> bool:
    """Whether meaning counts. Quotes ask for the words themselves; other orders are none of rankings."""
    is_by_rank = query.sort == Sort.RELEVANCE and bool(terms)
    return meaning is not None and is_by_rank and not any(term.is_phrase for term in terms)


def fuse(words: Sequence[K], meaning: Sequence[K], *, has_all: bool) -> dict[K, float]:
    """Scores of everything in either ranking, the best first; of equals, what has the words.

    `has_all`: those of `words` have all of them, and so come before what has none, down to the sixtieth.
    """
    weight = _HAS_ALL_WEIGHT if has_all else _HAS_SOME_WEIGHT
    scores: dict[K, float] = {}
    for ranking, weighs in ((words, weight), (meaning, 1.0)):
        for place, one in enumerate(ranking, 1):
            scores[one] = scores.get(one, 0.0) + weighs / (RANK_CONSTANT + place)
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


def moment_of(passage: Passage) -> MomentHit:
    """A passage that matches by its meaning: its beginning, and all of its time."""
    cues: list[tuple[int, int, int]] = json.loads(passage.cues_json)
    text, after = passage.marked_text, ""
    if len(text) > MOMENT_CHARACTERS:
        text, after = text[: max(text.rfind(" ", 0, MOMENT_CHARACTERS), MOMENT_CHARACTERS // 2)], " …"
    return MomentHit(
        cues[0][1], max(cue[2] for cue in cues), passage.language, html.escape(text.strip()) + after, by_meaning=True
    )


def fuse_moments(words: Sequence[MomentHit], meaning: Iterable[MomentHit], *, has_all: bool) -> tuple[MomentHit, ...]:
    """The moments of one video: by words and by meaning, the best first.

    A passage that both find is shown with its marks; of passages that overlap in time, one is enough.
    """
    apart: list[MomentHit] = []
    for moment in meaning:
        if not any(_overlap(moment, other) for other in apart):
            apart.append(moment)
    twins = {moment: next((word for word in words if _overlap(moment, word)), moment) for moment in apart}
    ranked = fuse(words, list(dict.fromkeys(twins[moment] for moment in apart)), has_all=has_all)
    return tuple(ranked)[:MAX_MOMENTS_PER_HIT]


def _overlap(one: MomentHit, other: MomentHit) -> bool:
    return one.language == other.language and one.start_ms < other.end_ms and other.start_ms < one.end_ms
