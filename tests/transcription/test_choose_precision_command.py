import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.transcription.asr.networks.checkpoint import Checkpoint
from apps.transcription.asr.networks.precision import read_verdicts
from tests.transcription.asr.checkpoints import save_checkpoint
from tests.transcription.asr.sounds import speech, write_sound


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    write_sound(tmp_path / "one.wav", speech(3))
    (tmp_path / "talks.jsonl").write_text(json.dumps({"path": "one.wav", "text": "Words, words, words: a history!"}))
    return tmp_path / "talks.jsonl"


def test_it_measures_and_remembers_what_faster_arithmetic_changes(
    manifest: Path, tmp_path: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.MODEL_CACHE_DIR = tmp_path / "models"
    settings.ASR_DEVICE = "cpu"
    folder = save_checkpoint(tmp_path / "tiny")
    call_command("choose_precision", "--data", str(manifest), "--model", str(folder))
    told = capsys.readouterr().out
    assert "int8: " in told
    assert "not let in: 5 words are too few" in told
    verdicts = read_verdicts(settings.MODEL_CACHE_DIR, digest=Checkpoint.read(folder).digest, device="cpu")
    assert "int8" in {each.precision for each in verdicts}
    assert not any(each.is_passed for each in verdicts)
    assert all(each.n_words == 5 and each.speed_up > 0 for each in verdicts)


def test_it_wants_a_checkpoint(manifest: Path) -> None:
    with pytest.raises(CommandError, match="name a --model"):
        call_command("choose_precision", "--data", str(manifest))


def test_it_names_what_it_cannot_read(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "tiny")
    with pytest.raises(CommandError, match=r"gone\.jsonl cannot be read"):
        call_command("choose_precision", "--data", str(tmp_path / "gone.jsonl"), "--model", str(folder))
