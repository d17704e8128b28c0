"""A CTC checkpoint run by ONNX Runtime on a CPU: twice as fast as torch there, and without its weights in memory."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidGraph, InvalidProtobuf

from apps.transcription.asr.networks.onnx_export import INPUT, ExportError

# Sounds side by side, each on cores of its own, use them better than one after the other on all. Each takes memory.
MAX_CALLERS = 4


class OnnxNetwork:
    """`Network` from a file that `onnx_export` wrote. Raises ExportError where the file cannot be read."""

    may_pad = False
    batch_size = 1

    def __init__(self, path: Path, *, precision: str, cpu_threads: int = 0) -> None:
        n_cores = cpu_threads or len(os.sched_getaffinity(0))
        self.n_callers = min(MAX_CALLERS, n_cores)
        self.n_waiting = 2 * self.n_callers
        self.runtime = f"onnxruntime {precision}"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = max(1, n_cores // self.n_callers)
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except (Fail, InvalidGraph, InvalidProtobuf) as error:
            raise ExportError(f"{path} is damaged, delete it ({error})") from error

    def log_probs(self, inputs: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """See `Network.log_probs`."""
        return [np.asarray(self._session.run(None, {INPUT: values[None]})[0][0]) for values in inputs]
