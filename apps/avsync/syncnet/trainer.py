"""Teaches the streams: AdamW, warm-up and cosine decline; a folder that can be stopped at any instant and gone on with.

What the steps see depends on seed and number alone: whichever objective is asked for, the same clips come in the same
order, changed in the same way, for as many steps.

```
run.json, state.pt   see runs.py
network.safetensors  the best so far, by validation
curves.csv, .png     of each validation
```
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from apps.avsync.syncnet import accuracy
from apps.avsync.syncnet.dataset import AugmentOptions, Batch, Example, inner, training_batches
from apps.avsync.syncnet.faces import FaceOptions
from apps.avsync.syncnet.objectives import Name, grouped, objective
from apps.avsync.syncnet.offset import INPUT_FRAMES
from apps.avsync.syncnet.runs import RunFolder, TrainingError, declining_rate, rounded, take_step
from apps.avsync.syncnet.streams import StreamOptions, SyncNetwork
from apps.avsync.syncnet.weights import save_network
from apps.results.charts import Chart, Line
from apps.results.tables import write_rows

WEIGHTS, CURVES = "network.safetensors", "curves.csv"


@dataclass(frozen=True)
class TrainingOptions:
    """`ways` candidates of a track, `gap` frames apart: 5 and more do not overlap, fewer are harder to tell apart.

    `batch_size` tracks of `n_frames` each step; `precision` bf16 computes in bfloat16 and keeps weights in float32.
    `average`: what is validated and kept is a mean of all steps' weights in which each step counts so many times as
    much as the one after it (Polyak and Juditsky, 1992); 0: the weights of the step itself.
    """

    objective: Name = "multiway"
    ways: int = 14
    gap: int = 5
    margin: float = 1.0
    steps: int = 2000
    batch_size: int = 12
    n_frames: int = 74
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    warmup_steps: int = 50
    validate_every: int = 100
    balance: float = 0.5  # of speakers: see `training_batches`
    average: float = 0.0
    precision: Literal["fp32", "bf16"] = "fp32"
    seed: int = 0

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        return declining_rate(step, highest=self.learning_rate, warmup_steps=self.warmup_steps, steps=self.steps)


@dataclass(frozen=True)
class Measured:
    """A row of the curves: shares right within a frame, of 5 and of 15 pictures, on validation clips."""

    step: int
    loss: float
    right_5: float
    right_15: float
    seconds: float


class Trainer:
    """A network while it learns, in a folder. Raises TrainingError where the folder holds another training."""

    def __init__(
        self,
        folder: Path,
        *,
        training: Sequence[Example],
        validation: Sequence[Example],
        streams: StreamOptions,
        crop: FaceOptions,
        options: TrainingOptions,
        augment: AugmentOptions | None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        _check(training, validation, options)
        self._folder, self._options, self._augment, self._crop = folder, options, augment, crop
        self._training, self._validation = training, validation
        self._facts = {**asdict(options), **(facts or {})}
        torch.manual_seed(options.seed)
        self.network = SyncNetwork(streams)
        self._average = _average_of(self.network, options.average)
        self._objective = objective(options.objective, margin=options.margin)
        self._optimizer = torch.optim.AdamW(
            [*self.network.parameters(), *self._objective.parameters()],
            lr=options.learning_rate,
            weight_decay=options.weight_decay,
        )
        self._step, self._seconds = 0, 0.0
        self._rows: list[Measured] = []
        asked: dict[str, Any] = {
            "training": asdict(options),
            "streams": asdict(streams),
            "crop": asdict(crop),
            "facts": facts or {},
        }
        asked |= {"augment": asdict(augment) if augment else None, "n_clips": len(training)}
        self._run = RunFolder(folder, asked)
        state = self._run.state()
        if state is not None:
            self._restore(state)

    def start_from(self, network: SyncNetwork) -> None:
        """Takes another network's weights, unless something was learned here already."""
        if self._step == 0:
            self.network.load_state_dict(network.state_dict())

    @property
    def kept(self) -> SyncNetwork:
        """What is validated and written: the network, or the mean of its weights."""
        if self._average is None:
            return self.network
        averaged = self._average.module
        assert isinstance(averaged, SyncNetwork)
        return averaged

    def run(self, report: Callable[[Measured], None] | None = None, *, until: int | None = None) -> list[Measured]:
        """Learns to the last step, or to step `until`; the rows of the curves.

        Raises TrainingError where the loss is no number.
        """
        options = self._options
        last = options.steps if until is None else min(until, options.steps)
        started_s = time.monotonic() - self._seconds
        losses: list[float] = []
        batches = training_batches(
            self._training,
            size=options.batch_size,
            n_frames=options.n_frames,
            seed=options.seed,
            start=self._step,
            augment=self._augment,
            balance=options.balance,
        )
        while self._step < last:
            losses.append(self._learn(next(batches)))
            self._step += 1
            if self._step % options.validate_every == 0 or self._step == last:
                self._seconds = time.monotonic() - started_s
                row = self._measured(float(np.mean(losses)))
                losses.clear()
                self._keep(row)
                if report is not None:
                    report(row)
        return self._rows

    def _learn(self, batch: Batch) -> float:
        options = self._options
        torch.manual_seed(options.seed * 1_000_003 + self._step)  # a resumed run draws what an uninterrupted one draws
        self.network.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=options.precision == "bf16"):
            video = self.network.video(torch.from_numpy(batch.crops))
            audio = self.network.audio(torch.from_numpy(batch.coefficients))
        loss = self._objective(
            grouped(video, ways=options.ways, gap=options.gap), grouped(audio, ways=options.ways, gap=options.gap)
        )
        value = take_step(loss, self.network, self._optimizer, rate=options.rate(self._step), step=self._step)
        if self._average is not None:
            self._average.update_parameters(self.network)
        return value

    def _measured(self, loss: float) -> Measured:
        kept = self.kept.eval()
        found = [
            accuracy.offset_distances(kept.embed_video(inner(example.crops)), kept.embed_audio(example.coefficients))
            for example in self._validation
        ]
        shares = [accuracy.share([accuracy.rights(each, length) for each in found]).mean for length in (5, 15)]
        return Measured(self._step, loss, shares[0], shares[1], self._seconds)

    def _keep(self, row: Measured) -> None:
        """Killed at any instant, the folder can be gone on with from this row or the one before."""
        if all(row.right_5 >= each.right_5 for each in self._rows):
            facts = {**self._facts, "step": row.step}
            save_network(self._folder / WEIGHTS, self.kept, self._crop, facts)
        self._rows.append(row)
        write_rows(self._folder / CURVES, [rounded(asdict(each)) for each in self._rows])
        draw_curves(self._rows, self._folder / "curves.png")
        state = {
            "step": self._step,
            "seconds": self._seconds,
            "network": self.network.state_dict(),
            "average": None if self._average is None else self._average.state_dict(),
            "objective": self._objective.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }
        self._run.keep(state)

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._step, self._seconds = int(state["step"]), float(state["seconds"])
        self.network.load_state_dict(state["network"])
        if self._average is not None:
            self._average.load_state_dict(state["average"])
        self._objective.load_state_dict(state["objective"])
        self._optimizer.load_state_dict(state["optimizer"])
        # The state is written last: a row of a later step belongs to a state that was lost.
        self._rows = [row for row in read_curves(self._folder / CURVES) if row.step <= self._step]


