"""The contract over a real Elasticsearch, and what is its own: languages, typos, generations, outages."""

from __future__ import annotations

import http.server
import os
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from apps.search.backends.base import RebuildRunningError, SearchDocument, SearchUnavailableError
from apps.search.backends.elasticsearch import ElasticsearchBackend, ElasticsearchOptions, writing
from apps.search.backends.elasticsearch.generations import Generation, Generations
from apps.search.documents import source_of
from apps.search.passages import moments_from_cues
from tests.search.contract import SearchBackendContract
from tests.search.contract.asking import find, found
from tests.search.documents import make_document
from tests.search.elasticsearch import elasticsearch_url, fresh_prefix, remove_indices
from tests.search.outage import Way


@pytest.fixture
def options() -> Iterator[ElasticsearchOptions]:
    options = ElasticsearchOptions(urls=(elasticsearch_url(),), index_prefix=fresh_prefix())
    yield options
    remove_indices(options.index_prefix)


@pytest.fixture
def backend(options: ElasticsearchOptions) -> ElasticsearchBackend:
    return ElasticsearchBackend(options)


@pytest.fixture
def client(options: ElasticsearchOptions) -> Iterator[Elasticsearch]:
    with Elasticsearch(options.urls[0]) as client:
        yield client


class TestElasticsearch(SearchBackendContract):
    pass


# --- documents ---


def test_it_keeps_every_field_of_a_document(
    backend: ElasticsearchBackend, options: ElasticsearchOptions, client: Elasticsearch
) -> None:
    """Some pairs of client and library index empty documents, and say nothing."""
    document = make_document("said <once>", "said twice", title="Title", description="What it is", tags=("a", "b"))
    backend.index([document])
    kept = client.get(index=f"{options.index_prefix}-videos", id=str(document.video_id))["_source"]
    assert kept == source_of(document, has_analyzer=False)
    assert (kept["title"], kept["tags"], kept["transcript"]) == ("Title", ["a", "b"], "said <once> said twice")
    assert [moment["text"] for moment in kept["moments"]] == ["said <once> said twice"]


def test_it_takes_a_talk_of_a_whole_day(backend: ElasticsearchBackend) -> None:
    cues = [(2_000 * place, 2_000 * place + 2_000, f"this is sentence {place} of a day") for place in range(90_000)]
    document = make_document(moments=moments_from_cues(cues, "en"), transcript=" ".join(text for _, _, text in cues))
    assert len(document.moments) > 10_000  # the server's default
    assert backend.index([document]) == {}
    assert find(backend, '"sentence 80001"').hits[0].moments[0].start_ms == 160_002_000


def test_it_has_a_total_and_no_hits_beyond_its_window(backend: ElasticsearchBackend) -> None:
    backend.index([make_document("word")])
    results = find(backend, "word", page=1_000_000)
    assert (results.total, results.hits) == (1, ())


@pytest.mark.parametrize(
    "filters",
    [
        {"topic": "\ud800"}, {"language": "\x00" * 40_000}, {"topic": "x" * 40_000}, {"min_duration_ms": 10**30},
        {"max_duration_ms": 10**30}, {"text": "word \ud800"}, {"text": "a" * 400 + " word"},
    ],
)  # fmt: skip
def test_it_takes_any_filter(backend: ElasticsearchBackend, filters: dict[str, Any]) -> None:
    backend.index([make_document("word")])
    assert find(backend, **filters).total in (0, 1)


# --- words ---


def test_it_finds_other_forms_of_a_word_in_its_language(backend: ElasticsearchBackend) -> None:
    english = make_document("they were running through the cities")
    text = "mașinile electrice sunt scumpe"
    romanian = make_document(
        text, title="Un discurs", languages=("ro",), moments=moments_from_cues([(0, 2_000, text)], "ro")
    )
    backend.index([english, romanian])
    for words in ("runs city", "masini electrice", "mașină"):
        results = find(backend, words)
        wanted = english if words == "runs city" else romanian
        assert ([hit.video_id for hit in results.hits], results.is_relaxed) == ([wanted.video_id], False), words
    assert "<mark>running</mark> through the <mark>cities</mark>" in find(backend, "runs city").hits[0].moments[0].html
    # Words as they were said come first.
    exact = make_document("it runs")
    backend.index([exact])
    assert found(backend, "runs") == [exact.video_id, english.video_id]


