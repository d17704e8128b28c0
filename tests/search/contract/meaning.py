"""What is found by what it means. An implementation inherits this, with an empty `backend` for vectors of `SPACE`.

No model is needed: a meaning is a direction, named by a number.
"""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from apps.search.backends import fusion
from apps.search.backends.base import (
    CueOffset,
    DocumentVectors,
    Meaning,
    Moment,
    SearchBackend,
    SearchDocument,
    SearchQuery,
    SearchResults,
    Sort,
    Viewer,
)
from tests.search.contract.asking import ANYBODY
from tests.search.documents import OWNER_ID, make_document

SPACE, DIMENSIONS = "tiny@1", 16
WEATHER, MUSIC, MONEY = 0, 1, 2


def direction(*parts: tuple[int, float]) -> np.ndarray:
    vector = np.zeros(DIMENSIONS)
    for axis, weight in parts:
        vector[axis] += weight
    return vector / np.linalg.norm(vector)


def towards(axis: int, similarity: float) -> bytes:
    """A vector whose cosine with the axis is that."""
    return direction((axis, similarity), (DIMENSIONS - 1, (1 - similarity**2) ** 0.5)).astype("<f2").tobytes()


def meaning(axis: int, cutoff: float = 0.4, space: str = SPACE) -> Meaning:
    return Meaning(space, direction((axis, 1.0)).astype("<f4").tobytes(), cutoff)


def meant(*moments: tuple[str, int, float], about: bytes = b"", **changes: Any) -> SearchDocument:
    """A video in whose moments, of ten seconds each, is said what means an axis so much."""
    made = tuple(
        Moment(text, "en", (CueOffset(0, 10_000 * place, 10_000 * place + 10_000),))
        for place, (text, _, _) in enumerate(moments)
    )
    vectors = DocumentVectors(SPACE, about, tuple(towards(axis, similarity) for _, axis, similarity in moments))
    text = " ".join(moment.text for moment in made)
    return replace(make_document(**changes), moments=made, transcript=text, vectors=vectors, has_captions=bool(made))


def ask(backend: SearchBackend, text: str, axis: int, viewer: Viewer = ANYBODY, **filters: Any) -> SearchResults:
    return backend.search(SearchQuery(text=text, **filters), viewer, meaning(axis))


def ids(results: SearchResults) -> list[uuid.UUID]:
    return [hit.video_id for hit in results.hits]


