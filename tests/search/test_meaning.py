"""The contract of meaning over each engine, and the graph of vectors that SQLite has beside it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from apps.search.backends.base import DocumentVectors, Meaning, SearchDocument
from apps.search.backends.elasticsearch import ElasticsearchBackend, ElasticsearchOptions
from apps.search.backends.sqlite import SqliteBackend
from apps.search.backends.sqlite.nearest import NearestOptions
from tests.search.contract.asking import ANYBODY
from tests.search.contract.meaning import DIMENSIONS, SPACE, WEATHER, MeaningContract, ask, ids, meant
from tests.search.documents import make_document
from tests.search.elasticsearch import elasticsearch_url, fresh_prefix, remove_indices

GRAPH = NearestOptions(exact=0, behind=0, behind_part=0)  # written anew after every change
LAZY_GRAPH = NearestOptions(exact=300, behind=100, behind_part=0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "search.sqlite3"


class TestSqliteMeaning(MeaningContract):
    @pytest.fixture
    def backend(self, path: Path) -> SqliteBackend:
        return SqliteBackend(path)


class TestSqliteGraphMeaning(MeaningContract):
    @pytest.fixture
    def backend(self, path: Path) -> SqliteBackend:
        return SqliteBackend(path, GRAPH)


class TestElasticsearchMeaning(MeaningContract):
    @pytest.fixture
    def backend(self) -> Iterator[ElasticsearchBackend]:
        options = ElasticsearchOptions(
            urls=(elasticsearch_url(),), index_prefix=fresh_prefix(), space=SPACE, n_dimensions=DIMENSIONS
        )
        yield ElasticsearchBackend(options)
        remove_indices(options.index_prefix)


# --- the graph ---


def scattered(n_videos: int, seed: int = 1, **changes: object) -> list[SearchDocument]:
    """Videos of five moments whose vectors lie anywhere."""
    chance = np.random.default_rng(seed)
    videos = []
    for _ in range(n_videos):
        video = meant(*[("word", WEATHER, 0.9)] * 5)
        vectors = chance.normal(size=(5, DIMENSIONS))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        stored = tuple(vector.astype("<f2").tobytes() for vector in vectors)
        videos.append(replace(video, vectors=DocumentVectors(SPACE, b"", stored)))
    return videos


def graphs(path: Path) -> list[Path]:
    return sorted(path.parent.glob("*.graph-*"))


def nearest_by_hand(videos: list[SearchDocument], vector: np.ndarray, limit: int) -> list[uuid.UUID]:
    best = {}
    for video in videos:
        assert video.vectors is not None
        best[video.video_id] = max(
            float(np.frombuffer(one, "<f2").astype(np.float32) @ vector) for one in video.vectors.moments
        )
    return sorted(best, key=lambda video_id: -best[video_id])[:limit]


def recall(backend: SqliteBackend, videos: list[SearchDocument], n_queries: int = 30) -> float:
    chance = np.random.default_rng(9)
    right = 0
    for _ in range(n_queries):
        vector = chance.normal(size=DIMENSIONS).astype("<f4")
        vector /= np.linalg.norm(vector)
        found = backend.nearest(Meaning(SPACE, vector.tobytes(), -1.0), ANYBODY, limit=10)
        right += len({one.video_id for one in found} & set(nearest_by_hand(videos, vector, 10)))
    return right / (10 * n_queries)


def test_a_graph_comes_when_vectors_are_many_and_finds_what_comparing_all_would(path: Path) -> None:
    backend = SqliteBackend(path, LAZY_GRAPH)
    videos = scattered(50)
    backend.index(videos)
    assert graphs(path) == []
    assert recall(backend, videos) == 1.0
    more = scattered(40, seed=2)
    backend.index(more)
    [first] = graphs(path)
    assert recall(backend, videos + more) >= 0.95
    # A few more are compared one by one; then the graph is written anew, and the former one goes.
    few = scattered(10, seed=3)
    backend.index(few)
    assert graphs(path) == [first]
    assert recall(backend, videos + more + few) >= 0.95
    many = scattered(20, seed=4)
    backend.index(many)
    [second] = graphs(path)
    assert second != first
    assert recall(backend, videos + more + few + many) >= 0.95


def test_what_was_changed_or_deleted_since_is_not_found_in_the_graph(path: Path) -> None:
    backend = SqliteBackend(path, LAZY_GRAPH)
    videos = scattered(100)
    backend.index(videos)
    assert graphs(path)
    backend.delete([video.video_id for video in videos[:10]], version=2)
    changed = [
        replace(new, video_id=old.video_id, version=2)
        for new, old in zip(scattered(5, seed=8), videos[10:15], strict=True)
    ]
    backend.index(changed)
    assert recall(backend, changed + videos[15:]) >= 0.95
    backend.index(scattered(40, seed=5))
    backend.delete([video.video_id for video in videos], version=3)
    assert recall(backend, scattered(0)) == 0.0
    assert (
        len(backend.nearest(Meaning(SPACE, np.eye(DIMENSIONS, dtype="<f4")[0].tobytes(), -1), ANYBODY, limit=99)) == 40
    )


@pytest.mark.parametrize("harm", ["gone", "cut short"])
def test_without_its_file_it_still_finds_and_the_next_writer_makes_it_anew(path: Path, harm: str) -> None:
    videos = scattered(100)
    SqliteBackend(path, LAZY_GRAPH).index(videos)
    [graph] = graphs(path)
    if harm == "gone":
        graph.unlink()
    else:
        os.truncate(graph, graph.stat().st_size // 2)
    backend = SqliteBackend(path, LAZY_GRAPH)
    assert recall(backend, videos) == 1.0
    backend.index([make_document("one more")])
    assert graphs(path) != [graph]
    assert len(graphs(path)) == 1
    assert recall(SqliteBackend(path, LAZY_GRAPH), videos) >= 0.95


def test_a_rebuild_makes_the_graph_before_it_answers_and_removes_the_former(path: Path) -> None:
    backend = SqliteBackend(path, LAZY_GRAPH)
    videos = scattered(100)
    backend.index(videos)
    [former] = graphs(path)
    backend.rebuild((replace(video, version=2) for video in videos), version=2)
    [graph] = graphs(path)
    assert graph.name.startswith(path.resolve().name)
    assert graph != former
    assert recall(backend, videos) >= 0.95


def test_what_a_killed_writer_left_is_removed_by_the_next(path: Path) -> None:
    backend = SqliteBackend(path, LAZY_GRAPH)
    backend.index(scattered(10))
    stray = path.resolve().with_name(path.resolve().name + ".graph-00000000")
    stray.write_bytes(b"half")
    backend.index(scattered(100, seed=2))
    assert stray not in graphs(path)


def test_processes_see_what_others_write(path: Path) -> None:
    """Each has a snapshot of its own, which is read on."""
    writer, reader = SqliteBackend(path), SqliteBackend(path)
    first = meant(("clouds", WEATHER, 0.9))
    writer.index([first])
    assert ids(ask(reader, "forecast", WEATHER)) == [first.video_id]
    second = meant(("clouds", WEATHER, 0.95))
    writer.index([second])
    writer.delete([first.video_id], version=2)
    assert ids(ask(reader, "forecast", WEATHER)) == [second.video_id]
    writer.rebuild([replace(first, version=3)], version=3)
    assert ids(ask(reader, "forecast", WEATHER)) == [first.video_id]
