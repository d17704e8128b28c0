"""A checkpoint's tokenizer with a language model: the folder that transformers' `Wav2Vec2ProcessorWithLM` loads."""

import json
import shutil
from pathlib import Path
from typing import Any

from apps.transcription.asr.decoder import WORD_BEGIN
from apps.transcription.asr.language_model import CARRIED

# Of a checkpoint, what prepares sound and reads labels; not the network.
PROCESSOR_FILES = (
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
)
UNKNOWN = "⁇"  # how pyctcdecode writes the unknown label


def write_processor(checkpoint: Path, tokenizer: Any, language_model: Path, output: Path) -> None:
    """Writes `output` from the processor's files of `checkpoint` and moves the folder `language_model` into it."""
    output.mkdir(parents=True, exist_ok=True)
    for name in PROCESSOR_FILES:
        if (checkpoint / name).exists():
            shutil.copyfile(checkpoint / name, output / name)
    labels = [token for token, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])]
    written = {tokenizer.pad_token: "", tokenizer.unk_token: UNKNOWN, tokenizer.word_delimiter_token: " "}
    alphabet = {
        "labels": [written.get(label, label) for label in labels],
        "is_bpe": any(label.startswith(WORD_BEGIN) and len(label) > 1 for label in labels),
    }
    (output / "alphabet.json").write_text(json.dumps(alphabet), encoding="utf-8")
    language_model.rename(output / CARRIED)
