"""Topics, search and suggestions through the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from apps.accounts.models import User
from apps.classification.models import Topic, TopicPrediction
from apps.search import outbox
from apps.search.models import OutboxEntry
from apps.transcription.uploading import store_uploaded_captions
from apps.videos.files import folder
from apps.videos.models import Video
from apps.videos.stills import storyboard_vtt
from tests.api.conftest import CallAs
from tests.factories import make_video

SEARCH = "/api/v1/search/"
SUGGESTIONS = "/api/v1/search/suggestions/"
TOPICS = "/api/v1/topics/"

CAPTIONS = b"""WEBVTT

00:01.000 --> 00:04.000
The lighthouse keeper counts

00:04.000 --> 00:07.000
every ship in the harbour.
"""


@pytest.fixture(autouse=True)
def own_index(settings: Settings, tmp_path: Path) -> None:
    settings.SEARCH_SQLITE_PATH = tmp_path / "search.sqlite3"


def index_everything() -> None:
    while OutboxEntry.objects.exists():
        assert outbox.drain() > 0


@pytest.fixture
def harbour(owner: User) -> Video:
    """A video that says "the lighthouse keeper counts every ship in the harbour", in the index."""
    video = make_video(owner, title="A walk by the sea", description="Salt & wind.")
    store_uploaded_captions(video, language="en", data=CAPTIONS, name="walk.vtt", by=video.owner)
    make_video(owner, title="Secret lighthouse", visibility="private")
    make_video(owner, title="Waiting lighthouse", moderation_state="pending")
    index_everything()
    return video


def test_it_finds_the_second_at_which_something_is_said(call_as: CallAs, harbour: Video) -> None:
    answer = call_as(None).get(SEARCH, {"q": "lighthouse"})
    assert answer.status_code == 200, answer.json()
    body = answer.json()
    assert (body["count"], body["page"], body["pages"], body["is_relaxed"]) == (1, 1, 1, False)
    (hit,) = body["results"]
    assert hit["video"]["id"] == str(harbour.pk)
    assert hit["video"]["has_captions"] is True
    moment = hit["moments"][0]
    assert (moment["start_ms"], moment["language"]) == (1_000, "en")
    assert "<mark>lighthouse</mark>" in moment["html"]
    assert moment["url"] == f"http://testserver/watch/{harbour.pk}/?t=1s"


def test_a_phrase_across_two_captions_is_found(call_as: CallAs, harbour: Video) -> None:
    body = call_as(None).get(SEARCH, {"q": '"counts every ship"'}).json()
    assert [hit["video"]["id"] for hit in body["results"]] == [str(harbour.pk)]


def test_a_moment_has_the_picture_of_its_second(call_as: CallAs, harbour: Video) -> None:
    client = call_as(None)
    moment = client.get(SEARCH, {"q": "lighthouse"}).json()["results"][0]["moments"][0]
    assert moment["thumbnail"] is None, "it is not made yet"
    Video.objects.filter(pk=harbour.pk).update(storyboard_name="storyboard.vtt")
    place = folder(harbour.pk)
    place.mkdir(parents=True)
    (place / "storyboard.vtt").write_text(storyboard_vtt(60, 1_000, 60_000, (160, 90)))
    (place / "storyboard-0.jpg").write_bytes(b"a picture")
    moment = client.get(SEARCH, {"q": "lighthouse"}).json()["results"][0]["moments"][0]
    thumbnail = moment["thumbnail"]
    assert {name: thumbnail[name] for name in ("x", "y", "width", "height")} == {
        "x": 160, "y": 0, "width": 160, "height": 90,
    }  # fmt: skip
    assert client.get(thumbnail["url"]).getvalue() == b"a picture"


def test_it_says_what_it_took_a_typo_for(call_as: CallAs, harbour: Video) -> None:
    body = call_as(None).get(SEARCH, {"q": "lighthuose keeper"}).json()
    assert (body["did_you_mean"], body["is_relaxed"], body["count"]) == ("lighthouse keeper", True, 1)
    assert call_as(None).get(SEARCH, {"q": "lighthouse"}).json()["did_you_mean"] == ""


def matches_in(video: Video, language: str = "en") -> str:
    return f"/api/v1/videos/{video.pk}/captions/{language}/matches/"


def test_it_finds_words_in_one_video(call_as: CallAs, harbour: Video) -> None:
    body = call_as(None).get(matches_in(harbour), {"q": "COUNTS every"}).json()
    assert (body["count"], body["has_more"], body["is_complete"]) == (1, False, True)
    assert body["matches"] == [
        {
            "start_ms": 1_000,
            "end_ms": 7_000,
            "html": "The lighthouse keeper <mark>counts</mark> <mark>every</mark> ship in the harbour.",
            "url": f"http://testserver/watch/{harbour.pk}/?t=1s",
        }
    ]
    assert call_as(None).get(matches_in(harbour), {"q": "submarine"}).json()["matches"] == []


@pytest.mark.parametrize("query", [{}, {"q": ""}, {"q": "x" * 201}, {"q": "ship", "match": "2"}])
def test_a_search_in_one_video_refuses_what_makes_no_sense(
    call_as: CallAs, harbour: Video, query: dict[str, str]
) -> None:
    answer = call_as(None).get(matches_in(harbour), query)
    assert answer.status_code == 400
    assert answer.json()["fields"]


def test_a_search_in_captions_that_there_are_not(call_as: CallAs, harbour: Video) -> None:
    for language in ("de", "xx"):
        assert call_as(None).get(matches_in(harbour, language), {"q": "ship"}).status_code == 404


def test_owners_find_their_own_and_the_counts_tell_no_more(
    call_as: CallAs, owner: User, stranger: User, moderator: User, harbour: Video
) -> None:
    for user, count in ((None, 1), (stranger, 1), (moderator, 1), (owner, 3)):
        body = call_as(user).get(SEARCH, {"q": "lighthouse"}).json()
        assert (body["count"], len(body["results"])) == (count, count)
        assert sum(value["count"] for value in body["facets"]["language"]) == count


def test_it_filters(call_as: CallAs, harbour: Video) -> None:
    sport = Topic.objects.get(label="sport")
    TopicPrediction.objects.create(video=harbour, topic=sport, probability=0.9, classifier="test")
    index_everything()
    client = call_as(None)
    cases: list[tuple[dict[str, Any], int]] = [
        ({}, 1),
        ({"topic": "sport"}, 1),
        ({"topic": "tech"}, 0),
        ({"language": "en"}, 1),
        ({"language": "de"}, 0),
        ({"has_captions": "true"}, 1),
        ({"has_captions": "false"}, 0),
        ({"min_duration_s": 61}, 0),
        ({"max_duration_s": 60}, 1),
        ({"from_date": "2999-01-01"}, 0),
        ({"to_date": "1999-01-01"}, 0),
        ({"sort": "newest"}, 1),
    ]
    for filters, count in cases:
        assert client.get(SEARCH, {"q": "lighthouse", **filters}).json()["count"] == count, filters


@pytest.mark.parametrize("text", ["", "c++", "a-b", '"', "AND OR NOT", "*", "title:", "NEAR(", "💡", "%", "'; --"])
def test_no_input_is_a_syntax_error(call_as: CallAs, harbour: Video, text: str) -> None:
    assert call_as(None).get(SEARCH, {"q": text}).status_code == 200
    assert call_as(None).get(SUGGESTIONS, {"q": text}).status_code == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("q", "x" * 5_000),
        ("q", "a\x00b"),
        ("topic", "gardening"),
        ("topic", "unknown"),
        ("language", "xx"),
        ("sort", "random"),
        ("page", "0"),
        ("page", "99999999999"),
        ("page", "first"),
        ("page_size", "101"),
        ("min_duration_s", "-5"),
        ("from_date", "31.12.2025"),
        ("has_captions", "perhaps"),
        ("query", "lighthouse"),
    ],
)
def test_it_refuses_absurd_parameters_with_the_reason(call_as: CallAs, name: str, value: str) -> None:
    answer = call_as(None).get(SEARCH, {name: value})
    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == [name]


def test_it_pages(call_as: CallAs, owner: User) -> None:
    for number in range(3):
        make_video(owner, title=f"Lighthouse {number}")
    index_everything()
    client = call_as(None)
    pages = [client.get(SEARCH, {"q": "lighthouse", "page": str(page), "page_size": "2"}).json() for page in (1, 2)]
    assert [(page["count"], page["pages"], len(page["results"])) for page in pages] == [(3, 2, 2), (3, 2, 1)]
    found = {hit["video"]["id"] for page in pages for hit in page["results"]}
    assert len(found) == 3
    assert client.get(SEARCH, {"q": "lighthouse", "page": "3", "page_size": "2"}).status_code == 404


def test_it_suggests_from_what_everybody_may_find(call_as: CallAs, owner: User, harbour: Video) -> None:
    make_video(owner, title="Harbour lights")
    index_everything()
    for user in (None, owner):
        suggestions = call_as(user).get(SUGGESTIONS, {"q": "harb"}).json()["suggestions"]
        assert any("harbour" in suggestion.lower() for suggestion in suggestions)
        assert not any(
            "secret" in suggestion.lower()
            for suggestion in call_as(user).get(SUGGESTIONS, {"q": "secr"}).json()["suggestions"]
        )
    assert call_as(None).get(SUGGESTIONS).status_code == 400


def test_a_topic_is_followed_and_left_any_number_of_times(call_as: CallAs, stranger: User, owner: User) -> None:
    address, member = f"{TOPICS}sport/follow/", call_as(stranger)
    sport = Topic.objects.get(label="sport")
    TopicPrediction.objects.create(video=make_video(owner), topic=sport, probability=0.9, classifier="test")
    assert [topic["is_followed"] for topic in member.get(TOPICS).json()] == [False] * 5
    for _ in range(2):
        answer = member.put(address)
        followed = {"label": "sport", "name": sport.name, "count": 1, "is_followed": True}
        assert (answer.status_code, answer.json()) == (200, followed)
    assert [topic["label"] for topic in member.get(TOPICS).json() if topic["is_followed"]] == ["sport"]
    assert not any(topic["is_followed"] for topic in call_as(owner).get(TOPICS).json()), "it is the caller's own"
    for _ in range(2):
        assert member.delete(address).status_code == 204
    assert not any(topic["is_followed"] for topic in member.get(TOPICS).json())


def test_following_wants_a_caller_and_a_topic(call_as: CallAs, stranger: User) -> None:
    nobody = call_as(None)
    assert {topic["is_followed"] for topic in nobody.get(TOPICS).json()} == {None}
    assert nobody.put(f"{TOPICS}sport/follow/").status_code == 401
    assert nobody.delete(f"{TOPICS}sport/follow/").status_code == 401
    answer = call_as(stranger).put(f"{TOPICS}astrology/follow/")
    assert answer.status_code == 404
    assert "politics" in answer.json()["detail"]


def test_topics_count_what_the_caller_may_find(call_as: CallAs, owner: User, stranger: User) -> None:
    sport = Topic.objects.get(label="sport")
    for visibility in ("public", "private"):
        video = make_video(owner, visibility=visibility)
        TopicPrediction.objects.create(video=video, topic=sport, probability=0.9, classifier="test")
    for user, count in ((None, 1), (stranger, 1), (owner, 2)):
        topics = {topic["label"]: topic for topic in call_as(user).get(TOPICS).json()}
        assert set(topics) == {"business", "entertainment", "politics", "sport", "tech"}
        assert topics["sport"]["count"] == count
        assert topics["tech"]["count"] == 0
        assert topics["sport"]["name"] == sport.name
