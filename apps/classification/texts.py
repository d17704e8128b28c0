"""The text of a video, as classifiers read it and corrections keep it."""

from __future__ import annotations

from apps.transcription.tracks import transcript_text
from apps.videos.models import Video


def text_of(video: Video) -> str:
    """What a classifier reads: title, description and what is said, one a line. Costs two queries."""
    parts = (video.title, video.description, transcript_text(video))
    return "\n".join(part.strip() for part in parts if part.strip())
