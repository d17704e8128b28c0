"""Whether the index holds what the database says, over each search engine."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.accounts.models import User
from apps.search import checking, outbox
from apps.search.backends.base import IndexedVideo
from apps.search.checking import Difference, Fault, differences
from apps.search.factory import backend
from apps.search.gathering import documents_of
from apps.search.models import IndexClock, OutboxEntry
from apps.videos.models import Video
from tests.factories import make_video
from tests.search.documents import make_document
from tests.transcription.rows import make_transcript

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("engine")]


def spoil(owner: User) -> dict[uuid.UUID, Fault]:
    """Makes one difference of each kind behind the outbox's back, among videos that are right."""
    videos = [make_video(owner, title=f"video {number}") for number in range(6)]
    make_transcript(videos[0], "auto", "spoken words")
    outbox.drain()
    outbox.note(videos[5].pk)  # known to be stale
    Video.objects.filter(pk=videos[5].pk).update(title="noted")
    Video.objects.filter(pk=videos[1].pk).update(title="unnoticed")
    backend().delete([videos[2].pk], version=IndexClock.tick())
    orphan = make_document("no video", version=1)
    backend().index([orphan])
    return {videos[1].pk: Fault.DIFFERENT, videos[2].pk: Fault.MISSING, orphan.video_id: Fault.ORPHAN}


def test_it_finds_every_kind_of_difference_and_no_other(owner: User) -> None:
    wrong = spoil(owner)
    assert list(differences()) == [Difference(video_id, wrong[video_id]) for video_id in sorted(wrong)]


def test_it_fails_and_says_how_to_put_it_right(owner: User, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = spoil(owner)
    with pytest.raises(CommandError, match=r"1 × is in the index with other contents.*--repair"):
        call_command("check_search_index")
    printed = capsys.readouterr().out
    assert all(f"{video_id} {fault.value}" in printed for video_id, fault in wrong.items())
    assert OutboxEntry.objects.count() == 1


def test_it_repairs_through_the_outbox(owner: User, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(owner)
    call_command("check_search_index", repair=True)
    assert "3 videos are noted" in capsys.readouterr().out
    outbox.drain()
    call_command("check_search_index")
    assert "holds what the database says of 6 videos." in capsys.readouterr().out


def test_it_says_that_all_is_well(owner: User, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(checking.BATCH + 3):
        make_video(owner, title=f"video {number}")
    outbox.drain()
    outbox.note(make_video(owner).pk)
    call_command("check_search_index")
    assert "of 54 videos, but for 1 that wait in the outbox." in capsys.readouterr().out
    assert list(differences()) == []


def test_it_reports_nothing_that_changes_while_it_reads(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    video = make_video(owner, title="before")
    outbox.drain()
    read = checking._indexed

    def changing(engine: object) -> Iterator[IndexedVideo]:
        for one in list(read(backend())):
            Video.objects.filter(pk=video.pk).update(title="after")
            backend().index([replace(documents_of([video.pk], version=0)[0], version=99)])
            yield replace(one, fingerprint="of before")

    monkeypatch.setattr(checking, "_indexed", changing)
    assert list(differences()) == []


def test_a_command_warns_of_an_index_of_another_version(owner: User, settings: Settings, engine: str) -> None:
    assert not run_checks()
    if engine == "elasticsearch":
        settings.ELASTICSEARCH_SYNONYM_RULES = ("car, automobile",)
        make_video(owner)
        [warning] = run_checks()
        assert "rebuild_search_index" in warning.msg
        assert outbox.drain() == 0
        assert OutboxEntry.objects.count() == 1
        call_command("rebuild_search_index")
        assert not run_checks()
        settings.ELASTICSEARCH_URLS = ("http://127.0.0.1:9",)
        assert "does not answer" in run_checks()[0].msg
