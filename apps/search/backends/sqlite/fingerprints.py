"""Which contents the index holds of a video, as a hash of its rows."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from uuid import UUID

from apps.search.backends.base import IndexedVideo, SearchDocument
from apps.search.backends.sqlite import vectors
from apps.search.backends.sqlite.writing import COLUMNS, document_row, moment_ids, moment_row

_VERSION = COLUMNS.index("version")


def of_document(document: SearchDocument) -> str:
    moments = [moment_row(moment) for moment in document.moments[: vectors.ABOUT]]
    return _fingerprint(document_row(document), moments, vectors.rows_of(document))


def scan(connection: sqlite3.Connection, after: UUID | None, limit: int) -> list[IndexedVideo]:
    """In the order of ids. Reads all that the index holds of them, one after another."""
    rows = connection.execute(
        f"SELECT id, {', '.join(COLUMNS)} FROM documents WHERE video_id > ? ORDER BY video_id LIMIT ?",  # noqa: S608 -- our own names
        ("" if after is None else after.hex, limit),
    ).fetchall()
    found = []
    for document_id, *row in rows:
        moments = connection.execute(
            "SELECT language, cues, text FROM moments WHERE id BETWEEN ? AND ? ORDER BY id", moment_ids(document_id)
        )
        found.append(IndexedVideo(UUID(hex=row[0]), _fingerprint(row, moments, vectors.read(connection, document_id))))
    return found


def _fingerprint(
    row: Sequence[object], moments: Iterable[Sequence[object]], vector_rows: Iterable[vectors.VectorRow]
) -> str:
    contents = hashlib.sha256()
    without_version = [int(value) if isinstance(value, bool) else value for value in row]
    without_version[_VERSION] = None
    for part in (without_version, *moments):
        contents.update(json.dumps(list(part)).encode())
    for place, space, vector in vector_rows:
        contents.update(f"{place} {space} {vector.hex()}".encode())
    return contents.hexdigest()
