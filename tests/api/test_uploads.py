"""Uploading through the API: real files, really checked."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.pipeline.models import StageRun
from apps.videos.files import incoming_folder, original_path
from apps.videos.models import Video
from tests.api.conftest import CallAs

VIDEOS = "/api/v1/videos/"


def upload(client: APIClient, content: bytes, name: str = "talk.mp4", **fields: Any) -> Any:
    return client.post(VIDEOS, {"file": SimpleUploadedFile(name, content), **fields}, format="multipart")


def assert_nothing_is_kept(settings: Settings) -> None:
    assert not Video.objects.exists()
    assert not [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def test_it_takes_a_video_in_and_starts_its_stages(call_as: CallAs, owner: User, tiny_video: Path) -> None:
    answer = upload(
        call_as(owner),
        tiny_video.read_bytes(),
        title="Harbour",
        description="At night.",
        tags=["Sea", "ship, night"],
        language="de",
        visibility="unlisted",
    )
    assert answer.status_code == 201, answer.json()
    video = Video.objects.get()
    body = answer.json()
    assert answer["Location"] == body["links"]["self"] == f"http://testserver{VIDEOS}{video.pk}/"
    assert (body["title"], body["description"], body["language"]) == ("Harbour", "At night.", "de")
    assert sorted(body["tags"]) == ["night", "sea", "ship"]
    assert (body["visibility"], body["moderation_state"], body["revision"]) == ("unlisted", "pending", 1)
    assert (body["width"], body["height"], body["has_sound"]) == (64, 48, True)
    assert 900 <= body["duration_ms"] <= 1_200
    assert original_path(video).read_bytes() == tiny_video.read_bytes()
    assert StageRun.objects.get(video=video, stage="probe").state == "queued"
    assert not list(incoming_folder().iterdir())


def test_without_a_title_it_takes_the_files_name(call_as: CallAs, owner: User, tiny_video: Path) -> None:
    answer = upload(call_as(owner), tiny_video.read_bytes(), name="My_harbour.mp4")
    assert answer.json()["title"] == "My harbour"


@pytest.mark.parametrize("name", ['quo"te.mp4', "new\nline.mp4", "🎬.mp4", "../../etc/passwd.mp4", "C:\\clips\\a.mp4"])
def test_names_are_kept_for_people_and_never_become_paths(
    call_as: CallAs, owner: User, tiny_video: Path, name: str, settings: Settings
) -> None:
    answer = upload(call_as(owner), tiny_video.read_bytes(), name=name)
    assert answer.status_code == 201, answer.json()
    video = Video.objects.get()
    assert "/" not in video.original_name
    assert original_path(video).is_relative_to(settings.MEDIA_ROOT)


def test_what_browsers_write_for_quotes_in_names_is_read_back(call_as: CallAs, owner: User, tiny_video: Path) -> None:
    answer = upload(call_as(owner), tiny_video.read_bytes(), name="say %22100%25%22%0Atwice.mp4")
    assert answer.json()["original_name"] == 'say "100%25" twice.mp4', "they leave percent signs as they are"


def test_a_session_uploads_with_its_csrf_token_in_the_form_or_the_header(owner: User, tiny_video: Path) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(owner)
    client.cookies["csrftoken"] = "x" * 32
    content = tiny_video.read_bytes()
    assert upload(client, content).status_code == 403
    assert upload(client, content, csrfmiddlewaretoken="x" * 32).status_code == 201
    second = client.post(
        VIDEOS,
        {"file": SimpleUploadedFile("again.mp4", content)},
        format="multipart",
        HTTP_X_CSRFTOKEN="x" * 32,
    )
    assert second.json()["code"] == "duplicate"
    assert not list(incoming_folder().iterdir())


def test_a_nobody_is_refused_before_the_file_is_read(call_as: CallAs, tiny_video: Path, settings: Settings) -> None:
    assert upload(call_as(None), tiny_video.read_bytes()).status_code == 401
    assert_nothing_is_kept(settings)


def test_the_same_file_twice_is_told_of_the_first(
    call_as: CallAs, owner: User, stranger: User, tiny_video: Path
) -> None:
    first = upload(call_as(owner), tiny_video.read_bytes(), title="First").json()
    answer = upload(call_as(owner), tiny_video.read_bytes())
    assert answer.status_code == 409
    assert answer.json()["code"] == "duplicate"
    assert answer.json()["existing"] == {"id": first["id"], "title": "First", "url": f"{VIDEOS}{first['id']}/"}
    assert upload(call_as(stranger), tiny_video.read_bytes()).status_code == 201


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("talk.mp4", b"", 400),
        ("talk.mp4", b"just some text, renamed" * 100, 415),
        ("talk.txt", b"text", 415),
        ("talk", b"no extension", 415),
        ("talk.mp4", b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n/etc/passwd\n#EXT-X-ENDLIST\n", 415),
        ("talk.mp4", b"ffconcat version 1.0\nfile /etc/passwd\n", 415),
    ],
)
def test_what_is_no_video_is_refused_and_not_kept(
    call_as: CallAs, owner: User, settings: Settings, name: str, content: bytes, expected: int
) -> None:
    answer = upload(call_as(owner), content, name=name)
    assert answer.status_code == expected, answer.json()
    assert answer.json()["code"]
    assert answer.json()["detail"]
    assert_nothing_is_kept(settings)


def test_too_large_for_the_portal_or_the_quota(
    call_as: CallAs, owner: User, tiny_video: Path, settings: Settings
) -> None:
    owner.quota_bytes = 1_000
    owner.save()
    answer = upload(call_as(owner), tiny_video.read_bytes())
    assert (answer.status_code, answer.json()["code"]) == (413, "quota")
    settings.UPLOAD_MAX_BYTES = 1_000
    answer = upload(call_as(owner), tiny_video.read_bytes())
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert_nothing_is_kept(settings)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"language": "klingon"}, "language"),
        ({"visibility": "secret"}, "visibility"),
        ({"title": "x" * 201}, "title"),
        ({"tags": ["x" * 51]}, "tags.0"),
    ],
)
def test_wrong_details_are_refused_and_the_file_not_kept(
    call_as: CallAs,
    owner: User,
    tiny_video: Path,
    settings: Settings,
    fields: dict[str, Any],
    wrong: str,
) -> None:
    answer = upload(call_as(owner), tiny_video.read_bytes(), **fields)
    assert answer.status_code == 400
    assert wrong in answer.json()["fields"]
    assert_nothing_is_kept(settings)


def test_a_form_without_a_file_or_that_is_none(call_as: CallAs, owner: User, settings: Settings) -> None:
    client = call_as(owner)
    assert client.post(VIDEOS, {"title": "No file"}, format="multipart").json()["fields"]["file"]
    assert client.post(VIDEOS, {"file": "a word"}, format="multipart").status_code == 400
    assert client.post(VIDEOS, {"file": "a word"}, format="json").status_code == 415
    broken = client.generic("POST", VIDEOS, "--x\r\nnot a form", content_type="multipart/form-data; boundary=x")
    assert broken.status_code == 400
    two = {"file": SimpleUploadedFile("a.mp4", b"a"), "other": SimpleUploadedFile("b.mp4", b"b")}
    assert client.post(VIDEOS, two, format="multipart").json()["code"] == "one_file"
    assert_nothing_is_kept(settings)


def test_an_upload_that_breaks_off_leaves_nothing(
    call_as: CallAs, owner: User, tiny_video: Path, settings: Settings
) -> None:
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'.encode()
    answer = call_as(owner).post(
        VIDEOS, head + tiny_video.read_bytes()[:2_000], content_type=f"multipart/form-data; boundary={boundary}"
    )
    assert answer.status_code in (400, 415, 422)
    assert_nothing_is_kept(settings)
