"""A BERT that was fine-tuned as a whole: `manage.py train_topics --fine-tune`, or a published classifier of texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from apps.classification.bert.encoder import (
    EncoderOptions,
    FloatArray,
    batches_by_length,
    device_of,
    token_windows,
)
from apps.classification.bert.model import CheckpointError, labels_of, load_network, load_tokenizer

LONGEST_TOKENS = 512  # of the thesis


class FineTunedTopicClassifier:
    """The mean of the probabilities of a text's windows. It has no measure of how familiar a text is."""

    def __init__(self, folder: Path, options: EncoderOptions | None = None) -> None:
        """Windows are as long as the network was trained with. Raises CheckpointError and EncoderError."""
        self.name = folder.name
        self._network = load_network(str(folder)).eval()
        self._tokenizer: Any = load_tokenizer(str(folder))
        if self._tokenizer.cls_token_id is None or self._tokenizer.sep_token_id is None:
            raise CheckpointError(f"{folder} has no tokens for the beginning and the end of a text: it is no BERT.")
        config: Any = self._network.network.config
        self.labels = labels_of(self._network)
        language = getattr(config, "videoportal_language", None)
        self.languages: frozenset[str] | None = frozenset({language}) if language else None
        trained_with = getattr(config, "videoportal_max_tokens", LONGEST_TOKENS)
        window_tokens = min(trained_with, config.max_position_embeddings)
        wanted = options or EncoderOptions()
        overlap = min(wanted.overlap_tokens, (window_tokens - 2) // 2)
        self._options = replace(wanted, window_tokens=window_tokens, overlap_tokens=overlap)
        self._device = device_of(self._options)
        self._network.to(self._device)

    @torch.inference_mode()
    def classify(self, texts: Sequence[str]) -> FloatArray:
        """Probabilities `(n_texts, n_topics)`."""
        windows: list[list[int]] = []
        owners: list[int] = []
        for index, text in enumerate(texts):
            for window in token_windows(self._tokenizer, text, self._options):
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
