"""Caption tracks through the API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings

from apps.accounts.models import User
from apps.transcription.models import Cue, Transcript
from apps.videos.models import Video
from tests.api.conftest import CallAs
from tests.factories import make_video

WEBVTT = b"WEBVTT\n\n00:01.000 --> 00:02.000\nHello &amp; welcome.\n"
SUBRIP = b"1\n00:00:01,000 --> 00:00:02,000\nBonjour.\n"
BACKWARD = b"WEBVTT\n\n00:05.000 --> 00:02.000\nHello.\n"


def address(video: Video, language: str = "") -> str:
    return f"/api/v1/videos/{video.pk}/captions/" + (f"{language}/" if language else "")


def file(content: bytes, name: str = "talk.vtt") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


@pytest.fixture
def video(owner: User) -> Video:
    video = make_video(owner)
    auto = Transcript.objects.create(
        video=video, language="en", source="auto", recogniser="test", mean_confidence=0.9, cursor_ms=1_000
    )
    Cue.objects.create(transcript=auto, position=0, start_ms=0, end_ms=900, text="Hallo?")
    return video


def test_it_lists_tracks_while_they_are_made(call_as: CallAs, video: Video) -> None:
    (track,) = call_as(None).get(address(video)).json()
    assert (track["language"], track["language_name"], track["source"]) == ("en", "English", "auto")
    assert (track["is_complete"], track["cursor_ms"], track["mean_confidence"]) == (False, 1_000, 0.9)
    assert track["forms"]["vtt"] == f"http://testserver{address(video, 'en')}vtt"


@pytest.mark.parametrize("form", ["vtt", "srt", "txt", "json"])
def test_every_form_that_it_names_opens_with_a_token(call_as: CallAs, owner: User, video: Video, form: str) -> None:
    Video.objects.update(visibility="private")
    client = call_as(owner)
    track = client.get(address(video, "en")).json()
    answer = client.get(track["forms"][form])
    assert answer.status_code == 200
    assert b"Hallo?" in answer.getvalue()
    assert call_as(None).get(track["forms"][form]).status_code == 404


def test_captions_that_there_are_not(call_as: CallAs, video: Video) -> None:
    client = call_as(None)
    assert "language" in client.get(f"{address(video, 'fr')}vtt").json()["detail"]
    assert "vtt, srt, txt, json" in client.get(f"{address(video, 'en')}pdf").json()["detail"]
    assert json.loads(client.get(f"{address(video, 'en')}json?after=0").getvalue())["cues"] == []
    assert client.get(f"{address(video, 'en')}json?after=soon").json()["fields"]["after"]


def test_uploaded_captions_take_the_place_of_automatic_ones_until_deleted(
    call_as: CallAs, owner: User, video: Video
) -> None:
    client = call_as(owner)
    answer = client.post(address(video), {"language": "en", "file": file(WEBVTT)}, format="multipart")
    assert answer.status_code == 201, answer.json()
    assert (answer.json()["source"], answer.json()["is_complete"]) == ("uploaded", True)
    assert Cue.objects.get(transcript__source="uploaded").text == "Hello & welcome."
    assert client.delete(address(video, "en")).status_code == 204
    assert client.get(address(video, "en")).json()["source"] == "auto"
    again = client.delete(address(video, "en"))
    assert again.status_code == 404
    assert "no uploaded captions" in again.json()["detail"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [(WEBVTT, "text/vtt"), (b"\xef\xbb\xbf" + WEBVTT, "text/vtt"), (SUBRIP, "application/x-subrip")],
)
def test_a_file_can_be_the_body(call_as: CallAs, owner: User, video: Video, body: bytes, kind: str) -> None:
    answer = call_as(owner).put(address(video, "fr"), body, content_type=kind)
    assert answer.status_code == 200, answer.json()
    assert (answer.json()["language"], answer.json()["source"]) == ("fr", "uploaded")


def test_a_second_upload_takes_the_place_of_the_first(call_as: CallAs, owner: User, video: Video) -> None:
    for content in (WEBVTT, WEBVTT.replace(b"Hello", b"Goodbye")):
        answer = call_as(owner).put(address(video, "en"), {"file": file(content)}, format="multipart")
        assert answer.status_code == 200
    assert [cue.text for cue in Cue.objects.filter(transcript__source="uploaded")] == ["Goodbye & welcome."]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (BACKWARD, "end"),
        (b"", "submitted"),
        (b"WEBVTT\n", "no captions"),
        (b"\xff\xfe\x00 rubbish", ""),
        (b"WEBVTT\n\n10:00:00.000 --> 10:00:01.000\nLate.\n", "video ends"),
    ],
)
def test_bad_captions_are_refused_with_their_lines_and_change_nothing(
    call_as: CallAs, owner: User, video: Video, content: bytes, expected: str
) -> None:
    answer = call_as(owner).put(address(video, "en"), content, content_type="text/vtt")
    assert answer.status_code in (400, 422), answer.json()
    body: dict[str, Any] = answer.json()
    assert expected in body["detail"]
    if content:
        assert body["code"] == "captions_refused"
        assert body["problems"]
        assert all(set(problem) == {"line", "message"} for problem in body["problems"])
    assert not Transcript.objects.filter(source="uploaded").exists()


def test_the_line_of_a_problem_is_named(call_as: CallAs, owner: User, video: Video) -> None:
    answer = call_as(owner).put(address(video, "en"), BACKWARD, content_type="text/vtt")
    assert answer.json()["problems"][0]["line"] == 3


def test_too_much_is_refused(call_as: CallAs, owner: User, video: Video, settings: Settings) -> None:
    settings.CAPTIONS_MAX_BYTES = 200
    long = WEBVTT + b"\n" * 300
    for answer in (
        call_as(owner).put(address(video, "en"), long, content_type="text/vtt"),
        call_as(owner).put(address(video, "en"), WEBVTT + b"\n" * 200_000, content_type="text/vtt"),
        call_as(owner).post(address(video), {"language": "en", "file": file(long)}, format="multipart"),
        call_as(owner).post(
            address(video), {"language": "en", "file": file(WEBVTT + b"\n" * 200_000)}, format="multipart"
        ),
    ):
        assert answer.status_code == 413, answer.json()
    assert not Transcript.objects.filter(source="uploaded").exists()


def test_wrong_requests_are_told_why(call_as: CallAs, owner: User, video: Video) -> None:
    client = call_as(owner)
    assert client.post(address(video), {"file": file(WEBVTT)}, format="multipart").json()["fields"]["language"]
    answer = client.post(address(video), {"language": "xx", "file": file(WEBVTT)}, format="multipart")
    assert answer.json()["fields"]["language"]
    assert client.post(address(video), {"language": "en"}, format="multipart").json()["fields"]["file"]
    assert client.put(address(video, "xx"), WEBVTT, content_type="text/vtt").status_code == 404
    assert client.put(address(video, "en"), WEBVTT, content_type="text/plain").status_code == 415
    assert client.get(address(video, "fr")).status_code == 404


def test_only_owner_and_moderators_change_captions(
    call_as: CallAs, owner: User, stranger: User, moderator: User, video: Video
) -> None:
    for user, expected in ((None, 401), (stranger, 403), (moderator, 200), (owner, 200)):
        assert call_as(user).put(address(video, "en"), WEBVTT, content_type="text/vtt").status_code == expected
        form = {"language": "de", "file": file(WEBVTT)}
        posted = call_as(user).post(address(video), form, format="multipart").status_code
        assert posted == (201 if expected == 200 else expected)
    for user, expected in ((None, 401), (stranger, 403), (moderator, 204)):
        assert call_as(user).delete(address(video, "en")).status_code == expected
    Video.objects.update(visibility="private")
    assert call_as(stranger).put(address(video, "en"), WEBVTT, content_type="text/vtt").status_code == 404
    assert call_as(stranger).get(address(video)).status_code == 404
