import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from apps.transcription.asr.calibration import (
    Calibration,
    CalibrationError,
    ConfidenceMap,
    calibration_file,
    cross_calibrated,
    features,
    fit,
    read_calibrations,
    write_calibrations,
)
from apps.transcription.asr.evaluation import Heard, reliability, word_time_error
from apps.transcription.asr.recognizers.base import transcribe_all
from apps.transcription.asr.words import Word
from tests.transcription.voice import SyllableRecognizer, silence

some_confidences = st.lists(st.floats(0, 1), min_size=1, max_size=20)


def boastful(n_utterances: int, *, seed: int = 1) -> list[Heard]:
    """A recogniser whose words are right less often than it says, in some utterances much less; 100 ms too late."""
    random = np.random.default_rng(seed)
    utterances = []
    for number in range(n_utterances):
        skill = random.normal(1.0, 1.5)
        odds = skill + random.normal(0.0, 1.0, size=12)
        right = random.random(12) < 1 / (1 + np.exp(-odds))
        said = tuple(f"w{number}.{index}" for index in range(12))
        words = tuple(
            Word(text if its else "x", index + 0.1, index + 0.4, float(1 / (1 + np.exp(-odds[index] - 2))))
            for index, (text, its) in enumerate(zip(said, right, strict=True))
        )
        heard = tuple(word.text for word in words)
        utterances.append(Heard("made up", said, heard, said, words, 12.0, tuple((i, i + 0.5) for i in range(12))))
    return utterances


def test_confidences_are_true_on_texts_that_were_not_fitted_on() -> None:
    before = boastful(150)
    after = cross_calibrated(before)
    was, now = reliability(before), reliability(after)
    assert was is not None
    assert now is not None
    assert was.error > 0.15
    assert now.error < 0.03
    assert now.mean_confidence == pytest.approx(now.share_right, abs=0.02), "the mean is the expected share of right"
    fitted = fit(before, fitted_on="made up")
    others = boastful(150, seed=2)
    there = reliability([replace(each, words=tuple(fitted.applied(each.words, 12.0))) for each in others])
    assert there is not None
    assert there.error < 0.04


def test_times_move_to_where_words_are_said() -> None:
    before = boastful(50)
    error, corrected = word_time_error(before), word_time_error(cross_calibrated(before))
    assert error is not None
    assert corrected is not None
    assert error.mean_ms == pytest.approx(100)
    assert corrected.mean_ms == pytest.approx(0, abs=1)
    assert fit(boastful(20)).times is None, "too few words are timed"


@given(some_confidences, st.data())
def test_surer_words_stay_surer(confidences: list[float], data: st.DataObject) -> None:
    raw = np.array(confidences)
    index = data.draw(st.integers(0, len(raw) - 1))
    surer = raw.copy()
    surer[index] = data.draw(st.floats(raw[index], 1))
    its = ConfidenceMap(-0.5, 0.7, 0.5)
    assert (its.of(surer) >= its.of(raw) - 1e-12).all()
    assert ((its.of(raw) > 0) & (its.of(raw) < 1)).all()


@given(some_confidences)
def test_the_words_around_are_those_near_but_not_the_word_itself(confidences: list[float]) -> None:
    odds, around = features(np.array(confidences)).T
    for index in range(len(odds)):
        near: NDArray[np.float64] = np.delete(odds, index)[max(0, index - 5) : index + 5]
        assert around[index] == pytest.approx(near.mean() if len(near) else odds[index])


def test_a_map_never_sinks_where_confidences_grow() -> None:
    """A recogniser that is surest where it is wrong is not believed at all."""
    upside_down = [
        replace(each, words=tuple(replace(word, confidence=1 - word.confidence) for word in each.words))
        for each in boastful(50)
    ]
    fitted = fit(upside_down).confidence
    assert fitted.own == 0
    assert fitted.around == 0


def test_too_little_speech_is_refused() -> None:
    with pytest.raises(CalibrationError, match="24 words were heard, and a calibration needs 200"):
        fit(boastful(2))


class Measured(SyllableRecognizer):
    calibration = Calibration(ConfidenceMap(0.0, 0.5, 0.0))
    calibration_file = Path("unused")


def test_words_of_every_calibrated_recogniser_are_corrected_in_one_place() -> None:
    [raw] = transcribe_all(Measured(), [silence(2)], is_raw=True)
    [words] = transcribe_all(Measured(), [silence(2)])
    assert {word.confidence for word in raw} == {0.8}
    assert [word.confidence for word in words] == pytest.approx([2 / 3] * len(raw)), "odds of 4 become odds of 2"
    assert [replace(word, confidence=0.8) for word in words] == raw


def test_a_file_keeps_what_was_fitted(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "calibration.json"
    assert read_calibrations(file) == {}
    kept = {"greedy": fit(boastful(50), fitted_on="made up (50)")}
    write_calibrations(file, kept)
    assert read_calibrations(file) == kept
    for broken in ("{", "[]", '{"greedy": {}}', json.dumps({"greedy": {"confidence": {"slope": 1}}})):
        file.write_text(broken)
        with pytest.raises(CalibrationError, match=r"calibration.json cannot be read.*calibrate_asr"):
            read_calibrations(file)


def test_it_lies_in_a_folder_of_ones_own_and_beside_a_download(tmp_path: Path) -> None:
    own, cache = tmp_path / "own", tmp_path / "cache"
    own.mkdir()
    assert calibration_file(str(own), own, cache) == own / "calibration.json"
    downloaded = cache / "models--a--b"
    assert calibration_file("a/b", downloaded, cache) == cache / "calibration" / "a--b.json"
    assert calibration_file("a/b", downloaded, None) == downloaded / "calibration.json"
    downloaded.mkdir(parents=True)
    (downloaded / "calibration.json").touch()
    assert calibration_file("a/b", downloaded, cache) == downloaded / "calibration.json", "its maker gave one"
