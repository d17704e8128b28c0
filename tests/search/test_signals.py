"""Every write that changes a document is noted, in the transaction of the write: one table of all that writes.

A verb added anywhere that changes what is searched belongs in `VERBS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from django.db import connection
from pytest_django import Settings

from apps.accounts.models import User
from apps.classification.classify import classify_video
from apps.classification.models import Topic, TopicPrediction
from apps.classification.topics import confirm_topic
from apps.pipeline.models import SyncRepair
from apps.pipeline.moving_sound import move_sound
from apps.search import outbox
from apps.search.embed import embed_video
from apps.search.gathering import documents_of
from apps.search.models import OutboxEntry
from apps.search.queries import SearchQuery, search_videos
from apps.transcription.models import Transcript
from apps.transcription.moving import move_captions
from apps.transcription.transcribe import transcribe_video
from apps.transcription.uploading import delete_transcript, remove_captions, store_uploaded_captions
from apps.videos import moderation
from apps.videos.checking import check_video
from apps.videos.details import VideoDetails
from apps.videos.editing import delete_video, edit_video
from apps.videos.files import original_path
from apps.videos.incoming import incoming_from_path
from apps.videos.models import ModerationState, Tag, Video, Visibility
from apps.videos.stage import StageSkippedError
from apps.videos.uploads import receive
from tests.conftest import REPOSITORY
from tests.factories import make_video
from tests.search.tiny_embedder import write_tiny_checkpoint
from tests.transcription.rows import make_transcript
from tests.transcription.voice import SyllableRecognizer, babble, silence, write_video

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("index_path")]

CAPTIONS = b"WEBVTT\n\n00:00.000 --> 00:01.000\nperiwinkle blossoms\n"


def drain(fraction: float, message: str = "") -> None:
    """Progress, while the index is kept in step, as a worker does: what a stage writes later must be noted anew."""
    outbox.drain()


class SportClassifier:
    """Takes everything for sport."""

    name = "sport"
    labels = ("sport", "tech")
    languages = None

    def classify(self, texts: list[str]) -> np.ndarray:  # type: ignore[type-arg]
        return np.array([[0.9, 0.1]] * len(texts))


class World:
    """A video with everything that a document is made of, all of it in the index, and nothing noted."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.settings = settings
        self.owner = User.objects.create_user("owner", password="a long pass phrase")
        self.moderator = User.objects.create_user("moderator", password="a long pass phrase", is_staff=True)
        self.sport, _ = Topic.objects.update_or_create(label="sport", defaults={"name": "Sport"})
        self.tech, _ = Topic.objects.update_or_create(label="tech", defaults={"name": "Tech"})
        self.tag = Tag.objects.create(name="marigold")
        description = (
            "This description has words enough for somebody who wonders what the video is about, or so we hope."
        )
        self.video = make_video(self.owner, title="Garden talk", description=description)
        self.video.tags.add(self.tag)
        self.transcript = make_transcript(self.video, "uploaded", "foxglove leaves")
        TopicPrediction.objects.create(video=self.video, topic=self.tech, probability=0.9, classifier="test")
        self.index()

    def index(self) -> None:
        outbox.drain()
        assert not OutboxEntry.objects.exists()

    def write_original(self) -> None:
        self.video.duration_ms = write_video(original_path(self.video), silence(0.5), babble(3), silence(1))
        self.video.save()

    @property
    def details(self) -> VideoDetails:
        return VideoDetails(title="Garden talk", description=self.video.description, tags=("marigold",))


Act = Callable[[World], object]


# --- the verbs; what they need is made, and indexed, before they are called ---


def prepare_nothing(world: World) -> None:
    """The world is enough."""


def prepare_pending(world: World) -> None:
    Video.objects.filter(pk=world.video.pk).update(moderation_state=ModerationState.PENDING)
    world.video.refresh_from_db()
    outbox.note(world.video.pk)


def prepare_unchecked(world: World) -> None:
    world.write_original()
    prepare_pending(world)


def prepare_sound(world: World) -> None:
    world.write_original()
    world.transcript.delete()


def prepare_unfinished(world: World) -> None:
    """What another recogniser began, and the next one throws away; its first words come only after that."""
    prepare_sound(world)
    make_transcript(world.video, "auto", "foxglove leaves", is_complete=False, recogniser="another")


def prepare_new_file(world: World) -> None:
    write_video(world.folder / "hollyhock.mp4", babble(1))


def prepare_embedder(world: World) -> None:
    world.settings.SEARCH_EMBEDDING_MODEL = str(write_tiny_checkpoint(world.folder / "tiny"))


def embed_nothing(world: World) -> None:
    with pytest.raises(StageSkippedError, match="switched off"):
        embed_video(world.video, drain)


def edit(world: World) -> None:
    details = replace(world.details, title="Delphinium talk")
    edit_video(world.video, revision=world.video.revision, editor=world.owner, details=details)


