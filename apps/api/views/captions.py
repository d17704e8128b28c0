"""Caption tracks of a video."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import editable_video, signed_in, visible_video
from apps.api.parsers import CaptionsFormParser, SubRipParser, WebVttParser
from apps.api.schema import LANGUAGE, refusals
from apps.api.serializers.captions import (
    CaptionsFileSerializer,
    CaptionsRefusedSerializer,
    CaptionTrackSerializer,
    NewCaptionsSerializer,
)
from apps.pipeline.intake import remove_captions, store_captions
from apps.transcription.models import Transcript
from apps.transcription.tracks import caption_tracks, served_transcript
from apps.videos.languages import LANGUAGE_NAMES
from apps.videos.models import Video

_REFUSED = {
    422: OpenApiResponse(
        CaptionsRefusedSerializer,
        description="The file cannot be taken as captions; `problems` names each line and what is wrong with it.",
        examples=[
            OpenApiExample(
                "backward",
                value={
                    "code": "captions_refused",
                    "detail": "Line 6: The caption ends before it starts.",
                    "problems": [{"line": 6, "message": "The caption ends before it starts."}],
                },
                response_only=True,
                status_codes=["422"],
            )
        ],
    )
}


class CaptionTracksView(APIView):
    """The caption tracks of a video."""

    parser_classes = (CaptionsFormParser,)

    @extend_schema(
        operation_id="list_captions",
        tags=["captions"],
        summary="List caption tracks",
        description="One per language: the edited one, else the uploaded, else the automatic, which is there while "
        "recognition still runs.",
        responses={200: CaptionTrackSerializer(many=True), **refusals(401, 404)},
    )
    def get(self, request: Request, video_id: UUID) -> Response:
        tracks = caption_tracks(visible_video(request, video_id))
        return Response(CaptionTrackSerializer(tracks, many=True, context={"request": request}).data)

    @extend_schema(
        operation_id="upload_captions",
        tags=["captions"],
        summary="Upload captions",
        description="Takes the place of earlier uploaded captions in that language. Automatic ones stay beneath.",
        request={"multipart/form-data": NewCaptionsSerializer},
        responses={201: CaptionTrackSerializer, **refusals(400, 401, 403, 404, 413), **_REFUSED},
    )
    def post(self, request: Request, video_id: UUID) -> Response:
        video = editable_video(request, video_id)
        given = NewCaptionsSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        _store(request, video, given.validated_data["language"], given)
        return _track(request, video, given.validated_data["language"], status.HTTP_201_CREATED)


class CaptionTrackView(APIView):
    """The captions of a video in one language."""

    parser_classes = (CaptionsFormParser, WebVttParser, SubRipParser)

    @extend_schema(
        operation_id="get_captions",
        tags=["captions"],
        summary="Read a caption track",
        description="`forms` holds the addresses of its cues as WebVTT, SubRip, plain text and JSON.",
        parameters=[LANGUAGE],
        responses={200: CaptionTrackSerializer, **refusals(401, 404)},
    )
    def get(self, request: Request, video_id: UUID, language: str) -> Response:
        return _track(request, visible_video(request, video_id), _known(language), status.HTTP_200_OK)

    @extend_schema(
        operation_id="put_captions",
        tags=["captions"],
        summary="Upload captions in this language",
        description="As a form, or with the file as the body.",
        parameters=[LANGUAGE],
        request={
            "multipart/form-data": CaptionsFileSerializer,
            "text/vtt": OpenApiTypes.BINARY,
            "application/x-subrip": OpenApiTypes.BINARY,
        },
        responses={200: CaptionTrackSerializer, **refusals(400, 401, 403, 404, 413), **_REFUSED},
    )
    def put(self, request: Request, video_id: UUID, language: str) -> Response:
        video = editable_video(request, video_id)
        _known(language)
        given = CaptionsFileSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        _store(request, video, language, given)
        return _track(request, video, language, status.HTTP_200_OK)

    @extend_schema(
        operation_id="delete_captions",
        tags=["captions"],
        summary="Delete uploaded captions",
        description="Automatic ones in that language, if there are any, are shown again.",
        parameters=[LANGUAGE],
        responses={204: None, **refusals(401, 403, 404)},
    )
    def delete(self, request: Request, video_id: UUID, language: str) -> Response:
        video = editable_video(request, video_id)
        if not remove_captions(video, _known(language), by=signed_in(request)):
            raise NotFound("There are no uploaded captions in this language.")
        return Response(status=status.HTTP_204_NO_CONTENT)


def _known(language: str) -> str:
    if language not in LANGUAGE_NAMES:
        raise NotFound("There is no such language. Write its ISO 639-1 code, as in `en`.")
    return language


def _store(request: Request, video: Video, language: str, given: CaptionsFileSerializer) -> Transcript:
    file = given.validated_data["file"]
    # One byte more than may be: the verb sees that the file is too large, and we do not hold more of it.
    data = file.read(settings.CAPTIONS_MAX_BYTES + 1)
    return store_captions(video, language=language, data=data, name=file.name, by=signed_in(request))


def _track(request: Request, video: Video, language: str, code: int) -> Response:
    track = served_transcript(video, language)
    if track is None:
        raise NotFound("There are no captions in this language.")
    return Response(CaptionTrackSerializer(track, context={"request": request}).data, status=code)
