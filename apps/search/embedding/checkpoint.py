"""What a folder of sentence-transformers says of itself: how tokens are pooled, how much is read, what is put before.

The format is read without the package: `modules.json` names the parts, each with a configuration of its own
(Reimers and Gurevych, Sentence-BERT, 2019; the format of versions 2 to 5). A folder without it is a plain encoder, and
is pooled by the mean, as the package does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

_USED = {"Transformer", "Pooling", "Normalize"}
_MAX_TOKENS = 512  # a passage has some 70


class CheckpointError(Exception):
    """The folder holds nothing that sentences can be embedded with. The message says what to do."""


@dataclass(frozen=True)
class SentenceCheckpoint:
    """How its authors use an encoder of sentences."""

    folder: Path  # of the encoder, in transformers' format
    pooling: Literal["mean", "cls"]
    max_tokens: int  # with those for beginning and end
    n_dimensions: int
    query_prompt: str  # put before what is searched for
    passage_prompt: str  # put before what is found


def read_checkpoint(folder: Path) -> SentenceCheckpoint:
    """Loads no weights. Raises CheckpointError."""
    parts = {str(module["type"]).rpartition(".")[2]: module for module in _read(folder / "modules.json", [])}
    if others := sorted(set(parts) - _USED):
        raise CheckpointError(
            f"{folder} has parts that are not known here ({', '.join(others)}): name a checkpoint that ends with "
            "pooling, as most do."
        )
    settings = _read(folder / "config_sentence_transformers.json", {})
    if "Normalize" not in parts and settings.get("similarity_fn_name") in {"dot", "euclidean", "manhattan"}:
        raise CheckpointError(
            f"{folder} is not compared by the cosine of its vectors, and here they are: name one that is."
        )
    encoder = folder / parts.get("Transformer", {}).get("path", "")
    config = _read(encoder / "config.json", None)
    if config is None:
        raise CheckpointError(f"{encoder} holds no config.json: name a folder of sentence-transformers.")
    prompts = settings.get("prompts", {})
    return SentenceCheckpoint(
        folder=encoder,
        pooling=_pooling(folder, parts),
        max_tokens=_max_tokens(encoder, config),
        n_dimensions=int(config.get("hidden_size") or config.get("dim") or 0),
        query_prompt=str(prompts.get("query", "")),
        passage_prompt=str(prompts.get("document") or prompts.get("passage") or ""),
    )


def _pooling(folder: Path, parts: dict[str, Any]) -> Literal["mean", "cls"]:
    if "Pooling" not in parts:
        return "mean"
    config = _read(folder / parts["Pooling"].get("path", "1_Pooling") / "config.json", {})
    modes = {name.removeprefix("pooling_mode_") for name, is_on in config.items() if is_on is True}
    modes = {name for name in modes if name.endswith(("token", "tokens"))} or {str(config.get("pooling_mode", "mean"))}
    if modes in ({"mean_tokens"}, {"mean"}):
        return "mean"
    if modes in ({"cls_token"}, {"cls"}):
        return "cls"
    raise CheckpointError(
        f"{folder} pools its tokens by {' and '.join(sorted(modes))}: name a checkpoint that takes their mean or [CLS]."
    )


def _max_tokens(encoder: Path, config: dict[str, Any]) -> int:
    # RoBERTa counts its positions from 2.
    positions = int(config.get("max_position_embeddings", _MAX_TOKENS + 2)) - 2
    said = _read(encoder / "sentence_bert_config.json", {}).get("max_seq_length")
    return min(int(said or positions), positions, _MAX_TOKENS)


def _read(path: Path, otherwise: Any) -> Any:
    if not path.is_file():
        return otherwise
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{path} is damaged ({error}): copy the checkpoint's folder again.") from error
