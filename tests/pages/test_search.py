from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.models import User
from apps.search import outbox
from apps.search.backends.base import SearchUnavailableError
from apps.search.models import OutboxEntry
from apps.videos.models import Video, Visibility
from tests.pages.conftest import MakeVideo, add_transcript

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_index(tmp_path: Path, settings: Settings) -> None:
    """An index of this test alone."""
    settings.SEARCH_SQLITE_PATH = tmp_path / "search.sqlite3"


def indexed(*videos: Video) -> None:
    for video in videos:
        outbox.note(video.pk)
    while outbox.drain():
        pass


def search(client: Client, query: str) -> str:
    response = client.get(f"/search/{query}")
    assert response.status_code == 200
    return response.content.decode()


def test_it_leads_to_the_second_at_which_a_word_is_said(client: Client, video: Video) -> None:
    add_transcript(video, cues=4)
    indexed(video)
    html = search(client, "?q=number3")
    assert f'href="/watch/{video.pk}/?t=6s"' in html
    assert "<mark>number3</mark>" in html
    assert 'value="number3"' in html, "the box keeps what was asked"


def test_what_matches_is_no_markup(client: Client, make_video: MakeVideo) -> None:
    indexed(make_video(title="<script>roses</script>"))
    html = search(client, "?q=roses")
    assert "<script>roses" not in html
    assert "&lt;<mark>" in html or "&lt;script&gt;<mark>roses</mark>" in html


def test_it_never_shows_what_the_person_may_not_find(client: Client, make_video: MakeVideo, owner: User) -> None:
    indexed(make_video(title="Secret roses", visibility=Visibility.PRIVATE))
    assert "Secret" not in search(client, "?q=roses")
    client.force_login(owner)
    assert "Secret" in search(client, "?q=roses")


def test_it_helps_when_nothing_is_found(client: Client, video: Video) -> None:
    indexed(video)
    html = search(client, "?q=zzzzqqqq&topic=sport")
    assert "Nothing was found" in html
    assert 'href="?q=zzzzqqqq"' in html


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?q=c%2B%2B",
        '?q="',
        "?q=a-b+OR+NOT",
        "?q=%00",
        "?page=-1&sort=nonsense&from=2020-13-45&min_minutes=NaN&captions=9&topic=%3Cb%3E",
        "?q=" + "x" * 5000,
    ],
)
def test_nothing_that_one_can_type_breaks_it(client: Client, video: Video, query: str) -> None:
    indexed(video)
    search(client, query)


def test_it_keeps_the_filters_in_the_address(client: Client, make_video: MakeVideo, settings: Settings) -> None:
    settings.SEARCH_PAGE_SIZE = 2
    indexed(*[make_video() for _ in range(5)])
    html = search(client, "?q=gardens&sort=newest&min_minutes=1")
    assert "5 videos, page 1 of 3" in html
    assert "q=gardens&amp;min_minutes=1&amp;sort=newest&amp;page=2" in html


def test_it_says_so_when_it_catches_up(client: Client, video: Video) -> None:
    OutboxEntry.objects.create(video_id=video.pk, noted_at=timezone.now() - timedelta(minutes=5))
    assert "catching up" in search(client, "?q=gardens")


def test_it_suggests_titles_while_one_types(client: Client, video: Video) -> None:
    indexed(video)
    html = client.get("/search/suggest/?q=gard").content.decode()
    assert "<option" in html
    assert client.get("/search/suggest/").content.decode().strip() == ""


def test_an_index_that_is_away_is_told_in_plain_words(
    client: Client, video: Video, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise SearchUnavailableError("run rebuild_search_index")

    monkeypatch.setattr("apps.pages.views.search.search_videos", away)
    monkeypatch.setattr("apps.pages.views.search.suggest", away)
    response = client.get("/search/?q=roses")
    assert response.status_code == 503
    assert "Search is away" in response.content.decode()
    assert client.get("/search/suggest/?q=ro").status_code == 200
