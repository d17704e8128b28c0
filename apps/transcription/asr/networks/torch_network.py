"""A CTC checkpoint run by torch: any architecture that transformers has, on a CPU or a GPU."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from apps.transcription.asr.networks.checkpoint import Checkpoint
from apps.transcription.asr.recognizers.base import SAMPLE_RATE

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
GPU_BATCH_SIZE = 32  # sounds; 6 GB for base in bf16 where each lasts 20 s
GPU_CALLERS = 8  # one is in the network, the others search
# Two sounds, of which the shorter is padded: what the network then says of it may differ by rounding alone.
PROBE_SAMPLES = (SAMPLE_RATE, SAMPLE_RATE * 7 // 10)
SAME_LOG_PROBS = {"fp32": 1e-3, "bf16": 0.3, "fp16": 0.05}


class TorchNetwork:
    """`Network`. One call at a time is in the network; the others wait, and so search meanwhile.

    On a GPU sounds of like lengths are padded into batches, if a try shows that this checkpoint says the same of a
    padded sound. Raises what transformers raises where the checkpoint cannot be loaded.
    """

    def __init__(self, checkpoint: Checkpoint, *, device: str, precision: str = "fp32", compiled: bool = False) -> None:
        self._checkpoint = checkpoint
        self._device = device
        self._precision = precision
        self._lock = threading.Lock()
        network = load(checkpoint)
        self._norm = _masked_norm(network)
        self._frames_of = getattr(network, "_get_feat_extract_output_lengths", None)
        self._network: Any = network.to(device=device, dtype=DTYPES[precision])
        if compiled:
            self._network = torch.compile(self._network, dynamic=True)
        self.may_pad = checkpoint.takes_waveforms and self._says_the_same_of_padded()
        self.batch_size = GPU_BATCH_SIZE if device != "cpu" else 1
        self.n_callers = GPU_CALLERS if device != "cpu" else 2
        self.n_waiting = 2 * max(self.batch_size, self.n_callers)

    @property
    def runtime(self) -> str:
        return f"torch {self._precision} on {self._device}"

    def log_probs(self, inputs: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """See `Network.log_probs`."""
        try:
            with self._lock, torch.inference_mode():
                return self._alone(inputs[0]) if len(inputs) == 1 else self._batched(inputs)
        except torch.OutOfMemoryError:
            if len(inputs) == 1:
                raise
        half = len(inputs) // 2
        torch.cuda.empty_cache()
        return [*self.log_probs(inputs[:half]), *self.log_probs(inputs[half:])]

    def _alone(self, values: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        return [_log_softmax(self._network(self._given(values[None])).logits)[0]]

    def _batched(self, inputs: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        lengths = torch.tensor([len(values) for values in inputs])
        padded = np.zeros((len(inputs), int(lengths.max())), dtype=np.float32)
        for row, values in zip(padded, inputs, strict=True):
            row[: len(values)] = values
        if bool((lengths == lengths[0]).all()):
            logits = self._network(self._given(padded)).logits
            return list(_log_softmax(logits))
        mask = torch.arange(padded.shape[1]) < lengths[:, None]  # (n_sounds, n_samples)
        self._norm.n_samples = lengths.to(self._device)
        try:
            logits = self._network(self._given(padded), attention_mask=mask.to(self._device)).logits
        finally:
            self._norm.n_samples = None
        assert self._frames_of is not None, "only networks that can tell their frames are padded"
        n_frames = self._frames_of(lengths).tolist()
        return [log_probs[:n] for log_probs, n in zip(_log_softmax(logits), n_frames, strict=True)]

    def _given(self, values: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(values).to(device=self._device, dtype=DTYPES[self._precision])

    def _says_the_same_of_padded(self) -> bool:
        if self._frames_of is None:
            return False
        noise = np.random.default_rng(0).standard_normal(PROBE_SAMPLES[0]).astype(np.float32)
        sounds = [noise, noise[: PROBE_SAMPLES[1]]]
        try:
            together = self.log_probs(sounds)
        except (RuntimeError, ValueError, TypeError):
            return False  # an architecture that takes no mask
        for padded, values in zip(together, sounds, strict=True):
            alone = self.log_probs([values])[0]
            if padded.shape != alone.shape or np.abs(padded - alone).max() > SAME_LOG_PROBS[self._precision]:
                return False
        return True


class MaskedGroupNorm(nn.Module):
    """The group norm of wav2vec2-base, a group per channel, over the frames that hold sound: padding is not seen.

    It is the first convolution's, and the only part of these networks that mixes frames without heeding the mask.
    """

    def __init__(self, norm: nn.GroupNorm, convolution: nn.Conv1d) -> None:
        super().__init__()
        self.norm = norm
        self.n_samples: Tensor | None = None  # of each sound of the batch, `(n_sounds,)`; None: nothing is padded
        self._kernel, self._stride = convolution.kernel_size[0], convolution.stride[0]

    def forward(self, hidden: Tensor) -> Tensor:  # (n_sounds, n_channels, n_frames)
        if self.n_samples is None:
            return self.norm(hidden)  # type: ignore[no-any-return]
        n_frames = (self.n_samples - self._kernel) // self._stride + 1  # (n_sounds,)
        mask = torch.arange(hidden.shape[2], device=hidden.device) < n_frames[:, None, None]
        values = hidden.float()
        mean = (values * mask).sum(2, keepdim=True) / n_frames[:, None, None]
        variance = ((values - mean).square() * mask).sum(2, keepdim=True) / n_frames[:, None, None]
        scaled = (values - mean) * torch.rsqrt(variance + self.norm.eps)
        weight, bias = self.norm.weight.float()[:, None], self.norm.bias.float()[:, None]
        return (scaled * weight + bias).to(hidden.dtype)


class _NoNorm:
    """Stands for `MaskedGroupNorm` in networks without one."""

    n_samples: Tensor | None = None


def load(checkpoint: Checkpoint) -> Any:
    """The network with its weights, in eval mode, on the CPU, in fp32."""
    from transformers import AutoModelForCTC
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # workers write to logs
    return AutoModelForCTC.from_pretrained(checkpoint.folder, local_files_only=True, dtype=torch.float32).eval()


def _masked_norm(network: Any) -> MaskedGroupNorm | _NoNorm:
    extractor = getattr(network.base_model, "feature_extractor", None)
    layers = getattr(extractor, "conv_layers", [None])
    norm = getattr(layers[0], "layer_norm", None)
    if isinstance(norm, nn.GroupNorm) and norm.num_groups == norm.num_channels:
        layers[0].layer_norm = MaskedGroupNorm(norm, layers[0].conv)
        return layers[0].layer_norm  # type: ignore[no-any-return]
    return _NoNorm()


def _log_softmax(logits: Tensor) -> NDArray[np.float32]:
    return torch.log_softmax(logits.float(), dim=-1).cpu().numpy()
