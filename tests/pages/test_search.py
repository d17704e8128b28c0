import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.models import User
from apps.classification.models import Topic, TopicPrediction
from apps.search import outbox
from apps.search.backends.base import SearchUnavailableError
from apps.search.models import OutboxEntry
from apps.search.queries import SearchPage, SearchQuery, search_videos
from apps.videos.files import folder
from apps.videos.models import Tag, Video, Visibility
from apps.videos.stills import storyboard_vtt
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
    assert f'href="/watch/{video.pk}/?t=6s&amp;q=number3"' in html
    assert "<mark>number3</mark>" in html
    assert 'value="number3"' in html, "the box keeps what was asked"


def test_what_matches_is_no_markup(client: Client, make_video: MakeVideo) -> None:
    indexed(make_video(title="<script>roses</script>"))
    html = search(client, "?q=roses")
    assert "<script>roses" not in html
    assert "&lt;<mark>" in html or "&lt;script&gt;<mark>roses</mark>" in html


def test_what_was_said_and_written_is_no_markup(client: Client, make_video: MakeVideo) -> None:
    video = make_video(title="A talk", description='<img src=x onerror="alert(1)"> roses')
    transcript = add_transcript(video, cues=1)
    transcript.cues.update(text='<svg onload=alert(2)> roses "><b>', words=[])
    indexed(video)
    html = search(client, "?q=roses")
    assert "&lt;img src=x" in html
    assert "&lt;svg onload=alert(2)&gt; <mark>roses</mark> &quot;&gt;&lt;b&gt;" in html
    assert "<img src=x" not in html
    assert "<svg onload" not in html


def test_it_never_shows_what_the_person_may_not_find(client: Client, make_video: MakeVideo, owner: User) -> None:
    indexed(make_video(title="Secret roses", visibility=Visibility.PRIVATE))
    assert "Secret" not in search(client, "?q=roses")
    client.force_login(owner)
    assert "Secret" in search(client, "?q=roses")


