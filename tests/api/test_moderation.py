"""Moderators at work, and viewers who call them."""

from __future__ import annotations

import uuid

import pytest

from apps.accounts.models import User
from apps.classification.models import Topic, TopicPrediction
from apps.videos.models import ModerationEntry, Notice, Report, Video
from tests.api.conftest import CallAs
from tests.factories import make_video

QUEUE = "/api/v1/moderation/videos/"
REPORTS = "/api/v1/moderation/reports/"
TOPICS = "/api/v1/moderation/topics/"


def test_everything_here_is_for_moderators(call_as: CallAs, owner: User, moderator: User) -> None:
    video = make_video(owner, moderation_state="pending")
    report = Report.objects.create(video=video, reason="other")
    gets = [QUEUE, REPORTS, TOPICS, f"{TOPICS}summary/"]
    posts = [f"{QUEUE}{video.pk}/approve/", f"{QUEUE}{video.pk}/reject/", f"{REPORTS}{report.pk}/resolve/"]
    for user, expected in ((None, 401), (owner, 403)):
        client = call_as(user)
        assert {client.get(path).status_code for path in gets} == {expected}
        assert {client.post(path, {"reason": "x"}, format="json").status_code for path in posts} == {expected}
        assert client.put(f"/api/v1/videos/{video.pk}/topic/", {"topic": None}, format="json").status_code == expected
    video.refresh_from_db()
    assert video.moderation_state == "pending"
    assert {call_as(moderator).get(path).status_code for path in gets} == {200}


def test_the_queue_shows_who_waits_longest_first(call_as: CallAs, owner: User, moderator: User) -> None:
    for title in ("first", "second"):
        make_video(owner, title=title, moderation_state="pending", visibility="private")
    make_video(owner, title="no", moderation_state="rejected")
    client = call_as(moderator)
    assert [video["title"] for video in client.get(QUEUE).json()["results"]] == ["first", "second"]
    assert [video["title"] for video in client.get(QUEUE, {"state": "rejected"}).json()["results"]] == ["no"]
    assert client.get(QUEUE, {"state": "lost"}).status_code == 400


def test_a_moderator_publishes_and_rejects(call_as: CallAs, owner: User, moderator: User) -> None:
    video = make_video(owner, moderation_state="pending")
    client = call_as(moderator)
    answer = client.post(f"{QUEUE}{video.pk}/approve/")
    assert (answer.status_code, answer.json()["moderation_state"]) == (200, "published")
    answer = client.post(f"{QUEUE}{video.pk}/reject/", {"reason": "It is advertising."}, format="json")
    assert (answer.status_code, answer.json()["moderation_state"]) == (200, "rejected")
    assert call_as(owner).get(f"/api/v1/videos/{video.pk}/").json()["moderation_reason"] == "It is advertising."
    assert set(ModerationEntry.objects.values_list("act", "moderator")) == {
        ("approved", moderator.pk),
        ("rejected", moderator.pk),
    }
    assert Notice.objects.filter(user=owner, kind="rejected").exists()


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "  "}, {"reason": "x" * 2_001}])
def test_a_rejection_needs_a_reason(call_as: CallAs, owner: User, moderator: User, body: dict[str, str]) -> None:
    video = make_video(owner)
    answer = call_as(moderator).post(f"{QUEUE}{video.pk}/reject/", body, format="json")
    assert answer.status_code == 400
    assert "reason" in answer.json()["fields"]
    video.refresh_from_db()
    assert video.moderation_state == "published"


def test_a_file_that_was_not_found_whole_is_not_published(call_as: CallAs, owner: User, moderator: User) -> None:
    video = make_video(owner, moderation_state="pending", checked_at=None)
    answer = call_as(moderator).post(f"{QUEUE}{video.pk}/approve/")
    assert answer.status_code == 409
    assert "whole" in answer.json()["detail"]
    assert call_as(moderator).post(f"{QUEUE}{uuid.uuid4()}/approve/").status_code == 404


def test_a_moderator_corrects_the_topic(call_as: CallAs, owner: User, moderator: User) -> None:
    video = make_video(owner)
    sport = Topic.objects.get(label="sport")
    TopicPrediction.objects.create(video=video, topic=sport, probability=0.6, classifier="test")
    client, address = call_as(moderator), f"/api/v1/videos/{video.pk}/topic/"
    topic = client.put(address, {"topic": "tech"}, format="json").json()["topic"]
    assert (topic["label"], topic["is_confirmed"]) == ("tech", True)
    assert client.put(address, {"topic": None}, format="json").json()["topic"] is None
    refused = client.put(address, {"topic": "gardening"}, format="json")
    assert refused.status_code == 400
    assert "politics" in refused.json()["detail"]


