"""Files over HTTP: single ranges, validators, constant memory (RFC 9110, sections 8.8, 13 and 14).

Behind nginx, `X_ACCEL_PREFIX` hands the sending to it: see docs/operations.md.
"""

import os
import re
import urllib.parse
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header, http_date, parse_http_date_safe

from apps.videos.files import media_root

CHUNK_BYTES = 256 * 1024
PUBLIC_MAX_AGE_S = 300  # a video made private is gone from shared caches after that long
# At most 18 digits: Python refuses to read thousands of them, and no file is that long.
_RANGE = re.compile(r"bytes\s*=\s*([0-9]{0,18})\s*-\s*([0-9]{0,18})\s*", re.IGNORECASE)


class RangeNotSatisfiableError(ValueError):
    """The range begins beyond the end of the file: 416."""


def file_response(
    request: HttpRequest,
    path: Path,
    *,
    content_type: str,
    download_name: str | None = None,
    is_public: bool,
) -> HttpResponseBase:
    """The file, or the range of it that was asked for, or 304 or 416. The caller has checked who may have it.

    `download_name` makes the browser save it under that name. `is_public` lets shared caches keep it for some minutes.
    Raises `Http404` where there is no such file.
    """
    try:
        file = path.open("rb")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise Http404("This file is not there (yet).") from None
    # Of the open file: the path may lead to a newer one a moment later.
    status = os.fstat(file.fileno())
    size, modified_at = status.st_size, int(status.st_mtime)
    etag = f'"{status.st_mtime_ns:x}-{size:x}"'
    headers = {
        "ETag": etag,
        "Last-Modified": http_date(modified_at),
        "Accept-Ranges": "bytes",
        "Cache-Control": f"public, max-age={PUBLIC_MAX_AGE_S}" if is_public else "private, no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    if not is_public:
        headers["Vary"] = "Cookie, Authorization"
    if download_name is not None and (disposition := content_disposition_header(True, download_name)):
        headers["Content-Disposition"] = disposition
    if _is_unmodified(request, etag, modified_at):
        file.close()
        return HttpResponse(status=304, headers=headers)
    headers["Content-Type"] = content_type
    if settings.X_ACCEL_PREFIX:
        file.close()
        return _left_to_proxy(path, headers)
    try:
        found = _range_of(request, size, etag, modified_at)
    except RangeNotSatisfiableError:
        file.close()
        headers["Content-Range"] = f"bytes */{size}"
        return HttpResponse(b"", status=416, headers=headers)
    start, end = found or (0, size)
    if found is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    headers["Content-Length"] = str(end - start)
    code = 200 if found is None else 206
    if request.method == "HEAD":
        file.close()
        return HttpResponse(b"", status=code, headers=headers)
    body = _FilePart(file, start, end)
    if isinstance(request, ASGIRequest):
        return StreamingHttpResponse(body.asynchronously(), status=code, headers=headers)
    return StreamingHttpResponse(body, status=code, headers=headers)


def _left_to_proxy(path: Path, headers: dict[str, str]) -> HttpResponse:
    """nginx opens the file itself, and answers ranges, validators and HEAD by itself, too."""
    inside = urllib.parse.quote(path.relative_to(media_root()).as_posix())
    kept = {name: value for name, value in headers.items() if name not in {"ETag", "Accept-Ranges", "Last-Modified"}}
    return HttpResponse(b"", headers={**kept, "X-Accel-Redirect": f"{settings.X_ACCEL_PREFIX.rstrip('/')}/{inside}"})


def _is_unmodified(request: HttpRequest, etag: str, modified_at: int) -> bool:
    """`If-None-Match` decides; `If-Modified-Since` only in its absence."""
    if request.method not in {"GET", "HEAD"}:
        return False
    if known := request.headers.get("If-None-Match"):
        tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
        return "*" in tags or etag in tags
    since = parse_http_date_safe(request.headers.get("If-Modified-Since", ""))
    return since is not None and modified_at <= since


def _range_of(request: HttpRequest, size: int, etag: str, modified_at: int) -> tuple[int, int] | None:
    """`(start, end)` in bytes, the end not included; None where the whole file is to be sent.

    What is not understood is ignored, as RFC 9110 allows: several ranges at once among it, which players never ask for.
    Raises `RangeNotSatisfiableError`.
    """
    asked = request.headers.get("Range")
    if asked is None or request.method != "GET":
        return None
    if (condition := request.headers.get("If-Range")) is not None and not _is_same(condition, etag, modified_at):
        return None
    match = _RANGE.fullmatch(asked.strip())
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        length = int(last)
        if length == 0 or size == 0:
            raise RangeNotSatisfiableError
        return max(0, size - length), size
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        raise RangeNotSatisfiableError
    return start, min(int(last) + 1, size) if last else size


def _is_same(condition: str, etag: str, modified_at: int) -> bool:
    """`If-Range` compares strongly: a weak tag never matches, a date only exactly."""
    condition = condition.strip()
    if condition.startswith(('"', "W/")):
        return condition == etag
    return parse_http_date_safe(condition) == modified_at


class _FilePart:
    """Bytes from `start` to `end` of an open file, which it closes."""

    def __init__(self, file: IO[bytes], start: int, end: int) -> None:
        self._file = file
        self._left = end - start
        file.seek(start)

    def __iter__(self) -> Iterator[bytes]:
        while data := self._read():
            yield data

    async def asynchronously(self) -> AsyncIterator[bytes]:
        """Django would read all of a plain iterator into memory before an ASGI server gets it."""
        try:
            while data := await sync_to_async(self._read, thread_sensitive=False)():
                yield data
        finally:
            self.close()

    def _read(self) -> bytes:
        data = self._file.read(min(CHUNK_BYTES, self._left))
        self._left -= len(data)
        return data

    def close(self) -> None:
        """Django calls it when the response is closed, also by a client that hangs up."""
        self._file.close()
