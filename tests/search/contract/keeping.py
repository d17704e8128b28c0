"""What an engine keeps of documents that come, go, and come too late."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest

from apps.search.backends.base import SearchBackend
from tests.search.contract.asking import find, found
from tests.search.documents import OWNER_ID, make_document


class KeepingContract:
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
