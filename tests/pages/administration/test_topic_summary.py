"""The page of what the classifier did, in figures."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from apps.accounts.models import User
from apps.classification.models import Topic, TopicPrediction
from apps.classification.topics import confirm_topic
from tests.factories import make_video
from tests.pages.administration.conftest import VIDEOS

FIGURES = f"{VIDEOS}topics/summary/"


def test_it_opens_on_an_empty_portal(desk: Client) -> None:
    page = desk.get(FIGURES).content.decode()
    assert "Too few videos to compare: 0 in the last 30 days" in page
    assert page.count("Too few videos") == 1
    assert "No video has been classified yet." in page
    assert "No moderator has confirmed or corrected a topic yet." in page


def test_it_shows_shares_outcomes_drift_and_judgements(
    desk: Client, owner: User, moderator: User, settings: Settings
) -> None:
    settings.TOPIC_DRIFT_MIN_VIDEOS = 10
    tech = Topic.objects.get(label="tech")
    Topic.objects.filter(label="sport").update(name="Sport & <games>")
    for number in range(60):
        is_new = number < 30
        video = make_video(owner, created_at=timezone.now() - timedelta(days=2 if is_new else 40))
        said = {"outcome": "unknown", "probability": 0.3} if is_new else {"outcome": "filed", "probability": 0.9}
        probabilities = {"tech": said["probability"]}
        topic = None if is_new else tech
        TopicPrediction.objects.create(video=video, topic=topic, probabilities=probabilities, classifier="test", **said)
    confirm_topic(video, Topic.objects.get(label="sport"), by=moderator)

    answer = desk.get(FIGURES)
    page = answer.content.decode()

    assert 'class="verdict drifted"' in page
    assert "In the last 30 days more videos are unknown than in the 30 days before: 100 % against 0 %" in page
    assert "Sport &amp; &lt;games&gt;" in page
    newest, before = answer.context["periods"]
    assert [part.n_videos for part in newest.parts] == [0, 0, 30]
    assert [round(part.start, 4) for part in before.parts] == [0.0, 1.0, 1.0]
    assert "The last word on each of 1 video" in page
    assert answer.context["accuracies"][0].accuracy.n_wrong == 1


def test_it_is_for_moderators_and_linked(client: Client, stranger: User, moderator: User) -> None:
    client.force_login(stranger)
    assert client.get(FIGURES).status_code == 302
    client.force_login(moderator)
    for page in ("/admin/", VIDEOS, f"{VIDEOS}topics/"):
        assert FIGURES in client.get(page).content.decode()


@pytest.mark.parametrize("count", [1, 40])
def test_the_number_of_queries_does_not_grow(
    desk: Client, owner: User, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        TopicPrediction.objects.create(video=make_video(owner), probability=0.6, outcome="asked", classifier="test")
    with django_assert_num_queries(10):  # four of them: who is asking, and what the side bar may show
        desk.get(FIGURES)
