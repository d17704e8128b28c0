"""Whatever is killed or away while people write, afterwards index and database agree exactly.

`python -m benchmarks.search resilience` goes a hundred rounds.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.search.elasticsearch import elasticsearch_url
from tests.search.resilience import run_rounds

_ROUNDS = 5


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite", "elasticsearch"])
def test_index_and_database_agree_after_kills_and_outages(tmp_path: Path, engine: str) -> None:
    seed = random.randrange(1_000_000)
    url = elasticsearch_url() if engine == "elasticsearch" else ""
    outcome = run_rounds(tmp_path / "home", _ROUNDS, seed, url)
    assert (outcome.differences, outcome.left) == ((), 0), f"seed {seed}"
    assert outcome.indexed == outcome.videos == 10
    assert outcome.changes > 0
    assert "holds what the database says of 10 videos." in outcome.check
