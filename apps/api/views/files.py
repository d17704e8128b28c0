"""What a video consists of, for callers with a token: the same views that serve the pages, behind the API's sign-in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.api.access import visible_video
from apps.api.schema import refusals
from apps.api.serializers.captions import FORMS
from apps.transcription.tracks import served_transcript
from apps.transcription.views import captions
from apps.videos.languages import LANGUAGE_NAMES
from apps.videos.views import file


class WhateverThereIs(BaseContentNegotiation):
    """A file has one form: `Accept: video/mp4` is no reason to refuse it. Refusals are JSON."""

    def select_parser(self, request: Request, parsers: Any) -> Any:  # noqa: ARG002 - DRF's signature
        return parsers[0]

    def select_renderer(
        self,
        request: Request,  # noqa: ARG002 - DRF's signature
        renderers: Any,
        format_suffix: str | None = None,  # noqa: ARG002
    ) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type


def _as_the_caller(request: Request) -> HttpRequest:
    """Django's request, with the person that DRF found behind the token."""
    plain = request._request
    plain.user = request.user
    return plain


_DOWNLOAD = OpenApiParameter("download", OpenApiTypes.BOOL, description="`1`: with a name to save it under.")


class CaptionsFileView(APIView):
    """The cues of a track, in one form."""

    content_negotiation_class = WhateverThereIs
    throttle_classes = ()  # players ask for it again and again while it grows

    @extend_schema(
        operation_id="read_captions",
        tags=["captions"],
        summary="Read captions",
        description="As far as they exist: while recognition runs there are more each time. The JSON form has the time "
        "and confidence of each word, and `is_complete`.",
        parameters=[
            OpenApiParameter("language", OpenApiTypes.STR, OpenApiParameter.PATH, enum=list(LANGUAGE_NAMES)),
            OpenApiParameter("form", OpenApiTypes.STR, OpenApiParameter.PATH, enum=list(FORMS)),
            OpenApiParameter("after", OpenApiTypes.INT, description="JSON only: the cues after that position."),
            _DOWNLOAD,
        ],
        responses={
            (200, "text/vtt"): OpenApiTypes.STR,
            (200, "application/x-subrip"): OpenApiTypes.STR,
            (200, "text/plain"): OpenApiTypes.STR,
            (200, "application/json"): OpenApiTypes.OBJECT,
            **refusals(400, 401, 404),
        },
    )
    def get(self, request: Request, video_id: UUID, language: str, form: str) -> HttpResponseBase:
        video = visible_video(request, video_id)
        if form not in FORMS:
            raise NotFound(f"There is no such form. There are: {', '.join(FORMS)}.")
        if served_transcript(video, language) is None:
            raise NotFound("There are no captions in this language.")
        after = request.query_params.get("after")
        if after is not None and not (after.removeprefix("-").isdecimal() and len(after) < 20):
            raise ValidationError({"after": ["Write the position of the last cue you have, a whole number."]})
        return captions(_as_the_caller(request), video_id, language, form)


class FileView(APIView):
    """A file of a video."""

    content_negotiation_class = WhateverThereIs
    throttle_classes = ()  # a player asks for a film in many ranges

    @extend_schema(
        operation_id="read_file",
        tags=["videos"],
        summary="Read a file of a video",
        description="Of the names that the video's `files` link to. Answers byte ranges and `If-None-Match`.",
        parameters=[
            OpenApiParameter("name", OpenApiTypes.STR, OpenApiParameter.PATH),
            OpenApiParameter("Range", OpenApiTypes.STR, OpenApiParameter.HEADER, description="`bytes=0-1023`"),
            _DOWNLOAD,
        ],
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            (206, "application/octet-stream"): OpenApiTypes.BINARY,
            304: OpenApiResponse(description="It is what the caller has."),
            416: OpenApiResponse(description="The file has no such range."),
            **refusals(401, 404),
        },
    )
    def get(self, request: Request, video_id: UUID, name: str) -> HttpResponseBase:
        visible_video(request, video_id)
        return file(_as_the_caller(request), video_id, name)
