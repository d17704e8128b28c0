"""Several looks at a video make one result, and tell a drift from a constant shift; what jumps is told as neither."""

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
    """When a shift that changes is called a drift, and when nothing is told because it jumps."""

    judging: JudgingOptions = field(default_factory=JudgingOptions)
    min_drift_looks: int = 5
    min_drift_ms: float = 120.0  # three frames, from the first look to the last
    max_drift_ms: float = 800.0
    drift_step_ms: float = 20.0
    min_gain: float = 0.15  # so much deeper the minimum must lie once the drift is taken out
    end_probability: float = 0.5  # of the first and of the last third, or of either side of a jump, each by itself
    min_side_looks: int = 2  # before a jump and after it: one odd scene is none
    min_jump_gain: float = 0.05  # so much deeper than with any drift the minimum must lie without the jump


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
    line = _best_line(telling, options)
    deepest = minimum_of(curve if line is None else line.curve).confidence
    if _jumps(telling, deepest, calibration, options):
        # Whatever is told would be wrong for a part of the video.
        return replace(constant, offset_ms=None, probability=0.0, reason=Reason.NOT_SURE, windows=windows)
    if line is None or not _is_drift(line, telling, minimum_of(curve).confidence, calibration, options):
        return replace(constant, windows=windows)
    drifting = judge(line.curve, inputs, coverage=coverage, calibration=calibration, options=options.judging)
    slope = line.drift_ms / _span_minutes(telling)
    return replace(drifting, windows=windows, drift_ms_per_min=slope if drifting.reason is None else None)


@dataclass(frozen=True, eq=False)
class _Line:
    """So much later from the first look to the last, and the curve `(31,)` of all looks without it."""

    drift_ms: float
    curve: NDArray[np.float64]


def _window(look: Look, calibration: Calibration) -> WindowOffset:
    minimum = minimum_of(np.array(look.result.distances))
    return WindowOffset(look.start_ms, minimum.offset_ms - calibration.zero_ms, look.result.probability)


def _curves(looks: Sequence[Look]) -> NDArray[np.float64]:
    return np.array([look.result.distances for look in looks])  # (looks, 31)


def _mean(curves: NDArray[np.float64], looks: Sequence[Look]) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = np.average(curves, axis=0, weights=[look.result.inputs for look in looks])
    return mean


def _moved(curve: NDArray[np.float64], later_frames: float) -> NDArray[np.float64]:
    """A curve `(31,)` as it would be of a sound so much less late."""
    return np.interp(_OFFSETS + later_frames, _OFFSETS, curve)


def _span_minutes(looks: Sequence[Look]) -> float:
    return (looks[-1].middle_ms - looks[0].middle_ms) / MS_PER_MINUTE


def _best_line(looks: Sequence[Look], options: PoolingOptions) -> _Line | None:
    """The drift without which the minimum is deepest; None where there is too little to lay a line through.

    All looks are tried together, drift by drift: the minima of single looks are too uncertain.
    """
    if len(looks) < options.min_drift_looks or _span_minutes(looks) <= 0:
        return None
    curves = _curves(looks)
    at = np.array([look.middle_ms for look in looks])
    places = (at - (at[0] + at[-1]) / 2) / (at[-1] - at[0])  # from -1/2 to 1/2
    best = _Line(0.0, _mean(curves, looks))
    steps = int(options.max_drift_ms / options.drift_step_ms)
    for drift_ms in options.drift_step_ms * np.arange(-steps, steps + 1):
        shifts = drift_ms * places / FRAME_MS  # (looks,), in frames
        aligned = np.array([_moved(row, shift) for shift, row in zip(shifts, curves, strict=True)])
        tried = _Line(float(drift_ms), _mean(aligned, looks))
        if minimum_of(tried.curve).confidence > minimum_of(best.curve).confidence:
            best = tried
    return best


def _is_drift(
    line: _Line, looks: Sequence[Look], constant: float, calibration: Calibration, options: PoolingOptions
) -> bool:
    """Is it large, so much deeper than the curve of a constant shift, and do both ends say so?"""
    is_deeper = minimum_of(line.curve).confidence >= (1 + options.min_gain) * constant
    is_large = abs(line.drift_ms) >= options.min_drift_ms
    return is_deeper and is_large and _ends_agree(looks, line.drift_ms, calibration, options)


def _jumps(looks: Sequence[Look], deepest: float, calibration: Calibration, options: PoolingOptions) -> bool:
    """Does the offset change at once, somewhere between two looks?

    It does where the minimum becomes deeper than `deepest`, that of any line, once what is before and what is after are
    each moved to where they are least, and where each by itself is sure enough.
    """
    curves = _curves(looks)
    for number in range(options.min_side_looks, len(looks) - options.min_side_looks + 1):
        sides = [(curves[:number], looks[:number]), (curves[number:], looks[number:])]
        means = [_mean(rows, part) for rows, part in sides]
        inputs = [sum(look.result.inputs for look in part) for _, part in sides]
        before, after = (minimum_of(mean) for mean in means)
        half = (after.offset_frames - before.offset_frames) / 2
        apart = np.average([_moved(means[0], -half), _moved(means[1], half)], axis=0, weights=inputs)
        is_deeper = minimum_of(apart).confidence >= (1 + options.min_jump_gain) * deepest
        is_large = 2 * abs(half) * FRAME_MS >= options.min_drift_ms
        are_sure = all(
            not minimum.is_at_edge and calibration.probability(minimum.confidence, n) >= options.end_probability
            for minimum, n in zip((before, after), inputs, strict=True)
        )
        if is_deeper and is_large and are_sure:
            return True
    return False


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
