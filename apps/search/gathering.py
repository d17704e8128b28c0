"""What the index holds of videos, built from their rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from uuid import UUID

from apps.classification.models import TopicPrediction
from apps.search.backends.base import Moment, SearchDocument
from apps.search.embedders import space
from apps.search.passages import TimedText, moments_from_cues
from apps.search.vectors import with_vectors
from apps.transcription.models import Cue, Transcript
from apps.transcription.tracks import caption_tracks_of
from apps.videos.models import Video

BATCH = 50  # videos whose cues are in memory at once


def documents_of(video_ids: Iterable[UUID], *, version: int) -> list[SearchDocument]:
    """The documents of those that exist, in no particular order. Costs six queries, however many they are."""
    videos = list(Video.objects.filter(pk__in=list(video_ids)).prefetch_related("tags"))
    if not videos:
        return []
    tracks = caption_tracks_of(videos)
    cues = _cues_of([track for tracks_of_one in tracks.values() for track in tracks_of_one])
    predictions = TopicPrediction.objects.filter(video__in=videos).select_related("topic")
    prediction_of = {prediction.video_id: prediction for prediction in predictions}
    documents = [_document(video, tracks[video.pk], cues, prediction_of.get(video.pk), version) for video in videos]
    chosen = space()
    return documents if chosen is None else with_vectors(documents, chosen)


def all_documents(*, version: int) -> Iterator[SearchDocument]:
    """The documents of all videos, a batch of them in memory at a time."""
    remaining = iter(list(Video.objects.order_by("created_at", "pk").values_list("pk", flat=True)))
    while batch := list(islice(remaining, BATCH)):
        yield from documents_of(batch, version=version)


def _cues_of(tracks: Sequence[Transcript]) -> dict[UUID, list[TimedText]]:
    """By transcript, in order of time. The words of cues, which are most of their bytes, are not read."""
    cues: dict[UUID, list[TimedText]] = {track.pk: [] for track in tracks}
    rows = Cue.objects.filter(transcript__in=list(cues)).order_by("transcript", "position")
    for transcript_id, start_ms, end_ms, text in rows.values_list("transcript_id", "start_ms", "end_ms", "text"):
        cues[transcript_id].append((start_ms, end_ms, text))
    return cues


def _document(
    video: Video,
    tracks: Sequence[Transcript],
    cues: dict[UUID, list[TimedText]],
    prediction: TopicPrediction | None,
    version: int,
) -> SearchDocument:
    topic = prediction.topic if prediction is not None else None
    captioned = [track for track in tracks if cues[track.pk]]
    moments: tuple[Moment, ...] = ()
    for track in captioned:
        moments += moments_from_cues(cues[track.pk], track.language)
    return SearchDocument(
        video_id=video.pk,
        owner_id=video.owner_id,
        is_listed=video.is_listed,
        title=video.title,
        description=video.description,
        tags=tuple(sorted(tag.name for tag in video.tags.all())),
        topic_label=topic.label if topic else "",
        topic_name=topic.name if topic else "",
        languages=tuple(dict.fromkeys([video.language, *(track.language for track in captioned)])),
        duration_ms=video.duration_ms,
        created_at=video.created_at,
        has_captions=bool(captioned),
        transcript=" ".join(text for track in captioned for _, _, text in cues[track.pk]),
        moments=moments,
        version=version,
    )
