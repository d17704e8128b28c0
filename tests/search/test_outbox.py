"""Notes become documents, once, whatever fails or is killed in between."""

from __future__ import annotations

import json
import os
import signal
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from apps.accounts.models import User
from apps.search import outbox
from apps.search.backends.base import SearchDocument, SearchQuery, SearchUnavailableError, Viewer
from apps.search.backends.sqlite import SqliteBackend
from apps.search.factory import backend
from apps.search.gathering import documents_of
from apps.search.models import IndexClock, OutboxEntry
from apps.videos.models import Video
from tests.factories import make_video
from tests.portal import Portal, wait_until
from tests.transcription.rows import make_transcript

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("index_path")]


class KilledError(BaseException):
    """Ends a drainer as a kill would: nothing handles it."""


@pytest.fixture
def at_index(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Has something happen while a drainer has built its documents, and the index has not been told yet."""

    def install(happening: Callable[[], None]) -> None:
        index = SqliteBackend.index
        is_first = True

        def patched(self: SqliteBackend, documents: Sequence[SearchDocument]) -> dict[uuid.UUID, str]:
            nonlocal is_first
            if is_first:
                is_first = False
                happening()
            return index(self, documents)

        monkeypatch.setattr(SqliteBackend, "index", patched)

    return install


def titles(text: str = "") -> list[str]:
    return sorted(hit.title_html for hit in backend().search(SearchQuery(text=text), Viewer()).hits)


def forget_lease() -> None:
    """As time passing would."""
    OutboxEntry.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))


# --- noting ---


def test_it_notes_in_the_transaction_of_the_change(owner: User) -> None:
    with transaction.atomic():
        make_video(owner)
        assert OutboxEntry.objects.exists()
        transaction.set_rollback(True)
    assert not OutboxEntry.objects.exists()


def test_it_wakes_the_worker_after_the_commit(
    owner: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    woken: list[bool] = []
    monkeypatch.setattr(outbox, "_waker", None)
    outbox.set_waker(lambda: woken.append(True))
    with django_capture_on_commit_callbacks(execute=True):
        make_video(owner)
        assert not woken
    assert woken


def test_it_saves_though_the_worker_cannot_be_woken(
    owner: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken() -> None:
        raise OSError("no broker")

    monkeypatch.setattr(outbox, "_waker", broken)
    with django_capture_on_commit_callbacks(execute=True):
        video = make_video(owner)
    assert Video.objects.filter(pk=video.pk).exists()
    assert "no broker" in caplog.text


# --- draining ---


def test_it_brings_the_index_in_step(owner: User) -> None:
    first, second = make_video(owner, title="first"), make_video(owner, title="second")
    make_transcript(first, "auto", "spoken words")
    assert outbox.drain() == 2
    assert (titles(), OutboxEntry.objects.count()) == (["first", "second"], 0)
    assert len(backend().search(SearchQuery(text="spoken"), Viewer()).hits[0].moments) == 1
    second.delete()
    first.title = "third"
    first.save()
    assert outbox.drain() == 2
    assert titles() == ["third"]
    assert outbox.drain() == 0


def test_it_works_once_for_many_notes(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    video = make_video(owner)
    for _ in range(30):
        outbox.note(video.pk)
    told: list[int] = []
    index = SqliteBackend.index

    def counting(self: SqliteBackend, documents: Sequence[SearchDocument]) -> dict[uuid.UUID, str]:
        told.append(len(documents))
        return index(self, documents)

    monkeypatch.setattr(SqliteBackend, "index", counting)
    assert outbox.drain() == 1
    assert told == [1]


def test_it_takes_the_oldest_first_and_no_more_than_it_may(owner: User) -> None:
    for number in range(5):
        make_video(owner, title=f"{number}")
    assert outbox.drain(limit=2) == 2
    assert titles() == ["0", "1"]
    assert outbox.drain() == 3


def test_it_does_the_work_again_after_a_kill_between_index_and_outbox(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_video(owner, title="once")

    def killed(*_: Any) -> None:
        raise KilledError

    monkeypatch.setattr(outbox, "_settle", killed)
    with pytest.raises(KilledError):
        outbox.drain()
    monkeypatch.undo()
    assert (titles(), OutboxEntry.objects.count()) == (["once"], 1)
    assert outbox.drain() == 0  # it is another's, as far as anybody knows
    forget_lease()
    assert outbox.drain() == 1
    assert (titles(), OutboxEntry.objects.count()) == (["once"], 0)


def test_it_gives_its_claim_back_when_it_is_interrupted(
    owner: User, at_index: Callable[[Callable[[], None]], None]
) -> None:
    make_video(owner, title="soon")

    def interrupted() -> None:
        raise KeyboardInterrupt

    at_index(interrupted)
    with pytest.raises(KeyboardInterrupt):
        outbox.drain()
    assert outbox.drain() == 1
    assert titles() == ["soon"]


def test_it_keeps_a_change_that_comes_while_it_works(
    owner: User, at_index: Callable[[Callable[[], None]], None]
) -> None:
    video = make_video(owner, title="before")

    def change() -> None:
        video.title = "after"
        video.save()

    at_index(change)
    assert outbox.drain() == 2  # the second time for the note that came
    assert titles() == ["after"]


def test_a_second_drainer_leaves_alone_what_the_first_works_at(
    owner: User, at_index: Callable[[Callable[[], None]], None]
) -> None:
    make_video(owner, title="of the first")
    done_by_second: list[int] = []

    def second() -> None:
        make_video(owner, title="of the second")
        done_by_second.append(outbox.drain())

    at_index(second)
    assert outbox.drain() == 1
    assert done_by_second == [1]
    assert titles() == ["of the first", "of the second"]


def test_a_drainer_that_lost_its_claim_does_not_undo_what_came_after(
    owner: User, at_index: Callable[[Callable[[], None]], None]
) -> None:
    changed, deleted = make_video(owner, title="old"), make_video(owner, title="deleted")

    def overtaken() -> None:
        """The first drainer stands still, so long that another takes over."""
        changed.title = "new"
        changed.save()
        deleted.delete()
        forget_lease()
        assert outbox.drain() == 2

    at_index(overtaken)
    outbox.drain()
    assert titles() == ["new"]
    assert not OutboxEntry.objects.exists()


def test_it_tries_a_failing_document_again_and_lets_the_others_pass(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = make_video(owner, title="bad"), make_video(owner, title="good")

    def failing(video_ids: Sequence[uuid.UUID], *, version: int) -> list[SearchDocument]:
        if bad.pk in video_ids:
            raise ValueError("cannot be read")
        return documents_of(video_ids, version=version)

    monkeypatch.setattr(outbox, "documents_of", failing)
    assert outbox.drain() == 1
    assert titles() == [good.title]
    entry = OutboxEntry.objects.get()
    assert (entry.video_id, entry.attempts, entry.error) == (bad.pk, 1, "ValueError: cannot be read")
    assert entry.not_before > timezone.now()
    assert outbox.drain() == 0
    OutboxEntry.objects.update(not_before=timezone.now())
    assert outbox.drain() == 0
    again = OutboxEntry.objects.get()
    assert again.attempts == 2
    assert again.not_before - timezone.now() > timedelta(seconds=15)
    monkeypatch.undo()
    bad.save()  # a change is a reason to try at once
    assert outbox.drain() == 1
    assert not OutboxEntry.objects.exists()


def test_it_keeps_the_error_of_a_document_that_the_index_refuses(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    video = make_video(owner)
    monkeypatch.setattr(SqliteBackend, "index", lambda self, documents: {video.pk: "too large"})
    assert outbox.drain() == 0
    assert OutboxEntry.objects.get().error == "too large"


def test_it_waits_for_an_index_that_is_away(owner: User, settings: Settings, index_path: Path) -> None:
    make_video(owner, title="late")
    (index_path.parent / "file").write_text("no folder")
    settings.SEARCH_SQLITE_PATH = index_path.parent / "file" / "search.sqlite3"
    assert outbox.drain() == 0
    assert OutboxEntry.objects.count() == 1
    settings.SEARCH_SQLITE_PATH = index_path
    assert outbox.drain() == 1
    assert titles() == ["late"]


def test_it_keeps_why_the_index_is_away(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    make_video(owner)

    def away(*_: object) -> None:
        raise SearchUnavailableError("the disk is full: make room")

    monkeypatch.setattr(SqliteBackend, "index", away)
    assert outbox.drain() == 0
    entry = OutboxEntry.objects.get()
    assert (entry.error, entry.attempts, entry.claim) == ("the disk is full: make room", 0, None)


def test_it_fills_an_index_that_was_lost(owner: User, index_path: Path) -> None:
    for number in range(3):
        make_video(owner, title=f"{number}")
    outbox.drain()
    index_path.unlink()
    assert titles() == []
    assert outbox.drain() == 3
    assert titles() == ["0", "1", "2"]
    assert not backend().is_incomplete()


def test_it_says_whether_it_is_behind(owner: User) -> None:
    make_video(owner)
    assert not outbox.is_catching_up()
    OutboxEntry.objects.update(noted_at=timezone.now() - timedelta(minutes=1))
    assert outbox.is_catching_up()
    OutboxEntry.objects.update(attempts=100)
    assert not outbox.is_catching_up()
    outbox.drain()
    assert not OutboxEntry.objects.exists()


def test_its_clock_only_goes_forward() -> None:
    assert [IndexClock.tick() for _ in range(3)] == [1, 2, 3]


# --- several processes ---

_CHANGE = """
import random, sys
from django.db import transaction
from apps.search.outbox import drain
from apps.videos.models import Video
random.seed(int({seed}))
ids = list(Video.objects.values_list("pk", flat=True))
print("at work", flush=True)
for number in range({changes}):
    with transaction.atomic():
        video = Video.objects.get(pk=random.choice(ids))
        video.title = f"title{{int(video.title.removeprefix('title')) + 1}}"
        video.save()
    drain()
"""

_PREPARE = """
from apps.accounts.models import User
from tests.factories import make_video
owner = User.objects.create_user("owner")
for _ in range(10):
    make_video(owner, title="title0")
"""

_COMPARE = """
import json
from apps.search.backends.base import SearchQuery, Viewer
from apps.search.factory import backend
from apps.search.models import OutboxEntry
from apps.search.outbox import drain
from apps.videos.models import Video
OutboxEntry.objects.update(claimed_until=None)
drain()
rows = {str(v.pk): v.title for v in Video.objects.all()}
hits = {str(h.video_id): h.title_html for h in backend().search(SearchQuery(page_size=100), Viewer()).hits}
print(json.dumps({"rows": rows, "hits": hits, "left": OutboxEntry.objects.count()}))
"""


@pytest.mark.slow
def test_drainers_in_several_processes_one_of_them_killed_leave_the_index_in_step(tmp_path: Path) -> None:
    portal = Portal(tmp_path / "home")
    portal.manage("migrate", "-v0")
    portal.manage("shell", "-v0", "-c", _PREPARE)
    workers = [
        portal.spawn("manage.py", "shell", "-v0", "-c", _CHANGE.format(seed=seed, changes=changes))
        for seed, changes in ((1, 25), (2, 25), (3, 1_000_000))
    ]
    wait_until(lambda: portal.log_path.read_text().count("at work") == 3, within_s=60, what="three drainers at work")
    assert [worker.wait(timeout=120) for worker in workers[:2]] == [0, 0], portal.log_path.read_text()
    os.kill(workers[2].pid, signal.SIGKILL)
    workers[2].wait()
    state = json.loads(portal.manage("shell", "-v0", "-c", _COMPARE).splitlines()[-1])
    assert state["left"] == 0
    assert state["hits"] == state["rows"]
    assert sum(int(title.removeprefix("title")) for title in state["rows"].values()) >= 50
