"""Videos as pages meet them: rows only, since no page opens a file."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.pipeline.models import StageRun
from apps.transcription.models import Cue, Transcript
from apps.videos.models import ModerationState, Video

MakeVideo = Callable[..., Video]


@pytest.fixture
def make_video(owner: User) -> MakeVideo:
    """Makes a published, playable video of two minutes; keyword arguments change it."""
    made = 0

    def make(**changes: Any) -> Video:
        nonlocal made
        made += 1
        values: dict[str, Any] = {
            "title": f"A talk on gardens {made}",
            "owner": owner,
            "moderation_state": ModerationState.PUBLISHED,
            "checked_at": timezone.now(),
            "original_name": "talk.mp4",
            "extension": "mp4",
            "sha256": f"{made:064}",
            "size_bytes": 1_000_000,
            "duration_ms": 120_000,
            "width": 640,
            "height": 360,
            "container": "mp4",
            "video_codec": "h264",
            "audio_codec": "aac",
            "web_name": "web.mp4",
        }
        return Video.objects.create(**{**values, **changes})

    return make


@pytest.fixture
def video(make_video: MakeVideo) -> Video:
    return make_video()


def add_transcript(video: Video, *, cues: int = 2, complete: bool = True, language: str = "en") -> Transcript:
    """Cues of two seconds, one after another, with two words each, of which the second is doubtful."""
    transcript = Transcript.objects.create(
        video=video,
        language=language,
        source=Transcript.Source.AUTO,
        recogniser="embedded",
        cursor_ms=cues * 2_000,
        completed_at=timezone.now() if complete else None,
    )
    Cue.objects.bulk_create(
        Cue(
            transcript=transcript,
            position=position,
            start_ms=position * 2_000,
            end_ms=position * 2_000 + 1_900,
            text=f"roses\nnumber{position}",
            words=[
                {
                    "text": "roses",
                    "start_ms": position * 2_000,
                    "end_ms": position * 2_000 + 800,
                    "confidence": 0.95,
                },
                {
                    "text": f"number{position}",
                    "start_ms": position * 2_000 + 850,
                    "end_ms": position * 2_000 + 1_900,
                    "confidence": 0.2,
                },
            ],
        )
        for position in range(cues)
    )
    return transcript


def add_run(video: Video, stage: str, state: str, **values: Any) -> StageRun:
    return StageRun.objects.create(video=video, stage=stage, state=state, **values)


def watch(client: Client, video: Video, query: str = "") -> str:
    """The page of the video, as HTML."""
    response = client.get(f"/watch/{video.pk}/{query}")
    assert response.status_code == 200
    return response.content.decode()
