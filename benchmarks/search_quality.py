"""How good search is at finding what somebody knows: by words, by meaning, by both, beside two plain schemes.

Articles of BBC News are spoken, with 0, 10 and 20 % word errors (see `benchmarks.search_known_items`), and looked for
by their titles. And ten words are cut from a place, as they were written, and looked for: how far from it is the first
moment of the right video? Half of the articles that are looked for are there to try things out on (--half tune), the
others for the report; all of them are in the index. Vectors are kept in --folder: to make them takes minutes.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import random
import sqlite3
import statistics
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from apps.search.backends.base import Meaning, SearchBackend, SearchQuery, Viewer
from apps.search.backends.terms import parse
from benchmarks.search_corpus import REPOSITORY, cues_of, data_folder
from benchmarks.search_known_items import SPACE, Item, items, vectors_of
from benchmarks.vector_cache import VectorCache

N_DIMENSIONS = 384
_CUT_WORDS = 10
_DEPTH = 10  # ranks that count
_NEVER = 1_000_000

# A way to search: a query's text -> the videos in order, and of the first ten the time of their first moment.
Answers = list[tuple[uuid.UUID, int | None]]
Way = Callable[[str], Answers]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--engine", choices=("sqlite", "elasticsearch"), default="sqlite")
    parser.add_argument("--errors", type=float, nargs="+", default=[0.0, 0.1, 0.2], help="word errors")
    parser.add_argument("--every", type=int, default=2, help="of the articles, every so-manieth")
    parser.add_argument("--half", choices=("tune", "report"), default="report")
    parser.add_argument("--queries", type=int, help="of each kind, at most")
    parser.add_argument("--cutoff", type=float, default=0.4)
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "var" / "search-quality")
    parser.add_argument("--csv", type=Path, help="a folder for quality.csv")


def run(options: argparse.Namespace) -> None:
    rows = []
    for rate in options.errors:
        cache = VectorCache(options.folder)
        found = [
            replace(item, document=replace(item.document, vectors=vectors_of(item.document, cache)))
            for item in items(data_folder(), rate, options.every)
        ]
        asked = found[0 if options.half == "tune" else 1 :: 2][: options.queries]
        titles = [Asked(item.article.title, item.document.video_id) for item in asked]
        cuts = [cut for item in asked if (cut := _cut(item)) is not None]
        cache.of([one.text for one in (*titles, *cuts)])  # all at once, which is quicker
        with _ways(options, found, cache) as ways:
            for name, way in ways.items():
                figures = [*_ranks(way, titles), *_offsets(way, cuts)]
                rows.append((options.engine, f"{rate:.0%}", name, *figures))
                print(rows[-1], flush=True)
    if options.csv:
        _write(options.csv / "quality.csv", rows)


@dataclass(frozen=True)
class Asked:
    text: str
    video_id: uuid.UUID
    start_ms: int = 0


def _cut(item: Item) -> Asked | None:
    """Ten words of the article as it was written, from a place in the middle, and when they are said."""
    words = item.article.body.split()
    if len(words) < 3 * _CUT_WORDS:
        return None
    first = random.Random(item.article.id).randrange(_CUT_WORDS, len(words) - 2 * _CUT_WORDS)
    # Errors move what is said a little: the time is that in the same share of the length.
    start_ms = round(first / len(words) * item.document.duration_ms)
    return Asked(" ".join(words[first : first + _CUT_WORDS]), item.document.video_id, start_ms)


# --- figures ---

_HEADER = (
    "engine", "word_errors", "way", "mrr_10", "success_1", "success_5",
    "cut_success_1", "offset_median_s", "offset_p90_s", "within_20_s",
)  # fmt: skip


def _ranks(way: Way, asked: Sequence[Asked]) -> tuple[str, ...]:
    ranks = [_rank(way(one.text), one) for one in asked]
    reciprocal = statistics.mean(1 / rank if rank <= _DEPTH else 0 for rank in ranks)
    return f"{reciprocal:.3f}", _share(ranks, 1), _share(ranks, 5)


def _offsets(way: Way, asked: Sequence[Asked]) -> tuple[str, ...]:
    """Of cuts: how often the video is first; how far its first moment is off; how often it is within twenty seconds."""
    ranks, offsets = [], []
    for one in asked:
        answers = way(one.text)
        ranks.append(_rank(answers, one))
        starts = [start for video_id, start in answers if video_id == one.video_id and start is not None]
        offsets.append(abs(starts[0] - one.start_ms) / 1_000 if starts else math.inf)
    offsets.sort()
    middle, late = offsets[len(offsets) // 2], offsets[math.ceil(0.9 * len(offsets)) - 1]
    near = 100 * sum(one <= 20 for one in offsets) / len(offsets)
    return _share(ranks, 1), f"{middle:.1f}", f"{late:.1f}", f"{near:.1f}"


def _rank(answers: Answers, asked: Asked) -> int:
    return next((rank for rank, (video_id, _) in enumerate(answers, 1) if video_id == asked.video_id), _NEVER)


def _share(ranks: Sequence[int], first: int) -> str:
    return f"{100 * sum(rank <= first for rank in ranks) / len(ranks):.1f}"


def _write(path: Path, rows: Sequence[Sequence[str]]) -> None:
    kept = []
    if path.is_file():
        with path.open(newline="") as file:
            kept = [row for row in list(csv.reader(file))[1:] if row[0] not in {row[0] for row in rows}]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([_HEADER, *kept, *rows])


# --- ways to search ---


@contextmanager
def _ways(options: argparse.Namespace, found: Sequence[Item], cache: VectorCache) -> Iterator[dict[str, Way]]:
    def meaning(text: str) -> Meaning:
        return Meaning(SPACE, cache.of([text])[0].astype("<f4").tobytes(), options.cutoff)

    with _engine(options) as engine:
        engine.rebuild((item.document for item in found), version=1)
        ways: dict[str, Way] = {
            "words": lambda text: _portal(engine, text, None),
            "meaning": lambda text: _by_meaning(engine, text, meaning(text)),
            "both": lambda text: _portal(engine, text, meaning(text)),
        }
        if options.engine == "sqlite":
            yield ways | {"plain FTS5": _plain_fts5(found)}
        else:
            with _five_cue_fragments(found) as fragments:
                yield ways | {"five-cue fragments": fragments}


def _portal(engine: SearchBackend, text: str, meaning: Meaning | None) -> Answers:
    hits = engine.search(SearchQuery(text=text, page_size=_DEPTH), Viewer(), meaning).hits
    return [(hit.video_id, hit.moments[0].start_ms if hit.moments else None) for hit in hits]


def _by_meaning(engine: SearchBackend, text: str, meaning: Meaning) -> Answers:
    """As a search that knows no words: a term that is nowhere takes the place of the query's."""
    if not parse(text):
        return []
    return _portal(engine, _NOWHERE, meaning)


