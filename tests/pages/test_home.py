import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.classification.models import Topic, TopicPrediction
from apps.pages.cards import PAGE_SIZE
from apps.pipeline.models import StageRun
from apps.videos.models import Visibility
from tests.pages.conftest import MakeVideo, add_run

pytestmark = pytest.mark.django_db


def page(client: Client, url: str = "/") -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def test_it_says_what_to_do_when_there_is_no_video(client: Client) -> None:
    html = page(client)
    assert "No videos yet" in html
    assert 'href="/upload/"' in html


def test_an_empty_page_asks_again_until_the_first_video_is_there(client: Client, make_video: MakeVideo) -> None:
    assert "hx-trigger" in page(client)
    assert client.get("/", headers={"HX-Request": "true"}).status_code == 204
    make_video(title="The first one")
    assert "The first one" in client.get("/", headers={"HX-Request": "true"}).content.decode()
    assert 'hx-trigger="every' not in page(client)


def test_it_lists_the_newest_first(client: Client, make_video: MakeVideo) -> None:
    make_video(title="The older one")
    make_video(title="The newer one")
    html = page(client)
    assert html.index("The newer one") < html.index("The older one")


@pytest.mark.parametrize(
    "hidden", [{"visibility": Visibility.PRIVATE}, {"visibility": Visibility.UNLISTED}, {"moderation_state": "pending"}]
)
def test_it_lists_only_what_the_person_may_find(
    client: Client, owner: User, make_video: MakeVideo, hidden: dict[str, str]
) -> None:
    make_video(title="Not for everybody", **hidden)
    assert "Not for everybody" not in page(client)
    client.force_login(owner)
    assert "Not for everybody" in page(client)


def test_it_turns_pages(client: Client, make_video: MakeVideo) -> None:
    for number in range(PAGE_SIZE + 1):
        make_video(title=f"Video <{number}>")
    assert "Video &lt;0&gt;" not in page(client)
    assert "Video &lt;0&gt;" in page(client, "/?page=2")
    assert "Video &lt;0&gt;" in page(client, "/?page=999"), "a page past the end is the last one"
    page(client, "/?page=nonsense")


def test_it_files_videos_by_topic(client: Client, make_video: MakeVideo) -> None:
    topic, _ = Topic.objects.get_or_create(label="sport", defaults={"name": "Sport"})
    game, other = make_video(title="The game"), make_video(title="The budget")
    TopicPrediction.objects.create(video=game, topic=topic, probability=0.9, classifier="test")
    assert 'href="/topics/sport/"' in page(client)
    html = page(client, "/topics/sport/")
    assert "The game" in html
    assert other.title not in html


def test_it_knows_no_other_topics(client: Client) -> None:
    assert client.get("/topics/astrology/").status_code == 404


def test_it_marks_what_is_being_processed(client: Client, make_video: MakeVideo) -> None:
    video = make_video()
    assert "Processing" not in page(client)
    add_run(video, "render", StageRun.State.RUNNING)
    assert "Processing" in page(client)


def test_the_number_of_queries_does_not_grow_with_the_list(
    client: Client, make_video: MakeVideo, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(12):
        make_video()
    with django_assert_max_num_queries(6):
        page(client)


def test_it_tells_a_visitor_how_to_go_on(client: Client, owner: User, make_video: MakeVideo) -> None:
    assert "Sign in and upload the first video" in page(client)
    make_video()
    assert 'href="/accounts/sign-in/?next=/upload/"' in page(client)
    client.force_login(owner)
    assert "to upload your own" not in page(client)
