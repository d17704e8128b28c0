import csv
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.transcription.asr.calibration import Calibration, ConfidenceMap, read_calibrations, write_calibrations
from apps.transcription.asr.recognizers.base import IsCalibrated, transcribe_all
from apps.transcription.asr.word_times import TimeMap
from apps.transcription.recognition import model_recognizer, recognizer_for
from tests.transcription.asr.checkpoints import save_checkpoint
from tests.transcription.asr.sounds import speech, write_sound

TOY = Path(__file__).parent / "asr" / "fixtures" / "toy.arpa"


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    lines = []
    for number in range(5):
        write_sound(tmp_path / f"{number}.wav", speech(4, from_s=4 * number))
        lines.append({"path": f"{number}.wav", "text": f"Words, words: a history {number}!"})
    (tmp_path / "talks.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return tmp_path / "talks.jsonl"


def test_a_checkpoint_is_calibrated_for_each_way_of_decoding(
    manifest: Path,
    tmp_path: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "toy.arpa").write_text(TOY.read_text())
    checkpoint = save_checkpoint(tmp_path / "tiny")
    settings.ASR_LANGUAGE_MODEL = str(tmp_path / "toy")
    monkeypatch.setattr("apps.transcription.asr.calibration.MIN_WORDS", 10)
    call_command(
        "calibrate_asr", "--data", str(manifest), "--model", str(checkpoint), "--csv", str(tmp_path / "table.csv")
    )
    told = capsys.readouterr().out
    assert "tiny with toy, greedy, talks" in told
    assert f"{checkpoint}/calibration.json is written" in told
    fitted = read_calibrations(checkpoint / "calibration.json")
    assert set(fitted) == {"greedy", "language model"}
    assert fitted["greedy"].fitted_on == "talks (5)"
    rows = list(csv.DictReader((tmp_path / "table.csv").open()))
    assert [row["decoding"] for row in rows] == ["greedy", "language model"]
    assert float(rows[0]["share_right"]) == 0.0, "a random network hears nothing right"
    assert float(rows[0]["ece_after"]) < float(rows[0]["ece_before"])

    call_command("evaluate_asr", "--data", str(manifest), "--model", str(save_copy(checkpoint, tmp_path)))
    assert "ECE" in capsys.readouterr().out


def save_copy(checkpoint: Path, tmp_path: Path) -> Path:
    """Under another name, since a process loads a checkpoint once."""
    return checkpoint.rename(tmp_path / "calibrated")


def test_a_calibrated_checkpoint_gives_calibrated_words(tmp_path: Path) -> None:
    checkpoint = save_checkpoint(tmp_path / "tiny")
    later = TimeMap(start=(0.04, 0, 0, 0, 0, 0), end=(0.0,) * 6)
    write_calibrations(checkpoint / "calibration.json", {"greedy": Calibration(ConfidenceMap(-20.0, 1.0, 0.0), later)})
    recognizer = model_recognizer(str(checkpoint), "en")
    [raw], [words] = (transcribe_all(recognizer, [speech(3)], is_raw=is_raw) for is_raw in (True, False))
    assert words
    assert [word.text for word in words] == [word.text for word in raw]
    assert max(word.confidence for word in words) < 0.01 < max(word.confidence for word in raw)
    assert words[0].start_s == pytest.approx(raw[0].start_s + 0.04)


def test_a_broken_calibration_is_told_where_the_checkpoint_is(tmp_path: Path) -> None:
    checkpoint = save_checkpoint(tmp_path / "tiny")
    (checkpoint / "calibration.json").write_text("{")
    with pytest.raises(Exception, match=r"calibration\.json cannot be read.*calibrate_asr"):
        model_recognizer(str(checkpoint), "en")


def test_the_embedded_recogniser_comes_calibrated() -> None:
    whisper = recognizer_for("en")
    assert isinstance(whisper, IsCalibrated)
    assert whisper.calibration is not None
    assert whisper.calibration.n_words > 3_000
    assert 0 < whisper.calibration.confidence.own < 1.5


def test_too_little_speech_is_refused_and_nothing_written(manifest: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="needs 200"):
        call_command("calibrate_asr", "--data", str(manifest), "--output", str(tmp_path / "c.json"), "--limit", "1")
    assert not (tmp_path / "c.json").exists()
