"""A checkpoint's folder, without its weights: how sound is prepared for it, its letters, and its digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.transcription.asr.recognizers.base import SAMPLE_RATE

WAVEFORM = "input_values"  # what transformers calls sound that is given as it is, not as a spectrogram
DIGESTED = ("*.safetensors", "pytorch_model*.bin")  # the first that is there holds the weights


@dataclass(frozen=True)
class Checkpoint:
    """What the files beside the weights say."""

    folder: Path
    config: Any
    features: Any

    @classmethod
    def read(cls, folder: Path) -> Checkpoint:
        """Raises OSError, ValueError, KeyError or TypeError where the folder holds no checkpoint of speech."""
        from transformers import AutoConfig, AutoFeatureExtractor

        features = AutoFeatureExtractor.from_pretrained(folder, local_files_only=True)
        if features.sampling_rate != SAMPLE_RATE:
            raise ValueError(f"it wants sound of {features.sampling_rate} Hz, not {SAMPLE_RATE}")
        return cls(folder, AutoConfig.from_pretrained(folder, local_files_only=True), features)

    @property
    def takes_waveforms(self) -> bool:
        return bool(self.features.model_input_names[0] == WAVEFORM)

    @property
    def stride(self) -> int:
        """Samples from frame to frame; 0 where the configuration does not say."""
        return int(getattr(self.config, "inputs_to_logits_ratio", 0))

    def prepared(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The network's input of one sound: float32 `(n_samples,)`, or a spectrogram `(n_steps, n_features)`."""
        inputs = self.features(samples, sampling_rate=SAMPLE_RATE, return_tensors="np")
        return np.asarray(inputs[self.features.model_input_names[0]][0], dtype=np.float32)

    @cached_property
    def digest(self) -> str:
        """Of configuration and weights: what another training, or another shape, changes. A second per GB."""
        digest = hashlib.sha256((self.folder / "config.json").read_bytes())
        for path in self._weights():
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()

    def _weights(self) -> list[Path]:
        for pattern in DIGESTED:
            if found := sorted(self.folder.glob(pattern)):
                return found
        raise OSError(f"there are no weights (*.safetensors) in {self.folder.name}")
