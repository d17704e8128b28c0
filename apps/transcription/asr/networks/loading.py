"""A checkpoint -> the network that runs it, as fast as this machine and its verdicts allow."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from apps.transcription.asr.networks.base import Network
from apps.transcription.asr.networks.checkpoint import Checkpoint
from apps.transcription.asr.networks.precision import fastest, read_verdicts
from apps.transcription.asr.recognizers.base import RecognizerUnavailableError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class NetworkOptions:
    """How a network is run.

    `precision` is fp32, bf16, fp16, int8, or auto (see `networks.precision`). Exports and verdicts are kept below
    `cache_dir`; without one torch runs everything.
    """

    device: str = "auto"  # auto: a GPU where there is one; cpu; cuda
    precision: str = "auto"
    cpu_threads: int = 0  # 0: as many as there are cores
    compiled: bool = False  # by torch.compile, on a GPU
    cache_dir: Path | None = None


def load_network(checkpoint: Checkpoint, options: NetworkOptions) -> Network:
    """ONNX Runtime on a CPU for fp32 and int8, torch for everything else, and for what cannot be exported.

    Raises RecognizerUnavailableError where device and precision do not go together, and what transformers raises.
    """
    device = device_of(options.device)
    precision = _precision(checkpoint, options, device)
    if device == "cpu" and precision == "fp16":
        raise RecognizerUnavailableError("ASR_PRECISION=fp16 is for GPUs: set bf16, int8, fp32 or auto.")
    if device != "cpu" and precision == "int8":
        raise RecognizerUnavailableError("ASR_PRECISION=int8 is for CPUs: set bf16, fp16, fp32 or auto.")
    if device == "cpu" and precision in ("fp32", "int8") and (network := _exported(checkpoint, options, precision)):
        return network
    if precision == "int8":
        raise RecognizerUnavailableError(
            "ASR_PRECISION=int8 needs a checkpoint that can be written for ONNX Runtime, and this one cannot (the log "
            "says why): set ASR_PRECISION=auto."
        )
    from apps.transcription.asr.networks.torch_network import TorchNetwork

    if options.cpu_threads:
        import torch

        torch.set_num_threads(options.cpu_threads)
    return TorchNetwork(checkpoint, device=device, precision=precision, compiled=options.compiled and device != "cpu")


def device_of(wanted: str) -> str:
    """ "cpu" or "cuda". Raises RecognizerUnavailableError where a GPU is wanted that is not there."""
    if wanted == "cpu":
        return "cpu"
    import torch

    has_gpu = torch.cuda.is_available()
    if wanted == "cuda" and not has_gpu:
        raise RecognizerUnavailableError("ASR_DEVICE=cuda, but torch sees no GPU: set ASR_DEVICE=cpu or auto.")
    return "cuda" if has_gpu else "cpu"


def _precision(checkpoint: Checkpoint, options: NetworkOptions, device: str) -> str:
    if options.precision != "auto":
        return options.precision
    if options.cache_dir is None:
        return "fp32"
    return fastest(read_verdicts(options.cache_dir, digest=checkpoint.digest, device=device), device)


def _exported(checkpoint: Checkpoint, options: NetworkOptions, precision: str) -> Network | None:
    if options.cache_dir is None:
        return None
    from apps.transcription.asr.networks.onnx_export import ExportError, exported
    from apps.transcription.asr.networks.onnx_network import OnnxNetwork

    try:
        path = exported(checkpoint, options.cache_dir, precision)
        return OnnxNetwork(path, precision=precision, cpu_threads=options.cpu_threads)
    except (ExportError, OSError, RuntimeError, ValueError) as error:
        logger.warning("%s is run by torch, since it cannot be by ONNX Runtime: %s", checkpoint.folder.name, error)
        return None
