"""Vectors for the moments of `search_corpus`, and how many of the nearest ones the approximate index finds.

The first moments have the vectors of what they say. To embed a million takes hours: the others have one of these with
noise, at a cosine of some 0.8 to it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

import numpy as np

from apps.search.backends.base import DocumentVectors, Meaning, SearchDocument
from apps.search.backends.sqlite import approximate
from apps.search.backends.sqlite.approximate import FloatArray
from apps.search.embedding.embedder import Embedder
from benchmarks.search_known_items import SPACE
from benchmarks.vector_cache import VectorCache

CUTOFF = 0.4
_NOISE = 0.75  # its length, beside a vector's of 1
_NEAREST = 10


def with_vectors(
    documents: Iterable[SearchDocument], cache: VectorCache, n_real: int, seed: int = 13
) -> Iterator[SearchDocument]:
    """The documents with vectors, of which `n_real` and a few more are real."""
    remaining = iter(documents)
    first: list[SearchDocument] = []
    while sum(len(document.moments) for document in first) < n_real and (more := next(remaining, None)):
        first.append(more)
    real = cache.of([moment.text for document in first for moment in document.moments]).astype(np.float32)
    rows = iter(real)
    for document in first:
        yield _with(document, np.stack(list(islice(rows, len(document.moments)))))
    chance = np.random.default_rng(seed)
    for document in remaining:
        near = real[chance.integers(len(real), size=len(document.moments))]
        yield _with(document, near + chance.normal(scale=_NOISE / np.sqrt(near.shape[1]), size=near.shape))


def meaning_of(embedder: Embedder, text: str) -> Meaning:
    return Meaning(SPACE, embedder.query(text).astype("<f4").tobytes(), CUTOFF)


def recall(index: Path, meanings: Sequence[Meaning]) -> float | None:
    """Of the ten moments nearest to each, the part that the graph of the index file finds. None: it has no graph."""
    with sqlite3.connect(index.resolve()) as connection:
        graph = approximate.current(connection)
        opened = None if graph is None else approximate.opened(approximate.folder_of(connection), graph)
        if opened is None:
            return None
        asked = np.stack([np.frombuffer(meaning.vector, dtype="<f4") for meaning in meanings])
        exact = _nearest(connection, asked)
        found = [set(opened.search(vector, _NEAREST).keys.tolist()) for vector in asked]
    return sum(len(near & true) for near, true in zip(found, exact, strict=True)) / (_NEAREST * len(meanings))


def _nearest(connection: sqlite3.Connection, asked: FloatArray) -> list[set[int]]:
    """The moments nearest to each of `(n, n_dimensions)`, all compared one by one."""
    best: list[list[tuple[float, int]]] = [[] for _ in asked]
    for _, moment_ids, matrix in approximate.batches(lambda work: work(connection), SPACE, 0):
        similarities = asked @ matrix.T  # (n, n_batch)
        for place, row in enumerate(similarities):
            top = np.argsort(-row)[:_NEAREST]
            candidates = chain(best[place], zip(row[top].tolist(), moment_ids[top].tolist(), strict=True))
            best[place] = sorted(candidates, reverse=True)[:_NEAREST]
    return [{moment_id for _, moment_id in one} for one in best]


def _with(document: SearchDocument, matrix: FloatArray) -> SearchDocument:
    units = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    return replace(document, vectors=DocumentVectors(SPACE, b"", tuple(row.astype("<f2").tobytes() for row in units)))
