"""From a file that lies in `incoming` to a `Video`, or to a refusal that leaves nothing behind."""

import logging
from collections.abc import Callable
from dataclasses import replace

from django.conf import settings
from django.db import transaction

from apps.accounts.models import User
from apps.videos.details import MAX_TITLE, DetailsInvalidError, VideoDetails, clean_details, set_tags, tidy_line
from apps.videos.files import delete_files, folder, original_path
from apps.videos.incoming import (
    IncomingFile,
    UploadRefusedError,
    VideoUploadHandler,
    check_extension,
    check_quota,
    check_size,
    clear_stale_incoming,
    incoming_from_path,
    refusal_of_disk_error,
)
from apps.videos.models import Video
from apps.videos.probe import ProbeError, ProbeLimits, ProbeResult, probe_file
from apps.videos.signals import video_changed

__all__ = [
    "IncomingFile",
    "UploadRefusedError",
    "VideoDetails",
    "VideoUploadHandler",
    "clear_stale_incoming",
    "incoming_from_path",
    "receive",
]

logger = logging.getLogger(__name__)

# What the uploader did wrong by the probe's word for it; anything else is 422.
_UNSUPPORTED = {"not_a_video", "codec"}


def receive(
    file: IncomingFile,
    *,
    owner: User,
    details: VideoDetails,
    then: Callable[[Video], None] | None = None,
) -> Video:
    """Makes a video of the file. The file is gone from `incoming` afterwards, whatever happens.

    `then(video)` runs in the same transaction: the pipeline starts its stages there. Do not wrap this call in
    `atomic()` instead: the probe takes seconds, and no one else could write for as long (SQLite has one writer).

    Raises `UploadRefusedError`; then, and whenever `then` raises, there is neither a row nor a file.
    """
    try:
        details = _checked_details(details, file.original_name)
        check_extension(file.original_name)
        if file.size_bytes == 0:
            raise UploadRefusedError("The file is empty: choose another one.", 400, "empty")
        check_size(file.size_bytes)
        _refuse_duplicate(file, owner)
        check_quota(owner, file.size_bytes)
        return _store(file, owner, details, _probe(file), then)
    finally:
        file.close()


def title_from_name(name: str) -> str:
    """ "My_talk-2024.mp4" → "My talk-2024"."""
    stem = name.rpartition(".")[0] or name
    return tidy_line(stem.replace("_", " "))[:MAX_TITLE].strip() or "Untitled video"


def _checked_details(details: VideoDetails, name: str) -> VideoDetails:
    if not tidy_line(details.title):
        details = replace(details, title=title_from_name(name))
    try:
        return clean_details(details)
    except DetailsInvalidError as error:
        raise UploadRefusedError(str(error), 400, "details") from error


def _refuse_duplicate(file: IncomingFile, owner: User) -> None:
    existing = Video.objects.filter(owner=owner, sha256=file.sha256).first()
    if existing is not None:
        raise UploadRefusedError(
            f"You uploaded this very file already: it is your video “{existing.title}”.",
            409,
            "duplicate",
            existing=existing,
        )


def _probe(file: IncomingFile) -> ProbeResult:
    limits = ProbeLimits(
        timeout_s=settings.PROBE_TIMEOUT_S,
        max_duration_s=settings.UPLOAD_MAX_DURATION_S,
    )
    try:
        return probe_file(file.path, limits)
    except ProbeError as error:
        if error.operators_detail:
            logger.info("upload %r refused (%s): %s", file.original_name, error.code, error.operators_detail)
        status = 415 if error.code in _UNSUPPORTED else 422
        raise UploadRefusedError(str(error), status, error.code) from error


def _store(
    file: IncomingFile,
    owner: User,
    details: VideoDetails,
    probed: ProbeResult,
    then: Callable[[Video], None] | None,
) -> Video:
    video = Video(
        title=details.title,
        description=details.description,
        language=details.language,
        visibility=details.visibility,
        owner=owner,
        original_name=file.original_name,
        # By content: an MP4 that was named .mov must not be served as one.
        extension=probed.extension_for(file.extension),
        sha256=file.sha256,
        size_bytes=file.size_bytes,
        duration_ms=probed.duration_ms,
        width=probed.display_width,
        height=probed.display_height,
        container=probed.container,
        video_codec=probed.video_codec,
        audio_codec=probed.audio_codec,
    )
    try:
        with transaction.atomic():
            # Two uploads of one person wait for each other here, so that both count: SQLite's transactions are
            # exclusive as a whole, elsewhere the owner's row is the lock.
            User.objects.select_for_update().get(pk=owner.pk)
            check_quota(owner, file.size_bytes)
            _refuse_duplicate(file, owner)
            video.save(force_insert=True)
            set_tags(video, details.tags)
            folder(video.pk).mkdir(parents=True)
            file.path.replace(original_path(video))
            if then is not None:
                then(video)
            video_changed.send(sender=__name__, video_id=video.pk)
    except BaseException as error:
        delete_files(video.pk)
        if isinstance(error, OSError) and (refusal := refusal_of_disk_error(error)) is not None:
            raise refusal from error
        raise
    return video
