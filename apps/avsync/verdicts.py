"""From a measured offset to a verdict, by the limits of the settings.

What broadcasters agreed on, and where our signs differ from theirs:

- EBU R37 ("The relative timing of the sound and vision components of a television signal"): at the end of the chain
  sound may be early by no more than 40 ms and late by no more than 60 ms. These are the defaults.
- ITU-R BT.1359-1 ("Relative timing of sound and vision for broadcasting", recital g): viewers notice sound that is
  early by 45 ms or late by 125 ms, and do not accept it from 90 ms early or 185 ms late on. It writes these as +45,
  -125, +90 and -185 ms: there "a positive value indicates that sound is advanced with respect to vision". Here a
  positive offset is sound that is late.

A video is called out of sync where the offset lies beyond a limit by more than the measurement may be off: a frame
after one look of four seconds, less the more was compared, as the error of a mean falls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from apps.avsync.models import SyncReport

if TYPE_CHECKING:
    from apps.avsync.syncnet.offset import SyncResult

Verdict = SyncReport.Verdict
MS_PER_MINUTE = 60_000


FRAME_MS = 40.0
LOOK_INPUTS = 100  # five-frame inputs of one look


def verdict_of(result: SyncResult, duration_ms: int) -> Verdict:
    """What to say of a video that is so long. A drift that stays within the limits to both ends is none."""
    if result.offset_ms is None:
        return Verdict.UNKNOWN
    doubt_ms = FRAME_MS * min(1.0, (LOOK_INPUTS / max(1, result.inputs)) ** 0.5)
    if result.drift_ms_per_min is not None:
        to_the_end_ms = result.drift_ms_per_min * duration_ms / MS_PER_MINUTE / 2
        ends = (result.offset_ms - to_the_end_ms, result.offset_ms + to_the_end_ms)
        is_within = all(_of_constant(end_ms, doubt_ms) == Verdict.IN_SYNC for end_ms in ends)
        return Verdict.IN_SYNC if is_within else Verdict.DRIFTING
    return _of_constant(result.offset_ms, doubt_ms)


def _of_constant(offset_ms: float, doubt_ms: float) -> Verdict:
    if offset_ms > settings.SYNC_LATE_LIMIT_MS + doubt_ms:
        return Verdict.SOUND_LATE
    if offset_ms < -settings.SYNC_EARLY_LIMIT_MS - doubt_ms:
        return Verdict.SOUND_EARLY
    return Verdict.IN_SYNC
