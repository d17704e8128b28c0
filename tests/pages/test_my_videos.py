import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import User
from apps.pipeline.models import StageRun
from apps.transcription.models import Transcript
from apps.videos.models import ModerationState, Notice, Video, Visibility
from tests.pages.conftest import MakeVideo, add_run, add_transcript

pytestmark = pytest.mark.django_db


def details(video: Video, **changes: object) -> dict[str, object]:
    fields: dict[str, object] = {
        "title": video.title,
        "description": video.description,
        "tags": "",
        "language": video.language,
        "visibility": video.visibility,
        "revision": video.revision,
    }
    return {**fields, **changes}


@pytest.mark.parametrize("address", ["/my-videos/", "/notices/", "/videos/{}/edit/", "/videos/{}/delete/"])
def test_it_asks_the_anonymous_to_sign_in(client: Client, video: Video, address: str) -> None:
    assert "/accounts/sign-in/" in client.get(address.format(video.pk)).headers["Location"]


@pytest.mark.parametrize("address", ["/videos/{}/edit/", "/videos/{}/delete/", "/videos/{}/captions/"])
def test_only_owner_and_moderators_may_change_a_video(
    client: Client, video: Video, owner: User, stranger: User, moderator: User, address: str
) -> None:
    url = address.format(video.pk)
    for user, status in ((stranger, 404), (owner, 200), (moderator, 200)):
        client.force_login(user)
        assert client.get(url).status_code == status
    client.force_login(stranger)
    assert client.post(url, details(video, title="Mine now")).status_code == 404
    video.refresh_from_db()
    assert video.title != "Mine now"


def test_it_lists_all_of_ones_videos_and_no_others(
    client: Client, make_video: MakeVideo, owner: User, stranger: User
) -> None:
    make_video(title="Hidden", visibility=Visibility.PRIVATE)
    make_video(title="Refused", moderation_state=ModerationState.REJECTED, moderation_reason="Too loud")
    add_run(make_video(title="At work"), "render", StageRun.State.RUNNING, progress=0.5)
    add_run(make_video(title="Broken"), "render", StageRun.State.FAILED)
    make_video(title="Of somebody else", owner=stranger)
    client.force_login(owner)
    html = client.get("/my-videos/").content.decode()
    for text in ("Hidden", "Refused", "Too loud", "At work", "Processing · 50 %", "Broken", "A step failed"):
        assert text in html
    assert "Of somebody else" not in html


def test_it_tells_the_storage_used(client: Client, video: Video, owner: User) -> None:
    owner.quota_bytes = 4_000_000
    owner.save()
    client.force_login(owner)
    html = client.get("/my-videos/").content.decode()
    assert 'value="25"' in html


def test_it_says_what_to_do_when_there_are_none(client: Client, owner: User) -> None:
    client.force_login(owner)
    assert "You have no videos yet" in client.get("/my-videos/").content.decode()


def test_it_saves_an_edit(client: Client, video: Video, owner: User) -> None:
    client.force_login(owner)
    url = f"/videos/{video.pk}/edit/"
    assert video.title in client.get(url).content.decode()
    response = client.post(url, details(video, title="A better title", tags="Roses, tulips", visibility="private"))
    assert response.headers["Location"] == f"/watch/{video.pk}/"
    video.refresh_from_db()
    assert (video.title, video.visibility) == ("A better title", "private")
    assert "roses, tulips" in client.get(url).content.decode()


def test_an_edit_that_cannot_stand_keeps_the_text(client: Client, video: Video, owner: User) -> None:
    client.force_login(owner)
    response = client.post(f"/videos/{video.pk}/edit/", details(video, title=" ", description="kept text"))
    assert response.status_code == 400
    html = response.content.decode()
    assert "Give the video a title." in html
    assert "kept text" in html


