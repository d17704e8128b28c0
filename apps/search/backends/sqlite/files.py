"""The index's file: who may open and write it, how a new one takes its place, what happens when it is damaged.

`SEARCH_SQLITE_PATH` is a symbolic link to a *generation*, `<name>.<8 hex digits>`, beside it. A rebuild writes a new
generation and moves the link with one `os.replace`. Each generation thus keeps a write-ahead log of its own: were the
file itself replaced, the log of the old would lie beside the new one, under its name.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from apps.search.backends.base import RebuildRunningError, SearchUnavailableError
from apps.search.backends.sqlite import schema

logger = logging.getLogger(__name__)

T = TypeVar("T")
Inode = tuple[int, int]  # device, number

LOCK_TIMEOUT_S = 30.0
_LOCK_POLL_S = 0.01
GRAPH_SUFFIX = ".graph-"  # of files that `approximate` makes beside a generation
_SIDE_FILES = ("-wal", "-shm", "-journal")

_UNAVAILABLE_CODES = {
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM,
}  # fmt: skip
_DAMAGED_CODES = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

# Connections of the parent that a fork left in this process: closing one here would end the parent's locks.
_inherited: list[sqlite3.Connection] = []


class _TakenError(Exception):
    """Somebody else holds the lock."""


class _ThreadState(threading.local):
    """The connection of one thread of one process to one generation."""

    process: int = 0
    inode: Inode | None = None
    connection: sqlite3.Connection | None = None


class IndexFile:
    """Gives `read` and `write` a connection to the current generation: one per thread and process, reopened when
    the generation changed. Damage is noticed in either, and answered with an empty index, once.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._state = _ThreadState()

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`work`'s result, all its statements seeing one state of the index."""
        return self._attempt(work, "BEGIN")

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`work`'s result, once it is committed and on disk. Waits for other writers."""

        return self._attempt(work, "BEGIN IMMEDIATE")

    def rebuild(
        self,
        fill: Callable[[sqlite3.Connection], T],
        merge: Callable[[sqlite3.Connection, sqlite3.Connection], None],
    ) -> T:
        """Makes a generation with `fill(new)` while the old one is read and written, then, while nobody writes,
        brings over what changed with `merge(old, new)` and moves the link. Raises `RebuildRunningError`.
        """
        with self._lock(
            "rebuild", RebuildRunningError("The search index is being rebuilt already: wait for it to end.")
        ):
            self._remove_strays()
            building = self._new_file()
            try:
                return self._build(building, fill, merge)
            except BaseException as error:
                _remove(building)
                if isinstance(error, sqlite3.OperationalError):
                    _raise_if_unavailable(self.path, error)
                raise

    def _build(
        self,
        building: Path,
        fill: Callable[[sqlite3.Connection], T],
        merge: Callable[[sqlite3.Connection, sqlite3.Connection], None],
    ) -> T:
        with contextlib.closing(_connect(building)) as new:
            # Nobody else sees it before it is whole.
            new.execute("PRAGMA journal_mode = OFF")
            new.execute("PRAGMA synchronous = OFF")
            schema.create(new, is_complete=True)
            result = fill(new)
            with self._lock("write"):
                self._merge(merge, new)
                new.execute("PRAGMA journal_mode = WAL")
                new.close()
                with building.open("rb+") as file:
                    os.fsync(file.fileno())
                self._install(building)
        return result

    @contextlib.contextmanager
    def alone(self, name: str) -> Iterator[bool]:
        """Whether the caller is the only one, of all processes, inside a block of that name. Waits for nobody."""
        try:
            with self._lock(name, _TakenError()):
                yield True
        except _TakenError:
            yield False

    # --- attempts ---

    def _attempt(self, work: Callable[[sqlite3.Connection], T], begin: str) -> T:
        try:
            return self._once(work, begin)
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                _raise_if_unavailable(self.path, error)
                raise
            self._begin_anew(self._state.inode, f"is damaged ({error})")
        return self._once(work, begin)

    def _once(self, work: Callable[[sqlite3.Connection], T], begin: str) -> T:
        is_write = begin != "BEGIN"
        with self._lock("write") if is_write else contextlib.nullcontext():
            return self._transact(self._connection(holds_lock=is_write), work, begin)

    def _transact(self, connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T], begin: str) -> T:
        connection.execute(begin)
        try:
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            # A damaged file may refuse even that; the first error is the one to tell.
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        return result

    # --- connections ---

    def _connection(self, *, holds_lock: bool) -> sqlite3.Connection:
        state = self._state
        if state.connection is not None and state.process != os.getpid():
            _inherited.append(state.connection)
            state.connection = None
        if state.connection is not None and state.inode == self._inode():
            return state.connection
        if state.connection is not None:
            state.connection.close()
            state.connection = None
        # The generation cannot be unlinked between its opening and that of its log.
        with contextlib.nullcontext() if holds_lock else self._lock("write"):
            if self._inode() is None:
                self._create("is missing")
            state.inode, state.process = self._inode(), os.getpid()
            connection = _connect(self.path.resolve())
            try:
                if not schema.is_current(connection):
                    connection.close()
                    self._create("is of another version of the portal")
                    state.inode = self._inode()
                    connection = _connect(self.path.resolve())
                connection.execute("SELECT count(*) FROM meta").fetchone()
            except sqlite3.DatabaseError:
                connection.close()
                raise
        state.connection = connection
        return connection

    def _inode(self) -> Inode | None:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _cannot_be_used(self.path, error.strerror or str(error)) from error
        return status.st_dev, status.st_ino

    # --- generations ---

    def _begin_anew(self, damaged: Inode | None, reason: str) -> None:
        """Puts an empty index in the place of the damaged one, unless another thread or process has done so."""
        if self._state.connection is not None:
            self._state.connection.close()
            self._state.connection = None
        with self._lock("write"):
            if self._inode() == damaged:
                self._create(reason)

    def _create(self, reason: str) -> None:
        """Makes an empty generation, flagged as incomplete. The caller holds the write lock."""
        logger.warning(
            "The search index %s %s: an empty one takes its place, and the worker fills it. "
            "To fill it at once: python manage.py rebuild_search_index",
            self.path,
            reason,
        )
        building = self._new_file()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.closing(_connect(building)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                schema.create(connection, is_complete=False)
            self._install(building)
        except OSError as error:
            _remove(building)
            raise _cannot_be_used(self.path, error.strerror or str(error)) from error

    def _install(self, building: Path) -> None:
        """Makes the file `building` the current generation, and removes the former. The caller holds the write lock."""
        was_link, former = self.path.is_symlink(), self.path.resolve()
        link = building.with_name(building.name + ".link")
        link.symlink_to(building.name)
        os.replace(link, self.path)  # noqa: PTH105 -- the word for what happens
        # Whoever reads the former now keeps it open, and ends in peace. A file that was no link is gone already.
        _remove(former, ("", *_SIDE_FILES) if was_link else _SIDE_FILES)

    def _merge(self, merge: Callable[[sqlite3.Connection, sqlite3.Connection], None], new: sqlite3.Connection) -> None:
        if self._inode() is None:
            return
        try:
            with contextlib.closing(_connect(self.path.resolve())) as old:
                if schema.is_current(old):
                    merge(old, new)
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            logger.warning("The former search index is damaged (%s): nothing is taken over from it.", error)

    def _new_file(self) -> Path:
        return self.path.with_name(f"{self.path.name}.{uuid.uuid4().hex[:8]}")

    def _remove_strays(self) -> None:
        """What rebuilds that were killed have left."""
        ours = re.compile(re.escape(self.path.name) + r"\.[0-9a-f]{8}")
        with self._lock("write"):
            current = self.path.resolve().name
            for file in self.path.parent.iterdir():
                name = ours.match(file.name)
                if name and name[0] != current:
                    file.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _lock(self, name: str, refusal: Exception | None = None) -> Iterator[None]:
        """Holds a lock between threads and processes. With `refusal` raises it at once instead of waiting."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path.with_name(f"{self.path.name}.{name}-lock"), os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise _cannot_be_used(self.path, error.strerror or str(error)) from error
        try:
            deadline = time.monotonic() + LOCK_TIMEOUT_S
            while not _try_lock(descriptor):
                if refusal is not None:
                    raise refusal
                if time.monotonic() > deadline:
                    raise SearchUnavailableError(
                        f"The search index {self.path} has been locked for {LOCK_TIMEOUT_S:.0f} s: "
                        "look for a worker or a rebuild_search_index that hangs, and end it."
                    )
                time.sleep(_LOCK_POLL_S)
            yield
        finally:
            os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _connect(path: Path) -> sqlite3.Connection:
    # A thread's connection may be closed by the collector in another one.
    connection = sqlite3.connect(path, timeout=LOCK_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    # The outbox forgets what the index says it has: it must have it after a power cut too.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -8000")  # KiB, four times the default: each hit reads other pages
    connection.execute("PRAGMA temp_store = MEMORY")  # what matches: see `matching`
    return connection


def _remove(generation: Path, suffixes: tuple[str, ...] = ("", *_SIDE_FILES)) -> None:
    for suffix in suffixes:
        generation.with_name(generation.name + suffix).unlink(missing_ok=True)
    for graph in generation.parent.glob(f"{generation.name}{GRAPH_SUFFIX}*"):
        graph.unlink(missing_ok=True)


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    # The low byte is the code, the rest says more of it.
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF in _DAMAGED_CODES


def _raise_if_unavailable(path: Path, error: sqlite3.DatabaseError) -> None:
    """Raises for an `error` of the surroundings, and returns for one of our own making."""
    if (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF in _UNAVAILABLE_CODES:
        raise _cannot_be_used(path, str(error)) from error


def _cannot_be_used(path: Path, reason: str) -> SearchUnavailableError:
    return SearchUnavailableError(
        f"The search index {path} cannot be used: {reason}. Make its folder writable for the portal, with room on "
        "the disk, or name another file in SEARCH_SQLITE_PATH."
    )
