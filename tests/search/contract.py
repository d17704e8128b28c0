"""What every search engine must do. An implementation inherits this, with a fixture `backend` that is empty."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from apps.search.backends.base import SearchBackend, SearchQuery, SearchResults, Sort, Viewer
from tests.search.documents import OWNER_ID, make_document

ANYBODY = Viewer()

AWKWARD_TEXTS = (
    "c++", "a-b", '"', '""', '"a', 'a"b', "'", "\x00", "a\x00b", "a " * 5_000, "x" * 10_000, "😀",
    "👩‍👩‍👧 family", "?!.,;:",
    "שלום עולם", "\u202eabc", "AND", "OR NOT", "NEAR(a b, 3)", "title:a", "{title}: a", "a*", "*", "^a", "a AND", "(((",
    "\ud800", "é", "e\u0301", "日本語", "-a", "+a +b", "a OR b", "\\",
    "%", "_", "<mark>", "&amp;", "\x02a\x03", "½", "a\u200bb",
)  # fmt: skip


def find(backend: SearchBackend, text: str = "", viewer: Viewer = ANYBODY, **filters: Any) -> SearchResults:
    return backend.search(SearchQuery(text=text, **filters), viewer)


def found(backend: SearchBackend, text: str = "", viewer: Viewer = ANYBODY, **filters: Any) -> list[uuid.UUID]:
    return [hit.video_id for hit in find(backend, text, viewer, **filters).hits]


class SearchBackendContract:
    # --- what is found ---

    def test_it_finds_words_of_every_field(self, backend: SearchBackend) -> None:
        document = make_document(
            "we grow tomatoes", title="Gardening", description="For balconies", tags=("plants",), topic_name="Leisure"
        )
        backend.index([document, make_document("nothing of it")])
        for word in ("tomatoes", "gardening", "BALCONIES", "plants", "leisure"):
            assert found(backend, word) == [document.video_id], word

    def test_it_finds_words_that_lie_in_different_fields(self, backend: SearchBackend) -> None:
        document = make_document("the budget of the city", title="Kathleen speaks")
        backend.index([document, make_document(title="Kathleen sings")])
        assert found(backend, "kathleen budget") == [document.video_id]

    def test_it_ignores_case_and_diacritics(self, backend: SearchBackend) -> None:
        document = make_document("ça va au café")
        backend.index([document])
        for text in ("CAFE", "café", "cafe\u0301", "Ca Va"):
            assert found(backend, text) == [document.video_id], text

    def test_it_takes_the_last_word_as_a_beginning(self, backend: SearchBackend) -> None:
        document = make_document("volcanoes of iceland")
        backend.index([document])
        assert found(backend, "iceland volc") == [document.video_id]
        assert find(backend, "volc iceland").is_relaxed
        assert found(backend, "volc") == [document.video_id]
        assert found(backend, '"volc"') == []

    def test_it_finds_a_quoted_phrase_only_as_it_was_said(self, backend: SearchBackend) -> None:
        said = make_document("a bird in the hand is good")
        other = make_document("the hand in a bird")
        backend.index([said, other])
        assert found(backend, '"bird in the hand"') == [said.video_id]
        assert set(found(backend, "bird in the hand")) == {said.video_id, other.video_id}

    def test_it_finds_a_phrase_that_two_cues_share(self, backend: SearchBackend) -> None:
        cues = [f"filler number {place} of many words here" for place in range(40)]
        for place in range(1, 39):
            split = [*cues]
            split[place] += " ask not"
            split[place + 1] = "what your country " + split[place + 1]
            document = make_document(*split)
            backend.index([document])
            hit = find(backend, '"ask not what your country"').hits[0]
            assert [moment.start_ms for moment in hit.moments] == [2_000 * place], place
            assert "<mark>ask not what your country</mark>" in hit.moments[0].html
            backend.delete([document.video_id], version=2)

    def test_it_finds_some_of_the_words_where_no_video_has_all(self, backend: SearchBackend) -> None:
        document = make_document("sourdough bread")
        backend.index([document])
        results = find(backend, "how to bake sourdough")
        assert [hit.video_id for hit in results.hits] == [document.video_id]
        assert results.is_relaxed
        assert not find(backend, "sourdough bread").is_relaxed

    def test_it_never_does_without_a_phrase(self, backend: SearchBackend) -> None:
        backend.index([make_document("sourdough bread")])
        assert found(backend, '"bread sourdough" bread') == []

    # --- what people type ---

    @pytest.mark.parametrize("text", AWKWARD_TEXTS, ids=lambda text: ascii(text[:12]))
    def test_it_takes_any_text(self, backend: SearchBackend, text: str) -> None:
        backend.index([make_document("some words"), make_document(text, title=text, description=text, tags=(text,))])
        find(backend, text)
        backend.suggest(text, limit=5)

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.one_of(
            st.text(max_size=60),
            st.lists(
                st.sampled_from(['"', "a", "-", "*", "(", ")", " ", "AND", "NEAR", ":", "^", "+", "\x00", "{"])
            ).map("".join),
            st.text(st.characters(categories=["Cs", "Cc", "Mn", "So", "Lo"]), max_size=20),
        )
    )
    @example('NEAR("a')
    def test_it_never_fails_for_a_query(self, backend: SearchBackend, text: str) -> None:
        if not backend.count():
            backend.index(
                [make_document("a and b near a", title="a"), make_document("near words", description="b and a")]
            )
        results = find(backend, text)
        assert results.total == len(results.hits)
        backend.suggest(text, limit=5)

    @settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.from_regex(r"[a-z]{3,8}|<b>|&|<mark>|\"", fullmatch=True), min_size=1, max_size=12), st.data())
    def test_it_finds_what_it_was_told_and_shows_it_escaped(
        self, backend: SearchBackend, words: list[str], data: st.DataObject
    ) -> None:
        text = " ".join(words)
        document = make_document(text, title=text, description=text)
        assert backend.index([document]) == {}
        asked = data.draw(st.sampled_from(words))
        hits = {hit.video_id: hit for hit in find(backend, asked, page_size=1_000).hits}
        if asked.isalpha():
            hit = hits[document.video_id]
            assert "<mark>" in hit.title_html
            for html in (hit.title_html, hit.snippet_html, *(moment.html for moment in hit.moments)):
                assert not html.replace("<mark>", "").replace("</mark>", "").count("<")
        backend.delete([document.video_id], version=2)

    @pytest.mark.parametrize("text", ["?!", "😀", "\x00", '"'])
    def test_it_finds_nothing_for_what_has_no_word(self, backend: SearchBackend, text: str) -> None:
        backend.index([make_document("some words")])
        assert find(backend, text).total == 0

    def test_it_finds_everything_without_a_text(self, backend: SearchBackend) -> None:
        old = make_document(created_at=datetime(2020, 1, 1, tzinfo=UTC))
        new = make_document(description=" ".join(["word"] * 200))
        backend.index([old, new])
        assert found(backend) == [new.video_id, old.video_id]

    # --- order ---

    def test_it_ranks_by_field(self, backend: SearchBackend) -> None:
        fields: dict[str, dict[str, Any]] = {
            "title": {"title": "about turbines and more"},
            "tags": {"tags": ("turbines",)},
            "topic": {"topic_name": "turbines", "topic_label": "turbines"},
            "description": {"description": "about turbines and more"},
        }
        documents = {name: make_document(**changes) for name, changes in fields.items()}
        documents["transcript"] = make_document("about turbines and more")
        backend.index([*documents.values(), *(make_document("something else") for _ in range(10))])
        names = {document.video_id: name for name, document in documents.items()}
        assert [names[video_id] for video_id in found(backend, "turbines")] == list(documents)

    def test_it_ranks_a_title_over_a_word_said_often(self, backend: SearchBackend) -> None:
        titled = make_document("of other things", title="Inflation")
        said = make_document(*["inflation and more inflation"] * 50)
        backend.index([said, titled, *(make_document("something else") for _ in range(10))])
        assert found(backend, "inflation") == [titled.video_id, said.video_id]

    def test_it_ranks_words_that_stand_together_first(self, backend: SearchBackend) -> None:
        filler = ["filler of other words"] * 20
        apart = make_document("solar", *filler, "eclipse")
        together = make_document(*filler, "solar eclipse")
        backend.index([apart, together, *(make_document("something else") for _ in range(10))])
        assert found(backend, "solar eclipse") == [together.video_id, apart.video_id]

    def test_it_ranks_the_whole_word_over_a_longer_one(self, backend: SearchBackend) -> None:
        longer, whole = make_document(title="The article"), make_document(title="The art")
        backend.index([longer, whole, *(make_document("something else") for _ in range(10))])
        assert found(backend, "art") == [whole.video_id, longer.video_id]

    def test_it_sorts(self, backend: SearchBackend) -> None:
        day = datetime(2026, 1, 1, tzinfo=UTC)
        a = make_document("word", created_at=day, duration_ms=3_000)
        b = make_document("word", created_at=day + timedelta(days=1), duration_ms=1_000)
        c = make_document("word", created_at=day + timedelta(days=2), duration_ms=2_000)
        backend.index([a, b, c])
        expected = {Sort.NEWEST: [c, b, a], Sort.OLDEST: [a, b, c], Sort.LONGEST: [a, c, b], Sort.SHORTEST: [b, c, a]}
        for sort, documents in expected.items():
            assert found(backend, "word", sort=sort) == [document.video_id for document in documents], sort

    def test_it_pages_without_gaps_or_repeats(self, backend: SearchBackend) -> None:
        documents = [make_document("same words") for _ in range(25)]
        backend.index(documents)
        pages = [find(backend, "words", page=page, page_size=10) for page in (1, 2, 3, 4)]
        assert [len(page.hits) for page in pages] == [10, 10, 5, 0]
        assert {page.total for page in pages} == {25}
        assert len({hit.video_id for page in pages for hit in page.hits}) == 25

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

    # --- writes ---

    def test_it_replaces_a_document(self, backend: SearchBackend) -> None:
        document = make_document(*(f"number {place} before" for place in range(100)))
        backend.index([document])
        after = make_document(*(f"number {place} after" for place in range(30)))
        backend.index([replace(after, video_id=document.video_id, version=2)])
        assert found(backend, "before") == []
        assert find(backend, "29 after").hits[0].moments[0].start_ms == 58_000
        assert backend.count() == 1

    def test_it_never_lets_an_older_document_replace_a_newer_one(self, backend: SearchBackend) -> None:
        newer = make_document(title="newer", version=5)
        backend.index([newer])
        assert backend.index([replace(newer, title="older", version=4)]) == {}
        backend.delete([newer.video_id], version=4)
        assert found(backend, "newer") == [newer.video_id]

    def test_it_never_brings_back_what_was_deleted_later(self, backend: SearchBackend) -> None:
        document = make_document(title="gone", version=4)
        backend.index([document])
        backend.delete([document.video_id, uuid.uuid4()], version=5)
        backend.index([document])
        assert (found(backend, "gone"), backend.count()) == ([], 0)
        backend.index([replace(document, version=6)])
        assert found(backend, "gone") == [document.video_id]

    def test_it_keeps_the_others_when_one_document_cannot_be_written(self, backend: SearchBackend) -> None:
        good, bad = make_document(title="good"), make_document(title="bad", duration_ms=2**80)
        failures = backend.index([bad, good])
        assert list(failures) == [bad.video_id]
        assert failures[bad.video_id]
        assert found(backend, "good") == [good.video_id]

    # --- scanning ---

    def test_it_says_what_it_holds_in_the_order_of_ids(self, backend: SearchBackend) -> None:
        documents = [make_document(f"number {place}", title="é & e\u0301") for place in range(7)]
        backend.index(documents)
        backend.delete([documents[0].video_id, uuid.uuid4()], version=2)
        kept = sorted(documents[1:], key=lambda document: document.video_id)
        pages = [first := backend.scan(None, 4), second := backend.scan(first[-1].video_id, 4)]
        assert [one.video_id for page in pages for one in page] == [document.video_id for document in kept]
        assert [one.fingerprint for page in pages for one in page] == [backend.fingerprint(one) for one in kept]
        assert list(backend.scan(second[-1].video_id, 4)) == []

    def test_a_fingerprint_is_of_the_contents_alone(self, backend: SearchBackend) -> None:
        document = make_document("said", title="Title", tags=("one",))
        same = backend.fingerprint(document)
        assert backend.fingerprint(replace(document, version=9)) == same
        changes: list[dict[str, Any]] = [
            {"title": "Another"}, {"is_listed": False}, {"tags": ()}, {"duration_ms": 1}, {"languages": ("de",)},
            {"owner_id": uuid.uuid4()}, {"moments": make_document("sung").moments}, {"has_captions": False},
        ]  # fmt: skip
        assert same not in [backend.fingerprint(replace(document, **change)) for change in changes]

    # --- rebuilding ---

    def test_it_rebuilds(self, backend: SearchBackend) -> None:
        backend.index([make_document(title="orphan", version=1)])
        documents = [make_document("word", version=2) for _ in range(250)]
        told: list[int] = []
        assert backend.rebuild(iter(documents), version=2, progress=told.append) == 250
        assert told[-1] == 250
        assert (find(backend, "word").total, find(backend, "orphan").total) == (250, 0)

    def test_it_answers_from_the_former_index_until_the_new_one_is_whole(self, backend: SearchBackend) -> None:
        former = make_document(title="former")
        backend.index([former])

        def documents() -> Any:
            assert found(backend, "former") == [former.video_id]
            yield make_document(title="latter", version=2)
            assert found(backend, "former") == [former.video_id]
            assert found(backend, "latter") == []

        backend.rebuild(documents(), version=2)
        assert found(backend, "former") == []
        assert len(found(backend, "latter")) == 1

    def test_it_keeps_what_changed_during_a_rebuild(self, backend: SearchBackend) -> None:
        changed, deleted, kept = (make_document("word", title=title, version=1) for title in ("before", "lost", "kept"))
        backend.index([changed, deleted, kept])
        added = make_document("new word", title="added", version=7)

        def documents() -> Any:
            for document in (changed, deleted, kept):
                yield replace(document, version=5)
            backend.index([replace(changed, title="after", version=6), added])
            backend.delete([deleted.video_id], version=7)

        backend.rebuild(documents(), version=5)
        assert set(found(backend, "word")) == {changed.video_id, kept.video_id, added.video_id}
        assert found(backend, "after") == [changed.video_id]
        assert find(backend, "new word").hits[0].moments[0].html == "<mark>new</mark> <mark>word</mark>"
        assert backend.suggest("los", limit=5) == []

    def test_it_keeps_the_former_index_when_a_rebuild_fails(self, backend: SearchBackend) -> None:
        former = make_document(title="former")
        backend.index([former])

        def documents() -> Any:
            yield make_document(title="latter", version=2)
            raise RuntimeError("the database went away")

        with pytest.raises(RuntimeError):
            backend.rebuild(documents(), version=2)
        assert found(backend, "former") == [former.video_id]
        backend.rebuild([make_document(title="latter", version=3, owner_id=OWNER_ID)], version=3)
        assert len(found(backend, "latter")) == 1
