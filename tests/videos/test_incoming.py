"""Uploads on their way in: streamed, hashed, refused early, never left behind."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import resource
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from django import forms
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, UnreadablePostError
from django.test import RequestFactory
from pytest_django import Settings

from apps.accounts.models import User
from apps.videos import incoming
from apps.videos.incoming import IncomingFile, UploadRefusedError, VideoUploadHandler, clean_name, clear_stale_incoming
from tests.videos.conftest import files_below

BOUNDARY = "----a-boundary"


def body_of(content: bytes, name: str, field: str = "file") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="title"\r\n\r\nA title\r\n'
    head += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
    return head.encode() + b"Content-Type: video/mp4\r\n\r\n" + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def request_of(body: bytes | io.RawIOBase, length: int | None = None, owner: User | None = None) -> HttpRequest:
    stream = io.BytesIO(body) if isinstance(body, bytes) else body
    if length is None:
        assert isinstance(body, bytes)
        length = len(body)
    environ = RequestFactory().post("/upload/").environ
    environ |= {"CONTENT_TYPE": f"multipart/form-data; boundary={BOUNDARY}", "CONTENT_LENGTH": str(length)}
    request = WSGIRequest(environ)
    request._stream = stream  # type: ignore[assignment]
    request.upload_handlers = [VideoUploadHandler(request, owner=owner)]
    return request


class Generated(io.RawIOBase):
    """A body of any length that nobody holds in memory; it counts what was read of it."""

    def __init__(self, head: bytes, length: int, tail: bytes) -> None:
        self._parts = self._generate(head, length, tail)
        self._rest = b""
        self.read_bytes = 0

    def _generate(self, head: bytes, length: int, tail: bytes) -> Iterator[bytes]:
        yield head
        block = bytes(range(256)) * 4096
        for start in range(0, length, len(block)):
            yield block[: length - start]
        yield tail

    def read(self, size: int = -1) -> bytes:
        if not self._rest:
            self._rest = next(self._parts, b"")
        data, self._rest = self._rest[:size], self._rest[size:]
        self.read_bytes += len(data)
        return data


def generated_upload(length: int) -> tuple[Generated, int]:
    whole = body_of(b"", "big.mp4")
    at = whole.index(b"\r\n\r\n", whole.index(b"filename")) + 4
    return Generated(whole[:at], length, whole[at:]), len(whole) + length


def test_it_streams_a_file_to_the_disk_and_hashes_it(media_root: Path) -> None:
    content = b"some bytes of a video" * 50_000
    request = request_of(body_of(content, "My talk.mp4"))
    file = request.FILES["file"]
    assert isinstance(file, IncomingFile)
    assert request.POST["title"] == "A title"
    assert file.path.parent == media_root / "incoming"
    assert "talk" not in file.path.name, "no name that a person chose may become a path"
    assert file.path.read_bytes() == content
    assert (file.original_name, file.extension, file.size_bytes) == ("My talk.mp4", "mp4", len(content))
    assert file.sha256 == hashlib.sha256(content).hexdigest()
    file.close()


def test_a_file_that_nobody_receives_goes_with_its_request(media_root: Path) -> None:
    class Form(forms.Form):
        file = forms.FileField()
        something_else = forms.CharField()

    request = request_of(body_of(b"content", "talk.mp4"))
    form = Form(request.POST, request.FILES)
    assert not form.is_valid()
    assert len(files_below(media_root)) == 1
    request.close()  # which Django calls with the response's end
    assert files_below(media_root) == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.mp4", "passwd.mp4"),
        ("C:\\Users\\me\\film.mp4", "film.mp4"),
        ('say "cheese".mp4', 'say "cheese".mp4'),
        ("two\nlines\r\n.mp4", "two lines .mp4"),
        ("bell\x07and\x00null.mp4", "bell and null.mp4"),
        ("party 🎉👩‍👩‍👧.mp4", "party 🎉👩‍👩‍👧.mp4"),
        ("..", "video"),
        ("", "video"),
        ("x" * 400 + ".mp4", "x" * 251 + ".mp4"),
        ("A\u030angstrom.mp4", "Ångstrom.mp4"),
    ],
)
def test_names_are_tidied_for_people_and_never_a_path(given: str, kept: str) -> None:
    assert clean_name(given) == kept


@pytest.mark.parametrize("name", ["..%2f..%2fetc.mp4", "&#47;etc&#47;film.mp4", "a;b=c.mp4", "🎬.mp4"])
def test_no_name_leads_out_of_the_folder(media_root: Path, name: str) -> None:
    file = request_of(body_of(b"x", name)).FILES["file"]
    assert isinstance(file, IncomingFile)
    assert [path.parent for path in files_below(media_root)] == [media_root / "incoming"]
    assert "/" not in file.original_name
    file.close()


def test_it_refuses_by_the_announced_length_before_reading_the_file(
    media_root: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.UPLOAD_MAX_BYTES = 1_000_000
    monkeypatch.setattr(incoming, "DRAIN_BYTES", 0)
    body, length = generated_upload(50_000_000)
    with pytest.raises(UploadRefusedError, match=r"larger than the .* that this portal takes") as refused:
        _ = request_of(body, length).POST
    assert (refused.value.status, refused.value.code) == (413, "too_large")
    assert body.read_bytes == 0
    assert files_below(media_root) == []


def test_it_refuses_while_it_streams_what_lied_about_its_length(media_root: Path, settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = 1_000_000
    body, _ = generated_upload(500_000_000)
    with pytest.raises(UploadRefusedError) as refused:
        _ = request_of(body, 1_000).POST
    assert refused.value.status == 413
    assert body.read_bytes < incoming.DRAIN_BYTES + 5_000_000, "it must not read to the end"
    assert files_below(media_root) == []


def test_a_refused_upload_is_read_a_little_further_so_that_its_sender_sees_why(settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = 1_000_000
    body, length = generated_upload(3_000_000)
    with pytest.raises(UploadRefusedError):
        _ = request_of(body, length).POST
    assert body.read_bytes == length


def test_it_refuses_by_quota_before_reading_the_file(owner: User, media_root: Path) -> None:
    owner.quota_bytes = 2_000_000
    body, length = generated_upload(5_000_000)
    with pytest.raises(UploadRefusedError, match="You may keep") as refused:
        _ = request_of(body, length, owner).POST
    assert (refused.value.status, refused.value.code) == (413, "quota")
    assert files_below(media_root) == []


def test_it_refuses_an_extension_before_it_takes_the_file(media_root: Path) -> None:
    with pytest.raises(UploadRefusedError, match=r"\.exe.*It takes: mp4") as refused:
        _ = request_of(body_of(b"MZ" * 100_000, "setup.exe")).POST
    assert (refused.value.status, refused.value.code) == (415, "extension")
    assert files_below(media_root) == []


def test_it_takes_one_file_a_form(media_root: Path) -> None:
    first, second = body_of(b"one", "one.mp4"), body_of(b"two", "two.mp4", field="other")
    joined = first.removesuffix(f"--{BOUNDARY}--\r\n".encode()) + second
    with pytest.raises(UploadRefusedError) as refused:
        _ = request_of(joined).POST
    assert (refused.value.status, refused.value.code) == (400, "one_file")
    assert files_below(media_root) == []


def test_nothing_stays_of_a_connection_that_was_lost(media_root: Path) -> None:
    class Lost(Generated):
        def read(self, size: int = -1) -> bytes:
            if self.read_bytes > 3_000_000:
                raise ConnectionResetError("the uploader pressed cancel")
            return super().read(size)

    body, length = generated_upload(10_000_000)
    lost = Lost(b"", 0, b"")
    lost._parts = body._parts
    with pytest.raises(UnreadablePostError):
        _ = request_of(lost, length).POST
    assert files_below(media_root) == []


def test_nothing_stays_of_an_upload_that_ends_early(media_root: Path) -> None:
    whole = body_of(b"x" * 1_000_000, "talk.mp4")
    with pytest.raises(UploadRefusedError, match="stopped before its end") as refused:
        _ = request_of(whole[:500_000], len(whole)).POST
    assert (refused.value.status, refused.value.code) == (400, "interrupted")
    assert files_below(media_root) == []


class FullDisk:
    """A file on a disk with room for a megabyte."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb", buffering=0)

    def write(self, data: memoryview) -> int:
        if self._file.tell() + len(data) > 1_000_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._file.write(data)

    def close(self) -> None:
        self._file.close()


