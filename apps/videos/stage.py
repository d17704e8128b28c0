"""What a stage's verb and the pipeline that calls it say to each other.

A verb is `verb(video: Video, progress: Progress) -> None`, idempotent, and may be killed at any instant.
"""

from typing import Protocol


class Progress(Protocol):
    """Tells how far a stage is. Call it often: it also notices that the video was deleted or the run taken away."""

    def __call__(self, fraction: float, message: str = "") -> None:
        """`fraction` is in [0, 1]; `message` is for people ("12 of 45 minutes recognised")."""


class StageFailedError(Exception):
    """The stage cannot succeed however often it is tried. The message is for the video's owner, in plain words."""


class StageSkippedError(Exception):
    """There is nothing to do for this video, and that is fine. The message tells the owner why, in plain words."""
