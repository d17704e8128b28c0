"""The contract over SQLite FTS5, and what is its own: files, damage, forks, threads."""

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apps.search.backends.base import RebuildRunningError, SearchDocument, SearchUnavailableError
from apps.search.backends.sqlite import SqliteBackend, ranking
from tests.portal import wait_until
from tests.search.contract import SearchBackendContract
from tests.search.contract.asking import find, found
from tests.search.documents import make_document


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index" / "search.sqlite3"


@pytest.fixture
def backend(path: Path) -> SqliteBackend:
    return SqliteBackend(path)


class TestSqlite(SearchBackendContract):
    pass


def test_it_makes_a_missing_index_and_says_that_it_is_incomplete(
    backend: SqliteBackend, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert find(backend, "word").total == 0
    assert f"{path} is missing" in caplog.text
    assert "rebuild_search_index" in caplog.text
    assert backend.is_incomplete()
    backend.mark_complete()
    assert not backend.is_incomplete()
    assert not SqliteBackend(path).is_incomplete()


@pytest.mark.parametrize("rubbish", [b"", b"rubbish" * 10_000], ids=["empty", "rubbish"])
def test_it_begins_anew_over_a_damaged_file(path: Path, rubbish: bytes) -> None:
    in_another_process = SqliteBackend(path)
    in_another_process.index([make_document("word") for _ in range(50)])
    in_another_process.mark_complete()
    path.resolve().write_bytes(rubbish)
    backend = SqliteBackend(path)
    assert find(backend, "word").total == 0
    assert backend.is_incomplete()
    document = make_document("word")
    in_another_process.index([document])
    assert found(backend, "word") == found(in_another_process, "word") == [document.video_id]


def test_it_begins_anew_where_a_page_inside_is_damaged(backend: SqliteBackend, path: Path) -> None:
    backend.rebuild([make_document("word") for _ in range(300)], version=1)
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.resolve().write_bytes(content)
    fresh = SqliteBackend(path)
    assert find(fresh, "word").total == 0
    assert fresh.is_incomplete()
    fresh.index([make_document("word")])
    assert find(fresh, "word").total == 1


@pytest.mark.parametrize("kept_bytes", [50, 4_096, 5_000, 40_000])
def test_it_begins_anew_over_a_file_that_was_cut_off(backend: SqliteBackend, path: Path, kept_bytes: int) -> None:
    backend.rebuild([make_document("word", title=f"word {number}") for number in range(300)], version=1)
    with path.open("rb+") as file:
        file.truncate(kept_bytes)
    fresh = SqliteBackend(path)
    fresh.index([make_document("word")])
    assert find(fresh, "word").total == 1
    assert fresh.is_incomplete()


def test_it_notices_that_its_file_was_deleted(backend: SqliteBackend, path: Path) -> None:
    backend.index([make_document("word")])
    path.unlink()
    assert find(backend, "word").total == 0
    assert backend.is_incomplete()


def test_it_takes_the_place_of_a_file_that_is_no_index(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"")
    backend = SqliteBackend(path)
    backend.index([make_document("word")])
    assert path.is_symlink()
    assert find(SqliteBackend(path), "word").total == 1


def test_it_says_what_to_do_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(SearchUnavailableError, match="SEARCH_SQLITE_PATH"):
        SqliteBackend(tmp_path / "file" / "search.sqlite3").count()


def test_it_leaves_no_file_behind(backend: SqliteBackend, path: Path) -> None:
    stray = path.with_name(f"{path.name}.0123abcd-wal")
    for _ in range(3):
        backend.rebuild([make_document("word")], version=1)
        stray.write_bytes(b"of a rebuild that was killed")
    backend.rebuild([make_document("word")], version=1)
    current = path.resolve().name
    names = {file.name for file in path.parent.iterdir() if not file.name.startswith(current)}
    assert names == {path.name, f"{path.name}.write-lock", f"{path.name}.rebuild-lock"}


def test_it_refuses_a_second_rebuild(backend: SqliteBackend) -> None:
    def documents() -> Iterator[SearchDocument]:
        with pytest.raises(RebuildRunningError):
            backend.rebuild([], version=1)
        yield make_document("word")

    assert backend.rebuild(documents(), version=1) == 1


def test_it_is_read_and_written_from_threads_while_it_is_rebuilt_again_and_again(backend: SqliteBackend) -> None:
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
            time.sleep(0.002)

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        writer = pool.submit(write)
        try:
            for _ in range(5):
                backend.rebuild(documents, version=1)
        finally:
            is_over.set()
        writer.result()
        assert all(reader.result() > 0 for reader in readers)
    assert find(backend, "other").total == len(written) > 0


def test_it_works_on_both_sides_of_a_fork(backend: SqliteBackend) -> None:
    backend.index([make_document("before")])
    child = os.fork()
    if child == 0:
        status = 1
        try:
            backend.index([make_document("child")])
            status = 0 if find(backend, "before").total == 1 else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    backend.index([make_document("parent")])
    assert [find(backend, text).total for text in ("before", "child", "parent")] == [1, 1, 1]


def test_it_keeps_what_a_killed_writer_had_committed(backend: SqliteBackend) -> None:
    child = os.fork()
    if child == 0:
        while True:
            backend.index([make_document("word")])
    wait_until(lambda: find(backend, "word").total > 3, within_s=30, what="some documents written")
    os.kill(child, 9)
    os.waitpid(child, 0)
    before = find(backend, "word").total
    assert before > 0
    backend.index([make_document("word")])
    assert find(backend, "word").total == before + 1


# --- common words ---


def test_it_ranks_many_matches_by_the_words_that_fewer_videos_have(
    backend: SqliteBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking, "FEW", 2)
    titled = make_document("the speech", title="The turbines")
    often = make_document("the turbines and the turbines and the turbines")
    once = make_document("the turbines, then the other things of this world")
    others = [make_document("the speech") for _ in range(7)]
    backend.index([once, *others, often, titled])
    assert found(backend, "the turbines") == [titled.video_id, often.video_id, once.video_id]
    results = find(backend, "turbines zzzz the qqqq")
    assert results.total == 10
    assert [hit.video_id for hit in results.hits[:3]] == [titled.video_id, often.video_id, once.video_id]


def test_it_ranks_words_that_most_videos_have_by_field_then_by_date(
    backend: SqliteBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking, "FEW", 2)
    days = [datetime(2026, 1, day, tzinfo=UTC) for day in range(1, 7)]
    said = [make_document("what is said", created_at=day) for day in days[2:]]
    described = make_document("nothing", description="What is written", created_at=days[1])
    titled = make_document("nothing", title="What it is", created_at=days[0])
    backend.index([*said, described, titled])
    wanted = [titled.video_id, described.video_id, *(document.video_id for document in reversed(said))]
    assert found(backend, "what is") == wanted
    pages = [found(backend, "what is", page=page, page_size=2) for page in (1, 2, 3)]
    assert [video_id for page in pages for video_id in page] == wanted


def test_it_forgets_the_words_that_no_video_has_any_more(backend: SqliteBackend, path: Path) -> None:
    kept, gone = make_document("green leaves"), make_document("green kaleidoscope", title="Leaflets")
    backend.index([kept, gone])
    backend.index([replace(gone, title="Leaves", version=2)])
    backend.delete([gone.video_id], version=3)
    with closing(sqlite3.connect(path)) as connection:
        words = {word for (word,) in connection.execute("SELECT word FROM words")}
        trigrams = connection.execute("SELECT count(*) FROM word_trigrams('kal')").fetchone()[0]
    assert words == {"green", "leaves", "talk"}
    assert trigrams == 0
