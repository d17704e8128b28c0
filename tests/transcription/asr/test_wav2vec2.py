import socket
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from apps.transcription.asr.decoder import best_path
from apps.transcription.asr.networks.checkpoint import Checkpoint
from apps.transcription.asr.networks.torch_network import TorchNetwork
from apps.transcription.asr.recognizers.base import Recognizer, RecognizerUnavailableError
from apps.transcription.asr.recognizers.wav2vec2 import Wav2Vec2Options, Wav2Vec2Recognizer
from apps.transcription.asr.segments import SegmentOptions
from apps.transcription.asr.transcriber import TranscribeOptions, transcribe_file
from tests.transcription.asr.checkpoints import put_into_cache, save_checkpoint
from tests.transcription.asr.recognizer_contract import RecognizerContract
from tests.transcription.asr.sounds import RATE, speech, write_sound


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("models") / "tiny-wav2vec2")


@pytest.fixture(scope="module")
def recognizer(checkpoint: Path) -> Recognizer:
    return Wav2Vec2Recognizer(Wav2Vec2Options(str(checkpoint), language="en", device="cpu"))


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


class TestWav2Vec2(RecognizerContract):
    pass


def test_it_is_called_after_its_folder_and_not_its_path(recognizer: Recognizer) -> None:
    assert recognizer.name == "tiny-wav2vec2"
    assert recognizer.languages == frozenset({"en"})


def test_it_reads_capitals_as_small_letters(recognizer: Recognizer) -> None:
    words = recognizer.transcribe(speech(8))
    assert all(word.text == word.text.lower() for word in words)


def test_frames_are_timed_by_the_stride_of_the_network(recognizer: Wav2Vec2Recognizer) -> None:
    samples = speech(8)
    log_probs = recognizer.log_probs(samples)
    assert log_probs.shape == ((8 * RATE - 400) // 320 + 1, 32)
    assert np.exp(log_probs).sum(axis=1) == pytest.approx(1, abs=1e-4)
    spelled = [token for token in best_path(log_probs, recognizer._alphabet) if token.label_id > 4]
    starts_s = {round(token.start * 0.02, 2) for token in spelled}
    on_a_frame = [word for word in recognizer.transcribe(samples) if round(word.start_s, 2) in starts_s]
    assert on_a_frame  # the others are cut to where somebody speaks


def test_a_download_is_found_by_its_hub_id_without_the_network(tmp_path: Path, no_network: None) -> None:
    put_into_cache(save_checkpoint(tmp_path / "new"), tmp_path / "cache", "somebody/tiny-wav2vec2")
    options = Wav2Vec2Options("somebody/tiny-wav2vec2", cache_dir=tmp_path / "cache", device="cpu")
    recognizer = Wav2Vec2Recognizer(options)
    assert recognizer.name == "somebody/tiny-wav2vec2"
    assert recognizer.languages is None
    assert recognizer.transcribe(speech(3))


def test_it_tells_how_to_get_a_checkpoint_that_is_not_here(tmp_path: Path, no_network: None) -> None:
    with pytest.raises(RecognizerUnavailableError, match=r"ASR_MODEL=somebody/absent.*manage\.py fetch_models"):
        Wav2Vec2Recognizer(Wav2Vec2Options("somebody/absent", cache_dir=tmp_path))
    with pytest.raises(RecognizerUnavailableError, match="fetch_models"):
        Wav2Vec2Recognizer(Wav2Vec2Options("/no/such/folder", cache_dir=tmp_path))


def test_it_refuses_a_folder_that_holds_no_speech_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(RecognizerUnavailableError, match="cannot be loaded as a CTC speech model"):
        Wav2Vec2Recognizer(Wav2Vec2Options(str(tmp_path)))


def test_it_refuses_a_checkpoint_of_another_sampling_rate(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, sampling_rate=8_000)
    with pytest.raises(RecognizerUnavailableError, match="8000 Hz"):
        Wav2Vec2Recognizer(Wav2Vec2Options(str(tmp_path)))


def test_it_refuses_a_gpu_that_is_not_there(checkpoint: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(RecognizerUnavailableError, match="ASR_DEVICE=cpu"):
        Wav2Vec2Recognizer(Wav2Vec2Options(str(checkpoint), device="cuda"))


def test_a_sound_longer_than_a_chunk_is_heard_to_its_end(checkpoint: Path) -> None:
    recognizer = Wav2Vec2Recognizer(Wav2Vec2Options(str(checkpoint), device="cpu", chunk_s=6.0))
    samples = speech(20)
    assert recognizer.log_probs(samples).shape == ((20 * RATE - 400) // 320 + 1, 32)
    words = recognizer.transcribe(samples)
    assert words[-1].end_s > 18
    assert recognizer.transcribe_many([samples, speech(3)]) == [words, recognizer.transcribe(speech(3))]


def test_batches_of_a_gpu_give_the_same_words(checkpoint: Path) -> None:
    """The code that a GPU runs, on the CPU: sounds of like lengths share a batch, and are searched on other threads."""
    network_calls: list[int] = []

    class Watched(TorchNetwork):
        def log_probs(self, inputs: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
            network_calls.append(len(inputs))
            return super().log_probs(inputs)

    recognizer = Wav2Vec2Recognizer(Wav2Vec2Options(str(checkpoint), device="cpu"))
    sounds = [speech(3), speech(6, from_s=3), speech(2.9, from_s=9), speech(6, from_s=12)]
    alone = [recognizer.transcribe(samples) for samples in sounds]
    network = Watched(Checkpoint.read(checkpoint), device="cpu")
    network.batch_size = 8
    recognizer._network = network
    network_calls.clear()
    together = recognizer.transcribe_many(sounds)
    assert sorted(network_calls) == [2, 2]
    assert [[word.text for word in words] for words in together] == [[word.text for word in words] for words in alone]
    starts = [
        (one.start_s, other.start_s)
        for a, b in zip(alone, together, strict=True)
        for one, other in zip(a, b, strict=True)
    ]
    assert all(one == pytest.approx(other) for one, other in starts)


def test_speech_without_a_pause_is_not_cut_in_a_word(checkpoint: Path, tmp_path: Path) -> None:
    """35 s of it, where a segment should have 8: the pause behind it is waited for."""
    path = write_sound(tmp_path / "talk.wav", np.concatenate([speech(35), np.zeros(RATE, dtype=np.float32)]))
    recognizer = Wav2Vec2Recognizer(Wav2Vec2Options(str(checkpoint), device="cpu"))
    options = TranscribeOptions(segments=SegmentOptions(max_segment_s=8, min_pause_ms=500))
    [segment, *_] = transcribe_file(path, recognizer, options)
    assert segment.end_ms - segment.start_ms > 30_000
    assert segment.captions[-1].end_ms > 30_000
