import numpy as np
import pytest

from apps.avsync.syncnet.mfcc import mfcc


def tone(hz: float, seconds: float = 0.2) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(int(16_000 * seconds)) / 16_000)).astype(np.float32)


def test_a_fifth_of_a_second_is_a_picture_of_thirteen_by_twenty() -> None:
    assert mfcc(tone(440)).shape == (20, 13)
    assert mfcc(np.zeros(159, np.float32)).shape == (0, 13)


def test_loudness_moves_the_first_coefficient_alone() -> None:
    noise = (0.1 * np.random.default_rng(0).standard_normal(3200)).astype(np.float32)
    soft, loud = mfcc(noise)[5], mfcc(4 * noise)[5]
    # Energies grow by 16: log 16 in each of 40 filters, which the orthonormal transform gives as √40 log 16.
    assert loud[0] - soft[0] == pytest.approx(np.sqrt(40) * np.log(16), rel=0.001)
    np.testing.assert_allclose(loud[1:], soft[1:], atol=0.01)


def test_low_sounds_tilt_the_spectrum_one_way_and_high_ones_the_other() -> None:
    assert mfcc(tone(300))[5, 1] > 0 > mfcc(tone(5000))[5, 1]


def test_a_click_is_seen_in_the_step_in_whose_middle_it_is() -> None:
    samples = np.zeros(3200, np.float32)
    samples[160 * 10 + 80] = 1.0
    assert int(mfcc(samples)[:, 0].argmax()) == 10


def test_a_warp_hears_a_high_tone_as_the_lower_one_it_stands_for() -> None:
    wanted = mfcc(tone(2000))[5, 1:]
    warped, plain = (float(np.linalg.norm(mfcc(tone(2200), warp=warp)[5, 1:] - wanted)) for warp in (1.1, 1.0))
    assert warped < 0.2 * plain
