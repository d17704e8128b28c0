"""Fine-tunes a BERT on articles as the thesis does: Adam, cross-entropy, the checkpoint that is best on validation.

The thesis's Table 2.4 gives the defaults. Cost: with the embedded encoder (22.7 M parameters), windows of 256 tokens
and bfloat16, some 0.1 s an article and epoch on two cores; bert-base-uncased some six times that.
"""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from apps.classification.bert.dataset import VIEWS, Article
from apps.classification.bert.model import HeadKind, load_tokenizer, new_network, save_network
from apps.results.replacing import replacing

STATE_NAME = "training_state.pt"
VALIDATION_BATCH = 16
Logits = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


class FineTuningError(Exception):
    """The training cannot go on. The message says what to change."""


@dataclass(frozen=True)
class FineTuningOptions:
    """`views`: the forms of an article to learn from, one drawn for each article and epoch.

    It stops early after `patience` epochs without a better accuracy on validation, at the latest after `max_epochs`.
    `precision` bf16 computes in bfloat16 where that is safe (autocast) and keeps weights in float32.
    """

    checkpoint: str = "bert-base-uncased"
    head: HeadKind = "cls"
    learning_rate: float = 1e-5
    batch_size: int = 8
    max_tokens: int = 512
    max_epochs: int = 10
    patience: int = 2
    views: tuple[str, ...] = ("written",)
    precision: Literal["fp32", "bf16"] = "fp32"
    language: str = "en"
    seed: int = 0


@dataclass(frozen=True)
class Epoch:
    """A row of the curves. Losses are mean cross-entropies in nats."""

    epoch: int
    training_loss: float
    validation_loss: float
    validation_accuracy: float
    seconds: float


def best_of(epochs: Sequence[Epoch]) -> Epoch:
    """By accuracy on validation, then by loss."""
    return max(epochs, key=lambda row: (row.validation_accuracy, -row.validation_loss))


@dataclass(frozen=True)
class Split:
    """Articles by their number: what is learned from, and what chooses the checkpoint."""

    training: Indices
    validation: Indices


class TopicDataset(torch.utils.data.Dataset[tuple[list[int], int]]):
    """Token ids, cut at `max_tokens`, and the topic's number, of each article in one of its views."""

    def __init__(self, articles: Sequence[Article], labels: Sequence[str], tokenizer: Any, max_tokens: int) -> None:
        self._articles = articles
        self._number = {label: number for number, label in enumerate(labels)}
        self._tokenizer = tokenizer
        self._max_tokens = max_tokens
        self.view = "written"

    def __len__(self) -> int:
        return len(self._articles)

    def __getitem__(self, index: int) -> tuple[list[int], int]:
        return self.tokens(index, self.view), self._number[self._articles[index].topic]

    def tokens(self, index: int, view: str) -> list[int]:
        """Begins with `[CLS]` and ends with `[SEP]`."""
        text = VIEWS[view](self._articles[index])
        ids: list[int] = self._tokenizer(text, truncation=True, max_length=self._max_tokens)["input_ids"]
        return ids


