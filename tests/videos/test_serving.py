"""Files over HTTP: ranges, validators, names."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from pathlib import Path

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.test import RequestFactory
from pytest_django import Settings

from apps.videos.serving import file_response

# Closing a response closes idle database connections.
pytestmark = pytest.mark.django_db

CONTENT = bytes(range(256)) * 40  # 10,240 bytes
CHANGED_AT = 1_700_000_000


@pytest.fixture
def path(media_root: Path) -> Path:
    media_root.mkdir()
    path = media_root / "web.mp4"
    path.write_bytes(CONTENT)
    os.utime(path, (CHANGED_AT, CHANGED_AT))
    return path


def ask(
    path: Path, method: str = "GET", *, is_public: bool = True, name: str | None = None, **headers: str
) -> HttpResponseBase:
    request = RequestFactory().generic(
        method, "/file", headers={key.replace("_", "-"): value for key, value in headers.items()}
    )
    return file_response(request, path, content_type="video/mp4", download_name=name, is_public=is_public)


def body(response: HttpResponseBase) -> bytes:
    if isinstance(response, StreamingHttpResponse):
        content = b"".join(response)
    else:
        assert isinstance(response, HttpResponse)
        content = response.content
    response.close()
    return content


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        (None, 200, 0, 10_240),
        ("bytes=0-", 206, 0, 10_240),
        ("bytes=0-0", 206, 0, 1),
        ("bytes=100-199", 206, 100, 200),
        ("bytes=10239-", 206, 10_239, 10_240),
        ("bytes=10000-99999", 206, 10_000, 10_240),
        ("bytes=-240", 206, 10_000, 10_240),
        ("bytes=-99999", 206, 0, 10_240),
        ("BYTES = 5 - 9", 206, 5, 10),
        ("bytes=10240-", 416, 0, 0),
        ("bytes=99999-100000", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
        # Not understood, or several at once: the whole file, as RFC 9110 allows.
        ("bytes=9-5", 200, 0, 10_240),
        ("bytes=-", 200, 0, 10_240),
        ("bytes=a-b", 200, 0, 10_240),
        ("bytes=0-1,5-6", 200, 0, 10_240),
        ("lines=0-1", 200, 0, 10_240),
        ("bytes", 200, 0, 10_240),
        pytest.param(f"bytes={'9' * 5_000}-", 200, 0, 10_240, id="thousands of digits"),
    ],
)
def test_ranges(path: Path, asked: str | None, status: int, start: int, end: int) -> None:
    response = ask(path, Range=asked) if asked else ask(path)
    assert response.status_code == status
    assert response["Accept-Ranges"] == "bytes"
    assert body(response) == CONTENT[start:end]
    if status == 416:
        assert response["Content-Range"] == "bytes */10240"
    else:
        assert response["Content-Length"] == str(end - start)
    if status == 206:
        assert response["Content-Range"] == f"bytes {start}-{end - 1}/10240"
    assert ("Content-Range" in response) == (status in {206, 416})


def test_an_empty_file_has_no_range(path: Path) -> None:
    path.write_bytes(b"")
    assert ask(path, Range="bytes=0-").status_code == 416
    assert ask(path, Range="bytes=-5").status_code == 416
    assert body(ask(path)) == b""


def test_what_the_browser_has_is_not_sent_again(path: Path) -> None:
    etag = ask(path)["ETag"]
    for known in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        response = ask(path, If_None_Match=known)
        assert (response.status_code, body(response)) == (304, b"")
        assert response["ETag"] == etag
    assert ask(path, If_None_Match='"other"').status_code == 200
    assert ask(path, If_Modified_Since=formatdate(CHANGED_AT, usegmt=True)).status_code == 304
    assert ask(path, If_Modified_Since=formatdate(CHANGED_AT - 60, usegmt=True)).status_code == 200
    both = ask(path, If_None_Match='"other"', If_Modified_Since=formatdate(CHANGED_AT, usegmt=True))
    assert both.status_code == 200, "the tag goes before the date"


def test_a_range_of_a_file_that_changed_is_not_mixed_with_the_old_one(path: Path) -> None:
    first = ask(path)
    etag, changed = first["ETag"], first["Last-Modified"]
    assert ask(path, Range="bytes=5-", If_Range=etag).status_code == 206
    assert ask(path, Range="bytes=5-", If_Range=changed).status_code == 206
    assert ask(path, Range="bytes=5-", If_Range=f"W/{etag}").status_code == 200
    path.write_bytes(CONTENT + b"more")
    assert ask(path)["ETag"] != etag
    assert ask(path, Range="bytes=5-", If_Range=etag).status_code == 200
    assert ask(path, Range="bytes=5-", If_Range=changed).status_code == 200


def test_head_tells_the_length_and_sends_nothing(path: Path) -> None:
    response = ask(path, "HEAD", Range="bytes=0-9")
    assert (response.status_code, response["Content-Length"], body(response)) == (200, "10240", b"")


def test_caches_are_told_what_is_private(path: Path) -> None:
    assert "public" in ask(path)["Cache-Control"]
    private = ask(path, is_public=False)
    assert private["Cache-Control"] == "private, no-cache"
    assert "Cookie" in private["Vary"]
    assert private["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("talk.mp4", 'attachment; filename="talk.mp4"'),
        ('say "cheese".mp4', 'attachment; filename="say \\"cheese\\".mp4"'),
        ("🎉.mp4", "attachment; filename*=utf-8''%F0%9F%8E%89.mp4"),
        ("a; b=c.mp4", 'attachment; filename="a; b=c.mp4"'),
    ],
)
def test_names_of_downloads_are_safe_in_their_header(path: Path, name: str, header: str) -> None:
    assert ask(path, name=name)["Content-Disposition"] == header


def test_nginx_sends_the_file_where_it_is_told_to(path: Path, settings: Settings) -> None:
    settings.X_ACCEL_PREFIX = "/protected/"
    spaced = path.with_name("a ü.mp4")
    path.rename(spaced)
    response = ask(spaced, Range="bytes=0-9")
    assert (response.status_code, body(response)) == (200, b"")
    assert response["X-Accel-Redirect"] == "/protected/a%20%C3%BC.mp4"
    assert response["Content-Type"] == "video/mp4"


def test_a_file_that_is_not_there_is_a_404(path: Path) -> None:
    with pytest.raises(Http404):
        ask(path.with_name("other.mp4"))
    with pytest.raises(Http404):
        ask(path.parent)


def test_a_large_file_is_sent_in_small_pieces(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(50_000_000)
    response = ask(path)
    assert isinstance(response, StreamingHttpResponse)
    sizes = [len(piece) for piece in response]
    assert sum(sizes) == 50_000_000
    assert max(sizes) <= 256 * 1024
    response.close()


def test_a_viewer_who_hangs_up_leaves_no_open_file(path: Path) -> None:
    def opened() -> int:
        return sum(link.resolve() == path for link in Path("/proc/self/fd").iterdir() if link.exists())

    response = ask(path)
    assert isinstance(response, StreamingHttpResponse)
    next(iter(response))
    assert opened() == 1
    response.close()
    assert opened() == 0


def test_an_asgi_server_streams_it_too(path: Path) -> None:
    """Django would read a plain iterator into memory as a whole there."""
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"range", b"bytes=5-9")], "query_string": b""}
    request = ASGIRequest(scope, None)  # type: ignore[arg-type]
    response = file_response(request, path, content_type="video/mp4", is_public=True)
    assert isinstance(response, StreamingHttpResponse)
    assert response.is_async

    async def read() -> bytes:
        return b"".join([piece async for piece in response])

    with ThreadPoolExecutor(1) as thread:  # in this one a browser's tests may have left their loop running
        assert thread.submit(asyncio.run, read()).result() == CONTENT[5:10]
