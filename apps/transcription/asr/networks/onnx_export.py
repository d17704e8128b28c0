"""A CTC checkpoint -> a file that ONNX Runtime runs, made once, below the folder of downloaded models.

The work is done in a child process, `python -m apps.transcription.asr.networks.onnx_export`: it takes some 10 s and
several times the memory of the weights, which a worker would keep for good.
"""

import argparse
import logging
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from apps.transcription.asr.networks.checkpoint import Checkpoint
from apps.transcription.asr.recognizers.base import SAMPLE_RATE

logger = logging.getLogger(__name__)

INPUT, OUTPUT = "samples", "log_probs"
OPSET = 17
TIME_LIMIT_S = 900
TRIED_SAMPLES = (2 * SAMPLE_RATE, 3 * SAMPLE_RATE + 77)
MAX_DIFFERENCE = 1e-2  # of log-probs, in fp32; networks of this size differ by 1e-5


class ExportError(Exception):
    """The checkpoint cannot be written for ONNX Runtime. The message says why."""


def exported(checkpoint: Checkpoint, cache_dir: Path, precision: str) -> Path:
    """The file of `checkpoint` in `precision` ("fp32" or "int8"), made now where it is not there yet (once, 10 s up).

    It is named after the checkpoint's digest. Raises ExportError; a failure is remembered and not tried again.
    """
    target = cache_dir / "onnx" / f"{checkpoint.digest[:32]}-{precision}.onnx"
    failure = target.with_suffix(".failed")
    if target.is_file():
        return target
    if failure.is_file():
        raise ExportError(f"{failure.read_text(encoding='utf-8').strip()} (delete {failure} to try again)")
    logger.info("%s is written for ONNX Runtime, which takes a while, once.", checkpoint.folder.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", __name__, str(checkpoint.folder), str(target), "--precision", precision]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT_S,
            check=False,
            cwd=_root(),
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise ExportError(f"it was not done within {TIME_LIMIT_S} s") from error
    if done.returncode or not target.is_file():
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        if done.returncode > 0:  # not killed: it would fail again
            failure.write_text(f"{reason}\n", encoding="utf-8")
        raise ExportError(reason)
    return target


def export(checkpoint: Checkpoint, target: Path, precision: str) -> None:
    """Writes `target`, whole or not at all. Raises ExportError, and what torch raises."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as folder:
        path = Path(folder) / "fp32.onnx"
        _export_fp32(checkpoint, path)
        if precision == "int8":
            from onnxruntime.quantization import QuantType, quantize_dynamic

            # Convolutions stay as they are: in int8 they are slower here, and the first ones are what hurts most.
            quantize_dynamic(
                path,
                path.with_name("int8.onnx"),
                op_types_to_quantize=["MatMul"],
                per_channel=True,
                weight_type=QuantType.QInt8,
            )
            path = path.with_name("int8.onnx")
        path.replace(target)


def _export_fp32(checkpoint: Checkpoint, path: Path) -> None:
    import torch

    from apps.transcription.asr.networks.torch_network import load

    if not checkpoint.takes_waveforms:
        raise ExportError("it takes spectrograms, not sound")

    class LogProbs(torch.nn.Module):
        def __init__(self, network: Any) -> None:
            super().__init__()
            self.network = network

        def forward(self, values: Any) -> Any:
            return torch.log_softmax(self.network(values).logits, dim=-1)

    wrapped = LogProbs(load(checkpoint)).eval()  # what is not in eval mode is left in training mode by the export
    axes = {INPUT: {0: "n_sounds", 1: "n_samples"}, OUTPUT: {0: "n_sounds", 1: "n_frames"}}
    with torch.no_grad():
        # The exporter by tracing needs the package onnx alone; the newer one also onnxscript.
        torch.onnx.export(
            wrapped, (torch.zeros(1, TRIED_SAMPLES[0]),), path, dynamo=False, opset_version=OPSET,
            input_names=[INPUT], output_names=[OUTPUT], dynamic_axes=axes,
        )  # fmt: skip
        _check(path, wrapped)


def _check(path: Path, wrapped: Any) -> None:
    import onnxruntime
    import torch

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for n_samples in TRIED_SAMPLES:
        values = np.random.default_rng(0).standard_normal((1, n_samples)).astype(np.float32)
        wanted = wrapped(torch.from_numpy(values)).numpy()
        found = session.run(None, {INPUT: values})[0]
        if wanted.shape != found.shape or np.abs(wanted - found).max() > MAX_DIFFERENCE:
            raise ExportError("what ONNX Runtime says differs from what torch says")


def _root() -> Path:
    return Path(__file__).parents[4]


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes a CTC checkpoint for ONNX Runtime.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--precision", choices=("fp32", "int8"), required=True)
    options = parser.parse_args()
    export(Checkpoint.read(options.folder), options.target, options.precision)


if __name__ == "__main__":
    main()
