"""The embedded encoder in several kinds of arithmetic, for `benchmarks.topic_speed`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from apps.classification.bert.encoder import EncoderOptions, TextEncoder
from apps.classification.bert.weights import EMBEDDED_PACKAGE, checked_embedded_folder

OPSET = 17
NETWORKS = ("torch bfloat16", "torch float32", "torch int8", "ONNX Runtime int8")


class BenchmarkEncoder(TextEncoder):
    """`network`: one of NETWORKS. The int8 ones quantise linear layers dynamically, weights by channel."""

    def __init__(self, network: str) -> None:
        precision: Any = "bfloat16" if network == "torch bfloat16" else "float32"
        super().__init__(
            checked_embedded_folder(), EncoderOptions(precision=precision, device="cpu"), name=EMBEDDED_PACKAGE
        )
        if network.endswith("int8"):
            self.weights_sha256 = f"{self.weights_sha256} {network}"  # vectors of one are not kept for the other
            self._model = _torch_int8(self._model) if network.startswith("torch") else _onnx_int8(self._model)


def _torch_int8(model: Any) -> Any:
    return torch.ao.quantization.quantize_dynamic(  # type: ignore[no-untyped-call]
        model, {torch.nn.Linear: torch.ao.quantization.per_channel_dynamic_qconfig}, dtype=torch.qint8
    )


class _OnnxNetwork:
    """Called as the network of transformers that it was written from."""

    def __init__(self, content: bytes) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def __call__(self, *, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        inputs = {"input_ids": input_ids.numpy(), "attention_mask": attention_mask.numpy()}
        return SimpleNamespace(last_hidden_state=torch.from_numpy(self._session.run(None, inputs)[0]))


def _onnx_int8(model: Any) -> _OnnxNetwork:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    class Hidden(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
            return self.network(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    names = ["input_ids", "attention_mask"]
    axes = {name: {0: "n_windows", 1: "n_tokens"} for name in [*names, "hidden"]}
    example = torch.ones(2, 16, dtype=torch.long)
    with tempfile.TemporaryDirectory() as folder:
        exact, quantised = Path(folder) / "float32.onnx", Path(folder) / "int8.onnx"
        with torch.no_grad():
            torch.onnx.export(
                Hidden().eval(), (example, example), exact, dynamo=False, opset_version=OPSET,
                input_names=names, output_names=["hidden"], dynamic_axes=axes,
            )  # fmt: skip
        quantize_dynamic(
            exact, quantised, op_types_to_quantize=["MatMul"], per_channel=True, weight_type=QuantType.QInt8
        )
        return _OnnxNetwork(quantised.read_bytes())
