"""The transcript beside the player, as the server first draws it. static/src/transcript.js goes on from there."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from apps.transcription.models import Cue, Transcript
from apps.transcription.tracks import caption_tracks
from apps.videos.models import Video

# Cues drawn by the server. Of a longer transcript scripts fetch the rest; without them there are links to its parts.
PART_CUES = 300
# Words that the recogniser gave less than this are marked. See also LOW_CONFIDENCE in static/src/transcript.js.
LOW_CONFIDENCE = 0.5


@dataclass(frozen=True)
class Word:
    text: str
    start_ms: int
    end_ms: int
    confidence: float | None

    @property
    def is_doubtful(self) -> bool:
        return self.confidence is not None and self.confidence < LOW_CONFIDENCE


@dataclass(frozen=True)
class Row:
    """One cue. Where nobody timed its words, the whole text is one word."""

    position: int
    start_ms: int
    end_ms: int
    text: str
    words: tuple[Word, ...]


@dataclass(frozen=True)
class Panel:
    """One part of a transcript: `part` of `parts`, counted from 1."""

    transcript: Transcript
    rows: tuple[Row, ...]
    part: int
    parts: int
    cue_count: int


@dataclass(frozen=True)
class Track:
    """A caption track as the player and its scripts know it."""

    id: str
    language: str
    label: str
    is_complete: bool
    vtt_url: str
    json_url: str


def tracks_of(video: Video) -> tuple[list[Track], list[Transcript]]:
    """The caption tracks of `video` that have a cue, the spoken language first; and their transcripts. One query."""
    transcripts = [transcript for transcript in caption_tracks(video) if transcript.has_cues]
    return [_track(video, transcript) for transcript in transcripts], transcripts


def _track(video: Video, transcript: Transcript) -> Track:
    return Track(
        id=str(transcript.pk),
        language=transcript.language,
        label=f"{transcript.get_language_display()} ({transcript.get_source_display().lower()})",
        is_complete=transcript.is_complete,
        vtt_url=captions_url(video, transcript.language, "vtt"),
        json_url=captions_url(video, transcript.language, "json"),
    )


def captions_url(video: Video, language: str, form: str) -> str:
    return reverse("transcription:captions", args=[video.pk, language, form])


def panel_of(transcript: Transcript, *, part: int | None, start_ms: int) -> Panel:
    """The part asked for, else the one in which `start_ms` lies. Three queries at most."""
    cues = transcript.cues.all()
    cue_count = cues.count()
    parts = max(1, -(-cue_count // PART_CUES))
    if part is None:
        part = cues.filter(end_ms__lte=start_ms).count() // PART_CUES + 1 if start_ms else 1
    part = min(max(part, 1), parts)
    shown = cues.order_by("position")[(part - 1) * PART_CUES : part * PART_CUES]
    return Panel(transcript, tuple(_row(cue) for cue in shown), part, parts, cue_count)


def _row(cue: Cue) -> Row:
    words = tuple(Word(word["text"], word["start_ms"], word["end_ms"], word.get("confidence")) for word in cue.words)
    text = " ".join(cue.text.split())
    whole = (Word(text, cue.start_ms, cue.end_ms, None),)
    return Row(cue.position, cue.start_ms, cue.end_ms, text, words or whole)
