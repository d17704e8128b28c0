"""The page on which moderators answer what the classifier was too unsure of."""

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.classification.models import Topic, TopicCorrection, TopicPrediction
from apps.videos.models import Video
from tests.factories import make_video
from tests.pages.administration.conftest import VIDEOS

TOPICS = f"{VIDEOS}topics/"


def ask(video: Video, tech: float, **changes: object) -> TopicPrediction:
    fields = {"probabilities": {"tech": tech, "sport": 0.1}, "outcome": "asked", "classifier": "test"}
    return TopicPrediction.objects.create(video=video, probability=tech, **(fields | changes))


@pytest.fixture
def talk(owner: User) -> Video:
    video = make_video(owner, title="A talk about <wires>")
    ask(video, 0.36)
    return video


def test_it_shows_what_is_asked_least_sure_first(desk: Client, talk: Video, owner: User) -> None:
    surer = make_video(owner, title="Surer")
    ask(surer, 0.43)
    ask(make_video(owner, title="Filed by itself"), 0.9, outcome="filed")
    ask(make_video(owner, title="Answered"), 0.4, is_confirmed=True)

    answer = desk.get(TOPICS)
    page = answer.content.decode()

    assert [question.video for question in answer.context["questions"]] == [talk, surer]
    assert page.index("<span>Technology:</span>") < page.index("<span>43 %</span>")
    assert "A talk about &lt;wires&gt;" in page
    assert owner.username in page
    newest = desk.get(TOPICS, {"order": "newest"}).context["questions"]
    assert [question.video for question in newest] == [surer, talk]
    assert desk.get(TOPICS, {"order": "x", "page": "99"}).status_code == 200


def test_it_shows_what_spoke_for_the_topic_with_links_to_the_moment(desk: Client, talk: Video) -> None:
    said = [
        {"text": "copper <wires> everywhere", "start_ms": 75_000, "probability": 0.9},
        {"text": "a talk", "start_ms": None, "probability": 0.5},
    ]
    TopicPrediction.objects.filter(video=talk).update(passages=said)
    for address in (TOPICS, f"{VIDEOS}{talk.pk}/change/"):
        page = desk.get(address).content.decode()
        assert "<q>copper &lt;wires&gt; everywhere</q>" in page
        assert f"/{talk.pk}/?t=" in page
        assert "at 1:15" in page
        assert "(description)" in page


@pytest.mark.parametrize(("label", "topic"), [("tech", "tech"), ("sport", "sport"), ("", None)])
def test_one_click_answers_and_comes_back(desk: Client, talk: Video, label: str, topic: str | None) -> None:
    back = f"{TOPICS}?order=newest&page=1#row-1"

    answer = desk.post(f"{VIDEOS}{talk.pk}/topic/", {"topic": label, "back": back})

    assert answer["Location"] == back
    page = desk.get(answer["Location"]).content.decode()
    assert "stays so when the stage is run again" in page
    assert "No topic waits for a moderator." in page
    kept = TopicCorrection.objects.get()
    assert (kept.topic and kept.topic.label, kept.predicted_label) == (topic, "tech")


def test_it_comes_back_to_this_portal_only(desk: Client, talk: Video) -> None:
    answer = desk.post(f"{VIDEOS}{talk.pk}/topic/", {"topic": "tech", "back": "https://elsewhere.example/"})
    assert answer["Location"] == f"{VIDEOS}{talk.pk}/change/"


def test_a_deleted_topic_is_not_suggested(desk: Client, talk: Video) -> None:
    Topic.objects.get(label="tech").delete()
    page = desk.get(TOPICS).content.decode()
    assert "Confirm:" not in page
    assert "None of them" in page


def test_it_is_for_moderators_and_linked_with_its_count(
    client: Client, stranger: User, moderator: User, talk: Video
) -> None:
    client.force_login(stranger)
    assert client.get(TOPICS).status_code == 302
    client.force_login(moderator)
    for page in ("/admin/", VIDEOS):
        answer = client.get(page).content.decode()
        assert TOPICS in answer
        assert "1 topic to confirm" in answer
