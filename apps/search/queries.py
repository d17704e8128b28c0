"""What pages and API ask: search, suggestions, and queries in addresses. The one place that decides who finds what.

The index filters by visibility, so that totals and facets are right; what it says is checked against the rows again,
so that one that lags behind leaks nothing.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import MAXYEAR, MINYEAR, date
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from apps.accounts.models import User
from apps.search import outbox
from apps.search.backends.base import FacetValue, Hit, MomentHit, SearchQuery, Sort, Viewer
from apps.search.backends.terms import MAX_CHARACTERS, clean
from apps.search.factory import backend
from apps.search.meaning import meaning_of, meaning_of_video
from apps.search.models import OutboxEntry
from apps.videos.languages import LANGUAGE_NAMES
from apps.videos.models import Video

__all__ = [
    "MAX_PAGE",
    "FoundVideo",
    "SearchPage",
    "SearchQuery",
    "Sort",
    "query_from",
    "query_string",
    "search_videos",
    "similar_videos",
    "suggest",
]

MAX_PAGE = 1_000
SUGGESTIONS = 8
SIMILAR = 6
_MAX_MINUTES = 60 * 24 * 365
_MAX_VALUE_CHARACTERS = 50  # of a topic's label or a language
# Stale videos that a search takes into account one by one; beyond, the index is being filled anew.
_MAX_STALE = 10_000
_MARKS = re.compile("</?mark>")


@dataclass(frozen=True)
class FoundVideo:
    """A video that the user may find, with where it matches. The `_html` texts are safe to show as they are."""

    video: Video
    score: float
    title_html: str
    snippet_html: str
    moments: tuple[MomentHit, ...]
    by_meaning: bool = False  # it has not the words, but something in it means what was asked for


@dataclass(frozen=True)
class SearchPage:
    """One page of what a user finds."""

    query: SearchQuery
    total: int  # videos on all pages
    hits: tuple[FoundVideo, ...]
    topics: tuple[FacetValue, ...]
    languages: tuple[FacetValue, ...]
    is_relaxed: bool  # no video has all the words; these have some, or those of `did_you_mean`
    did_you_mean: str  # the text with the nearest known words for those that are nowhere; empty: nothing better
    is_catching_up: bool  # the newest changes are not in the index yet
    by_meaning: int = 0  # of `total`: videos without the words, which mean it

    @property
    def facets(self) -> dict[str, tuple[FacetValue, ...]]:
        return {"topic": self.topics, "language": self.languages}

    @property
    def page_count(self) -> int:
        return max(1, -(-self.total // self.query.page_size))

    @property
    def next_page(self) -> int | None:
        return self.query.page + 1 if self.query.page < min(self.page_count, MAX_PAGE) else None

    @property
    def previous_page(self) -> int | None:
        return self.query.page - 1 if self.query.page > 1 else None


def search_videos(user: User | AnonymousUser, query: SearchQuery) -> SearchPage:
    """What `user` finds: their own videos, and those published and public. A page past the last is the last one.

    Videos that mean what was asked for, in other words, are among them: see `SearchBackend.search`.
    Raises `SearchUnavailableError`. Costs four queries of the database and one of the index.
    """
    viewer = _viewer(user)
    meaning = meaning_of(query.text) if query.sort == Sort.RELEVANCE else None
    results = backend().search(query, viewer, meaning)
    if not results.hits and results.total and query.page > 1:
        query = replace(query, page=-(-results.total // query.page_size))
        results = backend().search(query, viewer, meaning)
    videos = _findable(user, [hit.video_id for hit in results.hits])
    lost = [hit for hit in results.hits if hit.video_id not in videos]
    return SearchPage(
        query=query,
        total=results.total - len(lost),
        hits=tuple(_found(hit, videos[hit.video_id]) for hit in results.hits if hit.video_id in videos),
        topics=_less(results.topics, [hit.topic_label for hit in lost]),
        languages=_named(_less(results.languages, [language for hit in lost for language in hit.languages])),
        is_relaxed=results.is_relaxed,
        did_you_mean=results.did_you_mean,
        is_catching_up=outbox.is_catching_up(),
        by_meaning=results.by_meaning - sum(hit.by_meaning for hit in lost),
    )


def similar_videos(user: User | AnonymousUser, video: Video, limit: int = SIMILAR) -> list[Video]:
    """Videos that `user` may find which are about what `video` is about, the nearest first; none of them is `video`.

    Whoever calls has made sure that `user` may open `video`. Raises `SearchUnavailableError`. Costs three queries.
    """
    meaning = meaning_of_video(video)
    if meaning is None:
        return []
    near = backend().nearest(meaning, _viewer(user), limit=limit, without=frozenset({video.pk}))
    findable = _findable(user, [one.video_id for one in near])
    return [findable[one.video_id] for one in near if one.video_id in findable]


def suggest(user: User | AnonymousUser, prefix: str, limit: int = SUGGESTIONS) -> list[str]:  # noqa: ARG001
    """Ways to go on with `prefix`, drawn from public, published videos alone, whoever `user` is.

    Raises `SearchUnavailableError`.
    """
    anybody = AnonymousUser()
    found = backend().suggest(prefix[:MAX_CHARACTERS], limit=limit, hidden=_hidden_from(anybody))
    titles = _findable(anybody, [one.video_id for one in found if one.video_id is not None])
    texts = [
        one.text if one.video_id is None else titles[one.video_id].title
        for one in found
        if one.video_id is None or one.video_id in titles
    ]
    return list(dict.fromkeys(texts))


# --- queries in addresses ---


def query_from(params: Mapping[str, str]) -> SearchQuery:
    """The query in the parameters of an address: q, topic, language, min_minutes, max_minutes, from, to (ISO dates,
    whole days in the portal's time zone), captions (1 or 0), sort, page.

    Never raises: what makes no sense is left out.
    """
    sort = params.get("sort", "")
    captions = params.get("captions", "")
    return SearchQuery(
        text=clean(params.get("q", "")[: 4 * MAX_CHARACTERS])[:MAX_CHARACTERS],
        topic=_value(params, "topic"),
        language=_value(params, "language"),
        min_duration_ms=_minutes(params.get("min_minutes", "")),
        max_duration_ms=_minutes(params.get("max_minutes", "")),
        from_date=_date(params.get("from", "")),
        to_date=_date(params.get("to", "")),
        has_captions={"1": True, "0": False}.get(captions),
        sort=Sort(sort) if sort in set(Sort) else Sort.RELEVANCE,
        page=_page(params.get("page", "")),
        page_size=settings.SEARCH_PAGE_SIZE,
        time_zone=timezone.get_current_timezone(),
    )


def query_string(query: SearchQuery, **changes: object) -> str:
    """The way back: `query_from` reads the same query from it. `changes` are fields of `SearchQuery`.

    A change of anything but the page leads to the first page: `query_string(query, topic="sport")`.
    """
    unknown = set(changes) - {field.name for field in fields(SearchQuery)}
    if unknown:
        raise TypeError(f"A search query has no {', '.join(sorted(unknown))}.")
    if changes and "page" not in changes:
        changes["page"] = 1
    query = replace(query, **changes)  # type: ignore[arg-type]  # its names were checked above
    parameters = {
        "q": query.text,
        "topic": query.topic,
        "language": query.language,
        "min_minutes": _as_minutes(query.min_duration_ms),
        "max_minutes": _as_minutes(query.max_duration_ms),
        "from": query.from_date.isoformat() if query.from_date else "",
        "to": query.to_date.isoformat() if query.to_date else "",
        "captions": "" if query.has_captions is None else str(int(query.has_captions)),
        "sort": "" if query.sort == Sort.RELEVANCE else query.sort.value,
        "page": "" if query.page == 1 else str(query.page),
    }
    return urlencode({name: value for name, value in parameters.items() if value})


def _value(params: Mapping[str, str], name: str) -> str:
    return clean(params.get(name, "")[:_MAX_VALUE_CHARACTERS])


def _minutes(text: str) -> int | None:
    """Milliseconds."""
    try:
        minutes = float(text[:20])
    except ValueError:
        return None
    return round(minutes * 60_000) if 0 <= minutes <= _MAX_MINUTES else None


def _as_minutes(duration_ms: int | None) -> str:
    return "" if duration_ms is None else f"{duration_ms / 60_000:.15g}"


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text[:20])
    except ValueError:
        return None
    # The first and the last day of the calendar are no times in other zones.
    return found if MINYEAR < found.year < MAXYEAR else None


def _page(text: str) -> int:
    return min(max(int(text), 1), MAX_PAGE) if text.isascii() and text.isdecimal() and len(text) < 20 else 1


# --- checks against the rows ---


def _viewer(user: User | AnonymousUser) -> Viewer:
    return Viewer(user.pk if isinstance(user, User) else None, _hidden_from(user))


def _findable(user: User | AnonymousUser, video_ids: Iterable[UUID]) -> dict[UUID, Video]:
    found = Video.objects.listed_for(user).filter(pk__in=list(video_ids))
    return {video.pk: video for video in found.select_related("owner", "topic_prediction__topic")}


def _hidden_from(user: User | AnonymousUser) -> frozenset[UUID]:
    """Of the videos whose documents are stale those that `user` may not find, whatever the index still says."""
    stale = set(OutboxEntry.objects.values_list("video_id", flat=True).distinct()[:_MAX_STALE])
    if not stale:
        return frozenset()
    listed = Video.objects.listed_for(user).filter(pk__in=OutboxEntry.objects.values("video_id"))
    return frozenset(stale - set(listed.values_list("pk", flat=True)))


def _found(hit: Hit, video: Video) -> FoundVideo:
    title_html = hit.title_html
    if _MARKS.sub("", title_html) != html.escape(clean(video.title)):
        title_html = html.escape(video.title)  # it was changed since: what it said may be meant to be forgotten
    return FoundVideo(video, hit.score, title_html, hit.snippet_html, hit.moments, hit.by_meaning)


def _less(facet: tuple[FacetValue, ...], lost: list[str]) -> tuple[FacetValue, ...]:
    less = (replace(value, count=value.count - lost.count(value.value)) for value in facet)
    return tuple(value for value in less if value.count > 0)


def _named(languages: tuple[FacetValue, ...]) -> tuple[FacetValue, ...]:
    return tuple(replace(one, label=LANGUAGE_NAMES.get(one.value, one.value)) for one in languages)
