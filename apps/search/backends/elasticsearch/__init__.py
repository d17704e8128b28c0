"""Elasticsearch behind the search seam."""

from apps.search.backends.elasticsearch.backend import ElasticsearchBackend
from apps.search.backends.elasticsearch.connection import ElasticsearchOptions

__all__ = ["ElasticsearchBackend", "ElasticsearchOptions"]
