"""Questions to an engine, in one line."""

from __future__ import annotations

import uuid
from typing import Any

from apps.search.backends.base import SearchBackend, SearchQuery, SearchResults, Viewer

ANYBODY = Viewer()


def find(backend: SearchBackend, text: str = "", viewer: Viewer = ANYBODY, **filters: Any) -> SearchResults:
    return backend.search(SearchQuery(text=text, **filters), viewer)


def found(backend: SearchBackend, text: str = "", viewer: Viewer = ANYBODY, **filters: Any) -> list[uuid.UUID]:
    return [hit.video_id for hit in find(backend, text, viewer, **filters).hits]