def test_of_two_tabs_the_second_is_told_and_keeps_its_text(client: Client, video: Video, owner: User) -> None:
    client.force_login(owner)
    url = f"/videos/{video.pk}/edit/"
    client.post(url, details(video, title="From the first tab"))
    response = client.post(url, details(video, title="From the second tab"))
    assert response.status_code == 409
    html = response.content.decode()
    assert "From the first tab" in html
    assert 'value="From the second tab"' in html
    assert 'name="revision" value="2"' in html
    video.refresh_from_db()
    assert video.title == "From the first tab"
    client.post(url, details(video, title="From the second tab", revision=2))
    video.refresh_from_db()
    assert video.title == "From the second tab"


@pytest.mark.parametrize("revision", ["", "x", "-1", "9" * 30])
def test_a_revision_that_is_none_changes_nothing(client: Client, video: Video, owner: User, revision: str) -> None:
    client.force_login(owner)
    assert client.post(f"/videos/{video.pk}/edit/", details(video, revision=revision)).status_code == 409


def test_it_asks_before_it_deletes(client: Client, video: Video, owner: User) -> None:
    client.force_login(owner)
    url = f"/videos/{video.pk}/delete/"
    assert "for good" in client.get(url).content.decode()
    assert Video.objects.exists()
    assert client.post(url).headers["Location"] == "/my-videos/"
    assert not Video.objects.exists()


def captions(text: str, name: str = "talk.vtt") -> dict[str, object]:
    return {"language": "en", "file": SimpleUploadedFile(name, text.encode())}


def test_uploaded_captions_take_the_place_of_automatic_ones(client: Client, video: Video, owner: User) -> None:
    add_transcript(video)
    client.force_login(owner)
    url = f"/videos/{video.pk}/captions/"
    response = client.post(url, captions("WEBVTT\n\n00:01.000 --> 00:02.000\nBy hand\n"))
    assert response.headers["Location"] == f"/watch/{video.pk}/"
    assert "By hand" in client.get(f"/watch/{video.pk}/").content.decode()
    assert Transcript.Source.UPLOADED.label in client.get(url).content.decode()
    client.post(f"/videos/{video.pk}/captions/delete/", {"language": "en"})
    assert "roses" in client.get(f"/watch/{video.pk}/").content.decode()
    response = client.post(f"/videos/{video.pk}/captions/delete/", {"language": "en"}, follow=True)
    assert "no uploaded captions" in response.content.decode()


def test_captions_that_cannot_stand_are_refused_with_their_lines(client: Client, video: Video, owner: User) -> None:
    client.force_login(owner)
    backward = "WEBVTT\n\n00:05.000 --> 00:02.000\nBackward\n"
    response = client.post(f"/videos/{video.pk}/captions/", captions(backward))
    assert response.status_code == 422
    assert "Line 3:" in response.content.decode()
    assert not Transcript.objects.exists()


@pytest.mark.parametrize("name", ["talk.txt", "talk.exe"])
def test_captions_of_another_kind_are_refused(client: Client, video: Video, owner: User, name: str) -> None:
    client.force_login(owner)
    assert client.post(f"/videos/{video.pk}/captions/", captions("Hello", name)).status_code == 422
    assert client.post(f"/videos/{video.pk}/captions/", {"language": "en"}).status_code == 400


def test_captions_that_are_too_large_are_refused(client: Client, video: Video, owner: User, settings: Settings) -> None:
    settings.CAPTIONS_MAX_BYTES = 100
    client.force_login(owner)
    assert client.post(f"/videos/{video.pk}/captions/", captions("WEBVTT\n\n" + "x" * 200)).status_code == 413


def test_notices_are_counted_until_they_are_read(client: Client, video: Video, owner: User, stranger: User) -> None:
    Notice.objects.create(user=owner, video=video, kind=Notice.Kind.READY, text="It is <ready>.")
    client.force_login(owner)
    assert '<span class="count">1' in client.get("/").content.decode()
    assert "It is &lt;ready&gt;." in client.get("/notices/").content.decode()
    client.post("/notices/read/")
    assert '<span class="count">' not in client.get("/").content.decode()
    client.force_login(stranger)
    assert "&lt;ready" not in client.get("/notices/").content.decode()
