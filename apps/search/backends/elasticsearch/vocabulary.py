"""The words of the index, as `apps.search.backends.spelling` asks for them. A request a method."""

from __future__ import annotations

from collections.abc import Sequence

from elasticsearch import Elasticsearch

from apps.search.backends.base import Viewer
from apps.search.backends.elasticsearch import match
from apps.search.backends.elasticsearch.match import Query
from apps.search.backends.terms import Term

_ALIKE = 20  # words, the nearest first
_WORDS = "words"


class ElasticsearchVocabulary:
    """A `spelling.Vocabulary` of what `viewer` may find."""

    def __init__(self, client: Elasticsearch, index: str, viewer: Viewer) -> None:
        self._client = client
        self._index = index
        self._viewer = viewer

    def near(self, words: Sequence[str]) -> dict[str, list[str]]:
        wanted = {"field": _WORDS, "suggest_mode": "always", "prefix_length": 1, "size": _ALIKE}
        answer = self._client.search(
            index=self._index,
            suggest={f"word-{place}": {"text": word, "term": wanted} for place, word in enumerate(words)},
            size=0,
        )
        return {
            word: [one["text"] for entry in answer["suggest"][f"word-{place}"] for one in entry["options"]]
            for place, word in enumerate(words)
        }

    def counts(self, groups: Sequence[Sequence[Term]]) -> list[int]:
        if not groups:
            return []
        answer = self._client.search(
            index=self._index,
            query=may_find(self._viewer),
            aggs={f"group-{place}": {"filter": match.all_of(group)} for place, group in enumerate(groups)},
            size=0,
        )
        return [int(answer["aggregations"][f"group-{place}"]["doc_count"]) for place in range(len(groups))]


def may_find(viewer: Viewer) -> Query:
    """No deleted video passes: it is neither listed nor anybody's."""
    ways: list[Query] = [{"term": {"is_listed": True}}]
    if viewer.user_id is not None:
        ways.append({"term": {"owner_id": str(viewer.user_id)}})
    hidden = sorted(str(video_id) for video_id in viewer.hidden)
    return {"bool": {"filter": [match.any_of(ways)], "must_not": [{"terms": {"video_id": hidden}}] if hidden else []}}
