"""The vectors of what is said and written in videos, as the database keeps them: by a digest of the text.

Only a text that is new is embedded, and the index can be built anew without the model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from apps.search.backends.base import DocumentVectors, SearchDocument
from apps.search.backends.terms import clean
from apps.search.embedders import EmbeddingSpace
from apps.search.models import PassageVector


def texts_of(document: SearchDocument, space: EmbeddingSpace) -> dict[str, str]:
    """Everything of the video that has a vector in `space`, by digest: its passages, and what is written about it."""
    texts = [_about(document, space), *_passages(document, space)]
    return {digest_of(text): text for text in texts if text}


def with_vectors(documents: Sequence[SearchDocument], space: EmbeddingSpace) -> list[SearchDocument]:
    """The documents with those of their vectors that the database has. Costs a query."""
    kept = _kept([document.video_id for document in documents], space)
    return [
        replace(document, vectors=_vectors(document, space, kept.get(document.video_id, {}))) for document in documents
    ]


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[: PassageVector.DIGEST_CHARACTERS]


def _about(document: SearchDocument, space: EmbeddingSpace) -> str:
    """Title, tags and description; empty where the model does not understand their language."""
    if not document.languages or not space.understands(document.languages[0]):
        return ""
    return ". ".join(filter(None, map(clean, (document.title, ", ".join(document.tags), document.description))))


def _passages(document: SearchDocument, space: EmbeddingSpace) -> list[str]:
    """One for each moment; empty where the model does not understand its language."""
    return [clean(moment.text) if space.understands(moment.language) else "" for moment in document.moments]


def _kept(video_ids: Iterable[UUID], space: EmbeddingSpace) -> dict[UUID, dict[str, bytes]]:
    kept: dict[UUID, dict[str, bytes]] = {}
    rows = PassageVector.objects.filter(video__in=list(video_ids), space=space.name)
    for video_id, digest, vector in rows.values_list("video_id", "digest", "vector"):
        kept.setdefault(video_id, {})[digest] = bytes(vector)
    return kept


def _vectors(document: SearchDocument, space: EmbeddingSpace, kept: Mapping[str, bytes]) -> DocumentVectors | None:
    if not kept:
        return None
    about, *moments = (
        kept.get(digest_of(text), b"") if text else b""
        for text in [_about(document, space), *_passages(document, space)]
    )
    return DocumentVectors(space.name, about, tuple(moments)) if about or any(moments) else None
