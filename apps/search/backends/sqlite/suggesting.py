"""Ways to go on with what is being typed, of listed videos alone."""

from __future__ import annotations

import sqlite3
from uuid import UUID

from apps.search.backends import terms as parsing
from apps.search.backends.base import Suggestion, Viewer
from apps.search.backends.sqlite import match
from apps.search.backends.sqlite.matching import MAY_FIND, seen_by
from apps.search.backends.terms import Term

# How many words that begin as typed are tried, the most frequent ones, before suggestions are given up.
_COMPLETIONS_TRIED = 24


def suggest(connection: sqlite3.Connection, prefix: str, limit: int, hidden: frozenset[UUID]) -> list[Suggestion]:
    """Titles that have the words typed, then ways to complete the last word that find something."""
    terms = parsing.parse(prefix)
    if not terms or limit < 1:
        return []
    anybody = seen_by(Viewer(hidden=hidden))
    titles = connection.execute(
        "SELECT d.video_id, d.title FROM documents_fts JOIN documents d ON d.id = documents_fts.rowid "  # noqa: S608 -- composed of this module's own words
        f"WHERE documents_fts MATCH :expression AND {MAY_FIND} "
        "ORDER BY bm25(documents_fts, 1.0, 0.0, 0.0, 0.0, 0.0), d.id DESC LIMIT :limit",
        {"expression": match.in_fields(match.TITLE, match.all_of(terms)), "limit": limit, **anybody},
    ).fetchall()
    words = _completions(connection, terms, limit, anybody)
    # Both get a share, and each the room that the other leaves.
    share = max(limit - len(words), limit - limit // 2)
    suggestions = [Suggestion(title, UUID(hex=video_id)) for video_id, title in titles[:share]]
    return suggestions + [Suggestion(text) for text in words[: limit - len(suggestions)]]


def _completions(
    connection: sqlite3.Connection, terms: tuple[Term, ...], limit: int, anybody: dict[str, object]
) -> list[str]:
    """What was typed with its last word completed, the most frequent word first, where a listed video has them all."""
    *others, last = terms
    typed = parsing.fold(last.text)
    if not last.is_prefix or not typed.isalnum():
        return []
    rows = connection.execute(
        "SELECT term FROM listed_vocabulary WHERE term > ? AND term < ? AND length(term) > 2 "
        "ORDER BY doc DESC, term LIMIT ?",
        (typed, typed + "\U0010ffff", _COMPLETIONS_TRIED),
    )
    completed: list[str] = []
    for (word,) in rows.fetchall():
        found = connection.execute(
            "SELECT 1 FROM documents_fts JOIN documents d ON d.id = documents_fts.rowid "  # noqa: S608
            f"WHERE documents_fts MATCH :expression AND {MAY_FIND} LIMIT 1",
            {"expression": match.together([*others, Term(word)]), **anybody},
        ).fetchone()
        if found:
            before = [f'"{term.text}"' if term.is_phrase else term.text for term in others]
            completed.append(" ".join([*before, word]))
        if len(completed) == limit:
            break
    return completed
