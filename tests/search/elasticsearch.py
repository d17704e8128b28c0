"""A real Elasticsearch for tests: named by ELASTICSEARCH_TEST_URL, or started from what lies beside the repository."""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
import uuid
from functools import cache
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

REPOSITORY = Path(__file__).resolve().parent.parent.parent


@cache
def _server() -> tuple[str, str]:
    """Its address, or why there is none."""
    if url := os.environ.get("ELASTICSEARCH_TEST_URL", ""):
        return url, ""
    folder = Path(os.environ.get("VIDEOPORTAL_SERVERS", REPOSITORY.parent / "shared" / "servers"))
    script = folder / "elasticsearch" / "server"
    if not script.is_file():
        return "", f"ELASTICSEARCH_TEST_URL names no server, and VIDEOPORTAL_SERVERS no folder of them ({folder})"
    with (Path(tempfile.gettempdir()) / "videoportal-elasticsearch-start.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # tests run in several processes
        started = subprocess.run([script, "start"], capture_output=True, text=True, timeout=180, check=False)
    if started.returncode:
        return "", f"Elasticsearch does not start: {started.stderr.strip()[-500:]}"
    return started.stdout.split()[0], ""


def elasticsearch_url() -> str:
    """Skips the test, saying why, where there is no server."""
    url, reason = _server()
    if not url:
        pytest.skip(reason)
    return url


def fresh_prefix() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"


def remove_indices(prefix: str) -> None:
    with Elasticsearch(elasticsearch_url(), request_timeout=30) as client:
        for name in client.indices.get(index=f"{prefix}-*", expand_wildcards="all").body:
            client.indices.delete(index=name, ignore_unavailable=True)
