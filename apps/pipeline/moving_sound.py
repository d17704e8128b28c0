"""The stage `move_sound`: the sound of a video moved against its picture, or brought back to where it was.

The upload as it came stays. The sound is moved in a copy of it, packet by packet (`apps.videos.soundshift`), and in a
copy of what browsers play; captions move with it. All of it shows at once, with the transaction that names the copies
in the video's row. Whatever else reads the file or writes captions has ended before, and what is started later finds
the new file: no caption is ever timed by a sound that is no longer there.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.avsync.models import SyncReport
from apps.pipeline import runs
from apps.pipeline.models import StageRun, SyncRepair
from apps.pipeline.stages import READS_WORDS, STAGE_BY_NAME
from apps.pipeline.sync_status import way_of
from apps.transcription.moving import move_captions, move_captions_back
from apps.videos import soundshift
from apps.videos.checking import probe_again
from apps.videos.children import ChildFailedError
from apps.videos.files import (
    clear_partials,
    existing_source,
    folder,
    older,
    original_name_in_folder,
    path_of,
    rendition_name,
    replacing,
)
from apps.videos.models import Video
from apps.videos.quota import in_words
from apps.videos.signals import video_changed
from apps.videos.stage import Progress, StageFailedError, StageSkippedError
from apps.videos.webrendition import Plan, plan_for

log = logging.getLogger(__name__)

STAGE = STAGE_BY_NAME["move_sound"]
CANNOT_BE_MOVED = (
    "The sound of this file cannot be moved without encoding it anew, so nothing was changed. Export the video with "
    "its sound in place, and upload that."
)
SPARE_BYTES = 64 * 2**20  # for whoever else writes meanwhile
SOURCE, RENDITION = "repaired", "web-repaired"  # the copies, without their extensions


class ChangedMeanwhileError(Exception):
    """Another stage works on the video, or the repair was taken back: this run must not write. Another may."""


@dataclass(frozen=True)
class _Copies:
    """Names of files in the video's folder. `web` is empty where `render` is to make what browsers play."""

    source: str
    web: str
    duration_ms: int


def move_sound(video: Video, progress: Progress) -> None:
    """Does what was asked for; nothing where nothing was.

    Raises StageFailedError where the file is gone, the disk is full, or no container holds the file so. Then, and
    whenever it is killed, the video is as it was. Cost: reads and writes the file about twice.
    """
    repair = SyncRepair.objects.standing().filter(video=video).first()
    if repair is None:
        _remove_copies(video)  # of a run that was killed before it could
        raise StageSkippedError("The sound is where it was uploaded.")
    if repair.state == SyncRepair.State.UNDO_ASKED:
        _bring_back(repair)
        _remove_copies(video)
        progress(1.0, "The original is back.")
        return
    if repair.state == SyncRepair.State.ASKED:
        _show(repair, _write_copies(video, repair.shift_ms, progress))
    progress(1.0, f"The sound was moved: it comes {way_of(repair.shift_ms)}.")


# --- the files ---


def _write_copies(video: Video, shift_ms: int, progress: Progress) -> _Copies:
    original = existing_source(video)
    clear_partials(video)
    rendition = path_of(video, video.web_name) if video.web_name == rendition_name(video) else None
    _check_room(video, [original, rendition] if rendition else [original])
    share = 0.5 if rendition else 1.0
    try:
        first, second = (_Part(progress, 2 * video.duration_ms, *ends) for ends in ((0.0, share), (share, 1.0)))
        source = moved_copy(original, SOURCE, shift_ms, first)
        # What cannot be copied so, `render` makes anew from the source.
        web = moved_copy(rendition, RENDITION, shift_ms, second) if rendition else None
    except soundshift.DiskFullError as error:
        raise StageFailedError(_no_room(0)) from error
    if source is None:
        raise StageFailedError(CANNOT_BE_MOVED)
    probed = probe_again(source)
    plays_as_it_is = video.web_name == original_name_in_folder(video) and plan_for(probed) is Plan.AS_IT_IS
    return _Copies(
        source=source.name,
        web=web.name if web and web.suffix == ".mp4" else source.name if plays_as_it_is else "",
        duration_ms=probed.duration_ms or video.duration_ms,
    )


def moved_copy(path: Path, stem: str, shift_ms: int, progress: Callable[[float], None]) -> Path | None:
    """The moved copy beside `path`, in the first container that keeps every time; None where none does.

    `progress` is given milliseconds, up to twice the duration. Raises `soundshift.DiskFullError`, and StageFailedError
    where `path` is no video.
    """
    probed = probe_again(path)
    for muxer in soundshift.muxers_for(path.suffix.removeprefix(".")):
        target = path.with_name(f"{stem}.{soundshift.EXTENSION_OF[muxer]}")
        try:
            with replacing(target) as partial:
                moved = soundshift.move_sound(
                    path,
                    partial,
                    probed,
                    muxer,
                    shift_ms,
                    threads=settings.RENDER_THREADS,
                    timeout_s=STAGE.time_limit_s,
                    progress=progress,
                )
        except (soundshift.InexactError, ChildFailedError):
            log.warning("sound not moved", exc_info=True, extra={"path": path, "muxer": muxer})
        else:
            log.info("sound moved", extra={"path": path, "muxer": muxer, "left_out": moved.left_out})
            return target
    return None


