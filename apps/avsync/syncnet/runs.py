"""What trainings share: a folder that can be stopped at any instant and gone on with, and the rate they learn at.

```
run.json   what was asked for; another request is refused
state.pt   all that going on needs
```
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from apps.results.replacing import replacing

STATE, REQUEST = "state.pt", "run.json"
MAX_GRADIENT_NORM = 5.0


class TrainingError(Exception):
    """The training cannot be done or gone on with. The message says what to change."""


class RunFolder:
    """The folder of one training, made where it is missing. Raises TrainingError where it holds another one."""

    def __init__(self, path: Path, asked: Mapping[str, Any]) -> None:
        self.path = path
        request = path / REQUEST
        wanted = json.loads(json.dumps(asked))
        if not request.exists():
            path.mkdir(parents=True, exist_ok=True)
            request.write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")
        elif json.loads(request.read_text(encoding="utf-8")) != wanted:
            raise TrainingError(
                f"{path} holds a training with other options or clips: name another --output, or give the same."
            )

    def state(self) -> Mapping[str, Any] | None:
        """What `keep` was last given; None where nothing was learned yet."""
        if not (self.path / STATE).exists():
            return None
        state: Mapping[str, Any] = torch.load(self.path / STATE, map_location="cpu", weights_only=True)
        return state

    def keep(self, state: Mapping[str, Any]) -> None:
        """Killed at any instant, the folder has the old state or the new."""
        with replacing(self.path / STATE) as partial:
            torch.save(dict(state), partial)


def declining_rate(step: int, *, highest: float, warmup_steps: int, steps: int) -> float:
    """The learning rate of a step, counted from 0: a linear rise, times a cosine that reaches 0 at `steps`."""
    warm = min(1.0, (step + 1) / max(1, warmup_steps))
    return highest * warm * (1 + math.cos(math.pi * step / steps)) / 2


def take_step(
    loss: torch.Tensor, network: torch.nn.Module, optimizer: torch.optim.Optimizer, *, rate: float, step: int
) -> float:
    """Learns from `loss` at `rate`, the gradient of `network` clipped; the loss as a number.

    Raises TrainingError where it is none, and has changed nothing then.
    """
    value = float(loss.detach())
    if not math.isfinite(value):
        raise TrainingError(f"The loss of step {step} is {value}: start again with a lower --learning-rate.")
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(network.parameters(), MAX_GRADIENT_NORM)
    optimizer.step()
    return value


def rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the curves as its file has it."""
    return {name: round(value, 5) if isinstance(value, float) else value for name, value in row.items()}
