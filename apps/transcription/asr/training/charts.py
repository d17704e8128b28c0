"""Curves of a training and lengths of its recordings, as PNG."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from apps.results.charts import Chart, Line
from apps.transcription.asr.training.trainer import Measured


def draw_curves(rows: Sequence[Measured], chosen_step: int, path: Path) -> None:
    """Losses over steps, and the step that was chosen."""
    steps = [float(row.step) for row in rows]
    lines = [
        Line("training loss", steps, [row.training_loss for row in rows]),
        Line("validation loss", steps, [row.validation_loss for row in rows]),
    ]
    chart = Chart("CTC loss per label", "step", lines)
    chart.lines(lines)
    chart.mark(float(chosen_step), f"chosen: {chosen_step}")
    chart.save(path)


def draw_durations(named_durations_s: Mapping[str, Sequence[float]], path: Path) -> None:
    """How many recordings last how long, a line for each name."""
    longest_s = max((max(values) for values in named_durations_s.values() if values), default=1.0)
    edges = np.linspace(0, math.ceil(longest_s), 41)
    middles = ((edges[:-1] + edges[1:]) / 2).tolist()
    lines = [Line(name, middles, np.histogram(values, edges)[0].tolist()) for name, values in named_durations_s.items()]
    chart = Chart("recordings", "seconds", lines)
    chart.lines(lines)
    chart.save(path)
