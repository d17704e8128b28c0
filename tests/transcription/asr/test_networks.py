"""How checkpoints are run: batches, chunks, runtimes, precisions."""

import logging
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from apps.transcription.asr.networks.batching import MAX_PADDING, batches
from apps.transcription.asr.networks.checkpoint import Checkpoint
from apps.transcription.asr.networks.chunking import chunks, joined
from apps.transcription.asr.networks.loading import NetworkOptions, load_network
from apps.transcription.asr.networks.onnx_export import exported
from apps.transcription.asr.networks.precision import Verdict, fastest, read_verdicts, write_verdicts
from apps.transcription.asr.networks.torch_network import TorchNetwork
from apps.transcription.asr.recognizers.base import RecognizerUnavailableError
from tests.transcription.asr.checkpoints import save_checkpoint
from tests.transcription.asr.sounds import RATE, speech

STRIDE, FIELD = 320, 400


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def checkpoint(models: Path) -> Checkpoint:
    return Checkpoint.read(save_checkpoint(models / "group"))


@pytest.fixture
def exports(models: Path, checkpoint: Checkpoint) -> Path:
    """A folder of models in which the checkpoint's export is made once for all tests."""
    exported(checkpoint, models, "fp32")
    return models


def sounds() -> list[NDArray[np.float32]]:
    return [speech(4), speech(3, from_s=4), speech(3.5, from_s=7)]


@given(st.lists(st.integers(1, 400), max_size=40), st.integers(1, 8), st.booleans())
def test_each_sound_is_in_one_batch_with_others_of_its_length(lengths: list[int], size: int, may_pad: bool) -> None:
    grouped = batches(lengths, batch_size=size, may_pad=may_pad)
    assert sorted(index for batch in grouped for index in batch) == list(range(len(lengths)))
    for batch in grouped:
        assert 1 <= len(batch) <= size
        own = [lengths[index] for index in batch]
        assert min(own) >= ((1 - MAX_PADDING) * max(own) if may_pad else max(own))


def test_sounds_of_like_lengths_share_a_batch() -> None:
    assert batches([100, 300, 95, 300, 290], batch_size=8, may_pad=True) == [[1, 3, 4], [0, 2]]
    assert batches([100, 300, 95, 300, 290], batch_size=8, may_pad=False) == [[1, 3], [4], [0], [2]]


