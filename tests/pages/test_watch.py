"""The watch page: who may open it, its player, what it says of the video, reports and moderation."""

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import User
from apps.videos.models import ModerationState, Report, Tag, Video, Visibility, WatchPosition
from tests.pages.conftest import MakeVideo, add_transcript, watch

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("changes", "status_of_others"),
    [
        ({}, 200),
        ({"visibility": Visibility.UNLISTED}, 200),
        ({"visibility": Visibility.PRIVATE}, 404),
        ({"moderation_state": ModerationState.PENDING}, 404),
        ({"moderation_state": ModerationState.REJECTED}, 404),
    ],
)
@pytest.mark.parametrize("address", ["/watch/{}/", "/watch/{}/report/"])
def test_it_opens_to_those_who_may_see_the_video(
    client: Client,
    make_video: MakeVideo,
    owner: User,
    stranger: User,
    moderator: User,
    changes: dict[str, str],
    status_of_others: int,
    address: str,
) -> None:
    url = address.format(make_video(**changes).pk)
    assert client.get(url).status_code == status_of_others
    for user, status in ((stranger, status_of_others), (owner, 200), (moderator, 200)):
        client.force_login(user)
        assert client.get(url).status_code == status


def test_the_player_gets_captions_storyboard_and_poster(client: Client, make_video: MakeVideo) -> None:
    video = make_video(poster_name="poster.jpg", storyboard_name="storyboard.vtt")
    add_transcript(video)
    add_transcript(video, language="de")
    html = watch(client, video)
    assert f'src="/videos/{video.pk}/files/web.mp4"' in html
    assert f'src="/videos/{video.pk}/captions.en.vtt"' in html
    assert f'src="/videos/{video.pk}/captions.de.vtt"' in html
    assert f'src="/videos/{video.pk}/files/storyboard.vtt"' in html
    assert f'poster="/videos/{video.pk}/files/poster.jpg"' in html
    for form in ("vtt", "srt", "txt", "json"):
        assert f"captions.en.{form}?download=1" in html


@pytest.mark.parametrize(("query", "start_ms"), [("?t=1m30s", 90_000), ("?t=90", 90_000), ("?t=1:30", 90_000)])
def test_it_starts_where_the_link_says(client: Client, video: Video, query: str, start_ms: int) -> None:
    html = watch(client, video, query)
    assert f'data-start-ms="{start_ms}"' in html
    assert "files/web.mp4#t=90" in html, "the browser's own player starts there too"
    assert f'value="http://testserver/watch/{video.pk}/?t=1m30s"' in html


def test_a_time_past_the_end_is_the_end_and_nonsense_is_ignored(client: Client, video: Video) -> None:
    assert 'data-start-ms="119999"' in watch(client, video, "?t=5h")
    assert "data-start-ms" not in watch(client, video, "?t=soon&part=x&lang=xx")


def test_it_shows_description_and_tags_as_text(client: Client, video: Video) -> None:
    video.description = "See https://example.org <b>now</b>"
    video.save()
    video.tags.add(Tag.objects.create(name="c++ & co"))
    html = watch(client, video)
    assert '<a href="https://example.org" rel="nofollow">' in html
    assert "<b>now" not in html
    assert "/search/?q=c%2B%2B%20%26%20co" in html


def test_it_remembers_where_a_person_stopped(client: Client, video: Video, stranger: User) -> None:
    url = f"/watch/{video.pk}/position/"
    assert client.post(url, {"position_ms": "60000"}).status_code == 302, "the anonymous keep it in their browser"
    client.force_login(stranger)
    assert client.post(url, {"position_ms": "60000"}).status_code == 204
    assert 'data-resume-ms="60000"' in watch(client, video)
    assert 'data-resume-ms="0"' in watch(client, video, "?t=5"), "the link wins"


@pytest.mark.parametrize("position", ["", "-1", "1.5", "soon", "9" * 40, "²"])
def test_it_refuses_a_position_that_is_none(client: Client, video: Video, stranger: User, position: str) -> None:
    client.force_login(stranger)
    assert client.post(f"/watch/{video.pk}/position/", {"position_ms": position}).status_code == 400
    assert not WatchPosition.objects.exists()


def test_a_viewer_can_report_a_video(client: Client, video: Video) -> None:
    url = f"/watch/{video.pk}/report/"
    response = client.post(url, {"reason": "nonsense", "details": "kept text"})
    assert response.status_code == 400
    assert "kept text" in response.content.decode()
    assert client.post(url, {"reason": "privacy", "details": "my face"}).status_code == 302
    report = Report.objects.get()
    assert (report.reason, report.details, report.reporter) == ("privacy", "my face", None)


def test_only_moderators_decide(client: Client, make_video: MakeVideo, owner: User, moderator: User) -> None:
    video = make_video(moderation_state=ModerationState.PENDING)
    url = f"/watch/{video.pk}/moderate/"
    client.force_login(owner)
    assert "Approve" not in watch(client, video)
    assert client.post(url, {"act": "approve"}).status_code == 403
    client.force_login(moderator)
    assert "Approve" in watch(client, video)
    client.post(url, {"act": "approve"})
    video.refresh_from_db()
    assert video.is_published
    assert "Say why" in client.post(url, {"act": "reject"}, follow=True).content.decode()
    client.post(url, {"act": "reject", "reason": "Not yours"})
    video.refresh_from_db()
    assert video.moderation_state == ModerationState.REJECTED
    client.force_login(owner)
    assert "Not yours" in watch(client, video)


@pytest.mark.parametrize(
    "changes",
    [{"visibility": Visibility.UNLISTED}, {"visibility": Visibility.PRIVATE}, {"moderation_state": "pending"}],
)
def test_search_engines_are_kept_from_what_nobody_may_find(
    client: Client, owner: User, make_video: MakeVideo, changes: dict[str, str]
) -> None:
    client.force_login(owner)
    html = watch(client, make_video(title="Not for everybody", **changes))
    assert '<meta name="robots" content="noindex">' in html
    assert 'property="og:' not in html


def test_a_listed_video_says_what_it_is_where_it_is_linked(client: Client, make_video: MakeVideo) -> None:
    video = make_video(title='Roses & "thorns"', description="On <gardens>.", poster_name="poster.jpg")
    html = watch(client, video)
    assert "noindex" not in html
    assert '<meta property="og:title" content="Roses &amp; &quot;thorns&quot;">' in html
    assert '<meta name="description" content="On &lt;gardens&gt;.">' in html
    assert f'<meta property="og:image" content="http://testserver/videos/{video.pk}/files/poster.jpg">' in html


def test_visitors_reports_are_limited(client: Client, video: Video, owner: User, settings: Settings) -> None:
    settings.SIGN_IN_ATTEMPTS_PER_HOUR = 1
    cache.clear()
    address = f"/watch/{video.pk}/report/"
    assert client.post(address, {"reason": "other"}).status_code == 302
    refused = client.post(address, {"reason": "other", "details": "Again."})
    assert refused.status_code == 429
    assert "Too many attempts" in refused.content.decode()
    assert "Again." in refused.content.decode(), "what was written is kept"
    assert Report.objects.count() == 1
    client.force_login(owner)
    assert client.post(address, {"reason": "other"}).status_code == 302
