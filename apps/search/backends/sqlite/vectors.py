"""The vectors of moments, in a table beside them: they come and go in the same transactions, and are the truth from
which everything quicker is made (`nearest`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from apps.search.backends.base import SearchDocument
from apps.search.backends.sqlite.schema import MOMENTS_PER_DOCUMENT

# The place of the vector of title and description, behind those of all moments.
ABOUT = MOMENTS_PER_DOCUMENT - 1

VectorRow = tuple[int, str, bytes]  # place in the document, space, vector


def rows_of(document: SearchDocument) -> list[VectorRow]:
    if document.vectors is None:
        return []
    space = document.vectors.space
    rows = [(place, space, vector) for place, vector in enumerate(document.vectors.moments[:ABOUT]) if vector]
    return [*rows, (ABOUT, space, document.vectors.about)] if document.vectors.about else rows


def read(connection: sqlite3.Connection, document_id: int) -> list[VectorRow]:
    first, last = _ids(document_id)
    rows = connection.execute(
        "SELECT v.moment_id - ?, s.name, v.vector FROM vectors v JOIN spaces s ON s.id = v.space "
        "WHERE v.moment_id BETWEEN ? AND ? ORDER BY v.moment_id",
        (first, first, last),
    )
    return rows.fetchall()


def write(connection: sqlite3.Connection, document_id: int, rows: Sequence[VectorRow]) -> None:
    """Puts `rows` in the place of what there was; the same again stays untouched, and keeps its number."""
    first, _ = _ids(document_id)
    former = {place: (space, vector) for place, space, vector in read(connection, document_id)}
    wanted = {place: (space, vector) for place, space, vector in rows}
    gone = [place for place, what in former.items() if wanted.get(place) != what]
    connection.executemany("DELETE FROM vectors WHERE moment_id = ?", [(first + place,) for place in gone])
    added = [(place, *what) for place, what in wanted.items() if former.get(place) != what]
    spaces = {name: _space(connection, name) for name in {space for _, space, _ in added}}
    connection.executemany(
        "INSERT INTO vectors (moment_id, space, vector) VALUES (?, ?, ?)",
        [(first + place, spaces[space], vector) for place, space, vector in added],
    )


def delete(connection: sqlite3.Connection, document_id: int) -> None:
    connection.execute("DELETE FROM vectors WHERE moment_id BETWEEN ? AND ?", _ids(document_id))


def after(connection: sqlite3.Connection, seq: int, space: str, limit: int = -1) -> Iterator[tuple[int, int, bytes]]:
    """Number, moment and vector of those in the space with a greater number than `seq`, in the order of numbers."""
    return connection.execute(
        "SELECT seq, moment_id, vector FROM vectors WHERE seq > ? AND space = (SELECT id FROM spaces WHERE name = ?) "
        "ORDER BY seq LIMIT ?",
        (seq, space, limit),
    )


def newest(connection: sqlite3.Connection) -> int:
    """The greatest number ever given: another where anything was added."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'vectors'").fetchone()
    return 0 if row is None else int(row[0])


def newest_space(connection: sqlite3.Connection) -> str | None:
    """The space of the vector that was added last."""
    row = connection.execute(
        "SELECT s.name FROM vectors v JOIN spaces s ON s.id = v.space ORDER BY v.seq DESC LIMIT 1"
    ).fetchone()
    return None if row is None else str(row[0])


def _space(connection: sqlite3.Connection, name: str) -> int:
    connection.execute("INSERT OR IGNORE INTO spaces (name) VALUES (?)", (name,))
    return int(connection.execute("SELECT id FROM spaces WHERE name = ?", (name,)).fetchone()[0])


def _ids(document_id: int) -> tuple[int, int]:
    first = document_id * MOMENTS_PER_DOCUMENT
    return first, first + ABOUT
