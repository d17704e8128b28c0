"""The approximate index of many vectors: a graph (HNSW, Malkov and Yashunin, 2018) in a file beside the generation.

The table `vectors` is the truth; the file holds what it had up to a number, which a row of `meta` says along with the
file's name. Whoever searches maps the file, shared with other processes, and compares what came later one by one; what
changed or went since is told by the table. So a file that is old is no harm, and one that is missing, cut short or half
written is made anew by the next writer; nobody waits for it.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from apps.search.backends.sqlite import vectors

logger = logging.getLogger(__name__)

T = TypeVar("T")
Read = Callable[[Callable[[sqlite3.Connection], T]], T]
FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

# Recall at 10 of 0.96 over 100,000 vectors (docs/results/search/recall.csv); of 192 candidates it would be 0.80.
CONNECTIVITY = 16  # neighbours of a vector in the graph
EXPANSION_ADD = 96  # candidates that are looked at for them
EXPANSION_SEARCH = 2048  # candidates that a search looks at, at least: 2 ms
_META = "approximate"
_BATCH = 20_000  # vectors in memory at once


@dataclass(frozen=True)
class Graph:
    """What `meta` says of the file."""

    name: str  # in the folder of the generation
    size: int  # bytes: another size is another file, or half of one
    space: str
    upto: int  # number of the last vector in it
    count: int


def current(connection: sqlite3.Connection) -> Graph | None:
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (_META,)).fetchone()
    return None if row is None else Graph(**json.loads(row[0]))


def remember(connection: sqlite3.Connection, graph: Graph) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_META, json.dumps(asdict(graph))))


def folder_of(connection: sqlite3.Connection) -> Path:
    """The generation's own file, whose name those of its graphs begin with."""
    return Path(connection.execute("PRAGMA database_list").fetchone()[2])


def opened(generation: Path, graph: Graph, *, to_write: bool = False) -> Any:
    """The usearch index; None where its file is not what `graph` says."""
    from usearch.index import Index

    path = generation.with_name(graph.name)
    if is_there(generation, graph):
        try:
            index = Index.restore(str(path), view=not to_write)
        except (OSError, RuntimeError, ValueError) as error:
            logger.warning("The graph of vectors %s cannot be read: %s", path, error)
        else:
            if index is not None and len(index) == graph.count:
                index.expansion_search = EXPANSION_SEARCH
                return index
    return None


def is_there(generation: Path, graph: Graph) -> bool:
    """Whether its file is, with all of its bytes."""
    try:
        return generation.with_name(graph.name).stat().st_size == graph.size
    except FileNotFoundError:
        return False


def make(generation: Path, read: Read[Any], space: str, former: Graph | None) -> Graph | None:
    """Writes a file with all vectors of the space, on from the `former` one where that is there. None: there are none.

    The caller remembers it. Takes a minute or two for each 100,000 that are new, on one core.
    """
    index = opened(generation, former, to_write=True) if former is not None and former.space == space else None
    upto = former.upto if index is not None and former is not None else 0
    if index is not None:
        gone = np.setdiff1d(_keys(index), read(lambda connection: _still(connection, space, upto)))
        for key in gone.tolist():
            index.remove(key)
    for seqs, moment_ids, matrix in batches(read, space, upto):
        if index is None:
            index = _empty(matrix.shape[1])
        index.add(moment_ids.astype(np.uint64), matrix, threads=_threads())
        upto = int(seqs[-1])
    if index is None or not len(index):
        return None
    path = generation.with_name(f"{generation.name}.graph-{uuid.uuid4().hex[:8]}")
    index.save(str(path))
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    return Graph(path.name, path.stat().st_size, space, upto, len(index))


def remove_others(generation: Path, keep: Graph) -> None:
    """What writers that were killed have left, and the former one: whoever maps it keeps it."""
    for path in generation.parent.glob(f"{generation.name}.graph-*"):
        if path.name != keep.name:
            path.unlink(missing_ok=True)


def batches(read: Read[Any], space: str, seq: int) -> Iterator[tuple[IntArray, IntArray, FloatArray]]:
    """Numbers, moments and vectors after `seq`, some thousands in memory at a time, each read by itself."""

    def next_rows(connection: sqlite3.Connection) -> list[tuple[int, int, bytes]]:
        return list(vectors.after(connection, seq, space, _BATCH))

    while rows := read(next_rows):
        seqs = np.array([row[0] for row in rows], dtype=np.int64)
        moment_ids = np.array([row[1] for row in rows], dtype=np.int64)
        yield seqs, moment_ids, matrix_of([row[2] for row in rows])
        seq = int(seqs[-1])


def matrix_of(stored: list[bytes]) -> FloatArray:
    """`(n, n_dimensions)`, of unit length again after the rounding to 16 bits."""
    matrix = np.frombuffer(b"".join(stored), dtype="<f2").reshape(len(stored), -1).astype(np.float32)
    scaled: FloatArray = matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12)
    return scaled


def _empty(n_dimensions: int) -> Any:
    from usearch.index import Index

    return Index(
        ndim=n_dimensions,
        metric="cos",
        dtype="bf16",
        connectivity=CONNECTIVITY,
        expansion_add=EXPANSION_ADD,
        expansion_search=EXPANSION_SEARCH,
    )


def _keys(index: Any) -> IntArray:
    return np.asarray(index.keys, dtype=np.int64)


def _still(connection: sqlite3.Connection, space: str, upto: int) -> IntArray:
    """Moments whose vector is the one that the file has."""
    rows = connection.execute(
        "SELECT moment_id FROM vectors WHERE seq <= ? AND space = (SELECT id FROM spaces WHERE name = ?)", (upto, space)
    )
    return np.fromiter((row[0] for row in rows), dtype=np.int64)


def _threads() -> int:
    return max(1, (os.cpu_count() or 2) // 2)  # beside the recognition of speech
