"""Who gets which file of a video."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.videos.files import folder
from apps.videos.models import ModerationState, Video, Visibility
from tests.factories import make_video

FILES = ("original.mpg", "web.mp4", "poster.jpg", "storyboard.vtt", "storyboard-0.jpg", "preview.mp4")


@pytest.fixture
def video(owner: User) -> Video:
    """One that was encoded anew, so that what is played is not the original."""
    video = make_video(
        owner,
        title='Bees: "the" film/2',
        original_name='bees "raw".mpg',
        extension="mpg",
        web_name="web.mp4",
        poster_name="poster.jpg",
        storyboard_name="storyboard.vtt",
        preview_name="preview.mp4",
    )
    folder(video.pk).mkdir(parents=True)
    for name in (*FILES, "partial-1-web.mp4"):
        (folder(video.pk) / name).write_bytes(b"content of " + name.encode())
    return video


def status_of(client: Client, video: Video, name: str) -> int:
    return client.get(reverse("videos:file", args=[video.pk, name])).status_code


PUBLISHED, PENDING, REJECTED = ModerationState.PUBLISHED, ModerationState.PENDING, ModerationState.REJECTED


@pytest.mark.parametrize(
    ("state", "visibility", "viewer", "may_open"),
    [
        (PUBLISHED, Visibility.PUBLIC, None, True),
        (PUBLISHED, Visibility.PUBLIC, "stranger", True),
        (PUBLISHED, Visibility.UNLISTED, None, True),
        (PUBLISHED, Visibility.UNLISTED, "stranger", True),
        (PUBLISHED, Visibility.PRIVATE, None, False),
        (PUBLISHED, Visibility.PRIVATE, "stranger", False),
        (PUBLISHED, Visibility.PRIVATE, "owner", True),
        (PUBLISHED, Visibility.PRIVATE, "moderator", True),
        (PENDING, Visibility.PUBLIC, None, False),
        (PENDING, Visibility.PUBLIC, "stranger", False),
        (PENDING, Visibility.PUBLIC, "owner", True),
        (PENDING, Visibility.PUBLIC, "moderator", True),
        (REJECTED, Visibility.PUBLIC, None, False),
        (REJECTED, Visibility.PUBLIC, "owner", True),
        (REJECTED, Visibility.UNLISTED, "stranger", False),
    ],
)
def test_files_follow_the_videos_visibility(
    request: pytest.FixtureRequest,
    client: Client,
    video: Video,
    state: str,
    visibility: str,
    viewer: str | None,
    may_open: bool,
) -> None:
    Video.objects.update(moderation_state=state, visibility=visibility)
    if viewer:
        client.force_login(request.getfixturevalue(viewer))
    for name in FILES[1:]:
        assert status_of(client, video, name) == (200 if may_open else 404)
    editor = viewer in {"owner", "moderator"}
    assert status_of(client, video, "original.mpg") == (200 if editor else 404)


@pytest.mark.parametrize(
    "name",
    ["partial-1-web.mp4", "other.mp4", "original.mp4", "..", "storyboard-x.jpg", "poster.jpg.", "%2e%2e%2fdb.sqlite3"],
)
def test_no_other_file_is_served(client: Client, owner: User, video: Video, name: str) -> None:
    client.force_login(owner)
    assert status_of(client, video, name) == 404


def test_what_is_not_rendered_yet_is_not_served(client: Client, video: Video) -> None:
    Video.objects.update(web_name="", storyboard_name="")
    for name in ("web.mp4", "storyboard.vtt", "storyboard-0.jpg"):
        assert status_of(client, video, name) == 404


def test_an_original_that_is_what_is_played_is_for_every_viewer(client: Client, video: Video) -> None:
    Video.objects.update(web_name="original.mpg")
    assert status_of(client, video, "original.mpg") == 200


def test_shared_caches_keep_only_what_anyone_may_find(client: Client, video: Video) -> None:
    url = reverse("videos:file", args=[video.pk, "poster.jpg"])
    assert "public" in client.get(url)["Cache-Control"]
    Video.objects.update(visibility=Visibility.UNLISTED)
    assert "private" in client.get(url)["Cache-Control"]


def test_shared_caches_never_keep_an_original_that_only_its_owner_may_have(
    client: Client, owner: User, video: Video
) -> None:
    client.force_login(owner)
    response = client.get(reverse("videos:file", args=[video.pk, "original.mpg"]))
    assert (video.is_listed, response.status_code) == (True, 200)
    assert response["Cache-Control"] == "private, no-cache"
    assert "Cookie" in response["Vary"]


def test_content_types_are_ours_and_not_guessed_by_the_browser(client: Client, video: Video) -> None:
    for name, kind in (
        ("web.mp4", "video/mp4"),
        ("poster.jpg", "image/jpeg"),
        ("storyboard.vtt", "text/vtt; charset=utf-8"),
    ):
        response = client.get(reverse("videos:file", args=[video.pk, name]))
        assert response["Content-Type"] == kind
        assert response["X-Content-Type-Options"] == "nosniff"


def test_downloads_have_names_that_people_know(client: Client, owner: User, video: Video) -> None:
    client.force_login(owner)
    original = client.get(reverse("videos:file", args=[video.pk, "original.mpg"]), {"download": "1"})
    assert original["Content-Disposition"] == 'attachment; filename="bees \\"raw\\".mpg"'
    web = client.get(reverse("videos:file", args=[video.pk, "web.mp4"]), {"download": "1"})
    assert web["Content-Disposition"] == 'attachment; filename="Bees_ _the_ film_2.mp4"'


def test_a_player_may_seek(client: Client, video: Video) -> None:
    response = client.get(reverse("videos:file", args=[video.pk, "web.mp4"]), headers={"Range": "bytes=11-"})
    assert response.status_code == 206
    assert b"".join(response.streaming_content) == b"web.mp4"  # type: ignore[attr-defined]


def test_a_file_cannot_be_posted_to(client: Client, video: Video) -> None:
    assert client.post(reverse("videos:file", args=[video.pk, "web.mp4"])).status_code == 405


def test_a_missing_file_is_a_404(client: Client, video: Video, media_root: Path) -> None:
    (folder(video.pk) / "web.mp4").unlink()
    assert status_of(client, video, "web.mp4") == 404


@pytest.mark.parametrize(("web_name", "for_all"), [("web-repaired.mp4", False), ("repaired.mp4", True)])
def test_a_repaired_source_is_for_owner_and_moderators_unless_it_is_what_is_played(
    client: Client, video: Video, owner: User, stranger: User, moderator: User, web_name: str, for_all: bool
) -> None:
    for name in ("repaired.mp4", "web-repaired.mp4"):
        (folder(video.pk) / name).write_bytes(b"moved")
    assert status_of(client, video, "repaired.mp4") == 404  # as long as the row does not name it
    Video.objects.filter(pk=video.pk).update(repaired_name="repaired.mp4", web_name=web_name)
    assert (status_of(client, video, "repaired.mp4") == 200) is for_all
    client.force_login(stranger)
    assert (status_of(client, video, "repaired.mp4") == 200) is for_all
    assert (status_of(client, video, web_name), status_of(client, video, "original.mpg")) == (200, 404)
    for editor in (owner, moderator):
        client.force_login(editor)
        assert status_of(client, video, "repaired.mp4") == status_of(client, video, "original.mpg") == 200
