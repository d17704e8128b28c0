"""All that is known of the lip sync of a video, and what can be done about it now."""

from __future__ import annotations

from dataclasses import dataclass

from apps.avsync.models import SyncReport
from apps.avsync.wording import in_words
from apps.pipeline.models import StageRun, SyncRepair
from apps.videos.models import Video

MOVE, CHECK = "move_sound", "check_sync"
State = SyncRepair.State
Verdict = SyncReport.Verdict


def way_of(shift_ms: int) -> str:
    """ "200 ms earlier"."""
    return f"{abs(shift_ms)} ms {'later' if shift_ms > 0 else 'earlier'}"


@dataclass(frozen=True)
class SyncStatus:
    """For owner and moderators. Empty refusals: it can be done now."""

    report: SyncReport | None
    repair: SyncRepair | None  # that stands; None where the sound is where it was uploaded
    is_checking: bool
    is_moving: bool
    failure: str  # of the last attempt to move the sound, in plain words
    check_message: str  # of a check that ended without a report, in plain words
    repair_refusal: str
    undo_refusal: str

    @property
    def can_repair(self) -> bool:
        return not self.repair_refusal

    @property
    def can_undo(self) -> bool:
        return not self.undo_refusal

    @property
    def is_at_work(self) -> bool:
        return self.is_moving or self.is_checking

    @property
    def says_something(self) -> bool:
        """Something was found, done or is under way: not so where the check is off, or found nothing to look at."""
        return bool(self.report or self.repair or self.is_at_work)

    @property
    def sentence(self) -> str:
        """What was found, or what is under way."""
        repair = self.repair
        if repair is not None and self.is_moving:
            if repair.state == State.UNDO_ASKED:
                return "The original is being brought back."
            return f"The sound is being moved: {way_of(repair.shift_ms)}."
        if repair is not None and self.failure and not self.is_repaired:
            return f"The sound could not be moved. {self.failure}"
        if self.is_checking:
            return "Lip sync is being checked."
        if self.report is None:
            return self.check_message or "Lip sync was not checked."
        return in_words(self.report)

    @property
    def moved(self) -> str:
        """What was done to the sound; empty where it is as it was uploaded."""
        if self.repair is None or not self.is_repaired:
            return ""
        return f"The sound was moved: it comes {way_of(self.repair.shift_ms)} than in the file that was uploaded."

    @property
    def is_repaired(self) -> bool:
        return self.repair is not None and self.repair.state == State.DONE

    @property
    def repair_did_not_help(self) -> bool:
        """The check that followed the repair does not say that sound and lips agree."""
        return self.is_repaired and self.report is not None and self.report.verdict != Verdict.IN_SYNC


def sync_status(video: Video) -> SyncStatus:
    """Three queries."""
    report = SyncReport.objects.filter(video=video).first()
    repair = SyncRepair.objects.standing().filter(video=video).select_related("made_by").first()
    states = {run.stage: run for run in StageRun.objects.filter(video=video, stage__in=(MOVE, CHECK))}
    mover, checker = states.get(MOVE), states.get(CHECK)
    is_moving = mover is not None and not mover.has_ended
    has_failed = mover is not None and mover.state == StageRun.State.FAILED
    is_checking = checker is not None and not checker.has_ended
    return SyncStatus(
        report=report,
        repair=repair,
        is_checking=is_checking,
        is_moving=is_moving,
        failure=mover.message if mover is not None and has_failed else "",
        check_message=checker.message if checker is not None and not is_checking and report is None else "",
        repair_refusal=_why_no_repair(report, repair, is_checking=is_checking, is_moving=is_moving),
        undo_refusal=_why_no_undo(repair, is_moving=is_moving),
    )


def _why_no_repair(report: SyncReport | None, repair: SyncRepair | None, *, is_checking: bool, is_moving: bool) -> str:
    if is_moving:
        return "The sound is being moved already. Wait until that has ended."
    if repair is not None and repair.state != State.ASKED:
        return "The sound of this video was moved already. Undo that first."
    if is_checking:
        return "Lip sync is being checked. Wait until that has ended."
    if report is None:
        return "Lip sync was not checked. Run “Checking lip sync” first."
    if report.verdict == Verdict.IN_SYNC:
        return "Sound and lips agree: there is nothing to repair."
    if report.verdict == Verdict.DRIFTING:
        return (
            "Sound and picture drift apart: moving all of the sound by one amount would be right for a moment only. "
            "Export the video again from where it was cut, and upload that."
        )
    if report.verdict == Verdict.UNKNOWN or report.offset_ms is None:
        return "Nobody can tell by how much the sound is off: there is nothing sure to repair."
    return ""


def _why_no_undo(repair: SyncRepair | None, *, is_moving: bool) -> str:
    if repair is None:
        return "The sound of this video is where it was uploaded: there is nothing to undo."
    if is_moving:
        return "The sound is being moved. Wait until that has ended."
    return ""
