"""The picture of a second, out of a storyboard as `render` writes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from apps.accounts.models import User
from apps.videos.files import folder
from apps.videos.models import Video
from apps.videos.stills import storyboard_vtt
from apps.videos.thumbnails import Thumbnail, thumbnail_at
from tests.factories import make_video

pytestmark = pytest.mark.django_db


@pytest.fixture
def video(owner: User, settings: Settings, tmp_path: Path) -> Video:
    """With 203 thumbnails, two seconds apart: on two full sheets, and three on a third."""
    settings.MEDIA_ROOT = tmp_path
    video = make_video(owner, storyboard_name="storyboard.vtt")
    folder(video.pk).mkdir(parents=True)
    write(video, storyboard_vtt(203, 2_000, 406_000, (160, 90)))
    return video


def write(video: Video, text: str) -> None:
    (folder(video.pk) / "storyboard.vtt").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("time_ms", "expected"),
    [
        (0, Thumbnail("storyboard-0.jpg", 0, 0, 160, 90, 10)),
        (1_999, Thumbnail("storyboard-0.jpg", 0, 0, 160, 90, 10)),
        (2_000, Thumbnail("storyboard-0.jpg", 160, 0, 160, 90, 10)),
        (45_000, Thumbnail("storyboard-0.jpg", 320, 180, 160, 90, 10)),
        (200_000, Thumbnail("storyboard-1.jpg", 0, 0, 160, 90, 10)),
        (402_000, Thumbnail("storyboard-2.jpg", 160, 0, 160, 90, 3)),
        (99_000_000, Thumbnail("storyboard-2.jpg", 320, 0, 160, 90, 3)),
    ],
)
def test_it_is_the_tile_that_is_shown_then(video: Video, time_ms: int, expected: Thumbnail) -> None:
    assert thumbnail_at(video, time_ms) == expected


def test_its_place_on_the_sheet_is_counted_in_tiles(video: Video) -> None:
    thumbnail = thumbnail_at(video, 45_000)
    assert thumbnail is not None
    assert (thumbnail.column, thumbnail.row) == (2, 2)


def test_there_is_none_before_the_storyboard_is_made_or_when_it_is_lost(video: Video) -> None:
    assert thumbnail_at(Video(storyboard_name=""), 0) is None
    (folder(video.pk) / "storyboard.vtt").unlink()
    assert thumbnail_at(video, 0) is None


@pytest.mark.parametrize("text", ["", "some bytes", "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\na.jpg#xywh=0,0,0,0\n"])
def test_what_is_no_storyboard_has_no_picture(video: Video, text: str) -> None:
    write(video, text)
    assert thumbnail_at(video, 0) is None


def test_a_storyboard_made_anew_is_read_anew(video: Video) -> None:
    assert thumbnail_at(video, 2_000) == Thumbnail("storyboard-0.jpg", 160, 0, 160, 90, 10)
    write(video, storyboard_vtt(3, 1_000, 3_000, (100, 50)))
    assert thumbnail_at(video, 2_000) == Thumbnail("storyboard-0.jpg", 200, 0, 100, 50, 3)
