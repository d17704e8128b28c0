"""What moderators decide, and what viewers report to them."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import IsModerator, signed_in, visible_video
from apps.api.errors import ConflictError
from apps.api.parameters import ModerationQueueParameters, ReportListParameters
from apps.api.schema import refusals
from apps.api.serializers.moderation import (
    ApprovalSerializer,
    NewReportSerializer,
    RejectionSerializer,
    ReportSerializer,
    TopicChoiceSerializer,
    TopicQuestionSerializer,
)
from apps.api.serializers.topic_summary import TopicSummarySerializer
from apps.api.serializers.videos import VideoSerializer, with_related
from apps.classification.models import Topic, TopicPrediction
from apps.classification.summary import summary_of
from apps.classification.topics import confirm_topic
from apps.videos import moderation
from apps.videos.models import Report, Video


class ModerationQueueView(GenericAPIView[Video]):
    """Videos by what moderators decided, those that wait longest first."""

    queryset = Video.objects.none()
    serializer_class = VideoSerializer
    permission_classes = (IsModerator,)

    @extend_schema(
        operation_id="list_moderation_queue",
        tags=["moderation"],
        summary="Videos that wait for a moderator",
        parameters=[ModerationQueueParameters],
        responses={200: VideoSerializer(many=True), **refusals(400, 401, 403, 404)},
    )
    def get(self, request: Request) -> Response:
        state = ModerationQueueParameters.of(request)["state"]
        videos = Video.objects.filter(moderation_state=state).order_by("created_at", "id")
        page = self.paginate_queryset(with_related(videos))
        return self.get_paginated_response(VideoSerializer(page, many=True, context={"request": request}).data)


class ApproveView(APIView):
    """A moderator's yes."""

    permission_classes = (IsModerator,)

    @extend_schema(
        operation_id="approve_video",
        tags=["moderation"],
        summary="Publish a video",
        request=ApprovalSerializer,
        responses={200: VideoSerializer, **refusals(400, 401, 403, 404, 409)},
    )
    def post(self, request: Request, video_id: UUID) -> Response:
        video = visible_video(request, video_id)
        given = ApprovalSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        moderation.approve(video, by=signed_in(request), reason=given.validated_data["reason"])
        return _video(request, video)


class RejectView(APIView):
    """A moderator's no."""

    permission_classes = (IsModerator,)

    @extend_schema(
        operation_id="reject_video",
        tags=["moderation"],
        summary="Reject a video",
        description="From then on only its owner, who is told the reason, and moderators can open it.",
        request=RejectionSerializer,
        responses={200: VideoSerializer, **refusals(400, 401, 403, 404, 409)},
        examples=[OpenApiExample("Advertising", value={"reason": "It is advertising."}, request_only=True)],
    )
    def post(self, request: Request, video_id: UUID) -> Response:
        video = visible_video(request, video_id)
        given = RejectionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        moderation.reject(video, by=signed_in(request), reason=given.validated_data["reason"])
        return _video(request, video)


class TopicQueueView(GenericAPIView[TopicPrediction]):
    """Videos whose topic waits for a moderator, those first of which the classifier was least sure."""

    queryset = TopicPrediction.objects.none()
    serializer_class = TopicQuestionSerializer
    permission_classes = (IsModerator,)

    @extend_schema(
        operation_id="list_topics_to_confirm",
        tags=["moderation"],
        summary="Videos whose topic waits for a moderator",
        description="Answer each with `PUT /api/v1/videos/{id}/topic/`.",
        responses={200: TopicQuestionSerializer(many=True), **refusals(401, 403, 404)},
    )
    def get(self, request: Request) -> Response:
        waiting = TopicPrediction.objects.waiting().select_related("video").order_by("probability", "id")
        page = self.paginate_queryset(waiting)
        context = {"request": request, "topics": list(Topic.objects.all())}
        return self.get_paginated_response(TopicQuestionSerializer(page, many=True, context=context).data)


