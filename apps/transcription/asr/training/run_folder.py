"""The folder of a training: checkpoints, curves and what was learned from, so that it can be stopped and gone on with.

```
run.json                    what was asked for; another request is refused
training|validation|test.jsonl   who is in which part, as evaluate_asr reads it
checkpoints/step-500/       a whole checkpoint each; the newest with what resuming needs
curves.csv, curves.png      the losses of all of them
durations.png               how long the recordings of each part are
config.json, model.safetensors, …  the chosen one: the folder itself is what ASR_MODEL takes
```
"""

import csv
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch

from apps.results.replacing import replacing
from apps.transcription.asr import calibration
from apps.transcription.asr.training.trainer import Measured

STATE = "training_state.pt"
CHECKPOINT_FILES = ("*.json", "*.safetensors", "*.txt")


class RunFolderError(Exception):
    """The folder cannot be used for this training. The message says what to do."""


class RunFolder:
    """See the module."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def claim(self, asked: Mapping[str, Any]) -> None:
        """Makes the folder this run's, or finds that it is already. Raises RunFolderError.

        A run that learned nothing yet, as its recordings were refused, gives way to another.
        """
        facts = self.path / "run.json"
        wanted = json.loads(json.dumps(asked, default=str))  # of a path, its text
        found = json.loads(facts.read_text(encoding="utf-8")) if facts.exists() else None
        if found == wanted:
            return
        if found is not None and any(self.steps()):
            raise RunFolderError(
                f"{self.path} holds a run with other {', '.join(_changed(wanted, found))}: name another --output, or "
                "give the same options to go on with it."
            )
        if found is None and self.path.exists() and any(self.path.iterdir()):
            raise RunFolderError(f"{self.path} is not empty and holds no training: name another --output.")
        shutil.rmtree(self.path / "checkpoints", ignore_errors=True)
        self.path.mkdir(parents=True, exist_ok=True)
        _write(facts, json.dumps(wanted, indent=1, ensure_ascii=False) + "\n")

    def checkpoint(self, step: int) -> Path:
        return self.path / "checkpoints" / f"step-{step}"

    def steps(self) -> list[int]:
        """Of all checkpoints that were saved, in order."""
        found = (self.path / "checkpoints").glob("step-*")
        return sorted(int(each.name.removeprefix("step-")) for each in found if each.name[5:].isdecimal())

    def newest_state(self) -> tuple[int, dict[str, Any]] | None:
        """The step to go on from, and what `Trainer.restore` takes; None where nothing was learned yet."""
        for step in reversed(self.steps()):
            state = self.checkpoint(step) / STATE
            if state.exists():
                return step, torch.load(state, map_location="cpu", weights_only=True)
        return None

    def save(self, parts: Sequence[Any], row: Measured, state: Mapping[str, Any]) -> None:
        """Keeps the network and what belongs to it (`parts` can `save_pretrained`), the row of the curves and `state`.

        Killed at any instant, the folder holds this checkpoint or the one before, whole.
        """
        target = self.checkpoint(row.step)
        partial = target.with_name(f"{target.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        for part in parts:
            part.save_pretrained(partial)
        torch.save(dict(state), partial / STATE)
        rows = [each for each in self.rows() if each.step < row.step]
        self._write_rows([*rows, row])
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
        for step in self.steps():
            if step < row.step:
                (self.checkpoint(step) / STATE).unlink(missing_ok=True)

    def rows(self) -> list[Measured]:
        """The curves so far."""
        path = self.path / "curves.csv"
        if not path.exists():
            return []
        with path.open(encoding="utf-8", newline="") as file:
            return [_row(each) for each in csv.DictReader(file)]

    def _write_rows(self, rows: Sequence[Measured]) -> None:
        lines = [",".join(each.name for each in fields(Measured))]
        lines += [",".join(_shown(value) for value in asdict(row).values()) for row in rows]
        _write(self.path / "curves.csv", "\n".join(lines) + "\n")

    def best_step(self) -> int:
        """The step with the lowest validation loss. Raises RunFolderError where nothing was saved."""
        saved = set(self.steps())
        rows = [row for row in self.rows() if row.step in saved]
        if not rows:
            raise RunFolderError(f"{self.path} holds no checkpoint yet.")
        return min(rows, key=lambda row: row.validation_loss).step

    def select(self, step: int) -> None:
        """Makes the checkpoint of `step` the one that the folder itself is. Raises RunFolderError."""
        if step not in self.steps() or step == 0:
            known = ", ".join(str(each) for each in self.steps() if each) or "none"
            raise RunFolderError(f"{self.path} has no checkpoint of step {step}; it has {known}.")
        for source in _files_of(self.checkpoint(step)):
            with replacing(self.path / source.name) as partial:
                shutil.copyfile(source, partial)
        (self.path / calibration.FILE_NAME).unlink(missing_ok=True)  # it was measured on another network


def _files_of(checkpoint: Path) -> Iterator[Path]:
    for pattern in CHECKPOINT_FILES:
        yield from sorted(checkpoint.glob(pattern))


def _changed(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """The names of values that differ, in groups of values, too."""
    names = []
    for key in sorted({*wanted, *found}):
        ours, theirs = wanted.get(key), found.get(key)
        if isinstance(ours, dict) and isinstance(theirs, dict):
            names += _changed(ours, theirs)
        elif ours != theirs:
            names.append(key)
    return names


def _row(values: Mapping[str, str]) -> Measured:
    step, *others = (values[each.name] for each in fields(Measured))
    return Measured(int(step), *(float(value) for value in others))


def _shown(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.6g}"


def _write(path: Path, text: str) -> None:
    with replacing(path) as partial, partial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
