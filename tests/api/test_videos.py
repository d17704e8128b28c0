"""Listing, reading, editing and deleting videos."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.classification.models import Topic, TopicPrediction
from apps.classification.topics import confirm_topic
from apps.transcription.models import Cue, Transcript
from apps.videos.files import folder
from apps.videos.models import ModerationEntry, Tag, Video
from tests.api.conftest import CallAs
from tests.factories import make_video

VIDEOS = "/api/v1/videos/"


def address(video: Video) -> str:
    return f"{VIDEOS}{video.pk}/"


def titles(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.json()
    return [video["title"] for video in answer.json()["results"]]


def make_captioned(owner: User, **changes: object) -> Video:
    video = make_video(owner, **changes)
    transcript = Transcript.objects.create(video=video, language="en", source="auto", completed_at=timezone.now())
    Cue.objects.create(transcript=transcript, position=0, start_ms=0, end_ms=900, text="Hello.")
    return video


def test_it_lists_what_the_caller_may_find(call_as: CallAs, owner: User, stranger: User, moderator: User) -> None:
    for visibility in ("public", "unlisted", "private"):
        make_video(owner, title=visibility, visibility=visibility)
    assert titles(call_as(None).get(VIDEOS)) == ["public"]
    assert titles(call_as(stranger).get(VIDEOS)) == ["public"]
    assert titles(call_as(moderator).get(VIDEOS)) == ["public"]
    assert titles(call_as(owner).get(VIDEOS)) == ["private", "unlisted", "public"]


def test_owner_me_shows_the_callers_own_and_a_name_what_may_be_found(
    call_as: CallAs, owner: User, stranger: User
) -> None:
    make_video(owner, title="mine", visibility="private")
    make_video(owner, title="shown")
    make_video(stranger, title="theirs")
    assert titles(call_as(owner).get(VIDEOS, {"owner": "me"})) == ["shown", "mine"]
    assert titles(call_as(stranger).get(VIDEOS, {"owner": "owner"})) == ["shown"]
    assert call_as(None).get(VIDEOS, {"owner": "me"}).status_code == 401


def test_it_filters(call_as: CallAs, owner: User) -> None:
    sport = Topic.objects.get(label="sport")
    long = make_captioned(owner, title="long", duration_ms=600_000, language="de")
    short = make_video(owner, title="short", duration_ms=5_000)
    Video.objects.filter(pk=short.pk).update(created_at=dt.datetime(2020, 5, 17, 12, tzinfo=dt.UTC))
    TopicPrediction.objects.create(video=long, topic=sport, probability=0.9, classifier="test")
    TopicPrediction.objects.create(video=short, topic=None, probability=0.2, classifier="test")
    long.tags.add(Tag.objects.create(name="harbour"))
    client = call_as(None)
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"topic": "sport"}, ["long"]),
        ({"topic": "unknown"}, ["short"]),
        ({"topic": "politics"}, []),
        ({"language": "de"}, ["long"]),
        ({"tag": "Harbour"}, ["long"]),
        ({"has_captions": "true"}, ["long"]),
        ({"has_captions": "false"}, ["short"]),
        ({"min_duration_s": 6}, ["long"]),
        ({"max_duration_s": 5}, ["short"]),
        ({"from_date": "2020-05-18"}, ["long"]),
        ({"from_date": "2020-05-17", "to_date": "2020-05-17"}, ["short"]),
        ({"topic": "sport", "language": "en"}, []),
    ]
    for filters, expected in cases:
        assert titles(client.get(VIDEOS, filters)) == expected, filters


def test_it_orders_and_pages(call_as: CallAs, owner: User) -> None:
    for number, title in enumerate(("b", "c", "a")):
        make_video(owner, title=title, duration_ms=1_000 * (number + 1))
    client = call_as(None)
    assert titles(client.get(VIDEOS)) == ["a", "c", "b"]
    assert titles(client.get(VIDEOS, {"ordering": "title"})) == ["a", "b", "c"]
    assert titles(client.get(VIDEOS, {"ordering": "-duration"})) == ["a", "c", "b"]
    first = client.get(VIDEOS, {"ordering": "created_at", "page_size": "2"})
    assert titles(first) == ["b", "c"]
    assert first.json()["count"] == 3
    assert titles(client.get(first.json()["next"])) == ["a"]
    beyond = client.get(VIDEOS, {"page": 9})
    assert beyond.status_code == 404
    assert beyond.json() == {"code": "not_found", "detail": "There is no page 9: the last one is 1."}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("page", "0"),
        ("page", "-1"),
        ("page", "two"),
        ("page", "9" * 400),
        ("page", "²"),
        ("page_size", "0"),
        ("page_size", "101"),
        ("page_size", "many"),
        ("topic", "gardening"),
        ("topic", "' OR 1=1"),
        ("language", "xx"),
        ("has_captions", "perhaps"),
        ("min_duration_s", "-1"),
        ("min_duration_s", "9" * 40),
        ("max_duration_s", "long"),
        ("from_date", "yesterday"),
        ("from_date", "0001-01-01"),
        ("to_date", "9999-12-31"),
        ("ordering", "owner__password"),
        ("owner", "a" * 151),
        ("tag", "a\x00b"),
        ("langauge", "en"),
    ],
)
def test_it_refuses_absurd_parameters_with_the_reason(call_as: CallAs, name: str, value: str) -> None:
    answer = call_as(None).get(VIDEOS, {name: value})
    assert answer.status_code == 400
    body = answer.json()
    assert body["code"] == "invalid"
    assert list(body["fields"]) == [name]
    assert body["detail"].startswith(f"{name}: ")


def test_it_refuses_ranges_that_end_before_they_begin(call_as: CallAs) -> None:
    for parameters in (
        {"min_duration_s": 9, "max_duration_s": 1},
        {"from_date": "2025-02-01", "to_date": "2025-01-01"},
    ):
        assert call_as(None).get(VIDEOS, parameters).status_code == 400


def test_a_longer_list_costs_no_more_queries(
    call_as: CallAs, owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = call_as(None)
    sport = Topic.objects.get(label="sport")
    for count in (1, 5):
        for _ in range(count):
            video = make_captioned(owner)
            video.tags.add(Tag.objects.get_or_create(name="sea")[0])
            TopicPrediction.objects.create(video=video, topic=sport, probability=0.9, classifier="test")
        with django_assert_num_queries(3):  # count, videos, tags
            client.get(VIDEOS)


def test_it_shows_a_video_whole(call_as: CallAs, owner: User, stranger: User) -> None:
    video = make_captioned(
        owner, title="Harbour", web_name="web.mp4", poster_name="poster.jpg", moderation_reason="once rejected"
    )
    video.tags.add(Tag.objects.create(name="sea"))
    tech = Topic.objects.get(label="tech")
    TopicPrediction.objects.create(video=video, topic=tech, probability=0.75, classifier="test", is_confirmed=True)
    body = call_as(stranger).get(address(video)).json()
    assert body["tags"] == ["sea"]
    assert body["owner"] == "owner"
    assert body["topic"] == {"label": "tech", "name": tech.name, "probability": 0.75, "is_confirmed": True}
    assert body["has_sound"] is True
    assert body["has_captions"] is True
    assert body["files"]["web"] == f"http://testserver{address(video)}files/web.mp4"
    assert body["files"]["preview"] is None
    assert body["links"]["self"] == f"http://testserver{address(video)}"
    assert (body["can_edit"], body["moderation_reason"], body["original_name"]) == (False, "", "")
    assert body["files"]["original"] is None
    mine = call_as(owner).get(address(video)).json()
    assert (mine["can_edit"], mine["moderation_reason"], mine["original_name"]) == (True, "once rejected", "talk.mp4")
    assert mine["files"]["original"].endswith("/original.mp4")


def test_it_tells_how_likely_each_topic_is_of_a_single_video(call_as: CallAs, owner: User, moderator: User) -> None:
    video, unread = make_video(owner), make_video(owner)
    sport = Topic.objects.get(label="sport")
    Topic.objects.filter(label="tech").update(name="Machines")
    shares = {"sport": 0.25, "tech": 0.5, "gone": 0.125}
    TopicPrediction.objects.create(video=video, probability=0.5, probabilities=shares, classifier="test")
    confirm_topic(unread, sport, by=moderator)
    client = call_as(owner)
    body = client.get(address(video)).json()
    assert body["topic"] is None
    assert body["topic_probabilities"] == [
        {"label": "tech", "name": "Machines", "probability": 0.5},
        {"label": "sport", "name": sport.name, "probability": 0.25},
        {"label": "gone", "name": "gone", "probability": 0.125},
    ]
    assert client.get(address(unread)).json()["topic_probabilities"] == []
    assert all("topic_probabilities" not in listed for listed in client.get(VIDEOS).json()["results"])


def test_it_edits_only_what_is_sent(call_as: CallAs, owner: User) -> None:
    video = make_video(owner, title="Old", description="Stays")
    video.tags.add(Tag.objects.create(name="stays"))
    answer = call_as(owner).patch(address(video), {"revision": 1, "title": "New"}, format="json")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["title"], body["description"], body["tags"], body["revision"]) == ("New", "Stays", ["stays"], 2)
    body = call_as(owner).patch(address(video), {"revision": 2, "tags": ["Sea", "#sea", "ship"]}, format="json").json()
    assert sorted(body["tags"]) == ["sea", "ship"]


def test_the_second_of_two_editors_is_shown_what_the_first_saved(call_as: CallAs, owner: User) -> None:
    video = make_video(owner, title="Old")
    client = call_as(owner)
    assert client.patch(address(video), {"revision": 1, "title": "First"}, format="json").status_code == 200
    answer = client.patch(address(video), {"revision": 1, "title": "Second"}, format="json")
    assert answer.status_code == 409
    assert answer.json()["code"] == "edit_conflict"
    assert answer.json()["current"]["title"] == "First"
    assert answer.json()["current"]["revision"] == 2
    video.refresh_from_db()
    assert video.title == "First"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "\t \n"}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"description": "x" * 10_001}, "description"),
        ({"language": "klingon"}, "language"),
        ({"visibility": "secret"}, "visibility"),
        ({"tags": "sea"}, "tags"),
        ({"tags": [str(number) for number in range(21)]}, "tags"),
        ({"tags": ["x" * 51]}, "tags.0"),
        ({"title": "Fine", "revision": "one"}, "revision"),
        ({"title": "Fine", "revision": 0}, "revision"),
        ({"title": "Fine", "revision": None}, "revision"),
        ({}, "non_field_errors"),
        ({"titel": "New"}, "titel"),
        ({"title": "New", "owner": "somebody"}, "owner"),
    ],
)
def test_it_refuses_changes_that_cannot_stand(
    call_as: CallAs, owner: User, change: dict[str, object], field: str
) -> None:
    video = make_video(owner, title="Old")
    answer = call_as(owner).patch(address(video), {"revision": 1} | change, format="json")
    assert answer.status_code == 400, answer.json()
    assert field in answer.json()["fields"]
    video.refresh_from_db()
    assert (video.title, video.revision) == ("Old", 1)


def test_a_misspelt_field_is_told_with_the_one_that_was_meant(call_as: CallAs, owner: User) -> None:
    answer = call_as(owner).patch(address(make_video(owner)), {"revision": 1, "descripton": "New"}, format="json")
    assert answer.json()["fields"] == {"descripton": ["There is no such field: write description."]}
    answer = call_as(owner).patch(address(make_video(owner)), {"revision": 1, "zzz": "New"}, format="json")
    assert "write one of revision, title," in answer.json()["fields"]["zzz"][0]


def test_it_refuses_bodies_that_are_no_json_object(call_as: CallAs, owner: User) -> None:
    video = make_video(owner)
    client = call_as(owner)
    for body, expected in (("{", 400), ("[1]", 400), ('"x"', 400), ("", 400)):
        answer = client.generic("PATCH", address(video), body, content_type="application/json")
        assert answer.status_code == expected, body
        assert set(answer.json()) >= {"code", "detail"}
    assert client.generic("PATCH", address(video), "a=b", content_type="text/plain").status_code == 415


def test_deleting_takes_row_and_files(call_as: CallAs, owner: User, django_capture_on_commit_callbacks: Any) -> None:
    video = make_video(owner)
    folder(video.pk).mkdir(parents=True)
    (folder(video.pk) / "original.mp4").write_bytes(b"film")
    with django_capture_on_commit_callbacks(execute=True):
        assert call_as(owner).delete(address(video)).status_code == 204
    assert not Video.objects.exists()
    assert not folder(video.pk).exists()
    assert call_as(owner).delete(address(video)).status_code == 404


def test_a_moderators_deletion_is_logged(call_as: CallAs, owner: User, moderator: User) -> None:
    video = make_video(owner, visibility="private")
    assert call_as(moderator).delete(address(video)).status_code == 204
    assert ModerationEntry.objects.get().act == ModerationEntry.Act.DELETED


@pytest.mark.parametrize(
    ("visibility", "nobody", "other"), [("public", 401, 403), ("unlisted", 401, 403), ("private", 401, 404)]
)
def test_others_may_not_change_what_they_see_nor_learn_of_what_they_do_not(
    call_as: CallAs, owner: User, stranger: User, visibility: str, nobody: int, other: int
) -> None:
    video = make_video(owner, visibility=visibility)
    for user, expected in ((None, nobody), (stranger, other)):
        client = call_as(user)
        assert client.patch(address(video), {"revision": 1, "title": "Mine"}, format="json").status_code == expected
        assert client.delete(address(video)).status_code == expected
    video.refresh_from_db()
    assert video.title == "A talk"


def test_a_video_that_there_is_not(call_as: CallAs, owner: User) -> None:
    hidden = make_video(owner, visibility="private")
    answers = [call_as(None).get(f"{VIDEOS}{video_id}/") for video_id in (uuid.uuid4(), hidden.pk)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()
    assert call_as(None).get(f"{VIDEOS}not-a-uuid/").status_code == 404


def test_files_open_with_a_token_in_ranges(call_as: CallAs, owner: User, stranger: User) -> None:
    video = make_video(owner, visibility="private", web_name="web.mp4")
    folder(video.pk).mkdir(parents=True)
    (folder(video.pk) / "web.mp4").write_bytes(b"0123456789")
    client = call_as(owner)
    link = client.get(address(video)).json()["files"]["web"]
    whole = client.get(link, headers={"Accept": "video/mp4"})
    assert (whole.status_code, whole["Content-Type"], whole.getvalue()) == (200, "video/mp4", b"0123456789")
    assert "private" in whole["Cache-Control"]
    part = client.get(link, headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.getvalue()) == (206, b"234")
    assert client.get(link, headers={"If-None-Match": whole["ETag"]}).status_code == 304
    assert client.head(link).status_code == 200
    refused = call_as(stranger).get(link)
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    missing = client.get(f"{address(video)}files/poster.jpg", headers={"Accept": "image/*"})
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