def edit_tags(world: World) -> None:
    details = replace(world.details, tags=("snapdragon",))
    edit_video(world.video, revision=world.video.revision, editor=world.owner, details=details)


def hide(world: World) -> None:
    details = replace(world.details, visibility=Visibility.PRIVATE)
    edit_video(world.video, revision=world.video.revision, editor=world.owner, details=details)


def upload(world: World) -> None:
    file = incoming_from_path(world.folder / "hollyhock.mp4")
    video = receive(file, owner=world.owner, details=VideoDetails(title="Hollyhock"))
    assert video != world.video


def transcribe(world: World) -> None:
    transcribe_video(world.video, drain, recognizer_of=lambda language: SyllableRecognizer())


def transcribe_a_segment(world: World) -> None:
    """Killed after its first segment: what is recognised by then can be found."""

    def is_first_segment_there() -> bool:
        return world.video.transcripts.filter(source=Transcript.Source.AUTO, cues__isnull=False).exists()

    def killed(fraction: float, message: str = "") -> None:
        if is_first_segment_there():
            raise KeyboardInterrupt
        outbox.drain()

    with pytest.raises(KeyboardInterrupt):
        transcribe_video(world.video, killed, recognizer_of=lambda language: SyllableRecognizer())


def classify(world: World) -> None:
    classify_video(world.video, drain, classifier_of=SportClassifier)  # type: ignore[arg-type]


def rename_topic(world: World) -> None:
    world.tech.name = "Zinnias"
    world.tech.save()


def rename_tag(world: World) -> None:
    world.tag.name = "zinnias"
    world.tag.save()


def save_title(world: World) -> None:
    world.video.title = "Delphinium"
    world.video.save()


def prepare_repair(world: World) -> None:
    world.write_original()
    SyncRepair.objects.create(video=world.video, offset_ms=120)


VERBS: dict[str, tuple[Callable[[World], None], Act]] = {
    "videos.uploads receive": (prepare_new_file, upload),
    "videos.editing edit_video": (prepare_nothing, edit),
    "videos.editing edit_video, tags alone": (prepare_nothing, edit_tags),
    "videos.editing edit_video, hidden": (prepare_nothing, hide),
    "transcription.moving move_captions": (prepare_nothing, lambda world: move_captions(world.video, 120)),
    "pipeline.moving_sound move_sound": (prepare_repair, lambda world: move_sound(world.video, drain)),
    "videos.editing delete_video": (prepare_nothing, lambda world: delete_video(world.video, by=world.owner)),
    "videos.checking check_video": (prepare_unchecked, lambda world: check_video(world.video, drain)),
    "videos.moderation publish_after_check": (
        prepare_pending,
        lambda world: moderation.publish_after_check(world.video),
    ),
    "videos.moderation approve": (prepare_pending, lambda world: moderation.approve(world.video, by=world.moderator)),
    "videos.moderation reject": (
        prepare_nothing,
        lambda world: moderation.reject(world.video, by=world.moderator, reason="no"),
    ),
    "transcription.transcribe transcribe_video": (prepare_sound, transcribe),
    "transcription.transcribe transcribe_video, first segment": (prepare_sound, transcribe_a_segment),
    "transcription.transcribe transcribe_video, abandoned": (prepare_unfinished, transcribe),
    "transcription.uploading store_uploaded_captions": (
        prepare_nothing,
        lambda world: store_uploaded_captions(
            world.video, language="en", data=CAPTIONS, name="a.vtt", by=world.video.owner
        ),
    ),
    "transcription.uploading remove_captions": (
        prepare_nothing,
        lambda world: remove_captions(world.video, "en", by=world.video.owner),
    ),
    "transcription.uploading delete_transcript": (
        prepare_nothing,
        lambda world: delete_transcript(world.transcript, by=world.video.owner),
    ),
    "classification.classify classify_video": (prepare_nothing, classify),
    "classification.topics confirm_topic": (
        prepare_nothing,
        lambda world: confirm_topic(world.video, world.sport, by=world.moderator),
    ),
    "classification.topics confirm_topic, unknown": (
        prepare_nothing,
        lambda world: confirm_topic(world.video, None, by=world.moderator),
    ),
    "search.embed embed_video": (prepare_embedder, lambda world: embed_video(world.video, drain)),
    "search.embed embed_video, switched off": (prepare_nothing, embed_nothing),
}

# What the admin does, row by row; it opens a transaction around each request of its own.
ROWS: dict[str, Act] = {
    "topic renamed": rename_topic,
    "topic deleted": lambda world: world.tech.delete(),
    "tag renamed": rename_tag,
    "tag deleted": lambda world: world.tag.delete(),
    "tag taken off": lambda world: world.video.tags.remove(world.tag),
    "tags cleared": lambda world: world.video.tags.clear(),
    "video taken off the tag": lambda world: world.tag.videos.remove(world.video),
    "videos of the tag cleared": lambda world: world.tag.videos.clear(),
    "video saved": save_title,
    "video deleted": lambda world: world.video.delete(),
    "videos deleted in bulk": lambda world: Video.objects.filter(owner=world.owner).delete(),
    "transcript deleted": lambda world: world.transcript.delete(),
    "prediction deleted": lambda world: TopicPrediction.objects.filter(video=world.video).delete(),
    "owner deleted": lambda world: world.owner.delete(),
}


