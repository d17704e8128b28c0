"""What moderators decide and viewers report. Every act leaves a `ModerationEntry`."""

from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.videos import notices
from apps.videos.models import ModerationEntry, ModerationState, Notice, Report, Video
from apps.videos.signals import video_changed


class ModerationError(ValueError):
    """The act makes no sense now. The message tells the moderator why and what to do."""


def note(video: Video | None, *, by: User, act: str, reason: str = "") -> ModerationEntry:
    """Writes an act into the log; the caller's transaction is that of the act. `video` None: of the whole portal."""
    entry = _entry(video, by=by, act=act, reason=reason)
    entry.save()
    return entry


def note_all(videos: Iterable[Video], *, by: User, act: str, reason: str = "") -> None:
    """`note` for each of `videos`, of which only id and title are read. One query for some hundreds."""
    ModerationEntry.objects.bulk_create([_entry(video, by=by, act=act, reason=reason) for video in videos])


def _entry(video: Video | None, *, by: User, act: str, reason: str) -> ModerationEntry:
    title = video.title[:200] if video else ""
    return ModerationEntry(video=video, video_title=title, moderator=by, act=act, reason=reason.strip())


def publish_after_check(video: Video) -> bool:
    """Called when the file proved whole: publishes a video that waits, unless a moderator must look at it first.

    Returns whether it was published by this call. A rejected video stays rejected.
    """
    if settings.MODERATION_REQUIRED:
        return False
    return _decide(video, ModerationState.PUBLISHED, "", only_from=ModerationState.PENDING)


def approve(video: Video, *, by: User, reason: str = "") -> ModerationEntry:
    """Publishes it. Raises `ModerationError` for a file that was not found whole."""
    with transaction.atomic():
        video.refresh_from_db()
        if video.checked_at is None:
            raise ModerationError(
                f"“{video.title}” cannot be published: its file has not been found whole. "
                "Look at its stage “probe”: wait for it, run it again, or reject the video."
            )
        _decide(video, ModerationState.PUBLISHED, "")
        notices.notify(video.owner, video, Notice.Kind.PUBLISHED, f"A moderator published your video “{video.title}”.")
        return note(video, by=by, act=ModerationEntry.Act.APPROVED, reason=reason)


def reject(video: Video, *, by: User, reason: str) -> ModerationEntry:
    """Takes it from everybody but its owner and moderators. Raises `ModerationError` without a reason."""
    reason = reason.strip()
    if not reason:
        raise ModerationError("Say why the video is rejected: its owner reads it.")
    with transaction.atomic():
        video.refresh_from_db()
        _decide(video, ModerationState.REJECTED, reason)
        notices.notify(
            video.owner, video, Notice.Kind.REJECTED, f"A moderator rejected your video “{video.title}”: {reason}"
        )
        return note(video, by=by, act=ModerationEntry.Act.REJECTED, reason=reason)


def _decide(video: Video, state: ModerationState, reason: str, *, only_from: ModerationState | None = None) -> bool:
    """One UPDATE, so that it cannot undo an edit that was saved meanwhile; the instance is brought in step."""
    with transaction.atomic():
        rows = Video.objects.filter(pk=video.pk)
        if only_from is not None:
            rows = rows.filter(moderation_state=only_from)
        changed = rows.update(moderation_state=state, moderation_reason=reason, updated_at=timezone.now())
        if changed:
            video.moderation_state, video.moderation_reason = state, reason
            video_changed.send(sender=__name__, video_id=video.pk)
    return bool(changed)


def report(video: Video, *, reporter: User | None, reason: str, details: str = "") -> Report:
    """A viewer's word. A second open one by the same person on the same video replaces the first.

    Raises `ModerationError` for an unknown reason or for details that are too long.
    """
    if reason not in Report.Reason.values:
        raise ModerationError(f"Choose one of the reasons: {', '.join(map(str, Report.Reason.labels))}.")
    details = details.strip()
    if len(details) > 2_000:
        raise ModerationError(f"The details have {len(details)} characters: shorten them to 2000.")
    with transaction.atomic():
        if reporter is not None:
            opened = Report.objects.filter(video=video, reporter=reporter, resolved_at=None).first()
            if opened is not None:
                opened.reason, opened.details = reason, details
                opened.save(update_fields=["reason", "details"])
                return opened
        return Report.objects.create(video=video, reporter=reporter, reason=reason, details=details)


def resolve(report: Report, *, by: User, reason: str = "") -> ModerationEntry | None:
    """Closes a report. Returns None where somebody else closed it first."""
    with transaction.atomic():
        closed = Report.objects.filter(pk=report.pk, resolved_at=None).update(
            resolved_at=timezone.now(), resolved_by=by
        )
        if not closed:
            return None
        report.refresh_from_db()
        return note(
            report.video,
            by=by,
            act=ModerationEntry.Act.REPORT_RESOLVED,
            reason=reason or report.get_reason_display(),
        )
