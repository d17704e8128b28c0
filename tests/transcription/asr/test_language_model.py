"""A language model beside a checkpoint, or carried by one as transformers saves it."""

import shutil
import socket
import warnings
from pathlib import Path

import pytest

from apps.transcription.asr.beam_search import DecoderOptions
from apps.transcription.asr.language_model import (
    LanguageModelUnavailableError,
    Weights,
    load_language_model,
    read_language_model,
)
from apps.transcription.asr.recognizers.base import RecognizerUnavailableError, TakesHotwords
from apps.transcription.asr.recognizers.wav2vec2 import Wav2Vec2Options, Wav2Vec2Recognizer
from tests.transcription.asr.checkpoints import put_into_cache, save_checkpoint
from tests.transcription.asr.recognizer_contract import RecognizerContract
from tests.transcription.asr.sounds import speech

TOY = Path(__file__).parent / "fixtures" / "toy.arpa"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("models") / "tiny-wav2vec2")


@pytest.fixture(scope="module")
def toy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("language") / "toy-lm"
    folder.mkdir()
    shutil.copyfile(TOY, folder / "toy.arpa")
    return folder


@pytest.fixture(scope="module")
def processor_folder(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Network and processor with language model in one folder, saved by transformers itself."""
    reason = "the reference decoder is a tool of the tests"
    pyctcdecode = pytest.importorskip("pyctcdecode", reason=reason)
    pytest.importorskip("kenlm", reason=reason)
    from transformers import AutoFeatureExtractor, AutoTokenizer, Wav2Vec2ProcessorWithLM

    folder = tmp_path_factory.mktemp("models") / "tiny-wav2vec2-lm"
    shutil.copytree(checkpoint, folder)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    labels = [label for label, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])]
    arpa = tmp_path_factory.mktemp("arpa") / "5gram.arpa"
    arpa.write_text(
        TOY.read_text().replace("ab", "AB").replace("ba", "BA").replace("\ta\t", "\tA\t").replace("\tb\t", "\tB\t")
    )
    decoder = pyctcdecode.build_ctcdecoder(labels, str(arpa), ["AB", "BA", "A", "B"], alpha=0.75, beta=0.25)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Wav2Vec2ProcessorWithLM(
            feature_extractor=AutoFeatureExtractor.from_pretrained(checkpoint), tokenizer=tokenizer, decoder=decoder
        ).save_pretrained(folder)
    assert (folder / "language_model" / "attrs.json").exists()
    return folder


class TestWav2Vec2WithALanguageModel(RecognizerContract):
    @pytest.fixture(scope="class")
    @classmethod
    def recognizer(cls, checkpoint: Path, toy_folder: Path) -> Wav2Vec2Recognizer:
        options = Wav2Vec2Options(str(checkpoint), language="en", device="cpu", language_model=str(toy_folder))
        return Wav2Vec2Recognizer(options)


def test_what_transformers_saved_is_used(processor_folder: Path) -> None:
    recognizer = Wav2Vec2Recognizer(Wav2Vec2Options(str(processor_folder), device="cpu"))
    assert recognizer.name == "tiny-wav2vec2-lm with its language model"
    model = recognizer._language_model
    assert model is not None
    assert (model.weights.alpha, model.weights.beta) == (0.75, 0.25)
    assert set(model.unigrams or ()) == {"AB", "BA", "A", "B"}
    words = recognizer.transcribe(speech(3))
    assert words
    assert all(word.text == word.text.lower() for word in words)
    greedy = Wav2Vec2Recognizer(Wav2Vec2Options(str(processor_folder), device="cpu", language_model="none"))
    assert greedy.name == "tiny-wav2vec2-lm"
    assert [word.text for word in greedy.transcribe(speech(3))] != [word.text for word in words]


def test_what_transformers_saved_can_be_used_with_another_checkpoint(processor_folder: Path, checkpoint: Path) -> None:
    options = Wav2Vec2Options(str(checkpoint), device="cpu", language_model=str(processor_folder))
    assert Wav2Vec2Recognizer(options).name == "tiny-wav2vec2 with tiny-wav2vec2-lm"


def test_a_download_is_found_by_its_hub_id(toy_folder: Path, checkpoint: Path, tmp_path: Path) -> None:
    put_into_cache(Path(shutil.copytree(toy_folder, tmp_path / "new")), tmp_path / "cache", "somebody/toy-lm")
    options = Wav2Vec2Options(str(checkpoint), cache_dir=tmp_path / "cache", language_model="somebody/toy-lm")
    assert Wav2Vec2Recognizer(options).name == "tiny-wav2vec2 with somebody/toy-lm"


def test_it_tells_how_to_get_a_language_model_that_is_not_here(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(RecognizerUnavailableError, match=r"ASR_LANGUAGE_MODEL=somebody/absent.*fetch_models"):
        Wav2Vec2Recognizer(
            Wav2Vec2Options(str(checkpoint), cache_dir=tmp_path, language_model="somebody/absent", device="cpu")
        )
    with pytest.raises(LanguageModelUnavailableError, match="build_language_model"):
        load_language_model("/no/such/folder", cache_dir=tmp_path, checkpoint=None)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "holds none"),
        ({"a.arpa": "", "b.bin": ""}, r"holds a\.arpa, b\.bin"),
        ({"pytorch_model.bin": ""}, "holds none"),
        ({"5gram.bin": "no model at all"}, "cannot be loaded as a KenLM"),
        ({"toy.arpa": TOY.read_text(), "attrs.json": "[]"}, "cannot be loaded"),
        ({"toy.arpa": TOY.read_text(), "attrs.json": '{"alpha": "much"}'}, "cannot be loaded"),
    ],
)
def test_a_folder_that_is_no_language_model_is_refused(tmp_path: Path, files: dict[str, str], message: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(LanguageModelUnavailableError, match=f"ASR_LANGUAGE_MODEL.*{message}"):
        read_language_model(tmp_path, name=str(tmp_path))


def test_weights_are_those_of_the_folder(tmp_path: Path) -> None:
    shutil.copyfile(TOY, tmp_path / "toy.arpa")
    (tmp_path / "unigrams.txt").write_text("ab\nba\n")
    (tmp_path / "attrs.json").write_text('{"alpha": 0.7, "beta": 2, "unk_score_offset": -5.5, "score_boundary": false}')
    model = read_language_model(tmp_path, name="toy")
    assert model.unigrams == ("ab", "ba")
    assert model.weights == Weights(alpha=0.7, beta=2.0, unknown_offset=-5.5, score_boundary=False)


def test_hotwords_are_taken_by_a_copy(checkpoint: Path, toy_folder: Path) -> None:
    options = Wav2Vec2Options(
        str(checkpoint), device="cpu", language_model=str(toy_folder), decoder=DecoderOptions(hotword_weight=20.0)
    )
    recognizer = Wav2Vec2Recognizer(options)
    assert isinstance(recognizer, TakesHotwords)
    hotwords = recognizer.choose_hotwords(["Rivers of Timişoara", "ab a"])
    assert hotwords == ("RIVERS", "TIMISOARA")
    before = recognizer.transcribe(speech(3))
    expecting = recognizer.with_hotwords(("E", "T"))
    assert [word.text for word in expecting.transcribe(speech(3))] != [word.text for word in before]
    assert recognizer.transcribe(speech(3)) == before
