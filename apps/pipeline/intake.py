"""Taking in a video: its file and row first, then its stages."""

from __future__ import annotations

from apps.accounts.models import User
from apps.pipeline import runs
from apps.videos.models import Video
from apps.videos.uploads import IncomingFile, VideoDetails, receive


def take_in(file: IncomingFile, *, owner: User, details: VideoDetails) -> Video:
    """Makes `file` a video of `owner` and queues its stages on commit. Call it outside a transaction: the look at the
    file takes seconds, in which others must be able to write.

    Raises UploadRefusedError, with nothing kept, where the file or the details are not acceptable.
    """
    return receive(file, owner=owner, details=details, then=runs.start)
