from pathlib import Path

import pytest
from pytest_django import Settings

from apps.transcription import recognition
from apps.transcription.asr.recognizers.base import RecognizerUnavailableError, TakesHotwords
from apps.transcription.checks import check_gpu, check_model_folders
from apps.transcription.recognition import LanguageNotRecognizedError, recognizer_for
from tests.transcription.asr.checkpoints import save_checkpoint
from tests.transcription.asr.punctuation_checkpoints import save_punctuation_checkpoint


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


def test_the_embedded_recogniser_heeds_its_settings(settings: Settings) -> None:
    title = ["A walk through Cluj"]
    recognizer = recognizer_for("en")
    assert isinstance(recognizer, TakesHotwords)
    assert recognizer.choose_hotwords(title) == ("Cluj",)
    settings.ASR_HOTWORDS, settings.ASR_TEMPERATURE_FALLBACK = 0, True
    other = recognizer_for("en")
    assert other is not recognizer
    assert isinstance(other, TakesHotwords)
    assert other.choose_hotwords(title) == ()


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


def test_words_of_ctc_are_written_for_reading_and_whispers_are_not(settings: Settings, checkpoint: Path) -> None:
    assert recognition.reader_for(recognizer_for("en"), "en") is None
    settings.ASR_MODEL = str(checkpoint)
    reader = recognition.reader_for(recognizer_for("en"), "en", ["At noon we met Ana"], ["ana"])
    assert reader is not None
    assert (reader.language, reader.names, reader.punctuator) == ("en", {"ana": "Ana"}, None)


def test_a_punctuation_model_is_loaded_where_it_is_wanted(settings: Settings, checkpoint: Path, tmp_path: Path) -> None:
    settings.ASR_MODEL = str(checkpoint)
    settings.ASR_PUNCTUATION_MODEL = str(save_punctuation_checkpoint(tmp_path / "punctuation"))
    reader = recognition.reader_for(recognizer_for("en"), "en")
    assert reader is not None
    assert reader.punctuator is not None
    settings.ASR_PUNCTUATION_MODEL = "none"
    reader = recognition.reader_for(recognizer_for("en"), "en")
    assert reader is not None
    assert reader.punctuator is None


def test_a_punctuation_model_that_is_not_here_is_named(settings: Settings, checkpoint: Path, tmp_path: Path) -> None:
    settings.ASR_MODEL, settings.ASR_PUNCTUATION_MODEL = str(checkpoint), "somebody/absent"
    settings.MODEL_CACHE_DIR = tmp_path
    with pytest.raises(RecognizerUnavailableError, match=r"ASR_PUNCTUATION_MODEL=somebody/absent"):
        recognition.reader_for(recognizer_for("en"), "en")


@pytest.mark.parametrize("setting", ["ASR_MODEL", "ASR_LANGUAGE_MODEL", "ASR_PUNCTUATION_MODEL"])
def test_a_folder_that_does_not_exist_is_told_at_start(settings: Settings, tmp_path: Path, setting: str) -> None:
    setattr(settings, setting, str(tmp_path / "gone"))
    [error] = check_model_folders()
    assert f"{setting}='{tmp_path}/gone' cannot work" in error.msg
    for fine in (str(tmp_path), "facebook/wav2vec2-base-960h", "none", ""):
        setattr(settings, setting, fine)
        assert check_model_folders() == []


def test_a_gpu_that_is_not_there_is_told_at_start(settings: Settings, tmp_path: Path) -> None:
    for fine in ("auto", "cpu"):
        settings.ASR_DEVICE = fine
        assert check_gpu(tmp_path) == []
    settings.ASR_DEVICE = "cuda"
    [error] = check_gpu(tmp_path)
    assert "ASR_DEVICE='cuda' cannot work: this machine shows no GPU" in error.msg
    assert "ASR_DEVICE=cpu" in str(error.hint)


def test_a_torch_that_cannot_use_the_gpu_is_told_at_start(settings: Settings, tmp_path: Path) -> None:
    import torch

    if torch.version.cuda or torch.version.hip:
        pytest.skip("the torch that is installed can use GPUs")
    (tmp_path / "nvidia0").touch()
    settings.ASR_DEVICE = "cuda"
    assert check_gpu(tmp_path) == [], "the embedded recogniser does not need torch"
    settings.ASR_MODEL = "facebook/wav2vec2-base-960h"
    [error] = check_gpu(tmp_path)
    assert "built for CPUs alone" in error.msg
