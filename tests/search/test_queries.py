"""Who finds what, also while the index lags behind; queries in addresses."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import QueryDict
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.classification.models import Topic, TopicPrediction
from apps.search import outbox
from apps.search.models import OutboxEntry
from apps.search.queries import MAX_PAGE, SearchQuery, Sort, query_from, query_string, search_videos, suggest
from apps.videos.models import ModerationState, Video, Visibility
from tests.factories import make_video
from tests.transcription.rows import make_transcript

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("engine")]

ANYBODY = AnonymousUser()

HIDDEN: list[dict[str, Any]] = [
    {"visibility": Visibility.PRIVATE},
    {"visibility": Visibility.UNLISTED},
    {"moderation_state": ModerationState.PENDING},
    {"moderation_state": ModerationState.REJECTED},
]


def found(user: User | AnonymousUser, text: str = "", **filters: Any) -> list[Video]:
    return [hit.video for hit in search_videos(user, SearchQuery(text=text, **filters)).hits]


# --- visibility ---


@pytest.mark.parametrize("state", HIDDEN, ids=lambda state: next(iter(state.values())))
@pytest.mark.parametrize("is_stale", [False, True], ids=["in step", "stale"])
def test_only_its_owner_finds_what_is_not_listed(
    owner: User, stranger: User, moderator: User, state: dict[str, Any], is_stale: bool
) -> None:
    """`stale`: the index was told that the video is public, and has not heard of the change."""
    topic, _ = Topic.objects.update_or_create(label="sport", defaults={"name": "Sport"})
    public, video = make_video(owner, title="xylophone one"), make_video(owner, title="xylophone two")
    TopicPrediction.objects.create(video=video, topic=topic, probability=1, classifier="test")
    make_transcript(video, "auto", "xylophonist")
    outbox.drain()
    Video.objects.filter(pk=video.pk).update(**state)
    outbox.note(video.pk)
    if not is_stale:
        outbox.drain()
    for user in (ANYBODY, stranger, moderator):
        page = search_videos(user, SearchQuery(text="xylophone"))
        assert ([hit.video for hit in page.hits], page.total, page.topics) == ([public], 1, ())
        assert search_videos(user, SearchQuery(text="xylophone", page_size=1, page=2)).total == 1
        assert suggest(user, "xylo") == ["xylophone one", "xylophone"]
    assert set(found(owner, "xylophone")) == {public, video}
    assert search_videos(owner, SearchQuery(text="xylophone")).topics[0].count == 1
    assert suggest(owner, "xylo") == ["xylophone one", "xylophone"]


def test_a_stale_index_leaks_nothing_even_without_a_note(owner: User) -> None:
    topic, _ = Topic.objects.update_or_create(label="sport", defaults={"name": "Sport"})
    videos = [make_video(owner, title=f"secret {number}") for number in range(3)]
    for video in videos:
        TopicPrediction.objects.create(video=video, topic=topic, probability=1, classifier="test")
    outbox.drain()
    Video.objects.filter(pk=videos[0].pk).update(visibility=Visibility.PRIVATE)
    videos[1].delete()
    OutboxEntry.objects.all().delete()
    page = search_videos(ANYBODY, SearchQuery(text="secret"))
    assert ([hit.video for hit in page.hits], page.total) == ([videos[2]], 1)
    assert [(one.value, one.count) for one in page.facets["topic"]] == [("sport", 1)]
    assert [(one.label, one.count) for one in page.facets["language"]] == [("English", 1)]
    assert "secret 0" not in suggest(ANYBODY, "secr")


def test_it_shows_no_title_that_was_changed(owner: User) -> None:
    video = make_video(owner, title="Meeting with Mr X")
    outbox.drain()
    Video.objects.filter(pk=video.pk).update(title="Meeting <with> nobody")
    [hit] = search_videos(ANYBODY, SearchQuery(text="meeting")).hits
    assert hit.title_html == "Meeting &lt;with&gt; nobody"


# --- what is found ---


def test_it_lands_on_the_second_in_which_a_word_was_said(owner: User) -> None:
    video = make_video(owner, title="Tom & Jerry")
    make_transcript(video, "auto", *["nothing much"] * 30, "then the avalanche", "came down")
    outbox.drain()
    [hit] = search_videos(ANYBODY, SearchQuery(text='"avalanche came"')).hits
    assert hit.video == video
    assert hit.title_html == "Tom &amp; Jerry"
    assert [(moment.start_ms, moment.end_ms) for moment in hit.moments] == [(30_000, 32_000)]
    assert "<mark>avalanche came</mark>" in hit.moments[0].html


def test_it_goes_back_to_the_last_page(owner: User) -> None:
    for number in range(5):
        make_video(owner, title=f"word {number}")
    outbox.drain()
    page = search_videos(ANYBODY, SearchQuery(text="word", page=9, page_size=2))
    assert (page.query.page, len(page.hits), page.total, page.page_count) == (3, 1, 5, 3)
    assert (page.previous_page, page.next_page) == (2, None)


def test_it_costs_few_queries(owner: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for number in range(10):
        make_video(owner, title=f"word {number}")
    outbox.drain()
    with django_assert_num_queries(3):
        page = search_videos(ANYBODY, SearchQuery(text="word"))
        assert {hit.video.owner.username for hit in page.hits} == {"owner"}


# --- addresses ---


def read(text: str) -> SearchQuery:
    return query_from(QueryDict(text))


def test_it_reads_a_query_from_an_address() -> None:
    query = read(
        "q=solar+%22total+eclipse%22&topic=tech&language=de&min_minutes=1.5&max_minutes=90"
        "&from=2026-01-02&to=2026-02-03&captions=1&sort=longest&page=3"
    )
    assert query == SearchQuery(
        text='solar "total eclipse"', topic="tech", language="de", min_duration_ms=90_000, max_duration_ms=5_400_000,
        from_date=date(2026, 1, 2), to_date=date(2026, 2, 3), has_captions=True, sort=Sort.LONGEST, page=3,
        time_zone=timezone.get_current_timezone(),
    )  # fmt: skip
    assert read("captions=0").has_captions is False


@pytest.mark.parametrize(
    "nonsense",
    [
        "page=0", "page=-1", "page=one", "page=٣", "page=",
        "sort=best", "from=yesterday", "from=0001-01-01", "to=9999-12-31",
        "min_minutes=-1", "min_minutes=nan", "max_minutes=inf", "max_minutes=1e300", "captions=yes",
        "page=" + "9" * 5_000,
    ],
)  # fmt: skip
def test_it_leaves_out_nonsense(nonsense: str) -> None:
    assert read(f"q=word&{nonsense}") == read("q=word")


def test_it_keeps_pages_within_reason() -> None:
    assert read("page=999999999").page == MAX_PAGE


@given(st.dictionaries(st.sampled_from(["q", "topic", "language", "min_minutes", "from", "sort", "page"]), st.text()))
def test_it_reads_the_same_query_back(params: dict[str, str]) -> None:
    query = query_from(params)
    assert read(query_string(query)) == query


def test_it_writes_addresses_of_other_pages_and_facets() -> None:
    query = SearchQuery(text="a & b", topic="tech", page=4)
    assert query_string(query) == "q=a+%26+b&topic=tech&page=4"
    assert query_string(query, page=5) == "q=a+%26+b&topic=tech&page=5"
    assert query_string(query, topic="") == "q=a+%26+b"
    assert read(query_string(replace(query, sort=Sort.OLDEST))).sort == Sort.OLDEST
    with pytest.raises(TypeError, match="topics"):
        query_string(query, topics="tech")