class FineTuner:
    """One training, on the articles of `split`. `run` writes to `folder` and goes on where it was stopped."""

    def __init__(
        self,
        articles: Sequence[Article],
        labels: tuple[str, ...],
        split: Split,
        folder: Path,
        options: FineTuningOptions,
    ) -> None:
        """Raises CheckpointError where the checkpoint cannot be loaded."""
        self._articles = articles
        self._labels = labels
        self._split = split
        self._folder = folder
        self._options = options
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._tokenizer = load_tokenizer(options.checkpoint)
        self._dataset = TopicDataset(articles, labels, self._tokenizer, options.max_tokens)
        self._network = new_network(options.checkpoint, labels, options.head, seed=options.seed).to(self._device)
        self._optimizer = torch.optim.Adam(self._network.parameters(), lr=options.learning_rate)
        self._epochs: list[Epoch] = []
        self._best: dict[str, torch.Tensor] = {}

    def run(self, report: Callable[[Epoch], None] | None = None) -> list[Epoch]:
        """Learns to the end, keeps the best checkpoint in the folder, and returns the curves.

        Raises FineTuningError where the loss is no number, or the folder holds another training.
        """
        self._resume()
        while not self._is_done():
            self._epochs.append(self._epoch())
            if best_of(self._epochs) == self._epochs[-1]:
                self._best = {name: tensor.detach().clone() for name, tensor in self._network.state_dict().items()}
            self._keep()
            if report is not None:
                report(self._epochs[-1])
        self._network.load_state_dict(self._best)
        save_network(
            self._network,
            self._tokenizer,
            self._labels,
            self._folder,
            {"videoportal_language": self._options.language, "videoportal_max_tokens": self._options.max_tokens},
        )
        return self._epochs

    @torch.inference_mode()
    def logits(self, indices: Indices, view: str = "written") -> Logits:
        """`(n, n_topics)` of articles, as the network says now: after `run`, the best one."""
        self._network.eval()
        order = sorted(range(len(indices)), key=lambda place: len(self._dataset.tokens(int(indices[place]), view)))
        found = np.zeros((len(indices), len(self._labels)))
        for start in range(0, len(order), VALIDATION_BATCH):
            places = order[start : start + VALIDATION_BATCH]
            ids = [self._dataset.tokens(int(indices[place]), view) for place in places]
            found[places] = self._forward(ids).float().cpu().numpy()
        return found

    def targets(self, indices: Indices) -> Indices:
        return np.array([self._dataset[int(index)][1] for index in indices], dtype=np.int64)

    def _epoch(self) -> Epoch:
        number = len(self._epochs) + 1
        started = time.monotonic()
        # Order, views and dropout follow from seed and epoch, so that a resumed run draws the same.
        random = np.random.default_rng((self._options.seed, number))
        torch.manual_seed(int(random.integers(2**31)))
        self._network.train()
        losses = [self._learn(batch, random) for batch in self._batches(random)]
        logits = self.logits(self._split.validation)
        wanted = self.targets(self._split.validation)
        loss = torch.nn.functional.cross_entropy(torch.tensor(logits), torch.tensor(wanted))
        accuracy = float(np.mean(logits.argmax(axis=1) == wanted))
        return Epoch(number, float(np.mean(losses)), float(loss), accuracy, round(time.monotonic() - started, 1))

    def _batches(self, random: np.random.Generator) -> Iterator[Indices]:
        order = random.permutation(self._split.training)
        for start in range(0, len(order), self._options.batch_size):
            yield order[start : start + self._options.batch_size]

    def _learn(self, batch: Indices, random: np.random.Generator) -> float:
        views = random.choice(list(self._options.views), size=len(batch))
        ids = [self._dataset.tokens(int(index), str(view)) for index, view in zip(batch, views, strict=True)]
        wanted = torch.tensor(self.targets(batch), device=self._device)
        loss = torch.nn.functional.cross_entropy(self._forward(ids).float(), wanted)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise FineTuningError(f"The loss is {value}: start again with a lower --learning-rate.")
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        return value

    def _forward(self, ids: list[list[int]]) -> torch.Tensor:
        """Logits `(B, n_topics)`."""
        padded = self._tokenizer.pad({"input_ids": ids}, return_tensors="pt").to(self._device)
        with torch.autocast(self._device, torch.bfloat16, enabled=self._options.precision == "bf16"):
            logits: torch.Tensor = self._network(padded["input_ids"], padded["attention_mask"])
        return logits

    def _is_done(self) -> bool:
        if not self._epochs:
            return False
        since_best = len(self._epochs) - best_of(self._epochs).epoch
        return len(self._epochs) >= self._options.max_epochs or since_best >= self._options.patience

    def _asked(self) -> dict[str, Any]:
        """What makes two trainings different; `max_epochs` and `patience` may be raised for one that was stopped."""
        asked = {name: value for name, value in asdict(self._options).items() if name not in ("max_epochs", "patience")}
        learned = [self._articles[index] for index in self._split.training]
        digest = hashlib.sha256(repr(learned).encode(errors="replace")).hexdigest()
        return asked | {"labels": self._labels, "training": self._split.training.tolist(), "articles": digest}

    def _keep(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        state = {
            "asked": self._asked(),
            "epochs": [asdict(row) for row in self._epochs],
            "network": self._network.state_dict(),
            "best": self._best,
            "optimizer": self._optimizer.state_dict(),
        }
        with replacing(self._folder / STATE_NAME) as partial, partial.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())

    def _resume(self) -> None:
        path = self._folder / STATE_NAME
        if not path.is_file():
            return
        try:
            state = torch.load(path, map_location=self._device, weights_only=True)
        except (OSError, RuntimeError, ValueError, EOFError) as error:
            raise FineTuningError(f"{path} is damaged ({error}): remove it, and the training begins anew.") from error
        if state["asked"] != self._asked():
            raise FineTuningError(f"{self._folder} holds another training: name another --output, or remove it.")
        self._epochs = [Epoch(**row) for row in state["epochs"]]
        self._network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._best = state["best"]


def split_for_validation(members: Indices, targets: Indices, labels: Sequence[str], share: float, seed: int) -> Split:
    """`share` of each topic's `members` chooses the checkpoint, one article at least; the others are learned from.

    Raises FineTuningError where nothing would be learned from.
    """
    random = np.random.default_rng(seed)
    chosen: list[int] = []
    for topic in np.unique(targets[members]):
        of_topic = random.permutation(members[targets[members] == topic])
        if len(of_topic) == 1:
            raise FineTuningError(
                f"A single article is about {labels[topic]}, and one must be learned from and another choose the"
                " checkpoint: add more, or leave it out."
            )
        chosen += of_topic[: max(1, round(share * len(of_topic)))].tolist()
    validation = np.array(sorted(chosen), dtype=np.int64)
    return Split(np.setdiff1d(members, validation), validation)
