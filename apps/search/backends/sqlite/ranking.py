"""In which order the videos of `matching` are shown.

BM25 looks at every place of every word that it is asked to score. A word that more than half of the videos have costs
most of the time and adds nothing: FTS5 gives it a weight of 0.000001. So of many matches, words are scored that fewer
have; where all words are that common, those in the title come first, then those in the other written fields.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from apps.search.backends.base import SearchQuery, Sort
from apps.search.backends.sqlite import match, matching
from apps.search.backends.terms import Term

# Weights of the fields, in BM25's term frequency: title, tags, topic, description, transcript. What is said weighs by
# a sum of its own: within one, a word said a hundred times would outweigh every title (BM25 saturates over the sum).
_WRITTEN = "bm25(documents_fts, 10.0, 6.0, 4.0, 3.0, 0.0)"
_SPOKEN = "bm25(documents_fts, 0.0, 0.0, 0.0, 0.0, 1.0)"
_SPOKEN_WEIGHT = 0.5

# Up to so many videos every word is scored: a hundredth of a second, however often they say it.
FEW = 300
# Beyond, so many rows are scored, but for those of the rarest word.
_SCORED = 10_000

_TABLE = "CREATE TEMP TABLE IF NOT EXISTS scores (id INTEGER PRIMARY KEY, score REAL)"
# Of equals the newest comes first, so that pages do not shift.
_ORDER = {
    Sort.RELEVANCE: "score DESC, created_at_ms DESC, id",
    Sort.NEWEST: "created_at_ms DESC, id",
    Sort.OLDEST: "created_at_ms, id",
    Sort.LONGEST: "duration_ms DESC, created_at_ms DESC, id",
    Sort.SHORTEST: "duration_ms, created_at_ms DESC, id",
}


def page(connection: sqlite3.Connection, query: SearchQuery) -> list[tuple[int, float]]:
    """The documents of a page of `matches`, with their scores: 0 without one."""
    condition, values = matching.passing(query.topic, query.language)
    rows = connection.execute(
        "SELECT id, coalesce(score, 0.0) AS score FROM matches LEFT JOIN scores USING (id) "  # noqa: S608 -- composed of this module's own words
        f"WHERE {condition} ORDER BY {_ORDER[query.sort]} LIMIT :limit OFFSET :offset",
        {"limit": query.page_size, "offset": query.offset, **values},
    )
    return rows.fetchall()


def forget(connection: sqlite3.Connection) -> None:
    """Empties `scores`."""
    connection.execute(_TABLE)
    connection.execute("DELETE FROM scores")


def put(connection: sqlite3.Connection, scores: Mapping[int, float]) -> None:
    """Sets scores, by document, in the place of those that there were."""
    connection.executemany("INSERT OR REPLACE INTO scores VALUES (?, ?)", scores.items())


def score(connection: sqlite3.Connection, terms: Sequence[Term], *, has_all: bool) -> None:
    """Fills `scores` for `matches`, which have all the terms or, without `has_all`, some of them; maybe for others."""
    forget(connection)
    combined = match.all_of if has_all else match.any_of
    if _count(connection, combined(terms), FEW + 1) <= FEW:
        _score(connection, combined(terms))
    elif telling := _telling(connection, terms):
        _score(connection, combined(telling))
    else:
        _score_by_field(connection, match.together(terms) if has_all else match.any_of(terms))


def _telling(connection: sqlite3.Connection, terms: Sequence[Term]) -> list[Term]:
    """Of the terms that fewer than half of the videos have the rarest, as many as can be scored."""
    half = int(connection.execute("SELECT count(*) FROM documents INDEXED BY documents_facts").fetchone()[0]) // 2
    counts = {term: _count(connection, match.together([term]), half + 1) for term in terms}
    telling: list[Term] = []
    scored = 0
    for term in sorted((term for term in terms if counts[term] <= half), key=lambda term: counts[term]):
        scored += counts[term]
        if telling and scored > _SCORED:
            break
        telling.append(term)
    return telling


def _count(connection: sqlite3.Connection, expression: str, limit: int) -> int:
    row = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM documents_fts WHERE documents_fts MATCH ? LIMIT ?)", (expression, limit)
    ).fetchone()
    return int(row[0])


def _score(connection: sqlite3.Connection, expression: str) -> None:
    connection.execute(
        f"INSERT INTO scores SELECT rowid, -({_WRITTEN} + {_SPOKEN_WEIGHT} * {_SPOKEN}) "  # noqa: S608
        "FROM documents_fts WHERE documents_fts MATCH ?",
        (expression,),
    )


def _score_by_field(connection: sqlite3.Connection, expression: str) -> None:
    """2 where the title has them, 1 where the written fields have them together."""
    for value, fields in ((1.0, match.WRITTEN), (2.0, match.TITLE)):
        connection.execute(
            "INSERT OR REPLACE INTO scores SELECT rowid, ? FROM documents_fts WHERE documents_fts MATCH ?",
            (value, match.in_fields(fields, expression)),
        )
