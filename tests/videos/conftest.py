"""Small real videos, made once by the ffmpeg that the portal itself uses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from apps.accounts.models import User
from apps.videos.models import Video
from apps.videos.uploads import VideoDetails, incoming_from_path, receive
from tests.videos.clips import Clips

Upload = Callable[..., Video]


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    return Clips(tmp_path_factory.mktemp("clips"))


@pytest.fixture(autouse=True)
def media_root(settings: Settings, tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    settings.MEDIA_ROOT = folder
    return folder


@pytest.fixture
def upload(owner: User) -> Upload:
    """Uploads a file that lies here, as the owner unless another is named."""

    def upload_file(path: Path, *, by: User = owner, name: str | None = None, **details: Any) -> Video:
        return receive(
            incoming_from_path(path, name=name), owner=by, details=VideoDetails(**{"title": "A clip", **details})
        )

    return upload_file


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []


class Progress:
    """Remembers what a stage told."""

    def __init__(self) -> None:
        self.told: list[tuple[float, str]] = []

    def __call__(self, fraction: float, message: str = "") -> None:
        self.told.append((fraction, message))


@pytest.fixture
def progress() -> Progress:
    return Progress()
