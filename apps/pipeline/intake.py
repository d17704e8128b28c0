"""What people bring, and the stages that it sets off: a video, and another word on the language spoken in it."""

from __future__ import annotations

from django.db import transaction

from apps.accounts.models import User
from apps.pipeline import runs
from apps.videos import editing
from apps.videos.models import Video
from apps.videos.uploads import IncomingFile, VideoDetails, receive


def take_in(file: IncomingFile, *, owner: User, details: VideoDetails) -> Video:
    """Makes `file` a video of `owner` and queues its stages on commit. Call it outside a transaction: the look at the
    file takes seconds, in which others must be able to write.

    Raises UploadRefusedError, with nothing kept, where the file or the details are not acceptable.
    """
    return receive(file, owner=owner, details=details, then=runs.start)


def edit_video(video: Video, *, revision: int, editor: User, details: VideoDetails) -> Video:
    """`videos.editing.edit_video`, and the captions anew where another language is spoken than was said before.

    Raises what that raises: EditConflictError, DetailsInvalidError, Video.DoesNotExist.
    """
    with transaction.atomic():
        # Not of `video`, on which a form may have put the new one.
        before = Video.objects.select_for_update(no_key=True).only("language").get(pk=video.pk)
        edited = editing.edit_video(video, revision=revision, editor=editor, details=details)
        if edited.language != before.language:
            runs.start_over(video.pk, "transcribe")
    return edited
