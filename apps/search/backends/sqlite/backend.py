"""The embedded search engine: SQLite FTS5 in a file of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from uuid import UUID

from apps.search.backends.base import IndexedVideo, SearchDocument, SearchQuery, SearchResults, Suggestion, Viewer
from apps.search.backends.sqlite import fingerprints, reading, schema, suggesting, writing
from apps.search.backends.sqlite.files import IndexFile

_REBUILD_BATCH = 100  # documents per transaction
_FAULTS_OF_A_DOCUMENT = (
    TypeError, ValueError, OverflowError,
    sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError,
)  # fmt: skip


class SqliteBackend:
    """A `SearchBackend` over the file `path`, made when it is missing. Any number of readers, one writer at a time."""

    def __init__(self, path: Path) -> None:
        self._file = IndexFile(path)

    def index(self, documents: Sequence[SearchDocument]) -> dict[UUID, str]:
        def work(connection: sqlite3.Connection) -> dict[UUID, str]:
            failures: dict[UUID, str] = {}
            for document in documents:
                connection.execute("SAVEPOINT document")
                try:
                    writing.put(connection, document)
                except _FAULTS_OF_A_DOCUMENT as error:
                    connection.execute("ROLLBACK TO document")
                    failures[document.video_id] = f"{type(error).__name__}: {error}"
                connection.execute("RELEASE document")
            return failures

        return self._file.write(work)

    def delete(self, video_ids: Iterable[UUID], *, version: int) -> None:
        ids = list(video_ids)
        self._file.write(lambda connection: writing.remove(connection, ids, version))

    def search(self, query: SearchQuery, viewer: Viewer) -> SearchResults:
        return self._file.read(lambda connection: reading.search(connection, query, viewer))

    def suggest(self, prefix: str, *, limit: int, hidden: frozenset[UUID] = frozenset()) -> list[Suggestion]:
        return self._file.read(lambda connection: suggesting.suggest(connection, prefix, limit, hidden))

    def rebuild(
        self,
        documents: Iterable[SearchDocument],
        *,
        version: int,
        progress: Callable[[int], None] | None = None,
    ) -> int:
        def fill(new: sqlite3.Connection) -> int:
            writing.set_floor(new, version)
            count = 0
            for batch in _batches(documents, _REBUILD_BATCH):
                new.execute("BEGIN")
                for document in batch:
                    writing.put(new, document)
                new.execute("COMMIT")
                count += len(batch)
                if progress is not None:
                    progress(count)
            writing.optimise(new)
            return count

        return self._file.rebuild(fill, lambda old, new: writing.take_over(old, new, version=version))

    def count(self) -> int:
        return self._file.read(
            lambda connection: int(connection.execute("SELECT count(*) FROM documents").fetchone()[0])
        )

    def is_incomplete(self) -> bool:
        return not self._file.read(schema.is_complete)

    def mark_complete(self) -> None:
        self._file.write(lambda connection: schema.set_complete(connection, True))

    def scan(self, after: UUID | None, limit: int) -> list[IndexedVideo]:
        return self._file.read(lambda connection: fingerprints.scan(connection, after, limit))

    def fingerprint(self, document: SearchDocument) -> str:
        return fingerprints.of_document(document)


def _batches(documents: Iterable[SearchDocument], size: int) -> Iterator[list[SearchDocument]]:
    remaining = iter(documents)
    while batch := list(islice(remaining, size)):
        yield batch
