"""The contract over a real Elasticsearch, and what is its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from apps.search.backends.elasticsearch import ElasticsearchBackend, ElasticsearchOptions
from tests.search.contract import SearchBackendContract
from tests.search.elasticsearch import elasticsearch_url, fresh_prefix, remove_indices


@pytest.fixture
def options() -> Iterator[ElasticsearchOptions]:
    options = ElasticsearchOptions(urls=(elasticsearch_url(),), index_prefix=fresh_prefix())
    yield options
    remove_indices(options.index_prefix)


@pytest.fixture
def backend(options: ElasticsearchOptions) -> ElasticsearchBackend:
    return ElasticsearchBackend(options)


class TestElasticsearch(SearchBackendContract):
    pass
