"""Rounds of writing while the drainers and a rebuild are killed at random instants, and Elasticsearch is away.

In each round two drainers and one who rebuilds again and again work while videos are changed, added and deleted; all
three are killed with SIGKILL, and the way to the server is cut in the middle. Afterwards the outbox is drained once
more, and index and database are compared, video by video. Ends with status 1 where they differ.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import sys
import tempfile
from pathlib import Path

from tests.search.resilience import run_rounds

_WORKERS = 3  # killed in each round


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--engine", choices=("sqlite", "elasticsearch"), default="sqlite")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--chunk", type=int, default=20, help="rounds in one portal, after which is compared")
    parser.add_argument("--csv", type=Path, help="a folder for resilience.csv, which keeps the rows of former runs")


def run(options: argparse.Namespace) -> None:
    url = os.environ.get("ELASTICSEARCH_TEST_URL", "http://127.0.0.1:9200") if options.engine == "elasticsearch" else ""
    is_equal = True
    for first in range(0, options.rounds, options.chunk):
        rounds, seed = min(options.chunk, options.rounds - first), random.randrange(1_000_000)
        with tempfile.TemporaryDirectory() as folder:
            outcome = run_rounds(Path(folder) / "home", rounds, seed, url)
        faults = len(outcome.differences) + outcome.left
        is_equal = is_equal and not faults
        row = (options.engine, seed, rounds, _WORKERS * rounds, rounds if url else 0, outcome.changes, faults)
        print("{}, seed {}: {} rounds, {} kills, {} outages, {} changes, {} faults".format(*row), flush=True)
        if options.csv:
            _append(options.csv / "resilience.csv", row)
    sys.exit(0 if is_equal else "Index and database differ.")


def _append(path: Path, row: tuple[object, ...]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.is_file()
    with path.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(("engine", "seed", "rounds", "kills", "outages", "changes", "faults"))
        writer.writerow(row)
