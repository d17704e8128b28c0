from pathlib import Path

import pytest
from pytest_django import Settings

from apps.transcription import recognition
from apps.transcription.asr.recognizers.base import RecognizerUnavailableError
from apps.transcription.recognition import LanguageNotRecognizedError, recognizer_for
from tests.transcription.asr.checkpoints import save_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("models") / "tiny-wav2vec2")


def test_english_has_the_embedded_recogniser() -> None:
    assert recognizer_for("en").name == "whisper tiny.en"
    assert recognition.recognized_languages() == {"en"}
    assert recognition.describe() == "English: whisper tiny.en (embedded)"


def test_a_recogniser_is_loaded_once_per_process() -> None:
    assert recognizer_for("en") is recognizer_for("en")


def test_a_language_without_recogniser_is_refused_in_words_for_the_owner() -> None:
    with pytest.raises(
        LanguageNotRecognizedError, match=r"no speech recogniser for Romanian.*Upload captions.*ASR_MODEL"
    ):
        recognizer_for("ro")


def test_a_configured_checkpoint_takes_the_place_of_the_embedded_one(settings: Settings, checkpoint: Path) -> None:
    settings.ASR_MODEL = str(checkpoint)
    assert recognizer_for("en").name == "tiny-wav2vec2"


def test_a_checkpoint_of_another_language_stands_beside_the_embedded_one(settings: Settings, checkpoint: Path) -> None:
    settings.ASR_MODEL, settings.ASR_MODEL_LANGUAGE = str(checkpoint), "ro"
    assert recognizer_for("ro").name == "tiny-wav2vec2"
    assert recognizer_for("ro").languages == frozenset({"ro"})
    assert recognizer_for("en").name == "whisper tiny.en"
    assert recognition.recognized_languages() == {"en", "ro"}
    assert recognition.describe() == f"English: whisper tiny.en (embedded); Romanian: {checkpoint}"
    with pytest.raises(LanguageNotRecognizedError, match="German"):
        recognizer_for("de")


def test_a_checkpoint_that_was_never_downloaded_is_named(settings: Settings, tmp_path: Path) -> None:
    settings.ASR_MODEL, settings.MODEL_CACHE_DIR = "somebody/absent", tmp_path
    with pytest.raises(RecognizerUnavailableError, match=r"ASR_MODEL=somebody/absent.*fetch_models"):
        recognizer_for("en")


def test_segments_are_as_long_as_the_settings_say(settings: Settings) -> None:
    settings.ASR_MAX_SEGMENT_S = 12.5
    assert recognition.transcribe_options().segments.max_segment_s == 12.5


def test_each_language_has_its_checkpoint_and_language_model(
    settings: Settings, checkpoint: Path, tmp_path: Path
) -> None:
    toy = Path(__file__).parent / "asr" / "fixtures" / "toy.arpa"
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "toy.arpa").write_text(toy.read_text())
    settings.ASR_MODELS = {"en": str(checkpoint), "ro": str(checkpoint)}
    settings.ASR_LANGUAGE_MODELS = {"ro": str(tmp_path / "toy")}
    assert recognizer_for("en").name == "tiny-wav2vec2"
    assert recognizer_for("ro").name == "tiny-wav2vec2 with toy"
    assert recognition.recognized_languages() == {"en", "ro"}


def test_a_language_model_that_is_not_here_is_named(settings: Settings, checkpoint: Path, tmp_path: Path) -> None:
    settings.ASR_MODEL, settings.ASR_LANGUAGE_MODEL = str(checkpoint), "somebody/absent"
    settings.MODEL_CACHE_DIR = tmp_path
    with pytest.raises(RecognizerUnavailableError, match=r"ASR_LANGUAGE_MODEL=somebody/absent"):
        recognizer_for("en")
