"""The page of one video: what a decision needs, and the buttons that make it."""

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.classification.models import Topic, TopicPrediction
from apps.pipeline.models import StageRun
from apps.transcription.models import Cue, Transcript
from apps.videos import moderation
from apps.videos.models import ModerationState, Notice, Report, Video
from tests.pages.administration.conftest import VIDEOS, Act, acts


def test_its_page_shows_all_that_a_decision_needs(desk: Client, video: Video, moderator: User) -> None:
    transcript = Transcript.objects.create(video=video, language="en", source=Transcript.Source.AUTO)
    Cue.objects.create(transcript=transcript, position=0, start_ms=0, end_ms=900, text="Whales & <dolphins>")
    topic, _ = Topic.objects.update_or_create(label="tech", defaults={"name": "Tech"})
    TopicPrediction.objects.create(
        video=video, topic=topic, probability=0.8, probabilities={"tech": 0.8, "sport": 0.2}, classifier="test head"
    )
    traceback = "Traceback (most recent call last):\n  File …\nRuntimeError: the encoder <died>"
    StageRun.objects.create(video=video, stage="render", state=StageRun.State.FAILED, error=traceback)
    moderation.report(video, reporter=None, reason=Report.Reason.CAPTIONS, details="Wrong words at 0:30")
    moderation.note(video, by=moderator, act=Act.EDITED, reason="a note in the log")

    page = desk.get(f"{VIDEOS}{video.pk}/change/").content.decode()

    assert f"/videos/{video.pk}/files/original.mp4" in page
    assert f"/videos/{video.pk}/captions.en.vtt" in page
    assert "Whales &amp; &lt;dolphins&gt;" in page
    assert "80 %" in page
    assert "20 %" in page
    assert "Traceback (most recent call last):" in page
    assert "the encoder &lt;died&gt;" in page
    assert "Wrong words at 0:30" in page
    assert "a note in the log" in page


def test_it_approves_by_one_button(desk: Client, video: Video) -> None:
    desk.post(f"{VIDEOS}{video.pk}/approve/")

    video.refresh_from_db()
    assert video.is_published
    assert acts() == [(Act.APPROVED, "", "moderator")]
    assert Notice.objects.get().kind == Notice.Kind.PUBLISHED


def test_it_does_not_approve_what_nobody_checked(desk: Client, video: Video) -> None:
    Video.objects.update(checked_at=None)

    page = desk.post(f"{VIDEOS}{video.pk}/approve/", follow=True).content.decode()

    assert "has not been found whole" in page
    assert acts() == []


def test_it_rejects_with_a_reason_only(desk: Client, video: Video) -> None:
    refused = desk.post(f"{VIDEOS}{video.pk}/reject/", {"reason": "  "}, follow=True).content.decode()
    assert "Say why the video is rejected" in refused
    assert acts() == []

    desk.post(f"{VIDEOS}{video.pk}/reject/", {"reason": "Not yours to show"})

    video.refresh_from_db()
    assert video.moderation_state == ModerationState.REJECTED
    assert acts() == [(Act.REJECTED, "Not yours to show", "moderator")]


@pytest.mark.parametrize("deed", ["approve", "reject", "run-again", "topic"])
def test_a_link_decides_nothing(desk: Client, video: Video, deed: str) -> None:
    assert desk.get(f"{VIDEOS}{video.pk}/{deed}/").status_code == 405


def test_an_edit_leaves_an_entry_and_a_new_revision(desk: Client, video: Video, owner: User) -> None:
    form = {
        "title": "Whales",
        "description": "",
        "tag_names": "sea, Whales",
        "language": "en",
        "visibility": "unlisted",
        "seen_revision": "1",
    }

    assert desk.post(f"{VIDEOS}{video.pk}/change/", form).status_code == 302

    video.refresh_from_db()
    assert (video.title, video.visibility, video.revision) == ("Whales", "unlisted", 2)
    assert sorted(tag.name for tag in video.tags.all()) == ["sea", "whales"]
    assert [entry[0] for entry in acts()] == [Act.EDITED]

    second_tab = desk.post(f"{VIDEOS}{video.pk}/change/", form | {"title": "Dolphins"})
    assert "Somebody changed this video since you opened this page." in second_tab.content.decode()
    video.refresh_from_db()
    assert video.title == "Whales"


def test_an_edit_cannot_reach_what_the_system_knows(desk: Client, video: Video) -> None:
    form = {"title": "Whales", "language": "en", "visibility": "public", "seen_revision": "1", "tag_names": ""}
    forged = {"moderation_state": "published", "checked_at": "", "duration_ms": "1", "sha256": "0", "owner": ""}

    desk.post(f"{VIDEOS}{video.pk}/change/", form | forged)

    after = Video.objects.get()
    assert after.title == "Whales"
    assert (after.moderation_state, after.duration_ms, after.sha256, after.owner, after.checked_at) == (
        video.moderation_state, video.duration_ms, video.sha256, video.owner, video.checked_at,
    )  # fmt: skip


def test_nothing_changed_leaves_no_entry(desk: Client, video: Video) -> None:
    form = {"title": video.title, "language": "en", "visibility": "public", "seen_revision": "1", "tag_names": ""}

    desk.post(f"{VIDEOS}{video.pk}/change/", form)

    assert acts() == []


def test_a_corrected_topic_is_confirmed_and_logged(desk: Client, video: Video) -> None:
    topic, _ = Topic.objects.update_or_create(label="tech", defaults={"name": "Tech"})

    desk.post(f"{VIDEOS}{video.pk}/topic/", {"topic": "tech"})

    prediction = TopicPrediction.objects.get(video=video)
    assert prediction.topic == topic
    assert prediction.is_confirmed
    assert [(entry[0], entry[2]) for entry in acts()] == [(Act.EDITED, "moderator")]


def test_a_report_is_resolved_on_the_page_of_its_video(desk: Client, video: Video, moderator: User) -> None:
    report = moderation.report(video, reporter=None, reason=Report.Reason.OTHER)

    desk.post(f"{VIDEOS}{video.pk}/reports/{report.pk}/resolve/")

    report.refresh_from_db()
    assert report.resolved_by == moderator
    assert [entry[0] for entry in acts()] == [Act.REPORT_RESOLVED]
