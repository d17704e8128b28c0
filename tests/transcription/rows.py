"""Transcripts for tests of what reads them."""

from django.utils import timezone

from apps.transcription.models import Cue, Transcript
from apps.videos.models import Video


def make_transcript(
    video: Video,
    source: str = "auto",
    *texts: str,
    language: str = "en",
    is_complete: bool = True,
    recogniser: str = "",
    words: bool = False,
) -> Transcript:
    """A transcript with a cue a second, without a gap between them."""
    transcript = Transcript.objects.create(
        video=video,
        language=language,
        source=source,
        recogniser=recogniser,
        cursor_ms=len(texts) * 1_000,
        completed_at=timezone.now() if is_complete else None,
    )
    for position, text in enumerate(texts):
        start_ms = position * 1_000
        timed = [{"text": text, "start_ms": start_ms, "end_ms": start_ms + 900, "confidence": 0.5}] if words else []
        Cue.objects.create(
            transcript=transcript,
            position=position,
            start_ms=start_ms,
            end_ms=start_ms + 1_000,
            text=text,
            words=timed,
            confidence=0.5 if words else None,
        )
    return transcript