def _average_of(network: SyncNetwork, decay: float) -> AveragedModel | None:
    """The statistics of batch normalisation belong to the weights, and are averaged with them."""
    if not decay:
        return None
    average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    return AveragedModel(network, multi_avg_fn=average, use_buffers=True)


def read_curves(path: Path) -> list[Measured]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [each.name for each in fields(Measured)[1:]]
    return [Measured(int(row["step"]), *(float(row[name]) for name in names)) for row in rows]


def draw_curves(rows: Sequence[Measured], path: Path) -> None:
    steps = [float(row.step) for row in rows]
    lines = [
        Line("15 frames", steps, [100 * row.right_15 for row in rows]),
        Line("5 frames", steps, [100 * row.right_5 for row in rows]),
    ]
    chart = Chart("right within a frame on validation clips, %", "step", lines)
    chart.lines(lines)
    chart.save(path)


def _check(training: Sequence[Example], validation: Sequence[Example], options: TrainingOptions) -> None:
    wanted = options.gap * (options.ways - 1) + INPUT_FRAMES
    if options.n_frames < wanted:
        raise TrainingError(f"{options.ways} ways, {options.gap} frames apart, want --frames {wanted} or more.")
    if not any(len(example.crops) >= options.n_frames for example in training):
        raise TrainingError(f"No face is seen for {options.n_frames} frames: name fewer --frames and --ways.")
    if not any(len(example.crops) > 2 * accuracy.REACH + 15 for example in validation):
        raise TrainingError("No clip is left for validation: name more data.")
