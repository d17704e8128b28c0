"""What the tests of repairs do to a video, and look at."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from django.utils import timezone

from apps.avsync.models import SyncReport
from apps.pipeline import runs
from apps.pipeline.models import StageRun
from apps.pipeline.repair import ask_for_repair, ask_for_undo
from apps.pipeline.stages import STAGE_BY_NAME
from apps.transcription.models import Transcript
from apps.videos.files import folder
from apps.videos.models import Video
from apps.videos.stage import StageFailedError, StageSkippedError

State = StageRun.State
Uploaded = Callable[..., Video]
# What the picture's own frames, and AAC's, leave of a beep's place where a rendition was encoded.
A_FRAME = 25.0
A_MILLISECOND = 1.0


def ignore(fraction: float, message: str = "") -> None:
    """Progress that nobody watches."""


def work(video: Video, stage: str, progress: Callable[..., None] = ignore) -> StageRun:
    """Runs a queued stage, as a worker does, but here."""
    run = StageRun.objects.claim(video.pk, stage, worker="here", now=timezone.now())
    assert run is not None, f"{stage} is not queued"
    try:
        STAGE_BY_NAME[stage].load_verb()(run.video, progress)
    except StageFailedError as failure:
        runs.end(run, State.FAILED, message=str(failure))
    except StageSkippedError as skipped:
        runs.end(run, State.SKIPPED, message=str(skipped))
    else:
        runs.end(run, State.DONE)
    run.refresh_from_db()
    video.refresh_from_db()
    return run


def report(video: Video, verdict: str = "sound_late", offset_ms: float | None = 200.0, **fields: object) -> SyncReport:
    found = {"verdict": verdict, "offset_ms": offset_ms, "probability": 0.98, "coverage": 0.7, "network": "test"}
    return SyncReport.objects.update_or_create(video=video, defaults={**found, **fields})[0]


def repaired(video: Video) -> Video:
    ask_for_repair(video, by=video.owner)
    return moved(video)


def undone(video: Video) -> Video:
    ask_for_undo(video, by=video.owner)
    return moved(video)


def moved(video: Video) -> Video:
    """The sound is moved, or brought back; what follows has ended."""
    assert work(video, "move_sound").state == State.DONE
    StageRun.objects.filter(video=video, state=State.QUEUED).update(state=State.DONE, ended_at=timezone.now())
    return video


def starts_ms(video: Video) -> list[int]:
    cues = (cue for transcript in Transcript.objects.filter(video=video) for cue in transcript.cues.all())
    return sorted(cue.start_ms for cue in cues)


def all_of(video: Video) -> tuple[object, object, dict[str, str]]:
    """What an undo must bring back: the row, every cue, and every file."""
    row = Video.objects.values().get(pk=video.pk) | {"updated_at": None}
    cues = [
        list(transcript.cues.values("pk", "position", "start_ms", "end_ms", "text", "words"))
        for transcript in Transcript.objects.filter(video=video).order_by("pk")
    ]
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder(video.pk).iterdir()}
    return row, cues, files
