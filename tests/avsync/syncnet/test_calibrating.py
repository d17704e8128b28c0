from pathlib import Path

import numpy as np
import pytest

from apps.avsync.syncnet.calibrating import TooFewClipsError, Trial, fit, probabilities, trials
from apps.avsync.syncnet.corpora import Clip
from apps.avsync.syncnet.dataset import MARGIN, Example
from apps.avsync.syncnet.faces import FaceOptions, face_tracks
from apps.avsync.syncnet.offset import Calibration
from tests.avsync.scenes import DrawnFaceDetector, LoudMouthNetwork, talk

OPTIONS = FaceOptions(size=32, share=0.4).with_margin(MARGIN)


def example(seed: int) -> Example:
    clip = talk(3.0, seed=seed)
    (track,) = face_tracks(clip.frames, OPTIONS, DrawnFaceDetector())
    return Example(Clip(Path(f"{seed}.mp4"), "s1", str(seed)), track.crops, clip.samples, np.zeros((0, 13), np.float32))


def drawn(calibration: Calibration, n: int = 4_000) -> list[Trial]:
    """Trials that are right as often as a calibration says."""
    generator = np.random.default_rng(0)
    made = [Trial(0.01, 16, float("inf"))]
    for _ in range(n):
        confidence, inputs = float(generator.uniform(0, 1)), int(generator.choice([16, 64, 256]))
        is_right = generator.random() < calibration.probability(confidence, inputs)
        error_ms = calibration.zero_ms + generator.normal(0, 10) if is_right else -200.0
        made.append(Trial(confidence, inputs, float(error_ms)))
    return made


def test_it_finds_the_map_that_made_the_trials() -> None:
    truth = Calibration(intercept=-5.0, slope=1.2, zero_ms=-9.0)
    found = fit(drawn(truth))
    assert found.zero_ms == pytest.approx(-9.0, abs=1.0)
    for confidence, inputs in ((0.2, 64), (0.5, 16), (0.5, 256), (0.9, 64)):
        assert found.probability(confidence, inputs) == pytest.approx(truth.probability(confidence, inputs), abs=0.05)


def test_a_network_that_sees_well_is_sure_of_what_it_sees_and_of_nothing_else() -> None:
    tried = list(trials(LoudMouthNetwork(), [example(seed) for seed in range(12)]))
    own = [trial for trial in tried if trial.error_ms < float("inf")]
    assert 0.4 < len(own) / len(tried) < 0.6
    # A part of a clip is found as exactly as the whole.
    assert all(abs(trial.error_ms) < 40 for trial in own if trial.confidence > 0.3)
    calibration = fit(tried)
    assert calibration.zero_ms == pytest.approx(0, abs=5)
    sure, is_right = probabilities(tried, calibration)
    assert sure[is_right].mean() > 0.9
    assert sure[~is_right].mean() < 0.15


def test_the_same_seed_makes_the_same_trials() -> None:
    examples = [example(seed) for seed in range(3)]
    first, again, other = (list(trials(LoudMouthNetwork(), examples, seed=seed)) for seed in (1, 1, 2))
    assert first == again != other


def test_a_network_that_finds_nothing_is_not_calibrated() -> None:
    with pytest.raises(TooFewClipsError, match="give more clips"):
        fit([Trial(0.1, 60, float("inf"))] * 200)
