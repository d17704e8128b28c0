"""The topic on the watch page, and how likely the classifier found each."""

import re

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.classification.models import Topic, TopicPrediction
from apps.classification.topics import confirm_topic
from apps.videos.models import Video
from tests.pages.conftest import watch

pytestmark = pytest.mark.django_db


def test_it_tells_the_topic_with_its_probability(client: Client, video: Video) -> None:
    topic, _ = Topic.objects.get_or_create(label="tech", defaults={"name": "Technology"})
    prediction = TopicPrediction.objects.create(video=video, topic=topic, probability=0.93, classifier="test")
    assert re.search(rf"{topic.name} ·\s+93 %", watch(client, video))
    prediction.topic = None
    prediction.save()
    assert "Topic unknown" in watch(client, video)


def shown_probabilities(html: str) -> list[str]:
    """What is read aloud of each row: a bar is hidden."""
    chart = re.search(r'<ol class="bars".*?</ol>', html, re.DOTALL)
    rows = re.findall(r"<li.*?</li>", chart[0], re.DOTALL) if chart else []
    return [
        " ".join(re.sub(r'<svg[^>]*aria-hidden="true".*?</svg>|<[^>]+>', "", row, flags=re.S).split()) for row in rows
    ]


def test_it_shows_how_likely_each_topic_is_in_words_and_as_bars(client: Client, video: Video) -> None:
    topic = Topic.objects.get(label="tech")
    Topic.objects.filter(label="sport").update(name="Games")
    shares = {"sport": 0.05, "tech": 0.93, "gone": 0.02}
    prediction = TopicPrediction.objects.create(
        video=video, topic=topic, probability=0.93, probabilities=shares, classifier="test"
    )
    html = watch(client, video)
    assert shown_probabilities(html) == [f"{topic.name}, 93 %", "Games, 5 %", "gone, 2 %"]
    assert re.findall(r'<rect width="([\d.]+)"', html) == ["0.9300", "0.0500", "0.0200"]
    assert html.count('class="chosen"') == 1
    assert "No topic was likely enough" not in html
    prediction.topic = None
    prediction.save()
    assert "No topic was likely enough" in watch(client, video)
    prediction.is_confirmed = True
    prediction.save()
    html = watch(client, video)
    assert "No topic was likely enough" not in html, "a moderator's unknown says nothing of that"
    assert len(shown_probabilities(html)) == 3


def test_it_shows_no_bars_where_no_classifier_has_read_the_video(client: Client, video: Video, moderator: User) -> None:
    assert shown_probabilities(watch(client, video)) == []
    confirm_topic(video, Topic.objects.get(label="tech"), by=moderator)
    html = watch(client, video)
    assert "confirmed" in html
    assert 'id="probabilities"' not in html


def test_a_moderator_confirms_the_topic(client: Client, video: Video, moderator: User) -> None:
    topic, _ = Topic.objects.get_or_create(label="sport", defaults={"name": "Sport"})
    client.force_login(moderator)
    client.post(f"/watch/{video.pk}/moderate/", {"act": "topic", "topic": "sport"})
    prediction = TopicPrediction.objects.get(video=video)
    assert (prediction.topic, prediction.is_confirmed) == (topic, True)
    assert client.post(f"/watch/{video.pk}/moderate/", {"act": "topic", "topic": "astrology"}).status_code == 404
