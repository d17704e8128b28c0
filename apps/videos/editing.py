"""Changing what is said of a video, and deleting it."""

import uuid

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.accounts.models import User
from apps.videos import moderation
from apps.videos.details import VideoDetails, clean_details, set_tags
from apps.videos.models import ModerationEntry, Video
from apps.videos.signals import video_changed

__all__ = ["EditConflictError", "VideoDetails", "delete_video", "edit_video"]


class EditConflictError(Exception):
    """Somebody changed the video since the editor read it. `current` is how it stands now."""

    def __init__(self, current: Video) -> None:
        super().__init__(
            "This video was changed in another tab or by somebody else since you opened it. "
            "Look at how it stands now, then save your change again."
        )
        self.current = current


def edit_video(video: Video, *, revision: int, editor: User, details: VideoDetails) -> Video:
    """Saves `details` if the video still is at `revision`, and returns it anew. The caller checks `editable_by`.

    Raises `EditConflictError`, `DetailsInvalidError`, or `Video.DoesNotExist` where it was deleted meanwhile.
    """
    details = clean_details(details)
    with transaction.atomic():
        # The revision is compared by the database in the same statement that writes: of two tabs, one comes second.
        changed = Video.objects.filter(pk=video.pk, revision=revision).update(
            title=details.title,
            description=details.description,
            language=details.language,
            visibility=details.visibility,
            revision=F("revision") + 1,
            updated_at=timezone.now(),
        )
        current = Video.objects.get(pk=video.pk)
        if not changed:
            raise EditConflictError(current)
        set_tags(current, details.tags)
        if editor.pk != current.owner_id:
            moderation.note(current, by=editor, act=ModerationEntry.Act.EDITED)
        video_changed.send(sender=__name__, video_id=current.pk)
    return current


def delete_video(video: Video, *, by: User, reason: str = "") -> uuid.UUID:
    """Deletes the row with all that hangs on it; its files go when the transaction commits (see `deletion`).

    Returns the id of what was deleted. The caller checks `editable_by`.
    """
    video_id = video.pk
    with transaction.atomic():
        # Locked before what hangs on it, as a stage that ends does (`pipeline.runs.end`): else the two could deadlock.
        Video.objects.select_for_update().filter(pk=video_id).first()
        if by.pk != video.owner_id:
            moderation.note(video, by=by, act=ModerationEntry.Act.DELETED, reason=reason)
        # A fresh instance: the caller keeps its own with the id, for the message that says what was deleted.
        Video.objects.filter(pk=video_id).delete()
    return video_id
