import socket
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.transcription.recognition import recognizer_for
from tests.transcription.asr.checkpoints import put_into_cache, save_checkpoint
from tests.transcription.asr.punctuation_checkpoints import save_punctuation_checkpoint


@pytest.fixture
def models(settings: Settings, tmp_path: Path) -> Path:
    settings.ASR_MODEL = "somebody/tiny-wav2vec2"
    settings.MODEL_CACHE_DIR = tmp_path / "models"
    return tmp_path / "models"


def test_what_it_downloads_is_used_without_the_network(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only the network's edge is replaced: the download, by a hub that has this one checkpoint."""
    checkpoint = save_checkpoint(tmp_path / "hub")
    from_disk = huggingface_hub.snapshot_download

    def download(hub_id: str, *, cache_dir: Path, local_files_only: bool = False, **kwargs: Any) -> str:
        if not local_files_only:
            put_into_cache(checkpoint, cache_dir, hub_id)
        return str(from_disk(hub_id, cache_dir=cache_dir, local_files_only=True))

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    call_command("fetch_models")
    assert "somebody/tiny-wav2vec2 is ready" in capsys.readouterr().out

    monkeypatch.setattr(huggingface_hub, "snapshot_download", from_disk)
    assert recognizer_for("en").name == "somebody/tiny-wav2vec2"


def test_without_a_network_it_tells_what_to_do(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(CommandError, match=r"somebody/tiny-wav2vec2 cannot be downloaded.*ASR_MODEL"):
        call_command("fetch_models")


def test_without_a_configured_model_there_is_nothing_to_download(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("fetch_models")
    assert "needs no download" in capsys.readouterr().out


def test_a_folder_is_only_tried(models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("fetch_models", "--model", str(save_checkpoint(tmp_path / "mine")))
    told = capsys.readouterr().out
    assert "nothing to download" in told
    assert "mine is ready" in told


def test_the_punctuation_model_is_fetched_too(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.ASR_PUNCTUATION_MODEL = str(save_punctuation_checkpoint(tmp_path / "marks"))
    call_command("fetch_models")
    assert "marks is ready" in capsys.readouterr().out
    settings.ASR_PUNCTUATION_MODEL = "/no/such/folder"
    with pytest.raises(CommandError, match="ASR_PUNCTUATION_MODEL: /no/such/folder is neither a folder nor a hub id"):
        call_command("fetch_models")


def test_what_is_no_speech_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(CommandError, match="cannot be loaded as a CTC speech model"):
        call_command("fetch_models", "--model", str(tmp_path))


def test_a_malformed_id_is_refused(models: Path) -> None:
    with pytest.raises(CommandError, match="neither a folder nor a hub id"):
        call_command("fetch_models", "--model", "/no/such/folder")
