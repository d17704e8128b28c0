"""The stage `embed`: what is said and written in a video becomes vectors, in the database and then in the index."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction

from apps.search.embedders import EmbeddingSpace, embedder, space
from apps.search.gathering import documents_of
from apps.search.models import PassageVector
from apps.search.vectors import texts_of
from apps.videos.models import Video
from apps.videos.signals import video_changed
from apps.videos.stage import Progress, StageSkippedError

if TYPE_CHECKING:
    from apps.search.embedding.embedder import Embedder

_BATCH = 64  # passages in memory as vectors, and in one transaction: some seconds of work
_DELETED_AT_ONCE = 500


def embed_video(video: Video, progress: Progress, *, embedder_of: Callable[[], Embedder] = embedder) -> None:
    """Brings `PassageVector` in step with the words of `video`. Each batch is kept as it comes: killed in between,
    the next run goes on from there. Passages that were there before cost nothing.

    Raises StageSkippedError where nothing in the video has a meaning that the model could tell.
    """
    chosen = space()
    if chosen is None:
        _tell_index(video, gone=list(PassageVector.objects.filter(video=video).values_list("pk", flat=True)))
        raise StageSkippedError("The search by meaning is switched off on this portal.")
    texts: dict[str, str] = {}
    for document in documents_of([video.pk], version=0):
        texts |= texts_of(document, chosen)
    kept, gone = _sorted_out(video, chosen, set(texts))
    missing = [digest for digest in texts if digest not in kept]
    done = 0
    while batch := missing[done : done + _BATCH]:
        progress(done / len(missing), f"{done} of {len(missing)} passages read")
        vectors = embedder_of().passages([texts[digest] for digest in batch])
        _keep(video, chosen, dict(zip(batch, (vector.astype("<f2").tobytes() for vector in vectors), strict=True)))
        done += len(batch)
    # Also where nothing was missing: the run before this one may have been killed before it said so.
    _tell_index(video, gone=gone)
    if not texts:
        raise StageSkippedError("Nothing in this video is in a language whose meaning the search understands.")
    progress(1.0, f"{len(texts)} passages can be found by their meaning.")


def _sorted_out(video: Video, chosen: EmbeddingSpace, wanted: set[str]) -> tuple[set[str], list[UUID]]:
    """The digests of the vectors that stay; the keys of those that go: of what is said no more, and of other models."""
    kept, gone = set(), []
    for key, name, digest in PassageVector.objects.filter(video=video).values_list("pk", "space", "digest"):
        if name == chosen.name and digest in wanted:
            kept.add(digest)
        else:
            gone.append(key)
    return kept, gone


def _tell_index(video: Video, gone: list[UUID]) -> None:
    with transaction.atomic():
        for start in range(0, len(gone), _DELETED_AT_ONCE):
            PassageVector.objects.filter(pk__in=gone[start : start + _DELETED_AT_ONCE]).delete()
        video_changed.send(sender=__name__, video_id=video.pk)


def _keep(video: Video, chosen: EmbeddingSpace, vectors: dict[str, bytes]) -> None:
    rows = [
        PassageVector(video=video, space=chosen.name, digest=digest, vector=vector)
        for digest, vector in vectors.items()
    ]
    with transaction.atomic():
        # A worker that was taken for dead may have kept the same meanwhile.
        PassageVector.objects.bulk_create(rows, ignore_conflicts=True)
