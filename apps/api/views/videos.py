"""Videos: find, upload, read, edit, delete."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import User
from apps.api.access import caller, editable_video, signed_in, visible_video
from apps.api.parameters import VideoListParameters, narrowed
from apps.api.schema import refusals
from apps.api.serializers.videos import (
    EditConflictSerializer,
    EditSerializer,
    UploadRefusedSerializer,
    UploadSerializer,
    VideoDetailSerializer,
    VideoSerializer,
    with_related,
)
from apps.api.throttling import UploadRateThrottle
from apps.pipeline.intake import edit_video, take_in
from apps.videos.editing import delete_video
from apps.videos.models import Video
from apps.videos.uploads import VideoUploadHandler

ME = "me"

_UPLOAD_REFUSALS = {
    409: ("The caller has uploaded this very file already.", "duplicate"),
    413: ("The file is too large for the portal, or for the caller's quota.", "too_large"),
    415: ("The file is no video of a kind that the portal takes, or the request is no form.", "not_a_video"),
    422: (
        "The file is a video, but not one that can be taken: it has no picture, is too long, or is damaged.",
        "too_long",
    ),
    507: ("The portal's disk is full.", "disk_full"),
}


def _upload_refusals() -> dict[int, OpenApiResponse]:
    return {
        code: OpenApiResponse(
            UploadRefusedSerializer,
            description=description,
            examples=[
                OpenApiExample(
                    word, value={"code": word, "detail": description}, response_only=True, status_codes=[str(code)]
                )
            ],
        )
        for code, (description, word) in _UPLOAD_REFUSALS.items()
    }


class VideosView(GenericAPIView[Video]):
    """All videos that the caller may find, and the place to bring a new one to."""

    queryset = Video.objects.none()
    serializer_class = VideoSerializer
    parser_classes = (MultiPartParser,)

    def get_throttles(self) -> list[Any]:
        return [*super().get_throttles(), UploadRateThrottle()]

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Says how the file is to be received, before anything (CSRF's check among it) reads the body."""
        self._handler = VideoUploadHandler(request)
        if request.method == "POST":
            request.upload_handlers = [self._handler]
            session_user = getattr(request, "user", None)
            self._handler.owner = session_user if isinstance(session_user, User) else None
        return super().initialize_request(request, *args, **kwargs)

    @extend_schema(
        operation_id="list_videos",
        tags=["videos"],
        summary="List videos",
        description="What the caller may find: public, published videos, and their own. A name in `owner` shows what "
        "the caller may find of that person's; `me` the caller's own, whatever their state.",
        parameters=[VideoListParameters],
        responses={200: VideoSerializer(many=True), **refusals(400, 401, 404)},
    )
    def get(self, request: Request) -> Response:
        filters = VideoListParameters.of(request)
        videos = Video.objects.listed_for(caller(request))
        owner = filters.get("owner")
        if owner == ME:
            videos = videos.owned_by(signed_in(request))
        elif owner is not None:
            videos = videos.filter(owner__username=owner)
        page = self.paginate_queryset(with_related(narrowed(videos, filters)))
        return self.get_paginated_response(VideoSerializer(page, many=True, context={"request": request}).data)

    @extend_schema(
        operation_id="upload_video",
        tags=["videos"],
        summary="Upload a video",
        description="The file is checked at once; then its stages run one after the other: see `stages` in its links. "
        "`Location` is the new video's address.",
        request={"multipart/form-data": UploadSerializer},
        responses={
            201: OpenApiResponse(VideoSerializer, description="Taken in; its stages are queued."),
            **refusals(400, 401, 403),
            **_upload_refusals(),
        },
    )
    def post(self, request: Request) -> Response:
        owner = signed_in(request)
        self._handler.owner = owner  # known only now, where a token was sent
        given = UploadSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        video = take_in(given.validated_data["file"], owner=owner, details=given.details())
        body = VideoSerializer(with_related(Video.objects.filter(pk=video.pk)).get(), context={"request": request}).data
        location = request.build_absolute_uri(reverse("api:video", args=[video.pk]))
        return Response(body, status=status.HTTP_201_CREATED, headers={"Location": location})


class VideoView(APIView):
    """One video."""

    @extend_schema(
        operation_id="get_video",
        tags=["videos"],
        summary="Read a video",
        responses={200: VideoDetailSerializer, **refusals(401, 404)},
    )
    def get(self, request: Request, video_id: UUID) -> Response:
        video = visible_video(request, video_id, with_related(Video.objects.all()))
        return Response(VideoDetailSerializer(video, context={"request": request}).data)

    @extend_schema(
        operation_id="edit_video",
        tags=["videos"],
        summary="Edit a video",
        description="Only the fields that are sent change. `revision` is that of the video as the caller last read it: "
        "if somebody changed it since, nothing is saved, and the answer holds its current state.",
        request=EditSerializer,
        responses={
            200: VideoDetailSerializer,
            **refusals(400, 401, 403, 404),
            409: OpenApiResponse(EditConflictSerializer, description="Somebody changed it since."),
        },
        examples=[
            OpenApiExample("A new title", value={"revision": 1, "title": "The harbour at night"}, request_only=True)
        ],
    )
    def patch(self, request: Request, video_id: UUID) -> Response:
        editor = signed_in(request)
        video = editable_video(request, video_id)
        given = EditSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        if len(given.validated_data) == 1:
            raise ValidationError("Send at least one field to change, beside `revision`.")
        edit_video(video, revision=given.validated_data["revision"], editor=editor, details=given.details(video))
        return self.get(request, video_id)

    @extend_schema(
        operation_id="delete_video",
        tags=["videos"],
        summary="Delete a video",
        description="With all its files and captions. It cannot be undone.",
        responses={204: None, **refusals(401, 403, 404)},
    )
    def delete(self, request: Request, video_id: UUID) -> Response:
        delete_video(editable_video(request, video_id), by=signed_in(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
