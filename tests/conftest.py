"""Fixtures that every room's tests share."""

import os
from pathlib import Path

import pytest

from apps.accounts.models import User

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Real recordings, which are no part of the project: a test that wants them skips where they are absent."""
    folder = Path(os.environ.get("VIDEOPORTAL_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"VIDEOPORTAL_DATA names no folder ({folder})")
    return folder


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_user("owner", password="a long pass phrase")


@pytest.fixture
def stranger(db: None) -> User:
    return User.objects.create_user("stranger", password="a long pass phrase")


@pytest.fixture
def moderator(db: None) -> User:
    return User.objects.create_user("moderator", password="a long pass phrase", is_staff=True)