def test_a_full_disk_is_a_507_and_leaves_nothing(media_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "_open_new", FullDisk)
    body, length = generated_upload(3_000_000)
    with pytest.raises(UploadRefusedError, match="no room left") as refused:
        _ = request_of(body, length).POST
    assert (refused.value.status, refused.value.code) == (507, "disk_full")
    assert files_below(media_root) == []


def test_an_upload_that_cannot_fit_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("usage", (), {"free": 1_000_000})
    monkeypatch.setattr("apps.videos.incoming.shutil.disk_usage", lambda path: usage)
    monkeypatch.setattr(incoming, "DRAIN_BYTES", 0)
    body, length = generated_upload(50_000_000)
    with pytest.raises(UploadRefusedError) as refused:
        _ = request_of(body, length).POST
    assert refused.value.status == 507
    assert body.read_bytes == 0


def test_memory_does_not_grow_with_the_upload() -> None:
    def peak(length: int) -> int:
        body, total = generated_upload(length)
        tracemalloc.start()
        file = request_of(body, total).FILES["file"]
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert isinstance(file, IncomingFile)
        assert file.size_bytes == file.path.stat().st_size == length
        file.close()
        return highest

    small = peak(5_000_000)
    rss_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    large = peak(200_000_000)
    rss_after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert large < small + 1_000_000
    assert large < 10_000_000
    assert rss_after - rss_before < 30_000, "kilobytes"


def test_the_sweep_removes_old_leftovers_and_leaves_uploads_under_way(media_root: Path) -> None:
    folder = media_root / "incoming"
    folder.mkdir(parents=True)
    (folder / "old").write_bytes(b"of a killed process")
    (folder / "new").write_bytes(b"on its way")
    os.utime(folder / "old", (time.time() - 7_200,) * 2)
    assert clear_stale_incoming(3_600) == 1
    assert [path.name for path in files_below(media_root)] == ["new"]
