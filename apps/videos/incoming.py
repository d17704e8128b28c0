"""Files on their way in: streamed to `MEDIA_ROOT/incoming` in constant memory, hashed as they pass.

A file in there belongs to its `IncomingFile` until `uploads.receive` moves it away, and goes when that is closed.
Django closes the files of a request with its response; so does the handler when the upload is cut off.
"""

import errno
import hashlib
import html
import logging
import shutil
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParser
from django.utils.datastructures import MultiValueDict
from typing_extensions import override

from apps.accounts.models import User
from apps.videos import quota
from apps.videos.details import tidy_line
from apps.videos.files import clear_leftovers, incoming_folder
from apps.videos.models import Video

logger = logging.getLogger(__name__)

CHUNK_BYTES = 256 * 1024
# What the fields and boundaries of a form may add to the size of the file in it.
FORM_OVERHEAD_BYTES = 1_000_000
# A client that is still sending when the connection closes often never sees the answer: so some of the rest is read.
DRAIN_BYTES = 64_000_000
DRAIN_S = 5.0
MAX_NAME = 255


class UploadRefusedError(Exception):
    """The file cannot be taken in, and nothing of it is kept. The message tells the uploader why and what to do.

    `status` is the HTTP status (400, 409, 413, 415, 422, 507), `code` a word for programs, and `existing` the
    uploader's own video that has the same content (409).
    """

    def __init__(self, message: str, status: int, code: str, existing: Video | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.existing = existing


class IncomingFile(UploadedFile):
    """An upload that lies in `path`, whole. Closing it removes the file, unless `receive` moved it away.

    `name` is the uploader's, tidied: for people to read, never a path. `sha256` is in hex.
    """

    def __init__(self, path: Path, name: str, size_bytes: int, sha256: str) -> None:
        super().__init__(file=None, name=clean_name(name), size=size_bytes)
        self.path = path
        self.size_bytes = size_bytes
        self.sha256 = sha256

    @override
    def open(self, mode: str | None = None, *args: Any, **kwargs: Any) -> "IncomingFile":
        self.file = self.path.open(mode or "rb")
        return self

    def close(self) -> None:
        if self.file is not None:
            self.file.close()
        self.path.unlink(missing_ok=True)

    @property
    def original_name(self) -> str:
        return str(self.name)

    @property
    def extension(self) -> str:
        """Lower case, without the dot; empty where the name has none."""
        return extension_of(self.original_name)


def clean_name(name: str) -> str:
    """The last part of a path-like name, on one line, at most 255 characters with its extension kept.

    Quotes and emoji stay: what shows or sends the name escapes it.
    """
    last = tidy_line(name.replace("\\", "/").rsplit("/", 1)[-1])
    if last in {"", ".", ".."}:
        return "video"
    if len(last) > MAX_NAME:
        stem, dot, extension = last.rpartition(".")
        if not dot or len(extension) > 8:
            return last[:MAX_NAME]
        last = stem[: MAX_NAME - len(extension) - 1] + "." + extension
    return last


def extension_of(name: str) -> str:
    return Path(name).suffix.lower().removeprefix(".")


def check_extension(name: str) -> None:
    """Raises `UploadRefusedError` (415) for a name whose extension is not one of `UPLOAD_EXTENSIONS`."""
    allowed = [extension.lower() for extension in settings.UPLOAD_EXTENSIONS]
    extension = extension_of(name)
    if extension not in allowed:
        told = f"“.{extension}” is not a kind of video" if extension else "The file's name has no extension"
        raise UploadRefusedError(f"{told} that this portal takes. It takes: {', '.join(allowed)}.", 415, "extension")


def check_size(size_bytes: int) -> None:
    """Raises `UploadRefusedError` (413) above `UPLOAD_MAX_BYTES`."""
    if size_bytes > settings.UPLOAD_MAX_BYTES:
        raise UploadRefusedError(
            f"The file is larger than the {quota.in_words(settings.UPLOAD_MAX_BYTES)} that this portal takes. "
            "Compress it or cut it into parts.",
            413,
            "too_large",
        )


def check_quota(owner: User, size_bytes: int) -> None:
    """Raises `UploadRefusedError` (413) where the file would take `owner` above their quota. One query."""
    try:
        quota.check(owner, size_bytes)
    except quota.QuotaExceededError as error:
        raise UploadRefusedError(str(error), 413, "quota") from error


def refusal_of_disk_error(error: OSError) -> UploadRefusedError | None:
    """The 507 for a full disk; None for any other error, which is no uploader's business."""
    if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
        return None
    logger.error("the disk of %s is full: %s", settings.MEDIA_ROOT, error)
    return UploadRefusedError(
        "The portal has no room left for this file. Its operators must make some: please try again later.",
        507,
        "disk_full",
    )


def _open_new(path: Path) -> IO[bytes]:
    """Unbuffered: what is written is on its way to the disk, and a full one is noticed here and not at the close."""
    return path.open("xb", buffering=0)


class _Writer:
    """One file on its way to the disk."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = incoming_folder() / uuid.uuid4().hex
        self.size_bytes = 0
        self._digest = hashlib.sha256()
        self._file = _open_new(self.path)

    def write(self, data: bytes) -> None:
        """Raises `UploadRefusedError` above the size limit and on a full disk; the caller then discards."""
        check_size(self.size_bytes + len(data))
        self._digest.update(data)
        rest = memoryview(data)
        try:
            while rest:  # a raw file may take less than it is given
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise (refusal_of_disk_error(error) or error) from error
        self.size_bytes += len(data)

    def finish(self) -> IncomingFile:
        self._file.close()
        return IncomingFile(self.path, self.name, self.size_bytes, self._digest.hexdigest())

    def discard(self) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)


def _unescaped(name: str) -> str:
    """A file's name in a form, without what browsers write for quotes and ends of lines (HTML, "multipart/form-data").

    A percent sign itself they leave as it is, so that nothing else may be decoded.
    """
    return name.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")


class _PartReceiver(FileUploadHandler):
    """What Django's parser hands the parts of one form to: it takes one file."""

    chunk_size = CHUNK_BYTES

    def __init__(self) -> None:
        super().__init__()
        self._writer: _Writer | None = None
        self.received: IncomingFile | None = None

    @override
    def new_file(self, field_name: str, file_name: str, *args: Any, **kwargs: Any) -> None:
        if self._writer is not None:
            raise UploadRefusedError("Upload one video at a time: this form carries several files.", 400, "one_file")
        name = clean_name(_unescaped(html.unescape(file_name)))
        check_extension(name)
        try:
            self._writer = _Writer(name)
        except OSError as error:
            raise (refusal_of_disk_error(error) or error) from error

    @override
    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        assert self._writer is not None
        self._writer.write(raw_data)

    @override
    def file_complete(self, file_size: int) -> IncomingFile:
        assert self._writer is not None
        self.received = self._writer.finish()
        return self.received

    def upload_interrupted(self) -> None:
        raise UploadRefusedError("The upload stopped before its end: send the file again.", 400, "interrupted")

    def discard(self) -> None:
        if self._writer is not None:
            self._writer.discard()


class VideoUploadHandler(FileUploadHandler):
    """Takes the one video of a form; `request.FILES[...]` is then an `IncomingFile`.

    Set it before anything reads `request.POST`, CSRF's check included:
    `request.upload_handlers = [VideoUploadHandler(request, owner=request.user)]`. Reading `request.POST` or
    `request.FILES` (or DRF's `request.data`) then raises `UploadRefusedError` for a file that cannot be taken, at the
    earliest moment that shows it: by the request's length (limit, quota of `owner`, room on the disk), by the name's
    extension, or while it streams. Whatever goes wrong, the file is removed before the error gets out.

    It parses the form itself, through Django's parser, because that does not tell a handler of a lost connection.
    """

    chunk_size = CHUNK_BYTES

    def __init__(self, request: HttpRequest | None = None, *, owner: User | None = None) -> None:
        super().__init__(request)
        self.owner = owner

    @override
    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> tuple[QueryDict, MultiValueDict[str, UploadedFile]]:
        receiver = _PartReceiver()
        try:
            self._check_announced(content_length)
            return MultiPartParser(META, input_data, [receiver], encoding).parse()
        except UploadRefusedError:
            receiver.discard()
            _drain(input_data)
            raise
        except BaseException:
            receiver.discard()
            raise

    def _check_announced(self, content_length: int) -> None:
        least_file_bytes = content_length - FORM_OVERHEAD_BYTES
        check_size(least_file_bytes)
        if self.owner is not None:
            check_quota(self.owner, max(0, least_file_bytes))
        if least_file_bytes > shutil.disk_usage(incoming_folder()).free:
            refusal = refusal_of_disk_error(OSError(errno.ENOSPC, "less room than the upload announces"))
            assert refusal is not None
            raise refusal

    @override
    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        raise NotImplementedError("the parts of the form go to _PartReceiver")

    @override
    def file_complete(self, file_size: int) -> None:
        raise NotImplementedError("the parts of the form go to _PartReceiver")


def _drain(input_data: Any) -> None:
    until = time.monotonic() + DRAIN_S
    left = DRAIN_BYTES
    try:
        while left > 0 and time.monotonic() < until:
            data = input_data.read(CHUNK_BYTES)
            if not data:
                return
            left -= len(data)
    except OSError as error:  # UnreadablePostError is one: nobody is there to be answered
        logger.debug("the uploader hung up while a refused upload was drained: %s", error)


def incoming_from_path(
    path: Path, *, name: str | None = None, progress: Callable[[int], None] | None = None
) -> IncomingFile:
    """Copies a local file, which stays where it is. `progress` is given the number of bytes copied so far.

    Raises `UploadRefusedError` as an upload would, and `OSError` where the file cannot be read.
    """
    name = clean_name(name or path.name)
    check_extension(name)
    with path.open("rb") as source:
        check_size(path.stat().st_size)
        writer = _Writer(name)
        try:
            while data := source.read(CHUNK_BYTES):
                writer.write(data)
                if progress is not None:
                    progress(writer.size_bytes)
        except BaseException:
            writer.discard()
            raise
    return writer.finish()


def clear_stale_incoming(older_than_s: float = 24 * 3600) -> int:
    """The sweep: removes what killed processes left of uploads, videos and deleted videos. Returns how many.

    `older_than_s` must exceed the longest upload: a file that is being written is younger by its time of change.
    """
    return clear_leftovers(older_than_s)
