"""Documents for tests that need no database."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from apps.search.backends.base import SearchDocument
from apps.search.passages import moments_from_cues

OWNER_ID = uuid.UUID(int=1)


def make_document(*said: str, **changes: Any) -> SearchDocument:
    """A listed video, in which each of `said` is a cue of two seconds."""
    cues = [(2_000 * place, 2_000 * place + 2_000, text) for place, text in enumerate(said)]
    document = SearchDocument(
        video_id=uuid.uuid4(),
        owner_id=OWNER_ID,
        is_listed=True,
        title="A talk",
        description="",
        tags=(),
        topic_label="",
        topic_name="",
        languages=("en",),
        duration_ms=60_000,
        created_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
        has_captions=bool(said),
        transcript=" ".join(said),
        moments=moments_from_cues(cues, "en"),
        version=1,
    )
    return replace(document, **changes)