def test_one_analyser_can_serve_all_languages(options: ElasticsearchOptions) -> None:
    backend = ElasticsearchBackend(replace(options, analyzer="german"))
    document = make_document("die Häuser der Stadt", languages=("de",))
    backend.index([document])
    assert found(backend, "Hauses") == [document.video_id]


def test_it_finds_synonyms_but_not_in_quotes(options: ElasticsearchOptions) -> None:
    backend = ElasticsearchBackend(replace(options, synonyms=("car, automobile", "tv => television set")))
    car, television = make_document("an old automobile"), make_document("a television set")
    backend.index([car, television])
    assert found(backend, "old car here") == found(backend, "old car") == [car.video_id]
    assert found(backend, "tv set") == [television.video_id]
    assert found(backend, '"old car"') == []


def test_it_says_which_synonyms_the_server_refuses(options: ElasticsearchOptions) -> None:
    backend = ElasticsearchBackend(replace(options, synonyms=("a => b => c",)))
    with pytest.raises(SearchUnavailableError, match="ELASTICSEARCH_SYNONYMS"):
        backend.index([make_document()])


# --- generations ---


def test_it_makes_a_missing_index_and_says_that_it_is_incomplete(
    backend: ElasticsearchBackend, options: ElasticsearchOptions, client: Elasticsearch
) -> None:
    assert find(backend, "word").total == 0
    assert backend.is_incomplete()
    backend.mark_complete()
    assert not backend.is_incomplete()
    backend.index([make_document("word")])
    [name] = client.indices.get(index=f"{options.index_prefix}-videos").body
    client.indices.delete(index=name)
    assert find(backend, "word").total == 0
    assert backend.is_incomplete()


def test_what_is_older_than_a_rebuild_comes_too_late(backend: ElasticsearchBackend) -> None:
    gone = make_document("gone", version=3)
    backend.rebuild([], version=5)
    assert backend.index([gone]) == {}
    assert backend.count() == 0
    backend.index([replace(gone, version=6)])
    assert backend.count() == 1


def test_it_leaves_no_index_behind(
    backend: ElasticsearchBackend, options: ElasticsearchOptions, client: Elasticsearch
) -> None:
    stray = f"{options.index_prefix}-videos-0badcafe"
    for _ in range(2):
        client.indices.create(index=stray)
        backend.rebuild([make_document("word")], version=1)
    assert len(client.indices.get(index=f"{options.index_prefix}-videos-*").body) == 1


def test_it_refuses_a_second_rebuild(backend: ElasticsearchBackend) -> None:
    def documents() -> Iterator[SearchDocument]:
        with pytest.raises(RebuildRunningError):
            backend.rebuild([], version=1)
        yield make_document("word")

    assert backend.rebuild(documents(), version=1) == 1
    assert backend.rebuild([], version=2) == 0


def test_it_refuses_documents_for_another_version_of_the_index(options: ElasticsearchOptions) -> None:
    former = ElasticsearchBackend(options)
    kept = make_document("word")
    former.index([kept])
    backend = ElasticsearchBackend(replace(options, synonyms=("car, automobile",)))
    for refuse in (backend.demand_current_schema, lambda: backend.index([make_document("car")])):
        with pytest.raises(SearchUnavailableError, match="rebuild_search_index"):
            refuse()
    assert found(backend, "word") == [kept.video_id]

    def documents() -> Iterator[SearchDocument]:
        yield make_document("car", version=5)
        former.index([make_document("word", version=6)])

    backend.rebuild(documents(), version=5)
    backend.demand_current_schema()
    assert find(backend, "automobile").total == 1
    assert backend.is_incomplete()  # what the other version wrote meanwhile has another shape: the outbox brings it


