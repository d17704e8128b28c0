"""The RSS feeds of a query and of a topic."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.utils.http import parse_http_date
from pytest_django import Settings

from apps.accounts.models import User
from apps.classification.models import Topic, TopicPrediction
from apps.search.backends.base import SearchUnavailableError
from apps.videos.models import Video, Visibility
from tests.pages.conftest import MakeVideo, add_transcript
from tests.pages.test_search import indexed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_index(tmp_path: Path, settings: Settings) -> None:
    settings.SEARCH_SQLITE_PATH = tmp_path / "search.sqlite3"


def channel(client: Client, query: str = "", feed: str = "/search/feed/") -> ElementTree.Element:
    response = client.get(f"{feed}{query}")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("application/rss+xml")
    found = ElementTree.fromstring(response.content).find("channel")
    assert found is not None
    return found


def titles(client: Client, query: str = "", feed: str = "/search/feed/") -> list[str | None]:
    return [item.findtext("title") for item in channel(client, query, feed).iter("item")]


def filed(video: Video, label: str) -> Video:
    topic = Topic.objects.get(label=label)
    TopicPrediction.objects.create(video=video, topic=topic, probability=0.9, classifier="test")
    return video


def test_an_item_leads_to_the_second_at_which_the_word_is_said(client: Client, video: Video) -> None:
    add_transcript(video, cues=4)
    indexed(video)
    (item,) = channel(client, "?q=number3").iter("item")
    assert item.findtext("link") == f"http://testserver/watch/{video.pk}/?t=6s&q=number3"
    assert item.findtext("guid") == f"urn:uuid:{video.pk}"
    text = item.findtext("description") or ""
    assert f'href="http://testserver/watch/{video.pk}/?t=6s&amp;q=number3"' in text
    assert "<mark>number3</mark>" in text


def test_the_newest_come_first_whatever_order_was_asked_for(client: Client, make_video: MakeVideo) -> None:
    indexed(*[make_video(title=f"Roses {number}") for number in range(3)])
    assert titles(client, "?q=roses&sort=oldest&page=9") == ["Roses 2", "Roses 1", "Roses 0"]
    assert titles(client) == ["Roses 2", "Roses 1", "Roses 0"]
    assert titles(client, "?q=lilies") == []


def test_it_holds_what_was_asked_for_and_nothing_near_it(client: Client, make_video: MakeVideo) -> None:
    indexed(make_video(title="Roses in bloom"))
    assert "Showing results for" in client.get("/search/?q=rosse").content.decode()
    assert titles(client, "?q=rosse") == []
    assert titles(client, "?q=roses+xylophone") == []


def test_it_tells_its_owner_no_more_than_others(client: Client, make_video: MakeVideo, owner: User) -> None:
    indexed(make_video(title="Open roses"), make_video(title="Secret roses", visibility=Visibility.PRIVATE))
    client.force_login(owner)
    assert titles(client, "?q=roses") == ["Open roses"]


def test_the_item_stays_the_same_when_its_best_second_moves(client: Client, video: Video) -> None:
    transcript = add_transcript(video, cues=2)
    indexed(video)
    (before,) = channel(client, "?q=number1").iter("item")
    transcript.cues.filter(position=1).update(start_ms=3_000)
    indexed(video)
    (after,) = channel(client, "?q=number1").iter("item")
    assert before.findtext("link") != after.findtext("link")
    assert before.findtext("guid") == after.findtext("guid")


@pytest.mark.parametrize("query", ["?q=roses", "?q=nothing-at-all"])
def test_a_reader_is_told_when_nothing_is_new(client: Client, make_video: MakeVideo, query: str) -> None:
    indexed(make_video(title="Roses"))
    first = client.get(f"/search/feed/{query}")
    assert "public" in first.headers["Cache-Control"]
    assert "max-age=300" in first.headers["Cache-Control"]
    assert "Cookie" not in first.headers.get("Vary", "")
    again = client.get(f"/search/feed/{query}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    indexed(make_video(title="More roses, and nothing at all"))
    changed = client.get(f"/search/feed/{query}", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200


def test_it_was_changed_when_its_newest_video_was(client: Client, make_video: MakeVideo) -> None:
    video = make_video(title="Roses")
    indexed(video)
    changed_at = parse_http_date(client.get("/search/feed/?q=roses").headers["Last-Modified"])
    assert changed_at == int(video.updated_at.timestamp())


def test_what_people_wrote_is_neither_markup_nor_breaks_the_document(client: Client, make_video: MakeVideo) -> None:
    video = make_video(title="<script>roses</script> & \ufffe co", description="<img src=x onerror=alert(1)> roses")
    indexed(video)
    (item,) = channel(client, "?q=roses").iter("item")
    assert item.findtext("title") == "&lt;script&gt;roses&lt;/script&gt; &amp;   co"
    text = item.findtext("description") or ""
    assert "<img src=x" not in text
    assert "&lt;img src=x" in text
    assert channel(client, "?q=%3C/title%3E%00").findtext("title") == "</title> · videoportal"


def test_an_index_that_is_away_is_worth_another_try(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise SearchUnavailableError("run rebuild_search_index")

    monkeypatch.setattr("apps.pages.views.feed.search_videos", away)
    response = client.get("/search/feed/?q=roses")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "60")
    assert "rebuild_search_index" not in response.content.decode()


def test_pages_tell_readers_of_it(client: Client, make_video: MakeVideo) -> None:
    indexed(make_video(title="Roses"))
    html = client.get("/search/?q=roses&sort=oldest&min_minutes=1").content.decode()
    assert '<link rel="alternate"' in html
    assert html.count('href="/search/feed/?q=roses&amp;min_minutes=1"') == 2, "in the head and on the page"
    assert 'href="/search/feed/"' in client.get("/").content.decode()


def test_a_topic_has_a_feed_of_its_newest_public_videos(client: Client, make_video: MakeVideo, owner: User) -> None:
    Topic.objects.filter(label="tech").update(name="Machines & more")
    first, second = filed(make_video(title="Looms"), "tech"), filed(make_video(title="Engines"), "tech")
    secret = filed(make_video(title="Secret", visibility=Visibility.PRIVATE), "tech")
    indexed(first, second, secret, filed(make_video(title="The game"), "sport"), make_video(title="Unread"))
    client.force_login(owner)
    feed = channel(client, feed="/topics/tech/feed/")
    assert feed.findtext("title") == "Machines & more - videoportal"
    assert feed.findtext("link") == "http://testserver/topics/tech/"
    assert [item.findtext("category") for item in feed.iter("item")] == ["Machines & more"] * 2
    assert titles(client, feed="/topics/tech/feed/") == ["Engines", "Looms"]
    assert titles(client, "?q=looms&topic=sport&sort=oldest", "/topics/tech/feed/") == ["Engines", "Looms"]
    assert titles(client, feed="/topics/politics/feed/") == []


def test_there_is_no_feed_of_a_topic_that_there_is_not(client: Client) -> None:
    assert client.get("/topics/astrology/feed/").status_code == 404


def test_the_page_of_a_topic_leads_to_its_feed(client: Client) -> None:
    html = client.get("/topics/tech/").content.decode()
    link = re.search(r'<link rel="alternate"[^>]*>', html)
    assert link
    assert 'href="/topics/tech/feed/"' in link[0]
    assert re.search(r'<a class="button[^>]*href="/topics/tech/feed/"[^>]*>.*?RSS feed', html, re.DOTALL)
    assert "RSS feed" not in client.get("/").content.decode()
