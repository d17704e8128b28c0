"""A BERT that was fine-tuned as a whole: `manage.py train_topics --fine-tune`, or a published classifier of texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from apps.classification.bert.encoder import (
    MAX_CHARACTERS,
    EncoderOptions,
    FloatArray,
    batches_by_length,
    window_spans,
)
from apps.classification.bert.model import CheckpointError, labels_of, load_network, load_tokenizer

LONGEST_TOKENS = 512  # of the thesis


class FineTunedTopicClassifier:
    """The mean of the probabilities of a text's windows. It has no measure of how familiar a text is."""

    def __init__(self, folder: Path, options: EncoderOptions | None = None) -> None:
        """Windows are as long as the network was trained with. Raises CheckpointError."""
        self.name = folder.name
        self._options = options or EncoderOptions()
        self._network = load_network(str(folder)).eval()
        self._tokenizer: Any = load_tokenizer(str(folder))
        if self._tokenizer.cls_token_id is None or self._tokenizer.sep_token_id is None:
            raise CheckpointError(f"{folder} has no tokens for the beginning and the end of a text: it is no BERT.")
        config: Any = self._network.network.config
        self.labels = labels_of(self._network)
        language = getattr(config, "videoportal_language", None)
        self.languages: frozenset[str] | None = frozenset({language}) if language else None
        trained_with = getattr(config, "videoportal_max_tokens", LONGEST_TOKENS)
        self._window_tokens = min(trained_with, config.max_position_embeddings)
        cuda = torch.cuda.is_available() and self._options.device != "cpu"
        self._device = torch.device("cuda" if cuda else "cpu")
        self._network.to(self._device)

    @torch.inference_mode()
    def classify(self, texts: Sequence[str]) -> FloatArray:
        """Probabilities `(n_texts, n_topics)`."""
        windows: list[list[int]] = []
        owners: list[int] = []
        for index, text in enumerate(texts):
            for window in self._windows(text):
                windows.append(window)
                owners.append(index)
        totals = np.zeros((len(texts), len(self.labels)))
        for batch in batches_by_length([len(window) for window in windows], self._options.batch_tokens):
            padded = self._tokenizer.pad({"input_ids": [windows[index] for index in batch]}, return_tensors="pt")
            padded = padded.to(self._device)
            logits = self._network(padded["input_ids"], padded["attention_mask"])
            np.add.at(totals, [owners[index] for index in batch], torch.softmax(logits.float(), dim=-1).cpu().numpy())
        means: FloatArray = (totals / totals.sum(axis=1, keepdims=True)).astype(np.float32)
        return means

    def _windows(self, text: str) -> list[list[int]]:
        clean = text[:MAX_CHARACTERS].encode("utf-8", errors="replace").decode("utf-8")
        ids: list[int] = self._tokenizer(clean, add_special_tokens=False, verbose=False)["input_ids"]
        size = self._window_tokens - 2
        overlap = min(self._options.overlap_tokens, size // 2)
        start, end = self._tokenizer.cls_token_id, self._tokenizer.sep_token_id
        spans = window_spans(len(ids), size, overlap, self._options.max_windows)
        return [[start, *ids[first:last], end] for first, last in spans]
