"""Reports for tests that need no network behind them."""

from apps.avsync.models import SyncReport
from apps.videos.models import Video

VERDICT = SyncReport.Verdict


def make_report(video: Video, **changes: object) -> SyncReport:
    """The sound comes 200 ms late, sure to 98 %."""
    distances = [1.0 + 0.01 * abs(frames - 5) for frames in range(-15, 16)]
    fields: dict[str, object] = {
        "verdict": VERDICT.SOUND_LATE,
        "offset_ms": 200.0,
        "probability": 0.98,
        "coverage": 0.8,
        "distances": distances,
        "windows": [{"start_ms": start, "offset_ms": 200.0, "probability": 0.9} for start in (0, 20_000, 40_000)],
        "network": "test network",
    }
    return SyncReport.objects.create(video=video, **(fields | changes))