class TopicSummaryView(APIView):
    """What the classifier did with the videos of the portal."""

    permission_classes = (IsModerator,)

    @extend_schema(
        operation_id="get_topic_summary",
        tags=["moderation"],
        summary="Topics in figures",
        description="Shares of topics, outcomes over time, what moderators said, and whether the newest period differs "
        "from the one before. Periods go by when a video was uploaded.",
        responses={200: TopicSummarySerializer, **refusals(401, 403)},
    )
    def get(self, request: Request) -> Response:  # noqa: ARG002 - DRF's signature
        return Response(TopicSummarySerializer(summary_of(timezone.now())).data)


class TopicOfVideoView(APIView):
    """The topic of a video, corrected by a moderator."""

    permission_classes = (IsModerator,)

    @extend_schema(
        operation_id="put_topic",
        tags=["moderation"],
        summary="File a video under a topic",
        description="A later run of the classifier leaves it alone.",
        request=TopicChoiceSerializer,
        responses={200: VideoSerializer, **refusals(400, 401, 403, 404)},
    )
    def put(self, request: Request, video_id: UUID) -> Response:
        video = visible_video(request, video_id)
        given = TopicChoiceSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        label = given.validated_data["topic"]
        topic = None if label is None else Topic.objects.filter(label=label).first()
        if label is not None and topic is None:
            known = ", ".join(Topic.objects.values_list("label", flat=True))
            raise ValidationError({"topic": [f"There is no topic “{label}”. There are: {known}."]})
        confirm_topic(video, topic, by=signed_in(request))
        return _video(request, video)


class ReportsOfVideoView(APIView):
    """A viewer's word that a video needs a moderator's eye."""

    @extend_schema(
        operation_id="report_video",
        tags=["moderation"],
        summary="Report a video",
        description="A second report by the same person takes the place of the first, while that is open.",
        request=NewReportSerializer,
        responses={201: ReportSerializer, **refusals(400, 401, 403, 404)},
        examples=[
            OpenApiExample("Privacy", value={"reason": "privacy", "details": "My door at 1:20."}, request_only=True)
        ],
    )
    def post(self, request: Request, video_id: UUID) -> Response:
        video = visible_video(request, video_id)
        given = NewReportSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        report = moderation.report(video, reporter=signed_in(request), **given.validated_data)
        body = ReportSerializer(report, context={"request": request}).data
        return Response(body, status=status.HTTP_201_CREATED)


class ReportsView(GenericAPIView[Report]):
    """Reports by viewers, newest first."""

    queryset = Report.objects.none()
    serializer_class = ReportSerializer
    permission_classes = (IsModerator,)

    @extend_schema(
        operation_id="list_reports",
        tags=["moderation"],
        summary="Reports by viewers",
        parameters=[ReportListParameters],
        responses={200: ReportSerializer(many=True), **refusals(400, 401, 403, 404)},
    )
    def get(self, request: Request) -> Response:
        is_resolved = ReportListParameters.of(request).get("is_resolved", False)
        reports = Report.objects.filter(resolved_at__isnull=not is_resolved).order_by("-created_at", "id")
        page = self.paginate_queryset(reports.select_related("video", "reporter", "resolved_by"))
        return self.get_paginated_response(ReportSerializer(page, many=True, context={"request": request}).data)


class ResolveReportView(APIView):
    """A report that a moderator has seen to."""

    permission_classes = (IsModerator,)

    @extend_schema(
        operation_id="resolve_report",
        tags=["moderation"],
        summary="Close a report",
        request=None,
        responses={200: ReportSerializer, **refusals(401, 403, 404, 409)},
    )
    def post(self, request: Request, report_id: UUID) -> Response:
        report = Report.objects.select_related("video", "reporter").filter(pk=report_id).first()
        if report is None:
            raise NotFound("There is no such report.")
        if moderation.resolve(report, by=signed_in(request)) is None:
            raise ConflictError("This report is closed already.")
        return Response(ReportSerializer(report, context={"request": request}).data)


def _video(request: Request, video: Video) -> Response:
    current = with_related(Video.objects.filter(pk=video.pk)).get()
    return Response(VideoSerializer(current, context={"request": request}).data)
