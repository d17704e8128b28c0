"""The list of videos, which opens as the moderation queue, and what is done with many at once."""

from collections.abc import Callable

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.classification.models import Topic, TopicPrediction
from apps.pipeline.models import StageRun
from apps.videos import files, moderation
from apps.videos.models import ModerationEntry, ModerationState, Notice, Report, Video
from tests.factories import make_video
from tests.pages.administration.conftest import VIDEOS, Act, act, acts, titles


def test_the_list_opens_as_the_queue(desk: Client, owner: User, video: Video) -> None:
    make_video(owner, title="Published")
    make_video(owner, title="Not checked yet", moderation_state=ModerationState.PENDING, checked_at=None)
    make_video(owner, title="Rejected", moderation_state=ModerationState.REJECTED)

    assert titles(desk) == ["A talk about whales"]
    assert titles(desk, "?queue=published") == ["Published"]
    assert titles(desk, "?queue=unchecked") == ["Not checked yet"]
    assert titles(desk, "?queue=rejected") == ["Rejected"]
    assert len(titles(desk, "?queue=all")) == 4


def test_a_search_looks_beyond_the_queue(desk: Client, owner: User, video: Video) -> None:
    make_video(owner, title="Published whales")

    assert sorted(titles(desk, "?q=whales")) == ["A talk about whales", "Published whales"]


def test_it_filters_by_the_languages_that_are_used(desk: Client, owner: User, video: Video) -> None:
    make_video(owner, title="Ein Vortrag", language="de")

    page = desk.get(VIDEOS + "?queue=all").content.decode()

    assert "German" in page
    assert "Welsh" not in page
    assert titles(desk, "?queue=all&language=de") == ["Ein Vortrag"]


def test_it_finds_what_viewers_reported_and_what_failed(desk: Client, owner: User, video: Video) -> None:
    reported = make_video(owner, title="Reported")
    moderation.report(reported, reporter=None, reason=Report.Reason.HARMFUL)
    StageRun.objects.create(video=video, stage="render", state=StageRun.State.FAILED, error="boom")

    assert titles(desk, "?queue=reported") == ["Reported"]
    assert titles(desk, "?queue=failed") == ["A talk about whales"]
    start = desk.get("/admin/").content.decode()
    assert "1 video waiting for a decision" in start
    assert "1 video reported by viewers" in start
    assert "1 video with a failed stage" in start


def test_the_list_tells_topic_duration_reports_and_processing(desk: Client, video: Video) -> None:
    topic, _ = Topic.objects.update_or_create(label="sport", defaults={"name": "Sport"})
    TopicPrediction.objects.create(video=video, topic=topic, probability=0.914, classifier="test")
    moderation.report(video, reporter=None, reason=Report.Reason.HARMFUL)
    StageRun.objects.create(video=video, stage="render", state=StageRun.State.RUNNING, progress=0.45)

    page = desk.get(VIDEOS).content.decode()

    assert "Sport (91 %)" in page
    assert "1:00" in page
    assert '<td class="field-open_reports">1</td>' in page
    assert "Running: preparing playback 45 %" in page


def test_the_list_costs_no_query_per_video(desk: Client, owner: User) -> None:
    def add(number: int) -> None:
        video = make_video(owner, title=f"Talk {number}", moderation_state=ModerationState.PENDING)
        StageRun.objects.create(video=video, stage="render", state=StageRun.State.DONE)
        TopicPrediction.objects.create(video=video, probability=0.3, classifier="test")

    add(0)
    with CaptureQueriesContext(connection) as few:
        desk.get(VIDEOS)
    for number in range(1, 10):
        add(number)
    with CaptureQueriesContext(connection) as many:
        desk.get(VIDEOS)

    assert len(many) == len(few)


def test_many_are_approved_and_what_cannot_be_is_named(desk: Client, owner: User, video: Video) -> None:
    other = make_video(owner, title="Unchecked", moderation_state=ModerationState.PENDING, checked_at=None)

    page = act(desk, "approve_selected", video, other)

    assert "“Unchecked” cannot be published" in page
    assert "Done for 1 video." in page
    video.refresh_from_db()
    assert video.is_published


def test_many_are_rejected_with_a_reason(desk: Client, owner: User, video: Video) -> None:
    other = make_video(owner, title="Another", moderation_state=ModerationState.PENDING)

    asked = act(desk, "reject_selected", video, other, queue="waiting")
    assert "Reason, which the owner reads" in asked
    assert str(other.pk) in asked
    assert "This field is required." not in asked
    without = act(desk, "reject_selected", video, other, queue="waiting", decided="yes", reason=" ")
    assert "This field is required." in without
    assert acts() == []

    act(desk, "reject_selected", video, other, queue="waiting", decided="yes", reason="Spam")

    assert not Video.objects.exclude(moderation_state=ModerationState.REJECTED).exists()
    assert acts() == [(Act.REJECTED, "Spam", "moderator")] * 2
    assert [notice.kind for notice in Notice.objects.filter(user=owner)] == [Notice.Kind.REJECTED] * 2
    assert "Spam" in Notice.objects.filter(video=other).get().text


def test_a_stage_of_many_is_run_again(desk: Client, video: Video) -> None:
    StageRun.objects.create(video=video, stage="probe", state=StageRun.State.DONE)
    run = StageRun.objects.create(video=video, stage="render", state=StageRun.State.FAILED, error="boom")

    assert "Preparing playback" in act(desk, "run_again_selected", video)
    act(desk, "run_again_selected", video, decided="yes", stage="render")

    run.refresh_from_db()
    assert run.state == StageRun.State.QUEUED
    assert acts() == [(Act.RERUN, "Preparing playback", "moderator")]


def test_deleting_one_removes_its_files(
    desk: Client, video: Video, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    StageRun.objects.create(video=video, stage="render", state=StageRun.State.DONE)
    moderation.report(video, reporter=None, reason=Report.Reason.OTHER)
    assert "A talk about whales" in desk.get(f"{VIDEOS}{video.pk}/delete/").content.decode()

    with django_capture_on_commit_callbacks(execute=True):
        desk.post(f"{VIDEOS}{video.pk}/delete/", {"post": "yes"})

    assert not Video.objects.exists()
    assert not files.folder(video.pk).exists()
    entry = ModerationEntry.objects.get()
    assert (entry.act, entry.video, entry.video_title) == (Act.DELETED, None, "A talk about whales")


def test_deleting_many_removes_their_files(
    desk: Client, owner: User, video: Video, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    other = make_video(owner, title="Another")
    assert "All of the following objects" in act(desk, "delete_selected", video, other)

    with django_capture_on_commit_callbacks(execute=True):
        act(desk, "delete_selected", video, other, post="yes")

    assert not Video.objects.exists()
    assert not files.folder(video.pk).exists()
    assert [entry[0] for entry in acts()] == [Act.DELETED] * 2
