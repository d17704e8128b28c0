"""Documents into generations. Versions are the server's own ("external"): what is older than what is there is refused.

A deleted video leaves a document that says so. The server itself remembers a deletion for a minute only, and a write
that comes later would bring the video back.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from elasticsearch import ApiError, NotFoundError
from elasticsearch.helpers import streaming_bulk

from apps.search.backends.base import SearchUnavailableError
from apps.search.backends.elasticsearch.connection import Connection
from apps.search.backends.elasticsearch.generations import Generation, Generations

Source = Mapping[str, Any]

# So long a writer waits for a rebuild to put its index in place, before it takes that rebuild for killed.
FREEZE_LIMIT_S = 20.0
_FREEZE_POLL_S = 0.1
_CHUNK_DOCUMENTS = 100
_CHUNK_BYTES = 20 * 1024 * 1024  # of a request; servers refuse 100 MB
_RETRIES = 3  # of a document for which the server has no room in its queue
_REPLAY_PAGE = 20  # documents, which may be of some megabytes
_KEEP_ALIVE = "2m"


@dataclass
class Outcome:
    """What did not go in."""

    failures: dict[UUID, str] = field(default_factory=dict)
    put_off: set[UUID] = field(default_factory=set)  # the generation is frozen or gone
    busy: str = ""  # why the server had no room for some


def write(connection: Connection, generations: Generations, sources: Mapping[UUID, Source]) -> dict[UUID, str]:
    """Writes into the generation that answers, durably and so that it is found. Returns what went wrong, by video."""
    pending = dict(sources)
    failures: dict[UUID, str] = {}
    deadline, token = time.monotonic() + FREEZE_LIMIT_S, ""
    while pending:
        generation = generations.current()
        generations.demand_schema(generation)
        # What is older than a rebuild comes too late: that read the rows after it.
        due = [source for source in pending.values() if source["version"] >= generation.floor]
        outcome = bulk(connection, generation, due, refresh=True)
        failures |= outcome.failures
        if outcome.busy:
            raise connection.busy(outcome.busy)
        pending = {video_id: pending[video_id] for video_id in outcome.put_off}
        if pending:
            found = generations.frozen_by(generation)
            if found != token:
                deadline, token = time.monotonic() + FREEZE_LIMIT_S, found
            _wait(generations, generation, token, deadline)
    return failures


def bulk(connection: Connection, generation: Generation, sources: Iterable[Source], *, refresh: bool) -> Outcome:
    """Writes into a generation. Raises `SearchUnavailableError` where the server is away."""
    outcome = Outcome()
    actions = (
        {
            "_op_type": "index",
            "_index": generation.write_alias,
            "_id": source["video_id"],
            "version": source["version"],
            "version_type": "external_gte",
            "_source": source,
        }
        for source in sources
    )
    with connection.writing() as client:
        answers = streaming_bulk(
            client,
            actions,
            chunk_size=_CHUNK_DOCUMENTS,
            max_chunk_bytes=_CHUNK_BYTES,
            max_retries=_RETRIES,
            initial_backoff=0.2,
            max_backoff=2,
            raise_on_error=False,
            raise_on_exception=False,
            require_alias=True,
            refresh=refresh,
        )
        for is_written, answer in answers:
            if not is_written:
                _note(outcome, connection, answer["index"])
    return outcome


def newer_than(connection: Connection, generation: Generation, version: int) -> Iterator[list[Source]]:
    """All documents, and words of deletions, of later versions, as they were at one time, a page at a time."""
    with connection.writing() as client:
        point = client.open_point_in_time(index=generation.name, keep_alive=_KEEP_ALIVE)["id"]
        try:
            after: Sequence[Any] | None = None
            while True:
                answer = client.search(
                    pit={"id": point, "keep_alive": _KEEP_ALIVE},
                    query={"range": {"version": {"gt": version}}},
                    sort=[{"video_id": "asc"}],
                    search_after=after,
                    size=_REPLAY_PAGE,
                    track_total_hits=False,
                )
                hits = answer["hits"]["hits"]
                if not hits:
                    return
                yield [hit["_source"] for hit in hits]
                point, after = answer["pit_id"], hits[-1]["sort"]
        finally:
            _close(connection, point)


def _close(connection: Connection, point: str) -> None:
    with connection.asking() as client:
        try:
            client.close_point_in_time(id=point)
        except NotFoundError:
            return  # it ended by itself


def _note(outcome: Outcome, connection: Connection, answer: Mapping[str, Any]) -> None:
    """One document that was not written."""
    video_id, status, error = UUID(answer["_id"]), answer.get("status"), answer.get("error")
    exception = answer.get("exception")
    kind = error.get("type", "") if isinstance(error, Mapping) else ""
    if isinstance(exception, ApiError) and status == 413:
        outcome.failures[video_id] = "It is larger than the server takes: raise http.max_content_length there."
    elif exception is not None:
        connection.raise_if_unavailable(exception)
        outcome.failures[video_id] = str(exception)
    elif status == 409:
        return  # what is there is newer
    elif kind in {"cluster_block_exception", "index_not_found_exception"} and status in {403, 404}:
        outcome.put_off.add(video_id)
    elif isinstance(status, int) and (status == 429 or status >= 500):
        outcome.busy = f"{status} {_reason(error)}"
    else:
        outcome.failures[video_id] = _reason(error)


def _reason(error: object) -> str:
    """The server's words: "mapper_parsing_exception: failed to parse field … (Numeric value out of range)"."""
    if not isinstance(error, Mapping):
        return str(error)
    cause = error.get("caused_by")
    because = f" ({cause.get('reason')})" if isinstance(cause, Mapping) else ""
    return f"{error.get('type')}: {error.get('reason')}{because}"


def _wait(generations: Generations, generation: Generation, token: str, deadline: float) -> None:
    """For the next generation. Thaws one that stays frozen, and raises where it is closed for another reason."""
    if time.monotonic() < deadline:
        time.sleep(_FREEZE_POLL_S)
    elif token:
        generations.thaw(generation, token)
    else:
        raise SearchUnavailableError(
            f"The search index {generation.name} refuses writes: remove its block (index.blocks.write), or run "
            "rebuild_search_index."
        )
