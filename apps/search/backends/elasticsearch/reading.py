"""Answers: which videos match, in which order, and where in them.

Two requests: the first finds the videos of a page, with totals and facets; the second looks for moments in these
alone, so that common words cost no more than rare ones.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

from elasticsearch import Elasticsearch

from apps.search.backends import fusion, spelling
from apps.search.backends import terms as parsing
from apps.search.backends.base import (
    FacetValue,
    Hit,
    IndexedVideo,
    Meaning,
    MomentHit,
    SearchQuery,
    SearchResults,
    Sort,
    Suggestion,
    Viewer,
)
from apps.search.backends.elasticsearch import highlights, match
from apps.search.backends.elasticsearch.fields import (
    EXACT_FIELDS,
    MOMENT_TEXT,
    MOMENTS,
    STEMMED_FIELDS,
    STEMMED_MOMENT_TEXT,
    stemmed,
)
from apps.search.backends.elasticsearch.match import Query
from apps.search.backends.elasticsearch.meaning import Near, nearest, places
from apps.search.backends.elasticsearch.schema import MAX_RESULT_WINDOW
from apps.search.backends.elasticsearch.vocabulary import ElasticsearchVocabulary, may_find
from apps.search.backends.marking import Passage, best_moments, to_html
from apps.search.backends.terms import Term
from apps.search.documents import milliseconds

Answer = Mapping[str, Any]

# Of one video so many matching passages are looked at, the best ones: enough to choose five from that do not overlap.
_PASSAGES_PER_VIDEO = 8
_WORDS = "words"  # what hits say of themselves that have the words
_MAX_FACET_VALUES = 1_000
# What the server takes in a filter; beyond, it fails.
_MAX_LABEL = 1_000
_MAX_LONG = 2**63 - 1
_COMPLETED_VIDEOS = 1_000  # in whose words suggestions are looked for

_SHOWN = ["title", "description", "topic_label", "languages"]
_TITLE = ("title", *stemmed("title"))
_DESCRIPTION = ("description", *stemmed("description"))
_NEWEST: list[Any] = [{"created_at_ms": "desc"}, {"video_id": "asc"}]
_ORDER: dict[Sort, list[Any]] = {
    Sort.RELEVANCE: ["_score", *_NEWEST],
    Sort.NEWEST: _NEWEST,
    Sort.OLDEST: [{"created_at_ms": "asc"}, {"video_id": "asc"}],
    Sort.LONGEST: [{"duration_ms": "desc"}, *_NEWEST],
    Sort.SHORTEST: [{"duration_ms": "asc"}, *_NEWEST],
}


def search(
    client: Elasticsearch, index: str, query: SearchQuery, viewer: Viewer, meaning: Meaning | None
) -> SearchResults:
    """One page. Two requests, three more with the meaning, and four or five more where no video has all the words."""
    terms = parsing.parse(query.text)
    if query.text.strip() and not terms:
        return SearchResults()
    is_meant = fusion.is_meant(query, terms, meaning)
    asked, query = query, replace(query, page=1, page_size=fusion.WINDOW) if is_meant else query
    way = match.all_of(terms) if terms else {"match_all": {}}
    answer = _find(client, index, query, viewer, terms, way)
    is_exact, did_you_mean = _finds(answer), ""
    if terms and not is_exact:
        vocabulary = ElasticsearchVocabulary(client, index, viewer)
        found = spelling.corrections(terms, vocabulary)
        did_you_mean = spelling.corrected_text(query.text, found)
        terms = spelling.corrected(terms, found)
        if found:
            answer = _find(client, index, query, viewer, terms, way := match.all_of(terms))
        if not _finds(answer) and (some := match.some_of(whole := spelling.finished(terms, vocabulary))):
            terms, way = whole, some
            answer = _find(client, index, query, viewer, terms, way)
    has_words = _finds(answer)
    near: dict[str, Near] = {}
    if is_meant and meaning is not None:
        near, answer = _with_meaning(client, index, asked, viewer, terms, way, answer, meaning, has_all=is_exact)
    if not _finds(answer):
        return SearchResults(did_you_mean=did_you_mean)
    hits = answer["hits"]["hits"]
    marked = _places(client, index, [hit["_id"] for hit in hits], terms) if terms and hits else {}
    return SearchResults(
        total=answer["hits"]["total"]["value"],
        hits=tuple(
            _hit(hit, marked.get(hit["_id"], {}), terms, near.get(hit["_id"]), has_all=is_exact) for hit in hits
        ),
        topics=_facet(answer["aggregations"]["topics"]["values"]["buckets"]),
        languages=_facet(answer["aggregations"]["languages"]["values"]["buckets"]),
        is_relaxed=has_words and not is_exact,
        did_you_mean=did_you_mean,
        by_meaning=answer["aggregations"].get("wordless", {}).get("doc_count", 0),
    )


def suggest(client: Elasticsearch, index: str, prefix: str, *, limit: int, hidden: frozenset[UUID]) -> list[Suggestion]:
    """Titles that have the words typed, then ways to complete the last word that find something."""
    terms = parsing.parse(prefix)
    if not terms or limit < 1:
        return []
    listed = may_find(Viewer(hidden=hidden))
    answer = client.search(
        index=index,
        query={"bool": {"filter": [listed], "must": match.each_of(terms, ["title"], ())}},
        sort=_ORDER[Sort.RELEVANCE],
        size=limit,
        source={"includes": ["title"]},
    )
    titles = [Suggestion(hit["_source"]["title"], UUID(hit["_id"])) for hit in answer["hits"]["hits"]]
    words = _completions(client, index, terms, limit, listed)
    # Both get a share, and each the room that the other leaves.
    share = max(limit - len(words), limit - limit // 2)
    suggestions = titles[:share]
    return suggestions + [Suggestion(text) for text in words[: limit - len(suggestions)]]


def scan(client: Elasticsearch, index: str, after: UUID | None, limit: int) -> list[IndexedVideo]:
    """In the order of ids."""
    answer = client.search(
        index=index,
        query={"bool": {"filter": [{"exists": {"field": "video_id"}}], "must_not": [{"term": {"is_deleted": True}}]}},
        sort=[{"video_id": "asc"}],
        search_after=[str(after)] if after is not None else None,
        size=limit,
        source={"includes": ["fingerprint"]},
        track_total_hits=False,
    )
    return [
        IndexedVideo(UUID(hit["_id"]), str(hit["_source"].get("fingerprint", ""))) for hit in answer["hits"]["hits"]
    ]


def count(client: Elasticsearch, index: str) -> int:
    return int(client.count(index=index, query={"bool": {"must_not": [{"term": {"is_deleted": True}}]}})["count"])


# --- which videos ---


def _with_meaning(
    client: Elasticsearch,
    index: str,
    query: SearchQuery,
    viewer: Viewer,
    terms: Sequence[Term],
    way: Query,
    by_words: Answer,
    meaning: Meaning,
    *,
    has_all: bool,
) -> tuple[dict[str, Near], Answer]:
    """What means the query, by video, and the page of that and of `by_words`, ranked together."""
    found = nearest(client, index, meaning, [may_find(viewer), *_bounds(query)], limit=fusion.MOST)
    passing = [
        one
        for one in found
        if (not query.topic or one.topic_label == query.topic)
        and (not query.language or query.language in one.languages)
    ]
    order = places([hit["_id"] for hit in by_words["hits"]["hits"]], passing, has_all=has_all)
    answer = _find(client, index, query, viewer, terms, way, also=[one.video_id for one in found], first=order)
    return {one.video_id: one for one in found}, answer


def _finds(answer: Answer) -> bool:
    """Anything, were there no filters by topic and language."""
    return bool(answer["aggregations"]["all"]["doc_count"])


def _find(
    client: Elasticsearch,
    index: str,
    query: SearchQuery,
    viewer: Viewer,
    terms: Sequence[Term],
    condition: Query,
    *,
    also: Sequence[str] = (),
    first: Sequence[Query] = (),
) -> Answer:
    """Videos that fulfil `condition`, ranked by `terms`; and those of `also`. `first`: clauses that score above all."""
    others: Query = {"ids": {"values": list(also)}}
    topic: list[Query] = [{"term": {"topic_label": parsing.clean(query.topic)[:_MAX_LABEL]}}] if query.topic else []
    language: list[Query] = (
        [{"term": {"languages": parsing.clean(query.language)[:_MAX_LABEL]}}] if query.language else []
    )
    is_shown = query.offset + query.page_size <= MAX_RESULT_WINDOW
    answer = client.search(
        index=index,
        query={
            "bool": {
                "filter": [match.any_of([_named(condition), others]), may_find(viewer), *_bounds(query)],
                "should": [*match.rank(terms), *first],
            }
        },
        # Facets are counted before it: each applies the filter of the others alone.
        post_filter={"bool": {"filter": [*topic, *language]}},
        aggs={
            "all": {"filter": {"match_all": {}}},
            "topics": {
                "filter": {"bool": {"filter": language}},
                "aggs": {"values": _values("topic_label", {"title": {"terms": {"field": "topic_title", "size": 1}}})},
            },
            "languages": {"filter": {"bool": {"filter": topic}}, "aggs": {"values": _values("languages")}},
            "wordless": {"filter": {"bool": {"filter": [others, *topic, *language], "must_not": [condition]}}},
        },
        sort=_ORDER[query.sort if terms or query.sort != Sort.RELEVANCE else Sort.NEWEST],
        track_scores=True,
        track_total_hits=True,
        from_=query.offset if is_shown else 0,
        size=query.page_size if is_shown else 0,
        source={"includes": _SHOWN},
        # The same copy of the index answers for all pages of a query: copies score a little differently.
        preference=f"query-{zlib.crc32(query.text.encode(errors='replace')):08x}",
    )
    return cast(Answer, answer.body)


def _named(condition: Query) -> Query:
    """Hits say that they fulfil it."""
    return {"bool": {"filter": [condition], "_name": _WORDS}}


def _bounds(query: SearchQuery) -> list[Query]:
    created_from, created_before = query.created_from, query.created_before
    bounds = (
        ("duration_ms", "gte", query.min_duration_ms),
        ("duration_ms", "lte", query.max_duration_ms),
        ("created_at_ms", "gte", created_from and milliseconds(created_from)),
        ("created_at_ms", "lt", created_before and milliseconds(created_before)),
    )
    conditions: list[Query] = [
        {"range": {name: {side: max(-_MAX_LONG, min(value, _MAX_LONG))}}}
        for name, side, value in bounds
        if value is not None
    ]
    if query.has_captions is not None:
        conditions.append({"term": {"has_captions": query.has_captions}})
    return conditions


def _values(field: str, inner: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"terms": {"field": field, "size": _MAX_FACET_VALUES}, "aggs": inner or {}}


def _facet(buckets: Sequence[Answer]) -> tuple[FacetValue, ...]:
    values = []
    for bucket in buckets:
        labels = bucket.get("title", {}).get("buckets", [])
        values.append(
            FacetValue(bucket["key"], labels[0]["key"] if labels else bucket["key"], int(bucket["doc_count"]))
        )
    return tuple(sorted(values, key=lambda one: (-one.count, one.label)))


# --- where in them ---


def _places(client: Elasticsearch, index: str, ids: Sequence[str], terms: Sequence[Term]) -> dict[str, Answer]:
    """By video, its title and description with marks, and its best passages."""
    in_video = match.each_of(terms, EXACT_FIELDS, STEMMED_FIELDS)
    as_phrases = not all(match.is_one_word(term) for term in terms)
    in_moment = match.each_of(terms, [MOMENT_TEXT], STEMMED_MOMENT_TEXT)
    moments: Query = {
        "nested": {
            "path": MOMENTS,
            # A passage scores how many of the terms it has: what BM25 would say of one of a page, nobody asks.
            "query": match.any_of([{"constant_score": {"filter": condition}} for condition in in_moment]),
            "inner_hits": {
                "size": _PASSAGES_PER_VIDEO,
                "_source": [f"{MOMENTS}.language", f"{MOMENTS}.cues"],
                "highlight": highlights.asked([MOMENT_TEXT, *STEMMED_MOMENT_TEXT], as_phrases=as_phrases),
            },
        }
    }
    answer = client.search(
        index=index,
        query={"bool": {"filter": [{"ids": {"values": list(ids)}}], "should": [moments]}},
        size=len(ids),
        source=False,
        highlight=highlights.asked(_TITLE, _DESCRIPTION, as_phrases=as_phrases)
        | {"highlight_query": match.any_of(in_video)},
        track_total_hits=False,
    )
    return {hit["_id"]: hit for hit in answer["hits"]["hits"]}


def _hit(hit: Answer, places: Answer, terms: tuple[Term, ...], near: Near | None, *, has_all: bool) -> Hit:
    source, marked = hit["_source"], places.get("highlight", {})
    by_meaning = near.moments if near is not None else ()
    return Hit(
        video_id=UUID(hit["_id"]),
        score=float(hit["_score"] or 0),
        title_html=to_html(highlights.whole(marked, _TITLE) or source["title"]),
        snippet_html=highlights.snippet(marked, _DESCRIPTION, source["description"]),
        moments=fusion.fuse_moments(_moments(places, terms), by_meaning, has_all=has_all),
        topic_label=source.get("topic_label", ""),
        languages=tuple(source["languages"]),
        by_meaning=_WORDS not in hit.get("matched_queries", []),
    )


def _moments(places: Answer, terms: tuple[Term, ...]) -> tuple[MomentHit, ...]:
    """The passages with all the terms; where no passage has all, with any of them."""
    found = places.get("inner_hits", {}).get(MOMENTS, {}).get("hits", {}).get("hits", [])
    best = [one for one in found if one["_score"] >= len(terms)] or found
    passages = []
    for one in best:
        text = highlights.whole(one.get("highlight", {}), (MOMENT_TEXT, *STEMMED_MOMENT_TEXT))
        if text is not None:
            passages.append(Passage(text, one["_source"]["language"], one["_source"]["cues"]))
    return best_moments(passages, terms)


def _completions(client: Elasticsearch, index: str, terms: tuple[Term, ...], limit: int, listed: Query) -> list[str]:
    """What was typed with its last word completed, the most frequent word first, where a listed video has them all."""
    *others, last = terms
    typed = parsing.fold(last.text)
    if not last.is_prefix or not typed.isalnum():
        return []
    has_words = match.all_of(others)["bool"]["filter"] if others else []
    answer = client.search(
        index=index,
        query={"bool": {"filter": [listed, *has_words, {"prefix": {"words": typed}}]}},
        aggs={
            "some": {
                "sampler": {"shard_size": _COMPLETED_VIDEOS},
                "aggs": {"words": {"terms": {"field": "words", "include": f"{typed}.+", "size": limit}}},
            }
        },
        size=0,
    )
    before = [f'"{term.text}"' if term.is_phrase else term.text for term in others]
    words = [bucket["key"] for bucket in answer["aggregations"]["some"]["words"]["buckets"]]
    return [" ".join([*before, word]) for word in words]
