"""Topics, search, suggestions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import caller, signed_in, visible_video
from apps.api.parameters import MatchParameters, SearchParameters, SuggestionParameters
from apps.api.schema import LANGUAGE, ErrorSerializer, refusals
from apps.api.serializers.finding import (
    MatchesSerializer,
    SearchResultsSerializer,
    SuggestionsSerializer,
    TopicSerializer,
)
from apps.api.serializers.videos import VideoSerializer, with_related
from apps.classification.following import follow_topic, topics_seen_by, unfollow_topic
from apps.classification.models import Topic
from apps.search.queries import FoundVideo, SearchPage, search_videos, similar_videos, suggest
from apps.transcription.matching import MAX_MATCHES, find_in, marked_html, marks_in, on_one_line
from apps.transcription.tracks import served_transcript
from apps.videos.models import Video
from apps.videos.thumbnails import thumbnail_at


class TopicsView(APIView):
    """The topics that videos are filed under."""

    @extend_schema(
        operation_id="list_topics",
        tags=["finding"],
        summary="List topics",
        description="With the number of videos that the caller may find under each, and whether the caller follows it.",
        responses={200: TopicSerializer(many=True), **refusals(401)},
    )
    def get(self, request: Request) -> Response:
        return Response(TopicSerializer(topics_seen_by(caller(request)), many=True).data)


class FollowTopicView(APIView):
    """The caller's wish to see first what is new about a topic."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="follow_topic",
        tags=["finding"],
        summary="Follow a topic",
        description="The caller's home page then leads with its newest videos. Once or many times is the same.",
        request=None,
        responses={200: TopicSerializer, **refusals(401, 404)},
    )
    def put(self, request: Request, label: str) -> Response:
        user, topic = signed_in(request), _topic(label)
        follow_topic(user, topic)
        return Response(TopicSerializer(topics_seen_by(user).get(pk=topic.pk)).data)

    @extend_schema(
        operation_id="unfollow_topic",
        tags=["finding"],
        summary="Stop following a topic",
        description="Once or many times is the same.",
        responses={204: None, **refusals(401, 404)},
    )
    def delete(self, request: Request, label: str) -> Response:
        unfollow_topic(signed_in(request), _topic(label))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _topic(label: str) -> Topic:
    """Raises NotFound, which names the topics that there are."""
    topic = Topic.objects.filter(label=label).first()
    if topic is None:
        known = ", ".join(Topic.objects.values_list("label", flat=True))
        raise NotFound(f"There is no topic “{label}”. There are: {known}.")
    return topic


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
        "second. All words must be found in a video, or, where none has them all, some (`is_relaxed`). A word that is "
        "nowhere is taken for the nearest that is somewhere (`did_you_mean`). In the order of relevance, and without "
        "quotes in `q`, videos that mean it in other words are found, too (`by_meaning`), fifty at most. No quote, "
        "operator or sign in `q` is "
        "ever an error.",
        parameters=[SearchParameters],
        responses={200: SearchResultsSerializer, **refusals(400, 401, 404), **_UNAVAILABLE},
    )
    def get(self, request: Request) -> Response:
        query = SearchParameters.query_of(request)
        page = search_videos(caller(request), query)
        if page.query.page != query.page:  # the search goes back to its last page
            raise NotFound(f"There is no page {query.page}: the last one is {page.page_count}.")
        return Response(SearchResultsSerializer(_results(request, page), context={"request": request}).data)


class SimilarView(APIView):
    """Videos that are about what this one is about."""

    @extend_schema(
        operation_id="list_similar_videos",
        tags=["finding"],
        summary="More like this",
        description="Of what the caller may find, by the meaning of what is said and written, the nearest first; at "
        "most six. Empty where nothing is near, while the video's meaning is not known yet (its stage `embed`), and on "
        "a portal that does not search by meaning.",
        responses={200: VideoSerializer(many=True), **refusals(401, 404), **_UNAVAILABLE},
    )
    def get(self, request: Request, video_id: UUID) -> Response:
        near = similar_videos(caller(request), visible_video(request, video_id))
        rows = {video.pk: video for video in with_related(Video.objects.filter(pk__in=[one.pk for one in near]))}
        videos = [rows[one.pk] for one in near if one.pk in rows]
        return Response(VideoSerializer(videos, many=True, context={"request": request}).data)


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


class MatchesView(APIView):
    """Words in one video."""

    @extend_schema(
        operation_id="search_in_captions",
        tags=["finding"],
        summary="Search in one video",
        description="Where in a caption track something was said. Works while recognition still runs.",
        parameters=[LANGUAGE, MatchParameters],
        responses={200: MatchesSerializer, **refusals(400, 401, 404)},
    )
    def get(self, request: Request, video_id: UUID, language: str) -> Response:
        video = visible_video(request, video_id)
        wanted = MatchParameters.of(request)["q"]
        transcript = served_transcript(video, language)
        if transcript is None:
            raise NotFound("There are no captions in this language.")
        rows = transcript.cues.order_by("position").values_list("text", "start_ms", "end_ms")
        cues = [(on_one_line(text), start_ms, end_ms) for text, start_ms, end_ms in rows]
        found = find_in([text for text, _, _ in cues], wanted)
        watch = _watch_url(request, video)
        matches = [
            {
                "start_ms": cues[match.first][1],
                "end_ms": cues[match.last][2],
                "html": " ".join(
                    marked_html(cues[number][0], marks_in(number, len(cues[number][0]), [match]))
                    for number in range(match.first, match.last + 1)
                ),
                "url": f"{watch}?t={cues[match.first][1] // 1000}s",
            }
            for match in found
        ]
        body = {
            "count": len(matches),
            "has_more": len(matches) >= MAX_MATCHES,
            "is_complete": transcript.is_complete,
            "matches": matches,
        }
        return Response(MatchesSerializer(body).data)


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
        "did_you_mean": page.did_you_mean,
        "is_catching_up": page.is_catching_up,
        "by_meaning": page.by_meaning,
    }


def _hit(request: Request, hit: FoundVideo, video: Video) -> dict[str, Any]:
    watch = _watch_url(request, video)
    return {
        "video": video,
        "score": hit.score,
        "title_html": hit.title_html,
        "snippet_html": hit.snippet_html,
        "by_meaning": hit.by_meaning,
        "moments": [
            {
                "start_ms": moment.start_ms,
                "end_ms": moment.end_ms,
                "language": moment.language,
                "html": moment.html,
                "by_meaning": moment.by_meaning,
                "url": f"{watch}?t={moment.start_ms // 1000}s",
                "thumbnail": _thumbnail(request, video, moment.start_ms),
            }
            for moment in hit.moments
        ],
    }


def _watch_url(request: Request, video: Video) -> str:
    return request.build_absolute_uri(reverse("pages:watch", args=[video.pk]))


def _thumbnail(request: Request, video: Video, time_ms: int) -> dict[str, Any] | None:
    thumbnail = thumbnail_at(video, time_ms)
    if thumbnail is None:
        return None
    address = reverse("api:file", args=[video.pk, thumbnail.sheet])
    place = {name: getattr(thumbnail, name) for name in ("x", "y", "width", "height")}
    return {"url": request.build_absolute_uri(address), **place}
