"""What title, tags and description tell a recogniser, and whether they have changed since it was told."""

from __future__ import annotations

from django.conf import settings

from apps.transcription.asr.hotwords import digest_of
from apps.transcription.models import Transcript
from apps.videos.models import Video


def described_texts(video: Video) -> list[str]:
    """What is written about `video`, the weightiest first. One query."""
    return [video.title, *video.tags.order_by("name").values_list("name", flat=True), video.description]


def described_digest(video: Video) -> str:
    """Changes with the words of title, tags and description. One query."""
    return digest_of(described_texts(video))


def outdated_transcript(video: Video) -> Transcript | None:
    """The finished automatic transcript whose recogniser would be told other words today. None where there is none.

    Recognising again may then spell a name right. None too where the recogniser takes no words or the settings let it
    have none, and where an uploaded or edited transcript in the same language is served instead. Three queries at most.
    """
    if not settings.ASR_HOTWORDS:
        return None
    finished = Transcript.objects.filter(video=video, language=video.language, completed_at__isnull=False)
    transcript = finished.in_order_of_trust().first()
    if transcript is None or transcript.source != Transcript.Source.AUTO or not transcript.described_digest:
        return None
    return transcript if transcript.described_digest != described_digest(video) else None
