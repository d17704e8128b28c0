"""Which search engine the portal uses: the only place that reads its settings."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from django.conf import settings

from apps.search.backends.base import SearchBackend


def _sqlite() -> SearchBackend:
    return _sqlite_at(Path(settings.SEARCH_SQLITE_PATH))


@cache
def _sqlite_at(path: Path) -> SearchBackend:
    from apps.search.backends.sqlite import SqliteBackend

    return SqliteBackend(path)


# The value of SEARCH_BACKEND -> what builds the engine, and keeps it for the process.
_BUILDERS: dict[str, Callable[[], SearchBackend]] = {"sqlite": _sqlite}


def backend() -> SearchBackend:
    """The engine that SEARCH_BACKEND names, one per process and configuration."""
    return _BUILDERS[settings.SEARCH_BACKEND]()