class MeaningContract:
    def test_a_query_in_other_words_finds_the_moment(self, backend: SearchBackend) -> None:
        video = meant(
            ("the bank lends", MONEY, 0.9), ("it will <rain> tomorrow", WEATHER, 0.8), ("clouds above", WEATHER, 0.7)
        )
        backend.index([video, meant(("a song", MUSIC, 0.9))])
        results = ask(backend, "forecast", WEATHER)
        assert (results.total, results.by_meaning, results.is_relaxed) == (1, 1, False)
        [hit] = results.hits
        assert (hit.video_id, hit.by_meaning) == (video.video_id, True)
        assert [(one.start_ms, one.end_ms, one.by_meaning) for one in hit.moments] == [
            (10_000, 20_000, True),
            (20_000, 30_000, True),
        ]
        assert hit.moments[0].html == "it will &lt;rain&gt; tomorrow"

    def test_what_is_written_of_a_video_has_a_meaning_too(self, backend: SearchBackend) -> None:
        video = meant(about=towards(WEATHER, 0.9), title="Clouds")
        backend.index([video])
        [hit] = ask(backend, "forecast", WEATHER).hits
        assert (hit.video_id, hit.moments, hit.title_html) == (video.video_id, (), "Clouds")

    def test_nothing_is_found_below_the_cutoff(self, backend: SearchBackend) -> None:
        backend.index([meant(("a song", MUSIC, 0.35))])
        results = ask(backend, "xqzzy", MUSIC)
        assert (results.total, results.hits, results.by_meaning) == (0, (), 0)

    def test_exact_words_come_first_and_meaning_follows(self, backend: SearchBackend) -> None:
        others = [meant(("a song", MUSIC, 0.99)) for _ in range(30)]
        named = [meant(("ondes martenot plays", MONEY, 0.9)) for _ in range(3)]
        backend.index([*others, *named])
        results = ask(backend, "martenot", MUSIC, page_size=50)
        assert set(ids(results)[:3]) == {video.video_id for video in named}
        assert (results.total, results.by_meaning) == (33, 30)
        assert [hit.by_meaning for hit in results.hits] == [False] * 3 + [True] * 30

    def test_what_has_the_words_and_means_it_comes_before_what_does_either(self, backend: SearchBackend) -> None:
        words = meant(("the rain", MONEY, 0.9), title="rain rain")
        both = meant(("the rain comes down on us", WEATHER, 0.9))
        sense = meant(("clouds", WEATHER, 0.95))
        backend.index([words, sense, both])
        assert ids(ask(backend, "rain", WEATHER)) == [both.video_id, words.video_id, sense.video_id]

    def test_quotes_ask_for_the_words_alone(self, backend: SearchBackend) -> None:
        said = meant(("a bird in the hand", MONEY, 0.9))
        backend.index([said, meant(("a song", MUSIC, 0.9))])
        assert ids(ask(backend, '"bird in the hand"', MUSIC)) == [said.video_id]
        assert ask(backend, '"bird in the bush"', MUSIC).total == 0

    def test_other_orders_and_no_query_know_no_meaning(self, backend: SearchBackend) -> None:
        word = meant(("the rain", MONEY, 0.9))
        backend.index([word, meant(("clouds", WEATHER, 0.9))])
        for sort in set(Sort) - {Sort.RELEVANCE}:
            assert ids(ask(backend, "rain", WEATHER, sort=sort)) == [word.video_id], sort
        assert ask(backend, "", WEATHER).total == 2
        assert ask(backend, "", WEATHER).by_meaning == 0

    def test_it_shows_a_passage_once_with_the_words_marked(self, backend: SearchBackend) -> None:
        backend.index([meant(("heavy rain", WEATHER, 0.9), ("clouds", WEATHER, 0.8))])
        [hit] = ask(backend, "rain", WEATHER).hits
        assert [(one.start_ms, one.by_meaning) for one in hit.moments] == [(0, False), (10_000, True)]
        assert hit.moments[0].html == "heavy <mark>rain</mark>"

    # --- who may find it ---

    def test_it_leaks_nothing(self, backend: SearchBackend) -> None:
        mine = uuid.uuid4()
        listed = meant(("clouds", WEATHER, 0.8), topic_label="sport", topic_name="Sport")
        private = meant(("clouds", WEATHER, 0.9), is_listed=False, owner_id=mine, topic_label="tech", topic_name="Tech")
        hidden = meant(("clouds", WEATHER, 0.9))
        backend.index([listed, private, hidden])
        gone = frozenset({hidden.video_id})
        for viewer in (Viewer(None, gone), Viewer(uuid.uuid4(), gone)):
            results = ask(backend, "forecast", WEATHER, viewer)
            assert (ids(results), results.total, results.by_meaning) == ([listed.video_id], 1, 1)
            assert [one.value for one in results.topics] == ["sport"]
            near = backend.nearest(meaning(WEATHER), viewer, limit=9)
            assert [one.video_id for one in near] == [listed.video_id]
        own = ask(backend, "forecast", WEATHER, Viewer(mine, gone))
        assert set(ids(own)) == {listed.video_id, private.video_id}
        assert set(ids(ask(backend, "forecast", WEATHER, Viewer(OWNER_ID)))) == {listed.video_id, hidden.video_id}

    def test_it_filters_and_counts_both_ways_of_finding_alike(self, backend: SearchBackend) -> None:
        word = meant(("the rain", MONEY, 0.9), topic_label="sport", topic_name="Sport", languages=("en",))
        sense = meant(("clouds", WEATHER, 0.9), topic_label="tech", topic_name="Tech", languages=("en", "de"))
        short = meant(("clouds", WEATHER, 0.9), duration_ms=5_000)
        backend.index([word, sense, short])
        results = ask(backend, "rain", WEATHER, min_duration_ms=10_000)
        assert (set(ids(results)), results.total) == ({word.video_id, sense.video_id}, 2)
        assert {(one.value, one.count) for one in results.topics} == {("sport", 1), ("tech", 1)}
        assert {(one.value, one.count) for one in results.languages} == {("en", 2), ("de", 1)}
        tech = ask(backend, "rain", WEATHER, topic="tech")
        assert (ids(tech), tech.total, tech.by_meaning) == ([sense.video_id], 1, 1)
        assert {(one.value, one.count) for one in tech.topics} == {("sport", 1), ("tech", 1)}
        sport = ask(backend, "rain", WEATHER, topic="sport")
        assert (ids(sport), sport.by_meaning) == ([word.video_id], 0)
        assert ids(ask(backend, "rain", WEATHER, language="de")) == [sense.video_id]

    # --- pages ---

    def test_it_pages_without_gaps_or_repeats(self, backend: SearchBackend, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(fusion, "WINDOW", 12)  # beyond it, what has the words follows in its own order
        words = [meant(("the rain " * (place + 1), MONEY, 0.9)) for place in range(25)]
        both = [meant(("rain falls and so on", WEATHER, 0.8)) for _ in range(3)]
        sense = [meant(("clouds", WEATHER, 0.9)) for _ in range(7)]
        backend.index([*words, *both, *sense])
        pages = [ask(backend, "rain", WEATHER, page=page, page_size=10) for page in (1, 2, 3, 4, 5)]
        assert [len(page.hits) for page in pages] == [10, 10, 10, 5, 0]
        assert {(page.total, page.by_meaning) for page in pages} == {(35, 7)}
        found = Counter(video_id for page in pages for video_id in ids(page))
        assert set(found) == {video.video_id for video in (*words, *both, *sense)}
        assert set(found.values()) == {1}
        assert ids(ask(backend, "rain", WEATHER, page=1, page_size=35)) == [one for page in pages for one in ids(page)]

    def test_it_adds_no_more_than_so_many(self, backend: SearchBackend) -> None:
        backend.index([meant(("clouds", WEATHER, 0.5 + place / 200)) for place in range(fusion.MOST + 15)])
        results = ask(backend, "forecast", WEATHER)
        assert (results.total, results.by_meaning) == (fusion.MOST, fusion.MOST)

    # --- what comes and goes ---

    def test_vectors_come_change_and_go_with_their_video(self, backend: SearchBackend) -> None:
        video = meant(("one", WEATHER, 0.9), ("two", MONEY, 0.9))
        backend.index([replace(video, vectors=None)])
        assert ask(backend, "forecast", WEATHER).total == 0
        backend.index([replace(video, version=2)])
        assert ask(backend, "forecast", WEATHER).hits[0].moments[0].start_ms == 0
        swapped = meant(("one", MUSIC, 0.9), ("two", WEATHER, 0.9))
        backend.index([replace(swapped, video_id=video.video_id, version=3)])
        assert [one.start_ms for one in ask(backend, "forecast", WEATHER).hits[0].moments] == [10_000]
        assert ask(backend, "interest", MONEY).total == 0
        backend.delete([video.video_id], version=4)
        assert ask(backend, "forecast", WEATHER).total == 0

    def test_vectors_of_another_space_are_not_compared(self, backend: SearchBackend) -> None:
        backend.index([meant(("clouds", WEATHER, 0.9))])
        other = meaning(WEATHER, space="other@2")
        assert backend.search(SearchQuery(text="forecast"), ANYBODY, other).total == 0
        assert backend.nearest(other, ANYBODY, limit=3) == []

    def test_a_rebuild_brings_vectors_and_what_changed_meanwhile(self, backend: SearchBackend) -> None:
        kept, changed = meant(("clouds", WEATHER, 0.9)), meant(("song", MUSIC, 0.9))
        backend.index([kept, changed])

        def documents() -> Any:
            for video in (kept, changed):
                yield replace(video, version=5)
            again = meant(("clouds", WEATHER, 0.7))
            backend.index([replace(again, video_id=changed.video_id, version=6)])

        backend.rebuild(documents(), version=5)
        assert ids(ask(backend, "forecast", WEATHER)) == [kept.video_id, changed.video_id]
        assert ask(backend, "melody", MUSIC).total == 0

    def test_the_fingerprint_is_of_vectors_too(self, backend: SearchBackend) -> None:
        video = meant(("clouds", WEATHER, 0.9), ("song", MUSIC, 0.9), about=towards(MONEY, 0.5))
        backend.index([video])
        [entry] = backend.scan(None, 9)
        assert entry.fingerprint == backend.fingerprint(video)
        assert video.vectors is not None
        for vectors in (
            None,
            replace(video.vectors, about=b""),
            replace(video.vectors, moments=(video.vectors.moments[0], b"")),
            replace(video.vectors, moments=video.vectors.moments[::-1]),
        ):
            assert backend.fingerprint(replace(video, vectors=vectors)) != entry.fingerprint

    # --- more like this ---

    def test_the_nearest_videos_come_in_order_and_without_some(self, backend: SearchBackend) -> None:
        near = [meant(("x", WEATHER, 0.5 + place / 10), ("y", WEATHER, 0.5)) for place in range(4)]
        backend.index([*near, meant(("song", MUSIC, 0.9))])
        found = backend.nearest(meaning(WEATHER), ANYBODY, limit=3)
        assert [one.video_id for one in found] == [video.video_id for video in near[:0:-1]]
        # An engine may keep 8 bits of a component.
        assert [one.similarity for one in found] == pytest.approx([0.8, 0.7, 0.6], abs=0.05)
        rest = backend.nearest(meaning(WEATHER), ANYBODY, limit=3, without=frozenset({near[3].video_id}))
        assert [one.video_id for one in rest] == [video.video_id for video in near[2::-1]]