def test_a_moderator_answers_what_the_classifier_asks(call_as: CallAs, owner: User, moderator: User) -> None:
    for title, tech in (("surer", 0.45), ("less sure", 0.4)):
        TopicPrediction.objects.create(
            video=make_video(owner, title=title, visibility="private"),
            probability=tech,
            probabilities={"sport": 0.1, "tech": tech},
            outcome="asked",
            classifier="test",
        )
    TopicPrediction.objects.create(video=make_video(owner), probability=0.2, outcome="unknown", classifier="test")
    client = call_as(moderator)
    first, second = client.get(TOPICS).json()["results"]
    assert (first["video"]["title"], second["video"]["title"]) == ("less sure", "surer")
    assert first["probabilities"] == [
        {"label": "tech", "name": "Technology", "probability": 0.4},
        {"label": "sport", "name": "Sport", "probability": 0.1},
    ]
    client.put(f"/api/v1/videos/{first['video']['id']}/topic/", {"topic": None}, format="json")
    assert [row["video"]["title"] for row in client.get(TOPICS).json()["results"]] == ["surer"]


def test_topics_in_figures(call_as: CallAs, owner: User, moderator: User) -> None:
    sport = Topic.objects.get(label="sport")
    video = make_video(owner)
    said = {"probability": 0.9, "probabilities": {"sport": 0.9}, "classifier": "test", "outcome": "filed"}
    TopicPrediction.objects.create(video=video, topic=sport, **said)
    client = call_as(moderator)
    client.put(f"/api/v1/videos/{video.pk}/topic/", {"topic": "sport"}, format="json")
    figures = client.get(f"{TOPICS}summary/").json()
    assert {row["label"]: row["recent"] for row in figures["topics"]} == {
        **dict.fromkeys(("business", "entertainment", "politics", "tech", "unknown"), 0),
        "sport": 1,
    }
    assert figures["periods"][0]["filed"] == 1
    assert figures["topic_drift"] == {
        "recent": 1,
        "before": 0,
        "p_value": None,
        "stability_index": None,
        "has_drifted": False,
        "sentence": "Too few videos to compare: 1 in the last 30 days, 0 in the 30 days before.",
    }
    assert figures["mean_before"] is None
    assert figures["judgements"]["filed"]["share"] == 1.0
    assert figures["judgements"]["filed"]["interval"] == pytest.approx([0.207, 1.0], abs=0.001)
    assert figures["judgements"]["asked"] == {"judged": 0, "right": 0, "share": None, "interval": None}


def test_a_viewer_reports_and_a_moderator_resolves(
    call_as: CallAs, owner: User, stranger: User, moderator: User
) -> None:
    video = make_video(owner)
    address = f"/api/v1/videos/{video.pk}/reports/"
    body = {"reason": "privacy", "details": "My door."}
    assert call_as(None).post(address, body, format="json").status_code == 401
    answer = call_as(stranger).post(address, body, format="json")
    assert answer.status_code == 201
    assert answer.json()["video"]["id"] == str(video.pk)
    assert answer.json()["reporter"] == "stranger"
    client = call_as(moderator)
    (report,) = client.get(REPORTS).json()["results"]
    assert (report["reason"], report["details"], report["resolved_at"]) == ("privacy", "My door.", None)
    resolved = client.post(f"{REPORTS}{report['id']}/resolve/")
    assert (resolved.status_code, resolved.json()["resolved_by"]) == (200, "moderator")
    assert client.get(REPORTS).json()["results"] == []
    assert len(client.get(REPORTS, {"is_resolved": "true"}).json()["results"]) == 1
    assert client.post(f"{REPORTS}{report['id']}/resolve/").status_code == 409
    assert client.post(f"{REPORTS}{uuid.uuid4()}/resolve/").status_code == 404


def test_reports_that_say_nothing_and_of_hidden_videos(call_as: CallAs, owner: User, stranger: User) -> None:
    video = make_video(owner)
    address = f"/api/v1/videos/{video.pk}/reports/"
    assert call_as(stranger).post(address, {"reason": "boring"}, format="json").status_code == 400
    assert call_as(stranger).post(address, {}, format="json").status_code == 400
    Video.objects.update(visibility="private")
    assert call_as(stranger).post(address, {"reason": "other"}, format="json").status_code == 404
    assert not Report.objects.exists()
