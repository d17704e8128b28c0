"""How far a video is, and running a stage again."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import caller, editable_video, signed_in, visible_video
from apps.api.schema import refusals
from apps.api.serializers.stages import ProcessingSerializer
from apps.pipeline.runs import run_again
from apps.pipeline.stages import STAGE_BY_NAME
from apps.pipeline.status import is_processing, overall, stage_views
from apps.videos.models import Video


class StagesView(APIView):
    """The stages of a video."""

    @extend_schema(
        operation_id="get_stages",
        tags=["stages"],
        summary="How far a video is",
        responses={200: ProcessingSerializer, **refusals(401, 404)},
    )
    def get(self, request: Request, video_id: UUID) -> Response:
        return _processing(request, visible_video(request, video_id), status.HTTP_200_OK)


class RunAgainView(APIView):
    """One ended stage of a video, to be run once more."""

    @extend_schema(
        operation_id="run_stage_again",
        tags=["stages"],
        summary="Run a stage again",
        description="And those that build on it. Of the captions, automatic ones alone are made anew.",
        parameters=[OpenApiParameter("stage", OpenApiTypes.STR, OpenApiParameter.PATH, enum=list(STAGE_BY_NAME))],
        request=None,
        responses={202: ProcessingSerializer, **refusals(401, 403, 404, 409)},
    )
    def post(self, request: Request, video_id: UUID, stage: str) -> Response:
        video = editable_video(request, video_id)
        if stage not in STAGE_BY_NAME:
            raise NotFound(f"There is no such stage. There are: {', '.join(STAGE_BY_NAME)}.")
        run_again(video, stage, by=signed_in(request))
        return _processing(request, video, status.HTTP_202_ACCEPTED)


def _processing(request: Request, video: Video, code: int) -> Response:
    processing = {
        "is_processing": is_processing(video),
        "overall": overall(video),
        "stages": stage_views(video, caller(request)),
    }
    return Response(ProcessingSerializer(processing).data, status=code)
