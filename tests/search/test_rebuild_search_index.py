from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.accounts.models import User
from apps.search import outbox, rebuilding
from apps.search.backends.base import SearchDocument, SearchQuery, Viewer
from apps.search.factory import backend
from apps.search.gathering import all_documents
from apps.search.models import OutboxEntry
from apps.videos.models import Video
from tests.factories import make_video

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("index_path")]


def titles() -> list[str]:
    return sorted(hit.title_html for hit in backend().search(SearchQuery(), Viewer()).hits)


def test_it_makes_the_index_anew(owner: User, capsys: pytest.CaptureFixture[str]) -> None:
    kept, orphan = make_video(owner, title="kept"), make_video(owner, title="orphan")
    outbox.drain()
    Video.objects.filter(pk=kept.pk).update(title="unnoticed")
    orphan.delete()
    OutboxEntry.objects.all().delete()
    call_command("rebuild_search_index")
    assert titles() == ["unnoticed"]
    assert "The search index holds 1 videos" in capsys.readouterr().out
    assert not backend().is_incomplete()


def test_it_keeps_what_changes_while_it_works(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    before, lost = make_video(owner, title="before"), make_video(owner, title="lost")
    outbox.drain()

    def with_changes(*, version: int) -> Iterator[SearchDocument]:
        yield from all_documents(version=version)
        before.title = "after"
        before.save()
        lost.delete()
        make_video(owner, title="added")
        assert outbox.drain() == 3
        make_video(owner, title="noted only")

    monkeypatch.setattr(rebuilding, "all_documents", with_changes)
    call_command("rebuild_search_index")
    assert titles() == ["added", "after"]
    assert outbox.drain() == 1
    assert titles() == ["added", "after", "noted only"]
    assert not OutboxEntry.objects.exists()


def test_it_fails_with_what_to_do(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    settings.SEARCH_SQLITE_PATH = tmp_path / "file" / "search.sqlite3"
    with pytest.raises(CommandError, match="SEARCH_SQLITE_PATH"):
        call_command("rebuild_search_index")
