import numpy as np
import pytest

from apps.avsync.models import SyncReport
from apps.avsync.syncnet.offset import (
    OFFSET_FRAMES,
    TOLD_APART,
    Calibration,
    JudgingOptions,
    Reason,
    input_distances,
    judge,
    mean_curve,
    minimum_of,
)

OFFSETS = np.array(OFFSET_FRAMES, dtype=float)
CALIBRATION = Calibration(intercept=-4.0, slope=1.2)


def test_distances_are_those_to_the_sound_that_many_frames_later() -> None:
    video = np.array([[0.0, 0.0], [3.0, 4.0]])
    audio = np.arange(40, dtype=float)[:, None] * np.array([[0.3, 0.4]])  # j -> 0.5 j away from the origin
    distances = input_distances(video, audio, lead_frames=15)
    assert distances.shape == (2, 31)
    assert distances[0] == pytest.approx(0.5 * np.arange(31))  # offset -15 is the first sound
    assert distances[1] == pytest.approx(np.abs(5 - 0.5 * np.arange(1, 32)))


def test_sound_that_is_not_there_has_no_distance() -> None:
    distances = input_distances(np.zeros((3, 2)), np.ones((20, 2)), lead_frames=0)
    assert np.isnan(distances[0]).sum() == 15  # nothing lies before the first sound
    assert np.isnan(distances[2]).sum() == 13
    assert np.isnan(input_distances(np.zeros((3, 2)), np.ones((0, 2)), lead_frames=0)).all()


def test_the_mean_is_the_mean_where_all_is_there() -> None:
    distances = np.random.default_rng(0).random((7, 31))
    assert mean_curve(distances) == pytest.approx(distances.mean(axis=0))


def test_inputs_that_lack_an_offset_do_not_bend_the_curve() -> None:
    """Of two inputs with the same shape, the nearer one knows only the later half of the offsets."""
    shape = np.abs(OFFSETS - 2)
    distances = np.stack([shape + 10, shape])
    distances[1, :12] = np.nan
    assert int(np.argmin(mean_curve(distances))) == 17
    assert int(np.argmin(np.nanmean(distances, axis=0))) == 17
    assert minimum_of(mean_curve(distances[:1])).offset_frames == pytest.approx(2)
    assert np.isnan(mean_curve(np.full((2, 31), np.nan))).all()


@pytest.mark.parametrize("truth", [-3.4, 0.0, 0.25, 7.5])
def test_the_minimum_lies_between_frames(truth: float) -> None:
    minimum = minimum_of(0.05 * np.square(OFFSETS - truth))
    assert minimum.offset_frames == pytest.approx(truth)
    assert minimum.offset_ms == pytest.approx(40 * truth)


def test_confidence_is_median_less_minimum() -> None:
    curve = np.full(31, 2.0)
    curve[[10, 11, 12]] = [1.8, 1.5, 1.8]
    minimum = minimum_of(curve)
    assert minimum.confidence == pytest.approx(0.5)
    assert minimum.offset_frames == pytest.approx(-4)


def test_probability_grows_with_confidence_and_with_how_much_was_compared() -> None:
    calibration = Calibration(intercept=-6.0, slope=3.0)
    assert calibration.probability(0.5, 16) == pytest.approx(0.5)  # -6 + 3 * 0.5 * 4 = 0
    assert calibration.probability(0.5, 64) == pytest.approx(1 / (1 + np.exp(-6)))
    assert calibration.probability(0.9, 16) > calibration.probability(0.5, 16)
    assert calibration.probability(0.1, 10**6) == calibration.probability(0.1, TOLD_APART) == pytest.approx(0.5)
    assert calibration.probability(99.0, 0) == 0.0


def test_it_says_nothing_where_it_is_not_sure() -> None:
    flat = judge(np.full(31, 1.0), 71, coverage=0.9, calibration=CALIBRATION, options=JudgingOptions())
    assert (flat.offset_ms, flat.reason) == (None, Reason.NOT_SURE)
    assert flat.probability < 0.05
    assert len(flat.distances) == 31


def test_what_may_be_still_less_beyond_the_last_offset_is_no_offset() -> None:
    falling = judge(-0.2 * OFFSETS, 71, coverage=0.9, calibration=CALIBRATION, options=JudgingOptions())
    assert (falling.offset_ms, falling.probability) == (None, 0.0)


def test_what_the_network_measures_in_sync_is_taken_off() -> None:
    calibration = Calibration(intercept=0.0, slope=1.0, zero_ms=-12.0)
    result = judge(np.abs(OFFSETS - 5), 71, coverage=1.0, calibration=calibration, options=JudgingOptions())
    assert result.offset_ms == pytest.approx(212.0)


def test_reports_know_every_reason() -> None:
    assert {str(reason) for reason in Reason} == set(SyncReport.Reason.values)
