"""The rounds of `tests.search.rounds`, in a portal of their own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tests.portal import Portal
from tests.search.elasticsearch import fresh_prefix, remove_indices


@dataclass(frozen=True)
class Outcome:
    """What is left of the rounds when everybody works undisturbed again, and the outbox has been drained."""

    changes: int  # committed during the rounds
    videos: int
    indexed: int
    differences: tuple[str, ...]  # between index and database
    left: int  # notes in the outbox
    check: str  # what `manage.py check_search_index` says


def run_rounds(home: Path, rounds: int, seed: int, url: str = "") -> Outcome:
    """`url` is that of Elasticsearch; without one the engine is the embedded one. Some two seconds a round."""
    prefix = fresh_prefix()
    settings = {"ELASTICSEARCH_URL": url, "ELASTICSEARCH_INDEX_PREFIX": prefix} if url else {}
    engine = "elasticsearch" if url else "sqlite"
    portal = Portal(home, SEARCH_BACKEND=engine, LOG_LEVEL="ERROR", **settings)
    try:
        portal.manage("migrate", "-v0")
        command = f"from tests.search.rounds import run; run({rounds}, {seed}, {url!r})"
        answer = json.loads(portal.manage("shell", "-v0", "-c", command).splitlines()[-1])
        return Outcome(
            changes=answer["changes"],
            videos=answer["videos"],
            indexed=answer["indexed"],
            differences=tuple(answer["differences"]),
            left=answer["left"],
            check=portal.manage("check_search_index").strip(),
        )
    finally:
        if url:
            remove_indices(prefix)
