"""The seam: passages and queries in, vectors out that lie close together where the meaning does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

from apps.classification.bert.encoder import EncoderOptions, FloatArray, TextEncoder, embedded_encoder
from apps.classification.bert.weights import EncoderError, embedded_folder
from apps.search.embedding.checkpoint import CheckpointError, SentenceCheckpoint, read_checkpoint

Device = Literal["auto", "cpu", "cuda"]


class EmbedderError(Exception):
    """The embedder cannot be loaded. The message says what to do."""


class Embedder(Protocol):
    """Two texts mean the same where the cosine of their vectors is great.

    Every implementation inherits `tests.search.embedder_contract.EmbedderContract`.
    """

    n_dimensions: int

    def passages(self, texts: Sequence[str]) -> FloatArray:
        """Vectors of unit length, `(n_texts, n_dimensions)`, of what can be found."""

    def query(self, text: str) -> FloatArray:
        """The vector of unit length, `(n_dimensions,)`, of what is searched for."""


class SentenceEmbedder:
    """A checkpoint of sentence-transformers over `TextEncoder`."""

    def __init__(self, encoder: TextEncoder, checkpoint: SentenceCheckpoint) -> None:
        self.n_dimensions = encoder.n_dimensions
        self._encoder = encoder
        self._checkpoint = checkpoint

    def passages(self, texts: Sequence[str]) -> FloatArray:
        """Costs some 8 ms for each of 50 words on two cores, in bfloat16."""
        return self._encoder.encode([self._checkpoint.passage_prompt + text for text in texts])

    def query(self, text: str) -> FloatArray:
        """Costs some 5 ms for a short one."""
        vector: FloatArray = self._encoder.encode([self._checkpoint.query_prompt + text])[0]
        return vector


def embedded_embedder(device: Device = "auto") -> SentenceEmbedder:
    """The encoder that the topics use, too. Takes two seconds with torch. Raises EmbedderError."""
    try:
        checkpoint = read_checkpoint(embedded_folder())
        return SentenceEmbedder(embedded_encoder(_options(checkpoint, device)), checkpoint)
    except (EncoderError, CheckpointError) as error:
        raise EmbedderError(str(error)) from error


def load_embedder(folder: Path, device: Device = "auto") -> SentenceEmbedder:
    """The checkpoint in `folder`. Raises EmbedderError."""
    try:
        checkpoint = read_checkpoint(folder)
        return SentenceEmbedder(TextEncoder(checkpoint.folder, _options(checkpoint, device)), checkpoint)
    except (EncoderError, CheckpointError) as error:
        raise EmbedderError(str(error)) from error


def _options(checkpoint: SentenceCheckpoint, device: Device) -> EncoderOptions:
    return EncoderOptions(
        pooling=checkpoint.pooling,
        window_tokens=checkpoint.max_tokens,
        overlap_tokens=min(32, checkpoint.max_tokens // 4),
        max_windows=4,  # of a description; a passage has one
        device=device,
    )
