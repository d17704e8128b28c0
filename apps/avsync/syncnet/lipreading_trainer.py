"""Teaches a reader of lips: each epoch all words once, in an order that seed and epoch alone decide.

Whatever reads, pre-trained or end to end, gets the same words in the same order, changed in the same way, for as many
epochs. Beside `run.json` and `state.pt` (see runs.py), which has the best reader by validation, too:

```
curves.csv, .png   of each epoch
```
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from apps.avsync.syncnet.lipreading import Inputs, predict
from apps.avsync.syncnet.runs import RunFolder, TrainingError, declining_rate, rounded, take_step
from apps.results.charts import Chart, Line
from apps.results.tables import write_rows


@dataclass(frozen=True)
class ReadingOptions:
    """`views` of each clip, one an epoch in turn: as it is, and `views` - 1 times changed."""

    epochs: int = 16
    batch_size: int = 32
    views: int = 4
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    warmup_steps: int = 50
    precision: Literal["fp32", "bf16"] = "fp32"
    seed: int = 0


@dataclass(frozen=True)
class Epoch:
    """A row of the curves: the mean loss, and the share of validation words that are read right after it."""

    epoch: int
    loss: float
    right: float
    seconds: float


class LipReadingTrainer:
    """A reader while it learns, in a folder. Raises TrainingError where the folder holds another training."""

    def __init__(
        self,
        folder: Path,
        reader: nn.Module,
        *,
        training: Inputs,
        validation: Inputs,
        options: ReadingOptions,
        facts: Mapping[str, Any],
    ) -> None:
        if not len(training.labels) or not len(validation.labels):
            raise TrainingError("No word is left for training or validation: name more data.")
        self.reader = reader
        self._training, self._validation, self._options = training, validation, options
        self._optimizer = torch.optim.AdamW(
            reader.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
        )
        self._rows: list[Epoch] = []
        self._best: Mapping[str, Any] = {}
        sizes = {"n_training": len(training.labels), "n_validation": len(validation.labels)}
        self._run = RunFolder(folder, {"training": asdict(options), "facts": facts, **sizes})
        state = self._run.state()
        if state is not None:
            self._rows = [Epoch(**row) for row in state["rows"]]
            self._best = state["best"]
            reader.load_state_dict(state["reader"])
            self._optimizer.load_state_dict(state["optimizer"])

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self._training.labels) // self._options.batch_size)

    def run(self, report: Callable[[Epoch], None] | None = None) -> list[Epoch]:
        """Learns to the last epoch, and leaves `reader` as it was after its best; the rows of the curves."""
        while len(self._rows) < self._options.epochs:
            row = self._learn_epoch(len(self._rows))
            if all(row.right > each.right for each in self._rows):
                self._best = copy.deepcopy(self.reader.state_dict())
            self._rows.append(row)
            self._keep()
            if report is not None:
                report(row)
        self.reader.load_state_dict(self._best)
        return self._rows

    def _learn_epoch(self, epoch: int) -> Epoch:
        options = self._options
        started_s = time.monotonic()
        torch.manual_seed(options.seed * 1_000_003 + epoch)  # a resumed run draws what an uninterrupted one draws
        self.reader.train()
        losses = []
        for number, numbers in enumerate(self._batches(epoch)):
            step = epoch * self.steps_per_epoch + number
            losses.append(self._learn(numbers, epoch % options.views, step))
        right = float(np.mean(predict(self.reader, self._validation).argmax(1) == self._validation.labels))
        seconds = (self._rows[-1].seconds if self._rows else 0.0) + time.monotonic() - started_s
        return Epoch(epoch + 1, float(np.mean(losses)), right, seconds)

    def _batches(self, epoch: int) -> Iterator[NDArray[np.int64]]:
        order = np.random.default_rng((self._options.seed, epoch)).permutation(len(self._training.labels))
        yield from np.array_split(order, self.steps_per_epoch)

    def _learn(self, numbers: NDArray[np.int64], view: int, step: int) -> float:
        seen = self._training.batch(numbers, view)
        with torch.autocast("cpu", torch.bfloat16, enabled=self._options.precision == "bf16"):
            logits = self.reader(seen)
        loss = functional.cross_entropy(logits.float(), torch.from_numpy(self._training.labels[numbers]))
        return take_step(loss, self.reader, self._optimizer, rate=self._rate(step), step=step)

    def _rate(self, step: int) -> float:
        options = self._options
        return declining_rate(
            step,
            highest=options.learning_rate,
            warmup_steps=options.warmup_steps,
            steps=options.epochs * self.steps_per_epoch,
        )

    def _keep(self) -> None:
        write_rows(self._run.path / "curves.csv", [rounded(asdict(row)) for row in self._rows])
        line = Line("validation", [float(row.epoch) for row in self._rows], [100 * row.right for row in self._rows])
        chart = Chart("words read right, %", "epoch", [line])
        chart.lines([line])
        chart.save(self._run.path / "curves.png")
        self._run.keep(
            {
                "rows": [asdict(row) for row in self._rows],
                "best": self._best,
                "reader": self.reader.state_dict(),
                "optimizer": self._optimizer.state_dict(),
            }
        )
