"""Which search engine the portal uses: the only place that reads its settings."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from apps.search.backends.base import SearchBackend
from apps.search.embedders import EmbeddingSpace, space

if TYPE_CHECKING:
    from apps.search.backends.elasticsearch import ElasticsearchBackend


def _sqlite() -> SearchBackend:
    return _sqlite_at(Path(settings.SEARCH_SQLITE_PATH))


@cache
def _sqlite_at(path: Path) -> SearchBackend:
    from apps.search.backends.sqlite import SqliteBackend

    return SqliteBackend(path)


def elasticsearch() -> ElasticsearchBackend:
    """The engine that the ELASTICSEARCH settings describe, whatever SEARCH_BACKEND says."""
    return _elasticsearch_at(
        tuple(settings.ELASTICSEARCH_URLS),
        settings.ELASTICSEARCH_INDEX_PREFIX,
        settings.ELASTICSEARCH_ANALYZER,
        tuple(settings.ELASTICSEARCH_SYNONYM_RULES),
        space(),
    )


@cache
def _elasticsearch_at(
    urls: tuple[str, ...], index_prefix: str, analyzer: str, synonyms: tuple[str, ...], chosen: EmbeddingSpace | None
) -> ElasticsearchBackend:
    # Imported here alone: it takes the better part of a second, which a portal without it need not spend.
    from apps.search.backends.elasticsearch import ElasticsearchBackend, ElasticsearchOptions

    return ElasticsearchBackend(
        ElasticsearchOptions(
            urls=urls,
            index_prefix=index_prefix,
            api_key=settings.ELASTICSEARCH_API_KEY,
            ca_file=settings.ELASTICSEARCH_CA_FILE,
            timeout_s=settings.ELASTICSEARCH_TIMEOUT_S,
            write_timeout_s=settings.ELASTICSEARCH_WRITE_TIMEOUT_S,
            analyzer=analyzer,
            synonyms=synonyms,
            space=chosen.name if chosen is not None else "",
            n_dimensions=chosen.n_dimensions if chosen is not None else 0,
        )
    )


# The value of SEARCH_BACKEND -> what builds the engine, and keeps it for the process.
_BUILDERS: dict[str, Callable[[], SearchBackend]] = {"sqlite": _sqlite, "elasticsearch": elasticsearch}


def backend() -> SearchBackend:
    """The engine that SEARCH_BACKEND names, one per process and configuration."""
    return _BUILDERS[settings.SEARCH_BACKEND]()