def frames_of(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a network without attention would say: `(n_frames, 2)`, each frame of its own field of samples."""
    starts = range(0, len(samples) - FIELD + 1, STRIDE)
    rows = [[samples[start : start + FIELD].sum(), samples[start]] for start in starts]
    return np.asarray(rows, dtype=np.float32)


@given(st.integers(FIELD, 60_000), st.sampled_from([(1.0, 0.1), (0.5, 0.2), (2.0, 0.02)]))
def test_chunks_say_what_the_whole_says_and_no_frame_twice(n_samples: int, sizes: tuple[float, float]) -> None:
    chunk_s, context_s = sizes
    samples = np.random.default_rng(n_samples).standard_normal(n_samples).astype(np.float32)
    cut = chunks(n_samples, chunk_s=chunk_s, context_s=context_s, stride=STRIDE)
    assert all(each.stop - each.start <= chunk_s * RATE for each in cut)
    assert np.array_equal(joined([frames_of(samples[each.start : each.stop]) for each in cut], cut), frames_of(samples))


def test_a_chunk_is_longer_than_its_context() -> None:
    with pytest.raises(ValueError, match="more than twice the context"):
        chunks(100_000, chunk_s=2.0, context_s=1.0, stride=STRIDE)


@pytest.mark.parametrize("norm", ["group", "layer"])
def test_padding_changes_nothing_of_what_is_said(tmp_path: Path, norm: str) -> None:
    """The code that a GPU runs, on the CPU: as transformers does it, a group norm would see the padding."""
    network = TorchNetwork(Checkpoint.read(save_checkpoint(tmp_path, norm=norm)), device="cpu")
    assert network.may_pad
    alone = [network.log_probs([samples])[0] for samples in sounds()]
    together = network.log_probs(sounds())
    assert [each.shape for each in together] == [each.shape for each in alone]
    assert all(np.abs(a - b).max() < 1e-3 for a, b in zip(alone, together, strict=True))


def test_padding_would_change_what_transformers_says_of_a_group_norm(checkpoint: Checkpoint) -> None:
    import torch
    from transformers import AutoModelForCTC

    network = AutoModelForCTC.from_pretrained(checkpoint.folder).eval()
    long, short = (torch.from_numpy(each) for each in sounds()[:2])
    padded = torch.nn.functional.pad(short, (0, len(long) - len(short)))
    mask = torch.arange(len(long)) < torch.tensor([[len(long)], [len(short)]])
    with torch.inference_mode():
        alone = network(short[None]).logits[0]
        together = network(torch.stack([long, padded]), attention_mask=mask).logits[1][: len(alone)]
    assert (alone - together).abs().max() > 1e-2


def test_sounds_of_one_length_share_a_batch_without_padding(checkpoint: Checkpoint) -> None:
    network = TorchNetwork(checkpoint, device="cpu")
    same = [speech(3), speech(3, from_s=3), speech(3, from_s=6)]
    for together, samples in zip(network.log_probs(same), same, strict=True):
        assert np.abs(together - network.log_probs([samples])[0]).max() < 1e-3


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_torch_gives_log_probabilities_in_every_precision(checkpoint: Checkpoint, precision: str) -> None:
    network = load_network(checkpoint, NetworkOptions(device="cpu", precision=precision))
    assert network.runtime == f"torch {precision} on cpu"
    log_probs = network.log_probs([checkpoint.prepared(speech(2))])[0]
    assert log_probs.shape == ((2 * RATE - FIELD) // STRIDE + 1, 32)
    assert np.exp(log_probs).sum(axis=1) == pytest.approx(1, abs=1e-3)


def test_onnx_runtime_says_what_torch_says(checkpoint: Checkpoint, exports: Path) -> None:
    fast = load_network(checkpoint, NetworkOptions(device="cpu", cache_dir=exports))
    plain = load_network(checkpoint, NetworkOptions(device="cpu"))
    assert (fast.runtime, plain.runtime) == ("onnxruntime fp32", "torch fp32 on cpu")
    inputs = [checkpoint.prepared(samples) for samples in sounds()]
    for mine, wanted in zip(fast.log_probs(inputs), plain.log_probs(inputs), strict=True):
        assert np.abs(mine - wanted).max() < 1e-3


def test_int8_is_run_where_it_is_asked_for(checkpoint: Checkpoint, models: Path) -> None:
    network = load_network(checkpoint, NetworkOptions(device="cpu", precision="int8", cache_dir=models))
    assert network.runtime == "onnxruntime int8"
    log_probs = network.log_probs([checkpoint.prepared(speech(2))])[0]
    assert np.exp(log_probs).sum(axis=1) == pytest.approx(1, abs=1e-3)


def test_an_export_is_made_once_and_anew_for_other_weights(checkpoint: Checkpoint, exports: Path) -> None:
    path = exported(checkpoint, exports, "fp32")
    made_at = path.stat().st_mtime_ns
    assert exported(Checkpoint.read(checkpoint.folder), exports, "fp32") == path
    assert path.stat().st_mtime_ns == made_at
    assert not [each for each in path.parent.iterdir() if each.name.startswith(".export-")]
    (path.parent / "other").mkdir()
    other = Checkpoint.read(save_checkpoint(path.parent / "other", norm="layer"))
    assert other.digest != checkpoint.digest


@pytest.fixture
def unwritable(tmp_path: Path) -> Path:
    """A folder of models in which no export can be made."""
    (tmp_path / "onnx").write_text("a file where a folder should be")
    return tmp_path


def test_torch_runs_what_cannot_be_exported_and_the_log_says_why(
    checkpoint: Checkpoint, unwritable: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        network = load_network(checkpoint, NetworkOptions(device="cpu", cache_dir=unwritable))
    assert network.runtime == "torch fp32 on cpu"
    assert "is run by torch, since it cannot be by ONNX Runtime" in caplog.text
    with pytest.raises(RecognizerUnavailableError, match="ASR_PRECISION=auto"):
        load_network(checkpoint, NetworkOptions(device="cpu", precision="int8", cache_dir=unwritable))


def test_a_damaged_export_is_not_the_end(
    checkpoint: Checkpoint, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / f"{checkpoint.digest[:32]}-fp32.onnx").write_bytes(b"half a network")
    with caplog.at_level(logging.WARNING):
        assert load_network(checkpoint, NetworkOptions("cpu", cache_dir=tmp_path)).runtime == "torch fp32 on cpu"
    assert "is damaged, delete it" in caplog.text


def test_a_failed_export_is_not_tried_again(
    checkpoint: Checkpoint, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / f"{checkpoint.digest[:32]}-fp32.failed").write_text("it takes spectrograms, not sound\n")
    with caplog.at_level(logging.WARNING):
        load_network(checkpoint, NetworkOptions("cpu", cache_dir=tmp_path))
    assert "spectrograms" in caplog.text
    assert not list(tmp_path.glob("onnx/*.onnx"))


def test_what_may_change_words_runs_only_after_its_verdict(checkpoint: Checkpoint, models: Path) -> None:
    options = NetworkOptions(device="cpu", cache_dir=models)
    place = {"digest": checkpoint.digest, "device": "cpu"}
    assert load_network(checkpoint, options).runtime == "onnxruntime fp32"
    write_verdicts(models, [Verdict("int8", -0.3, 5000, 1.5), Verdict("bf16", 0.1, 5000, 1.3)], **place)
    assert fastest(read_verdicts(models, **place), "cpu") in ("bf16", "fp32")  # the machine may have no bf16
    write_verdicts(models, [Verdict("int8", -0.1, 5000, 1.5), Verdict("bf16", 0.0, 5000, 1.3)], **place)
    assert load_network(checkpoint, options).runtime == "onnxruntime int8"
    write_verdicts(models, [], **place)
    assert load_network(checkpoint, options).runtime == "onnxruntime fp32"


def test_a_verdict_needs_words_and_a_gain() -> None:
    assert fastest([Verdict("int8", 0.0, 20, 2.0)], "cpu") == "fp32"
    assert fastest([Verdict("int8", 0.0, 5000, 0.9)], "cpu") == "fp32"
    assert fastest([], "cpu") == "fp32"


@pytest.mark.parametrize(("device", "precision"), [("cpu", "fp16")])
def test_it_refuses_a_precision_that_the_device_has_not(checkpoint: Checkpoint, device: str, precision: str) -> None:
    with pytest.raises(RecognizerUnavailableError, match="ASR_PRECISION=fp16 is for GPUs"):
        load_network(checkpoint, NetworkOptions(device=device, precision=precision))
