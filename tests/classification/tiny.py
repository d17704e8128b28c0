"""A BERT small enough to be made in a test."""

from pathlib import Path

import torch
from transformers import BertConfig, BertModel, BertTokenizer

from apps.classification.bert.encoder import EncoderOptions

WORDS = ("goal", "match", "bank", "share", "film", "song", "vote", "party", "chip", "code")


def tiny_options(**changes: object) -> EncoderOptions:
    fields: dict[str, object] = {"window_tokens": 12, "overlap_tokens": 4, "precision": "float32", "device": "cpu"}
    return EncoderOptions(**(fields | changes))  # type: ignore[arg-type]


def write_tiny_bert(folder: Path) -> None:
    """Two layers of 16 dimensions with seeded random weights."""
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