def test_a_moment_shows_what_is_seen_then(
    client: Client, make_video: MakeVideo, settings: Settings, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    video = make_video(storyboard_name="storyboard.vtt")
    folder(video.pk).mkdir(parents=True)
    (folder(video.pk) / "storyboard.vtt").write_text(storyboard_vtt(120, 1_000, 120_000, (160, 90)))
    add_transcript(video, cues=13)
    indexed(video)
    html = search(client, "?q=number12")
    assert f'<img src="/videos/{video.pk}/files/storyboard-0.jpg"' in html
    assert 'style="width: 1000%; left: -400%; top: -200%"' in html, "second 24: the fifth of the third row"
    assert "--ratio: 160 / 90" in html
    (folder(video.pk) / "storyboard.vtt").unlink()
    html = search(client, "?q=number12")
    assert "storyboard-0.jpg" not in html
    assert 'class="thumbnail"' in html


def test_a_link_marks_in_the_video_what_was_found_and_not_what_was_typed(client: Client, video: Video) -> None:
    add_transcript(video, cues=4)
    indexed(video)
    assert "?t=0s&amp;q=roses+number0" in search(client, "?q=roses+numb")


def test_a_link_keeps_to_the_language_in_which_it_is_said(client: Client, video: Video) -> None:
    add_transcript(video, cues=3, language="de")
    indexed(video)
    assert f"/watch/{video.pk}/?t=4s&amp;lang=de&amp;q=number2" in search(client, "?q=number2")


def test_a_tag_that_matches_is_shown(client: Client, video: Video) -> None:
    video.tags.add(*[Tag.objects.create(name=name) for name in ("winter & snow", "reading")])
    indexed(video)
    html = search(client, "?q=sno")
    assert "Tagged #winter &amp; <mark>sno</mark>w" in html
    assert "#reading" not in html
    assert "Tagged" not in search(client, "?q=gardens")


def test_it_says_what_it_took_a_typo_for(client: Client, make_video: MakeVideo) -> None:
    indexed(make_video(title="Lighthouse keepers"))
    html = search(client, "?q=lighthuose&min_minutes=1")
    assert 'Showing results for\n            <a href="?q=lighthouse&amp;min_minutes=1">lighthouse</a>' in html
    assert "did you mean" not in search(client, "?q=lighthouse").lower()


def test_it_says_what_was_found_by_its_meaning(client: Client, video: Video, monkeypatch: pytest.MonkeyPatch) -> None:
    add_transcript(video, cues=4)
    indexed(video)
    real = search_videos

    def by_meaning(user: User, query: SearchQuery) -> SearchPage:
        """As an engine with a model answers: the second moment has none of the words."""
        page = real(user, query)
        (hit,) = page.hits
        first = hit.moments[0]
        other = replace(first, start_ms=5_000, html="lilies &amp; so", by_meaning=True)
        return replace(page, hits=(replace(hit, moments=(first, other)),), by_meaning=1)

    monkeypatch.setattr("apps.pages.views.search.search_videos", by_meaning)
    html = search(client, "?q=roses")
    assert "1 video, found by meaning" in html
    assert f'href="/watch/{video.pk}/?t=5s"' in html, "there is nothing to mark"
    assert html.count("In other words") == 1
    assert "No video has these words." in html


def test_each_filter_in_use_can_be_taken_back(client: Client, make_video: MakeVideo) -> None:
    indexed(make_video())
    html = search(client, "?q=gardens&language=en&min_minutes=1.5&from=2020-05-01&captions=0&page=1")
    for label, rest in (
        ("Language: English", "q=gardens&amp;min_minutes=1.5&amp;from=2020-05-01&amp;captions=0"),
        ("At least 1.5 minutes", "q=gardens&amp;language=en&amp;from=2020-05-01&amp;captions=0"),
        ("From 1 May 2020", "q=gardens&amp;language=en&amp;min_minutes=1.5&amp;captions=0"),
        ("Without captions", "q=gardens&amp;language=en&amp;min_minutes=1.5&amp;from=2020-05-01"),
    ):
        chip = re.search(rf'href="\?([^"]*)">\s*<span class="visually-hidden">[^<]*</span>{label}', html)
        assert chip, label
        assert chip[1] == rest


def test_the_address_to_share_is_one_however_it_was_reached(client: Client, video: Video) -> None:
    indexed(video)
    canonical = '<link rel="canonical" href="http://testserver/search/?q=gardens&amp;sort=newest">'
    assert canonical in search(client, "?sort=newest&topic=&q=++gardens&min_minutes=&utm_source=x&page=1")


def test_it_helps_when_nothing_is_found(client: Client, video: Video) -> None:
    indexed(video)
    html = search(client, "?q=zzzzqqqq&topic=sport")
    assert "Nothing was found" in html
    assert re.search(
        r'href="\?q=zzzzqqqq">\s*<span class="visually-hidden">Without the filter</span>Topic: Sport', html
    )
    assert not re.search(r"Without .*: \d+ video", html), "no filter is to blame"


def test_it_says_which_filter_keeps_something_from_being_found(client: Client, make_video: MakeVideo) -> None:
    indexed(make_video(), make_video())
    html = search(client, "?q=gardens&min_minutes=90&language=en")
    assert "Without “At least 90 minutes”: 2 videos" in html
    assert "Without “Language" not in html
    html = search(client, "?q=gardens&min_minutes=90&language=de")
    assert re.search(r'href="\?q=gardens">\s*Without any filter: 2 videos', html), "no single one helps"


def test_it_offers_topics_where_nothing_is_found(client: Client, video: Video) -> None:
    TopicPrediction.objects.create(
        video=video, topic=Topic.objects.get(label="tech"), probability=0.9, classifier="test"
    )
    indexed(video)
    html = search(client, "?q=zzzzqqqq")
    assert 'href="/topics/tech/"' in html
    assert 'href="/topics/sport/"' not in html


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
    assert 'role="option"' in html
    assert "A talk on gardens 1" in html
    assert client.get("/search/suggest/").content.decode().strip() == ""


def test_a_suggestion_is_no_markup(client: Client, make_video: MakeVideo) -> None:
    indexed(make_video(title="<b>Gardens</b> & co"))
    html = client.get("/search/suggest/?q=gard").content.decode()
    assert "&lt;b&gt;Gardens&lt;/b&gt; &amp; co" in html
    assert "<b>" not in html


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
