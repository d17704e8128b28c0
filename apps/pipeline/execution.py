"""Running one stage in a worker: claim, pulse, time limit, and the record of how it ended."""

from __future__ import annotations

import logging
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from types import TracebackType

from django.conf import settings
from django.db import Error as DatabaseTroubleError
from django.db import connection
from django.utils import timezone

from apps.pipeline import runs
from apps.pipeline.models import StageRun
from apps.pipeline.stages import STAGE_BY_NAME, Stage
from apps.videos.stage import StageFailedError, StageSkippedError

log = logging.getLogger(__name__)

# How long a verb has, after its run was taken away, to notice through `progress()` before its process is killed.
NOTICE_GRACE_S = 5.0


class RunTakenAwayError(Exception):
    """Raised inside a verb by `progress()`: the video was deleted, or the run was given to somebody else."""


def run_stage(video_id: uuid.UUID, stage_name: str, *, worker: str, kill: Callable[[], None]) -> None:
    """Runs a queued stage to its end; does nothing where it is not queued (a message that came twice, or too late).

    `kill` ends this process at once, whatever it is doing: called when the time limit has passed, or when the run was
    taken away and the verb does not notice.
    """
    stage = STAGE_BY_NAME[stage_name]
    run = StageRun.objects.claim(video_id, stage_name, worker=worker, now=timezone.now())
    if run is None:
        return
    began_at = time.monotonic()
    with Pulse(run, stage, kill=kill) as pulse:
        state = _call_verb(run, stage, pulse)
    log.info(
        "stage ended",
        extra={
            "video": video_id,
            "stage": stage_name,
            "state": state,
            "seconds": round(time.monotonic() - began_at, 1),
        },
    )


def _call_verb(run: StageRun, stage: Stage, pulse: Pulse) -> str:
    try:
        stage.load_verb()(run.video, pulse.progress)
    except RunTakenAwayError:
        return "taken away"
    except StageSkippedError as skipped:
        runs.end(run, StageRun.State.SKIPPED, message=str(skipped))
        return StageRun.State.SKIPPED
    except StageFailedError as failure:
        runs.end(run, StageRun.State.FAILED, message=str(failure), error=traceback.format_exc())
        return StageRun.State.FAILED
    except Exception:
        # Whatever a verb raises is kept for the moderator, and the worker lives on.
        if pulse.was_taken_away:
            return "taken away"
        log.exception("stage raised", extra={"video": run.video_id, "stage": stage.name, "attempt": run.attempts})
        runs.retry_or_fail(run, error=traceback.format_exc())
        return "raised"
    runs.end(run, StageRun.State.DONE, message=pulse.message)
    return StageRun.State.DONE


class Pulse:
    """Writes a run's heartbeat and progress from a thread of its own, so that a verb deep in C code stays alive in the
    eyes of the sweep, and ends the process when it must not go on."""

    def __init__(self, run: StageRun, stage: Stage, *, kill: Callable[[], None]) -> None:
        self._run = run
        self._stage = stage
        self._kill = kill
        self._fraction = 0.0
        self.message = ""
        self._stopped = threading.Event()
        self._taken_away = threading.Event()
        self._thread = threading.Thread(target=self._beat_until_stopped, name="pulse", daemon=True)

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()

    @property
    def was_taken_away(self) -> bool:
        return self._taken_away.is_set()

    def progress(self, fraction: float, message: str = "") -> None:
        """The `Progress` that the verb gets. Raises RunTakenAwayError when the verb is to stop."""
        if self.was_taken_away:
            raise RunTakenAwayError
        self._fraction = min(1.0, max(0.0, fraction))
        self.message = message or self.message

    def _beat_until_stopped(self) -> None:
        deadline = time.monotonic() + self._stage.time_limit_s
        try:
            while not self._stopped.wait(settings.STAGE_HEARTBEAT_S):
                if time.monotonic() >= deadline:
                    self._end_at_limit()
                    return
                if not self._beat():
                    self._taken_away.set()
                    if not self._stopped.wait(NOTICE_GRACE_S):
                        self._kill()
                    return
        finally:
            connection.close()

    def _beat(self) -> bool:
        try:
            return self._run.beat(progress=self._fraction, message=self.message, now=timezone.now())
        except DatabaseTroubleError:
            # A database that is away for a moment is no reason to kill an hour of work; the next beat tries again, over
            # a new connection.
            connection.close()
            log.warning("heartbeat not written", exc_info=True, extra={"video": self._run.video_id})
            return True

    def _end_at_limit(self) -> None:
        minutes = max(1, round(self._stage.time_limit_s / 60))
        runs.end(
            self._run,
            StageRun.State.FAILED,
            message=f"This took longer than the {minutes} minutes allowed, and was stopped.",
            error=f"Time limit of {self._stage.time_limit_s} s reached. {self._stage.limit_setting} allows more.",
        )
        self._taken_away.set()
        if not self._stopped.wait(NOTICE_GRACE_S):
            self._kill()
