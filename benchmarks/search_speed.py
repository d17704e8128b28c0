"""How long searches take: p50, p95 and p99 by kind of query, over 10,000 to 1,000,000 moments.

Builds an index of real sentences (see `benchmarks.search_corpus`) with the engine's own rebuild, keeps it in --folder
(on Elasticsearch under the prefix bench-<moments>), and asks it through the search seam, as an anonymous viewer, for
pages of twenty with facets, highlights and moments. Rows of former runs stay in the CSV files.

With --vectors the moments have vectors (see `benchmarks.search_vectors`), in an index of its own; queries of the kind
fused are those of words, asked with their meaning, which is embedded within the time that is taken. The recall is that
of the graph of the embedded engine, of the ten nearest moments to these queries.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from statistics import quantiles

from apps.search.backends.base import Meaning, SearchBackend, SearchQuery, Viewer
from apps.search.embedding.embedder import embedded_embedder
from benchmarks.search_corpus import REPOSITORY, data_folder, documents, sentences
from benchmarks.search_known_items import SPACE
from benchmarks.search_queries import KINDS, queries
from benchmarks.search_tables import keep
from benchmarks.search_vectors import meaning_of, recall, with_vectors
from benchmarks.vector_cache import VectorCache

_SENTENCES = re.compile(r"[^.!?]+")
_IN_EVERY_INDEX = 10_000  # moments
_WARM_UP = 20  # queries of each kind that are not timed
_FUSED = "fused"
_N_DIMENSIONS = 384  # of the embedded model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--engine", choices=("sqlite", "elasticsearch"), default="sqlite")
    parser.add_argument("--moments", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--queries", type=int, default=100, help="of each kind")
    parser.add_argument("--kinds", nargs="+", choices=(*KINDS, _FUSED), help="all there are, unless given")
    parser.add_argument("--vectors", action="store_true", help="with vectors, for the kind fused")
    parser.add_argument("--real-vectors", type=int, default=20_000, help="the other moments have these with noise")
    parser.add_argument("--build-only", action="store_true", help="time no query")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "var" / "search-benchmark")
    parser.add_argument("--csv", type=Path, help="a folder for speed.csv and builds.csv")


def run(options: argparse.Namespace) -> None:
    kinds = options.kinds or (*KINDS, *([_FUSED] if options.vectors else []))
    if _FUSED in kinds and not options.vectors:
        sys.exit("Queries of the kind fused need an index with vectors: add --vectors.")
    texts = sentences(data_folder())
    options.folder.mkdir(parents=True, exist_ok=True)
    said = [document.transcript for document in documents(texts, _IN_EVERY_INDEX)]
    asked = queries(texts, _SENTENCES.findall(" ".join(said)), options.queries + _WARM_UP)
    for moments in options.moments:
        name = f"{moments}-vectors" if options.vectors else str(moments)
        label = f"{options.engine}+vectors" if options.vectors else options.engine
        engine, size_mb = ENGINES[options.engine](options.folder, name)
        build = _built(options, name, engine, texts, moments)
        seconds, cpu = f"{build['seconds']:.0f}", f"{build['cpu_seconds']:.0f}"
        built = (label, moments, build["videos"], seconds, cpu, f"{size_mb():.0f}")
        print("{}, {} moments, {} videos: built in {} s, {} s of this process's CPU; {} MB".format(*built))
        if options.csv:
            keep(options.csv / "builds.csv", BUILDS, [built], key=2)
        if not options.build_only:
            before = _resident_mb()
            rows = [(label, moments, kind, *_ask(engine, kind, asked)) for kind in kinds]
            print(f"  memory of this process: {before:.0f} MB before, {_resident_mb():.0f} MB after")
            if options.csv:
                keep(options.csv / "speed.csv", SPEED, rows, key=3)
        if options.vectors and options.engine == "sqlite":
            _say_recall(options, name, moments, asked["words"])


def _say_recall(options: argparse.Namespace, name: str, moments: int, texts: Sequence[str]) -> None:
    embedder = embedded_embedder()
    part = recall(_sqlite_path(options.folder, name), [meaning_of(embedder, text) for text in texts])
    if part is None:
        print("  no graph: the vectors are so few that they are compared one by one")
        return
    print(f"  recall at 10 of the graph: {part:.3f}")
    if options.csv:
        keep(options.csv / "recall.csv", RECALL, [("sqlite", moments, len(texts), f"{part:.3f}")], key=2)


# --- engines ---


def _sqlite_path(folder: Path, name: str) -> Path:
    return folder / f"{name}.sqlite3"


def _sqlite(folder: Path, name: str) -> tuple[SearchBackend, Callable[[], float]]:
    from apps.search.backends.sqlite import SqliteBackend

    path = _sqlite_path(folder, name)

    def size_mb() -> float:
        """The graph of vectors, a file beside it, is in it."""
        index = path.resolve()
        return sum(file.stat().st_size for file in (index, *index.parent.glob(f"{index.name}.graph-*"))) / 1e6

    return SqliteBackend(path), size_mb


def _elasticsearch(folder: Path, name: str) -> tuple[SearchBackend, Callable[[], float]]:  # noqa: ARG001
    from elasticsearch import Elasticsearch

    from apps.search.backends.elasticsearch import ElasticsearchBackend, ElasticsearchOptions

    url = os.environ.get("ELASTICSEARCH_TEST_URL", "http://127.0.0.1:9200")
    prefix = f"bench-{name}"

    def size_mb() -> float:
        with Elasticsearch(url) as client:
            answer = client.indices.stats(index=f"{prefix}-videos", metric="store")
            return float(answer["_all"]["total"]["store"]["size_in_bytes"]) / 1e6

    options = ElasticsearchOptions(urls=(url,), index_prefix=prefix, timeout_s=60, write_timeout_s=600)
    if name.endswith("-vectors"):
        options = replace(options, space=SPACE, n_dimensions=_N_DIMENSIONS)
    return ElasticsearchBackend(options), size_mb


BUILDS = ("engine", "moments", "videos", "build_s", "build_cpu_s", "size_mb")
RECALL = ("engine", "moments", "queries", "recall_10")
SPEED = ("engine", "moments", "kind", "p50_ms", "p95_ms", "p99_ms", "p95_cpu_ms")
ENGINES = {"sqlite": _sqlite, "elasticsearch": _elasticsearch}


# --- measuring ---


def _built(
    options: argparse.Namespace, name: str, engine: SearchBackend, texts: Sequence[str], moments: int
) -> dict[str, float]:
    """Builds the index unless its record says that it is built, and that is still so."""
    record = options.folder / f"{options.engine}-{name}.json"
    if record.is_file():
        build: dict[str, float] = json.loads(record.read_text())
        if engine.count() == build["videos"]:
            return build
    made = documents(list(texts), moments)
    if options.vectors:
        cache = VectorCache(options.folder / "vectors")
        # Embedding comes before the building, whose time is taken.
        made = with_vectors(made, cache, options.real_vectors)
        made = chain([next(made)], made)
    began, cpu_began = time.monotonic(), time.process_time()
    videos = engine.rebuild(made, version=1)
    build = {"videos": videos, "seconds": time.monotonic() - began, "cpu_seconds": time.process_time() - cpu_began}
    record.write_text(json.dumps(build))
    return build


def _ask(engine: SearchBackend, kind: str, asked: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """p50, p95 and p99 in ms, and p95 of this process's CPU."""
    meaning = partial(meaning_of, embedded_embedder()) if kind == _FUSED else _no_meaning
    texts = asked["words" if kind == _FUSED else kind]
    taken = [_seconds(engine, text, meaning) for text in texts][_WARM_UP:]
    walls, cpu = _percentiles([wall for wall, _ in taken]), _percentiles([cpu for _, cpu in taken])
    figures = tuple(f"{value:.1f}" for value in (*walls, cpu[1]))
    print("  {:9} p50 {:>6}  p95 {:>6}  p99 {:>6}  p95 of CPU {:>6} ms".format(kind, *figures), flush=True)
    return figures


def _no_meaning(text: str) -> None:  # noqa: ARG001 -- a query for words alone
    return None


def _seconds(engine: SearchBackend, text: str, meaning: Callable[[str], Meaning | None]) -> tuple[float, float]:
    """Of the clock, and of this thread's CPU: what other work on the machine takes is not in it."""
    began, cpu_began = time.perf_counter(), time.thread_time()
    engine.search(SearchQuery(text=text), Viewer(), meaning(text))
    return time.perf_counter() - began, time.thread_time() - cpu_began


def _resident_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _percentiles(seconds: Sequence[float]) -> tuple[float, float, float]:
    """p50, p95 and p99 in ms."""
    cuts = quantiles(seconds, n=100, method="inclusive")
    return 1e3 * cuts[49], 1e3 * cuts[94], 1e3 * cuts[98]
