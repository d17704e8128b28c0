"""Which videos are found, and in which order."""

from __future__ import annotations

import html
import unicodedata
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from apps.search.backends.base import MAX_MOMENTS_PER_HIT, Hit, SearchBackend, SearchDocument, Sort, Viewer
from apps.search.backends.terms import clean
from tests.search.contract.asking import ANYBODY, find, found
from tests.search.documents import make_document

AWKWARD_TEXTS = (
    "c++", "a-b", '"', '""', '"a', 'a"b', "'", "\x00", "a\x00b", "a " * 5_000, "x" * 10_000, "😀",
    "👩‍👩‍👧 family", "?!.,;:",
    "שלום עולם", "\u202eabc", "AND", "OR NOT", "NEAR(a b, 3)", "title:a", "{title}: a", "a*", "*", "^a", "a AND", "(((",
    "\ud800", "é", "e\u0301", "日本語", "-a", "+a +b", "a OR b", "\\",
    "%", "_", "<mark>", "&amp;", "\x02a\x03", "½", "a\u200bb",
)  # fmt: skip


# The fixtures are made for each test, not each example; and every backend inherits the same test.
INHERITED = [HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]


def assert_shown(hit: Hit, document: SearchDocument) -> None:
    """What the hit shows is escaped, stands in the video, and is said when the moment says."""
    said = [" ".join(clean(moment.text) for moment in document.moments)]
    sources = [
        (hit.title_html, [clean(document.title)]),
        (hit.snippet_html, [clean(document.description)]),
        *((moment.html, said) for moment in hit.moments),
    ]
    for shown, texts in sources:
        bare = shown.replace("<mark>", "").replace("</mark>", "")
        assert not set("<>\"'") & set(bare)
        assert shown.count("<mark>") == shown.count("</mark>")
        for part in composed(clean(html.unescape(bare))).split("…"):
            assert any(part.strip() in composed(text) for text in texts), part[:80]
    starts = {cue.start_ms for moment in document.moments for cue in moment.cues}
    assert {moment.start_ms for moment in hit.moments} <= starts
    assert len(hit.moments) <= MAX_MOMENTS_PER_HIT


def composed(text: str) -> str:
    """An engine may show é for e and its accent: what people read is the same."""
    return unicodedata.normalize("NFC", text)


