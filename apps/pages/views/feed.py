"""RSS feeds of a query and of a topic: what is new among what everybody may find."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.syndication.views import Feed
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.feedgenerator import Rss201rev2Feed
from django.utils.html import escape
from django.views.decorators.http import conditional_page, require_safe

from apps.classification.models import Topic
from apps.pages.found import ShownHit, shown_hits
from apps.search.backends.base import SearchUnavailableError
from apps.search.queries import SearchQuery, Sort, query_from, query_string, search_videos

log = logging.getLogger(__name__)

ITEMS = 30
MAX_AGE_S = 300  # as long as shared caches keep the files of a public video
RETRY_AFTER_S = 60
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class _Rss(Rss201rev2Feed):
    """RSS that stays the same, byte for byte, while what is found does: readers ask whether it has changed."""

    def latest_post_date(self) -> datetime:
        """Of an empty feed the beginning of the day, where Django takes this very second."""
        if self.items:
            return super().latest_post_date()
        return timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)


class _SearchFeed(Feed[ShownHit, SearchQuery]):
    """Made anew for each request, whose address its items need."""

    feed_type = _Rss
    item_guid_is_permalink = False

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> SearchQuery:
        self.base_url = request.build_absolute_uri("/").removesuffix("/")
        # Whatever order was asked for, a feed is its newest items.
        return replace(self.query(request, *args, **kwargs), sort=Sort.NEWEST, page=1, page_size=ITEMS)

    def query(self, request: HttpRequest) -> SearchQuery:
        return query_from(request.GET)

    def title(self, query: SearchQuery) -> str:
        return _xml(f"{query.text} · {settings.SITE_NAME}" if query.text else settings.SITE_NAME)

    def link(self, query: SearchQuery) -> str:
        return _address("pages:search", query)

    def feed_url(self, query: SearchQuery) -> str:
        return _address("pages:search-feed", query)

    def description(self, query: SearchQuery) -> str:
        return _xml(f"The newest videos in which “{query.text}” is found" if query.text else "The newest videos")

    def items(self, query: SearchQuery) -> list[ShownHit]:
        # Asked as nobody in particular, whoever asks: readers and caches hand a feed on.
        found = search_videos(AnonymousUser(), query)
        # A page says that it shows something else than was asked for; an item in a reader could not.
        return [] if found.is_relaxed else shown_hits(found.hits, query.text)

    def item_title(self, item: ShownHit) -> str:
        return escape(_xml(item.hit.video.title))  # readers take it for HTML

    def item_description(self, item: ShownHit) -> str:
        return _xml(render_to_string("search/_feed_item.html", {"item": item, "base_url": self.base_url}))

    def item_link(self, item: ShownHit) -> str:
        """The second at which it is said best, else the beginning."""
        return item.moments[0].url if item.moments else reverse("pages:watch", args=[item.hit.video.pk])

    def item_guid(self, item: ShownHit) -> str:
        """Of the video: a reader shows it once, also when later captions move the best second."""
        return f"urn:uuid:{item.hit.video.pk}"

    def item_pubdate(self, item: ShownHit) -> datetime:
        return item.hit.video.created_at

    def item_updateddate(self, item: ShownHit) -> datetime:
        return item.hit.video.updated_at

    def item_author_name(self, item: ShownHit) -> str:
        return _xml(item.hit.video.owner.get_username())

    def item_categories(self, item: ShownHit) -> tuple[str, ...]:
        return (item.topic.name,) if item.topic else ()


class _TopicFeed(_SearchFeed):
    """Of the videos filed under the topic in the path. What else the address asks for makes no other feed of it."""

    def query(self, request: HttpRequest, label: str = "") -> SearchQuery:  # noqa: ARG002
        self.topic = get_object_or_404(Topic, label=label)
        return replace(query_from({}), topic=label)

    def title(self, query: SearchQuery) -> str:  # noqa: ARG002
        return _xml(f"{self.topic.name} - {settings.SITE_NAME}")

    def link(self, query: SearchQuery) -> str:
        return reverse("pages:topic", args=[query.topic])

    def feed_url(self, query: SearchQuery) -> str:
        return reverse("pages:topic-feed", args=[query.topic])

    def description(self, query: SearchQuery) -> str:  # noqa: ARG002
        return _xml(f"The newest videos about {self.topic.name}")


@conditional_page
@require_safe
def search_feed(request: HttpRequest) -> HttpResponse:
    """The newest videos that the query in the address finds, as RSS."""
    return _answer(_SearchFeed(), request)


@conditional_page
@require_safe
def topic_feed(request: HttpRequest, label: str) -> HttpResponse:
    """The newest videos that are filed under a topic, as RSS. 404 for one that there is not."""
    return _answer(_TopicFeed(), request, label=label)


def _answer(feed: _SearchFeed, request: HttpRequest, **path: str) -> HttpResponse:
    """503 where the index cannot be asked."""
    try:
        response = feed(request, **path)
    except SearchUnavailableError:
        log.exception("the search index cannot be asked")
        text = "Search is away for a moment. Please ask again in a minute.\n"
        return HttpResponse(text, status=503, content_type="text/plain", headers={"Retry-After": str(RETRY_AFTER_S)})
    patch_cache_control(response, public=True, max_age=MAX_AGE_S)
    return response


def _address(name: str, query: SearchQuery) -> str:
    parameters = query_string(query, sort=Sort.RELEVANCE)  # it is left out
    return f"{reverse(name)}?{parameters}" if parameters else reverse(name)


def _xml(text: str) -> str:
    """Without the characters that no XML document may hold."""
    return _NOT_XML.sub(" ", text)
