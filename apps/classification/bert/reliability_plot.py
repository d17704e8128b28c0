"""Whether what is said with 80 % is right in 8 cases of 10, as a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from apps.classification.bert.metrics import ReliabilityBin
from apps.results.charts import Chart, Line

SMALLEST_PIXELS, LARGEST_PIXELS = 3, 16  # radius of the dot of a bin: its area grows with its share of the rows


def draw_reliability(bins: Sequence[ReliabilityBin], path: Path) -> None:
    """Writes a PNG: a dot a bin, how often right over how sure. Dots below the diagonal are of an overconfident one."""
    n_rows = sum(each.n_rows for each in bins)
    ideal = Line("as right as sure", [0.0, 1.0], [0.0, 1.0])
    found = Line("the classifier", [each.mean_confidence for each in bins], [each.accuracy for each in bins])
    radii = [max(LARGEST_PIXELS * math.sqrt(each.n_rows / n_rows), SMALLEST_PIXELS) for each in bins]
    chart = Chart("share that is right", "probability of the likeliest topic", [ideal])
    chart.lines([ideal, found], names="left")
    chart.dots(found, radii, number=1)
    chart.save(path)
