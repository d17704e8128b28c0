"""The index made anew from the database."""

from __future__ import annotations

from collections.abc import Callable

from apps.search.factory import backend
from apps.search.gathering import all_documents
from apps.search.models import IndexClock


def rebuild_index(progress: Callable[[int], None] | None = None) -> int:
    """Builds the index aside and puts it in place of the former, which answers until then. Returns the documents.

    Workers go on meanwhile: what they bring into the former index has a later version, and is taken over.
    Raises `RebuildRunningError` or `SearchUnavailableError`.
    """
    version = IndexClock.tick()
    return backend().rebuild(all_documents(version=version), version=version, progress=progress)
