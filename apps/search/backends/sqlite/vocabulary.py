"""The words of the index, as `apps.search.backends.spelling` asks for them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from apps.search.backends.base import Viewer
from apps.search.backends.sqlite import match
from apps.search.backends.sqlite.matching import MAY_FIND, seen_by
from apps.search.backends.terms import Term

_ALIKE = 60  # words with the most and the rarest trigrams in common, among which the nearest are
_COUNTED = 200  # videos: which of two words is in more of them matters no more beyond


class SqliteVocabulary:
    """A `spelling.Vocabulary` of what `viewer` may find."""

    def __init__(self, connection: sqlite3.Connection, viewer: Viewer) -> None:
        self._connection = connection
        self._viewer = viewer

    def near(self, words: Sequence[str]) -> dict[str, list[str]]:
        return {word: self._alike(word) for word in words}

    def counts(self, groups: Sequence[Sequence[Term]]) -> list[int]:
        return [self._count(match.together(group)) for group in groups]

    def _alike(self, word: str) -> list[str]:
        """Words that share trigrams with it, and those of which two neighbours are swapped: a short one shares none."""
        marked = f"^{word}$"
        trigrams = {marked[place : place + 3] for place in range(len(marked) - 2)}
        alike = self._connection.execute(
            "SELECT w.word FROM word_trigrams JOIN words w ON w.id = word_trigrams.rowid "
            "WHERE word_trigrams MATCH ? ORDER BY bm25(word_trigrams) LIMIT ?",
            (" OR ".join(f'"{trigram}"' for trigram in sorted(trigrams)), _ALIKE),
        )
        swapped = [
            word[:place] + word[place + 1] + word[place] + word[place + 2 :] for place in range(1, len(word) - 1)
        ]
        known = self._connection.execute(
            "SELECT word FROM words WHERE word IN (SELECT value FROM json_each(?))", (json.dumps(swapped),)
        )
        return list(dict.fromkeys(found for rows in (known, alike) for (found,) in rows))

    def _count(self, expression: str) -> int:
        row = self._connection.execute(
            "SELECT count(*) FROM (SELECT 1 FROM documents_fts JOIN documents d ON d.id = documents_fts.rowid "  # noqa: S608 -- composed of this module's own words
            f"WHERE documents_fts MATCH :expression AND {MAY_FIND} LIMIT :limit)",
            {"expression": expression, "limit": _COUNTED, **seen_by(self._viewer)},
        ).fetchone()
        return int(row[0])
