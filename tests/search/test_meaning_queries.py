"""Who finds what by its meaning, also while the index lags behind; what happens without a model."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from apps.accounts.models import User
from apps.search import meaning, outbox
from apps.search.embed import embed_video
from apps.search.models import OutboxEntry
from apps.search.queries import SearchQuery, Sort, search_videos, similar_videos
from apps.search.rebuilding import rebuild_index
from apps.videos.models import ModerationState, Video, Visibility
from tests.factories import make_video
from tests.search.tiny_embedder import write_tiny_checkpoint
from tests.transcription.rows import make_transcript

pytestmark = pytest.mark.django_db

ANYBODY = AnonymousUser()
HIDDEN: list[dict[str, Any]] = [
    {"visibility": Visibility.PRIVATE},
    {"visibility": Visibility.UNLISTED},
    {"moderation_state": ModerationState.PENDING},
    {"moderation_state": ModerationState.REJECTED},
]


@pytest.fixture(scope="module")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_checkpoint(tmp_path_factory.mktemp("checkpoint") / "tiny")


@pytest.fixture
def model(settings: Settings, tiny_checkpoint: Path) -> None:
    """Its weights are random: everything is near everything."""
    settings.SEARCH_EMBEDDING_MODEL = str(tiny_checkpoint)
    settings.SEARCH_EMBEDDING_CUTOFF = 0.1


@pytest.fixture
def meaningful(model: None, engine: str) -> str:
    """Each search engine in turn, with a model."""
    return engine


def silent(fraction: float, message: str = "") -> None:
    pass


def make(owner: User, text: str, **changes: Any) -> Video:
    video = make_video(owner, title="goal match", **changes)
    make_transcript(video, "auto", text)
    embed_video(video, silent)
    return video


def by_meaning(user: User | AnonymousUser) -> set[Video]:
    page = search_videos(user, SearchQuery(text="party"))
    assert page.total == page.by_meaning == len(page.hits)
    return {hit.video for hit in page.hits if hit.by_meaning}


@pytest.mark.usefixtures("meaningful")
@pytest.mark.parametrize("state", HIDDEN, ids=lambda state: next(iter(state.values())))
@pytest.mark.parametrize("is_stale", [False, True], ids=["in step", "stale"])
def test_only_its_owner_finds_what_is_not_listed_by_its_meaning(
    owner: User, stranger: User, moderator: User, state: dict[str, Any], is_stale: bool
) -> None:
    """`stale`: the index was told that the video is public, and has not heard of the change."""
    public, video, watched = (make(owner, text) for text in ("bank share", "film song", "vote chip"))
    outbox.drain()
    Video.objects.filter(pk=video.pk).update(**state)
    outbox.note(video.pk)
    if not is_stale:
        outbox.drain()
    for user in (ANYBODY, stranger, moderator):
        assert by_meaning(user) == {public, watched}
        assert similar_videos(user, watched) == [public]
    assert by_meaning(owner) == {public, video, watched}
    assert set(similar_videos(owner, watched)) == {public, video}


@pytest.mark.usefixtures("meaningful")
def test_a_stale_index_leaks_no_meaning_even_without_a_note(owner: User) -> None:
    public, hidden, deleted = (make(owner, text) for text in ("bank share", "film song", "vote chip"))
    outbox.drain()
    Video.objects.filter(pk=hidden.pk).update(visibility=Visibility.PRIVATE)
    deleted.delete()
    OutboxEntry.objects.all().delete()
    assert by_meaning(ANYBODY) == {public}
    assert similar_videos(ANYBODY, public) == []


@pytest.mark.usefixtures("meaningful")
def test_the_index_is_built_anew_without_the_model(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    video = make(owner, "bank share")
    assert meaning.meaning_of("party") is not None
    monkeypatch.setattr("apps.search.embedders.embedder", None)
    rebuild_index()
    [found] = search_videos(ANYBODY, SearchQuery(text="party")).hits
    assert (found.video, found.by_meaning, [one.by_meaning for one in found.moments]) == (video, True, [True])


@pytest.mark.usefixtures("index_path")
def test_without_its_model_it_finds_words_and_says_so_once(
    owner: User, settings: Settings, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    make_video(owner, title="party")
    outbox.drain()
    folder = write_tiny_checkpoint(tmp_path / "broken")
    (folder / "model.safetensors").write_bytes(b"no weights")
    settings.SEARCH_EMBEDDING_MODEL = str(folder)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert search_videos(ANYBODY, SearchQuery(text="party")).total == 1
    assert caplog.text.count("finds words alone: SEARCH_EMBEDDING_MODEL") == 1


@pytest.mark.usefixtures("model", "index_path")
def test_a_query_is_read_once_and_only_where_its_meaning_counts(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Counting:
        def query(self, text: str) -> Any:
            asked.append(text)
            return embedder().query(text)

    embedder = meaning.embedder
    monkeypatch.setattr(meaning, "embedder", Counting)
    for text in ("a film that nobody asked for", "a film  that nobody asked for", ""):
        search_videos(ANYBODY, SearchQuery(text=text))
    search_videos(ANYBODY, SearchQuery(text="another one", sort=Sort.NEWEST))
    assert asked == ["a film that nobody asked for"]


# --- pages and the API ---


@pytest.mark.usefixtures("model", "index_path")
def test_the_watch_page_and_the_api_show_more_like_this(owner: User, client: Client) -> None:
    watched, near, private = make(owner, "bank share"), make(owner, "film song"), make(owner, "vote chip")
    Video.objects.filter(pk=near.pk).update(title="The near one")
    Video.objects.filter(pk=private.pk).update(title="The private one", visibility=Visibility.PRIVATE)
    outbox.drain()
    page = client.get(reverse("pages:watch", args=[watched.pk])).content.decode()
    assert "More like this" in page
    assert "The near one" in page
    assert "The private one" not in page
    answer = client.get(reverse("api:similar", args=[watched.pk])).json()
    assert [one["title"] for one in answer] == ["The near one"]
    client.force_login(owner)
    assert len(client.get(reverse("api:similar", args=[watched.pk])).json()) == 2
    found = client.get(reverse("api:search"), {"q": "party"}).json()
    assert found["by_meaning"] == found["count"] == 3
    assert all(hit["by_meaning"] and hit["moments"][0]["by_meaning"] for hit in found["results"])
    assert "By meaning" in client.get(reverse("pages:search"), {"q": "party"}).content.decode()


@pytest.mark.usefixtures("index_path")
def test_without_vectors_the_watch_page_shows_no_such_section(owner: User, client: Client) -> None:
    video = make_video(owner)
    assert "More like this" not in client.get(reverse("pages:watch", args=[video.pk])).content.decode()
    assert client.get(reverse("api:similar", args=[video.pk])).json() == []
