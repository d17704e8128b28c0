"""Which moments mean what was asked for: all vectors compared one by one, or a graph of them where they are many."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from apps.search.backends.base import Meaning
from apps.search.backends.sqlite import approximate, vectors
from apps.search.backends.sqlite.approximate import FloatArray, Graph, IntArray
from apps.search.backends.sqlite.schema import MOMENTS_PER_DOCUMENT

_FIRST = 400  # moments that are looked at; more, where they are in less than half as many videos as are wanted
_GROWTH = 4
_LAST = 6_400


@dataclass(frozen=True)
class NearestOptions:
    # Up to so many vectors are compared one by one: 30 MB, and 5 ms a search.
    exact: int = 20_000
    # A graph is written anew when so many vectors, or this part of its own, came later.
    behind: int = 10_000
    behind_part: float = 0.1


@dataclass(frozen=True)
class NearMoment:
    moment_id: int
    similarity: float
    seq: int | None  # of the vector that was compared; None: one of the graph

    @property
    def document_id(self) -> int:
        return self.moment_id // MOMENTS_PER_DOCUMENT

    @property
    def place(self) -> int:
        return self.moment_id % MOMENTS_PER_DOCUMENT


@dataclass(frozen=True)
class _Snapshot:
    """What a process has of a generation: the graph, and the vectors that came after it."""

    generation: str
    space: str
    graph: Graph | None
    index: Any  # of usearch; None without a graph
    seqs: IntArray
    moment_ids: IntArray
    matrix: FloatArray
    newest: int  # number up to which it has read

    @property
    def upto(self) -> int:
        return 0 if self.index is None or self.graph is None else self.graph.upto


@dataclass
class Nearest:
    """Of one index file. Safe to use from threads: what one has read, others use."""

    options: NearestOptions = field(default_factory=NearestOptions)
    _snapshot: _Snapshot | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def videos(
        self, connection: sqlite3.Connection, meaning: Meaning, condition: str, values: dict[str, object], limit: int
    ) -> dict[int, list[NearMoment]]:
        """By document, at most `limit`, the nearest first, their moments, the nearest first.

        `condition` says which documents `d` may be found, and names `values`.
        """
        snapshot = self._current(connection, meaning.space)
        vector = np.frombuffer(meaning.vector, dtype="<f4")
        wanted = _FIRST
        while True:
            near = _closest(snapshot, vector, wanted, meaning.cutoff)
            found: dict[int, list[NearMoment]] = {}
            for moment in _that_may_be_found(connection, snapshot, near, condition, values):
                if moment.document_id in found or len(found) < limit:
                    found.setdefault(moment.document_id, []).append(moment)
            if len(found) >= limit / 2 or len(near) < wanted or wanted >= _LAST:
                return found
            wanted *= _GROWTH

    def is_behind(self, connection: sqlite3.Connection) -> bool:
        """Whether a graph should be written, as numbers tell: of the vectors after it some may be gone."""
        graph = approximate.current(connection)
        if graph is not None and not approximate.is_there(approximate.folder_of(connection), graph):
            graph = None
        behind = vectors.newest(connection) - (graph.upto if graph else 0)
        if graph is None:
            return behind > self.options.exact
        return behind > max(self.options.behind, self.options.behind_part * graph.count)

    def _current(self, connection: sqlite3.Connection, space: str) -> _Snapshot:
        with self._lock:
            generation, newest = approximate.folder_of(connection), vectors.newest(connection)
            graph = approximate.current(connection)
            if graph is not None and graph.space != space:
                graph = None
            known = self._snapshot
            if known is None or (known.generation, known.space, known.graph) != (str(generation), space, graph):
                index = approximate.opened(generation, graph) if graph is not None else None
                known = _empty(str(generation), space, graph, index)
            if known.newest < newest:
                known = _read_on(connection, known, newest)
            self._snapshot = known
            return known


def _empty(generation: str, space: str, graph: Graph | None, index: Any) -> _Snapshot:
    none = np.zeros(0, dtype=np.int64)
    upto = graph.upto if graph is not None and index is not None else 0
    return _Snapshot(generation, space, graph, index, none, none, np.zeros((0, 0), dtype=np.float32), upto)


def _read_on(connection: sqlite3.Connection, known: _Snapshot, newest: int) -> _Snapshot:
    """With what was added since. What is gone since is left out, so that it never weighs more than what is there."""
    there = connection.execute("SELECT seq FROM vectors WHERE seq > ? AND seq <= ?", (known.upto, known.newest))
    stays = np.isin(known.seqs, np.fromiter((row[0] for row in there), dtype=np.int64))
    seqs, moment_ids, parts = [known.seqs[stays]], [known.moment_ids[stays]], [known.matrix[stays]]
    for more_seqs, more_ids, matrix in approximate.batches(lambda work: work(connection), known.space, known.newest):
        seqs.append(more_seqs)
        moment_ids.append(more_ids)
        parts.append(matrix)
    filled = [part for part in parts if len(part)]
    return _Snapshot(
        known.generation,
        known.space,
        known.graph,
        known.index,
        np.concatenate(seqs),
        np.concatenate(moment_ids),
        np.concatenate(filled) if filled else known.matrix[:0],
        newest,
    )


def _closest(snapshot: _Snapshot, vector: FloatArray, wanted: int, cutoff: float) -> list[NearMoment]:
    """The nearest moments of the snapshot, the nearest first; some of them may be gone or changed."""
    near: list[NearMoment] = []
    if len(snapshot.seqs):
        similarities = snapshot.matrix @ vector
        first = np.argpartition(-similarities, min(wanted, len(similarities)) - 1)[:wanted]
        near += [
            NearMoment(int(snapshot.moment_ids[row]), float(similarities[row]), int(snapshot.seqs[row]))
            for row in first
        ]
    if snapshot.index is not None:
        matches = snapshot.index.search(vector, wanted)
        near += [
            NearMoment(int(key), 1 - float(distance), None)
            for key, distance in zip(matches.keys, matches.distances, strict=True)
        ]
    near = [moment for moment in near if moment.similarity >= cutoff]
    return sorted(near, key=lambda moment: (-moment.similarity, moment.moment_id))[:wanted]


def _that_may_be_found(
    connection: sqlite3.Connection,
    snapshot: _Snapshot,
    near: list[NearMoment],
    condition: str,
    values: dict[str, object],
) -> Iterator[NearMoment]:
    """Those whose vector is still the one that was compared, in documents that pass the condition."""
    rows = connection.execute(
        "SELECT v.moment_id, v.seq FROM vectors v JOIN documents d INDEXED BY documents_facts "  # noqa: S608 -- our own words
        f"ON d.id = v.moment_id / {MOMENTS_PER_DOCUMENT} "
        f"WHERE v.moment_id IN (SELECT value FROM json_each(:near)) AND {condition}",
        {"near": json.dumps([moment.moment_id for moment in near]), **values},
    )
    seq_of: dict[int, int] = dict(rows.fetchall())
    for moment in near:
        seq = seq_of.get(moment.moment_id)
        if seq is not None and (seq == moment.seq or (moment.seq is None and seq <= snapshot.upto)):
            yield moment
