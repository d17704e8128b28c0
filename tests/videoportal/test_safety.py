"""What every answer carries, and what any form may bring."""

import re
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import Settings

from apps.accounts.models import User
from tests.portal import REPOSITORY

INLINE_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>|\son[a-z]+=", re.IGNORECASE)


def directives(client: Client, url: str) -> dict[str, str]:
    header = client.get(url).headers["Content-Security-Policy"]
    return dict(directive.split(" ", 1) for directive in header.split("; "))


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["pages:home", "pages:search", "accounts:sign-in", "admin:login", "api:videos"])
def test_a_page_runs_no_script_but_the_portals_files_and_is_never_framed(client: Client, name: str) -> None:
    policy = directives(client, reverse(name))
    assert (policy["default-src"], policy["script-src"]) == ("'self'", "'self'")
    assert (policy["frame-ancestors"], policy["object-src"], policy["base-uri"]) == ("'none'",) * 3
    assert policy["img-src"] == policy["media-src"] == "'self' data: blob:"


@pytest.mark.django_db
def test_errors_carry_it_too_and_nobody_is_told_where_a_viewer_came_from(client: Client) -> None:
    response = client.get("/nowhere")
    assert response.status_code == 404
    assert "script-src 'self';" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["X-Frame-Options"] == "DENY"


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["api:docs", "api:redoc"])
def test_the_viewers_of_the_schema_may_start(client: Client, name: str) -> None:
    assert INLINE_SCRIPT.search(client.get(reverse(name)).content.decode()), "else they need no exception"
    assert "'unsafe-inline'" in directives(client, reverse(name))["script-src"]


@pytest.mark.parametrize("path", sorted((REPOSITORY / "templates").rglob("*.html")), ids=lambda path: path.name)
def test_no_template_has_an_inline_script_which_would_not_run(path: Path) -> None:
    assert not INLINE_SCRIPT.search(path.read_text())


def upload(settings: Settings, size_bytes: int) -> TemporaryUploadedFile:
    settings.CAPTIONS_MAX_BYTES = 100_000
    file = SimpleUploadedFile("talk.vtt", bytes(range(250)) * (size_bytes // 250))
    request: HttpRequest = RequestFactory().post("/anywhere", {"file": file})
    uploaded = request.FILES["file"]
    assert isinstance(uploaded, TemporaryUploadedFile)
    return uploaded


def test_a_form_takes_a_file_as_it_is(settings: Settings) -> None:
    file = upload(settings, 100_000)
    assert file.size == 100_000
    assert file.read() == bytes(range(250)) * 400


def test_no_form_can_fill_the_disk(settings: Settings) -> None:
    file = upload(settings, 2_000_000)
    assert file.size == Path(file.temporary_file_path()).stat().st_size == 100_001


@pytest.mark.django_db
def test_captions_that_are_too_large_are_still_refused_in_plain_words(
    client: Client, owner: User, settings: Settings
) -> None:
    from tests.factories import make_video

    settings.CAPTIONS_MAX_BYTES = 100_000
    client.force_login(owner)
    file = SimpleUploadedFile("talk.vtt", b"x" * 2_000_000)
    url = reverse("pages:captions", args=[make_video(owner).pk])
    response = client.post(url, {"file": file, "language": "en"})
    assert response.status_code == 413
    assert "larger than 100 kB" in response.content.decode()
