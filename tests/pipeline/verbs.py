"""Verbs for stages under test, named by dotted path as real ones are."""

import ctypes
import time

from apps.videos.models import Video
from apps.videos.stage import Progress, StageFailedError, StageSkippedError


def succeed(video: Video, progress: Progress) -> None:
    progress(0.5, "half way")
    progress(1.0, "all of it")


def take_a_moment(video: Video, progress: Progress) -> None:
    time.sleep(0.5)


def skip(video: Video, progress: Progress) -> None:
    raise StageSkippedError("This video has no sound.")


def refuse(video: Video, progress: Progress) -> None:
    raise StageFailedError("The file ends too early.")


def crash(video: Video, progress: Progress) -> None:
    raise RuntimeError("disk on fire")


def report_for_ever(video: Video, progress: Progress) -> None:
    while True:
        progress(0.1, "still at it")
        time.sleep(0.05)


def sleep_for_ever(video: Video, progress: Progress) -> None:
    """Never looks at its progress: only killing the process stops it."""
    time.sleep(10_000)


def hold_the_interpreter(video: Video, progress: Progress) -> None:
    """Stuck in C code that keeps the interpreter's lock: no thread of this process can run."""
    ctypes.PyDLL(None).sleep(10_000)
