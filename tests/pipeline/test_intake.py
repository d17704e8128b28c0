"""What people change about a video, and which of its stages that sets off."""

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.pipeline import intake, runs
from apps.pipeline.models import StageRun
from apps.pipeline.stages import STAGES
from apps.videos.models import Notice, Video
from apps.videos.uploads import VideoDetails
from tests.factories import make_video

State = StageRun.State
CAPTIONS = b"WEBVTT\n\n00:01.000 --> 00:02.000\nThe striker scored in the last minute.\n"
pytestmark = pytest.mark.django_db


@pytest.fixture
def video(owner: User) -> Video:
    """All of its stages are done, and its owner knows."""
    video = make_video(owner, title="A talk", description="On cables.")
    runs.start(video)
    for stage in STAGES:
        if not stage.is_on_request:
            finish(video, stage.name)
    assert Notice.objects.filter(kind=Notice.Kind.READY).count() == 1
    return video


def finish(video: Video, stage: str) -> None:
    run = StageRun.objects.claim(video.id, stage, worker="w", now=timezone.now())
    assert run is not None
    assert runs.end(run, State.DONE)


def at_work(video: Video) -> set[str]:
    return set(StageRun.objects.filter(video=video).unended().values_list("stage", flat=True))


def edit(video: Video, **changes: str) -> None:
    details = {"title": video.title, "description": video.description, "language": video.language} | changes
    intake.edit_video(video, revision=video.revision, editor=video.owner, details=VideoDetails(**details))


def test_another_title_finds_the_topic_anew_and_is_no_news_to_the_owner(video: Video) -> None:
    edit(video, title="The final of the cup")
    assert at_work(video) == {"classify", "embed"}
    finish(video, "classify")
    finish(video, "embed")
    assert Notice.objects.filter(kind=Notice.Kind.READY).count() == 1


def test_another_language_writes_the_captions_anew_and_tells_the_owner_when_they_are_there(video: Video) -> None:
    edit(video, language="ro")
    assert at_work(video) == {"transcribe", "classify", "embed"}
    finish(video, "transcribe")
    finish(video, "classify")
    finish(video, "embed")
    newest = Notice.objects.filter(kind=Notice.Kind.READY).latest("created_at")
    assert newest.created_at >= StageRun.objects.get(video=video, stage="transcribe").ended_at


def test_other_tags_and_visibility_set_off_nothing(video: Video) -> None:
    edit(video, visibility="private")
    assert at_work(video) == set()


def test_uploaded_captions_find_the_topic_anew_and_so_does_their_removal(video: Video) -> None:
    intake.store_captions(video, language="en", data=CAPTIONS, name="talk.vtt", by=video.owner)
    assert at_work(video) == {"classify", "embed"}
    finish(video, "classify")
    finish(video, "embed")
    assert intake.remove_captions(video, "en", by=video.owner)
    assert at_work(video) == {"classify", "embed"}
    finish(video, "classify")
    finish(video, "embed")
    assert not intake.remove_captions(video, "en", by=video.owner)
    assert at_work(video) == set()


def test_a_deleted_transcript_finds_the_topic_anew(video: Video) -> None:
    transcript = intake.store_captions(video, language="en", data=CAPTIONS, name="talk.vtt", by=video.owner)
    finish(video, "classify")
    finish(video, "embed")
    intake.delete_transcript(transcript, by=video.owner)
    assert at_work(video) == {"classify", "embed"}
