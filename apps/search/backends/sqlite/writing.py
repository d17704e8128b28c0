"""Documents into the tables, and out of them. The caller holds the transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from apps.search.backends.base import Moment, SearchDocument
from apps.search.backends.spelling import learnt_words
from apps.search.backends.sqlite import vectors
from apps.search.backends.sqlite.schema import MOMENTS_PER_DOCUMENT
from apps.search.backends.terms import clean, printable

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

COLUMNS = (
    "video_id", "version", "owner_id", "is_listed", "duration_ms", "created_at_ms", "has_captions", "topic_label",
    "languages", "topic_name", "title", "tags", "description", "transcript",
)  # fmt: skip
_UPSERT = (
    f"INSERT INTO documents ({', '.join(COLUMNS)}) VALUES ({', '.join('?' for _ in COLUMNS)}) "  # noqa: S608
    f"ON CONFLICT (video_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in COLUMNS[1:])} "
    "RETURNING id"
)
_TEXTS = "title || ' ' || tags || ' ' || topic_name || ' ' || description || ' ' || transcript"
_INSERT_MOMENT = "INSERT INTO moments (id, language, cues, text) VALUES (?, ?, ?, ?)"

MomentRow = tuple[str, str, str]  # language, cues as JSON, text


def milliseconds(moment: datetime) -> int:
    """Since the epoch."""
    return round((moment - _EPOCH).total_seconds() * 1000)


def put(connection: sqlite3.Connection, document: SearchDocument) -> bool:
    """Writes a document unless a newer one, or a newer deletion, is there. Returns whether it was written."""
    if _newest_version(connection, document.video_id.hex) > document.version:
        return False
    moments = [moment_row(moment) for moment in document.moments[: vectors.ABOUT]]
    _write(connection, document_row(document), moments, vectors.rows_of(document))
    return True


def remove(connection: sqlite3.Connection, video_ids: Iterable[UUID], version: int) -> None:
    """Deletes documents unless they are newer, and leaves word that no older one may come back."""
    for video_id in video_ids:
        if _newest_version(connection, video_id.hex) > version:
            continue
        _delete(connection, video_id.hex)
        connection.execute("INSERT OR REPLACE INTO tombstones VALUES (?, ?)", (video_id.hex, version))


def take_over(old: sqlite3.Connection, new: sqlite3.Connection, *, version: int) -> None:
    """Brings into `new` what was written to or deleted from `old` after `version`."""
    new.execute("BEGIN")
    for video_id, deleted_at in old.execute("SELECT video_id, version FROM tombstones WHERE version > ?", (version,)):
        _delete(new, video_id)
        new.execute("INSERT OR REPLACE INTO tombstones VALUES (?, ?)", (video_id, deleted_at))
    newer = old.execute(f"SELECT id, {', '.join(COLUMNS)} FROM documents WHERE version > ?", (version,))  # noqa: S608
    for document_id, *row in newer:
        moments = old.execute(
            "SELECT language, cues, text FROM moments WHERE id BETWEEN ? AND ? ORDER BY id", moment_ids(document_id)
        ).fetchall()
        _write(new, tuple(row), moments, vectors.read(old, document_id))
    new.execute("COMMIT")


def set_floor(connection: sqlite3.Connection, version: int) -> None:
    """What is older comes too late: a rebuild of that version read the rows after it."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('floor', ?)", (str(version),))


def optimise(connection: sqlite3.Connection) -> None:
    """Merges the full-text tables into one segment each: for a file that was just filled."""
    for table in ("documents_fts", "moments_fts", "listed_words"):
        connection.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")  # noqa: S608 -- our own names


def moment_ids(document_id: int) -> tuple[int, int]:
    """The first and last rowid that a moment of the document can have."""
    first = document_id * MOMENTS_PER_DOCUMENT
    return first, first + MOMENTS_PER_DOCUMENT - 1


def _newest_version(connection: sqlite3.Connection, video_id: str) -> int:
    row = connection.execute(
        "SELECT max(version) FROM (SELECT version FROM documents WHERE video_id = :id"
        " UNION ALL SELECT version FROM tombstones WHERE video_id = :id"
        " UNION ALL SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'floor')",
        {"id": video_id},
    ).fetchone()
    return -1 if row[0] is None else int(row[0])


def _write(
    connection: sqlite3.Connection,
    row: tuple[object, ...],
    moments: list[MomentRow],
    vector_rows: list[vectors.VectorRow],
) -> None:
    video_id = str(row[0])
    words_before = _words_of(connection, video_id)
    document_id = connection.execute(_UPSERT, row).fetchone()[0]
    words = _words_of(connection, video_id)
    _learn(connection, words - words_before)
    _forget(connection, words_before - words)
    connection.execute("DELETE FROM tombstones WHERE video_id = ?", (row[0],))
    # While captions are being recognised a document comes every few seconds, mostly with the moments it had.
    first, last = moment_ids(document_id)
    former = connection.execute(
        "SELECT language, cues, text FROM moments WHERE id BETWEEN ? AND ? ORDER BY id", (first, last)
    ).fetchall()
    same = 0
    while same < min(len(former), len(moments)) and former[same] == moments[same]:
        same += 1
    if same < len(former):
        connection.execute("DELETE FROM moments WHERE id BETWEEN ? AND ?", (first + same, last))
    connection.executemany(
        _INSERT_MOMENT, [(first + place, *moment) for place, moment in enumerate(moments) if place >= same]
    )
    vectors.write(connection, document_id, vector_rows)


def _delete(connection: sqlite3.Connection, video_id: str) -> None:
    row = connection.execute("SELECT id FROM documents WHERE video_id = ?", (video_id,)).fetchone()
    if row is not None:
        words = _words_of(connection, video_id)
        connection.execute("DELETE FROM moments WHERE id BETWEEN ? AND ?", moment_ids(row[0]))
        vectors.delete(connection, row[0])
        connection.execute("DELETE FROM documents WHERE id = ?", (row[0],))
        _forget(connection, words)


def _words_of(connection: sqlite3.Connection, video_id: str) -> set[str]:
    row = connection.execute(f"SELECT {_TEXTS} FROM documents WHERE video_id = ?", (video_id,)).fetchone()  # noqa: S608
    return set() if row is None else learnt_words(row[0])


def _learn(connection: sqlite3.Connection, words: set[str]) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO words (word) SELECT value FROM json_each(?)", (json.dumps(sorted(words)),)
    )


def _forget(connection: sqlite3.Connection, words: set[str]) -> None:
    """Of words that a video had, those that no other has."""
    for word in words:
        expression = '"' + word + '"'
        found = connection.execute("SELECT 1 FROM documents_fts WHERE documents_fts MATCH ? LIMIT 1", (expression,))
        if found.fetchone() is None:
            connection.execute("DELETE FROM words WHERE word = ?", (word,))


def document_row(document: SearchDocument) -> tuple[object, ...]:
    return (
        document.video_id.hex,
        document.version,
        document.owner_id.hex,
        document.is_listed,
        document.duration_ms,
        milliseconds(document.created_at),
        document.has_captions,
        clean(document.topic_label),
        " ".join(document.languages),
        clean(document.topic_name),
        clean(document.title),
        # A comma keeps a phrase from being found across two tags no better than a space would; it reads better.
        ", ".join(clean(tag) for tag in document.tags),
        clean(document.description),
        clean(document.transcript),
    )


def moment_row(moment: Moment) -> MomentRow:
    cues = json.dumps([[cue.offset, cue.start_ms, cue.end_ms] for cue in moment.cues], separators=(",", ":"))
    return moment.language, cues, printable(moment.text)  # whose offsets count characters
