"""What the check of lip sync found, in plain sentences."""

from __future__ import annotations

from apps.avsync.models import SyncReport

_CANNOT_TELL = {
    SyncReport.Reason.NO_FACE.value: "Nobody can be seen speaking, so nobody can tell whether the sound fits.",
    SyncReport.Reason.TOO_LITTLE_SPEECH.value: ("There is too little speech to tell whether the sound fits the lips."),
}


def in_words(report: SyncReport) -> str:
    """One plain sentence for people, without a judgement on who is to blame."""
    if report.offset_ms is None:
        return _CANNOT_TELL.get(report.reason, "Whether the sound fits the lips cannot be told with certainty.")
    sure = f"sure to {min(99, int(100 * report.probability))} %"
    shift = f"{abs(report.offset_ms):.0f} ms {'late' if report.offset_ms > 0 else 'early'}"
    if report.verdict == SyncReport.Verdict.DRIFTING:
        drift = abs(report.drift_ms_per_min or 0.0)
        way = "later" if (report.drift_ms_per_min or 0.0) > 0 else "earlier"
        return f"The sound comes ever {way}, by {drift:.0f} ms a minute; in the middle it is {shift}: {sure}."
    if report.verdict == SyncReport.Verdict.IN_SYNC:
        return f"Sound and lips agree: {sure}."
    return f"The sound comes {shift}: {sure}."