class _Part:
    """A part of the stage's progress, from milliseconds of `whole_ms`."""

    def __init__(self, progress: Progress, whole_ms: int, start: float, end: float) -> None:
        self._progress, self._whole_ms, self._start, self._end = progress, max(1, whole_ms), start, end

    def __call__(self, done_ms: float) -> None:
        fraction = min(1.0, done_ms / self._whole_ms)
        self._progress(self._start + fraction * (self._end - self._start), "Copying the file, sound moved")


def _check_room(video: Video, paths: list[Path]) -> None:
    """Raises StageFailedError where the copies would not fit; the shortage may be over when somebody tries again."""
    needed = sum(path.stat().st_size for path in paths) + SPARE_BYTES
    if shutil.disk_usage(folder(video.pk)).free < needed:
        raise StageFailedError(_no_room(needed))


def _no_room(needed_bytes: int) -> str:
    need = f" {in_words(needed_bytes)} are needed." if needed_bytes else ""
    return (
        f"The portal has no room left for a copy of this file: nothing was changed.{need} Its operators must make some."
    )


def clear_unseen_copies(older_than_s: float = 24 * 3600) -> None:
    """The sweep: removes whole copies that no video names, of runs that were killed before they could show them.

    `older_than_s` must exceed the stage's time limit. One query.
    """
    before = time.time() - older_than_s
    for repair in SyncRepair.objects.select_related("video").iterator():
        video = repair.video
        for copy in older(_copies_of(video), before):
            if copy.name not in (video.repaired_name, video.web_name):
                copy.unlink(missing_ok=True)


def _remove_copies(video: Video) -> None:
    for copy in _copies_of(video):
        copy.unlink(missing_ok=True)


def _copies_of(video: Video) -> Iterator[Path]:
    """Where they would be."""
    for stem in (SOURCE, RENDITION):
        for extension in sorted({*soundshift.EXTENSION_OF.values()}):
            yield path_of(video, f"{stem}.{extension}")


# --- the rows ---


@transaction.atomic
def _show(repair: SyncRepair, copies: _Copies) -> None:
    """From here on the video is the repaired one, for everybody."""
    video = _locked(repair)
    changed = SyncRepair.objects.filter(pk=repair.pk, state=SyncRepair.State.ASKED).update(
        state=SyncRepair.State.DONE,
        done_at=timezone.now(),
        former_web_name=video.web_name,
        former_duration_ms=video.duration_ms,
        cut_cues=move_captions(video, repair.shift_ms),
    )
    if not changed:
        raise ChangedMeanwhileError("The repair was taken back while it was made. Ask for it again.")
    _switch(video, repaired_name=copies.source, web_name=copies.web, duration_ms=copies.duration_ms)


@transaction.atomic
def _bring_back(repair: SyncRepair) -> None:
    """From here on the video is the original one again, for everybody."""
    video = _locked(repair)
    changed = SyncRepair.objects.filter(pk=repair.pk, state=SyncRepair.State.UNDO_ASKED).update(
        state=SyncRepair.State.UNDONE, undone_at=timezone.now()
    )
    if not changed:
        raise ChangedMeanwhileError("Another run has brought the original back already.")
    move_captions_back(video, repair.shift_ms, repair.cut_cues)
    web_name = repair.former_web_name
    is_there = bool(web_name) and path_of(video, web_name).is_file()
    duration_ms = repair.former_duration_ms
    _switch(video, repaired_name="", web_name=web_name if is_there else "", duration_ms=duration_ms)


def _locked(repair: SyncRepair) -> Video:
    """The video's row, locked, with the runs that must rest: one of them that is claimed now waits for the commit."""
    video = Video.objects.select_for_update(no_key=True).get(pk=repair.video_id)
    others = StageRun.objects.select_for_update().filter(video=video, stage__in=STAGE.after)
    if any(run.state == StageRun.State.RUNNING for run in others):
        raise ChangedMeanwhileError("Another stage reads the file or writes captions. This one comes after it.")
    return video


def _switch(video: Video, **changes: object) -> None:
    """Another file is played and read now: what was found in the one before holds no longer."""
    had_rendition = bool(video.web_name)
    Video.objects.filter(pk=video.pk).update(**changes, updated_at=timezone.now())
    SyncReport.objects.filter(video=video).delete()
    runs.start_over(video.pk, *READS_WORDS)
    if had_rendition and not changes["web_name"]:
        runs.start_over(video.pk, "render")
    video_changed.send(sender=__name__, video_id=video.pk)
