"""What moderators decide on."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.api.serializers.given import GivenSerializer
from apps.api.serializers.videos import ProbabilitySerializer
from apps.classification.models import Topic, TopicPrediction
from apps.classification.topics import probabilities_of
from apps.videos.models import Report, Video


class ApprovalSerializer(GivenSerializer):
    """A moderator's yes."""

    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=2_000)


class RejectionSerializer(GivenSerializer):
    """A moderator's no, with the reason that the owner is told."""

    reason = serializers.CharField(max_length=2_000)


class NewReportSerializer(GivenSerializer):
    """A viewer's word that a video needs a moderator's eye."""

    reason = serializers.ChoiceField(choices=Report.Reason.choices)
    details = serializers.CharField(required=False, allow_blank=True, default="", max_length=2_000)


class ReferredVideoSerializer(serializers.ModelSerializer[Video]):
    """Which video a report or a question is about."""

    url = serializers.SerializerMethodField()

    class Meta:
        model = Video
        fields = ("id", "title", "url")
        read_only_fields = fields

    def get_url(self, video: Video) -> str:
        url: str = self.context["request"].build_absolute_uri(reverse("api:video", args=[video.pk]))
        return url


class ReportSerializer(serializers.ModelSerializer[Report]):
    """A report, as its writer and moderators see it."""

    video = ReferredVideoSerializer(read_only=True)
    reporter = serializers.CharField(source="reporter.username", read_only=True, default=None, allow_null=True)
    resolved_by = serializers.CharField(source="resolved_by.username", read_only=True, default=None, allow_null=True)

    class Meta:
        model = Report
        fields = ("id", "video", "reporter", "reason", "details", "created_at", "resolved_at", "resolved_by")
        read_only_fields = fields


class TopicChoiceSerializer(GivenSerializer):
    """The topic that a moderator files a video under."""

    topic = serializers.SlugField(allow_null=True, help_text="A topic's label; null: it is about none of them.")


class PassageSerializer(serializers.Serializer[Any]):
    """Words of the video that spoke for its likeliest topic."""

    text = serializers.CharField()
    start_ms = serializers.IntegerField(allow_null=True, help_text="Null: in the description.")
    probability = serializers.FloatField(help_text="Of that topic, were this all there is.")


class TopicQuestionSerializer(serializers.ModelSerializer[TopicPrediction]):
    """A video whose topic the classifier was too unsure to decide. `context["topics"]` are those of the portal."""

    video = ReferredVideoSerializer(read_only=True)
    probabilities = serializers.SerializerMethodField()
    passages = PassageSerializer(many=True, read_only=True)

    class Meta:
        model = TopicPrediction
        fields = ("video", "probabilities", "passages", "classifier", "created_at")
        read_only_fields = fields

    @extend_schema_field(ProbabilitySerializer(many=True))
    def get_probabilities(self, prediction: TopicPrediction) -> Any:
        """Likeliest first."""
        topics: list[Topic] = self.context["topics"]
        return [ProbabilitySerializer(row).data for row in probabilities_of(prediction, topics)]
