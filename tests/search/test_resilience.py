"""Whatever is killed or away while people write, afterwards index and database agree exactly."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from tests.portal import Portal
from tests.search.elasticsearch import elasticsearch_url, fresh_prefix, remove_indices

ROUNDS = int(os.environ.get("RESILIENCE_ROUNDS", "5"))


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite", "elasticsearch"])
def test_index_and_database_agree_after_kills_and_outages(tmp_path: Path, engine: str) -> None:
    seed = random.randrange(1_000_000)
    url = elasticsearch_url() if engine == "elasticsearch" else ""
    prefix = fresh_prefix()
    settings = {"ELASTICSEARCH_URL": url, "ELASTICSEARCH_INDEX_PREFIX": prefix} if url else {}
    portal = Portal(tmp_path / "home", SEARCH_BACKEND=engine, LOG_LEVEL="ERROR", **settings)
    try:
        portal.manage("migrate", "-v0")
        command = f"from tests.search.rounds import run; run({ROUNDS}, {seed}, {url!r})"
        answer = json.loads(portal.manage("shell", "-v0", "-c", command).splitlines()[-1])
        assert (answer["differences"], answer["left"]) == ([], 0), f"seed {seed}"
        assert answer["indexed"] == answer["videos"] == 10
        assert answer["changes"] > 0
        assert "holds what the database says of 10 videos." in portal.manage("check_search_index")
    finally:
        if url:
            remove_indices(prefix)
