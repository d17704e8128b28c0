"""Taking in a video: its file and row first, then its stages, in one transaction."""

from __future__ import annotations

from django.db import transaction

from apps.accounts.models import User
from apps.pipeline import runs
from apps.videos.models import Video
from apps.videos.uploads import IncomingFile, VideoDetails, receive


@transaction.atomic
def take_in(file: IncomingFile, *, owner: User, details: VideoDetails) -> Video:
    """Makes `file` a video of `owner` and queues its stages on commit.

    Raises UploadRefusedError, with nothing kept, where the file or the details are not acceptable.
    """
    video = receive(file, owner=owner, details=details)
    runs.start(video)
    return video
