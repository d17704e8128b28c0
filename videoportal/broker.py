"""The broker that needs no server: kombu's transport over a folder of files, made safe for several processes.

kombu's own writes a message under its final name, so that a reader may take it while it is empty and dies of it
(`JSONDecodeError` in the worker's loop), and rewrites its table of bindings the same way. Here a message appears under
its name when it is whole, is taken by one rename, and the table is read and written under a lock.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from time import time_ns
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps, loads

SCHEME = "files"


class Channel(filesystem.Channel):  # type: ignore[misc, unused-ignore]
    def _put(self, queue: str, payload: dict[str, Any], **_: Any) -> None:  # type: ignore[override]  # as in kombu
        folder = Path(self.data_folder_out)
        name = f"{time_ns():020}_{uuid.uuid4().hex}.{queue}.msg"
        unfinished = folder / f".{name}"
        unfinished.write_text(dumps(payload), encoding="utf-8")
        unfinished.rename(folder / name)

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:  # noqa: ARG002 - kombu polls instead
        folder = Path(self.data_folder_in)
        for name in sorted(os.listdir(folder)):  # noqa: PTH208 - names only, thousands of times an hour
            if name.startswith(".") or not name.endswith(f".{queue}.msg"):
                continue
            taken = folder / f".taken-{name}"
            try:
                (folder / name).rename(taken)
            except FileNotFoundError:
                continue  # another worker was first
            message: dict[str, Any] = loads(taken.read_text(encoding="utf-8"))
            taken.unlink()
            return message
        raise Empty

    def get_table(self, exchange: str) -> list[Any]:
        with self._table_lock():
            table: list[Any] = super().get_table(exchange)
        return table

    def _queue_bind(self, *arguments: Any) -> None:
        with self._table_lock():
            super()._queue_bind(*arguments)

    @contextmanager
    def _table_lock(self) -> Iterator[None]:
        with (Path(self.control_folder) / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


class Transport(filesystem.Transport):  # type: ignore[misc, unused-ignore]
    Channel = Channel


def register() -> None:
    """Makes `files://` a broker's address."""
    TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
