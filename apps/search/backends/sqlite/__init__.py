"""SQLite FTS5 behind the search seam."""

from apps.search.backends.sqlite.backend import SqliteBackend

__all__ = ["SqliteBackend"]
