"""Where the files of a video lie, and how they go.

`MEDIA_ROOT/videos/<id>/`   everything of one video; made once, by `uploads.receive`, and never by a worker
`MEDIA_ROOT/incoming/`      uploads on their way, under generated names
`MEDIA_ROOT/trash/`         folders of deleted videos, for as long as removing them takes

Names in a video's folder are ours. No name that a person chose ever becomes a path.
"""

import logging
import re
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from apps.videos.models import Video
from apps.videos.stage import StageFailedError

logger = logging.getLogger(__name__)

REMOVAL_ATTEMPTS = 5
_OUR_NAME = re.compile(r"[a-z0-9][a-z0-9-]*(\.[a-z0-9]+)+")


def media_root() -> Path:
    """Read at each call: tests point it elsewhere."""
    return Path(settings.MEDIA_ROOT)


def incoming_folder() -> Path:
    folder = media_root() / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def folder(video_id: uuid.UUID) -> Path:
    """The folder of a video. It is not made here: a stage that outlives its video must not bring the folder back."""
    return media_root() / "videos" / str(video_id)


def path_of(video: Video, name: str) -> Path:
    """The path of one of the video's own files. Raises `ValueError` for a name that this project never gives."""
    if not _OUR_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a video's file")
    return folder(video.pk) / name


def original_name_in_folder(video: Video) -> str:
    return f"original.{video.extension}"


def original_path(video: Video) -> Path:
    return path_of(video, original_name_in_folder(video))


def source_name_in_folder(video: Video) -> str:
    """What stages read: the upload as it came, or its copy with the sound moved, where there is one."""
    return video.repaired_name or original_name_in_folder(video)


def rendition_name(video: Video) -> str:
    """What `render` writes for browsers. Each source has its own: the original's is there when it comes back."""
    return "web-repaired.mp4" if video.repaired_name else "web.mp4"


def existing_source(video: Video) -> Path:
    """The path of `source_name_in_folder`. Raises `StageFailedError` where somebody took the file away."""
    path = path_of(video, source_name_in_folder(video))
    if not path.is_file():
        raise StageFailedError("The uploaded file is no longer there. Delete this video and upload it again.")
    return path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of `path` when the block ends well and is removed when it does not.

    The name keeps its suffix (ffmpeg and moviepy read it) and is hidden from serving by its leading "partial-".
    """
    partial = path.with_name(f"partial-{uuid.uuid4().hex}-{path.name}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def clear_partials(video: Video) -> None:
    """Removes what a killed `render` left half-written in the video's folder. Only one run of it is alive at a time."""
    for partial in folder(video.pk).glob("partial-*"):
        _remove_partial(partial)


def _remove_partial(partial: Path) -> None:
    if partial.is_dir():
        shutil.rmtree(partial, ignore_errors=True)
    else:
        partial.unlink(missing_ok=True)


def delete_files(video_id: uuid.UUID) -> None:
    """Removes every file of a video, also while a worker is writing one.

    The folder is renamed first: from that instant on a path below `videos/<id>` leads nowhere, so that a worker cannot
    add to it. What it has open it writes into files without a name, which vanish when it closes them.
    """
    trash = media_root() / "trash"
    trash.mkdir(parents=True, exist_ok=True)
    doomed = trash / f"{video_id}-{uuid.uuid4().hex}"
    try:
        folder(video_id).rename(doomed)
    except FileNotFoundError:
        return
    _remove_folder(doomed)


def _remove_folder(doomed: Path) -> None:
    """A file made while its folder is emptied keeps the folder alive: then once more, and at last by the sweep."""
    for attempt in range(REMOVAL_ATTEMPTS):
        try:
            shutil.rmtree(doomed)
        except FileNotFoundError:
            return
        except OSError as error:
            if attempt == REMOVAL_ATTEMPTS - 1:
                logger.warning("%s could not be removed yet, the sweep will try again: %s", doomed, error)
            time.sleep(0.05)
        else:
            return


def clear_leftovers(older_than_s: float) -> int:
    """Removes what killed processes left: uploads, trash, folders that belong to no video, and what is half-written in
    those that do. Returns how many.

    Anything younger than `older_than_s` seconds is left alone, since it may be in use. One query per 500 folders.
    """
    before = time.time() - older_than_s
    removed = 0
    for pattern, remove in (
        ("incoming/*", _remove_partial),
        ("trash/*", _remove_folder),
        ("videos/*/partial-*", _remove_partial),
    ):
        for leftover in older(media_root().glob(pattern), before):
            remove(leftover)
            removed += 1
    for video_id in _orphans(before):
        delete_files(video_id)
        removed += 1
    if removed:
        logger.info("removed %d leftovers of killed processes", removed)
    return removed


def older(paths: Iterable[Path], before: float) -> Iterator[Path]:
    """Those that are there and were last written to before that time."""
    for path in paths:
        try:
            is_old = path.stat().st_mtime < before
        except FileNotFoundError:
            continue
        if is_old:
            yield path


def _orphans(before: float) -> Iterator[uuid.UUID]:
    found: list[uuid.UUID] = []
    for path in older(media_root().glob("videos/*"), before):
        try:
            found.append(uuid.UUID(path.name))
        except ValueError:
            logger.warning("%s is no folder of a video: look at it, and remove it by hand", path)
    for start in range(0, len(found), 500):
        page = found[start : start + 500]
        known = set(Video.objects.filter(pk__in=page).values_list("pk", flat=True))
        yield from (video_id for video_id in page if video_id not in known)
