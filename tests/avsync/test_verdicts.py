import pytest
from pytest_django import Settings

from apps.avsync.syncnet.offset import Reason, SyncResult
from apps.avsync.verdicts import verdict_of
from tests.avsync.reports import VERDICT

TEN_MINUTES_MS = 600_000


def result(offset_ms: float | None, drift: float | None = None, *, inputs: int = 10**6) -> SyncResult:
    """Of so much that was compared that nothing is left in doubt, unless said otherwise."""
    reason = Reason.NOT_SURE if offset_ms is None else None
    return SyncResult(offset_ms, 0.95, 0.8, reason, drift_ms_per_min=drift, inputs=inputs)


@pytest.mark.parametrize(
    ("offset_ms", "verdict"),
    [
        (0.0, VERDICT.IN_SYNC),
        (60.0, VERDICT.IN_SYNC),  # EBU R37: late by no more than 60 ms
        (61.0, VERDICT.SOUND_LATE),
        (-40.0, VERDICT.IN_SYNC),  # and early by no more than 40 ms
        (-41.0, VERDICT.SOUND_EARLY),
        (None, VERDICT.UNKNOWN),
    ],
)
def test_the_limits_are_those_of_ebu_r37(offset_ms: float | None, verdict: object) -> None:
    assert verdict_of(result(offset_ms), TEN_MINUTES_MS) == verdict


@pytest.mark.parametrize(("inputs", "doubt_ms"), [(70, 40), (100, 40), (400, 20), (1_600, 10)])
def test_an_offset_must_lie_beyond_a_limit_by_more_than_it_may_be_off(inputs: int, doubt_ms: int) -> None:
    """By a frame after one look, by less the more was compared."""
    verdicts = [
        verdict_of(result(offset_ms, inputs=inputs), TEN_MINUTES_MS)
        for offset_ms in (-41.0 - doubt_ms, -39.0 - doubt_ms, 59.0 + doubt_ms, 61.0 + doubt_ms)
    ]
    assert verdicts == [VERDICT.SOUND_EARLY, VERDICT.IN_SYNC, VERDICT.IN_SYNC, VERDICT.SOUND_LATE]


def test_other_limits_may_be_set(settings: Settings) -> None:
    settings.SYNC_EARLY_LIMIT_MS, settings.SYNC_LATE_LIMIT_MS = 45.0, 125.0  # what viewers notice: ITU-R BT.1359-1
    assert verdict_of(result(-44.0), TEN_MINUTES_MS) == VERDICT.IN_SYNC
    assert verdict_of(result(124.0), TEN_MINUTES_MS) == VERDICT.IN_SYNC
    assert verdict_of(result(126.0), TEN_MINUTES_MS) == VERDICT.SOUND_LATE


@pytest.mark.parametrize(
    ("offset_ms", "drift", "verdict"),
    [
        (0.0, 30.0, VERDICT.DRIFTING),  # 150 ms at the end
        (0.0, -9.0, VERDICT.DRIFTING),  # 45 ms early at the end
        (10.0, 8.0, VERDICT.IN_SYNC),  # from -30 ms to 50 ms
        (300.0, 8.0, VERDICT.DRIFTING),
    ],
)
def test_a_drift_counts_where_it_leads_beyond_the_limits(offset_ms: float, drift: float, verdict: object) -> None:
    assert verdict_of(result(offset_ms, drift), TEN_MINUTES_MS) == verdict
