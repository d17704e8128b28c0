"""The way to the server: one client per process, and its errors in words that say what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from elasticsearch import ApiError, Elasticsearch, TransportError, UnsupportedProductError

from apps.search.backends.base import SearchUnavailableError

_BUSY_STATUSES = {408, 429}  # and all from 500 on
_REFUSED_STATUSES = {401, 403}
_PROXY_STATUSES = {*_REFUSED_STATUSES, 429, 502, 503, 504}  # which what stands before the server may answer


@dataclass(frozen=True)
class ElasticsearchOptions:
    """Where the server is, and how the portal uses it."""

    urls: tuple[str, ...]  # with their ports; may hold user and password
    index_prefix: str = "videoportal"
    api_key: str = ""
    ca_file: str = ""  # of an authority that signed the server's certificate
    timeout_s: float = 10.0  # of a question
    write_timeout_s: float = 30.0
    retries: int = 2  # on another node, or again on the only one
    analyzer: str = ""  # of the server, for all languages; empty: one for each language that has one
    space: str = ""  # of the vectors that it holds; empty: none
    n_dimensions: int = 0  # that they have
    synonyms: tuple[str, ...] = ()  # rules in Solr's form: "car, automobile" or "tv => television"


class Connection:
    """Safe to use from threads, and after a fork: sockets of the parent are left to it."""

    def __init__(self, options: ElasticsearchOptions) -> None:
        self._options = options
        self._made: tuple[int, Elasticsearch] | None = None
        self.places = ", ".join(_without_credentials(url) for url in options.urls)

    @contextmanager
    def asking(self) -> Iterator[Elasticsearch]:
        """A client for questions. Raises `SearchUnavailableError` for what lies with the server or the way to it."""
        try:
            yield self._client()
        except (TransportError, ApiError) as error:
            self.raise_if_unavailable(error)
            raise

    @contextmanager
    def writing(self) -> Iterator[Elasticsearch]:
        """A client for what may take longer."""
        with self.asking() as client:
            yield client.options(request_timeout=self._options.write_timeout_s)

    def raise_if_unavailable(self, error: Exception) -> None:
        """Raises for an `error` of the surroundings, and returns for one of our own making."""
        if isinstance(error, UnsupportedProductError) or _is_foreign(error):
            raise SearchUnavailableError(
                f"What answers at {self.places} is no Elasticsearch: correct ELASTICSEARCH_URL."
            ) from error
        if isinstance(error, TransportError):
            raise SearchUnavailableError(
                f"Elasticsearch at {self.places} does not answer ({type(error).__name__}: {error}). Start it, or "
                "correct ELASTICSEARCH_URL. Changes are kept, and indexed when it is back."
            ) from error
        if isinstance(error, ApiError) and error.status_code in _REFUSED_STATUSES:
            raise SearchUnavailableError(
                f"Elasticsearch at {self.places} refuses the portal ({error.status_code} {error.message}): correct "
                "ELASTICSEARCH_API_KEY or the password in ELASTICSEARCH_URL, and give it all rights over the indices "
                f"{self._options.index_prefix}-*."
            ) from error
        if isinstance(error, ApiError) and (error.status_code in _BUSY_STATUSES or error.status_code >= 500):
            raise self.busy(f"{error.status_code} {error.message}") from error

    def busy(self, reason: str) -> SearchUnavailableError:
        return SearchUnavailableError(
            f"Elasticsearch at {self.places} cannot do its work now ({reason}): look at its log, its disk and its "
            "memory. Changes are kept, and indexed when it can."
        )

    def _client(self) -> Elasticsearch:
        if self._made is None or self._made[0] != os.getpid():
            authority: dict[str, Any] = {"ca_certs": self._options.ca_file} if self._options.ca_file else {}
            made = Elasticsearch(
                list(self._options.urls),
                api_key=self._options.api_key or None,
                request_timeout=self._options.timeout_s,
                max_retries=self._options.retries,
                **authority,
            )
            self._made = (os.getpid(), made)
        return self._made[1]


def _is_foreign(error: Exception) -> bool:
    return (
        isinstance(error, ApiError)
        and error.status_code not in _PROXY_STATUSES
        and error.meta.headers.get("x-elastic-product") != "Elasticsearch"
    )


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
