"""How the index is made: its analysers, its mapping, and a hash of both that tells one making from another."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from apps.search.backends.elasticsearch.connection import ElasticsearchOptions
from apps.search.documents import ANALYZER_OF, ANY, EXACT, EXACT_QUERY, mapping

MAX_MOMENTS = 200_000  # of one video: ten days of speech, in all its languages
MAX_RESULT_WINDOW = 100_000  # hits to which pages lead: beyond, a search has a total and no hits

_FOLDED = ["lowercase", "asciifolding"]


def analysis(options: ElasticsearchOptions) -> dict[str, Any]:
    """`EXACT` finds words as they are written, but for case and diacritics. The others find their other forms."""
    exact = {"type": "custom", "tokenizer": "standard", "filter": _FOLDED}
    filters: dict[str, Any] = {"portal_romanian_stemmer": {"type": "stemmer", "language": "romanian"}}
    exact_query = exact
    if options.synonyms:
        # When asking, not when indexing: documents need not be indexed anew for them but to change the settings.
        filters["portal_synonyms"] = {"type": "synonym_graph", "synonyms": list(options.synonyms)}
        exact_query = {**exact, "filter": [*_FOLDED, "portal_synonyms"]}
    return {
        "filter": filters,
        "analyzer": {
            EXACT: exact,
            EXACT_QUERY: exact_query,
            ANALYZER_OF["en"]: {"type": "english"},
            # Folded before it is stemmed, so that "mașinile" and "masini", as people type it, meet.
            ANALYZER_OF["ro"]: {**exact, "filter": [*_FOLDED, "portal_romanian_stemmer"]},
            f"portal_{ANY}": {"type": options.analyzer or "standard"},
        },
    }


def settings(options: ElasticsearchOptions) -> dict[str, Any]:
    """Of an index that is being filled: nobody reads it, and it may be filled again."""
    return {
        "analysis": analysis(options),
        "number_of_shards": 1,  # exact scores and counts; enough for tens of millions of moments
        "number_of_replicas": 0,
        "refresh_interval": "-1",
        "max_result_window": MAX_RESULT_WINDOW,
        "mapping.nested_objects.limit": MAX_MOMENTS,
    }


# Of an index that answers. A copy on another node, where there is one.
IN_USE = {"refresh_interval": None, "auto_expand_replicas": "0-1"}


def schema_hash(options: ElasticsearchOptions) -> str:
    """Changes with everything that asks for indexing anew."""
    parts: list[object] = [mapping(options.n_dimensions), analysis(options)]
    if options.space:
        parts.append(options.space)
    making = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(making.encode()).hexdigest()[:16]
