"""Things that somebody looks for and knows: BBC News, spoken, and misheard by a recogniser.

An article's body is said in cues of nine words; its title is what somebody types. The video's own title says nothing.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from apps.search.backends.base import DocumentVectors, SearchDocument
from apps.search.passages import moments_from_cues
from benchmarks.mishearing import Mishearing
from benchmarks.search_corpus import Article, articles, cues_of
from benchmarks.vector_cache import VectorCache

SPACE = "benchmark"


@dataclass(frozen=True)
class Item:
    article: Article
    document: SearchDocument


def items(data: Path, rate: float, every: int = 1) -> list[Item]:
    """Of every so-manieth article, with `rate` errors a word."""
    found = articles(data)
    mishearing = Mishearing(article.body for article in found)
    return [
        Item(article, _document(article, mishearing.heard(article.body, rate, article.id)))
        for article in found[::every]
    ]


def _document(article: Article, text: str) -> SearchDocument:
    cues = cues_of(text)
    return SearchDocument(
        video_id=uuid.uuid5(uuid.NAMESPACE_URL, article.id),
        owner_id=uuid.UUID(int=1),
        is_listed=True,
        title="A recording",
        description="",
        tags=(),
        topic_label="",
        topic_name="",
        languages=("en",),
        duration_ms=cues[-1][1] if cues else 0,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        has_captions=True,
        transcript=" ".join(cue[2] for cue in cues),
        moments=moments_from_cues(cues, "en"),
        version=1,
    )


def vectors_of(document: SearchDocument, cache: VectorCache) -> DocumentVectors:
    found = cache.of([moment.text for moment in document.moments])
    return DocumentVectors(SPACE, b"", tuple(vector.astype("<f2").tobytes() for vector in found))
