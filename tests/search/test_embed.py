"""The stage `embed`: from words to vectors, in the database and in documents."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from django.apps import apps
from django.core.management import call_command
from pytest_django import Settings

from apps.accounts.models import User
from apps.classification.bert.encoder import FloatArray
from apps.pipeline import runs
from apps.pipeline.models import StageRun
from apps.pipeline.stages import STAGES
from apps.search.backends.base import SearchDocument
from apps.search.embed import embed_video
from apps.search.embedders import embedder
from apps.search.gathering import documents_of
from apps.search.models import OutboxEntry, PassageVector
from apps.videos.models import Video
from apps.videos.stage import StageSkippedError
from tests.factories import make_video
from tests.search.tiny_embedder import write_tiny_checkpoint
from tests.transcription.rows import make_transcript

pytestmark = pytest.mark.django_db
SPOKEN = [f"goal match number {place} bank share film song vote" for place in range(40)]


class Watched:
    """The tiny embedder, which counts what it is asked, and dies after so many calls."""

    def __init__(self, dies_after: int = 1_000) -> None:
        self.asked: list[str] = []
        self.n_dimensions = 16
        self._lives = dies_after

    def __call__(self) -> "Watched":
        return self

    def passages(self, texts: Sequence[str]) -> FloatArray:
        if self._lives == 0:
            raise KeyboardInterrupt
        self._lives -= 1
        self.asked += texts
        return embedder().passages(texts)

    def query(self, text: str) -> FloatArray:
        raise NotImplementedError


@pytest.fixture(scope="module")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_checkpoint(tmp_path_factory.mktemp("checkpoint") / "tiny")


@pytest.fixture
def video(owner: User, settings: Settings, tiny_checkpoint: Path) -> Video:
    settings.SEARCH_EMBEDDING_MODEL = str(tiny_checkpoint)
    video = make_video(owner, title="Cup final", description="A film of the match.")
    make_transcript(video, "auto", *SPOKEN)
    return video


def silent(fraction: float, message: str = "") -> None:
    assert 0 <= fraction <= 1


def document(video: Video) -> SearchDocument:
    return documents_of([video.pk], version=1)[0]


def test_every_moment_gets_its_vector_and_the_index_is_told(video: Video) -> None:
    assert document(video).vectors is None
    OutboxEntry.objects.all().delete()
    embed_video(video, silent)
    assert OutboxEntry.objects.filter(video_id=video.pk).exists()
    found = document(video)
    assert found.vectors is not None
    assert len(found.vectors.moments) == len(found.moments) > 3
    for moment, vector in zip(found.moments, found.vectors.moments, strict=True):
        np.testing.assert_allclose(np.frombuffer(vector, "<f2"), embedder().passages([moment.text])[0], atol=2e-3)
    about = embedder().passages(["Cup final. A film of the match."])[0]
    np.testing.assert_allclose(np.frombuffer(found.vectors.about, "<f2"), about, atol=2e-3)


def test_only_what_changed_is_read_again(video: Video) -> None:
    embed_video(video, silent)
    again = Watched()
    embed_video(video, silent, embedder_of=again)
    assert again.asked == []
    Video.objects.filter(pk=video.pk).update(title="Another")
    last = video.transcripts.get().cues.order_by("position").last()
    last.text = "party"
    last.save()
    embed_video(video, silent, embedder_of=again)
    assert len(again.asked) == 2
    vectors = document(video).vectors
    assert vectors is not None
    assert all([vectors.about, *vectors.moments])
    assert PassageVector.objects.count() == 1 + len(vectors.moments)


def test_killed_between_batches_it_goes_on_from_there(video: Video, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.search.embed._BATCH", 3)
    with pytest.raises(KeyboardInterrupt):
        embed_video(video, silent, embedder_of=Watched(dies_after=2))
    assert PassageVector.objects.count() == 6
    partly = document(video).vectors
    assert partly is not None
    assert not all(partly.moments)
    rest = Watched()
    told: list[float] = []
    embed_video(video, lambda fraction, message="": told.append(fraction), embedder_of=rest)
    assert len(rest.asked) == len(document(video).moments) + 1 - 6
    assert told == sorted(told)
    assert told[-1] == 1


def test_it_reads_what_its_model_understands_and_no_more(video: Video, settings: Settings) -> None:
    make_transcript(video, "uploaded", "goal match", language="de")
    settings.SEARCH_EMBEDDING_LANGUAGES = ["de"]
    embed_video(video, silent)
    vectors = document(video).vectors
    assert vectors is not None
    assert (vectors.about, [bool(one) for one in vectors.moments].count(True)) == (b"", 1)
    settings.SEARCH_EMBEDDING_LANGUAGES = ["ro"]
    with pytest.raises(StageSkippedError, match="language"):
        embed_video(video, silent)
    assert not PassageVector.objects.exists()


def test_vectors_of_another_model_are_not_used_and_go(video: Video, settings: Settings, tmp_path: Path) -> None:
    embed_video(video, silent)
    before = PassageVector.objects.count()
    other = write_tiny_checkpoint(tmp_path / "other")
    settings.SEARCH_EMBEDDING_MODEL = str(other)
    assert document(video).vectors is None
    embed_video(video, silent)
    assert PassageVector.objects.count() == before
    assert document(video).vectors is not None


def test_switched_off_it_keeps_nothing(video: Video, settings: Settings) -> None:
    embed_video(video, silent)
    settings.SEARCH_EMBEDDING_MODEL = "none"
    with pytest.raises(StageSkippedError, match="switched off"):
        embed_video(video, silent)
    assert not PassageVector.objects.exists()
    assert document(video).vectors is None


def test_videos_of_before_get_the_stage_and_a_new_model_asks_for_it_again(video: Video) -> None:
    unchecked = make_video(video.owner)
    for one in (video, unchecked):
        runs.start(one)
    StageRun.objects.filter(video=video).update(state=StageRun.State.DONE)
    StageRun.objects.filter(stage="embed").delete()
    import_module("apps.pipeline.migrations.0002_embed").add_runs(apps, None)
    by_video = dict(StageRun.objects.filter(stage="embed").values_list("video_id", "state"))
    assert by_video == {video.pk: "queued", unchecked.pk: "waiting"}
    StageRun.objects.filter(stage="embed", video=video).update(state=StageRun.State.DONE)
    call_command("embed_videos")
    assert dict(StageRun.objects.filter(stage="embed").values_list("video_id", "state")) == by_video
    assert {stage.name for stage in STAGES} >= {"embed"}
