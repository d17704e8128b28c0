"""Resume where one stopped watching."""

from __future__ import annotations

import pytest

from apps.accounts.models import User
from apps.videos.models import WatchPosition
from apps.videos.viewing import is_worth_remembering, position_of, remember_position
from tests.factories import make_video


def test_a_viewer_goes_on_where_they_stopped(owner: User, stranger: User) -> None:
    video = make_video(owner, duration_ms=600_000)
    assert position_of(stranger, video) == 0
    remember_position(stranger, video, 120_000)
    remember_position(stranger, video, 130_000)
    assert position_of(stranger, video) == 130_000
    assert position_of(owner, video) == 0
    assert WatchPosition.objects.count() == 1


@pytest.mark.parametrize("at_ms", [595_000, 600_000, 9_999_999, 1_000, 0])
def test_near_either_end_it_is_forgotten(owner: User, stranger: User, at_ms: int) -> None:
    video = make_video(owner, duration_ms=600_000)
    remember_position(stranger, video, 120_000)
    remember_position(stranger, video, at_ms)
    assert position_of(stranger, video) == 0
    assert not WatchPosition.objects.exists()


@pytest.mark.parametrize(
    ("at_ms", "duration_ms", "is_kept"),
    [
        (9_000, 10_000, True),
        (9_600, 10_000, False),
        (569_000, 600_000, True),
        (571_000, 600_000, False),
        # Of a film of two hours half a minute is the end, not six.
        (7_150_000, 7_200_000, True),
        (7_171_000, 7_200_000, False),
        (5_000, 0, False),
        (-1, 600_000, False),
    ],
)
def test_what_counts_as_the_end(at_ms: int, duration_ms: int, is_kept: bool) -> None:
    assert is_worth_remembering(at_ms, duration_ms) == is_kept
