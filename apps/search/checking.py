"""Whether the index holds what the database says, video by video."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from uuid import UUID

from apps.search.backends.base import IndexedVideo, SearchBackend
from apps.search.factory import backend
from apps.search.gathering import BATCH, documents_of
from apps.search.models import OutboxEntry
from apps.videos.models import Video

_PAGE = 200  # videos that the index is asked for at once


class Fault(StrEnum):
    MISSING = "is not in the index"
    ORPHAN = "is in the index, and not in the database"
    DIFFERENT = "is in the index with other contents"


@dataclass(frozen=True)
class Difference:
    video_id: UUID
    fault: Fault


def differences() -> Iterator[Difference]:
    """Where the index is wrong, and no note in the outbox will put it right. In the order of ids.

    Memory stays the same however many videos there are: rows and index are read side by side, in one order, some at a
    time. Raises `SearchUnavailableError`.
    """
    engine = backend()
    for video_id in _suspects(_rows(engine), _indexed(engine)):
        fault = _fault(engine, video_id)
        # While it was read something may have changed, been noted and brought in step: only what stays is a fault.
        if fault is not None and not _is_noted(video_id) and _fault(engine, video_id) == fault:
            yield Difference(video_id, fault)


def _suspects(rows: Iterator[IndexedVideo], indexed: Iterator[IndexedVideo]) -> Iterator[UUID]:
    """Ids that only one side has, or for which the sides differ."""
    row, entry = next(rows, None), next(indexed, None)
    while row is not None or entry is not None:
        if row is None or (entry is not None and entry.video_id < row.video_id):
            assert entry is not None
            yield entry.video_id
            entry = next(indexed, None)
        elif entry is None or row.video_id < entry.video_id:
            yield row.video_id
            row = next(rows, None)
        else:
            if row.fingerprint != entry.fingerprint:
                yield row.video_id
            row, entry = next(rows, None), next(indexed, None)


def _rows(engine: SearchBackend) -> Iterator[IndexedVideo]:
    """What the index should hold."""
    after = UUID(int=0)
    while ids := list(Video.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        documents = sorted(documents_of(ids, version=0), key=lambda document: document.video_id)
        yield from (IndexedVideo(document.video_id, engine.fingerprint(document)) for document in documents)
        after = ids[-1]


def _indexed(engine: SearchBackend) -> Iterator[IndexedVideo]:
    page = engine.scan(None, _PAGE)
    while page:
        yield from page
        page = engine.scan(page[-1].video_id, _PAGE)


def _fault(engine: SearchBackend, video_id: UUID) -> Fault | None:
    """Of one video, as it is now."""
    before = UUID(int=video_id.int - 1) if video_id.int else None
    entry = next((one for one in islice(engine.scan(before, 1), 1) if one.video_id == video_id), None)
    documents = documents_of([video_id], version=0)
    if not documents:
        return Fault.ORPHAN if entry is not None else None
    if entry is None:
        return Fault.MISSING
    return Fault.DIFFERENT if entry.fingerprint != engine.fingerprint(documents[0]) else None


def _is_noted(video_id: UUID) -> bool:
    return OutboxEntry.objects.filter(video_id=video_id).exists()
