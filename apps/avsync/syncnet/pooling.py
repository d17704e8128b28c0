"""Several looks at a video make one result, and tell a drift from a constant shift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from apps.avsync.syncnet.offset import (
    FRAME_MS,
    OFFSET_FRAMES,
    Calibration,
    JudgingOptions,
    Reason,
    SyncResult,
    WindowOffset,
    judge,
    minimum_of,
)

MS_PER_MINUTE = 60_000
_OFFSETS = np.array(OFFSET_FRAMES, dtype=np.float64)


@dataclass(frozen=True)
class Look:
    """What a checker said of one stretch of a video."""

    start_ms: int
    length_ms: int
    result: SyncResult

    @property
    def middle_ms(self) -> float:
        return self.start_ms + self.length_ms / 2


@dataclass(frozen=True)
class PoolingOptions:
    """When a shift that changes is called a drift."""

    judging: JudgingOptions = field(default_factory=JudgingOptions)
    min_drift_looks: int = 5
    min_drift_ms: float = 120.0  # three frames, from the first look to the last
    max_drift_ms: float = 800.0
    drift_step_ms: float = 20.0
    min_gain: float = 0.15  # so much deeper the minimum must lie once the drift is taken out
    end_probability: float = 0.5  # of the first and of the last third, each by itself


def pooled(looks: Sequence[Look], calibration: Calibration, options: PoolingOptions | None = None) -> SyncResult:
    """The looks at one video, in any order, as one result. Raises ValueError where there is none."""
    if not looks:
        raise ValueError("look at the video first")
    options = options or PoolingOptions()
    looked_ms = sum(look.length_ms for look in looks)
    coverage = sum(look.length_ms * look.result.coverage for look in looks) / max(1, looked_ms)
    telling = sorted((look for look in looks if look.result.distances), key=lambda look: look.start_ms)
    if not telling:
        reasons = {look.result.reason for look in looks}
        # A face without speech was seen somewhere, or none was seen where somebody spoke.
        reason = Reason.NO_FACE if reasons == {Reason.NO_FACE} or coverage == 0.0 else Reason.TOO_LITTLE_SPEECH
        if reasons == {Reason.TOO_LITTLE_SPEECH}:
            reason = Reason.TOO_LITTLE_SPEECH
        return SyncResult(offset_ms=None, probability=0.0, coverage=coverage, reason=reason)
    windows = tuple(_window(look, calibration) for look in telling)
    inputs = sum(look.result.inputs for look in telling)
    curve = _mean(_curves(telling), telling)
    constant = judge(curve, inputs, coverage=coverage, calibration=calibration, options=options.judging)
    drift = _drift(telling, calibration, options)
    if drift is None:
        return replace(constant, windows=windows)
    slope, aligned = drift
    drifting = judge(aligned, inputs, coverage=coverage, calibration=calibration, options=options.judging)
    return replace(drifting, windows=windows, drift_ms_per_min=slope if drifting.reason is None else None)


def _window(look: Look, calibration: Calibration) -> WindowOffset:
    minimum = minimum_of(np.array(look.result.distances))
    return WindowOffset(look.start_ms, minimum.offset_ms - calibration.zero_ms, look.result.probability)


def _curves(looks: Sequence[Look]) -> NDArray[np.float64]:
    return np.array([look.result.distances for look in looks])  # (looks, 31)


def _mean(curves: NDArray[np.float64], looks: Sequence[Look]) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = np.average(curves, axis=0, weights=[look.result.inputs for look in looks])
    return mean


def _drift(
    looks: Sequence[Look], calibration: Calibration, options: PoolingOptions
) -> tuple[float, NDArray[np.float64]] | None:
    """Milliseconds a minute, and the curve `(31,)` without the drift; None where the shift is constant or unknown.

    All looks are tried together, drift by drift: the minima of single looks are too uncertain to lay a line through.
    """
    if len(looks) < options.min_drift_looks:
        return None
    minutes = np.array([look.middle_ms for look in looks]) / MS_PER_MINUTE
    span = float(minutes[-1] - minutes[0])
    if span <= 0:
        return None
    curves = _curves(looks)
    constant = minimum_of(_mean(curves, looks)).confidence
    middle = (minutes[0] + minutes[-1]) / 2
    best_ms, best = 0.0, _mean(curves, looks)
    steps = int(options.max_drift_ms / options.drift_step_ms)
    for drift_ms in options.drift_step_ms * np.arange(-steps, steps + 1):
        shifts = drift_ms / span * (minutes - middle) / FRAME_MS  # (looks,), in frames
        aligned = _mean(
            np.array([np.interp(_OFFSETS + shift, _OFFSETS, row) for shift, row in zip(shifts, curves, strict=True)]),
            looks,
        )
        if minimum_of(aligned).confidence > minimum_of(best).confidence:
            best_ms, best = float(drift_ms), aligned
    is_better = minimum_of(best).confidence >= (1 + options.min_gain) * constant
    if abs(best_ms) < options.min_drift_ms or not is_better or not _ends_agree(looks, best_ms, calibration, options):
        return None
    return best_ms / span, best


def _ends_agree(looks: Sequence[Look], drift_ms: float, calibration: Calibration, options: PoolingOptions) -> bool:
    """Do the first and the last third, each pooled and each sure enough, lie apart as the drift says?"""
    third = max(1, len(looks) // 3)
    ends = []
    for part in (looks[:third], looks[-third:]):
        minimum = minimum_of(_mean(_curves(part), part))
        inputs = sum(look.result.inputs for look in part)
        if calibration.probability(minimum.confidence, inputs) < options.end_probability:
            return False
        ends.append((minimum.offset_ms, float(np.mean([look.middle_ms for look in part]))))
    (first_ms, first_at), (last_ms, last_at) = ends
    expected_ms = drift_ms * (last_at - first_at) / (looks[-1].middle_ms - looks[0].middle_ms)
    return abs(last_ms - first_ms - expected_ms) <= max(FRAME_MS, 0.5 * abs(expected_ms))
