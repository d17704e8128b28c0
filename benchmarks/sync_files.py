"""Files as people upload them, for `benchmarks.sync_errors`: made, checked as the portal does, and removed.

Several processes do so at once, each on one core.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import cv2
import django

from benchmarks.sync_rows import Row, Truth, row_of
from benchmarks.sync_scenes import SCENES, join

Work = TypeVar("Work")
Done = TypeVar("Done")


@dataclass(frozen=True)
class Job:
    """A file to check: `clips` one after the other, as they are or as the scene of that name (`SCENES`) changes them.

    `others` give a scene its second picture or its sound. `kind`, `name`, `part`, `truth`: see `sync_rows`.
    """

    kind: str
    name: str
    part: str
    truth: Truth
    shift_ms: float
    clips: tuple[Path, ...]
    scene: str = ""
    others: tuple[Path, ...] = ()


def check_all(jobs: Sequence[Job], n_processes: int) -> Iterator[Row]:
    """A row for each job, as they come."""
    with TemporaryDirectory() as folder:
        yield from in_processes(partial(_check, folder=Path(folder)), jobs, n_processes)


def in_processes(work: Callable[[Work], Done], jobs: Sequence[Work], n_processes: int) -> Iterator[Done]:
    """What `work` makes of each job, as they come."""
    # A process that has loaded torch must not fork.
    pool = ProcessPoolExecutor(n_processes, mp_context=get_context("spawn"), initializer=_begin)
    try:
        for done in as_completed([pool.submit(work, job) for job in jobs]):
            yield done.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """One thread for each process: two that take two each would wait for each other."""
    import torch

    django.setup()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _check(job: Job, folder: Path) -> Row:
    """The file as `manage.py check_sync` sees it."""
    from apps.avsync.checker import looking_options, sync_checker
    from apps.avsync.syncnet.looking import check_file
    from apps.media.audio import AudioDecodeError, NoAudioError
    from apps.media.frames import VideoDecodeError

    path = _made(job, folder / str(os.getpid()))
    try:
        result = check_file(path, sync_checker(), looking_options())
    except (AudioDecodeError, NoAudioError, VideoDecodeError) as error:
        return row_of(job.kind, job.name, job.part, job.truth, job.shift_ms, str(error).replace(str(path), path.name))
    return row_of(job.kind, job.name, job.part, job.truth, job.shift_ms, result)


def _made(job: Job, folder: Path) -> Path:
    """The job's file; the next job of this process replaces it."""
    folder.mkdir(exist_ok=True)
    target = folder / "made.mp4"
    if job.scene:
        SCENES[job.scene](_joined(job.clips, folder), target, job.shift_ms, _joined(job.others, folder))
    elif len(job.clips) > 1:
        join(job.clips, target)
    else:
        return job.clips[0]
    return target


@cache
def _joined(clips: tuple[Path, ...], folder: Path) -> Path:
    """One file of them, which further scenes find again."""
    if len(clips) == 1:
        return clips[0]
    target = folder / f"joined-{_joined.cache_info().currsize}.mp4"
    join(clips, target)
    return target
