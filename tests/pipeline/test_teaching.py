"""A draft on its way to a worker."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.models import User
from apps.classification.models import TopicHead, TopicHeadChange, TopicPrediction
from apps.pipeline import recovery, tasks, teaching
from apps.pipeline.models import StageRun
from apps.videos.models import ModerationEntry
from tests.factories import make_video

State = TopicHead.State


@pytest.mark.django_db
def test_a_message_that_was_lost_is_sent_again(settings: Settings) -> None:
    now = timezone.now()
    lost_at = now - timedelta(seconds=settings.STAGE_REQUEUE_AFTER_S + 1)
    lost = TopicHead.objects.create(version=1, announced_at=lost_at)
    sent = TopicHead.objects.create(version=2, announced_at=now)
    recovery.sweep()
    lost.refresh_from_db()
    sent.refresh_from_db()
    assert lost.announced_at is not None
    assert lost.announced_at >= now
    assert sent.announced_at == now


@pytest.mark.django_db
def test_the_sweep_gives_up_a_draft_whose_worker_is_gone(settings: Settings) -> None:
    long_ago = timezone.now() - timedelta(seconds=2 * settings.TOPIC_TEACHING_LIMIT_S)
    TopicHead.objects.create(version=1, state=State.LEARNING, started_at=long_ago)
    recovery.sweep()
    assert TopicHead.objects.get().state == State.FAILED


@pytest.mark.django_db
def test_the_task_makes_the_draft_and_keeps_why_it_could_not() -> None:
    head = TopicHead.objects.create(version=1)
    tasks.teach_topics(str(head.pk))
    head.refresh_from_db()
    assert head.state == State.FAILED
    assert "No topic has 5 examples any more" in head.error


def test_topics_are_found_anew_a_bounded_number_at_a_time(
    owner: User, moderator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert teaching.classify_again(by=moderator) == teaching.ClassifiedAnew(0, 0)
    earlier = timezone.now() - timedelta(minutes=1)
    videos = [make_video(owner, created_at=earlier + timedelta(seconds=number)) for number in range(3)]
    for video in videos:
        TopicPrediction.objects.create(video=video, probability=0.9, classifier="test")
        StageRun.objects.create(video=video, stage="classify", state="done", ended_at=earlier)
    TopicHeadChange.objects.create(head=None)
    monkeypatch.setattr(teaching, "MAX_AT_ONCE", 2)
    assert teaching.classify_again(by=moderator) == teaching.ClassifiedAnew(n_queued=2, n_left=1)
    assert StageRun.objects.get(state="done").video == videos[0]
    recovery.sweep()
    assert StageRun.objects.filter(state="queued", announced_at__isnull=False).count() == 2
    assert teaching.classify_again(by=moderator) == teaching.ClassifiedAnew(n_queued=1, n_left=0)
    logged = ModerationEntry.objects.filter(act="rerun", moderator=moderator, reason="Finding the topic")
    assert {entry.video for entry in logged} == set(videos)
    assert {entry.video_title for entry in logged} == {"A talk"}
