"""One rebuild at a time: a document on the server that says until when somebody rebuilds.

A courtesy. What keeps the index right is the token of `generations`, which no clock decides.
"""

from __future__ import annotations

import time

from elasticsearch import ApiError, BadRequestError, ConflictError, NotFoundError

from apps.search.backends.base import RebuildRunningError
from apps.search.backends.elasticsearch.connection import Connection

LOCK_S = 120  # renewed with every batch; so long after a kill a rebuild may begin again
_ID = "rebuild"


class RebuildLock:
    def __init__(self, connection: Connection, prefix: str) -> None:
        self._connection = connection
        self._index = f"{prefix}-locks"
        self._sequence: tuple[int, int] | None = None

    def acquire(self) -> None:
        """Raises `RebuildRunningError`."""
        self._make_index()
        with self._connection.asking() as client:
            try:
                answer = client.index(index=self._index, id=_ID, document=_until(), op_type="create")
            except ConflictError:
                held = client.get(index=self._index, id=_ID).body
                left_s = held["_source"]["until"] - time.time()
                if left_s > 0:
                    raise RebuildRunningError(
                        "The search index is being rebuilt already: wait for it to end. Was that rebuild killed, "
                        f"try again in {left_s:.0f} s."
                    ) from None
                self._sequence = (held["_seq_no"], held["_primary_term"])
            else:
                self._sequence = (answer["_seq_no"], answer["_primary_term"])
                return
        self.renew()

    def renew(self) -> None:
        """Raises `RebuildRunningError` where another took over."""
        assert self._sequence is not None
        number, term = self._sequence
        with self._connection.asking() as client:
            try:
                answer = client.index(
                    index=self._index, id=_ID, document=_until(), if_seq_no=number, if_primary_term=term
                )
            except ConflictError:
                raise RebuildRunningError(
                    "Another rebuild of the search index took over: wait for it to end."
                ) from None
        self._sequence = (answer["_seq_no"], answer["_primary_term"])

    def release(self) -> None:
        assert self._sequence is not None
        number, term = self._sequence
        with self._connection.asking() as client:
            try:
                client.delete(index=self._index, id=_ID, if_seq_no=number, if_primary_term=term)
            except (ConflictError, NotFoundError):
                return  # another's by now

    def _make_index(self) -> None:
        with self._connection.asking() as client:
            if client.indices.exists(index=self._index):
                return
            try:
                client.indices.create(
                    index=self._index,
                    settings={"number_of_shards": 1, "auto_expand_replicas": "0-1"},
                    mappings={"dynamic": "strict", "properties": {"until": {"type": "double"}}},
                )
            except BadRequestError as error:
                if not _exists_already(error):
                    raise


def _exists_already(error: ApiError) -> bool:
    return error.message == "resource_already_exists_exception"


def _until() -> dict[str, float]:
    return {"until": time.time() + LOCK_S}