_NOWHERE = "qzxqzxqzx"


@contextmanager
def _engine(options: argparse.Namespace) -> Iterator[SearchBackend]:
    if options.engine == "sqlite":
        from apps.search.backends.sqlite import SqliteBackend

        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            yield SqliteBackend(Path(folder) / "quality.sqlite3")
        return
    from apps.search.backends.elasticsearch import ElasticsearchBackend, ElasticsearchOptions

    prefix = f"quality-{uuid.uuid4().hex[:8]}"
    yield ElasticsearchBackend(
        ElasticsearchOptions(
            urls=(_url(),), index_prefix=prefix, space=SPACE, n_dimensions=N_DIMENSIONS, timeout_s=60,
            write_timeout_s=300,
        )
    )  # fmt: skip
    with _client() as client:
        for name in client.indices.get(index=f"{prefix}-*", expand_wildcards="all").body:
            client.indices.delete(index=name, ignore_unavailable=True)


def _plain_fts5(found: Sequence[Item]) -> Way:
    """What FTS5 does by itself: a row a video, any of the words, its own BM25. A cue of each for the time."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE videos USING fts5(text)")
    connection.execute("CREATE VIRTUAL TABLE cues USING fts5(text, video UNINDEXED, start_ms UNINDEXED)")
    for row, item in enumerate(found, 1):
        connection.execute("INSERT INTO videos (rowid, text) VALUES (?, ?)", (row, item.document.transcript))
        connection.executemany(
            "INSERT INTO cues VALUES (?, ?, ?)",
            [(text, row, start) for start, _, text in cues_of(item.document.transcript)],
        )

    def way(text: str) -> Answers:
        any_word = " OR ".join('"' + word.replace('"', "") + '"' for word in text.split())
        answers: Answers = []
        rows = connection.execute(
            "SELECT rowid FROM videos WHERE videos MATCH ? ORDER BY rank LIMIT ?", (any_word, _DEPTH)
        )
        for (row,) in rows.fetchall():
            best = connection.execute(
                "SELECT start_ms FROM cues WHERE cues MATCH ? AND video = ? ORDER BY rank LIMIT 1", (any_word, row)
            ).fetchone()
            answers.append((found[row - 1].document.video_id, best[0] if best else None))
        return answers

    return way


@contextmanager
def _five_cue_fragments(found: Sequence[Item]) -> Iterator[Way]:
    """Tube Archivist's scheme: a document for each five cues, any of the words, each with up to two typos (AUTO)."""
    index = f"quality-fragments-{uuid.uuid4().hex[:8]}"
    with _client() as client:
        client.indices.delete(index=index, ignore_unavailable=True)
        fields = {"text": {"type": "text"}, "video": {"type": "keyword"}, "start_ms": {"type": "long"}}
        client.indices.create(index=index, mappings={"properties": fields}, settings={"number_of_replicas": 0})
        from elasticsearch.helpers import bulk

        bulk(client, ({"_index": index, "_source": fragment} for item in found for fragment in _fragments(item)))
        client.indices.refresh(index=index)

        def way(text: str) -> Answers:
            answer = client.search(
                index=index,
                query={"match": {"text": {"query": text, "operator": "or", "fuzziness": "AUTO"}}},
                collapse={"field": "video"},
                size=_DEPTH,
            )
            sources = [hit["_source"] for hit in answer["hits"]["hits"]]
            return [(uuid.UUID(source["video"]), source["start_ms"]) for source in sources]

        yield way
        client.indices.delete(index=index)


def _fragments(item: Item) -> Iterator[dict[str, Any]]:
    cues = cues_of(item.document.transcript)
    for first in range(0, len(cues), 5):
        five = cues[first : first + 5]
        text = " ".join(cue[2] for cue in five)
        yield {"video": str(item.document.video_id), "start_ms": five[0][0], "text": text}


def _url() -> str:
    return os.environ.get("ELASTICSEARCH_TEST_URL", "http://127.0.0.1:9200")


def _client() -> Any:
    from elasticsearch import Elasticsearch

    return Elasticsearch(_url(), request_timeout=60)
