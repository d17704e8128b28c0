"""One owner's videos in every state, with words that tell them, and how they are asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.classification.models import Topic, TopicPrediction
from apps.pipeline import runs
from apps.pipeline.models import StageRun
from apps.transcription.models import Cue, Transcript
from apps.videos.files import folder
from apps.videos.models import ModerationState, Notice, Report, Tag, Video, Visibility
from tests.avsync.reports import make_report
from tests.factories import make_video
from tests.visibility.rules import (
    SIGN_IN,
    Address,
    Answer,
    State,
)

WORD = "quagga"  # in every title
SAID = "okapi"  # in every caption
TAG = "stripes"
OBJECT_ID_ADDRESSES = {
    "admin:videos_video_change",
    "admin:videos_video_delete",
}  # by Django's admin, which calls the video so


@dataclass(frozen=True)
class Portal:
    """One owner's videos in every state, with all their files and captions."""

    videos: dict[State, Video]
    clients: dict[str, Client]


def make_in(owner: User, state: State) -> Video:
    visibility, moderation = state
    video = make_video(
        owner,
        title=f"{WORD} {visibility} {moderation}",
        visibility=Visibility(visibility),
        moderation_state=ModerationState(moderation),
        web_name="web.mp4",
        poster_name="poster.jpg",
        preview_name="preview.mp4",
        storyboard_name="storyboard.vtt",
    )
    video.tags.add(Tag.objects.get_or_create(name=TAG)[0])
    runs.start(video)
    StageRun.objects.filter(video=video).update(state=StageRun.State.DONE, progress=1.0)
    TopicPrediction.objects.create(
        video=video, topic=Topic.objects.get(label="sport"), probability=0.9, classifier="test", outcome="asked"
    )
    make_report(video)
    transcript = Transcript.objects.create(video=video, language="en", source="auto", completed_at=timezone.now())
    Cue.objects.create(transcript=transcript, position=0, start_ms=0, end_ms=900, text=f"An {SAID}, {state}.")
    Notice.objects.create(user=owner, video=video, kind=Notice.Kind.READY, text=f"“{video.title}” is ready.")
    Report.objects.create(video=video, reason=Report.Reason.OTHER)
    place = folder(video.pk)
    place.mkdir(parents=True)
    for name in ("original.mp4", "web.mp4", "poster.jpg", "preview.mp4", "storyboard.vtt", "storyboard-0.jpg"):
        (place / name).write_bytes(b"some bytes")
    (place / "notes.txt").write_bytes(b"of nobody's business")
    (place / "partial-web.mp4").write_bytes(b"half")
    return video


def ask(client: Client, address: Address, video: Video) -> tuple[Answer, bytes]:
    """What the address answers; whatever it changed is undone."""
    arguments: dict[str, Any] = dict(address.arguments)
    arguments["object_id" if address.name in OBJECT_ID_ADDRESSES else "video_id"] = str(video.pk)
    if address.name == "admin:videos_video_resolve":
        arguments["report_id"] = str(video.reports.get().pk)
    path = reverse(address.name, kwargs=arguments) + (f"?{urlencode(address.query)}" if address.query else "")
    call = getattr(client, address.method)
    sent: dict[str, Any] = {}
    if address.body is not None:
        sent = {"data": json.dumps(address.body), "content_type": "application/json"}
    elif address.raw is not None:
        sent = {"data": address.raw, "content_type": "text/vtt"}
    elif address.form is not None:
        files = {
            key: SimpleUploadedFile("a.vtt", value) for key, value in address.form.items() if isinstance(value, bytes)
        }
        sent = {"data": {**address.form, **files}}
    with transaction.atomic():
        response = call(path, headers=address.headers, **sent)
        content: bytes = response.getvalue()
        transaction.set_rollback(True)
    return answer_of(response), content


def answer_of(response: HttpResponseBase) -> Answer:
    if response.status_code == 302 and any(word in response["Location"] for word in ("/sign-in/", "/login/")):
        return SIGN_IN
    return response.status_code
