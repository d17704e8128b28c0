"""What a moderator looks at before deciding about a video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.accounts.models import User
from apps.classification.models import Topic, TopicPrediction
from apps.classification.shipped_head import shipped_head
from apps.classification.topics import Probability, probabilities_of
from apps.pages.administration.access import TEACHES
from apps.pages.sync import SyncPanel, sync_panel
from apps.pages.templatetags.portal import file_url
from apps.pipeline.status import StageView, stage_views
from apps.transcription.models import Transcript
from apps.transcription.tracks import caption_tracks, transcript_text
from apps.videos.files import source_name_in_folder
from apps.videos.models import ModerationEntry, Report, Video

# Twelve hours of talk are half a million characters, which a page need not carry: the transcript has its own.
TRANSCRIPT_CHARACTERS = 60_000
ENTRIES_SHOWN = 50


@dataclass(frozen=True)
class Review:
    """The context of the panel above the admin's form for a video."""

    source_url: str
    poster_url: str  # empty: none yet
    tracks: Sequence[Transcript]
    text: str
    text_is_cut: bool
    prediction: TopicPrediction | None
    probabilities: Sequence[Probability]
    topics: Sequence[Topic]
    teachable: Sequence[Topic]  # those that it may become an example of; empty for who may not teach
    sync: SyncPanel
    stages: Sequence[StageView]
    reports: Sequence[Report]
    entries: Sequence[ModerationEntry]


def review_of(video: Video, moderator: User) -> Review:
    """Thirteen queries at most, whatever the video."""
    text = transcript_text(video)
    topics = list(Topic.objects.all())
    prediction = getattr(video, "topic_prediction", None)
    return Review(
        source_url=file_url(video, video.web_name or source_name_in_folder(video)),
        poster_url=file_url(video, video.poster_name) if video.poster_name else "",
        tracks=caption_tracks(video),
        text=text[:TRANSCRIPT_CHARACTERS],
        text_is_cut=len(text) > TRANSCRIPT_CHARACTERS,
        prediction=prediction,
        probabilities=probabilities_of(prediction, topics),
        topics=topics,
        teachable=_teachable(topics, moderator),
        sync=sync_panel(video),
        stages=stage_views(video, moderator),
        reports=list(video.reports.select_related("reporter", "resolved_by")[:ENTRIES_SHOWN]),
        entries=list(video.moderation_entries.select_related("moderator")[:ENTRIES_SHOWN]),
    )


def _teachable(topics: Sequence[Topic], moderator: User) -> Sequence[Topic]:
    base = shipped_head() if moderator.has_perm(TEACHES) else None
    return [topic for topic in topics if topic.label not in base.labels] if base else []
