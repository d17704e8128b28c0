"""Which videos match: a temporary table of them, of which counts, facets and pages are taken.

FTS5 finds a million rows in a tenth of a second as long as it need not look where in them the words are: that is left
to `ranking`, for as few words as will do.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apps.search.backends.base import FacetValue, SearchQuery, Viewer
from apps.search.backends.sqlite.writing import milliseconds

# Who may find a document: names the values of `seen_by`.
MAY_FIND = "(d.is_listed OR d.owner_id = :owner) AND d.video_id NOT IN (SELECT value FROM json_each(:hidden))"

# What passes the text and all filters but those of facets, with what facets and orders need.
_TABLE = """
CREATE TEMP TABLE IF NOT EXISTS matches (
    id INTEGER PRIMARY KEY, topic_label TEXT, topic_name TEXT, languages TEXT,
    created_at_ms INTEGER, duration_ms INTEGER
)
"""
_COLUMNS = "d.id, d.topic_label, d.topic_name, d.languages, d.created_at_ms, d.duration_ms"


@dataclass(frozen=True)
class Facets:
    """How many videos there are, and, of each facet, as if it had no filter."""

    total: int
    topics: tuple[FacetValue, ...]
    languages: tuple[FacetValue, ...]


def seen_by(viewer: Viewer) -> dict[str, object]:
    """The values for `MAY_FIND`."""
    return {
        "owner": "" if viewer.user_id is None else viewer.user_id.hex,
        "hidden": json.dumps([video_id.hex for video_id in viewer.hidden]),
    }


def condition_of(query: SearchQuery, viewer: Viewer) -> tuple[str, dict[str, object]]:
    """Which documents `d` the viewer may find and pass all filters but those of facets, and the values it names."""
    conditions, values = [MAY_FIND], seen_by(viewer)
    bounds = (
        ("d.duration_ms >= ", "min_duration", query.min_duration_ms),
        ("d.duration_ms <= ", "max_duration", query.max_duration_ms),
        ("d.created_at_ms >= ", "created_from", query.created_from and milliseconds(query.created_from)),
        ("d.created_at_ms < ", "created_before", query.created_before and milliseconds(query.created_before)),
        ("d.has_captions = ", "has_captions", query.has_captions),
    )
    for condition, name, value in bounds:
        if value is not None:
            conditions.append(f"{condition}:{name}")
            values[name] = value
    return " AND ".join(conditions), values


def collect(connection: sqlite3.Connection, expression: str, query: SearchQuery, viewer: Viewer) -> bool:
    """Fills `matches` with what the viewer may find, and returns whether that is anything. An empty expression: all."""
    condition, values = condition_of(query, viewer)
    source = "documents d INDEXED BY documents_facts"
    if expression:
        source = f"documents_fts CROSS JOIN {source} ON d.id = documents_fts.rowid"
        condition = f"documents_fts MATCH :expression AND {condition}"
    connection.execute(_TABLE)
    connection.execute("DELETE FROM matches")
    cursor = connection.execute(
        f"INSERT INTO matches SELECT {_COLUMNS} FROM {source} WHERE {condition}",  # noqa: S608 -- composed of this module's own words
        {"expression": expression, **values},
    )
    return cursor.rowcount > 0


def add(connection: sqlite3.Connection, document_ids: Sequence[int]) -> None:
    """Adds documents to `matches` that have none of the words, or not all."""
    connection.execute(
        f"INSERT OR IGNORE INTO matches SELECT {_COLUMNS} FROM documents d INDEXED BY documents_facts "  # noqa: S608
        "WHERE d.id IN (SELECT value FROM json_each(?))",
        (json.dumps(document_ids),),
    )


def among(
    connection: sqlite3.Connection, document_ids: Sequence[int], topic: str = "", language: str = ""
) -> frozenset[int]:
    """Those of the documents that are in `matches` and pass the filters of facets."""
    condition, values = passing(topic, language)
    rows = connection.execute(
        f"SELECT id FROM matches WHERE id IN (SELECT value FROM json_each(:ids)) AND {condition}",  # noqa: S608
        {"ids": json.dumps(document_ids), **values},
    )
    return frozenset(row[0] for row in rows)


def passing(topic: str, language: str) -> tuple[str, dict[str, object]]:
    """The condition of the facets' filters on `matches`, and its values."""
    conditions = ["1"]
    values: dict[str, object] = {"topic": topic, "language": f" {language} "}
    if topic:
        conditions.append("topic_label = :topic")
    if language:
        conditions.append("instr(' ' || languages || ' ', :language)" if " " not in language else "0")
    return " AND ".join(conditions), values


def facets(connection: sqlite3.Connection, topic: str, language: str) -> Facets:
    """Of `matches`, the filters by `topic` and `language` laid on."""
    rows = connection.execute(
        "SELECT topic_label, max(topic_name), languages, count(*) FROM matches GROUP BY topic_label, languages"
    )
    total = 0
    names: dict[str, str] = {}
    topics: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    for label, name, together, count in rows:
        spoken = together.split()
        is_of_topic, is_in_language = topic in ("", label), not language or language in spoken
        if is_in_language and label:
            topics[label] += count
            names[label] = max(name, names.get(label, ""))
        if is_of_topic:
            languages.update(dict.fromkeys(spoken, count))
        if is_of_topic and is_in_language:
            total += count
    return Facets(
        total,
        _in_order(FacetValue(label, names[label], count) for label, count in topics.items()),
        _in_order(FacetValue(language, language, count) for language, count in languages.items()),
    )


def _in_order(facet: Iterable[FacetValue]) -> tuple[FacetValue, ...]:
    return tuple(sorted(facet, key=lambda one: (-one.count, one.label)))
