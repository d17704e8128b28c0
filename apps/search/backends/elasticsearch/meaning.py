"""What a query means, beside its words: the nearest passages, by the server's kNN search over `dense_vector` fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from elasticsearch import Elasticsearch

from apps.search.backends import fusion
from apps.search.backends.base import Meaning, MomentHit, NearVideo
from apps.search.backends.elasticsearch.fields import ABOUT_VECTOR, MOMENT_VECTOR, MOMENTS
from apps.search.backends.elasticsearch.match import Query
from apps.search.backends.marking import Passage
from apps.search.documents import components

# Of each segment of the index so many passages are looked at: a recall of 0.95 and more among the first ten.
_CANDIDATES = 300
# Added to the scores of what is ranked together, times its place from below: far above those of words, and so far apart
# that these change no order in the 24 bits of a score.
_STEP = 10_000.0


@dataclass(frozen=True)
class Near:
    """A video in which something means what was asked for."""

    video_id: str
    similarity: float
    topic_label: str
    languages: tuple[str, ...]
    moments: tuple[MomentHit, ...]


def nearest(
    client: Elasticsearch, index: str, meaning: Meaning, conditions: Sequence[Query], *, limit: int
) -> list[Near]:
    """The nearest first, at most `limit`. Two requests: passages, and what is written of videos."""
    vector = components(meaning.vector, "<f4")
    inner = {
        "size": fusion.MOMENTS_BY_MEANING,
        "_source": [f"{MOMENTS}.text", f"{MOMENTS}.language", f"{MOMENTS}.cues"],
    }
    best: dict[str, Near] = {}
    for field, more in ((MOMENT_VECTOR, {"inner_hits": inner}), (ABOUT_VECTOR, {})):
        answer = client.search(
            index=index,
            knn={
                "field": field,
                "query_vector": vector,
                "k": limit,
                "num_candidates": max(_CANDIDATES, limit),
                "similarity": meaning.cutoff,
                "filter": list(conditions),
                **more,
            },
            size=limit,
            source={"includes": ["topic_label", "languages"]},
            track_total_hits=False,
        )
        for hit in answer["hits"]["hits"]:
            near = _near(hit)
            known = best.setdefault(near.video_id, near)
            # Moments come with the first of the two searches alone.
            best[near.video_id] = replace(known, similarity=max(known.similarity, near.similarity))
    return sorted(best.values(), key=lambda near: (-near.similarity, near.video_id))[:limit]


def places(words: Sequence[str], near: Sequence[Near], *, has_all: bool) -> list[Query]:
    """Clauses that put what is ranked together before all else, in its order."""
    fused = list(fusion.fuse(words, [one.video_id for one in near], has_all=has_all))
    return [
        {"constant_score": {"filter": {"term": {"_id": video_id}}, "boost": _STEP * (len(fused) - place)}}
        for place, video_id in enumerate(fused)
    ]


def as_videos(near: Sequence[Near]) -> list[NearVideo]:
    return [NearVideo(UUID(one.video_id), one.similarity) for one in near]


def _near(hit: Mapping[str, Any]) -> Near:
    source = hit["_source"]
    inner = hit.get("inner_hits", {}).get(MOMENTS, {}).get("hits", {}).get("hits", [])
    passages = [Passage(one["_source"]["text"], one["_source"]["language"], one["_source"]["cues"]) for one in inner]
    return Near(
        video_id=hit["_id"],
        similarity=2 * float(hit["_score"]) - 1,
        topic_label=source.get("topic_label", ""),
        languages=tuple(source["languages"]),
        moments=tuple(fusion.moment_of(passage) for passage in passages),
    )
