"""The stage `check_sync`: does the sound of a video fit the lips that speak in it?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.avsync.checker import looking_options, sync_checker
from apps.avsync.models import SyncReport
from apps.avsync.verdicts import verdict_of
from apps.avsync.wording import in_words
from apps.media.audio import AudioDecodeError, NoAudioError
from apps.media.frames import VideoDecodeError
from apps.videos.files import existing_source
from apps.videos.models import Video
from apps.videos.stage import Progress, StageFailedError, StageSkippedError

if TYPE_CHECKING:
    from apps.avsync.syncnet.offset import SyncChecker, SyncResult

NETWORK_LENGTH = 200  # SyncReport.network
NO_SOUND = "This video has no sound that could come too early or too late."
SWITCHED_OFF = "The check of lip sync is switched off on this portal."


def check_sync(video: Video, progress: Progress, *, checker_of: Callable[[], SyncChecker] = sync_checker) -> None:
    """Measures how late the sound of `video` is, and replaces its `SyncReport`, in one transaction.

    That nobody can tell is a result, too: its verdict is unknown. Raises StageSkippedError, and removes an earlier
    report, where the video has no sound or SYNC_CHECK is off; StageFailedError where the file cannot be read.
    """
    reason = NO_SOUND if not video.has_sound else "" if settings.SYNC_CHECK else SWITCHED_OFF
    if reason:
        SyncReport.objects.filter(video=video).delete()
        raise StageSkippedError(reason)
    path = existing_source(video)
    progress(0.0, "Looking for people who speak.")
    checker = checker_of()
    # Not at import: the web process never needs the networks.
    from apps.avsync.syncnet.looking import check_file

    try:
        result = check_file(
            path, checker, looking_options(), progress=lambda done: progress(done, "Comparing lips and sound.")
        )
    except NoAudioError as error:
        raise StageSkippedError(NO_SOUND) from error
    except (AudioDecodeError, VideoDecodeError) as error:
        raise StageFailedError(
            "The sound or the pictures of this video cannot be read. Convert it to MP4 and upload it anew."
        ) from error
    report = replace_report(video, result, network=checker.name)
    progress(1.0, in_words(report))


def replace_report(video: Video, result: SyncResult, *, network: str) -> SyncReport:
    """Raises `Video.DoesNotExist` where the video was deleted meanwhile."""
    with transaction.atomic():
        Video.objects.select_for_update(no_key=True).get(pk=video.pk)
        report, _ = SyncReport.objects.update_or_create(
            video=video,
            defaults={
                "verdict": verdict_of(result, video.duration_ms),
                "offset_ms": result.offset_ms,
                "drift_ms_per_min": result.drift_ms_per_min,
                "probability": result.probability,
                "coverage": result.coverage,
                "reason": result.reason or "",
                "distances": [round(distance, 5) for distance in result.distances],
                "windows": [asdict(window) for window in result.windows],
                "network": network[:NETWORK_LENGTH],
                "created_at": timezone.now(),
            },
        )
    return report
