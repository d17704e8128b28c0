"""Real workers, really killed."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.portal import Portal, children_of, wait_until

MAKE_VIDEO = """
import sys
from apps.accounts.models import User
from apps.pipeline import runs
from apps.videos.models import Video
from tests.factories import make_video
from django.db import transaction
owner, _ = User.objects.get_or_create(username="owner")
with transaction.atomic():
    video = make_video(owner, title=sys.argv[1] if len(sys.argv) > 1 else "A talk")
    runs.start(video)
"""
DELETE_VIDEOS = "from apps.videos.models import Video; Video.objects.all().delete()"

MakePortal = Callable[..., Portal]


@pytest.fixture
def make_portal(tmp_path: Path) -> Iterator[MakePortal]:
    made: list[Portal] = []

    def make(**settings: str) -> Portal:
        portal = Portal(tmp_path, DJANGO_SETTINGS_MODULE="videoportal.settings", **settings)
        portal.manage("migrate", "--verbosity=0")
        made.append(portal)
        return portal

    yield make
    for portal in made:
        portal.stop(signal.SIGKILL)


def start_worker(portal: Portal) -> subprocess.Popen[bytes]:
    options = (
        "-Q",
        "media,gpu,index",
        "-n",
        "all@test",
        "--pool",
        "prefork",
        "-c",
        "1",
        "--beat",
        "--loglevel",
        "INFO",
    )
    return portal.spawn("-m", "celery", "-A", "tests.pipeline.patched_worker", "worker", *options)


def probe_run(portal: Portal) -> tuple[str, int, str]:
    rows = portal.rows("SELECT state, attempts, message FROM pipeline_stagerun WHERE stage = 'probe'")
    return rows[0] if rows else ("gone", 0, "")


def wait_for_state(portal: Portal, state: str, within_s: float = 30) -> None:
    wait_until(lambda: probe_run(portal)[0] == state, within_s=within_s, what=f"the stage probe {state}")


@pytest.mark.slow
def test_a_time_limit_kills_what_never_looks_up(make_portal: MakePortal) -> None:
    portal = make_portal(STAGE_VERBS="probe=sleep_for_ever", PROBE_STAGE_LIMIT_S="2", STAGE_HEARTBEAT_S="0.2")
    worker = start_worker(portal)
    portal.manage("shell", "-v0", "-c", MAKE_VIDEO)
    wait_for_state(portal, "running")
    before = children_of(worker.pid)
    wait_for_state(portal, "failed")
    assert "longer than" in probe_run(portal)[2]
    # The pool has replaced the child that it lost (the clock's process stays): the worker is alive.
    wait_until(lambda: len(children_of(worker.pid) - before) == 1, within_s=20, what="a fresh child")
    assert worker.poll() is None


@pytest.mark.slow
def test_a_worker_stuck_in_c_code_is_killed_by_its_parent_and_its_run_is_found(make_portal: MakePortal) -> None:
    portal = make_portal(
        STAGE_VERBS="probe=hold_the_interpreter",
        PROBE_STAGE_LIMIT_S="1",
        STAGE_HEARTBEAT_S="0.2",
        STAGE_STALLED_AFTER_S="2",
        STAGE_MAX_ATTEMPTS="1",
        SWEEP_INTERVAL_S="1",
    )
    worker = start_worker(portal)
    portal.manage("shell", "-v0", "-c", MAKE_VIDEO)
    wait_for_state(portal, "failed", within_s=60)
    assert worker.poll() is None


@pytest.mark.slow
def test_deleting_the_video_kills_its_stage_and_the_worker_takes_the_next(make_portal: MakePortal) -> None:
    portal = make_portal(STAGE_VERBS="probe=sleep_for_ever", STAGE_HEARTBEAT_S="0.2")
    worker = start_worker(portal)
    portal.manage("shell", "-v0", "-c", MAKE_VIDEO)
    wait_for_state(portal, "running")
    before = children_of(worker.pid)
    portal.manage("shell", "-v0", "-c", DELETE_VIDEOS)
    wait_until(lambda: children_of(worker.pid) - before, within_s=20, what="the stuck child killed and replaced")
    portal.manage("shell", "-v0", "-c", MAKE_VIDEO)
    wait_for_state(portal, "running")


@pytest.mark.slow
def test_a_stage_whose_worker_was_killed_goes_on_with_the_next_worker(make_portal: MakePortal) -> None:
    portal = make_portal(STAGE_VERBS="probe=report_for_ever", STAGE_HEARTBEAT_S="0.2")
    worker = start_worker(portal)
    portal.manage("shell", "-v0", "-c", MAKE_VIDEO)
    wait_for_state(portal, "running")
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
    assert probe_run(portal)[0] == "running", "nobody could tell the database"
    portal.environment["STAGE_VERBS"] = "probe=succeed"
    start_worker(portal)
    wait_for_state(portal, "done")


@pytest.mark.slow
def test_a_worker_told_to_stop_gives_its_run_back_at_once(make_portal: MakePortal) -> None:
    portal = make_portal(STAGE_VERBS="probe=report_for_ever", STAGE_HEARTBEAT_S="0.2")
    worker = start_worker(portal)
    portal.manage("shell", "-v0", "-c", MAKE_VIDEO)
    wait_for_state(portal, "running")
    worker.terminate()
    worker.wait(timeout=20)
    assert probe_run(portal)[:2] == ("queued", 0)
