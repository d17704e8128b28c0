"""The portal's processes on one machine: started together, started again when one dies, stopped together."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from django.conf import settings
from django.core.management.base import CommandError

from apps.pipeline.stages import QUEUES

log = logging.getLogger(__name__)

STOP_GRACE_S = 10.0
RESTART_DELAY_S = 2.0


@dataclass
class Managed:
    """A process by its name and command, and its present incarnation."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    restart_at: float = 0.0

    def start(self) -> None:
        # A session of its own: Ctrl-C reaches the supervisor alone, which then stops all in good order.
        self.process = subprocess.Popen([*_tether(), *self.command], cwd=settings.BASE_DIR, start_new_session=True)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal_group(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            log.debug("already gone", extra={"program": self.name})


def portal_processes(host: str, port: int) -> list[Managed]:
    """The web server, and a worker for each queue so that none waits behind another's work."""
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    web = [sys.executable, "-m", "gunicorn", "videoportal.wsgi:application", "--bind", bind]
    # A viewer's browser holds a thread as long as it reads its video: threads are what limits viewers, not processors.
    web += ["--worker-class", "gthread", "--workers", "2", "--threads", "32", "--log-level", "warning"]
    return [Managed("web", web), *(Managed(queue, worker_command(queue)) for queue in QUEUES)]


def worker_command(queue: str) -> list[str]:
    """A prefork worker of one child: the only pool in which a time limit really kills. `index` carries the clock."""
    command = [sys.executable, "-m", "celery", "-q", "-A", "celery_worker", "worker", "-Q", queue, "-n", f"{queue}@%h"]
    command += ["--pool", "prefork", "--concurrency", "1", "--loglevel", settings.LOG_LEVEL]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    return [*command, "--beat"] if queue == "index" else command


class Supervisor:
    """Starts, watches and stops processes."""

    def __init__(self, processes: list[Managed]) -> None:
        self._processes = processes

    def start(self) -> None:
        signal.signal(signal.SIGTERM, _interrupt)
        signal.signal(
            signal.SIGINT, _interrupt
        )  # also where a shell started this in the background, and had it ignored
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
            signal.signal(signal.SIGHUP, _interrupt)  # the terminal was closed
        for managed in self._processes:
            managed.start()

    def watch(self) -> None:
        """Starts again what dies, until interrupted."""
        while True:
            time.sleep(0.5)
            now = time.monotonic()
            for managed in self._processes:
                if managed.is_running:
                    managed.restart_at = 0.0
                elif not managed.restart_at:
                    log.error("process died, is started again", extra={"program": managed.name})
                    managed.restart_at = now + RESTART_DELAY_S
                elif now >= managed.restart_at:
                    managed.restart_at = 0.0
                    managed.start()

    def raise_if_web_died(self) -> None:
        """Raises CommandError where the web server ended while it was starting."""
        web = self._processes[0]
        if not web.is_running:
            raise CommandError("The web server ended while starting; see the lines above.")

    def stop(self) -> None:
        """Asks all to stop, and kills what has not within the grace: runs cut off so are taken up at the next start.

        A second Ctrl-C cuts the grace short.
        """
        for managed in self._processes:
            if managed.is_running:
                # The leader alone: Celery's parent stops its children itself.
                assert managed.process is not None
                managed.process.terminate()
        deadline = time.monotonic() + STOP_GRACE_S
        with suppress(KeyboardInterrupt):
            while time.monotonic() < deadline and any(managed.is_running for managed in self._processes):
                time.sleep(0.1)
        for managed in self._processes:
            managed.signal_group(signal.SIGKILL)


def _tether() -> list[str]:
    """Has the kernel tell a process to stop when the supervisor is killed, where the machine has `setpriv`."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
