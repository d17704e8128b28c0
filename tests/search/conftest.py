"""An empty index of its own for each test."""

from pathlib import Path

import pytest
from pytest_django import Settings

from apps.search.factory import backend

pytest.register_assert_rewrite("tests.search.contract")  # its modules are not called test_…


@pytest.fixture
def index_path(settings: Settings, tmp_path: Path) -> Path:
    """Of an index that holds all there is: nothing."""
    path = tmp_path / "search.sqlite3"
    settings.SEARCH_SQLITE_PATH = path
    backend().mark_complete()
    return path
