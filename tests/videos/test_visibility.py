"""The one rule of who may open, find and change a video."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser

from apps.accounts.models import User
from apps.videos.models import ModerationState, Video, Visibility
from tests.factories import make_video

SORTS = [(state, visibility) for state in ModerationState for visibility in Visibility]


@pytest.fixture
def videos(owner: User) -> dict[tuple[str, str], Video]:
    return {
        (state, visibility): make_video(owner, moderation_state=state, visibility=visibility)
        for state, visibility in SORTS
    }


@pytest.mark.parametrize("sort", SORTS)
def test_who_may_open_find_and_change(
    videos: dict[tuple[str, str], Video], owner: User, stranger: User, moderator: User, sort: tuple[str, str]
) -> None:
    state, visibility = sort
    video = videos[sort]
    is_published = state == ModerationState.PUBLISHED
    anyone_opens = is_published and visibility != Visibility.PRIVATE
    anyone_finds = is_published and visibility == Visibility.PUBLIC
    nobody = AnonymousUser()

    def allows(method: str, user: User | AnonymousUser) -> bool:
        return getattr(Video.objects, method)(user).filter(pk=video.pk).exists()  # type: ignore[no-any-return]

    for user in (nobody, stranger):
        assert allows("visible_to", user) == anyone_opens
        assert allows("listed_for", user) == anyone_finds
        assert not allows("editable_by", user)
    assert video.is_listed == anyone_finds
    assert allows("visible_to", owner)
    assert allows("listed_for", owner)
    assert allows("editable_by", owner)
    assert allows("visible_to", moderator)
    assert allows("editable_by", moderator)
    assert allows("listed_for", moderator) == anyone_finds, "a moderator's searches show what everybody's do"


def test_a_moderator_whose_account_was_closed_sees_no_more_than_others(
    videos: dict[tuple[str, str], Video], moderator: User
) -> None:
    moderator.is_active = False
    hidden = videos[ModerationState.PENDING, Visibility.PUBLIC]
    assert not Video.objects.visible_to(moderator).filter(pk=hidden.pk).exists()
