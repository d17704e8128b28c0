from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.accounts.models import User
from apps.videos.models import Video
from apps.videos.signals import video_changed
from tests.factories import make_video


@pytest.fixture
def video(owner: User, settings: Settings, tmp_path: Path) -> Video:
    """A public video of a minute in English, with sound, whose files would lie in a folder of the test's own."""
    settings.MEDIA_ROOT = tmp_path
    return make_video(owner)


@pytest.fixture
def changed() -> Iterator[list[object]]:
    """The ids of the videos that `video_changed` was sent for, as they come."""
    ids: list[object] = []

    def remember(*, video_id: object, **_: object) -> None:
        ids.append(video_id)

    video_changed.connect(remember, weak=False, dispatch_uid="tests.transcription")
    yield ids
    video_changed.disconnect(dispatch_uid="tests.transcription")
