"""What a query means, beside its words: the matches and scores of `matching` and `ranking`, with those of `nearest`."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, replace
from uuid import UUID

from apps.search.backends import fusion
from apps.search.backends.base import Meaning, MomentHit, NearVideo, SearchQuery, Viewer
from apps.search.backends.marking import Passage
from apps.search.backends.sqlite import matching, ranking
from apps.search.backends.sqlite.nearest import Nearest, NearMoment
from apps.search.backends.sqlite.vectors import ABOUT

# What is ranked together stands before the rest, which keeps the scores of its words.
_BEFORE_ALL = 1e6


@dataclass(frozen=True)
class Meant:
    """What was found by meaning, by document."""

    moments: dict[int, list[NearMoment]]
    wordless: frozenset[int]  # that have not the words

    def moments_of(self, connection: sqlite3.Connection, document_id: int) -> list[MomentHit]:
        near = [moment.moment_id for moment in self.moments.get(document_id, []) if moment.place != ABOUT]
        rows = connection.execute(
            "SELECT id, text, language, cues FROM moments WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(near[: fusion.MOMENTS_BY_MEANING]),),
        )
        found = {moment_id: fusion.moment_of(Passage(*passage)) for moment_id, *passage in rows}
        return [found[moment_id] for moment_id in near if moment_id in found]


NOTHING = Meant({}, frozenset())


def add(
    connection: sqlite3.Connection,
    nearest: Nearest,
    query: SearchQuery,
    viewer: Viewer,
    meaning: Meaning,
    *,
    has_all: bool,
) -> Meant:
    """Adds to `matches` what means the query, and scores both together. `has_all`: what was there has all the words."""
    by_words = [one for one, _ in ranking.page(connection, replace(query, page=1, page_size=fusion.WINDOW))]
    moments = nearest.videos(connection, meaning, *matching.condition_of(query, viewer), fusion.MOST)
    wordless = frozenset(moments) - matching.among(connection, list(moments))
    matching.add(connection, sorted(wordless))
    # Ranks are counted among what passes the filters of facets, as those of words are.
    passing = matching.among(connection, list(moments), query.topic, query.language)
    fused = fusion.fuse(by_words, [one for one in moments if one in passing], has_all=has_all)
    ranking.put(connection, {document_id: _BEFORE_ALL + score for document_id, score in fused.items()})
    return Meant(moments, wordless & passing)


def nearest_videos(
    connection: sqlite3.Connection, nearest: Nearest, meaning: Meaning, viewer: Viewer, limit: int
) -> list[NearVideo]:
    found = nearest.videos(connection, meaning, matching.MAY_FIND, matching.seen_by(viewer), limit)
    rows = connection.execute(
        "SELECT id, video_id FROM documents WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(found)),)
    )
    video_of = {document_id: UUID(hex=video_id) for document_id, video_id in rows}
    return [NearVideo(video_of[document_id], moments[0].similarity) for document_id, moments in found.items()]
