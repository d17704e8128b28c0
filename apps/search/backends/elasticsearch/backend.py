"""The search engine where one machine is outgrown: an Elasticsearch cluster, version 8 or 9."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from elasticsearch import Elasticsearch, NotFoundError

from apps.search.backends.base import (
    IndexedVideo,
    Meaning,
    NearVideo,
    SearchDocument,
    SearchQuery,
    SearchResults,
    SearchUnavailableError,
    Suggestion,
    Viewer,
)
from apps.search.backends.elasticsearch import reading, writing
from apps.search.backends.elasticsearch.connection import Connection, ElasticsearchOptions
from apps.search.backends.elasticsearch.generations import Generation, Generations
from apps.search.backends.elasticsearch.lock import RebuildLock
from apps.search.backends.elasticsearch.meaning import as_videos, nearest
from apps.search.backends.elasticsearch.vocabulary import may_find
from apps.search.documents import source_of, tombstone_of

logger = logging.getLogger(__name__)

T = TypeVar("T")

_REBUILD_BATCH = 100  # documents
_GLANCE_S = 2.0


class ElasticsearchBackend:
    """A `SearchBackend` over the indices `<prefix>-videos-*`, made when they are missing."""

    def __init__(self, options: ElasticsearchOptions) -> None:
        self._options = options
        self._connection = Connection(options)
        self._generations = Generations(self._connection, options)

    def index(self, documents: Sequence[SearchDocument]) -> dict[UUID, str]:
        sources: dict[UUID, dict[str, Any]] = {}
        failures: dict[UUID, str] = {}
        for document in documents:
            try:
                sources[document.video_id] = self._source(document)
            except (TypeError, ValueError, OverflowError) as error:
                failures[document.video_id] = f"{type(error).__name__}: {error}"
        return failures | writing.write(self._connection, self._generations, sources)

    def delete(self, video_ids: Iterable[UUID], *, version: int) -> None:
        words = {video_id: tombstone_of(video_id, version) for video_id in video_ids}
        if failures := writing.write(self._connection, self._generations, words):
            raise self._connection.busy(next(iter(failures.values())))

    def search(self, query: SearchQuery, viewer: Viewer, meaning: Meaning | None = None) -> SearchResults:
        comparable = meaning if meaning is not None and meaning.space == self._options.space else None
        return self._read(lambda client, index: reading.search(client, index, query, viewer, comparable))

    def nearest(
        self, meaning: Meaning, viewer: Viewer, *, limit: int, without: frozenset[UUID] = frozenset()
    ) -> list[NearVideo]:
        if meaning.space != self._options.space:
            return []
        seen = [may_find(replace(viewer, hidden=viewer.hidden | without))]
        return self._read(lambda client, index: as_videos(nearest(client, index, meaning, seen, limit=limit)))

    def suggest(self, prefix: str, *, limit: int, hidden: frozenset[UUID] = frozenset()) -> list[Suggestion]:
        return self._read(lambda client, index: reading.suggest(client, index, prefix, limit=limit, hidden=hidden))

    def rebuild(
        self,
        documents: Iterable[SearchDocument],
        *,
        version: int,
        progress: Callable[[int], None] | None = None,
    ) -> int:
        lock = RebuildLock(self._connection, self._options.index_prefix)
        lock.acquire()
        try:
            former = self._generations.current()
            self._generations.remove_strays()
            new = self._generations.make(floor=version)
            try:
                count = self._fill(new, documents, lock, progress)
                self._replace(former, new, version)
            except BaseException:
                self._generations.delete(new)
                raise
            return count
        finally:
            lock.release()

    def count(self) -> int:
        return self._read(reading.count)

    def is_incomplete(self) -> bool:
        return not self._generations.current().is_complete

    def mark_complete(self) -> None:
        self._generations.remember(self._generations.current(), is_complete=True)

    def scan(self, after: UUID | None, limit: int) -> list[IndexedVideo]:
        return self._read(lambda client, index: reading.scan(client, index, after, limit))

    def fingerprint(self, document: SearchDocument) -> str:
        return str(self._source(document)["fingerprint"])

    def demand_current_schema(self) -> None:
        """Raises `SearchUnavailableError` where the index was made for another version of the portal, or is away.

        Makes none, and does not wait long: it is asked before every command.
        """
        hasty = replace(self._options, timeout_s=min(_GLANCE_S, self._options.timeout_s), retries=0)
        generations = Generations(Connection(hasty), hasty)
        if (generation := generations.find()) is not None:
            generations.demand_schema(generation)

    # --- inside ---

    def _source(self, document: SearchDocument) -> dict[str, Any]:
        return source_of(document, has_analyzer=bool(self._options.analyzer), space=self._options.space)

    def _read(self, work: Callable[[Elasticsearch, str], T]) -> T:
        with self._connection.asking() as client:
            try:
                return work(client, self._generations.alias)
            except NotFoundError:
                self._generations.current()
                return work(client, self._generations.alias)

    def _fill(
        self,
        new: Generation,
        documents: Iterable[SearchDocument],
        lock: RebuildLock,
        progress: Callable[[int], None] | None,
    ) -> int:
        count = 0
        remaining = iter(documents)
        while batch := list(islice(remaining, _REBUILD_BATCH)):
            failures = self._put(new, (self._source(document) for document in batch))
            for video_id, error in failures.items():
                logger.warning("Video %s is left out of the search index: %s", video_id, error)
            lock.renew()
            count += len(batch) - len(failures)
            if progress is not None:
                progress(count)
        return count

    def _replace(self, former: Generation, new: Generation, version: int) -> None:
        """Brings over what changed meanwhile, twice: while others write, and then the rest while they wait."""
        self._take_over(former, new, version)
        token = self._generations.freeze(former)
        try:
            self._take_over(former, new, version)
            self._generations.install(new, former, token)
        except BaseException:
            self._generations.thaw(former, token)
            raise

    def _take_over(self, former: Generation, new: Generation, version: int) -> None:
        for page in writing.newer_than(self._connection, former, version):
            if former.schema != new.schema:
                # Their shape is another. The outbox brings all there is, when it finds the index incomplete.
                self._generations.remember(new, is_complete=False)
                return
            if failures := self._put(new, page):
                raise self._connection.busy(next(iter(failures.values())))

    def _put(self, generation: Generation, sources: Iterable[writing.Source]) -> dict[UUID, str]:
        outcome = writing.bulk(self._connection, generation, sources, refresh=False)
        if outcome.busy:
            raise self._connection.busy(outcome.busy)
        if outcome.put_off:
            raise SearchUnavailableError(
                f"The index {generation.name}, which was being filled, is gone: run rebuild_search_index again."
            )
        return outcome.failures
