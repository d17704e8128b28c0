"""The same chain beyond one machine: PostgreSQL for the rows, Redis for the queue."""

import os
import shutil
import signal
import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.portal import Portal, wait_until


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis of this test's own, where Debian's redis-server is installed."""
    executable = shutil.which("redis-server")
    if executable is None:
        pytest.skip("redis-server is not installed")
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(tmp_path)]
    server = subprocess.Popen([executable, *options], stdout=subprocess.DEVNULL)

    def answers() -> bool:
        with closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_until(answers, within_s=20, what="redis-server")
    yield f"redis://127.0.0.1:{port}/0"
    server.terminate()
    server.wait()


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """An empty database on the server that POSTGRES_TEST_URL names."""
    server = os.environ.get("POSTGRES_TEST_URL")
    if not server:
        pytest.skip("POSTGRES_TEST_URL is not set")
    name = f"videoportal_test_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield f"{server.rsplit('/', 1)[0]}/{name}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.slow
def test_the_sample_goes_through_postgresql_and_redis(tmp_path: Path, redis_url: str, postgres_url: str) -> None:
    portal = Portal(tmp_path, DATABASE_URL=postgres_url, CELERY_BROKER_URL=redis_url)
    try:
        portal.run()

        def stages() -> dict[str, str]:
            with psycopg.connect(postgres_url) as connection:
                return dict(connection.execute("SELECT stage, state FROM pipeline_stagerun").fetchall())

        names = ("probe", "render", "transcribe", "check_sync", "classify", "embed")
        all_done = dict.fromkeys(names, "done")
        wait_until(lambda: stages() == all_done, within_s=180, what=f"the stages, all of them: {all_done}")
        assert not (tmp_path / "db.sqlite3").exists()
        assert not (tmp_path / "broker").exists()
    finally:
        portal.stop(signal.SIGINT)
