"""What is said of the videos found, and to whom: facets, moments, suggestions."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from apps.search.backends.base import SearchBackend, Viewer
from tests.search.contract.asking import ANYBODY, find, found
from tests.search.documents import make_document


class AnsweringContract:
    # --- filters and facets ---

    def test_it_filters(self, backend: SearchBackend) -> None:
        sport = make_document(
            "word", topic_label="sport", topic_name="Sport", languages=("en", "de"), duration_ms=600_000
        )
        plain = make_document(title="word", duration_ms=60_000, created_at=datetime(2026, 3, 5, 23, 30, tzinfo=UTC))
        backend.index([sport, plain])
        only_sport: list[dict[str, Any]] = [
            {"topic": "sport"}, {"language": "de"}, {"min_duration_ms": 600_000}, {"has_captions": True},
            {"to_date": date(2026, 3, 1)},
        ]  # fmt: skip
        only_plain: list[dict[str, Any]] = [
            {"max_duration_ms": 60_000}, {"has_captions": False}, {"from_date": date(2026, 3, 5)},
            {"from_date": date(2026, 3, 6), "time_zone": timezone(timedelta(hours=1))},
        ]  # fmt: skip
        for text in ("word", ""):
            for filters in only_sport:
                assert found(backend, text, **filters) == [sport.video_id], filters
            for filters in only_plain:
                assert found(backend, text, **filters) == [plain.video_id], filters
            assert found(backend, text, topic="sport", max_duration_ms=1) == []
            assert found(backend, text, from_date=date.min, to_date=date.max) != []

    def test_it_counts_facets_as_if_their_own_filter_were_off(self, backend: SearchBackend) -> None:
        topics = [("sport", "Sport")] * 3 + [("tech", "Tech")] * 2 + [("", "")]
        backend.index(
            [
                make_document("word", topic_label=label, topic_name=name, languages=("de",) if name else ("en",))
                for label, name in topics
            ]
        )
        results = find(backend, "word", topic="tech")
        assert results.total == 2
        assert [(one.value, one.label, one.count) for one in results.topics] == [
            ("sport", "Sport", 3),
            ("tech", "Tech", 2),
        ]
        assert [(one.value, one.count) for one in results.languages] == [("de", 2)]

    # --- visibility ---

    def test_it_counts_only_what_the_viewer_may_find(self, backend: SearchBackend) -> None:
        mine, other = uuid.uuid4(), uuid.uuid4()
        listed = make_document("secret", topic_label="sport", topic_name="Sport")
        unlisted = make_document("secret", is_listed=False, owner_id=mine, topic_label="tech", topic_name="Tech")
        backend.index([listed, unlisted])
        for text in ("secret", ""):
            for viewer in (ANYBODY, Viewer(other)):
                results = find(backend, text, viewer)
                assert (results.total, [hit.video_id for hit in results.hits]) == (1, [listed.video_id])
                assert [one.value for one in results.topics] == ["sport"]
            own = find(backend, text, Viewer(mine))
            assert own.total == 2
            assert {one.value for one in own.topics} == {"sport", "tech"}

    def test_it_follows_a_change_of_visibility(self, backend: SearchBackend) -> None:
        owner = uuid.uuid4()
        video = make_document("a secret", title="Secret", owner_id=owner, topic_label="sport", topic_name="Sport")
        backend.index([video, make_document("nothing of it")])
        for version, is_listed in ((2, False), (3, True), (4, False)):
            backend.index([replace(video, is_listed=is_listed, version=version)])
            for viewer in (ANYBODY, Viewer(uuid.uuid4())):
                results = find(backend, "secret", viewer)
                assert (results.total, len(results.topics)) == (int(is_listed), int(is_listed))
            own = find(backend, "secret", Viewer(owner)).hits
            assert [(hit.video_id, hit.moments[0].html) for hit in own] == [(video.video_id, "a <mark>secret</mark>")]

    def test_it_leaves_out_what_is_hidden(self, backend: SearchBackend) -> None:
        documents = [make_document("secret", topic_label="sport", topic_name="Sport") for _ in range(2)]
        backend.index(documents)
        results = find(backend, "secret", Viewer(None, frozenset({documents[0].video_id})))
        assert (results.total, results.topics[0].count) == (1, 1)

    # --- moments ---

    def test_it_links_to_the_cue_in_which_the_match_begins(self, backend: SearchBackend) -> None:
        cues = [f"filler number {place} of many words here" for place in range(60)]
        cues[37] += " then the avalanche came"
        backend.index([make_document(*cues)])
        [moment] = find(backend, "avalanche").hits[0].moments
        assert (moment.start_ms, moment.end_ms) == (74_000, 76_000)
        assert moment.html.startswith("filler number 37 of many words here then the <mark>avalanche</mark> came")

    def test_it_gives_five_moments_at_most_and_none_twice(self, backend: SearchBackend) -> None:
        backend.index([make_document(*["say the word again"] * 200)])
        moments = find(backend, "word").hits[0].moments
        assert len(moments) == 5
        assert len({moment.start_ms for moment in moments}) == 5

    def test_it_puts_the_moment_with_all_the_words_first(self, backend: SearchBackend) -> None:
        filler = ["filler of other words, quite many of them"] * 20
        backend.index([make_document("solar panels", *filler, "an eclipse", *filler, "the solar eclipse", *filler)])
        assert find(backend, "solar eclipse").hits[0].moments[0].start_ms == 2_000 * 42

    def test_it_gives_moments_for_words_that_never_stand_together(self, backend: SearchBackend) -> None:
        filler = ["filler of other words, quite many of them"] * 20
        backend.index([make_document("solar", *filler, "eclipse")])
        assert {moment.start_ms for moment in find(backend, "solar eclipse").hits[0].moments} == {0, 42_000}

    def test_it_escapes_what_people_wrote(self, backend: SearchBackend) -> None:
        evil = '<script>alert("x")</script> <mark>word</mark> & \x02word\x03'
        backend.index([make_document(evil, title=evil, description=evil)])
        hit = find(backend, "word").hits[0]
        for html in (hit.title_html, hit.snippet_html, hit.moments[0].html):
            assert html.startswith(
                "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &lt;mark&gt;<mark>word</mark>&lt;/mark&gt;"
            )
            assert html.replace("<mark>", "").replace("</mark>", "").count("<") == 0

    # --- suggestions ---

    def test_it_suggests_titles_and_words_of_listed_videos_alone(self, backend: SearchBackend) -> None:
        listed = make_document("photovoltaic cells", title="Photosynthesis")
        private = make_document("photographs of phobias", title="Photo album", is_listed=False)
        backend.index([listed, private])
        suggestions = backend.suggest("pho", limit=8)
        assert {one.text for one in suggestions} == {"Photosynthesis", "photosynthesis", "photovoltaic"}
        assert {one.video_id for one in suggestions} == {None, listed.video_id}
        assert {one.text for one in backend.suggest("cells pho", limit=8)} == {
            "cells photosynthesis",
            "cells photovoltaic",
        }
        assert backend.suggest("pho", limit=8, hidden=frozenset({listed.video_id})) == []

    def test_it_suggests_the_words_that_a_changed_video_keeps(self, backend: SearchBackend) -> None:
        document = make_document("kaleidoscope", title="A lantern")
        backend.index([document])
        backend.index([replace(document, transcript="kaleidoscope zoetrope", version=2)])
        backend.index([replace(document, transcript="kaleidoscope zoetrope", topic_name="Optics", version=3)])
        for prefix, word in (("kal", "kaleidoscope"), ("zoe", "zoetrope"), ("opt", "optics")):
            assert word in {one.text for one in backend.suggest(prefix, limit=8)}

    def test_it_forgets_the_words_of_a_video_that_was_taken_back(self, backend: SearchBackend) -> None:
        document = make_document("kaleidoscope", title="A kaleidoscope")
        backend.index([document])
        assert backend.suggest("kal", limit=8)
        backend.index([replace(document, is_listed=False, version=2)])
        assert backend.suggest("kal", limit=8) == []
        backend.index([replace(document, version=3)])
        assert backend.suggest("kal", limit=8)
        backend.delete([document.video_id], version=4)
        assert backend.suggest("kal", limit=8) == []
