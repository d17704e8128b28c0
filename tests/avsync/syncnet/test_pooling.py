import numpy as np
import pytest

from apps.avsync.syncnet.offset import OFFSET_FRAMES, Calibration, Reason, SyncResult, judge
from apps.avsync.syncnet.pooling import Look, PoolingOptions, pooled

OFFSETS = np.array(OFFSET_FRAMES, dtype=float)
OPTIONS = PoolingOptions()
CALIBRATION = Calibration(intercept=-4.0, slope=1.0)


def look(minute: float, offset_ms: float, *, noise: float = 0.0, depth: float = 1.0, seed: int = 0) -> Look:
    """A look at four seconds whose distances are least at `offset_ms`, four frames wide, under noise."""
    shape = 2 - depth * np.exp(-0.5 * np.square((OFFSETS - offset_ms / 40) / 1.5))
    curve = shape + noise * np.random.default_rng(seed).standard_normal(31)
    result = judge(curve, 96, coverage=0.9, calibration=CALIBRATION, options=OPTIONS.judging)
    return Look(round(60_000 * minute), 4_000, result)


def nothing(minute: float, reason: Reason) -> Look:
    return Look(round(60_000 * minute), 4_000, SyncResult(None, 0.0, 0.0, reason))


def test_many_unsure_looks_make_a_sure_one() -> None:
    calibration = Calibration(intercept=-4.0, slope=1.0)
    looks = [look(minute, 200, noise=0.1, depth=0.5, seed=minute) for minute in range(20)]
    alone = [pooled([one], calibration) for one in looks]
    assert all(one.reason == Reason.NOT_SURE for one in alone[:3])
    result = pooled(looks, calibration)
    assert result.offset_ms == pytest.approx(200, abs=25)
    assert result.probability > max(one.probability for one in alone)
    assert result.drift_ms_per_min is None
    assert result.inputs == 20 * 96
    assert [window.start_ms for window in result.windows] == [60_000 * minute for minute in range(20)]


@pytest.mark.parametrize("drift", [-60.0, -15.0, 15.0, 40.0])
def test_it_tells_a_drift_from_a_shift(drift: float) -> None:
    looks = [look(minute, 30 + drift * (minute - 5), noise=0.15, seed=minute) for minute in range(11)]
    result = pooled(list(reversed(looks)), CALIBRATION)
    assert result.drift_ms_per_min == pytest.approx(drift, abs=4)
    assert result.offset_ms == pytest.approx(30, abs=25)  # in the middle


@pytest.mark.parametrize("seed", range(10))
def test_noise_is_no_drift(seed: int) -> None:
    looks = [look(minute, -80, noise=0.3, seed=100 * seed + minute) for minute in range(11)]
    result = pooled(looks, CALIBRATION)
    assert result.drift_ms_per_min is None
    assert result.offset_ms == pytest.approx(-80, abs=40)


def test_one_odd_scene_is_no_drift() -> None:
    looks = [look(minute, 400 if minute == 9 else 0, noise=0.1, seed=minute) for minute in range(10)]
    result = pooled(looks, CALIBRATION)
    assert result.drift_ms_per_min is None
    assert result.offset_ms == pytest.approx(0, abs=15)


@pytest.mark.parametrize(("before", "after", "jumps_at"), [(-100, 100, 6), (0, 200, 6), (200, 0, 4), (0, 400, 9)])
@pytest.mark.parametrize("seed", range(3))
def test_a_jump_is_neither_a_drift_nor_a_shift(before: float, after: float, jumps_at: int, seed: int) -> None:
    offsets = [before] * jumps_at + [after] * (12 - jumps_at)
    looks = [look(minute, offset, noise=0.15, seed=100 * seed + minute) for minute, offset in enumerate(offsets)]
    result = pooled(looks, CALIBRATION)
    assert (result.offset_ms, result.drift_ms_per_min, result.reason) == (None, None, Reason.NOT_SURE)
    assert result.probability == 0.0
    assert len(result.windows) == 12  # what each look says is there to be seen


def test_sides_that_are_unsure_by_themselves_are_no_jump() -> None:
    looks = [look(minute, 0 if minute < 6 else 200, noise=0.05) for minute in range(12)]
    assert pooled(looks, CALIBRATION).probability == 0.0
    assert pooled(looks, Calibration(intercept=-20.0, slope=1.0)).probability > 0.0  # not sure, as of any curve


def test_looks_that_show_nobody_lower_the_coverage_alone() -> None:
    looks = [look(0, 120), nothing(1, Reason.NO_FACE), nothing(2, Reason.TOO_LITTLE_SPEECH)]
    result = pooled(looks, CALIBRATION)
    assert result.offset_ms == pytest.approx(120, abs=1)
    assert result.coverage == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        ([Reason.NO_FACE], Reason.NO_FACE),
        ([Reason.TOO_LITTLE_SPEECH], Reason.TOO_LITTLE_SPEECH),
        ([Reason.NO_FACE, Reason.TOO_LITTLE_SPEECH], Reason.NO_FACE),
    ],
)
def test_it_says_why_there_is_nothing_to_compare(reasons: list[Reason], expected: Reason) -> None:
    result = pooled([nothing(minute, reason) for minute, reason in enumerate(reasons)], CALIBRATION)
    assert (result.offset_ms, result.probability, result.reason) == (None, 0.0, expected)


def test_it_wants_a_look() -> None:
    with pytest.raises(ValueError, match="look at the video first"):
        pooled([], CALIBRATION)
