"""The transcript beside the player, as the server first draws it. static/src/transcript.js goes on from there."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.safestring import SafeString

from apps.transcription.matching import MAX_MATCHES, Match, find_in, marked_html, marks_in, on_one_line
from apps.transcription.models import Cue, Transcript
from apps.transcription.tracks import caption_tracks
from apps.videos.models import Video

# Cues drawn by the server. Of a longer transcript scripts fetch the rest; without them there are links to its parts.
PART_CUES = 300
# Words that are right with a lower probability are marked; most of those are wrong (`asr.calibration`). See also
# LOW_CONFIDENCE in static/src/transcript.js.
LOW_CONFIDENCE = 0.6


@dataclass(frozen=True)
class Word:
    """`html` is the text, escaped, with `<mark>` around what was looked for."""

    html: SafeString
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
    is_chosen: bool  # the chosen match begins in it


@dataclass(frozen=True)
class Search:
    """What is looked for in the transcript, and which of its matches is shown: `chosen` of `count`, counted from 1."""

    wanted: str = ""
    matches: tuple[Match, ...] = ()
    chosen: int = 0

    @property
    def count(self) -> int:
        return len(self.matches)

    @property
    def has_more(self) -> bool:
        """Than are counted."""
        return self.count >= MAX_MATCHES

    @property
    def chosen_cue(self) -> int | None:
        """Its position."""
        return self.matches[self.chosen - 1].first if self.chosen else None

    @property
    def next(self) -> int:
        return self.chosen % self.count + 1

    @property
    def previous(self) -> int:
        return (self.chosen - 2) % self.count + 1


@dataclass(frozen=True)
class Panel:
    """One part of a transcript: `part` of `parts`, counted from 1."""

    transcript: Transcript
    rows: tuple[Row, ...]
    part: int
    parts: int
    cue_count: int
    search: Search


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


def panel_of(transcript: Transcript, *, part: int | None, start_ms: int, search: Search) -> Panel:
    """The part asked for, else the one with the chosen match, else the one in which `start_ms` lies. Three queries."""
    cues = transcript.cues.all()
    cue_count = cues.count()
    parts = max(1, -(-cue_count // PART_CUES))
    if part is None:
        shown_cue = search.chosen_cue
        if shown_cue is None:
            shown_cue = cues.filter(end_ms__lte=start_ms).count() if start_ms else 0
        part = shown_cue // PART_CUES + 1
    part = min(max(part, 1), parts)
    shown = cues.order_by("position")[(part - 1) * PART_CUES : part * PART_CUES]
    return Panel(transcript, tuple(_row(cue, search) for cue in shown), part, parts, cue_count, search)


def search_in(transcript: Transcript, wanted: str, *, match: int | None, start_ms: int) -> Search:
    """Looks for `wanted` and chooses match number `match`, else the first that is said at `start_ms` or later.

    One query, over all cues: a reader wants to know how often something is said, not how often on this page.
    """
    if not wanted:
        return Search()
    cues = list(transcript.cues.order_by("position").values_list("text", "end_ms"))
    matches = find_in([on_one_line(text) for text, _ in cues], wanted)
    later = (number for number, found in enumerate(matches, 1) if cues[found.last][1] > start_ms)
    chosen = match if match is not None else next(later, 1)
    return Search(wanted, tuple(matches), min(max(chosen, 1), len(matches)))


def _row(cue: Cue, search: Search) -> Row:
    text = on_one_line(cue.text)
    marks = marks_in(cue.position, len(text), search.matches)
    words = [Word(marked_html(text, marks), cue.start_ms, cue.end_ms, None)]
    places = _places_of(cue, text)
    if places:
        words = [
            Word(marked_html(text, marks, begin, end), word["start_ms"], word["end_ms"], word.get("confidence"))
            for word, (begin, end) in zip(cue.words, places, strict=True)
        ]
    return Row(cue.position, cue.start_ms, cue.end_ms, text, tuple(words), search.chosen_cue == cue.position)


def _places_of(cue: Cue, text: str) -> list[tuple[int, int]]:
    """Where in `text` the timed words of `cue` stand; empty where nobody timed them, or they are not its text."""
    places, at = [], 0
    for word in cue.words:
        begin = text.find(word["text"], at)
        if begin < 0:
            return []
        at = begin + len(word["text"])
        places.append((begin, at))
    return places
