"""The seam between a CTC checkpoint and what runs it."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Network(Protocol):
    """A CTC network, ready to run. May be called from several threads at once."""

    @property
    def runtime(self) -> str:
        """What runs it and how, for operators: `onnxruntime fp32`, `torch bf16 on cuda`."""

    @property
    def n_callers(self) -> int:
        """From how many threads it is best called, so that no core and no GPU waits."""

    @property
    def n_waiting(self) -> int:
        """How many sounds should be at hand, so that its callers are never out of work."""

    @property
    def batch_size(self) -> int:
        """How many sounds are best given to it at once; 1 where that saves nothing."""

    @property
    def may_pad(self) -> bool:
        """Whether sounds of different lengths may share a batch without changing what it says of them."""

    def log_probs(self, inputs: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """What it says of each frame of each input (see `Checkpoint.prepared`): float32 `(n_frames, n_labels)`.

        Each row is a log-softmax.
        """
