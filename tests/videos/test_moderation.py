"""What moderators decide, what viewers report, what owners are told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.videos import moderation
from apps.videos.models import ModerationEntry, ModerationState, Notice, Report, Video
from apps.videos.moderation import ModerationError
from apps.videos.notices import mark_read, notify, unread_for
from apps.videos.signals import video_changed
from tests.factories import make_video

PENDING = ModerationState.PENDING


@pytest.fixture
def changed() -> Iterator[list[object]]:
    """The ids that `video_changed` told of."""
    heard: list[object] = []

    def hear(**event: object) -> None:
        heard.append(event["video_id"])

    video_changed.connect(hear, weak=False, dispatch_uid="test")
    yield heard
    video_changed.disconnect(dispatch_uid="test")


def test_an_approved_video_is_published(owner: User, moderator: User, changed: list[object]) -> None:
    video = make_video(owner, moderation_state=PENDING)
    entry = moderation.approve(video, by=moderator, reason="Fine")
    video.refresh_from_db()
    assert video.is_published
    assert (entry.act, entry.moderator, entry.reason) == ("approved", moderator, "Fine")
    assert [notice.kind for notice in unread_for(owner)] == [Notice.Kind.PUBLISHED]
    assert changed == [video.pk]


def test_a_video_whose_file_was_not_found_whole_cannot_be_published(owner: User, moderator: User) -> None:
    video = make_video(owner, moderation_state=PENDING, checked_at=None)
    with pytest.raises(ModerationError, match="has not been found whole"):
        moderation.approve(video, by=moderator)
    video.refresh_from_db()
    assert video.moderation_state == PENDING
    assert not ModerationEntry.objects.exists()


def test_a_rejected_video_is_hidden_and_its_owner_told_why(owner: User, moderator: User, changed: list[object]) -> None:
    video = make_video(owner)
    moderation.reject(video, by=moderator, reason=" It shows a neighbour. ")
    video.refresh_from_db()
    assert (video.moderation_state, video.moderation_reason) == ("rejected", "It shows a neighbour.")
    assert "It shows a neighbour." in unread_for(owner).get().text
    assert ModerationEntry.objects.get().act == "rejected"
    assert changed == [video.pk]
    moderation.approve(video, by=moderator)
    video.refresh_from_db()
    assert (video.moderation_state, video.moderation_reason) == ("published", "")


def test_a_rejection_needs_a_reason(owner: User, moderator: User) -> None:
    video = make_video(owner)
    with pytest.raises(ModerationError, match="Say why"):
        moderation.reject(video, by=moderator, reason="  ")
    video.refresh_from_db()
    assert video.is_published


def test_a_decision_does_not_undo_an_edit(owner: User, moderator: User) -> None:
    video = make_video(owner, moderation_state=PENDING)
    Video.objects.update(title="Edited meanwhile")
    moderation.approve(video, by=moderator)
    video.refresh_from_db()
    assert video.title == "Edited meanwhile"
    assert ModerationEntry.objects.get().video_title == "Edited meanwhile"


def test_only_what_waits_is_published_after_the_check(owner: User, changed: list[object]) -> None:
    waiting = make_video(owner, moderation_state=PENDING)
    rejected = make_video(owner, moderation_state=ModerationState.REJECTED)
    assert moderation.publish_after_check(waiting)
    assert waiting.is_published
    assert not moderation.publish_after_check(rejected)
    assert not moderation.publish_after_check(waiting), "it is published already"
    assert changed == [waiting.pk]


def test_a_report_stays_open_until_somebody_resolves_it(owner: User, stranger: User, moderator: User) -> None:
    video = make_video(owner)
    report = moderation.report(video, reporter=stranger, reason="privacy", details=" My garden ")
    assert (report.details, report.resolved_at) == ("My garden", None)
    entry = moderation.resolve(report, by=moderator)
    assert entry is not None
    assert entry.act == ModerationEntry.Act.REPORT_RESOLVED
    report.refresh_from_db()
    assert report.resolved_by == moderator
    assert moderation.resolve(report, by=moderator) is None, "once"
    assert ModerationEntry.objects.count() == 1


def test_the_same_person_has_one_open_report_on_a_video(owner: User, stranger: User, moderator: User) -> None:
    video = make_video(owner)
    first = moderation.report(video, reporter=stranger, reason="privacy")
    second = moderation.report(video, reporter=stranger, reason="harmful", details="Worse than I thought")
    assert first.pk == second.pk
    assert Report.objects.get().reason == "harmful"
    moderation.resolve(second, by=moderator)
    moderation.report(video, reporter=stranger, reason="harmful")
    moderation.report(video, reporter=None, reason="other")
    moderation.report(video, reporter=None, reason="other")
    assert Report.objects.count() == 4


@pytest.mark.parametrize(("reason", "details"), [("boring", ""), ("other", "x" * 2_001)])
def test_reports_that_cannot_stand_are_refused(owner: User, stranger: User, reason: str, details: str) -> None:
    with pytest.raises(ModerationError):
        moderation.report(make_video(owner), reporter=stranger, reason=reason, details=details)
    assert not Report.objects.exists()


def test_notices_do_not_pile_up(owner: User) -> None:
    video, other = make_video(owner), make_video(owner)
    notify(owner, video, Notice.Kind.READY, "Ready")
    notify(owner, video, Notice.Kind.READY, "Ready again")
    notify(owner, other, Notice.Kind.READY, "The other")
    assert {notice.text for notice in unread_for(owner)} == {"Ready again", "The other"}
    assert mark_read(owner) == 2
    assert not unread_for(owner).exists()
    notify(owner, video, Notice.Kind.READY, "And again")
    assert Notice.objects.count() == 3, "what was read stays as it was"


def test_a_notice_takes_the_place_of_what_is_true_no_more(owner: User) -> None:
    video = make_video(owner)
    notify(owner, video, Notice.Kind.FAILED, "It needs your attention")
    notify(owner, video, Notice.Kind.PUBLISHED, "Published")
    notify(owner, video, Notice.Kind.READY, "Ready")
    assert {notice.text for notice in unread_for(owner)} == {"Published", "Ready"}
    notify(owner, video, Notice.Kind.REJECTED, "Rejected")
    assert {notice.text for notice in unread_for(owner)} == {"Rejected", "Ready"}


def test_notices_are_each_persons_own(owner: User, stranger: User) -> None:
    notify(owner, make_video(owner), Notice.Kind.FAILED, "It failed")
    assert not unread_for(stranger).exists()
    assert mark_read(stranger) == 0
    assert unread_for(owner).get().created_at <= timezone.now()
