"""Search: videos with their best moments, filters, and suggestions while one types."""

from __future__ import annotations

import logging
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.classification.models import Topic
from apps.classification.topics import topics_with_counts
from apps.pages.found import shown_hits
from apps.pages.search_filters import filters_of, ways_out, without_filters
from apps.search.backends.base import FacetValue, SearchUnavailableError
from apps.search.queries import SearchPage, Sort, query_from, query_string, search_videos, suggest
from apps.videos.languages import LANGUAGE_NAMES
from apps.videos.models import Video

log = logging.getLogger(__name__)

SORT_LABELS = {
    Sort.RELEVANCE: "Best match",
    Sort.NEWEST: "Newest first",
    Sort.OLDEST: "Oldest first",
    Sort.LONGEST: "Longest first",
    Sort.SHORTEST: "Shortest first",
}


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """The whole query stands in the address, so that it can be shared. 503 where the index cannot be asked."""
    query = query_from(request.GET)
    context: dict[str, Any] = {"query": query, "search_text": query.text, "sorts": SORT_LABELS.items()}
    try:
        results = search_videos(request.user, query)
        context |= _shown(results)
        if not results.hits:
            context["ways_out"] = ways_out(request.user, query, context["filters"])
            context["all_topics"] = topics_with_counts(Video.objects.listed_for(request.user))
    except SearchUnavailableError:
        log.exception("the search index cannot be asked")
        return render(request, "search/search.html", {**context, "is_unavailable": True}, status=503)
    return render(request, "search/search.html", context)


def _shown(results: SearchPage) -> dict[str, Any]:
    query = results.query
    topics = _choices(results.topics, query.topic, _topic_name(query.topic))
    return {
        "results": results,
        "hits": shown_hits(results.hits, results.did_you_mean or query.text),
        "topics": topics,
        "languages": _choices(results.languages, query.language, LANGUAGE_NAMES.get(query.language, query.language)),
        "min_minutes": _minutes(query.min_duration_ms),
        "max_minutes": _minutes(query.max_duration_ms),
        "filters": filters_of(query, topics),
        "without_filters": without_filters(query),
        "next_link": query_string(query, page=results.next_page) if results.next_page else "",
        "previous_link": query_string(query, page=results.previous_page) if results.previous_page else "",
        "meant_link": query_string(query, text=results.did_you_mean) if results.did_you_mean else "",
        "canonical": query_string(query),
        "feed": query_string(query, sort=Sort.RELEVANCE),  # it has an order of its own
    }


def _topic_name(label: str) -> str:
    return Topic.objects.filter(label=label).values_list("name", flat=True).first() or label if label else ""


def _choices(facet: tuple[FacetValue, ...], chosen: str, label: str) -> list[FacetValue]:
    """The facet's values; the chosen one is among them also when it finds nothing, so that it can be taken back."""
    values = list(facet)
    if chosen and all(value.value != chosen for value in values):
        values.append(FacetValue(chosen, label, 0))
    return values


def _minutes(duration_ms: int | None) -> str:
    return "" if duration_ms is None else f"{duration_ms / 60_000:.15g}"


@require_safe
def suggestions(request: HttpRequest) -> HttpResponse:
    """Options for the search box's list. Suggestions are a help only: where there are none, the list is empty."""
    prefix = request.GET.get("q", "").strip()
    try:
        texts = suggest(request.user, prefix) if prefix else []
    except SearchUnavailableError as error:
        log.warning("no suggestions: %s", error)
        texts = []
    return render(request, "search/_suggestions.html", {"texts": texts})
