"""The portal's processes, started and stopped as people do it."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.portal import Portal, children_of, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    portal = Portal(tmp_path)
    portal.run("--no-sample")
    yield portal
    portal.stop(signal.SIGKILL)


def is_alive(pid: int) -> bool:
    """False also for a process that has ended and waits for its parent to ask."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def everything_below(pid: int) -> set[int]:
    children = children_of(pid)
    return children.union(*(everything_below(child) for child in children))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_nothing_is_left_running(portal: Portal, number: signal.Signals) -> None:
    (pid,) = portal.pids
    processes = everything_below(pid)
    assert len(processes) >= 4, "a web server and three workers"
    os.kill(pid, number)
    wait_until(lambda: not any(map(is_alive, processes)), within_s=25, what="the end of every process")


def test_what_dies_is_started_again(portal: Portal) -> None:
    (pid,) = portal.pids
    before = children_of(pid)
    os.kill(max(before), signal.SIGKILL)
    wait_until(lambda: children_of(pid) - before, within_s=25, what="another process in its place")


def test_a_second_portal_on_the_same_home_is_refused(portal: Portal) -> None:
    (pid,) = portal.pids
    with pytest.raises(subprocess.CalledProcessError) as refused:
        portal.manage("runportal", "--port", "1", "--no-sample")
    assert f"A portal runs on {portal.home} already (process {pid})." in refused.value.stderr
    portal.stop(signal.SIGKILL)
    with pytest.raises(subprocess.CalledProcessError) as refused:
        portal.manage("runportal", "--port", "1", "--host", "192.0.2.1", "--no-sample")
    assert "Cannot listen" in refused.value.stderr, "the lock went with the process"
