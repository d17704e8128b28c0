"""Indices that follow one another behind an alias.

`<prefix>-videos` is an alias of the *generation* that answers, an index `<prefix>-videos-<8 hex digits>`. A rebuild
fills a new generation and moves the alias. Writers name the generation that they looked up, by an alias of its own
that no other index ever has: a write then never makes an index, and never lands in a generation that it was not meant
for. Before the alias moves, the former generation is *frozen*: it refuses writes, and writers wait. An alias with the
token of the freeze stands beside, and the move demands it: where a writer lost patience and thawed the generation,
because whoever froze it was killed, the move fails, and nothing that was written is lost.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, replace
from typing import Any

from elasticsearch import BadRequestError, NotFoundError

from apps.search.backends.base import SearchUnavailableError
from apps.search.backends.elasticsearch import schema
from apps.search.backends.elasticsearch.connection import Connection, ElasticsearchOptions
from apps.search.documents import mapping

logger = logging.getLogger(__name__)

_FIRST = "00000000"  # the generation that is made where there is none: two who make it at once make one


@dataclass(frozen=True)
class Generation:
    """An index, and what its `_meta` says."""

    name: str
    floor: int  # documents of older versions come too late
    is_complete: bool
    schema: str

    @property
    def write_alias(self) -> str:
        return f"{self.name}-write"

    @property
    def meta(self) -> dict[str, Any]:
        return {"floor": self.floor, "is_complete": self.is_complete, "schema": self.schema}


class Generations:
    def __init__(self, connection: Connection, options: ElasticsearchOptions) -> None:
        self._connection = connection
        self._options = options
        self.alias = f"{options.index_prefix}-videos"
        self.schema = schema.schema_hash(options)

    def current(self) -> Generation:
        """The one that answers. Where there is none, an empty one is made, flagged as incomplete."""
        found = self.find()
        if found is None:
            self._make_first()
            found = self.find()
        if found is None:
            raise SearchUnavailableError(
                f"The alias {self.alias} names no index, and cannot be made to: look which index is named so."
            )
        return found

    def find(self) -> Generation | None:
        with self._connection.asking() as client:
            try:
                found = client.indices.get_mapping(index=self.alias, filter_path="*.mappings._meta").body
            except NotFoundError:
                return None
        if len(found) > 1:
            raise SearchUnavailableError(
                f"The alias {self.alias} names {' and '.join(sorted(found))}: delete all but the newest of them."
            )
        for name, answer in found.items():
            meta = answer.get("mappings", {}).get("_meta", {})
            return Generation(
                name, int(meta.get("floor", 0)), bool(meta.get("is_complete")), str(meta.get("schema", ""))
            )
        return None

    def demand_schema(self, generation: Generation) -> None:
        """Raises where documents of this portal do not fit into it."""
        if generation.schema != self.schema:
            raise SearchUnavailableError(
                f"The search index {generation.name} was made by another version of the portal, or with other "
                "analysers, synonyms or SEARCH_EMBEDDING_MODEL: run python manage.py rebuild_search_index. It answers "
                "until then, and changes are kept."
            )

    def make(self, *, floor: int) -> Generation:
        """An empty one for a rebuild. Nobody else sees it."""
        generation = Generation(f"{self.alias}-{uuid.uuid4().hex[:8]}", floor, is_complete=True, schema=self.schema)
        self._create(generation, {generation.write_alias: {}})
        return generation

    def remember(self, generation: Generation, *, is_complete: bool) -> None:
        with self._connection.asking() as client:
            client.indices.put_mapping(index=generation.name, meta=replace(generation, is_complete=is_complete).meta)

    def delete(self, generation: Generation) -> None:
        with self._connection.writing() as client:
            client.indices.delete(index=generation.name, ignore_unavailable=True)

    def remove_strays(self) -> None:
        """What rebuilds that were killed have left. The caller holds the lock of rebuilds."""
        with self._connection.writing() as client:
            found = client.indices.get_alias(index=f"{self.alias}-*", expand_wildcards="all").body
            strays = [name for name, answer in found.items() if self.alias not in answer["aliases"]]
            for name in strays:
                client.indices.delete(index=name, ignore_unavailable=True)

    # --- one after another ---

    def freeze(self, generation: Generation) -> str:
        """No write reaches it from here on, and none is under way. Returns the token."""
        token = uuid.uuid4().hex
        with self._connection.writing() as client:
            for former in self._tokens(generation):
                client.indices.delete_alias(index=generation.name, name=self._frozen(former))
            client.indices.put_alias(index=generation.name, name=self._frozen(token))
            client.indices.add_block(index=generation.name, block="write")
            client.indices.refresh(index=generation.name)
        return token

    def frozen_by(self, generation: Generation) -> str:
        """The token; empty where it is not frozen."""
        return next(iter(self._tokens(generation)), "")

    def thaw(self, generation: Generation, token: str) -> None:
        """Lets writes in again, unless it is not frozen by `token` any more."""
        with self._connection.writing() as client:
            try:
                client.indices.delete_alias(index=generation.name, name=self._frozen(token))
            except NotFoundError:
                return
            client.indices.put_settings(index=generation.name, settings={"index.blocks.write": None})

    def install(self, new: Generation, former: Generation, token: str) -> None:
        """Puts `new` in the place of `former`, in one step, if that is still frozen by `token`.

        Raises `SearchUnavailableError` where it is not: then nothing has happened.
        """
        with self._connection.writing() as client:
            client.indices.put_settings(index=new.name, settings=schema.IN_USE)
            client.indices.refresh(index=new.name)
            moves: list[dict[str, Any]] = [
                {"remove": {"index": former.name, "alias": self._frozen(token), "must_exist": True}},
                {"remove": {"index": former.name, "alias": self.alias, "must_exist": True}},
                {"add": {"index": new.name, "alias": self.alias}},
            ]
            try:
                client.indices.update_aliases(actions=moves)
            except NotFoundError as error:
                raise SearchUnavailableError(
                    "The former search index was written to or removed while the new one was put in its place, which "
                    "took too long: run rebuild_search_index again."
                ) from error
        logger.info("The search index %s takes the place of %s.", new.name, former.name)
        self.delete(former)

    # --- inside ---

    def _make_first(self) -> None:
        name = f"{self.alias}-{_FIRST}"
        generation = Generation(name, floor=0, is_complete=False, schema=self.schema)
        try:
            self._create(generation, {self.alias: {}, generation.write_alias: {}}, schema.IN_USE)
        except BadRequestError as error:
            if error.message != "resource_already_exists_exception":
                raise
            if self.find() is None:  # nobody made it now: a former portal's, which no alias names
                self.delete(generation)
                self._create(generation, {self.alias: {}, generation.write_alias: {}}, schema.IN_USE)
            return
        logger.warning(
            "There is no search index %s on the server: an empty one is made, and the worker fills it. "
            "To fill it at once: python manage.py rebuild_search_index",
            self.alias,
        )

    def _create(self, generation: Generation, aliases: dict[str, Any], changes: dict[str, Any] | None = None) -> None:
        wanted = schema.settings(self._options) | (changes or {})
        settings = {name: value for name, value in wanted.items() if value is not None}
        with self._connection.writing() as client:
            try:
                client.indices.create(
                    index=generation.name,
                    aliases=aliases,
                    settings=settings,
                    mappings=mapping(self._options.n_dimensions) | {"_meta": generation.meta},
                )
            except BadRequestError as error:
                if error.message == "resource_already_exists_exception":
                    raise
                raise SearchUnavailableError(
                    f"Elasticsearch cannot make the search index ({error}): look at ELASTICSEARCH_ANALYZER and at the "
                    "rules in ELASTICSEARCH_SYNONYMS."
                ) from error

    def _tokens(self, generation: Generation) -> list[str]:
        beginning = self._frozen("")
        with self._connection.asking() as client:
            try:
                found = client.indices.get_alias(index=generation.name).body
            except NotFoundError:
                return []
        names = found.get(generation.name, {}).get("aliases", {})
        return sorted(name.removeprefix(beginning) for name in names if name.startswith(beginning))

    def _frozen(self, token: str) -> str:
        return f"{self.alias}-frozen-{token}"
