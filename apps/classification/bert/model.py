"""BERT with a head over `[CLS]`, to be fine-tuned: the thesis's linear layer, or transformers' own classifier.

Both are kept in the form of `BertForSequenceClassification`, with the topics' names in `id2label`, so that
`pipeline("text-classification", model=folder)` opens them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch

from apps.classification.bert.weights import checked_embedded_folder

HeadKind = Literal["cls", "sequence"]

EMBEDDED = "embedded"
CLS_HEAD = "videoportal_cls_head"  # in config.json: the pooler passes `[CLS]` on, see `_as_sequence_classifier`
# tanh(εx) / ε is x but for ε²x³/3, which is below 4e-4 for |x| < 10.
PASSING_SCALE = 1e-3


class CheckpointError(Exception):
    """A checkpoint cannot be loaded or does not suit the head. The message says what to do."""


class ClsLinear(torch.nn.Module):
    """The thesis's network (section 2.2): BERT's last vector of `[CLS]`, dropout, one linear layer."""

    def __init__(self, encoder: Any, n_topics: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = torch.nn.Dropout(encoder.config.hidden_dropout_prob)
        self.linear = torch.nn.Linear(encoder.config.hidden_size, n_topics)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """`input_ids` and `attention_mask` (B, T); logits (B, n_topics)."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state  # (B, T, D)
        logits: torch.Tensor = self.linear(self.dropout(hidden[:, 0]))
        return logits


class SequenceClassifier(torch.nn.Module):
    """transformers' classifier of the checkpoint's architecture; for BERT: pooler, tanh, dropout, linear layer."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """As `ClsLinear.forward`."""
        logits: torch.Tensor = self.network(input_ids=input_ids, attention_mask=attention_mask).logits
        return logits


Network = ClsLinear | SequenceClassifier


def load_tokenizer(checkpoint: str) -> Any:
    """Raises CheckpointError."""
    from transformers import AutoTokenizer

    return _loaded(AutoTokenizer, checkpoint)


def new_network(checkpoint: str, labels: tuple[str, ...], head: HeadKind, *, seed: int = 0) -> Network:
    """A pretrained encoder with an untrained head, its weights drawn from `seed`. Raises CheckpointError.

    `checkpoint` is a folder, the id on a model hub of a BERT-like encoder ("bert-base-uncased"), or "embedded".
    """
    from transformers import AutoModel, AutoModelForSequenceClassification

    torch.manual_seed(seed)
    if head == "cls":
        encoder = _loaded(AutoModel, checkpoint)
        if encoder.config.model_type != "bert":
            raise CheckpointError(
                f"{checkpoint} is a {encoder.config.model_type}, and the linear layer on [CLS] is for BERT alone: "
                "give --head sequence."
            )
        return ClsLinear(encoder, len(labels))
    names = dict(enumerate(labels))
    network = _loaded(
        AutoModelForSequenceClassification,
        checkpoint,
        id2label=names,
        label2id={name: number for number, name in names.items()},
        ignore_mismatched_sizes=True,  # a checkpoint that knows other topics gets a new head
    )
    return SequenceClassifier(network)


def load_network(folder: str) -> SequenceClassifier:
    """A fine-tuned classifier, of ours or published. Raises CheckpointError."""
    from transformers import AutoModelForSequenceClassification

    network = _loaded(AutoModelForSequenceClassification, folder, local_files_only=True)
    architectures = network.config.architectures or []
    if not any(name.endswith("ForSequenceClassification") for name in architectures):
        raise CheckpointError(
            f"{folder} holds {', '.join(architectures) or 'no architecture'}, not a classifier of texts: fine-tune it "
            "with `manage.py train_topics --fine-tune`."
        )
    return SequenceClassifier(network)


def labels_of(network: SequenceClassifier) -> tuple[str, ...]:
    """The topics' names in the order of the logits, in lower case as `Topic.label` has them."""
    names = network.network.config.id2label
    return tuple(str(names[number]).casefold() for number in sorted(names))


def save_network(
    network: Network, tokenizer: Any, labels: tuple[str, ...], folder: Path, facts: dict[str, Any] | None = None
) -> None:
    """Writes what `load_network` and transformers' pipeline open. `facts` join the configuration."""
    kept = _as_sequence_classifier(network, labels) if isinstance(network, ClsLinear) else network.network
    for name, value in (facts or {}).items():
        setattr(kept.config, name, value)
    kept.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _as_sequence_classifier(network: ClsLinear, labels: tuple[str, ...]) -> Any:
    """The same function as a `BertForSequenceClassification`.

    That class puts a dense layer and tanh between `[CLS]` and the linear layer. The dense layer is made a small
    multiple of the identity, where tanh is straight, and the linear layer takes the multiple back.
    """
    from transformers import BertForSequenceClassification

    config = network.encoder.config.__class__.from_dict(network.encoder.config.to_dict())
    config.id2label = dict(enumerate(labels))
    config.label2id = {name: number for number, name in enumerate(labels)}
    setattr(config, CLS_HEAD, True)
    kept: Any = BertForSequenceClassification(config)
    weights = {name: value for name, value in network.encoder.state_dict().items() if not name.startswith("pooler.")}
    kept.bert.load_state_dict(weights, strict=False)
    with torch.no_grad():
        kept.bert.pooler.dense.weight.copy_(PASSING_SCALE * torch.eye(config.hidden_size))
        kept.bert.pooler.dense.bias.zero_()
        kept.classifier.weight.copy_(network.linear.weight / PASSING_SCALE)
        kept.classifier.bias.copy_(network.linear.bias)
    return kept.eval()


def _loaded(kind: Any, checkpoint: str, **options: Any) -> Any:
    from safetensors import SafetensorError
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()  # a new head is reported as missing weights
    source = str(checked_embedded_folder()) if checkpoint == EMBEDDED else checkpoint
    try:
        return kind.from_pretrained(source, **options)
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise CheckpointError(
            f"{checkpoint} cannot be loaded as a text classifier's checkpoint ({error}). Name a folder in "
            "transformers' format, or the id of one on a model hub that this machine reaches."
        ) from error