def test_a_rebuild_that_was_killed_over_a_frozen_index_holds_writers_up_for_a_while_only(
    backend: ElasticsearchBackend, options: ElasticsearchOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.index([make_document("before")])
    everything = backend._generations
    former, new = everything.current(), everything.make(floor=2)
    token = everything.freeze(former)
    monkeypatch.setattr(writing, "FREEZE_LIMIT_S", 0.3)
    late = make_document("late", version=3)
    assert backend.index([late]) == {}
    # It was not killed, only slow: what was written meanwhile must not be lost.
    with pytest.raises(SearchUnavailableError, match="rebuild_search_index again"):
        everything.install(new, former, token)
    assert found(backend, "late") == [late.video_id]


def test_what_is_written_while_indices_change_places_waits_for_the_new_one(
    backend: ElasticsearchBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.index([make_document("before")])
    late = make_document("late", version=6)
    install = Generations.install

    def slow(self: Generations, new: Generation, former: Generation, token: str) -> None:
        writes.append(pool.submit(backend.index, [late]))
        time.sleep(0.3)
        assert not writes[0].done()
        install(self, new, former, token)

    writes: list[Future[dict[uuid.UUID, str]]] = []
    monkeypatch.setattr(Generations, "install", slow)
    with ThreadPoolExecutor(1) as pool:
        backend.rebuild([], version=5)
        assert writes[0].result() == {}
    assert found(backend) == [late.video_id]


def test_a_write_never_makes_an_index(backend: ElasticsearchBackend, client: Elasticsearch) -> None:
    generation = backend._generations.current()
    client.indices.delete(index=generation.name)
    source = source_of(make_document("word"), has_analyzer=False)
    outcome = writing.bulk(backend._connection, generation, [source], refresh=True)
    assert outcome.put_off == {uuid.UUID(source["video_id"])}
    assert not client.indices.exists(index=f"{generation.name}*", allow_no_indices=False)


def test_it_is_read_and_written_from_threads_while_it_is_rebuilt_again_and_again(
    backend: ElasticsearchBackend,
) -> None:
    documents = [make_document("word", version=1) for _ in range(60)]
    backend.index(documents)
    is_over = threading.Event()
    written: list[object] = []

    def read() -> int:
        asked = 0
        while not is_over.is_set():
            assert find(backend, "word").total >= 60
            asked += 1
        return asked

    def write() -> None:
        version = 1_000
        while not is_over.is_set():
            version += 1
            document = make_document("other", version=version)
            assert backend.index([document]) == {}
            written.append(document.video_id)

    with ThreadPoolExecutor(3) as pool:
        reader, writer = pool.submit(read), pool.submit(write)
        try:
            for _ in range(4):
                backend.rebuild(documents, version=1)
        finally:
            is_over.set()
        writer.result()
        assert reader.result() > 0
    assert find(backend, "other").total == len(written) > 0


def test_it_works_on_both_sides_of_a_fork(backend: ElasticsearchBackend) -> None:
    backend.index([make_document("before")])
    child = os.fork()
    if child == 0:
        status = 1
        try:
            backend.index([make_document("child")])
            status = 0 if find(backend, "before").total == 1 else 2
        finally:
            os._exit(status)
    assert find(backend, "before").total == 1
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    backend.index([make_document("parent")])
    assert [find(backend, text).total for text in ("before", "child", "parent")] == [1, 1, 1]


# --- outages ---

ASKED: list[Any] = [
    lambda backend: backend.index([make_document()]),
    lambda backend: backend.delete([uuid.uuid4()], version=1),
    lambda backend: find(backend, "word"),
    lambda backend: backend.suggest("word", limit=3),
    lambda backend: backend.rebuild([], version=1),
    lambda backend: backend.count(),
    lambda backend: backend.is_incomplete(),
    lambda backend: backend.mark_complete(),
    lambda backend: backend.scan(None, 1),
    lambda backend: backend.demand_current_schema(),
]


@pytest.mark.parametrize("ask", ASKED)
def test_it_says_that_the_server_is_away_or_busy(options: ElasticsearchOptions, ask: Any) -> None:
    ElasticsearchBackend(options).index([make_document("word")])
    with Way(options.urls[0]) as way:
        address = way.url.replace("://", "://somebody:secret@")
        backend = ElasticsearchBackend(replace(options, urls=(address,)))
        way.close()
        with pytest.raises(SearchUnavailableError, match=f"at {way.url} does not answer") as failure:
            ask(backend)
        assert "ELASTICSEARCH_URL" in str(failure.value)
        assert "secret" not in str(failure.value)
        way.open()
        way.is_busy = True
        with pytest.raises(SearchUnavailableError, match="429"):
            ask(backend)
        way.is_busy = False
        assert backend.count() == 1


def test_it_says_when_something_else_answers(options: ElasticsearchOptions) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        backend = ElasticsearchBackend(replace(options, urls=(f"http://127.0.0.1:{server.server_port}",)))
        with pytest.raises(SearchUnavailableError, match="is no Elasticsearch: correct ELASTICSEARCH_URL"):
            backend.count()
        server.shutdown()
