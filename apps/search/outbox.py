"""From a committed change to the index, with nothing lost: notes are written in the transaction of the change, and
go only when the index has it on disk.

A drainer *claims* videos with all the notes on them, takes a version from `IndexClock` in the same transaction, then
reads their rows, tells the index, and removes the notes that it claimed. While a claim holds, no one else works at
these videos, and a change that comes meanwhile leaves a note of its own. So of two documents of a video the one with
the greater version was read later, and the index keeps that, whichever arrives last. A drainer that is killed loses
its claim after `SEARCH_CLAIM_S`, and another does the work again, to the same effect.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.search.backends.base import SearchDocument, SearchUnavailableError
from apps.search.factory import backend
from apps.search.gathering import documents_of
from apps.search.models import IndexClock, OutboxEntry
from apps.videos.models import Video

logger = logging.getLogger(__name__)

DRAIN_LIMIT = 500  # videos in one call of `drain`
_BATCH = 20  # videos in one claim
_CATCHING_UP_AFTER = timedelta(seconds=5)
_RETRY_AFTER = timedelta(seconds=5)  # doubled with every attempt
_LONGEST_RETRY = timedelta(hours=1)
# A document that failed so often is tried on, but the portal no longer says that its index is behind.
_GIVEN_UP_ATTEMPTS = 5
_UNAVAILABLE_RETRY = timedelta(seconds=10)
_ERROR_CHARACTERS = 2_000

_waker: Callable[[], object] | None = None


@dataclass(frozen=True)
class _Claim:
    id: UUID
    version: int
    video_ids: tuple[UUID, ...]


# --- noting ---


def note(video_id: UUID) -> None:
    """Notes that the video's document is stale. Call it in the transaction of the change."""
    note_all([video_id])


def note_all(video_ids: Iterable[UUID]) -> None:
    """`note` for many, in one statement per thousand."""
    with transaction.atomic():
        if OutboxEntry.objects.bulk_create([OutboxEntry(video_id=one) for one in video_ids], batch_size=1000):
            transaction.on_commit(_wake)


def set_waker(waker: Callable[[], object] | None) -> None:
    """What is called after the commit of a change, to have `drain` run soon. It must return at once."""
    global _waker
    _waker = waker


def _wake() -> None:
    if _waker is None:
        return
    try:
        _waker()
    except Exception as error:  # noqa: BLE001 -- the change is saved and noted; the next drain on the clock finds it
        logger.warning(
            "The search index could not be told of a change at once (%s): it will be, within seconds.", error
        )


# --- asking ---


def is_catching_up() -> bool:
    """Whether changes older than a few seconds are not in the index yet."""
    old = OutboxEntry.objects.filter(noted_at__lt=timezone.now() - _CATCHING_UP_AFTER)
    return old.filter(attempts__lt=_GIVEN_UP_ATTEMPTS).exists()


# --- draining ---


def drain(limit: int = DRAIN_LIMIT) -> int:
    """Brings the index in step with up to `limit` videos, and returns how many. Safe to run in several processes.

    Never raises for a document or for an index that is away: both are tried again later, their errors kept.
    """
    done = 0
    try:
        _note_everything_if_incomplete()
        while done < limit and (claim := _claim(min(_BATCH, limit - done))):
            done += _work(claim)
    except SearchUnavailableError as error:
        logger.warning("The search index is not brought in step: %s", error)
    return done


def _note_everything_if_incomplete() -> None:
    """After the index was lost, every video goes through the outbox. Killed in between, it does so again."""
    if backend().is_incomplete():
        note_all(Video.objects.order_by("-created_at").values_list("pk", flat=True))
        backend().mark_complete()


def _claim(limit: int) -> _Claim | None:
    """Takes the videos whose notes are oldest. None where nothing is due."""
    now = timezone.now()
    due = OutboxEntry.objects.filter(not_before__lte=now).filter(Q(claimed_until=None) | Q(claimed_until__lte=now))
    if not due.exists():
        return None  # without a write, which others would wait for
    with transaction.atomic():
        # First of all: where the database locks rows, those who claim come one after another from here.
        version = IndexClock.tick()
        held = OutboxEntry.objects.filter(claimed_until__gt=now).values("video_id")
        noted = due.exclude(video_id__in=held).order_by("noted_at").values_list("video_id", flat=True)
        video_ids = tuple(dict.fromkeys(noted[: limit * 10]))[:limit]
        if not video_ids:
            return None
        claim = _Claim(uuid.uuid4(), version, video_ids)
        until = now + timedelta(seconds=settings.SEARCH_CLAIM_S)
        OutboxEntry.objects.filter(video_id__in=video_ids).update(claim=claim.id, claimed_until=until)
        return claim


def _work(claim: _Claim) -> int:
    """Returns how many videos are in step. Gives the claim back, whatever happens."""
    try:
        documents, failures = _build(claim)
        failures |= backend().index(documents)
        built = {document.video_id for document in documents}
        gone = [video_id for video_id in claim.video_ids if video_id not in built and video_id not in failures]
        if gone:
            backend().delete(gone, version=claim.version)
    except SearchUnavailableError as error:
        _give_back(claim, not_before=timezone.now() + _UNAVAILABLE_RETRY, error=str(error)[:_ERROR_CHARACTERS])
        raise
    except BaseException:
        _give_back(claim)
        raise
    _settle(claim, failures)
    return len(claim.video_ids) - len(failures)


def _build(claim: _Claim) -> tuple[list[SearchDocument], dict[UUID, str]]:
    """The documents of those videos that exist, and what went wrong with others."""
    try:
        return documents_of(claim.video_ids, version=claim.version), {}
    except Exception:  # noqa: BLE001 -- found out below, video by video
        logger.info("Documents are built one by one, because one of %d cannot be.", len(claim.video_ids))
    documents: list[SearchDocument] = []
    failures: dict[UUID, str] = {}
    for video_id in claim.video_ids:
        try:
            documents += documents_of([video_id], version=claim.version)
        except Exception as error:  # noqa: BLE001 -- kept in its entry; the others must not wait for it
            failures[video_id] = f"{type(error).__name__}: {error}"
    return documents, failures


def _settle(claim: _Claim, failures: dict[UUID, str]) -> None:
    """Removes the notes of what the index has, and puts off the others."""
    with transaction.atomic():
        claimed = OutboxEntry.objects.filter(claim=claim.id)
        claimed.exclude(video_id__in=list(failures)).delete()
        for video_id, error in failures.items():
            entries = list(claimed.filter(video_id=video_id).order_by("noted_at"))
            if not entries:
                continue  # another drainer took over meanwhile
            attempts = 1 + max(entry.attempts for entry in entries)
            logger.warning("Video %s cannot be indexed (attempt %d): %s", video_id, attempts, error)
            claimed.filter(video_id=video_id).exclude(pk=entries[0].pk).delete()
            claimed.filter(video_id=video_id).update(
                attempts=attempts,
                error=error[:_ERROR_CHARACTERS],
                not_before=timezone.now() + min(_RETRY_AFTER * 2 ** min(attempts, 16), _LONGEST_RETRY),
                claim=None,
                claimed_until=None,
            )


def _give_back(claim: _Claim, **changes: object) -> None:
    OutboxEntry.objects.filter(claim=claim.id).update(claim=None, claimed_until=None, **changes)
