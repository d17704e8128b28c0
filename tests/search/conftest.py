"""An empty index of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.search.factory import backend
from tests.search.elasticsearch import elasticsearch_url, fresh_prefix, remove_indices

pytest.register_assert_rewrite("tests.search.contract")  # its modules are not called test_…


@pytest.fixture
def index_path(settings: Settings, tmp_path: Path) -> Path:
    """Of an index that holds all there is: nothing."""
    path = tmp_path / "search.sqlite3"
    settings.SEARCH_SQLITE_PATH = path
    backend().mark_complete()
    return path


@pytest.fixture
def elasticsearch_prefix(settings: Settings) -> Iterator[str]:
    """Of an index that holds all there is, nothing, on a real server. Skips where there is no server."""
    settings.SEARCH_BACKEND = "elasticsearch"
    settings.ELASTICSEARCH_URLS = (elasticsearch_url(),)
    settings.ELASTICSEARCH_INDEX_PREFIX = prefix = fresh_prefix()
    backend().mark_complete()
    yield prefix
    remove_indices(prefix)


@pytest.fixture(params=["sqlite", "elasticsearch"])
def engine(request: pytest.FixtureRequest) -> str:
    """The portal over each search engine in turn."""
    request.getfixturevalue("index_path" if request.param == "sqlite" else "elasticsearch_prefix")
    return str(request.param)
