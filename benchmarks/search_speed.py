"""How long searches take: p50, p95 and p99 by kind of query, over 10,000 to 1,000,000 moments.

Builds an index of real sentences (see `benchmarks.search_corpus`) with the engine's own rebuild, keeps it in --folder
(on Elasticsearch under the prefix bench-<moments>), and asks it through the search seam, as an anonymous viewer, for
pages of twenty with facets, highlights and moments. Rows of former runs stay in the CSV files.
"""

from __future__ import annotations

import argparse
import csv
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
        built = (options.engine, moments, build["videos"], f"{build['seconds']:.0f}", f"{size_mb():.0f}")
        print("{}, {} moments, {} videos: built in {} s, {} MB".format(*built))
        if options.csv:
            _keep(options.csv / "builds.csv", ("engine", "moments", "videos", "build_s", "size_mb"), [built], key=2)
        if options.build_only:
            continue
        rows, before = [], _resident_mb()
        for kind in options.kinds:
            p50, p95, p99 = _percentiles([_seconds(engine, text) for text in asked[kind]][_WARM_UP:])
            rows.append((options.engine, moments, kind, f"{p50:.1f}", f"{p95:.1f}", f"{p99:.1f}"))
            print(f"  {kind:8} p50 {p50:7.1f}  p95 {p95:7.1f}  p99 {p99:7.1f} ms", flush=True)
        print(f"  memory of this process: {before:.0f} MB before, {_resident_mb():.0f} MB after")
        if options.csv:
            _keep(options.csv / "speed.csv", ("engine", "moments", "kind", "p50_ms", "p95_ms", "p99_ms"), rows, key=3)


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


ENGINES = {"sqlite": _sqlite, "elasticsearch": _elasticsearch}


# --- measuring ---


def _built(record: Path, engine: SearchBackend, texts: Sequence[str], moments: int) -> dict[str, float]:
    """Builds the index unless `record` says that it is built, and that is still so."""
    if record.is_file():
        build: dict[str, float] = json.loads(record.read_text())
        if engine.count() == build["videos"]:
            return build
    began = time.monotonic()
    videos = engine.rebuild(documents(list(texts), moments), version=1)
    build = {"videos": videos, "seconds": time.monotonic() - began}
    record.write_text(json.dumps(build))
    return build


def _seconds(engine: SearchBackend, text: str) -> float:
    began = time.perf_counter()
    engine.search(SearchQuery(text=text), Viewer())
    return time.perf_counter() - began


def _resident_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _percentiles(seconds: Sequence[float]) -> tuple[float, float, float]:
    """p50, p95 and p99 in ms."""
    cuts = quantiles(seconds, n=100, method="inclusive")
    return 1e3 * cuts[49], 1e3 * cuts[94], 1e3 * cuts[98]


def _keep(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]], *, key: int) -> None:
    """Writes the rows in the place of those with the same first `key` columns."""
    kept: dict[tuple[str, ...], list[str]] = {}
    if path.is_file():
        with path.open(newline="") as file:
            kept = {tuple(row[:key]): row for row in list(csv.reader(file))[1:]}
    kept |= {tuple(map(str, row[:key])): list(map(str, row)) for row in rows}
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *(kept[name] for name in sorted(kept))])
