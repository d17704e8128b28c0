import numpy as np
import pytest

from apps.avsync.syncnet.accuracy import gain, offset_distances, rights, share


def vectors(n: int, seed: int = 0) -> np.ndarray:
    made = np.random.default_rng(seed).standard_normal((n, 32)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


@pytest.mark.parametrize(("frames_late", "is_right"), [(0, True), (1, True), (-1, True), (2, False), (-9, False)])
def test_right_is_what_lies_within_a_frame(frames_late: int, is_right: bool) -> None:
    both = vectors(60)
    distances = offset_distances(both, np.roll(both, frames_late, axis=0))
    assert distances.shape == (30, 31)
    assert set(distances.argmin(1)[10:20]) == {15 + frames_late}
    assert set(rights(distances, 5)[10:20]) == {is_right}


def test_more_frames_average_what_single_windows_get_wrong() -> None:
    both = vectors(200)
    noisy = both + 0.35 * np.random.default_rng(1).standard_normal(both.shape).astype(np.float32)
    distances = offset_distances(both, noisy)
    found = [rights(distances, length) for length in (5, 15)]
    assert [len(each) for each in found] == [170, 160]
    assert found[0].mean() < found[1].mean() == 1.0


def test_without_any_relation_three_of_thirty_one_are_right_by_chance() -> None:
    distances = np.random.default_rng(0).random((20_000, 31)).astype(np.float32)
    assert rights(distances, 5).mean() == pytest.approx(3 / 31, abs=0.01)


def test_a_clip_that_is_too_short_has_no_places() -> None:
    assert offset_distances(vectors(30), vectors(30)).shape == (0, 31)
    assert len(rights(offset_distances(vectors(34), vectors(34)), 15)) == 0


def test_of_no_place_at_all_there_is_neither_share_nor_gain() -> None:
    nothing = [np.zeros(0, np.bool_)]
    assert np.isnan(share(nothing).mean)
    assert np.isnan(gain(nothing, nothing).mean)


def test_the_interval_comes_from_clips_not_from_places() -> None:
    clips = [np.full(100, number < 8) for number in range(10)]
    measured = share(clips)
    assert measured.mean == pytest.approx(0.8)
    assert measured.low == pytest.approx(0.5, abs=0.11)
    assert measured.high == pytest.approx(1.0)


def test_a_gain_on_every_clip_is_sure_however_much_clips_differ() -> None:
    worse = [np.arange(10) < number for number in range(9)]
    better = [np.arange(10) < number + 1 for number in range(9)]
    measured = gain(better, worse)
    assert (measured.mean, measured.low, measured.high) == pytest.approx((0.1, 0.1, 0.1))
