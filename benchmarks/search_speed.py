"""How long searches take: p50, p95 and p99 by kind of query, over 10,000 to 1,000,000 moments.

Builds an index of real sentences (see `benchmarks.search_corpus`) with the engine's own rebuild, keeps it in --folder
(on Elasticsearch under the prefix bench-<moments>), and asks it through the search seam, as an anonymous viewer, for
pages of twenty with facets, highlights and moments. Rows of former runs stay in the CSV files.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import quantiles

from apps.search.backends.base import SearchBackend, SearchQuery, Viewer
from benchmarks.search_corpus import REPOSITORY, data_folder, documents, sentences
from benchmarks.search_queries import KINDS, queries
from benchmarks.search_tables import keep

_SENTENCES = re.compile(r"[^.!?]+")
_IN_EVERY_INDEX = 10_000  # moments
_WARM_UP = 20  # queries of each kind that are not timed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--engine", choices=("sqlite", "elasticsearch"), default="sqlite")
    parser.add_argument("--moments", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--queries", type=int, default=100, help="of each kind")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--build-only", action="store_true", help="time no query")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "var" / "search-benchmark")
    parser.add_argument("--csv", type=Path, help="a folder for speed.csv and builds.csv")


def run(options: argparse.Namespace) -> None:
    texts = sentences(data_folder())
    options.folder.mkdir(parents=True, exist_ok=True)
    said = [document.transcript for document in documents(texts, _IN_EVERY_INDEX)]
    asked = queries(texts, _SENTENCES.findall(" ".join(said)), options.queries + _WARM_UP)
    for moments in options.moments:
        engine, size_mb = ENGINES[options.engine](options.folder, moments)
        build = _built(options.folder / f"{options.engine}-{moments}.json", engine, texts, moments)
        seconds, cpu = f"{build['seconds']:.0f}", f"{build['cpu_seconds']:.0f}"
        built = (options.engine, moments, build["videos"], seconds, cpu, f"{size_mb():.0f}")
        print("{}, {} moments, {} videos: built in {} s, {} s of this process's CPU; {} MB".format(*built))
        if options.csv:
            keep(options.csv / "builds.csv", BUILDS, [built], key=2)
        if not options.build_only:
            before = _resident_mb()
            rows = [(options.engine, moments, kind, *_ask(engine, kind, asked[kind])) for kind in options.kinds]
            print(f"  memory of this process: {before:.0f} MB before, {_resident_mb():.0f} MB after")
            if options.csv:
                keep(options.csv / "speed.csv", SPEED, rows, key=3)


# --- engines ---


def _sqlite(folder: Path, moments: int) -> tuple[SearchBackend, Callable[[], float]]:
    from apps.search.backends.sqlite import SqliteBackend

    path = folder / f"{moments}.sqlite3"
    return SqliteBackend(path), lambda: path.stat().st_size / 1e6


def _elasticsearch(folder: Path, moments: int) -> tuple[SearchBackend, Callable[[], float]]:  # noqa: ARG001
    import django
    from elasticsearch import Elasticsearch

    # Its document classes belong to models.
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "videoportal.settings")
    django.setup()
    from apps.search.backends.elasticsearch import ElasticsearchBackend, ElasticsearchOptions

    url = os.environ.get("ELASTICSEARCH_TEST_URL", "http://127.0.0.1:9200")
    prefix = f"bench-{moments}"

    def size_mb() -> float:
        with Elasticsearch(url) as client:
            answer = client.indices.stats(index=f"{prefix}-videos", metric="store")
            return float(answer["_all"]["total"]["store"]["size_in_bytes"]) / 1e6

    options = ElasticsearchOptions(urls=(url,), index_prefix=prefix, timeout_s=60, write_timeout_s=600)
    return ElasticsearchBackend(options), size_mb


BUILDS = ("engine", "moments", "videos", "build_s", "build_cpu_s", "size_mb")
SPEED = ("engine", "moments", "kind", "p50_ms", "p95_ms", "p99_ms", "p95_cpu_ms")
ENGINES = {"sqlite": _sqlite, "elasticsearch": _elasticsearch}


# --- measuring ---


def _built(record: Path, engine: SearchBackend, texts: Sequence[str], moments: int) -> dict[str, float]:
    """Builds the index unless `record` says that it is built, and that is still so."""
    if record.is_file():
        build: dict[str, float] = json.loads(record.read_text())
        if engine.count() == build["videos"]:
            return build
    began, cpu_began = time.monotonic(), time.process_time()
    videos = engine.rebuild(documents(list(texts), moments), version=1)
    build = {"videos": videos, "seconds": time.monotonic() - began, "cpu_seconds": time.process_time() - cpu_began}
    record.write_text(json.dumps(build))
    return build


def _ask(engine: SearchBackend, kind: str, texts: Sequence[str]) -> tuple[str, ...]:
    """p50, p95 and p99 in ms, and p95 of this process's CPU."""
    taken = [_seconds(engine, text) for text in texts][_WARM_UP:]
    walls, cpu = _percentiles([wall for wall, _ in taken]), _percentiles([cpu for _, cpu in taken])
    figures = tuple(f"{value:.1f}" for value in (*walls, cpu[1]))
    print("  {:9} p50 {:>6}  p95 {:>6}  p99 {:>6}  p95 of CPU {:>6} ms".format(kind, *figures), flush=True)
    return figures


def _seconds(engine: SearchBackend, text: str) -> tuple[float, float]:
    """Of the clock, and of this thread's CPU: what other work on the machine takes is not in it."""
    began, cpu_began = time.perf_counter(), time.thread_time()
    engine.search(SearchQuery(text=text), Viewer())
    return time.perf_counter() - began, time.thread_time() - cpu_began


def _resident_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _percentiles(seconds: Sequence[float]) -> tuple[float, float, float]:
    """p50, p95 and p99 in ms."""
    cuts = quantiles(seconds, n=100, method="inclusive")
    return 1e3 * cuts[49], 1e3 * cuts[94], 1e3 * cuts[98]
