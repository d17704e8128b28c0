"""Topics, search, suggestions."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import caller
from apps.api.parameters import SearchParameters, SuggestionParameters
from apps.api.schema import ErrorSerializer, refusals
from apps.api.serializers.finding import SearchResultsSerializer, SuggestionsSerializer, TopicSerializer
from apps.api.serializers.videos import with_related
from apps.classification.topics import topics_with_counts
from apps.search.queries import FoundVideo, SearchPage, search_videos, suggest
from apps.videos.models import Video


class TopicsView(APIView):
    """The topics that videos are filed under."""

    @extend_schema(
        operation_id="list_topics",
        tags=["finding"],
        summary="List topics",
        description="With the number of videos that the caller may find under each.",
        responses={200: TopicSerializer(many=True), **refusals(401)},
    )
    def get(self, request: Request) -> Response:
        topics = topics_with_counts(Video.objects.listed_for(caller(request)))
        return Response(TopicSerializer(topics, many=True).data)


_UNAVAILABLE = {
    503: OpenApiResponse(ErrorSerializer, description="The index cannot be asked now: try again in a minute.")
}


class SearchView(APIView):
    """Videos by what is said in them and about them."""

    @extend_schema(
        operation_id="search",
        tags=["finding"],
        summary="Search",
        description="Results are grouped by video; `moments` are the best passages of each, with the address of that "
        "second. All words must be found in a video, or, where none has them all, some (`is_relaxed`). No quote, "
        "operator or sign in `q` is ever an error.",
        parameters=[SearchParameters],
        responses={200: SearchResultsSerializer, **refusals(400, 401, 404), **_UNAVAILABLE},
    )
    def get(self, request: Request) -> Response:
        query = SearchParameters.query_of(request)
        page = search_videos(caller(request), query)
        if page.query.page != query.page:  # the search goes back to its last page
            raise NotFound(f"There is no page {query.page}: the last one is {page.page_count}.")
        return Response(SearchResultsSerializer(_results(request, page), context={"request": request}).data)


class SuggestionsView(APIView):
    """Ways to go on from what was typed."""

    @extend_schema(
        operation_id="suggest",
        tags=["finding"],
        summary="Suggestions while typing",
        description="Drawn from public, published videos only, whoever asks.",
        parameters=[SuggestionParameters],
        responses={200: SuggestionsSerializer, **refusals(400, 401), **_UNAVAILABLE},
    )
    def get(self, request: Request) -> Response:
        prefix = SuggestionParameters.of(request)["q"]
        return Response(SuggestionsSerializer({"suggestions": suggest(caller(request), prefix)}).data)


def _results(request: Request, page: SearchPage) -> dict[str, Any]:
    """The page as `SearchResultsSerializer` takes it. Two queries, for what a video shows beside what was found."""
    found = Video.objects.filter(pk__in=[hit.video.pk for hit in page.hits])
    videos = {video.pk: video for video in with_related(found)}
    return {
        "count": page.total,
        "page": page.query.page,
        "pages": page.page_count,
        "results": [_hit(request, hit, videos[hit.video.pk]) for hit in page.hits if hit.video.pk in videos],
        "facets": page.facets,
        "is_relaxed": page.is_relaxed,
        "is_catching_up": page.is_catching_up,
    }


def _hit(request: Request, hit: FoundVideo, video: Video) -> dict[str, Any]:
    watch = request.build_absolute_uri(reverse("pages:watch", args=[video.pk]))
    return {
        "video": video,
        "score": hit.score,
        "title_html": hit.title_html,
        "snippet_html": hit.snippet_html,
        "moments": [
            {
                "start_ms": moment.start_ms,
                "end_ms": moment.end_ms,
                "language": moment.language,
                "html": moment.html,
                "url": f"{watch}?t={moment.start_ms // 1000}s",
            }
            for moment in hit.moments
        ],
    }
