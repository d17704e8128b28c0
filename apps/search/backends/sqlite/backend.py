"""The embedded search engine: SQLite FTS5 in a file of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from apps.search.backends.base import (
    IndexedVideo,
    Meaning,
    NearVideo,
    SearchDocument,
    SearchQuery,
    SearchResults,
    Suggestion,
    Viewer,
)
from apps.search.backends.sqlite import approximate, fingerprints, reading, schema, suggesting, vectors, writing
from apps.search.backends.sqlite.files import IndexFile
from apps.search.backends.sqlite.meaning import nearest_videos
from apps.search.backends.sqlite.nearest import Nearest, NearestOptions

Access = Callable[[Callable[[sqlite3.Connection], Any]], Any]

_REBUILD_BATCH = 100  # documents per transaction
_FAULTS_OF_A_DOCUMENT = (
    TypeError, ValueError, OverflowError,
    sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError,
)  # fmt: skip


class SqliteBackend:
    """A `SearchBackend` over the file `path`, made when it is missing. Any number of readers, one writer at a time."""

    def __init__(self, path: Path, options: NearestOptions | None = None) -> None:
        self._file = IndexFile(path)
        self._nearest = Nearest(options or NearestOptions())

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

        failures = self._file.write(work)
        self._bring_graph_up()
        return failures

    def delete(self, video_ids: Iterable[UUID], *, version: int) -> None:
        ids = list(video_ids)
        self._file.write(lambda connection: writing.remove(connection, ids, version))

    def search(self, query: SearchQuery, viewer: Viewer, meaning: Meaning | None = None) -> SearchResults:
        return self._file.read(lambda connection: reading.search(connection, query, viewer, meaning, self._nearest))

    def nearest(
        self, meaning: Meaning, viewer: Viewer, *, limit: int, without: frozenset[UUID] = frozenset()
    ) -> list[NearVideo]:
        seen = replace(viewer, hidden=viewer.hidden | without)
        return self._file.read(lambda connection: nearest_videos(connection, self._nearest, meaning, seen, limit))

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
            for space in self._behind(new):
                self._write_graph(approximate.folder_of(new), lambda work: work(new), lambda work: work(new), space)
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

    # --- the graph of vectors ---

    def _bring_graph_up(self) -> None:
        """Writes the graph anew where too many vectors came after it, unless somebody is at it."""
        for space in self._file.read(self._behind):
            with self._file.alone("vectors") as is_alone:
                if is_alone:
                    self._write_graph(self._file.path.resolve(), self._file.read, self._file.write, space)

    def _behind(self, connection: sqlite3.Connection) -> list[str]:
        """The space whose graph is to be written: that of the newest vectors."""
        newest = vectors.newest_space(connection) if self._nearest.is_behind(connection) else None
        return [] if newest is None else [newest]

    def _write_graph(self, generation: Path, read: Access, write: Access, space: str) -> None:
        graph = approximate.make(generation, read, space, read(approximate.current))
        if graph is None:
            return

        def remember(connection: sqlite3.Connection) -> bool:
            """Not in a generation that took the place of this one meanwhile."""
            is_same = approximate.folder_of(connection) == generation
            if is_same:
                approximate.remember(connection, graph)
            return is_same

        if write(remember):
            approximate.remove_others(generation, graph)
        else:
            generation.with_name(graph.name).unlink(missing_ok=True)


def _batches(documents: Iterable[SearchDocument], size: int) -> Iterator[list[SearchDocument]]:
    remaining = iter(documents)
    while batch := list(islice(remaining, size)):
        yield batch
