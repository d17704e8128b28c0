"""Which transcript of a video is served, in each language: the edited one, else the uploaded, else the automatic.

Pages, the API, search and classification all ask here, so that they show, index and judge the same words.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from apps.transcription.models import Cue, Transcript
from apps.videos.models import Video


def caption_tracks_of(videos: Iterable[Video]) -> dict[UUID, list[Transcript]]:
    """The served transcripts of each video, by its id: one per language, the spoken language first.

    A transcript is served once it has a cue, or is complete without one (nothing was said: `has_cues` is False).
    Of two automatic ones the complete one is served until the other, which a rerun fills, takes its place.
    Costs one query.
    """
    spoken = {video.pk: video.language for video in videos}
    best: dict[UUID, dict[str, Transcript]] = {video_id: {} for video_id in spoken}
    for transcript in Transcript.objects.filter(video__in=list(spoken)).showable().in_order_of_trust():
        best[transcript.video_id].setdefault(transcript.language, transcript)
    return {
        video_id: sorted(by_language.values(), key=lambda track: (track.language != spoken[video_id], track.language))
        for video_id, by_language in best.items()
    }


def caption_tracks(video: Video) -> list[Transcript]:
    """The served transcripts of one video: see `caption_tracks_of`. Costs one query."""
    return caption_tracks_of([video])[video.pk]


def served_transcript(video: Video, language: str | None = None) -> Transcript | None:
    """The transcript served in `language`, without falling back on another; None where there is none.

    Without `language`: of those that have cues the one in the spoken language, else the first. Costs one query.
    """
    tracks = caption_tracks(video)
    if language is not None:
        return next((track for track in tracks if track.language == language), None)
    with_cues = (track for track in tracks if track.has_cues)
    return next(with_cues, tracks[0] if tracks else None)


def served_cues(video: Video) -> list[tuple[Transcript, list[Cue]]]:
    """Every served transcript with its cues in order of time, without their words. Costs two queries."""
    tracks = caption_tracks(video)
    cues: dict[UUID, list[Cue]] = {track.pk: [] for track in tracks}
    if tracks:
        for cue in Cue.objects.filter(transcript__in=tracks).order_by("transcript", "position").defer("words"):
            cues[cue.transcript_id].append(cue)
    return [(track, cues[track.pk]) for track in tracks]


def transcript_text(video: Video) -> str:
    """What is said in the video, on one line, of `served_transcript(video)`; empty where nothing is known.

    Costs two queries.
    """
    transcript = served_transcript(video)
    if transcript is None:
        return ""
    texts = transcript.cues.order_by("position").values_list("text", flat=True)
    return " ".join(" ".join(text.split()) for text in texts)
