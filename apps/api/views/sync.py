"""Lip sync of a video: repaired, and the repair undone."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import editable_video, signed_in
from apps.api.schema import refusals
from apps.api.serializers.sync import AskForRepairSerializer, SyncSerializer
from apps.pipeline.repair import ask_for_repair, ask_for_undo
from apps.pipeline.sync_status import sync_status
from apps.videos.models import Video


class RepairView(APIView):
    """The sound of a video, to be moved by what the check found."""

    @extend_schema(
        operation_id="repair_sync",
        tags=["lip sync"],
        summary="Repair lip sync",
        description="Moves the sound in a copy of the file, without encoding anything anew, and the captions with it. "
        "Refused (409) where nobody can tell by how much, where the sound drifts, and while it is moved or checked: "
        "`repair_refusal` of the video's `sync` says so beforehand. Ask for the video again to see how far it is.",
        request=AskForRepairSerializer,
        responses={202: SyncSerializer, **refusals(400, 401, 403, 404, 409)},
        examples=[OpenApiExample("What was read", value={"offset_ms": 200}, request_only=True)],
    )
    def post(self, request: Request, video_id: UUID) -> Response:
        video = editable_video(request, video_id)
        given = AskForRepairSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        ask_for_repair(video, by=signed_in(request), seen_offset_ms=given.validated_data.get("offset_ms"))
        return _accepted(video)


class UndoView(APIView):
    """A repair of lip sync, to be undone."""

    @extend_schema(
        operation_id="undo_sync_repair",
        tags=["lip sync"],
        summary="Undo the repair of lip sync",
        description="Brings the original file and its captions back; gives up a repair that failed.",
        request=None,
        responses={202: SyncSerializer, **refusals(401, 403, 404, 409)},
    )
    def post(self, request: Request, video_id: UUID) -> Response:
        video = editable_video(request, video_id)
        ask_for_undo(video, by=signed_in(request))
        return _accepted(video)


def _accepted(video: Video) -> Response:
    return Response(SyncSerializer(sync_status(video)).data, status=status.HTTP_202_ACCEPTED)
