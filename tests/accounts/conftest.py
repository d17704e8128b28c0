"""What the tests of accounts share."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache

PASSWORD = "a long pass phrase"  # of the users in tests/conftest.py
NEW_PASSWORD = "another long pass phrase"


@pytest.fixture(autouse=True)
def _no_attempts_so_far() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()