@pytest.fixture
def world(settings: Settings, tmp_path: Path) -> World:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MODERATION_REQUIRED = False
    return World(tmp_path, settings)


def stale_videos() -> set[UUID]:
    return set(OutboxEntry.objects.values_list("video_id", flat=True))


def assert_index_is_in_step() -> None:
    """What the index says of each video is what a document made now would say."""
    from apps.search.backends.base import Viewer
    from apps.search.factory import backend

    rows = {video.pk: video for video in Video.objects.all()}
    assert backend().count() == len(rows)
    for document in documents_of(rows, version=1):
        everything = SearchQuery(page_size=100)
        [hit] = [
            hit
            for hit in backend().search(everything, Viewer(document.owner_id)).hits
            if hit.video_id == document.video_id
        ]
        assert (hit.title_html, hit.topic_label, hit.languages) == (
            document.title, document.topic_label, document.languages,
        )  # fmt: skip
        is_found = any(hit.video_id == document.video_id for hit in backend().search(everything, Viewer()).hits)
        assert is_found == document.is_listed
        texts = (
            *document.tags,
            document.topic_name,
            document.description,
            *(moment.text for moment in document.moments),
        )
        for text in filter(None, texts):
            query = SearchQuery(text=f'"{text}"')
            found = {hit.video_id for hit in backend().search(query, Viewer(document.owner_id)).hits}
            assert document.video_id in found, text


@pytest.mark.parametrize("name", VERBS)
def test_it_notes_what_a_verb_changes_in_its_transaction(
    world: World, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare, act = VERBS[name]
    prepare(world)
    world.index()
    # The test's own transaction is around everything; each `atomic` of a verb is a savepoint in it.
    outside = len(connection.savepoint_ids)
    are_inside: list[bool] = []
    noted: set[UUID] = set()
    note_all = outbox.note_all

    def watched(video_ids: Iterable[UUID]) -> None:
        ids = list(video_ids)
        if ids:
            are_inside.append(len(connection.savepoint_ids) > outside)
        noted.update(ids)
        note_all(ids)

    monkeypatch.setattr(outbox, "note_all", watched)
    before = set(Video.objects.values_list("pk", flat=True))
    act(world)
    after = set(Video.objects.values_list("pk", flat=True))
    assert noted == (before ^ after or before)
    assert are_inside
    assert all(are_inside)
    outbox.drain()
    assert not OutboxEntry.objects.exists()
    assert_index_is_in_step()


@pytest.mark.parametrize("name", ROWS)
def test_it_notes_what_a_change_of_rows_makes_stale(world: World, name: str) -> None:
    video_id = world.video.pk
    ROWS[name](world)
    assert stale_videos() == {video_id}
    outbox.drain()
    assert_index_is_in_step()


def test_the_old_words_are_gone_and_the_new_are_found(world: World) -> None:
    assert search_videos(world.owner, SearchQuery(text="foxglove")).total == 1
    store_uploaded_captions(world.video, language="en", data=CAPTIONS, name="a.vtt", by=world.video.owner)
    outbox.drain()
    assert search_videos(world.owner, SearchQuery(text="foxglove")).total == 0
    assert search_videos(world.owner, SearchQuery(text='"periwinkle blossoms"')).total == 1


def test_it_leaves_alone_what_is_not_in_the_document(world: World) -> None:
    world.video.web_name = "web.mp4"
    world.video.save(update_fields=["web_name", "updated_at"])
    moderation.report(world.video, reporter=world.moderator, reason="other")
    assert stale_videos() == set()


def test_the_table_has_every_module_that_sends_video_changed() -> None:
    sends = re.compile(r"\bvideo_changed\.send\b")
    senders = {
        ".".join(path.relative_to(REPOSITORY / "apps").with_suffix("").parts)
        for path in (REPOSITORY / "apps").rglob("*.py")
        if sends.search(path.read_text())
    }
    assert senders == {name.split(" ")[0] for name in VERBS}


def test_signals_are_received_here_alone() -> None:
    """House rule: `search.signals` is the one place of receivers, but for the files that go with a video's row."""
    connects = re.compile(
        r"\b(post_save|pre_save|post_delete|pre_delete|m2m_changed|video_changed)\.connect\b|@receiver\b"
    )
    receivers = {
        str(path.relative_to(REPOSITORY / "apps"))
        for path in (REPOSITORY / "apps").rglob("*.py")
        if connects.search(path.read_text())
    }
    assert receivers == {"search/signals.py", "videos/apps.py"}
