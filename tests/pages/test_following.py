"""Following topics: the button, the page of what one follows, and the home page that leads with it."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.classification.following import follow_topic
from apps.classification.models import Topic, TopicFollow, TopicPrediction
from apps.pages.cards import PAGE_SIZE
from apps.pages.views.home import FOLLOWED_SHOWN
from apps.videos.models import Video, Visibility
from tests.pages.conftest import MakeVideo

pytestmark = pytest.mark.django_db


@pytest.fixture
def sport() -> Topic:
    return Topic.objects.get(label="sport")


@pytest.fixture
def member(client: Client, stranger: User) -> Client:
    """The browser of somebody who owns no video."""
    client.force_login(stranger)
    return client


def filed(video: Video, topic: Topic) -> Video:
    TopicPrediction.objects.create(video=video, topic=topic, probability=0.9, classifier="test", outcome="filed")
    return video


def page(client: Client, url: str = "/") -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def followed() -> set[tuple[str, str]]:
    return {(follow.user.username, follow.topic.label) for follow in TopicFollow.objects.all()}


def test_one_follows_and_unfollows_on_the_page_of_the_topic(member: Client) -> None:
    assert 'action="/topics/sport/follow/"' in page(member, "/topics/sport/")
    for _ in range(2):
        answer = member.post("/topics/sport/follow/")
        assert answer["Location"] == "/topics/sport/"
        assert followed() == {("stranger", "sport")}
    assert 'action="/topics/sport/unfollow/"' in page(member, "/topics/sport/")
    assert 'action="/topics/tech/follow/"' in page(member, "/topics/tech/")
    for _ in range(2):
        assert member.post("/topics/sport/unfollow/")["Location"] == "/topics/sport/"
        assert followed() == set()


def test_htmx_gets_the_page_to_take_its_part_from(member: Client) -> None:
    answer = member.post("/topics/sport/follow/", {"from": "follow"}, headers={"HX-Request": "true"}, follow=True)
    assert answer.status_code == 200, "htmx does nothing with 204"
    html = answer.content.decode()
    assert '<form id="follow"' in html
    assert 'hx-select="#follow"' in html
    assert "Unfollow" in html


def test_a_visitor_is_shown_the_way_to_sign_in(client: Client) -> None:
    html = page(client, "/topics/sport/")
    assert 'href="/accounts/sign-in/?next=/topics/sport/"' in html
    assert "/topics/sport/follow/" not in html
    sign_in = "/accounts/sign-in/?next=/topics/sport/"
    assert client.post("/topics/sport/follow/")["Location"] == sign_in
    answer = client.post("/topics/sport/follow/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (200, sign_in)
    assert client.get("/following/")["Location"] == "/accounts/sign-in/?next=/following/"
    assert followed() == set()


def test_a_look_at_the_address_of_the_button_changes_nothing(member: Client) -> None:
    assert member.get("/topics/sport/follow/")["Location"] == "/topics/sport/"
    assert followed() == set()
    assert member.post("/topics/astrology/follow/").status_code == 404


def test_a_page_lists_what_one_follows_and_lets_one_stop(
    member: Client, stranger: User, owner: User, sport: Topic, make_video: MakeVideo
) -> None:
    follow_topic(stranger, sport)
    follow_topic(owner, Topic.objects.get(label="tech"))
    filed(make_video(title="The game"), sport)
    filed(make_video(title="The chip"), Topic.objects.get(label="tech"))
    html = page(member, "/following/")
    assert 'action="/topics/sport/unfollow/"' in html
    assert 'action="/topics/tech/follow/"' in html
    assert "The game" in html
    assert "The chip" not in html
    assert member.post("/topics/sport/unfollow/", {"from": "following"})["Location"] == "/following/"
    assert "The game" not in page(member, "/following/")


def test_that_page_says_what_to_do_where_it_has_no_videos(member: Client, stranger: User, sport: Topic) -> None:
    assert "Follow a topic, and its newest videos stand here." in page(member, "/following/")
    follow_topic(stranger, sport)
    assert "There is no video in your topics yet." in page(member, "/following/")


def test_home_leads_with_the_newest_of_followed_topics(
    member: Client, stranger: User, sport: Topic, make_video: MakeVideo
) -> None:
    filed(make_video(title="The game"), sport)
    make_video(title="The budget")
    assert "New in your topics" not in page(member), "nobody is followed yet"
    follow_topic(stranger, sport)
    html = page(member)
    assert html.index("New in your topics") < html.index("The game") < html.index("Recent videos</h2>")
    assert html.index("Recent videos</h2>") < html.index("The budget")
    assert html.count("The game") == 1


def test_pages_below_the_lead_stay_full_and_repeat_nothing(
    member: Client, stranger: User, sport: Topic, make_video: MakeVideo
) -> None:
    follow_topic(stranger, sport)
    videos = [make_video() for _ in range(PAGE_SIZE)] + [filed(make_video(), sport) for _ in range(FOLLOWED_SHOWN + 3)]
    first = member.get("/").context
    second = member.get("/?page=2").context
    assert len(first["lead"]) == FOLLOWED_SHOWN
    assert len(first["cards"]) == PAGE_SIZE
    shown = [card.video.pk for card in [*first["lead"], *first["cards"], *second["cards"]]]
    assert sorted(shown) == sorted(video.pk for video in videos)
    assert "New in your topics" not in page(member, "/?page=2")


def test_home_says_so_where_there_is_nothing_new(
    member: Client, stranger: User, sport: Topic, make_video: MakeVideo
) -> None:
    follow_topic(stranger, sport)
    make_video(title="The budget")
    html = page(member)
    assert "There is no video yet about" in html
    assert "The budget" in html


def test_home_with_followed_videos_alone_is_not_called_empty(
    member: Client, stranger: User, sport: Topic, make_video: MakeVideo
) -> None:
    follow_topic(stranger, sport)
    filed(make_video(title="The game"), sport)
    html = page(member)
    assert "The game" in html
    assert "No videos yet" not in html
    assert "Recent videos" not in html
    assert member.get("/", headers={"HX-Request": "true"}).status_code == 200


def test_it_leads_with_nothing_that_the_person_may_not_find(
    member: Client, stranger: User, sport: Topic, make_video: MakeVideo
) -> None:
    follow_topic(stranger, sport)
    filed(make_video(title="Not for everybody", visibility=Visibility.UNLISTED), sport)
    for address in ("/", "/following/"):
        assert "Not for everybody" not in page(member, address)


def test_following_goes_with_the_account(stranger: User, sport: Topic) -> None:
    follow_topic(stranger, sport)
    stranger.delete()
    assert followed() == set()


def test_the_number_of_queries_does_not_grow_with_the_topics(
    member: Client,
    stranger: User,
    sport: Topic,
    make_video: MakeVideo,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for topic in Topic.objects.all():
        follow_topic(stranger, topic)
        filed(make_video(), topic)
    make_video()
    with django_assert_num_queries(10):
        page(member)
