"""Fixtures that every room's tests share."""

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate
from django.dispatch import receiver

from apps.accounts.models import User

REPOSITORY = Path(__file__).resolve().parent.parent


@receiver(post_migrate)
def put_back_the_topics(sender: AppConfig, **_: Any) -> None:
    """Django empties every table after a test that commits, and with them the rows that a migration made."""
    if sender.label == "classification":
        import_module("apps.classification.migrations.0002_topics").add_topics(apps, None)


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
