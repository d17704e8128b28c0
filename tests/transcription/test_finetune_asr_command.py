from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from apps.transcription.asr.recognizers.wav2vec2 import Wav2Vec2Recognizer
from apps.transcription.recognition import recognizer_for
from tests.transcription.asr.checkpoints import put_into_cache, save_checkpoint
from tests.transcription.asr.training.tones import SENTENCES, write_corpus

QUICK = ["--steps", "2", "--batch", "2", "--warmup", "1", "--checkpoint-every", "1", "--validation", "0.25"]


def finetune(*arguments: object) -> str:
    out = StringIO()
    call_command("finetune_asr", *map(str, arguments), stdout=out)
    return out.getvalue()


def test_what_it_writes_is_a_model_of_the_portal(tmp_path: Path, settings: Settings) -> None:
    corpus = write_corpus(tmp_path / "tones")

    said = finetune("--data", corpus, "--fresh", "tiny", "--output", tmp_path / "run", *QUICK)

    assert "training: 3 recordings" in said
    assert "step 2: loss" in said
    assert f"ASR_MODEL={tmp_path / 'run'}" in said
    settings.ASR_MODEL = str(tmp_path / "run")
    recognizer = recognizer_for("en")
    assert isinstance(recognizer, Wav2Vec2Recognizer)
    assert recognizer.name == "run"


def test_it_writes_what_a_processor_with_a_language_model_is_made_of(tmp_path: Path) -> None:
    finetune("--data", write_corpus(tmp_path / "tones"), "--fresh", "tiny", "--output", tmp_path / "run", *QUICK)

    assert {"vocab.json", "tokenizer_config.json", "preprocessor_config.json", "config.json"} <= {
        path.name for path in (tmp_path / "run").iterdir()
    }


def test_it_starts_from_a_downloaded_checkpoint(tmp_path: Path, settings: Settings) -> None:
    settings.MODEL_CACHE_DIR = tmp_path / "cache"
    put_into_cache(save_checkpoint(tmp_path / "saved"), tmp_path / "cache", "who/base")
    corpus = write_corpus(tmp_path / "tones", [text.upper() for text in SENTENCES])

    said = finetune("--data", corpus, "--model", "who/base", "--output", tmp_path / "run", *QUICK)

    assert "Chosen: step" in said


def test_it_selects_a_checkpoint_and_does_nothing_else(tmp_path: Path) -> None:
    finetune("--data", write_corpus(tmp_path / "tones"), "--fresh", "tiny", "--output", tmp_path / "run", *QUICK)
    first = (tmp_path / "run" / "checkpoints" / "step-1" / "model.safetensors").read_bytes()

    finetune("--output", tmp_path / "run", "--select", 1)

    assert (tmp_path / "run" / "model.safetensors").read_bytes() == first
    with pytest.raises(CommandError, match="no checkpoint of step 7; it has 1, 2"):
        finetune("--output", tmp_path / "run", "--select", 7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Give either --model"),
        (("--fresh", "tiny", "--model", "who/base"), "Give either --model"),
        (("--fresh", "tiny", "--alphabet", "checkpoint"), "no alphabet to keep"),
        (("--fresh", "tiny"), "Give --data or --dataset"),
        (("--fresh", "tiny", "--data", "nowhere"), "nowhere does not exist"),
        (("--model", "who/unknown", "--data", "nowhere"), "fetch_models"),
    ],
)
def test_it_says_what_is_missing(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        finetune("--output", tmp_path / "run", *arguments)


def test_data_sets_of_hugging_face_want_their_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)

    with pytest.raises(CommandError, match="pip install datasets"):
        finetune("--output", tmp_path / "run", "--fresh", "tiny", "--dataset", "who/speech")