class FindingContract:
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

    def test_it_takes_letters_of_romanian_however_they_are_typed(self, backend: SearchBackend) -> None:
        """With a comma, with a cedilla as old keyboards write it, or with neither."""
        comma = make_document("șapte mașini și o țară", title="Învățăm împreună")
        cedilla = make_document("şapte maşini şi o ţară", title="Învăţăm împreună")
        backend.index([comma, cedilla, make_document("nothing of it")])
        for text in ("sapte masini", "șapte mașini", "şapte maşini", "SAPTE TARA", "țară", '"mașini si o"', "invatam"):
            results = find(backend, text)
            assert {hit.video_id for hit in results.hits} == {comma.video_id, cedilla.video_id}, text
            assert not results.is_relaxed, text
        moments = [hit.moments[0].html for hit in find(backend, "masini").hits]
        assert sorted(moments) == sorted(["șapte <mark>mașini</mark> și o țară", "şapte <mark>maşini</mark> şi o ţară"])

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

    def test_a_last_word_stands_for_itself_among_videos_with_some_of_the_words(self, backend: SearchBackend) -> None:
        whole, longer = make_document("they win"), make_document("windows winding, windy winches")
        backend.index([whole, longer])
        assert [hit.video_id for hit in find(backend, "sourdough win").hits] == [whole.video_id]
        assert {hit.video_id for hit in find(backend, "sourdough wind").hits} == {longer.video_id}

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

    # --- typos ---

    def test_it_finds_a_word_with_a_typo_where_nothing_has_it_as_typed(self, backend: SearchBackend) -> None:
        document = make_document("photosynthesis in green leaves", description="Sport and its words")
        backend.index([document, make_document("something else")])
        typos = {
            "photosyntesis": "photosynthesis", "Fotosynthesis": "", "photosynthesis leavse": "photosynthesis leaves",
            "green fotosyntesis": "", "grene LAEVES": "green leaves", "spprt": "sport", "wrods": "words",
            "photosynthesis 2o23": "", "gren": "green",
        }  # fmt: skip
        for typo, meant in typos.items():
            results = find(backend, typo)
            assert results.did_you_mean == meant, typo
            if meant:
                assert [hit.video_id for hit in results.hits] == [document.video_id], typo
                assert results.is_relaxed
        assert "<mark>green</mark>" in find(backend, "grene").hits[0].moments[0].html
        backend.index([exact := make_document("photosyntesis, as some write it")])
        results = find(backend, "photosyntesis")
        assert [hit.video_id for hit in results.hits] == [exact.video_id]
        assert (results.is_relaxed, results.did_you_mean) == (False, "")

    def test_it_corrects_to_words_that_are_found_together(self, backend: SearchBackend) -> None:
        backend.index([wanted := make_document("a loaf of bread"), *(make_document("a new breed") for _ in range(3))])
        assert find(backend, "bredd").did_you_mean == "breed"  # which is in more videos
        assert find(backend, "loaf bredd").did_you_mean == "loaf bread"
        assert found(backend, "loaf bredd") == [wanted.video_id]

    def test_it_corrects_a_phrase_only_in_what_it_offers(self, backend: SearchBackend) -> None:
        backend.index([make_document("the budget of the year")])
        results = find(backend, '"bugdet of"')
        assert (results.total, results.did_you_mean) == (0, '"budget of"')

    def test_it_takes_another_number_for_another_thing(self, backend: SearchBackend) -> None:
        backend.index([make_document("the budget of 20231 was large")])
        results = find(backend, "20234")
        assert (results.total, results.did_you_mean) == (0, "")

    def test_it_corrects_to_words_that_the_viewer_may_find_alone(self, backend: SearchBackend) -> None:
        owner = uuid.uuid4()
        private = make_document("kaleidoscope", owner_id=owner, is_listed=False)
        stale = make_document("photosynthesis")
        backend.index([private, stale, make_document("nothing of it")])
        for viewer in (ANYBODY, Viewer(uuid.uuid4())):
            assert find(backend, "kaleidoscpoe", viewer) == find(backend, "qqqqqqqqqqqq", viewer)
        assert find(backend, "kaleidoscpoe", Viewer(owner)).did_you_mean == "kaleidoscope"
        hidden = frozenset({stale.video_id})
        assert find(backend, "photosyntesis", Viewer(hidden=hidden)).did_you_mean == ""
        backend.index([replace(stale, is_listed=False, version=2)])
        assert find(backend, "photosyntesis").did_you_mean == ""
        backend.index([replace(private, is_listed=True, version=2)])
        assert find(backend, "kaleidoscpoe").did_you_mean == "kaleidoscope"
        backend.delete([private.video_id], version=3)
        assert find(backend, "kaleidoscpoe").did_you_mean == ""

    # --- what people type ---

    @pytest.mark.parametrize("text", AWKWARD_TEXTS, ids=lambda text: ascii(text[:12]))
    def test_it_takes_any_text(self, backend: SearchBackend, text: str) -> None:
        """In a video, where its other words are found and shown as they are; and in a query, beside such a word."""
        plain = make_document("some words", title="Plain")
        odd = make_document(
            f"quokka {text} numbat", title=f"Bandicoot {text}", description=f"{text} bilby", tags=(text, "potoroo")
        )
        assert backend.index([plain, odd]) == {}
        for word in ("quokka", "numbat", "bandicoot", "bilby", "potoroo"):
            results = find(backend, word)
            assert [hit.video_id for hit in results.hits] == [odd.video_id], word
            assert_shown(results.hits[0], odd)
        assert "<mark>quokka</mark>" in find(backend, "quokka").hits[0].moments[0].html
        assert {one.text for one in backend.suggest("quok", limit=5)} == {"quokka"}
        mixed = find(backend, f"quokka {text}")
        assert mixed.hits[0].video_id == odd.video_id
        for results in (mixed, find(backend, text)):
            assert results.total == len(results.hits)
            for hit in results.hits:
                assert_shown(hit, {plain.video_id: plain, odd.video_id: odd}[hit.video_id])
        suggestions = backend.suggest(text, limit=5)
        assert len(suggestions) <= 5
        assert {one.video_id for one in suggestions} <= {None, plain.video_id, odd.video_id}

    @settings(max_examples=150, deadline=None, suppress_health_check=INHERITED)
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

    @settings(max_examples=80, deadline=None, suppress_health_check=INHERITED)
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

    def test_it_pages_deep_in_every_order(self, backend: SearchBackend) -> None:
        """Many are equal: by what they say, by length and by date."""
        day = datetime(2026, 1, 1, tzinfo=UTC)
        documents = [
            make_document("same words", created_at=day + timedelta(days=place % 3), duration_ms=1_000 * (place % 5))
            for place in range(420)
        ]
        backend.index(documents)
        for sort in Sort:
            pages = [find(backend, "words", page=page, page_size=20, sort=sort) for page in range(1, 23)]
            assert [len(page.hits) for page in pages] == [20] * 21 + [0]
            assert {page.total for page in pages} == {420}
            assert {hit.video_id for page in pages for hit in page.hits} == {one.video_id for one in documents}, sort
