"""A checkpoint of sentence-transformers small enough to be made in a test."""

import json
from pathlib import Path
from typing import Any

from tests.classification.tiny import write_tiny_bert


def write_tiny_checkpoint(folder: Path, pooling: dict[str, Any] | None = None, **settings: Any) -> Path:
    """Seeded weights of 16 dimensions. `pooling` is its configuration; None: a mean. `settings`: those of the whole."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tiny_bert(folder)
    kinds = {"Transformer": "", "Pooling": "1_Pooling", "Normalize": "2_Normalize"}
    modules = [
        {"idx": place, "name": str(place), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for place, (kind, path) in enumerate(kinds.items())
    ]
    write(folder / "modules.json", modules)
    write(folder / "1_Pooling" / "config.json", pooling or {"pooling_mode_mean_tokens": True, "include_prompt": True})
    write(folder / "sentence_bert_config.json", {"max_seq_length": 32})
    write(folder / "config_sentence_transformers.json", settings)
    return folder


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
