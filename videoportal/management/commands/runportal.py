"""manage.py runportal: the whole portal on one machine, until Ctrl-C."""

import fcntl
import os
import socket
import time
from argparse import ArgumentParser
from contextlib import closing
from typing import IO, Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from apps.accounts.administrators import first_administrator_link
from videoportal.supervision import Supervisor, portal_processes

READY_TIMEOUT_S = 60


class Command(BaseCommand):
    help = "Prepare the database, then run the web server and one worker per queue until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--no-sample", action="store_true", help="leave an empty library empty")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        lock = _locked_home()
        _require_free_port(host, port)
        call_command("migrate", verbosity=0, interactive=False)
        if not (settings.BASE_DIR / "static" / "dist" / "main.js").is_file():
            raise CommandError("The front end is not built. Run `npm ci && npm run build`, or `make run`.")
        call_command("collectstatic", verbosity=0, interactive=False)
        address = f"http://{host}:{port}"
        link = first_administrator_link(address)
        if not options["no_sample"]:
            call_command("import_sample", stdout=self.stdout)

        supervisor = Supervisor(portal_processes(host, port))
        try:
            supervisor.start()
            _wait_until_answered(host, port, supervisor)
            self._announce(address, link)
            supervisor.watch()
        except KeyboardInterrupt:
            self.stdout.write("\nStopping…")
        finally:
            supervisor.stop()
            lock.close()
        self.stdout.write("Stopped.")

    def _announce(self, address: str, link: str | None) -> None:
        self.stdout.write("")
        self.stdout.write(f"  {settings.SITE_NAME} is ready:  {address}/")
        if link:
            self.stdout.write("  Administrator “admin”: choose a password at this link, which works once:")
            self.stdout.write(f"  {link}")
        self.stdout.write(f"  Everything is kept in {settings.HOME}. Ctrl-C stops it.")
        self.stdout.write("")
        self.stdout.flush()


def _locked_home() -> IO[str]:
    """A file of the home that is locked until it is closed or this process ends, however it ends.

    A second portal on the same home would give its work to the first one's workers, and see no change of its settings.
    Raises CommandError where there is one.
    """
    file = (settings.HOME / "portal.lock").open("a+", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        process = file.read().strip() or "unknown"
        file.close()
        raise CommandError(
            f"A portal runs on {settings.HOME} already (process {process}). Stop it first, or give this one a folder "
            "of its own: VIDEOPORTAL_HOME=/path/to/another make run."
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _require_free_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"Cannot listen on {host}:{port} ({error.strerror}). Choose another port: make run PORT=8001."
            ) from error


def _wait_until_answered(host: str, port: int, supervisor: Supervisor) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        supervisor.raise_if_web_died()
        try:
            with closing(socket.create_connection((host, port), timeout=1)):
                return
        except OSError:
            time.sleep(0.2)
    raise CommandError(f"The web server did not answer within {READY_TIMEOUT_S} s; see the lines above.")
