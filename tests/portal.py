"""A portal of its own in processes of its own, over an empty folder: what a newcomer starts, for tests to drive."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
ADMINISTRATOR_LINK = re.compile(r"http://\S+/accounts/\S+")


def wait_until(condition: Callable[[], Any], *, within_s: float, what: str) -> Any:
    """The first truthy answer of `condition`, asked ten times a second. Fails the test where none comes in time."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {within_s:.0f} s")


def children_of(pid: int) -> set[int]:
    """The processes that any thread of `pid` has started. Empty where it is gone."""
    listings = Path(f"/proc/{pid}/task").glob("*/children")
    try:
        return {int(number) for listing in listings for number in listing.read_text().split()}
    except OSError:
        return set()


class Portal:
    """`manage.py` commands and processes over `home`, with `settings` in their environment."""

    def __init__(self, home: Path, **settings: str) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        names = ("PATH", "HOME", "LANG", "VIDEOPORTAL_DATA")
        inherited = {name: os.environ[name] for name in names if name in os.environ}
        self.environment = {**inherited, "VIDEOPORTAL_HOME": str(home), "PYTHONUNBUFFERED": "1", **settings}
        self.address = ""
        self.log_path = home / "portal.log"
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def pids(self) -> list[int]:
        """Of the processes that were spawned, not of their children."""
        return [process.pid for process in self._processes]

    def manage(self, *arguments: str) -> str:
        """What the command printed. Raises CalledProcessError with its output where it fails."""
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=REPOSITORY, env=self.environment, check=True, timeout=120, text=True, capture_output=True
        ).stdout

    def spawn(self, *command: str) -> subprocess.Popen[bytes]:
        """Starts a Python process whose output goes to `log_path`."""
        with self.log_path.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=REPOSITORY,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def run(self, *options: str) -> None:
        """Starts the whole portal as `make run` does, and waits until it says that it is ready."""
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        process = self.spawn("manage.py", "runportal", "--port", str(port), *options)

        def is_ready() -> bool:
            assert process.poll() is None, f"the portal ended:\n{self.log()}"
            return "is ready" in self.log()

        wait_until(is_ready, within_s=90, what="portal ready")

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def administrator_link(self) -> str:
        found = ADMINISTRATOR_LINK.search(self.log())
        assert found, self.log()
        return found.group()

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Reads the portal's database past the portal."""
        with closing(sqlite3.connect(f"file:{self.home / 'db.sqlite3'}?mode=ro", uri=True, timeout=30)) as database:
            return database.execute(query, parameters).fetchall()

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Asks every process to stop, kills those that do not within 20 s, and waits for their end."""
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(number)
        for process in self._processes:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(timeout=20)
        self._processes.clear()
