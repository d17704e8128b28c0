"""Where somebody speaks: the Silero VAD network that faster-whisper's package carries, run with onnxruntime.

About 400 times faster than real time on one core.
"""

import functools
from collections.abc import Sequence
from importlib.resources import as_file, files
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from apps.transcription.asr.recognizers.base import SAMPLE_RATE
from apps.transcription.asr.words import Word

WINDOW_SAMPLES = 512  # 32 ms: what the network judges at a time
WINDOW_S = WINDOW_SAMPLES / SAMPLE_RATE
PAUSE_WINDOWS = 5  # a pause in speech is longer than 160 ms; less is the silence inside a word (p, t, k)
CONTEXT_SAMPLES = 64  # of the window before, which it sees too
STATE_SHAPE = (1, 1, 128)
# Windows per call. Always the same number (but at the end of the sound), so that sums are made in the same order and
# probabilities are the same to the last bit wherever a run began.
BATCH_WINDOWS = 16
BATCH_SAMPLES = BATCH_WINDOWS * WINDOW_SAMPLES


class VoiceActivity:
    """A detector with memory: sound is given to it piece after piece."""

    def __init__(self) -> None:
        self._session = _session()
        self._hidden = np.zeros(STATE_SHAPE, dtype=np.float32)
        self._cell = np.zeros(STATE_SHAPE, dtype=np.float32)
        self._context = np.zeros(CONTEXT_SAMPLES, dtype=np.float32)

    def probabilities(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probability of speech in each window: float32 `(n_windows,)` of samples `(n_windows * 512,)`.

        A last window that is not full is filled up with silence: only the end of the sound may be such.
        """
        n_missing = -len(samples) % WINDOW_SAMPLES
        if n_missing:
            samples = np.concatenate([samples, np.zeros(n_missing, dtype=np.float32)])
        batches = [self._batch(samples[i : i + BATCH_SAMPLES]) for i in range(0, len(samples), BATCH_SAMPLES)]
        return np.concatenate(batches) if batches else np.zeros(0, dtype=np.float32)

    def _batch(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        windows = samples.reshape(-1, WINDOW_SAMPLES)  # (n_windows, 512)
        before = np.concatenate([self._context[None], windows[:-1, -CONTEXT_SAMPLES:]])  # (n_windows, 64)
        probabilities, self._hidden, self._cell = self._session.run(
            None, {"input": np.concatenate([before, windows], axis=1), "h": self._hidden, "c": self._cell}
        )
        self._context = windows[-1, -CONTEXT_SAMPLES:]
        return np.asarray(probabilities, dtype=np.float32).reshape(-1)


def in_speech(words: Sequence[Word], voiced: NDArray[np.bool_], margin_s: float) -> list[Word]:
    """The words that were said while somebody spoke, cut to it: `voiced` is `(n_windows,)`, windows of 32 ms.

    A word farther than `margin_s` from every voiced window was invented. One that begins or ends in a pause, or lasts
    through one, keeps its longest voiced part.
    """
    kept = []
    margin = round(margin_s / WINDOW_S)
    for word in words:
        first, end = int(word.start_s / WINDOW_S), int(word.end_s / WINDOW_S) + 1
        if not voiced[max(0, first - margin) : end + margin].any():
            continue
        part = _longest_part(np.flatnonzero(voiced[first:end]) + first)
        if part is None:
            kept.append(word)
            continue
        start_s = max(word.start_s, (part[0] - 1) * WINDOW_S)
        end_s = min(word.end_s, (part[1] + 2) * WINDOW_S)
        kept.append(Word(word.text, start_s, max(start_s, end_s), word.confidence))
    return kept


def _longest_part(windows: NDArray[np.intp]) -> tuple[int, int] | None:
    """First and last of the most windows without a pause between them; None of none."""
    if not len(windows):
        return None
    cuts = np.flatnonzero(np.diff(windows) > PAUSE_WINDOWS) + 1
    part = max(np.split(windows, cuts), key=len)
    return int(part[0]), int(part[-1])


@functools.lru_cache(maxsize=1)
def _session() -> Any:
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = 1
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    with as_file(files("faster_whisper.assets") / "silero_vad_v6.onnx") as path:
        return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"], sess_options=options)
