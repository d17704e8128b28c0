"""A long sound in chunks that overlap, and what the network says of them joined into one.

Each chunk is heard with `context_s` on both sides, of which the frames are thrown away: so that every frame that is
kept was judged with its neighbourhood, and the seam lies in log-probs, not in words (as transformers' pipeline does
with logits: "Making automatic speech recognition work on large files with Wav2Vec2", Hugging Face blog, 2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.transcription.asr.recognizers.base import SAMPLE_RATE


@dataclass(frozen=True)
class Chunk:
    """Samples `[start, stop)` of a sound, of whose frames `[keep_from, keep_to)` are kept; None: to the last."""

    start: int
    stop: int
    keep_from: int
    keep_to: int | None


def chunks(n_samples: int, *, chunk_s: float, context_s: float, stride: int) -> list[Chunk]:
    """The chunks of a sound of `n_samples`, whose frames lie `stride` samples apart: none longer than `chunk_s`.

    The frames that are kept are, in order and each once, those of the whole sound.
    """
    size = int(chunk_s * SAMPLE_RATE) // stride * stride
    context = int(context_s * SAMPLE_RATE) // stride * stride
    if n_samples <= size:
        return [Chunk(0, n_samples, 0, None)]
    if size <= 2 * context:
        raise ValueError(f"chunk_s={chunk_s}: write more than twice the context of {context_s} s.")
    found = []
    for start in range(0, n_samples - 2 * context, size - 2 * context):
        is_last = start + size >= n_samples
        found.append(
            Chunk(
                start=start,
                stop=n_samples if is_last else start + size,
                keep_from=context // stride if start else 0,
                keep_to=None if is_last else (size - context) // stride,
            )
        )
        if is_last:
            break
    return found


def joined(parts: Sequence[NDArray[np.float32]], cut: Sequence[Chunk]) -> NDArray[np.float32]:
    """The log-probs of the whole sound, of those of its chunks: float32 `(n_frames, n_labels)`."""
    return np.concatenate([part[each.keep_from : each.keep_to] for part, each in zip(parts, cut, strict=True)])
